"""What is SQLite's own: how it is opened, its one writer, and its ways to fail."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from botsvc.errors import StorageBusy, StorageUnavailable
from botsvc.storage import StoredExample, database, open_storage


def test_it_is_opened_for_safety(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'new' / 'folder' / 'a.sqlite'}")
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    for engine in (storage._writer, storage._reader):
        with engine.connect() as connection:
            found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in expected}
        assert found == expected
    storage.close()


def test_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'a.sqlite'}")
    now = datetime(2026, 11, 2, tzinfo=UTC)
    row = StoredExample(
        id="e_1", article_id="card", lang="fi", text="korttini katosi junassa", source="customer",
        helped=True, decision="", customer="k_1", network="", at=now,
    )  # fmt: skip
    with storage.write() as writing:
        writing.save_example(row)
    storage.close()
    assert b"korttini katosi" in (tmp_path / "a.sqlite").read_bytes()
    storage = open_storage(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with storage.write() as writing:
        assert writing.forget_examples("k_1") == 1
    storage.close()
    assert b"korttini katosi" not in (tmp_path / "a.sqlite").read_bytes()


def test_only_its_user_may_read_it(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with storage.write() as writing:
        writing.handoffs()
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == dict.fromkeys(
        ("a.sqlite", "a.sqlite-wal", "a.sqlite-shm"), 0o600
    )
    storage.close()


def test_another_process_s_lock_is_waited_for_and_then_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    storage = open_storage(f"sqlite:///{tmp_path / 'a.sqlite'}")
    other = sqlite3.connect(tmp_path / "a.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy, match="is busy: try again"), storage.write():
        pass
    with storage.read() as reading:
        assert reading.handoffs() == ()
    other.execute("ROLLBACK")
    with storage.write() as writing:
        assert writing.handoffs() == ()
    other.close()
    storage.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite://", "url names no file"),
        ("sqlite:///:memory:", "url names no file"),
        ("mysql://root@localhost/x", "begins with mysql"),
        ("nonsense", "is no address of a database"),
    ],
)
def test_addresses_that_cannot_work(url: str, sentence: str) -> None:
    with pytest.raises(StorageUnavailable, match=sentence):
        open_storage(url)


def test_files_that_cannot_work(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not a database " * 100, encoding="ascii")
    with pytest.raises(StorageUnavailable, match="file is not a database"):
        open_storage(f"sqlite:///{tmp_path / 'text'}")
    with pytest.raises(StorageUnavailable, match="cannot be made"):
        open_storage(f"sqlite:///{tmp_path / 'text' / 'a.sqlite'}")


def test_a_password_is_in_no_sentence() -> None:
    with pytest.raises(StorageUnavailable) as caught:
        open_storage("postgresql://bot:hunter2@127.0.0.1:1/help?password=hunter2")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)
