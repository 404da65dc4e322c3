"""What a page is about, which pattern fits it, and how an article is put as a question."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from botsvc.welcoming import fitting, question_of, subject
from indexer import Article


@pytest.mark.parametrize(
    ("title", "path", "about"),
    [
        ("Lost card", "/", "Lost card"),
        ("Lost card | Etupolku", "/en/cards", "Lost card"),
        ("Etupolku – Lost card", "/", "Lost card"),
        ("Lost card · Cards · Etupolku", "/", "Lost card Cards"),
        ("Etupolku-sovellus", "/", "sovellus"),
        ("Invoices at ETUPOLKU's portal", "/", "Invoices at portal"),
        ("Home", "/", ""),
        ("Shop – Etupolku", "/index.html", ""),
        ("Tervetuloa Etupolkuun", "/fi/", ""),
        ("Vanliga frågor och svar", "", ""),
        ("404", "/p/12345", ""),
        ("", "", ""),
        ("Shop", "/cards/lost-card", "cards lost card"),
        ("Etupolku", "/ohjeet/työmatka_etu/2", "ohjeet työmatka etu"),
    ],
)
def test_a_page_is_about_its_title_else_its_path(title: str, path: str, about: str) -> None:
    assert subject(title, path, "Etupolku") == about


def test_a_short_name_is_no_beginning_of_other_words() -> None:
    assert subject("Omat tiedot – Oma", "/", "Oma") == "Omat tiedot"


def test_what_is_searched_is_short() -> None:
    assert len(subject("card " * 200, "/", "")) <= 200
    assert len(subject("", "/card" * 200, "")) <= 200


NAMED: Mapping[str, tuple[str, ...]] = {
    "*": ("any",),
    "/cards/*": ("cards",),
    "/cards/pin": ("pin",),
    "*/kortit": ("kortit",),
    "/käyttö/*/ehdot": ("ehdot",),
}


@pytest.mark.parametrize(
    ("path", "article_id"),
    [
        ("/", "any"),
        ("", "any"),
        ("/cards/lost", "cards"),
        ("/cards/", "cards"),
        ("/cards", "cards"),
        ("/cardsharp", "any"),
        ("/cards/pin", "pin"),
        ("/cards/pin/", "pin"),
        ("/cards/pin/new", "cards"),
        ("/fi/kortit", "kortit"),
        ("/fi/kortit/pin", "any"),
        ("/käyttö/2026/ehdot", "ehdot"),
        ("/CARDS/PIN", "any"),
    ],
)
def test_the_longest_pattern_that_fits_wins(path: str, article_id: str) -> None:
    assert fitting(NAMED, path) == (article_id,)


def test_a_pattern_may_be_written_as_browsers_write_paths() -> None:
    assert fitting({"/k%C3%A4ytt%C3%B6/*": ("use",)}, "/käyttö/sovellus") == ("use",)


def test_without_a_pattern_that_fits_nothing_is_named() -> None:
    assert fitting({"/cards/*": ("cards",)}, "/shop") == ()


def test_nothing_but_a_star_stands_for_other_text() -> None:
    assert fitting({"/a.b[c]+": ("one",)}, "/a.b[c]+") == ("one",)
    assert fitting({"/a.b": ("one",)}, "/axb") == ()


def test_many_stars_and_a_long_path_take_no_time() -> None:
    before = time.perf_counter()
    assert fitting({"/" + "*a" * 40 + "*b": ("one",)}, "/" + "a" * 5_000) == ()
    assert time.perf_counter() - before < 1


LONG = f"Where can I {'really ' * 12}pay with it?"


@pytest.mark.parametrize(
    ("title", "questions", "text"),
    [
        ("Lost card", ("lost card", "How do I lock my card?", "Where is it?"), "How do I lock my card?"),
        ("Why was it declined?", ("Where can I see why?",), "Why was it declined?"),
        ("Lost card", ("lost card", "where did my card go?"), "Lost card"),
        ("Lunch", (LONG, "Where can I eat?"), "Where can I eat?"),
        ("Lunch", (), "Lunch"),
    ],
)
def test_an_article_is_put_as_a_question(title: str, questions: tuple[str, ...], text: str) -> None:
    article = Article(id="a", lang="en", title=title, body="", slug="a", questions=questions)
    assert question_of(article) == text
