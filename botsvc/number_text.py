"""Numbers in customers' texts: how they are written, their check digits, and the words before them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What was masked."""

    HENKILOTUNNUS = "henkilötunnus"
    PERSONNUMMER = "personnummer"
    SAMORDNINGSNUMMER = "samordningsnummer"
    CARD = "card"
    IBAN = "IBAN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a text, ``start`` to ``end`` as in a slice."""

    start: int
    end: int
    kind: Kind


_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d"
_SPACES = "\u00a0\u2007\u2009\u202f\t"


def fold(text: str) -> str:
    """``text`` with digits, dashes, spaces and wide letters of every script in ASCII, each in its place."""
    return "".join(map(_fold, text)) if not text.isascii() or "\t" in text else text


def _fold(char: str) -> str:
    if char in _DASHES:
        return "-"
    if char in _SPACES:
        return " "
    if not char.isascii():
        digit = unicodedata.digit(char, None)
        wide = unicodedata.normalize("NFKC", char) if "\uff01" <= char <= "\uff5e" else char
        return wide if digit is None else str(digit)
    return char


def luhn(digits: str) -> bool:
    """Whether the last digit is the right check digit of those before it (ISO/IEC 7812)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod_97(number: str) -> bool:
    """Whether the check digits of an IBAN or a creditor reference are right (ISO 7064)."""
    plain = re.sub(r"[ -]", "", number).upper()
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


#: Words for references, invoices and orders, as a part of a pattern.
REFERENCE_WORDS = (
    r"viite|viittee\w*|viitenumero\w*|referens|referensnummer\w*|reference|ref\.?|ocr(?:-?n\w+)?"
    r"|lasku|laskun|laskun?numero\w*|faktura|fakturan|fakturanummer\w*|invoice"
    r"|tilaus|tilauksen|tilausnumero\w*|order|ordern|ordernummer\w*|beställning(?:en)?|beställningsnummer\w*"
)


def right_before(words: str) -> re.Pattern[str]:
    """A pattern for the text before a number: one of ``words``, then at most "number", ":" or "is"."""
    between = r"[ :#]{0,3}"
    number = r"(?:numero\w*|nro|nr|no|number|nummer|id)?\.?"
    return re.compile(rf"\b(?:{words}){between}{number}{between}(?:on|är|is)?{between}$", re.IGNORECASE)


#: What stands before a number that is a reference, an invoice or an order.
REFERENCE_WORD = right_before(REFERENCE_WORDS)
