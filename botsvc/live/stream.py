"""Server-sent events over ASGI: written as they come, ended when the client is gone or reads too slowly.

FastAPI's ``EventSourceResponse`` and sse-starlette begin the answer before the generator has said whether
there is one, and neither gives up on a client that has stopped reading; so the few lines are here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

MEDIA_TYPE = "text/event-stream"
#: How long the client may take to read what it was sent before the stream ends.
SEND_SECONDS = 30.0
#: Keeps proxies and phones from ending an idle connection.
HEARTBEAT = b": still here\n\n"

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events back until it has some kilobytes
}


def event(name: str, data: Mapping[str, object], *, sequence: int | None = None) -> bytes:
    """One event; only those with a ``sequence`` are replayed after it."""
    # JSON holds no line break, which would end the field.
    lines = [f"event: {name}", f"data: {json.dumps(data, ensure_ascii=False)}"]
    if sequence is not None:
        lines.insert(0, f"id: {sequence}")
    return ("\n".join(lines) + "\n\n").encode("utf-8", "replace")


def retry(milliseconds: int) -> bytes:
    """When the client should come back after the stream has ended."""
    return f"retry: {milliseconds}\n\n".encode()


class EventStream(Response):
    """The response; ``content`` is closed however it ends."""

    media_type = MEDIA_TYPE

    def __init__(self, content: AsyncIterator[bytes]) -> None:
        super().__init__(None, 200, headers=_HEADERS)
        self._content = content

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Without a length, which nobody knows."""
        super().init_headers(headers)
        self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until they end or the client is gone."""
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(send))
            watching = tasks.create_task(_gone(receive))
            await asyncio.wait((writing, watching), return_when=asyncio.FIRST_COMPLETED)
            writing.cancel()
            watching.cancel()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with suppress(OSError):  # the client has gone
            async with aclosing(self._content) as parts:  # type: ignore[type-var]  # generators are closed
                async for part in parts:
                    try:
                        async with asyncio.timeout(SEND_SECONDS):
                            await send({"type": "http.response.body", "body": part, "more_body": True})
                    except TimeoutError:
                        log.info("a stream of events was ended: its client has stopped reading")
                        return
            await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
