"""Rows of the outbox, and of the mails that came and went."""

from __future__ import annotations

from dataclasses import asdict

from botsvc.storage import tables
from botsvc.storage.records import Delivery
from botsvc.storage.rows import ChangingRows, Rows, where


class DeliveryReading(Rows):
    """Reads what has to leave and what has left."""

    def deliveries(self, conversation_id: str) -> tuple[Delivery, ...]:
        """All deliveries of a conversation, in the order in which they were caused."""
        columns = tables.deliveries.c
        query = where(tables.deliveries, conversation_id=conversation_id)
        return self._all(Delivery, query.order_by(columns.created_at, columns.stream, columns.place))


class DeliveryWriting(DeliveryReading, ChangingRows):
    """Reads and changes the outbox."""

    def add_delivery(self, delivery: Delivery) -> None:
        """Store something that has to leave."""
        self._insert(tables.deliveries, asdict(delivery))
