"""Real processes of the command line: a server that answers, a watcher that builds."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HELPPARI = str(Path(sys.executable).with_name("helppari"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running command and what it has said so far."""

    popen: subprocess.Popen[str]
    said: list[str]

    def wait_for(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """The first line that matches; fails with all lines when the process ends or the time is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for line in tuple(self.said):
                if found := re.search(pattern, line):
                    return found
            if self.popen.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in:\n" + "".join(self.said))


@contextmanager
def command(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    """A command of helppari, ended by Ctrl-C."""
    popen = subprocess.Popen(
        [HELPPARI, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    said: list[str] = []

    def follow() -> None:
        assert popen.stdout is not None
        for line in popen.stdout:
            said.append(line)

    listener = threading.Thread(target=follow, daemon=True)
    listener.start()
    try:
        yield Process(popen=popen, said=said)
    finally:
        if popen.poll() is None:
            popen.send_signal(signal.SIGINT)
            try:
                popen.wait(15)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()
        listener.join(5)
        if popen.stdout is not None:
            popen.stdout.close()


@contextmanager
def serving(folder: Path, index: Path, env: Mapping[str, str] | None = None) -> Iterator[tuple[str, Process]]:
    """A server over ``index`` with its store in ``folder``: its address, and the process."""
    settings = {
        "HELPPARI_SERVER__PORT": "0",
        "HELPPARI_STORAGE__URL": f"sqlite:///{folder}/store.sqlite",
        "HELPPARI_LIMITS__ASKS_PER_MINUTE": "0",
        "HELPPARI_LIMITS__CONVERSATIONS_PER_MINUTE": "0",
        **(env or {}),
    }
    with command("serve", "--index", str(index), cwd=folder, env=settings) as process:
        address = process.wait_for(r"(http://[\d.]+:\d+)")[1]
        yield address, process
