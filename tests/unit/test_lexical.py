"""Postings against a plain implementation of BM25, and terms of the three languages."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.lexical import IMPACT_SCALE, K1, B, Postings, idf
from indexer.snapshot import top_rows
from indexer.terms import PLAIN, fold, ngrams, query_ngrams, query_stems, stems, words

TEXTS = [
    "Sulje kortti heti sovelluksessa",
    "Uusi kortti maksaa kahdeksan euroa, kortti tulee postissa",
    "Lounasetu karttuu työpäivistä",
    "",
]


def plain_bm25(query: str, lang: str, pivot: float) -> list[float]:
    """BM25 with a fixed pivot, straight from its formula, over stems that carry no dots."""
    documents = [[int(t) for t in stems(text, lang).terms] for text in TEXTS]
    scores = []
    for document in documents:
        counts, length, score = Counter(document), len(document), 0.0
        for term in {int(t) for t in query_stems(query, lang)}:
            df = sum(term in d for d in documents)
            weight = math.log(1 + (len(documents) - df + 0.5) / (df + 0.5))
            tf = counts[term]
            score += weight * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / pivot)) if tf else 0.0
        scores.append(score)
    return scores


def test_scores_are_those_of_the_formula() -> None:
    texts = [text.replace("ö", "o").replace("ä", "a") for text in TEXTS]
    postings = Postings.build([stems(text, "fi") for text in texts], pivot=5.0)
    query = query_stems("kortti maksaa", "fi")
    rows = postings.locate(query)
    df = np.array([np.sum(postings.terms == term) and 0 for term in query], float)
    df = np.where(rows >= 0, postings.starts[rows + 1] - postings.starts[rows], 0).astype(float)
    found = postings.score(rows, idf(df, len(texts)))
    expected = plain_bm25("kortti maksaa", "fi", 5.0)
    # An impact is kept in one byte: half a step of error for each term.
    assert found == pytest.approx(expected, abs=2 * IMPACT_SCALE * 2)
    assert found[1] > found[0] > 0
    assert found[2] == found[3] == 0


def test_postings_survive_the_disk(tmp_path: Path) -> None:
    built = Postings.build([ngrams(text) for text in TEXTS], pivot=100.0)
    built.save(tmp_path, "ngrams")
    loaded = Postings.load(tmp_path, "ngrams", len(TEXTS))
    rows = built.locate(query_ngrams("kortti"))
    weights = np.ones(len(rows), np.float32)
    assert (
        loaded.score(loaded.locate(query_ngrams("kortti")), weights).tolist()
        == built.score(rows, weights).tolist()
    )


def test_common_terms_score_as_postings_do(tmp_path: Path) -> None:
    """A served segment reads its most common terms from blocks; what comes out is the same."""
    drawn = np.random.default_rng(3)
    vocabulary = [f"{a}{b}{c}" for a in "ktpsr" for b in "aeiou" for c in ("la", "sta", "ssa")]
    common = ["kortti", "maksu", "tunnus"]
    texts = [
        " ".join([*drawn.choice(vocabulary, 6), *[word for word in common if drawn.random() < 0.6]])
        if 100 <= n < 900
        else " ".join(drawn.choice(vocabulary, 3))
        for n in range(1500)
    ]
    built = Postings.build([ngrams(text) for text in texts], pivot=30.0)
    built.save(tmp_path, "ngrams")
    loaded = Postings.load(tmp_path, "ngrams", len(texts))
    assert 0 < len(loaded.common.rows) < len(loaded.terms)
    assert len(loaded.common.blocks) > 1  # a term's block begins and ends near where the term does
    for query in ("kortti", "kortti katosi maksun", "tunnus salasta", "kela", "zzz"):
        rows = built.locate(query_ngrams(query))
        weights = drawn.random(len(rows)).astype(np.float32) * 7
        assert loaded.score(rows, weights) == pytest.approx(built.score(rows, weights), rel=1e-5, abs=1e-6)


def test_no_units_and_no_terms() -> None:
    nothing = Postings.build([], pivot=10.0)
    assert nothing.score(nothing.locate(query_ngrams("kortti")), np.ones(20, np.float32)).tolist() == []
    empty = Postings.build([ngrams(""), ngrams("")], pivot=10.0)
    assert empty.score(empty.locate(query_ngrams("kortti")), np.ones(20, np.float32)).tolist() == [0.0, 0.0]


def test_idf_is_positive_and_falls() -> None:
    values = idf(np.array([0.0, 1.0, 5.0, 10.0]), 10)
    assert values.tolist() == sorted(values.tolist(), reverse=True)
    assert values[-1] > 0
    assert values[1] == pytest.approx(math.log(1 + 9.5 / 1.5))


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("tyosuhdepyora", "työsuhdepyörä"),
        ("lounas etu", "lounasetu"),
        ("förmånssaldot", "förmånssaldo"),
        ("korttini", "kortti"),
    ],
)
def test_ngrams_meet_in_spite_of_spelling(typed: str, written: str) -> None:
    query = set(query_ngrams(typed).tolist())
    assert len(query & set(ngrams(written).terms.tolist())) / len(query) > 0.4


def test_folding_is_for_the_article_alone() -> None:
    """`forman` finds both words, but `förman` typed in full never finds `förmån`."""
    benefit = set(stems("förmån", "sv").terms.tolist())
    assert set(query_stems("forman", "sv").tolist()) <= benefit
    assert not set(query_stems("förman", "sv").tolist()) & benefit


def test_folded_terms_weigh_half() -> None:
    found = stems("työ", "fi")
    assert sorted(found.weights.tolist()) == [1, PLAIN]


def test_stems_of_two_languages_never_meet() -> None:
    assert not set(query_stems("kort", "sv").tolist()) & set(query_stems("kort", "fi").tolist())


def test_words_are_nfc_and_lower() -> None:
    assert words("TYO\u0308 Café-bar 24/7") == ["työ", "café", "bar", "24", "7"]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_has_terms_and_keeps_its_length_when_folded(text: str) -> None:
    assert len(fold(text)) == len(text)
    occurrences = ngrams(text)
    assert len(occurrences.terms) == len(occurrences.weights)
    assert set(query_ngrams(text).tolist()) <= set(occurrences.terms.tolist())


def test_the_highest_scores_are_taken_and_of_equal_ones_the_first() -> None:
    drawn = np.random.default_rng(4)
    for scores in (drawn.integers(0, 6, 400), drawn.random(400), np.zeros(400), np.eye(400)[7], np.ones(30)):
        values = scores.astype(np.float32)
        order = np.argsort(-values, kind="stable")[:40]
        assert sorted(top_rows(values, 40).tolist()) == sorted(order[values[order] > 0].tolist())
