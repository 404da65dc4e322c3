"""Measures as pure functions.

Ranking measures give one value a question; the others take one confidence and one verdict a question.
``None`` always means *undefined* (nothing to judge): the caller counts it as unscored and never as 0.
Every set measure takes optional ``weights``: one a question, by default 1. Weights carry the average over
articles (1 / questions of the article) and the bootstrap (how often the article was drawn).
"""

from __future__ import annotations

from evals.measures.calibration import (
    BINS,
    Bin,
    CalibrationLine,
    PerfectRange,
    auroc,
    brier,
    brier_skill,
    calibration_line,
    ece,
    ece_debiased,
    ece_if_perfect,
    reliability,
)
from evals.measures.ranking import gold_rank, recall_at, reciprocal_rank
from evals.measures.selective import (
    CurvePoint,
    answer_rate,
    aurc,
    coverage_at,
    risk_coverage,
    selective_accuracy,
)
from evals.measures.weights import Floats, macro_weights, weighted_mean

__all__ = [
    "BINS",
    "Bin",
    "CalibrationLine",
    "CurvePoint",
    "Floats",
    "PerfectRange",
    "answer_rate",
    "aurc",
    "auroc",
    "brier",
    "brier_skill",
    "calibration_line",
    "coverage_at",
    "ece",
    "ece_debiased",
    "ece_if_perfect",
    "gold_rank",
    "macro_weights",
    "recall_at",
    "reciprocal_rank",
    "reliability",
    "risk_coverage",
    "selective_accuracy",
    "weighted_mean",
]
