from __future__ import annotations

import pytest

from indexer.tokenizer_model import normalise, valid_unicode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  hei \t\r\n  vaan ", "hei vaan"),
        ("ha\u0308ta\u0308", "hätä"),  # decomposed letters
        ("ﬁ ½ Ⅳ １２", "fi 1⁄2 IV 12"),
        ("a\u00a0b\u2009c", "a b c"),  # spaces that are not U+0020
        ("kor\u200btti\ufeff", "kor tti"),  # marks without width
        ("a\x00b\x07c\x7fd\x0be\x1ff", "a bcdef"),
        ("▁sala▁sana", "sala sana"),  # the sign for a space inside pieces
        ("Straße ÅÄÖ", "Straße ÅÄÖ"),  # case is kept
    ],
)
def test_text_is_normalised_as_the_model_was_trained(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert valid_unicode("hei \ud83d vaan 🙂") == "hei ? vaan 🙂"
    assert normalise("\udc00") == "?"
