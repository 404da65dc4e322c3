"""The pieces of questions that language detection is measured on."""

from __future__ import annotations

from collections import Counter

from evals.training.language_lengths import LENGTHS, MOST, pieces


def question(number: int, text: str, lang: str = "fi") -> dict[str, str]:
    return {"id": f"q{number}", "lang": lang, "text": text}


def test_each_question_gives_one_piece_of_each_length_that_it_has() -> None:
    text = "Voiko lounaskortilla maksaa, (ehkä) sunnuntaina ravintolassa 12 lounaan?"
    found = list(pieces([question(1, text), question(2, "Hei!"), question(3, "?? 12")]))
    by_length = Counter(piece.length for piece in found)
    assert by_length == {(1, 1): 2, (2, 3): 1, (4, 8): 1}
    for piece in found:
        least, most = piece.length
        assert least <= len(piece.text.split()) <= most
        assert "," not in piece.text
        assert "12" not in piece.text
    assert list(pieces([question(2, "Hei!"), question(1, text)])) != []


def test_pieces_do_not_depend_on_the_order_of_questions_and_are_capped() -> None:
    many = [question(n, f"yksi kaksi kolme neljä sana{chr(97 + n % 26)}") for n in range(MOST + 50)]
    found = list(pieces(many))
    assert sorted(found) == sorted(pieces(many[::-1]))
    assert set(Counter(piece.length for piece in found)) == set(LENGTHS)
    assert max(Counter(piece.length for piece in found).values()) == MOST
