"""People, their desk, the outbox and what else a handoff needs to reach somebody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("conversations") as table:
        table.add_column(sa.Column("channel", sa.String(20), nullable=False, server_default="chat"))
        table.add_column(sa.Column("time_zone", sa.String(64), nullable=False, server_default=""))
        table.add_column(sa.Column("seen_at", _TIME, nullable=True))
    op.execute("UPDATE conversations SET seen_at = updated_at")
    with op.batch_alter_table("conversations") as table:
        table.alter_column("seen_at", existing_type=_TIME, nullable=False)
        table.alter_column("channel", existing_type=sa.String(20), server_default=None)
        table.alter_column("time_zone", existing_type=sa.String(64), server_default=None)
    with op.batch_alter_table("handoffs") as table:
        for name, length in _WORDS.items():
            table.add_column(sa.Column(name, sa.String(length), nullable=False, server_default=""))
        for name in _TIMES:
            table.add_column(sa.Column(name, _TIME, nullable=True))
    op.execute("UPDATE handoffs SET waiting_since = created_at")
    with op.batch_alter_table("handoffs") as table:
        table.alter_column("waiting_since", existing_type=_TIME, nullable=False)
        for name, length in _WORDS.items():
            table.alter_column(name, existing_type=sa.String(length), server_default=None)
        table.create_index("ix_handoffs_agent", ["agent"])
    op.create_table(
        "agents",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("roles", sa.JSON, nullable=False),
        sa.Column("teams", sa.JSON, nullable=False),
        sa.Column("languages", sa.JSON, nullable=False),
        sa.Column("skills", sa.JSON, nullable=False),
        sa.Column("room", sa.Integer, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("seen_at", _TIME, nullable=True),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agents"),
        sa.UniqueConstraint("email", name="uq_agents_email"),
    )

    op.create_table(
        "desk_sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("agent_id", sa.String(40), nullable=False),
        sa.Column("csrf", sa.String(80), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_desk_sessions"),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], ondelete="CASCADE", name="fk_desk_sessions_agents"
        ),
    )
    op.create_index("ix_desk_sessions_expires_at", "desk_sessions", ["expires_at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("agent_id", sa.String(40), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("detail", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("sink", sa.String(80), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("stream", sa.String(120), nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _TIME, nullable=False),
        sa.Column("leased_until", _TIME, nullable=True),
        sa.Column("lease", sa.String(40), nullable=False),
        sa.Column("error", sa.String(400), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("delivered_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("key", name="uq_deliveries_key"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], ondelete="CASCADE", name="fk_deliveries_conversations"
        ),
    )
    op.create_index("ix_deliveries_state_due_at", "deliveries", ["state", "due_at"])
    op.create_index("ix_deliveries_stream_state_place", "deliveries", ["stream", "state", "place"])
    op.create_index("ix_deliveries_conversation_id", "deliveries", ["conversation_id"])
    op.create_table(
        "mails",
        sa.Column("message_id", sa.String(500), nullable=False),
        sa.Column("direction", sa.String(10), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=True),
        sa.Column("what", sa.String(40), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("message_id", name="pk_mails"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], ondelete="CASCADE", name="fk_mails_conversations"
        ),
    )
    op.create_index("ix_mails_conversation_id_at", "mails", ["conversation_id", "at"])
    op.create_table(
        "cases",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("handoff_id", sa.String(40), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("team", sa.String(80), nullable=False),
        sa.Column("expert", sa.String(40), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("asked_by", sa.String(40), nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("checklist", sa.JSON, nullable=False),
        sa.Column("missing", sa.JSON, nullable=False),
        sa.Column("link_hash", sa.String(64), nullable=False),
        sa.Column("opened_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("answered_at", _TIME, nullable=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answer_to", sa.String(20), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], ondelete="CASCADE", name="fk_cases_conversations"
        ),
    )
    op.create_index("ix_cases_conversation_id", "cases", ["conversation_id"])
    op.create_index("ix_cases_link_hash", "cases", ["link_hash"])
    op.create_index("ix_cases_state_opened_at", "cases", ["state", "opened_at"])
    op.create_table(
        "callbacks",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("handoff_id", sa.String(40), nullable=False),
        sa.Column("phone", sa.Text, nullable=False),
        sa.Column("wished", sa.Text, nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.JSON, nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_callbacks"),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], ondelete="CASCADE", name="fk_callbacks_conversations"
        ),
    )
    op.create_index("ix_callbacks_conversation_id", "callbacks", ["conversation_id"])
    op.create_index("ix_callbacks_state_created_at", "callbacks", ["state", "created_at"])
    op.create_table(
        "sealed_facts",
        sa.Column("conversation_id", sa.String(40), nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("field", sa.String(80), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("ciphertext", sa.Text, nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("conversation_id", "episode", "field", name="pk_sealed_facts"),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            ondelete="CASCADE",
            name="fk_sealed_facts_conversations",
        ),
    )


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)
    with op.batch_alter_table("handoffs") as table:
        table.drop_index("ix_handoffs_agent")
        for name in (*_WORDS, *_TIMES):
            table.drop_column(name)
    with op.batch_alter_table("conversations") as table:
        for name in ("channel", "time_zone", "seen_at"):
            table.drop_column(name)


_WORDS = {"agent": 40, "time_zone": 64, "resolution": 40, "form": 80}
_TIMES = ("waiting_since", "promised_by", "warned_at", "acknowledged_at", "answered_at", "ended_at")
_TABLES = (
    "sealed_facts",
    "callbacks",
    "cases",
    "mails",
    "deliveries",
    "audit",
    "desk_sessions",
    "agents",
)
