"""Who receives a handoff, and what the customer may be told about when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What became of a handoff at the desk's door."""

    team: str = ""  #: key of the team; empty where there are none
    live: bool = False  #: somebody with the language is there now and has room
    place: int = 0  #: in the queue, from 1; 0 where nobody is live
    reply_by: datetime | None = None  #: until when a reply may be promised; None for nothing promised
    time_zone: str = ""  #: of the promise
