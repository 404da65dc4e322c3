"""How far a figure could be off by chance, and whether two runs differ by more than chance.

Rephrasings of one question about one article are not independent, so resampling draws whole articles
(clusters), not questions. Every random number comes from a given seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evals.measures.weights import Floats, as_floats

Counts = NDArray[np.int64]  #: [resamples, clusters]: how often each cluster was drawn

_Z95 = 1.959963984540054


class Interval(NamedTuple):
    """A 95 % interval, both ends within it."""

    low: float
    high: float


class Clusters(NamedTuple):
    """Which cluster each question belongs to."""

    code: NDArray[np.intp]  #: one a question, 0..size-1
    size: int


def clusters_of(labels: Sequence[Hashable]) -> Clusters:
    """Numbers for the labels, in order of first appearance."""
    codes: dict[Hashable, int] = {}
    flat = np.array([codes.setdefault(label, len(codes)) for label in labels], dtype=np.intp)
    return Clusters(flat, len(codes))


def cluster_draws(count: int, *, resamples: int, seed: int) -> Counts:
    """How often each cluster comes up in each bootstrap resample (drawn with replacement)."""
    if count == 0:
        return np.zeros((resamples, 0), dtype=np.int64)
    random = np.random.default_rng(seed)
    return random.multinomial(count, np.full(count, 1.0 / count), size=resamples).astype(np.int64)


def bootstrap_means(values: ArrayLike, clusters: Clusters, draws: Counts) -> Floats:
    """The mean of each resample; NaN where a resample drew no question that has a value (values of NaN)."""
    flat = as_floats(values)
    known = ~np.isnan(flat)
    sums = np.bincount(clusters.code[known], flat[known], clusters.size)
    sizes = np.bincount(clusters.code[known], minlength=clusters.size).astype(np.float64)
    drawn = draws @ sizes
    with np.errstate(invalid="ignore"):
        return np.where(drawn > 0, (draws @ sums) / drawn, np.nan)


def bootstrap_of(figure: Callable[[Floats], float | None], clusters: Clusters, draws: Counts) -> Floats:
    """``figure`` of each resample, called with one weight a question; NaN where it is undefined."""
    values = np.empty(len(draws))
    for r, counts in enumerate(draws):
        value = figure(counts[clusters.code].astype(np.float64))
        values[r] = math.nan if value is None else value
    return values


def percentile_interval(resampled: Floats) -> Interval | None:
    """The middle 95 % of the resamples; None when more than half of them are undefined."""
    known = resampled[~np.isnan(resampled)]
    if not len(known) or len(known) * 2 < len(resampled):
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return Interval(float(low), float(high))


def wilson(right: float, n: float) -> Interval | None:
    """Wilson's 95 % interval of a share of independent questions; None without questions."""
    if n <= 0:
        return None
    share, z2 = right / n, _Z95 * _Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def binomial_at_most(k: int, n: int, share: float) -> float:
    """The chance of at most ``k`` hits in ``n`` independent tries that each hit with ``share``."""
    if k >= n or share <= 0.0:
        return 1.0
    if k < 0 or share >= 1.0:
        return 0.0
    log_n = math.lgamma(n + 1)
    return min(
        1.0,
        math.fsum(
            math.exp(
                log_n
                - math.lgamma(i + 1)
                - math.lgamma(n - i + 1)
                + i * math.log(share)
                + (n - i) * math.log1p(-share)
            )
            for i in range(k + 1)
        ),
    )


def mcnemar(lost: int, won: int) -> float:
    """Exact two-sided p-value that as many questions were won as lost (independent questions)."""
    n = lost + won
    return 1.0 if n == 0 else min(1.0, 2 * binomial_at_most(min(lost, won), n, 0.5))


def paired_sign_flip(
    differences: ArrayLike, clusters: Clusters, *, seed: int, resamples: int = 10_000
) -> float:
    """Two-sided p-value that paired differences are 0 in the mean: signs of whole clusters are flipped.

    Questions without a difference (NaN) are left out. Exact over all flips up to 12 clusters.
    """
    flat = as_floats(differences)
    known = ~np.isnan(flat)
    sums = np.bincount(clusters.code[known], flat[known], clusters.size)
    sums = sums[sums != 0.0]
    if not len(sums):
        return 1.0
    seen = abs(float(sums.sum())) - 1e-12
    if len(sums) <= 12:
        flips = np.array(np.meshgrid(*[[-1.0, 1.0]] * len(sums))).reshape(len(sums), -1).T
        return float(np.mean(np.abs(flips @ sums) >= seen))
    random = np.random.default_rng(seed)
    extreme = 0
    for _ in range(resamples):
        signs = random.integers(0, 2, len(sums)) * 2.0 - 1.0
        extreme += abs(float(signs @ sums)) >= seen
    return (extreme + 1) / (resamples + 1)


def bootstrap_p(resampled_differences: Floats) -> float | None:
    """Two-sided p-value that a difference is 0, from its bootstrap resamples."""
    known = resampled_differences[~np.isnan(resampled_differences)]
    if not len(known):
        return None
    below, above = int(np.sum(known <= 0)), int(np.sum(known >= 0))
    return min(1.0, 2 * (min(below, above) + 1) / (len(known) + 1))


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's adjusted p-values: below .05 together means at most a 5 % chance of any false alarm."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted, highest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[i]))
        adjusted[i] = highest
    return tuple(adjusted)
