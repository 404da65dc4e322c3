"""Readable names for addresses: ``Miksi vain yksi kortti?`` -> ``miksi-vain-yksi-kortti``."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_LENGTH = 80

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = str.maketrans(
    {"æ": "ae", "ø": "o", "đ": "d", "ł": "l", "þ": "th", "ð": "d", "œ": "oe", "ı": "i", "'": "", "’": ""}
)
_WORD = re.compile(r"[^\W_]+")


@lru_cache(maxsize=16_384)
def slugify(text: str) -> str:
    """The words of ``text`` in lower case without dots and marks, joined by hyphens; may be empty.

    Letters of other scripts stay as they are: an address in Cyrillic is better than none.
    """
    folded = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    bare = unicodedata.normalize("NFC", "".join(c for c in folded if not unicodedata.combining(c)))
    slug = "-".join(_WORD.findall(bare))
    if len(slug) <= MAX_LENGTH:
        return slug
    cut = slug[: MAX_LENGTH + 1]
    return cut.rpartition("-")[0] or slug[:MAX_LENGTH]


def unused(name: str, used: set[str]) -> str:
    """``name``, or the first of ``name-2``, ``name-3`` ... that is not in ``used``; adds it there."""
    candidate, number = name, 1
    while candidate in used:
        number += 1
        candidate = f"{name}-{number}"
    used.add(candidate)
    return candidate
