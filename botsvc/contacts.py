"""A customer's e-mail address and phone number out of a message, into fields of their own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from botsvc.number_text import REFERENCE_WORDS, fold, right_before

EMAIL_PLACE = "[e-mail]"
PHONE_PLACE = "[phone]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """How a customer can be reached, in the order in which they said it."""

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.emails or self.phones)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A text without contact details, and the details."""

    text: str
    contacts: Contacts


class OwnContacts:
    """The company's own phones and addresses, which are never a customer's."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        lines = [fold(text) for text in texts]
        self._phones = {digits(line[start:end]) for line in lines for start, end in _phones(line)}
        self._domains = {match[1].lower() for line in lines for match in _EMAIL.finditer(line)}

    def has_phone(self, phone: str) -> bool:
        """Whether ``phone`` is the company's, or of a range that only companies have."""
        return digits(phone) in self._phones or digits(phone).startswith(_SERVICE_NUMBERS)

    def has_domain(self, domain: str) -> bool:
        """Whether an address at ``domain`` is the company's."""
        return domain.lower() in self._domains


NO_OWN = OwnContacts()


def move_contacts(text: str, own: OwnContacts = NO_OWN) -> Moved:
    """``text`` with addresses and phone numbers replaced by placeholders, and what they were."""
    plain = fold(text)
    emails = [(m.start(), m.end(), EMAIL_PLACE) for m in _EMAIL.finditer(plain) if not own.has_domain(m[1])]
    phones = [
        (start, end, PHONE_PLACE) for start, end in _phones(plain) if not own.has_phone(plain[start:end])
    ]
    parts, at = [], 0
    for start, end, place in sorted(emails + phones):
        parts += [text[at:start], place]
        at = end
    return Moved(
        text="".join([*parts, text[at:]]),
        contacts=Contacts(
            emails=tuple(dict.fromkeys(plain[start:end] for start, end, _ in emails)),
            phones=tuple(dict.fromkeys(plain[start:end].strip() for start, end, _ in phones)),
        ),
    )


def digits(text: str) -> str:
    """The digits of ``text`` alone."""
    return re.sub(r"\D", "", text)


_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@((?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w-])")
_ABROAD = re.compile(r"(?<![\w+])(?:\+|00)[1-9]\d{0,2}(?:[ -]?\(0\))?(?:[ -]?\d){5,13}(?![\w@])")
_AT_HOME = re.compile(
    r"(?<![\w+/-])(?<!\d[.,: ])(?:\(0[1-9]\d{0,3}\)|0[1-9]\d*)(?:[ -]\d{2,})*(?![\w@])(?![.,:/]\d)"
)
_DATE = re.compile(r"(0[1-9]|[12]\d|3[01])([ -]?)(0[1-9]|1[0-2])\2(?:19|20)?\d\d")
#: Corporate, free and paid service numbers in Finland: nobody is called back there.
_SERVICE_NUMBERS = ("010", "020", "029", "0300", "0600", "0800")
_ANOTHER_NUMBER = right_before(
    REFERENCE_WORDS + r"|y-tunnus|y-tunnuksen|business id|org\.?-?n\w+|organisationsnummer\w*"
    r"|asiakasn\w+|kundn\w+|customer|kort(?:in|ti)n\w+|kort\w+ n(?:umero|ro|r|ummer)\w*"
    r"|kortnummer\w*|card|koodi|kod|code"
)


def _phones(plain: str) -> Iterator[tuple[int, int]]:
    for match in _ABROAD.finditer(plain):
        if 8 <= len(digits(match.group())) <= 15:
            yield match.span()
    for match in _AT_HOME.finditer(plain):
        said, grouped = match.group(), " " in match.group() or "-" in match.group()
        if not (7 if grouped else 8) <= len(digits(said)) <= 11 or _DATE.fullmatch(said):
            continue
        if not _ANOTHER_NUMBER.search(plain[max(0, match.start() - 60) : match.start()]):
            yield match.span()
