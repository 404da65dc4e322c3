"""How a process learns that another one has written: PostgreSQL tells, SQLite is asked about each second.

Nothing is learned but that there is something to read: whoever is told reads the store again.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

#: PostgreSQL's channels: new events, and signals that are never stored.
EVENTS, SIGNALS = "helppari_events", "helppari_signals"
#: How often SQLite is asked whether anybody has written.
POLL_SECONDS = 1.0
#: How often the store is read again although nothing was heard: a notification may get lost.
AGAIN_SECONDS = 5.0
#: PostgreSQL takes 8,000 bytes at most.
_LONGEST = 7_500

#: Told that something may have been written, by anybody.
Changed = Callable[[], None]
#: Told the channel and the payload of a notification.
Notified = Callable[[str, str], None]


def payloads(appended: Mapping[str, int]) -> Iterator[str]:
    """The last sequences of conversations, as what a notification carries."""
    part: dict[str, int] = {}
    for name, sequence in appended.items():
        part[name] = sequence
        if len(part) >= 100:
            yield json.dumps(part)
            part = {}
    if part:
        yield json.dumps(part)


def fits(payload: str) -> bool:
    """Whether a notification can carry this."""
    return len(payload.encode()) <= _LONGEST


def watch_sqlite(path: Path, stop: threading.Event, changed: Changed) -> None:
    """Call ``changed`` whenever any connection has written, until ``stop``."""
    before: int | None = None
    while not stop.is_set():
        try:
            # Opened for reading alone: it must never make a file that somebody has deleted.
            uri = f"{path.absolute().as_uri()}?mode=ro"
            with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
                while not stop.wait(POLL_SECONDS):
                    (version,) = connection.execute("PRAGMA data_version").fetchone()
                    if version != before:
                        before = version
                        changed()
        except sqlite3.Error as error:
            log.warning("the database cannot be watched (%s): trying again", error)
            before = None
            stop.wait(AGAIN_SECONDS)


def watch_postgresql(conninfo: str, stop: threading.Event, changed: Changed, notified: Notified) -> None:
    """Call ``notified`` for each notification, ``changed`` after each connecting and every few seconds."""
    import psycopg

    while not stop.is_set():
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=5) as connection:
                for channel in (EVENTS, SIGNALS):
                    connection.execute(f"LISTEN {channel}".encode())
                while not stop.is_set():
                    connection.execute(b"SELECT 1")  # a connection that died in silence is noticed here
                    changed()
                    for _ in range(int(AGAIN_SECONDS)):
                        for notice in connection.notifies(timeout=1.0):
                            notified(notice.channel, notice.payload)
                        if stop.is_set():
                            return
        except psycopg.Error as error:
            # The message may name the server and the user, and says nothing of customers.
            log.warning("the database cannot be listened to (%s): trying again", str(error).split("\n")[0])
            stop.wait(2.0)
