"""What the timers look at, every few seconds: one row of small columns for each open handoff."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ScalarSelect, Table, and_, exists, func, or_, select

from botsvc.facts import EventType
from botsvc.storage import tables
from botsvc.storage.rows import Rows

_SAID = (EventType.CUSTOMER_MESSAGE.value, EventType.PERSON_MESSAGE.value, EventType.ARTICLE_SENT.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An open handoff with all that time does something about."""

    handoff_id: str
    conversation_id: str
    owner: str  #: of the episode
    agent: str  #: id of the agent who has it; empty while it waits
    agent_active: bool | None  #: None without an agent
    agent_seen_at: datetime | None
    waiting_since: datetime
    promised_by: datetime | None
    promised_at: datetime | None  #: when that promise was made
    warned_at: datetime | None
    answered_at: datetime | None
    told_waiting_at: datetime | None  #: when the customer was last told that they still wait
    email: str
    phone: str
    channel: str
    seen_at: datetime  #: when the customer's page was last there
    last_word: str | None  #: type of the last event in which somebody said something
    last_word_at: datetime | None
    open_work: int  #: experts' cases and call-backs that are open


class TimerReading(Rows):
    """Reads what time does something about."""

    def watched(self, *, told_waiting: str, handoff_id: str | None = None) -> tuple[Watched, ...]:
        """The open handoffs of conversations' current episodes, in one query, the oldest first.

        ``told_waiting`` is the key of the service's message that says that the customer still waits.
        """
        conversations, episodes = tables.conversations.c, tables.episodes.c
        handoffs, agents, last = tables.handoffs.c, tables.agents.c, tables.events.alias("last")
        query = (
            select(
                handoffs.id.label("handoff_id"),
                handoffs.conversation_id,
                episodes.owner,
                handoffs.agent,
                agents.active.label("agent_active"),
                agents.seen_at.label("agent_seen_at"),
                handoffs.waiting_since,
                handoffs.promised_by,
                _newest(EventType.PROMISE_MADE).label("promised_at"),
                handoffs.warned_at,
                handoffs.answered_at,
                _newest(EventType.SERVICE_MESSAGE, key=told_waiting).label("told_waiting_at"),
                conversations.email,
                conversations.phone,
                conversations.channel,
                conversations.seen_at,
                last.c.type.label("last_word"),
                last.c.at.label("last_word_at"),
                (_open(tables.cases) + _open(tables.callbacks)).label("open_work"),
            )
            .join_from(tables.handoffs, tables.conversations, conversations.id == handoffs.conversation_id)
            .join(
                tables.episodes,
                and_(
                    episodes.conversation_id == handoffs.conversation_id, episodes.number == handoffs.episode
                ),
            )
            .outerjoin(tables.agents, agents.id == handoffs.agent)
            .outerjoin(
                last,
                and_(last.c.conversation_id == handoffs.conversation_id, last.c.sequence == _last_word()),
            )
            .where(handoffs.state == "open", conversations.episode == handoffs.episode)
            .order_by(handoffs.created_at, handoffs.id)
        )
        if handoff_id is not None:
            query = query.where(handoffs.id == handoff_id)
        return self._all(Watched, query)

    def unread(self, *, since: datetime, until: datetime, service: Collection[str]) -> tuple[str, ...]:
        """Ids of the conversations with an address and words that their customer has not read.

        Words of people, and the service's with the keys ``service``, said between ``since`` and ``until`` in
        the current episode, that neither a customer's later act nor a mail has brought.
        """
        conversations, events = tables.conversations.c, tables.events.c
        later, deliveries = tables.events.alias("later"), tables.deliveries.c
        read = tables.events.alias("read").c
        said = or_(
            events.type.in_(_SAID[1:]),
            and_(
                events.type == EventType.SERVICE_MESSAGE.value,
                events.data["key"].as_string().in_(list(service)),
            ),
        )
        did = exists().where(
            later.c.conversation_id == events.conversation_id,
            later.c.sequence > events.sequence,
            later.c.actor == "customer",
            later.c.type != EventType.MESSAGES_READ.value,
        )
        has_read = exists().where(
            read.conversation_id == events.conversation_id,
            read.type == EventType.MESSAGES_READ.value,
            read.actor == "customer",
            read.data["up_to"].as_integer() >= events.sequence,
        )
        mailed = exists().where(
            deliveries.conversation_id == events.conversation_id,
            deliveries.kind == "mail",
            deliveries.place == events.sequence,
        )
        query = (
            select(events.conversation_id)
            .distinct()
            .join_from(tables.events, tables.conversations, conversations.id == events.conversation_id)
            .where(events.at >= since, events.at <= until, said, events.episode == conversations.episode)
            .where(conversations.email != "", ~did, ~has_read, ~mailed)
            .order_by(events.conversation_id)
        )
        return tuple(self._connection.execute(query).scalars())


def _of_handoff(conversation_id: ColumnElement[str], episode: ColumnElement[int]) -> ColumnElement[bool]:
    handoffs = tables.handoffs.c
    return and_(conversation_id == handoffs.conversation_id, episode == handoffs.episode)


def _newest(kind: EventType, *, key: str | None = None) -> ScalarSelect[datetime]:
    """When the episode's last event of this type was."""
    events = tables.events.alias(f"newest_{kind.value}").c
    query = select(func.max(events.at)).where(
        _of_handoff(events.conversation_id, events.episode), events.type == kind.value
    )
    if key is not None:
        query = query.where(events.data["key"].as_string() == key)
    return query.correlate(tables.handoffs).scalar_subquery()


def _last_word() -> ScalarSelect[int]:
    """Sequence of the last event of the episode in which customer and people spoke to each other."""
    events = tables.events.alias("said").c
    spoke = or_(
        events.type.in_(_SAID),
        and_(events.type == EventType.CONTACT_LOGGED.value, events.data["reached"].as_boolean()),
        and_(
            events.type == EventType.CALLBACK_ATTEMPTED.value,
            events.data["outcome"].as_string() == "reached",
        ),
    )
    query = select(func.max(events.sequence)).where(
        _of_handoff(events.conversation_id, events.episode), spoke
    )
    return query.correlate(tables.handoffs).scalar_subquery()


def _open(table: Table) -> ScalarSelect[int]:
    query = select(func.count()).where(table.c.handoff_id == tables.handoffs.c.id, table.c.state == "open")
    return query.where(table.c.conversation_id == tables.handoffs.c.conversation_id).scalar_subquery()
