"""Deleting conversations, feedback and records whose time is over, at start and then daily."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botsvc.clock import utc_now
from botsvc.errors import StorageError
from botsvc.storage import Storage
from botsvc.storage.transactions import Writing

if TYPE_CHECKING:
    from botsvc.settings import RetentionSettings

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


def delete_old_mails(storage: Storage, days: int, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Forget the Message-IDs of mails without a conversation; how many there were."""
    since = clock() - timedelta(days=days)
    return _in_batches(storage, lambda writing: writing.delete_old_mails(since=since, limit=BATCH))


def delete_old_audit(storage: Storage, days: int, *, clock: Callable[[], datetime] = utc_now) -> int:
    """Delete what people did at the desk more than ``days`` days ago; how many entries there were."""
    since = clock() - timedelta(days=days)
    return _in_batches(storage, lambda writing: writing.delete_old_audit(since=since, limit=BATCH))


def _in_batches(storage: Storage, delete: Callable[[Writing], int]) -> int:
    total = 0
    while True:
        with storage.write() as writing:
            deleted = delete(writing)
        total += deleted
        if deleted < BATCH:
            return total


@contextmanager
def deleting_old(storage: Storage, kept: RetentionSettings) -> Iterator[None]:
    """Do so now and every day, in a thread of its own, while the block lasts."""
    stop = threading.Event()
    kinds: tuple[tuple[str, int, Callable[[Storage, int], int]], ...] = (
        ("conversations", kept.conversation_days, delete_old),
        ("customers' examples", kept.example_days, delete_old_examples),
        ("mails without a conversation", kept.conversation_days, delete_old_mails),
        ("entries of the audit", kept.audit_days, delete_old_audit),
    )

    def work() -> None:
        while True:
            for name, days, delete in kinds:
                try:
                    if count := delete(storage, days):
                        log.info("deleted %d %s older than %d days", count, name, days)
                except StorageError as error:
                    log.warning("old %s were not deleted, the next try is tomorrow: %s", name, error)
            if stop.wait(EVERY_SECONDS):
                return

    thread = threading.Thread(target=work, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
