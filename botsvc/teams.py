"""The teams of people, made from the settings once, and which of them gets a conversation."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from botsvc.calendar_days import USUALLY_CLOSED, Eve
from botsvc.opening_hours import OpeningHours, Spans, parse_spans, parse_week
from botsvc.routing import RoutingFacts, Rule, holds
from indexer import SettingsError

if TYPE_CHECKING:
    from botsvc.settings import Settings
    from botsvc.team_settings import TeamSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who answer customers."""

    key: str  #: as in ``[teams.<key>]``
    names: Mapping[str, str]  #: by language
    languages: frozenset[str]  #: empty: every language
    skills: frozenset[str]
    hours: OpeningHours
    reply: timedelta  #: open time within which a first reply is promised
    email: str  #: where handoffs to it are mailed; empty: no address of its own

    @property
    def time_zone(self) -> str:
        """The IANA name of the zone of its hours."""
        return self.hours.zone.key

    def name(self, lang: str) -> str:
        """Its name in ``lang``, else in the first language that it is named in, else its key."""
        return self.names.get(lang) or next(iter(self.names.values()), self.key)

    def speaks(self, lang: str) -> bool:
        """Whether it answers in ``lang``; an unknown language, ``""``, is no obstacle."""
        return not lang or not self.languages or lang in self.languages


@dataclass(frozen=True, slots=True, kw_only=True)
class Teams:
    """All teams, in the order of the settings, and the rules."""

    by_key: Mapping[str, Team]
    rules: tuple[Rule, ...] = ()
    default: str = ""  #: key of the team for everything else; empty only when there are no teams

    @classmethod
    def from_settings(cls, settings: Settings) -> Teams:
        """The teams of ``[teams]`` with the rules of ``[routing]``; SettingsError names what does not fit."""
        for wrong in settings.contradictions():
            raise SettingsError(f"{wrong.key} cannot be {wrong.value!r}: it {wrong.need}", key=wrong.key)
        teams = {key: _team(key, record) for key, record in settings.teams.items()}
        rules = tuple(Rule.from_settings(name, rule) for name, rule in settings.routing.rules.items())
        return cls(by_key=teams, rules=rules, default=settings.routing.default or next(iter(teams), ""))

    def __iter__(self) -> Iterator[Team]:
        return iter(self.by_key.values())

    def __len__(self) -> int:
        return len(self.by_key)

    def get(self, key: str) -> Team | None:
        """The team with this key, if there is one."""
        return self.by_key.get(key)

    def route(self, facts: RoutingFacts, now: datetime.datetime) -> Team | None:
        """The team that gets a conversation; None only when there are no teams.

        The first rule that holds wins. Then comes the team that the article wants, if it speaks the
        customer's language; then a team with the skill asked for, best one that also speaks the language;
        then one that speaks the language, the default team before others; then the default team.
        """
        for rule in self.rules:
            if holds(rule, facts, lambda key: self.by_key[key].hours.is_open(now)):
                return self.by_key[rule.team]
        wanted = self.by_key.get(facts.wanted_team)
        if wanted is not None and wanted.speaks(facts.language):
            return wanted
        teams = sorted(self, key=lambda team: team.key != self.default)
        able = [team for team in teams if facts.skill and facts.skill in team.skills]
        for among in (able, teams):
            if found := next((team for team in among if team.speaks(facts.language)), None):
                return found
            if among:
                return among[0]
        return None


def _team(key: str, settings: TeamSettings) -> Team:
    eves: dict[Eve, Spans | None] = dict.fromkeys(USUALLY_CLOSED.get(settings.holidays[:2], ()), ())
    for eve, hours in settings.eves.configured():
        eves[eve] = None if hours == "open" else parse_spans(hours)
    return Team(
        key=key,
        names=dict(settings.name),
        languages=frozenset(settings.languages),
        skills=frozenset(settings.skills),
        hours=OpeningHours(
            zone=ZoneInfo(settings.time_zone or "UTC"),
            weekly=parse_week(settings.hours),
            holidays=settings.holidays,
            eves=eves,
            exceptions={
                datetime.date.fromisoformat(day): parse_spans(spans)
                for day, spans in settings.exceptions.items()
            },
        ),
        reply=timedelta(minutes=settings.reply_minutes),
        email=settings.email,
    )
