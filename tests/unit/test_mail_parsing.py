"""Mails as they come: charsets, HTML, attachments, broken headers, delivery reports."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botsvc.sinks.incoming_mail import is_auto_reply
from botsvc.sinks.mail_parsing import Attachment, parse_mail


def raw(*headers: str, body: bytes = b"Hei") -> bytes:
    lines = (
        [*headers]
        if any(one.lower().startswith("from:") for one in headers)
        else ["From: a@x.test", *headers]
    )
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    ("charset", "body"),
    [
        ("utf-8", "Päivää, ääkkönen €".encode()),
        ("iso-8859-1", "Päivää, ääkkönen".encode("iso-8859-1")),
        ("windows-1252", "Päivää, ääkkönen €".encode("windows-1252")),
        ("iso-8859-15", "Päivää, ääkkönen €".encode("iso-8859-15")),
        ("us-ascii", "Päivää, ääkkönen".encode("iso-8859-1")),  # says less than it has
        ("utf-8", "Päivää, ääkkönen".encode("windows-1252")),  # says what it is not
        ("x-unknown", "Päivää, ääkkönen".encode()),
        ('"', "Päivää, ääkkönen".encode()),
    ],
)
def test_whatever_charset_is_said_the_text_is_readable(charset: str, body: bytes) -> None:
    found = parse_mail(raw(f"Content-Type: text/plain; charset={charset}", body=body))
    assert found.text.startswith("Päivää, ääkkönen")


def test_headers_are_decoded_and_made_safe() -> None:
    found = parse_mail(
        raw(
            "From: =?iso-8859-1?Q?Matti_Meik=E4l=E4inen?= <Matti@Mail.TEST>",
            "To: a@x.test, =?utf-8?B?w6RpdGk=?= <B@x.test>",
            "Cc: c@x.test",
            "Subject: =?utf-8?Q?Hei_=C3=A4iti?=\r\n =?utf-8?Q?_ja_=0D=0Amuut?=",
            "Message-ID: <1@mail.test>",
            "In-Reply-To: <0@help.test>",
            "References: <8@help.test>\r\n <9@help.test> <0@help.test>",
            "Date: Mon, 2 Nov 2026 10:00:00 +0200",
        )
    )
    assert (found.sender, found.sender_name) == ("matti@mail.test", "Matti Meikäläinen")
    assert found.recipients == ("a@x.test", "b@x.test", "c@x.test")
    assert found.subject == "Hei äiti ja muut"
    assert found.message_id == "<1@mail.test>"
    assert found.references == ("<0@help.test>", "<9@help.test>", "<8@help.test>")
    assert found.sent_at is not None
    assert found.sent_at.isoformat() == "2026-11-02T08:00:00+00:00"


@pytest.mark.parametrize(
    "headers",
    [
        ("From: ", "Subject: =?utf-8?B?!!!?=", "Date: yesterday", "Message-ID: nothing"),
        (
            "From: a@x.test, b@x.test",
            "Content-Type: multipart/mixed",
            "Date: Mon, 99 Nov 2026 10:00:00 +9999",
        ),
        ("From: <<<a@x.test>>>", "Content-Type: ;;;", "Content-Transfer-Encoding: base64"),
        (
            "From: =?x-none?Q?a?= <a@x.test>",
            "Content-Type: text/plain; charset*=''x",
            "References: <" + "a" * 3000 + ">",
        ),
    ],
)
def test_broken_headers_are_survived(headers: tuple[str, ...]) -> None:
    found = parse_mail(raw(*headers))
    assert found.message_id.startswith("<")
    assert len(found.message_id) <= 500
    assert all(len(one) <= 500 for one in found.references)


def test_without_a_message_id_the_content_is_its_name() -> None:
    one, same, other = (parse_mail(raw(body=body)).message_id for body in (b"a", b"a", b"b"))
    assert one == same != other


def test_of_html_alone_the_text_is_read_and_files_are_named() -> None:
    message = EmailMessage()
    message["From"] = "a@x.test"
    message.set_content("<p>Hei <b>vaan</b></p><blockquote>vanha</blockquote>", subtype="html")
    message.add_attachment(b"12345", maintype="application", subtype="pdf", filename="lasku ä.pdf")
    message.add_attachment("teksti", filename="muistio.txt")
    found = parse_mail(message.as_bytes())
    assert found.text == "Hei vaan"
    assert found.attachments == (
        Attachment(name="lasku ä.pdf", kind="application/pdf", size=5),
        Attachment(name="muistio.txt", kind="text/plain", size=7),
    )


def test_of_two_alternatives_the_plain_one_is_read() -> None:
    message = EmailMessage()
    message.set_content("selvä")
    message.add_alternative("<p>merkitty</p>", subtype="html")
    assert parse_mail(message.as_bytes()).text == "selvä"


REPORT = b"""From: MAILER-DAEMON@mail.test
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.test

Final-Recipient: rfc822; matti@mail.test
Action: ACTION
Status: 5.1.1

--b
Content-Type: ORIGINAL

Message-ID: <message.c_1.3@help.test>
Subject: Vastaus

--b--
"""


@pytest.mark.parametrize("original", [b"message/rfc822", b"text/rfc822-headers"])
@pytest.mark.parametrize("action", [b"failed", b"delayed"])
def test_delivery_reports_say_whom_and_which_mail_they_are_about(action: bytes, original: bytes) -> None:
    found = parse_mail(REPORT.replace(b"ACTION", action).replace(b"ORIGINAL", original))
    assert found.report == action.decode()
    assert found.failed == ("matti@mail.test",)
    assert "<message.c_1.3@help.test>" in found.references


@pytest.mark.parametrize(
    ("header", "machine"),
    [
        ("Auto-Submitted: auto-replied", True),
        ("Auto-Submitted: auto-generated; x=y", True),
        ("Auto-Submitted: no", False),
        ("Precedence: auto_reply", True),
        ("Precedence: bulk", True),
        ("Precedence: normal", False),
        ("X-Autoreply: yes", True),
        ("Return-Path: <>", True),
        ("Return-Path: <a@x.test>", False),
        ("Subject: Automaattinen vastaus: Kortti", True),
        ("Subject: Poissa: Kortti", True),
        ("Subject: Autosvar: Kort", True),
        ("Subject: Automatiskt svar: Kort", True),
        ("Subject: =?utf-8?Q?Fr=C3=A5nvaro=3A_Kort?=", True),
        ("Subject: Automatic reply: Card", True),
        ("Subject: Out of office", True),
        ("Subject: Re: Vastaus kysymykseesi", False),
        ("Subject: Poissa pelistä", False),
    ],
)
def test_machines_that_answer_are_told_from_people(header: str, machine: bool) -> None:
    assert is_auto_reply(parse_mail(raw(header))) is machine


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=600),
    st.sampled_from([b"", b"Content-Type: multipart/report; boundary=b\r\n", b"From: "]),
)
def test_any_bytes_are_a_mail(source: bytes, start: bytes) -> None:
    found = parse_mail(start + source)
    assert found.message_id.startswith("<")
    assert "\x00" not in found.text + found.subject + found.sender_name
