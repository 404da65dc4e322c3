"""Serving processes are killed at random moments while customers talk and handoffs leave."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evals.faults.figures import Figure, Result
from evals.faults.journal import entries
from evals.faults.ledger import Ledger
from evals.faults.receiver import Behaviour
from evals.faults.stored import pending, stored
from evals.faults.world import FaultsError, Serving, World, free_port, sink_of, world
from indexer.console import Progress, no_progress

HOOK = "crm"
CUSTOMERS = 6
ACTS = ("judged", "csat", "callback", "close")  #: acknowledged beside messages
AFTER_READY = (0.05, 1.5)  #: seconds after it answers in which a process is killed
STARTING = 0.2  #: share of the kills that hit a process before it answers
FIRST_STARTS = 2  #: kills at least that hit the very first starts, which make the tables
ENDING = 120.0  #: seconds for the customers to end, and then for the outbox to get emptier

#: Days become seconds: waits, leases and a sink's time limit, so that a run sees what weeks of service see.
SETTINGS = {
    "HELPPARI_OUTBOX__FIRST_WAIT_SECONDS": "0.05",
    "HELPPARI_OUTBOX__LONGEST_WAIT_SECONDS": "2",
    "HELPPARI_OUTBOX__LEASE_SECONDS": "3",
    f"HELPPARI_SINKS__WEBHOOK__{HOOK.upper()}__TIMEOUT_SECONDS": "1",
}


@dataclass(slots=True, kw_only=True)
class Killing:
    """The driver of one run."""

    stage: World
    ports: Sequence[int]
    rng: random.Random
    kills: int = 0
    while_starting: int = 0
    starts: list[float] = field(default_factory=list)  #: seconds from a start to its first answer
    servers: list[Serving] = field(default_factory=list)

    def start(self) -> None:
        """Start all serving processes, at once."""
        self.servers = [self.stage.serve(port) for port in self.ports]

    def kill_one(self, *, first: bool) -> None:
        """Kill a process at a random moment and start it again; the others, if any, answer meanwhile."""
        place = self.rng.randrange(len(self.servers))
        server = self.servers[place]
        if first or self.rng.random() < STARTING:
            self._fresh(place, first=first)
            server = self.servers[place]
            typical = self.starts[-1] if self.starts else 3.0
            server.wait_ready(self.rng.uniform(0.02, typical))
        else:
            self._ready(server)
            time.sleep(self.rng.uniform(*AFTER_READY))
        self.while_starting += not server.is_ready()
        server.kill()
        self.kills += 1
        self.servers[place] = self.stage.serve(server.port)

    def _fresh(self, place: int, *, first: bool) -> None:
        """Make sure that the process at ``place`` is starting, and that the others answer."""
        if not first:
            for other, server in enumerate(self.servers):
                if other != place:
                    self._ready(server)
        if self.servers[place].is_ready():
            self.servers[place].kill()
            self.kills += 1
            self.servers[place] = self.stage.serve(self.servers[place].port)

    def _ready(self, wanted: Serving) -> None:
        waits = not wanted.is_ready()
        for server in self.servers:  # one is killed at a time: the others answer while it is gone
            if not server.wait_ready():
                raise FaultsError(f"the service is not ready after a minute: see {server.log}")
        if waits:
            self.starts.append(time.monotonic() - wanted.started)

    def end(self, crowd: subprocess.Popen[bytes]) -> None:
        """Let the customers end and the outbox empty itself."""
        for server in self.servers:
            self._ready(server)
        crowd.terminate()
        try:
            crowd.wait(ENDING)
        except subprocess.TimeoutExpired as error:
            raise FaultsError(f"the customers got no reply for {ENDING:g} s: see the logs") from error
        left, until = pending(self.stage.url), time.monotonic() + ENDING
        while left and time.monotonic() < until:
            time.sleep(0.2)
            before, left = left, pending(self.stage.url)
            if left < before:
                until = time.monotonic() + ENDING


def run(
    folder: Path,
    *,
    times: int,
    database: str = "sqlite",
    seed: int = 1,
    index: Path | None = None,
    progress: Progress = no_progress,
) -> Result:
    """Kill ``times`` times, then compare; all journals and logs stay in ``folder``.

    With PostgreSQL two processes serve, and one of them is killed at a time.
    """
    rng = random.Random(seed)
    begun = time.monotonic()
    with world(folder, database=database, hooks=(HOOK,), index=index, settings=SETTINGS) as stage:
        stage.receiver(HOOK, Behaviour.TROUBLED, seed=seed)
        ports = [free_port() for _ in range(1 if database == "sqlite" else 2)]
        killing = Killing(stage=stage, ports=ports, rng=rng)
        killing.start()
        crowd = stage.crowd(ports, threads=CUSTOMERS, seed=seed)
        for number in range(times):
            killing.kill_one(first=number < max(FIRST_STARTS, times // 50))
            if crowd.poll() is not None:
                raise FaultsError(f"the customers have ended: see {stage.folder / 'logs'}")
            progress("kills", number + 1, times)
        killing.end(crowd)
        for server in killing.servers:
            server.kill()
        ledger = Ledger(
            said=entries(stage.said), store=stored(stage.url), came={sink_of(HOOK): entries(stage.came(HOOK))}
        )
    seconds = time.monotonic() - begun
    title = f"{killing.kills} kills, {database}, {len(ports)} serving, seed {seed}, {seconds:.0f} s"
    return Result(name=title, figures=_figures(killing, ledger), violations=ledger.violations())


def _figures(killing: Killing, ledger: Ledger) -> list[Figure]:
    told = ledger.told("message")
    cut = [entry for entry in told if entry["cut_at"]]
    at = {(event.conversation_id, event.sequence): event.at for event in ledger.store.events}
    kept = [e for e in cut if at.get((e["conversation_id"], e["sequence"]), e["cut_at"]) < e["cut_at"]]
    came = ledger.came[sink_of(HOOK)]
    keys = [entry["key"] for entry in came if entry["stored"]]
    arrived = [one.delivered_at - one.created_at for one in ledger.store.deliveries if one.delivered_at]
    starts = sorted(killing.starts)
    return [
        Figure(what="kills", value=killing.kills),
        Figure(what="  before the process answered", value=killing.while_starting),
        Figure(
            what="start to first answer, median", value=starts[len(starts) // 2] if starts else 0, unit="s"
        ),
        Figure(what="conversations acknowledged", value=len(ledger.told("opened")), least=1),
        Figure(what="messages acknowledged", value=len(told), least=1),
        Figure(what="  cut off at least once, and sent again", value=len(cut), least=1),
        Figure(what="  stored before they were cut off", value=len(kept)),
        Figure(what="  acknowledged, and sent once more", value=len(ledger.told("repeat")), least=1),
        Figure(what="feedback, scores, call-backs and ends", value=sum(len(ledger.told(x)) for x in ACTS)),
        Figure(what="handoffs", value=len(ledger.store.handoffs), least=1),
        Figure(what="revisions that leave", value=len(ledger.store.deliveries), least=1),
        Figure(what="calls received", value=len(came), least=1),
        Figure(what="  refused, or hung up on, unstored", value=len(came) - len(keys), least=1),
        Figure(what="  repeats of what was stored, same key", value=len(keys) - len(set(keys)), least=1),
        Figure(what="caused to delivered, slowest", value=max(arrived, default=0), unit="s"),
    ]
