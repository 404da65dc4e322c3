"""Who has which conversation open right now, and who is writing: kept in memory, gone when they go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

#: Without a sign for so long, somebody is not there any more; a page gives one every few seconds.
HERE_SECONDS = 20.0
TYPING_SECONDS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Somebody who has a conversation open."""

    agent_id: str
    name: str
    typing: bool


class Presence:
    """Who is where."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, dict[str, tuple[str, float, float]]] = {}  # name, here, typing

    def here(self, place: str, agent_id: str, name: str, *, typing: bool = False) -> None:
        """Somebody has ``place`` open, and is perhaps writing."""
        now = self._clock()
        with self._lock:
            inside = self._open.setdefault(place, {})
            before = inside.get(agent_id, ("", 0.0, -TYPING_SECONDS))
            inside[agent_id] = (name, now, now if typing else before[2])

    def gone(self, place: str, agent_id: str) -> None:
        """Somebody has left."""
        with self._lock:
            self._open.get(place, {}).pop(agent_id, None)

    def others(self, place: str, agent_id: str) -> tuple[Seen, ...]:
        """Everybody else who has ``place`` open, by name."""
        now = self._clock()
        with self._lock:
            for name in [name for name, inside in self._open.items() if not _alive(inside, now)]:
                del self._open[name]
            inside = dict(self._open.get(place, {}))
        return tuple(
            Seen(agent_id=who, name=name, typing=now - typing < TYPING_SECONDS)
            for who, (name, here, typing) in sorted(inside.items(), key=lambda item: item[1][0])
            if who != agent_id and now - here < HERE_SECONDS
        )


def _alive(inside: dict[str, tuple[str, float, float]], now: float) -> bool:
    return any(now - here < HERE_SECONDS for _, here, _ in inside.values())
