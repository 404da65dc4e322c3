"""The interview after a handoff: an address, then a form's questions, one at a time (all of it pure).

The handoff is written before anything is asked, so nothing here can delay it. Every question can be skipped,
is asked at most three times, and a customer who talks of something else three times is left in peace.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Self

from botsvc.contacts import EMAIL_PLACE, PHONE_PLACE
from botsvc.typed_replies import DAYS, PromptKind, Reply, ReplyKind, read_choice, read_reply, turns_down
from botsvc.wording import plain, words
from indexer import FieldKind, Form

MOST_MESSAGES = 3  #: of a customer to one question before the interview goes on without an answer
LONGEST_VALUE = 500  #: characters of an answer that are kept with the form
_QUESTION_WORDS = 3  #: a message of so many words with a question mark at its end is a question of its own


class Asks(StrEnum):
    """What a question of the bot is for."""

    ADDRESS = "address"  #: where to answer: e-mail or phone
    NUMBER = "number"  #: where to call back
    FIELD = "field"  #: a field of a form


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question in the language in which it is asked; an edit of the form does not change it any more."""

    asks: Asks
    form: str = ""
    field: str = ""
    label: str = ""
    text: str = ""  #: empty for an address or number, which the bot's own texts ask for
    help: str = ""
    kind: FieldKind = FieldKind.TEXT
    choices: tuple[str, ...] = ()  #: as the customer reads them
    sensitive: bool = False
    pattern: str = ""
    minimum: str = ""
    maximum: str = ""
    error: str = ""

    @property
    def prompt(self) -> PromptKind:
        """What the bot waits for."""
        return PromptKind.FORM if self.asks is Asks.FIELD else PromptKind.ADDRESS

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The question that ``dataclasses.asdict`` wrote."""
        known = {name: value for name, value in record.items() if name in cls.__dataclass_fields__}
        return cls(
            **{
                **known,
                "asks": Asks(record["asks"]),
                "kind": FieldKind(record["kind"]),
                "choices": tuple(record["choices"]),
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """An interview under way."""

    questions: tuple[Question, ...]  #: still open; the first has been asked
    lang: str = ""  #: that it is held in
    tries: int = 0  #: messages since the first question was asked that did not answer it
    given: int = 0  #: answers so far, an address among them

    @property
    def current(self) -> Question:
        """The question that has been asked."""
        return self.questions[0]

    @property
    def last_try(self) -> bool:
        """Whether the next message is the last one that is waited for."""
        return self.tries >= MOST_MESSAGES - 1

    def moved_on(self, *, given: bool) -> Progress | None:
        """With the next question; None when there is none."""
        rest = self.questions[1:]
        return replace(self, questions=rest, tries=0, given=self.given + given) if rest else None

    def tried(self) -> Progress | None:
        """After a message that did not answer; None when it was the last that is waited for."""
        return None if self.last_try else replace(self, tries=self.tries + 1)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The progress that ``dataclasses.asdict`` wrote."""
        return cls(
            questions=tuple(Question.from_json(one) for one in record["questions"]),
            lang=record["lang"],
            tries=record["tries"],
            given=record["given"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """An answer to a form's question, or that it was skipped."""

    form: str
    field: str
    label: str
    value: str = ""  #: empty when skipped; ``[e-mail]`` and ``[phone]`` stand for the message's contacts
    kind: FieldKind = FieldKind.TEXT
    skipped: bool = False
    sensitive: bool = False  #: to be stored sealed, never in an event
    validated: bool = True  #: false: taken as it is after two mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a message does to an interview."""

    after: Progress | None  #: None: it is over
    given: int  #: answers so far, this one included
    collected: Collected | None = None
    wrong: bool = False  #: a mistake: one sentence, and the question again


def questions_of(form: Form, lang: str) -> tuple[Question, ...]:
    """The questions of ``form`` as asked in ``lang``; none where it lacks the language."""
    if lang not in form.languages:
        return ()
    return tuple(
        Question(
            asks=Asks.FIELD,
            form=form.id,
            field=one.name,
            label=one.label[lang],
            text=one.question[lang],
            help=one.help.get(lang, ""),
            kind=one.kind,
            choices=tuple(choice.label[lang] for choice in one.choices),
            sensitive=one.sensitive,
            pattern=one.pattern,
            minimum=one.minimum,
            maximum=one.maximum,
            error=one.error.get(lang, ""),
        )
        for one in form.fields
    )


def reply_in(progress: Progress, text: str, *, contacts: bool, lang: str) -> Reply | None:
    """How a typed message replies to the current question; None when it is a message of its own."""
    question = progress.current
    if question.prompt is PromptKind.ADDRESS and contacts:
        return Reply(kind=ReplyKind.ANSWER)
    if not text.strip():
        return None
    if question.choices and (picked := read_choice(text, question.choices, lang=lang)) is not None:
        return Reply(kind=ReplyKind.CHOICE, index=picked)
    open_words = question.prompt is PromptKind.FORM and question.kind in (FieldKind.TEXT, FieldKind.CHOICE)
    if turns_down(text, lang=lang, wide=not open_words):
        return Reply(kind=ReplyKind.SKIP)
    if open_words and turns_down(text, lang=lang, wide=True):
        return Reply(kind=ReplyKind.ANSWER)  # "no", "not any more": an answer where it is asked whether
    called_off = read_reply(text, PromptKind.NO_NEED, lang=lang)
    if called_off is not None and (question.prompt is PromptKind.ADDRESS or not called_off.rest):
        return called_off
    if question.prompt is PromptKind.ADDRESS:
        agreed = read_reply(text, PromptKind.OFFER_PERSON, lang=lang)
        agrees = agreed is not None and agreed.kind is ReplyKind.YES and not agreed.rest
        return agreed if agrees else None
    asks_back = text.rstrip().endswith("?") and len(words(text)) >= _QUESTION_WORDS
    if asks_back and question.kind is not FieldKind.TEXT and checked(question, text) is None:
        return None
    return Reply(kind=ReplyKind.ANSWER)


def step(progress: Progress, reply: Reply, text: str, *, chatter: bool = False) -> Step:
    """What ``reply`` (an answer, a choice or a skip) does.

    ``chatter`` says that the text is small talk: thanks or "ok" to an open question skip it.
    """
    question = progress.current
    if reply.kind is ReplyKind.YES:  # "yes, please" names no address
        return Step(after=progress.tried(), given=progress.given, wrong=True)
    if question.asks is not Asks.FIELD:
        given = reply.kind is ReplyKind.ANSWER
        return Step(after=progress.moved_on(given=given), given=progress.given + given)
    if reply.kind is ReplyKind.SKIP or (chatter and question.kind is FieldKind.TEXT):
        return _skipped(progress)
    value = _value(question, reply, text)
    if value is None and not progress.last_try:
        return Step(after=progress.tried(), given=progress.given, wrong=True)
    as_it_is = " ".join(text.split())[:LONGEST_VALUE]
    if value is None and (chatter or not as_it_is):
        return _skipped(progress)
    return Step(
        after=progress.moved_on(given=True),
        given=progress.given + 1,
        collected=Collected(
            form=question.form,
            field=question.field,
            label=question.label,
            value=as_it_is if value is None else value,
            kind=question.kind,
            sensitive=question.sensitive,
            validated=value is not None,
        ),
    )


def _skipped(progress: Progress) -> Step:
    question = progress.current
    return Step(
        after=progress.moved_on(given=False),
        given=progress.given,
        collected=Collected(
            form=question.form,
            field=question.field,
            label=question.label,
            kind=question.kind,
            skipped=True,
            sensitive=question.sensitive,
        ),
    )


def _value(question: Question, reply: Reply, text: str) -> str | None:
    if reply.kind is ReplyKind.CHOICE:
        return question.choices[reply.index] if reply.index < len(question.choices) else None
    return checked(question, text)


def checked(question: Question, text: str) -> str | None:
    """A typed answer as it is kept; None when it does not fit the question."""
    said = " ".join(text.split())
    if not said or len(said) > LONGEST_VALUE:
        return (
            said[:LONGEST_VALUE]
            if said and question.kind is FieldKind.TEXT and not question.pattern
            else None
        )
    match question.kind:
        case FieldKind.TEXT:
            fits = not question.pattern or re.fullmatch(question.pattern, said[:_PATTERN_CHARS])
            return said if fits and plain(said) else None
        case FieldKind.CHOICE:
            return None  # what names a choice has been read as one
        case FieldKind.EMAIL:
            return said if EMAIL_PLACE in said else None
        case FieldKind.PHONE:
            return said if PHONE_PLACE in said else None
        case FieldKind.CARD_LAST4:
            digits = _LAST4.search(said)
            return digits[1] or digits[2] if digits else None
        case FieldKind.NUMBER:
            return _number(question, said)
        case FieldKind.DATE:
            return _day(question, said)


_PATTERN_CHARS = 200
#: Four digits alone, or the end of a card number that masking has left.
_LAST4 = re.compile(r"\*{4}(\d{4})\]|(?<!\d)(?<!\d[ -])(\d{4})(?![ -]?\d)")
_NUMBER = re.compile(r"(?<![\d.,])[-−–]?\d{1,3}(?:[ \u00a0]\d{3})+(?:[.,]\d+)?(?!\d)|[-−–]?\d+(?:[.,]\d+)?")
_DAY = re.compile(r"(?<!\d)(?:(\d{4})-(\d\d?)-(\d\d?)|(\d\d?)[./](\d\d?)(?:[./](\d{4}|\d\d))?)(?!\d)")
_LEAP_YEAR = 2024  # a day without a year may be 29.2.


def _number(question: Question, said: str) -> str | None:
    found = _NUMBER.findall(said)
    if len(found) != 1:
        return None
    value = float(re.sub(r"[ \u00a0]", "", found[0]).replace(",", ".").translate(_MINUS))
    if question.minimum and value < float(question.minimum):
        return None
    return None if question.maximum and value > float(question.maximum) else said


_MINUS = str.maketrans("−–", "--")


def _day(question: Question, said: str) -> str | None:
    found = _DAY.search(said)
    if found is None:
        return said if any(word in DAYS for word in words(said)) else None
    iso_year, iso_month, iso_day, day, month, year = found.groups()
    if iso_year:
        year, month, day = iso_year, iso_month, iso_day
    full = int(year) + (2000 if len(year) == 2 else 0) if year else _LEAP_YEAR
    try:
        meant = date(full, int(month), int(day))
    except ValueError:
        return None
    if year and question.minimum and meant.isoformat() < question.minimum:
        return None
    if year and question.maximum and meant.isoformat() > question.maximum:
        return None
    return said
