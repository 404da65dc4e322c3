"""What every call passes on its way in and out: request id, limits of size and time, security headers.

Plain ASGI, because the path of ``/v1/ask`` must stay short.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from contextvars import ContextVar

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botsvc.problems import Problem, ProblemType

log = logging.getLogger(__name__)

#: Names the call being served, in logs and in problem documents.
request_id: ContextVar[str] = ContextVar("request_id", default="")

#: Only our own files, nothing inline: what an article or a customer writes can never run.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]


class Edge:
    """The outermost layer: headers on every response, and a problem document when all else fails."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        name = secrets.token_hex(8)
        token = request_id.set(name)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message["headers"])
                own = {key for key, _ in headers}
                headers += [(key, value) for key, value in _SECURITY if key not in own]
                if b"cache-control" not in own:
                    headers.append((b"cache-control", b"no-store"))
                headers.append((b"x-request-id", name.encode()))
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            # The customer gets no word of the exception: it may hold data or paths.
            log.exception("request %s failed: %s %s", name, scope["method"], scope["path"])
            if started:
                raise
            problem = Problem(
                ProblemType.INTERNAL, "The call could not be served: try again, or tell us the request's id."
            )
            await problem.response(name)(scope, receive, send_with_headers)
        finally:
            request_id.reset(token)


class BodyLimit:
    """Reads the whole body before anything parses it, within a size and a time."""

    def __init__(self, app: ASGIApp, *, limit: int, seconds: float) -> None:
        self.app = app
        self.limit = limit
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except Problem as problem:
            await problem.response(request_id.get())(scope, receive, send)
            return
        if body is None:
            return  # the client has gone
        delivered = False

        async def replay() -> Message:
            nonlocal delivered
            if delivered:
                return await receive()
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and (len(length) > 18 or int(length) > self.limit):
            raise self._too_large()
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self.seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    chunk = message.get("body", b"")
                    size += len(chunk)
                    if size > self.limit:
                        raise self._too_large()
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        return b"".join(chunks)
        except TimeoutError:
            detail = f"The body did not arrive within {self.seconds:g} s: send it again."
            raise Problem(ProblemType.TOO_SLOW, detail, headers={"Connection": "close"}) from None

    def _too_large(self) -> Problem:
        detail = f"The body has more than {self.limit} bytes: ask shorter."
        return Problem(ProblemType.TOO_LARGE, detail, headers={"Connection": "close"})
