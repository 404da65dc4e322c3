"""A message as the intent model sees it: clauses, words under a negation, hashed character n-grams."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple
from zlib import crc32

import yaml

from botsvc.wording import lowered, undotted

#: Longest message that is looked at, in characters; what comes after says nothing new about intents.
LONGEST = 1_000
_CLAUSE = re.compile(r"[.!?;:\n…]+|,|\s[-–—]+\s|[()]")
_SIGNS = re.compile(r"(?<=\w):(?=\w)")
_TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_NO_ONE = re.compile(r"\bno[ -]one\b")
_SCOPE = 8  # words after a negation that it may reach
_QUESTION = 6  # how late in a question a negation may stand


class Word(NamedTuple):
    """A word of a clause."""

    text: str  #: lower case, without dots
    negated: bool


class Words(NamedTuple):
    """Words and beginnings of words, undotted."""

    whole: frozenset[str]
    stems: tuple[str, ...]

    def has(self, word: str) -> bool:
        """Whether ``word`` (undotted) is one of them."""
        return word in self.whole or word.startswith(self.stems)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What the rules know of one language; ``intents_data/lexicon.yaml`` says what each list is for."""

    alone: Words
    around: Words
    negations: Words
    questions: Words
    stops: Words
    contrast: Words
    wants: Words
    orders: Words
    none: Words
    without: Words
    quit: Words
    than: Words
    people: Words
    machines: Words
    joins: Words
    acts: Words
    subjects: Words
    likes: Words
    talks: Words
    crisis: re.Pattern[str]


@lru_cache(maxsize=1)
def lexicons() -> Mapping[str, Lexicon]:
    """The lexicon of each language that has one."""
    source = resources.files("botsvc.intents_data").joinpath("lexicon.yaml").read_bytes()
    return {lang: _lexicon(record) for lang, record in yaml.safe_load(source).items()}


def _lexicon(record: Mapping[str, Any]) -> Lexicon:
    lists = {key: _words(text) for key, text in record.items() if key != "crisis"}
    crisis = re.compile("|".join(undotted(pattern) for pattern in record["crisis"]))
    return Lexicon(crisis=crisis, **lists)


def _words(text: str) -> Words:
    entries = frozenset(undotted(word) for word in text.split())
    stems = frozenset(entry for entry in entries if entry.endswith("*"))
    return Words(entries - stems, tuple(sorted(stem[:-1] for stem in stems)))


def tokens(text: str) -> list[str]:
    """The words of a text, lower case and undotted; ``joo-o`` and ``don't`` are one word."""
    joined = _NO_ONE.sub("noone", _SIGNS.sub("", lowered(text[:LONGEST])))
    return [undotted(word) for word in _TOKEN.findall(joined)]


def clauses(text: str, lexicon: Lexicon) -> list[list[Word]]:
    """The clauses of a message in order, each with its words marked where a negation reaches them."""
    found: list[list[Word]] = []
    for part in _CLAUSE.split(lowered(text[:LONGEST])):
        current: list[str] = []
        typed = tokens(part)
        for place, token in enumerate(typed):
            joins = lexicon.joins.has(token) and any(map(lexicon.acts.has, typed[place + 1 : place + 2]))
            if joins or (lexicon.stops.has(token) and len(current) >= 2):
                found.append(marked(current, lexicon))
                current = []
            current.append(token)
        if current:
            found.append(marked(current, lexicon))
    return found


def marked(clause: Sequence[str], lexicon: Lexicon) -> list[Word]:
    """The words of one clause with those negated that stand in the scope of a negation.

    A negation inside a question ("kan jag inte få prata med någon?", "can't I talk to someone") asks for what
    it seems to deny, so it reaches nothing.
    """
    asks = bool(clause) and lexicon.questions.has(clause[0])
    if asks and lexicon.negations.has(clause[0]):  # "don't you ..." asks, "don't call" orders
        asks = any(map(lexicon.subjects.has, clause[1:2]))
    reach = 0
    words: list[Word] = []
    for place, token in enumerate(clause):
        if lexicon.negations.has(token):
            reach = 0 if asks and place <= _QUESTION else _SCOPE + 1
            words.append(Word(token, negated=False))
        else:
            words.append(Word(token, negated=reach > 0))
        reach = max(0, reach - 1)
    return words


def features(words: Sequence[Word], size: int) -> dict[int, float]:
    """Hashed features of a clause or message: bucket -> weight, of length 1.

    Character 3- to 5-grams inside words, words, pairs of neighbouring words, and pairs of word beginnings with
    up to two words between (they carry who does what to whom). Those of negated words are other features.
    """
    counts: dict[int, float] = {}
    for name, weight in _named(words):
        bucket = crc32(name.encode()) % size
        counts[bucket] = counts.get(bucket, 0.0) + weight
    length = sum(value * value for value in counts.values()) ** 0.5
    return {bucket: value / length for bucket, value in counts.items()} if length else {}


def _named(words: Sequence[Word]) -> Iterable[tuple[str, float]]:
    marks = [("!" if word.negated else "") + word.text for word in words]
    for word in words:
        sign = "!" if word.negated else ""
        padded = f" {word.text} "
        share = 1 / max(1, len(word.text)) ** 0.5
        for order in (3, 4, 5):
            for start in range(len(padded) - order + 1):
                yield f"{sign}{padded[start : start + order]}", share
        yield f"w:{sign}{word.text}", 1.0
    for first, second in zip(marks, marks[1:], strict=False):
        yield f"p:{first} {second}", 0.7
    begins = [mark[:6] for mark in marks]
    for place, first in enumerate(begins):
        for second in begins[place + 1 : place + 4]:
            yield f"s:{first} {second}", 0.5
    if marks:
        yield f"^{marks[0]}", 0.7
        yield f"${marks[-1]}", 0.5
        yield f"n:{min(len(marks), 8)}", 0.5
