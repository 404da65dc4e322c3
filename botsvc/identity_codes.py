"""National identity codes of Finland and Sweden in a text, each proved by its check digit and its date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from botsvc.number_text import REFERENCE_WORD, Kind, Span, luhn

_HENKILOTUNNUS = re.compile(
    r"(?<![0-9A-Za-z])(\d{2})(\d{2})(\d{2}) ?([-+A-FU-Y]?) ?(\d{3})([0-9A-FHJ-NPR-Y])(?![0-9A-Za-z])",
    re.IGNORECASE,
)
#: The sign between date and number tells the century; letters beside "-" and "A" came in 2023.
_CENTURIES = {"+": 1800} | dict.fromkeys("-YXWVU", 1900) | dict.fromkeys("ABCDEF", 2000)
_CHECK_LETTERS = "0123456789ABCDEFHJKLMNPRSTUVWXY"


def henkilotunnukset(plain: str) -> Iterator[Span]:
    """Finnish identity codes, with the signs of all centuries."""
    for match in _HENKILOTUNNUS.finditer(plain):
        day, month, year, sign, number, check = match.groups()
        if not sign and check.isdigit():
            continue  # ten digits alone: a reference or a phone number as well
        if _CHECK_LETTERS[int(day + month + year + number) % 31] != check.upper():
            continue
        centuries = {_CENTURIES[sign.upper()]} if sign else {1900, 2000}
        if any(_is_date(century + int(year), int(month), int(day)) for century in centuries):
            yield Span(start=match.start(), end=match.end(), kind=Kind.HENKILOTUNNUS)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


_PERSONNUMMER = re.compile(
    r"(?<![0-9A-Za-z+])(18|19|20)?(\d{2})(\d{2})(\d{2})( ?[-+] ?| |)(\d{4})(?![0-9A-Za-z])(?!-\d)"
)
_IDENTITY_WORD = re.compile(
    r"(henkilötunnu|hetu|personn|person-?nr|pnr|personbeteckning|samordningsn|identi|social security"
    r"|\bid\b|syntym|född|born)[^\d]{0,24}$",
    re.IGNORECASE,
)


def personnummer(plain: str) -> Iterator[Span]:
    """Swedish identity codes and coordination numbers."""
    for match in _PERSONNUMMER.finditer(plain):
        century, year, month, day, between, number = match.groups()
        before = plain[max(0, match.start() - 60) : match.start()]
        if not luhn(year + month + day + number) or REFERENCE_WORD.search(before):
            continue
        coordination = int(day) > 60
        birthday = int(day) - 60 if coordination else int(day)
        centuries = (int(century) * 100,) if century else (1900, 2000)
        if not any(_is_date(start + int(year), int(month), birthday) for start in centuries):
            continue
        if not between.strip() and not _stands_alone(plain, match, before):
            continue
        kind = Kind.SAMORDNINGSNUMMER if coordination else Kind.PERSONNUMMER
        yield Span(start=match.start(), end=match.end(), kind=kind)


def _stands_alone(plain: str, match: re.Match[str], before: str) -> bool:
    """Whether a code without its dash is an identity code and no phone number or part of a longer number.

    070 112 00 08 and 0701120008 are mobile numbers that pass the check: ten digits that begin with 0
    need a dash, a century, or a word that says what they are.
    """
    if _IDENTITY_WORD.search(before):
        return True
    if not match[1] and match[2].startswith("0"):
        return False
    if re.search(r"\+\d{1,3} $", before):
        return False
    inside_a_longer_one = re.search(r"\d $", before) or re.match(r" \d", plain[match.end() :])
    return match[5] == "" or not inside_a_longer_one
