"""Where sentences end, in Finnish, Swedish and English text."""

from __future__ import annotations

import re

# A full stop after one of these does not end a sentence.
_ABBREVIATIONS = frozenset(
    {
        *(
            "esim",
            "ks",
            "mm",
            "ym",
            "yms",
            "klo",
            "n",
            "s",
            "v",
            "puh",
            "os",
            "nro",
            "ts",
            "tms",
            "ns",
            "vrt",
        ),
        *("t.ex", "bl.a", "m.m", "d.v.s", "dvs", "mfl", "kl", "ca", "st", "resp", "tel", "nr", "jfr", "inkl"),
        *("p.g.a", "fr.o.m", "t.o.m", "s.k", "f.d", "i.e", "e.g", "mr", "mrs", "ms", "dr", "vs", "approx"),
    }
)
_BOUNDARY = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*(\s+)(?=[\"'“”‘«(\[]?[^\W_])")
_LAST_WORD = re.compile(r"([\w.]+)\.$")
_LONGEST = 12  # characters before a full stop that can be an abbreviation or a number


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of one line of text, without the white space between them; empty for blank text."""
    text = text.strip()
    found: list[str] = []
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        if _ends(text, start, boundary.start(1), text[boundary.end(1)]):
            found.append(text[start : boundary.start(1)])
            start = boundary.end(1)
    if text:
        found.append(text[start:])
    return tuple(found)


def _ends(text: str, start: int, end: int, following: str) -> bool:
    """False after an abbreviation, an initial, or a number of what follows (``4. syyskuuta``)."""
    word = _LAST_WORD.search(text[max(start, end - _LONGEST) : end])
    if not word:
        return True
    last = word[1].lower()
    if last in _ABBREVIATIONS or (len(last) == 1 and last.isalpha()):
        return False
    numbers_the_line = end - start == len(word[0])
    return not (last.isdigit() and (following.islower() or numbers_the_line))
