"""Mail through real servers: what teams and customers get, and how their replies come back."""

from __future__ import annotations

import json
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from botsvc.errors import Refused, Unreachable
from botsvc.events import CUSTOMER, CustomerMessage, Event
from botsvc.mail_settings import EmailSinkSettings, MailSettings
from botsvc.outbox import Accepted, OutboxPolicy, OutboxWorker, Sink
from botsvc.sinks.email import CustomerMailSink, EmailSink, MailHouse
from botsvc.sinks.incoming_mail import (
    AutoReply,
    Bounce,
    CustomerMail,
    Ignored,
    IgnoredReason,
    IncomingMail,
    MailSorter,
    StaffReply,
)
from botsvc.sinks.mail_reader import MailReader
from botsvc.sinks.reply_tags import ReplyTags
from botsvc.storage import Storage, open_storage
from botsvc.texts import load_texts
from tests.integration.mail_server import MailServers, serving
from tests.integration.outbox_rows import NOW, add, document, handoff_delivery, message_delivery

ROOT = Path(__file__).parents[2]
TAGS = ReplyTags("a key of this installation")
TEAMS = {"cards": "team@help.test", "benefits": "maija@help.test"}


@pytest.fixture(scope="module")
def servers() -> Iterator[MailServers]:
    with serving() as found:
        yield found


@pytest.fixture
def mail(servers: MailServers) -> MailServers:
    servers.clear()
    return servers


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    store = open_storage(f"sqlite:///{tmp_path / 'helppari.sqlite'}")
    yield store
    store.close()


def house(settings: MailSettings) -> MailHouse:
    return MailHouse(
        settings=settings,
        site="Ohjeet",
        texts=load_texts(),
        zone=ZoneInfo("Europe/Helsinki"),
        tags=TAGS,
        clock=lambda: NOW,
    )


def team_sink(settings: MailSettings, *, language: str = "fi") -> EmailSink:
    return EmailSink(
        house(settings),
        EmailSinkSettings(to="support@help.test"),
        language=language,
        address_of=lambda team: TEAMS.get(team, ""),
        link_of=lambda conversation: f"https://help.test/desk/conversations/{conversation}",
    )


def deliver_all(storage: Storage, *sinks: Sink) -> None:
    worker = OutboxWorker(
        storage,
        {one.name: one for one in sinks},
        clock=lambda: NOW + timedelta(seconds=1),
        rng=random.Random(1),
    )
    for one in sinks:
        while worker.run_once(one.name):
            pass


class Inbox:
    """Reads the mailbox and keeps what came."""

    def __init__(self, settings: MailSettings, storage: Storage) -> None:
        self.incoming: list[IncomingMail] = []
        self.fails = 0
        sorter = MailSorter(settings, TAGS, team_addresses=lambda: [*TEAMS.values(), "support@help.test"])
        self.reader = MailReader(
            settings, storage, sorter, on_mail=self.take, clock=lambda: datetime.now(UTC)
        )

    def take(self, incoming: IncomingMail) -> str | None:
        if self.fails:
            self.fails -= 1
            raise ValueError("Matti Meikäläinen")
        self.incoming.append(incoming)
        return "c_1" if isinstance(incoming, CustomerMail) else None

    def next(self) -> IncomingMail:
        """The next mail; waits until it is there."""
        until = time.monotonic() + 10
        before = len(self.incoming)
        while len(self.incoming) == before:
            assert time.monotonic() < until, "no mail came"
            self.reader.read_once()
            time.sleep(0.02)
        return self.incoming[before]


def answer(to: EmailMessage, text: str, *, sender: str, html: str = "", tag: bool = True) -> EmailMessage:
    """What a mail program makes of a reply."""
    reply = EmailMessage()
    reply["From"] = sender
    reply["To"] = str(to["Reply-To"] if tag else to["From"])
    reply["Subject"] = f"Re: {to['Subject']}"
    reply["Message-ID"] = f"<{abs(hash((text, sender)))}.{time.monotonic_ns()}@mail.test>"
    reply["In-Reply-To"] = str(to["Message-ID"])
    reply["References"] = f"{to['References'] or ''} {to['Message-ID']}".strip()
    reply.set_content(text)
    if html:
        reply.add_alternative(html, subtype="html")
    return reply


def body(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def quoted(message: EmailMessage) -> str:
    return "\n".join(f"> {line}" for line in body(message).splitlines())


def test_a_team_gets_everything_that_came_with_a_handoff(mail: MailServers) -> None:
    result = team_sink(mail.settings()).deliver(handoff_delivery(1, sink="email"))
    assert result == Accepted(message_id="<handoff.h_1.1@help.test>", what="handoff")
    (message,) = mail.mails("team")
    assert message["Message-ID"] == "<handoff.h_1.1@help.test>"
    assert message["From"] == "Yritys Oy <support@help.test>"
    assert message["Subject"] == "[Ohjeet] Hukkasin korttini <b>Tampereella</b> & hätä on suuri"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] is None
    text = body(message)
    for expected in (
        "Asiakas odottaa vastausta.",
        "https://help.test/desk/conversations/c_1",
        "Sähköposti: matti@mail.test",
        "Puhelin: 040 123 4567",
        "Soittopyyntö: 040 123 4567, iltapäivällä, odottaa",
        "Missä kortti katosi?: Tampereella",
        "Milloin?: asiakas ohitti kysymyksen",
        "Henkilötunnus: arkaluonteinen, näkyy vain työpisteessä",
        "2.11.2026 klo 9.57 Asiakas: Hukkasin korttini <b>Tampereella</b> & hätä on suuri\n    Mitä teen?",
        "2.11.2026 klo 9.57 Automaattinen palvelu: Sulje kortti sovelluksessa.",
        "Asiakas: [painike: Haluan asiakaspalvelijalle]",
        "Kadonnut kortti: vastauksena, varmuus 91 %, asiakas avasi, asiakas hylkäsi",
        "https://help.test/fi/lost-card#lead",
        "Tunnusluku: lisäohjeena",
        "Vastaus luvattu viimeistään: 2.11.2026 klo 12.00",
        "Syy: asiakas pyysi ihmistä",
        "Asiakkaan kieli: suomi",
        "Aihe: Kortti",
        "Tunnistettu asiakas: Matti Meikäläinen (u-77, employee)",
        "Asiakasryhmä (asiakkaan ilmoittama): Työntekijä",
        "Sivu: https://www.help.test/kortit fi-FI",
        "30.10.2026 klo 12.00: asiakas sai avun",
    ):
        assert expected in text
    markup = body(message, "html")
    assert "Hukkasin korttini &lt;b&gt;Tampereella&lt;/b&gt; &amp; hätä on suuri<br>" in markup
    assert "<b>Tampereella" not in markup
    (attached,) = message.iter_attachments()
    assert attached.get_filename() == "h_1-1.json"
    assert json.loads(attached.get_content()) == document(1)


def test_sensitive_answers_never_leave_by_mail(mail: MailServers) -> None:
    secret = {
        "field": "code",
        "label": "Henkilötunnus",
        "value": "131052-308T",
        "skipped": False,
        "sensitive": True,
    }
    team_sink(mail.settings()).deliver(handoff_delivery(1, sink="email", facts=[secret]))
    (message,) = mail.mails("team")
    (attached,) = message.iter_attachments()
    everything = body(message) + body(message, "html") + attached.get_content().decode()
    assert "131052" not in everything
    assert "Henkilötunnus" in everything


def test_revisions_thread_and_go_to_the_team_that_has_them(mail: MailServers) -> None:
    sink = team_sink(mail.settings(), language="sv")
    sink.deliver(handoff_delivery(1, sink="email", team=None, priority="crisis"))
    sink.deliver(handoff_delivery(2, sink="email", team="benefits"))
    sink.deliver(handoff_delivery(3, sink="email", team="benefits", state="withdrawn"))
    (first,) = mail.mails("support")
    second, third = mail.mails("maija", count=2)
    assert first["Subject"].startswith("[Ohjeet] BRÅDSKANDE: Hukkasin")
    assert (first["Importance"], second["Importance"]) == ("high", None)
    assert "BRÅDSKANDE: någon kan vara i fara" in body(first)
    for later in (second, third):
        assert later["In-Reply-To"] == later["References"] == "<handoff.h_1.1@help.test>"
        assert later["Subject"].startswith("Re: [Ohjeet] Hukkasin")
        assert "Uppgifterna har ändrats." in body(later)
    assert "En kund väntar på svar." in body(second)
    assert "Kunden behöver inte längre hjälp" in body(third)
    assert "När du svarar" in body(second)
    assert "När du svarar" not in body(third)


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
def test_connections_are_encrypted_as_configured(mail: MailServers, security: str) -> None:
    settings = mail.settings(
        smtp_security=security,
        smtp_port=mail.tls if security == "tls" else mail.smtp,
        smtp_user="" if security == "none" else "support",
    )
    team_sink(settings).deliver(handoff_delivery(1, sink="email"))
    (message,) = mail.mails("team")
    assert ("esmtpsa" in str(message["Received"])) == (security != "none")


def test_what_servers_say_becomes_one_of_our_errors(mail: MailServers) -> None:
    def said(to: str = "team@help.test", **changes: object) -> tuple[type[Exception], bool, str]:
        sink = EmailSink(
            house(mail.settings(**changes)),
            EmailSinkSettings(to=to),
            language="en",
            address_of=lambda team: "",
        )
        with pytest.raises((Refused, Unreachable)) as caught:
            sink.deliver(handoff_delivery(1, sink="email"))
        return type(caught.value), getattr(caught.value, "permanent", False), str(caught.value)

    name = "the mail server localhost"
    assert said(to="nobody@help.test") == (Refused, True, f"{name} refused the recipient (550)")
    assert said(to="later@help.test") == (Refused, False, f"{name} refused the recipient (451)")
    refused = said(smtp_password="wrong")
    assert refused == (Refused, False, f"{name} refused the password (535): check [mail] smtp_user")
    assert said(ca_file=None) == (Unreachable, False, f"{name} cannot be used (SSLCertVerificationError)")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert said(smtp_port=port) == (Unreachable, False, f"{name} cannot be used (ConnectionRefusedError)")
        held.listen()
        stalled = said(smtp_port=port, timeout_seconds=1)
        assert stalled == (Unreachable, False, f"{name} cannot be used (SMTPServerDisconnected)")


def test_an_address_that_is_none_is_refused_for_good(mail: MailServers, storage: Storage) -> None:
    sink = CustomerMailSink(house(mail.settings()), storage)
    for to in ("", "matti", "matti@", "a b@help.test", "matti@help.test\nBcc: maija@help.test"):
        with pytest.raises(Refused) as caught:
            sink.deliver(message_delivery(3, text="Hei", name="Liisa", language="fi", to=to))
        assert caught.value.permanent
        assert "matti" not in str(caught.value)


def test_a_persons_reply_to_a_handoffs_mail_comes_back_without_what_it_quotes(
    mail: MailServers, storage: Storage
) -> None:
    add(storage, handoff_delivery(1, sink="email"))
    deliver_all(storage, team_sink(mail.settings()))
    (message,) = mail.mails("team")
    above = "Hei Matti!\n\nUusi kortti on jo postissa.\n\nma 2.11.2026 klo 10.00 Yritys Oy kirjoitti:"
    text = f"{above}\n{quoted(message)}\n"
    mail.send(answer(message, text, sender="team@help.test"), sender="team@help.test", to=address(message))
    inbox = Inbox(mail.settings(), storage)
    reply = inbox.next()
    assert isinstance(reply, StaffReply)
    assert (reply.conversation_id, reply.mail.text) == ("c_1", "Hei Matti!\n\nUusi kortti on jo postissa.")
    assert inbox.reader.read_once() == 0
    with mail.open("support") as client:
        client.select_folder("INBOX")
        assert client.search("UNSEEN") == []


def test_only_the_team_can_answer_for_the_team(mail: MailServers, storage: Storage) -> None:
    add(storage, handoff_delivery(1, sink="email"))
    deliver_all(storage, team_sink(mail.settings()))
    (message,) = mail.mails("team")
    to, inbox = address(message), Inbox(mail.settings(), storage)
    mail.send(answer(message, "Moi", sender="stranger@elsewhere.test"), sender="x@elsewhere.test", to=to)
    stranger = inbox.next()
    assert isinstance(stranger, Ignored)
    assert (stranger.reason, stranger.conversation_id) == (IgnoredReason.UNKNOWN_SENDER, "c_1")
    mail.send(answer(message, "Minä se olen", sender="Matti@mail.test"), sender="matti@mail.test", to=to)
    customer = inbox.next()  # somebody has forwarded the team's mail
    assert isinstance(customer, CustomerMail)
    assert (customer.conversation_id, customer.sender_known) == ("c_1", True)
    only_quotes = answer(message, quoted(message), sender="team@help.test")
    mail.send(only_quotes, sender="team@help.test", to=to)
    empty = inbox.next()
    assert isinstance(empty, Ignored)
    assert empty.reason == IgnoredReason.EMPTY


def address(message: EmailMessage) -> str:
    return str(message["Reply-To"]).strip("<>")


@pytest.mark.parametrize(
    ("language", "subject", "wrote", "hint", "reply", "attribution"),
    [
        (
            "fi",
            "Vastaus kysymykseesi",
            "Kirjoitit meille:",
            "Voit vastata suoraan",
            "Kiitos!",
            "Liisa kirjoitti 2.11.2026 klo 10.00:",
        ),
        (
            "sv",
            "Svar på din fråga",
            "Du skrev till oss:",
            "Du kan svara direkt",
            "Tack!",
            "Den mån 2 nov. 2026 kl 10:00 skrev Liisa <s@help.test>:",
        ),
        (
            "en",
            "Reply to your question",
            "You wrote to us:",
            "You can reply to this message",
            "Thanks!",
            "On Mon, 2 Nov 2026 at 10:00, Liisa <s@help.test> wrote:",
        ),
    ],
)
def test_a_customer_gets_a_persons_message_and_answers_it(
    mail: MailServers,
    storage: Storage,
    language: str,
    subject: str,
    wrote: str,
    hint: str,
    reply: str,
    attribution: str,
) -> None:
    first = message_delivery(
        3, text="Hei <Matti>!\n\nKortti tulee.", name="Liisa", language=language, to="matti@mail.test"
    )
    again = message_delivery(5, text="Se lähti.", name="Liisa", language=language, to="matti@mail.test")
    add(storage, first)
    said = CustomerMessage(client_message_id="1", text="Missä korttini on?\nTarvitsen sitä.")
    with storage.write() as writing:
        conversation = writing.lock("c_1")
        assert conversation is not None
        writing.append(
            conversation, [Event(sequence=1, episode=1, at=NOW, actor=CUSTOMER, cause=None, fact=said)]
        )
    sink = CustomerMailSink(house(mail.settings()), storage)
    deliver_all(storage, sink)
    (message,) = mail.mails("matti")
    assert message["Message-ID"] == "<message.c_1.3@help.test>"
    assert message["Subject"] == f"{subject} – Yritys Oy"
    assert str(message["From"]) == '"Liisa, Yritys Oy" <support@help.test>'
    text = body(message)
    assert text.startswith("Hei <Matti>!\n\nKortti tulee.\n\nLiisa\nYritys Oy\n")
    assert f"{wrote}\n> Missä korttini on?\n> Tarvitsen sitä.\n" in text
    assert hint in text
    assert "Hei &lt;Matti&gt;!" in body(message, "html")

    mail.send(
        answer(message, f"{reply}\n\n{attribution}\n{quoted(message)}", sender="matti@mail.test"),
        sender="matti@mail.test",
        to=address(message),
    )
    inbox = Inbox(mail.settings(), storage)
    came = inbox.next()
    assert isinstance(came, CustomerMail)
    assert (came.conversation_id, came.sender_known, came.mail.text) == ("c_1", True, reply)

    add(storage, again)
    deliver_all(storage, sink)
    later = mail.mails("matti", count=2)[1]
    assert later["Subject"] == f"Re: {subject} – Yritys Oy"
    assert later["In-Reply-To"] == came.mail.message_id
    assert str(later["References"]).split() == ["<message.c_1.3@help.test>", came.mail.message_id]


def test_a_reply_without_its_tag_is_found_by_what_it_replies_to(mail: MailServers, storage: Storage) -> None:
    settings = mail.settings(reply_to="support@help.test")
    add(storage, message_delivery(3, text="Hei", name="Liisa", language="fi", to="matti@mail.test"))
    deliver_all(storage, CustomerMailSink(house(settings), storage))
    (message,) = mail.mails("matti")
    assert str(message["Reply-To"]) == "support@help.test"
    reply = answer(message, "Kiitos", sender="matti@private.test", tag=False)
    mail.send(reply, sender="matti@private.test", to="support@help.test")
    inbox = Inbox(settings, storage)
    came = inbox.next()
    assert isinstance(came, CustomerMail)
    assert (came.conversation_id, came.sender_known) == ("c_1", False)
    forged = answer(message, "Hei", sender="eve@evil.test", tag=False)
    del forged["In-Reply-To"], forged["References"], forged["To"]
    forged["To"] = TAGS.make("customer", "c_1").join(["support+", "x@help.test"])
    mail.send(forged, sender="eve@evil.test", to="support@help.test")
    new = inbox.next()
    assert isinstance(new, CustomerMail)
    assert new.conversation_id is None


def test_a_real_bounce_leads_back_to_its_conversation(mail: MailServers, storage: Storage) -> None:
    add(storage, message_delivery(3, text="Hei", name="Liisa", language="fi", to="bounce@mail.test"))
    deliver_all(storage, CustomerMailSink(house(mail.settings()), storage))
    came = Inbox(mail.settings(), storage).next()
    assert isinstance(came, Bounce)
    assert (came.conversation_id, came.addresses, came.role) == ("c_1", ("bounce@mail.test",), "customer")


def test_machines_lists_and_loops_are_told_apart(mail: MailServers, storage: Storage) -> None:
    add(storage, message_delivery(3, text="Hei", name="Liisa", language="fi", to="matti@mail.test"))
    deliver_all(storage, CustomerMailSink(house(mail.settings()), storage))
    (message,) = mail.mails("matti")
    inbox = Inbox(mail.settings(sender_mails_per_hour=2), storage)

    def came(**headers: str) -> IncomingMail:
        reply = answer(message, "Olen lomalla.", sender="matti@mail.test")
        for name, value in headers.items():
            del reply[name.replace("_", "-")]
            reply[name.replace("_", "-")] = value
        mail.send(reply, sender="matti@mail.test", to=address(message))
        return inbox.next()

    auto = came(Auto_Submitted="auto-replied (vacation)")
    assert isinstance(auto, AutoReply)
    assert auto.conversation_id == "c_1"
    assert isinstance(came(Subject="Automaattinen vastaus: Vastaus kysymykseesi"), AutoReply)
    for headers, reason in (
        ({"X_Loop": "support@help.test"}, IgnoredReason.OWN_MAIL),
        ({"Message_ID": str(message["Message-ID"])}, IgnoredReason.OWN_MAIL),
        ({"List_Id": "<news.mail.test>"}, IgnoredReason.LIST),
    ):
        ignored = came(**headers)
        assert isinstance(ignored, Ignored)
        assert ignored.reason == reason
    assert isinstance(came(Auto_Submitted="no"), CustomerMail)
    assert isinstance(came(), CustomerMail)
    third = came()
    assert isinstance(third, Ignored)
    assert third.reason == IgnoredReason.TOO_MANY


def test_a_mail_is_given_on_once_and_moved_only_after_that(mail: MailServers, storage: Storage) -> None:
    add(storage)
    settings = mail.settings(imap_done_folder="Done", poll_seconds=0.01)
    inbox = Inbox(settings, storage)
    new = EmailMessage()
    new["From"], new["Subject"], new["Message-ID"] = "Maija <maija@mail.test>", "Kysymys", "<new@mail.test>"
    new.set_content("Miten saan kortin?")
    for _ in range(2):  # a mail that arrives twice
        mail.send(new, sender="maija@mail.test", to="support@help.test")
    mail.mails("support", count=2)
    inbox.fails = 1
    assert inbox.reader.read_once() == 0
    wait_until(lambda: inbox.reader.read_once() == 1)
    assert inbox.reader.read_once() == 0
    (came,) = inbox.incoming
    assert isinstance(came, CustomerMail)
    assert (came.conversation_id, came.mail.text, came.mail.sender_name) == (
        None,
        "Miten saan kortin?",
        "Maija",
    )
    with mail.open("support") as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0
        assert client.select_folder("Done")[b"EXISTS"] == 2
    with storage.read() as reading:
        known = reading.mail("<new@mail.test>")
    assert known is not None
    assert (known.direction, known.conversation_id, known.what) == ("in", "c_1", "message")


def test_of_a_large_mail_only_the_beginning_is_read(mail: MailServers, storage: Storage) -> None:
    add(storage)
    large = EmailMessage()
    large["From"], large["Message-ID"] = "maija@mail.test", "<large@mail.test>"
    large.set_content("Kuva liitteenä.")
    large.add_attachment(b"x" * 600_000, maintype="image", subtype="png", filename="näyttö.png")
    mail.send(large, sender="maija@mail.test", to="support@help.test")
    came = Inbox(mail.settings(message_bytes=100_000), storage).next()
    assert isinstance(came, CustomerMail)
    assert (came.mail.cut, came.mail.text) == (True, "Kuva liitteenä.")
    assert [one.name for one in came.mail.attachments] == ["näyttö.png"]
    assert came.mail.attachments[0].size < 300_000


def test_the_thread_hears_of_new_mail_at_once_and_ends(mail: MailServers, storage: Storage) -> None:
    inbox = Inbox(mail.settings(poll_seconds=600), storage)
    inbox.reader.start()
    new = EmailMessage()
    new["From"], new["Message-ID"] = "maija@mail.test", "<now@mail.test>"
    new.set_content("Hei")
    time.sleep(0.3)
    mail.send(new, sender="maija@mail.test", to="support@help.test")
    wait_until(lambda: len(inbox.incoming) == 1)
    inbox.reader.stop()
    assert [type(one) for one in inbox.incoming] == [CustomerMail]


KILLED = """
import json, os, random, signal, sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from botsvc.mail_settings import EmailSinkSettings, MailSettings
from botsvc.outbox import OutboxPolicy, OutboxWorker
from botsvc.sinks.email import EmailSink, MailHouse
from botsvc.sinks.reply_tags import ReplyTags
from botsvc.storage import open_existing_storage
from botsvc.texts import load_texts
settings, database = sys.argv[1:]
house = MailHouse(
    settings=MailSettings(**json.loads(settings)), site="Ohjeet", texts=load_texts(),
    zone=ZoneInfo("Europe/Helsinki"), tags=ReplyTags("x"), clock=lambda: datetime.now(UTC),
)
sink = EmailSink(house, EmailSinkSettings(to="team@help.test"), language="fi", address_of=lambda team: "")
OutboxWorker(
    open_existing_storage(database), {"email": sink}, clock=lambda: datetime.now(UTC), rng=random.Random(1),
    policy=OutboxPolicy(lease=0.2),
    on_delivered=lambda delivery, result: os.kill(os.getpid(), signal.SIGKILL),
).run_once("email")
"""


def test_a_kill_between_acceptance_and_settling_repeats_the_mail_with_its_message_id(
    mail: MailServers, tmp_path: Path
) -> None:
    database = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    storage = open_storage(database)
    add(storage, handoff_delivery(1, sink="email"))
    settings = {
        "sender": "support@help.test",
        "smtp_host": "localhost",
        "smtp_port": mail.smtp,
        "ca_file": str(mail.ca_file),
    }
    arguments = [sys.executable, "-c", KILLED, json.dumps(settings), database]
    killed = subprocess.run(arguments, cwd=ROOT, check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    wait_until(lambda: _free(storage))
    deliver_all_now(storage, team_sink(mail.settings()))
    found = mail.mails("team", count=2)
    assert [one["Message-ID"] for one in found] == ["<handoff.h_1.1@help.test>"] * 2
    storage.close()


def _free(storage: Storage) -> bool:
    with storage.read() as reading:
        return reading.has_due_delivery(datetime.now(UTC), sink="email")


def deliver_all_now(storage: Storage, sink: Sink) -> None:
    worker = OutboxWorker(storage, {sink.name: sink}, clock=lambda: datetime.now(UTC), rng=random.Random(1))
    assert worker.run_once(sink.name)


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


def test_two_workers_send_each_mail_once_and_in_order(mail: MailServers, storage: Storage) -> None:
    add(
        storage,
        *(handoff_delivery(place, sink="email", handoff=f"h_{name}") for name in "ab" for place in (1, 2, 3)),
    )
    sink = team_sink(mail.settings(smtp_security="none", smtp_user=""))
    workers = [
        OutboxWorker(
            storage,
            {"email": sink},
            clock=lambda: datetime.now(UTC),
            rng=random.Random(place),
            policy=OutboxPolicy(poll=0.02),
        )
        for place in range(2)
    ]
    for one in workers:
        one.start()
    found = [str(one["Message-ID"]) for one in mail.mails("team", count=6)]
    for one in workers:
        one.stop()
    assert len(found) == 6
    for name in "ab":
        mails = [one for one in found if f"h_{name}" in one]
        assert mails == [f"<handoff.h_{name}.{place}@help.test>" for place in (1, 2, 3)]


def test_without_a_mailbox_to_read_no_mail_promises_that_replies_arrive(
    mail: MailServers, storage: Storage
) -> None:
    to_customer = message_delivery(3, text="Hei", name="", language="et", to="matti@mail.test")
    for template, expected in (("", None), ("{tag}@help.test", None), ("desk@help.test", "desk@help.test")):
        settings = mail.settings(imap_host="", reply_to=template)
        for message in (
            team_sink(settings).compose(document(1), to="team@help.test"),
            CustomerMailSink(house(settings), storage).compose(to_customer),
        ):
            assert message["Reply-To"] == expected
            assert "vastauksesi menee" not in body(message)
            assert "reply to this message" not in body(message)
    assert message["From"] == "Yritys Oy <support@help.test>"
    assert message["Subject"] == "Reply to your question – Yritys Oy"


def test_a_changed_name_or_role_breaks_a_tag() -> None:
    tag = TAGS.make("customer", "c_mzxw6")
    found = TAGS.read(f"Support+{tag.upper()}@help.test")
    assert found is not None
    assert (found.role, found.conversation_id) == ("customer", "c_mzxw6")
    assert TAGS.read(f"support+{tag.replace('c-', 't-', 1)}@help.test") is None
    assert TAGS.read(f"support+{tag.replace('mzxw6', 'mzxw7')}@help.test") is None
    assert ReplyTags("another key").read(f"support+{tag}@help.test") is None
    assert replace(found, role="team") != found
