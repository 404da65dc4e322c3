"""What a customer is told when one of several outside systems will never take the request."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from botsvc.arrivals import Arrivals
from botsvc.mail_settings import WebhookSettings
from tests.integration.help_center import Running, running
from tests.integration.test_conversations_api import Talk, talk
from tests.integration.webhook_receiver import Answer, Receiver, receiving

SECRET = SecretStr("whsec_" + base64.b64encode(bytes(32)).decode())
GONE = [Answer(status=410)]
TOLD = "We can't get through to customer service right now"


def hook(receiver: Receiver) -> WebhookSettings:
    return WebhookSettings(url=receiver.url, secret=SECRET, timeout_seconds=5)


def states(web: Running) -> dict[str, str]:
    """Sink -> state of the only delivery to it, once none of them waits."""
    storage = web.client.app.state.service.storage  # type: ignore[attr-defined]
    for _ in range(500):
        with storage.read() as reading:
            found = {one.sink: one.state for one in reading.deliveries_in(())}
        if len(found) == 2 and "pending" not in found.values():
            return found
        time.sleep(0.02)
    raise AssertionError(f"still waiting: {found}")


def told_in(here: Talk) -> int:
    return sum(TOLD in entry["text"] for entry in here.transcript()["entries"])


@pytest.mark.parametrize(("crm_is_gone", "told"), [(False, 0), (True, 1)])
def test_customers_hear_of_a_dead_system_only_when_no_other_has_their_request(
    tmp_path: Path, crm_is_gone: bool, told: int
) -> None:
    with receiving() as crm, receiving() as tickets:
        tickets.answers = GONE
        if crm_is_gone:
            crm.answers = GONE
        hooks = {"crm": hook(crm), "tickets": hook(tickets)}
        with running(tmp_path, sinks={"webhook": hooks}) as web:
            here = talk(web, lang="en")
            here.say("human please")
            assert states(web) == {
                "webhook-crm": "dead" if crm_is_gone else "delivered",
                "webhook-tickets": "dead",
            }
            until = time.monotonic() + 5  # it is said after the delivery is settled
            while told_in(here) < told and time.monotonic() < until:
                time.sleep(0.02)
            time.sleep(0.3)
            assert told_in(here) == told


def test_a_kill_before_the_telling_leaves_nobody_untold_and_nobody_told_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as tickets:
        tickets.answers = GONE
        sinks = {"webhook": {"tickets": hook(tickets)}}
        with monkeypatch.context() as patch:
            # The process ends between the two steps: what follows the first is never run.
            patch.setattr(Arrivals, "dead", lambda *_: None)
            with running(tmp_path, sinks=sinks) as web:
                here = talk(web, lang="en")
                here.say("human please")
                until = time.monotonic() + 10
                while states_of(web) != ["dead"] and time.monotonic() < until:
                    time.sleep(0.02)
                assert told_in(here) == 0
        for _ in range(2):
            with running(tmp_path, sinks=sinks) as web:
                here = replace(here, client=web.client)
                until = time.monotonic() + 10
                while not told_in(here) and time.monotonic() < until:
                    time.sleep(0.02)
                assert told_in(here) == 1


def states_of(web: Running) -> list[str]:
    storage = web.client.app.state.service.storage  # type: ignore[attr-defined]
    with storage.read() as reading:
        return [one.state for one in reading.deliveries_in(())]
