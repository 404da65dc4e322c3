"""Webhooks against a real HTTP server: what arrives, how it is signed, what each answer means."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from standardwebhooks import Webhook, WebhookVerificationError

from botsvc.errors import Refused, Unreachable
from botsvc.mail_settings import WebhookSettings
from botsvc.outbox import Accepted, Acknowledged, OutboxPolicy, OutboxWorker
from botsvc.sinks.webhook import WebhookSink, event_type, signatures
from botsvc.storage import Storage, open_storage
from docs.examples.verify_webhook import NotFromHelppari, verify
from tests.integration.outbox_rows import NOW, add, document, handoff_delivery
from tests.integration.webhook_receiver import Answer, Receiver, receiving

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OLDER = "whsec_" + base64.b64encode(bytes(range(32, 64))).decode()
DELIVERY = handoff_delivery(1, sink="webhook-crm")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def sink(
    url: str,
    *,
    timeout_seconds: float = 5.0,
    previous: str = "",
    allow_http: bool = True,
    allow_private: bool = False,
    resolve: Callable[[str, int], Sequence[str]] | None = None,
    clock: Callable[[], datetime] = lambda: NOW,
) -> WebhookSink:
    settings = WebhookSettings(
        url=url,
        secret=SecretStr(SECRET),
        previous_secret=SecretStr(previous),
        timeout_seconds=timeout_seconds,
        allow_http=allow_http,
        allow_private=allow_private,
    )
    if resolve is None:
        return WebhookSink("webhook-crm", settings, clock=clock)
    return WebhookSink("webhook-crm", settings, clock=clock, resolve=resolve)


def test_the_whole_document_arrives_signed_with_the_deliverys_key(receiver: Receiver) -> None:
    assert sink(receiver.url).deliver(DELIVERY) == Accepted()
    (call,) = receiver.calls
    event = json.loads(call.body)
    assert event == {
        "type": "handoff.created",
        "timestamp": DELIVERY.payload["revised_at"],
        "data": DELIVERY.payload,
    }
    assert call.path == "/hook"
    assert call.headers["webhook-id"] == DELIVERY.key
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["content-type"] == "application/json"
    verified = verify([SECRET], call.headers, call.body, now=NOW.timestamp() + 60)
    assert verified == DELIVERY.key


def test_an_independent_library_verifies_ours_and_ours_verifies_its(receiver: Receiver) -> None:
    now = datetime.now(UTC)
    sink(receiver.url, previous=OLDER, clock=lambda: now).deliver(DELIVERY)
    (call,) = receiver.calls
    for secret in (SECRET, OLDER):
        assert Webhook(secret).verify(call.body, call.headers) == json.loads(call.body)
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(call.body.replace(b"korttini", b"kissani"), call.headers)
    theirs = Webhook(SECRET).sign("call_1", now, call.body.decode())
    assert theirs == signatures([SECRET], call_id="call_1", timestamp=int(now.timestamp()), body=call.body)
    headers = {
        "webhook-id": "call_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1a,abc {theirs}",
    }
    assert verify([OLDER, SECRET], headers, call.body, now=now.timestamp()) == "call_1"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,ääkkösiä"},
        {"webhook-signature": "nonsense"},
        {"webhook-id": ""},
        {"webhook-id": "another"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "²"},
    ],
)
def test_the_example_refuses_whatever_is_not_ours(change: dict[str, str]) -> None:
    body, timestamp = b"{}", int(NOW.timestamp())
    headers = {
        "webhook-id": "k",
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures([SECRET], call_id="k", timestamp=timestamp, body=body),
    }
    assert verify([SECRET], headers, body, now=timestamp) == "k"
    with pytest.raises(NotFromHelppari):
        verify([SECRET], headers | change, body, now=timestamp)
    with pytest.raises(NotFromHelppari):
        verify([OLDER], headers, body, now=timestamp)
    with pytest.raises(NotFromHelppari):
        verify([SECRET], headers, b"{} ", now=timestamp)


def test_the_example_runs_and_takes_each_call_once() -> None:
    example = subprocess.Popen(
        [sys.executable, "docs/examples/verify_webhook.py", "0"],
        cwd=ROOT,
        env={**os.environ, "WEBHOOK_SECRET": f"{OLDER} {SECRET}"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert example.stdout is not None
        port = int(example.stdout.readline().rsplit(" ", 1)[1])
        hook = sink(f"http://localhost:{port}/", clock=lambda: datetime.now(UTC))
        assert hook.deliver(DELIVERY) == Acknowledged()
        assert hook.deliver(DELIVERY) == Acknowledged()
        assert hook.deliver(handoff_delivery(2, sink="webhook-crm")) == Acknowledged()
        with pytest.raises(Refused, match="answered 401"):
            sink(f"http://localhost:{port}/").deliver(DELIVERY)  # signed long ago
        assert example.stdout.readline() == "handoff.created h_1 revision 1\n"
        assert example.stdout.readline() == "handoff.revised h_1 revision 2\n"
    finally:
        example.terminate()
        example.communicate(timeout=10)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (Answer(status=200), Accepted()),
        (Answer(status=200, body=b"<html>"), Accepted()),
        (Answer(status=202, body=b'{"acknowledged": false}'), Accepted()),
        (Answer(status=200, body=b'{"acknowledged": true}'), Acknowledged()),
        (Answer(status=204, headers=(("Helppari-Acknowledged", "true"),)), Acknowledged()),
        (Answer(status=200, body=b'{"acknow', misbehaves="break off"), Accepted()),
        (Answer(status=200, body=b"x" * 1_000_000), Accepted()),
    ],
)
def test_what_counts_as_accepted_and_as_acknowledged(
    receiver: Receiver, answer: Answer, result: object
) -> None:
    receiver.answers = [answer]
    assert sink(receiver.url).deliver(DELIVERY) == result


@pytest.mark.parametrize(
    ("status", "retry_after", "permanent", "wait"),
    [
        (410, "", True, 0),
        (400, "", False, 0),
        (404, "30", False, 0),
        (500, "", False, 0),
        (429, "30", False, 30),
        (503, format_datetime(NOW + timedelta(seconds=90), usegmt=True), False, 90),
        (503, format_datetime(NOW - timedelta(seconds=90), usegmt=True), False, 0),
        (429, "soon", False, 0),
    ],
)
def test_what_refusals_mean(
    receiver: Receiver, status: int, retry_after: str, permanent: bool, wait: float
) -> None:
    receiver.answers = [Answer(status=status, body=b"Matti", headers=(("Retry-After", retry_after),))]
    with pytest.raises(Refused) as caught:
        sink(receiver.url).deliver(DELIVERY)
    assert (caught.value.permanent, caught.value.retry_after) == (permanent, wait)
    assert str(caught.value) == f"127.0.0.1 answered {status}"


def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answers = [Answer(status=307, headers=(("Location", f"{receiver.url}/other"),))]
    with pytest.raises(Refused, match="answered 307 and redirects are not followed"):
        sink(receiver.url).deliver(DELIVERY)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize("misbehaves", ["stall", "drip"])
def test_the_whole_call_has_one_time_limit(receiver: Receiver, misbehaves: str) -> None:
    receiver.answers = [Answer(status=200, misbehaves="stall" if misbehaves == "stall" else "drip")]
    with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
        sink(receiver.url, timeout_seconds=0.3).deliver(DELIVERY)


def test_a_dropped_connection_and_a_closed_port(receiver: Receiver) -> None:
    receiver.answers = [Answer(misbehaves="drop")]
    with pytest.raises(Unreachable, match=r"the call to 127\.0\.0\.1 failed"):
        sink(receiver.url).deliver(DELIVERY)
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(Unreachable, match="ConnectError"):
            sink(f"http://127.0.0.1:{held.getsockname()[1]}/").deliver(DELIVERY)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.5",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:10.0.0.5",
        "224.0.0.1",
    ],
)
def test_a_public_name_in_a_private_network_is_not_called(receiver: Receiver, address: str) -> None:
    url = f"http://crm.example.com:{receiver.port}/"
    with pytest.raises(Refused, match=r"crm\.example\.com is in a private network: set allow_private"):
        sink(url, resolve=lambda host, port: [address]).deliver(DELIVERY)
    assert receiver.calls == []


def test_what_was_vetted_is_what_is_called(receiver: Receiver) -> None:
    asked: list[tuple[str, int]] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    url = f"http://crm.example.com:{receiver.port}/"
    assert sink(url, allow_private=True, resolve=resolve).deliver(DELIVERY) == Accepted()
    assert asked == [("crm.example.com", receiver.port)]
    assert receiver.calls[0].headers["host"] == f"crm.example.com:{receiver.port}"
    with pytest.raises(Unreachable, match="stands for no address"):
        sink("https://does-not-exist.invalid/").deliver(DELIVERY)


def test_types_of_events() -> None:
    types = [event_type(document(1)), event_type(document(4))]
    types += [event_type(document(2, state=state)) for state in ("withdrawn", "resolved", "unreachable")]
    assert types == [
        f"handoff.{name}" for name in ("created", "revised", "withdrawn", "resolved", "unreachable")
    ]


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.01)


def all_delivered(storage: Storage) -> bool:
    with storage.read() as reading:
        return {one.state for one in reading.deliveries_in(())} == {"delivered"}


def test_a_receiver_that_fails_in_every_way_still_gets_everything_in_order(tmp_path: Path) -> None:
    storage = open_storage(f"sqlite:///{tmp_path / 'outbox.sqlite'}")
    add(storage, *(handoff_delivery(place, sink="webhook-crm") for place in (1, 2, 3)))
    with ExitStack() as stack:
        held = stack.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        hook = sink(f"http://127.0.0.1:{port}/", timeout_seconds=0.5)
        worker = OutboxWorker(
            storage,
            {hook.name: hook},
            clock=lambda: datetime.now(UTC),
            rng=random.Random(3),
            policy=OutboxPolicy(first_wait=0.05, longest_wait=0.05, poll=0.02),
        )
        worker.start()
        with storage.read() as reading:
            first = reading.deliveries("c_1")[0]
        wait_until(lambda: _attempts(storage, first.id) >= 2)  # nobody listens
        held.close()
        receiver = stack.enter_context(receiving(port))
        receiver.answers = [
            Answer(status=500),
            Answer(misbehaves="drop"),
            Answer(misbehaves="stall"),
            Answer(status=200, body=b'{"acknowledged": true}'),
        ]
        wait_until(lambda: all_delivered(storage))
        worker.stop()
    keys = [call.headers["webhook-id"] for call in receiver.calls]
    assert keys[:4] == [first.key] * 4
    assert len({call.body for call in receiver.calls[:4]}) == 1
    # On a busy machine a call may also take too long and come again: the order is what is promised.
    assert list(dict.fromkeys(keys)) == [f"handoff:h_1:{place}:webhook-crm" for place in (1, 2, 3)]
    assert keys == sorted(keys)
    storage.close()


def _attempts(storage: Storage, delivery_id: str) -> int:
    with storage.read() as reading:
        found = reading.delivery(delivery_id)
    assert found is not None
    return found.attempts


KILLED = """
import os, random, signal, sys
from datetime import UTC, datetime
from pydantic import SecretStr
from botsvc.mail_settings import WebhookSettings
from botsvc.outbox import OutboxPolicy, OutboxWorker
from botsvc.sinks.webhook import WebhookSink
from botsvc.storage import open_existing_storage
url, database, secret = sys.argv[1:]
settings = WebhookSettings(url=url, secret=SecretStr(secret))
sink = WebhookSink("webhook-crm", settings, clock=lambda: datetime.now(UTC))
OutboxWorker(
    open_existing_storage(database), {sink.name: sink}, clock=lambda: datetime.now(UTC), rng=random.Random(1),
    policy=OutboxPolicy(lease=0.5),
    on_delivered=lambda delivery, result: os.kill(os.getpid(), signal.SIGKILL),
).run_once("webhook-crm")
"""


def test_a_kill_between_acceptance_and_settling_repeats_the_call_with_its_key(
    tmp_path: Path, receiver: Receiver
) -> None:
    database = f"sqlite:///{tmp_path / 'outbox.sqlite'}"
    storage = open_storage(database)
    add(storage, handoff_delivery(1, sink="webhook-crm"), handoff_delivery(2, sink="webhook-crm"))
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, receiver.url, database, SECRET], cwd=ROOT, check=False, timeout=60
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(receiver.calls) == 1
    hook = sink(receiver.url)
    worker = OutboxWorker(storage, {hook.name: hook}, clock=lambda: datetime.now(UTC), rng=random.Random(1))
    worker.start()
    wait_until(lambda: all_delivered(storage))
    worker.stop()
    keys = [call.headers["webhook-id"] for call in receiver.calls]
    assert keys == [f"handoff:h_1:{place}:webhook-crm" for place in (1, 1, 2)]
    assert receiver.calls[0].body == receiver.calls[1].body
    storage.close()
