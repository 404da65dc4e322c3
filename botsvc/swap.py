"""The index being served, and its replacement by a newer build while requests go on.

A request takes ``Swapper.index`` once and keeps it: no reply mixes two builds. A build that cannot be used
leaves the last good one served; ``status`` says so, and why.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from indexer import Index, IndexerError, current_build

log = logging.getLogger(__name__)

#: A build that failed is tried again after so many seconds (storage may lag), doubling up to the maximum.
FIRST_RETRY = 2.0
LAST_RETRY = 60.0

Load = Callable[[Path, Index | None, str], Index]


def load_build(root: Path, previous: Index | None, build_id: str) -> Index:
    """The named build, sharing with ``previous`` what has not changed."""
    return Index.load(root, previous=previous, build_id=build_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is served and what keeps a newer build from being served."""

    index: Index | None
    failed_build: str = ""  #: the build that CURRENT names, when it cannot be used
    reason: str = ""  #: why, as a sentence


@dataclass(slots=True)
class _Failure:
    build: str
    retry_at: float
    wait: float = FIRST_RETRY


@dataclass(slots=True)
class Swapper:
    """Follows ``root/CURRENT`` in a thread of its own."""

    root: Path
    poll_seconds: float = 0.15
    load: Load = load_build
    clock: Callable[[], float] = time.monotonic
    _status: Status = field(default_factory=lambda: Status(index=None))
    _failure: _Failure | None = None
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    @property
    def index(self) -> Index | None:
        """The index to answer with now; take it once per request."""
        return self._status.index

    @property
    def status(self) -> Status:
        """What is served, and why not something newer."""
        return self._status

    def start(self) -> None:
        """Load what is published and follow it from now on; a missing or damaged index is no error here."""
        self.look()
        self._stop.clear()
        self._thread = threading.Thread(target=self._follow, name="index-swap", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop following; the index stays served."""
        self._stop.set()
        if self._thread is not None:
            # A build that is being loaded may take longer: its thread ends with the process.
            self._thread.join(5)
            self._thread = None

    def look(self) -> bool:
        """Look at ``CURRENT`` once; True when another build is served after it."""
        served = self._status.index
        build = ""
        try:
            build = current_build(self.root)
            if served is not None and served.build_id == build:
                self._recovered()
                return False
            if self._failure and self._failure.build == build and self.clock() < self._failure.retry_at:
                return False
            index = self.load(self.root, served, build)
        except IndexerError as error:
            self._failed(build, str(error))
            return False
        except Exception:
            # Whatever a foreign build does to the loader, the service goes on with the last good one.
            log.exception("index build %s under %s cannot be loaded", build, self.root)
            self._failed(build, f"build {build} cannot be loaded: see the service's log")
            return False
        # One assignment: a reader sees the old status or the new one, never a mixture.
        self._status = Status(index=index)
        self._failure = None
        log.info("serving index %s (build %s)", index.index_id, index.build_id)
        return True

    def _follow(self) -> None:
        while not self._stop.wait(self.poll_seconds):
            self.look()

    def _recovered(self) -> None:
        """CURRENT names the served build again: whatever was wrong with another one is over."""
        if self._status.reason:
            self._status = Status(index=self._status.index)
        self._failure = None

    def _failed(self, build: str, reason: str) -> None:
        known = self._failure if self._failure and self._failure.build == build else None
        wait = min(LAST_RETRY, known.wait * 2) if known else FIRST_RETRY
        if known is None or reason != self._status.reason:
            log.warning("index under %s is not served: %s", self.root, reason)
        # Without a build there is nothing expensive to try: look again at the next poll.
        self._failure = _Failure(build=build, retry_at=self.clock() + (wait if build else 0.0), wait=wait)
        self._status = Status(index=self._status.index, failed_build=build, reason=reason)
