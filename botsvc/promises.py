"""By when the customer is promised a reply, and how that is said: pure, clocks are arguments."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from botsvc.opening_hours import OpeningHours, zone_of
from botsvc.teams import Team
from botsvc.texts import Texts

FEWEST_REPLIES = 20  #: from which on the last weeks' replies say how slow they are
SHARE_IN_TIME = 0.9
STEP = timedelta(minutes=5)  #: a promise is said in whole steps, never earlier than it is
WEEKDAYS_AHEAD = 6  #: days ahead that are named by their weekday


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A first reply is promised by a certain time."""

    reply_by: datetime.datetime  #: aware UTC
    time_zone: str  #: IANA name of the team's zone
    opens_at: datetime.datetime | None  #: when the team opens, aware UTC; None: it is open


def promise(team: Team, now: datetime.datetime, *, slowest: timedelta | None = None) -> Promise | None:
    """By when the team can be promised to reply; None when it does not work enough in the next 366 days.

    What counts is the slower of the team's own reply time and ``slowest``, both in open time; outside
    hours the time begins at the next opening.
    """
    wait = max(team.reply, slowest or timedelta(0))
    reply_by = team.hours.add_open_time(now, wait)
    if reply_by is None:
        return None
    opens_at = None if team.hours.is_open(now) else team.hours.next_opening(now)
    return Promise(reply_by=reply_by, time_zone=team.time_zone, opens_at=opens_at)


def slowest_reply(
    replies: Iterable[tuple[datetime.datetime, datetime.datetime]], hours: OpeningHours
) -> timedelta | None:
    """The open time in which nine of ten first replies came; None with fewer than 20 replies.

    ``replies`` are (handed off, first answered), aware; the 90th percentile is the nearest rank: of 20
    replies the 18th fastest. A reply outside hours counts up to the closing time before it.
    """
    waits = sorted(hours.open_time_between(asked, answered) for asked, answered in replies)
    if len(waits) < FEWEST_REPLIES:
        return None
    return waits[math.ceil(SHARE_IN_TIME * len(waits)) - 1]


def promise_words(
    texts: Texts,
    lang: str,
    at: datetime.datetime,
    now: datetime.datetime,
    zone: str,
    *,
    customer_zone: str = "",
) -> str:
    """A moment as a phrase that fits into a sentence as it is: huomenna klo 8.00, perjantaina klo 8.00.

    ``zone`` is the team's. A customer whose own zone shows another time then reads their own clock, and is
    told that it is; a ``customer_zone`` that is no zone is ignored. Rounded up to five minutes.
    """
    said, is_own = _said_zone([at], zone, customer_zone)
    when = _clock_words(texts, lang, at, now, said)
    return texts.say(lang, "when_local", when=when) if is_own else when


def zone_said(made: Promise, customer_zone: str) -> str:
    """The IANA name of the zone in whose clock a promise is said: the customer's own if it differs."""
    said, _ = _said_zone(filter(None, (made.opens_at, made.reply_by)), made.time_zone, customer_zone)
    return said.key


def rounded_up(at: datetime.datetime) -> datetime.datetime:
    """The moment at the next five minutes, in UTC: 14.31.00 becomes 14.35, and 14.35 stays."""
    at = at.astimezone(UTC)
    over = (at - datetime.datetime(2000, 1, 1, tzinfo=UTC)) % STEP
    return at + (STEP - over if over else timedelta(0))


def promise_sentence(
    texts: Texts, lang: str, made: Promise | None, now: datetime.datetime, *, customer_zone: str = ""
) -> str:
    """What is said right after a handoff: by when the reply comes, and when a closed team opens."""
    if made is None:
        return texts.say(lang, "promise_none")

    if made.opens_at is None:
        when = promise_words(texts, lang, made.reply_by, now, made.time_zone, customer_zone=customer_zone)
        return texts.say(lang, "promise_made", when=when)
    said, is_own = _said_zone([made.opens_at, made.reply_by], made.time_zone, customer_zone)
    opens, when = (_clock_words(texts, lang, at, now, said) for at in (made.opens_at, made.reply_by))
    when = texts.say(lang, "when_local", when=when) if is_own else when  # once is enough in a sentence
    return texts.say(lang, "promise_after_opening", opens=opens, when=when)


def late_sentence(
    texts: Texts, lang: str, anew: Promise | None, now: datetime.datetime, *, customer_zone: str = ""
) -> str:
    """What is said before a promise breaks: that it will, and the new one if there can be one."""
    if anew is None:
        return texts.say(lang, "promise_late_open")
    when = promise_words(texts, lang, anew.reply_by, now, anew.time_zone, customer_zone=customer_zone)
    return texts.say(lang, "promise_late", when=when)


def closed_sentence(
    texts: Texts,
    lang: str,
    hours: OpeningHours,
    now: datetime.datetime,
    *,
    customer_zone: str = "",
) -> str:
    """That the team is closed and when it opens; nothing while it is open."""
    opens_at = hours.next_opening(now)
    if opens_at is None:
        return texts.say(lang, "team_closed")
    if hours.is_open(now):
        return ""
    when = promise_words(texts, lang, opens_at, now, hours.zone.key, customer_zone=customer_zone)
    return texts.say(lang, "team_closed_opens", when=when)


def chat_sentence(texts: Texts, lang: str, place: int) -> str:
    """That live chat is on offer, with the customer's place in the queue, from 1."""
    if place < 1:
        raise ValueError(f"places in the queue begin with 1, and {place} was given")
    return texts.say(lang, "chat_next" if place == 1 else "chat_place", place=place)


def _said_zone(moments: Iterable[datetime.datetime], zone: str, customer_zone: str) -> tuple[ZoneInfo, bool]:
    """The zone whose clock is read out, and whether it is the customer's own and another than the team's."""
    there, own = zone_of(zone) or ZoneInfo("UTC"), zone_of(customer_zone)
    if own is None or all(
        at.astimezone(own).utcoffset() == at.astimezone(there).utcoffset() for at in moments
    ):
        return there, False
    return own, True


def _clock_words(
    texts: Texts, lang: str, moment: datetime.datetime, now: datetime.datetime, zone: ZoneInfo
) -> str:
    at = rounded_up(moment).astimezone(zone)
    time, days = texts.time(lang, at.time()), (at.date() - now.astimezone(zone).date()).days
    if days == 0:
        return texts.say(lang, "when_today", time=time)
    if days == 1:
        return texts.say(lang, "when_tomorrow", time=time)
    if 1 < days <= WEEKDAYS_AHEAD:
        names = [name.strip() for name in texts.all(lang)["weekday_names"].split(",")]
        return texts.say(lang, "when_weekday", weekday=names[at.weekday()], time=time)
    return texts.say(lang, "when_date", date=texts.date(lang, at.date()), time=time)
