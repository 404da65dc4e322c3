"""Rows of the outbox, and of the mails that came and went."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from botsvc.storage import tables
from botsvc.storage.records import Delivery, StoredMail
from botsvc.storage.rows import ChangingRows, Rows, where

PENDING, DELIVERED, DEAD, DROPPED = "pending", "delivered", "dead", "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxCounts:
    """How much there is in the outbox."""

    pending: int
    oldest_pending: datetime | None  #: when the longest waiting one was caused
    dead: int


class DeliveryReading(Rows):
    """Reads what has to leave and what has left."""

    def deliveries(self, conversation_id: str) -> tuple[Delivery, ...]:
        """All deliveries of a conversation, in the order in which they were caused."""
        columns = tables.deliveries.c
        query = where(tables.deliveries, conversation_id=conversation_id)
        return self._all(Delivery, query.order_by(columns.created_at, columns.stream, columns.place))

    def delivery(self, delivery_id: str) -> Delivery | None:
        """The delivery, or None."""
        return self._one(Delivery, where(tables.deliveries, id=delivery_id))

    def deliveries_in(self, states: Collection[str], *, limit: int | None = None) -> tuple[Delivery, ...]:
        """Deliveries in these states (all of them when none is named), the oldest first."""
        columns = tables.deliveries.c
        query = select(tables.deliveries)
        if states:
            query = query.where(columns.state.in_(states))
        query = query.order_by(columns.created_at, columns.stream, columns.place).limit(limit)
        return self._all(Delivery, query)

    def latest_dead(self, sink: str, *, limit: int) -> tuple[Delivery, ...]:
        """The sink's dead handoffs, the latest first."""
        columns = tables.deliveries.c
        query = where(tables.deliveries, sink=sink, state=DEAD, kind="handoff")
        return self._all(Delivery, query.order_by(columns.created_at.desc(), columns.place).limit(limit))

    def has_due_delivery(self, now: datetime, *, sink: str) -> bool:
        """Whether ``lease`` would find something for the sink."""
        query = select(tables.deliveries.c.id).where(_due(now, sink)).limit(1)
        return self._connection.execute(query).first() is not None

    def superseded(self, delivery: Delivery) -> bool:
        """Whether something later in the delivery's stream has arrived already."""
        columns = tables.deliveries.c
        later = where(tables.deliveries, stream=delivery.stream, state=DELIVERED)
        query = select(exists(later.where(columns.place > delivery.place).subquery()))
        return bool(self._connection.execute(query).scalar())

    def cut_off(self, sink: str, *, since: datetime) -> bool:
        """Whether a handoff from before ``since`` has failed to arrive, and nothing has arrived after it."""
        columns = tables.deliveries.c
        failed = or_(columns.state == DEAD, and_(columns.state == PENDING, columns.attempts > 0))
        query = select(func.max(columns.created_at)).where(columns.sink == sink, columns.kind == "handoff")
        caused = self._connection.execute(query.where(failed, columns.created_at <= since)).scalar()
        if caused is None:
            return False
        arrived = select(columns.id).where(columns.sink == sink, columns.state == DELIVERED)
        return (
            self._connection.execute(arrived.where(columns.delivered_at >= caused).limit(1)).first() is None
        )

    def outbox_counts(self) -> OutboxCounts:
        """How much is pending, since when, and how much is dead."""
        columns = tables.deliveries.c
        query = select(columns.state, func.count(), func.min(columns.created_at))
        query = query.where(columns.state.in_((PENDING, DEAD))).group_by(columns.state)
        found = {str(state): (int(count), oldest) for state, count, oldest in self._connection.execute(query)}
        pending, oldest = found.get(PENDING, (0, None))
        return OutboxCounts(pending=pending, oldest_pending=oldest, dead=found.get(DEAD, (0, None))[0])

    def mail(self, message_id: str) -> StoredMail | None:
        """The mail with this Message-ID, or None."""
        return self._one(StoredMail, where(tables.mails, message_id=message_id))

    def mail_of(self, message_ids: Sequence[str]) -> StoredMail | None:
        """The first of these mails that is known and belongs to a conversation, or None."""
        columns = tables.mails.c
        query = select(tables.mails).where(
            columns.message_id.in_(list(message_ids)), columns.conversation_id.is_not(None)
        )
        known = {mail.message_id: mail for mail in self._all(StoredMail, query)}
        return next((known[one] for one in message_ids if one in known), None)

    def mails(self, conversation_id: str) -> tuple[StoredMail, ...]:
        """All mails of a conversation, the oldest first."""
        columns = tables.mails.c
        query = where(tables.mails, conversation_id=conversation_id)
        return self._all(StoredMail, query.order_by(columns.at, columns.message_id))


class DeliveryWriting(DeliveryReading, ChangingRows):
    """Reads and changes the outbox."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Store something that has to leave."""
        self._insert(tables.deliveries, asdict(delivery))

    def lease(
        self, now: datetime, worker: str, limit: int, seconds: float, *, sink: str
    ) -> tuple[Delivery, ...]:
        """Up to ``limit`` due deliveries to the sink, which are ``worker``'s alone for so many seconds.

        Only the lowest pending place of a stream can be leased: what has to arrive in order does so, and
        one that waits for its next try holds up those after it. One that is dead holds up nothing.
        """
        columns = tables.deliveries.c
        query = select(columns.id).where(_due(now, sink)).order_by(columns.due_at, columns.created_at)
        query = query.limit(limit).with_for_update(skip_locked=True)
        ids = list(self._connection.execute(query).scalars())
        if not ids:
            return ()
        changes = {"lease": worker, "leased_until": now + timedelta(seconds=seconds)}
        self._connection.execute(update(tables.deliveries).where(columns.id.in_(ids)).values(changes))
        found = {
            one.id: one for one in self._all(Delivery, select(tables.deliveries).where(columns.id.in_(ids)))
        }
        return tuple(found[one] for one in ids)

    def settle_delivered(self, delivery: Delivery, now: datetime) -> bool:
        """Store that it has arrived; false when the lease was lost to somebody else meanwhile."""
        return self._settle(
            delivery, state=DELIVERED, attempts=delivery.attempts + 1, delivered_at=now, error=""
        )

    def settle_failed(self, delivery: Delivery, due_at: datetime, error: str) -> bool:
        """Store that it is tried again at ``due_at``; false when the lease was lost meanwhile."""
        return self._settle(delivery, attempts=delivery.attempts + 1, due_at=due_at, error=error[:400])

    def settle_dead(self, delivery: Delivery, error: str) -> bool:
        """Store that it is not tried again by itself; false when the lease was lost meanwhile."""
        return self._settle(delivery, state=DEAD, attempts=delivery.attempts + 1, error=error[:400])

    def release_leases(self, worker: str) -> int:
        """Give back what a worker holds, as if it had never been tried; how many there were."""
        columns = tables.deliveries.c
        query = update(tables.deliveries).where(columns.lease == worker, columns.state == PENDING)
        return self._connection.execute(query.values(lease="", leased_until=None)).rowcount

    def release_all_leases(self) -> int:
        """Give back what anybody holds: for a process that is the only one, at its start."""
        columns = tables.deliveries.c
        query = update(tables.deliveries).where(columns.lease != "", columns.state == PENDING)
        return self._connection.execute(query.values(lease="", leased_until=None)).rowcount

    def retry_delivery(self, delivery_id: str, now: datetime) -> bool:
        """Make a dead or waiting delivery due now, with all its tries before it; false without one."""
        columns = tables.deliveries.c
        query = update(tables.deliveries).where(columns.id == delivery_id)
        query = query.where(
            or_(columns.state == DEAD, and_(columns.state == PENDING, _free(now))),
        )
        changes = {"state": PENDING, "attempts": 0, "due_at": now, "lease": "", "leased_until": None}
        return bool(self._connection.execute(query.values(changes)).rowcount)

    def drop_delivery(self, delivery_id: str, now: datetime) -> bool:
        """Store that a dead or waiting delivery is given up; false without one, or while it is under way."""
        columns = tables.deliveries.c
        query = update(tables.deliveries).where(columns.id == delivery_id)
        query = query.where(or_(columns.state == DEAD, and_(columns.state == PENDING, _free(now))))
        changes = {"state": DROPPED, "lease": "", "leased_until": None}
        return bool(self._connection.execute(query.values(changes)).rowcount)

    def add_mail(self, mail: StoredMail) -> bool:
        """Store a mail that came or went; false when its Message-ID is known already."""
        dialect = postgresql if self._connection.dialect.name == "postgresql" else sqlite
        query = dialect.insert(tables.mails).values(asdict(mail)).on_conflict_do_nothing()
        return self._connection.execute(query.returning(tables.mails.c.message_id)).first() is not None

    def delete_old_mails(self, *, since: datetime, limit: int) -> int:
        """Delete at most ``limit`` mails without a conversation from before then; how many there were."""
        columns = tables.mails.c
        oldest = select(columns.message_id).where(columns.conversation_id.is_(None), columns.at < since)
        ids = list(self._connection.execute(oldest.limit(limit)).scalars())
        self._connection.execute(delete(tables.mails).where(columns.message_id.in_(ids)))
        return len(ids)

    def _settle(self, delivery: Delivery, **changes: object) -> bool:
        columns = tables.deliveries.c
        query = update(tables.deliveries).where(
            columns.id == delivery.id, columns.state == PENDING, columns.lease == delivery.lease
        )
        query = query.values({"lease": "", "leased_until": None, **changes})
        return bool(self._connection.execute(query).rowcount)


def _free(now: datetime) -> ColumnElement[bool]:
    leased_until = tables.deliveries.c.leased_until
    return or_(leased_until.is_(None), leased_until <= now)


def _due(now: datetime, sink: str) -> ColumnElement[bool]:
    columns = tables.deliveries.c
    before = tables.deliveries.alias("before")
    earlier = select(before.c.id).where(
        before.c.stream == columns.stream, before.c.place < columns.place, before.c.state == PENDING
    )
    return and_(
        columns.sink == sink,
        columns.state == PENDING,
        columns.due_at <= now,
        _free(now),
        ~exists(earlier.correlate(tables.deliveries)),
    )
