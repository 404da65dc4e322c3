"""The base of all facts, and the closed list of their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, Self


class EventType(StrEnum):
    """Every type of event."""

    CONVERSATION_STARTED = "conversation_started"
    EPISODE_STARTED = "episode_started"
    CUSTOMER_MESSAGE = "customer_message"
    CONTACT_GIVEN = "contact_given"
    BOT_REPLIED = "bot_replied"
    SERVICE_MESSAGE = "service_message"
    OWNER_CHANGED = "owner_changed"
    HANDOFF_CREATED = "handoff_created"
    HANDOFF_REVISED = "handoff_revised"
    HANDOFF_WITHDRAWN = "handoff_withdrawn"
    HANDOFF_ACKNOWLEDGED = "handoff_acknowledged"
    HANDOFF_RESOLVED = "handoff_resolved"
    HANDOFF_REOPENED = "handoff_reopened"
    HANDOFF_ENDED = "handoff_ended"
    PROMISE_MADE = "promise_made"
    TEAM_CHANGED = "team_changed"
    PERSON_MESSAGE = "person_message"
    ARTICLE_SENT = "article_sent"
    NOTE_ADDED = "note_added"
    CONTACT_LOGGED = "contact_logged"
    CASE_OPENED = "case_opened"
    CASE_ANSWERED = "case_answered"
    CALLBACK_REQUESTED = "callback_requested"
    CALLBACK_ATTEMPTED = "callback_attempted"
    FACT_COLLECTED = "fact_collected"
    ARTICLE_OPENED = "article_opened"
    MESSAGES_READ = "messages_read"
    FEEDBACK_GIVEN = "feedback_given"
    CSAT_GIVEN = "csat_given"
    CONVERSATION_CLOSED = "conversation_closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FactBase:
    """What happened, without who and when."""

    type: ClassVar[EventType]
    public: ClassVar[bool] = True  #: false: people see it, and the customer never does

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values; ``from_json`` is the inverse."""
        return asdict(self)

    def public_json(self) -> dict[str, Any]:
        """The fields that the customer may see."""
        return self.to_json()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The fact that ``to_json`` wrote; fields of a newer version are left out."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: _frozen(value) for name, value in record.items() if name in known})


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
