"""The measurements, each giving rows; times that are compared are taken in turns in one run."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import NamedTuple

from evals.bench import content
from evals.bench.encoders import RememberingEncoder, TimedEncoder
from evals.bench.load import WARM_UP, generate
from evals.bench.rows import Row, Unit, quantile
from evals.bench.serving import command, serving
from indexer import Builder, Encoder, Index

ROUNDS = 3  #: times that each text is taken; the middle one counts
CONNECTIONS = 8
EDITS = 5


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def one_question(index: Index, encoder: Encoder, texts: list[str]) -> list[Row]:
    """A question in process against the encoder's own time for the same text."""
    from botsvc.answering import answering
    from botsvc.settings import Settings

    bot = answering(Settings())
    whole, own = _in_turns(texts, lambda t: bot.ask(index, t), lambda t: encoder.encode_queries([t]))
    ratios = [a / b for a, b in zip(whole, own, strict=True)]
    ask, encode = 1000 * quantile(whole, 0.5), 1000 * quantile(own, 0.5)
    detail = f"{ask:.2f} ms, encoder {encode:.2f} ms, n = {len(texts)}"
    name = f"one question in process, {index.section_count:,} sections"
    return [
        Row(what=f"{name}: median", value=quantile(ratios, 0.5), budget=1.5, unit=Unit.TIMES, detail=detail),
        Row(what=f"{name}: 99th percentile", value=quantile(ratios, 0.99), budget=3.0, unit=Unit.TIMES),
    ]


def search_alone(root: Path, encoder: Encoder, texts: list[str]) -> list[Row]:
    """Searching with the embedding at hand."""
    remembering = RememberingEncoder(encoder)
    remembering.learn(texts)
    index = Index.load(root, encoder=remembering)
    parts = index.snapshot.parts
    vectors = {text: index.cohort.centre_queries(remembering.known[text][None, :])[0] for text in texts}

    def nearest(text: str) -> object:
        return [part.segment.passages.search(vectors[text], 60, part.dead_passages) for part in parts]

    whole, flat = _in_turns(texts, index.search, nearest)
    name = f"search alone, {index.section_count:,} sections"
    return [
        _ms(f"{name}: vectors", flat, 1.0),
        _ms(f"{name}: all rankers, their combination and the probabilities", whole, 2.0),
    ]


def building(folder: Path, encoder: Encoder, count: int) -> list[Row]:
    """The share of a full build's time in which the encoder works."""
    kb = folder / "kb"
    content.write_kb(kb, count)
    timed = TimedEncoder(encoder)
    start = perf_counter()
    Builder(kb=kb, root=folder / "index", encoder=timed).build()
    seconds = perf_counter() - start
    detail = (
        f"{timed.texts / seconds:.0f} texts/s, encoder {timed.texts / timed.seconds:.0f}, {count:,} articles"
    )
    return [
        Row(
            what="building against the encoder's own passages a second",
            value=timed.seconds / seconds,
            budget=0.8,
            unit=Unit.SHARE,
            at_most=False,
            detail=detail,
        )
    ]


def over_http(root: Path, folder: Path, encoder: Encoder, texts: list[str], seconds: float) -> list[Row]:
    """``/v1/ask`` over HTTP against the raw encoder on the same cores; start and memory of the process."""
    with serving(root, folder / "first"):
        pass  # the first start pays for the disk's cache
    # Half of the encoder's own time before the load and half after it: a shared machine changes.
    before = _encoding(encoder, texts, seconds / 2)
    with serving(root, folder / "serve") as server:
        ready = server.ready_seconds
        worked = server.cpu_seconds()
        load = generate(server.port, texts, seconds=seconds, connections=CONNECTIONS)
        worked = server.cpu_seconds() - worked
        memory = server.memory_mb()
    after = _encoding(encoder, texts, seconds / 2)
    alone = _Encoding(
        before.queries + after.queries,
        before.seconds + after.seconds,
        before.cpu_seconds + after.cpu_seconds,
    )
    raw, own = alone.queries / alone.seconds, load.per_second(cores())
    # The generator asks for its warm-up too.
    asked = load.requests * (load.seconds + WARM_UP) / load.seconds or 1.0
    detail = (
        f"{load.requests / load.seconds:.0f}/s, {own:.0f}/s without the generator's CPU, "
        f"encoder {raw:.0f}/s; median {load.p50_ms:.0f} ms, 99th percentile {load.p99_ms:.0f} ms, "
        f"{CONNECTIONS} connections, {load.errors} errors; CPU {1000 * worked / asked:.1f} ms a request, "
        f"encoder {1000 * alone.cpu_seconds / alone.queries:.1f} ms a query"
    )
    return [
        Row(
            what="/v1/ask over HTTP against raw encoder queries a second",
            value=own / raw if not load.errors else 0.0,
            budget=0.6,
            unit=Unit.SHARE,
            at_most=False,
            detail=detail,
        ),
        Row(what="start to ready, warm cache", value=ready, budget=2.0, unit=Unit.SECONDS),
        Row(what="resident memory of the serving process", value=memory, budget=400.0, unit=Unit.MEGABYTES),
    ]


def edit_to_served(kb: Path, root: Path, folder: Path, count: int) -> list[Row]:
    """From saving one article to its new text in the service's reply, with a watcher and a service."""
    watching = ("index", "watch", "--kb", str(kb.resolve()), "--out", str(root.resolve()))
    times: list[float] = []
    with serving(root, folder / "serve") as server, command(watching, folder / "watch", name="watch"):
        for number in range(EDITS + 1):
            made = next(a for n, a in enumerate(content.articles(count)) if n == (number * 37) % count)
            mark = f"benchmark{number}"
            with _restored(kb / made.path) as path:
                text = path.read_text(encoding="utf-8") + f"\nEdited: {mark}.\n"
                start = perf_counter()
                path.write_text(text, encoding="utf-8")
                # The first edit waits for the watcher's own first build, and does not count.
                patience = 600 if number == 0 else 60
                while mark not in str(server.get(f"/v1/articles/{made.lang}/{made.id}")[1]):
                    if perf_counter() - start > patience:
                        raise RuntimeError(f"the edit of {path} was not served: see {folder / 'watch'}")
                    sleep(0.01)
                if number:
                    times.append(perf_counter() - start)
    detail = f"median {quantile(times, 0.5):.2f} s, {EDITS} edits"
    name = f"editing 1 of {count:,} articles: saved to served, slowest"
    return [Row(what=name, value=max(times), budget=2.0, unit=Unit.SECONDS, detail=detail)]


def _in_turns(
    texts: list[str], one: Callable[[str], object], other: Callable[[str], object]
) -> tuple[list[float], list[float]]:
    """Seconds of both for each text, the middle one of some rounds, taken in turns after a warm-up."""
    for text in texts[:20]:
        one(text)
        other(text)
    gc.collect()
    found: tuple[list[float], list[float]] = ([], [])
    for text in texts:
        rounds = [(_seconds(one, text), _seconds(other, text)) for _ in range(ROUNDS)]
        for place in (0, 1):
            found[place].append(sorted(r[place] for r in rounds)[ROUNDS // 2])
    return found


def _seconds(call: Callable[[str], object], text: str) -> float:
    start = perf_counter()
    call(text)
    return perf_counter() - start


class _Encoding(NamedTuple):
    """What the encoder did by itself."""

    queries: int
    seconds: float
    cpu_seconds: float


def _encoding(encoder: Encoder, texts: list[str], seconds: float) -> _Encoding:
    done, start, cpu = 0, perf_counter(), process_time()
    while (passed := perf_counter() - start) < seconds:
        batch = [texts[(done + i) % len(texts)] for i in range(64)]
        encoder.encode_queries(batch)
        done += len(batch)
    return _Encoding(done, passed, process_time() - cpu)


def _ms(what: str, seconds: list[float], budget: float) -> Row:
    slow = 1000 * quantile(seconds, 0.99)
    detail = f"median; 99th percentile {slow:.2f} ms, n = {len(seconds)}"
    return Row(
        what=what, value=1000 * quantile(seconds, 0.5), budget=budget, unit=Unit.MILLISECONDS, detail=detail
    )


@contextmanager
def _restored(path: Path) -> Iterator[Path]:
    """The file, as it was afterwards."""
    before = path.read_text(encoding="utf-8")
    try:
        yield path
    finally:
        path.write_text(before, encoding="utf-8")
