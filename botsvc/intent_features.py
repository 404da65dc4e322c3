"""Hashed features of a message: character n-grams and words, and the concepts its words stand for.

N-grams carry wording (inflection, compounds, typos); concepts carry what is said in words never seen in
training: "koppla mig till supporten" and "yhdistä tukeen" are both ``connect (me) desk``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from itertools import pairwise, product
from zlib import crc32

import yaml

from botsvc.intent_text import Word
from botsvc.wording import undotted

NGRAM_SIZE = 1 << 15
CONCEPT_SIZE = 1 << 13
_SLIP_FROM = 6  # letters a word needs before a slip of the fingers is looked for
_MARK = "!"  # before what stands under a negation

Features = dict[int, float]


@dataclass(slots=True)
class Concepts:
    """What the words of one language stand for."""

    whole: dict[str, set[str]] = field(default_factory=dict)
    stems: dict[str, set[str]] = field(default_factory=dict)
    #: a word less one letter -> (word, is a stem, concept)
    slips: dict[str, list[tuple[str, bool, str]]] = field(default_factory=dict)
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, entry: str, concept: str) -> None:
        """Let ``entry`` (``word`` or ``stem*``) stand for ``concept``."""
        word, is_stem = undotted(entry).rstrip("*"), entry.endswith("*")
        (self.stems if is_stem else self.whole).setdefault(word, set()).add(concept)
        if len(word) >= _SLIP_FROM:
            for less in {word, *_less_one(word)}:
                self.slips.setdefault(less, []).append((word, is_stem, concept))

    def of(self, word: str) -> tuple[str, ...]:
        """The concepts of a word (undotted), also when one letter of it is wrong; sorted."""
        found = self.known.get(word)
        if found is None:
            found = tuple(sorted(self._exact(word) or self._slipped(word)))
            if len(self.known) < 50_000:
                self.known[word] = found
        return found

    def _exact(self, word: str) -> set[str]:
        found = set(self.whole.get(word, ()))
        for length in range(2, len(word) + 1):
            found |= self.stems.get(word[:length], set())
        return found

    def _slipped(self, word: str) -> set[str]:
        found: set[str] = set()
        for length in range(_SLIP_FROM - 1, min(len(word), 16) + 1):
            begin = word[:length]
            for less in (begin, *_less_one(begin)):
                for meant, is_stem, concept in self.slips.get(less, ()):
                    ends = is_stem or length == len(word)
                    if ends and abs(len(meant) - length) <= 1 and meant[0] == word[0]:
                        found.add(concept)
        return found


def _less_one(word: str) -> list[str]:
    return [word[:place] + word[place + 1 :] for place in range(1, len(word))]


@lru_cache(maxsize=1)
def concepts() -> Mapping[str, Concepts]:
    """The concepts of each language that has them."""
    source = resources.files("botsvc.intents_data").joinpath("concepts.yaml").read_bytes()
    tables: dict[str, Concepts] = {}
    for lang, lists in yaml.safe_load(source).items():
        table = tables[lang] = Concepts()
        for concept, entries in lists.items():
            for entry in entries.split():
                table.add(entry, concept)
    return tables


def ngram_features(words: Sequence[Word], size: int = NGRAM_SIZE) -> Features:
    """Wording as bucket -> weight, of length 1.

    Character 3- to 5-grams inside words, words, pairs of neighbouring words, and pairs of word beginnings
    with up to two words between. Those of negated words are other features.
    """
    counts: Features = {}
    for name, weight in _wording(words):
        bucket = crc32(name.encode()) % size
        counts[bucket] = counts.get(bucket, 0.0) + weight
    length = sum(value * value for value in counts.values()) ** 0.5
    return {bucket: value / length for bucket, value in counts.items()} if length else {}


def _wording(words: Sequence[Word]) -> Iterable[tuple[str, float]]:
    for word in words:
        sign = _MARK if word.negated else ""
        padded = f" {word.text} "
        share = 1 / max(1, len(word.text)) ** 0.5
        for order in (3, 4, 5):
            for start in range(len(padded) - order + 1):
                yield f"{sign}{padded[start : start + order]}", share
        yield f"w:{sign}{word.text}", 1.0
    marked = [(_MARK if word.negated else "") + word.text for word in words]
    for first, second in pairwise(marked):
        yield f"p:{first} {second}", 0.7
    begins = [word[:6] for word in marked]
    for place, first in enumerate(begins):
        for second in begins[place + 1 : place + 4]:
            yield f"s:{first} {second}", 0.5
    if marked:
        yield f"^{marked[0]}", 0.7
        yield f"${marked[-1]}", 0.5
        yield f"n:{min(len(marked), 8)}", 0.5


def concept_features(
    clauses: Sequence[Sequence[Word]], table: Concepts, size: int = CONCEPT_SIZE
) -> Features:
    """What a message's clauses say, as bucket -> weight: concepts, their order, how much else there is."""
    weights: Features = {}
    for clause in clauses:
        for name, weight in _saying(clause, table):
            bucket = crc32(name.encode()) % size
            weights[bucket] = max(weights.get(bucket, 0.0), weight)
    return weights


def _saying(clause: Sequence[Word], table: Concepts) -> Iterable[tuple[str, float]]:
    meant = [(word, table.of(word.text)) for word in clause]
    sequence = [
        [(_MARK if word.negated else "") + concept for concept in found] for word, found in meant if found
    ]
    for place, here in enumerate(sequence):
        for concept in here:
            yield f"c:{concept}", 1.0
        for later in sequence[place + 1 : place + 5]:
            for first, second in product(here, later):
                yield f"o:{first}>{second}", 0.8
        if place + 1 < len(sequence):
            for first, second in product(here, sequence[place + 1]):
                yield f"b:{first} {second}", 0.8
        if place + 2 < len(sequence):
            for three in product(here, sequence[place + 1], sequence[place + 2]):
                yield "t:" + " ".join(three), 0.5
    yield f"n:{min(len(clause), 9)}", 0.5
    yield f"u:{min(sum(not found for _, found in meant), 5)}", 0.5
