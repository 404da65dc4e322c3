"""From a goal to a threshold: the lowest one that keeps the goal with proof.

Selective accuracy does not rise steadily with the threshold, so thresholds are tested in a fixed sequence
from the safest down, each by an exact binomial test, and the last one before the first failure is taken
(Learn then Test, Angelopoulos et al. 2021, with fixed-sequence testing).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

#: The chance of claiming a goal that is not kept.
DELTA = 0.1
#: Candidate thresholds, from the safest down.
GRID = tuple(round(0.995 - 0.005 * step, 3) for step in range(180))


class Judged(NamedTuple):
    """A probability that was stated, whether it came true, and how much that counts."""

    probability: float
    right: bool
    weight: float = 1.0


class Proof(NamedTuple):
    """A threshold and the data behind it."""

    threshold: float
    proven: bool
    n: int  #: answers at or above the threshold in the data
    coverage: float  #: weighted share of the data at or above the threshold


def binomial_tail(successes: int, n: int, share: float) -> float:
    """``P[X >= successes]`` for ``X ~ Binomial(n, share)``, exactly."""
    if successes <= 0:
        return 1.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + i * math.log(share) + (n - i) * math.log1p(-share)
        for i in range(successes, n + 1)
    ]  # fmt: skip
    highest = max(logs)
    return min(1.0, math.exp(highest) * math.fsum(math.exp(value - highest) for value in logs))


def prove(
    data: Sequence[Judged], goal: float, *, delta: float = DELTA, start: float | None = None
) -> Proof | None:
    """The lowest threshold at which the accuracy of answers is proven to reach ``goal``; None without proof.

    Weights restate the data for another share of absent questions; the test then uses the effective number
    of answers (Kish 1965). ``start`` is a threshold that other data suggest: the sequence then begins there,
    where there are answers enough for a proof, with half of ``delta``; the other half is for the sequence
    from the safest threshold down, should that fail.
    """
    if start is None:
        return _sequence(data, goal, delta, GRID)
    near = _sequence(data, goal, delta / 2, tuple(t for t in GRID if t <= start + 1e-9))
    return near or _sequence(data, goal, delta / 2, GRID)


def safer(data: Sequence[Judged], goal: float, threshold: float, *, delta: float = DELTA) -> float:
    """The threshold, or a higher one where the data say that it does not keep the goal.

    "Say" is an exact binomial test the other way round; the higher one is the first whose answers were right
    often enough, or the goal itself where none was.
    """
    for each in sorted({threshold, *(t for t in GRID if t > threshold)}):
        above = [item for item in data if item.probability >= each]
        weight = math.fsum(item.weight for item in above)
        if weight == 0.0:
            return threshold if each == threshold else max(threshold, goal)
        n = int(weight**2 / math.fsum(item.weight**2 for item in above))
        share = math.fsum(item.weight * item.right for item in above) / weight
        if each == threshold:
            wrong = math.floor(n * (1.0 - share) + 1e-9)
            if binomial_tail(wrong, n, 1.0 - goal) > delta:
                return threshold
        elif share >= goal:
            return each
    return max(threshold, goal)


def _sequence(data: Sequence[Judged], goal: float, delta: float, grid: Sequence[float]) -> Proof | None:
    ordered = sorted(data, key=lambda item: -item.probability)
    total = math.fsum(item.weight for item in ordered) or 1.0
    best: Proof | None = None
    at = 0
    weight = right = squares = 0.0
    for threshold in grid:
        while at < len(ordered) and ordered[at].probability >= threshold:
            item = ordered[at]
            weight += item.weight
            squares += item.weight**2
            right += item.weight * item.right
            at += 1
        if weight == 0.0:
            continue
        n = int(weight**2 / squares)
        hits = math.floor(n * right / weight + 1e-9)
        # Too few answers to prove anything even if all were right: not a test yet, so no failure either.
        if goal**n > delta:
            continue
        if binomial_tail(hits, n, goal) > delta:
            break
        best = Proof(threshold, True, at, weight / total)
    return best
