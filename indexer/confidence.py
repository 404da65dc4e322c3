"""How sure the index is: three probabilities from the shape of the whole ranking.

The model is monotone gradient boosting, trained across several public help centers with half of the
questions unanswerable (``evals/training/confidence.py``), shipped as JSON; a kb shifts it (``calibration``).
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from importlib import resources
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from indexer.calibration import Calibration, restate
from indexer.candidates import Candidates
from indexer.cohort import Cohort
from indexer.language import Detected
from indexer.ranking import Feature, Ranker
from indexer.snapshot import Query, Snapshot
from indexer.trees import Forest, Trees, sigmoid
from indexer.vectors import Matrix, dot


class Probabilities(NamedTuple):
    """Calibrated, in [0, 1]."""

    confidence: float  #: the best article answers the question
    choices: float  #: one of the best three does
    scope: float  #: the question is about this help center at all


class Evidence(IntEnum):
    """Columns of the confidence model. The sign after each says how it may move the probability."""

    PASSAGE = 0  # +
    SNIPPET = 1  # +
    TITLE = 2  # +
    NGRAM = 3  # +
    STEM = 4  # +
    QUESTION = 5  # +
    QUESTION_MEAN = 6  # +
    QUESTION_NGRAM = 7  # +
    SCORE_MARGIN = 8  # + over rank 2
    SCORE_GAP_5 = 9  # + over the mean of ranks 2-5
    SCORE_GAP_10 = 10  # + over the mean of ranks 2-10
    THIRD_GAP = 11  # + mean of ranks 1-3 over the mean of ranks 4-10
    SOFTMAX_1 = 12  # +
    SOFTMAX_3 = 13  # +
    ENTROPY = 14  # -
    PASSAGE_MARGIN = 15  # + over the best passage of any other article
    NGRAM_MARGIN = 16  # +
    SNIPPET_MARGIN = 17  # +
    AGREEMENT = 18  # + mean reciprocal rank of the best article in each ranker
    COVERAGE = 19  # + share of the question's stem idf that the article holds
    UNKNOWN_NGRAMS = 20  # -
    UNKNOWN_STEMS = 21  # -
    COHORT_Z = 22  # + the best cosine against what any question reaches in this kb
    COHORT_EXCESS = 23  # + the best passage's cosine against its mean with any question
    OUTSIDE = 24  # - nearest generic question that no help center answers
    OUTSIDE_MARGIN = 25  # + the kb's nearest text over the nearest generic question
    WORDS = 26  # free
    ARTICLES = 27  # free
    SCORE = 28  # +
    TRANSLATION = 29  # + how much nearer the best article's translations are
    PROBE = 30  # + the linear probe's score
    PROBE_MARGIN = 31  # + over any other article
    KB_EXAMPLES = 32  # free: log(1 + mean number of example questions an article)


#: Monotone constraints in the order of ``Evidence``; 0: free.
SIGNS = (
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, 1, 1, 1, 1, 1, -1, -1, 1, 1, -1, 1, 0, 0, 1, 1,
    1, 1, 0,
)  # fmt: skip


#: How often a question in an article's own words is answered by that article.
LABELLED = 0.98


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KbView:
    """What the cohort says about one kb."""

    snapshot: Snapshot
    outside: Matrix  #: of the cohort
    usual: Matrix  #: ``[dim]``, mean of the cohort's questions
    cohort_mean: float  #: mean, over the cohort, of the best passage's cosine
    cohort_deviation: float
    articles: float  #: log of the number of articles
    examples: float  #: log(1 + mean number of example questions an article)


@dataclass(frozen=True, kw_only=True)
class ConfidenceModel:
    """The shipped prior."""

    confidence: Trees
    choices: Trees
    present: Trees
    scope: Trees

    @classmethod
    def shipped(cls) -> Self:
        """The model that comes with the product."""
        text = resources.files("indexer").joinpath("data/confidence.json").read_text(encoding="utf-8")
        record = json.loads(text)
        return cls(
            **{name: Trees.from_json(record[name]) for name in ("confidence", "choices", "present", "scope")}
        )

    def probabilities(
        self,
        candidates: Candidates,
        order: NDArray[np.int64],
        scores: NDArray[np.float32],
        query: Query,
        view: KbView,
        language: Detected,
        calibration: Calibration,
    ) -> Probabilities:
        """The three probabilities for one ranking; all zero when there is nothing to rank."""
        if len(order) == 0:
            return Probabilities(0.0, 0.0, 0.0)
        if Ranker.same_text(candidates.features[order]).tolist()[:2] in ([True], [True, False]):
            # An editor has said which article these very words are about: a label, not an estimate.
            return Probabilities(LABELLED, LABELLED, LABELLED)
        values = evidence(candidates, order, scores, query, view)
        confidence, choices, presence, scope = self._forest.logits(values)
        shift, choices_shift = calibration.shifts(language.lang)
        one = sigmoid(shift.apply(confidence))
        three = max(one, sigmoid(choices_shift.apply(choices)))
        present = max(three, sigmoid(presence))
        share = calibration.absent_share
        return Probabilities(
            confidence=restate(present, one, share),
            choices=restate(present, three, share),
            scope=sigmoid(scope),
        )

    def logits(
        self,
        candidates: Candidates,
        order: NDArray[np.int64],
        scores: NDArray[np.float32],
        query: Query,
        view: KbView,
    ) -> tuple[float, float, float]:
        """Logits of confidence, choices and presence, before any kb's shift."""
        values = evidence(candidates, order, scores, query, view)
        confidence, choices, presence, _ = self._forest.logits(values)
        return confidence, choices, presence

    @cached_property
    def _forest(self) -> Forest:
        return Forest((self.confidence, self.choices, self.present, self.scope))


def kb_view(snapshot: Snapshot, cohort: Cohort) -> KbView:
    """The kb as the cohort sees it."""
    best = np.full(len(cohort.queries), -1.0, np.float32)
    for part in snapshot.parts:
        products = cohort.queries @ part.segment.passages.rows(slice(None)).T
        if part.dead_passages is not None:
            products[:, part.dead_passages] = -1.0
        if products.shape[1]:
            best = np.maximum(best, products.max(axis=1))
    return KbView(
        snapshot=snapshot,
        outside=cohort.outside,
        usual=cohort.queries.mean(axis=0),
        cohort_mean=float(best.mean()),
        cohort_deviation=float(best.std()) + 1e-3,
        articles=math.log(max(len(snapshot.places), 1)),
        examples=math.log1p(snapshot.question_count / max(len(snapshot.places), 1)),
    )


def evidence(
    candidates: Candidates,
    order: NDArray[np.int64],
    scores: NDArray[np.float32],
    query: Query,
    view: KbView,
) -> NDArray[np.float64]:
    """The confidence model's row for one ranking with at least one candidate."""
    row = np.zeros(len(Evidence))
    top = int(order[0])
    features = candidates.features
    row[:8] = features[top, :8]  # the first eight columns are the ranker's own
    ranked = scores[order].astype(np.float64)
    first = ranked[0]
    row[Evidence.SCORE] = first
    row[Evidence.TRANSLATION] = features[top, Feature.TRANSLATION]
    probed = features[:, Feature.PROBE]
    row[Evidence.PROBE] = probed[top]
    row[Evidence.PROBE_MARGIN] = probed[top] - max(_highest_other(probed, top), probed.min())
    row[Evidence.SCORE_MARGIN] = first - (ranked[1] if len(ranked) > 1 else first - EMPTY_MARGIN)
    row[Evidence.SCORE_GAP_5] = _gap(ranked, 1, 5)
    row[Evidence.SCORE_GAP_10] = _gap(ranked, 1, 10)
    row[Evidence.THIRD_GAP] = ranked[:3].mean() - (
        ranked[3:10].mean() if len(ranked) > 3 else first - EMPTY_MARGIN
    )
    softmax = np.exp(ranked - first)
    softmax /= softmax.sum()
    row[Evidence.SOFTMAX_1] = softmax[0]
    row[Evidence.SOFTMAX_3] = softmax[:3].sum()
    row[Evidence.ENTROPY] = float(-(softmax * np.log(softmax + 1e-12)).sum())
    columns = features[:, _COMPARED]
    best = columns[top].copy()
    ranks = 1.0 + np.count_nonzero(columns > best, axis=0)
    columns[top] = -np.inf
    margins = best - (columns.max(axis=0) if len(columns) > 1 else 0.0)
    row[_MARGINS] = margins[: len(_MARGINS)]
    row[Evidence.AGREEMENT] = (1.0 / ranks).mean()
    part = view.snapshot.parts[int(candidates.part[top])].segment
    article = int(candidates.row[top])
    first_passage, last_passage = int(part.starts[article, 1]), int(part.starts[article + 1, 1])
    lang = part.keys[article].lang
    row[Evidence.COVERAGE] = view.snapshot.coverage(
        int(candidates.part[top]),
        first_passage,
        last_passage,
        candidates.stems.get(lang),
        len(query.stems.get(lang, ())),
    )
    row[Evidence.UNKNOWN_NGRAMS] = candidates.unknown_ngrams
    row[Evidence.UNKNOWN_STEMS] = candidates.unknown_stems
    nearest = float(features[:, Feature.PASSAGE].max())
    row[Evidence.COHORT_Z] = (nearest - view.cohort_mean) / view.cohort_deviation
    vectors = part.passages.rows(slice(first_passage, last_passage))
    passage = vectors[int(np.argmax(dot(vectors, query.vector))) if len(vectors) > 1 else 0]
    usual = float(dot(passage[None, :], view.usual)[0])
    row[Evidence.COHORT_EXCESS] = float(features[top, Feature.PASSAGE]) - usual
    outside = float(dot(view.outside, query.vector).max()) if len(view.outside) else 0.0
    row[Evidence.OUTSIDE] = outside
    near = features[:, [Feature.PASSAGE, Feature.SNIPPET, Feature.TITLE, Feature.QUESTION]].max()
    row[Evidence.OUTSIDE_MARGIN] = float(near) - outside
    row[Evidence.KB_EXAMPLES] = view.examples
    row[Evidence.WORDS] = math.log1p(len(query.ngrams))
    row[Evidence.ARTICLES] = view.articles
    return row


#: Stands for the gap to a rank that does not exist.
EMPTY_MARGIN = 3.0

#: Rankers that may agree on an article; of the first ones the margin counts too.
_COMPARED = [
    Feature.PASSAGE, Feature.SNIPPET, Feature.NGRAM, Feature.STEM, Feature.TITLE, Feature.QUESTION
]  # fmt: skip
_MARGINS = [Evidence.PASSAGE_MARGIN, Evidence.SNIPPET_MARGIN, Evidence.NGRAM_MARGIN]


def _highest_other(column: NDArray[np.float32], top: int) -> np.float32:
    """The highest value outside of row ``top``; minus infinity where there is no other."""
    lowest = np.float32(-np.inf)
    before = column[:top].max(initial=lowest)
    return np.float32(max(before, column[top + 1 :].max(initial=lowest)))


def _gap(ranked: NDArray[np.float64], start: int, end: int) -> float:
    rest = ranked[start:end]
    return float(ranked[0] - rest.mean()) if len(rest) else EMPTY_MARGIN
