"""Figures: each measure of a set of predictions with its n, what stayed unscored, and an interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from evals.catalogue import MEASURES, Mean, Measure, SetMeasure, mean_values
from evals.intervals import (
    Clusters,
    Counts,
    Interval,
    bootstrap_means,
    bootstrap_of,
    cluster_draws,
    clusters_of,
    percentile_interval,
    wilson,
)
from evals.measures import Floats, macro_weights, weighted_mean
from evals.predictions import Prediction

#: Resampling adds noise to each bin that an absolute error never loses again, so that resamples lie above the
#: value itself; their spread is taken around it.
RECENTRED = frozenset({"ece", "choices_ece"})


class Method(StrEnum):
    """How an interval was made."""

    BOOTSTRAP = "cluster bootstrap"
    WILSON = "wilson over clusters"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of a report."""

    value: float | None  #: None = undefined: there was nothing to judge
    n: int  #: questions it rests on
    unscored: int  #: questions it is about that could not be judged
    clusters: int  #: articles (or lone questions) those belong to
    interval: Interval | None = None  #: 95 %
    method: Method = Method.NONE
    macro: float | None = None  #: with every article counted once instead of every question

    def to_json(self) -> dict[str, Any]:
        """The figure as JSON values, rounded to 6 digits."""
        return {
            "value": _rounded(self.value),
            "low": _rounded(self.interval.low if self.interval else None),
            "high": _rounded(self.interval.high if self.interval else None),
            "macro": _rounded(self.macro),
            "n": self.n,
            "unscored": self.unscored,
            "clusters": self.clusters,
            "interval": str(self.method),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals are drawn."""

    seed: int = 1
    resamples: int = 1000  #: 0 = no intervals


def cluster_label(prediction: Prediction) -> Hashable:
    """What a question is drawn with: its (first) right article; without one, its group or itself."""
    question = prediction.question
    if question.gold:
        return ("article", min(question.gold))
    return ("group", question.group) if question.group else ("question", question.id)


def figures(
    predictions: Sequence[Prediction], resampling: Resampling, names: Collection[str] = MEASURES
) -> dict[str, Figure]:
    """The named measures of these predictions, in the catalogue's order."""
    sample = Sample(predictions, resampling)
    return {name: sample.figure(measure) for name, measure in MEASURES.items() if name in names}


class Sample:
    """Predictions with their clusters and bootstrap draws, shared by all measures."""

    def __init__(
        self,
        predictions: Sequence[Prediction],
        resampling: Resampling,
        labels: Sequence[Hashable] | None = None,
    ) -> None:
        self.predictions = predictions
        self.labels = [cluster_label(p) for p in predictions] if labels is None else labels
        self.clusters = clusters_of(self.labels)
        self.draws: Counts = cluster_draws(
            self.clusters.size, resamples=resampling.resamples, seed=resampling.seed
        )

    def figure(self, measure: Measure) -> Figure:
        """The measure with its interval."""
        return self._mean(measure) if isinstance(measure, Mean) else self._set(measure)

    def resampled(self, measure: Measure) -> Floats:
        """The measure in each resample; NaN where it is undefined."""
        if isinstance(measure, Mean):
            return bootstrap_means(mean_values(measure, self.predictions), self.clusters, self.draws)
        points = self._points(measure)
        return bootstrap_of(points.figure, self._part(points.where), self.draws[: measure.resamples])

    def _mean(self, measure: Mean) -> Figure:
        values = mean_values(measure, self.predictions)
        known = np.flatnonzero(~np.isnan(values))
        about = sum(measure.about(p) for p in self.predictions)
        part = self._part(known)
        labels = [self.labels[int(i)] for i in known]
        used = len(set(labels))
        value = weighted_mean(values[known])
        interval, method = None, Method.NONE
        if value is not None and len(self.draws):
            # Independent questions; or all alike, where resampling could only repeat them.
            alone = used == len(known) or np.ptp(values[known]) == 0.0
            if alone and _is_share(values[known]):
                interval, method = wilson(value * used, used), Method.WILSON
            if interval is None:
                means = bootstrap_means(values[known], part, self.draws)
                interval, method = percentile_interval(means), Method.BOOTSTRAP
        return Figure(
            value=value,
            n=len(known),
            unscored=about - len(known),
            clusters=used,
            interval=interval,
            method=method if interval else Method.NONE,
            macro=weighted_mean(values[known], macro_weights(labels)),
        )

    def _set(self, measure: SetMeasure) -> Figure:
        points = self._points(measure)
        labels = [self.labels[int(i)] for i in points.where]
        value = points.figure(np.ones(len(points.where)))
        interval = None
        if value is not None and len(self.draws):
            draws = self.draws[: measure.resamples]
            resampled = bootstrap_of(points.figure, self._part(points.where), draws)
            if measure.name in RECENTRED:
                resampled = np.maximum(resampled - np.nanmean(resampled) + value, 0.0)
            interval = percentile_interval(resampled)
        return Figure(
            value=value,
            n=len(points.where),
            unscored=points.about - len(points.where),
            clusters=len(set(labels)),
            interval=interval,
            method=Method.BOOTSTRAP if interval else Method.NONE,
            macro=points.figure(macro_weights(labels)),
        )

    def _points(self, measure: SetMeasure) -> _Points:
        where, confidence, right, about = [], [], [], 0
        for i, p in enumerate(self.predictions):
            if not measure.about(p):
                continue
            about += 1
            verdict = measure.right(p)
            if verdict is not None:
                where.append(i)
                confidence.append(measure.confidence(p))
                right.append(verdict)
        # Sorted once, so that each of the thousand resamples finds its order ready.
        order = np.argsort(np.array(confidence), kind="stable")
        return _Points(
            where=np.array(where, dtype=np.intp)[order],
            confidence=np.array(confidence, dtype=np.float64)[order],
            right=np.array(right, dtype=np.float64)[order],
            about=about,
            of=measure.figure,
        )

    def _part(self, where: np.ndarray[Any, np.dtype[np.intp]]) -> Clusters:
        return Clusters(self.clusters.code[where], self.clusters.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    where: np.ndarray[Any, np.dtype[np.intp]]
    confidence: Floats
    right: Floats
    about: int
    of: Callable[[Floats, Floats, Floats], float | None]

    def figure(self, weights: Floats) -> float | None:
        return self.of(self.confidence, self.right, weights)


def _is_share(values: Floats) -> bool:
    return bool(np.all((values == 0.0) | (values == 1.0)))


def _rounded(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else round(value, 6)
