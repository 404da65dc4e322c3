"""Things made once for each index and forgotten with it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from indexer import Index

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class PerIndex(Generic[Key, Value]):
    """A cache of the index being served; as large as its articles, and safe to use from all threads."""

    def __init__(self) -> None:
        # Replaced as a whole when the index changes, so that no reader sees what belongs to another.
        self._of: tuple[Index | None, dict[Key, Value]] = (None, {})

    def get(self, index: Index, key: Key, make: Callable[[], Value]) -> Value:
        """The value of ``key`` for ``index``, made when it is asked for first."""
        of, values = self._of
        if of is not index:
            values = {}
            self._of = (index, values)
        if key not in values:
            values[key] = make()
        return values[key]
