"""How far a confidence is a probability, and how well it tells right from wrong.

Everywhere ``confidence`` is in 0..1 and ``right`` is 1 where the top article answers the question, else 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from evals.measures.weights import Floats, as_floats, weighted_mean, weights_for

BINS = 10  #: equal-width bins [0, .1), [.1, .2) ... [.9, 1]
_EDGE = 1e-6  # logits need confidences off 0 and 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bar of the reliability diagram."""

    low: float  #: left edge, within the bin
    high: float  #: right edge, within the bin only where it is 1
    weight: float  #: how many questions (their summed weight)
    confidence: float  #: mean confidence
    right: float  #: share that is right


class CalibrationLine(NamedTuple):
    """The straight line through log-odds; a calibrated confidence has slope 1 and both intercepts 0."""

    slope: float  #: below 1: too extreme, above 1: too timid
    intercept: float  #: fitted together with the slope
    in_the_large: float  #: intercept with the slope held at 1; above 0: too timid on the whole


class PerfectRange(NamedTuple):
    """What the ECE of a perfectly calibrated model looks like on questions with these confidences."""

    mean: float
    low: float  #: 2.5th percentile
    high: float  #: 97.5th percentile


def auroc(confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """The chance that a right answer is more confident than a wrong one (ties count half).

    Undefined when all are right or all are wrong.
    """
    scores, verdicts = as_floats(confidence), as_floats(right)
    given = weights_for(scores, weights)
    order = np.argsort(scores, kind="stable")
    scores, good = scores[order], (verdicts * given)[order]
    bad = given[order] - good
    total = float(good.sum()) * float(bad.sum())
    if total <= 0.0:
        return None
    starts = np.flatnonzero(np.r_[True, np.diff(scores) > 0])
    good, bad = np.add.reduceat(good, starts), np.add.reduceat(bad, starts)
    below = np.cumsum(bad) - bad
    return float(good @ (below + bad / 2)) / total


def brier(confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """Mean squared distance between confidence and verdict; lower is better."""
    return weighted_mean((as_floats(confidence) - as_floats(right)) ** 2, weights)


def brier_skill(confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """1 - Brier / Brier of always saying the base rate; 0 is no better than that, 1 is perfect.

    Undefined when all are right or all are wrong.
    """
    score, base = brier(confidence, right, weights), weighted_mean(right, weights)
    if score is None or base is None or base <= 0.0 or base >= 1.0:
        return None
    return 1.0 - score / (base * (1.0 - base))


def reliability(
    confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, bins: int = BINS
) -> tuple[Bin, ...]:
    """The non-empty bins of the reliability diagram, left to right."""
    sums = _bin_sums(as_floats(confidence), as_floats(right), weights, bins)
    return tuple(
        Bin(low=b / bins, high=(b + 1) / bins, weight=float(w), confidence=float(c / w), right=float(r / w))
        for b, (w, c, r) in enumerate(zip(sums.weight, sums.confidence, sums.right, strict=True))
        if w > 0
    )


def ece(
    confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, bins: int = BINS
) -> float | None:
    """Expected calibration error over equal-width bins: mean distance of confidence and accuracy in a bin."""
    sums = _bin_sums(as_floats(confidence), as_floats(right), weights, bins)
    total = float(sums.weight.sum())
    if total <= 0.0:
        return None
    return float(np.abs(sums.confidence - sums.right).sum()) / total


def ece_debiased(
    confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None, *, bins: int = BINS
) -> float | None:
    """Root-mean-square calibration error with the sampling noise of each bin taken off.

    Kumar, Liang and Ma, "Verified Uncertainty Calibration" (2019): each bin's squared distance less the
    variance of its accuracy; bins of one question say nothing; a negative sum counts as 0.
    """
    sums = _bin_sums(as_floats(confidence), as_floats(right), weights, bins)
    total = float(sums.weight.sum())
    if total <= 0.0:
        return None
    used = sums.weight > 1.0
    n = sums.weight[used]
    accuracy = sums.right[used] / n
    squared = ((sums.confidence[used] - sums.right[used]) / n) ** 2 - accuracy * (1 - accuracy) / (n - 1)
    return float(np.sqrt(max(0.0, float(n @ squared) / total)))


def ece_if_perfect(
    confidence: ArrayLike, *, seed: int, resamples: int = 1000, bins: int = BINS
) -> PerfectRange | None:
    """The ECE that a perfectly calibrated model would show: verdicts are drawn from the confidences."""
    scores = as_floats(confidence)
    if not len(scores):
        return None
    random = np.random.default_rng(seed)
    where = np.eye(bins)[_bin_of(scores, bins)]
    expected = scores @ where
    drawn = np.empty(resamples)
    for r in range(resamples):
        verdicts = (random.random(len(scores)) < scores).astype(np.float64)
        drawn[r] = np.abs(verdicts @ where - expected).sum() / len(scores)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return PerfectRange(float(drawn.mean()), float(low), float(high))


def calibration_line(
    confidence: ArrayLike, right: ArrayLike, weights: ArrayLike | None = None
) -> CalibrationLine | None:
    """Cox's calibration slope and intercepts: logistic regression of the verdict on the log-odds.

    Undefined when all are right or all are wrong, when all confidences are one value, or when the
    confidence separates right from wrong completely (the slope is then infinite).
    """
    clipped = np.clip(as_floats(confidence), _EDGE, 1 - _EDGE)
    verdicts = as_floats(right)
    given = weights_for(clipped, weights)
    logits = np.log(clipped / (1 - clipped))
    counted = logits[given > 0]
    if not len(counted) or counted.min() == counted.max():
        return None
    ones = np.ones_like(logits)
    both = _logistic(np.stack([ones, logits], axis=1), verdicts, given, offset=np.zeros_like(logits))
    large = _logistic(ones[:, None], verdicts, given, offset=logits)
    if both is None or large is None:
        return None
    return CalibrationLine(slope=float(both[1]), intercept=float(both[0]), in_the_large=float(large[0]))


class _BinSums(NamedTuple):
    weight: Floats
    confidence: Floats
    right: Floats


def _bin_of(scores: Floats, bins: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.clip(np.floor(scores * bins), 0, bins - 1).astype(np.intp)


def _bin_sums(scores: Floats, verdicts: Floats, weights: ArrayLike | None, bins: int) -> _BinSums:
    given = weights_for(scores, weights)
    where = _bin_of(scores, bins)
    return _BinSums(
        as_floats(np.bincount(where, given, bins)),
        as_floats(np.bincount(where, given * scores, bins)),
        as_floats(np.bincount(where, given * verdicts, bins)),
    )


def _logistic(x: Floats, y: Floats, weights: Floats, *, offset: Floats) -> Floats | None:
    """Unpenalised logistic regression by Newton's method; None when there is no finite maximum."""
    beta = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ beta + offset, -500, 500)))
        gradient = x.T @ (weights * (y - p))
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x
        try:
            step = np.linalg.solve(hessian, gradient)
        except np.linalg.LinAlgError:
            return None
        # A long step overshoots where the curve is nearly flat.
        beta = beta + step * min(1.0, 4.0 / max(float(np.abs(step).max()), 1e-300))
        if float(np.abs(beta).max()) > 60.0:
            return None
        if float(np.abs(step).max()) < 1e-10:
            return beta
    return None
