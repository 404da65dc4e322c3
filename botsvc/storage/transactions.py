"""What can be read and written within one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, select, text, update

from botsvc.events import Event
from botsvc.facts import EventType
from botsvc.storage import tables
from botsvc.storage.case_rows import CaseReading, CaseWriting
from botsvc.storage.delivery_rows import DeliveryReading, DeliveryWriting
from botsvc.storage.records import Conversation, Episode, Handoff, Moved, StoredExample, StoredMessage
from botsvc.storage.rows import where
from botsvc.storage.staff_rows import StaffReading, StaffWriting
from botsvc.storage.timer_rows import TimerReading


class Reading(StaffReading, DeliveryReading, CaseReading, TimerReading):
    """Reads one state of the store."""

    def conversation(self, conversation_id: str) -> Conversation | None:
        """The conversation, or None."""
        return self._one(Conversation, where(tables.conversations, id=conversation_id))

    def episode(self, conversation_id: str, number: int) -> Episode | None:
        """One episode of a conversation, or None."""
        return self._one(Episode, where(tables.episodes, conversation_id=conversation_id, number=number))

    def episodes(self, conversation_id: str) -> tuple[Episode, ...]:
        """All episodes of a conversation, in order."""
        query = where(tables.episodes, conversation_id=conversation_id).order_by(tables.episodes.c.number)
        return self._all(Episode, query)

    def message(self, conversation_id: str, client_message_id: str) -> StoredMessage | None:
        """The customer's message with the client's id, or None."""
        query = where(tables.messages, conversation_id=conversation_id, client_message_id=client_message_id)
        return self._one(StoredMessage, query)

    def messages(self, conversation_id: str) -> tuple[StoredMessage, ...]:
        """All messages of the customer with their replies, in order."""
        query = where(tables.messages, conversation_id=conversation_id).order_by(tables.messages.c.sequence)
        return self._all(StoredMessage, query)

    def events(
        self, conversation_id: str, *, after: int = 0, episode: int | None = None, limit: int | None = None
    ) -> tuple[Event, ...]:
        """Events of a conversation with a sequence above ``after``, in order."""
        columns = tables.events.c
        query = where(tables.events, conversation_id=conversation_id).where(columns.sequence > after)
        if episode is not None:
            query = query.where(columns.episode == episode)
        rows = self._connection.execute(query.order_by(columns.sequence).limit(limit)).mappings()
        return tuple(_event(row) for row in rows)

    def handoff(self, handoff_id: str) -> Handoff | None:
        """The handoff, or None."""
        return self._one(Handoff, where(tables.handoffs, id=handoff_id))

    def handoff_of(self, conversation_id: str, episode: int) -> Handoff | None:
        """The handoff of an episode, or None when it has none."""
        query = where(tables.handoffs, conversation_id=conversation_id, episode=episode)
        return self._one(Handoff, query)

    def handoffs(
        self, *, states: Collection[str] = (), conversation_id: str | None = None, limit: int | None = None
    ) -> tuple[Handoff, ...]:
        """Handoffs, the most urgent first and the oldest first among those; all states when none is named."""
        columns = tables.handoffs.c
        query = select(tables.handoffs)
        if states:
            query = query.where(columns.state.in_(states))
        if conversation_id is not None:
            query = query.where(columns.conversation_id == conversation_id)
        query = query.order_by(columns.rank, columns.created_at, columns.id).limit(limit)
        return self._all(Handoff, query)

    def waiting(self, team: str | None) -> tuple[Handoff, ...]:
        """Open handoffs that nobody has, of one team or (None) of all, in the order of the queue."""
        columns = tables.handoffs.c
        query = select(tables.handoffs).where(columns.state == "open", columns.agent == "")
        if team is not None:
            query = query.where(columns.team == team)
        return self._all(Handoff, query.order_by(columns.rank, columns.created_at, columns.id))

    def taken(self) -> dict[str, int]:
        """How many open handoffs each agent has, by id."""
        columns = tables.handoffs.c
        query = select(columns.agent, func.count()).where(columns.state == "open", columns.agent != "")
        return {row[0]: row[1] for row in self._connection.execute(query.group_by(columns.agent))}

    def first_replies(self, team: str, *, since: datetime) -> tuple[tuple[datetime, datetime], ...]:
        """When a team's handoffs since then were made and first answered by a person."""
        columns = tables.handoffs.c
        query = select(columns.created_at, columns.answered_at).where(
            columns.team == team, columns.created_at >= since, columns.answered_at.is_not(None)
        )
        return tuple((row[0], row[1]) for row in self._connection.execute(query))

    def last_sequences(self, conversation_ids: Collection[str]) -> dict[str, int]:
        """The last sequence of each of these conversations that there is."""
        columns, found, names = tables.conversations.c, dict[str, int](), list(conversation_ids)
        for start in range(0, len(names), 500):  # databases limit how many values one query names
            query = select(columns.id, columns.last_sequence).where(
                columns.id.in_(names[start : start + 500])
            )
            found |= {row.id: row.last_sequence for row in self._connection.execute(query)}
        return found

    def latest_sequences(self, *, since: datetime | None, limit: int) -> tuple[Moved, ...]:
        """Where the conversations stand that were changed last, the newest first."""
        columns = tables.conversations.c
        query = select(columns.id, columns.last_sequence, columns.updated_at)
        if since is not None:
            query = query.where(columns.updated_at >= since)
        query = query.order_by(columns.updated_at.desc()).limit(limit)
        return self._all(Moved, query)

    def examples(self) -> tuple[StoredExample, ...]:
        """All feedback and labels, the oldest first."""
        columns = tables.examples.c
        return self._all(StoredExample, select(tables.examples).order_by(columns.at, columns.id))

    def replies(self, *, since: datetime, limit: int) -> tuple[Event, ...]:
        """The newest replies of the bot in all conversations, the newest first."""
        columns = tables.events.c
        query = select(tables.events).where(columns.type == EventType.BOT_REPLIED.value, columns.at >= since)
        query = query.order_by(columns.at.desc(), columns.conversation_id, columns.sequence).limit(limit)
        return tuple(_event(row) for row in self._connection.execute(query).mappings())


class Writing(Reading, StaffWriting, DeliveryWriting, CaseWriting):
    """Reads and changes the store; nothing of it holds before the transaction ends well."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.appended: dict[str, int] = {}  #: conversations that got events -> their last sequence

    def lock(self, conversation_id: str) -> Conversation | None:
        """The conversation, which nobody else can change until this transaction ends; None without one."""
        query = where(tables.conversations, id=conversation_id).with_for_update()
        return self._one(Conversation, query)

    def add_conversation(self, conversation: Conversation) -> None:
        """Store a new conversation."""
        self._insert(tables.conversations, asdict(conversation))

    def save_conversation(self, conversation: Conversation) -> None:
        """Store a changed conversation; it must be locked."""
        self._update(tables.conversations, ("id",), asdict(conversation))

    def save_episode(self, episode: Episode) -> None:
        """Store a new or changed episode."""
        self._upsert(tables.episodes, ("conversation_id", "number"), asdict(episode))

    def append(self, conversation: Conversation, facts: Sequence[Event]) -> Conversation:
        """Store events in order, each with the conversation's next sequence; the conversation as it is then.

        The conversation must be locked, or new: that is what makes its sequence free of gaps and repeats.
        """
        for event in facts:
            conversation = replace(conversation, last_sequence=conversation.last_sequence + 1)
            if event.sequence != conversation.last_sequence:
                raise ValueError(f"event {event.sequence} cannot follow {conversation.last_sequence - 1}")
            self._insert(tables.events, _event_row(conversation.id, event))
            self.appended[conversation.id] = event.sequence
        return conversation

    def seen(self, conversation_ids: Sequence[str], now: datetime) -> None:
        """Note that the customers' pages are there; no event, and never back in time.

        A conversation that somebody is changing at the moment is left out: that says as much.
        """
        columns = tables.conversations.c
        for start in range(0, len(conversation_ids), 500):
            some = columns.id.in_(conversation_ids[start : start + 500])
            query = select(columns.id).where(some, columns.seen_at < now).with_for_update(skip_locked=True)
            free = list(self._connection.execute(query).scalars())
            self._connection.execute(
                update(tables.conversations).where(columns.id.in_(free)).values(seen_at=now)
            )

    def add_message(self, message: StoredMessage) -> None:
        """Store a customer's message with its reply."""
        self._insert(tables.messages, asdict(message))

    def save_handoff(self, handoff: Handoff) -> None:
        """Store a new handoff, or a new revision that replaces the one before."""
        self._upsert(tables.handoffs, ("id",), asdict(handoff))

    def save_example(self, example: StoredExample) -> None:
        """Store feedback or a label in place of what the same one said before of the same.

        An editor's last word stays while nothing else has changed.
        """
        before = self._one(StoredExample, where(tables.examples, id=example.id))
        if before is not None and (before.text, before.helped) == (example.text, example.helped):
            example = replace(example, decision=before.decision)
        self._upsert(tables.examples, ("id",), asdict(example))

    def decide_example(self, example_id: str, decision: str) -> bool:
        """Store an editor's last word on an example; false when there is no such example."""
        return bool(self._update(tables.examples, ("id",), {"id": example_id, "decision": decision}))

    def forget_examples(self, customer: str) -> int:
        """Delete all examples of a customer; how many there were."""
        query = delete(tables.examples).where(tables.examples.c.customer == customer)
        return self._connection.execute(query).rowcount

    def delete_old_examples(self, *, since: datetime, limit: int) -> int:
        """Delete at most ``limit`` examples of customers from before then; how many there were."""
        columns = tables.examples.c
        oldest = select(columns.id).where(columns.customer != "", columns.at < since).limit(limit)
        ids = list(self._connection.execute(oldest).scalars())
        self._connection.execute(delete(tables.examples).where(columns.id.in_(ids)))
        return len(ids)

    def secret(self, name: str, new: str) -> str:
        """The random key of this name; ``new`` from now on if there was none."""
        query = select(tables.secrets.c.value).where(tables.secrets.c.name == name)
        found = self._connection.execute(query).scalar()
        if found is None and self._connection.dialect.name == "postgresql":
            # Another process may make it at the same moment; SQLite's writers are one at a time anyway.
            self._connection.execute(text("LOCK TABLE secrets IN EXCLUSIVE MODE"))
            found = self._connection.execute(query).scalar()
        if found is None:
            self._insert(tables.secrets, {"name": name, "value": new})
            found = new
        return str(found)

    def delete_untouched(self, *, since: datetime, limit: int) -> int:
        """Delete at most ``limit`` conversations without a message since then, with all that is theirs."""
        columns = tables.conversations.c
        oldest = (
            select(columns.id).where(columns.updated_at < since).order_by(columns.updated_at).limit(limit)
        )
        ids = list(self._connection.execute(oldest).scalars())
        self._connection.execute(delete(tables.conversations).where(columns.id.in_(ids)))
        return len(ids)


def _event_row(conversation_id: str, event: Event) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "sequence": event.sequence,
        "episode": event.episode,
        "type": event.fact.type.value,
        "at": event.at,
        "actor": event.actor.kind.value,
        "actor_id": event.actor.id,
        "cause": event.cause,
        "data": event.fact.to_json(),
    }


def _event(row: RowMapping) -> Event:
    return Event.from_row({name: row[name] for name in row if name != "conversation_id"})
