"""The customers: a process whose threads talk to the service and write down what it has acknowledged.

``python -m evals.faults.crowd PORTS JOURNAL THREADS SEED`` talks until SIGTERM, then ends each conversation
and itself. What was not acknowledged is sent again, with the same id, until it is.
"""

from __future__ import annotations

import http.client
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evals.faults.journal import Journal
from evals.faults.talks import Call, Step, a_way

PATIENCE = 10.0  #: seconds until a call without a reply is given up and sent again
PAUSE = 0.02  #: seconds before it is sent again
REPEATED = 0.1  #: share of acknowledged messages that are sent once more all the same
HURRY = 0.05  #: longest pause between a customer's messages, in seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A reply that was read to its end."""

    status: int
    body: dict[str, Any]
    tries: int
    cut_at: float  #: when the last try before this one broke off after it was sent; 0 for never


@dataclass(slots=True)
class Line:
    """A customer's connection to whichever serving process answers."""

    ports: Sequence[int]
    rng: random.Random
    journal: Journal
    _connection: http.client.HTTPConnection | None = None

    def acknowledged(self, method: str, path: str, body: Mapping[str, Any] | None, token: str = "") -> Reply:
        """The reply to a call, sent again and again until there is one that is not about being busy."""
        tries, cut_at = 0, 0.0
        while True:
            tries += 1
            sent = False
            try:
                connection = self._connected()
                sent = True
                status, content = self._call(connection, method, path, body, token)
            except (OSError, http.client.HTTPException):
                self._hang_up()
                if sent:
                    cut_at = time.time()
                time.sleep(PAUSE)
                continue
            if status < 500 and status != 429:
                return Reply(status=status, body=json.loads(content), tries=tries, cut_at=cut_at)
            said = content.decode(errors="replace")[:300]
            self.journal.append({"what": "busy", "status": status, "path": path, "body": said})
            time.sleep(0.2)

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is None:
            port = self.rng.choice(self.ports)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.connect()
            self._connection = connection
        return self._connection

    def _call(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        token: str,
    ) -> tuple[int, bytes]:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        response = connection.getresponse()
        return response.status, response.read()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


@dataclass(slots=True, kw_only=True)
class Talk:
    """One conversation and what of it is acknowledged."""

    line: Line
    other: Line  #: the second tab
    rng: random.Random
    journal: Journal
    id: str = ""
    token: str = ""
    sequences: list[int] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    waiting: bool = False  #: there is an open handoff
    _count: int = 0

    def go(self) -> None:
        """From the first call to the last look."""
        opened = self.line.acknowledged("POST", "/v1/conversations", {"lang": "en"})
        if opened.status != 201:
            self._refused("/v1/conversations", opened)
            return
        self.id, self.token = opened.body["conversation_id"], opened.body["token"]
        self.journal.append({"what": "opened", "conversation_id": self.id, "tries": opened.tries})
        for steps in a_way(self.rng):
            self._at_once([(self._next_id(), step) for step in steps])
            time.sleep(self.rng.uniform(0, HURRY))
        if self.answered and self.rng.random() < 0.5:
            self._judge(self.rng.choice(self.answered))
        if self.waiting and self.rng.random() < 0.3:
            self._act("callback", {"phone": "040 123 4567", "wished": "tomorrow"})
        if self.rng.random() < 0.3:
            self._act("close", {})
        if self.rng.random() < 0.4:
            self._act("csat", {"score": self.rng.randint(1, 5)})
        self._look()

    def _at_once(self, steps: Sequence[tuple[str, Step]]) -> None:
        if len(steps) == 1:
            self._send(self.line, *steps[0])
            return
        tabs = [
            threading.Thread(target=self._send, args=(line, *step))
            for line, step in zip((self.line, self.other), steps, strict=True)
        ]
        for tab in tabs:
            tab.start()
        for tab in tabs:
            tab.join()

    def _next_id(self) -> str:
        self._count += 1
        return f"m{self._count}"

    def _send(self, line: Line, client_message_id: str, step: Step) -> None:
        path = f"/v1/conversations/{self.id}/{step.call}"
        body = {"client_message_id": client_message_id, **dict(step.body)}
        reply = line.acknowledged("POST", path, body, self.token)
        if reply.status != 200:
            self._refused(path, reply)
            return
        found = reply.body
        handoff = (found["reply"] or {}).get("handoff") if found["reply"] else None
        self.journal.append(
            {
                "what": "message",
                "conversation_id": self.id,
                "client_message_id": client_message_id,
                "sequence": found["sequence"],
                "handoff": handoff,
                "said": found["said"],
                "owner": found["owner"],
                "at": time.time(),
                "tries": reply.tries,
                "cut_at": reply.cut_at,
            }
        )
        self.sequences.append(found["sequence"])
        self.waiting = handoff is not None and handoff["state"] == "open"
        if found["reply"] and found["reply"]["answer"] and step.call is Call.MESSAGE:
            self.answered.append(found["sequence"])
        if self.rng.random() < REPEATED:
            again = line.acknowledged("POST", path, body, self.token)
            same = again.status == 200 and again.body == found
            entry = {"what": "repeat", "conversation_id": self.id, "client_message_id": client_message_id}
            self.journal.append({**entry, "same": same})

    def _judge(self, sequence: int) -> None:
        body = {"conversation_id": self.id, "sequence": sequence, "helped": self.rng.random() < 0.5}
        reply = self.line.acknowledged("POST", "/v1/feedback", body, self.token)
        if reply.status != 200:
            self._refused("/v1/feedback", reply)
            return
        entry = {"what": "judged", "conversation_id": self.id, "sequence": sequence}
        self.journal.append({**entry, "helped": reply.body["helped"], "tries": reply.tries})

    def _act(self, name: str, body: Mapping[str, Any]) -> None:
        """A call without an id of its own: repeated, it changes nothing."""
        path = f"/v1/conversations/{self.id}/{name}"
        for _ in range(2 if self.rng.random() < REPEATED else 1):
            reply = self.line.acknowledged("POST", path, body, self.token)
            if reply.status != 200:
                self._refused(path, reply)
                return
            self.journal.append({"what": name, **reply.body, "tries": reply.tries})

    def _look(self) -> None:
        path = f"/v1/conversations/{self.id}"
        reply = self.line.acknowledged("GET", path, None, self.token)
        if reply.status != 200:
            self._refused(path, reply)
            return
        shown = [entry["sequence"] for entry in reply.body["entries"] if entry["author"] == "customer"]
        self.journal.append(
            {
                "what": "read",
                "conversation_id": self.id,
                "shown": shown,
                "acknowledged": sorted(self.sequences),
                "owner": reply.body["owner"],
            }
        )

    def _refused(self, path: str, reply: Reply) -> None:
        entry = {"what": "refused", "path": path, "status": reply.status, "tries": reply.tries}
        self.journal.append({**entry, "body": json.dumps(reply.body)[:300]})


def talk_until(stop: threading.Event, ports: Sequence[int], journal: Journal, seed: str) -> None:
    """One conversation after the other, in this thread."""
    rng = random.Random(seed)
    line, other = (Line(ports, random.Random(f"{seed} {tab}"), journal) for tab in ("line", "other"))
    while not stop.is_set():
        Talk(line=line, other=other, rng=rng, journal=journal).go()


def main(arguments: list[str]) -> None:
    """Talk with several customers until SIGTERM."""
    ports, path, threads, seed = arguments
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    journal = Journal(Path(path))
    numbers = [int(port) for port in ports.split(",")]
    customers = [
        threading.Thread(target=talk_until, args=(stop, numbers, journal, f"{seed} {place}"), daemon=True)
        for place in range(int(threads))
    ]
    for customer in customers:
        customer.start()
    for customer in customers:
        while customer.is_alive():
            customer.join(0.2)


if __name__ == "__main__":
    main(sys.argv[1:])
