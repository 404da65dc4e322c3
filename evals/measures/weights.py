"""Weighted means, and the weights that count every article once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def as_floats(values: ArrayLike) -> Floats:
    """The values as one flat float64 array."""
    return np.asarray(values, dtype=np.float64).reshape(-1)


def weights_for(values: Floats, weights: ArrayLike | None) -> Floats:
    """The given weights, or 1 for every value; a length that does not fit is a mistake of the caller."""
    if weights is None:
        return np.ones_like(values)
    given = as_floats(weights)
    if given.shape != values.shape:
        raise ValueError(f"{len(given)} weights for {len(values)} values: give one weight a question")
    return given


def weighted_mean(values: ArrayLike, weights: ArrayLike | None = None) -> float | None:
    """The weighted mean; undefined when there is nothing to average."""
    flat = as_floats(values)
    given = weights_for(flat, weights)
    total = float(given.sum())
    if total <= 0.0:
        return None
    return float(flat @ given) / total


def macro_weights(clusters: Sequence[Hashable]) -> Floats:
    """Weights under which every cluster (article) counts the same, however many questions it has."""
    sizes = Counter(clusters)
    return np.array([1.0 / sizes[cluster] for cluster in clusters], dtype=np.float64)
