"""Rebuilding as soon as an editor saves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

from watchfiles import Change, watch

from indexer.build import Builder, BuildReport
from indexer.errors import IndexerError

#: Milliseconds: saves that come together are built together, and nobody waits for more than this.
_DEBOUNCE, _STEP = 120, 40
#: Milliseconds without a save after which the calibration follows.
QUIET = 5000


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
    stale = False
    for changes in watch(
        builder.kb if builder.kb.is_dir() else builder.kb.parent,
        watch_filter=_is_content,
        debounce=_DEBOUNCE,
        step=_STEP,
        rust_timeout=QUIET,
        yield_on_timeout=True,
        stop_event=stop,
        recursive=builder.kb.is_dir(),
    ):
        if changes:
            yield from _attempt(builder, False, report_error)
            stale = True
        elif stale:
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
