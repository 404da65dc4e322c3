"""What people, sinks and timers do to a conversation that was handed off; a part of the events' facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from botsvc.facts import EventType, FactBase


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceMessage(FactBase):
    """The service said something on its own, such as that a promise cannot be kept."""

    type: ClassVar = EventType.SERVICE_MESSAGE

    key: str  #: of the text
    text: str  #: as the customer reads it
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffAcknowledged(FactBase):
    """A sink or a person has confirmed that the handoff has arrived."""

    type: ClassVar = EventType.HANDOFF_ACKNOWLEDGED

    handoff_id: str
    sink: str  #: desk, or the name of the sink
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffResolved(FactBase):
    """A person has resolved the episode."""

    type: ClassVar = EventType.HANDOFF_RESOLVED

    handoff_id: str
    revision: int
    resolution: str  #: the reason, of ``people.Resolution``


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffReopened(FactBase):
    """The customer came back soon after a person's resolution: the same people have it again."""

    type: ClassVar = EventType.HANDOFF_REOPENED

    handoff_id: str
    revision: int
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffEnded(FactBase):
    """The handoff ended without a resolution."""

    type: ClassVar = EventType.HANDOFF_ENDED

    handoff_id: str
    revision: int
    state: str  #: unreachable or abandoned


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseMade(FactBase):
    """A reply by a certain time was promised, or promised anew."""

    type: ClassVar = EventType.PROMISE_MADE

    handoff_id: str
    reply_by: str  #: aware time, ISO 8601
    time_zone: str  #: the zone it was said in
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChanged(FactBase):
    """Another team has the handoff."""

    type: ClassVar = EventType.TEAM_CHANGED
    public: ClassVar = False

    team: str
    before: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonMessage(FactBase):
    """An agent or expert wrote to the customer."""

    type: ClassVar = EventType.PERSON_MESSAGE

    text: str
    name: str  #: as the customer sees it
    channel: str = "chat"  #: chat, email, or link (an expert without a desk)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSent(FactBase):
    """A person sent an article as the answer."""

    type: ClassVar = EventType.ARTICLE_SENT

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str
    text: str  #: the quotation
    name: str  #: of the person, as the customer sees it


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteAdded(FactBase):
    """A person wrote a note for other people."""

    type: ClassVar = EventType.NOTE_ADDED
    public: ClassVar = False

    text: str
    mentions: tuple[str, ...] = ()  #: ids of the people named


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactLogged(FactBase):
    """A person reached the customer, or tried to, outside this conversation."""

    type: ClassVar = EventType.CONTACT_LOGGED
    public: ClassVar = False

    channel: str  #: phone, email or meeting
    reached: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened(FactBase):
    """An agent asked an expert."""

    type: ClassVar = EventType.CASE_OPENED
    public: ClassVar = False

    case_id: str
    expert: str  #: id of the person asked; empty when any expert of the team
    team: str
    summary: str
    missing: tuple[str, ...] = ()  #: facts that are not known


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAnswered(FactBase):
    """An expert answered; what goes to the customer is a ``PersonMessage`` of its own."""

    type: ClassVar = EventType.CASE_ANSWERED
    public: ClassVar = False

    case_id: str
    text: str
    to: str  #: agent (a draft) or customer


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackRequested(FactBase):
    """The customer wants to be called."""

    type: ClassVar = EventType.CALLBACK_REQUESTED

    callback_id: str
    wished: str = ""  #: when, in the customer's words


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackAttempted(FactBase):
    """A person called the customer."""

    type: ClassVar = EventType.CALLBACK_ATTEMPTED

    callback_id: str
    outcome: str  #: reached, no_answer, or wrong_number
    note: str = ""

    def public_json(self) -> dict[str, Any]:
        """Without the note."""
        return {"callback_id": self.callback_id, "outcome": self.outcome}
