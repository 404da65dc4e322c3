"""What a store promises, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import IntegrityError

from botsvc.errors import StorageError, StorageUnavailable
from botsvc.events import (
    CUSTOMER,
    Actor,
    ActorKind,
    BotReplied,
    ContactGiven,
    ConversationStarted,
    CustomerMessage,
    Event,
    Fact,
    Shown,
    ShownAs,
)
from botsvc.storage import Conversation, Episode, Handoff, Storage, StoredMessage

NOW = datetime(2026, 11, 2, 8, 30, 15, 123456, tzinfo=UTC)

CONVERSATION = Conversation(
    id="c_1",
    token_hash="0" * 64,
    created_at=NOW,
    updated_at=NOW,
    expires_at=NOW + timedelta(hours=72),
    language="fi",
    locale="fi-FI",
    page="https://etupolku.example/äö?x=1",
    audience="employee",
    email="",
    phone="",
    episode=1,
    last_sequence=0,
    messages=0,
)
EPISODE = Episode(
    conversation_id="c_1",
    number=1,
    owner="bot",
    started_at=NOW,
    ended_at=None,
    state={"failures": 1, "ä": [1.5]},
)
HANDOFF = Handoff(
    id="h_1",
    conversation_id="c_1",
    episode=1,
    revision=1,
    state="open",
    reason="asked",
    priority="asked",
    rank=2,
    team="cards",
    language="sv",
    question="Får jag prata med någon?",
    created_at=NOW,
    revised_at=NOW,
    document={"schema": "helppari.handoff/1", "facts": []},
)


def event(sequence: int, fact: Fact, *, episode: int = 1) -> Event:
    return Event(sequence=sequence, episode=episode, at=NOW, actor=CUSTOMER, cause=None, fact=fact)


def message(sequence: int) -> Event:
    return event(sequence, CustomerMessage(client_message_id=f"m{sequence}", text=f"viesti {sequence}"))


def with_conversation(storage: Storage, conversation: Conversation = CONVERSATION) -> None:
    with storage.write() as writing:
        writing.add_conversation(conversation)


def test_rows_come_back_as_they_were(storage: Storage) -> None:
    stored = StoredMessage(
        conversation_id="c_1",
        client_message_id="m1",
        fingerprint="f" * 64,
        sequence=2,
        reply={"a": None, "b": "ö"},
    )
    with storage.write() as writing:
        writing.add_conversation(CONVERSATION)
        writing.save_episode(EPISODE)
        writing.add_message(stored)
        writing.save_handoff(HANDOFF)
    with storage.read() as reading:
        assert reading.conversation("c_1") == CONVERSATION
        assert reading.episode("c_1", 1) == EPISODE
        assert reading.message("c_1", "m1") == stored
        assert reading.handoff("h_1") == HANDOFF
        assert reading.handoff_of("c_1", 1) == HANDOFF


def test_what_is_not_there_is_none(storage: Storage) -> None:
    with storage.read() as reading:
        assert reading.conversation("c_x") is None
        assert reading.episode("c_x", 1) is None
        assert reading.message("c_x", "m1") is None
        assert reading.handoff("h_x") is None
        assert reading.handoff_of("c_x", 1) is None
        assert reading.events("c_x") == ()
    with storage.write() as writing:
        assert writing.lock("c_x") is None


def test_times_keep_their_moment_and_come_back_in_utc(storage: Storage) -> None:
    helsinki = timezone(timedelta(hours=2))
    with_conversation(storage, replace(CONVERSATION, created_at=NOW.astimezone(helsinki)))
    with storage.read() as reading:
        found = reading.conversation("c_1")
    assert found is not None
    assert found.created_at == NOW
    assert found.created_at.utcoffset() == timedelta(0)


def test_a_naive_time_is_refused(storage: Storage) -> None:
    with pytest.raises(StorageError), storage.write() as writing:
        writing.add_conversation(replace(CONVERSATION, created_at=NOW.replace(tzinfo=None)))


def test_nothing_of_a_failed_transaction_is_stored(storage: Storage) -> None:
    def half_a_turn() -> None:
        with storage.write() as writing:
            writing.add_conversation(CONVERSATION)
            writing.append(CONVERSATION, [message(1)])
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half_a_turn()
    with storage.read() as reading:
        assert reading.conversation("c_1") is None
        assert reading.events("c_1") == ()


def test_events_of_every_kind_come_back_in_order(storage: Storage) -> None:
    shown = Shown(
        article_id="lost-card",
        lang="fi",
        section_id="lead",
        title="Kadonnut kortti",
        url="/help/fi/lost-card#lead",
        score=1.25,
        shown_as=ShownAs.ANSWER,
    )
    facts: list[Fact] = [
        ConversationStarted(language="fi", locale="fi-FI", page="/", audience="employee"),
        CustomerMessage(client_message_id="m1", text="hävisi\nkortti 😀", masked=("IBAN", "card")),
        ContactGiven(emails=("a@b.fi",), phones=()),
        BotReplied(
            outcome="answered",
            reason="confident",
            rule="confident",
            text="Näin suljet kortin.",
            language="fi",
            numbers={"confidence": 0.91, "human_request": None},
            index_id="i1",
            shown=(shown,),
        ),
    ]
    events = [
        Event(
            sequence=sequence,
            episode=1,
            at=NOW,
            actor=Actor(kind=ActorKind.BOT, id="confident") if sequence == 4 else CUSTOMER,
            cause=2 if sequence > 2 else None,
            fact=fact,
        )
        for sequence, fact in enumerate(facts, start=1)
    ]
    with storage.write() as writing:
        writing.add_conversation(CONVERSATION)
        after = writing.append(CONVERSATION, events)
    assert after.last_sequence == 4
    with storage.read() as reading:
        assert reading.events("c_1") == tuple(events)
        assert reading.events("c_1", after=2) == tuple(events[2:])
        assert reading.events("c_1", after=1, limit=2) == tuple(events[1:3])
        assert reading.events("c_1", episode=2) == ()


def test_a_sequence_has_no_gaps_and_no_repeats(storage: Storage) -> None:
    with_conversation(storage)
    with pytest.raises(ValueError, match="event 2 cannot follow 0"), storage.write() as writing:
        writing.append(CONVERSATION, [message(2)])
    with storage.write() as writing:
        writing.append(CONVERSATION, [message(1)])
    # Somebody who did not lock the conversation has an old sequence: the database itself refuses.
    with pytest.raises(StorageUnavailable) as caught, storage.write() as writing:
        writing.append(CONVERSATION, [message(1)])
    assert isinstance(caught.value.__cause__, IntegrityError)
    assert "viesti" not in str(caught.value)


def test_a_client_s_message_id_is_unique_within_its_conversation(storage: Storage) -> None:
    stored = StoredMessage(
        conversation_id="c_1", client_message_id="m1", fingerprint="f", sequence=1, reply={}
    )
    with storage.write() as writing:
        writing.add_conversation(CONVERSATION)
        writing.add_conversation(replace(CONVERSATION, id="c_2"))
        writing.add_message(stored)
        writing.add_message(replace(stored, conversation_id="c_2"))
    with pytest.raises(StorageUnavailable), storage.write() as writing:
        writing.add_message(stored)


def test_an_episode_has_one_handoff(storage: Storage) -> None:
    with storage.write() as writing:
        writing.add_conversation(CONVERSATION)
        writing.save_handoff(HANDOFF)
        writing.save_handoff(replace(HANDOFF, id="h_2", episode=2))
    with pytest.raises(StorageUnavailable), storage.write() as writing:
        writing.save_handoff(replace(HANDOFF, id="h_3"))


def test_a_new_revision_replaces_the_one_before(storage: Storage) -> None:
    revised = replace(HANDOFF, revision=2, state="withdrawn", document={"revision": 2})
    with storage.write() as writing:
        writing.add_conversation(CONVERSATION)
        writing.save_handoff(HANDOFF)
        writing.save_handoff(revised)
    with storage.read() as reading:
        assert reading.handoffs() == (revised,)


def test_handoffs_are_listed_by_urgency_then_age(storage: Storage) -> None:
    rows = [
        ("h_low", 4, 0, "open"),
        ("h_new", 2, 60, "open"),
        ("h_old", 2, 30, "open"),
        ("h_gone", 0, 0, "withdrawn"),
    ]
    with storage.write() as writing:
        for name, rank, seconds, state in rows:
            writing.add_conversation(replace(CONVERSATION, id=f"c_{name}"))
            created = NOW + timedelta(seconds=seconds)
            writing.save_handoff(
                replace(
                    HANDOFF, id=name, conversation_id=f"c_{name}", rank=rank, created_at=created, state=state
                )
            )
    with storage.read() as reading:
        assert [handoff.id for handoff in reading.handoffs(states=["open"])] == ["h_old", "h_new", "h_low"]
        assert [handoff.id for handoff in reading.handoffs()] == ["h_gone", "h_old", "h_new", "h_low"]
        assert [handoff.id for handoff in reading.handoffs(limit=1)] == ["h_gone"]
        assert [handoff.id for handoff in reading.handoffs(conversation_id="c_h_new")] == ["h_new"]


def test_nothing_is_stored_for_a_conversation_that_does_not_exist(storage: Storage) -> None:
    with pytest.raises(StorageUnavailable), storage.write() as writing:
        writing.save_episode(EPISODE)


def test_a_locked_conversation_waits_for_the_one_who_locked_it(storage: Storage) -> None:
    """Forty writers each add an event to what they locked: every one lands, each with its own number."""
    with_conversation(storage)
    errors: list[Exception] = []

    def add_ten() -> None:
        try:
            for _ in range(10):
                with storage.write() as writing:
                    conversation = writing.lock("c_1")
                    assert conversation is not None
                    conversation = writing.append(conversation, [message(conversation.last_sequence + 1)])
                    writing.save_conversation(conversation)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=add_ten) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with storage.read() as reading:
        assert [event.sequence for event in reading.events("c_1")] == list(range(1, 41))


def test_readers_see_one_state_and_are_not_blocked_by_a_writer(storage: Storage) -> None:
    with_conversation(storage)
    with storage.read() as reading:
        assert reading.events("c_1") == ()
        with storage.write() as writing:
            conversation = writing.append(CONVERSATION, [message(1)])
            writing.save_conversation(conversation)
            with storage.read() as another:
                assert another.events("c_1") == ()
        assert reading.events("c_1") == ()
    with storage.read() as reading:
        assert len(reading.events("c_1")) == 1


def test_an_answering_store_passes_its_check(storage: Storage) -> None:
    storage.check()
