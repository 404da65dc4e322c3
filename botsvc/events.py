"""What happens in a conversation: a closed list of facts, each with who caused it. State is what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self


class EventType(StrEnum):
    """Every type of event."""

    CONVERSATION_STARTED = "conversation_started"
    EPISODE_STARTED = "episode_started"
    CUSTOMER_MESSAGE = "customer_message"
    CONTACT_GIVEN = "contact_given"
    BOT_REPLIED = "bot_replied"
    OWNER_CHANGED = "owner_changed"
    HANDOFF_CREATED = "handoff_created"
    HANDOFF_REVISED = "handoff_revised"
    HANDOFF_WITHDRAWN = "handoff_withdrawn"
    FEEDBACK_GIVEN = "feedback_given"


class ActorKind(StrEnum):
    """Who can cause an event."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"
    EXPERT = "expert"
    TIMER = "timer"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who caused an event."""

    kind: ActorKind
    id: str = ""  #: the bot's rule, the agent's id, the timer's name; empty for the customer


CUSTOMER = Actor(kind=ActorKind.CUSTOMER)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """What happened, without who and when."""

    type: ClassVar[EventType]

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; ``from_json`` is the inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The fact that ``to_json`` wrote; fields of a newer version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: _frozen(value) for name, value in record.items() if name in known})


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationStarted(_Fact):
    """A customer opened a conversation."""

    type: ClassVar = EventType.CONVERSATION_STARTED

    language: str = ""  #: of the interface
    locale: str = ""  #: as the browser says, such as fi-FI
    page: str = ""  #: address of the page where it began
    audience: str = ""  #: group that the client says the customer is in


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeStarted(_Fact):
    """A new matter begins with the bot."""

    type: ClassVar = EventType.EPISODE_STARTED

    number: int  #: from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMessage(_Fact):
    """The customer wrote something or pressed a button."""

    type: ClassVar = EventType.CUSTOMER_MESSAGE

    client_message_id: str
    text: str = ""  #: masked; addresses and phone numbers are moved to ``ContactGiven``
    press: str = ""  #: the button, if one was pressed
    index: int = 0  #: which choice was pressed, from 0
    masked: tuple[str, ...] = ()  #: what kinds of numbers were masked


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactGiven(_Fact):
    """The customer gave a way to be reached."""

    type: ClassVar = EventType.CONTACT_GIVEN

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()


class ShownAs(StrEnum):
    """How an article was shown."""

    ANSWER = "answer"
    MORE = "more"
    CHOICE = "choice"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An article that the customer saw."""

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str
    score: float  #: of the ranking; higher is better
    shown_as: ShownAs


@dataclass(frozen=True, slots=True, kw_only=True)
class BotReplied(_Fact):
    """The bot said something, and why."""

    type: ClassVar = EventType.BOT_REPLIED

    outcome: str
    reason: str
    rule: str
    text: str  #: as the customer read it
    language: str = ""
    numbers: Mapping[str, float | None]  #: probabilities and the thresholds they were held against
    index_id: str = ""
    shown: tuple[Shown, ...] = ()
    question: str = ""  #: what was searched, or what the picked article was searched for

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The fact that ``to_json`` wrote."""
        shown = (Shown(**{**one, "shown_as": ShownAs(one["shown_as"])}) for one in record["shown"])
        # Named, because slotted dataclasses are made anew and a bare ``super()`` would mean the class before.
        return super(BotReplied, cls).from_json({**record, "shown": tuple(shown)})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChanged(_Fact):
    """The conversation has another owner."""

    type: ClassVar = EventType.OWNER_CHANGED

    owner: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCreated(_Fact):
    """The bot passed the episode to people."""

    type: ClassVar = EventType.HANDOFF_CREATED

    handoff_id: str
    reason: str
    priority: str
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRevised(_Fact):
    """New facts made a new revision of the handoff."""

    type: ClassVar = EventType.HANDOFF_REVISED

    handoff_id: str
    revision: int
    reason: str
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(_Fact):
    """The customer needs nobody any more."""

    type: ClassVar = EventType.HANDOFF_WITHDRAWN

    handoff_id: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(_Fact):
    """The customer said whether an answer helped; of several about one answer the last one counts."""

    type: ClassVar = EventType.FEEDBACK_GIVEN

    helped: bool
    article_id: str
    lang: str  #: of the article
    answer: int  #: sequence of the message that was answered


Fact = (
    ConversationStarted
    | EpisodeStarted
    | CustomerMessage
    | ContactGiven
    | BotReplied
    | OwnerChanged
    | HandoffCreated
    | HandoffRevised
    | HandoffWithdrawn
    | FeedbackGiven
)
_FACTS: Mapping[EventType, type[Fact]] = {fact.type: fact for fact in Fact.__args__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in its place: its id within the conversation is ``sequence``."""

    sequence: int  #: from 1, without gaps
    episode: int
    at: datetime
    actor: Actor
    cause: int | None  #: sequence of the event that led to it
    fact: Fact

    def to_json(self) -> dict[str, Any]:
        """The event as sent to clients."""
        return {
            "sequence": self.sequence,
            "episode": self.episode,
            "type": self.fact.type.value,
            "at": self.at.isoformat(),
            "actor": {"kind": self.actor.kind.value, "id": self.actor.id},
            "cause": self.cause,
            "data": self.fact.to_json(),
        }

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The event that a row of the store holds."""
        return cls(
            sequence=row["sequence"],
            episode=row["episode"],
            at=row["at"],
            actor=Actor(kind=ActorKind(row["actor"]), id=row["actor_id"]),
            cause=row["cause"],
            fact=_FACTS[EventType(row["type"])].from_json(row["data"]),
        )
