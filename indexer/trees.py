"""Gradient-boosted trees as plain JSON, evaluated without the library that grew them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray


class Node(NamedTuple):
    """An inner node (``feature`` >= 0) or a leaf."""

    feature: int  #: column; -1 in a leaf
    threshold: float  #: left when value <= threshold
    left: int
    right: int
    value: float  #: of a leaf, in logits


class _Table(NamedTuple):
    """All nodes of all trees in columns."""

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]
    children: NDArray[np.intp]  #: of node ``i``: the right one at ``2 * i``, the left one after it
    firsts: NDArray[np.intp]  #: ``2 * i``
    value: NDArray[np.float64]
    roots: NDArray[np.intp]
    depth: int


def _depth(nodes: Sequence[Node], at: int = 0) -> int:
    node = nodes[at]
    return 0 if node.feature < 0 else 1 + max(_depth(nodes, node.left), _depth(nodes, node.right))


@dataclass(frozen=True, kw_only=True)
class Trees:
    """An additive model of logits: ``baseline`` plus one leaf of every tree."""

    features: tuple[str, ...]
    baseline: float
    trees: tuple[tuple[Node, ...], ...]

    def logit(self, values: Sequence[float] | NDArray[np.float64]) -> float:
        """The model's logit for one row of features, in the order of ``features``."""
        return self._alone.logits(values)[0]

    @cached_property
    def _alone(self) -> Forest:
        return Forest((self,))

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


class Forest:
    """Several models of the same features, evaluated together."""

    def __init__(self, models: Sequence[Trees]) -> None:
        self._table = _table([nodes for model in models for nodes in model.trees])
        self._baselines = [model.baseline for model in models]
        self._ends = np.cumsum([len(model.trees) for model in models]).tolist()

    def logits(self, values: Sequence[float] | NDArray[np.float64]) -> tuple[float, ...]:
        """Each model's logit for one row of features, in the order of ``features``."""
        table = self._table
        row = np.asarray(values, np.float64)
        # Where each node leads; then all trees take a step at a time. A leaf leads to itself.
        after = table.children.take(table.firsts + (row.take(table.feature) <= table.threshold))
        at = table.roots
        for _ in range(table.depth):
            at = after.take(at)
        sums = np.concatenate([[0.0], np.cumsum(table.value.take(at))])[[0, *self._ends]]
        return tuple((self._baselines + np.diff(sums)).tolist())


def _table(trees: Sequence[Sequence[Node]]) -> _Table:
    offsets = np.cumsum([0, *(len(nodes) for nodes in trees)])
    rows = [
        (max(node.feature, 0), node.threshold, first + node.left, first + node.right, node.value)
        if node.feature >= 0
        else (0, 0.0, first + place, first + place, node.value)
        for first, nodes in zip(offsets.tolist(), trees, strict=False)
        for place, node in enumerate(nodes)
    ]
    columns = list(zip(*rows, strict=True)) if rows else [()] * 5
    children = np.empty(2 * len(rows), np.intp)
    children[0::2], children[1::2] = columns[3], columns[2]
    return _Table(
        feature=np.array(columns[0], np.intp),
        threshold=np.array(columns[1], np.float64),
        children=children,
        firsts=2 * np.arange(len(rows)),
        value=np.array(columns[4], np.float64),
        roots=offsets[:-1].astype(np.intp),
        depth=max((_depth(nodes) for nodes in trees), default=0),
    )


def sigmoid(logit: float) -> float:
    """The probability with this logit."""
    return 1.0 / (1.0 + math.exp(-logit)) if logit >= 0 else math.exp(logit) / (1.0 + math.exp(logit))


def logit(probability: float) -> float:
    """The inverse of ``sigmoid``; probabilities are kept off 0 and 1."""
    p = min(max(probability, 1e-6), 1.0 - 1e-6)
    return math.log(p / (1.0 - p))
