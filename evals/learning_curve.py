"""How much better the index gets as articles get example questions, on questions that were never shown.

At each k an index is built with the public ``Builder`` from the kb and the first k examples of every article,
and asked the same test questions: whole for ranking, and without each half of the articles (``--absent``) for
the confidence. Simple methods that learn from the same examples stand beside it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evals import measures
from evals.catalogue import MEASURES, has_verdict, top_is_right
from evals.curve_methods import Columns, KbTexts, LinearProbe, Method, NearestExample, TextOnly
from evals.curve_split import KS, TEST_SHARE, CurveSplit, split_for_curve
from evals.embeddings import RememberingEncoder
from evals.figures import Resampling, Sample, figures
from evals.halves import ABSENT_SHARE, split
from evals.intervals import percentile_interval
from evals.predictions import Outcome, PredictedHit, Prediction
from evals.questions import Question
from indexer import ArticleKey, Builder, Index
from indexer.console import Progress, no_progress
from indexer.settings import AnsweringSettings

PRODUCT = "Helppari"
RANKING = ("recall@1", "recall@3")
CONFIDENCE = ("auroc", "coverage@0.90", "coverage@0.95")
CALIBRATION = ("ece", "answer_rate", "selective_accuracy")  #: of what states a probability
DEPTH = 3  #: hits kept a question
#: Intervals of a curve's set measures rest on fewer resamples than a run's: there are many of them.
RESAMPLES = 200

WORDS = {
    "linear probe": "logistic regression on the vectors of sections and examples",
    "nearest example": "the most similar example question",
    "text only": "cosine + 0.3 n-grams + 0.3 BM25 on the texts, no examples",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveRequest:
    """What curve to measure."""

    kb: Path
    questions: tuple[Question, ...]
    ks: tuple[int, ...] = KS
    most: int | None = None  #: questions asked, at most
    test_share: float = TEST_SHARE
    seed: int = 1
    groups: Mapping[str, str] = field(default_factory=dict)  #: article id -> what leaves with it
    baselines: bool = True


class _Asked(NamedTuple):
    """One system's predictions at one k."""

    whole: list[Prediction]  #: all articles there
    halves: list[Prediction]  #: each question once answerable, once not


def learning_curve(
    request: CurveRequest,
    encoder: RememberingEncoder,
    answering: AnsweringSettings,
    resampling: Resampling,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """The ``learning_curve`` of ``metrics.json``; raises ``RunError`` and the index's errors."""
    with tempfile.TemporaryDirectory(prefix="helppari-curve-") as folder:
        builder = Builder(kb=request.kb, root=Path(folder), encoder=encoder, answering=answering)
        builder.build(recalibrate=False, progress=progress)
        bare = Index.load(Path(folder), encoder=encoder)
        parts = split_for_curve(
            request.questions,
            tuple(bare.articles()),
            request.ks,
            seed=request.seed,
            test_share=request.test_share,
            most=request.most,
        )
        halves = split(bare.keys(), parts.asked, request.groups)
        texts = KbTexts(bare, [question.text for question in parts.asked], encoder)
        simple = _Simple(texts, parts, (halves.first, halves.second)) if request.baselines else None
        rows = []
        for done, k in enumerate(parts.ks, start=1):
            builder.examples = parts.examples(k)
            report = builder.build(progress=progress)
            index = Index.load(Path(folder), encoder=encoder)
            systems = {PRODUCT: _ask(index, parts.asked, (halves.first, halves.second), progress)}
            if simple is not None:
                systems |= simple.at(k)
            rows.append(_row(k, parts, systems, resampling) | {"seconds_to_build": report.seconds})
            encoder.save()
            progress("learning curve", done, len(parts.ks))
    return {
        "kb": request.kb.name,
        "asked": len(parts.asked),
        "articles_asked": parts.articles,
        "articles": len(texts.articles),
        "test_share": request.test_share,
        "seed": request.seed,
        "rows": rows,
        "words": WORDS if request.baselines else {},
        "warnings": list(parts.warnings),
    }


def _ask(
    index: Index,
    asked: Sequence[Question],
    halves: tuple[Collection[ArticleKey], Collection[ArticleKey]],
    progress: Progress,
) -> _Asked:
    whole = list(_search(index, asked, "", progress))
    pooled: list[Prediction] = []
    for name, gone in zip("AB", halves, strict=True):
        half = index.without(gone).with_absent_share(ABSENT_SHARE)
        pooled += _search(half, asked, name, progress)
    return _Asked(whole, pooled)


def _search(index: Index, asked: Sequence[Question], half: str, progress: Progress) -> Iterator[Prediction]:
    keys = index.keys()
    ids = {key.id for key in keys}
    for done, question in enumerate(asked, start=1):
        result = index.search(question.text, k=DEPTH)
        stated = result.probabilities
        sure = stated.confidence >= index.thresholds(result.language.lang).answer
        yield Prediction(
            question=question,
            outcome=Outcome.ANSWERED if sure else Outcome.NO_ANSWER,
            reason="",
            confidence=stated.confidence,
            choices_confidence=stated.choices,
            scope=stated.scope,
            language=result.language.lang,
            hits=tuple(
                PredictedHit(
                    article_id=hit.article_id, section_id=hit.section_id, score=hit.score, lang=hit.lang
                )
                for hit in result.hits
            ),
            latency_ms=0.0,
            index_id=index.index_id,
            answerable=any(article in ids for article in question.gold),
            half=half,
        )
        if done % 100 == 0 or done == len(asked):
            progress(f"asking {half}".strip(), done, len(asked))


class _Simple:
    """The simple methods on the same questions and the same halves."""

    def __init__(
        self,
        texts: KbTexts,
        parts: CurveSplit,
        halves: tuple[Collection[ArticleKey], Collection[ArticleKey]],
    ) -> None:
        self._texts = texts
        self._parts = parts
        keys = [article.key for article in texts.articles]
        self._passes: tuple[tuple[str, Columns], ...] = (
            ("", np.ones(len(keys), bool)),
            *(
                (name, np.array([key not in gone for key in keys]))
                for name, gone in zip("AB", halves, strict=True)
            ),
        )
        # They are told the language, which the index has to find out.
        langs = np.array([key.lang for key in keys])
        self._same = {lang: langs == lang for lang in {question.lang for question in parts.asked}}
        self._text_only = self._predict(TextOnly(texts))

    def at(self, k: int) -> dict[str, _Asked]:
        """Each method at this k; without examples there is no nearest one."""
        owners, vectors = self._texts.examples(self._parts.examples(k))
        found = {"linear probe": self._predict(LinearProbe(self._texts, owners, vectors))}
        if len(owners):
            found["nearest example"] = self._predict(NearestExample(self._texts, owners, vectors))
        return found | {"text only": self._text_only}

    def _predict(self, method: Method) -> _Asked:
        by_pass = [list(self._of_pass(method, half, present)) for half, present in self._passes]
        return _Asked(by_pass[0], [*by_pass[1], *by_pass[2]])

    def _of_pass(self, method: Method, half: str, present: Columns) -> Iterator[Prediction]:
        articles = self._texts.articles
        ids = {article.id for article, there in zip(articles, present, strict=True) if there}
        for question, row in zip(self._parts.asked, method.scores(present), strict=True):
            scores = np.where(present & self._same[question.lang], row, -np.inf)
            top = [
                place for place in np.argsort(-scores, kind="stable")[:DEPTH] if np.isfinite(scores[place])
            ]
            yield Prediction(
                question=question,
                outcome=Outcome.NO_ANSWER,
                reason="baseline",
                confidence=float(scores[top[0]]) if top else 0.0,
                choices_confidence=0.0,
                scope=0.0,
                language=question.lang,
                hits=tuple(
                    PredictedHit(article_id=articles[place].id, section_id="", score=float(scores[place]))
                    for place in top
                ),
                latency_ms=0.0,
                index_id="",
                answerable=any(article in ids for article in question.gold),
                half=half,
            )


def _row(k: int, parts: CurveSplit, systems: Mapping[str, _Asked], resampling: Resampling) -> dict[str, Any]:
    fewer = Resampling(seed=resampling.seed, resamples=min(RESAMPLES, resampling.resamples))
    shown = parts.examples(k)
    about = {ArticleKey(question.lang, question.gold[0]) for question in parts.asked}
    row: dict[str, Any] = {
        "k": k,
        "examples": sum(len(texts) for texts in shown.values()),
        "examples_per_asked_article": round(sum(len(shown.get(key, ())) for key in about) / len(about), 3),
        "systems": {},
        "ahead": {},
        "ece_if_perfect": _perfect(systems[PRODUCT].halves, resampling.seed),
    }
    for name, asked in systems.items():
        of_halves = CONFIDENCE if name != PRODUCT else (*CONFIDENCE, *CALIBRATION)
        found = figures(asked.whole, resampling, RANKING) | figures(asked.halves, fewer, of_halves)
        row["systems"][name] = {measure: figure.to_json() for measure, figure in found.items()}
        if name != PRODUCT:
            row["ahead"][name] = _ahead(systems[PRODUCT].whole, asked.whole, resampling)
    return row


def _ahead(
    ours: Sequence[Prediction], theirs: Sequence[Prediction], resampling: Resampling
) -> dict[str, Any]:
    """Paired difference in recall@1: both are drawn with the same articles."""
    measure = MEASURES["recall@1"]
    one, two = Sample(ours, resampling), Sample(theirs, resampling)
    before, after = two.figure(measure).value, one.figure(measure).value
    interval = (
        percentile_interval(one.resampled(measure) - two.resampled(measure)) if len(one.draws) else None
    )
    return {
        "recall@1": None if before is None or after is None else round(after - before, 6),
        "low": round(interval.low, 6) if interval else None,
        "high": round(interval.high, 6) if interval else None,
    }


def _perfect(predictions: Sequence[Prediction], seed: int) -> dict[str, Any] | None:
    judged = [p for p in predictions if has_verdict(p)]
    found = measures.ece_if_perfect([p.confidence for p in judged], seed=seed)
    ece = measures.ece([p.confidence for p in judged], [float(top_is_right(p) or 0.0) for p in judged])
    if found is None or ece is None:
        return None
    return {
        "mean": round(found.mean, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "within": ece <= found.high,
    }
