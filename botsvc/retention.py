"""Deleting conversations and feedback whose time is over, at start and daily while the service runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from botsvc.clock import utc_now
from botsvc.errors import StorageError
from botsvc.storage import Storage
from botsvc.storage.transactions import Writing

log = logging.getLogger(__name__)

EVERY_SECONDS = 24 * 60 * 60
#: Deleted within one transaction: customers wait for the one writer meanwhile.
BATCH = 200


def delete_old(storage: Storage, days: int, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Delete every conversation without a message for ``days`` days; how many there were."""
    since = clock() - timedelta(days=days)
    return _in_batches(storage, lambda writing: writing.delete_untouched(since=since, limit=BATCH))


def delete_old_examples(storage: Storage, days: int, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Delete every customer's feedback that is older than ``days`` days; how many there were.

    What an index has learned from it leaves with the next ``helppari kb learn --apply``.
    """
    since = clock() - timedelta(days=days)
    return _in_batches(storage, lambda writing: writing.delete_old_examples(since=since, limit=BATCH))


def _in_batches(storage: Storage, delete: Callable[[Writing], int]) -> int:
    total = 0
    while True:
        with storage.write() as writing:
            deleted = delete(writing)
        total += deleted
        if deleted < BATCH:
            return total


@contextmanager
def deleting_old(storage: Storage, days: int, example_days: int) -> Iterator[None]:
    """Do so now and every day, in a thread of its own, while the block lasts."""
    stop = threading.Event()

    def work() -> None:
        while True:
            try:
                count = delete_old(storage, days)
                if count:
                    log.info("deleted %d conversations older than %d days", count, days)
                count = delete_old_examples(storage, example_days)
                if count:
                    log.info("deleted %d customers' examples older than %d days", count, example_days)
            except StorageError as error:
                log.warning("what is old was not deleted, the next try is tomorrow: %s", error)
            if stop.wait(EVERY_SECONDS):
                return

    thread = threading.Thread(target=work, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
