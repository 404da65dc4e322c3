"""Identity codes, card numbers and IBANs out of a message before it is written anywhere.

Every kind is proved by its own checksum (and date, length or prefix), because what looks alike must
stay: phone numbers, references, business ids, invoice numbers, the company's own card numbers.
What is left of a masked number is its type and its last four characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from botsvc.identity_codes import henkilotunnukset, personnummer
from botsvc.number_text import Kind, Span, fold
from botsvc.payment_numbers import cards, creditor_references, ibans

#: Characters that nobody sees and that would hide a number from the patterns below.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff]")
#: What stands for a masked number or a moved address.
_PLACEHOLDER = re.compile(rf"\[(?:(?:{'|'.join(Kind)}) \*{{4}}[0-9A-Z]{{1,4}}|e-mail|phone)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Masked:
    """A text that may be stored."""

    text: str
    kinds: tuple[Kind, ...] = ()  #: of each masked number, in the order of the text


def mask(text: str, *, benefit_card_prefixes: Collection[str] = ()) -> Masked:
    """``text`` with every identity code, card number and IBAN as ``[type ****last four]``."""
    text = _INVISIBLE.sub("", text)
    plain = fold(text)
    spans = sorted(_spans(plain, tuple(benefit_card_prefixes)), key=lambda span: span.start)
    parts, at = [], 0
    for span in spans:
        number = re.sub(r"[^0-9A-Za-z]", "", plain[span.start : span.end])
        parts += [text[at : span.start], f"[{span.kind} ****{number[-4:].upper()}]"]
        at = span.end
    return Masked(text="".join([*parts, text[at:]]), kinds=tuple(span.kind for span in spans))


def without_placeholders(text: str) -> str:
    """``text`` as it is searched: what masking and ``move_contacts`` put in tells nothing of the question."""
    return re.sub(" {2,}", " ", _PLACEHOLDER.sub("", text)).strip()


def _spans(plain: str, kept_prefixes: tuple[str, ...]) -> Iterator[Span]:
    """Masked parts that do not overlap: the more telling kinds take their part first."""
    taken = list(creditor_references(plain))
    finders: tuple[Callable[[str], Iterator[Span]], ...] = (
        ibans,
        henkilotunnukset,
        lambda text: cards(text, kept_prefixes),
        personnummer,
    )
    for find in finders:
        for span in find(plain):
            if all(span.end <= start or span.start >= end for start, end in taken):
                taken.append((span.start, span.end))
                yield span
