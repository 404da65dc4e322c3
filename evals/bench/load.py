"""The load generator: a process of its own that asks over kept-alive connections and knows its own CPU.

``python -m evals.bench.load PORT TEXTS SECONDS CONNECTIONS`` prints one JSON document.
"""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Thread
from time import perf_counter, process_time
from typing import Any

import click

WARM_UP = 1.0  #: seconds before counting begins


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load generator did."""

    requests: int
    errors: int  #: replies with another status than 200, and broken connections
    seconds: float
    cpu_seconds: float  #: the generator's own, while counting
    p50_ms: float
    p99_ms: float

    def per_second(self, cores: int) -> float:
        """Requests a second of the cores' time that the generator left to the service."""
        left = self.seconds * cores - self.cpu_seconds
        return self.requests * cores / left


def generate(port: int, texts: list[str], *, seconds: float, connections: int) -> Load:
    """Ask from a process of its own, so that its CPU can be told from the service's."""
    done = subprocess.run(
        [sys.executable, "-m", "evals.bench.load", str(port), "-", str(seconds), str(connections)],
        input="\n".join(texts),
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 120,
    )
    return Load(**json.loads(done.stdout))


def ask_over_http(port: int, texts: list[str], *, seconds: float, connections: int) -> Load:
    """Ask from this process: each connection sends its next question when it has the last reply."""
    bodies = [json.dumps({"text": text}).encode() for text in texts]
    begin = perf_counter() + WARM_UP
    end = begin + seconds
    times: list[list[float]] = [[] for _ in range(connections)]
    errors = [0] * connections

    def work(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        place = number * len(bodies) // connections
        while (start := perf_counter()) < end:
            body = bodies[place % len(bodies)]
            place += 1
            try:
                connection.request("POST", "/v1/ask", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
                good = response.status == 200
            except (OSError, http.client.HTTPException):
                connection.close()
                good = False
            if begin <= start and (now := perf_counter()) <= end:
                times[number].append(now - start)
                errors[number] += not good

    threads = [Thread(target=work, args=(number,), daemon=True) for number in range(connections)]
    for thread in threads:
        thread.start()
    while perf_counter() < begin:
        threads[0].join(timeout=max(0.0, begin - perf_counter()))
    cpu = process_time()
    for thread in threads:
        thread.join()
    flat = sorted(t for some in times for t in some)
    return Load(
        requests=len(flat) - sum(errors),
        errors=sum(errors),
        seconds=seconds,
        cpu_seconds=process_time() - cpu,
        p50_ms=1000 * flat[len(flat) // 2] if flat else 0.0,
        p99_ms=1000 * flat[min(len(flat) - 1, len(flat) * 99 // 100)] if flat else 0.0,
    )


def main(arguments: list[str]) -> None:
    """Print what was done as JSON; texts come from a file, or one a line from stdin with ``-``."""
    port, source, seconds, connections = arguments
    text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    texts = [line for line in text.splitlines() if line.strip()]
    load = ask_over_http(int(port), texts, seconds=float(seconds), connections=int(connections))
    document: dict[str, Any] = asdict(load)
    click.echo(json.dumps(document))


if __name__ == "__main__":
    main(sys.argv[1:])
