"""Learn the weights of the rankers: ``python -m evals.training.ranking DATA MEMORY``.

A conditional logit over each question's candidates, every set weighing the same; prints recall@1 by set and
language, leave one set out, and writes ``indexer/data/ranking.json`` learned from all.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from evals.training.sets import OpenSet, open_sets
from indexer.ranking import FEATURES, Feature, Ranker

L2 = 2e-4
#: Learned, but held at or above zero: a closer text never counts against an article.
LOWEST: dict[Feature, float] = dict.fromkeys(Feature, 0.0)
#: The language's weight is a rule, not a fit: the questions of one set show no mixture.
FIXED = {Feature.LANGUAGE: 1.0}


class Group(NamedTuple):
    """The questions of one set, one number of examples and one language."""

    name: str
    examples: int
    lang: str
    tables: list[NDArray[np.float32]]  #: ``[candidates, FEATURES]`` each
    right: list[NDArray[np.bool_]]


def collect(opened: OpenSet) -> list[Group]:
    """Candidate tables of all questions of a set, by language."""
    groups: dict[str, Group] = {}
    for question in opened.asked:
        ranked = opened.index.rank(question.text)
        right = np.array([key in question.gold for key in ranked.keys], bool)
        group = groups.setdefault(question.lang, Group(opened.name, opened.examples, question.lang, [], []))
        group.tables.append(ranked.candidates.features)
        group.right.append(right)
    return list(groups.values())


def fit(groups: Sequence[Group], *, l2: float = L2, most: int = 400) -> NDArray[np.float64]:
    """Weights of the features."""
    from scipy.optimize import minimize

    samples = [
        (table.astype(np.float64), right, 1.0 / min(len(group.tables), most))
        for group in groups
        for table, right in list(zip(group.tables, group.right, strict=True))[:most]
        if right.any()
    ]
    free = np.array([feature not in FIXED for feature in Feature])
    start = np.array([FIXED.get(feature, 1.0) for feature in Feature])

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, gradient = 0.0, np.zeros(FEATURES)
        for table, right, weight in samples:
            scores = table @ weights
            p = np.exp(scores - scores.max())
            p /= p.sum()
            mass = p[right].sum() + 1e-12
            value -= weight * np.log(mass)
            gradient -= weight * ((p * right / mass - p) @ table)
        value = value / len(groups) + l2 * float((weights[free] ** 2).sum())
        gradient = gradient / len(groups) + 2 * l2 * weights * free
        return value, gradient * free

    bounds = [(FIXED[f], FIXED[f]) if f in FIXED else (LOWEST.get(f), None) for f in Feature]
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x)


def recall(group: Group, weights: NDArray[np.float64]) -> float:
    """Share of questions whose best article is right."""
    return float(
        np.mean(
            [
                right[int(np.argmax(table @ weights))]
                for table, right in zip(group.tables, group.right, strict=True)
            ]
        )
    )


def main(data: Path, memory: Path) -> None:
    """Measure, learn, write."""
    groups = [group for opened in open_sets(data, memory) for group in collect(opened)]
    by_set: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_set[group.name].append(group)
    shipped = Ranker.shipped().weights.astype(np.float64)
    for name, held in by_set.items():
        weights = fit([g for g in groups if g.name != name])
        for g in held:
            reachable = float(np.mean([right.any() for right in g.right]))
            click.echo(
                f"{name:11} {g.lang} examples={g.examples} n={len(g.tables):5} "
                f"recall@1 left out {recall(g, weights):.3f}  shipped {recall(g, shipped):.3f}  "
                f"pool {reachable:.3f}"
            )
    weights = fit(groups)
    record: dict[str, Any] = {
        "weights": {feature.name.lower(): round(float(weights[feature]), 3) for feature in Feature},
        "words": dict(Ranker.shipped().words),
    }
    click.echo(json.dumps(record))
    target = Path(str(resources.files("indexer").joinpath("data/ranking.json")))
    target.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
