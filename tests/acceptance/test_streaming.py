"""Streams of events from a real process: killed, started again, and stopped in good order."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.acceptance.processes import Process, command

#: Starting takes long beside busy neighbours.
START = 240.0


def started(process: Process) -> str:
    return str(process.wait_for(r"(http://[\d.]+:\d+)", START)[1])


def ids_until(lines: Iterator[str], name: str) -> list[int]:
    """The ids of a stream's events up to the first of this name."""
    found: list[int] = []
    for line in lines:
        if line.startswith("id: "):
            found.append(int(line[4:]))
        if line == f"event: {name}":
            return found
    raise AssertionError(f"the stream ended without {name}")


def test_a_stream_outlives_a_kill_and_ends_in_good_order_at_a_stop(
    sample_index: Path, tmp_path: Path
) -> None:
    env = {
        "HELPPARI_SERVER__PORT": "0",
        "HELPPARI_STORAGE__URL": f"sqlite:///{tmp_path}/store.sqlite",
    }
    serve = ("serve", "--index", str(sample_index))
    with httpx.Client(timeout=60) as client:
        with command(*serve, cwd=tmp_path, env=env) as process:
            address = started(process)
            opened = client.post(f"{address}/v1/conversations", json={"lang": "en"}).json()
            path = f"/v1/conversations/{opened['conversation_id']}"
            bearer = {"authorization": f"Bearer {opened['token']}"}
            headers = {**bearer, "accept": "text/event-stream"}
            with client.stream("GET", f"{address}{path}/events", headers=headers) as told:
                said = {"client_message_id": "1", "text": "hello"}
                client.post(f"{address}{path}/messages", json=said, headers=bearer).raise_for_status()
                before = ids_until(told.iter_lines(), "bot_replied")
                process.popen.send_signal(signal.SIGKILL)
        with command(*serve, cwd=tmp_path, env=env) as process:
            address = started(process)
            again = {**headers, "last-event-id": str(before[-1])}
            with client.stream("GET", f"{address}{path}/events", headers=again) as told:
                said = {"client_message_id": "2", "press": "person", "text": ""}
                client.post(f"{address}{path}/messages", json=said, headers=bearer).raise_for_status()
                lines = told.iter_lines()
                after = ids_until(lines, "handoff_created")
                began = time.monotonic()
                process.popen.send_signal(signal.SIGTERM)
                assert [line for line in lines if line][-1].startswith("retry: ")
                assert process.popen.wait(30) in (0, -signal.SIGTERM)
                assert time.monotonic() - began < 30, "a stream must not hold the shutdown up"
    together = [*before, *after]
    assert together == sorted(set(together))
    assert before[0] == 1
    assert after[0] > before[-1]
