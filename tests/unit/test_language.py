"""Which of the site's languages a short text is in."""

from __future__ import annotations

import pytest

from indexer.language import detect, language_probabilities

SITE = ("fi", "sv", "en")


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("mistä löydän pin-koodin", "fi"),
        ("saaks tolla maksaa ruokakaupassa", "fi"),
        ("en paase kirjautumaan sovellukseen", "fi"),
        ("hur beställer jag ett nytt kort", "sv"),
        ("jag har tappat bort mitt kort", "sv"),
        ("var kan man ata lunch", "sv"),
        ("my card was declined at the till", "en"),
        ("how do i add a new employee", "en"),
    ],
)
@pytest.mark.parametrize("hint", [None, "fi", "sv", "en"])
def test_a_sentence_is_found_whatever_the_interface(text: str, lang: str, hint: str | None) -> None:
    assert detect(text, SITE, hint).lang == lang


@pytest.mark.parametrize("word", ["saldo", "pin", "kort", "app", "kortti"])
@pytest.mark.parametrize("hint", SITE)
def test_one_word_never_switches(word: str, hint: str) -> None:
    assert detect(word, SITE, hint).lang == hint


@pytest.mark.parametrize("text", ["", "12345", "🙂", "???"])
def test_without_letters_the_interface_decides(text: str) -> None:
    assert detect(text, SITE, "sv").lang == "sv"
    assert sum(language_probabilities(text, SITE, "sv").values()) == pytest.approx(1)


def test_one_language_is_certain_and_an_unknown_one_follows_the_hint() -> None:
    assert language_probabilities("whatever", ["de"]) == {"de": 1.0}
    assert detect("wie sperre ich meine karte", ["de", "fi"], "de").lang == "de"
