"""What the intent nets read of a message: for each word its character n-grams, its concepts and its place.

N-grams carry wording (inflection, compounds, typos); concepts carry what is said in words never seen in
training: "koppla mig till supporten" and "yhdistä tukeen" are both ``connect (me) desk``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from importlib import resources
from typing import NamedTuple
from zlib import crc32

import yaml

from botsvc.intent_text import Lexicon, Word
from botsvc.wording import undotted

NGRAM_SIZE = 1 << 13  #: buckets of character n-grams
_SLIP_FROM = 6  # letters a word needs before a slip of the fingers is looked for
_FIRST_PART = 2  # letters that the first part of a compound has at least
_TELEPHONE = 5  # digits
#: Endings of unknown words that tell who, to whom or where (fi, sv, en); the first that fits counts.
_ENDINGS = (
    *("jalle", "jan", "jaa", "jalta", "lle", "lta", "ltä", "sta", "seen", "ssa", "kaa", "ko", "isi", "ni"),
    *("nen", "tti", "ja", "aren", "arna", "are", "isten", "ist", "ngen", "ing", "tion", "ment", "en", "et"),
    *("er", "or", "ian", "ed", "ly", "ts", "s"),
)
_LONGEST = 160  # words of a message that are read


class Flag(IntEnum):
    """What is known of a word besides its letters and concepts, or the mark between clauses."""

    PLAIN = 0
    NEGATED = 1  #: a negation reaches the word
    NEGATION = 2
    REFUSED = 3  #: its clause says that no person is wanted
    BREAK = 4  #: a mark between two clauses
    ASKED = 5  #: a mark: there is a question mark
    CALLED = 6  #: a mark: there is an exclamation mark
    ALONE = 7  #: a mark: one word asks for a person by itself


class Read(NamedTuple):
    """One word, or mark, as a net reads it."""

    text: str  #: the word undotted, empty for a mark
    concepts: tuple[str, ...]
    flags: tuple[Flag, ...]


@dataclass(slots=True)
class Concepts:
    """What the words of one language stand for."""

    whole: dict[str, set[str]] = field(default_factory=dict)
    stems: dict[str, set[str]] = field(default_factory=dict)
    parts: dict[str, set[str]] = field(default_factory=dict)  #: inside a compound
    ends: dict[str, set[str]] = field(default_factory=dict)  #: its last part
    #: a word less one letter -> (word, is a stem, concept)
    slips: dict[str, list[tuple[str, bool, str]]] = field(default_factory=dict)
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, entry: str, concept: str) -> None:
        """Let ``entry`` (``word``, ``stem*``, ``*end`` or ``*part*``) stand for ``concept``."""
        word, is_stem = undotted(entry).strip("*"), entry.endswith("*")
        (self.stems if is_stem else self.whole).setdefault(word, set()).add(concept)
        if entry.startswith("*"):
            (self.parts if is_stem else self.ends).setdefault(word, set()).add(concept)
        if len(word) >= _SLIP_FROM:
            for less in {word, *_less_one(word)}:
                self.slips.setdefault(less, []).append((word, is_stem, concept))

    def of(self, word: str) -> tuple[str, ...]:
        """The concepts of a word (undotted), also when one letter of it is wrong; sorted."""
        found = self.known.get(word)
        if found is None:
            found = tuple(sorted(self._exact(word) or self._slipped(word))) or shape(word)
            if len(self.known) < 50_000:
                self.known[word] = found
        return found

    def _exact(self, word: str) -> set[str]:
        found = set(self.whole.get(word, ()))
        for length in range(2, len(word) + 1):
            found |= self.stems.get(word[:length], set())
        for start in range(_FIRST_PART, len(word) - 2):
            found |= self.ends.get(word[start:], set())
            for end in range(start + 3, len(word) + 1):
                found |= self.parts.get(word[start:end], set())
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


def shape(word: str) -> tuple[str, ...]:
    """What the look of an unknown word tells: a number, or who or where by its ending."""
    if word[0].isdigit():
        return ("number",) if len(word) < _TELEPHONE else ("telephone",)
    return next(((f"-{end}",) for end in _ENDINGS if word.endswith(end) and len(word) > len(end) + 2), ())


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


def concept_names() -> tuple[str, ...]:
    """All concepts of all languages, and the looks of unknown words; sorted."""
    found = {f"-{end}" for end in _ENDINGS} | {"number", "telephone"}
    for table in concepts().values():
        for words in (table.whole, table.stems, table.parts, table.ends):
            found.update(*words.values())
    return tuple(sorted(found))


def read(
    text: str,
    clauses: Sequence[Sequence[Word]],
    refused: Sequence[bool],
    *,
    alone: bool,
    lexicon: Lexicon,
    table: Concepts,
) -> list[Read]:
    """A message word by word, with marks between its clauses and for its punctuation; never empty."""
    found: list[Read] = []
    for place, (clause, no) in enumerate(zip(clauses, refused, strict=True)):
        if place:
            found.append(_BREAK)
        for word in clause:
            flags = (
                Flag.NEGATED if word.negated else Flag.PLAIN,
                *((Flag.NEGATION,) if lexicon.negations.has(word.text) else ()),
                *((Flag.REFUSED,) if no else ()),
            )
            found.append(Read(word.text, table.of(word.text), flags))
    del found[_LONGEST:]
    if "?" in text:
        found.append(Read("", (), (Flag.ASKED,)))
    if "!" in text:
        found.append(Read("", (), (Flag.CALLED,)))
    if alone:
        found.append(Read("", (), (Flag.ALONE,)))
    return found or [_BREAK]


_BREAK = Read("", (), (Flag.BREAK,))


def grams(word: str) -> list[int]:
    """Buckets of a word and its character 3- to 5-grams; [0, ``NGRAM_SIZE``)."""
    if not word:
        return []
    padded = f"<{word}>"
    parts = {padded}
    for order in (3, 4, 5):
        parts.update(padded[start : start + order] for start in range(len(padded) - order + 1))
    return [crc32(part.encode()) % NGRAM_SIZE for part in sorted(parts)]
