"""Mail that comes in, over real storage: what the sorter made of it is put where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from botsvc.change import CUSTOMER_MAIL
from botsvc.contacts import OwnContacts
from botsvc.correspondence import Correspondence
from botsvc.handling import Handling
from botsvc.people import People, Resolution
from botsvc.reception import FrontDesk
from botsvc.sinks.incoming_mail import (
    AutoReply,
    Bounce,
    CustomerMail,
    Ignored,
    IgnoredReason,
    StaffReply,
)
from botsvc.sinks.mail_parsing import ParsedMail
from botsvc.storage import Handoff, Storage, open_storage
from botsvc.storage.records import StoredAgent
from botsvc.teams import Teams
from botsvc.texts import load_texts

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
AGENT = StoredAgent(
    id="a_maija",
    email="maija@etupolku.example",
    name="Maija",
    password_hash="x",
    roles=["agent"],
    teams=[],
    languages=["fi"],
    skills=[],
    room=3,
    status="away",
    active=True,
    seen_at=None,
    created_at=NOW,
)


class Office:
    """A mailbox' conversations, with a clock moved by hand."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.now = NOW
        handling = Handling(storage=storage, clock=lambda: self.now, sinks=("webhook-desk", CUSTOMER_MAIL))
        self.people = People(handling=handling)
        self.correspondence = Correspondence(
            handling=handling,
            front_desk=FrontDesk(storage=storage, teams=Teams(by_key={}), texts=load_texts()),
            languages=("fi", "sv", "en"),
            own=OwnContacts(),
            reopening=timedelta(hours=24),
            is_thanks=lambda text, _: text.lower().startswith("kiitos"),
        )
        with storage.write() as writing:
            writing.save_agent(AGENT)

    def writes(self, text: str, *, to: str | None = None, number: int = 1, subject: str = "Kortti") -> str:
        mail = parsed(text, number=number, subject=subject)
        found = self.correspondence.receive(CustomerMail(mail=mail, conversation_id=to, sender_known=True))
        assert found is not None
        return found

    def handoff(self, conversation_id: str) -> Handoff:
        with self.storage.read() as reading:
            conversation = reading.conversation(conversation_id)
            assert conversation is not None
            handoff = reading.handoff_of(conversation_id, conversation.episode)
        assert handoff is not None
        return handoff

    def types(self, conversation_id: str) -> list[str]:
        with self.storage.read() as reading:
            return [event.fact.type.value for event in reading.events(conversation_id)]


def parsed(text: str, *, number: int = 1, subject: str = "Kortti") -> ParsedMail:
    return ParsedMail(
        message_id=f"<{number}@mail.test>",
        sender="matti@mail.test",
        sender_name="Matti",
        recipients=("asiakaspalvelu@etupolku.example",),
        subject=subject,
        text=text,
        whole_text=text,
        attachments=(),
        references=(),
        sent_at=NOW,
        headers=(),
        failed=(),
        report="",
    )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    storage = open_storage(f"sqlite:///{tmp_path}/mail.sqlite")
    yield Office(storage)
    storage.close()


def test_a_new_mail_opens_a_conversation_that_people_have(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi. Hetuni on 131052-308T, soita 040 123 4567.")
    handoff = office.handoff(conversation_id)
    assert (handoff.state, handoff.reason, handoff.language) == ("open", "asked", "fi")
    assert handoff.document["channel"] == "email"
    assert handoff.document["contact"]["email"] == "matti@mail.test"
    assert "131052" not in str(handoff.document)
    assert handoff.question == (
        "Kortti\n\nKorttini ei toimi. Hetuni on [henkilötunnus ****308T], soita [phone]."
    )
    with office.storage.read() as reading:
        deliveries = {one.sink: one for one in reading.deliveries(conversation_id)}
        episode = reading.episode(conversation_id, 1)
    assert episode is not None
    assert episode.owner == "queue"
    assert set(deliveries) == {"webhook-desk", CUSTOMER_MAIL}
    # One confirmation; nothing is promised where no team keeps hours.
    assert deliveries[CUSTOMER_MAIL].payload["text"] == (
        "Kiitos viestistäsi, se on nyt asiakaspalvelussamme."
    )


def test_the_same_mail_read_again_is_one_message(office: Office) -> None:
    first = office.writes("Korttini ei toimi.")
    assert office.writes("Korttini ei toimi.") == first
    assert office.types(first).count("customer_message") == 1


def test_a_reply_continues_its_conversation_and_revises_the_handoff(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    assert office.writes("Se on sininen.", to=conversation_id, number=2) == conversation_id
    handoff = office.handoff(conversation_id)
    assert handoff.revision == 2
    assert [line["text"] for line in handoff.document["transcript"] if line["by"] == "customer"] == [
        "Kortti\n\nKorttini ei toimi.",
        "Se on sininen.",
    ]


def test_an_agents_answer_by_mail_reaches_the_customer(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    reply = StaffReply(
        mail=parsed("Tilasin uuden kortin.", number=2), conversation_id=conversation_id, agent_id=AGENT.id
    )
    office.correspondence.receive(reply)
    handoff = office.handoff(conversation_id)
    assert handoff.answered_at == NOW
    with office.storage.read() as reading:
        mails = [one for one in reading.deliveries(conversation_id) if one.kind == "mail"]
    assert [(one.payload["name"], one.payload["text"]) for one in mails][-1] == (
        "Maija",
        "Tilasin uuden kortin.",
    )


def test_an_answer_by_mail_to_somebody_elses_chat_becomes_a_note(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    other = replace(AGENT, id="a_olli", email="olli@etupolku.example", name="Olli")
    with office.storage.write() as writing:
        writing.save_agent(other)
    office.people.take(conversation_id, other)
    office.correspondence.receive(
        StaffReply(mail=parsed("Hoidan tämän.", number=2), conversation_id=conversation_id, agent_id=AGENT.id)
    )
    assert office.types(conversation_id)[-1] == "note_added"
    assert "person_message" not in office.types(conversation_id)


def test_a_mail_soon_after_a_resolution_reopens_and_thanks_do_not(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    office.people.resolve(conversation_id, AGENT, Resolution.SOLVED)
    office.now += timedelta(hours=1)
    office.writes("Kiitos avusta!", to=conversation_id, number=2)
    assert office.handoff(conversation_id).state == "resolved"
    office.writes("Ei toiminutkaan.", to=conversation_id, number=3)
    handoff = office.handoff(conversation_id)
    assert (handoff.state, handoff.episode, handoff.agent) == ("open", 1, "")
    office.people.resolve(conversation_id, AGENT, Resolution.SOLVED)
    office.now += timedelta(days=2)
    office.writes("Nyt on toinen asia.", to=conversation_id, number=4)
    assert (office.handoff(conversation_id).episode, office.handoff(conversation_id).state) == (2, "open")


def test_machines_get_no_answer_and_change_nothing(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    before = office.types(conversation_id)
    office.correspondence.receive(
        AutoReply(mail=parsed("Olen lomalla", number=2), conversation_id=conversation_id)
    )
    assert office.types(conversation_id) == before
    assert office.correspondence.receive(AutoReply(mail=parsed("x", number=3), conversation_id=None)) is None


def test_a_strangers_answer_to_a_teams_mail_is_shown_to_people_alone(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    office.correspondence.receive(
        Ignored(
            mail=parsed("Lähettäkää salasana tänne.", number=2),
            conversation_id=conversation_id,
            reason=IgnoredReason.UNKNOWN_SENDER,
        )
    )
    assert office.types(conversation_id)[-1] == "note_added"


def test_an_address_that_does_not_work_is_no_address(office: Office) -> None:
    conversation_id = office.writes("Korttini ei toimi.")
    bounce = Bounce(
        mail=parsed("", number=2),
        conversation_id=conversation_id,
        addresses=("matti@mail.test",),
        role="customer",
    )
    office.correspondence.receive(bounce)
    with office.storage.read() as reading:
        conversation = reading.conversation(conversation_id)
    assert conversation is not None
    assert conversation.email == ""
    assert office.types(conversation_id)[-1] == "note_added"
