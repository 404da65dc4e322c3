"""The sample help center: whole, linked, in three languages, and with questions that teach something."""

from __future__ import annotations

import itertools
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from indexer.articles import Article
from indexer.sources import Reading, read_kb
from indexer.synonyms import load_synonyms

KB = Path(__file__).parents[2] / "kb"
LANGUAGES = ("en", "fi", "sv")
MOST_OVERLAP = 0.7  #: phrases that share more of their pieces of three letters teach nothing new


@pytest.fixture(scope="module")
def reading() -> Reading:
    return read_kb(KB)


def words(phrase: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFC", phrase).casefold())


def pieces(phrase: str) -> frozenset[str]:
    """The phrase's pieces of three letters; a word's edges count as letters."""
    text = f" {' '.join(words(phrase))} "
    return frozenset(text[start : start + 3] for start in range(len(text) - 2))


def overlap(one: str, other: str) -> float:
    """Jaccard: the share of all pieces that both have."""
    return len(pieces(one) & pieces(other)) / len(pieces(one) | pieces(other))


def phrases(article: Article) -> tuple[str, ...]:
    return (*article.questions, *article.tests)


def pairs(reading: Reading) -> Iterator[tuple[Article, str, str]]:
    for article in reading.articles.values():
        for one, other in itertools.combinations(phrases(article), 2):
            yield article, one, other


def test_overlap_counts_shared_pieces() -> None:
    # " ab" "abc" "bc " against " ab" "abd" "bd ": one of five.
    assert overlap("abc", "Abd!") == pytest.approx(1 / 5)
    assert overlap("Mistä löydän PIN-koodin?", "mistä löydän pin koodin") == 1.0
    # Another order of the words is over the limit, another word near it, another wording far below.
    assert overlap("how to order a new card", "order a new card how") > MOST_OVERLAP
    assert overlap("How do I lock my card", "How can I lock my card") == pytest.approx(17 / 25)
    assert overlap("i've lost my card", "someone nicked my purse with it") < 0.1


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_language_has_a_help_center_of_real_size(reading: Reading, lang: str) -> None:
    assert sum(key.lang == lang for key in reading.articles) >= 45


def test_every_article_is_there_in_every_language(reading: Reading) -> None:
    ids = {lang: {key.id for key in reading.articles if key.lang == lang} for lang in LANGUAGES}
    assert reading.languages == LANGUAGES
    assert ids["fi"] ^ ids["en"] == set()
    assert ids["sv"] ^ ids["en"] == set()


def test_nothing_in_it_needs_mending(reading: Reading) -> None:
    """No unknown key, broken link or anchor, raw HTML, phrase said twice."""
    assert [str(problem) for problem in reading.problems] == []


def test_translations_agree_on_what_is_not_language(reading: Reading) -> None:
    wrong = []
    for key, article in reading.articles.items():
        english = reading.articles[key._replace(lang="en")]
        for name in ("audience", "topics", "handoff", "personal", "visibility", "restricted", "status"):
            if getattr(article, name) != getattr(english, name):
                wrong.append(f"{article.source}: {name} differs from {english.source}")
    assert wrong == []


def test_every_team_that_an_article_or_reply_names_is_in_the_settings(reading: Reading) -> None:
    teams = set(tomllib.loads((KB.parent / "helppari.toml").read_text(encoding="utf-8"))["teams"])
    named = {article.handoff.team for article in reading.articles.values()} - {""}
    replies = "\n".join(path.read_text(encoding="utf-8") for path in (KB / "replies").glob("*.yaml"))
    named |= set(re.findall(r"\w+", " ".join(re.findall(r"^teams: \[(.*)\]", replies, re.MULTILINE))))
    assert named <= teams
    assert len(named) > 1


def test_every_article_has_questions_and_tests(reading: Reading) -> None:
    few = [
        f"{article.source}: {len(article.questions)} questions, {len(article.tests)} tests"
        for article in reading.articles.values()
        if len(article.questions) < 3 or len(article.tests) < 2
    ]
    assert few == []


def test_an_articles_phrases_differ_in_more_than_a_word(reading: Reading) -> None:
    alike = [
        f"{article.source}: {overlap(one, other):.2f} {one!r} / {other!r}"
        for article, one, other in pairs(reading)
        if overlap(one, other) > MOST_OVERLAP or Counter(words(one)) == Counter(words(other))
    ]
    assert alike == []


def test_no_phrase_is_given_to_two_articles(reading: Reading) -> None:
    """A test phrase that is another article's question proves nothing; two owners confuse the bot."""
    owners: dict[tuple[str, str], list[str]] = {}
    for article in reading.articles.values():
        for phrase in phrases(article):
            owners.setdefault((article.lang, " ".join(words(phrase))), []).append(article.source)
    assert {phrase: sources for phrase, sources in owners.items() if len(sources) > 1} == {}


def test_the_features_of_articles_are_shown_in_use(reading: Reading) -> None:
    articles = reading.articles.values()
    assert {group for article in articles for group in article.audience} == {
        "employee",
        "employer",
        "merchant",
    }
    assert len({topic for article in articles for topic in article.topics}) >= 7
    assert {article.handoff.offer.value for article in articles} >= {"auto", "always", "after_answer"}
    assert any(article.urgent for article in articles)
    assert any(article.personal for article in articles)


def test_synonyms_load_for_every_language() -> None:
    groups = load_synonyms(KB / "synonyms.yaml")
    assert set(groups) == set(LANGUAGES)
    for lang in LANGUAGES:
        assert len(groups[lang]) >= 10
        assert all(len(set(group)) >= 2 for group in groups[lang])


def test_swedish_synonyms_hold_swedens_words_beside_finlands() -> None:
    said = {word for group in load_synonyms(KB / "synonyms.yaml")["sv"] for word in group}
    assert {"friskvårdsbidrag", "motionsförmån"} <= said
