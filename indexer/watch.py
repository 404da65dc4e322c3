"""Rebuilding as soon as an editor saves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from watchfiles import Change, watch

from indexer.build import Builder, BuildReport
from indexer.errors import IndexerError

#: Milliseconds: saves that come together are built together, and nobody waits for more than this.
_DEBOUNCE, _STEP = 120, 40
#: Milliseconds between two looks at the clock while nothing is saved.
_LOOK = 250
#: Seconds without a save after which the calibration follows.
QUIET = 5.0


def _is_content(change: Change, path: str) -> bool:
    name = Path(path).name
    return not name.startswith(".") and name.endswith((".md", ".jsonl", ".ndjson", ".yaml"))


def rebuilds(
    builder: Builder, *, stop: Event | None = None, report_error: Callable[[IndexerError], None]
) -> Iterator[BuildReport]:
    """A build after every save, and one with a new calibration once it is quiet, until ``stop`` is set.

    A build that fails (the kb is being moved, the disk is full) is reported; the served one stays.
    """
    yield from _attempt(builder, True, report_error)
    missed, stale, last = True, False, time.monotonic()
    for changes in watch(
        builder.kb if builder.kb.is_dir() else builder.kb.parent,
        watch_filter=_is_content,
        debounce=_DEBOUNCE,
        step=_STEP,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=builder.kb.is_dir(),
    ):
        if changes or missed:
            # What was saved between the first build and the first look has sent no event.
            missed = False
            built = list(_attempt(builder, False, report_error))
            yield from built
            stale, last = stale or bool(built), time.monotonic()
        elif stale and time.monotonic() - last >= QUIET:
            stale = False
            yield from _attempt(builder, True, report_error)


def _attempt(
    builder: Builder, recalibrate: bool, report_error: Callable[[IndexerError], None]
) -> Iterator[BuildReport]:
    try:
        report = builder.build(recalibrate=recalibrate)
    except IndexerError as error:
        report_error(error)
    else:
        if report.published:
            yield report
