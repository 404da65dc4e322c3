"""What words mean for the intent model: `ihminen`, `människa` and `human` are all a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import yaml

from botsvc.intent_text import Word
from botsvc.wording import undotted

_WINDOW = 4  # words in which two concepts are seen together


class _Entries(NamedTuple):
    whole: Mapping[str, frozenset[str]]
    stems: Mapping[str, frozenset[str]]


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, _Entries]:
    source = resources.files("botsvc.intents_data").joinpath("concepts.yaml").read_bytes()
    return {lang: _entries(concepts) for lang, concepts in yaml.safe_load(source).items()}


def _entries(concepts: Mapping[str, str]) -> _Entries:
    whole: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    for concept, text in concepts.items():
        for entry in map(undotted, text.split()):
            table = stems if entry.endswith("*") else whole
            table.setdefault(entry.rstrip("*"), set()).add(concept)
    return _Entries(
        {word: frozenset(found) for word, found in whole.items()},
        {stem: frozenset(found) for stem, found in stems.items()},
    )


@lru_cache(maxsize=20_000)
def concepts_of(word: str, lang: str) -> tuple[str, ...]:
    """The concepts that an undotted word stands for, sorted; none in a language without a table."""
    tables = _tables().get(lang)
    if tables is None:
        return ()
    found = set(tables.whole.get(word, ()))
    for end in range(2, len(word) + 1):
        found |= tables.stems.get(word[:end], frozenset())
    return tuple(sorted(found))


def concept_names(words: Sequence[Word], lang: str) -> Iterator[tuple[str, float]]:
    """Named features of a clause: its concepts, and which follow which; negated ones are others."""
    marked = [
        [("!" if word.negated else "") + concept for concept in concepts_of(word.text, lang)]
        for word in words
    ]
    for place, here in enumerate(marked):
        for concept in here:
            yield f"c:{concept}", 1.0
            for later in marked[place + 1 : place + _WINDOW]:
                for other in later:
                    yield f"c:{concept}>{other}", 1.0
