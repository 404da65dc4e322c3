"""Conversations, episodes, events, messages and handoffs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("updated_at", moment, nullable=False),
        sa.Column("expires_at", moment, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("locale", sa.String(40), nullable=False),
        sa.Column("page", sa.Text, nullable=False),
        sa.Column("audience", sa.String(80), nullable=False),
        sa.Column("email", sa.Text, nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("last_sequence", sa.Integer, nullable=False),
        sa.Column("messages", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_conversations"),
    )
    op.create_index("ix_conversations_updated_at", "conversations", ["updated_at"])
    op.create_table(
        "episodes",
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("owner", sa.String(20), nullable=False),
        sa.Column("started_at", moment, nullable=False),
        sa.Column("ended_at", moment),
        sa.Column("state", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "number", name="pk_episodes"),
        _of_conversation("episodes"),
    )
    op.create_index("ix_episodes_owner", "episodes", ["owner"])
    op.create_table(
        "events",
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("actor", sa.String(20), nullable=False),
        sa.Column("actor_id", sa.String(80), nullable=False),
        sa.Column("cause", sa.Integer),
        sa.Column("data", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "sequence", name="pk_events"),
        _of_conversation("events"),
    )
    op.create_index("ix_events_at", "events", ["at"])
    op.create_table(
        "messages",
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("client_message_id", sa.String(100), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("sequence", sa.Integer, nullable=False),
        sa.Column("reply", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "client_message_id", name="pk_messages"),
        _of_conversation("messages"),
    )
    op.create_table(
        "handoffs",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("priority", sa.String(40), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("team", sa.String(80), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("revised_at", moment, nullable=False),
        sa.Column("document", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_handoffs"),
        sa.UniqueConstraint("conversation_id", "episode", name="uq_handoffs_conversation_id_episode"),
        _of_conversation("handoffs"),
    )
    op.create_index("ix_handoffs_state_rank_created_at", "handoffs", ["state", "rank", "created_at"])


def _of_conversation(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["conversation_id"], ["conversations.id"], ondelete="CASCADE", name=f"fk_{table}_conversations"
    )


def downgrade() -> None:
    for table in ("handoffs", "messages", "events", "episodes", "conversations"):
        op.drop_table(table)
