"""What happens in a conversation: a closed list of facts, each with who caused it. State is what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

from botsvc.facts import EventType, FactBase
from botsvc.people_facts import (
    ArticleSent,
    CallbackAttempted,
    CallbackRequested,
    CaseAnswered,
    CaseOpened,
    ContactLogged,
    HandoffAcknowledged,
    HandoffEnded,
    HandoffReopened,
    HandoffResolved,
    NoteAdded,
    PersonMessage,
    PromiseMade,
    ServiceMessage,
    TeamChanged,
)


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
class ConversationStarted(FactBase):
    """A customer opened a conversation."""

    type: ClassVar = EventType.CONVERSATION_STARTED

    language: str = ""  #: of the interface
    locale: str = ""  #: as the browser says, such as fi-FI
    page: str = ""  #: address of the page where it began
    audience: str = ""  #: group that the client says the customer is in
    notice: str = ""  #: what the customer read before writing, as it was then


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeStarted(FactBase):
    """A new matter begins with the bot."""

    type: ClassVar = EventType.EPISODE_STARTED

    number: int  #: from 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMessage(FactBase):
    """The customer wrote something or pressed a button."""

    type: ClassVar = EventType.CUSTOMER_MESSAGE

    client_message_id: str
    text: str = ""  #: masked; addresses and phone numbers are moved to ``ContactGiven``
    press: str = ""  #: the button, if one was pressed
    index: int = 0  #: which choice was pressed, from 0
    label: str = ""  #: what stood on the choice that was pressed
    masked: tuple[str, ...] = ()  #: what kinds of numbers were masked
    channel: str = "chat"  #: chat or email


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactGiven(FactBase):
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
class BotReplied(FactBase):
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
    topic: str = ""  #: of the best article, where one was near

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The fact that ``to_json`` wrote."""
        shown = (Shown(**{**one, "shown_as": ShownAs(one["shown_as"])}) for one in record["shown"])
        # Named, because slotted dataclasses are made anew and a bare ``super()`` would mean the class before.
        return super(BotReplied, cls).from_json({**record, "shown": tuple(shown)})


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerChanged(FactBase):
    """The conversation has another owner."""

    type: ClassVar = EventType.OWNER_CHANGED

    owner: str
    before: str
    agent: str = ""  #: id of the agent or expert who has it now
    name: str = ""  #: of that person, as the customer sees it

    def public_json(self) -> dict[str, Any]:
        """Without the person's id."""
        return {"owner": self.owner, "before": self.before, "name": self.name}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffCreated(FactBase):
    """The bot passed the episode to people."""

    type: ClassVar = EventType.HANDOFF_CREATED

    handoff_id: str
    reason: str
    priority: str
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRevised(FactBase):
    """New facts made a new revision of the handoff."""

    type: ClassVar = EventType.HANDOFF_REVISED

    handoff_id: str
    revision: int
    reason: str
    priority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffWithdrawn(FactBase):
    """The customer needs nobody any more."""

    type: ClassVar = EventType.HANDOFF_WITHDRAWN

    handoff_id: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackGiven(FactBase):
    """The customer said whether an answer helped; of several about one answer the last one counts."""

    type: ClassVar = EventType.FEEDBACK_GIVEN

    helped: bool
    article_id: str
    lang: str  #: of the article
    answer: int  #: sequence of the message that was answered


@dataclass(frozen=True, slots=True, kw_only=True)
class FactCollected(FactBase):
    """The customer answered a form's question, or skipped it; asked again, the last one counts."""

    type: ClassVar = EventType.FACT_COLLECTED

    form: str
    field: str
    label: str  #: the question's short name, in the customer's language
    value: str = ""  #: empty when it was skipped or is sensitive
    skipped: bool = False
    sensitive: bool = False  #: the value is kept encrypted, apart from events
    validated: bool = True  #: false: it did not fit the question, and was taken as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleOpened(FactBase):
    """The customer opened an article from the conversation."""

    type: ClassVar = EventType.ARTICLE_OPENED

    article_id: str
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRead(FactBase):
    """Whoever caused this has seen everything up to a sequence."""

    type: ClassVar = EventType.MESSAGES_READ

    up_to: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CsatGiven(FactBase):
    """The customer's satisfaction with an episode; given again, the last one counts."""

    type: ClassVar = EventType.CSAT_GIVEN

    score: int  #: 1 (worst) to 5
    comment: str = ""  #: masked
    by: str = "bot"  #: bot or person: who had served the customer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationClosed(FactBase):
    """The customer ended the episode."""

    type: ClassVar = EventType.CONVERSATION_CLOSED


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
    | ServiceMessage
    | HandoffAcknowledged
    | HandoffResolved
    | HandoffReopened
    | HandoffEnded
    | PromiseMade
    | TeamChanged
    | PersonMessage
    | ArticleSent
    | NoteAdded
    | ContactLogged
    | CaseOpened
    | CaseAnswered
    | CallbackRequested
    | CallbackAttempted
    | FactCollected
    | ArticleOpened
    | MessagesRead
    | CsatGiven
    | ConversationClosed
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
        """The event as people and the operator see it."""
        return {
            "sequence": self.sequence,
            "episode": self.episode,
            "type": self.fact.type.value,
            "at": self.at.isoformat(),
            "actor": {"kind": self.actor.kind.value, "id": self.actor.id},
            "cause": self.cause,
            "data": self.fact.to_json(),
        }

    def public_json(self) -> dict[str, Any] | None:
        """The event as sent to its customer: without people's ids; None for what is not theirs to see."""
        if not self.fact.public:
            return None
        person = self.actor.kind in (ActorKind.AGENT, ActorKind.EXPERT)
        actor = {"kind": self.actor.kind.value, "id": "" if person else self.actor.id}
        return {**self.to_json(), "actor": actor, "data": self.fact.public_json()}

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
