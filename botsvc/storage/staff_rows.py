"""Rows of the people at the desk: who they are, their sessions, what they did."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import select

from botsvc.storage import tables
from botsvc.storage.records import AuditEntry, StoredAgent
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


class StaffWriting(StaffReading, ChangingRows):
    """Reads and changes people."""

    def save_agent(self, agent: StoredAgent) -> None:
        """Store a new or changed agent."""
        self._upsert(tables.agents, ("id",), asdict(agent))

    def add_audit(self, entry: AuditEntry) -> None:
        """Store that somebody did something."""
        self._insert(tables.audit, asdict(entry))
