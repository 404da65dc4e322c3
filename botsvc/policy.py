"""What the operator decided about answering, as the decision needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer import Thresholds


class LowConfidence(StrEnum):
    """What happens to an in-scope question below both goals."""

    HAND_OFF = "hand_off"
    OFFER = "offer"


class Desk(StrEnum):
    """Who is behind the bot, which decides what may be said about a handoff."""

    TEAM = "team"  #: at least one sink or person: the question is passed on
    CONTACT = "contact"  #: nobody here, but a phone, e-mail or hours to show
    NOBODY = "nobody"  #: the question is kept, and that is all that may be said


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Thresholds per language and the operator's choices."""

    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    low_confidence: LowConfidence = LowConfidence.HAND_OFF
    desk: Desk = Desk.NOBODY
    human_request: float = 0.5  #: the intent model is shifted so that this is its operating point
    failures_before_handoff: int = 2
    choices: int = 3
    more_articles: int = 3
    article_rules: bool = (
        True  #: false in evals: ``handoff``, ``personal``, ``urgent`` of articles do not count
    )
    #: people answer later rather than at once: the bot asks where to, right after a handoff
    answers_later: bool = False
    known_audiences: frozenset[str] = frozenset()  #: groups that have a label to ask with
