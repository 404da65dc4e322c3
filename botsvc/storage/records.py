"""The rows of the store as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


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
