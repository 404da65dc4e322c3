"""How a customer's typing is made comparable: case, punctuation, dots, drawn-out letters, small slips."""

from __future__ import annotations

import re
import unicodedata

_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "ʼ": "'"})
_WORD = re.compile(r"[^\W_]+(?:['\-:][^\W_]+)*")
_DRAWN_OUT = re.compile(r"([^\W\d_])\1{2,}")


def lowered(text: str) -> str:
    """The text in NFC, lower case, straight apostrophes, no letter three times in a row."""
    # Translating takes as long as all the rest, and most texts are plain ASCII.
    if text.isascii():
        text = text.replace("`", "'").lower()
    else:
        text = unicodedata.normalize("NFC", text).translate(_APOSTROPHES).casefold()
    return _DRAWN_OUT.sub(r"\1\1", text)


def words(text: str) -> list[str]:
    """The words of a text, lower case, without punctuation, emoji and markup."""
    return _WORD.findall(lowered(text))


def plain(text: str) -> str:
    """The words with one space between."""
    return " ".join(words(text))


def undotted(word: str) -> str:
    """The word as typed on a keyboard without å, ä, ö."""
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def is_slip_of(typed: str, meant: str) -> bool:
    """Whether ``typed`` is ``meant`` with slips of the fingers: one in 5 to 12 letters, two in longer words.

    A slip is a letter left out, added, changed, or swapped with its neighbour (optimal string alignment);
    the first letter must be right, because that is where short words differ in meaning.
    """
    if typed == meant:
        return True
    allowed = 0 if len(meant) < 5 else 1 if len(meant) < 13 else 2
    if not allowed or abs(len(typed) - len(meant)) > allowed or typed[:1] != meant[:1]:
        return False
    return _distance(typed, meant) <= allowed


def _distance(a: str, b: str) -> int:
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        two_before, before, row = before, row, [i]
        for j, other in enumerate(b, start=1):
            cost = min(row[j - 1] + 1, before[j] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1]
