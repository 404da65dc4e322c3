"""The figures of a run: the content of ``metrics.json``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evals import measures
from evals.bot import Goals
from evals.catalogue import (
    MEASURES,
    answered,
    confusion,
    gold_in_choices,
    has_verdict,
    shown_is_right,
    top_is_right,
)
from evals.conversation_figures import conversation_figures
from evals.figures import Figure, Resampling, figures
from evals.intervals import binomial_at_most, wilson
from evals.predictions import Outcome, Prediction
from evals.questions import Kind
from evals.runner import BaselineRun, ConversationResult
from indexer.console import Progress, no_progress

SCHEMA = "helppari.eval/1"

SLICE_MEASURES = (
    "recall@1",
    "recall@3",
    "recall@5",
    "mrr",
    "section_accuracy",
    "answer_rate",
    "selective_accuracy",
    "coverage@0.90",
    "coverage@0.95",
    "auroc",
    "ece",
    "ece_debiased",
    "brier",
    "brier_skill",
    "clarified",
    "gold_among_choices",
    "handoff_recall",
    "handoff_false_alarms",
    "out_of_scope_answered",
    "language_accuracy",
    "estimated_deflection",
)  #: what tables of languages, tags and kinds show
MAX_TAGS = 40  #: more tags than this are no slices but labels of single questions


def summarise(
    predictions: Sequence[Prediction],
    baselines: Sequence[BaselineRun] = (),
    conversations: Sequence[ConversationResult] = (),
    *,
    resampling: Resampling,
    goals: Goals,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """All figures of the run as JSON values."""
    progress("measuring", 0, 3)
    of_all = figures(predictions, resampling)
    progress("measuring", 1, 3)
    slices = {
        "languages": _slices(predictions, resampling, lambda p: p.question.lang),
        "tags": _slices(predictions, resampling, lambda p: p.question.tag, least=2, limit=MAX_TAGS),
    }
    progress("measuring", 2, 3)
    metrics = {
        "schema": SCHEMA,
        "counts": _counts(predictions),
        "absent_share": _absent_share(predictions),
        "measures": _json(of_all),
        **{name: {label: _json(found) for label, found in parts.items()} for name, parts in slices.items()},
        "baselines": {
            run.baseline.name: {
                "words": run.baseline.words,
                "measures": _json(figures(run.predictions, resampling, run.baseline.measures)),
                "languages": _baseline_slices(run, lambda p: p.question.lang),
                "tags": _baseline_slices(run, lambda p: p.question.tag) if slices["tags"] else {},
            }
            for run in baselines
        },
        "promise": _promise(predictions, goals),
        "promise_by_language": {
            lang: _promise([p for p in predictions if p.question.lang == lang], goals)
            for lang in slices["languages"]
            if len(slices["languages"]) > 1
        },
        "ece_if_perfect": _perfect(predictions, resampling),
        "reliability": _reliability(predictions),
        "reliability_by_language": {
            lang: _reliability([p for p in predictions if p.question.lang == lang])
            for lang in slices["languages"]
        },
        "risk_coverage": _curve(predictions),
        "risk_coverage_of_baselines": {
            run.baseline.name: _curve(run.predictions) for run in baselines if run.baseline.scorer is not None
        },
        "outcomes": confusion(predictions),
        "confused_articles": _confused(predictions),
        "latency_ms": _latency(predictions),
        "conversations": conversation_figures(conversations),
        "definitions": {name: measure.definition for name, measure in MEASURES.items()},
    }
    progress("measuring", 3, 3)
    return metrics


def _slices(
    predictions: Sequence[Prediction],
    resampling: Resampling,
    label: Callable[[Prediction], str],
    *,
    least: int = 1,
    limit: int = 1000,
) -> dict[str, dict[str, Figure]]:
    parts: dict[str, list[Prediction]] = {}
    for prediction in predictions:
        parts.setdefault(label(prediction), []).append(prediction)
    if not least <= len(parts) <= limit:
        return {}
    return {
        name or "(none)": figures(part, resampling, SLICE_MEASURES) for name, part in sorted(parts.items())
    }


def _baseline_slices(
    run: BaselineRun, label: Callable[[Prediction], str]
) -> dict[str, dict[str, dict[str, Any]]]:
    found = _slices(run.predictions, Resampling(resamples=0), label, limit=MAX_TAGS)
    return {
        name: _json({key: figure for key, figure in part.items() if key in run.baseline.measures})
        for name, part in found.items()
    }


def _json(found: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {name: figure.to_json() for name, figure in found.items()}


def _counts(predictions: Sequence[Prediction]) -> dict[str, Any]:
    seen: dict[str, Prediction] = {p.question.id: p for p in predictions}
    kinds = Counter(p.question.kind for p in seen.values())
    return {
        "questions": len(seen),
        "asked": len(predictions),
        "kinds": {str(kind): kinds[kind] for kind in Kind},
        "languages": dict(sorted(Counter(p.question.lang for p in seen.values()).items())),
        "unscored": sum(p.answerable is None for p in seen.values()),
    }


def _absent_share(predictions: Sequence[Prediction]) -> float | None:
    """The share of on-subject questions that no article of the index answers."""
    judged = [p for p in predictions if has_verdict(p)]
    return round(sum(not p.answerable for p in judged) / len(judged), 6) if judged else None


def _promise(predictions: Sequence[Prediction], goals: Goals) -> dict[str, Any]:
    """What was promised about answers and choices, and what came of it."""
    return {
        "answers": _kept(
            goals.accuracy_goal,
            [
                (p.confidence, right)
                for p in predictions
                if answered(p) and (right := shown_is_right(p)) is not None
            ],
        ),
        "choices": _kept(
            goals.choices_goal,
            [
                (p.choices_confidence, right)
                for p in predictions
                if p.outcome is Outcome.CLARIFIED and (right := gold_in_choices(p)) is not None
            ],
        ),
    }


def _kept(goal: float, pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    n, right = len(pairs), int(sum(verdict for _, verdict in pairs))
    interval = wilson(right, n)
    return {
        "goal": goal,
        "n": n,
        "realised": round(right / n, 6) if n else None,
        "low": round(interval.low, 6) if interval else None,
        "high": round(interval.high, 6) if interval else None,
        "stated": round(sum(confidence for confidence, _ in pairs) / n, 6) if n else None,
        # One-sided: how likely so few would be right if the goal were kept.
        "p_below_goal": round(binomial_at_most(right, n, goal), 6) if n else None,
    }


def _perfect(predictions: Sequence[Prediction], resampling: Resampling) -> dict[str, Any] | None:
    judged = [p.confidence for p in predictions if has_verdict(p)]
    found = measures.ece_if_perfect(judged, seed=resampling.seed)
    if found is None:
        return None
    ece = measures.ece(judged, [float(top_is_right(p) or 0.0) for p in predictions if has_verdict(p)])
    return {
        "mean": round(found.mean, 6),
        "low": round(found.low, 6),
        "high": round(found.high, 6),
        "excess": None if ece is None else round(ece - found.mean, 6),
        "within": ece is not None and ece <= found.high,
    }


def _reliability(predictions: Sequence[Prediction]) -> list[dict[str, float]]:
    judged = [(p.confidence, right) for p in predictions if (right := top_is_right(p)) is not None]
    bins = measures.reliability([c for c, _ in judged], [r for _, r in judged])
    return [
        {
            "low": b.low,
            "high": b.high,
            "n": int(b.weight),
            "confidence": round(b.confidence, 6),
            "right": round(b.right, 6),
        }
        for b in bins
    ]


def _curve(predictions: Sequence[Prediction], points: int = 200) -> list[dict[str, float]]:
    """The risk-coverage curve, thinned to so many points."""
    judged = [(p.confidence, right) for p in predictions if (right := top_is_right(p)) is not None]
    curve = measures.risk_coverage([c for c, _ in judged], [r for _, r in judged])
    step = max(1, len(curve) // points)
    kept = [*curve[:-1:step], *curve[-1:]]
    return [
        {"threshold": round(p.threshold, 6), "coverage": round(p.coverage, 6), "risk": round(p.risk, 6)}
        for p in kept
    ]


def _confused(predictions: Sequence[Prediction], limit: int = 12) -> list[dict[str, Any]]:
    """Which article is shown instead of which, most frequent first (answerable questions only)."""
    pairs = Counter(
        (min(p.question.gold), p.hits[0].article_id)
        for p in predictions
        if p.answerable and p.hits and p.hits[0].article_id not in p.question.gold
    )
    ranked = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))
    return [{"gold": gold, "shown": shown, "n": n} for (gold, shown), n in ranked[:limit]]


def _latency(predictions: Sequence[Prediction]) -> dict[str, float] | None:
    if not predictions:
        return None
    times = np.array([p.latency_ms for p in predictions])
    quantiles = np.quantile(times, [0.5, 0.95, 0.99])
    return {
        "mean": round(float(times.mean()), 3),
        "p50": round(float(quantiles[0]), 3),
        "p95": round(float(quantiles[1]), 3),
        "p99": round(float(quantiles[2]), 3),
        "max": round(float(times.max()), 3),
    }
