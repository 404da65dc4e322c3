"""Rows of the people at the desk: who they are, their sessions, what they did."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select, update

from botsvc.events import Event
from botsvc.facts import EventType
from botsvc.storage import tables
from botsvc.storage.records import AuditEntry, DeskSession, StoredAgent
from botsvc.storage.rows import ChangingRows, Rows, where


class StaffReading(Rows):
    """Reads people."""

    def agent(self, agent_id: str) -> StoredAgent | None:
        """The agent, or None."""
        return self._one(StoredAgent, where(tables.agents, id=agent_id))

    def agent_by_email(self, email: str) -> StoredAgent | None:
        """The agent who signs in with this address, or None."""
        return self._one(StoredAgent, where(tables.agents, email=email.lower()))

    def agents(self) -> tuple[StoredAgent, ...]:
        """Everybody, by name."""
        return self._all(
            StoredAgent, select(tables.agents).order_by(tables.agents.c.name, tables.agents.c.id)
        )

    def desk_session(self, token_hash: str) -> DeskSession | None:
        """The session, expired or not, or None."""
        return self._one(DeskSession, where(tables.desk_sessions, token_hash=token_hash))

    def audit(self, *, conversation_id: str | None = None, limit: int = 200) -> tuple[AuditEntry, ...]:
        """What was done at the desk, the newest first."""
        columns = tables.audit.c
        query = select(tables.audit).order_by(columns.at.desc(), columns.id).limit(limit)
        if conversation_id is not None:
            query = query.where(columns.conversation_id == conversation_id)
        return self._all(AuditEntry, query)

    def notes(self, *, since: datetime, limit: int = 500) -> tuple[tuple[str, Event], ...]:
        """People's notes since then with the ids of their conversations, the newest first."""
        columns = tables.events.c
        query = select(tables.events).where(columns.type == EventType.NOTE_ADDED.value, columns.at >= since)
        query = query.order_by(columns.at.desc(), columns.conversation_id, columns.sequence).limit(limit)
        rows = self._connection.execute(query).mappings()
        return tuple((str(row["conversation_id"]), Event.from_row(dict(row))) for row in rows)


class StaffWriting(StaffReading, ChangingRows):
    """Reads and changes people."""

    def save_agent(self, agent: StoredAgent) -> None:
        """Store a new or changed agent."""
        self._upsert(tables.agents, ("id",), asdict(agent))

    def saw_agent(self, agent_id: str, at: datetime) -> bool:
        """Store when the desk last heard of somebody, and nothing else; false when there is nobody."""
        return bool(self._update(tables.agents, ("id",), {"id": agent_id, "seen_at": at}))

    def add_audit(self, entry: AuditEntry) -> None:
        """Store that somebody did something."""
        self._insert(tables.audit, asdict(entry))

    def add_desk_session(self, session: DeskSession) -> None:
        """Store a new session."""
        self._insert(tables.desk_sessions, asdict(session))

    def extend_desk_session(self, token_hash: str, expires_at: datetime) -> bool:
        """Let a session last until then; false when it has ended."""
        columns = tables.desk_sessions.c
        query = update(tables.desk_sessions).where(columns.token_hash == token_hash)
        return bool(self._connection.execute(query.values(expires_at=expires_at)).rowcount)

    def end_desk_session(self, token_hash: str) -> bool:
        """Delete a session; false when there is none."""
        query = delete(tables.desk_sessions).where(tables.desk_sessions.c.token_hash == token_hash)
        return bool(self._connection.execute(query).rowcount)

    def end_desk_sessions(self, agent_id: str, *, but: str = "") -> int:
        """Delete somebody's sessions, except the one with the hash ``but``; how many there were."""
        columns = tables.desk_sessions.c
        query = delete(tables.desk_sessions).where(columns.agent_id == agent_id, columns.token_hash != but)
        return self._connection.execute(query).rowcount

    def delete_expired_desk_sessions(self, now: datetime) -> int:
        """Delete the sessions that have ended by themselves; how many there were."""
        query = delete(tables.desk_sessions).where(tables.desk_sessions.c.expires_at <= now)
        return self._connection.execute(query).rowcount

    def delete_old_audit(self, *, since: datetime, limit: int) -> int:
        """Delete at most ``limit`` entries of the audit from before then; how many there were."""
        columns = tables.audit.c
        oldest = select(columns.id).where(columns.at < since).limit(limit)
        ids = list(self._connection.execute(oldest).scalars())
        self._connection.execute(delete(tables.audit).where(columns.id.in_(ids)))
        return len(ids)
