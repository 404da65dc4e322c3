"""What the bot may say: a closed union of decisions, each with the rule and the numbers behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from botsvc.form_filling import Collected, Progress
    from indexer import Hit


class Outcome(StrEnum):
    """What became of a message, as written on the wire and in evals."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    NO_ANSWER = "no_answer"
    HANDED_OFF = "handed_off"
    SMALL_TALK = "small_talk"
    NOTICE = "notice"


class Rule(StrEnum):
    """Which rule of the decision held; they are tried in this order and the first that holds wins."""

    PERSON_OWNS = "person_owns"  #: an agent or expert has the conversation, or the bot waits for one
    PENDING_PROMPT = "pending_prompt"
    PERSON_ASKED = "person_asked"
    CRISIS = "crisis"
    SENSITIVE = "sensitive"
    NOTICE = "notice"
    SMALL_TALK = "small_talk"
    CONFIDENT = "confident"
    CHOICES = "choices"
    REPEATED_FAILURE = "repeated_failure"
    LOW_CONFIDENCE = "low_confidence"
    NOT_ABOUT_THIS = "not_about_this"
    REOPENED = "reopened"  #: the customer came back soon after a person's resolution


class Reason(StrEnum):
    """Why the outcome is what it is; a closed list."""

    CONFIDENT = "confident"  # answered
    CHOSEN = "chosen"
    CHOICES = "choices"  # clarified
    AUDIENCE = "audience"
    ASKED = "asked"  # handed_off
    LOW_CONFIDENCE = "low_confidence"  # also no_answer, where the operator offers instead of handing off
    REPEATED_FAILURE = "repeated_failure"
    RULE = "rule"
    FEEDBACK = "feedback"
    FORM = "form"
    REOPENED = "reopened"
    REJECTED = "rejected"  # no_answer
    OUT_OF_SCOPE = "out_of_scope"
    NONSENSE = "nonsense"
    ABUSE = "abuse"
    GREETING = "greeting"  # small_talk
    OPENING = "opening"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HOW_ARE_YOU = "how_are_you"
    WHO_ARE_YOU = "who_are_you"
    ACKNOWLEDGED = "acknowledged"
    PRAISE = "praise"
    HELPED = "helped"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    WHICH_ONE = "which_one"
    ASK_AWAY = "ask_away"
    WAITING = "waiting"
    ADDED = "added"
    INTERVIEW = "interview"
    CALLBACK = "callback"
    CRISIS = "crisis"
    NOTICE = "notice"


class Priority(StrEnum):
    """How urgent a handoff is, most urgent first."""

    CRISIS = "crisis"
    SENSITIVE = "sensitive"
    ASKED = "asked"
    FEEDBACK = "feedback"
    LOW_CONFIDENCE = "low_confidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """The probabilities of a message and the thresholds they met; None if nothing was searched."""

    confidence: float | None = None
    choices: float | None = None
    scope: float | None = None
    answer_threshold: float | None = None
    choices_threshold: float | None = None
    scope_threshold: float | None = None
    human_request: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """The numbers by name, rounded to six digits."""
        names = self.__dataclass_fields__
        values = {name: getattr(self, name) for name in names}
        return {name: None if value is None else round(value, 6) for name, value in values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What every decision carries."""

    outcome: ClassVar[Outcome | None] = None

    rule: Rule
    reason: Reason
    text: tuple[str, ...] = ()  #: keys of ``texts``; said one after the other, at most two sentences together
    numbers: Numbers = field(default_factory=Numbers)
    index_id: str = ""

    def why(self) -> dict[str, Any]:
        """The record of this decision: rule, reason, numbers, index."""
        numbers = self.numbers.to_json()
        return {"rule": self.rule, "reason": self.reason, "numbers": numbers, "index_id": self.index_id}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered(Decided):
    """The bot is sure enough to quote this section."""

    outcome: ClassVar[Outcome | None] = Outcome.ANSWERED

    hit: Hit
    confidence: float  #: calibrated, 0..1
    more: tuple[Hit, ...] = ()  #: further articles, best first
    offer_person: bool = False  #: a person's button stands inside the answer
    cross_language: bool = False  #: the article is in another language than the message; label it
    urgent: str = ""  #: the article's line for those who cannot wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Clarify(Decided):
    """One of these is probably right; the customer picks, or says none of them."""

    outcome: ClassVar[Outcome | None] = Outcome.CLARIFIED

    choices: tuple[Hit, ...] = ()
    audiences: tuple[str, ...] = ()  #: filled instead of ``choices`` where the answer depends on who asks
    choices_confidence: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer(Decided):
    """Nothing to quote; says what the bot can help with or how to go on."""

    outcome: ClassVar[Outcome | None] = Outcome.NO_ANSWER

    person_first: bool = False  #: the person's button comes before everything else
    offer_person: bool = False  #: the text itself asks whether a person is wanted
    nearest: tuple[Hit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOff(Decided):
    """People get the conversation; the handoff is written before anything is said."""

    outcome: ClassVar[Outcome | None] = Outcome.HANDED_OFF

    priority: Priority
    team: str = ""
    form: str = ""
    hit: Hit | None = None  #: quoted in the same turn (sensitive topics)
    nearest: tuple[Hit, ...] = ()
    urgent: str = ""
    crisis: bool = False  #: show the crisis numbers
    interview: Progress | None = None  #: whose first question is asked in the same turn
    callback_wish: str = ""  #: the customer wants to be called: in their words, masked

    @property
    def asks_address(self) -> bool:
        """Whether an address or number is asked for in the same turn."""
        return _asks_address(self.interview)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTalk(Decided):
    """A short fitting reply; nothing was asked, or a prompt was answered."""

    outcome: ClassVar[Outcome | None] = Outcome.SMALL_TALK

    withdraw: bool = False  #: the waiting handoff is cancelled
    escalate: Priority | None = None  #: the waiting handoff becomes this urgent
    crisis: bool = False  #: show the crisis numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Interview(SmallTalk):
    """A step of the interview after a handoff: an answer was taken, skipped or not understood.

    Who stores it appends ``collected`` as a fact (sealed where it is sensitive) and revises the handoff. The
    reply is in ``lang`` where that is set.
    """

    collected: Collected | None = None
    after: Progress | None = None  #: whose first question is asked now; None: the interview is over
    wrong: str = ""  #: the form's own sentence on an answer that does not fit, in ``lang``
    lang: str = ""  #: the interview's language
    callback_wish: str = ""  #: the customer wants to be called: in their words, masked

    @property
    def asks_address(self) -> bool:
        """Whether an address or number is asked for now."""
        return _asks_address(self.after)


def _asks_address(progress: Progress | None) -> bool:
    return progress is not None and not progress.current.field


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Decided):
    """An active disruption notice explains it."""

    outcome: ClassVar[Outcome | None] = Outcome.NOTICE

    notice_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Silent(Decided):
    """The bot says nothing; the message goes to whoever owns the conversation."""


Decision = Answered | Clarify | NoAnswer | HandOff | SmallTalk | Interview | Notice | Silent
