"""What every encoder promises, held against the double, the bundled one and an exported model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from indexer.encoders import Encoder, open_encoder
from indexer.testing import HashEncoder
from tests.contract.tiny_models import save_tiny_model

TEXTS = [
    "hukkasin korttini",
    "Var är mitt kort?",
    "",
    " \t\n",
    "Where is my invoice? " * 20,
    "lasku",
    "hukkasin korttini",
    "\x00\ud83d <s></s> [SEP] 🙂",
    *(f"kysymys numero {number} kortista" for number in range(40)),
]

Open = Callable[[int], Encoder]


@pytest.fixture(scope="module", params=["hash", "bundled", "exported"])
def open_with_threads(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Opens the encoder with so many threads."""
    if request.param == "hash":
        return lambda threads: HashEncoder()
    cache = tmp_path_factory.mktemp("cache")
    name = "bundled"
    if request.param == "exported":
        name = str(save_tiny_model(tmp_path_factory.mktemp("model"), prompts={"query": "query: "}))
    return lambda threads: open_encoder(name, cache=cache, threads=threads)


@pytest.fixture(scope="module")
def encoder(open_with_threads: Open) -> Encoder:
    return open_with_threads(2)


@pytest.mark.parametrize("method", ["encode_queries", "encode_passages"])
def test_one_unit_vector_a_text(encoder: Encoder, method: str) -> None:
    vectors = getattr(encoder, method)(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), encoder.dim), np.float32)
    assert np.abs(np.linalg.norm(vectors, axis=1) - 1).max() < 1e-5


def test_no_texts_give_no_vectors(encoder: Encoder) -> None:
    assert encoder.encode_queries([]).shape == (0, encoder.dim)
    assert encoder.encode_passages([]).shape == (0, encoder.dim)


def test_an_embedding_does_not_depend_on_its_neighbours(encoder: Encoder) -> None:
    together = encoder.encode_passages(TEXTS)
    alone = np.concatenate([encoder.encode_passages([text]) for text in TEXTS])
    backwards = encoder.encode_passages(TEXTS[::-1])[::-1]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)


def test_an_embedding_does_not_depend_on_the_number_of_threads(open_with_threads: Open) -> None:
    one, two, five = (open_with_threads(threads).encode_queries(TEXTS) for threads in (1, 2, 5))
    assert np.array_equal(one, two)
    assert np.array_equal(one, five)


def test_the_same_text_twice_gives_the_same_vector_and_another_text_another(encoder: Encoder) -> None:
    vectors = encoder.encode_queries(TEXTS)
    assert np.array_equal(vectors[0], vectors[6])
    assert vectors[0] @ vectors[5] < 0.999


def test_opening_again_gives_the_same_fingerprint_and_vectors(open_with_threads: Open) -> None:
    one, two = open_with_threads(1), open_with_threads(1)
    assert one.fingerprint == two.fingerprint
    assert one.fingerprint
    assert (one.name, one.dim, one.query_prefix) == (two.name, two.dim, two.query_prefix)
    assert np.array_equal(one.encode_queries(TEXTS[:2]), two.encode_queries(TEXTS[:2]))


def test_queries_and_passages_differ_by_their_prefixes_alone(encoder: Encoder) -> None:
    text = "hukkasin korttini"
    same = np.array_equal(encoder.encode_queries([text]), encoder.encode_passages([text]))
    assert same == (encoder.query_prefix == encoder.passage_prefix)
    if not encoder.passage_prefix:
        assert np.array_equal(
            encoder.encode_queries([text]), encoder.encode_passages([encoder.query_prefix + text])
        )


@pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1]])
def test_progress_rises_to_the_number_of_texts(encoder: Encoder, texts: list[str]) -> None:
    calls: list[tuple[str, int, int]] = []
    encoder.encode_passages(texts, progress=lambda *call: calls.append(call))
    done = [call[1] for call in calls]
    assert {(call[0], call[2]) for call in calls} == {("Encoding", len(texts))}
    assert done == sorted(set(done))
    assert done[-1] == len(texts)


def test_a_megabyte_of_text_is_read_as_far_as_the_model_reads(encoder: Encoder) -> None:
    long, cut = encoder.encode_passages(["lasku " * 170_000, "lasku " * 2_000])
    assert np.array_equal(long, cut) or isinstance(encoder, HashEncoder)  # which reads everything
    assert abs(np.linalg.norm(long) - 1) < 1e-5


def test_an_interrupted_call_ends_without_encoding_the_rest(encoder: Encoder) -> None:
    calls: list[int] = []

    def interrupt(step: str, done: int, total: int) -> None:
        calls.append(done)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encoder.encode_passages(TEXTS, progress=interrupt)
    assert len(calls) == 1
