"""What customers are told while the only people there are cannot be reached; the clock is moved by hand."""

from __future__ import annotations

import base64
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from botsvc.mail_settings import WebhookSettings
from botsvc.team_settings import TeamSettings
from tests.integration.handoffs import add_agent, service_of
from tests.integration.help_center import Running, running
from tests.integration.test_conversations_api import talk
from tests.integration.webhook_receiver import receiving

SECRET = SecretStr("whsec_" + base64.b64encode(bytes(32)).decode())
TEAMS = {
    "cards": TeamSettings(
        name={"en": "Card team"}, hours={"mon-sun": "0-24"}, time_zone="Europe/Helsinki", reply_minutes=60
    )
}
ROUTING = {"default": "cards"}
PASSED = "I've passed your question to customer service."
SAVED = "Your question has been saved"


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port() -> int:
    """Where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def web(tmp_path: Path, clock: Clock, port: int) -> Iterator[Running]:
    hook = WebhookSettings(url=f"http://127.0.0.1:{port}/hook", secret=SECRET, timeout_seconds=5)
    with running(
        tmp_path, clock=clock, sinks={"webhook": {"crm": hook}}, teams=TEAMS, routing=ROUTING
    ) as found:
        yield found


def wait_for(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not done():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def states(web: Running) -> list[tuple[str, bool]]:
    """State of each delivery, and whether it has been tried."""
    storage = service_of(web).storage
    assert storage is not None
    with storage.read() as reading:
        return [(one.state, one.attempts > 0) for one in reading.deliveries_in(())]


def test_nothing_is_said_to_be_passed_on_while_it_cannot_be(web: Running, clock: Clock, port: int) -> None:
    assert PASSED in talk(web, lang="en").say("human please")["said"]  # nobody knows better yet
    wait_for(lambda: states(web) == [("pending", True)])
    clock.forward(seconds=70)
    here = talk(web, lang="en")
    said = here.say("human please")["said"]
    assert SAVED in said
    assert PASSED not in said
    assert "reply by" not in here.say("my number is 040 123 4567")["said"]
    with receiving(port):
        clock.forward(minutes=20)
        wait_for(lambda: {state for state, _ in states(web)} == {"delivered"})
        clock.forward(seconds=6)  # who is there is looked at every five
        here = talk(web, lang="en")
        assert PASSED in here.say("human please")["said"]
        assert "reply by" in here.say("my number is 040 123 4567")["said"]


def test_people_at_the_desk_see_it_anyway(web: Running, clock: Clock) -> None:
    add_agent(service_of(web), clock(), present=False)
    talk(web, lang="en").say("human please")
    wait_for(lambda: states(web) == [("pending", True)])
    clock.forward(seconds=70)
    assert PASSED in talk(web, lang="en").say("human please")["said"]
