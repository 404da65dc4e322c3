"""Small talk, abuse and empty chatter, recognised only where a message is nothing else.

Phrases first: every word of the message must belong to one. What no phrase covers may still be recognised by
its likeness to training messages, but only short messages, and only where the likeness is high, because a
question answered with "you're welcome" is worse than small talk answered with "I don't know".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources

import yaml

from botsvc.wording import undotted, words


class SmallTalkKind(StrEnum):
    """Small talk that has a reply of its own; values are decision reasons."""

    GREETING = "greeting"
    OPENING = "opening"  #: "minulla olisi kysyttävää"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HOW_ARE_YOU = "how_are_you"
    WHO_ARE_YOU = "who_are_you"
    ACKNOWLEDGED = "acknowledged"
    PRAISE = "praise"


#: Which reply a message of several kinds gets: "hei, kiitos avusta" is thanks, "moi, yksi kysymys" opens.
_ORDER = (
    SmallTalkKind.WHO_ARE_YOU,
    SmallTalkKind.OPENING,
    SmallTalkKind.HOW_ARE_YOU,
    SmallTalkKind.GOODBYE,
    SmallTalkKind.THANKS,
    SmallTalkKind.PRAISE,
    SmallTalkKind.GREETING,
    SmallTalkKind.ACKNOWLEDGED,
)
_ABUSE, _NONSENSE, _FAR = "abuse", "nonsense", "out_of_scope"
_LIKE = 8  #: words of a message that may be small talk by likeness
_MASHED = re.compile(r"(?=\w{5,})[^\Waeiouyåäö\d]+|(\w{1,3})\1{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """What a message is if it is no question."""

    kind: SmallTalkKind | None = None
    abuse: bool = False
    nonsense: bool = False
    covered: bool = False  #: every word belongs to a phrase of the table, so that nothing can be asked for
    out_of_scope: float = 0.0


def recognise(text: str, likeness: Mapping[str, float]) -> Talk:
    """What ``text`` is besides a question.

    ``likeness`` has a score by kind, positive where the kind is likely; empty where there is no embedding.
    """
    typed = [_undotted(word) for word in words(text)]
    far = 1 / (1 + math.exp(-4 * likeness[_FAR])) if _FAR in likeness else 0.0
    if not any(letter.isalpha() for letter in text) or all(map(_MASHED.fullmatch, typed)):
        return Talk(nonsense=True, out_of_scope=far)
    kinds = _covered(tuple(typed))
    if kinds is None:
        return _by_likeness(typed, likeness, far)
    if _ABUSE in kinds:
        return Talk(abuse=True, out_of_scope=far)
    kind = next((one for one in _ORDER if one in kinds), None)
    nonsense = kind is None and _NONSENSE in kinds
    return Talk(kind=kind, nonsense=nonsense, covered=True, out_of_scope=far)


@lru_cache(maxsize=4096)
def _undotted(word: str) -> str:
    return undotted(word)


def _by_likeness(typed: Sequence[str], likeness: Mapping[str, float], far: float) -> Talk:
    if len(typed) > _LIKE or not likeness:
        return Talk(out_of_scope=far)
    kinds = [*SmallTalkKind, _ABUSE]
    best = max(kinds, key=lambda name: likeness.get(name, -1.0))
    if likeness.get(best, -1.0) <= 0:
        return Talk(out_of_scope=far)
    if best == _ABUSE:
        return Talk(abuse=True, out_of_scope=far)
    return Talk(kind=SmallTalkKind(best), out_of_scope=far)


@lru_cache(maxsize=1)
def _phrases() -> tuple[Mapping[tuple[str, ...], frozenset[str]], frozenset[str], int]:
    """Phrases with their kinds, words that may stand around them, and how long phrases are at most."""
    source = resources.files("botsvc.intents_data").joinpath("small_talk.yaml").read_bytes()
    tables = yaml.safe_load(source)
    phrases: dict[tuple[str, ...], set[str]] = {}
    around = frozenset(undotted(word) for word in words(tables.pop("around")))
    for kind, line in tables.items():
        for phrase in line.split("|"):
            typed = tuple(undotted(word) for word in words(phrase))
            if typed:
                phrases.setdefault(typed, set()).add(kind)
    longest = max(map(len, phrases))
    return {phrase: frozenset(kinds) for phrase, kinds in phrases.items()}, around, longest


def _covered(typed: tuple[str, ...]) -> frozenset[str] | None:
    """The kinds of the phrases that together make up the message; None when a word belongs to none."""
    phrases, around, longest = _phrases()
    kinds: set[str] = set()
    place = 0
    while place < len(typed):
        for length in range(min(longest, len(typed) - place), 0, -1):
            found = phrases.get(typed[place : place + length])
            if found:
                kinds |= found
                place += length
                break
        else:
            if typed[place] not in around:
                return None
            place += 1
    return frozenset(kinds) if kinds else None
