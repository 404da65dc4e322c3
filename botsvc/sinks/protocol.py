"""What a sink is: a place outside that deliveries go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from botsvc.storage.records import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The other side has taken the delivery; nobody has confirmed that a person can see it."""

    message_id: str = ""  #: of the mail that carried it; replies to it belong to the same conversation
    what: str = ""  #: kind of that mail, as ``StoredMail.what``: handoff or message


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """The other side has confirmed that its people have the delivery."""


Delivered = Accepted | Acknowledged


class Sink(Protocol):
    """A place outside that deliveries go to; used by several threads at once."""

    @property
    def name(self) -> str:
        """As in ``Delivery.sink``."""
        ...

    def deliver(self, delivery: Delivery) -> Delivered:
        """Bring it there within the sink's own time limit.

        Raises ``Refused`` when the other side said no and ``Unreachable`` when it said nothing. The same
        delivery may come again with the same key, when nobody could note that it had arrived.
        """
        ...
