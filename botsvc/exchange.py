"""What goes into a conversation and what comes out of it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from botsvc.contacts import Contacts
from botsvc.episode import EpisodeState, Owner, Press
from botsvc.events import Event
from botsvc.storage.records import Conversation, Handoff
from indexer import ArticleKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a customer's page says when it opens a conversation."""

    language: str = ""  #: of the interface
    locale: str = ""  #: as the browser says, such as fi-FI
    page: str = ""  #: address of the page
    audience: str = ""  #: the group the customer has chosen
    time_zone: str = ""  #: IANA name, as the browser says
    channel: str = "chat"  #: or email
    notice: str = ""  #: what the customer read before writing (``[notice]``)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A new conversation, with the only copy of its token."""

    conversation_id: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTurn:
    """One message as its client sent it."""

    client_message_id: str  #: chosen by the client; sent again, it is the same message
    text: str = ""
    press: Press | None = None
    index: int = 0  #: which choice was pressed, from 0
    network: str = ""  #: that the call came from; only a hash of it is ever stored, with feedback


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """What a message meets: the conversation before it, and the message as it may be stored."""

    conversation: Conversation
    state: EpisodeState  #: of the current episode, or of a new one
    text: str  #: masked, contact details moved out
    contacts: Contacts
    handoff: Handoff | None = None  #: of the current episode, while it is open
    resolved: Handoff | None = None  #: by a person, so lately that the message may reopen it

    @property
    def reachable(self) -> bool:
        """Whether there is an address for a later reply."""
        return bool(self.contacts or self.conversation.email or self.conversation.phone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A customer's word on an answer, as it counts now."""

    conversation_id: str
    sequence: int  #: of the message that was answered
    article: ArticleKey
    helped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What became of a message."""

    conversation_id: str
    sequence: int  #: of the message's event
    repeated: bool  #: the message had been stored before; nothing has changed
    body: Mapping[str, Any]  #: the bot's part of the reply, with ``handoff`` filled in
    contacts: Contacts = field(default_factory=Contacts)  #: ways to be reached, moved out of the text
    masked: tuple[str, ...] = ()  #: kinds of numbers that were masked


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A conversation from its beginning."""

    conversation: Conversation
    owner: Owner  #: who has it now
    events: tuple[Event, ...]
    replies: Mapping[int, Mapping[str, Any]]  #: sequence of a message -> the body it was replied with


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one conversation takes."""

    message_chars: int = 2_000
    messages: int = 500
    token_lifetime: timedelta = timedelta(hours=72)
    reopening: timedelta = timedelta(hours=24)  #: after a person's resolution
    benefit_card_prefixes: tuple[str, ...] = ()
