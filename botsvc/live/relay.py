"""Brings the store's news to the hub: of this process at once, of others as the database lets us know."""

from __future__ import annotations

import json
import logging
import queue
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from botsvc.errors import StorageError
from botsvc.live.hub import Hub, Signal, SignalKind
from botsvc.storage import Storage
from botsvc.storage.watching import EVENTS, SIGNALS

log = logging.getLogger(__name__)

#: Writers' clocks may differ, and a transaction ends later than the time it writes.
_OVERLAP = timedelta(seconds=60)
#: Changed conversations read at a time for the desk.
_LATEST = 200
#: Signals that may wait to be spread; more are left out, as they fade anyway.
_WAITING = 1_000


class _Relay:
    def __init__(self, storage: Storage, hub: Hub) -> None:
        self._storage = storage
        self._hub = hub
        self._origin = secrets.token_hex(8)
        self._stop = threading.Event()
        self._outgoing: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._since: datetime | None = None

    def start(self) -> list[threading.Thread]:
        self._storage.on_commit(self._hub.wake)
        threads = [threading.Thread(target=self._watch, name="news", daemon=True)]
        if self._storage.shared:
            self._hub.spread = self._spread
            threads.append(threading.Thread(target=self._send, name="signals", daemon=True))
        for thread in threads:
            thread.start()
        return threads

    def stop(self) -> None:
        self._hub.spread = None
        self._stop.set()
        try:
            self._outgoing.put_nowait(None)
        except queue.Full:
            return  # the sender is at work and looks at the stop sign after each one

    def _watch(self) -> None:
        self._storage.watch(self._stop, self._changed, self._notified)

    def _changed(self) -> None:
        """Tell what has moved on in the store, whoever wrote it."""
        try:
            self._catch_up()
        except StorageError as error:
            log.warning("what others have written was not looked at: %s", error)

    def _catch_up(self) -> None:
        if not self._hub.watched:
            self._since = None
            return
        followed = self._hub.conversations
        with self._storage.read() as reading:
            sequences = reading.last_sequences(followed)
            latest = reading.latest_sequences(
                since=self._since - _OVERLAP if self._since else None, limit=_LATEST
            )
        if latest:
            self._since = max(one.updated_at for one in latest)
        self._hub.wake(sequences | {one.id: one.last_sequence for one in latest})
        self._hub.look_again(set(followed) - set(sequences))

    def _notified(self, channel: str, payload: str) -> None:
        try:
            content = json.loads(payload)
            if channel == EVENTS:
                self._hub.wake({str(name): int(sequence) for name, sequence in content.items()})
            elif channel == SIGNALS and content["origin"] != self._origin:
                signal = Signal(
                    kind=SignalKind(content["kind"]), actor=str(content["actor"]), name=str(content["name"])
                )
                self._hub.hear(str(content["conversation"]), signal, on=bool(content["on"]))
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("a notification on %s cannot be understood: is another version running?", channel)

    def _spread(self, conversation_id: str, signal: Signal, on: bool) -> None:
        content = {
            "origin": self._origin,
            "conversation": conversation_id,
            "kind": signal.kind.value,
            "actor": signal.actor,
            "name": signal.name[:80],
            "on": on,
        }
        try:
            self._outgoing.put_nowait(json.dumps(content))
        except queue.Full:
            log.warning("too many signals are waiting: one was left out")

    def _send(self) -> None:
        while not self._stop.is_set():
            payload = self._outgoing.get()
            if payload is None:
                return
            try:
                self._storage.notify(SIGNALS, payload)
            except StorageError as error:
                log.warning("a signal was not spread: %s", error)


@contextmanager
def relaying(storage: Storage, hub: Hub) -> Iterator[None]:
    """Wake the hub's subscribers after every commit, here and elsewhere, while the block lasts."""
    relay = _Relay(storage, hub)
    threads = relay.start()
    try:
        yield
    finally:
        relay.stop()
        for thread in threads:
            thread.join(timeout=5)
