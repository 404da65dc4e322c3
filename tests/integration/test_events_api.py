"""Following a conversation over the API: pages in process, streams from a real server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.types import Message

from botsvc.live import CUSTOMER_ACTOR, Signal, SignalKind
from botsvc.live import stream as streams
from botsvc.live.attendance import Attendance, Seats, bring
from botsvc.routes import events
from tests.integration.handoffs import TEAMS, Customer, add_agent, service_of
from tests.integration.help_center import Running, running

#: Only a failure takes so long.
LONG = 15.0


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 4, 10, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("events"), clock=clock, teams=TEAMS) as found:
        add_agent(service_of(found), clock.now, present=False)
        yield found


@pytest.fixture
def customer(web: Running) -> Customer:
    return Customer.arrives(web)


class TestPages:
    def test_a_page_goes_on_where_the_last_one_ended(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        page = customer.news()
        sequences = [event["sequence"] for event in page["events"]]
        assert sequences == sorted(set(sequences))
        assert page["next"] >= sequences[-1]
        assert page["more"] is False
        middle = sequences[2]
        later = customer.news(after=middle)
        assert [event["sequence"] for event in later["events"]] == sequences[3:]
        assert customer.news(after=page["next"])["events"] == []

    def test_hidden_events_are_passed_over_and_not_asked_for_again(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        service = service_of(customer.web)
        agent = add_agent(service, service.clock(), present=False)
        service.tier.people.take(customer.id, agent)
        seen = customer.news()["next"]
        hidden = service.tier.people.note(customer.id, agent, "difficult customer")
        page = customer.news(after=seen)
        assert page["events"] == []
        assert page["next"] == hidden
        assert agent.id not in json.dumps(customer.news())

    def test_long_polling_ends_with_the_news(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        seen = customer.news()["next"]
        found: list[dict[str, Any]] = []
        waiting = threading.Thread(target=lambda: found.append(customer.news(after=seen, wait=25)))
        waiting.start()
        hub = service_of(customer.web).hub
        until = time.monotonic() + LONG
        while not hub.following(customer.id) and time.monotonic() < until:
            time.sleep(0.01)
        customer.says("hello")
        waiting.join(LONG)
        assert not waiting.is_alive()
        assert found[0]["events"][0]["type"] == "customer_message"

    def test_waiting_in_vain_ends_in_time(self, customer: Customer) -> None:
        customer.says("hello")
        page = customer.news(after=customer.news()["next"], wait=1)
        assert page["events"] == []

    def test_signals_of_people_are_told_without_their_ids_and_never_the_customer_s_own(
        self, customer: Customer
    ) -> None:
        hub = service_of(customer.web).hub
        hub.signal(customer.id, Signal(kind=SignalKind.TYPING, actor="a_aino", name="Aino"))
        assert customer.post("typing").status_code == 204
        assert Signal(kind=SignalKind.TYPING, actor=CUSTOMER_ACTOR) in hub.signals(customer.id)
        assert customer.news()["signals"] == [{"kind": "typing", "name": "Aino", "seconds": 6}]
        assert customer.post("typing", typing=False).status_code == 204
        assert [one.actor for one in hub.signals(customer.id)] == ["a_aino"]

    def test_the_store_learns_who_is_connected(self, customer: Customer, clock: Clock) -> None:
        service = service_of(customer.web)
        storage = service.storage
        assert storage is not None
        customer.says("hello")
        service.attendance.take()
        clock.now += timedelta(minutes=10)
        assert bring(service.attendance, storage, clock.now) == 0
        customer.news()
        assert bring(service.attendance, storage, clock.now) == 1
        with storage.read() as reading:
            found = reading.conversation(customer.id)
        assert found is not None
        assert found.seen_at == clock.now

    @pytest.mark.parametrize("after", ["-1", "x", str(2**31), ""])
    def test_a_place_that_cannot_be_is_refused(self, customer: Customer, after: str) -> None:
        url = f"/v1/conversations/{customer.id}/events"
        answer = customer.web.client.get(url, params={"after": after}, headers=customer.headers)
        assert answer.status_code == 422
        answer = customer.web.client.get(url, headers={**customer.headers, "last-event-id": after})
        assert answer.status_code == 422

    @pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
    def test_the_token_counts_in_the_header_alone(self, customer: Customer, accept: str) -> None:
        url = f"/v1/conversations/{customer.id}/events"
        headers = {"accept": accept}
        for address in (url, f"{url}?token={customer.token}", f"{url}?access_token={customer.token}"):
            answer = customer.web.client.get(address, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
        other = Customer.arrives(customer.web)
        assert customer.web.client.get(url, headers={**headers, **other.headers}).status_code == 403

    def test_an_expired_token_opens_nothing(self, customer: Customer, clock: Clock) -> None:
        clock.now += timedelta(hours=73)
        url = f"/v1/conversations/{customer.id}/events"
        for accept in ("application/json", "text/event-stream"):
            headers = {**customer.headers, "accept": accept}
            assert customer.web.client.get(url, headers=headers).status_code == 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event of a stream."""

    name: str
    id: int | None
    data: dict[str, Any]


def parse(lines: Iterator[str]) -> Iterator[Told]:
    """The events of a stream, as a browser reads them; ``retry`` and comments have no event."""
    fields: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in fields:
                number = int(fields["id"]) if "id" in fields else None
                yield Told(name=fields["event"], id=number, data=json.loads(fields["data"]))
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


@contextmanager
def served(web: Running) -> Iterator[tuple[str, uvicorn.Server]]:
    """The application on a real port, in a thread."""
    config = uvicorn.Config(
        web.client.app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=3
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + LONG
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", server
    finally:
        server.should_exit = True
        thread.join(LONG)


@contextmanager
def stream(address: str, customer: Customer, after: int | None = None) -> Iterator[Iterator[Told]]:
    headers = {**customer.headers, "accept": "text/event-stream"}
    if after is not None:
        headers["last-event-id"] = str(after)
    with (
        httpx.Client(timeout=LONG) as client,
        client.stream("GET", f"{address}/v1/conversations/{customer.id}/events", headers=headers) as answer,
    ):
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["x-accel-buffering"] == "no"
        assert answer.headers["cache-control"] == "no-store"
        yield parse(answer.iter_lines())


def until_named(told: Iterator[Told], name: str) -> list[Told]:
    """Everything up to the first event of this name."""
    found = []
    for one in told:
        found.append(one)
        if one.name == name:
            return found
    raise AssertionError(f"the stream ended without {name}: {[one.name for one in found]}")


class TestStreams:
    def test_replay_then_live_in_order_without_gaps_or_repeats(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        with served(customer.web) as (address, _), stream(address, customer) as told:
            first = until_named(told, "bot_replied")
            customer.asks_for_a_person()
            second = until_named(told, "handoff_created")
            ids = [one.id for one in (*first, *second)]
            stored = customer.news()["events"][: len(ids)]
            assert ids == [event["sequence"] for event in stored]
            assert [one.data for one in (*first, *second)] == stored

    def test_who_comes_back_gets_what_was_missed(self, customer: Customer) -> None:
        with served(customer.web) as (address, _):
            customer.says("when is the invoice due")
            with stream(address, customer) as told:
                last = until_named(told, "bot_replied")[-1].id
            customer.says("hello")
            with stream(address, customer, after=last) as told:
                missed = until_named(told, "bot_replied")
            assert last is not None
            assert [one.id for one in missed] == [
                event["sequence"] for event in customer.news(after=last)["events"]
            ][: len(missed)]

    def test_two_browsers_get_the_same(self, customer: Customer) -> None:
        with (
            served(customer.web) as (address, _),
            stream(address, customer) as one,
            stream(address, customer) as two,
        ):
            customer.says("when is the invoice due")
            assert until_named(one, "bot_replied") == until_named(two, "bot_replied")

    def test_typing_is_told_and_its_end_too(self, customer: Customer) -> None:
        hub = service_of(customer.web).hub
        typing = Signal(kind=SignalKind.TYPING, actor="a_aino", name="Aino")
        with served(customer.web) as (address, _), stream(address, customer) as told:
            until_named(told, "conversation_started")
            hub.signal(customer.id, typing)
            began = until_named(told, "signal")[-1]
            hub.signal(customer.id, typing, on=False)
            ended = until_named(told, "signal")[-1]
            assert began.id is None
            assert began.data == {"signals": [{"kind": "typing", "name": "Aino", "seconds": 6}]}
            assert ended.data == {"signals": []}

    def test_a_full_batch_is_followed_by_the_rest(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "BATCH", 2)
        customer.asks_for_a_person()
        expected = [event["sequence"] for event in customer.news()["events"]]
        assert len(expected) == 2, "pages are cut too"
        monkeypatch.setattr(events, "BATCH", 200)
        expected = [event["sequence"] for event in customer.news()["events"]]
        monkeypatch.setattr(events, "BATCH", 2)
        with served(customer.web) as (address, _), stream(address, customer) as told:
            found = [next(told).id for _ in expected]
        assert found == expected

    def test_the_end_of_the_token_ends_the_stream(self, customer: Customer, clock: Clock) -> None:
        with served(customer.web) as (address, _), stream(address, customer) as told:
            until_named(told, "conversation_started")
            clock.now += timedelta(hours=73)
            service_of(customer.web).hub.look_again([customer.id])
            assert list(told) == []

    def test_too_many_streams_are_refused_with_a_hint(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        service = service_of(customer.web)
        monkeypatch.setattr(service, "streams", Seats(1))
        with served(customer.web) as (address, _):
            url = f"{address}/v1/conversations/{customer.id}/events"
            headers = {**customer.headers, "accept": "text/event-stream"}
            with stream(address, customer) as told:
                until_named(told, "conversation_started")
                refused = httpx.get(url, headers=headers, timeout=LONG)
                assert refused.status_code == 429
                assert refused.headers["retry-after"]
            until = time.monotonic() + LONG
            while not service.streams.free(customer.id) and time.monotonic() < until:
                time.sleep(0.01)
            with stream(address, customer) as told:
                until_named(told, "conversation_started")

    def test_who_leaves_is_forgotten_at_once(self, customer: Customer) -> None:
        service = service_of(customer.web)
        with served(customer.web) as (address, _):
            with stream(address, customer) as told:
                until_named(told, "conversation_started")
                assert service.hub.following(customer.id) == 1
                assert customer.id in service.attendance.take()
            until = time.monotonic() + LONG
            while service.hub.following(customer.id) and time.monotonic() < until:
                time.sleep(0.01)
            assert service.hub.following(customer.id) == 0
            service.attendance.take()
            assert customer.id not in service.attendance.take()

    def test_an_idle_stream_shows_that_it_lives(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.2)
        headers = {**customer.headers, "accept": "text/event-stream"}
        with (
            served(customer.web) as (address, _),
            httpx.Client(timeout=LONG) as client,
            client.stream("GET", f"{address}/v1/conversations/{customer.id}/events", headers=headers) as told,
        ):
            assert any(line.startswith(":") for line in told.iter_lines())

    def test_closing_the_hub_ends_streams_with_a_hint_to_come_back(
        self, tmp_path: Path, clock: Clock
    ) -> None:
        with running(tmp_path, clock=clock) as own:
            self._ends_with_a_hint(Customer.arrives(own))

    def _ends_with_a_hint(self, customer: Customer) -> None:
        headers = {**customer.headers, "accept": "text/event-stream"}
        with (
            served(customer.web) as (address, _),
            httpx.Client(timeout=LONG) as client,
            client.stream("GET", f"{address}/v1/conversations/{customer.id}/events", headers=headers) as told,
        ):
            lines = told.iter_lines()
            assert next(lines).startswith("retry: ")
            service_of(customer.web).hub.close()
            assert [line for line in lines if line][-1].startswith("retry: ")

    def test_a_reader_that_reads_nothing_is_let_go(
        self, customer: Customer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(streams, "SEND_SECONDS", 0.3)

        async def scenario() -> list[str]:
            closed: list[str] = []

            async def endless() -> AsyncIterator[bytes]:
                try:
                    while True:
                        yield b": x\n\n"
                finally:
                    closed.append("closed")

            async def stuck(message: Message) -> None:
                if message["type"] == "http.response.body":
                    await asyncio.sleep(LONG * 10)

            async def silent() -> Message:
                await asyncio.sleep(LONG * 10)
                return {}

            response = streams.EventStream(endless())
            await asyncio.wait_for(response({"type": "http"}, silent, stuck), LONG)
            return closed

        assert asyncio.run(scenario()) == ["closed"]

    def test_idle_streams_are_cheap(self, web: Running, monkeypatch: pytest.MonkeyPatch) -> None:
        """Hundreds of idle ones cost nobody anything: no look at the store until something happens."""
        service = service_of(web)
        customers = [Customer.arrives(web) for _ in range(100)]
        looks = 0
        look = events._Follower.look

        async def counted(follower: events._Follower) -> events._Look:
            nonlocal looks
            looks += 1
            return await look(follower)

        monkeypatch.setattr(events._Follower, "look", counted)

        async def scenario() -> None:
            generators = []
            for one in customers:
                follower = events._Follower(service=service, conversation_id=one.id, token=one.token, after=0)
                generator = events._streamed(follower, await follower.look(), "n")
                generators.append(generator)
                await anext(generator)  # retry
                await anext(generator)  # replay
            tasks = [asyncio.ensure_future(anext(one)) for one in generators]
            await asyncio.sleep(0.3)
            before = looks
            await asyncio.sleep(0.5)
            assert looks == before
            await asyncio.to_thread(customers[7].says, "hello")
            await asyncio.wait_for(tasks[7], LONG)
            assert looks - before <= 2
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(scenario())


def test_attendance_counts_until_the_last_stream_is_gone() -> None:
    attendance = Attendance()
    with attendance.present("c_a"):
        with attendance.present("c_a"):
            pass
        assert attendance.take() == ("c_a",)
        assert attendance.take() == ("c_a",)
    assert attendance.take() == ("c_a",), "it was there until now"
    assert attendance.take() == ()
