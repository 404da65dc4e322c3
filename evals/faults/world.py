"""The stage: a small help center with the bundled encoder, and processes that are started and killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from evals.errors import EvalError
from evals.faults.receiver import Behaviour

HELPPARI = str(Path(sys.executable).with_name("helppari"))
SECRET = "whsec_" + "aGVscHBhcmktZmF1bHQtdGVzdHMtb25seSEhISE="
SERVER = os.environ.get("HELPPARI_TEST_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/test")
PATIENCE = 60.0  #: seconds until a process that is not ready counts as failed

ARTICLES = {
    "en/card/lost-card.md": """---
id: lost-card
title: Lost or stolen card
topics: [card]
questions: [my card is gone, somebody stole my wallet, I have lost my card]
---
Lock the card in the app at once, and order a new one.
""",
    "en/card/new-card.md": """---
id: new-card
title: Order a new card
topics: [card]
questions: [how do I get a new card, my card has expired, my card is broken]
---
A new card costs 8 euros and arrives in 7 days.
""",
    "en/invoices/invoice.md": """---
id: invoice
title: Invoice and due date
topics: [invoices]
questions: [when is the invoice due, where do I find the invoice]
---
The invoice is due in 14 days, and you find it in the app.
""",
    "fi/card/kadonnut-kortti.md": """---
id: lost-card
title: Kadonnut tai varastettu kortti
topics: [card]
questions: [hukkasin korttini, korttini varastettiin]
---
Sulje kortti heti sovelluksessa ja tilaa uusi.
""",
}

SETTINGS = """
[site]
name = "Etupolku"
languages = ["en", "fi"]

[teams.service]
languages = ["fi", "en"]
time_zone = "Europe/Helsinki"
reply_minutes = 60
name = { fi = "Asiakaspalvelu", en = "Customer service" }
hours = { mon-sun = "0.00-24.00" }

[routing]
default = "service"
"""


class FaultsError(EvalError):
    """The stage cannot be set; the text says what to do."""


@dataclass(slots=True, kw_only=True)
class Serving:
    """One ``helppari serve`` in a process group of its own, which can be killed as a whole."""

    port: int
    popen: subprocess.Popen[bytes]
    log: Path
    started: float = field(default_factory=time.monotonic)

    def is_ready(self) -> bool:
        """Whether it has said that it answers."""
        with self.log.open("rb") as said:
            return b"Helppari answers at" in said.read()

    def wait_ready(self, seconds: float = PATIENCE) -> bool:
        """Wait until it is ready; false when the time is over first. FaultsError when it has ended."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.is_ready():
                return True
            if self.popen.poll() is not None:
                end = self.log.read_text(encoding="utf-8", errors="replace")[-2_000:]
                raise FaultsError(f"the service ended by itself ({self.popen.returncode}):\n{end}")
            time.sleep(0.005)
        return False

    def kill(self) -> None:
        """SIGKILL for the whole group: nothing is said, closed or written any more."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()


@dataclass(slots=True, kw_only=True)
class World:
    """A folder with everything, and what runs in it."""

    folder: Path
    index: Path
    url: str  #: of the database
    hooks: Mapping[str, int]  #: name of each webhook -> its receiver's port
    settings: Mapping[str, str] = field(default_factory=dict)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _starts: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """Of the service and of ``helppari desk``."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HELPPARI_")}
        if cache := os.environ.get("HELPPARI_CACHE"):
            kept["HELPPARI_CACHE"] = cache
        limits = ("ASKS_PER_MINUTE", "MESSAGES_PER_MINUTE", "CONVERSATIONS_PER_MINUTE")
        hooks: dict[str, str] = {}
        for name, port in self.hooks.items():
            prefix = f"HELPPARI_SINKS__WEBHOOK__{name.upper()}"
            hooks |= {f"{prefix}__URL": f"http://127.0.0.1:{port}/hook", f"{prefix}__SECRET": SECRET}
        return {
            **kept,
            "PYTHONUNBUFFERED": "1",
            "HELPPARI_CONFIG": str(self.folder / "helppari.toml"),
            "HELPPARI_STORAGE__URL": self.url,
            **{f"HELPPARI_LIMITS__{name}": "0" for name in limits},
            **hooks,
            **self.settings,
        }

    def serve(self, port: int) -> Serving:
        """Start a serving process; it is not ready yet."""
        self._starts += 1
        log = self.folder / "logs" / f"serve-{self._starts:04}.log"
        arguments = [HELPPARI, "serve", "--index", str(self.index), "--port", str(port)]
        return Serving(port=port, popen=self._start(arguments, log, self.environment), log=log)

    def receiver(
        self, name: str, behaviour: Behaviour, *, seed: int = 0, wait: bool = True
    ) -> subprocess.Popen[bytes]:
        """Start the receiver of a webhook; its journal is ``came(name)``."""
        port = self.hooks[name]
        arguments = [sys.executable, "-m", "evals.faults.receiver"]
        arguments += [str(port), str(self.came(name)), behaviour, str(seed)]
        log = self.folder / "logs" / f"receiver-{name}.log"
        process = self._start(arguments, log, {**os.environ, "WEBHOOK_SECRET": SECRET})
        if wait:
            wait_for_port(port)
        return process

    def crowd(self, ports: Sequence[int], *, threads: int, seed: int) -> subprocess.Popen[bytes]:
        """Start the customers; they write to ``said``."""
        arguments = [sys.executable, "-m", "evals.faults.crowd"]
        arguments += [",".join(map(str, ports)), str(self.said), str(threads), str(seed)]
        return self._start(arguments, self.folder / "logs" / "crowd.log", dict(os.environ))

    def desk(self, *arguments: str, check: bool = True) -> str:
        """What ``helppari desk ...`` prints."""
        done = subprocess.run(
            [HELPPARI, "desk", *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise FaultsError(f"helppari desk {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    @property
    def said(self) -> Path:
        """The customers' journal."""
        return self.folder / "acknowledged.jsonl"

    def came(self, name: str) -> Path:
        """The journal of a webhook's receiver."""
        return self.folder / f"received-{name}.jsonl"

    def end(self) -> None:
        """Kill whatever still runs."""
        for process in self._running:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _start(self, arguments: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as said:
            process = subprocess.Popen(
                arguments,
                cwd=self.folder,
                env={**environment, "PYTHONPATH": _import_path()},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process


@contextmanager
def world(
    folder: Path,
    *,
    database: str = "sqlite",
    hooks: Sequence[str] = ("crm",),
    index: Path | None = None,
    settings: Mapping[str, str] | None = None,
) -> Iterator[World]:
    """A new stage in ``folder``; everything that runs on it is killed at the end, the files stay."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "helppari.toml").write_text(SETTINGS, encoding="utf-8")
    with _database(folder, database) as url:
        found = World(
            folder=folder,
            index=index.resolve() if index else build_index(folder),
            url=url,
            hooks={name: free_port() for name in hooks},
            settings=settings or {},
        )
        try:
            yield found
        finally:
            found.end()


def sink_of(hook: str) -> str:
    """Name of a webhook's sink in the outbox."""
    return f"webhook-{hook}"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for_port(port: int, seconds: float = PATIENCE) -> None:
    """Wait until somebody listens there."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise FaultsError(f"nobody listens on port {port} after {seconds:g} s")


def build_index(folder: Path) -> Path:
    """Build the small help center's index in ``folder``; takes some seconds."""
    kb, root = folder / "kb", folder / "index"
    for name, text in ARTICLES.items():
        path = kb / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [HELPPARI, "index", "build", "--kb", str(kb), "--out", str(root)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": _import_path()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise FaultsError(f"the index could not be built: {done.stderr.strip()}")
    return root


@contextmanager
def _database(folder: Path, kind: str) -> Iterator[str]:
    """The address of an empty database: a file, or a schema of its own that is dropped at the end."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'store.sqlite'}"
        return
    address = SERVER.replace("+psycopg", "", 1)
    schema = f"helppari_faults_{uuid.uuid4().hex[:12]}"
    try:
        import psycopg

        with psycopg.connect(address, connect_timeout=3, autocommit=True) as server:
            server.execute(f"CREATE SCHEMA {schema}".encode())
    except ImportError as error:
        raise FaultsError('PostgreSQL needs psycopg: pip install "helppari[postgres]"') from error
    except psycopg.OperationalError as error:
        why = str(error).strip().splitlines()[0]
        raise FaultsError(f"no PostgreSQL ({why}): set HELPPARI_TEST_POSTGRESQL to an address") from error
    try:
        mark = "&" if "?" in address else "?"
        yield f"{address}{mark}options=-csearch_path%3D{schema}"
    finally:
        with psycopg.connect(address, connect_timeout=3, autocommit=True) as server:
            server.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def _import_path() -> str:
    """Where this package was found: the processes run the same code, whatever folder they start in."""
    root = str(Path(__file__).resolve().parents[2])
    before = os.environ.get("PYTHONPATH", "")
    return f"{root}{os.pathsep}{before}" if before else root
