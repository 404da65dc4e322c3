"""Who else has a conversation open right now, and who is writing, as the hub's signals say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botsvc.live import CUSTOMER_ACTOR, Hub, Signal, SignalKind

if TYPE_CHECKING:
    from botsvc.storage.records import StoredAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Somebody who has a conversation open."""

    name: str
    typing: bool


def here(hub: Hub, conversation_id: str, agent: StoredAgent, *, typing: bool) -> None:
    """Somebody has the conversation open, and is perhaps writing to the customer."""
    hub.signal(conversation_id, Signal(kind=SignalKind.VIEWING, actor=agent.id, name=agent.name))
    now = Signal(kind=SignalKind.TYPING, actor=agent.id, name=agent.name)
    if typing or now in hub.signals(conversation_id):
        hub.signal(conversation_id, now, on=typing)


def others(hub: Hub, conversation_id: str, me: str) -> tuple[Seen, ...]:
    """Every colleague who has the conversation open, by name."""
    found: dict[str, Seen] = {}
    for signal in hub.signals(conversation_id):
        if signal.actor not in (me, CUSTOMER_ACTOR):
            typing = signal.kind is SignalKind.TYPING
            before = found.get(signal.actor)
            found[signal.actor] = Seen(name=signal.name, typing=typing or bool(before and before.typing))
    return tuple(sorted(found.values(), key=lambda seen: seen.name))


def customer_types(hub: Hub, conversation_id: str) -> bool:
    """Whether the customer is writing."""
    return any(
        signal.actor == CUSTOMER_ACTOR and signal.kind is SignalKind.TYPING
        for signal in hub.signals(conversation_id)
    )
