"""The outer layer, driven by hand: what a client does that no well-behaved library would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from botsvc.edge import BodyLimit, Edge
from botsvc.problems import ProblemType


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def call(
    app: Any,  # noqa: ANN401 - an ASGI application
    chunks: list[bytes],
    *,
    method: str = "POST",
    headers: list[tuple[bytes, bytes]] | None = None,
    stall: bool = False,
    leaves: bool = False,
) -> list[Message]:
    """What the application sends for a body that comes in ``chunks`` (and then nothing, or an end)."""
    sent: list[Message] = []
    parts: Iterator[Message] = iter(
        {"type": "http.request", "body": chunk, "more_body": stall or leaves or place < len(chunks) - 1}
        for place, chunk in enumerate(chunks)
    )

    async def receive() -> Message:
        for message in parts:
            return message
        if leaves:
            return {"type": "http.disconnect"}
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/", "headers": headers or []}
    asyncio.run(app(scope, receive, send))
    return sent


def problem(sent: list[Message]) -> str:
    kind: str = json.loads(sent[1]["body"])["type"]
    return kind


LIMITED = Edge(BodyLimit(echo, limit=10, seconds=0.05))


def test_a_body_within_its_limits_arrives_whole() -> None:
    assert call(LIMITED, [b"12345", b"67890"])[1]["body"] == b"1234567890"
    assert call(LIMITED, [b""])[1]["body"] == b""


@pytest.mark.parametrize("length", [b"11", b"9" * 30])
def test_a_declared_length_is_believed_before_anything_is_read(length: bytes) -> None:
    assert problem(call(LIMITED, [], headers=[(b"content-length", length)])) == ProblemType.TOO_LARGE


@pytest.mark.parametrize("length", [b"3", b"-1", b"many", b"\xff"])
def test_a_body_longer_than_it_says_is_stopped(length: bytes) -> None:
    sent = call(LIMITED, [b"12345", b"678901"], headers=[(b"content-length", length)])
    assert problem(sent) == ProblemType.TOO_LARGE
    assert (b"connection", b"close") in sent[0]["headers"]


def test_a_body_that_does_not_come_is_given_up() -> None:
    assert problem(call(LIMITED, [b"123"], stall=True)) == ProblemType.TOO_SLOW


def test_a_client_that_leaves_gets_nothing() -> None:
    assert call(LIMITED, [b"123"], leaves=True) == []


def test_a_fault_after_the_response_began_is_not_papered_over() -> None:
    async def half(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        call(Edge(half), [b""])


def test_headers_that_a_response_sets_itself_are_left_alone() -> None:
    async def own(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    headers = call(Edge(own), [b""])[0]["headers"]
    assert [value for name, value in headers if name == b"cache-control"] == [b"no-cache"]
    assert [name for name, _ in headers].count(b"x-frame-options") == 1
