"""Measures of answering only when sure: what share is answered, and how right the answers are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.measures.weights import Floats, as_floats, weighted_mean, weights_for

_ROUNDING = 1e-12  # 19 of 20 is 0.95 although 1 - 1/20 is a little less


class CurvePoint(NamedTuple):
    """What answering every question with at least this confidence would give."""

    threshold: float
    coverage: float  #: share of questions answered
    risk: float  #: share of those answers that is wrong


def answer_rate(answered: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Answered / all."""
    return weighted_mean(answered, weights)


def selective_accuracy(
    answered: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None
) -> float | None:
    """Right / answered; undefined when nothing was answered."""
    given = as_floats(answered)
    return weighted_mean(right, given * weights_for(given, weights))


def risk_coverage(
    confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None
) -> tuple[CurvePoint, ...]:
    """The curve from the surest question to all; equal confidences are answered together or not at all."""
    curve = _curve(as_floats(confidence), as_floats(right), weights)
    return tuple(
        CurvePoint(float(t), float(c), float(r))
        for t, c, r in zip(curve.threshold, curve.coverage, curve.risk, strict=True)
    )


def coverage_at(
    accuracy: float, confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None
) -> float | None:
    """The largest share that can be answered with at least this selective accuracy, surest first.

    0.0 when no threshold reaches the accuracy; undefined without questions.
    """
    curve = _curve(as_floats(confidence), as_floats(right), weights)
    if not len(curve.coverage):
        return None
    kept = curve.coverage[curve.risk <= 1.0 - accuracy + _ROUNDING]
    return float(kept[-1]) if len(kept) else 0.0


def aurc(confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Area under the risk-coverage curve: mean risk over all coverages; lower is better."""
    curve = _curve(as_floats(confidence), as_floats(right), weights)
    if not len(curve.coverage):
        return None
    return float(curve.risk @ np.diff(curve.coverage, prepend=0.0))


class _Curve(NamedTuple):
    threshold: Floats
    coverage: Floats
    risk: Floats


def _curve(scores: Floats, verdicts: Floats, weights: ArrayLike | None) -> _Curve:
    given = weights_for(scores, weights)
    kept = given > 0
    scores, verdicts, given = scores[kept], verdicts[kept], given[kept]
    if not len(scores):
        return _Curve(scores, scores, scores)
    order = np.argsort(-scores, kind="stable")
    scores, wrong, given = scores[order], (given * (1 - verdicts))[order], given[order]
    ends = np.flatnonzero(np.r_[np.diff(scores) < 0, True])
    answered = np.cumsum(given)[ends]
    return _Curve(scores[ends], answered / answered[-1], np.cumsum(wrong)[ends] / answered)
