"""Measures against numbers computed by hand, scikit-learn and ir-measures."""

from __future__ import annotations

import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression

from evals import measures
from evals.measures import Bin, CurvePoint, Floats


def random_case(seed: int, n: int = 300, *, ties: bool = False) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    confidence = random.random(n)
    if ties:
        confidence = np.round(confidence, 1)
    right = (random.random(n) < confidence**2).astype(np.float64)
    return confidence, right


# Ranking


def test_recall_and_rank_by_hand() -> None:
    ranked = ["b", "a", "c", "d"]
    assert [measures.recall_at(k, ranked, ["a"]) for k in (1, 2, 3)] == [0.0, 1.0, 1.0]
    assert measures.recall_at(1, ranked, ["x", "b"]) == 1.0  # any of the alternatives is right
    assert measures.reciprocal_rank(ranked, ["c", "d"]) == pytest.approx(1 / 3)
    assert measures.reciprocal_rank(ranked, ["x"]) == 0.0
    assert measures.gold_rank(ranked, ["d"]) == 4
    assert measures.gold_rank([], ["d"]) is None


def test_a_question_without_gold_is_undefined_not_zero() -> None:
    assert measures.recall_at(3, ["a"], []) is None
    assert measures.reciprocal_rank(["a"], []) is None


def test_ranking_agrees_with_ir_measures() -> None:
    random = np.random.default_rng(7)
    names = [f"d{i}" for i in range(12)]
    qrels, run, ours = [], [], {"Success@1": [], "Success@3": [], "RR": []}  # type: ignore[var-annotated]
    for question in range(80):
        ranked = list(random.permutation(names)[:8])
        gold = list(random.choice(names, size=1 + question % 3, replace=False))
        qrels += [ir_measures.Qrel(str(question), name, 1) for name in gold]
        run += [ir_measures.ScoredDoc(str(question), name, 100.0 - i) for i, name in enumerate(ranked)]
        ours["Success@1"].append(measures.recall_at(1, ranked, gold))
        ours["Success@3"].append(measures.recall_at(3, ranked, gold))
        ours["RR"].append(measures.reciprocal_rank(ranked, gold))
    theirs = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in ours], qrels, run)
    for measure, value in theirs.items():
        assert measures.weighted_mean(ours[str(measure)]) == pytest.approx(value, abs=1e-12)


# Discrimination and calibration


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_auroc_agrees_with_scikit_learn(seed: int, ties: bool) -> None:
    confidence, right = random_case(seed, ties=ties)
    weights = np.random.default_rng(seed).integers(0, 4, len(right)).astype(np.float64)
    assert measures.auroc(confidence, right) == pytest.approx(metrics.roc_auc_score(right, confidence))
    assert measures.auroc(confidence, right, weights) == pytest.approx(
        metrics.roc_auc_score(right, confidence, sample_weight=weights)
    )


def test_auroc_by_hand() -> None:
    assert measures.auroc([0.9, 0.8, 0.2], [1, 0, 1]) == 0.5  # one pair won, one lost
    assert measures.auroc([0.5, 0.5], [1, 0]) == 0.5  # a tie counts half
    assert measures.auroc([0.9, 0.1], [1, 1]) is None
    assert measures.auroc([], []) is None


@pytest.mark.parametrize("seed", range(5))
def test_brier_agrees_with_scikit_learn(seed: int) -> None:
    confidence, right = random_case(seed)
    base = np.full(len(right), right.mean())
    brier = metrics.brier_score_loss(right, confidence)
    assert measures.brier(confidence, right) == pytest.approx(brier)
    assert measures.brier_skill(confidence, right) == pytest.approx(
        1 - brier / metrics.brier_score_loss(right, base)
    )


def test_brier_skill_by_hand() -> None:
    # Brier (.04 + .04 + .09 + .09) / 4 = .065 against .25 for always saying one half.
    assert measures.brier_skill([0.8, 0.8, 0.3, 0.3], [1, 1, 0, 0]) == pytest.approx(1 - 0.065 / 0.25)
    assert measures.brier_skill([0.5, 0.5], [1, 0]) == pytest.approx(0.0)
    assert measures.brier_skill([0.5, 0.5], [1, 1]) is None


def test_ece_by_hand() -> None:
    # Bin [.9, 1]: two questions at .95, one right: |.95 - .5|; bin [.1, .2): one at .1, wrong: .1.
    assert measures.ece([0.95, 0.95, 0.1], [1, 0, 0]) == pytest.approx((2 * 0.45 + 1 * 0.1) / 3)
    assert measures.ece([], []) is None


def test_bin_edges_belong_to_the_bin_on_their_right_and_one_to_the_last() -> None:
    bins = measures.reliability([0.0, 0.3, 0.7, 1.0], [0, 1, 1, 1])
    assert [(b.low, b.high) for b in bins] == [(0.0, 0.1), (0.3, 0.4), (0.7, 0.8), (0.9, 1.0)]
    assert bins[1] == Bin(low=0.3, high=0.4, weight=1.0, confidence=0.3, right=1.0)


@pytest.mark.parametrize("seed", range(5))
def test_reliability_and_ece_agree_with_scikit_learn(seed: int) -> None:
    confidence, right = random_case(seed, n=500)
    accuracy, stated = calibration_curve(right, confidence, n_bins=10, strategy="uniform")
    bins = measures.reliability(confidence, right)
    assert [b.right for b in bins] == pytest.approx(accuracy)
    assert [b.confidence for b in bins] == pytest.approx(stated)
    assert measures.ece(confidence, right) == pytest.approx(
        sum(b.weight * abs(a - s) for b, a, s in zip(bins, accuracy, stated, strict=True)) / 500
    )


def test_debiased_ece_by_hand() -> None:
    # One bin, four questions at .9, two right: (.9 - .5)^2 - .5 * .5 / 3 = .16 - .083333
    assert measures.ece_debiased([0.9] * 4, [1, 1, 0, 0]) == pytest.approx(math.sqrt(0.16 - 0.25 / 3))
    # A bin of one question says nothing; more noise than distance is 0, not imaginary.
    assert measures.ece_debiased([0.9], [0]) == 0.0
    assert measures.ece_debiased([0.55] * 4, [1, 1, 0, 0]) == 0.0


def test_debiasing_takes_away_what_only_noise_adds() -> None:
    random = np.random.default_rng(3)
    plain, debiased = [], []
    for _ in range(60):
        confidence = random.random(150)
        right = (random.random(150) < confidence).astype(float)
        plain.append(measures.ece(confidence, right))
        debiased.append(measures.ece_debiased(confidence, right))
    assert np.mean(plain) > 0.07  # type: ignore[arg-type]  # although the model is perfect
    assert np.mean(debiased) < 0.04  # type: ignore[arg-type]


def test_ece_of_a_perfect_model_matches_the_field_notes() -> None:
    found = measures.ece_if_perfect(np.random.default_rng(1).random(400), seed=1)
    assert found is not None
    assert 0.035 < found.mean < 0.055
    assert found.low < found.mean < found.high
    assert measures.ece_if_perfect([], seed=1) is None


@pytest.mark.parametrize("seed", range(5))
def test_calibration_line_agrees_with_unpenalised_logistic_regression(seed: int) -> None:
    confidence, right = random_case(seed)
    weights = np.random.default_rng(seed).integers(0, 3, len(right)).astype(np.float64)
    logits = np.log(confidence / (1 - confidence))[:, None]
    for given_weights in (None, weights):
        model = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(logits, right, given_weights)
        line = measures.calibration_line(confidence, right, given_weights)
        assert line is not None
        assert line.slope == pytest.approx(model.coef_[0, 0], rel=1e-4)
        assert line.intercept == pytest.approx(model.intercept_[0], rel=1e-3, abs=1e-4)


def test_calibration_in_the_large_by_hand() -> None:
    # Three of four right at .6 as at .4: no slope, and odds of 3 whatever was said.
    line = measures.calibration_line([0.6] * 4 + [0.4] * 4, [1, 1, 1, 0] * 2)
    assert line is not None
    assert line.slope == pytest.approx(0.0, abs=1e-9)
    assert line.intercept == pytest.approx(math.log(3))
    # Shifting every log-odds by it makes the mean confidence the share that is right.
    shifted = [1 / (1 + math.exp(-(logit + line.in_the_large))) for logit in (math.log(1.5), -math.log(1.5))]
    assert np.mean(shifted) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("confidence", "right"),
    [
        ([0.2, 0.8], [1, 1]),  # nothing wrong to compare with
        ([0.4, 0.4, 0.4], [1, 0, 1]),  # one confidence has no slope
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),  # separated: the slope is infinite
        ([], []),
    ],
)
def test_calibration_line_is_undefined_without_a_finite_fit(
    confidence: list[float], right: list[int]
) -> None:
    assert measures.calibration_line(confidence, right) is None


# Answering only when sure


def test_risk_coverage_by_hand() -> None:
    curve = measures.risk_coverage([0.9, 0.7, 0.7, 0.2], [1, 1, 0, 0])
    # The two of .7 are answered together or not at all.
    assert curve == (CurvePoint(0.9, 0.25, 0.0), CurvePoint(0.7, 0.75, 1 / 3), CurvePoint(0.2, 1.0, 0.5))
    assert measures.aurc([0.9, 0.7, 0.7, 0.2], [1, 1, 0, 0]) == pytest.approx(0.25 * 0 + 0.5 / 3 + 0.25 * 0.5)


def test_aurc_without_ties_is_the_mean_risk_over_all_coverages() -> None:
    confidence, right = random_case(11, n=50)
    order = np.argsort(-confidence)
    risks = [1 - right[order][:k].mean() for k in range(1, 51)]
    assert measures.aurc(confidence, right) == pytest.approx(np.mean(risks))


def test_coverage_at_accuracy_by_hand() -> None:
    right = [1] * 19 + [0] + [1] * 5 + [0] * 5  # surest first
    confidence = np.linspace(0.99, 0.1, 30)
    assert measures.coverage_at(0.95, confidence, right) == pytest.approx(25 / 30)  # 24 of 25 = .96
    assert measures.coverage_at(0.97, confidence, right) == pytest.approx(19 / 30)
    assert measures.coverage_at(1.0, confidence, right) == pytest.approx(19 / 30)
    # Exactly 19 of 20 keeps .95 although 1 - 1/20 is a little less in binary.
    assert measures.coverage_at(0.95, confidence[:20], right[:20]) == 1.0


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.9, 0.95])
def test_coverage_agrees_with_scikit_learns_precision_curve(accuracy: float, ties: bool) -> None:
    confidence, right = random_case(21, ties=ties)
    precision, _, thresholds = metrics.precision_recall_curve(right, confidence)
    shares = [
        np.mean(confidence >= t) for t, p in zip(thresholds, precision[:-1], strict=True) if p >= accuracy
    ]
    assert measures.coverage_at(accuracy, confidence, right) == pytest.approx(max(shares, default=0.0))


def test_coverage_is_zero_when_no_threshold_helps_and_undefined_without_questions() -> None:
    assert measures.coverage_at(0.9, [0.9, 0.1], [0, 1]) == 0.0
    assert measures.coverage_at(0.9, [], []) is None
    assert measures.aurc([], []) is None


def test_answer_rate_and_selective_accuracy_by_hand() -> None:
    assert measures.answer_rate([1, 1, 0, 0]) == 0.5
    assert measures.selective_accuracy([1, 1, 0, 0], [1, 0, 1, 1]) == 0.5
    assert measures.selective_accuracy([0, 0], [1, 1]) is None


def test_macro_counts_every_article_once() -> None:
    weights = measures.macro_weights(["a", "a", "a", "b"])
    assert measures.weighted_mean([1, 1, 1, 0], weights) == pytest.approx(0.5)
    assert measures.weighted_mean([1, 1, 1, 0]) == 0.75


def test_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="2 weights for 3 values"):
        measures.brier([0.1, 0.2, 0.3], [0, 0, 1], [1, 1])


verdicts = st.lists(
    st.tuples(st.floats(0, 1, allow_nan=False), st.booleans(), st.integers(0, 3)), min_size=1, max_size=40
)


@given(verdicts)
def test_integer_weights_are_repetitions_and_every_measure_stays_in_range(
    rows: list[tuple[float, bool, int]],
) -> None:
    confidence = [c for c, _, _ in rows]
    right = [float(r) for _, r, _ in rows]
    weights = [float(w) for _, _, w in rows]
    many = [(c, float(r)) for c, r, w in rows for _ in range(w)]
    repeated = ([c for c, _ in many], [r for _, r in many])
    for measure in (
        measures.auroc,
        measures.brier,
        measures.brier_skill,
        measures.ece,
        measures.ece_debiased,
        measures.aurc,
        lambda c, r, w=None: measures.coverage_at(0.9, c, r, w),
    ):
        weighed, plain = measure(confidence, right, weights), measure(*repeated)
        assert (weighed is None) == (plain is None)
        if weighed is not None:
            assert plain is not None
            assert weighed == pytest.approx(plain, abs=1e-6)
            assert weighed <= 1.0 + 1e-9
