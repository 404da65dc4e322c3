"""``/v1/conversations/{id}/events``: what happens in a conversation, as it happens; nothing lost or twice.

The store is the only source: the hub says when to read it again. Whoever comes back names the last event
they have, and gets what came after.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response

from botsvc.episode import Owner
from botsvc.errors import ConversationError, StorageError
from botsvc.events import Event
from botsvc.live import CUSTOMER_ACTOR, Signal, Subscription
from botsvc.live.hub import LASTS
from botsvc.live.stream import HEARTBEAT, MEDIA_TYPE, EventStream, event, retry
from botsvc.problems import Problem, ProblemType, declared
from botsvc.routes.admission import ADMISSION, ConversationPath, Token
from botsvc.schemas import EventsPage, SignalBody
from botsvc.service import Service

#: Seconds between signs of life of an idle stream.
HEARTBEAT_SECONDS = 15.0
#: How often signals are looked at while there are some, so that their end is told.
_SIGNAL_SECONDS = 2.0
#: Events read at a time.
BATCH = 200
#: When a client comes back: after a break, and after the service has stopped.
_RETRY, _RETRY_AFTER_STOP = 2_000, 1_000
LONGEST_WAIT = 25
_HIGHEST = 2_147_483_647

_PROBLEMS = (
    *ADMISSION,
    ProblemType.INVALID_REQUEST,
    ProblemType.STORAGE_UNAVAILABLE,
    ProblemType.RATE_LIMITED,
)
_STREAM_DOC: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events after the one named: as JSON, or as a stream that goes on.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}
After = Annotated[int, Query(ge=0, le=_HIGHEST, description="Only events with a higher sequence.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What the store had."""

    events: tuple[Event, ...]
    expires_at: datetime
    owner: Owner

    @property
    def full(self) -> bool:
        return len(self.events) >= BATCH


@dataclass(slots=True, kw_only=True)
class _Follower:
    """One client following a conversation."""

    service: Service
    conversation_id: str
    token: str | None
    after: int
    shown: tuple[SignalBody, ...] = field(default=())

    async def look(self) -> _Look:
        """What is new; raises as every call does when the token is not, or no longer, right."""
        read = await self.service.work.run(
            lambda: self.service.conversations.news(
                self.conversation_id, self.token, after=self.after, limit=BATCH
            )
        )
        self.after = max(self.after, *(one.sequence for one in read.events), 0)
        return _Look(events=read.events, expires_at=read.conversation.expires_at, owner=read.owner)

    def signals(self) -> tuple[SignalBody, ...]:
        """What people do right now, without their ids."""
        return tuple(
            _signal_body(one) for one in self.service.hub.signals(self.conversation_id) if _public(one)
        )


def events_router(service: Service) -> APIRouter:
    """The calls that follow a conversation."""
    router = APIRouter(prefix="/v1/conversations", tags=["conversations"])

    @router.get(
        "/{conversation_id}/events",
        response_model=EventsPage,
        responses={**_STREAM_DOC, **declared(*_PROBLEMS)},
        operation_id="follow_conversation",
    )
    async def follow(
        request: Request,
        conversation_id: ConversationPath,
        token: Token,
        after: After = 0,
        wait: Annotated[
            int, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for news; not for streams.")
        ] = 0,
        last_event_id: Annotated[
            int | None, Header(ge=0, le=_HIGHEST, description="As ``after``, and before it.")
        ] = None,
    ) -> Response:
        """Follow the conversation: a stream with `Accept: text/event-stream`, else one page of JSON."""
        follower = _Follower(
            service=service,
            conversation_id=conversation_id,
            token=token,
            after=last_event_id if last_event_id is not None else after,
        )
        network = service.network(request)
        if MEDIA_TYPE not in request.headers.get("accept", ""):
            service.polls.take(conversation_id, "This conversation is asked for news too often")
            return await _page(follower, wait, network)
        _seat(service, conversation_id, network)
        first = await follower.look()  # before the answer begins: a wrong token is a problem document
        return EventStream(_streamed(follower, first, network))

    return router


async def _streamed(follower: _Follower, look: _Look, network: str) -> AsyncIterator[bytes]:
    """The stream's parts, from what the first look found."""
    service, name = follower.service, follower.conversation_id
    with ExitStack() as held:
        held.enter_context(service.streams.taken(name))
        held.enter_context(service.network_streams.taken(network))
        held.enter_context(service.attendance.present(name))
        subscription = held.enter_context(service.hub.subscribe(name))
        yield retry(_RETRY)
        yield _written(look.events)
        # Subscribed after the first look: what came between is found by looking once more.
        stale, told_at = True, time.monotonic()
        while not subscription.closed:
            if stale or look.full:
                try:
                    look = await follower.look()
                except (ConversationError, StorageError, Problem):
                    break  # the token has ended, or nothing can be read: the client's next call is told
            if part := _written(look.events) + _signals(follower):
                yield part
                told_at = time.monotonic()
            elif time.monotonic() - told_at >= HEARTBEAT_SECONDS:
                yield HEARTBEAT
                told_at = time.monotonic()
            if look.full:
                continue
            stale = await _news(subscription, follower, told_at)
            stale = stale or service.clock() >= look.expires_at
            look = _Look(events=(), expires_at=look.expires_at, owner=look.owner)
        yield retry(_RETRY_AFTER_STOP if subscription.closed else _RETRY)


async def _news(subscription: Subscription, follower: _Follower, told_at: float) -> bool:
    """Wait for something to tell; whether the store has to be read."""
    left = max(0.0, HEARTBEAT_SECONDS - (time.monotonic() - told_at))
    wake = await subscription.wait(min(left, _SIGNAL_SECONDS) if follower.shown else left)
    return wake is not None and bool(wake.conversations or wake.lost)


async def _page(follower: _Follower, wait: int, network: str) -> JSONResponse:
    """One page of news, waited for if there are none."""
    service, name = follower.service, follower.conversation_id
    asked_after = follower.after
    if not wait:
        look = await follower.look()
    else:
        _seat(service, name, network)
        with ExitStack() as held:
            held.enter_context(service.streams.taken(name))
            held.enter_context(service.network_streams.taken(network))
            subscription = held.enter_context(service.hub.subscribe(name))
            before, until = follower.signals(), asyncio.get_running_loop().time() + wait
            look = await follower.look()
            while not _written(look.events) and follower.signals() == before and not subscription.closed:
                left = until - asyncio.get_running_loop().time()
                if left <= 0:
                    break
                if await subscription.wait(min(left, _SIGNAL_SECONDS) if before else left):
                    look = await follower.look()
    service.attendance.asked(name)
    # As the stream writes them: ``EventsPage`` describes it, and nothing is written twice in two ways.
    return JSONResponse(
        {
            "conversation_id": name,
            "owner": look.owner.value,
            "events": _public_events(look.events),
            "next": max(asked_after, follower.after),
            "more": look.full,
            "signals": [one.model_dump() for one in follower.signals()],
            "expires_at": look.expires_at.isoformat(),
        }
    )


def _seat(service: Service, conversation_id: str, network: str) -> None:
    """Raise the problem where there are too many streams already."""
    for seats, key, who in (
        (service.streams, conversation_id, "This conversation"),
        (service.network_streams, network, "This network"),
    ):
        if not seats.free(key):
            raise Problem(
                ProblemType.RATE_LIMITED,
                f"{who} follows events too many times at once: close one, or ask without waiting.",
                headers={"Retry-After": "10"},
            )


def _public_events(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [public for one in events if (public := one.public_json()) is not None]


def _written(events: Sequence[Event]) -> bytes:
    return b"".join(event(one["type"], one, sequence=one["sequence"]) for one in _public_events(events))


def _signals(follower: _Follower) -> bytes:
    """What people do now, where that has changed since it was told."""
    now = follower.signals()
    if now == follower.shown:
        return b""
    follower.shown = now
    return event("signal", {"signals": [one.model_dump() for one in now]})


def _public(signal: Signal) -> bool:
    return signal.actor != CUSTOMER_ACTOR


def _signal_body(signal: Signal) -> SignalBody:
    return SignalBody(kind=signal.kind, name=signal.name, seconds=int(LASTS[signal.kind]))
