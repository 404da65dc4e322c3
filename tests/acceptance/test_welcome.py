"""What the chat suggests on a page, with the sample articles and the bundled encoder: little, and apt."""

from __future__ import annotations

import html
import re
import urllib.parse
import urllib.request

import pytest

from tests.acceptance.test_serving import call


def suggested(address: str, lang: str, title: str, page: str = "/") -> list[str]:
    query = urllib.parse.urlencode({"lang": lang, "page": page, "title": title})
    body = call(address, f"/v1/welcome?{query}")
    return [question["article_id"] for question in body["questions"]]


@pytest.mark.parametrize(
    ("lang", "title", "article"),
    [
        ("en", "Lost or stolen card | Etupolku", "lost-card"),
        ("en", "Invoices and payment terms", "employer-invoice-due"),
        ("en", "Gym memberships", "sports-membership"),
        ("fi", "Työmatkaetu – Etupolku", "commuting-what"),
        ("fi", "Kuitit", "transactions-receipts"),
        ("fi", "Työnantajalle: tilaa edut", "employer-order"),
        ("sv", "Kort och PIN-koder", "card-pin"),
        ("sv", "Förmånscyklar", "commuting-bike"),
        ("sv", "Priser för företag", "employer-contract"),
    ],
)
def test_a_page_about_our_matters_brings_its_article_first(
    address: str, lang: str, title: str, article: str
) -> None:
    found = suggested(address, lang, title)
    assert found[:1] == [article]
    assert len(found) <= 4


@pytest.mark.parametrize(
    ("lang", "titles"),
    [
        ("en", ["Home – Etupolku", "Shop", "Careers at Etupolku", "Our products", "Winter tyres 205/55 R16"]),
        (
            "fi",
            ["Etusivu", "Kauppa", "Tervetuloa Etupolkuun", "Tuotteet", "Asuntolainojen korot", "qwertyui"],
        ),
        ("sv", ["Hem", "Butik", "Välkommen till Etupolku", "Produkter", "Recept på äppelpaj", "Lediga jobb"]),
    ],
)
def test_other_pages_bring_nothing(address: str, lang: str, titles: list[str]) -> None:
    assert {title: found for title in titles if (found := suggested(address, lang, title))} == {}


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_the_demo_s_pages_bring_questions(address: str, lang: str) -> None:
    path = f"/demo/{lang}"
    with urllib.request.urlopen(address + path, timeout=20) as response:
        page = response.read().decode()
    title = re.search("<title>(.*?)</title>", page)
    assert title is not None
    assert len(suggested(address, lang, html.unescape(title[1]), path)) == 4


@pytest.mark.parametrize(
    ("lang", "title"), [("fi", "Lounasetu"), ("sv", "Lunchförmån"), ("en", "Lunch benefit")]
)
def test_a_suggested_question_is_answered_by_its_article(address: str, lang: str, title: str) -> None:
    query = urllib.parse.urlencode({"lang": lang, "title": title})
    questions = call(address, f"/v1/welcome?{query}")["questions"]
    assert len(questions) == 4
    for question in questions:
        reply = call(address, "/v1/ask", {"text": question["text"], "lang": lang})
        assert reply["hits"][0]["article_id"] == question["article_id"]
