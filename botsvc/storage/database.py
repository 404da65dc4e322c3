"""Opening a database and its transactions: SQLite with one writer, or PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from botsvc.errors import StorageBusy, StorageError, StorageNotFound, StorageUnavailable, StorageVersionError
from botsvc.storage import schema
from botsvc.storage.transactions import Reading, Writing
from botsvc.storage.watching import (
    EVENTS,
    Changed,
    Notified,
    fits,
    payloads,
    watch_postgresql,
    watch_sqlite,
)

BUSY_SECONDS = 5  #: how long a transaction waits for a lock

#: Told after a commit which conversations got events, each with its last sequence; quick, and never raises.
Committed = Callable[[Mapping[str, int]], None]


class Storage:
    """An open database; one for a process, used by all of its threads."""

    def __init__(self, url: URL, *, pool_size: int = 8) -> None:
        self.name = url.set(query={}).render_as_string(hide_password=True)
        self._url = url
        self._sqlite = url.get_backend_name() == "sqlite"
        self._told: list[Committed] = []
        if self._sqlite:
            # One writer: threads of this process queue for the only writing connection, other processes
            # are kept out by BEGIN IMMEDIATE, and nobody ever has to upgrade a read lock.
            self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", size=1)
            self._reader = _sqlite_engine(url, "BEGIN", size=pool_size)
        else:
            self._writer = _postgresql_engine(url, size=pool_size)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """One transaction: all of it is stored when the block ends, nothing if it raises."""
        with _sentences(self.name), self._writer.begin() as connection:
            writing = Writing(connection)
            yield writing
            if self.shared:  # told with the commit, or not at all
                for payload in payloads(writing.appended):
                    _notify(connection, EVENTS, payload)
        if writing.appended:
            for tell in tuple(self._told):
                tell(writing.appended)

    @contextmanager
    def read(self) -> Iterator[Reading]:
        """One look at the store that does not change while the block lasts."""
        with _sentences(self.name), self._reader.begin() as connection:
            yield Reading(connection)

    @property
    def shared(self) -> bool:
        """Whether several serving processes may work with this database."""
        return not self._sqlite

    def on_commit(self, tell: Committed) -> None:
        """Call ``tell`` after each commit of this process that has stored events, in the writer's thread."""
        self._told.append(tell)

    def notify(self, channel: str, payload: str) -> None:
        """Tell all processes something that is not stored; nothing happens where there is only one."""
        if not self.shared or not fits(payload):
            return
        with _sentences(self.name), self._writer.begin() as connection:
            _notify(connection, channel, payload)

    def watch(self, stop: threading.Event, changed: Changed, notified: Notified) -> None:
        """Learn of what others write until ``stop``; blocks, and survives the database's absence."""
        if self._sqlite:
            watch_sqlite(Path(str(self._url.database)), stop, changed)
        else:
            address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
            watch_postgresql(address, stop, changed, notified)

    def check(self) -> None:
        """Raise ``StorageError`` when the database does not answer."""
        with _sentences(self.name), self._reader.connect() as connection:
            connection.execute(text("SELECT 1"))

    def version(self) -> str | None:
        """The revision of the database's tables; None when it has none yet."""
        with _sentences(self.name), self._reader.begin() as connection:
            return schema.version(connection)

    def upgrade(self) -> None:
        """Bring the tables to this version's, whatever older version they are of."""
        if self.version() == schema.HEAD:
            return
        with self._migrating() as connection:
            schema.refuse_newer(connection, self.name)
            schema.upgrade(connection)

    def downgrade(self, revision: str) -> None:
        """Take the tables back to ``revision`` (``base`` drops them)."""
        with self._migrating() as connection:
            schema.downgrade(connection, revision)

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        """One transaction that may change tables.

        SQLite changes a table by copying and dropping it, and with foreign keys on, dropping a table deletes
        what refers to its rows. They can be switched only outside a transaction, so it is done before this
        one; all keys are checked before it ends.
        """
        with _sentences(self.name), self._writer.connect() as connection:
            if self._sqlite:
                _foreign_keys(connection, "OFF")
            try:
                with connection.begin():
                    _lock_schema(connection)
                    yield connection
                    if self._sqlite and connection.execute(text("PRAGMA foreign_key_check")).first():
                        raise StorageError(
                            f"the migration of {self.name} would break keys: nothing was changed"
                        )
            finally:
                if self._sqlite:
                    _foreign_keys(connection, "ON")

    def close(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()


def open_storage(url: str, *, pool_size: int = 8) -> Storage:
    """The database at ``url``, made and upgraded if need be."""
    address = _address(url)
    file = _file(address)
    if file is not None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # What customers write is for this user alone; SQLite gives its side files the same mode.
            file.touch(mode=0o600, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable(
                f"the database {file} cannot be made ({error.strerror}): set [storage] url"
            ) from error
    storage = Storage(address, pool_size=pool_size)
    storage.upgrade()
    return storage


def open_existing_storage(url: str, *, pool_size: int = 2) -> Storage:
    """The database at ``url`` as it is, for commands that only look; never made or upgraded."""
    address = _address(url)
    file = _file(address)
    if file is not None and not file.is_file():
        raise StorageNotFound(
            f"there is no database at {file} yet: start `helppari serve`, or set [storage] url"
        )
    storage = Storage(address, pool_size=pool_size)
    found = storage.version()
    if found is None:
        raise StorageNotFound(f"the database {storage.name} has no tables yet: start `helppari serve` once")
    if found != schema.HEAD:
        raise StorageVersionError(
            f"the database {storage.name} is at revision {found}, this version reads {schema.HEAD}: "
            "start `helppari serve` of this version, which upgrades it"
        )
    return storage


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise StorageUnavailable("[storage] url is no address of a database: use sqlite:///path") from error
    if address.get_backend_name() == "postgresql":
        # Said in full: which driver a bare "postgresql" means differs between versions of SQLAlchemy.
        return address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        kind = address.get_backend_name()
        raise StorageUnavailable(f"[storage] url begins with {kind}: use sqlite:///path or postgresql://")
    if not address.database or address.database == ":memory:":
        raise StorageUnavailable(
            "[storage] url names no file: use sqlite:///path, as memory is lost at every stop"
        )
    return address


def _file(address: URL) -> Path | None:
    is_file = address.get_backend_name() == "sqlite" and address.database
    return Path(str(address.database)) if is_file else None


def _sqlite_engine(url: URL, begin: str, *, size: int) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # what customers wrote stays out of error messages and logs
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # sqlite3 itself must not begin transactions
        for setting in (
            f"busy_timeout = {BUSY_SECONDS * 1_000}",
            "journal_mode = WAL",
            "synchronous = FULL",  # what was acknowledged survives a power cut
            "foreign_keys = ON",
            "secure_delete = ON",  # what is erased is overwritten, not only marked as free
        ):
            connection.execute(f"PRAGMA {setting}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL, *, size: int) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            pool_pre_ping=True,
            connect_args={"connect_timeout": BUSY_SECONDS},
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StorageUnavailable(
            'PostgreSQL needs psycopg, which is not installed: pip install "helppari[postgres]"'
        ) from error

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - psycopg may be missing
        connection.execute(f"SET lock_timeout = '{BUSY_SECONDS}s'")
        connection.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.commit()

    return engine


def _notify(connection: Connection, channel: str, payload: str) -> None:
    connection.execute(text("SELECT pg_notify(:channel, :payload)"), {"channel": channel, "payload": payload})


def _lock_schema(connection: Connection) -> None:
    """Several processes may start at once; SQLite's writers are one at a time anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7203841096)"))


def _foreign_keys(connection: Connection, value: str) -> None:
    """Switch SQLite's foreign keys, on the driver's connection: SQLAlchemy would begin a transaction."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute(f"PRAGMA foreign_keys = {value}").close()


@contextmanager
def _sentences(name: str) -> Iterator[None]:
    """Turn the database's errors into ours, each a sentence without the customer's text or a password."""
    try:
        yield
    except PoolTimeout as error:
        raise StorageBusy(f"the database {name} is busy: try again in a moment") from error
    except DBAPIError as error:
        cause = error.orig
        if _is_busy(cause):
            raise StorageBusy(f"the database {name} is busy: try again in a moment") from error
        # Only these messages are known to hold no data of customers.
        telling = isinstance(cause, sqlite3.Error) or isinstance(error, OperationalError)
        said = str(cause).strip().split("\n")[0] if telling else type(cause).__name__
        raise StorageUnavailable(
            f"the database {name} cannot be used ({said}): check [storage] url"
        ) from error
    except SQLAlchemyError as error:
        raise StorageError(f"the database {name} failed ({type(error).__name__})") from error


def _is_busy(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return "locked" in str(cause) or "busy" in str(cause)
    return getattr(cause, "sqlstate", None) in ("55P03", "40001", "40P01")
