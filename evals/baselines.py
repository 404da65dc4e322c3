"""What simple methods reach on the same questions; they stand in every table of a report.

BM25 and character n-grams rank by words, cosine by the encoder alone, *nearest example* by the most similar
``questions`` phrase, and *always hand off* answers nothing. Their confidence is the raw score of the top
article: good enough to sort by, not a probability, so no calibration figure is given for them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evals.bot import CosineIndex, QueryEncoder, SearchableIndex
from evals.predictions import Outcome, PredictedHit
from evals.questions import Question
from indexer import Article, ArticleKey

SORTING = (
    "recall@1",
    "recall@3",
    "mrr",
    "auroc",
    "coverage@0.80",
    "coverage@0.90",
    "coverage@0.95",
    "aurc",
)  #: the measures that a raw score supports
DECIDING = (
    "answer_rate",
    "selective_accuracy",
    "handoff_recall",
    "handoff_precision",
    "estimated_deflection",
)

DEPTH = 10  #: hits kept a question

Scores = NDArray[np.float64]  #: [questions, articles], higher is better
Scorer = Callable[[Sequence[str]], Scores]


class Baseline(NamedTuple):
    """A way to rank (or not to)."""

    name: str
    words: str  #: one line for reports
    measures: tuple[str, ...]
    scorer: Scorer | None  #: None = answers nothing


class BaselineReply(NamedTuple):
    """What a baseline does with a question."""

    outcome: Outcome
    reason: str
    confidence: float
    hits: tuple[PredictedHit, ...]


ALWAYS_HAND_OFF = Baseline("always hand off", "every question goes to a person", DECIDING, None)


class BM25:
    """Okapi BM25 over whole articles, as Lucene has it (k1 1.2, b 0.75; no stemming)."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        from sklearn.feature_extraction.text import CountVectorizer

        # An article without a single word is no reason to fail.
        self._words = CountVectorizer(token_pattern=r"(?u)\b\w+\b", dtype=np.float64)
        counts = self._words.fit_transform([*texts, "a"])[:-1].tocoo()
        total = max(1, len(texts))
        held = np.bincount(counts.col, minlength=counts.shape[1])
        idf = np.log1p((total - held + 0.5) / (held + 0.5))
        lengths = np.bincount(counts.row, counts.data, len(texts))
        norm = k1 * (1 - b + b * lengths / max(lengths.mean(), 1e-12))
        counts.data = counts.data / (counts.data + norm[counts.row]) * idf[counts.col]
        self._weights = counts.tocsr()

    def __call__(self, texts: Sequence[str]) -> Scores:
        """The score of each article for each text: a word said twice counts twice."""
        return _dense(self._words.transform(texts) @ self._weights.T)


class NGrams:
    """Cosine of TF-IDF vectors of character 3- to 5-grams within words."""

    def __init__(self, texts: Sequence[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._grams = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        self._weights = self._grams.fit_transform([*texts, "abc"])[:-1]

    def __call__(self, texts: Sequence[str]) -> Scores:
        """The cosine of each article for each text."""
        return _dense(self._grams.transform(texts) @ self._weights.T)


class Cosine:
    """Example questions by cosine: the most similar one stands for its article."""

    def __init__(
        self,
        encode: Callable[[Sequence[str]], NDArray[np.float32]],
        owners: NDArray[np.intp],
        vectors: NDArray[np.float32],
        articles: int,
    ) -> None:
        order = np.argsort(owners, kind="stable")
        self._encode = encode
        self._vectors = vectors[order]
        self._owners, self._starts = np.unique(owners[order], return_index=True)
        self._articles = articles

    def __call__(self, texts: Sequence[str]) -> Scores:
        """The best cosine of each article for each text; -1 where an article has no example."""
        scores = np.full((len(texts), self._articles), -1.0)
        similar = self._encode(texts) @ self._vectors.T
        scores[:, self._owners] = np.maximum.reduceat(similar, self._starts, axis=1)
        return scores


class Passages:
    """The index's own passages by cosine: the best one stands for its article."""

    def __init__(self, index: CosineIndex, encode: QueryCache, places: Mapping[ArticleKey, int]) -> None:
        self._index = index
        self._encode = encode
        self._places = places

    def __call__(self, texts: Sequence[str]) -> Scores:
        """The cosine of each article for each text; -1 where an article has no passage."""
        scores = np.full((len(texts), len(self._places)), -1.0)
        for row, embedding in zip(scores, self._encode(texts), strict=True):
            keys, cosines = self._index.article_cosines(embedding)
            row[[self._places[key] for key in keys]] = cosines
        return scores


class QueryCache:
    """Encodes each text once, however many baselines and passes ask for it."""

    def __init__(self, encoder: QueryEncoder) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit-length vector a text."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self._encoder.encode_queries(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def baselines_of(
    index: SearchableIndex, articles: Sequence[Article], encode: QueryCache
) -> tuple[Baseline, ...]:
    """The baselines that this index can be compared with; ``articles`` are all that it serves."""
    texts = [_text(article) for article in articles]
    found = [
        Baseline("BM25", "words of title, summary, questions and body", SORTING, BM25(texts)),
        Baseline("character n-grams", "TF-IDF of 3- to 5-grams, cosine", SORTING, NGrams(texts)),
    ]
    places = {article.key: place for place, article in enumerate(articles)}
    if isinstance(index, CosineIndex):
        passages = Passages(index, encode, places)
        found.append(Baseline("cosine threshold", "the encoder's best passage", SORTING, passages))
    examples = [(places[article.key], question) for article in articles for question in article.questions]
    if examples:
        vectors = encode([question for _, question in examples])
        owners = np.array([place for place, _ in examples], dtype=np.intp)
        scorer = Cosine(encode, owners, vectors, len(articles))
        found.append(Baseline("nearest example", "the most similar `questions` phrase", SORTING, scorer))
    return (*found, ALWAYS_HAND_OFF)


def reply_of(
    baseline: Baseline, articles: Sequence[Article], questions: Sequence[Question]
) -> list[BaselineReply]:
    """What the baseline does with each question."""
    if baseline.scorer is None:
        return [BaselineReply(Outcome.HANDED_OFF, "asked", 0.0, ())] * len(questions)
    replies: list[BaselineReply] = []
    for start in range(0, len(questions), 256):
        batch = [question.text for question in questions[start : start + 256]]
        for row in baseline.scorer(batch):
            top = np.argsort(-row, kind="stable")[:DEPTH]
            hits = tuple(_hit(articles[place].key, float(row[place])) for place in top)
            replies.append(BaselineReply(Outcome.NO_ANSWER, "baseline", hits[0].score if hits else 0.0, hits))
    return replies


def _hit(key: ArticleKey, score: float) -> PredictedHit:
    return PredictedHit(article_id=key.id, section_id="", score=score, lang=key.lang)


def _text(article: Article) -> str:
    return "\n".join((article.title, article.summary, *article.questions, article.body))


def _dense(product: Any) -> Scores:  # noqa: ANN401 - scipy's sparse matrices are untyped here
    return np.asarray(product.todense(), dtype=np.float64)
