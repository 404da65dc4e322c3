"""What time does to conversations: agents who are gone, promises that will not hold, customers who have left.

``sweep`` looks for what is due and does each thing in a transaction of its own, under the conversation's lock
and after looking again: several processes may sweep at once, and a crash between two of them loses nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from botsvc.arrivals import NOT_DELIVERED
from botsvc.change import CUSTOMER_MAIL, Change
from botsvc.episode import Owner
from botsvc.errors import StorageError
from botsvc.events import Actor, ActorKind, Event, MessagesRead
from botsvc.facts import EventType
from botsvc.handling import CONNECTED, is_connected
from botsvc.handoff import HandoffState
from botsvc.people_facts import ArticleSent, HandoffEnded, PersonMessage, ServiceMessage
from botsvc.reception import Reception
from botsvc.storage import Storage
from botsvc.storage.records import Handoff
from botsvc.storage.timer_rows import Watched

log = logging.getLogger(__name__)

#: How long after its last sign of life an agent's desk counts as gone.
AGENT_GONE = timedelta(minutes=2)
#: How long before its end a promise that nobody has kept is called in question.
PROMISE_MARGIN = timedelta(minutes=10)
#: How long a connected customer waits for the first sign of life before being told so.
STILL_WAITING = timedelta(minutes=3)
#: How long a message may stay unread on the customer's page before it is sent by e-mail as well.
UNREAD = timedelta(minutes=3)
#: How far back unread messages are looked for; longer than any restart takes.
LATELY = timedelta(days=1)
#: How often the service looks.
EVERY_SECONDS = 5.0


class Timer(StrEnum):
    """The timers, as the cause of events."""

    AGENT_GONE = "agent_gone"
    PROMISE_BREAKS = "promise_breaks"
    STILL_WAITING = "still_waiting"
    UNREACHABLE = "unreachable"
    ABANDONED = "abandoned"


#: Keys of what the service says that must reach the customer, read on the page or by e-mail.
MAILED = (Timer.PROMISE_BREAKS.value, NOT_DELIVERED)


class Words(Protocol):
    """What the service says on its own, in a customer's language."""

    def promise_breaks(self, language: str, reply_by: datetime | None, zone: str, now: datetime) -> str:
        """That the promised time will not hold, and the new one if there is one."""

    def still_waiting(self, language: str, *, reachable: bool) -> str:
        """That nobody has come yet, and what the customer can do."""


#: Promises anew: the team's next reply for a handoff.
PromiseAnew = Callable[[Handoff, datetime], Reception]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long things may take."""

    unreachable: timedelta = timedelta(minutes=30)
    abandoned: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timers:
    """Does what is due."""

    storage: Storage
    words: Words
    promise_anew: PromiseAnew
    sinks: tuple[str, ...] = ()
    patience: Patience = Patience()

    def sweep(self, now: datetime) -> int:
        """Do everything that is due at ``now``; how many conversations were changed."""
        with self.storage.read() as reading:
            due = [
                (one.conversation_id, timer)
                for one in reading.watched(told_waiting=Timer.STILL_WAITING)
                for timer in _due(one, now, self.patience)
            ]
        return sum(self._tried(conversation_id, timer, now) for conversation_id, timer in due)

    def _tried(self, conversation_id: str, timer: Timer, now: datetime) -> bool:
        try:
            return self._do(conversation_id, timer, now)
        except StorageError:
            raise
        except Exception:
            # A fault in one conversation must not stop the clock for all others.
            log.exception("the timer %s of conversation %s failed", timer, conversation_id)
            return False

    def _do(self, conversation_id: str, timer: Timer, now: datetime) -> bool:
        with self.storage.write() as writing:
            conversation = writing.lock(conversation_id)
            if conversation is None or not conversation.episode:
                return False
            change = Change.of(writing, conversation, now, self.sinks)
            handoff = change.handoff
            if handoff is None or handoff.state != HandoffState.OPEN:
                return False
            watched = writing.watched(told_waiting=Timer.STILL_WAITING, handoff_id=handoff.id)
            if not any(timer in _due(one, now, self.patience) for one in watched):
                return False  # somebody was quicker
            _ACTIONS[timer](self, change, handoff)
            change.end()
            return True

    def _agent_gone(self, change: Change, _: Handoff) -> None:
        change.own(Owner.QUEUE, _actor(Timer.AGENT_GONE))
        change.note_down(agent="")

    def _promise_breaks(self, change: Change, handoff: Handoff) -> None:
        actor = _actor(Timer.PROMISE_BREAKS)
        reception = self.promise_anew(handoff, change.now)
        change.note_down(warned_at=change.now)
        reply_by = reception.reply_by
        if reply_by is not None and handoff.promised_by is not None and reply_by > handoff.promised_by:
            change.promise(actor, reply_by, reception.time_zone)
        else:
            reply_by = None
        language = change.conversation.language
        zone = reception.time_zone or handoff.time_zone
        text = self.words.promise_breaks(language, reply_by, zone, change.now)
        _say(change, actor, key=Timer.PROMISE_BREAKS, text=text)

    def _still_waiting(self, change: Change, _: Handoff) -> None:
        reachable = bool(change.conversation.email or change.conversation.phone)
        text = self.words.still_waiting(change.conversation.language, reachable=reachable)
        _say(change, _actor(Timer.STILL_WAITING), key=Timer.STILL_WAITING, text=text)

    def _unreachable(self, change: Change, _: Handoff) -> None:
        _end(change, HandoffState.UNREACHABLE, _actor(Timer.UNREACHABLE))

    def _abandoned(self, change: Change, _: Handoff) -> None:
        _end(change, HandoffState.ABANDONED, _actor(Timer.ABANDONED))


_ACTIONS: Mapping[Timer, Callable[[Timers, Change, Handoff], None]] = {
    Timer.AGENT_GONE: Timers._agent_gone,
    Timer.PROMISE_BREAKS: Timers._promise_breaks,
    Timer.STILL_WAITING: Timers._still_waiting,
    Timer.UNREACHABLE: Timers._unreachable,
    Timer.ABANDONED: Timers._abandoned,
}


def _due(one: Watched, now: datetime, patience: Patience) -> Iterator[Timer]:
    """The timers that have run out for an open handoff."""
    connected = one.channel != "email" and now - one.seen_at <= CONNECTED
    reachable = bool(one.email or one.phone)
    if not reachable and not connected and not one.open_work and now - one.seen_at >= patience.unreachable:
        yield Timer.UNREACHABLE
        return
    waits_for_us = one.last_word_at is None or one.last_word == EventType.CUSTOMER_MESSAGE
    if (
        one.last_word_at is not None
        and not waits_for_us
        and not one.open_work
        and now - one.last_word_at >= patience.abandoned
    ):
        yield Timer.ABANDONED
        return
    if one.owner == Owner.AGENT and (waits_for_us or connected):
        seen = one.agent_seen_at if one.agent_active else None
        if seen is None or now - seen >= AGENT_GONE:
            yield Timer.AGENT_GONE
    if one.answered_at is not None:
        return
    if _promise_breaks(one, now):
        yield Timer.PROMISE_BREAKS
    if (
        connected
        and one.promised_by is None
        and not one.agent
        and now - one.waiting_since >= STILL_WAITING
        and (one.told_waiting_at is None or one.told_waiting_at < one.waiting_since)
    ):
        yield Timer.STILL_WAITING


def _promise_breaks(one: Watched, now: datetime) -> bool:
    """Whether the promise nears its end and the customer has not been told so."""
    if one.promised_by is None:
        return False
    made = one.promised_at or one.waiting_since
    # A short promise must not be called in question as soon as it is made.
    margin = min(PROMISE_MARGIN, (one.promised_by - made) / 4)
    told = one.warned_at is not None and one.warned_at > made
    return not told and now >= one.promised_by - margin


def _say(change: Change, actor: Actor, *, key: str, text: str) -> None:
    fact = ServiceMessage(key=key, text=text, language=change.conversation.language)
    sequence = change.append(fact, actor)
    if not is_connected(change.conversation, change.now):
        change.mail(sequence, text=text, name="")


def _end(change: Change, state: HandoffState, actor: Actor) -> None:
    change.revise(
        actor,
        lambda after: HandoffEnded(handoff_id=after.id, revision=after.revision, state=after.state),
        state=state.value,
        ended_at=change.now,
    )
    change.own(Owner.NOBODY, actor)


def _actor(timer: Timer) -> Actor:
    return Actor(kind=ActorKind.TIMER, id=timer.value)


def mail_unread(storage: Storage, sinks: tuple[str, ...], now: datetime) -> int:
    """Send by e-mail what connected customers have not read for ``UNREAD``; how many messages.

    A page may be open on a sleeping phone: what it was sent counts as arrived only when it was read.
    """
    if CUSTOMER_MAIL not in sinks:
        return 0
    count = 0
    with storage.read() as reading:
        ids = reading.unread(since=now - LATELY, until=now - UNREAD, service=MAILED)
    for conversation_id in ids:
        with storage.write() as writing:
            conversation = writing.lock(conversation_id)
            if conversation is None or not conversation.email:
                continue
            change = Change.of(writing, conversation, now, sinks)
            sent = {one.place for one in writing.deliveries(conversation_id) if one.kind == "mail"}
            unread = list(_unread(writing.events(conversation_id, episode=conversation.episode), now))
            for event in unread:
                if event.sequence in sent:
                    continue
                match event.fact:
                    case PersonMessage(text=text, name=name):
                        change.mail(event.sequence, text=text, name=name)
                    case ArticleSent(text=quotation, title=title, url=url, name=name):
                        change.mail(event.sequence, text=f"{quotation}\n\n{title}: {url}", name=name)
                    case ServiceMessage(key=key, text=text) if key in MAILED:
                        change.mail(event.sequence, text=text, name="")
                    case _:
                        continue
                count += 1
    return count


def _unread(events: tuple[Event, ...], now: datetime) -> Iterator[Event]:
    read = max(
        (
            event.fact.up_to if isinstance(event.fact, MessagesRead) else event.sequence
            for event in events
            if event.actor.kind is ActorKind.CUSTOMER
        ),
        default=0,
    )
    for event in events:
        if event.sequence > read and now - event.at >= UNREAD:
            yield event


@contextmanager
def sweeping(
    timers: Timers, clock: Callable[[], datetime], *, every: float = EVERY_SECONDS
) -> Iterator[None]:
    """Do what is due every few seconds, in a thread of its own, while the block lasts."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(every):
            try:
                timers.sweep(clock())
                mail_unread(timers.storage, timers.sinks, clock())
            except StorageError as error:
                log.warning("timers were not looked at, the next try is in %g s: %s", every, error)
            except Exception:
                log.exception("timers failed, the next try is in %g s", every)

    thread = threading.Thread(target=work, name="timers", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=10)
