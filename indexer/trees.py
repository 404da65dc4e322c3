"""Gradient-boosted trees as plain JSON, evaluated without the library that grew them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self


class Node(NamedTuple):
    """An inner node (``feature`` >= 0) or a leaf."""

    feature: int  #: column; -1 in a leaf
    threshold: float  #: left when value <= threshold
    left: int
    right: int
    value: float  #: of a leaf, in logits


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """An additive model of logits: ``baseline`` plus one leaf of every tree."""

    features: tuple[str, ...]
    baseline: float
    trees: tuple[tuple[Node, ...], ...]

    def logit(self, values: Sequence[float]) -> float:
        """The model's logit for one row of features, in the order of ``features``."""
        total = self.baseline
        for nodes in self.trees:
            node = nodes[0]
            while node.feature >= 0:
                node = nodes[node.left if values[node.feature] <= node.threshold else node.right]
            total += node.value
        return total

    def to_json(self) -> dict[str, Any]:
        """Columns instead of objects: small, and diffs stay readable tree by tree."""
        return {
            "features": list(self.features),
            "baseline": self.baseline,
            "trees": [[list(node) for node in nodes] for nodes in self.trees],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The model that ``to_json`` wrote."""
        return cls(
            features=tuple(record["features"]),
            baseline=float(record["baseline"]),
            trees=tuple(tuple(Node(*node) for node in nodes) for nodes in record["trees"]),
        )


def sigmoid(logit: float) -> float:
    """The probability with this logit."""
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


def logit(probability: float) -> float:
    """The inverse of ``sigmoid``; probabilities are kept off 0 and 1."""
    p = min(max(probability, 1e-6), 1.0 - 1e-6)
    return math.log(p / (1.0 - p))
