"""The simple ways to learn from examples that a learning curve is held against.

Each gives every article a score for every question; what is taken out of the index is left out by the caller.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evals.baselines import BM25, Cosine, NGrams, Scores
from evals.embeddings import RememberingEncoder, Vectors
from indexer import Article, ArticleKey, Index

Columns = NDArray[np.bool_]  #: [articles]: which are in the index

WORD_WEIGHT = 0.3  #: of n-grams and of BM25 beside the vectors, on z-scores
#: Inverse strength of the probe's ridge penalty; of 1, 10, 30, 100 the best or nearly so at k = 0, 1, 5.
PROBE_C = 10.0


class Method(Protocol):
    """A way to rank articles."""

    def scores(self, present: Columns) -> Scores:
        """Scores [questions, articles], higher is better, with only these articles there."""


class KbTexts:
    """Articles without any examples as texts and section vectors, and the questions' vectors."""

    def __init__(self, index: Index, asked: Sequence[str], encoder: RememberingEncoder) -> None:
        self.articles: tuple[Article, ...] = tuple(index.articles())
        self.places: Mapping[ArticleKey, int] = {a.key: place for place, a in enumerate(self.articles)}
        sections = [
            (place, "\n".join((article.title, *section.heading_path, section.text))[:SECTION_LIMIT])
            for place, article in enumerate(self.articles)
            for section in index.sections(article.key)
        ]
        self.asked = tuple(asked)
        self.owners = np.array([place for place, _ in sections], dtype=np.intp)
        self.sections = encoder.encode_passages([text for _, text in sections])
        self.queries = encoder.encode_queries(list(asked))
        self._encoder = encoder

    def examples(self, examples: Mapping[ArticleKey, Sequence[str]]) -> tuple[NDArray[np.intp], Vectors]:
        """The owners and vectors of the kb's own questions and of the examples."""
        both = [
            (place, text)
            for place, article in enumerate(self.articles)
            for text in (*article.questions, *examples.get(article.key, ()))
        ]
        owners = np.array([place for place, _ in both], dtype=np.intp)
        return owners, self._encoder.encode_queries([text for _, text in both])


SECTION_LIMIT = 700  #: characters of a section that are encoded, as in the index's own passages


class TextOnly:
    """Plain fusion of the articles' texts: cosine of the best section, character n-grams and BM25."""

    def __init__(self, texts: KbTexts) -> None:
        whole = [_text(article) for article in texts.articles]
        dense = Cosine(lambda _: texts.queries, texts.owners, texts.sections, len(texts.articles))
        self._parts = (
            (1.0, dense(texts.asked)),
            (WORD_WEIGHT, NGrams(whole)(texts.asked)),
            (WORD_WEIGHT, BM25(whole)(texts.asked)),
        )

    def scores(self, present: Columns) -> Scores:
        """Weighted sum of z-scores over the articles that are there."""
        return sum(
            (weight * _z_scores(part, present) for weight, part in self._parts),
            np.zeros((1, len(present))),
        )


class NearestExample:
    """The most similar example question names the article."""

    def __init__(self, texts: KbTexts, owners: NDArray[np.intp], vectors: Vectors) -> None:
        scorer = Cosine(lambda _: texts.queries, owners, vectors, len(texts.articles))
        self._scores = scorer(texts.asked)

    def scores(self, present: Columns) -> Scores:
        """Cosines; -1 where an article has no example."""
        return self._scores


class LinearProbe:
    """Multinomial logistic regression of the article on the vectors of its sections and examples."""

    def __init__(
        self, texts: KbTexts, owners: NDArray[np.intp], vectors: Vectors, *, c: float = PROBE_C
    ) -> None:
        self._c = c
        # Questions and passages lie in different corners of the encoder's space: each is centred on its own.
        asked = texts.queries.mean(axis=0)
        passages = texts.sections.mean(axis=0)
        self._x = np.concatenate([_unit(texts.sections - passages), _unit(vectors - asked)])
        self._y = np.concatenate([texts.owners, owners])
        self._queries = _unit(texts.queries - asked)

    def scores(self, present: Columns) -> Scores:
        """Probabilities of the articles that are there, fitted without the others."""
        from sklearn.linear_model import LogisticRegression

        rows = present[self._y]
        found = np.zeros((len(self._queries), len(present)))
        classes = np.unique(self._y[rows])
        if len(classes) == 1:
            found[:, classes] = 1.0
        if len(classes) > 1:
            probe = LogisticRegression(C=self._c, max_iter=200, tol=1e-3)
            with warnings.catch_warnings():
                # Few examples of many articles is what a learning curve begins with.
                warnings.filterwarnings("ignore", message="The number of unique classes")
                probe.fit(self._x[rows], self._y[rows])
            found[:, probe.classes_] = probe.predict_proba(self._queries)
        return found


def _z_scores(scores: Scores, present: Columns) -> Scores:
    there = scores[:, present]
    spread = np.maximum(there.std(axis=1, keepdims=True), 1e-9)
    return np.asarray((scores - there.mean(axis=1, keepdims=True)) / spread, dtype=np.float64)


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)


def _text(article: Article) -> str:
    return "\n".join((article.title, article.summary, *article.questions, article.body))
