"""Every measure an evaluation reports: its name, definition, whom it is about, and how it is computed.

Two sorts. A *mean* has one value a question over the questions it is about. A *set measure* needs the
confidence and the verdict of many questions at once. Reports, gates, comparisons and docs read this table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from evals import measures
from evals.measures import Floats
from evals.predictions import Outcome, Prediction
from evals.questions import Kind


class Better(StrEnum):
    """Which way a measure is better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A measure with one value a question; the figure is their mean."""

    name: str
    definition: str
    better: Better
    about: Callable[[Prediction], bool]  #: the questions it is about
    value: Callable[[Prediction], float | None]  #: None = unscored: counted, left out of the mean


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMeasure:
    """A measure of confidences against verdicts."""

    name: str
    definition: str
    better: Better
    about: Callable[[Prediction], bool]
    confidence: Callable[[Prediction], float]
    right: Callable[[Prediction], float | None]
    figure: Callable[[Floats, Floats, Floats], float | None]  #: of confidences, verdicts, weights
    resamples: int = 1_000_000  #: at most so many are worth their time


Measure = Mean | SetMeasure


class ScopeTag(StrEnum):
    """The three sorts of out-of-scope questions, told by the question's tag."""

    FAR = "far"
    NEAR = "near"
    CHIT_CHAT = "chit_chat"


CHOICES = 3  #: how many articles are offered when the bot asks which one is meant
ACCURACIES = (0.80, 0.90, 0.95)


def scope_tag(tag: str) -> ScopeTag | None:
    """Far, near or chit-chat, from tags such as ``far``, ``oos-near``, ``chit-chat``; None for others."""
    words = tag.casefold().replace("-", "_").replace(":", "_").replace(" ", "_")
    if "chit_chat" in words or "chitchat" in words or "smalltalk" in words or "small_talk" in words:
        return ScopeTag.CHIT_CHAT
    return next((sort for sort in (ScopeTag.FAR, ScopeTag.NEAR) if sort in words.split("_")), None)


def has_verdict(p: Prediction) -> bool:
    """The question is on a subject of the help center, and it is known whether an article answers it."""
    return p.question.kind is Kind.ABSENT or (p.question.kind is Kind.IN_SCOPE and p.answerable is not None)


def top_is_right(p: Prediction) -> float | None:
    """Whether the top article answers the question (of an absent question: never)."""
    if not has_verdict(p):
        return None
    return float(bool(p.answerable) and bool(p.hits) and p.hits[0].article_id in p.question.gold)


def shown_is_right(p: Prediction) -> float | None:
    """Whether the article that is quoted answers the question."""
    if not has_verdict(p):
        return None
    return float(bool(p.answerable) and p.shown in p.question.gold)


def gold_in_choices(p: Prediction) -> float | None:
    """Whether one of the first three articles answers the question."""
    if not has_verdict(p):
        return None
    return float(bool(p.answerable) and any(h.article_id in p.question.gold for h in p.hits[:CHOICES]))


def answered(p: Prediction) -> bool:
    """The bot quoted an article."""
    return p.outcome is Outcome.ANSWERED


def asked(p: Prediction) -> bool:
    """The bot understood that a person is asked for."""
    return p.outcome is Outcome.HANDED_OFF and p.reason == "asked"


def kind_is(*kinds: Kind) -> Callable[[Prediction], bool]:
    """A test for questions of these kinds."""
    return lambda p: p.question.kind in kinds


def confusion(predictions: Sequence[Prediction]) -> dict[str, dict[str, int]]:
    """How many questions of each kind came to each outcome; kinds without questions are left out."""
    table: dict[str, dict[str, int]] = {}
    for prediction in predictions:
        row = table.setdefault(_row(prediction), dict.fromkeys(Outcome, 0))
        row[prediction.outcome] += 1
    return {name: table[name] for name in sorted(table, key=_ROWS.index)}


_ROWS = [Kind.IN_SCOPE, "in_scope, article taken away", "in_scope, not judged", *list(Kind)[1:]]


def _row(p: Prediction) -> str:
    if p.question.kind is not Kind.IN_SCOPE or p.answerable is True:
        return p.question.kind
    return _ROWS[2] if p.answerable is None else _ROWS[1]


def _recall(k: int) -> Mean:
    return Mean(
        name=f"recall@{k}",
        definition=f"share of answerable questions with a right article among the first {k}",
        better=Better.HIGHER,
        about=_about_ranking,
        value=lambda p: (
            measures.recall_at(k, [h.article_id for h in p.hits], p.question.gold) if _ranked(p) else None
        ),
    )


def _ranked(p: Prediction) -> bool:
    return p.answerable is True


def _about_ranking(p: Prediction) -> bool:
    return p.question.kind is Kind.IN_SCOPE and p.answerable is not False


def _section(p: Prediction) -> float | None:
    # Anchors are unique within an article only: another one's section of that name is not the right one.
    if not p.hits or p.hits[0].article_id not in p.question.gold:
        return 0.0
    anchor = p.hits[0].section_id.rpartition("#")[2]
    whole = f"{p.hits[0].article_id}#{anchor}"
    return float(any(gold in (anchor, whole) for gold in p.question.gold_sections))


def _covers(accuracy: float) -> SetMeasure:
    return _of_confidence(
        f"coverage@{accuracy:.2f}",
        f"largest share of on-subject questions that can be answered, surest first, at {accuracy:.0%} right",
        Better.HIGHER,
        lambda c, r, w: measures.coverage_at(accuracy, c, r, w),
    )


def _of_confidence(
    name: str,
    definition: str,
    better: Better,
    figure: Callable[[Floats, Floats, Floats], float | None],
    *,
    resamples: int = 1_000_000,
) -> SetMeasure:
    return SetMeasure(
        name=name,
        definition=definition,
        better=better,
        about=kind_is(Kind.IN_SCOPE, Kind.ABSENT),
        confidence=lambda p: p.confidence,
        right=top_is_right,
        figure=figure,
        resamples=resamples,
    )


def _line(part: int) -> Callable[[Floats, Floats, Floats], float | None]:
    def figure(c: Floats, r: Floats, w: Floats) -> float | None:
        line = measures.calibration_line(c, r, w)
        return None if line is None else line[part]

    return figure


def _of_scope(sort: ScopeTag | None, name: str, words: str) -> Mean:
    return Mean(
        name=f"out_of_scope_answered{name}",
        definition=f"share of {words}out-of-scope questions that were answered from an article",
        better=Better.LOWER,
        about=lambda p: (
            p.question.kind is Kind.OUT_OF_SCOPE and (sort is None or scope_tag(p.question.tag) is sort)
        ),
        value=lambda p: float(answered(p)),
    )


_CONTACTS = kind_is(Kind.IN_SCOPE, Kind.ABSENT, Kind.HUMAN_REQUEST)
_SUBJECT = kind_is(Kind.IN_SCOPE, Kind.ABSENT)

_MEASURES: tuple[Measure, ...] = (
    *(_recall(k) for k in (1, 3, 5)),
    Mean(
        name="mrr",
        definition="mean of 1 / place of the first right article, 0 when it is not among the hits kept",
        better=Better.HIGHER,
        about=_about_ranking,
        value=lambda p: (
            measures.reciprocal_rank([h.article_id for h in p.hits], p.question.gold) if _ranked(p) else None
        ),
    ),
    Mean(
        name="section_accuracy",
        definition="share of answerable questions with known right sections whose top hit is one of those",
        better=Better.HIGHER,
        about=lambda p: _ranked(p) and bool(p.question.gold_sections),
        value=_section,
    ),
    Mean(
        name="answer_rate",
        definition="answered / all in-scope questions whose article is in the index",
        better=Better.HIGHER,
        about=_about_ranking,
        value=lambda p: float(answered(p)) if _ranked(p) else None,
    ),
    Mean(
        name="selective_accuracy",
        definition="right / answered, over on-subject questions; an answer to an absent one is wrong",
        better=Better.HIGHER,
        about=lambda p: answered(p) and _SUBJECT(p),
        value=shown_is_right,
    ),
    Mean(
        name="selective_accuracy_all",
        definition="right / answered, over all questions: an answer to anything else counts as wrong",
        better=Better.HIGHER,
        about=answered,
        value=lambda p: shown_is_right(p) if _SUBJECT(p) else 0.0,
    ),
    Mean(
        name="absent_answered",
        definition="share of questions whose article is not in the index that were answered nevertheless",
        better=Better.LOWER,
        about=lambda p: has_verdict(p) and not p.answerable,
        value=lambda p: float(answered(p)),
    ),
    Mean(
        name="clarified",
        definition="share of on-subject questions where the bot offered choices (which is not an answer)",
        better=Better.NEITHER,
        about=_SUBJECT,
        value=lambda p: float(p.outcome is Outcome.CLARIFIED),
    ),
    Mean(
        name="gold_among_choices",
        definition=f"share of offered choices whose first {CHOICES} articles hold a right one",
        better=Better.HIGHER,
        about=lambda p: p.outcome is Outcome.CLARIFIED and _SUBJECT(p),
        value=gold_in_choices,
    ),
    _of_confidence(
        "auroc",
        "chance that a right top article is more confident than a wrong one",
        Better.HIGHER,
        measures.auroc,
    ),
    _of_confidence(
        "ece",
        f"expected calibration error, {measures.BINS} equal-width bins",
        Better.LOWER,
        measures.ece,
    ),
    _of_confidence(
        "ece_debiased",
        f"root-mean-square calibration error, {measures.BINS} equal-width bins, each bin's sampling noise "
        "taken off (Kumar 2019)",
        Better.LOWER,
        measures.ece_debiased,
    ),
    _of_confidence("brier", "mean squared distance of confidence and verdict", Better.LOWER, measures.brier),
    _of_confidence(
        "brier_skill",
        "1 - Brier / Brier of always saying the base rate",
        Better.HIGHER,
        measures.brier_skill,
    ),
    _of_confidence(
        "calibration_slope",
        "slope of the verdict on the confidence's log-odds; 1 is calibrated, below 1 too extreme",
        Better.NEITHER,
        _line(0),
        resamples=200,
    ),
    _of_confidence(
        "calibration_intercept",
        "intercept fitted with that slope; 0 is calibrated",
        Better.NEITHER,
        _line(1),
        resamples=200,
    ),
    _of_confidence(
        "calibration_in_the_large",
        "intercept with the slope held at 1; above 0 too timid, below 0 too sure on the whole",
        Better.NEITHER,
        _line(2),
        resamples=200,
    ),
    *(_covers(accuracy) for accuracy in ACCURACIES),
    _of_confidence(
        "aurc",
        "area under the risk-coverage curve: mean risk over all coverages",
        Better.LOWER,
        measures.aurc,
    ),
    SetMeasure(
        name="choices_auroc",
        definition="chance that choices_confidence is higher where one of the first three is right",
        better=Better.HIGHER,
        about=_SUBJECT,
        confidence=lambda p: p.choices_confidence,
        right=gold_in_choices,
        figure=measures.auroc,
    ),
    SetMeasure(
        name="choices_ece",
        definition="expected calibration error of choices_confidence, 10 equal-width bins",
        better=Better.LOWER,
        about=_SUBJECT,
        confidence=lambda p: p.choices_confidence,
        right=gold_in_choices,
        figure=measures.ece,
    ),
    SetMeasure(
        name="scope_auroc",
        definition="chance that scope is higher for a question of this help center than for another one",
        better=Better.HIGHER,
        about=kind_is(Kind.IN_SCOPE, Kind.ABSENT, Kind.OUT_OF_SCOPE),
        confidence=lambda p: p.scope,
        right=lambda p: float(p.question.kind is not Kind.OUT_OF_SCOPE),
        figure=measures.auroc,
    ),
    Mean(
        name="handoff_recall",
        definition="share of requests for a person that were understood as such (handed_off, reason asked)",
        better=Better.HIGHER,
        about=kind_is(Kind.HUMAN_REQUEST),
        value=lambda p: float(asked(p)),
    ),
    Mean(
        name="handoff_precision",
        definition="share of handoffs with reason asked where a person had been asked for",
        better=Better.HIGHER,
        about=asked,
        value=lambda p: float(p.question.kind is Kind.HUMAN_REQUEST),
    ),
    Mean(
        name="handoff_false_alarms",
        definition="share of other questions that were taken for a request for a person",
        better=Better.LOWER,
        about=lambda p: p.question.kind is not Kind.HUMAN_REQUEST,
        value=lambda p: float(asked(p)),
    ),
    Mean(
        name="human_request_handed_off",
        definition="share of requests for a person that reached people for whatever reason",
        better=Better.HIGHER,
        about=kind_is(Kind.HUMAN_REQUEST),
        value=lambda p: float(p.outcome is Outcome.HANDED_OFF),
    ),
    Mean(
        name="handed_off",
        definition="share of on-subject questions handed to people",
        better=Better.NEITHER,
        about=_SUBJECT,
        value=lambda p: float(p.outcome is Outcome.HANDED_OFF),
    ),
    Mean(
        name="handoff_needed",
        definition="share of handoffs where a person was needed: asked for, or no right article on top",
        better=Better.HIGHER,
        about=lambda p: p.outcome is Outcome.HANDED_OFF,
        value=lambda p: _needed(p),
    ),
    _of_scope(None, "", ""),
    _of_scope(ScopeTag.FAR, "_far", "far "),
    _of_scope(ScopeTag.NEAR, "_near", "near "),
    _of_scope(ScopeTag.CHIT_CHAT, "_chit_chat", "chit-chat among "),
    Mean(
        name="language_accuracy",
        definition="share of questions whose language was detected as the one they are written in",
        better=Better.HIGHER,
        about=lambda p: True,
        value=lambda p: float(p.language == p.question.lang),
    ),
    Mean(
        name="other_language_shown",
        definition="share of questions whose top hit is in another language although theirs has that article",
        better=Better.LOWER,
        about=_SUBJECT,
        value=lambda p: float(p.other_language),
    ),
    Mean(
        name="estimated_deflection",
        definition="ESTIMATE: share of contacts (in_scope, absent, human_request) answered with a right "
        "article; assumes that a right answer solves the case and that the file's mix is the real one",
        better=Better.HIGHER,
        about=_CONTACTS,
        value=lambda p: (
            0.0 if not answered(p) or p.question.kind is Kind.HUMAN_REQUEST else shown_is_right(p)
        ),
    ),
)

MEASURES: Mapping[str, Measure] = MappingProxyType({measure.name: measure for measure in _MEASURES})


def _needed(p: Prediction) -> float | None:
    if p.question.kind is Kind.HUMAN_REQUEST:
        return 1.0
    if p.question.kind is Kind.OUT_OF_SCOPE:
        return 0.0
    right = top_is_right(p)
    return None if right is None else 1.0 - right


def mean_values(measure: Mean, predictions: Sequence[Prediction]) -> Floats:
    """One value a prediction; NaN where the measure is not about it or leaves it unscored."""
    values = (measure.value(p) if measure.about(p) else None for p in predictions)
    return np.array([math.nan if value is None else value for value in values], dtype=np.float64)
