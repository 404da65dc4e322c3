from __future__ import annotations

import numpy as np

from indexer.testing import HashEncoder


def test_texts_that_share_words_or_parts_of_words_are_similar() -> None:
    lost, bent, other = HashEncoder().encode_queries(
        ["hukkasin korttini", "korttini on hukassa", "where is my invoice"]
    )
    assert lost @ bent > 0.5
    assert abs(lost @ other) < 0.2


def test_the_vector_of_a_word_is_the_same_in_every_process() -> None:
    # The word "b" has the CRC-32 0x71beeff9, its only trigram "^b$" 0xf2da5a5c: 1 with minus, 4 with plus.
    vector = HashEncoder(dim=8).encode_passages(["B b"])[0]
    assert vector.round(4).tolist() == np.array([0, -0.7071, 0, 0, 0.7071, 0, 0, 0], np.float32).tolist()


def test_a_text_without_words_has_a_vector_too() -> None:
    assert HashEncoder(dim=3).encode_queries(["", "?!"]).tolist() == [[1, 0, 0], [1, 0, 0]]


def test_case_and_unicode_form_do_not_matter() -> None:
    one, two = HashEncoder().encode_queries(["HÄTÄ", "ha\u0308ta\u0308"])
    assert np.array_equal(one, two)
