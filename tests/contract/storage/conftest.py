"""Every test of this folder runs on both databases; without PostgreSQL its half is skipped, visibly."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from botsvc.storage import Storage, open_storage

SERVER = os.environ.get(
    "HELPPARI_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/test?connect_timeout=3"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'helppari.sqlite'}"
        return
    schema = f"helppari_{uuid.uuid4().hex}"
    try:
        engine = create_engine(SERVER)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    except (OperationalError, ModuleNotFoundError) as error:
        if os.environ.get("HELPPARI_REQUIRE_SERVICES") == "1":
            pytest.fail(f"PostgreSQL is required and cannot be reached: {error}")
        pytest.skip(f"no PostgreSQL: {str(error).splitlines()[0]}")
    yield f"{SERVER}&options=-csearch_path%3D{schema}"
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def storage(url: str) -> Iterator[Storage]:
    """An open, empty store."""
    store = open_storage(url)
    yield store
    store.close()
