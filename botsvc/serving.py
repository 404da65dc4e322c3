"""Running the service in this process, and saying so when it can be asked."""

from __future__ import annotations

import ctypes
import gc
import ipaddress
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import uvicorn

from botsvc.errors import BotError

if TYPE_CHECKING:
    from botsvc.settings import Settings


def run(settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Serve until interrupted; ``ready`` is told the address once requests are answered."""
    from botsvc.app import create_app
    from botsvc.retention import deleting_old
    from botsvc.storage import open_storage

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    _share_memory()
    # Opened and upgraded here first: a database that cannot be used is then one sentence, not a server's log.
    storage = open_storage(settings.storage.url.get_secret_value(), pool_size=1)
    sock = _listening(settings.server.host, settings.server.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,  # addresses of customers, and nothing that the service does not count itself
        proxy_headers=False,  # which proxies are trusted is decided in one place: botsvc.limits
        server_header=False,
        timeout_graceful_shutdown=settings.server.shutdown_seconds,
        lifespan="on",
    )
    server = _Server(config, lambda: ready(_address(sock)), app.state.service.hub.close)
    try:
        # KeyboardInterrupt is how uvicorn says that Ctrl-C has ended it, after its clean-up.
        kept = settings.retention
        with deleting_old(storage, kept), suppress(KeyboardInterrupt):
            server.run(sockets=[sock])
    finally:
        storage.close()
    if not server.started:
        raise BotError("the service could not start: what is wrong is said above")


def _share_memory() -> None:
    """Let all threads allocate from two common pools, where the C library is GNU's.

    It gives each thread a pool of its own by default, and each keeps what it needed once: some 20 MB in all
    after a while of load. Little waits for the pools, because most of what allocates holds the interpreter.
    """
    with suppress(OSError, AttributeError):  # another C library has no such function, and no such pools
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


_M_ARENA_MAX = -8  # malloc.h


class _Server(uvicorn.Server):
    def __init__(
        self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End what would never end by itself, the streams of events, and then as always."""
        self._stopping()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell when the port answers."""
        await super().startup(sockets)
        if self.started:
            # What is loaded now stays: the collector need not look through it again and again.
            gc.collect()
            gc.freeze()
            self._ready()


def _listening(host: str, port: int) -> socket.socket:
    """A bound socket: bound here, because uvicorn would end the process with a log line of its own."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
    except OSError as error:
        raise BotError(
            f"{host} port {port} cannot be listened on ({error.strerror}): choose another with --port or "
            "[server] port, or stop what uses it"
        ) from error
    return sock


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    address = ipaddress.ip_address(host)
    if address.is_unspecified:  # listens on all addresses, of which this one works here
        address = ipaddress.ip_address("127.0.0.1" if address.version == 4 else "::1")
    return f"http://[{address}]:{port}" if address.version == 6 else f"http://{address}:{port}"
