from __future__ import annotations

from typing import cast

from botsvc.per_index import PerIndex
from indexer import Index


class Build:
    """Stands for an index: only its identity is looked at."""


def test_each_value_is_made_once_for_an_index_and_anew_for_the_next() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name

    cache: PerIndex[str, str] = PerIndex()
    first, second = cast(Index, Build()), cast(Index, Build())
    assert [cache.get(first, "a", lambda: make("a1")) for _ in range(3)] == ["a1"] * 3
    assert cache.get(first, "b", lambda: make("b1")) == "b1"
    assert cache.get(second, "a", lambda: make("a2")) == "a2"
    assert cache.get(first, "a", lambda: make("a3")) == "a3"
    assert made == ["a1", "b1", "a2", "a3"]
