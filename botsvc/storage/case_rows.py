"""Rows of experts' cases, call-backs and sensitive answers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict

from sqlalchemy import select, update

from botsvc.storage import tables
from botsvc.storage.records import Callback, Case, SealedFact
from botsvc.storage.rows import ChangingRows, Rows, where


class CaseReading(Rows):
    """Reads cases, call-backs and sensitive answers."""

    def case(self, case_id: str) -> Case | None:
        """The case, or None."""
        return self._one(Case, where(tables.cases, id=case_id))

    def case_of_link(self, link_hash: str) -> Case | None:
        """The case that a signed link leads to, or None."""
        return self._one(Case, where(tables.cases, link_hash=link_hash))

    def cases(self, *, conversation_id: str | None = None, states: Collection[str] = ()) -> tuple[Case, ...]:
        """Cases, the oldest first."""
        query = select(tables.cases)
        if conversation_id is not None:
            query = query.where(tables.cases.c.conversation_id == conversation_id)
        if states:
            query = query.where(tables.cases.c.state.in_(states))
        return self._all(Case, query.order_by(tables.cases.c.opened_at, tables.cases.c.id))

    def callback(self, callback_id: str) -> Callback | None:
        """The call-back, or None."""
        return self._one(Callback, where(tables.callbacks, id=callback_id))

    def callbacks(
        self, *, conversation_id: str | None = None, states: Collection[str] = ()
    ) -> tuple[Callback, ...]:
        """Call-backs, the oldest first."""
        query = select(tables.callbacks)
        if conversation_id is not None:
            query = query.where(tables.callbacks.c.conversation_id == conversation_id)
        if states:
            query = query.where(tables.callbacks.c.state.in_(states))
        return self._all(Callback, query.order_by(tables.callbacks.c.created_at, tables.callbacks.c.id))

    def sealed_facts(self, conversation_id: str, episode: int) -> tuple[SealedFact, ...]:
        """The sensitive answers of an episode."""
        query = where(tables.sealed_facts, conversation_id=conversation_id, episode=episode)
        return self._all(SealedFact, query.order_by(tables.sealed_facts.c.at))


class CaseWriting(CaseReading, ChangingRows):
    """Reads and changes cases, call-backs and sensitive answers."""

    def save_case(self, case: Case) -> None:
        """Store a new or changed case."""
        self._upsert(tables.cases, ("id",), asdict(case))

    def cancel_cases(self, handoff_id: str) -> None:
        """Call off what experts were asked about a handoff and have not answered."""
        cases = tables.cases
        query = update(cases).where(cases.c.handoff_id == handoff_id, cases.c.state == "open")
        self._connection.execute(query.values(state="cancelled"))

    def withdraw_callbacks(self, handoff_id: str) -> None:
        """Call off the calls about a handoff that nobody has made."""
        callbacks = tables.callbacks
        query = update(callbacks).where(callbacks.c.handoff_id == handoff_id, callbacks.c.state == "open")
        self._connection.execute(query.values(state="withdrawn"))

    def save_callback(self, callback: Callback) -> None:
        """Store a new or changed call-back."""
        self._upsert(tables.callbacks, ("id",), asdict(callback))

    def save_sealed_fact(self, fact: SealedFact) -> None:
        """Store a sensitive answer in place of an earlier one."""
        self._upsert(tables.sealed_facts, ("conversation_id", "episode", "field"), asdict(fact))
