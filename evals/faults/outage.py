"""The outside systems are away for ten minutes, of which each lasts 0.8 seconds here; the clock is real.

One system refuses connections, then accepts them and stalls, and comes back; another has given its address
up (410) until an operator mends it and retries. Meanwhile customers go on asking for people.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evals.faults.figures import Figure, Result
from evals.faults.journal import entries
from evals.faults.ledger import RULES, Entry, Ledger, Violation
from evals.faults.receiver import Behaviour
from evals.faults.stored import stored
from evals.faults.world import FaultsError, World, free_port, sink_of, world

SCALE = 75  #: seconds of a real outage that pass in one
OUTAGE = 600 / SCALE
AWAY, GONE = "crm", "tickets"  #: the system that comes back by itself, and the one that is mended
CUSTOMERS = 3
BEFORE = 1.5  #: seconds of good service first
AFTER = 2.0  #: seconds that customers go on once it is over
PATIENCE = 60.0

SETTINGS = {
    "HELPPARI_OUTBOX__FIRST_WAIT_SECONDS": f"{2 / SCALE:.3f}",
    "HELPPARI_OUTBOX__LONGEST_WAIT_SECONDS": f"{900 / SCALE:g}",
    "HELPPARI_OUTBOX__LEASE_SECONDS": "3",
    "HELPPARI_OUTBOX__CUT_OFF_SECONDS": f"{60 / SCALE:g}",
    **{f"HELPPARI_SINKS__WEBHOOK__{name.upper()}__TIMEOUT_SECONDS": "1" for name in (AWAY, GONE)},
}

HONEST = (
    "who asks for a person is answered while people cannot be reached",
    "the request waits for people, and nobody else",
    "dead deliveries are listed, and told to be Gone",
    "/readyz tells of dead deliveries",
    "retried, they arrive",
    "who is told that people cannot be reached has not reached them",
    "nothing is said to be passed on that is known to be stuck",
)
PASSED = "I've passed your question to customer service"
NOTICED = 60 / SCALE + 7.0  #: the cut-off, the five seconds between two looks at it, and two of slowness


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What an operator saw, and when things happened (seconds since 1970)."""

    away_at: float
    back_at: float
    listed: Sequence[Entry]  #: of ``helppari desk outbox list --state dead --json``
    notes: Sequence[str]  #: of /readyz
    retried: int
    pending_before: int  #: when the system came back


def run(folder: Path, *, seed: int = 1, index: Path | None = None) -> Result:
    """Play the outage and compare; all journals and logs stay in ``folder``."""
    begun = time.monotonic()
    with world(folder, hooks=(AWAY, GONE), index=index, settings=SETTINGS) as stage:
        port = free_port()
        gone = stage.receiver(GONE, Behaviour.GONE, seed=seed)
        away = stage.receiver(AWAY, Behaviour.WELL, seed=seed)
        server = stage.serve(port)
        if not server.wait_ready():
            raise FaultsError(f"the service is not ready after a minute: see {server.log}")
        crowd = stage.crowd([port], threads=CUSTOMERS, seed=seed)
        time.sleep(BEFORE)
        away_at = time.time()
        _away(stage, away)
        back_at = time.time()
        pending_before = _outbox(stage, "pending")["pending"]
        stage.receiver(AWAY, Behaviour.WELL, seed=seed)
        time.sleep(AFTER)
        _end(crowd)
        _until(lambda: _outbox(stage, "pending")["pending"] == 0, "the outbox does not empty itself")
        listed = _outbox(stage, "dead")["deliveries"]
        notes = _ready_notes(port)
        gone.kill()
        gone.wait()
        stage.receiver(GONE, Behaviour.WELL, seed=seed)
        retried = json.loads(stage.desk("outbox", "retry", "--all", "--json"))["retried"]
        _until(lambda: _outbox(stage, "waiting")["deliveries"] == [], "what was retried does not arrive")
        seen = Seen(
            away_at=away_at,
            back_at=back_at,
            listed=listed,
            notes=notes,
            retried=len(retried),
            pending_before=pending_before,
        )
        came = {sink_of(name): entries(stage.came(name)) for name in (AWAY, GONE)}
        ledger = Ledger(said=entries(stage.said), store=stored(stage.url), came=came)
    violations = [*ledger.violations(), *(Violation(rule=r, detail=d) for r, d in _honesty(ledger, seen))]
    seconds = time.monotonic() - begun
    name = f"an outage of ten minutes in {OUTAGE:g} s (1:{SCALE}), sqlite, seed {seed}, {seconds:.0f} s"
    rules = (*RULES, *HONEST)
    return Result(name=name, figures=_figures(ledger, seen), violations=violations, rules=rules)


def _away(stage: World, away: subprocess.Popen[bytes]) -> None:
    """Nobody listens for half of the time; then somebody does, and never answers."""
    away.kill()
    away.wait()
    time.sleep(OUTAGE / 2)
    stalling = stage.receiver(AWAY, Behaviour.STALLING)
    time.sleep(OUTAGE / 2)
    stalling.kill()
    stalling.wait()


def _end(crowd: subprocess.Popen[bytes]) -> None:
    crowd.terminate()
    try:
        crowd.wait(PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise FaultsError(f"the customers got no reply for {PATIENCE:g} s: see the logs") from error


def _outbox(stage: World, state: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        stage.desk("outbox", "list", "--state", state, "--limit", "10000", "--json")
    )
    return found


def _until(done: Callable[[], bool], otherwise: str) -> None:
    until = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > until:
            raise FaultsError(f"{otherwise} within {PATIENCE:g} s: see the logs")
        time.sleep(0.2)


def _ready_notes(port: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/readyz")
        notes: list[str] = json.loads(connection.getresponse().read())["notes"]
        return notes
    finally:
        connection.close()


def _honesty(ledger: Ledger, seen: Seen) -> Iterator[tuple[str, str]]:
    asked = _asked(ledger, seen)
    for entry in asked:
        if not entry["said"] and entry["owner"] == "queue" and entry["handoff"]["revision"] == 1:
            yield HONEST[0], f"{entry['conversation_id']} {entry['client_message_id']}"
        if (entry["handoff"]["state"] == "open") != (entry["owner"] == "queue"):
            yield HONEST[1], f"{entry['conversation_id']}: {entry['owner']}"
    errors = {one["error"] for one in seen.listed}
    if not seen.listed or any("410" not in error for error in errors):
        yield HONEST[2], f"{len(seen.listed)} listed: {sorted(errors)}"
    if not any(f"{len(seen.listed)} deliveries are dead" in note for note in seen.notes):
        yield HONEST[3], f"{seen.notes}"
    arrived = {entry["key"] for entry in ledger.came[sink_of(GONE)] if entry["stored"]}
    for one in seen.listed:
        if one["key"] not in arrived:
            yield HONEST[4], one["key"]
    first = [one for one in ledger.store.deliveries if one.place == 1 and one.sink == sink_of(AWAY)]
    reached = {one.stream.rpartition(":")[2]: one.delivered_at for one in first}
    handoffs = {(one.conversation_id, one.episode): one.id for one in ledger.store.handoffs}
    for event in ledger.store.events:
        if event.type == "service_message" and event.data["key"] == "not_delivered":
            at = reached.get(handoffs[event.conversation_id, event.episode], 0.0)
            if at and at < event.at:
                yield HONEST[5], f"{event.conversation_id}: reached {event.at - at:.1f} s before"

    for entry in asked:
        if entry["at"] > _known_at(ledger, seen) and PASSED in entry["said"]:
            yield HONEST[6], f"{entry['conversation_id']}: {entry['said']}"


def _known_at(ledger: Ledger, seen: Seen) -> float:
    """From when on the service must know that handoffs do not get through."""
    stuck = [
        one.created_at
        for one in ledger.store.deliveries
        if one.sink == sink_of(AWAY) and one.created_at > seen.away_at and one.delivered_at > seen.back_at
    ]
    return min(stuck, default=seen.back_at) + NOTICED


def _asked(ledger: Ledger, seen: Seen) -> list[Entry]:
    """Messages of the outage that have a handoff."""
    told = ledger.told("message")
    return [entry for entry in told if entry["handoff"] and seen.away_at < entry["at"] < seen.back_at]


def _figures(ledger: Ledger, seen: Seen) -> list[Figure]:
    asked = _asked(ledger, seen)
    arrived = [
        one.delivered_at - max(one.created_at, seen.back_at)
        for one in ledger.store.deliveries
        if one.sink == sink_of(AWAY) and one.created_at < seen.back_at < one.delivered_at
    ]
    refused = [entry for entry in ledger.came[sink_of(AWAY)] if not entry["stored"]]
    new = [entry for entry in asked if entry["handoff"]["revision"] == 1]
    return [
        Figure(what="messages acknowledged", value=len(ledger.told("message")), least=1),
        Figure(what="handoffs", value=len(ledger.store.handoffs), least=1),
        Figure(what="  first asked for during the outage", value=len(new), least=1),
        Figure(
            what="  told that it is saved, not passed on", value=sum("been saved" in e["said"] for e in new)
        ),
        Figure(what="revisions that leave, to two systems", value=len(ledger.store.deliveries), least=1),
        Figure(what="  waiting when the system came back", value=seen.pending_before, least=1),
        Figure(what="calls that stalled", value=len(refused), least=1),
        Figure(what="back to the last one delivered", value=max(arrived, default=0), unit="s"),
        Figure(what="dead, listed for the operator", value=len(seen.listed), least=1),
        Figure(what="  retried, and arrived", value=seen.retried, least=1),
    ]
