from __future__ import annotations

import pytest

from botsvc.wording import is_slip_of, lowered, plain, undotted, words


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("  Hei!! Miten PIN-koodi vaihdetaan?", "hei miten pin-koodi vaihdetaan"),
        ("joooooo", "joo"),
        ("Don’t", "don't"),
        ("😀 👍", ""),
        ("a\u0308iti", "äiti"),  # decomposed dots
        ("1000000 €", "1000000"),  # digits are never shortened
        ("**boldly** <b>x</b>", "boldly b x b"),
    ],
)
def test_plain_is_words_in_lower_case_without_signs(typed: str, expected: str) -> None:
    assert plain(typed) == expected


def test_words_and_lowered_keep_letters_with_dots() -> None:
    assert words("Åsa, äiti; ÖLJY") == ["åsa", "äiti", "öljy"]
    assert lowered("ÄÄÄÄÄ?!") == "ää?!"
    assert undotted("työsuhde-etu åäö") == "tyosuhde-etu aao"


@pytest.mark.parametrize(
    ("typed", "meant", "expected"),
    [
        ("ihmixxx", "ihminen", False),
        ("ihmnien", "ihminen", True),  # neighbours swapped
        ("ihminn", "ihminen", True),
        ("asiakaspalvelia", "asiakaspalvelija", True),
        ("asiakspalvelia", "asiakaspalvelija", True),  # two slips in a long word
        ("aspx", "aspa", False),  # short words must be right
        ("kundjänst", "kundtjänst", True),
        ("hunan", "human", True),
        ("luman", "human", False),  # another first letter is another word
        ("humans", "human", True),
        ("humanist", "human", False),
        ("human", "human", True),
    ],
)
def test_slips_of_the_fingers(typed: str, meant: str, expected: bool) -> None:
    assert is_slip_of(typed, meant) is expected
