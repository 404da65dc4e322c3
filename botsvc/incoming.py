"""Text from outside, made fit to be stored and shown: no control characters, no broken Unicode."""

from __future__ import annotations

import re
import unicodedata

#: Control characters other than tab and line feed, and what turns the direction of text around.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean_text(text: str) -> str:
    """``text`` in NFC with Unix line ends, without control characters and surrounding space.

    Half surrogates, which JSON can smuggle in and no database takes, become U+FFFD.
    """
    text = re.sub("\r\n?|[\u2028\u2029]", "\n", _SURROGATE.sub("\ufffd", text))
    return unicodedata.normalize("NFC", _CONTROL.sub("", text)).strip()
