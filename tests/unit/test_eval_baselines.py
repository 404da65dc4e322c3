"""The simple methods, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from evals.baselines import ALWAYS_HAND_OFF, BM25, Cosine, NGrams, QueryCache, baselines_of, reply_of
from evals.predictions import Outcome
from evals.questions import Kind, Question
from indexer import ArticleKey
from tests.unit.stub_help_center import StubEncoder, StubIndex, article


def test_bm25_by_hand() -> None:
    scores = BM25(["card card lost", "app"])(["lost card", "app app", "zebra"])
    idf = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    norm = 1.2 * (0.25 + 0.75 * 3 / 2)
    assert scores[0] == pytest.approx([idf * (2 / (2 + norm) + 1 / (1 + norm)), 0.0])
    assert scores[1, 1] == pytest.approx(2 * idf / (1 + 1.2 * (0.25 + 0.75 * 1 / 2)))
    assert scores[2].tolist() == [0.0, 0.0]


def test_ngrams_forgive_inflection_and_typos() -> None:
    scores = NGrams(["kadonnut kortti", "sovelluksen asennus"])(["kortin kadottaminen", "sovelus"])
    assert scores[0].argmax() == 0
    assert scores[1].argmax() == 1
    assert NGrams(["same words"])(["same words"])[0, 0] == pytest.approx(1.0)


def test_wordless_articles_are_no_reason_to_fail() -> None:
    assert BM25(["", "!!"])(["card"]).tolist() == [[0.0, 0.0]]
    assert NGrams(["", ""])(["card"]).tolist() == [[0.0, 0.0]]


def test_nearest_example_takes_the_best_one_of_each_article() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    owners = np.array([2, 0, 2])
    scorer = Cosine(lambda texts: np.array([[0.0, 1.0]] * len(texts), np.float32), owners, vectors, 3)
    assert scorer(["x"])[0].tolist() == pytest.approx([1.0, -1.0, 0.8])


def test_query_cache_encodes_each_text_once() -> None:
    asked: list[str] = []

    class Counting(StubEncoder):
        def encode_queries(self, texts):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            asked.extend(texts)
            return super().encode_queries(texts)

    cache = QueryCache(Counting())
    first = cache(["ab", "abc", "ab"])
    assert cache(["abc", "abcd"])[0].tolist() == first[1].tolist()
    assert asked == ["ab", "abc", "abcd"]


def test_an_index_without_examples_or_vectors_gets_the_baselines_that_it_allows() -> None:
    articles = (article("a", "lost card"), article("b", "install the app"))
    index = StubIndex(articles)
    names = [b.name for b in baselines_of(index, articles, QueryCache(index.encoder))]
    assert names == ["BM25", "character n-grams", "always hand off"]
    with_examples = (article("a", "lost card", questions=("abc",)), article("b", "app", questions=("ab",)))
    found = baselines_of(StubIndex(with_examples), with_examples, QueryCache(StubEncoder()))
    assert [b.name for b in found][2] == "nearest example"
    question = Question(id="q", lang="en", text="xy", kind=Kind.IN_SCOPE, gold=("b",))
    (reply,) = reply_of(found[2], with_examples, [question])
    assert [hit.article_id for hit in reply.hits] == ["b", "a"]
    assert reply.confidence == pytest.approx(1.0)


class CosineStub(StubIndex):
    """Shows cosines: of the first direction for the first article, of the second for the last."""

    def article_cosines(self, embedding: NDArray[np.float32]) -> tuple[list[ArticleKey], NDArray[np.float32]]:
        return [self.content[-1].key, self.content[0].key], embedding[::-1]


def test_an_index_that_shows_its_cosines_gets_the_cosine_baseline() -> None:
    articles = (article("a", "x"), article("b", "y"), article("c", "z"))
    found = {b.name: b for b in baselines_of(CosineStub(articles), articles, QueryCache(StubEncoder()))}
    scorer = found["cosine threshold"].scorer
    assert scorer is not None
    assert scorer(["even", "odd"]).tolist() == [[1.0, -1.0, 0.0], [0.0, -1.0, 1.0]]


def test_always_hand_off_answers_nothing() -> None:
    question = Question(id="q", lang="en", text="xy", kind=Kind.IN_SCOPE)
    (reply,) = reply_of(ALWAYS_HAND_OFF, (), [question])
    assert (reply.outcome, reply.reason, reply.hits) == (Outcome.HANDED_OFF, "asked", ())
