"""Thresholds from goals, against exact tails and hand-made curves."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from indexer.goals import DELTA, Judged, binomial_tail, prove, safer


@pytest.mark.parametrize(
    ("k", "n", "p"), [(0, 10, 0.5), (10, 10, 0.9), (57, 60, 0.95), (3, 7, 0.2), (950, 1000, 0.94)]
)
def test_the_tail_is_exact(k: int, n: int, p: float) -> None:
    assert binomial_tail(k, n, p) == pytest.approx(float(binom.sf(k - 1, n, p)), rel=1e-9)


def answers(probability: float, right: int, wrong: int) -> list[Judged]:
    return [Judged(probability, True)] * right + [Judged(probability, False)] * wrong


def test_forty_five_right_answers_prove_95_percent() -> None:
    """0.95 ** 44 is above a tenth and 0.95 ** 45 below: 45 without an error is the least that proves."""
    assert prove(answers(0.9, 44, 0), 0.95) is None
    proof = prove(answers(0.9, 45, 0), 0.95)
    assert proof is not None
    assert proof.threshold <= 0.9
    assert proof.n == 45
    assert proof.coverage == 1.0


def test_the_first_failure_ends_the_sequence() -> None:
    """A bad stretch in the middle is not jumped over, though the whole would pass again."""
    data = [*answers(0.99, 60, 0), *answers(0.8, 0, 20), *answers(0.5, 5000, 0)]
    proof = prove(data, 0.9)
    assert proof is not None
    assert proof.threshold > 0.8
    assert proof.n == 60


def test_a_goal_out_of_reach_is_not_claimed() -> None:
    assert prove(answers(0.9, 60, 40), 0.95) is None
    assert prove([], 0.8) is None


def test_weights_restate_the_share_of_absent_questions() -> None:
    """Wrong answers that count for little are forgiven; the effective number of answers shrinks."""
    light = [*answers(0.9, 200, 0), *[Judged(0.9, False, 0.05)] * 20]
    heavy = [*answers(0.9, 200, 0), *[Judged(0.9, False, 2.0)] * 20]
    assert prove(light, 0.95) is not None
    assert prove(heavy, 0.95) is None


def test_the_promise_is_kept_as_often_as_stated() -> None:
    """Over many draws, a threshold whose true accuracy misses the goal is picked in at most DELTA of them."""
    rng = np.random.default_rng(0)
    broken = 0
    for _ in range(300):
        p = rng.uniform(0.3, 1.0, 400)
        true = p**1.5  # over-confident on purpose
        data = [Judged(float(a), bool(b)) for a, b in zip(p, rng.uniform(size=400) < true, strict=True)]
        proof = prove(data, 0.8)
        if proof is not None:
            above = true[p >= proof.threshold]
            broken += above.mean() < 0.8
    assert broken / 300 <= DELTA + 0.03


def test_a_sequence_that_starts_where_others_proved_finds_enough_answers() -> None:
    """One error among the 45 surest ends the sequence from the top; at 0.85 there are answers enough."""
    data = [*answers(0.99, 44, 1), *answers(0.9, 300, 4)]
    assert prove(data, 0.95) is None
    proof = prove(data, 0.95, start=0.9)
    assert proof is not None
    assert proof.threshold <= 0.9
    assert proof.n == 349


def test_where_the_suggested_start_fails_the_safest_are_tried() -> None:
    data = [*answers(0.99, 90, 0), *answers(0.9, 20, 40)]
    proof = prove(data, 0.95, start=0.9)
    assert proof is not None
    assert proof.threshold > 0.9


@pytest.mark.parametrize("start", [0.6, 0.85, 0.95])
def test_the_promise_is_kept_with_a_suggested_start_too(start: float) -> None:
    rng = np.random.default_rng(1)
    broken = 0
    for _ in range(300):
        p = rng.uniform(0.3, 1.0, 400)
        true = p**1.5
        data = [Judged(float(a), bool(b)) for a, b in zip(p, rng.uniform(size=400) < true, strict=True)]
        proof = prove(data, 0.8, start=start)
        broken += proof is not None and true[p >= proof.threshold].mean() < 0.8
    assert broken / 300 <= DELTA + 0.03


def test_a_threshold_that_the_data_contradict_is_raised() -> None:
    data = [*answers(0.98, 30, 1), *answers(0.9, 60, 40)]
    assert safer(data, 0.95, 0.88) > 0.9
    assert safer(answers(0.9, 19, 1), 0.95, 0.88) == 0.88  # as good as promised
    assert safer(answers(0.9, 0, 40), 0.95, 0.88) == 0.95  # nothing above is right
    assert safer(answers(0.5, 40, 0), 0.95, 0.88) == 0.88  # nothing is answered, so nothing speaks against
