"""Migrations up and down on both databases, and what happens to databases of other versions."""

from __future__ import annotations

import threading

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from botsvc.errors import StorageNotFound, StorageVersionError
from botsvc.storage import Storage, open_existing_storage, open_storage, schema
from botsvc.storage.tables import metadata


def tables_of(storage: Storage) -> set[str]:
    with storage._writer.begin() as connection:
        return set(inspect(connection).get_table_names())


def test_the_newest_revision_is_the_one_the_code_expects() -> None:
    assert ScriptDirectory.from_config(schema._config()).get_current_head() == schema.HEAD


def test_up_down_and_up_again(storage: Storage) -> None:
    everything = set(metadata.tables) | {"alembic_version"}
    assert storage.version() == schema.HEAD
    assert tables_of(storage) == everything
    storage.downgrade("base")
    assert storage.version() is None
    assert tables_of(storage) == {"alembic_version"}
    storage.upgrade()
    storage.upgrade()
    assert storage.version() == schema.HEAD
    assert tables_of(storage) == everything


def test_the_migrations_make_the_tables_that_the_code_knows(storage: Storage) -> None:
    with storage._writer.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_database_of_a_newer_version_is_refused_and_left_alone(storage: Storage, url: str) -> None:
    with storage._writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageVersionError, match="revision 9999, which this version does not know"):
        open_storage(url)
    with pytest.raises(StorageVersionError, match=f"revision 9999, this version reads {schema.HEAD}"):
        open_existing_storage(url)
    assert storage.version() == "9999"


def test_looking_at_a_store_never_makes_one(url: str) -> None:
    with pytest.raises(StorageNotFound, match="start `helppari serve`"):
        open_existing_storage(url)
    open_storage(url).close()
    with open_existing_storage(url).read() as reading:
        assert reading.handoffs() == ()


def test_several_processes_may_start_at_once(url: str) -> None:
    versions: list[str | None] = []

    def start() -> None:
        store = open_storage(url)
        versions.append(store.version())
        store.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert versions == [schema.HEAD] * 4
