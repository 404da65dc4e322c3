"""When a team works: weekly hours, holidays, eves and exceptions in its own time zone; time that is open.

Hours are clock times of the team's zone. A span belongs to the day on which it begins, so a night from 22 to
6 that begins on an ordinary day goes on into a holiday. A clock time that a change to summer time leaves out
is the moment of the change; of a clock time that comes twice, the first is meant.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from botsvc.calendar_days import Eve, eves, public_holidays

HORIZON = timedelta(days=366)  #: what is not open within this time counts as never open
DAY = 24 * 60  #: minutes
LONGEST_NIGHT = 12 * 60  #: minutes of a span over midnight; longer ones are probably written backwards
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d{1,2})(?:[.:](\d{2}))?\s*[-–]\s*(\d{1,2})(?:[.:](\d{2}))?")


class Span(NamedTuple):
    """An open part of a day, in minutes of the clock after its midnight; over midnight it ends above 1440."""

    start: int
    end: int


Spans = tuple[Span, ...]


class Opening(NamedTuple):
    """Open from ``start`` until ``end``, aware UTC."""

    start: datetime.datetime
    end: datetime.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningHours:
    """Opening hours; all moments in and out are aware UTC, and a naive one is a ValueError."""

    zone: ZoneInfo
    weekly: tuple[Spans, ...]  #: seven, Monday first
    holidays: str = ""  #: country such as FI, or a part of it such as DE-BY: its public holidays are closed
    eves: Mapping[Eve, Spans | None] = field(default_factory=dict)  #: None: hours of an ordinary day
    exceptions: Mapping[datetime.date, Spans] = field(default_factory=dict)  #: they win over everything
    _years: dict[int, tuple[Opening, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )  #: openings that begin in a year: worked out once

    def day(self, day: datetime.date) -> Spans:
        """The spans that begin on a day; none when it is closed.

        Eves and holidays change days that have weekly hours; only an exception opens another day.
        """
        if day in self.exceptions:
            return self.exceptions[day]
        ordinary = self.weekly[day.weekday()]
        eve = eves(day.year).get(day)
        if ordinary and eve is not None and eve in self.eves:
            changed = self.eves[eve]
            return ordinary if changed is None else changed
        return () if day in public_holidays(self.holidays, day.year) else ordinary

    def is_open(self, at: datetime.datetime) -> bool:
        """Whether it is open at a moment; at closing time it is not."""
        at = _utc(at)
        return any(opening.start <= at < opening.end for opening in self.openings(at, at))

    def next_opening(self, at: datetime.datetime) -> datetime.datetime | None:
        """The first moment from ``at`` on that is open, ``at`` itself when it is open; None if never."""
        at = _utc(at)
        for opening in self.openings(at, at + HORIZON):
            if opening.end > at:
                return max(at, opening.start)
        return None

    def closes_at(self, at: datetime.datetime) -> datetime.datetime | None:
        """When it closes, if it is open at ``at``; None when it is closed, or open for a year to come."""
        at = _utc(at)
        for opening in self.openings(at, at + HORIZON):
            if opening.start <= at < opening.end:
                return opening.end if opening.end <= at + HORIZON else None
        return None

    def add_open_time(self, at: datetime.datetime, time: timedelta) -> datetime.datetime | None:
        """When ``time`` of open time has gone by since ``at``; None if not within 366 days.

        What fits exactly ends at closing time, not at the next opening. No time at all ends at ``at``, or
        at the next opening if ``at`` is neither open nor a closing time. A negative time is a ValueError.
        """
        if time < timedelta(0):
            raise ValueError(f"open time cannot be negative: {time}")
        at = _utc(at)
        for opening in self.openings(at, at + HORIZON):
            begin = max(at, opening.start)
            if time <= opening.end - begin:
                return begin + time if begin + time <= at + HORIZON else None
            time -= opening.end - begin
        return None

    def open_time_between(self, start: datetime.datetime, end: datetime.datetime) -> timedelta:
        """The open time between two moments; none when ``end`` comes first."""
        start, end = _utc(start), _utc(end)
        found = timedelta(0)
        for opening in self.openings(start, end):
            found += max(timedelta(0), min(end, opening.end) - max(start, opening.start))
        return found

    def openings(self, start: datetime.datetime, end: datetime.datetime) -> Iterator[Opening]:
        """The openings that touch the time from ``start`` to ``end``, in order, never touching each other."""
        year = (start.astimezone(self.zone).date() - timedelta(days=1)).year
        last = end.astimezone(self.zone).year
        pending: Opening | None = None
        while year <= last + 1:
            openings = self._of_year(year)
            for opening in openings[bisect_left(openings, start, key=lambda one: one.end) :]:
                if pending is not None and opening.start <= pending.end:
                    pending = Opening(pending.start, max(pending.end, opening.end))
                    continue
                if pending is not None:
                    yield pending
                if opening.start > end:
                    return
                pending = opening
            year += 1
        if pending is not None:
            yield pending

    def _of_year(self, year: int) -> tuple[Opening, ...]:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._work_out(year)
        return found

    def _work_out(self, year: int) -> tuple[Opening, ...]:
        first = datetime.date(year, 1, 1)
        found: list[Opening] = []
        for number in range((first.replace(year=year + 1) - first).days):
            day = first + timedelta(days=number)
            for span in sorted(self.day(day)):
                start, end = instant(day, span.start, self.zone), instant(day, span.end, self.zone)
                if found and start <= found[-1].end:
                    found[-1] = Opening(found[-1].start, max(found[-1].end, end))
                elif start < end:
                    found.append(Opening(start, end))
        return tuple(found)


def instant(day: datetime.date, minutes: int, zone: ZoneInfo) -> datetime.datetime:
    """The moment, in UTC, when the clock of ``zone`` shows so many minutes after the midnight of ``day``."""
    clock = datetime.datetime.combine(day, datetime.time(), tzinfo=zone) + timedelta(minutes=minutes)
    moment = clock.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == clock.replace(tzinfo=None):
        return moment
    # The clock never shows it: it jumps between the moments that the offsets after and before would give.
    before, after = clock.replace(fold=1).astimezone(UTC), moment
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after


def zone_of(name: str) -> ZoneInfo | None:
    """The time zone of an IANA name such as Europe/Helsinki; None for anything else."""
    return ZoneInfo(name) if name in zone_names() else None


@lru_cache(maxsize=1)
def zone_names() -> frozenset[str]:
    """The IANA names of all time zones."""
    return frozenset(available_timezones())


def parse_spans(text: str) -> Spans:
    """The spans of ``8.00-17.00``, ``8-12, 13-17``, ``22-6`` or ``closed``; a ValueError says more."""
    if text.strip().lower() == "closed":
        return ()
    spans = [_span(part.strip()) for part in text.split(",")]
    for one, other in zip(sorted(spans), sorted(spans)[1:], strict=False):
        if other.start < one.end:
            raise ValueError(f"should not open twice at a time: {shown(one)} and {shown(other)} overlap")
    return tuple(sorted(spans))


def parse_days(text: str) -> tuple[int, ...]:
    """The weekdays, 0 for Monday, of ``mon``, ``mon-fri`` or ``mon, wed``; a ValueError says more."""
    found: list[int] = []
    for part in text.lower().split(","):
        first, dash, last = (name.strip() for name in part.replace("–", "-").partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError("should be a day or days such as mon, mon-fri or sat, from mon to sun")
        start, end = DAYS.index(first), DAYS.index(last or first)
        if end < start:
            raise ValueError(f"runs backwards: write {first}-sun and mon-{last}, or {last}-{first}")
        found += range(start, end + 1)
    if len(set(found)) < len(found):
        raise ValueError("should name each day once")
    return tuple(found)


def parse_week(table: Mapping[str, str]) -> tuple[Spans, ...]:
    """The seven days of a table such as ``{"mon-fri": "8-17"}``; a ValueError says more."""
    week: list[Spans] = [()] * 7
    named: dict[int, str] = {}
    for days, spans in table.items():
        for day in parse_days(days):
            if day in named:
                raise ValueError(f"should name each day once: {named[day]} and {days} both have {DAYS[day]}")
            named[day] = days
            week[day] = parse_spans(spans)
    for day, today in enumerate(week):
        tomorrow = week[(day + 1) % 7]
        if today and tomorrow and today[-1].end - DAY > tomorrow[0].start:
            raise ValueError(
                f"should not open twice at a time: {shown(today[-1])} of {DAYS[day]} overlaps "
                f"{shown(tomorrow[0])} of {DAYS[(day + 1) % 7]}"
            )
    return tuple(week)


def shown(span: Span) -> str:
    """A span as the settings write it: 8.00-17.00."""
    return "-".join(f"{minutes // 60}.{minutes % 60:02}" for minutes in (span.start, _clock(span.end)))


def _clock(minutes: int) -> int:
    return minutes if minutes <= DAY else minutes - DAY


def _span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ValueError("should be times of the 24-hour clock such as 8.00-17.00, 8-12, 13-17, or closed")
    start, end = (int(found[hour]) * 60 + int(found[hour + 1] or 0) for hour in (1, 3))
    if any(int(found[part] or 0) > 59 for part in (2, 4)) or start >= DAY or end > DAY:
        raise ValueError(f"should be times from 0.00 to 24.00, and {text} is not")
    if start == end:
        raise ValueError(f"should last some time, and {text} does not: write 0-24 for the whole day")
    if end > start:
        return Span(start, end)
    if end + DAY - start > LONGEST_NIGHT:
        raise ValueError(
            f"should end after it begins, and {text} does not: a night of more than 12 hours is written as "
            "two spans, to 24 and from 0 on the next day"
        )
    return Span(start, end + DAY)


def _utc(at: datetime.datetime) -> datetime.datetime:
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no time zone: pass an aware time")
    return at.astimezone(UTC)
