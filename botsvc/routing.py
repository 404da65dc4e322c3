"""Which rule sends a conversation to which team: pure, no clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from botsvc.team_settings import RoutingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingFacts:
    """What is known of a handoff when its team is chosen; an empty text is unknown."""

    topic: str = ""  #: topic of the article nearest to the question
    audience: str = ""  #: customer group
    language: str = ""  #: of the customer
    reason: str = ""  #: of the handoff
    priority: str = ""
    wanted_team: str = ""  #: as the article's front matter names it
    skill: str = ""  #: asked for, as when an agent looks for an expert
    waiting: Mapping[str, int] = field(default_factory=dict)  #: customers who wait, by the key of the team


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A condition and a team; an empty condition always holds."""

    name: str
    team: str
    topics: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()
    priorities: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()
    skills: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()  #: teams that must all be open
    closed: frozenset[str] = frozenset()  #: teams that must all be closed
    most_waiting: int | None = None

    @classmethod
    def from_settings(cls, name: str, rule: RoutingRule) -> Rule:
        """The rule of ``[routing.rules.<name>]``."""
        return cls(
            name=name,
            team=rule.team,
            topics=frozenset(rule.topics),
            audiences=frozenset(rule.audiences),
            languages=frozenset(rule.languages),
            reasons=frozenset(rule.reasons),
            priorities=frozenset(rule.priorities),
            wanted=frozenset(rule.wanted),
            skills=frozenset(rule.skills),
            open=frozenset(rule.open),
            closed=frozenset(rule.closed),
            most_waiting=rule.most_waiting,
        )


def holds(rule: Rule, facts: RoutingFacts, is_open: Callable[[str], bool]) -> bool:
    """Whether every condition of a rule holds; ``is_open`` tells whether the team with a key is open now."""
    named = (
        (rule.topics, facts.topic),
        (rule.audiences, facts.audience),
        (rule.languages, facts.language),
        (rule.reasons, facts.reason),
        (rule.priorities, facts.priority),
        (rule.wanted, facts.wanted_team),
        (rule.skills, facts.skill),
    )
    if any(allowed and value not in allowed for allowed, value in named):
        return False
    if rule.most_waiting is not None and facts.waiting.get(rule.team, 0) > rule.most_waiting:
        return False
    return all(map(is_open, rule.open)) and not any(map(is_open, rule.closed))
