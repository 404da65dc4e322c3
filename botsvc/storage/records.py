"""The rows of the store as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One customer's conversation, all its episodes together."""

    id: str
    token_hash: str
    created_at: datetime
    updated_at: datetime
    expires_at: datetime  #: when the token ends; moves on with each message
    language: str  #: of the interface, or of the last message
    locale: str
    page: str  #: address of the page where it began
    audience: str  #: the group the client says the customer is in: a preference, not a right
    email: str  #: the last one that the customer gave
    phone: str  #: the last one that the customer gave
    episode: int  #: number of the current episode, from 1
    last_sequence: int  #: of its last event
    messages: int  #: how many the customer has sent
    channel: str = "chat"  #: where it began: chat or email
    time_zone: str = ""  #: the customer's, an IANA name as the browser says it
    seen_at: datetime = EPOCH  #: when the customer's page was last connected or called


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How far a conversation has come."""

    id: str
    last_sequence: int
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One matter of a conversation, from the first message to its end."""

    conversation_id: str
    number: int  #: from 1
    owner: str  #: bot, queue, agent, expert, or nobody once it is closed
    started_at: datetime
    ended_at: datetime | None
    state: Mapping[str, Any]  #: what the bot remembers of it, as JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """A customer's message as far as repeating it is concerned."""

    conversation_id: str
    client_message_id: str
    fingerprint: str  #: hash of the masked message: the same id may not carry another one
    sequence: int  #: of its event
    reply: Mapping[str, Any]  #: what was replied, and is replied again when the message is repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredExample:
    """What somebody said of a question and an article: a customer's feedback, or a person's label."""

    id: str  #: follows from who said it of what: saying it again is no second example
    article_id: str
    lang: str  #: of the article
    text: str  #: the question, masked
    source: str  #: customer, agent, qa or editor
    helped: bool  #: false: the article is not the answer
    decision: str  #: an editor's last word: accepted, rejected, or empty
    customer: str  #: key of the customer who asked; empty where it is unknown
    network: str  #: key of the network that the customer's call came from; empty where it is unknown
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A conversation's episode in the hands of people, at its newest revision."""

    id: str
    conversation_id: str
    episode: int
    revision: int  #: from 1; each replaces the one before as a whole
    state: str
    reason: str
    priority: str
    rank: int  #: of the priority, the most urgent first
    team: str
    language: str
    question: str
    created_at: datetime
    revised_at: datetime
    document: Mapping[str, Any]  #: ``helppari.handoff/1``
    agent: str = ""  #: id of the agent who has it; empty while it waits
    waiting_since: datetime = EPOCH  #: since when nobody has had it; its age in the queue
    promised_by: datetime | None = None  #: when the customer was promised a reply at the latest
    time_zone: str = ""  #: the zone in which the promise was said
    warned_at: datetime | None = None  #: when the customer was told that the promise will not be kept
    acknowledged_at: datetime | None = None  #: when a person or a sink confirmed that it has arrived
    answered_at: datetime | None = None  #: when a person first wrote to the customer
    ended_at: datetime | None = None  #: when it stopped being open
    resolution: str = ""  #: why a person called it resolved
    form: str = ""  #: the form whose questions the customer is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAgent:
    """Somebody who works at the desk."""

    id: str
    email: str  #: to sign in with, lower case
    name: str  #: as customers see it
    password_hash: str  #: argon2id; empty: cannot sign in
    roles: Sequence[str]  #: agent, expert, editor, admin
    teams: Sequence[str]  #: keys of ``[teams]``
    languages: Sequence[str]
    skills: Sequence[str]
    room: int  #: live chats that fit at the same time
    status: str  #: available, away
    active: bool
    seen_at: datetime | None  #: when the desk last heard of them
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSession:
    """A signed-in browser."""

    token_hash: str
    agent_id: str
    csrf: str
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Somebody looked at or changed something at the desk."""

    id: str
    at: datetime
    agent_id: str
    action: str
    conversation_id: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """Something that has to leave: a handoff's revision to a sink, or a message to a customer's mail."""

    id: str
    key: str  #: unique: (handoff id, revision, sink), or the message that a mail carries
    kind: str  #: handoff or mail
    sink: str  #: name of the sink
    conversation_id: str
    stream: str  #: what has to arrive in order, such as one handoff at one sink
    place: int  #: in its stream
    payload: Mapping[str, Any]
    state: str  #: pending, delivered, dead, or dropped by an operator
    attempts: int
    due_at: datetime
    leased_until: datetime | None
    lease: str  #: of the worker that is at it; empty when none is
    error: str  #: of the last attempt, without the customer's words
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """A message that came or went by e-mail."""

    message_id: str  #: with its angle brackets
    direction: str  #: in or out
    conversation_id: str | None
    what: str  #: message, handoff, auto_reply, bounce, ignored
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What an expert was asked."""

    id: str
    conversation_id: str
    handoff_id: str
    episode: int
    state: str  #: open, answered, cancelled
    team: str
    expert: str  #: id of the expert asked; empty: any of the team, or whoever has the link
    email: str  #: of an expert without a desk
    asked_by: str  #: id of the agent
    summary: str
    checklist: Sequence[Mapping[str, Any]]  #: {"text", "done"}
    missing: Sequence[str]
    link_hash: str  #: of the signed link's token
    opened_at: datetime
    expires_at: datetime  #: of the link
    answered_at: datetime | None
    answer: str
    answer_to: str  #: agent or customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A customer wants to be called."""

    id: str
    conversation_id: str
    handoff_id: str
    phone: str
    wished: str  #: when, in the customer's words
    language: str
    state: str  #: open, done, given_up, withdrawn
    attempts: Sequence[Mapping[str, Any]]  #: {"at", "agent", "outcome", "note"}
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedFact:
    """A sensitive answer to a form's question."""

    conversation_id: str
    episode: int
    field: str
    label: str
    ciphertext: str
    at: datetime
