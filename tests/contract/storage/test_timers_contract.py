"""What time does to conversations, on both databases: each thing when it is due, and once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, insert, select

from botsvc.cases import Question
from botsvc.events import ActorKind, MessagesRead, OwnerChanged
from botsvc.people import Resolution
from botsvc.people_facts import HandoffEnded, PromiseMade, ServiceMessage
from botsvc.reception import Reception
from botsvc.storage import Storage, tables
from botsvc.storage.records import Handoff
from botsvc.timers import mail_unread
from tests.contract.storage.desk_world import (
    MAIJA,
    NOW,
    SINKS,
    Customer,
    World,
    hand_off,
    message_id,
)

ADDRESS = "kysymys, matti@example.com"


@pytest.fixture
def world(storage: Storage) -> World:
    return World(storage)


@contextmanager
def counted(storage: Storage) -> Iterator[list[str]]:
    """The statements that the block sends to the database."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    # With PostgreSQL the reader is the writer with other options, and tells its listeners too.
    engines = list({engine.pool: engine for engine in (storage._reader, storage._writer)}.values())
    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def is_due(world: World, customer: Customer, at: datetime) -> int:
    """Sweep a second before, at, and after the moment: nothing, once, nothing. Events in between."""
    world.clock.now = at - timedelta(seconds=1)
    before = len(customer.events)
    assert world.sweep() == 0
    assert len(customer.events) == before
    world.clock.now = at
    assert world.sweep() == 1
    count = len(customer.events)
    world.clock.move(seconds=1)
    assert world.sweep() == 0
    assert len(customer.events) == count
    return before


def test_an_agent_who_is_gone_gives_it_back_with_its_age(world: World) -> None:
    customer = world.waiting()
    since = customer.handoff.waiting_since
    world.clock.move(seconds=10)
    world.seen(MAIJA)
    world.people.take(customer.id, MAIJA)
    is_due(world, customer, NOW + timedelta(seconds=130))
    assert customer.stands == ("queue", "", "open")
    assert customer.handoff.waiting_since == since
    last = customer.events[-1]
    assert (last.actor.kind, last.actor.id) == (ActorKind.TIMER, "agent_gone")


def test_an_agent_who_is_there_keeps_it_and_so_does_one_who_has_answered(world: World) -> None:
    customer = world.waiting(ADDRESS)
    world.people.say(customer.id, MAIJA, "vastaus", message_id="p1")
    world.clock.move(hours=10)  # the agent has gone home, the customer too, and nobody waits
    assert world.sweep() == 0
    assert customer.stands == ("agent", MAIJA.id, "open")
    customer.says("vielä yksi asia")
    assert world.sweep() == 1
    assert customer.stands == ("queue", "", "open")


def test_an_agent_who_was_let_go_counts_as_gone(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    with world.storage.write() as writing:
        found = writing.agent(MAIJA.id)
        assert found is not None
        writing.save_agent(replace(found, active=False))
    assert world.sweep() == 1
    assert customer.stands[0] == "queue"


def test_the_customer_is_told_before_a_promise_breaks(world: World) -> None:
    customer = world.waiting(ADDRESS, reply_in=timedelta(hours=2))
    promised = customer.handoff.promised_by
    assert promised == NOW + timedelta(hours=2)
    is_due(world, customer, promised - timedelta(minutes=10))
    handoff = customer.handoff
    told_at = promised - timedelta(minutes=10)
    assert handoff.promised_by == told_at + timedelta(hours=1)
    assert (handoff.revision, handoff.warned_at) == (2, told_at)
    assert datetime.fromisoformat(handoff.document["promise"]["reply_by"]) == handoff.promised_by
    assert [one.key for one in customer.facts(ServiceMessage)] == ["promise_breaks"]
    assert len(customer.facts(PromiseMade)) == 2
    assert [one["text"] for one in customer.mails] == [customer.facts(ServiceMessage)[0].text]
    world.words.wait = None
    is_due(world, customer, handoff.promised_by - timedelta(minutes=10))
    assert len(customer.facts(PromiseMade)) == 2
    world.clock.move(hours=5)
    assert world.sweep() == 0
    assert len(customer.facts(ServiceMessage)) == 2


def test_a_kept_promise_is_not_called_in_question(world: World) -> None:
    customer = world.waiting(ADDRESS, reply_in=timedelta(hours=2))
    world.people.say(customer.id, MAIJA, "vastaus", message_id="p1")
    world.clock.move(hours=3)
    assert world.sweep() == 0


@pytest.mark.parametrize("minutes", [5, 10, 12])
def test_a_short_promise_holds_until_it_nears_its_end(world: World, minutes: int) -> None:
    customer = world.waiting(ADDRESS, reply_in=timedelta(minutes=minutes))
    world.words.wait = timedelta(minutes=minutes)
    is_due(world, customer, NOW + timedelta(minutes=minutes) * 3 / 4)
    again = customer.handoff.promised_by
    assert again == world.clock.now - timedelta(seconds=1) + timedelta(minutes=minutes)
    is_due(world, customer, again - timedelta(minutes=minutes) / 4)
    assert len(customer.facts(ServiceMessage)) == 2


def test_a_sweep_that_comes_late_still_tells(world: World) -> None:
    customer = world.waiting(ADDRESS, reply_in=timedelta(hours=1))
    world.clock.move(hours=3)  # the service was down
    assert world.sweep() == 1
    assert customer.handoff.promised_by == world.clock.now + timedelta(hours=1)


def test_who_leaves_without_an_address_is_unreachable(world: World) -> None:
    customer = world.waiting()
    is_due(world, customer, NOW + timedelta(minutes=30))
    assert customer.stands == ("nobody", "", "unreachable")
    assert [(one.state, one.revision) for one in customer.facts(HandoffEnded)] == [("unreachable", 2)]
    assert customer.handoff.document["state"] == "unreachable"
    customer.says("olen taas täällä", hand_off())
    assert customer.episode.number == 2


@pytest.mark.parametrize("text", [ADDRESS, "soittakaa 040 123 4567"])
def test_who_left_an_address_is_not(world: World, text: str) -> None:
    customer = world.waiting(text)
    world.clock.move(days=2)
    assert world.sweep() == 0
    assert customer.stands[2] == "open"


def test_who_never_comes_back_has_abandoned_it(world: World) -> None:
    customer = world.waiting(ADDRESS)
    world.clock.move(hours=1)
    world.people.say(customer.id, MAIJA, "auttoiko?", message_id="p1")
    is_due(world, customer, NOW + timedelta(days=7, hours=1))
    assert customer.stands == ("nobody", MAIJA.id, "abandoned")


def test_who_waits_for_us_has_not_abandoned_anything(world: World) -> None:
    customer = world.waiting(ADDRESS)
    world.people.say(customer.id, MAIJA, "selvitän", message_id="p1")
    world.cases.open(customer.id, MAIJA, Question(summary="mitä?"))
    silent = world.waiting(ADDRESS)
    world.clock.move(days=30)
    assert world.sweep() == 0
    assert (customer.stands[2], silent.stands[2]) == ("open", "open")


def test_reaching_the_customer_by_phone_is_a_word_of_ours(world: World) -> None:
    customer = world.waiting(ADDRESS)
    world.people.log_contact(customer.id, MAIJA, "soitin", channel="phone", reached=True)
    is_due(world, customer, NOW + timedelta(days=7))
    assert customer.stands[2] == "abandoned"


def test_who_waits_on_the_page_is_told_once(world: World) -> None:
    customer = world.waiting()
    for seconds in (0, 80, 160, 179):
        world.clock.now = NOW + timedelta(seconds=seconds)
        customer.is_here()
        assert world.sweep() == 0
    is_due(world, customer, NOW + timedelta(minutes=3))
    assert [one.key for one in customer.facts(ServiceMessage)] == ["still_waiting"]
    for _ in range(20):
        world.clock.move(minutes=1)
        customer.is_here()
        world.sweep()
    assert len(customer.facts(ServiceMessage)) == 1


def test_after_a_reopening_they_are_told_again(world: World) -> None:
    customer = world.waiting()
    world.clock.move(minutes=3)
    customer.is_here()
    assert world.sweep() == 1
    world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    world.clock.move(hours=1)
    customer.says("ei toimi")
    world.clock.move(minutes=3)
    customer.is_here()
    assert world.sweep() == 1
    assert len(customer.facts(ServiceMessage)) == 2


def test_unread_words_are_mailed_once(world: World) -> None:
    customer = world.waiting(ADDRESS)
    sequence = world.people.say(customer.id, MAIJA, "oletko siellä?", message_id="p1")
    assert mail_unread(world.storage, SINKS, NOW + timedelta(seconds=179)) == 0
    assert mail_unread(world.storage, (), NOW + timedelta(minutes=3)) == 0
    assert mail_unread(world.storage, SINKS, NOW + timedelta(minutes=3)) == 1
    assert mail_unread(world.storage, SINKS, NOW + timedelta(minutes=4)) == 0
    assert [(one["sequence"], one["text"]) for one in customer.mails] == [(sequence, "oletko siellä?")]


@pytest.mark.parametrize("how", ["read", "written"])
def test_what_was_read_is_not_mailed(world: World, how: str) -> None:
    customer = world.waiting(ADDRESS)
    sequence = world.people.say(customer.id, MAIJA, "oletko siellä?", message_id="p1")
    if how == "written":
        customer.says("olen")
    else:
        with world.handling.change(customer.id, MAIJA) as (change, _):
            change.append(MessagesRead(up_to=sequence), customer.events[0].actor)
    assert mail_unread(world.storage, SINKS, NOW + timedelta(minutes=9)) == 0
    assert customer.mails == []


def test_a_broken_promise_that_nobody_read_is_mailed(world: World) -> None:
    customer = world.waiting(ADDRESS, reply_in=timedelta(minutes=20))
    world.clock.move(minutes=15)
    customer.is_here()  # a page on a sleeping phone
    assert world.sweep() == 1
    assert customer.mails == []
    world.clock.move(minutes=3)
    world.sweep()
    assert [one["text"] for one in customer.mails] == [customer.facts(ServiceMessage)[0].text]


def test_two_who_sweep_at_once_do_everything_once(world: World) -> None:
    gone = world.waiting()
    world.people.take(gone.id, MAIJA)
    late = world.waiting(ADDRESS, reply_in=timedelta(minutes=30))
    unread = world.waiting(ADDRESS)
    world.seen(MAIJA)
    world.people.say(unread.id, MAIJA, "oletko siellä?", message_id="p1")
    world.clock.move(minutes=25)
    ready, failed = threading.Barrier(2), list[Exception]()

    def work() -> None:
        try:
            ready.wait(10)
            world.timers.sweep(world.clock.now)
            mail_unread(world.storage, SINKS, world.clock.now)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert [one.owner for one in gone.facts(OwnerChanged)] == ["queue", "agent", "queue"]
    assert len(late.facts(ServiceMessage)) == 1
    assert [one["text"] for one in unread.mails] == ["oletko siellä?"]


def test_one_fault_does_not_stop_the_clock_for_others(world: World, caplog: pytest.LogCaptureFixture) -> None:
    broken = world.waiting(ADDRESS, reply_in=timedelta(minutes=30))
    fine = world.waiting()

    def fails(handoff: Handoff, now: datetime) -> Reception:
        raise RuntimeError("no team")

    timers = replace(world.timers, promise_anew=fails)
    world.clock.move(minutes=30)
    assert timers.sweep(world.clock.now) == 1
    assert fine.stands[2] == "unreachable"
    assert broken.facts(ServiceMessage) == []
    assert "promise_breaks" in caplog.text
    assert world.sweep() == 1


def test_looking_at_many_open_requests_takes_two_queries(world: World) -> None:
    """2,000 requests: some waiting, some with agents and unread words, none due."""
    first = world.waiting(ADDRESS, reply_in=timedelta(hours=9))
    world.people.say(first.id, MAIJA, "luettu", message_id=message_id())
    with world.handling.change(first.id, MAIJA) as (change, _):
        change.append(MessagesRead(up_to=change.conversation.last_sequence), first.events[0].actor)
    _copy(world.storage, first.id, 1_999)
    with world.storage.read() as reading:
        assert len(reading.handoffs(states=["open"])) == 2_000
    world.clock.move(minutes=10)
    world.seen(MAIJA)
    with counted(world.storage) as sent:
        assert world.timers.sweep(world.clock.now) == 0
        assert mail_unread(world.storage, SINKS, world.clock.now) == 0
    # A new connection asks the server about itself first.
    queries = [one for one in sent if "FROM" in one and "pg_" not in one]
    assert len(queries) == 2, [one[:60] for one in queries]
    assert "document" not in queries[0]
    due = world.waiting()
    world.clock.move(minutes=40)
    world.seen(MAIJA)
    with counted(world.storage) as sent:
        assert world.timers.sweep(world.clock.now) == 1
    assert len(sent) < 40
    assert due.stands[2] == "unreachable"


def _copy(storage: Storage, conversation_id: str, times: int) -> None:
    """The same conversation again and again, straight into the tables."""
    with storage._writer.begin() as connection:
        for table, key in (
            (tables.conversations, "id"),
            (tables.episodes, "conversation_id"),
            (tables.events, "conversation_id"),
            (tables.handoffs, "conversation_id"),
        ):
            rows = connection.execute(select(table).where(table.c[key] == conversation_id)).mappings().all()
            copies = [
                {**row, key: f"c_{place}", **({"id": f"h_{place}"} if table is tables.handoffs else {})}
                for place in range(times)
                for row in rows
            ]
            connection.execute(insert(table), copies)
