"""What becomes of a conversation when a sink has taken its handoff, or never will."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from botsvc.change import Change
from botsvc.events import Actor, ActorKind
from botsvc.handling import acknowledged, is_connected
from botsvc.handoff import HandoffState
from botsvc.people_facts import ServiceMessage
from botsvc.sinks.protocol import Accepted, Acknowledged
from botsvc.storage import Storage
from botsvc.storage.delivery_rows import DELIVERED, PENDING
from botsvc.storage.records import Delivery

#: Key of what is said when nobody can be reached.
NOT_DELIVERED = "not_delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """Tells conversations of their deliveries."""

    storage: Storage
    clock: Callable[[], datetime]
    sinks: tuple[str, ...]
    #: What the customer reads, in their language, when the only sink will never take their request.
    not_delivered: Callable[[str], str]
    #: Whether people at the desk see the request anyway.
    staffed: Callable[[], bool]

    def delivered(self, delivery: Delivery, result: Accepted | Acknowledged) -> None:
        """Note that a sink's people have the request; the same twice is noted once."""
        if delivery.kind != "handoff" or not isinstance(result, Acknowledged):
            return
        self._changed(delivery, lambda change: acknowledged(change, _sink(delivery), delivery.sink))

    def dead(self, delivery: Delivery) -> None:
        """Tell the customer, once, that nobody has their request: no desk, and no other sink."""
        if delivery.kind == "handoff" and not self.staffed():
            self._changed(delivery, lambda change: not _may_arrive(change, delivery) and self._tell(change))

    def _tell(self, change: Change) -> bool:
        handoff = change.handoff
        if handoff is None or handoff.state != HandoffState.OPEN or handoff.acknowledged_at is not None:
            return False
        events = change.writing.events(change.conversation.id, episode=change.episode.number)
        if any(isinstance(one.fact, ServiceMessage) and one.fact.key == NOT_DELIVERED for one in events):
            return False
        language = change.conversation.language
        text = self.not_delivered(language)
        fact = ServiceMessage(key=NOT_DELIVERED, text=text, language=language)
        sequence = change.append(fact, Actor(kind=ActorKind.SYSTEM, id="outbox"))
        if not is_connected(change.conversation, change.now):
            change.mail(sequence, text=text, name="")
        return True

    def _changed(self, delivery: Delivery, change_it: Callable[[Change], bool]) -> None:
        with self.storage.write() as writing:
            conversation = writing.lock(delivery.conversation_id)
            if conversation is None or not conversation.episode:
                return
            change = Change.of(writing, conversation, self.clock(), self.sinks)
            same = change.handoff is not None and delivery.stream.endswith(f":{change.handoff.id}")
            if same and change_it(change):
                change.end()


def _may_arrive(change: Change, dead: Delivery) -> bool:
    """Whether another sink has the handoff, or still tries."""
    handoff = dead.stream.removeprefix(f"{dead.sink}:")
    return any(
        one.kind == "handoff"
        and one.sink != dead.sink
        and one.stream == f"{one.sink}:{handoff}"
        and one.state in (PENDING, DELIVERED)
        for one in change.writing.deliveries(change.conversation.id)
    )


def _sink(delivery: Delivery) -> Actor:
    return Actor(kind=ActorKind.SYSTEM, id=delivery.sink[:80])
