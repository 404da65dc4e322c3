from __future__ import annotations

from typing import Any

import pytest

from tests.integration.help_center import SCRIPT, Running


def ask(web: Running, text: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    response = web.client.post("/v1/ask", json={"text": text, **more})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def test_an_answer_is_a_quotation_with_its_source(web: Running) -> None:
    body = ask(web, "My card is gone")
    assert list(body) == [
        "outcome", "reason", "confidence", "choices_confidence", "scope", "language", "answer", "hits",
        "handoff", "index_id",
    ]  # fmt: skip
    assert (body["outcome"], body["reason"], body["language"]) == ("answered", "confident", "en")
    assert (body["confidence"], body["choices_confidence"], body["scope"]) == (0.97, 0.99, 0.99)
    assert body["answer"] == {
        "text": "Lock the card in the app, or ask for a new one.",
        "html": "<p>Lock the card in the app, or "
        '<a href="/help/en/new-card#order">ask for a new one</a>.</p>\n',
        "article_id": "lost-card",
        "section_id": "lead",
        "lang": "en",
        "title": "Lost or stolen card",
        "url": "/help/en/lost-card#lead",
    }
    assert body["handoff"] is None
    assert web.swapper.index is not None
    assert body["index_id"] == web.swapper.index.index_id
    best = body["hits"][0]
    assert {name: best[name] for name in best if name != "score"} == {
        "article_id": "lost-card",
        "lang": "en",
        "section_id": "lead",
        "title": "Lost or stolen card",
        "url": "/help/en/lost-card#lead",
    }
    scores = [hit["score"] for hit in body["hits"] if hit["lang"] == "en"]
    assert scores == sorted(scores, reverse=True)
    assert len(body["hits"]) == 5


def test_the_question_decides_the_language(web: Running) -> None:
    body = ask(web, "hukkasin korttini", lang="en")
    assert (body["language"], body["answer"]["lang"]) == ("fi", "fi")
    assert body["answer"]["text"] == "Valitse Sulje kortti."
    assert body["answer"]["url"] == "/help/fi/kadonnut-kortti#lock"


@pytest.mark.parametrize(
    ("text", "outcome", "reason"),
    [
        ("something about cards", "clarified", "choices"),
        ("card or invoice", "handed_off", "low_confidence"),
        ("can I talk to a human", "handed_off", "asked"),
        ("saanko puhua ihmiselle", "handed_off", "asked"),
        ("en halua puhua ihmiselle", "no_answer", "out_of_scope"),
        ("capital of Finland", "no_answer", "out_of_scope"),
        ("hello", "small_talk", "greeting"),
    ],
)
def test_other_outcomes_quote_nothing_and_store_nothing(
    web: Running, text: str, outcome: str, reason: str
) -> None:
    body = ask(web, text)
    assert (body["outcome"], body["reason"]) == (outcome, reason)
    assert body["answer"] is None
    assert body["handoff"] is None
    assert len(body["hits"]) == 5


def test_a_sensitive_topic_is_answered_and_handed_off(web: Running) -> None:
    body = ask(web, "unknown charge on my card")
    assert (body["outcome"], body["reason"]) == ("handed_off", "rule")
    assert body["answer"]["text"].startswith("Lock the card first")


def test_what_customers_may_not_see_is_never_found(web: Running) -> None:
    for text in ("discount code for agents", "summer campaign"):
        body = ask(web, text)
        assert not {hit["article_id"] for hit in body["hits"]} & {"secret", "old"}
        assert "PARROT" not in str(body)


def test_control_characters_are_cleaned_away(web: Running) -> None:
    assert ask(web, "my\x00 card\x1b is gone\u202e")["answer"]["article_id"] == "lost-card"


def test_search_as_you_type_stays_in_its_language(web: Running) -> None:
    body = web.client.get("/v1/search", params={"q": "lost ca", "lang": "en", "k": 2}).json()
    assert body["hits"][0]["article_id"] == "lost-card"
    assert len(body["hits"]) == 2
    assert {hit["lang"] for hit in body["hits"]} == {"en"}
    assert (body["query"], body["language"]) == ("lost ca", "en")
    assert web.client.get("/v1/search", params={"q": " "}).json()["hits"] == []
    assert web.client.get("/v1/search", params={"q": "hukkasin korttini"}).json()["language"] == "fi"


def test_an_article_comes_in_sections_with_its_translations(web: Running) -> None:
    body = web.client.get("/v1/articles/en/lost-card").json()
    assert [section["section_id"] for section in body["sections"]] == ["lead", "lock", "found"]
    assert body["sections"][1]["text"] == "1. Open the app.\n2. Choose Lock card."
    assert body["sections"][1]["heading_path"] == ["Lock it"]
    assert body["translations"] == [
        {"lang": "fi", "title": "Kadonnut tai varastettu kortti", "url": "/help/fi/kadonnut-kortti"}
    ]
    assert (body["updated"], body["topics"], body["audience"]) == ("2026-11-01", ["card"], ["employee"])


@pytest.mark.parametrize("path", ["en/nothing", "en/secret", "en/old", "fi/invoice"])
def test_an_article_that_is_not_there_or_not_for_customers_is_unknown(web: Running, path: str) -> None:
    response = web.client.get(f"/v1/articles/{path}")
    assert response.status_code == 404
    assert response.json()["type"] == "urn:helppari:problem:unknown-article"


def test_asking_touches_no_database(web: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = web.client.app.state.service.storage  # type: ignore[attr-defined]

    def refuse(*_: object) -> None:
        raise AssertionError("the database was used")

    monkeypatch.setattr(type(storage), "read", refuse)
    monkeypatch.setattr(type(storage), "write", refuse)
    for text in SCRIPT:
        ask(web, text)
