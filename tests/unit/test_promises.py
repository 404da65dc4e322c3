"""Promises against a table worked out by hand, and the words in which they are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from botsvc.opening_hours import OpeningHours, parse_week
from botsvc.promises import (
    Promise,
    chat_sentence,
    closed_sentence,
    late_sentence,
    promise,
    promise_sentence,
    promise_words,
    rounded_up,
    slowest_reply,
    zone_said,
)
from botsvc.settings import Settings
from botsvc.teams import Teams
from botsvc.texts import SHIPPED, load_texts

TABLE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[1] / "data" / "promises.yaml").read_text(encoding="utf-8")
)
TEAMS = Teams.from_settings(Settings.model_validate({"teams": TABLE["teams"]}))
TEXTS = load_texts()
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)  # 10.00 in Helsinki
OFFICE = TEAMS.by_key["office"].hours


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: str(case["name"]))
def test_the_table(case: dict[str, Any]) -> None:
    team, now = TEAMS.by_key[case["team"]], datetime.fromisoformat(case["now"])
    slowest = timedelta(minutes=case["slowest_minutes"]) if "slowest_minutes" in case else None
    made = promise(team, now, slowest=slowest)
    if case["reply_by"] is None:
        assert made is None
    else:
        assert made is not None
        assert made.reply_by.isoformat() == _utc(case["reply_by"]).isoformat()
        assert made.opens_at == (_utc(case["opens_at"]) if "opens_at" in case else None)
        assert made.time_zone == TABLE["teams"][case["team"]]["time_zone"]
    for lang, sentence in case.get("said", {}).items():
        said = promise_sentence(TEXTS, lang, made, now, customer_zone=case.get("customer_zone", ""))
        assert said == sentence


def test_the_table_is_large_and_its_names_are_its_own() -> None:
    names = [case["name"] for case in TABLE["cases"]]
    assert len(set(names)) == len(names) >= 40
    assert {case["team"] for case in TABLE["cases"]} == set(TABLE["teams"])


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (0, {"fi": "tänään klo 9.00", "sv": "i dag kl. 9.00", "en": "9:00 today"}),
        (1, {"fi": "huomenna klo 9.00", "sv": "i morgon kl. 9.00", "en": "9:00 tomorrow"}),
        (2, {"fi": "keskiviikkona klo 9.00", "sv": "på onsdag kl. 9.00", "en": "9:00 on Wednesday"}),
        (6, {"fi": "sunnuntaina klo 9.00", "sv": "på söndag kl. 9.00", "en": "9:00 on Sunday"}),
        (7, {"fi": "30.11.2026 klo 9.00", "sv": "den 30.11.2026 kl. 9.00", "en": "9:00 on 30 November 2026"}),
        (
            -1,
            {"fi": "22.11.2026 klo 9.00", "sv": "den 22.11.2026 kl. 9.00", "en": "9:00 on 22 November 2026"},
        ),
    ],
)
def test_a_moment_in_words(days: int, said: dict[str, str]) -> None:
    at = MONDAY.replace(hour=7) + timedelta(days=days)
    assert {lang: promise_words(TEXTS, lang, at, MONDAY, "Europe/Helsinki") for lang in SHIPPED} == said


def test_tomorrow_is_the_customers_tomorrow() -> None:
    at, now = datetime(2026, 11, 23, 21, 0, tzinfo=UTC), datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
    assert promise_words(TEXTS, "en", at, now, "Europe/Helsinki") == "23:00 today"
    # 17.00 UTC is 22.45 in Kathmandu, and 21.00 UTC is 2.45 there.
    own = promise_words(TEXTS, "en", at, now, "Europe/Helsinki", customer_zone="Asia/Kathmandu")
    assert own == "2:45 tomorrow (your local time)"
    # 18.45 UTC is 0.30 on Tuesday there: what is tomorrow for the team is today for the customer.
    own = promise_words(
        TEXTS, "en", at, now.replace(hour=18, minute=45), "Europe/Helsinki", customer_zone="Asia/Kathmandu"
    )
    assert own == "2:45 today (your local time)"


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "Europe", "/etc/passwd", "europe/helsinki\0", "x" * 5000]
)
def test_a_zone_that_is_none_is_ignored(zone: str) -> None:
    assert (
        promise_words(TEXTS, "fi", MONDAY, MONDAY, "Europe/Helsinki", customer_zone=zone)
        == "tänään klo 10.00"
    )


def test_the_zone_that_a_promise_is_said_in() -> None:
    made = Promise(reply_by=MONDAY, time_zone="Europe/Helsinki", opens_at=None)
    zones = ["Europe/Stockholm", "Europe/Tallinn", "", "Mars/Olympus"]
    assert [zone_said(made, zone) for zone in zones] == ["Europe/Stockholm", *["Europe/Helsinki"] * 3]


@pytest.mark.parametrize(
    ("minute", "second", "microsecond", "shown"),
    [
        (30, 0, 0, "30"),
        (30, 0, 1, "35"),
        (30, 1, 0, "35"),
        (31, 0, 0, "35"),
        (35, 0, 0, "35"),
        (59, 59, 0, "00"),
    ],
)
def test_what_is_shown_is_never_earlier(minute: int, second: int, microsecond: int, shown: str) -> None:
    at = MONDAY.replace(minute=minute, second=second, microsecond=microsecond)
    assert timedelta(0) <= rounded_up(at) - at < timedelta(minutes=5)
    assert promise_words(TEXTS, "fi", at, MONDAY, "Europe/Helsinki").endswith(f".{shown}")


def test_rounding_up_goes_into_the_next_day() -> None:
    at = datetime(2026, 11, 23, 21, 58, tzinfo=UTC)
    assert promise_words(TEXTS, "fi", at, MONDAY, "Europe/Helsinki") == "huomenna klo 0.00"


def test_a_promise_that_breaks_is_said_with_the_new_one() -> None:
    anew = Promise(reply_by=MONDAY.replace(hour=13), time_zone="Europe/Helsinki", opens_at=None)
    assert [late_sentence(TEXTS, lang, anew, MONDAY) for lang in SHIPPED] == [
        "Pahoittelut, emme ehdi vastata lupaamassamme ajassa. Saat vastauksen viimeistään tänään klo 15.00.",
        "Vi beklagar, men vi hinner inte svara inom den utlovade tiden. Du får svar senast i dag kl. 15.00.",
        "Sorry, we won't be able to reply by the time we promised. You'll get a reply by 15:00 today.",
    ]
    assert late_sentence(TEXTS, "fi", None, MONDAY) == (
        "Pahoittelut, emme ehdi vastata lupaamassamme ajassa. Vastaamme heti, kun voimme."
    )
    assert "14.00 (din lokala tid)" in late_sentence(
        TEXTS, "sv", anew, MONDAY, customer_zone="Europe/Stockholm"
    )


def test_a_closed_team_says_when_it_opens() -> None:
    evening = MONDAY.replace(hour=18)
    assert [closed_sentence(TEXTS, lang, OFFICE, evening) for lang in SHIPPED] == [
        "Asiakaspalvelumme on nyt suljettu. Se avataan huomenna klo 8.00.",
        "Vår kundtjänst är stängd just nu. Den öppnar i morgon kl. 8.00.",
        "Our customer service is closed right now. It opens at 8:00 tomorrow.",
    ]
    assert closed_sentence(TEXTS, "fi", OFFICE, MONDAY) == ""
    never = TEAMS.by_key["never"].hours
    assert closed_sentence(TEXTS, "fi", never, MONDAY) == "Asiakaspalvelumme on nyt suljettu."


def test_live_chat_is_offered_with_the_place_in_the_queue() -> None:
    assert [chat_sentence(TEXTS, lang, 3) for lang in SHIPPED] == [
        "Asiakaspalvelijamme vastaavat nyt chatissa. Paikkasi jonossa on 3.",
        "Våra kundrådgivare svarar nu i chatten. Din plats i kön är 3.",
        "Our team is answering in chat now. Your place in the queue is 3.",
    ]
    assert chat_sentence(TEXTS, "fi", 1).endswith("Olet jonossa seuraavana.")
    with pytest.raises(ValueError, match="begin with 1, and 0 was given"):
        chat_sentence(TEXTS, "fi", 0)


def replies(*minutes: int) -> list[tuple[datetime, datetime]]:
    return [(MONDAY, MONDAY + timedelta(minutes=count)) for count in minutes]


def test_nine_of_ten_replies_came_in_this_time() -> None:
    # Of 20 replies after 1, 2 ... 20 minutes, the 18th fastest took 18; of 21, rank ceil(18.9) = 19.
    assert slowest_reply(replies(*range(20, 0, -1)), OFFICE) == timedelta(minutes=18)
    assert slowest_reply(replies(*range(1, 22)), OFFICE) == timedelta(minutes=19)


def test_a_few_replies_say_nothing() -> None:
    assert slowest_reply(replies(*range(1, 20)), OFFICE) is None
    assert slowest_reply([], OFFICE) is None


def test_replies_are_timed_in_open_time() -> None:
    # From Friday 16.00 to Monday 9.00 in Helsinki: one hour on each day.
    friday = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    assert slowest_reply([(friday, MONDAY - timedelta(hours=1))] * 20, OFFICE) == timedelta(hours=2)
    # Answered at 20.00, after closing at 17.00: the clock stopped at 17.00.
    assert slowest_reply([(MONDAY, MONDAY.replace(hour=18))] * 20, OFFICE) == timedelta(hours=7)
    # Somebody wrote before the handoff was recorded: no time at all.
    assert slowest_reply([(MONDAY, MONDAY - timedelta(minutes=1))] * 20, OFFICE) == timedelta(0)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="has no time zone: pass an aware time"):
        promise(TEAMS.by_key["office"], datetime(2026, 11, 23, 8, 0))  # noqa: DTZ001 - that is the mistake


def test_the_same_promise_wherever_the_clock_stands() -> None:
    there = MONDAY.astimezone(ZoneInfo("America/New_York"))
    assert promise(TEAMS.by_key["office"], there) == promise(TEAMS.by_key["office"], MONDAY)
    hours = OpeningHours(zone=ZoneInfo("Europe/Helsinki"), weekly=parse_week({"mon-fri": "8-17"}))
    assert hours.is_open(there)
