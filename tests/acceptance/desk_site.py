"""A real server with a small help center and people at its desk, in this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn

from botsvc.service import Service
from botsvc.settings import Settings
from botsvc.staff import Profile, Role, Staff
from tests.integration.desk_calls import FAST, PASSWORD, desk_app


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running site."""

    address: str
    service: Service
    settings: Settings

    def person(self, name: str, *roles: Role, **profile: Any) -> str:  # noqa: ANN401 - as in ``Profile``
        """Somebody with an account; their id."""
        assert self.service.storage is not None
        staff = Staff(self.service.storage, self.settings.desk, hasher=FAST)
        email = f"{name.split()[0].lower()}@example.com"
        found = Profile(email=email, name=name, roles=roles or (Role.AGENT,), **profile)
        return staff.add(found, PASSWORD, by="console").id


@contextmanager
def desk_site(folder: Path) -> Iterator[Site]:
    """A site that runs until the block ends."""
    settings, app = desk_app(folder)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    assert server.started
    try:
        yield Site(
            address=f"http://127.0.0.1:{sock.getsockname()[1]}", service=app.state.service, settings=settings
        )
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()
