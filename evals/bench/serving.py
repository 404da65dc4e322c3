"""A serving process of its own, as operators run it, and what it costs."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

PATIENCE = 60.0  #: seconds until a process that is not ready counts as failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A process that answers."""

    port: int
    pid: int
    ready_seconds: float  #: from the start of the process to its first good answer to /readyz

    def memory_mb(self) -> float:
        """Resident memory now, in megabytes (1,000,000 bytes)."""
        for line in Path(f"/proc/{self.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError(f"/proc/{self.pid}/status has no VmRSS")

    def cpu_seconds(self) -> float:
        """Time that the process has worked so far, on all cores."""
        after_name = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON body of a GET."""
        return fetch(self.port, path)


def fetch(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON body of a GET; status 0 while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if content else None
    except (OSError, ValueError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


@contextmanager
def serving(root: Path, folder: Path) -> Iterator[Server]:
    """``helppari serve`` on the index, with no limit of questions a minute; its database is in ``folder``."""
    port = _free_port()
    start = perf_counter()
    arguments = ("serve", "--index", str(root.resolve()), "--port", str(port))
    with command(arguments, folder, name="serve") as process:
        while fetch(port, "/readyz")[0] != 200:
            if process.poll() is not None or perf_counter() - start > PATIENCE:
                raise RuntimeError(f"the service did not become ready: see {folder / 'serve.log'}")
            sleep(0.005)
        yield Server(port=port, pid=process.pid, ready_seconds=perf_counter() - start)


@contextmanager
def command(arguments: Sequence[str], folder: Path, *, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A ``helppari`` command in a process of its own, ended (by its own id) afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HELPPARI_")}
    for kept in ("HELPPARI_CACHE",):
        if kept in os.environ:
            environment[kept] = os.environ[kept]
    environment["HELPPARI_LIMITS__ASKS_PER_MINUTE"] = "0"
    environment["HELPPARI_STORAGE__URL"] = f"sqlite:///{(folder / 'bench.sqlite').resolve()}"
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from botsvc.cli import main; main()", *arguments],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
