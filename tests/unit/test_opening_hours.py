"""Opening hours: reading them, clock changes, and properties that hold for any hours."""

from __future__ import annotations

import datetime
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from botsvc import opening_hours
from botsvc.calendar_days import Eve, eves, is_known_place, public_holidays
from botsvc.opening_hours import (
    DAYS,
    HORIZON,
    OpeningHours,
    Span,
    instant,
    parse_days,
    parse_spans,
    parse_week,
    zone_of,
)

HELSINKI = ZoneInfo("Europe/Helsinki")
ZONES = ("Europe/Helsinki", "Europe/Stockholm", "Asia/Kathmandu", "Australia/Lord_Howe", "America/New_York")
OFFICE = OpeningHours(zone=HELSINKI, weekly=parse_week({"mon-fri": "8-17"}), holidays="FI")
ALWAYS = OpeningHours(zone=HELSINKI, weekly=parse_week({"mon-sun": "0-24"}))
NEVER = OpeningHours(zone=HELSINKI, weekly=parse_week({}))


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("8.00-17.00", [(480, 1020)]),
        ("8-17", [(480, 1020)]),
        ("08:00 – 17:30", [(480, 1050)]),
        ("13-17, 8-12", [(480, 720), (780, 1020)]),
        ("8-12,12-16", [(480, 720), (720, 960)]),
        ("0-24", [(0, 1440)]),
        ("22-6", [(1320, 1800)]),
        ("18-24", [(1080, 1440)]),
        ("18-6", [(1080, 1800)]),
        ("closed", []),
        (" Closed ", []),
    ],
)
def test_spans_are_read(text: str, spans: list[tuple[int, int]]) -> None:
    assert parse_spans(text) == tuple(Span(*span) for span in spans)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "should be times of the 24-hour clock such as 8.00-17.00"),
        ("8", "should be times of the 24-hour clock"),
        ("8am-5pm", "should be times of the 24-hour clock"),
        ("8-17 9-18", "should be times of the 24-hour clock"),
        ("8-25", "should be times from 0.00 to 24.00, and 8-25 is not"),
        ("24-8", "should be times from 0.00 to 24.00, and 24-8 is not"),
        ("8.60-17", "should be times from 0.00 to 24.00, and 8.60-17 is not"),
        ("8-24.30", "should be times from 0.00 to 24.00"),
        ("8-8", "should last some time, and 8-8 does not: write 0-24 for the whole day"),
        (
            "17-8",
            "should end after it begins, and 17-8 does not: a night of more than 12 hours is written as",
        ),
        ("17.59-6", "should end after it begins"),
        ("8-12, 11.30-17", r"should not open twice at a time: 8\.00-12\.00 and 11\.30-17\.00 overlap"),
        ("8-17, 8-17", "should not open twice at a time"),
    ],
)
def test_spans_that_cannot_be_are_explained(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_spans(text)


def test_days_are_read() -> None:
    assert parse_days("mon-fri") == (0, 1, 2, 3, 4)
    assert parse_days("Sat") == (5,)
    assert parse_days("mon, wed – thu") == (0, 2, 3)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ma-pe", "should be a day or days such as mon, mon-fri or sat"),
        ("mon-", "should be a day or days"),
        ("", "should be a day or days"),
        ("fri-mon", "runs backwards: write fri-sun and mon-mon, or mon-fri"),
        ("mon, mon-tue", "should name each day once"),
    ],
)
def test_days_that_cannot_be_are_explained(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_days(text)


@pytest.mark.parametrize(
    ("week", "sentence"),
    [
        ({"mon-fri": "8-17", "fri": "8-15"}, "should name each day once: mon-fri and fri both have fri"),
        ({"mon": "22-6", "tue": "5-8"}, r"22\.00-6\.00 of mon overlaps 5\.00-8\.00 of tue"),
        ({"sun": "22-6", "mon": "0-8"}, r"22\.00-6\.00 of sun overlaps 0\.00-8\.00 of mon"),
    ],
)
def test_weeks_that_cannot_be_are_explained(week: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_week(week)


def test_a_night_may_touch_the_next_morning() -> None:
    hours = OpeningHours(zone=HELSINKI, weekly=parse_week({"mon": "22-6", "tue": "6-8"}))
    assert hours.closes_at(at("2026-11-23T23:00+02:00")) == at("2026-11-24T08:00+02:00")


def test_open_from_opening_until_before_closing() -> None:
    moments = ("07:59:59", "08:00:00", "16:59:59", "17:00:00")
    assert [OFFICE.is_open(at(f"2026-11-23T{time}+02:00")) for time in moments] == [False, True, True, False]
    assert OFFICE.next_opening(at("2026-11-23T07:00+02:00")) == at("2026-11-23T08:00+02:00")
    assert OFFICE.next_opening(at("2026-11-23T12:00+02:00")) == at("2026-11-23T12:00+02:00")
    assert OFFICE.next_opening(at("2026-11-23T17:00+02:00")) == at("2026-11-24T08:00+02:00")
    assert OFFICE.closes_at(at("2026-11-23T12:00+02:00")) == at("2026-11-23T17:00+02:00")
    assert OFFICE.closes_at(at("2026-11-23T17:00+02:00")) is None


def test_around_the_clock_never_closes_and_never_open_never_opens() -> None:
    now = at("2026-11-23T12:00+02:00")
    assert ALWAYS.is_open(now)
    assert ALWAYS.closes_at(now) is None
    assert ALWAYS.add_open_time(now, timedelta(days=366)) == now + timedelta(days=366)
    assert ALWAYS.add_open_time(now, timedelta(days=366, seconds=1)) is None
    assert not NEVER.is_open(now)
    assert NEVER.next_opening(now) is None
    assert NEVER.add_open_time(now, timedelta(minutes=1)) is None


def test_an_exception_far_away_is_found_up_to_a_year_ahead() -> None:
    party = {datetime.date(2027, 11, 24): (Span(480, 600),)}
    hours = OpeningHours(zone=HELSINKI, weekly=parse_week({}), exceptions=party)
    assert hours.next_opening(at("2026-11-24T12:00+02:00")) == at("2027-11-24T08:00+02:00")
    assert hours.next_opening(at("2026-11-22T12:00+02:00")) is None


def test_the_turn_of_the_year_is_no_edge() -> None:
    hours = OpeningHours(zone=HELSINKI, weekly=parse_week({"mon-sun": "22-6"}))
    late, early = at("2026-12-31T23:30+02:00"), at("2027-01-01T05:00+02:00")
    assert hours.is_open(late)
    assert hours.is_open(early)
    assert hours.closes_at(late) == at("2027-01-01T06:00+02:00")
    assert hours.add_open_time(late, timedelta(hours=6)) == at("2027-01-01T05:30+02:00")
    # Midnight of the new year in Helsinki is still the old year in UTC.
    assert hours.is_open(at("2027-01-01T00:00+02:00"))


@pytest.mark.parametrize(
    ("day", "minutes", "moment"),
    [
        ("2026-03-29", 179, "2026-03-29T02:59+02:00"),
        (
            "2026-03-29",
            180,
            "2026-03-29T04:00+03:00",
        ),  # 3.00 to 4.00 does not exist: the moment of the change
        ("2026-03-29", 210, "2026-03-29T04:00+03:00"),
        ("2026-03-29", 239, "2026-03-29T04:00+03:00"),
        ("2026-03-29", 240, "2026-03-29T04:00+03:00"),
        ("2026-03-29", 270, "2026-03-29T04:30+03:00"),
        ("2026-10-25", 210, "2026-10-25T03:30+03:00"),  # comes twice: the first is meant
        ("2026-10-25", 240, "2026-10-25T04:00+02:00"),
        ("2026-10-25", 1440, "2026-10-26T00:00+02:00"),
    ],
)
def test_clock_times_when_clocks_change(day: str, minutes: int, moment: str) -> None:
    assert instant(datetime.date.fromisoformat(day), minutes, HELSINKI) == at(moment)


def test_half_an_hour_of_summer_time() -> None:
    # Lord Howe Island goes from 2.00 to 2.30 on 4 October 2026 (from +10.30 to +11).
    there = ZoneInfo("Australia/Lord_Howe")
    assert instant(datetime.date(2026, 10, 4), 135, there) == at("2026-10-04T02:30+11:00")


def test_the_eves() -> None:
    # From the almanac: Easter Sundays are 5 April 2026, 28 March 2027 and 16 April 2028.
    found = {
        year: sorted(day.strftime("%m-%d") for day in eves(year) if day.month in (3, 4, 6))
        for year in (2026, 2027, 2028)
    }
    assert found == {
        2026: ["04-02", "04-30", "06-19"],
        2027: ["03-25", "04-30", "06-25"],
        2028: ["04-13", "04-30", "06-23"],
    }
    assert eves(2026)[datetime.date(2026, 12, 24)] is Eve.CHRISTMAS


def test_finnish_midsummers_and_christmas_eves_agree_with_the_calendar_of_holidays() -> None:
    for year in range(2024, 2040):
        both = {day for day, eve in eves(year).items() if eve in (Eve.MIDSUMMER, Eve.CHRISTMAS)}
        assert both <= public_holidays("FI", year)
        assert not both & public_holidays("SE", year)
        good_friday = next(day for day, eve in eves(year).items() if eve is Eve.MAUNDY_THURSDAY)
        assert good_friday + timedelta(days=1) in public_holidays("SE", year)


def test_places() -> None:
    assert all(map(is_known_place, ("FI", "SE", "AX", "DE", "DE-BY")))
    assert not any(map(is_known_place, ("", "fi", "FIN", "Finland", "XX", "FI-99", "DE-by", "FI ")))
    assert datetime.date(2026, 6, 9) in public_holidays("AX", 2026)
    assert datetime.date(2026, 6, 9) not in public_holidays("FI", 2026)
    assert datetime.date(2026, 1, 6) in public_holidays("DE-BY", 2026)
    assert datetime.date(2026, 1, 6) not in public_holidays("DE", 2026)


def test_a_half_eve_opens_no_day_off() -> None:
    hours = OpeningHours(
        zone=HELSINKI, weekly=parse_week({"mon-fri": "8-17"}), eves={Eve.NEW_YEAR: parse_spans("8-12")}
    )
    assert hours.day(datetime.date(2026, 12, 31)) == (Span(480, 720),)  # a Thursday
    assert hours.day(datetime.date(2028, 12, 31)) == ()  # a Sunday


def test_zones() -> None:
    assert zone_of("Europe/Helsinki") == HELSINKI
    assert [zone_of(name) for name in ("", "Europe", "EUROPE/HELSINKI", "../etc/passwd", "a\0b")] == [
        None
    ] * 5


def test_a_year_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = OpeningHours(zone=HELSINKI, weekly=parse_week({"mon-fri": "8-17"}), holidays="FI")
    years: list[int] = []
    original = OpeningHours._work_out

    def counting(self: OpeningHours, year: int) -> tuple[opening_hours.Opening, ...]:
        years.append(year)
        return original(self, year)

    monkeypatch.setattr(OpeningHours, "_work_out", counting)
    for minute in range(1000):
        now = at("2026-11-23T12:00+02:00") + timedelta(minutes=minute)
        hours.add_open_time(now, timedelta(hours=20))
        hours.is_open(now)
    assert years == [2026]


# Properties.

minutes = st.integers(min_value=0, max_value=1440)


@st.composite
def any_spans(draw: st.DrawFn, *, first: int = 0) -> tuple[Span, ...]:
    edges = sorted(draw(st.sets(st.integers(min_value=first, max_value=1440), max_size=6)))
    return tuple(Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=False))


@st.composite
def any_hours(draw: st.DrawFn, *, first: int = 0, zones: tuple[str, ...] = ZONES) -> OpeningHours:
    weekly = [draw(any_spans(first=first)) for _ in DAYS]
    night = draw(st.integers(min_value=1, max_value=720)) if not first else 0
    if night and weekly[2] and weekly[2][-1].end < 1440:
        weekly[2] = (*weekly[2], Span(1440 - min(30, 1440 - weekly[2][-1].end), 1440 + night))
    days = st.dates(min_value=datetime.date(2026, 1, 1), max_value=datetime.date(2027, 12, 31))
    return OpeningHours(
        zone=ZoneInfo(draw(st.sampled_from(zones))),
        weekly=tuple(weekly),
        holidays=draw(st.sampled_from(["", "FI", "SE"])),
        eves=draw(st.dictionaries(st.sampled_from(Eve), any_spans(first=first), max_size=2)),
        exceptions=draw(st.dictionaries(days, any_spans(first=first), max_size=3)),
    )


moments = st.datetimes(
    min_value=datetime.datetime(2026, 1, 1),  # noqa: DTZ001 - the zone is given below
    max_value=datetime.datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=40))


@given(any_hours(), moments, durations, durations)
@settings(max_examples=80, deadline=None)
def test_open_time_adds_up(
    hours: OpeningHours, now: datetime.datetime, one: timedelta, more: timedelta
) -> None:
    whole = hours.add_open_time(now, one + more)
    assume(whole is not None)
    part = hours.add_open_time(now, one)
    assert part is not None
    assert hours.add_open_time(part, more) == whole


@given(any_hours(), moments, durations, durations, durations)
@settings(max_examples=80, deadline=None)
def test_later_or_longer_never_ends_earlier(
    hours: OpeningHours, now: datetime.datetime, later: timedelta, one: timedelta, more: timedelta
) -> None:
    ends = hours.add_open_time(now, one)
    for other in (hours.add_open_time(now, one + more), hours.add_open_time(now + later, one)):
        if ends is not None and other is not None:
            assert ends <= other
    if ends is None:
        assert hours.add_open_time(now, one + more) is None


@given(any_hours(), moments, durations)
@settings(max_examples=80, deadline=None)
def test_it_ends_within_open_time_or_at_its_edge_and_not_too_far(
    hours: OpeningHours, now: datetime.datetime, time: timedelta
) -> None:
    ends = hours.add_open_time(now, time)
    if ends is None:
        return
    assert now <= ends <= now + HORIZON
    just_before = ends - timedelta(microseconds=1)
    assert hours.is_open(ends) or hours.is_open(just_before)
    assert hours.open_time_between(now, ends) == time
    if time:
        assert hours.is_open(just_before)


@given(any_hours(), moments)
@settings(max_examples=80, deadline=None)
def test_the_next_opening_is_open_and_nothing_is_open_before(
    hours: OpeningHours, now: datetime.datetime
) -> None:
    opens = hours.next_opening(now)
    if opens is None:
        assert hours.open_time_between(now, now + HORIZON) == timedelta(0)
        return
    assert hours.is_open(opens)
    assert hours.open_time_between(now, opens) == timedelta(0)
    closes = hours.closes_at(opens)
    if closes is not None:
        assert not hours.is_open(closes)
        assert hours.open_time_between(opens, closes) == closes - opens


@given(any_hours(first=300, zones=("Europe/Helsinki", "Europe/Stockholm", "Asia/Kathmandu")), moments)
@settings(max_examples=120, deadline=None)
def test_by_day_it_is_open_when_the_clock_on_the_wall_says_so(
    hours: OpeningHours, now: datetime.datetime
) -> None:
    """From 5.00 on no clock changes in these zones, so the wall clock alone tells."""
    wall = now.astimezone(hours.zone)
    since_midnight = timedelta(hours=wall.hour, minutes=wall.minute, seconds=wall.second)
    minute = (since_midnight + timedelta(microseconds=wall.microsecond)) / timedelta(minutes=1)
    expected = any(span.start <= minute < span.end for span in hours.day(wall.date()))
    assert hours.is_open(now) == expected
