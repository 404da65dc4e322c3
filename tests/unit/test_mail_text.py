"""What is new in a mail: tables of what mail programs make of a reply in three languages."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botsvc.sinks.mail_text import reply_text, text_of_html

OLD = "> Hei Matti!\n>\n> Uusi kortti on postissa.\n"
BARE = "Hei Matti!\n\nUusi kortti on postissa.\n"


@pytest.mark.parametrize(
    "below",
    [
        # Gmail, Apple Mail, Thunderbird: an attribution, then marked quotes
        f"ma 2. marrask. 2026 klo 10.00 Yritys Oy (support@help.test) kirjoitti:\n\n{OLD}",
        f"Yritys Oy <support@help.test> kirjoitti 2.11.2026 kello 10.00:\n\n{OLD}",
        "Yritys Oy <support+c-aaaaaaaaaaaaaaaaaaaaaaaaaa-bbbbbbbbbbbbbbbb@help.test>\n"
        f"kirjoitti ma 2.11.2026 klo 10.00:\n{OLD}",
        f"2.11.2026 10.00, Liisa kirjoitti:\n{OLD}",
        f"Den mån 2 nov. 2026 kl 10:00 skrev Yritys Oy <support@help.test>:\n\n{OLD}",
        f"2 nov. 2026 kl. 10:00 skrev Yritys Oy <support@help.test>:\n\n{OLD}",
        f"Den 2026-11-02 kl. 10:00, skrev Liisa:\n{OLD}",
        f"On Mon, 2 Nov 2026 at 10:00, Yritys Oy <support@help.test> wrote:\n\n{OLD}",
        f"On Mon, 2 Nov 2026 at 10:00, Yritys Oy\n<support@help.test>\nwrote:\n\n{OLD}",
        f"On 02/11/2026 10:00, Liisa wrote:\n{OLD}",
        OLD,
        # The same from clients that do not mark what they quote
        f"On Mon, 2 Nov 2026 at 10:00, Yritys Oy <support@help.test> wrote:\n{BARE}",
        f"ma 2. marrask. 2026 klo 10.00 Yritys Oy (support@help.test) kirjoitti:\n{BARE}",
        # Outlook
        "Lähettäjä: Yritys Oy <support@help.test>\n"
        "Lähetetty: maanantai 2. marraskuuta 2026 10.00\n"
        f"Vastaanottaja: Matti <matti@mail.test>\nAihe: Vastaus kysymykseesi\n\n{BARE}",
        "________________________________\nLähettäjä: Yritys Oy <support@help.test>\n"
        f"Lähetetty: maanantai 2. marraskuuta 2026 10.00\nAihe: Vastaus kysymykseesi\n\n{BARE}",
        "Från: Yritys Oy <support@help.test>\nSkickat: den 2 november 2026 10:00\n"
        f"Till: Matti\nÄmne: Svar på din fråga\n\n{BARE}",
        "From: Yritys Oy <support@help.test>\nSent: Monday, November 2, 2026 10:00 AM\n"
        f"To: Matti\nSubject: Reply\n\n{BARE}",
        "*From:* Yritys Oy <support@help.test>\n*Sent:* Monday, November 2, 2026\n"
        f"*To:* Matti\n*Subject:* Reply\n\n{BARE}",
        f"-----Alkuperäinen viesti-----\n{BARE}",
        f"-----Ursprungligt meddelande-----\n{BARE}",
        f"-----Original Message-----\n{BARE}",
        f"-------- Alkuperäinen viesti --------\n{BARE}",
        f"---------- Forwarded message ---------\n{BARE}",
        # Signatures, and what phones put below
        "-- \nMatti Meikäläinen\nPuh. 040 123 4567\n",
        f"--\nMatti\n\n2.11.2026 10.00, Liisa kirjoitti:\n{OLD}",
        "Lähetetty iPhonesta\n",
        "Sent from my iPhone\n",
        "Skickat från min iPhone\n",
        "Hanki Outlook for Android\n\n________________________________\n"
        f"From: Yritys Oy <support@help.test>\nSent: Monday\nTo: Matti\n\n{BARE}",
        "",
    ],
)
@pytest.mark.parametrize(
    "new", ["Kiitos!\n\nMilloin se tulee?", "Tack! När kommer det?", "Thanks. When is it due?"]
)
def test_only_what_is_new_stays(new: str, below: str) -> None:
    assert reply_text(f"{new}\n\n{below}") == new
    assert reply_text(f"{new}\r\n\r\n{below}".replace("\n", "\r\n").replace("\r\r", "\r")) == new


@pytest.mark.parametrize(
    "text",
    [
        "Liisa kirjoitti minulle, että kortti on hukassa.",
        "From: on väärä sana tässä.",
        "Aihe: kortti\nHei, kortti on hukassa.",
        "Matti kirjoitti: hei",
        "Kortti -- se punainen -- on hukassa.",
        "On Monday I wrote to you.",
        "Skickat? Nej, jag har inte fått något.",
        "Hinta on 5 > 3 euroa",
        "1. Avaa\n2. Sulje\n\n- yksi\n- kaksi",
    ],
)
def test_what_only_looks_like_a_quote_stays(text: str) -> None:
    assert reply_text(text) == text


def test_answers_between_quoted_lines_and_below_them_stay() -> None:
    between = "2.11.2026 10.00, Liisa kirjoitti:\n> Onko kortti hukassa?\nOn.\n> Missä?\nTampereella.\n"
    assert reply_text(between) == "On.\nTampereella."
    assert reply_text(f"{OLD}\nKiitos!") == "Kiitos!"


def test_a_mail_of_ours_is_history_however_it_is_quoted() -> None:
    ours = "Asiakas odottaa vastausta."
    text = f"Kortti on postissa.\n\nAm Montag schrieb Yritys:\n\n  {ours}\nPuhelin: 040 123 4567"
    assert ours not in reply_text(text, own_lines={ours})
    assert "040" not in reply_text(text, own_lines={ours})
    assert reply_text(text, own_lines={ours}).startswith("Kortti on postissa.")


def test_nothing_new_is_nothing() -> None:
    assert reply_text(OLD) == ""
    assert reply_text("") == ""
    assert reply_text(f"-----Original Message-----\n{BARE}") == ""


def test_html_becomes_readable_lines_and_its_quotes_are_marked() -> None:
    source = """<html><head><title>x</title><style>p { color: red }</style></head><body>
    <div>Hei&nbsp;Liisa &amp; muut,<br>kortti on <b>hukassa</b>.</div><p>T: Matti</p>
    <ul><li>yksi</li><li>kaksi</li></ul><script>alert(1)</script>
    <div class="gmail_quote"><div>ma 2. marrask. 2026 klo 10.00 Yritys (s@help.test) kirjoitti:</div>
    <blockquote><p>Vanha <blockquote>vanhempi</blockquote></p></blockquote></div></body></html>"""
    text = text_of_html(source)
    assert text.startswith("Hei Liisa & muut,\nkortti on hukassa.\n\nT: Matti\n- yksi\n- kaksi\n")
    assert "> Vanha" in text
    assert ">> vanhempi" in text
    assert "alert" not in text
    assert "color" not in text
    assert reply_text(text) == "Hei Liisa & muut,\nkortti on hukassa.\n\nT: Matti\n- yksi\n- kaksi"


def test_outlooks_html_without_marks_is_cut_at_its_headers() -> None:
    source = """<div>Kiitos!</div><div id="divRplyFwdMsg"><hr><b>Lähettäjä:</b> Yritys &lt;s@help.test&gt;<br>
    <b>Lähetetty:</b> maanantai<br><b>Vastaanottaja:</b> Matti<br><b>Aihe:</b> Kortti</div><div>Vanha</div>"""
    assert reply_text(text_of_html(source)) == "Kiitos!"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_any_text_and_any_html_is_survived(text: str) -> None:
    assert len(reply_text(text)) <= len(text)
    text_of_html(text)
    text_of_html(f"<blockquote>{text}</p></blockquote></blockquote>")
