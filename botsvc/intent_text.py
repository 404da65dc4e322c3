"""A message as the intent model sees it: clauses, and words under a negation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple
from unicodedata import is_normalized

import yaml

from botsvc.wording import lowered, undotted

#: Longest message that is looked at, in characters; what comes after says nothing new about intents.
LONGEST = 1_000
_CLAUSE = re.compile(r"[.!?;:\n…]+|,|\s[-–—]+\s|[()]")
_SIGNS = re.compile(r"(?<=\w):(?=\w)")
_TOKEN = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")
_NO_ONE = re.compile(r"\bno[ -]one\b")
_PATTERNS = ("crisis", "callback", "call_now")  #: keys of regular expressions
_SCOPE = 8  # words after a negation that it may reach
_KEPT = 500  # words that a list remembers having been asked for
_QUESTION = 6  # how late in a question a negation may stand


class Word(NamedTuple):
    """A word of a clause."""

    text: str  #: lower case, without dots
    negated: bool = False
    typed: str = ""  #: lower case, with its dots


class Words:
    """Words and beginnings of words, undotted."""

    __slots__ = ("_known", "stems", "whole")

    def __init__(self, whole: frozenset[str], stems: tuple[str, ...]) -> None:
        self.whole = whole
        self.stems = stems
        self._known: dict[str, bool] = {}

    def has(self, word: str) -> bool:
        """Whether ``word`` (undotted) is one of them."""
        known = self._known.get(word)
        if known is None:
            known = word in self.whole or word.startswith(self.stems)
            if len(self._known) < _KEPT:
                self._known[word] = known
        return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """What the rules know of one language; ``intents_data/lexicon.yaml`` says what each list is for."""

    alone: Words
    around: Words
    phrases: Words
    polite: Words
    other: Words
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
    callback: re.Pattern[str]
    call_now: re.Pattern[str]


@lru_cache(maxsize=1)
def lexicons() -> Mapping[str, Lexicon]:
    """The lexicon of each language that has one."""
    source = resources.files("botsvc.intents_data").joinpath("lexicon.yaml").read_bytes()
    return {lang: _lexicon(record) for lang, record in yaml.safe_load(source).items()}


def _lexicon(record: Mapping[str, Any]) -> Lexicon:
    lists = {key: _words(text) for key, text in record.items() if key not in _PATTERNS}
    # Without any pattern nothing matches, where an empty one would match all.
    crisis, callback, call_now = (
        re.compile("|".join(map(undotted, record[key])) or r"(?!)") for key in _PATTERNS
    )
    return Lexicon(crisis=crisis, callback=callback, call_now=call_now, **lists)


def _words(text: str) -> Words:
    entries = frozenset(undotted(word) for word in text.split())
    stems = frozenset(entry for entry in entries if entry.endswith("*"))
    return Words(entries - stems, tuple(sorted(stem[:-1] for stem in stems)))


def tokens(text: str) -> list[Word]:
    """The words of a text in lower case; ``joo-o`` and ``don't`` are one word."""
    return _tokens(lowered(text[:LONGEST]))


def _tokens(text: str) -> list[Word]:
    joined = _NO_ONE.sub("noone", _SIGNS.sub("", text))
    return [_word(word) for word in _TOKEN.findall(joined)]


@lru_cache(maxsize=4096)
def _word(typed: str) -> Word:
    return Word(undotted(typed), typed=typed)


def clauses(text: str, lexicon: Lexicon) -> list[list[Word]]:
    """The clauses of a message in order, each with its words marked where a negation reaches them."""
    found: list[list[Word]] = []
    for part in _CLAUSE.split(lowered(text[:LONGEST])):
        current: list[Word] = []
        # A part of a text in lower case is in lower case already, but may compose anew where it was cut.
        typed = _tokens(part) if part.isascii() or is_normalized("NFC", part) else tokens(part)
        for place, word in enumerate(typed):
            acts = any(lexicon.acts.has(later.text) for later in typed[place + 1 : place + 2])
            joins = acts and lexicon.joins.has(word.text)
            if joins or (lexicon.stops.has(word.text) and len(current) >= 2):
                found.append(marked(current, lexicon))
                current = []
            current.append(word)
        if current:
            found.append(marked(current, lexicon))
    return found


def marked(clause: Sequence[Word], lexicon: Lexicon) -> list[Word]:
    """The words of one clause with those negated that stand in the scope of a negation.

    A negation inside a question ("kan jag inte få prata med någon?", "can't I talk to someone") asks for what
    it seems to deny, so it reaches nothing.
    """
    asks = bool(clause) and lexicon.questions.has(clause[0].text)
    if asks and lexicon.negations.has(clause[0].text):  # "don't you ..." asks, "don't call" orders
        asks = any(lexicon.subjects.has(word.text) for word in clause[1:2])
    reach = 0
    words: list[Word] = []
    for place, word in enumerate(clause):
        if lexicon.negations.has(word.text):
            reach = 0 if asks and place <= _QUESTION else _SCOPE + 1
            words.append(word)
        else:
            words.append(word._replace(negated=reach > 0))
        reach = max(0, reach - 1)
    return words
