"""Deleting conversations whose time is over, at start and once a day while the service runs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from botsvc.conversations import utc_now
from botsvc.errors import StorageError
from botsvc.storage import Storage

log = logging.getLogger(__name__)

EVERY_SECONDS = 24 * 60 * 60
#: Deleted within one transaction: customers wait for the one writer meanwhile.
BATCH = 200


def delete_old(storage: Storage, days: int, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Delete every conversation without a message for ``days`` days; how many there were."""
    since = clock() - timedelta(days=days)
    total = 0
    while True:
        with storage.write() as writing:
            deleted = writing.delete_untouched(since=since, limit=BATCH)
        total += deleted
        if deleted < BATCH:
            return total


@contextmanager
def deleting_old(storage: Storage, days: int) -> Iterator[None]:
    """Do so now and every day, in a thread of its own, while the block lasts."""
    stop = threading.Event()

    def work() -> None:
        while True:
            try:
                count = delete_old(storage, days)
                if count:
                    log.info("deleted %d conversations older than %d days", count, days)
            except StorageError as error:
                log.warning("old conversations were not deleted, the next try is tomorrow: %s", error)
            if stop.wait(EVERY_SECONDS):
                return

    thread = threading.Thread(target=work, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
