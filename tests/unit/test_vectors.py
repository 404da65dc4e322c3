"""FAISS against plain numpy: values, order and ids."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from indexer.errors import IndexDamaged
from indexer.vectors import COARSE_FROM, FlatVectors, unit_rows


def random_vectors(n: int, dim: int = 16, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)


CASES = {
    "unit": unit_rows(random_vectors(40)),
    "unnormalised": random_vectors(40) * 7,
    "zero": np.zeros((5, 16), np.float32),
    "duplicates": np.repeat(random_vectors(4), 3, axis=0),
    "one": random_vectors(1),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("k", [1, 3, 1000])
def test_search_is_exact(name: str, k: int) -> None:
    vectors = CASES[name]
    query = random_vectors(1, seed=9)[0]
    found = FlatVectors.build(vectors).search(query, k)
    expected = vectors @ query
    assert len(found.rows) == min(k, len(vectors))
    assert found.scores == pytest.approx(np.sort(expected)[::-1][:k], abs=1e-5)
    assert found.scores == pytest.approx(expected[found.rows], abs=1e-5)
    assert len(set(found.rows.tolist())) == len(found.rows)


def test_dead_rows_never_come() -> None:
    vectors = CASES["unit"]
    query = vectors[7]
    dead = np.zeros(len(vectors), bool)
    dead[[7, 3]] = True
    found = FlatVectors.build(vectors).search(query, len(vectors), dead)
    alive = np.flatnonzero(~dead)
    order = alive[np.argsort(-(vectors[alive] @ query), kind="stable")]
    assert found.rows.tolist() == order.tolist()
    assert len(FlatVectors.build(vectors).search(query, 5, np.ones(len(vectors), bool)).rows) == 0


def around_topics(n: int, dim: int = 384) -> NDArray[np.float32]:
    """Vectors as crowded as those of articles: some topics, and differences within each."""
    drawn = np.random.default_rng(5)
    topics = unit_rows(drawn.normal(size=(20, dim)).astype(np.float32))
    return unit_rows(topics[drawn.integers(0, 20, n)] + 0.06 * drawn.normal(size=(n, dim)).astype(np.float32))


@pytest.mark.parametrize("hidden", [0.0, 0.02, 0.5])
def test_a_served_index_finds_among_many_rows_what_the_exact_one_finds(tmp_path: Path, hidden: float) -> None:
    vectors = around_topics(COARSE_FROM * 4)
    exact = FlatVectors.build(vectors)
    exact.save(tmp_path / "v.faiss")
    served = FlatVectors.load(tmp_path / "v.faiss")
    dead = np.random.default_rng(2).random(len(vectors)) < hidden if hidden else None
    for query in around_topics(COARSE_FROM * 4 + 30)[-30:]:
        found, expected = served.search(query, 60, dead), exact.search(query, 60, dead)
        assert found.rows.tolist() == expected.rows.tolist()
        assert found.scores == pytest.approx(expected.scores, abs=1e-6)
        assert dead is None or not dead[found.rows].any()


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e6])
def test_a_served_index_takes_vectors_of_any_length(tmp_path: Path, scale: float) -> None:
    vectors = around_topics(COARSE_FROM) * np.float32(scale)
    FlatVectors.build(vectors).save(tmp_path / "v.faiss")
    served = FlatVectors.load(tmp_path / "v.faiss")
    query = vectors[7]
    found = served.search(query, 5)
    assert len(found.rows) == 5
    assert found.scores == pytest.approx(np.sort(vectors @ query)[::-1][:5], rel=1e-4)
    assert len(served.search(query, len(vectors)).rows) == len(vectors)


def test_products_and_rows_are_those_of_the_index() -> None:
    vectors = CASES["unnormalised"]
    index = FlatVectors.build(vectors)
    rows = np.array([5, 5, 0])
    assert index.products(vectors[1], rows) == pytest.approx(vectors[rows] @ vectors[1], rel=1e-5)
    assert index.rows(slice(2, 4)).tolist() == vectors[2:4].tolist()


def test_empty_index_finds_nothing(tmp_path: Path) -> None:
    index = FlatVectors.build(np.zeros((0, 16), np.float32))
    index.save(tmp_path / "empty.faiss")
    loaded = FlatVectors.load(tmp_path / "empty.faiss")
    assert loaded.count == 0
    assert len(loaded.search(random_vectors(1)[0], 5).rows) == 0


def test_a_saved_index_is_the_same(tmp_path: Path) -> None:
    index = FlatVectors.build(CASES["unit"])
    index.save(tmp_path / "v.faiss")
    query = random_vectors(1, seed=3)[0]
    assert (
        FlatVectors.load(tmp_path / "v.faiss").search(query, 9).rows.tolist()
        == index.search(query, 9).rows.tolist()
    )


def test_another_kind_of_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "noise.faiss").write_bytes(b"not an index")
    with pytest.raises(IndexDamaged, match="rebuild"):
        FlatVectors.load(tmp_path / "noise.faiss")
    faiss.write_index(faiss.IndexFlatL2(4), str(tmp_path / "l2.faiss"))
    with pytest.raises(IndexDamaged, match="not a flat inner-product index"):
        FlatVectors.load(tmp_path / "l2.faiss")


def test_unit_rows_leaves_zero_alone() -> None:
    rows = unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]], np.float32))
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)], [0.0, 0.0]]


def test_searching_starts_no_threads_of_its_own(tmp_path: Path) -> None:
    """OpenMP's threads spin while they wait: on a thread of the service they cost more than the search."""
    vectors = around_topics(COARSE_FROM * 8)
    FlatVectors.build(vectors).save(tmp_path / "v.faiss")
    script = f"""
import os, threading
from pathlib import Path
import numpy as np
from indexer.vectors import FlatVectors

def search():
    index = FlatVectors.load(Path({str(tmp_path / "v.faiss")!r}))
    before = len(os.listdir("/proc/self/task"))
    for _ in range(3):
        index.search(np.ones({vectors.shape[1]}, np.float32), 60)
    print(len(os.listdir("/proc/self/task")) - before)

worker = threading.Thread(target=search)
worker.start()
worker.join()
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "4"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout.strip() == "0"
