"""Replies as a person at a terminal reads them."""

from __future__ import annotations

from typing import Any

import pytest

from botsvc.printing import age_of, reply_lines, table_lines

HIT = {
    "article_id": "a",
    "lang": "fi",
    "section_id": "s",
    "title": "Kortti",
    "url": "/help/fi/a#s",
    "score": 1.5,
}
BODY: dict[str, Any] = {
    "outcome": "answered",
    "reason": "confident",
    "confidence": 0.914,
    "choices_confidence": 0.97,
    "scope": 1.0,
    "language": "fi",
    "answer": {**HIT, "text": "Sulje kortti.", "html": "<p>Sulje kortti.</p>"},
    "hits": [HIT],
    "handoff": None,
    "index_id": "i",
}


def test_an_answer() -> None:
    assert list(reply_lines(BODY)) == [
        "answered (confident), language fi, confidence 0.91, choices 0.97, scope 1.00",
        "",
        "Sulje kortti.",
        "",
        "From: Kortti (fi) /help/fi/a#s",
        "",
        "Nearest articles:",
        "1. Kortti (fi) /help/fi/a#s  score 1.500",
    ]


def test_nothing_searched() -> None:
    numbers = dict.fromkeys(("confidence", "choices_confidence", "scope"))
    body = {**BODY, **numbers, "outcome": "small_talk", "reason": "thanks", "answer": None, "hits": []}
    assert list(reply_lines(body)) == ["small_talk (thanks), language fi"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0 s"), (59.9, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (90_000, "1 d")],
)
def test_ages(seconds: float, said: str) -> None:
    assert age_of(seconds) == said


def test_columns_are_aligned() -> None:
    assert list(table_lines([("A", "BB", "C"), ("aaa", "b", "")])) == ["A    BB  C", "aaa  b"]
