from __future__ import annotations

import numpy as np

from indexer.encoder_graph import OUTLIERS, divisors, quantise


def test_each_output_has_the_scale_of_its_largest_weight() -> None:
    matrix, scales = quantise(np.array([[64, -32, 1], [0.5, 0.25, -0.5], [0, 0, 0]], np.float32))
    assert matrix.tolist() == [[64, 64, 0], [-32, 32, 0], [1, -64, 0]]
    assert scales.tolist() == [1, 0.5 / 64, 1 / 64]


def test_no_pair_of_products_leaves_16_bits() -> None:
    matrix, _ = quantise(np.random.default_rng(1).normal(size=(50, 20)).astype(np.float32))
    assert 2 * 255 * int(np.abs(matrix.astype(int)).max()) <= 2**15 - 1


def test_only_large_channels_are_divided() -> None:
    found = divisors("l4.fo", 1536)
    assert (found[778], found.sum()) == (16, 1535 + 16)
    assert divisors("l11.fi", 384).tolist() == [1] * 384


def test_divisors_are_powers_of_two_so_that_dividing_is_exact() -> None:
    factors = {divisor for channels in OUTLIERS.values() for divisor in channels.values()}
    assert factors == {2, 4, 8, 16}
