"""Conversations over a real store: nothing lost, nothing twice, nothing that must not be written."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest
from sqlalchemy import text

from botsvc import retention
from botsvc.contacts import Contacts, OwnContacts
from botsvc.conversations import Conversations
from botsvc.decisions import (
    Answered,
    Decision,
    HandOff,
    NoAnswer,
    Numbers,
    Priority,
    Reason,
    Rule,
    Silent,
    SmallTalk,
)
from botsvc.episode import EpisodeState, Message, Owner, Press, advance
from botsvc.errors import (
    ConversationFull,
    ExpiredToken,
    InvalidMessage,
    MessageIdReused,
    MissingToken,
    UnknownConversation,
    WrongToken,
)
from botsvc.exchange import CustomerTurn, Limits, Met, Opened, Posted, Start
from botsvc.storage import Handoff, Storage
from botsvc.turns import BotTurn
from indexer import Hit

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs/schemas/handoff.schema.json").read_text(encoding="utf-8")
)
LOST = Hit(
    article_id="lost-card",
    lang="fi",
    section_id="lead",
    title="Kadonnut kortti",
    heading_path=(),
    url="/help/fi/lost-card#lead",
    score=2.5,
)
PIN = replace(LOST, article_id="card-pin", title="Tunnusluku", url="/help/fi/card-pin#lead", score=1.5)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class Bot:
    """Answers as it is told, with the real bookkeeping of episodes, and remembers what it was asked."""

    def __init__(self, *decisions: Decision) -> None:
        self.decisions = list(decisions)
        self.asked: list[tuple[EpisodeState, str]] = []

    def __call__(self, met: Met) -> BotTurn:
        state, said = met.state, met.text
        self.asked.append((state, said))
        decision = self.decisions.pop(0)
        question = "" if decision.rule is Rule.PENDING_PROMPT else said
        after = advance(state, Message(text=said), decision, question=question)
        return BotTurn(
            decision=decision,
            state=after,
            language="fi",
            text=f"botti: {decision.reason}",
            body={"outcome": decision.outcome, "reason": decision.reason, "handoff": None},
            topic="card",
        )


def answered() -> Answered:
    return Answered(
        rule=Rule.CONFIDENT,
        reason=Reason.CONFIDENT,
        hit=LOST,
        more=(PIN,),
        confidence=0.91,
        numbers=Numbers(confidence=0.91),
        index_id="i1",
    )


def rejected() -> NoAnswer:
    return NoAnswer(rule=Rule.PENDING_PROMPT, reason=Reason.REJECTED)


def hand_off(reason: Reason = Reason.ASKED, priority: Priority = Priority.ASKED) -> HandOff:
    return HandOff(rule=Rule.PERSON_ASKED, reason=reason, priority=priority, team="cards", nearest=(PIN,))


def thanks() -> SmallTalk:
    return SmallTalk(rule=Rule.SMALL_TALK, reason=Reason.THANKS)


def withdrawn() -> SmallTalk:
    return SmallTalk(rule=Rule.PENDING_PROMPT, reason=Reason.WITHDRAWN, withdraw=True)


def escalated() -> SmallTalk:
    return SmallTalk(rule=Rule.CRISIS, reason=Reason.CRISIS, escalate=Priority.CRISIS, crisis=True)


def silent() -> Silent:
    return Silent(rule=Rule.PERSON_OWNS, reason=Reason.WAITING)


class Customer:
    """A customer with a conversation."""

    def __init__(self, conversations: Conversations, start: Start | None = None) -> None:
        self.conversations = conversations
        self.opened: Opened = conversations.create(start)
        self.sent = 0

    def says(self, said: str, bot: Callable[[Met], BotTurn], **other: object) -> Posted:
        self.sent += 1
        message = CustomerTurn(**{"client_message_id": f"m{self.sent}", "text": said, **other})  # type: ignore[arg-type]
        return self.conversations.post(self.opened.conversation_id, self.opened.token, message, bot)

    def types(self) -> list[str]:
        events = self.conversations.events(self.opened.conversation_id, self.opened.token)
        return [event.fact.type.value for event in events]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def conversations(storage: Storage, clock: Clock) -> Conversations:
    return Conversations(storage, clock=clock, own=OwnContacts(["020 123 400"]))


@pytest.fixture
def customer(conversations: Conversations) -> Customer:
    return Customer(
        conversations, Start(language="fi", locale="fi-FI", page="https://x.fi/tuki", audience="employee")
    )


def handoffs(storage: Storage) -> tuple[Handoff, ...]:
    with storage.read() as reading:
        return reading.handoffs()


def everything_written(storage: Storage) -> str:
    """All rows of all tables as one text."""
    with storage._reader.begin() as connection:
        tables = ("conversations", "episodes", "events", "messages", "handoffs", "examples")
        return "\n".join(str(row) for t in tables for row in connection.execute(text(f"SELECT * FROM {t}")))


def test_a_turn_is_stored_with_its_reply(customer: Customer) -> None:
    posted = customer.says("korttini katosi", Bot(answered()))
    assert posted.sequence == 3
    assert not posted.repeated
    assert posted.body == {"outcome": "answered", "reason": "confident", "handoff": None}
    events = customer.conversations.events(customer.opened.conversation_id, customer.opened.token)
    assert [event.sequence for event in events] == [1, 2, 3, 4]
    assert customer.types() == ["conversation_started", "episode_started", "customer_message", "bot_replied"]
    said, replied = events[2].to_json(), events[3].to_json()
    assert said["actor"] == {"kind": "customer", "id": ""}
    assert said["data"]["text"] == "korttini katosi"
    assert replied["actor"] == {"kind": "bot", "id": "confident"}
    assert replied["cause"] == 3
    assert replied["data"]["numbers"]["confidence"] == 0.91
    assert [(one["article_id"], one["shown_as"]) for one in replied["data"]["shown"]] == [
        ("lost-card", "answer"),
        ("card-pin", "more"),
    ]


def test_the_bot_gets_the_state_that_the_last_turn_left(customer: Customer) -> None:
    bot = Bot(answered(), rejected())
    customer.says("korttini katosi", bot)
    customer.says("ei auttanut", bot)
    first, second = (state for state, _ in bot.asked)
    assert first == EpisodeState(audience="employee")
    assert second.pending is not None
    assert second.pending.hits == (LOST,)
    assert second.last_question == "korttini katosi"


def test_a_repeated_message_gets_the_stored_reply_and_changes_nothing(
    customer: Customer, storage: Storage
) -> None:
    first = customer.says("korttini katosi", Bot(hand_off()), client_message_id="same")
    before = everything_written(storage)
    again = customer.says("korttini katosi", Bot(), client_message_id="same")
    assert again.repeated
    assert again.body == first.body
    assert again.sequence == first.sequence
    assert everything_written(storage) == before


def test_a_message_id_may_not_carry_another_message(customer: Customer) -> None:
    customer.says("korttini katosi", Bot(answered()), client_message_id="same")
    with pytest.raises(MessageIdReused, match="same belongs to another message"):
        customer.says("lasku on väärin", Bot(), client_message_id="same")
    with pytest.raises(MessageIdReused):
        customer.says("korttini katosi", Bot(), client_message_id="same", press=Press.PERSON)


def test_twins_sent_at_the_same_moment_are_one_message(customer: Customer, storage: Storage) -> None:
    barrier = threading.Barrier(4)
    posted: list[Posted] = []

    def send() -> None:
        bot = Bot(hand_off())

        def all_at_once(met: Met) -> BotTurn:
            barrier.wait(10)
            return bot(met)

        posted.append(customer.says("ihminen, kiitos", all_at_once, client_message_id="twin"))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.repeated for one in posted) == [False, True, True, True]
    assert len({json.dumps(one.body) for one in posted}) == 1
    assert len(handoffs(storage)) == 1
    assert customer.types().count("customer_message") == 1


def test_messages_sent_side_by_side_each_know_those_before(customer: Customer) -> None:
    failures: list[int] = []

    def bot(met: Met) -> BotTurn:
        state, said = met.state, met.text
        decision = NoAnswer(rule=Rule.NOT_ABOUT_THIS, reason=Reason.OUT_OF_SCOPE)
        after = advance(state, Message(text=said), decision, question=said)
        return BotTurn(decision=decision, state=after, language="fi", body={"n": after.no_answers})

    def send(number: int) -> None:
        posted = customer.conversations.post(
            customer.opened.conversation_id,
            customer.opened.token,
            CustomerTurn(client_message_id=f"s{number}", text="sää?"),
            bot,
        )
        failures.append(posted.body["n"])

    threads = [threading.Thread(target=send, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(failures) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_nothing_is_stored_when_the_bot_fails(customer: Customer, storage: Storage) -> None:
    before = everything_written(storage)

    def broken(met: Met) -> BotTurn:
        raise RuntimeError("no index")

    with pytest.raises(RuntimeError, match="no index"):
        customer.says("korttini katosi", broken)
    assert everything_written(storage) == before


def test_numbers_are_masked_before_the_first_write(customer: Customer, storage: Storage) -> None:
    bot = Bot(hand_off(Reason.LOW_CONFIDENCE, Priority.LOW_CONFIDENCE))
    posted = customer.says(
        "131052-308T, kortti 4111 1111 1111 1111, FI21 1234 5600 0007 85; "
        "soita 040 123 4567 tai matti@firma.fi, en tavoita numerosta 020 123 400",
        bot,
    )
    said = (
        "[henkilötunnus ****308T], kortti [card ****1111], [IBAN ****0785]; soita [phone] tai [e-mail], "
        "en tavoita numerosta 020 123 400"
    )
    assert bot.asked[0][1] == said
    assert posted.masked == ("henkilötunnus", "card", "IBAN")
    assert posted.contacts == Contacts(emails=("matti@firma.fi",), phones=("040 123 4567",))
    written = everything_written(storage)
    for secret in ("131052", "4111 1111", "4111111111111111", "1234 5600", "12345600"):
        assert secret not in written
    (handoff,) = handoffs(storage)
    assert handoff.question == said
    assert handoff.document["contact"] == {"email": "matti@firma.fi", "phone": "040 123 4567"}
    assert handoff.document["masked"] == ["henkilötunnus", "card", "IBAN"]
    assert "matti@firma.fi" not in json.dumps(handoff.document["transcript"])


def test_the_company_s_cards_stay_as_the_operator_says(storage: Storage) -> None:
    limits = Limits(benefit_card_prefixes=("5555",))
    customer = Customer(Conversations(storage, limits=limits))
    bot = Bot(answered())
    customer.says("5555 5555 5555 4444", bot)
    assert bot.asked[0][1] == "5555 5555 5555 4444"


def test_a_handoff_is_written_with_its_turn(customer: Customer, storage: Storage) -> None:
    bot = Bot(answered(), rejected(), hand_off())
    customer.says("korttini katosi", bot)
    customer.says("ei auttanut", bot)
    posted = customer.says("haluan puhua ihmiselle", bot)
    (handoff,) = handoffs(storage)
    assert posted.body["handoff"] == {
        "id": handoff.id,
        "revision": 1,
        "state": "open",
        "reason": "asked",
    }
    assert customer.types()[-4:] == ["customer_message", "handoff_created", "owner_changed", "bot_replied"]
    document = handoff.document
    jsonschema.Draft202012Validator(
        SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(document)
    assert document["schema"] == "helppari.handoff/1"
    assert document["question"] == "korttini katosi"
    assert document["reason"] == "asked"
    assert document["priority"] == "asked"
    assert document["team"] == "cards"
    assert document["topic"] == "card"
    assert document["page"] == {"url": "https://x.fi/tuki", "locale": "fi-FI"}
    assert document["audience"] == "employee"
    assert document["identity"] is None
    assert document["promise"] is None
    assert document["index_id"] == "i1"
    assert [(line["by"], line["text"]) for line in document["transcript"]] == [
        ("customer", "korttini katosi"),
        ("bot", "botti: confident"),
        ("customer", "ei auttanut"),
        ("bot", "botti: rejected"),
        ("customer", "haluan puhua ihmiselle"),
        ("bot", "botti: asked"),
    ]
    assert [(one["article_id"], one["shown_as"], one["rejected"]) for one in document["articles"]] == [
        ("lost-card", "answer", True),
        ("card-pin", "more", False),
    ]
    assert document["articles"][0]["confidence"] == 0.91
    assert document["articles"][0]["score"] == 2.5
    assert document["articles"][1]["confidence"] is None


def test_a_handoff_needs_no_message_before_it_and_no_text(customer: Customer, storage: Storage) -> None:
    customer.says("", Bot(hand_off()), press=Press.PERSON)
    (handoff,) = handoffs(storage)
    assert handoff.question == ""
    assert handoff.document["transcript"][0]["press"] == "person"
    jsonschema.validate(handoff.document, SCHEMA)


def test_later_messages_revise_the_handoff_and_never_make_another(
    customer: Customer, storage: Storage, clock: Clock
) -> None:
    bot = Bot(hand_off(Reason.LOW_CONFIDENCE, Priority.LOW_CONFIDENCE), silent(), hand_off())
    customer.says("outo kysymys", bot)
    clock.now += timedelta(minutes=1)
    second = customer.says("lisään vielä: 0401234567", bot)
    (handoff,) = handoffs(storage)
    assert second.body["handoff"] == {
        "id": handoff.id,
        "revision": 2,
        "state": "open",
        "reason": "low_confidence",
    }
    assert handoff.document["revision"] == 2
    assert handoff.document["contact"]["phone"] == "0401234567"
    assert handoff.created_at == NOW
    assert handoff.revised_at == NOW + timedelta(minutes=1)
    assert handoff.document["transcript"][-1]["text"] == "lisään vielä: [phone]"
    assert customer.types()[-3:] == ["customer_message", "contact_given", "handoff_revised"]
    third = customer.says("haluan ihmisen", bot)
    (handoff,) = handoffs(storage)
    assert third.body["handoff"]["id"] == handoff.id
    assert (handoff.revision, handoff.reason, handoff.priority, handoff.rank) == (3, "asked", "asked", 2)
    assert handoff.question == "outo kysymys"


def test_a_crisis_makes_a_waiting_handoff_the_most_urgent(customer: Customer, storage: Storage) -> None:
    bot = Bot(hand_off(), escalated())
    customer.says("ihminen, kiitos", bot)
    customer.says("en jaksa enää", bot)
    (handoff,) = handoffs(storage)
    assert (handoff.priority, handoff.rank, handoff.reason) == ("crisis", 0, "rule")
    assert handoff.document["priority"] == "crisis"


def test_no_need_withdraws_the_handoff_and_the_next_message_is_a_new_episode(
    customer: Customer, storage: Storage
) -> None:
    bot = Bot(hand_off(), withdrawn(), answered(), hand_off())
    customer.says("ihminen, kiitos", bot)
    posted = customer.says("ei tarvitsekaan", bot)
    (handoff,) = handoffs(storage)
    assert handoff.state == "withdrawn"
    assert handoff.document["state"] == "withdrawn"
    assert posted.body["handoff"]["state"] == "withdrawn"
    assert customer.types()[-4:] == ["customer_message", "handoff_withdrawn", "owner_changed", "bot_replied"]
    later = customer.says("korttini katosi", bot)
    assert later.body["handoff"] is None
    assert bot.asked[-1][0] == EpisodeState(audience="employee")
    customer.says("ihminen sittenkin", bot)
    first, second = sorted(handoffs(storage), key=lambda handoff: handoff.episode)
    assert (first.episode, second.episode) == (1, 2)
    assert second.document["earlier_episodes"] == [
        {
            "episode": 1,
            "outcome": "withdrawn",
            "handoff_id": first.id,
            "started_at": first.document["created_at"],
        }
    ]
    assert second.document["transcript"][0]["text"] == "korttini katosi"
    with storage.read() as reading:
        episodes = reading.episodes(customer.opened.conversation_id)
    assert [(episode.number, episode.owner) for episode in episodes] == [(1, "nobody"), (2, "queue")]
    assert episodes[0].ended_at == NOW
    assert episodes[1].ended_at is None


def test_a_silent_bot_says_nothing_and_stores_the_message(customer: Customer) -> None:
    bot = Bot(hand_off(), silent())
    customer.says("ihminen, kiitos", bot)
    customer.says("oletteko siellä?", bot)
    assert customer.types()[-2:] == ["customer_message", "handoff_revised"]


def test_a_page_that_comes_back_gets_everything_with_the_replies_as_sent(customer: Customer) -> None:
    empty = customer.conversations.transcript(customer.opened.conversation_id, customer.opened.token)
    assert (empty.owner, empty.replies, len(empty.events)) == (Owner.BOT, {}, 1)
    bot = Bot(answered(), hand_off())
    first = customer.says("korttini katosi", bot)
    second = customer.says("haluan ihmisen", bot)
    found = customer.conversations.transcript(customer.opened.conversation_id, customer.opened.token)
    assert found.owner is Owner.QUEUE
    assert found.conversation.messages == 2
    assert found.replies == {first.sequence: first.body, second.sequence: second.body}
    assert [event.sequence for event in found.events] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_only_its_token_opens_a_conversation(conversations: Conversations, customer: Customer) -> None:
    mine, message = customer.opened.conversation_id, CustomerTurn(client_message_id="m", text="hei")
    other = conversations.create()
    assert len({customer.opened.token, other.token}) == 2
    with pytest.raises(MissingToken):
        conversations.post(mine, None, message, Bot())
    with pytest.raises(MissingToken):
        conversations.events("c_nobody", "")
    with pytest.raises(WrongToken):
        conversations.post(mine, other.token, message, Bot())
    with pytest.raises(WrongToken):
        conversations.events(mine, "käärme\ud800")
    with pytest.raises(UnknownConversation, match="there is no conversation c_nobody: start a new one"):
        conversations.post("c_nobody", customer.opened.token, message, Bot())


def test_a_token_is_stored_only_as_a_hash(customer: Customer, storage: Storage) -> None:
    customer.says("hei", Bot(thanks()))
    assert customer.opened.token not in everything_written(storage)


def test_a_token_ends_some_time_after_the_last_message(customer: Customer, clock: Clock) -> None:
    assert customer.opened.expires_at == NOW + timedelta(hours=72)
    clock.now += timedelta(hours=71)
    customer.says("hei", Bot(thanks()))
    clock.now += timedelta(hours=71)
    customer.says("hei taas", Bot(thanks()))
    clock.now += timedelta(hours=72)
    with pytest.raises(ExpiredToken):
        customer.says("myöhässä", Bot())


@pytest.mark.parametrize(
    ("message", "field", "sentence"),
    [
        ({"said": ""}, "text", "the message is empty: write something or press a button"),
        ({"said": " \n\x00"}, "text", "the message is empty: write something or press a button"),
        ({"said": "ä" * 2_001}, "text", "the message has 2001 characters and 2000 are taken: say it shorter"),
        ({"client_message_id": ""}, "client_message_id", "client_message_id must be 1 to 100 visible ASCII"),
        ({"client_message_id": "x" * 101}, "client_message_id", "client_message_id must be"),
        ({"client_message_id": "a\x00b"}, "client_message_id", "client_message_id must be"),
        ({"client_message_id": "ä"}, "client_message_id", "client_message_id must be"),
    ],
)
def test_messages_that_cannot_be_taken(
    customer: Customer, message: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(InvalidMessage) as caught:
        customer.says(**{"said": "hei", "bot": Bot(), **message})
    assert caught.value.field == field
    assert str(caught.value).startswith(sentence)


def test_any_text_can_be_stored(customer: Customer) -> None:
    bot = Bot(thanks())
    customer.says("a\x00b\ud800 😀\r\nc\u202e\x1b[31m", bot)
    assert bot.asked[0][1] == "ab\ufffd 😀\nc[31m"


def test_a_conversation_takes_only_so_many_messages(storage: Storage) -> None:
    customer = Customer(Conversations(storage, limits=Limits(messages=2)))
    bot = Bot(thanks(), thanks())
    customer.says("yksi", bot)
    customer.says("kaksi", bot)
    with pytest.raises(ConversationFull, match="has 2 messages and takes no more"):
        customer.says("kolme", bot)
    again = customer.says("kaksi", bot, client_message_id="m2")
    assert again.repeated


def test_old_conversations_are_deleted_with_everything_that_is_theirs(
    conversations: Conversations, storage: Storage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    old = [Customer(conversations) for _ in range(5)]
    for customer in old:
        customer.says("vanha asia", Bot(hand_off()))
    clock.now += timedelta(days=30)
    young = Customer(conversations)
    young.says("uusi asia", Bot(hand_off()))
    clock.now += timedelta(days=335)
    assert retention.delete_old(storage, 365, clock=clock) == 0
    clock.now += timedelta(seconds=1)
    assert retention.delete_old(storage, 365, clock=clock) == 5
    written = everything_written(storage)
    assert "vanha asia" not in written
    assert all(customer.opened.conversation_id not in written for customer in old)
    assert [handoff.question for handoff in handoffs(storage)] == ["uusi asia"]


def test_what_the_page_says_is_cleaned_and_cut(storage: Storage) -> None:
    customer = Customer(
        Conversations(storage),
        Start(language="fi\x00", locale="x" * 99, page="https://x.fi/?hetu=131052-308T", audience="e" * 99),
    )
    conversation = customer.conversations.open_to(customer.opened.conversation_id, customer.opened.token)
    assert conversation.language == "fi"
    assert conversation.locale == "x" * 40
    assert conversation.page == "https://x.fi/?hetu=[henkilötunnus ****308T]"
    assert len(conversation.audience) == 80


def test_owners_are_those_of_the_episode() -> None:
    assert [owner.value for owner in Owner] == ["bot", "queue", "agent", "expert", "nobody"]
