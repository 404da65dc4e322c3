"""Webhooks: handoffs as signed calls to an outside system, by Standard Webhooks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx

from botsvc.errors import Refused, Unreachable
from botsvc.mail_settings import WebhookSettings, is_loopback
from botsvc.sinks.protocol import Accepted, Acknowledged, Delivered
from botsvc.storage.records import Delivery

ACKNOWLEDGED_HEADER = "helppari-acknowledged"
MOST_REPLY_BYTES = 65_536
Resolve = Callable[[str, int], Sequence[str]]


def event_type(document: Mapping[str, Any]) -> str:
    """What a revision of a handoff tells: ``handoff.created``, ``.revised``, or how it ended."""
    if document["state"] != "open":
        return f"handoff.{document['state']}"
    return "handoff.created" if document["revision"] == 1 else "handoff.revised"


def body_of(document: Mapping[str, Any]) -> bytes:
    """The call's body; the same for each try."""
    event = {
        "type": event_type(document),
        "timestamp": document["revised_at"],
        "data": document,
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def signatures(secrets: Sequence[str], *, call_id: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one signature for each ``whsec_`` secret."""
    signed = f"{call_id}.{timestamp}.".encode() + body
    keys = [base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets]
    made = [base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    return " ".join(f"v1,{one}" for one in made)


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The addresses that a host's name stands for, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class WebhookSink:
    """Posts each revision of a handoff; 2xx is accepted, and ``{"acknowledged": true}`` acknowledged."""

    def __init__(
        self,
        name: str,
        settings: WebhookSettings,
        *,
        clock: Callable[[], datetime],
        resolve: Resolve = addresses_of,
    ) -> None:
        self._name = name
        self._url = httpx.URL(settings.url)
        self._secrets = [
            one.get_secret_value()
            for one in (settings.secret, settings.previous_secret)
            if one.get_secret_value()
        ]
        self._seconds = settings.timeout_seconds
        # An address that says "this machine" means it; a public name that leads here does not.
        self._any_network = settings.allow_private or is_loopback(self._url.host)
        self._clock = clock
        self._resolve = resolve

    @property
    def name(self) -> str:
        """As in ``Delivery.sink``."""
        return self._name

    def deliver(self, delivery: Delivery) -> Delivered:
        """Post the document once; raises ``Refused`` or ``Unreachable``, whose texts hold none of it."""
        addresses = self._addresses()
        body = body_of(delivery.payload)
        timestamp = int(self._clock().timestamp())
        headers = {
            "host": self._url.netloc.decode("ascii"),
            "content-type": "application/json",
            "user-agent": "Helppari",
            "webhook-id": delivery.key,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(
                self._secrets, call_id=delivery.key, timestamp=timestamp, body=body
            ),
        }
        try:
            status, answered, reply = asyncio.run(self._post(addresses, headers, body))
        except TimeoutError:
            raise Unreachable(f"{self._url.host} did not answer within {self._seconds:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unreachable(f"the call to {self._url.host} failed ({type(error).__name__})") from None
        return self._judge(status, answered, reply)

    async def _post(
        self, addresses: Sequence[str], headers: Mapping[str, str], body: bytes
    ) -> tuple[int, httpx.Headers, bytes]:
        async with asyncio.timeout(self._seconds):  # of the whole call, however slowly the other side drips
            client = httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=self._seconds, verify=_trusted()
            )
            async with client:
                answer = await self._send(client, addresses, headers, body)
                reply = b""
                # How it began is known; a reply that breaks off changes nothing of that.
                with suppress(httpx.HTTPError):
                    async for part in answer.aiter_bytes():
                        reply += part
                        if len(reply) > MOST_REPLY_BYTES:
                            break
                return answer.status_code, answer.headers, reply

    async def _send(
        self,
        client: httpx.AsyncClient,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        body: bytes,
    ) -> httpx.Response:
        """The answer of the first address that can be connected to."""
        for place, address in enumerate(addresses, start=1):
            request = client.build_request(
                "POST",
                self._url.copy_with(host=address),
                headers=dict(headers),
                content=body,
                extensions={"sni_hostname": self._url.host},  # also the name that the certificate is held to
            )
            try:
                return await client.send(request, stream=True)
            except httpx.ConnectError:
                if place == len(addresses):
                    raise
        raise Unreachable(f"{self._url.host} has no address")

    def _addresses(self) -> Sequence[str]:
        """The host's network addresses that may be called.

        What was vetted is what is called: the name could stand for another address a moment later.
        """
        port = self._url.port or (443 if self._url.scheme == "https" else 80)
        try:
            found = self._resolve(self._url.host, port)
        except (OSError, UnicodeError):
            raise Unreachable(f"the name {self._url.host} stands for no address") from None
        allowed = [one for one in found if self._any_network or _is_public(one)]
        if not allowed:
            raise Refused(
                f"{self._url.host} is in a private network: set allow_private of the webhook if so meant",
                permanent=False,
            )
        return allowed[:4]

    def _judge(self, status: int, headers: httpx.Headers, reply: bytes) -> Delivered:
        if 200 <= status < 300:
            if headers.get(ACKNOWLEDGED_HEADER, "").lower() == "true" or _acknowledges(reply):
                return Acknowledged()
            return Accepted()
        host = self._url.host
        if 300 <= status < 400:
            raise Refused(f"{host} answered {status} and redirects are not followed", permanent=False)
        wait = _retry_after(headers.get("retry-after", ""), self._clock()) if status in (429, 503) else 0.0
        raise Refused(f"{host} answered {status}", permanent=status == 410, retry_after=wait)


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; reading them takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    inside = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    return inside.is_global and not inside.is_multicast and not inside.is_reserved


def _acknowledges(reply: bytes) -> bool:
    try:
        said = json.loads(reply)
    except ValueError:
        return False
    return isinstance(said, dict) and said.get("acknowledged") is True


def _retry_after(value: str, now: datetime) -> float:
    """Seconds; 0 where the header says nothing usable."""
    if value.strip().isdecimal():
        return float(value.strip()[:9])
    try:
        until = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return 0.0
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
