"""Whose page is connected now, brought to the store all together, and how many streams anybody may have."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from botsvc.errors import StorageError

if TYPE_CHECKING:
    from botsvc.storage import Storage

log = logging.getLogger(__name__)

#: How often the store learns who is connected; well within ``handling.CONNECTED``.
EVERY_SECONDS = 20.0


class Attendance:
    """The conversations whose customer's page is connected, by stream or by asking again and again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._streams: Counter[str] = Counter()
        self._asked: set[str] = set()

    @contextmanager
    def present(self, conversation_id: str) -> Iterator[None]:
        """The page is connected while the block lasts."""
        with self._lock:
            self._streams[conversation_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._streams[conversation_id] -= 1
                if self._streams[conversation_id] <= 0:
                    del self._streams[conversation_id]
                self._asked.add(conversation_id)  # it was there until now

    def asked(self, conversation_id: str) -> None:
        """The page has just asked for news."""
        with self._lock:
            self._asked.add(conversation_id)

    def take(self) -> tuple[str, ...]:
        """Who is connected, or was since the last call."""
        with self._lock:
            names = {*self._streams, *self._asked}
            self._asked.clear()
        return tuple(sorted(names))


def bring(attendance: Attendance, storage: Storage, now: datetime) -> int:
    """Store who is connected, in one transaction; how many there were."""
    names = attendance.take()
    if names:
        with storage.write() as writing:
            writing.seen(names, now)
    return len(names)


@contextmanager
def attending(
    attendance: Attendance,
    storage: Storage,
    clock: Callable[[], datetime],
    *,
    every: float = EVERY_SECONDS,
) -> Iterator[None]:
    """Store who is connected every few seconds, in a thread of its own, while the block lasts."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(every):
            try:
                bring(attendance, storage, clock())
            except StorageError as error:
                log.warning("who is connected was not stored: %s", error)

    thread = threading.Thread(target=work, name="attendance", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


class Seats:
    """How many may be inside at once, by key; for one event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: Counter[str] = Counter()

    def free(self, key: str) -> bool:
        """Whether one more may come in; always with no limit (0)."""
        return not self._most or self._inside[key] < self._most

    @contextmanager
    def taken(self, key: str) -> Iterator[None]:
        """Be inside while the block lasts."""
        self._inside[key] += 1
        try:
            yield
        finally:
            self._inside[key] -= 1
            if self._inside[key] <= 0:
                del self._inside[key]
