"""The benchmark's own arithmetic, content and tools; what it measures is measured by `make bench`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from evals.bench import content, measuring
from evals.bench.encoders import RememberingEncoder, TimedEncoder
from evals.bench.load import Load, ask_over_http
from evals.bench.rows import Row, Unit, quantile, table
from indexer import Builder
from indexer.testing import HashEncoder


def test_content_is_the_same_for_the_same_number_and_differs_between_articles() -> None:
    made = list(content.articles(30))
    assert made == list(content.articles(40))[:30]
    assert len({m.text for m in made}) == 30
    assert {m.lang for m in made} == {"fi", "sv", "en"}
    assert made[0].path == Path("fi/bench/bench-0.md")
    assert made[0].text.startswith("---\nid: bench-0\ntitle: ")
    assert ("questions:" in made[0].text, "questions:" in made[1].text) == (True, False)


def test_questions_are_different_and_repeatable() -> None:
    asked = content.questions(50, among=10)
    assert len(set(asked)) == 50
    assert asked == content.questions(50, among=10)
    assert asked != content.questions(50, among=10, seed=2)


def test_rows_know_their_budget_in_both_directions() -> None:
    slow = Row(what="a", value=1.6, budget=1.5, unit=Unit.TIMES)
    enough = Row(what="b", value=0.8, budget=0.8, unit=Unit.SHARE, at_most=False, detail="n = 3")
    assert not slow.kept
    assert enough.kept
    lines = table([slow, enough]).splitlines()
    assert lines[1].split() == ["a", "1.60", "x", "≤", "1.50", "x", "MISSED"]
    assert lines[2].split() == ["b", "80", "%", "≥", "80", "%", "kept", "n", "=", "3"]
    assert slow.to_json()["kept"] is False


def test_quantiles_by_hand() -> None:
    assert quantile([1.0, 2.0, 3.0], 0.5) == 2.0
    assert quantile([0.0, 1.0], 0.99) == pytest.approx(0.99)


def test_the_generators_cpu_is_taken_off_the_time_that_the_service_had() -> None:
    load = Load(requests=1000, errors=0, seconds=10.0, cpu_seconds=4.0, p50_ms=1.0, p99_ms=2.0)
    # 20 core-seconds, 4 of them the generator's: 1000 requests in 16 core-seconds of two cores.
    assert load.per_second(2) == pytest.approx(1000 / 8)


@pytest.fixture
def answering_server() -> Iterator[tuple[int, list[str]]]:
    """A server that answers every second question."""
    heard: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
            self.send_response(200 if len(heard) % 2 else 500)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1], heard
    server.shutdown()
    server.server_close()


def test_load_asks_the_questions_and_counts_what_fails(
    answering_server: tuple[int, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evals.bench.load.WARM_UP", 0.05)
    port, heard = answering_server
    load = ask_over_http(port, ["eka", "toka", "kolmas"], seconds=0.3, connections=2)
    assert set(heard) == {"eka", "toka", "kolmas"}
    assert load.requests > 5
    assert load.errors == pytest.approx(load.requests, abs=3)
    assert 0 < load.p50_ms <= load.p99_ms


def test_the_timed_encoder_counts_and_the_remembering_one_does_not_encode_again() -> None:
    timed = TimedEncoder(HashEncoder())
    assert (timed.encode_passages(["a", "b"]) == HashEncoder().encode_passages(["a", "b"])).all()
    assert timed.texts == 2
    assert timed.seconds > 0
    remembering = RememberingEncoder(timed)
    remembering.learn(["a"])
    before = timed.texts
    assert (remembering.encode_queries(["a"]) == HashEncoder().encode_queries(["a"])).all()
    assert timed.texts == before
    remembering.encode_queries(["a", "new"])
    assert timed.texts == before + 2


def test_search_and_building_are_measured_on_a_real_index(tmp_path: Path) -> None:
    content.write_kb(tmp_path / "kb", 30)
    encoder = HashEncoder()
    Builder(kb=tmp_path / "kb", root=tmp_path / "index", encoder=encoder).build()
    vectors, rankers = measuring.search_alone(tmp_path / "index", encoder, content.questions(20, among=30))
    assert 0 < vectors.value < rankers.value
    assert "30 sections" in vectors.what
    (row,) = measuring.building(tmp_path / "again", encoder, 30)
    assert 0 < row.value < 1
