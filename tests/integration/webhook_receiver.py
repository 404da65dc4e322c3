"""A real HTTP server that does with each call what a test tells it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Misbehaviour = Literal["", "drop", "stall", "drip", "break off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is said to a call."""

    status: int = 204
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    misbehaves: Misbehaviour = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """The server: ``answers`` are given in turn, then the last one for good."""

    port: int
    answers: list[Answer] = field(default_factory=lambda: [Answer()])
    calls: list[Call] = field(default_factory=list)
    stop_stalling: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def take(self, call: Call) -> Answer:
        self.calls.append(call)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def receiving(port: int = 0) -> Iterator[Receiver]:
    """A receiver on a free port, or on this one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = found.take(Call(path=self.path, headers=headers, body=body))
            if answer.misbehaves == "drop":
                self.connection.close()
                return
            if answer.misbehaves == "stall":
                found.stop_stalling.wait(30)
                return
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            broken = 10 if answer.misbehaves == "break off" else 0
            self.send_header("content-length", str(len(answer.body) + broken))
            if answer.misbehaves == "drip":
                self.flush_headers()
                while not found.stop_stalling.wait(0.05):
                    self.wfile.write(b"x-drip: on\r\n")
                return
            self.end_headers()
            self.wfile.write(answer.body)

        def handle(self) -> None:
            with suppress(OSError):  # the other side has hung up, as it should
                super().handle()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    found = Receiver(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.stop_stalling.set()
        server.shutdown()
        server.server_close()
        thread.join()
