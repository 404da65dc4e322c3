"""Intervals and paired tests against hand-computed numbers and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from evals import intervals, measures
from evals.intervals import Clusters


def test_wilson_agrees_with_scipy_and_stays_off_the_edges() -> None:
    for right, n in ((0, 20), (3, 10), (45, 60), (60, 60)):
        theirs = stats.binomtest(right, n).proportion_ci(method="wilson")
        ours = intervals.wilson(right, n)
        assert ours is not None
        assert ours.low == pytest.approx(theirs.low, abs=1e-9)
        assert ours.high == pytest.approx(theirs.high, abs=1e-9)
    assert intervals.wilson(0, 0) is None


def test_binomial_tail_agrees_with_scipy() -> None:
    for k, n, share in ((0, 5, 0.1), (57, 60, 0.95), (900, 1000, 0.95), (4, 4, 0.2)):
        assert intervals.binomial_at_most(k, n, share) == pytest.approx(stats.binom.cdf(k, n, share))
    assert intervals.binomial_at_most(-1, 5, 0.5) == 0.0
    assert intervals.binomial_at_most(3, 5, 1.0) == 0.0


def test_clusters_keep_first_appearance() -> None:
    found = intervals.clusters_of(["b", "a", "b"])
    assert found.code.tolist() == [0, 1, 0]
    assert found.size == 2


def test_draws_are_seeded_and_each_draws_as_many_clusters_as_there_are() -> None:
    one = intervals.cluster_draws(7, resamples=50, seed=3)
    assert (one == intervals.cluster_draws(7, resamples=50, seed=3)).all()
    assert (one != intervals.cluster_draws(7, resamples=50, seed=4)).any()
    assert (one.sum(axis=1) == 7).all()


def test_bootstrap_mean_by_hand() -> None:
    clusters = Clusters(np.array([0, 0, 1]), 2)
    draws = np.array([[2, 0], [1, 1], [0, 2]])
    means = intervals.bootstrap_means([1.0, 0.0, 1.0], clusters, draws)
    assert means.tolist() == pytest.approx([0.5, 2 / 3, 1.0])
    # A question without a value is left out; a resample without any value is undefined.
    means = intervals.bootstrap_means([np.nan, np.nan, 1.0], clusters, draws)
    assert np.isnan(means[0])
    assert means[1:].tolist() == [1.0, 1.0]


def test_bootstrap_of_a_set_measure_gives_whole_clusters_their_weight() -> None:
    clusters = Clusters(np.array([0, 0, 1]), 2)
    seen: list[list[float]] = []
    intervals.bootstrap_of(lambda w: seen.append(w.tolist()), clusters, np.array([[2, 0], [1, 1]]))
    assert seen == [[2.0, 2.0, 0.0], [1.0, 1.0, 1.0]]


def test_rephrasings_of_one_article_widen_the_interval() -> None:
    random = np.random.default_rng(1)
    of_article = (random.random(40) < 0.7).astype(float)
    values = np.repeat(of_article, 10)  # ten rephrasings, all right or all wrong together
    lone = intervals.clusters_of(range(400))
    together = intervals.clusters_of(list(np.repeat(np.arange(40), 10)))
    widths = []
    for clusters in (lone, together):
        draws = intervals.cluster_draws(clusters.size, resamples=400, seed=1)
        found = intervals.percentile_interval(intervals.bootstrap_means(values, clusters, draws))
        assert found is not None
        widths.append(found.high - found.low)
    assert widths[1] > 2.5 * widths[0]  # sqrt(10) in theory


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for round_ in range(200):
        rates = random.beta(6, 3, size=60)  # true mean 2/3
        values = (random.random((60, 4)) < rates[:, None]).astype(float).ravel()
        clusters = intervals.clusters_of(list(np.repeat(np.arange(60), 4)))
        draws = intervals.cluster_draws(60, resamples=200, seed=round_)
        found = intervals.percentile_interval(intervals.bootstrap_means(values, clusters, draws))
        assert found is not None
        covered += found.low <= 2 / 3 <= found.high
    assert covered >= 180


def test_an_interval_of_mostly_undefined_resamples_is_none() -> None:
    assert intervals.percentile_interval(np.array([np.nan, np.nan, 0.5])) is None
    assert intervals.percentile_interval(np.array([])) is None


def test_mcnemar_agrees_with_the_exact_binomial_test() -> None:
    for lost, won in ((0, 5), (3, 9), (7, 7), (20, 41)):
        assert intervals.mcnemar(lost, won) == pytest.approx(stats.binomtest(lost, lost + won).pvalue)
    assert intervals.mcnemar(0, 0) == 1.0


def test_sign_flip_is_exact_for_few_clusters() -> None:
    clusters = Clusters(np.arange(5), 5)
    # All five articles won: only the two of 2^5 flips with equal signs are as extreme.
    assert intervals.paired_sign_flip([1.0] * 5, clusters, seed=1) == pytest.approx(2 / 32)
    assert intervals.paired_sign_flip([0.0] * 5, clusters, seed=1) == 1.0
    # Five questions of one article are one piece of evidence.
    assert intervals.paired_sign_flip([1.0] * 5, Clusters(np.zeros(5, dtype=np.intp), 1), seed=1) == 1.0


def test_sign_flip_with_many_clusters_agrees_with_mcnemar() -> None:
    differences = np.array([1.0] * 24 + [-1.0] * 10 + [0.0] * 100)
    p = intervals.paired_sign_flip(differences, Clusters(np.arange(134), 134), seed=2)
    assert p == pytest.approx(intervals.mcnemar(10, 24), abs=0.01)


def test_bootstrap_p_is_small_when_zero_lies_outside() -> None:
    assert intervals.bootstrap_p(np.full(999, 0.2)) == pytest.approx(2 / 1000)
    assert intervals.bootstrap_p(np.linspace(-1, 1, 999)) == pytest.approx(1.0, abs=0.01)
    assert intervals.bootstrap_p(np.array([np.nan])) is None


def test_holm_by_hand() -> None:
    assert intervals.holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert intervals.holm([0.9, 0.6]) == pytest.approx((1.0, 1.0))
    assert intervals.holm([]) == ()


def test_weighted_auroc_in_the_bootstrap_is_the_auroc_of_the_repeated_questions() -> None:
    random = np.random.default_rng(9)
    confidence, right = random.random(30), random.integers(0, 2, 30).astype(float)
    clusters = intervals.clusters_of(list(np.repeat(np.arange(10), 3)))
    draws = intervals.cluster_draws(10, resamples=20, seed=1)
    found = intervals.bootstrap_of(lambda w: measures.auroc(confidence, right, w), clusters, draws)
    for counts, value in zip(draws, found, strict=True):
        where = np.repeat(np.arange(30), counts[clusters.code])
        assert value == pytest.approx(measures.auroc(confidence[where], right[where]))
