"""Receives Helppari's webhooks: checks the signature, takes each call once, acknowledges it.

It needs only Python's standard library:

    WEBHOOK_SECRET=whsec_... python verify_webhook.py 8080

Copy ``verify`` into your own service; the rest shows how to use it. The current and the previous secret can
both be named, separated by a space, while you change them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 300


class NotFromHelppari(Exception):
    """The call is not signed with one of our secrets, or is too old."""


def verify(secrets: Sequence[str], headers: Mapping[str, str], body: bytes, *, now: float) -> str:
    """The call's id, by which a repeated call is known; raises ``NotFromHelppari``.

    ``body`` is the body as it came, before any decoding: one changed byte breaks the signature.
    """
    call_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not (call_id and timestamp.isdecimal() and abs(now - int(timestamp)) <= TOLERANCE_SECONDS):
        raise NotFromHelppari("the id is missing, or the timestamp is too far from now")
    signed = f"{call_id}.{timestamp}.".encode() + body
    given = [
        part.removeprefix("v1,").encode()
        for part in headers.get("webhook-signature", "").split()
        if part.startswith("v1,")
    ]
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix("whsec_"))
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(hmac.compare_digest(wanted, one) for one in given):
            return call_id
    raise NotFromHelppari("no signature fits")


class Receiver(BaseHTTPRequestHandler):
    """Takes calls; a real one would store them instead of writing a line."""

    seen: set[str] = set()  # noqa: RUF012 - shared by all calls on purpose; use your database

    def do_POST(self) -> None:
        """Answer 2xx only when the call is stored: anything else, and Helppari tries again."""
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            call_id = verify(os.environ["WEBHOOK_SECRET"].split(), headers, body, now=time.time())
        except NotFromHelppari:
            self._answer(401, {"error": "wrong signature"})
            return
        if call_id not in self.seen:
            self.seen.add(call_id)
            event = json.loads(body)
            handoff = event["data"]
            sys.stdout.write(f"{event['type']} {handoff['handoff_id']} revision {handoff['revision']}\n")
            sys.stdout.flush()
        self._answer(200, {"acknowledged": True})

    def _answer(self, status: int, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing: the default writes each call to stderr."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8080), Receiver)
    sys.stdout.write(f"listening on port {server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()
