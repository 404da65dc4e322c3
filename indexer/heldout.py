"""Calibrating on the kb's own questions: each is held out in turn, once with its article and once without."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import resources
from typing import NamedTuple

import numpy as np

from indexer.articles import ArticleKey
from indexer.calibration import Calibration, LanguageCalibration, Shift, Thresholds, restate
from indexer.console import Progress
from indexer.goals import Judged, Proof, prove, safer
from indexer.hits import Ranked
from indexer.index import Index
from indexer.probe import Probe
from indexer.settings import AnsweringSettings
from indexer.terms import Hashes, query_ngrams
from indexer.trees import logit, sigmoid

#: Questions of one language that are asked, at most: more would only slow the build.
MOST = 300
#: Fewer than this and the prior stays as it is.
LEAST = 20
#: From here on the slope follows too, not the intercept alone.
SLOPE_FROM = 150
#: Standard deviations of the priors on a kb's intercept and slope: kbs differ, but not much.
INTERCEPT_SPREAD, SLOPE_SPREAD = 0.5, 0.15
#: Editors are not customers: a kb's own questions are easier or harder than what will be asked, by about as
#: much as kbs differ, so half of what they say is taken.
EDITOR_TRUST = 0.5
#: Questions of one article that share more of their n-grams than this are held out together.
SAME_QUESTION = 0.5
#: How often the linear probe is learned anew, each time without a share of the questions, or of the articles.
QUESTION_FOLDS, ARTICLE_FOLDS = 3, 4
#: A neighbour is taken away together with the article of every other question.
NEIGHBOURS = 3
#: A goal that nothing proves still gets a threshold: the probability that the goal names, plus a margin.
UNPROVEN_MARGIN = 0.02
SCOPE_THRESHOLD = 0.5
#: Help centers differ: what the pool of some has proven, the next keeps only with a margin. This share of the
#: way from the goal to certainty is asked for on top.
OTHERS_MARGIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """One held-out asking of one question: what the prior said and what was true."""

    article: ArticleKey
    confidence: float  #: logit
    choices: float  #: logit
    present: float  #: probability
    right: bool
    among_three: bool
    exists: bool


class Stated(NamedTuple):
    """Both probabilities at the stated share of absent questions, with the weight of that share."""

    confidence: Judged
    choices: Judged


class Posed(NamedTuple):
    """A question that is held out."""

    article: ArticleKey
    number: int  #: among the article's questions
    alike: frozenset[int]  #: numbers of those that say nearly the same, itself among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknowing:
    """The index as if the linear probe had not seen a share of the kb."""

    index: Index
    gone: frozenset[ArticleKey]  #: articles that the probe does not know


#: Probabilities of confidence, choices and presence of a held-out question; whether the first was right, one
#: of three was, and whether there was an article.
PriorRow = tuple[float, float, float, bool, bool, bool]


@lru_cache(maxsize=1)
def _prior_rows() -> tuple[PriorRow, ...]:
    text = resources.files("indexer").joinpath("data/prior.json").read_text(encoding="utf-8")
    return tuple(
        (c, t, p, bool(right), bool(three), bool(exists))
        for c, t, p, right, three, exists in json.loads(text)["rows"]
    )


def _judge(
    confidence: float, choices: float, present: float, truth: tuple[bool, bool, bool], share: float
) -> Stated:
    right, among_three, exists = truth
    weight = 2.0 * ((1.0 - share) if exists else share)
    choices = max(confidence, choices)
    present = max(present, choices)
    return Stated(
        Judged(restate(present, confidence, share), right, weight),
        Judged(restate(present, choices, share), among_three, weight),
    )


def prior_thresholds(answering: AnsweringSettings, rows: Sequence[PriorRow] | None = None) -> Thresholds:
    """Thresholds proven on held-out answers of other help centers: the shipped ones, or ``rows``."""
    stated = [
        _judge(c, t, p, (right, three, exists), answering.absent_share)
        for c, t, p, right, three, exists in (_prior_rows() if rows is None else rows)
    ]
    goal, choices_goal = _with_margin(answering.accuracy_goal), _with_margin(answering.choices_goal)
    answer = _threshold(prove([s.confidence for s in stated], goal), goal)
    choices = prove(_not_answered(stated, answer), choices_goal)
    return Thresholds(answer=answer, choices=_threshold(choices, choices_goal), scope=SCOPE_THRESHOLD)


def _with_margin(goal: float) -> float:
    return goal + OTHERS_MARGIN * (1.0 - goal)


def _not_answered(stated: Sequence[Stated], answer: float) -> list[Judged]:
    """What choices are offered for: the goal is about these, not about what is answered anyway."""
    return [s.choices for s in stated if s.confidence.probability < answer]


def _threshold(proof: Proof | None, goal: float) -> float:
    return proof.threshold if proof is not None else min(goal + UNPROVEN_MARGIN, 0.999)


def prior_calibration(answering: AnsweringSettings) -> Calibration:
    """The shipped prior for these goals, before a kb's own questions are known."""
    return Calibration(absent_share=answering.absent_share, prior=prior_thresholds(answering))


def calibrate(index: Index, answering: AnsweringSettings, progress: Progress) -> Calibration:
    """The prior, shifted and given thresholds by the kb's own held-out questions, language by language."""
    prior = prior_calibration(answering)
    posed = {lang: _pose(index, lang) for lang in index.languages}
    by_question, by_article = _unknowing(index, posed)
    languages = {}
    for lang in index.languages:
        rows = hold_out(posed[lang], by_question, by_article, partial(progress, f"calibrating {lang}"))
        if len(rows) >= 2 * LEAST:
            languages[lang] = learn(rows, answering, prior.prior)
    return Calibration(absent_share=prior.absent_share, prior=prior.prior, languages=languages)


def _pose(index: Index, lang: str) -> list[Posed]:
    """The language's questions, or a sample where there are many."""
    questions = [
        (article.key, number, text, article.questions)
        for article in index.articles()
        if article.key.lang == lang
        for number, text in enumerate(article.questions)
    ]
    questions.sort(key=lambda q: hashlib.sha256(f"{q[0].id} {q[2]}".encode()).digest())
    return [Posed(key, number, _alike(number, texts)) for key, number, _, texts in questions[:MOST]]


def _alike(number: int, texts: Sequence[str]) -> frozenset[int]:
    terms = [query_ngrams(text) for text in texts]
    same = {i for i, other in enumerate(terms) if _overlap(terms[number], other) > SAME_QUESTION}
    return frozenset(same | {number})


def _unknowing(
    index: Index, posed: Mapping[str, Sequence[Posed]]
) -> tuple[tuple[Unknowing, ...], tuple[Unknowing, ...]]:
    """The index by folds of the questions, and by folds of the articles."""
    if not index.probe.keys:
        return (Unknowing(index=index, gone=frozenset()),), (Unknowing(index=index, gone=frozenset()),)
    by_question = []
    for fold in range(QUESTION_FOLDS):
        left_out: dict[int, set[int]] = defaultdict(set)
        for questions in posed.values():
            for question in questions[fold::QUESTION_FOLDS]:
                place = index.snapshot.places[question.article]
                first = int(index.snapshot.parts[place.segment].segment.question_starts[place.row])
                left_out[place.segment] |= {first + number for number in question.alike}
        probe = Probe.train(index.snapshot, index.encoder.dim, left_out)
        by_question.append(Unknowing(index=index.with_probe(probe), gone=frozenset()))
    by_article = []
    keys = index.keys()
    for fold in range(ARTICLE_FOLDS):
        gone = frozenset(key for key in keys if _article_fold(key) == fold)
        probe = Probe.train(index.snapshot.without(gone), index.encoder.dim)
        by_article.append(Unknowing(index=index.with_probe(probe), gone=gone))
    return tuple(by_question), tuple(by_article)


def _article_fold(key: ArticleKey) -> int:
    """Translations share theirs."""
    return hashlib.sha256(key.id.encode()).digest()[1] % ARTICLE_FOLDS


def hold_out(
    posed: Sequence[Posed],
    by_question: Sequence[Unknowing],
    by_article: Sequence[Unknowing],
    progress: Callable[[int, int], None],
) -> list[HeldOut]:
    """Two rows for each question."""
    rows: list[HeldOut] = []
    for number, question in enumerate(posed):
        present = by_question[number % len(by_question)]
        absent = by_article[_article_fold(question.article) % len(by_article)]
        rows += _ask_twice(question, present.index, absent, neighbours=number % 2 == 1)
        if number % 20 == 19 or number == len(posed) - 1:
            progress(number + 1, len(posed))
    return rows


def _ask_twice(question: Posed, present: Index, absent: Unknowing, *, neighbours: bool) -> list[HeldOut]:
    key = question.article
    translations = {ArticleKey(lang, key.id) for lang in present.languages}
    asked = present.rank_question(key, question.number, left_out=question.alike)
    found = []
    if len(asked.order):
        best = [asked.keys[row] for row in asked.order[:3].tolist()]
        found.append(_held_out(key, present, asked, [each in translations for each in best], exists=True))
    gone = translations | absent.gone
    if neighbours:
        others = [asked.keys[row] for row in asked.order.tolist() if asked.keys[row] not in translations]
        gone |= set(others[:NEIGHBOURS])
    missed = absent.index.rank_question(key, question.number, left_out=question.alike, exclude=gone)
    if len(missed.order):
        found.append(_held_out(key, absent.index, missed, [False], exists=False))
    return found


def _held_out(
    article: ArticleKey, index: Index, ranked: Ranked, right: Sequence[bool], *, exists: bool
) -> HeldOut:
    confidence, choices, present = index.prior_logits(ranked)
    return HeldOut(
        article=article,
        confidence=confidence,
        choices=choices,
        present=sigmoid(present),
        right=right[0],
        among_three=any(right),
        exists=exists,
    )


def _overlap(one: Hashes, other: Hashes) -> float:
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(len(one) + len(other) - both, 1)


def learn(rows: Sequence[HeldOut], answering: AnsweringSettings, prior: Thresholds) -> LanguageCalibration:
    """Shifts from all rows; thresholds from rows that the shift they are judged with has not seen."""
    stated: list[Stated] = []
    for fold in (0, 1):
        train = [row for row in rows if _fold(row) != fold]
        stated += _state([row for row in rows if _fold(row) == fold], _shifts(train), answering)
    confidence, choices = _shifts(rows)
    sure = [s.confidence for s in stated]
    answer = prove(sure, answering.accuracy_goal, start=prior.answer)
    threshold = answer.threshold if answer else safer(sure, answering.accuracy_goal, prior.answer)
    others = _not_answered(stated, threshold)
    choice = prove(others, answering.choices_goal, start=prior.choices)
    thresholds = Thresholds(
        answer=threshold,
        choices=choice.threshold if choice else safer(others, answering.choices_goal, prior.choices),
        scope=prior.scope,
        proven=answer is not None,
        n=answer.n if answer else len(rows) // 2,
    )
    return LanguageCalibration(
        confidence=confidence,
        choices=choices,
        thresholds=thresholds,
        questions=len(rows) // 2,
        expected=expected_outcomes(stated, thresholds),
        reliability=reliability([s.confidence for s in stated]),
    )


def _fold(row: HeldOut) -> int:
    """All questions of an article lie in one fold."""
    return hashlib.sha256(row.article.id.encode()).digest()[0] % 2


def _shifts(rows: Sequence[HeldOut]) -> tuple[Shift, Shift]:
    return (
        fit_shift([row.confidence for row in rows], [row.right for row in rows]),
        fit_shift([row.choices for row in rows], [row.among_three for row in rows]),
    )


def _state(
    rows: Sequence[HeldOut], shifts: tuple[Shift, Shift], answering: AnsweringSettings
) -> list[Stated]:
    confidence, choices = shifts
    return [
        _judge(
            sigmoid(confidence.apply(row.confidence)),
            sigmoid(choices.apply(row.choices)),
            row.present,
            (row.right, row.among_three, row.exists),
            answering.absent_share,
        )
        for row in rows
    ]


def fit_shift(logits: Sequence[float], truth: Sequence[bool]) -> Shift:
    """The most likely intercept, and with enough data slope, under normal priors around "no shift"."""
    if not logits:
        return Shift()
    x = np.array(logits)
    y = np.array(truth, float)
    free = 2 if len(x) >= SLOPE_FROM else 1
    precision = np.array([1.0 / INTERCEPT_SPREAD**2, 1.0 / SLOPE_SPREAD**2])[:free]
    shift = np.array([0.0, 1.0])
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(shift[0] + shift[1] * x)))
        columns = np.stack([np.ones_like(x), x])[:free]
        gradient = columns @ (y - p) - precision * (shift[:free] - np.array([0.0, 1.0])[:free])
        hessian = (columns * (p * (1.0 - p))) @ columns.T + np.diag(precision)
        step = np.linalg.solve(hessian, gradient)
        shift[:free] += step
        if float(np.abs(step).max()) < 1e-9:
            break
    trusted = EDITOR_TRUST * (shift - np.array([0.0, 1.0]))
    return Shift(intercept=float(trusted[0]), slope=max(1.0 + float(trusted[1]), 0.0))


def expected_outcomes(stated: Sequence[Stated], thresholds: Thresholds) -> Mapping[str, float]:
    """Of 100 questions on the help center's subjects: how many are answered, offered choices, handed off."""
    total = math.fsum(s.confidence.weight for s in stated) or 1.0
    answered = math.fsum(s.confidence.weight for s in stated if s.confidence.probability >= thresholds.answer)
    offered = math.fsum(
        s.choices.weight
        for s in stated
        if s.confidence.probability < thresholds.answer and s.choices.probability >= thresholds.choices
    )
    return {
        "answers": 100.0 * answered / total,
        "choices": 100.0 * offered / total,
        "handoffs": 100.0 * (total - answered - offered) / total,
    }


def reliability(judged: Sequence[Judged], bins: int = 10) -> tuple[tuple[float, float, int], ...]:
    """For each filled bin of equal width: mean stated probability, weighted share that was right, n."""
    table = []
    for number in range(bins):
        inside = [j for j in judged if min(int(j.probability * bins), bins - 1) == number]
        weight = math.fsum(j.weight for j in inside)
        if weight > 0:
            stated = math.fsum(j.weight * j.probability for j in inside) / weight
            right = math.fsum(j.weight * j.right for j in inside) / weight
            table.append((stated, right, len(inside)))
    return tuple(table)


__all__ = ["HeldOut", "calibrate", "fit_shift", "hold_out", "learn", "logit", "prior_calibration"]
