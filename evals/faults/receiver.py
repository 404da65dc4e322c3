"""The outside system: takes webhooks, writes each call down before it answers, and is not always well.

``python -m evals.faults.receiver PORT JOURNAL BEHAVIOUR SEED`` serves until it is ended; the key that calls
are signed with is in the variable ``WEBHOOK_SECRET``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import random
import signal
import sys
import threading
import time
from contextlib import suppress
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

from evals.faults.journal import Journal

STALL_SECONDS = 30.0


class Behaviour(StrEnum):
    """How the receiver takes calls."""

    WELL = "well"  #: stores and accepts each; every third one it acknowledges
    TROUBLED = "troubled"  #: now and then fails, stalls, or drops the call, before or after storing it
    STALLING = "stalling"  #: takes the connection and never answers
    GONE = "gone"  #: answers 410: the address has been given up


class Outcome(StrEnum):
    """What became of one call; ``stored`` says whether the receiver has it."""

    ACCEPTED = "accepted"
    ACKNOWLEDGED = "acknowledged"
    FAILED = "failed"  #: 503
    DROPPED = "dropped"  #: hung up without having stored it
    STORED_DROPPED = "stored_dropped"  #: hung up after having stored it
    STORED_STALLED = "stored_stalled"  #: stored it, and did not answer in time
    STALLED = "stalled"
    GONE = "gone"

    @property
    def stored(self) -> bool:
        """Whether the receiver has the document."""
        return self in (
            Outcome.ACCEPTED,
            Outcome.ACKNOWLEDGED,
            Outcome.STORED_DROPPED,
            Outcome.STORED_STALLED,
        )


_TROUBLES = (
    (Outcome.ACCEPTED, 0.52),
    (Outcome.ACKNOWLEDGED, 0.20),
    (Outcome.FAILED, 0.10),
    (Outcome.STORED_DROPPED, 0.09),
    (Outcome.STORED_STALLED, 0.05),
    (Outcome.DROPPED, 0.04),
)


def is_signed(secret: str, call_id: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether a call is signed with the secret, by Standard Webhooks."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    made = hmac.new(key, f"{call_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}" in signature.split()


class Receiver(ThreadingHTTPServer):
    """The server; its journal tells everything that came."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, journal: Path, behaviour: Behaviour, *, secret: str, seed: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self._journal = Journal(journal)
        self._behaviour = behaviour
        self._secret = secret
        self._rng = random.Random(seed)
        self._lock = threading.Lock()

    def take(self, handler: BaseHTTPRequestHandler, body: bytes) -> Outcome:
        """Decide what becomes of a call and write it down."""
        headers = handler.headers
        call_id = headers.get("webhook-id", "")
        signed = is_signed(
            self._secret,
            call_id,
            headers.get("webhook-timestamp", ""),
            headers.get("webhook-signature", ""),
            body,
        )
        document = json.loads(body)["data"]
        with self._lock:
            outcome = self._outcome()
            self._journal.append(
                {
                    "at": time.time(),
                    "key": call_id,
                    "handoff_id": document["handoff_id"],
                    "revision": document["revision"],
                    "signed": signed,
                    "outcome": outcome,
                    "stored": outcome.stored,
                    "body": body.decode(),
                }
            )
        return outcome

    def _outcome(self) -> Outcome:
        if self._behaviour is Behaviour.STALLING:
            return Outcome.STALLED
        if self._behaviour is Behaviour.GONE:
            return Outcome.GONE
        if self._behaviour is Behaviour.WELL:
            return self._rng.choice((Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.ACKNOWLEDGED))
        outcomes, weights = zip(*_TROUBLES, strict=True)
        return Outcome(self._rng.choices(outcomes, weights)[0])


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Take one call."""
        body = self.rfile.read(int(self.headers["content-length"]))
        outcome = self.server.take(self, body)
        if outcome in (Outcome.STALLED, Outcome.STORED_STALLED):
            time.sleep(STALL_SECONDS)
            return
        if outcome in (Outcome.DROPPED, Outcome.STORED_DROPPED):
            return
        reply = b'{"acknowledged": true}' if outcome is Outcome.ACKNOWLEDGED else b""
        self.send_response({Outcome.FAILED: 503, Outcome.GONE: 410}.get(outcome, 200))
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def handle(self) -> None:
        """Serve one connection; that the other side was killed is no news here."""
        with suppress(OSError):
            super().handle()

    def log_message(self, *args: object) -> None:
        """Say nothing: the journal tells all."""


def main(arguments: list[str]) -> None:
    """Serve until the process is ended."""
    port, journal, behaviour, seed = arguments
    secret = os.environ["WEBHOOK_SECRET"]
    server = Receiver(int(port), Path(journal), Behaviour(behaviour), secret=secret, seed=int(seed))

    def stop(_: int, __: FrameType | None) -> None:
        os._exit(0)  # connections that stall are cut off, as a crash would

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever(poll_interval=0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
