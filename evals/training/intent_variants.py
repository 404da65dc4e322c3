"""Further training messages made of the written ones: mistyped, joined, and the usual frames with many roles.

Who works for a company has more names than anybody writes examples for; what is said to reach them, and what
is asked about them, is much alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import yaml

_LETTERS = "abcdefghijklmnoprstuvy"
_SEPARATORS = (". ", ", ", " ", "! ", "\n")

DATA = Path(__file__).parents[1] / "data" / "intents" / "frames.yaml"


@lru_cache(maxsize=1)
def _frames() -> Mapping[str, Mapping[str, Sequence[str]]]:
    tables = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    return {
        lang: {name: [one.strip() for one in text.split("|")] for name, text in lists.items()}
        for lang, lists in tables.items()
    }


def framed(lang: str, count: int, chance: np.random.Generator) -> list[tuple[str, bool]]:
    """Messages of the usual frames with a role, and whether they ask for a person."""
    tables = _frames()[lang]
    found = []
    for place in range(count):
        asks = place % 2 == 0
        frames = tables["asking" if asks else "other"]
        role, _, stem = tables["roles"][int(chance.integers(len(tables["roles"])))].partition("/")
        frame = frames[int(chance.integers(len(frames)))]
        found.append((frame.format(r=role, g=stem or role), asks))
    return sorted(set(found))


def mistyped(text: str, chance: np.random.Generator) -> str:
    """The text with one slip of the fingers in one word: a letter out, swapped, doubled or changed."""
    typed = text.split(" ")
    place = int(chance.integers(len(typed)))
    word = typed[place]
    if len(word) < 4:
        return text
    at = int(chance.integers(1, len(word) - 1))
    other = _LETTERS[int(chance.integers(len(_LETTERS)))]
    typed[place] = (
        word[:at] + word[at + 1 :],
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at] + word[at:],
        word[:at] + other + word[at + 1 :],
    )[int(chance.integers(4))]
    if chance.random() < 0.15 and place + 1 < len(typed):
        typed[place] += typed.pop(place + 1)
    return " ".join(typed)


def joined(
    requests: Sequence[str],
    questions: Sequence[str],
    openings: Sequence[str],
    count: int,
    chance: np.random.Generator,
) -> list[tuple[str, bool]]:
    """Longer messages: a question and a request, two questions, either after a greeting."""
    found = []
    for place in range(count):
        question, other, request, opening = (
            texts[int(chance.integers(len(texts)))] for texts in (questions, questions, requests, openings)
        )
        between = _SEPARATORS[int(chance.integers(len(_SEPARATORS)))]
        first, second, asks = (
            (question, request, True),
            (question, other, False),
            (opening, other, False),
            (opening, request, True),
        )[place % 4]
        found.append((first.rstrip(".") + between + second, asks))
    return found
