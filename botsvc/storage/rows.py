"""The base of everything that reads and writes rows within one transaction."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import Connection, Select, Table, insert, select, update

Record = TypeVar("Record")


class Rows:
    """Reads rows as records."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _one(self, kind: type[Record], query: Select[Any]) -> Record | None:
        row = self._connection.execute(query).mappings().one_or_none()
        return None if row is None else kind(**row)

    def _all(self, kind: type[Record], query: Select[Any]) -> tuple[Record, ...]:
        return tuple(kind(**row) for row in self._connection.execute(query).mappings())


class ChangingRows(Rows):
    """Reads and changes rows."""

    def _insert(self, table: Table, row: dict[str, Any]) -> None:
        self._connection.execute(insert(table), row)

    def _update(self, table: Table, key: tuple[str, ...], row: dict[str, Any]) -> int:
        changes = {name: value for name, value in row.items() if name not in key}
        query = update(table).where(*(table.c[name] == row[name] for name in key)).values(changes)
        return self._connection.execute(query).rowcount

    def _upsert(self, table: Table, key: tuple[str, ...], row: dict[str, Any]) -> None:
        # The conversation's lock is held, so nobody else can come in between.
        if not self._update(table, key, row):
            self._insert(table, row)


def where(table: Table, **values: object) -> Select[Any]:
    """The rows of a table whose columns have these values."""
    return select(table).where(*(table.c[name] == value for name, value in values.items()))
