"""``[teams]`` and ``[routing]``: who the people are, when they work, and which conversation goes to whom."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from botsvc.calendar_days import Eve, is_known_place
from botsvc.opening_hours import parse_days, parse_spans, parse_week, zone_names
from indexer.settings import FreePart, Language, Section, SettingsContradiction

_TEAM_KEY = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_EMAIL = re.compile(r"[^@\s<>\"',;]{1,64}@[^@\s<>\"',;]+\.[^@\s<>\"',;.]+")


def _key(value: str) -> str:
    if _TEAM_KEY.fullmatch(value) is None:
        raise ValueError("should be small letters, digits, - and _, such as cards")
    return value


def _zone(value: str) -> str:
    if value and value not in zone_names():
        near = difflib.get_close_matches(value, zone_names(), n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "such as Europe/Helsinki"
        raise ValueError(f"should be the IANA name of a time zone: {hint}")
    return value


def _place(value: str) -> str:
    if value and not is_known_place(value):
        raise ValueError("should be the code of a country such as FI or SE, or of a part of it such as DE-BY")
    return value


def _email(value: str) -> str:
    if value and _EMAIL.fullmatch(value) is None:
        raise ValueError("should be an e-mail address such as cards@example.com")
    return value


def _days(value: str) -> str:
    parse_days(value)
    return value


def _spans(value: str) -> str:
    parse_spans(value)
    return value


def _eve_spans(value: str) -> str:
    if value not in ("", "open"):
        parse_spans(value)
    return value


def _date(value: str) -> str:
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        raise ValueError('should be a date in quotes, such as "2026-12-23"') from None
    return value


TeamKey = Annotated[str, AfterValidator(_key), FreePart("team")]
RuleName = Annotated[str, AfterValidator(_key), FreePart("rule")]
Days = Annotated[str, AfterValidator(_days), FreePart("days")]
Date = Annotated[str, AfterValidator(_date), FreePart("date")]
OpenSpans = Annotated[str, AfterValidator(_spans)]
EveSpans = Annotated[str, AfterValidator(_eve_spans)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Place = Annotated[str, AfterValidator(_place)]
Email = Annotated[str, AfterValidator(_email)]

HandoffReason = Literal["asked", "low_confidence", "repeated_failure", "rule", "feedback", "form"]
HandoffPriority = Literal["crisis", "sensitive", "asked", "feedback", "low_confidence"]


class EveSettings(Section):
    """``[teams.<team>.eves]``: eves with other hours; empty means as the country usually has it."""

    epiphany_eve: EveSpans = Field(
        default="", description="Hours on 5 January: spans, closed, open (as on an ordinary day), or empty."
    )
    maundy_thursday: EveSpans = Field(
        default="", description="Hours on the Thursday before Easter, in the same form."
    )
    may_day_eve: EveSpans = Field(default="", description="Hours on 30 April, in the same form.")
    midsummer_eve: EveSpans = Field(
        default="",
        description="Hours on midsummer's eve, in the same form; empty means closed for FI, AX and SE.",
    )
    christmas_eve: EveSpans = Field(
        default="",
        description="Hours on 24 December, in the same form; empty means closed for FI, AX and SE.",
    )
    new_years_eve: EveSpans = Field(
        default="", description="Hours on 31 December, in the same form; empty means closed for SE."
    )

    def configured(self) -> Iterator[tuple[Eve, str]]:
        """The eves that are set, with their hours."""
        for eve in Eve:
            if hours := getattr(self, eve.value):
                yield eve, hours


class TeamSettings(Section):
    """``[teams.<team>]``: people who answer customers."""

    languages: tuple[Language, ...] = Field(
        default=(), description="Languages that the team answers in; empty means every language."
    )
    skills: tuple[str, ...] = Field(
        default=(), description="What the team knows besides, for rules and for asking experts."
    )
    time_zone: TimeZone = Field(
        default="",
        description="IANA name of the zone of its opening hours, such as Europe/Helsinki; needed with hours.",
    )
    holidays: Place = Field(
        default="",
        description="Country whose public holidays are closed, such as FI, or part of one, such as DE-BY.",
    )
    reply_minutes: int = Field(
        default=240,
        ge=1,
        le=43_200,
        description="Opening time, in minutes, within which a first reply is promised.",
    )
    email: Email = Field(
        default="",
        description="Address that handoffs to this team are mailed to; empty means none of its own.",
    )
    eves: EveSettings = EveSettings()
    name: dict[Language, Annotated[str, Field(min_length=1, max_length=80)]] = Field(
        default={}, description="Name of the team in this language, as customers and agents see it."
    )
    hours: dict[Days, OpenSpans] = Field(
        default={},
        description='Opening hours on these days, such as mon-fri = "8.00-17.00"; other days are closed.',
    )
    exceptions: dict[Date, OpenSpans] = Field(
        default={},
        description='Hours on this date, whatever else holds, such as "2026-12-23" = "8-12" or "closed".',
    )

    @field_validator("hours")
    @classmethod
    def _one_week(cls, hours: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        parse_week(hours)
        if hours and info.data.get("time_zone") == "":
            raise ValueError("needs time_zone in the same team, such as Europe/Helsinki")
        return hours

    @field_validator("exceptions")
    @classmethod
    def _in_a_zone(cls, exceptions: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if exceptions and info.data.get("time_zone") == "":
            raise ValueError("needs time_zone in the same team, such as Europe/Helsinki")
        return exceptions


class RoutingRule(Section):
    """``[routing.rules.<rule>]``: holds when every condition that is set holds."""

    team: str = Field(default="", description="Team that gets the conversation; needed.")
    topics: tuple[str, ...] = Field(default=(), description="One of these topics of articles.")
    audiences: tuple[str, ...] = Field(default=(), description="One of these customer groups.")
    languages: tuple[Language, ...] = Field(default=(), description="One of these languages of the customer.")
    reasons: tuple[HandoffReason, ...] = Field(default=(), description="One of these reasons of the handoff.")
    priorities: tuple[HandoffPriority, ...] = Field(default=(), description="One of these priorities.")
    wanted: tuple[str, ...] = Field(
        default=(), description="The article, in its front matter, wants one of these teams."
    )
    skills: tuple[str, ...] = Field(default=(), description="One of these skills is asked for.")
    open: tuple[str, ...] = Field(default=(), description="All of these teams are open now.")
    closed: tuple[str, ...] = Field(default=(), description="All of these teams are closed now.")
    most_waiting: int | None = Field(
        default=None, ge=0, description="At most so many customers wait for the rule's own team."
    )


class RoutingSettings(Section):
    """``[routing]``: which team gets a conversation that is handed off."""

    default: str = Field(
        default="",
        description="Team for what no rule and no article names; empty means the first of [teams].",
    )
    rules: dict[RuleName, RoutingRule] = Field(
        default={}, description="Rules in the order of the file: the first that holds wins."
    )


def contradictions(
    teams: Mapping[str, TeamSettings], routing: RoutingSettings
) -> Iterator[SettingsContradiction]:
    """What ``[routing]`` says of teams that are not there."""
    places = [("routing.default", routing.default)] if routing.default else []
    for name, rule in routing.rules.items():
        key = f"routing.rules.{name}"
        places.append((f"{key}.team", rule.team))
        for condition in ("wanted", "open", "closed"):
            places += [(f"{key}.{condition}", team) for team in getattr(rule, condition)]
    for key, team in places:
        if team in teams:
            continue
        near = difflib.get_close_matches(team, list(teams), n=1, cutoff=0.6)
        if not teams:
            need = "needs a team, and there is none: add one as [teams.cards]"
        elif near:
            need = f"should be the key of a team: did you mean {near[0]}?"
        else:
            need = f"should be the key of a team: {', '.join(teams)}"
        yield SettingsContradiction(key=key, value=team, need=need)
