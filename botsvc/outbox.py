"""The outbox: brings what was stored for places outside there, at least once, in order, whatever fails.

A delivery is written in the transaction that causes it. Here it is leased, brought to its sink, and settled:
delivered, tried again later, or dead, which waits for an operator. A process that dies between the sink's
acceptance and the settling repeats the delivery, with the same key.
"""

from __future__ import annotations

import logging
import random
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from botsvc.errors import BotError, DeliveryError, Refused, StorageError, UnknownDelivery
from botsvc.sinks.protocol import Accepted, Acknowledged, Delivered, Sink
from botsvc.storage import Storage
from botsvc.storage.delivery_rows import DEAD, DeliveryReading, DeliveryWriting
from botsvc.storage.records import Delivery, StoredMail
from botsvc.tokens import new_id

__all__ = ["Accepted", "Acknowledged", "OutboxHealth", "OutboxPolicy", "OutboxWorker", "Sink"]

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]
_ACKNOWLEDGING_TRIES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxPolicy:
    """How patiently the outbox tries; all times in seconds."""

    first_wait: float = 2.0  #: longest wait before the second try; doubles with each further one
    longest_wait: float = 900.0
    longest_asked_wait: float = 21_600.0  #: a sink that asks for a longer wait is tried earlier
    give_up_after: float = 3 * 86_400.0  #: since it was caused
    fewest_tries: int = 10  #: also of a delivery that an operator retries after ``give_up_after``
    most_tries: int = 1_000
    lease: float = 120.0  #: longer than any sink's own time limit
    poll: float = 1.0
    threads: int = 2  #: of each sink: deliveries to it under way at the same time

    def wait(self, attempts: int, rng: random.Random) -> float:
        """Seconds until the next try after ``attempts`` failed ones: exponential, with full jitter."""
        longest = min(self.longest_wait, self.first_wait * 2.0 ** min(attempts - 1, 30))
        return rng.uniform(0, longest)

    def gives_up(self, attempts: int, age: float) -> bool:
        """Whether a delivery caused ``age`` seconds ago is dead after ``attempts`` failed tries."""
        return attempts >= self.most_tries or (attempts >= self.fewest_tries and age >= self.give_up_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxHealth:
    """How the outbox stands."""

    pending: int
    oldest_pending_seconds: float  #: 0 when nothing is pending
    dead: int


def outbox_health(reading: DeliveryReading, now: datetime) -> OutboxHealth:
    """How much waits, how long the oldest has waited, and how much is dead."""
    counts = reading.outbox_counts()
    age = (now - counts.oldest_pending).total_seconds() if counts.oldest_pending else 0.0
    return OutboxHealth(pending=counts.pending, oldest_pending_seconds=max(0.0, age), dead=counts.dead)


def retry(writing: DeliveryWriting, delivery_id: str, now: datetime) -> None:
    """Make a dead or waiting delivery due at once; raises ``UnknownDelivery`` where that makes no sense."""
    found = writing.delivery(delivery_id)
    if found is None:
        raise UnknownDelivery(_no_such(delivery_id))
    if found.state == DEAD and found.kind == "handoff" and writing.superseded(found):
        raise UnknownDelivery(
            f"a later revision than {delivery_id}'s has arrived at {found.sink} and replaced it: drop it"
        )
    if not writing.retry_delivery(delivery_id, now):
        raise UnknownDelivery(_not_waiting(found, now))


def drop(writing: DeliveryWriting, delivery_id: str, now: datetime) -> None:
    """Give up a dead or waiting delivery; raises ``UnknownDelivery`` where that makes no sense."""
    found = writing.delivery(delivery_id)
    if found is None:
        raise UnknownDelivery(_no_such(delivery_id))
    if not writing.drop_delivery(delivery_id, now):
        raise UnknownDelivery(_not_waiting(found, now))


def _no_such(delivery_id: str) -> str:
    return f"there is no delivery {delivery_id[:60]}: `helppari desk outbox list --state all` names them all"


def _not_waiting(found: Delivery, now: datetime) -> str:
    if found.leased_until is not None and found.leased_until > now:
        return f"the delivery {found.id} is under way: try again in a minute"
    return f"the delivery {found.id} is {found.state}: only dead or pending ones can be retried or dropped"


#: Dead handoffs of a sink that are told of once more at the start; no service dies with more of them untold.
_TOLD_AGAIN = 100


class OutboxWorker:
    """Threads that empty the outbox; each sink has its own, so that one that stalls holds up no other.

    ``on_delivered`` is called before a delivery is settled, and so perhaps again after a kill: it must take
    the same acknowledgement twice. ``on_dead`` is called after a delivery has died, and at the start for the
    latest dead ones once more: a kill may have come between. An error of theirs is logged and changes nothing
    of the delivery.
    """

    def __init__(
        self,
        storage: Storage,
        sinks: Mapping[str, Sink],
        *,
        clock: Clock,
        rng: random.Random,
        on_delivered: Callable[[Delivery, Delivered], None] | None = None,
        on_dead: Callable[[Delivery], None] | None = None,
        policy: OutboxPolicy | None = None,
    ) -> None:
        self._storage = storage
        self._sinks = dict(sinks)
        self._clock = clock
        self._rng = rng
        self._on_delivered = on_delivered
        self._on_dead = on_dead
        self._policy = policy or OutboxPolicy()
        self._threads: dict[str, threading.Thread] = {}
        self._woken = threading.Condition()
        self._calls = 0
        self._stopping = False

    def start(self) -> None:
        """Begin; returns at once."""
        if self._threads:
            raise RuntimeError("the outbox worker runs already")
        self._stopping = False
        for name, sink in self._sinks.items():
            for place in range(self._policy.threads):
                worker = new_id("w")
                thread = threading.Thread(
                    target=self._work,
                    args=(sink, worker),
                    kwargs={"first": place == 0},
                    name=f"outbox-{name}-{place}",
                    daemon=True,
                )
                self._threads[worker] = thread
                thread.start()

    def wake(self) -> None:
        """Look for deliveries now: called after a commit that caused some."""
        with self._woken:
            self._calls += 1
            self._woken.notify_all()

    def stop(self, seconds: float = 3.0) -> None:
        """End within about ``seconds``; what a sink has not taken by then is given back for others."""
        self._stopping = True
        self.wake()
        until = time.monotonic() + seconds
        stuck = []
        for worker, thread in self._threads.items():
            thread.join(max(0.0, until - time.monotonic()))
            if thread.is_alive():
                stuck.append(worker)
        self._threads = {}
        try:
            for worker in stuck:
                with self._storage.write() as writing:
                    writing.release_leases(worker)
        except StorageError as error:
            logger.warning("leases could not be given back and end by themselves: %s", error)

    def run_once(self, sink_name: str) -> bool:
        """Bring one due delivery to the sink; false when there is none."""
        return self._one(self._sinks[sink_name], new_id("w"))

    def _work(self, sink: Sink, worker: str, *, first: bool) -> None:
        if first:
            self._tell_of_the_dead(sink)
        while not self._stopping:
            calls = self._calls
            try:
                if self._one(sink, worker):
                    continue
            except StorageError as error:
                logger.warning("the outbox waits for the database: %s", error)
            except Exception as error:  # the thread is this sink's only way out: it must not end
                logger.error("the outbox of %s failed: %s", sink.name, _place_of(error))
            with self._woken:
                if not self._stopping and self._calls == calls:
                    self._woken.wait(self._policy.poll)

    def _one(self, sink: Sink, worker: str) -> bool:
        with self._storage.read() as reading:
            if not reading.has_due_delivery(self._clock(), sink=sink.name):
                return False
        with self._storage.write() as writing:
            leased = writing.lease(self._clock(), worker, 1, self._policy.lease, sink=sink.name)
        for delivery in leased:
            self._deliver(sink, delivery)
        return bool(leased)

    def _deliver(self, sink: Sink, delivery: Delivery) -> None:
        try:
            result = sink.deliver(delivery)
        except DeliveryError as error:
            self._failed(delivery, error, str(error))
        except Exception as error:  # a sink's mistake must not cost the delivery, nor its words get logged
            logger.error("the sink %s made a mistake: %s", sink.name, _place_of(error))
            self._failed(delivery, error, f"the sink made a mistake ({type(error).__name__})")
        else:
            self._arrived(delivery, result)

    def _arrived(self, delivery: Delivery, result: Delivered) -> None:
        self._report(delivery, result)
        now = self._clock()
        with self._storage.write() as writing:
            settled = writing.settle_delivered(delivery, now)
            if settled and isinstance(result, Accepted) and result.message_id:
                writing.add_mail(
                    StoredMail(
                        message_id=result.message_id,
                        direction="out",
                        conversation_id=delivery.conversation_id,
                        what=result.what,
                        at=now,
                    )
                )
        if settled:
            logger.info("delivery %s arrived at %s", delivery.id, delivery.sink)
            self.wake()  # the next one of its stream is free

    def _report(self, delivery: Delivery, result: Delivered) -> None:
        if self._on_delivered is None:
            return
        for tries in range(1, _ACKNOWLEDGING_TRIES + 1):
            try:
                self._on_delivered(delivery, result)
            except StorageError as error:
                logger.warning("delivery %s arrived, and noting so failed: %s", delivery.id, error)
                time.sleep(0.1 * tries)
            except Exception as error:  # it has arrived: repeating it for a mistake of ours would help nobody
                logger.error("delivery %s arrived, and noting so failed: %s", delivery.id, _place_of(error))
                return
            else:
                return

    def _failed(self, delivery: Delivery, error: Exception, reason: str) -> None:
        now, tries = self._clock(), delivery.attempts + 1
        permanent = isinstance(error, Refused) and error.permanent
        dead = permanent or self._policy.gives_up(tries, (now - delivery.created_at).total_seconds())
        with self._storage.write() as writing:
            if dead:
                settled = writing.settle_dead(delivery, reason)
            else:
                wait = self._policy.wait(tries, self._rng)
                if isinstance(error, Refused):
                    wait = max(wait, min(error.retry_after, self._policy.longest_asked_wait))
                settled = writing.settle_failed(delivery, now + timedelta(seconds=wait), reason)
        outcome = "is dead" if dead else "will be tried again"
        logger.warning(
            "delivery %s to %s %s after %d tries: %s", delivery.id, delivery.sink, outcome, tries, reason
        )
        if dead and settled:
            self._tell_dead(delivery)
            self.wake()  # nothing waits for it any more

    def _tell_of_the_dead(self, sink: Sink) -> None:
        if self._on_dead is None:
            return
        try:
            with self._storage.read() as reading:
                dead = reading.latest_dead(sink.name, limit=_TOLD_AGAIN)
        except StorageError as error:
            logger.warning("dead deliveries of %s could not be looked for: %s", sink.name, error)
            return
        for delivery in dead:
            self._tell_dead(delivery)

    def _tell_dead(self, delivery: Delivery) -> None:
        if self._on_dead is None:
            return
        try:
            self._on_dead(delivery)
        except BotError as error:
            logger.error("delivery %s is dead, and noting so failed: %s", delivery.id, error)
        except Exception as error:  # as above: the thread must not end
            logger.error("delivery %s is dead, and noting so failed: %s", delivery.id, _place_of(error))


def _place_of(error: Exception) -> str:
    """The error's type and line; its text may hold what a customer wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "?"
    return f"{type(error).__name__} at {where}"
