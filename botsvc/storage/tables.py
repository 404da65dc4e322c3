"""The tables, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class AwareDateTime(TypeDecorator[datetime]):
    """Aware times, kept as UTC; SQLite has no time zones and gets them naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive times: they would mean another moment on another machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time cannot be stored: {value!r}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _required(name: str, kind: Any) -> Column[Any]:  # noqa: ANN401 - a column type, or its class
    return Column(name, kind, nullable=False)


conversations = Table(
    "conversations",
    metadata,
    _required("id", String(40)),
    _required("token_hash", String(64)),
    _required("created_at", AwareDateTime),
    _required("updated_at", AwareDateTime),
    _required("expires_at", AwareDateTime),
    _required("language", String(8)),
    _required("locale", String(40)),
    _required("page", Text),
    _required("audience", String(80)),
    _required("email", Text),
    _required("phone", Text),
    _required("episode", Integer),
    _required("last_sequence", Integer),
    _required("messages", Integer),
    _required("channel", String(20)),
    _required("time_zone", String(64)),
    _required("seen_at", AwareDateTime),
    PrimaryKeyConstraint("id"),
    Index(None, "updated_at"),
)

episodes = Table(
    "episodes",
    metadata,
    _required("conversation_id", String(40)),
    _required("number", Integer),
    _required("owner", String(20)),
    _required("started_at", AwareDateTime),
    Column("ended_at", AwareDateTime),
    _required("state", JSON),
    PrimaryKeyConstraint("conversation_id", "number"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "owner"),
)

#: Feedback and labels. No key leads back to a conversation: an example outlives it, until its own time ends.
examples = Table(
    "examples",
    metadata,
    _required("id", String(40)),
    _required("article_id", String(200)),
    _required("lang", String(8)),
    _required("text", Text),
    _required("source", String(20)),
    _required("helped", Boolean),
    _required("decision", String(20)),
    _required("customer", String(80)),
    _required("network", String(40)),
    _required("at", AwareDateTime),
    PrimaryKeyConstraint("id"),
    Index(None, "customer"),
    Index(None, "at"),
)

#: Random keys that hashes are made with, so that nobody can try out what was hashed.
secrets = Table(
    "secrets",
    metadata,
    _required("name", String(40)),
    _required("value", String(80)),
    PrimaryKeyConstraint("name"),
)

#: Append-only: rows are added, and leave only with their whole conversation.
events = Table(
    "events",
    metadata,
    _required("conversation_id", String(40)),
    _required("sequence", Integer),
    _required("episode", Integer),
    _required("type", String(40)),
    _required("at", AwareDateTime),
    _required("actor", String(20)),
    _required("actor_id", String(80)),
    Column("cause", Integer),
    _required("data", JSON),
    PrimaryKeyConstraint("conversation_id", "sequence"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "at"),
)

messages = Table(
    "messages",
    metadata,
    _required("conversation_id", String(40)),
    _required("client_message_id", String(100)),
    _required("fingerprint", String(64)),
    _required("sequence", Integer),
    _required("reply", JSON),
    PrimaryKeyConstraint("conversation_id", "client_message_id"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
)

handoffs = Table(
    "handoffs",
    metadata,
    _required("id", String(40)),
    _required("conversation_id", String(40)),
    _required("episode", Integer),
    _required("revision", Integer),
    _required("state", String(20)),
    _required("reason", String(40)),
    _required("priority", String(40)),
    _required("rank", Integer),
    _required("team", String(80)),
    _required("language", String(8)),
    _required("question", Text),
    _required("created_at", AwareDateTime),
    _required("revised_at", AwareDateTime),
    _required("document", JSON),
    _required("agent", String(40)),
    _required("waiting_since", AwareDateTime),
    Column("promised_by", AwareDateTime),
    _required("time_zone", String(64)),
    Column("warned_at", AwareDateTime),
    Column("acknowledged_at", AwareDateTime),
    Column("answered_at", AwareDateTime),
    Column("ended_at", AwareDateTime),
    _required("resolution", String(40)),
    _required("form", String(80)),
    PrimaryKeyConstraint("id"),
    # The bot never hands off twice in one episode: the database would refuse the second.
    UniqueConstraint("conversation_id", "episode"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "state", "rank", "created_at"),
    Index(None, "agent"),
)

#: People of the desk. Rows stay when somebody leaves (``active``), because events name them.
agents = Table(
    "agents",
    metadata,
    _required("id", String(40)),
    _required("email", String(254)),
    _required("name", String(120)),
    _required("password_hash", Text),
    _required("roles", JSON),
    _required("teams", JSON),
    _required("languages", JSON),
    _required("skills", JSON),
    _required("room", Integer),
    _required("status", String(20)),
    _required("active", Boolean),
    Column("seen_at", AwareDateTime),
    _required("created_at", AwareDateTime),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("email"),
)

desk_sessions = Table(
    "desk_sessions",
    metadata,
    _required("token_hash", String(64)),
    _required("agent_id", String(40)),
    _required("csrf", String(80)),
    _required("created_at", AwareDateTime),
    _required("expires_at", AwareDateTime),
    PrimaryKeyConstraint("token_hash"),
    ForeignKeyConstraint(["agent_id"], ["agents.id"], ondelete="CASCADE"),
    Index(None, "expires_at"),
)

#: Who looked at or changed what at the desk. No key leads to a conversation: it outlives what it names.
audit = Table(
    "audit",
    metadata,
    _required("id", String(40)),
    _required("at", AwareDateTime),
    _required("agent_id", String(40)),
    _required("action", String(60)),
    _required("conversation_id", String(40)),
    _required("detail", String(200)),
    PrimaryKeyConstraint("id"),
    Index(None, "at"),
)

#: The outbox: what has to leave, written in the transaction that caused it.
deliveries = Table(
    "deliveries",
    metadata,
    _required("id", String(40)),
    _required("key", String(200)),
    _required("kind", String(20)),
    _required("sink", String(80)),
    _required("conversation_id", String(40)),
    _required("stream", String(120)),
    _required("place", Integer),
    _required("payload", JSON),
    _required("state", String(20)),
    _required("attempts", Integer),
    _required("due_at", AwareDateTime),
    Column("leased_until", AwareDateTime),
    _required("lease", String(40)),
    _required("error", String(400)),
    _required("created_at", AwareDateTime),
    Column("delivered_at", AwareDateTime),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("key"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "state", "due_at"),
    # Also by state: the lowest pending place of a stream is looked for with each lease.
    Index(None, "stream", "state", "place"),
    Index(None, "conversation_id"),
)

#: Messages by e-mail, in and out, by their Message-ID.
mails = Table(
    "mails",
    metadata,
    _required("message_id", String(500)),
    _required("direction", String(10)),
    Column("conversation_id", String(40)),
    _required("what", String(40)),
    _required("at", AwareDateTime),
    PrimaryKeyConstraint("message_id"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "conversation_id", "at"),
)

cases = Table(
    "cases",
    metadata,
    _required("id", String(40)),
    _required("conversation_id", String(40)),
    _required("handoff_id", String(40)),
    _required("episode", Integer),
    _required("state", String(20)),
    _required("team", String(80)),
    _required("expert", String(40)),
    _required("email", String(254)),
    _required("asked_by", String(40)),
    _required("summary", Text),
    _required("checklist", JSON),
    _required("missing", JSON),
    _required("link_hash", String(64)),
    _required("opened_at", AwareDateTime),
    _required("expires_at", AwareDateTime),
    Column("answered_at", AwareDateTime),
    _required("answer", Text),
    _required("answer_to", String(20)),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "conversation_id"),
    Index(None, "link_hash"),
    Index(None, "state", "opened_at"),
)

callbacks = Table(
    "callbacks",
    metadata,
    _required("id", String(40)),
    _required("conversation_id", String(40)),
    _required("handoff_id", String(40)),
    _required("phone", Text),
    _required("wished", Text),
    _required("language", String(8)),
    _required("state", String(20)),
    _required("attempts", JSON),
    _required("created_at", AwareDateTime),
    PrimaryKeyConstraint("id"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
    Index(None, "conversation_id"),
    Index(None, "state", "created_at"),
)

#: Answers to sensitive questions of forms, encrypted.
sealed_facts = Table(
    "sealed_facts",
    metadata,
    _required("conversation_id", String(40)),
    _required("episode", Integer),
    _required("field", String(80)),
    _required("label", Text),
    _required("ciphertext", Text),
    _required("at", AwareDateTime),
    PrimaryKeyConstraint("conversation_id", "episode", "field"),
    ForeignKeyConstraint(["conversation_id"], ["conversations.id"], ondelete="CASCADE"),
)
