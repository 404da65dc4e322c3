"""The outbox over a real store: in order, each once, nothing lost, whoever fails or dies."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from botsvc.errors import Refused, UnknownDelivery, Unreachable
from botsvc.outbox import (
    Accepted,
    Acknowledged,
    OutboxPolicy,
    OutboxWorker,
    Sink,
    drop,
    outbox_health,
    retry,
)
from botsvc.sinks.protocol import Delivered
from botsvc.storage import Conversation, Storage
from botsvc.storage.records import Delivery, StoredMail

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
QUICK = OutboxPolicy(first_wait=0.0, longest_wait=0.0, poll=0.02, lease=30.0)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


class RecordingSink:
    """Takes what it is given, unless it is told what else to do with a key."""

    def __init__(self, name: str, answer: Callable[[Delivery], Delivered] | None = None) -> None:
        self._name = name
        self._answer = answer
        self.keys: list[str] = []
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    def deliver(self, delivery: Delivery) -> Delivered:
        with self._lock:
            self.keys.append(delivery.key)
        return self._answer(delivery) if self._answer else Accepted()


def delivery(place: int, *, handoff: str = "h_1", sink: str = "crm", conversation: str = "c_1") -> Delivery:
    return Delivery(
        id=f"d_{sink}_{handoff}_{place}",
        key=f"handoff:{handoff}:{place}:{sink}",
        kind="handoff",
        sink=sink,
        conversation_id=conversation,
        stream=f"{sink}:{handoff}",
        place=place,
        payload={"revision": place},
        state="pending",
        attempts=0,
        due_at=NOW,
        leased_until=None,
        lease="",
        error="",
        created_at=NOW + timedelta(milliseconds=place),
        delivered_at=None,
    )


def conversation(name: str) -> Conversation:
    return Conversation(
        id=name,
        token_hash="",
        created_at=NOW,
        updated_at=NOW,
        expires_at=NOW,
        language="fi",
        locale="",
        page="",
        audience="",
        email="",
        phone="",
        episode=1,
        last_sequence=0,
        messages=0,
    )


def store(storage: Storage, *deliveries: Delivery) -> None:
    with storage.write() as writing:
        for one in deliveries:
            if writing.conversation(one.conversation_id) is None:
                writing.add_conversation(conversation(one.conversation_id))
            writing.add_delivery(one)


def found(storage: Storage, one: Delivery) -> Delivery:
    with storage.read() as reading:
        stored = reading.delivery(one.id)
    assert stored is not None
    return stored


def lease(storage: Storage, worker: str, *, now: datetime = NOW, limit: int = 10) -> list[int]:
    with storage.write() as writing:
        return [one.place for one in writing.lease(now, worker, limit, 30, sink="crm")]


def worker(
    storage: Storage, *sinks: Sink, clock: Clock | None = None, policy: OutboxPolicy = QUICK
) -> OutboxWorker:
    return OutboxWorker(
        storage,
        {sink.name: sink for sink in sinks},
        clock=clock or Clock(),
        rng=random.Random(1),
        policy=policy,
    )


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def states(storage: Storage) -> Counter[str]:
    with storage.read() as reading:
        return Counter(one.state for one in reading.deliveries_in(()))


def test_only_the_lowest_pending_place_of_a_stream_is_leased(storage: Storage) -> None:
    store(storage, delivery(1), delivery(2), delivery(1, handoff="h_2"), delivery(1, sink="other"))
    with storage.write() as writing:
        leased = writing.lease(NOW, "w1", 10, 30, sink="crm")
    assert [(one.stream, one.place, one.lease) for one in leased] == [
        ("crm:h_1", 1, "w1"),
        ("crm:h_2", 1, "w1"),
    ]
    assert lease(storage, "w2") == []
    with storage.write() as writing:
        assert writing.settle_delivered(leased[0], NOW)
    assert lease(storage, "w2") == [2]


def test_a_failed_one_holds_up_its_stream_until_it_is_dead(storage: Storage) -> None:
    store(storage, delivery(1), delivery(2))
    later = NOW + timedelta(seconds=90)
    with storage.write() as writing:
        (leased,) = writing.lease(NOW, "w1", 10, 30, sink="crm")
        assert writing.settle_failed(leased, later, "it said 500")
    assert lease(storage, "w1") == []
    assert found(storage, leased).attempts == 1
    assert found(storage, leased).error == "it said 500"
    with storage.write() as writing:
        (leased,) = writing.lease(later, "w1", 10, 30, sink="crm")
        assert leased.place == 1
        assert writing.settle_dead(leased, "it said 410")
    assert lease(storage, "w1", now=later) == [2]


def test_an_expired_lease_is_free_and_its_late_worker_settles_nothing(storage: Storage) -> None:
    store(storage, delivery(1))
    with storage.write() as writing:
        (lost,) = writing.lease(NOW, "w1", 1, 30, sink="crm")
    assert lease(storage, "w2", now=NOW + timedelta(seconds=29)) == []
    assert lease(storage, "w2", now=NOW + timedelta(seconds=31)) == [1]
    with storage.write() as writing:
        assert not writing.settle_dead(lost, "too late")
        assert not writing.settle_failed(lost, NOW, "too late")
        assert not writing.settle_delivered(lost, NOW)
        assert writing.release_leases("w2") == 1
    assert lease(storage, "w3") == [1]
    assert found(storage, lost).attempts == 0


def test_health_counts_what_waits_and_what_is_dead(storage: Storage) -> None:
    store(storage, *(delivery(1, handoff=name) for name in ("h_1", "h_2", "h_3", "h_4")))
    with storage.write() as writing:
        first, second, *_ = writing.lease(NOW, "w", 10, 30, sink="crm")
        writing.settle_dead(first, "gone")
        writing.settle_delivered(second, NOW)
    with storage.read() as reading:
        health = outbox_health(reading, NOW + timedelta(seconds=60))
    assert (health.pending, health.dead) == (2, 1)
    assert health.oldest_pending_seconds == pytest.approx(60, abs=0.01)
    with storage.write() as writing:
        drop(writing, delivery(1, handoff="h_3").id, NOW + timedelta(seconds=31))
        drop(writing, delivery(1, handoff="h_4").id, NOW + timedelta(seconds=31))
        health = outbox_health(writing, NOW)
    assert (health.pending, health.oldest_pending_seconds, health.dead) == (0, 0, 1)


def test_the_operator_retries_and_drops(storage: Storage) -> None:
    store(storage, delivery(1), delivery(2))
    with storage.write() as writing:
        (first,) = writing.lease(NOW, "w", 10, 30, sink="crm")
        with pytest.raises(UnknownDelivery, match="is under way"):
            drop(writing, first.id, NOW)
        writing.settle_dead(first, "gone")
        retry(writing, first.id, NOW)
        again = writing.delivery(first.id)
        assert again is not None
        assert (again.state, again.attempts) == ("pending", 0)
        (first,) = writing.lease(NOW, "w", 10, 30, sink="crm")
        writing.settle_dead(first, "gone")
        (second,) = writing.lease(NOW, "w", 10, 30, sink="crm")
        writing.settle_delivered(second, NOW)
        with pytest.raises(UnknownDelivery, match="a later revision"):
            retry(writing, first.id, NOW)
        with pytest.raises(UnknownDelivery, match="is delivered: only dead or pending"):
            retry(writing, second.id, NOW)
        drop(writing, first.id, NOW)
        with pytest.raises(UnknownDelivery, match="is dropped"):
            drop(writing, first.id, NOW)
        with pytest.raises(UnknownDelivery, match="there is no delivery d_9"):
            retry(writing, "d_9", NOW)


def test_mails_are_stored_once_and_lead_to_their_conversation(storage: Storage) -> None:
    store(storage, delivery(1))
    ours = StoredMail(message_id="<1@x>", direction="out", conversation_id="c_1", what="handoff", at=NOW)
    with storage.write() as writing:
        assert writing.add_mail(ours)
        assert not writing.add_mail(replace(ours, what="message"))
        assert writing.add_mail(replace(ours, message_id="<2@x>", conversation_id=None, what="ignored"))
        assert writing.mail("<1@x>") == ours
        assert writing.mail_of(["<9@x>", "<2@x>", "<1@x>"]) == ours
        assert writing.mail_of(["<2@x>"]) is None
        assert writing.mails("c_1") == (ours,)
        assert writing.delete_old_mails(since=NOW + timedelta(days=1), limit=10) == 1
        assert writing.mail("<2@x>") is None


def test_a_worker_delivers_in_order_and_notes_mails_and_acknowledgements(storage: Storage) -> None:
    noted: list[tuple[str, bool]] = []
    sink = RecordingSink(
        "crm",
        lambda one: (
            Accepted(message_id=f"<{one.place}@x>", what="handoff") if one.place > 1 else Acknowledged()
        ),
    )
    work = OutboxWorker(
        storage,
        {"crm": sink},
        clock=Clock(),
        rng=random.Random(1),
        policy=QUICK,
        on_delivered=lambda one, result: noted.append((one.key, isinstance(result, Acknowledged))),
    )
    store(storage, *(delivery(place) for place in (1, 2, 3)))
    work.start()
    wait_until(lambda: states(storage) == {"delivered": 3})
    store(storage, delivery(4))
    work.wake()
    wait_until(lambda: states(storage) == {"delivered": 4})
    work.stop()
    assert sink.keys == [delivery(place).key for place in (1, 2, 3, 4)]
    assert noted == [(delivery(place).key, place == 1) for place in (1, 2, 3, 4)]
    with storage.read() as reading:
        assert [mail.message_id for mail in reading.mails("c_1")] == ["<2@x>", "<3@x>", "<4@x>"]


def test_two_workers_deliver_each_once_and_in_order(storage: Storage) -> None:
    sink = RecordingSink("crm")
    store(storage, *(delivery(place, handoff=f"h_{name}") for name in range(6) for place in (1, 2, 3)))
    workers = [worker(storage, sink), worker(storage, sink)]
    for one in workers:
        one.start()
    wait_until(lambda: states(storage) == {"delivered": 18})
    for one in workers:
        one.stop()
    assert max(Counter(sink.keys).values()) == 1
    for name in range(6):
        order = [key for key in sink.keys if f":h_{name}:" in key]
        assert order == [delivery(place, handoff=f"h_{name}").key for place in (1, 2, 3)]


def test_a_sink_that_is_down_gets_everything_in_order_when_it_is_back(storage: Storage) -> None:
    down = threading.Event()
    down.set()

    def answer(one: Delivery) -> Delivered:
        if down.is_set():
            raise Unreachable("nobody answers")
        return Accepted()

    sink, arrived = RecordingSink("crm", answer), RecordingSink("other")
    store(storage, delivery(1), delivery(2), delivery(1, sink="other"))
    work = worker(storage, sink, arrived)
    work.start()
    wait_until(lambda: len(sink.keys) > 3)
    wait_until(lambda: found(storage, delivery(1, sink="other")).state == "delivered")
    assert found(storage, delivery(1)).error == "nobody answers"
    down.clear()
    wait_until(lambda: states(storage) == {"delivered": 3})
    work.stop()
    assert sink.keys[-2:] == [delivery(1).key, delivery(2).key]
    assert found(storage, delivery(1)).error == ""


def test_a_stalled_sink_holds_up_no_other_and_stop_gives_its_lease_back(storage: Storage) -> None:
    release, entered = threading.Event(), threading.Event()

    def stall(one: Delivery) -> Delivered:
        entered.set()
        release.wait(30)
        return Accepted()

    stalled, other = RecordingSink("crm", stall), RecordingSink("other")
    store(storage, delivery(1), *(delivery(place, sink="other") for place in range(1, 6)))
    work = worker(storage, stalled, other)
    work.start()
    assert entered.wait(10)
    wait_until(lambda: states(storage)["delivered"] == 5)
    work.stop(seconds=0.2)
    given_back = found(storage, delivery(1))
    assert (given_back.state, given_back.lease, given_back.leased_until) == ("pending", "", None)
    release.set()
    again = worker(storage, RecordingSink("crm"))
    assert again.run_once("crm")
    wait_until(lambda: states(storage)["delivered"] == 6)


def test_a_permanent_refusal_is_dead_at_once_and_told(storage: Storage) -> None:
    def refuse(one: Delivery) -> Delivered:
        raise Refused("it said 410", permanent=True)

    told: list[str] = []
    sink = RecordingSink("crm", refuse)
    store(storage, delivery(1))
    work = OutboxWorker(
        storage,
        {"crm": sink},
        clock=Clock(),
        rng=random.Random(1),
        policy=QUICK,
        on_dead=lambda one: told.append(one.key),
    )
    assert work.run_once("crm")
    assert not work.run_once("crm")
    assert (found(storage, delivery(1)).state, told) == ("dead", [delivery(1).key])


def test_what_died_before_a_kill_is_told_of_at_the_next_start(storage: Storage) -> None:
    store(storage, delivery(1), delivery(2))
    with storage.write() as writing:  # as by a process that was killed before it could tell
        (leased,) = writing.lease(NOW, "w", 1, 60, sink="crm")
        assert writing.settle_dead(leased, "it said 410")
    told: list[str] = []
    work = OutboxWorker(
        storage,
        {"crm": RecordingSink("crm")},
        clock=Clock(),
        rng=random.Random(1),
        policy=QUICK,
        on_dead=lambda one: told.append(one.key),
    )
    work.start()
    wait_until(lambda: states(storage)["delivered"] == 1)
    work.stop()
    assert told == [delivery(1).key]


def test_tries_end_after_three_days_but_never_before_ten(storage: Storage) -> None:
    clock = Clock()
    sink = RecordingSink("crm", lambda one: (_ for _ in ()).throw(Unreachable("nobody answers")))
    store(storage, delivery(1))
    work = worker(storage, sink, clock=clock, policy=OutboxPolicy())
    clock.now = NOW + timedelta(days=4)
    for _ in range(10):
        assert found(storage, delivery(1)).state == "pending"
        clock.now += timedelta(seconds=901)
        assert work.run_once("crm")
    assert found(storage, delivery(1)).state == "dead"
    assert found(storage, delivery(1)).attempts == 10


def test_a_sink_that_asks_for_time_gets_it(storage: Storage) -> None:
    def busy(one: Delivery) -> Delivered:
        raise Refused("it said 429", permanent=False, retry_after=120)

    store(storage, delivery(1))
    worker(storage, RecordingSink("crm", busy)).run_once("crm")
    assert found(storage, delivery(1)).due_at == NOW + timedelta(seconds=120)


def test_mistakes_of_a_sink_or_a_listener_neither_stop_it_nor_leak_words(
    storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    def mistake(one: Delivery) -> Delivered:
        if one.place == 1:
            raise KeyError("Matti Meikäläinen")
        return Accepted()

    def deaf(one: Delivery, result: Delivered) -> None:
        raise ValueError("Matti Meikäläinen")

    store(storage, delivery(1), delivery(2, handoff="h_2"))
    work = OutboxWorker(
        storage,
        {"crm": RecordingSink("crm", mistake)},
        clock=Clock(),
        rng=random.Random(1),
        policy=replace(QUICK, fewest_tries=1, most_tries=1),
        on_delivered=deaf,
    )
    while work.run_once("crm"):
        pass
    assert found(storage, delivery(1)).state == "dead"
    assert found(storage, delivery(1)).error == "the sink made a mistake (KeyError)"
    assert found(storage, delivery(2, handoff="h_2")).state == "delivered"
    assert "KeyError at " in caplog.text
    assert "Meikäläinen" not in caplog.text


def test_waits_double_up_to_the_longest_and_are_spread_evenly() -> None:
    policy, rng = OutboxPolicy(), random.Random(7)
    for attempts, longest in ((1, 2.0), (2, 4.0), (5, 32.0), (10, 900.0), (500, 900.0)):
        waits = [policy.wait(attempts, rng) for _ in range(400)]
        assert 0 <= min(waits) < longest * 0.05
        assert longest * 0.95 < max(waits) <= longest
        assert sum(waits) / 400 == pytest.approx(longest / 2, rel=0.1)
    assert policy.wait(3, random.Random(5)) == policy.wait(3, random.Random(5))


def test_what_a_killed_process_held_is_free_at_the_next_start(storage: Storage) -> None:
    store(storage, delivery(1))
    assert lease(storage, "killed") == [1]
    assert lease(storage, "next") == []
    with storage.write() as writing:
        assert writing.release_all_leases() == 1
    assert lease(storage, "next") == [1]
