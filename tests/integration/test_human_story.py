"""A request's way through bot and people, with the clock moved by hand; no browser, every call by HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from botsvc.human_tier import HumanTier
from botsvc.people import Resolution
from botsvc.staff import Availability, Profile, Staff
from botsvc.storage.records import StoredAgent
from botsvc.team_settings import TeamSettings
from tests.integration.help_center import Running, running
from tests.integration.test_conversations_api import Talk, talk

MONDAY = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)  # 12.00 in Helsinki


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MONDAY

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def web(tmp_path: Path, clock: Clock) -> Iterator[Running]:
    team = TeamSettings.model_validate(
        {
            "name": {"en": "Card service", "fi": "Korttipalvelu"},
            "languages": ["fi", "en"],
            "time_zone": "Europe/Helsinki",
            "hours": {"mon-fri": "8.00-17.00"},
            "reply_minutes": 60,
        }
    )
    with running(
        tmp_path, clock=clock, conversations={"token_hours": 24 * 30}, teams={"cards": team}
    ) as found:
        yield found


def tier(web: Running) -> HumanTier:
    found: HumanTier = web.client.app.state.service.tier  # type: ignore[attr-defined]
    return found


def hired(web: Running, clock: Clock, name: str = "Maija", **other: Any) -> StoredAgent:  # noqa: ANN401
    """Somebody at the card team's desk, there and free to chat."""
    service = web.client.app.state.service  # type: ignore[attr-defined]
    staff = Staff(service.storage, service.settings.desk, clock=clock)
    profile = Profile(
        email=f"{name.lower()}@example.com", name=name, teams=["cards"], languages=["en", "fi"], **other
    )
    agent = staff.add(profile, "a long pass phrase 1", by="console")
    staff.set_status(agent.id, Availability.AVAILABLE)
    staff.heartbeat(agent.id)
    clock.forward(seconds=6)  # the front desk looks again who is there
    return staff.person(agent.id)


def shown(here: Talk) -> list[tuple[str, str]]:
    return [(entry["author"], entry["text"]) for entry in here.transcript()["entries"]]


def test_nobody_is_there_so_nothing_is_said_to_be_passed_on(web: Running) -> None:
    here = talk(web, lang="en")
    said = here.post("handoff", {}).json()["said"]
    assert said.startswith("Your question has been saved, and you'll find our customer service contact")


def test_a_promise_needs_an_address(web: Running, clock: Clock) -> None:
    hired(web, clock)
    clock.forward(minutes=5)  # nobody is at the desk now
    here = talk(web, lang="en")
    body = here.say("human please, my card is gone")
    assert "passed your question to customer service" in body["said"]
    assert "reply by" not in body["said"]
    body = here.say("jane@customer.test")
    assert body["said"] == (
        "Thank you, we'll reply to those contact details if you're no longer here. "
        "You'll get a reply by 13:10 today."
    )
    with web.client.app.state.service.storage.read() as reading:  # type: ignore[attr-defined]
        (handoff,) = reading.handoffs()
    assert handoff.document["promise"] == {
        "reply_by": "2026-11-02T11:05:06Z",
        "time_zone": "Europe/Helsinki",
    }
    assert handoff.document["contact"]["email"] == "jane@customer.test"


def test_live_chat_is_offered_while_somebody_is_there(web: Running, clock: Clock) -> None:
    agent = hired(web, clock, room=1)
    first = talk(web, lang="en")
    assert "You're next in the queue." in first.say("human please")["said"]
    second = talk(web, lang="en")
    assert "queue" not in second.say("human please")["said"]  # there is room for one
    tier(web).people.take(first.id, agent)
    assert first.transcript()["owner"] == "agent"


def test_from_the_question_to_the_reopening(web: Running, clock: Clock) -> None:
    agent = hired(web, clock)
    people = tier(web).people
    here = talk(web, lang="en")
    assert here.say("my card is gone")["reply"]["outcome"] == "answered"
    here.post("feedback", {"helped": False})
    assert here.say("let me talk to a human")["reply"]["outcome"] == "handed_off"
    people.take(here.id, agent)
    people.say(here.id, agent, "Hello, I'll lock your card.", message_id="1")
    assert here.say("thank you, please do")["reply"] is None  # the bot is silent
    people.resolve(here.id, agent, Resolution.SOLVED)
    assert here.transcript()["owner"] == "nobody"

    clock.forward(minutes=10)
    body = here.say("yes, thanks")
    assert (body["owner"], body["reply"]["reason"]) == ("nobody", "thanks")

    clock.forward(minutes=50)
    body = here.say("when is the invoice due")
    assert (body["owner"], body["reply"]["outcome"], body["reply"]["reason"]) == (
        "queue",
        "handed_off",
        "reopened",
    )
    assert body["said"].startswith("I've reopened your request")
    with web.client.app.state.service.storage.read() as reading:  # type: ignore[attr-defined]
        (handoff,) = reading.handoffs()
    assert (handoff.state, handoff.agent, handoff.team, handoff.episode) == ("open", "", "cards", 1)
    people.resolve(here.id, agent, Resolution.SOLVED)

    clock.forward(days=7)
    body = here.say("when is the invoice due")
    assert (body["owner"], body["reply"]["outcome"]) == ("bot", "answered")
