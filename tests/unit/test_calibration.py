"""Probabilities: hand-computed cases, scikit-learn as a second opinion, and shuffled labels."""

from __future__ import annotations

import json
import math
from importlib import resources

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from evals.training.confidence import Rows, grow, predict
from indexer.articles import ArticleKey
from indexer.calibration import Calibration, LanguageCalibration, Shift, Thresholds, restate
from indexer.confidence import SIGNS, ConfidenceModel, Evidence
from indexer.goals import Judged
from indexer.heldout import (
    EDITOR_TRUST,
    HeldOut,
    Stated,
    expected_outcomes,
    fit_shift,
    learn,
    prior_thresholds,
    reliability,
)
from indexer.settings import AnsweringSettings
from indexer.trees import Trees, logit, sigmoid


def test_restating_moves_the_odds_by_hand_computed_amounts() -> None:
    """Present .8, right .6. At .2 absent, present counts 1.6 and absent .4: .6*1.6 / (.8*1.6 + .2*.4)."""
    assert restate(0.8, 0.6, 0.5) == pytest.approx(0.6)
    assert restate(0.8, 0.6, 0.2) == pytest.approx(0.96 / 1.36)
    assert restate(0.8, 0.6, 0.0) == pytest.approx(0.75)
    assert restate(0.8, 0.6, 1.0) == 0.0
    assert restate(0.0, 0.0, 0.0) == 0.0


@given(st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 0.95), st.floats(0, 0.95))
def test_more_absent_questions_never_raise_confidence(
    present: float, part: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    value = present * part
    assert 0 <= restate(present, value, high) <= restate(present, value, low) + 1e-12 <= 1 + 1e-9


def test_a_simulated_share_is_recovered() -> None:
    """Draw questions at half absent, keep fewer absent ones, and compare what is stated with what is true."""
    rng = np.random.default_rng(1)
    present = rng.uniform(0.05, 0.95, 60_000)
    right = present * 0.7
    u = rng.uniform(size=len(present))
    is_right, exists = u < right, u < present
    kept = exists | (rng.uniform(size=len(present)) < 0.25)  # 1 absent for 4 present: a share of .2
    stated = np.array([restate(p, r, 0.2) for p, r in zip(present[kept], right[kept], strict=True)])
    for low in np.arange(0.1, 0.7, 0.1):
        inside = (stated >= low) & (stated < low + 0.1)
        assert stated[inside].mean() == pytest.approx(is_right[kept][inside].mean(), abs=0.03)


def logits(n: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(0, 1.5, n)


def test_shift_is_half_of_a_logistic_fit() -> None:
    """With much data the priors fade; maximum likelihood times the trust in editors is left."""
    x = logits(20_000)
    y = np.random.default_rng(2).uniform(size=len(x)) < 1 / (1 + np.exp(-(0.8 * x - 0.6)))
    plain = LogisticRegression(C=1e6).fit(x[:, None], y)
    shift = fit_shift(x.tolist(), y.tolist())
    assert shift.intercept == pytest.approx(EDITOR_TRUST * plain.intercept_[0], abs=0.01)
    assert shift.slope == pytest.approx(1 + EDITOR_TRUST * (plain.coef_[0, 0] - 1), abs=0.01)


def test_few_questions_move_the_prior_little_and_none_not_at_all() -> None:
    assert fit_shift([], []) == Shift()
    few = fit_shift([0.0] * 4, [True] * 4)
    many = fit_shift([0.0] * 100, [True] * 100)
    assert 0 < few.intercept < many.intercept
    assert few.slope == 1.0


def held_out(n: int, seed: int, *, shuffled: bool = False) -> list[HeldOut]:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, n)
    right = rng.uniform(size=n) < 1 / (1 + np.exp(-x))
    if shuffled:
        rng.shuffle(right)
    exists = right | (rng.uniform(size=n) < 0.3)
    return [
        HeldOut(
            article=ArticleKey("fi", f"a{i % 80}"),
            confidence=float(x[i]),
            choices=float(x[i]) + 0.5,
            present=sigmoid(float(x[i]) + 1),
            right=bool(right[i]),
            among_three=bool(right[i]),
            exists=bool(exists[i]),
        )
        for i in range(n)
    ]


def test_shuffled_labels_prove_nothing() -> None:
    answering = AnsweringSettings(accuracy_goal=0.8, absent_share=0.5)
    prior = prior_thresholds(answering)
    honest = learn(held_out(3000, 3), answering, prior)
    shuffled = learn(held_out(3000, 3, shuffled=True), answering, prior)
    assert honest.thresholds.proven
    assert not shuffled.thresholds.proven
    assert shuffled.thresholds.answer > prior.answer  # the data contradict what other kbs promised
    rows = held_out(3000, 3, shuffled=True)
    assert roc_auc_score([r.right for r in rows], [r.confidence for r in rows]) == pytest.approx(
        0.5, abs=0.03
    )


def test_a_higher_goal_gives_a_higher_threshold() -> None:
    answers = [
        prior_thresholds(AnsweringSettings(accuracy_goal=goal)).answer for goal in (0.7, 0.8, 0.9, 0.95)
    ]
    assert answers == sorted(answers)
    assert len(set(answers)) == 4


def test_expected_outcomes_sum_to_a_hundred() -> None:
    stated = [
        Stated(Judged(0.9, True, 1.4), Judged(0.95, True, 1.4)),
        Stated(Judged(0.3, False, 0.6), Judged(0.8, True, 0.6)),
        Stated(Judged(0.1, False, 2.0), Judged(0.2, False, 2.0)),
    ]
    outcomes = expected_outcomes(stated, Thresholds(answer=0.8, choices=0.7, scope=0.5))
    assert outcomes == {"answers": 35.0, "choices": 15.0, "handoffs": 50.0}


def test_reliability_by_hand() -> None:
    judged = [Judged(0.11, True), Judged(0.15, False, 3.0), Judged(1.0, True)]
    (low, high) = reliability(judged)
    assert low[0] == pytest.approx((0.11 + 3 * 0.15) / 4)
    assert low[1:] == (0.25, 2)
    assert high == (1.0, 1.0, 1)


def test_calibration_survives_json() -> None:
    thresholds = Thresholds(answer=0.9, choices=0.7, scope=0.5, proven=True, n=60)
    calibration = Calibration(
        absent_share=0.3,
        prior=Thresholds(answer=0.8, choices=0.7, scope=0.5),
        languages={
            "fi": LanguageCalibration(
                confidence=Shift(intercept=0.25, slope=0.9),
                thresholds=thresholds,
                questions=60,
                expected={"answers": 40.0, "choices": 20.0, "handoffs": 40.0},
                reliability=((0.5, 0.4, 10),),
            )
        },
    )
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration
    assert calibration.thresholds("fi") == thresholds
    assert calibration.thresholds("de").answer == 0.8
    assert calibration.with_absent_share(0.5).absent_share == 0.5


def training_rows() -> Rows:
    rng = np.random.default_rng(5)
    values = rng.normal(size=(1500, len(Evidence)))
    y = (values[:, 0] + 0.5 * values[:, 9] + rng.normal(0, 0.5, 1500) > 0).astype(np.int8)
    return Rows(
        name="made",
        examples=0,
        values=values,
        truth=np.stack([y, y, y, np.ones_like(y)], 1),
        langs=np.array(["en"] * 1500),
    )


def test_exported_trees_say_what_scikit_learn_says() -> None:
    rows = training_rows()
    trees = grow([rows], 0)
    model = HistGradientBoostingClassifier(
        max_iter=160, learning_rate=0.06, max_leaf_nodes=8, min_samples_leaf=60, l2_regularization=10.0,
        max_features=0.5, monotonic_cst=list(SIGNS), early_stopping=False, random_state=0,
    ).fit(rows.values, rows.truth[:, 0], sample_weight=np.full(1500, 1000.0 / 1500))  # fmt: skip
    expected = model.predict_proba(rows.values[:200])[:, 1]
    assert predict(trees, rows.values[:200]) == pytest.approx(expected, abs=1e-4)
    again = Trees.from_json(json.loads(json.dumps(trees.to_json())))
    assert again == trees


@pytest.mark.parametrize("name", ["confidence", "choices", "present", "scope"])
def test_the_shipped_model_is_monotone(name: str) -> None:
    trees: Trees = getattr(ConfidenceModel.shipped(), name)
    rng = np.random.default_rng(7)
    for _ in range(60):
        row = rng.normal(0.3, 0.6, len(Evidence))
        for column, sign in enumerate(SIGNS):
            if sign:
                values = []
                for step in np.linspace(-2, 4, 25):
                    changed = row.copy()
                    changed[column] = step
                    values.append(sign * trees.logit(changed.tolist()))
                assert values == sorted(values), Evidence(column).name


def test_the_shipped_prior_tells_right_from_wrong_but_not_when_shuffled() -> None:
    text = resources.files("indexer").joinpath("data/prior.json").read_text(encoding="utf-8")
    rows = np.array(json.loads(text)["rows"], float)
    assert roc_auc_score(rows[:, 3], rows[:, 0]) > 0.8
    shuffled = np.random.default_rng(0).permutation(rows[:, 3])
    assert roc_auc_score(shuffled, rows[:, 0]) == pytest.approx(0.5, abs=0.03)


def test_sigmoid_and_logit_are_inverse_and_never_overflow() -> None:
    for p in (1e-5, 0.2, 0.5, 0.999):
        assert sigmoid(logit(p)) == pytest.approx(p)
    assert sigmoid(-1000) == 0.0
    assert sigmoid(1000) == 1.0
    assert math.isfinite(logit(0.0))
