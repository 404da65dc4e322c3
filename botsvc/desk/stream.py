"""The stream that tells an open page that it should look again; the page asks for what is new itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from botsvc.desk.guard import session_of
from botsvc.desk.rendering import PRIVATE, Desk
from botsvc.errors import StorageError
from botsvc.live.stream import HEARTBEAT, EventStream, event, retry
from botsvc.problems import Problem

#: How often a quiet stream says that it lives.
QUIET_SECONDS = 15.0
#: What happens within this time after news is told together.
REST_SECONDS = 0.3
#: After so many quiet times the session is looked at again.
_CHECK_EVERY = 4


async def stream_endpoint(desk: Desk, request: Request) -> Response:
    """Server-sent events ``news`` for one conversation (``?c=``), or for the whole desk."""
    try:
        session = await desk.service.work.run(partial(session_of, desk, request, used=False))
    except (Problem, StorageError):
        return Response(status_code=503, headers=dict(PRIVATE))
    if session is None:
        # 204 tells the browser's EventSource not to come back.
        return Response(status_code=204, headers=dict(PRIVATE))
    return EventStream(_told(desk, request))


async def _told(desk: Desk, request: Request) -> AsyncIterator[bytes]:
    conversation_id = request.query_params.get("c", "")[:60]
    hub = desk.service.hub
    found = hub.subscribe(conversation_id) if conversation_id else hub.subscribe_desk()
    quiet = 0
    with found as subscription:
        yield retry(3_000)
        while not subscription.closed:
            wake = await subscription.wait(QUIET_SECONDS)
            if subscription.closed:
                return
            if wake is not None:
                yield event("news", {})
                await asyncio.sleep(REST_SECONDS)
                continue
            quiet += 1
            if quiet % _CHECK_EVERY == 0 and not await _still_signed_in(desk, request):
                return
            yield HEARTBEAT


async def _still_signed_in(desk: Desk, request: Request) -> bool:
    try:
        return await desk.service.work.run(partial(session_of, desk, request, used=False)) is not None
    except (Problem, StorageError):
        return True
