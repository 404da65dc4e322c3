"""Trees evaluated together against walking each of them from its root."""

from __future__ import annotations

import random

import pytest

from indexer.trees import Forest, Node, Trees


def grown(drawn: random.Random, depth: int) -> tuple[Node, ...]:
    """A tree whose left branch always ends one step earlier."""
    nodes: list[Node] = []

    def grow(left: int) -> int:
        place = len(nodes)
        nodes.append(Node(-1, 0.0, 0, 0, drawn.uniform(-1, 1)))
        if left:
            below = grow(left - 2 if left > 1 else 0), grow(left - 1)
            nodes[place] = Node(drawn.randrange(3), drawn.uniform(-1, 1), *below, 0.0)
        return place

    grow(depth)
    return tuple(nodes)


def walked(model: Trees, row: list[float]) -> float:
    total = model.baseline
    for nodes in model.trees:
        node = nodes[0]
        while node.feature >= 0:
            node = nodes[node.left if row[node.feature] <= node.threshold else node.right]
        total += node.value
    return total


def test_models_evaluated_together_give_what_each_gives_alone() -> None:
    drawn = random.Random(3)
    models = [
        Trees(
            features=("a", "b", "c"),
            baseline=drawn.uniform(-1, 1),
            trees=tuple(grown(drawn, drawn.randrange(5)) for _ in range(count)),
        )
        for count in (7, 0, 1, 20)
    ]
    forest = Forest(models)
    for _ in range(50):
        row = [drawn.uniform(-1, 1) for _ in range(3)]
        expected = [walked(model, row) for model in models]
        assert forest.logits(row) == pytest.approx(expected, abs=1e-12)
        assert [model.logit(row) for model in models] == pytest.approx(expected, abs=1e-12)
