"""The hub: subscribers of conversations and of the desk, woken from any thread, and signals that fade."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from types import TracebackType
from typing import Self

#: Who a signal of the customer's page comes from; others are agents' ids.
CUSTOMER_ACTOR = "customer"
#: Changed conversations that one desk subscription counts between two looks; beyond, it reads all.
MOST_COUNTED = 200
#: Conversations whose last sequence is remembered, so that what was told is not told again.
REMEMBERED = 10_000
#: Signals kept for one conversation; more only happen when somebody plays with them.
MOST_SIGNALS = 20


class SignalKind(StrEnum):
    """What somebody does right now."""

    TYPING = "typing"
    VIEWING = "viewing"


#: How long a signal lasts unless it is given again, in seconds.
LASTS: Mapping[SignalKind, float] = {SignalKind.TYPING: 6.0, SignalKind.VIEWING: 20.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Somebody types in a conversation, or has it open."""

    kind: SignalKind
    actor: str  #: ``customer``, or the agent's id
    name: str = ""  #: of the agent, as the customer sees it


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """What has happened since the subscriber last looked; all of it together."""

    conversations: Mapping[str, int]  #: id -> last sequence; 0 where it is not known
    signals: bool = False  #: somebody began or stopped to type or to look
    lost: bool = False  #: more has happened than was counted: read everything


class Subscription:
    """Waits for news; made by ``Hub.subscribe``, used by one task of the loop that made it."""

    def __init__(self, hub: Hub, conversation_id: str | None) -> None:
        self.conversation_id = conversation_id  #: None: the desk's
        self.closed = False  #: the service stops: nothing more will come
        self._hub = hub
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()
        self._lock = threading.Lock()
        self._conversations: dict[str, int] = {}
        self._signals = self._lost = self._told = False

    async def wait(self, seconds: float) -> Wake | None:
        """What has happened since the last call, waiting for it if need be; None after ``seconds``.

        Returns at once, with None, when the hub is closed.
        """
        if not self._event.is_set() and not self.closed:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._event.wait()
        with self._lock:
            self._event.clear()
            self._told = False
            wake = Wake(conversations=self._conversations, signals=self._signals, lost=self._lost)
            self._conversations, self._signals, self._lost = {}, False, False
        return wake if wake.conversations or wake.signals or wake.lost else None

    def close(self) -> None:
        """Hear no more."""
        self._hub.drop(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def tell(self, conversations: Mapping[str, int], *, signals: bool = False, lost: bool = False) -> None:
        """Count news and wake the waiting task; from any thread."""
        with self._lock:
            self._conversations.update(conversations)
            self._signals |= signals
            self._lost |= lost
            if len(self._conversations) > MOST_COUNTED:
                self._conversations, self._lost = {}, True
            if self._told:
                return  # it has been woken and has not looked yet: this goes with it
            self._told = True
        self._set()

    def end(self) -> None:
        """The hub closes."""
        self.closed = True
        self._set()

    def _set(self) -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._event.set)


@dataclass(slots=True, kw_only=True)
class _Lasting:
    signal: Signal
    until: float


#: Tells other processes of a signal: conversation id, signal, whether it begins or ends.
Spread = Callable[[str, Signal, bool], None]


@dataclass(kw_only=True)
class Hub:
    """Wakes whoever has to read the store again; one in a process."""

    clock: Callable[[], float] = time.monotonic
    spread: Spread | None = None  #: set while other processes have to hear of signals too
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _subscriptions: dict[str | None, set[Subscription]] = field(default_factory=dict)
    _known: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _signals: dict[str, dict[tuple[SignalKind, str], _Lasting]] = field(default_factory=dict)
    _closed: bool = False

    def subscribe(self, conversation_id: str) -> Subscription:
        """News of one conversation; to be called in the loop that will wait for it."""
        return self._subscribed(conversation_id)

    def subscribe_desk(self) -> Subscription:
        """News of all conversations, and of whoever calls ``wake_desk``."""
        return self._subscribed(None)

    def _subscribed(self, conversation_id: str | None) -> Subscription:
        subscription = Subscription(self, conversation_id)
        with self._lock:
            if self._closed:
                subscription.end()
            else:
                self._subscriptions.setdefault(conversation_id, set()).add(subscription)
        return subscription

    def drop(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        with self._lock:
            inside = self._subscriptions.get(subscription.conversation_id, set())
            inside.discard(subscription)
            if not inside:
                self._subscriptions.pop(subscription.conversation_id, None)

    @property
    def conversations(self) -> tuple[str, ...]:
        """The conversations that somebody follows."""
        with self._lock:
            return tuple(name for name in self._subscriptions if name is not None)

    def following(self, conversation_id: str) -> int:
        """How many follow a conversation."""
        with self._lock:
            return len(self._subscriptions.get(conversation_id, ()))

    @property
    def watched(self) -> bool:
        """Whether anybody would be woken by anything."""
        with self._lock:
            return bool(self._subscriptions)

    def wake(self, sequences: Mapping[str, int]) -> None:
        """Conversations have these last sequences now; only what is news is told."""
        with self._lock:
            news: dict[str, int] = {}
            for name, sequence in sequences.items():
                if sequence > self._known.get(name, 0):
                    news[name] = self._known[name] = sequence
                    self._known.move_to_end(name)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
            told = [(one, {name: news[name]}) for name in news for one in self._subscriptions.get(name, ())]
            desk = tuple(self._subscriptions.get(None, ())) if news else ()
        for subscription, part in told:
            subscription.tell(part)
        for subscription in desk:
            subscription.tell(news)

    def wake_desk(self) -> None:
        """Something other than an event has changed what the desk shows, such as who is there."""
        with self._lock:
            desk = tuple(self._subscriptions.get(None, ()))
        for subscription in desk:
            subscription.tell({}, lost=True)

    def look_again(self, conversation_ids: Iterable[str]) -> None:
        """Wake the followers of conversations of which nothing certain is known, such as deleted ones."""
        for name in conversation_ids:
            with self._lock:
                told = tuple(self._subscriptions.get(name, ()))
            for subscription in told:
                subscription.tell({name: 0})

    def signal(self, conversation_id: str, signal: Signal, *, on: bool = True) -> None:
        """Somebody types or looks, for some seconds from now; with ``on`` false, no longer."""
        self.hear(conversation_id, signal, on=on)
        if self.spread is not None:
            self.spread(conversation_id, signal, on)

    def hear(self, conversation_id: str, signal: Signal, *, on: bool = True) -> None:
        """Take in a signal that another process gave; it is not spread further."""
        now = self.clock()
        key = (signal.kind, signal.actor)
        with self._lock:
            self._fade(now)
            inside = self._signals.setdefault(conversation_id, {})
            known = inside.pop(key, None)
            if on and len(inside) < MOST_SIGNALS:
                inside[key] = _Lasting(signal=signal, until=now + LASTS[signal.kind])
            if not inside:
                del self._signals[conversation_id]
            told = tuple(self._subscriptions.get(conversation_id, ())) if on or known else ()
        for subscription in told:
            subscription.tell({}, signals=True)

    def signals(self, conversation_id: str) -> tuple[Signal, ...]:
        """Who types in the conversation or looks at it now, in the order it began."""
        now = self.clock()
        with self._lock:
            inside = self._signals.get(conversation_id, {})
            return tuple(one.signal for one in inside.values() if one.until > now)

    def _fade(self, now: float) -> None:
        """Forget what has ended; few signals last at a time, so all are looked at."""
        for name, inside in list(self._signals.items()):
            for key in [key for key, one in inside.items() if one.until <= now]:
                del inside[key]
            if not inside:
                del self._signals[name]

    def close(self) -> None:
        """The service stops: every subscription ends."""
        with self._lock:
            self._closed = True
            told = [one for inside in self._subscriptions.values() for one in inside]
        for subscription in told:
            subscription.end()
