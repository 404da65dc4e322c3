"""Card numbers and bank accounts in a text, each proved by its check digits, its length and who issues it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from botsvc.number_text import REFERENCE_WORD, Kind, Span, luhn, mod_97

_DIGIT_GROUPS = re.compile(r"\d+(?:[ .-]\d+)*")
#: How card numbers are printed; references come in fives, or without any grouping at all.
_CARD_GROUPS = ((4, 4, 4, 4, 3), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (8, 8))
_MAESTRO = ("5018", "5020", "5038", "5893", "6304", "6759", "6761", "6762", "6763")


def cards(plain: str, kept_prefixes: tuple[str, ...]) -> Iterator[Span]:
    """Numbers of payment cards, but those that begin with ``kept_prefixes``."""
    for run in _DIGIT_GROUPS.finditer(plain):
        groups = [(m.start() + run.start(), m.group()) for m in re.finditer(r"\d+", run.group())]
        at = 0
        while at < len(groups):
            size = _card_at(plain, groups[at : at + 5], kept_prefixes)  # no more groups than any card has
            if size:
                first, last = groups[at], groups[at + size - 1]
                yield Span(start=first[0], end=last[0] + len(last[1]), kind=Kind.CARD)
            at += size or 1


def _card_at(plain: str, groups: list[tuple[int, str]], kept_prefixes: tuple[str, ...]) -> int:
    """How many of the first groups are one card number; 0 when none is."""
    start = groups[0][0]
    if start and (plain[start - 1].isalnum() or plain[start - 1] == "+"):
        return 0
    for sizes in (*_CARD_GROUPS, (len(groups[0][1]),)):
        taken = groups[: len(sizes)]
        digits = "".join(text for _, text in taken)
        if tuple(len(text) for _, text in taken) != sizes or not _payment_card(digits):
            continue
        end = taken[-1][0] + len(taken[-1][1])
        if plain[end : end + 1].isalpha() or digits.startswith(kept_prefixes or ("none",)):
            continue
        if len(sizes) == 1 and REFERENCE_WORD.search(plain[max(0, start - 60) : start]):
            continue
        return len(sizes)
    return 0


def _payment_card(digits: str) -> bool:
    """Whether a payment network issues such numbers (first digits, length), and the check digit is right."""
    size, two, three, four = len(digits), digits[:2], int(digits[:3] or 0), int(digits[:4] or 0)
    if digits.startswith("4"):
        issued = size in (13, 16, 19)
    elif "51" <= two <= "55" or 2221 <= four <= 2720:
        issued = size == 16
    elif two in ("34", "37"):
        issued = size == 15
    elif 300 <= three <= 305 or two in ("36", "38", "39"):
        issued = size == 14
    elif two in ("62", "65") or 644 <= three <= 649 or four == 6011 or 3528 <= four <= 3589:
        issued = 16 <= size <= 19
    else:
        issued = digits.startswith(_MAESTRO) and 13 <= size <= 19
    return issued and luhn(digits)


_ACCOUNT_START = re.compile(r"(?<![0-9A-Za-z])([A-Za-z]{2})[ -]?\d{2}")
#: Length of an account number by country (SWIFT's IBAN registry).
_ACCOUNT_LENGTH = {
    country: int(size)
    for size, countries in {
        "15": "NO", "16": "BE", "18": "DK FI FK FO GL NL SD", "19": "MK SI", "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV", "22": "BG BH CR DE GB GE IE ME RS VA", "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG", "25": "LY PT ST", "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM", "28": "AL AZ BY CY DO GT HN HU LB NI PL SV",
        "29": "BR EG PS QA UA", "30": "JO KW MU YE", "31": "MT SC", "32": "LC", "33": "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip


def ibans(plain: str) -> Iterator[Span]:
    """International bank account numbers."""
    for match in _ACCOUNT_START.finditer(plain):
        size = _ACCOUNT_LENGTH.get(match[1].upper(), 0)
        end = _end_of(plain, match.start(), size)
        if size and end and mod_97(plain[match.start() : end]):
            yield Span(start=match.start(), end=end, kind=Kind.IBAN)


def _end_of(plain: str, start: int, size: int) -> int:
    """Where ``size`` letters and digits from ``start`` end, with single separators between them; else 0."""
    at, left = start, size
    while left and at < len(plain):
        char = plain[at]
        if char.isascii() and char.isalnum():
            left -= 1
        elif char not in " -" or plain[at - 1] in " -":
            return 0
        at += 1
    return at if left == 0 and not plain[at : at + 1].isalnum() else 0


_CREDITOR_REFERENCE = re.compile(r"(?<![0-9A-Za-z])RF\d{2}(?: ?\d{1,4}){1,6}(?![0-9A-Za-z])", re.IGNORECASE)


def creditor_references(plain: str) -> Iterator[tuple[int, int]]:
    """Where references of the RF kind are: the digits inside may look like a card's, and stay."""
    for match in _CREDITOR_REFERENCE.finditer(plain):
        ends = [match.start() + m.end() for m in re.finditer(r"\d+", match.group())]
        for end in reversed(ends):
            if mod_97(plain[match.start() : end]):
                yield match.start(), end
                break
