"""What a typed reply to the bot's own question means: yes, no, "the second one", "none of these", "no need".

All three languages are understood at once, since customers mix them; only words that mean something else in
the message's language are left out there (Finnish "no" is "well", Swedish "en" is "one").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources

import yaml

from botsvc.wording import lowered, plain, undotted, words


class PromptKind(StrEnum):
    """What the bot asked last."""

    HELPED = "helped"  #: did this help?
    CHOICES = "choices"  #: which of these?
    AUDIENCE = "audience"  #: who is asking?
    OFFER_PERSON = "offer_person"  #: shall a person look at it?
    NO_NEED = "no_need"  #: handed off; the customer may call it off
    ADDRESS = "address"  #: where can people answer, or call?
    FORM = "form"  #: a form's question


class ReplyKind(StrEnum):
    """What the customer replied."""

    YES = "yes"
    NO = "no"
    CHOICE = "choice"
    NONE_OF_THESE = "none_of_these"
    NO_NEED = "no_need"
    ANSWER = "answer"  #: to a question of the interview after a handoff
    SKIP = "skip"  #: the same, not answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply to a prompt."""

    kind: ReplyKind
    index: int = 0  #: which choice, from 0
    rest: str = ""  #: what else the message says ("no, I meant the invoice")


def _load() -> Mapping[str, frozenset[str]]:
    source = resources.files(__package__).joinpath("typed_replies.yaml").read_bytes()
    tables: dict[str, frozenset[str]] = {}
    for name, lines in yaml.safe_load(source).items():
        phrases = frozenset(plain(phrase) for line in lines for phrase in line.split("|"))
        tables[name] = phrases | {undotted(phrase) for phrase in phrases}
    return tables


_TABLES = _load()
FOLLOW_UP_OPENINGS = _TABLES["follow_up_openings"]  #: how a message opens that continues an earlier question
DAYS = _TABLES["days"]  #: words that say when something was, without a date
#: Words that are a reply in one language and something else in these.
NO_REPLY_IN: Mapping[str, frozenset[str]] = {
    "no": frozenset({"fi"}),  # "well"
    "ja": frozenset({"fi"}),  # "and"
    "jo": frozenset({"fi"}),  # "already"
    "en": frozenset({"sv"}),  # "one"
    "e": frozenset({"sv", "en"}),
    "on": frozenset({"en", "sv"}),
    "ett": frozenset({"fi"}),
    "a": frozenset({"sv"}),
    "y": frozenset({"fi", "sv"}),
    "n": frozenset({"fi", "sv"}),
}
_BREAK = re.compile(r"[,.;:!?\n]+|\s[-–—]\s|\s(?=(?:vaan|mutta|utan|men|but)\b)")
_JOINED = re.compile(r"^(?:vaan|mutta|utan|men|but|and|ja|och)\s+", re.IGNORECASE)


def read_reply(text: str, prompt: PromptKind, *, lang: str = "", labels: Sequence[str] = ()) -> Reply | None:
    """What ``text`` replies to ``prompt``; None when it is no reply but a message of its own.

    ``labels`` are the choices as the customer saw them: their wording and their place both count.
    """
    whole = _read(text, prompt, lang, labels)
    if whole is not None:
        return whole
    parts = [part for part in _BREAK.split(text) if plain(part)]
    if len(parts) < 2:
        return None
    first = _read(parts[0], prompt, lang, labels)
    if first is None:
        return None
    rest = list(parts[1:])
    while rest and (_read(rest[0], prompt, lang, labels) == first or plain(rest[0]) in _FILLERS):
        rest.pop(0)
    if not rest:
        return first
    start = text.index(rest[0], len(parts[0]))
    return Reply(kind=first.kind, index=first.index, rest=_JOINED.sub("", text[start:].strip()))


def read_choice(text: str, labels: Sequence[str], *, lang: str = "") -> int | None:
    """Which of ``labels`` a typed text names, by place, wording or a telling word; None: none, or several."""
    reply = read_reply(text, PromptKind.CHOICES, lang=lang, labels=labels)
    if reply is not None and reply.kind is ReplyKind.CHOICE and not reply.rest:
        return reply.index
    typed, of_labels = frozenset(words(text)), [frozenset(words(label)) for label in labels]
    parts = [place for place, label in enumerate(of_labels) if typed and typed <= label]
    if len(parts) == 1:  # "stulet" of "Kortet blev stulet"
        return parts[0]
    named = []
    for place, label in enumerate(of_labels):
        others = frozenset[str]().union(*of_labels[:place], *of_labels[place + 1 :])
        telling = {word for word in label - others if len(word) >= _TELLING}
        if telling & typed and not (typed & _NEGATIONS) - label:
            named.append(place)
    return named[0] if len(named) == 1 else None


_TELLING = 4  #: letters of a word that tells one choice from another
_NEGATIONS = frozenset(
    {"ei", "en", "eivät", "emme", "inte", "int", "ej", "ingen", "not", "no", "never", "nobody"}
)


def turns_down(text: str, *, lang: str = "", wide: bool) -> bool:
    """Whether a text skips a question; ``wide`` takes a mere no for it, where no can't be an answer."""
    phrases = _TABLES["skip"] | _TABLES["not_now"] | _TABLES["no"] if wide else _TABLES["skip"]
    return any(
        reading in phrases and lang not in NO_REPLY_IN.get(reading, ()) for reading in _readings(text, lang)
    )


def _read(text: str, prompt: PromptKind, lang: str, labels: Sequence[str]) -> Reply | None:
    if prompt in (PromptKind.CHOICES, PromptKind.AUDIENCE):
        by_label = [i for i, label in enumerate(labels) if plain(label) == plain(text) and plain(text)]
        if len(by_label) == 1:
            return Reply(kind=ReplyKind.CHOICE, index=by_label[0])
    for phrase in _readings(text, lang):
        if lang in NO_REPLY_IN.get(phrase, ()):
            continue
        reply = _look_up(phrase, prompt, len(labels))
        if reply is not None:
            return reply
    return None


def _readings(text: str, lang: str) -> list[str]:
    """The phrase as typed, without drawn-out letters, and without polite fillers."""
    if text.strip() in {"👍", "✅", "👌"}:
        return ["yes"]
    if text.strip() in {"👎", "❌"}:
        return ["nej"]
    typed = words(text)
    readings = [" ".join(typed), re.sub(r"(.)\1+", r"\1", " ".join(typed)), lowered(text).strip()]
    # Finnish "no" is a filler ("no joo"), English "no" the whole point.
    fillers = _FILLERS if lang == "fi" else _FILLERS - {"no"}
    readings.append(" ".join(word for word in typed if word not in fillers))
    return [reading for reading in readings if reading]


_YES = _TABLES["yes"]
_NO_NEED = _TABLES["no_need"]
_CLOSED = _YES | _TABLES["helped"]
_OPEN = _TABLES["no"] | _TABLES["not_helped"]
_WANTED = _YES | _TABLES["accepted"]
_UNWANTED = _TABLES["no"] | _NO_NEED
_NO_CHOICE = _TABLES["none_of_these"] | _OPEN
_FILLERS = _TABLES["fillers"]
_ORDINALS = (_TABLES["first"], _TABLES["second"], _TABLES["third"])


def _look_up(phrase: str, prompt: PromptKind, count: int) -> Reply | None:
    if prompt is PromptKind.NO_NEED:
        return Reply(kind=ReplyKind.NO_NEED) if phrase in _NO_NEED else None
    if prompt is PromptKind.HELPED:
        if phrase in _CLOSED:
            return Reply(kind=ReplyKind.YES)
        return Reply(kind=ReplyKind.NO) if phrase in _OPEN else None
    if prompt is PromptKind.OFFER_PERSON:
        if phrase in _WANTED:
            return Reply(kind=ReplyKind.YES)
        return Reply(kind=ReplyKind.NO) if phrase in _UNWANTED else None
    index = _ordinal(phrase, count)
    if index is not None:
        return Reply(kind=ReplyKind.CHOICE, index=index)
    if phrase in _NO_CHOICE:
        return Reply(kind=ReplyKind.NONE_OF_THESE)
    return Reply(kind=ReplyKind.YES) if phrase in _YES else None


def _ordinal(phrase: str, count: int) -> int | None:
    for index, names in enumerate(_ORDINALS[:count]):
        if phrase in names:
            return index
    if count and phrase in _TABLES["last"]:
        return count - 1
    return 1 if count == 3 and phrase in _TABLES["middle"] else None
