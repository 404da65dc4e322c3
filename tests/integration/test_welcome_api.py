"""``/v1/welcome``: contact details and questions for the page that a customer opens the chat on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from botsvc.settings import NoticeSettings
from botsvc.widget_settings import SiteKeySettings
from tests.integration.help_center import Running, running
from tests.integration.test_conversations_api import Talk

SHOP = "https://shop.example"
NAMED = {
    "/cards/*": ("new-card", "secret", "lost-card", "new-card", "old", "no-such"),
    "/cards/money": ("invoice",),
    "*": ("fraud", "new-card", "invoice", "lost-card", "other"),
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    sites = {
        "shop": SiteKeySettings(origins=(SHOP,), suggestions=NAMED),
        "blog": SiteKeySettings(origins=("https://blog.example",)),
    }
    widget = {"sites": sites, "suggestions": {"/prices": ("invoice",)}}
    with running(tmp_path_factory.mktemp("welcome"), widget=widget) as found:
        yield found


def welcome(web: Running, key: str = "", **params: str) -> dict[str, Any]:
    headers = {"X-Helppari-Site": key} if key else {}
    response = web.client.get("/v1/welcome", params={"lang": "en", **params}, headers=headers)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def ids(web: Running, key: str = "", **params: str) -> list[str]:
    return [question["article_id"] for question in welcome(web, key, **params)["questions"]]


def test_it_is_what_customers_may_need_before_they_ask(web: Running) -> None:
    body = welcome(web, page="/en/cards", title="My card is gone | Example")
    assert list(body) == ["language", "notice", "contact", "questions"]
    assert body["notice"] is None
    assert body["language"] == "en"
    assert body["contact"] == [
        {"kind": "phone", "label": "Phone", "value": "020 123 400"},
        {"kind": "email", "label": "E-mail", "value": "support@example.com"},
        {"kind": "hours", "label": "Opening hours", "value": "Mon–Fri 8–17"},
    ]
    assert body["questions"][0] == {
        "text": "Lost or stolen card",
        "article_id": "lost-card",
        "lang": "en",
        "title": "Lost or stolen card",
        "url": "/help/en/lost-card",
    }


def test_contact_lines_are_those_of_a_reply_to_who_asks_for_a_person(web: Running) -> None:
    opened = web.client.post("/v1/conversations", json={"lang": "fi"}).json()
    reply = web.client.post(
        f"/v1/conversations/{opened['conversation_id']}/handoff",
        json={"client_message_id": "1", "lang": "fi"},
        headers={"Authorization": f"Bearer {opened['token']}"},
    ).json()
    assert reply["details"]
    assert welcome(web, lang="fi")["contact"] == reply["details"]


@pytest.mark.parametrize("title", ["Winter tyres", "Home", "Shop", "Example", "", "summer campaign!?"])
def test_a_page_about_something_else_brings_nothing(web: Running, title: str) -> None:
    assert ids(web, title=title) == []


def test_at_most_four_and_only_in_the_language_asked_for(web: Running) -> None:
    found = welcome(web, title="my card is gone")["questions"]
    assert 1 <= len(found) <= 4
    assert {question["lang"] for question in found} == {"en"}
    finnish = welcome(web, lang="fi", title="hukkasin korttini")["questions"]
    assert [(question["article_id"], question["lang"]) for question in finnish] == [("lost-card", "fi")]


@pytest.mark.parametrize("title", ["summer campaign", "discount code for agents"])
def test_nothing_comes_that_this_customer_may_not_see(web: Running, title: str) -> None:
    assert not {"old", "secret"} & set(ids(web, title=title))


def test_what_the_operator_named_comes_first_as_far_as_customers_may_see_it(named: Running) -> None:
    assert ids(named, "shop", page="/cards/lost") == ["new-card", "lost-card"]
    assert ids(named, "shop", page="/cards/money/") == ["invoice"]
    assert ids(named, "shop", page="/cards/money?token=1#top") == ["invoice"]


def test_the_star_is_for_other_pages_and_four_are_enough(named: Running) -> None:
    assert ids(named, "shop", page="/") == ["fraud", "new-card", "invoice", "lost-card"]
    assert ids(named, "shop") == ["fraud", "new-card", "invoice", "lost-card"]


def test_articles_that_are_not_in_the_language_are_left_out(named: Running) -> None:
    assert ids(named, "shop", lang="fi", page="/cards/lost") == ["lost-card"]


def test_the_title_fills_up_what_is_named_without_repeating_it(named: Running) -> None:
    found = ids(named, "shop", page="/cards/money", title="My card is gone")
    assert found[:2] == ["invoice", "lost-card"]
    assert len(found) == len(set(found)) <= 4


@pytest.mark.parametrize("key", ["", "blog"])
def test_pages_of_no_site_have_the_table_of_all(named: Running, key: str) -> None:
    assert ids(named, key, page="/prices") == ["invoice"]
    assert ids(named, key, page="/cards/lost") == []


def test_a_site_s_pages_may_read_it(named: Running) -> None:
    site = {"Origin": SHOP, "X-Helppari-Site": "shop"}
    response = named.client.get("/v1/welcome", params={"lang": "en"}, headers=site)
    assert response.headers["access-control-allow-origin"] == SHOP
    other = {**site, "X-Helppari-Site": "blog"}
    assert named.client.get("/v1/welcome", params={"lang": "en"}, headers=other).status_code == 403


def test_it_sets_and_stores_nothing(web: Running) -> None:
    before = web.client.get("/v1/welcome", params={"lang": "en", "title": "my card is gone"})
    assert "set-cookie" not in before.headers
    assert before.headers["cache-control"] == "no-store"
    assert before.content == web.client.get(before.url).content


def test_without_an_index_there_are_still_the_contact_details(tmp_path: Path) -> None:
    with running(tmp_path, built=False) as web:
        body = welcome(web, title="my card is gone")
    assert [line["kind"] for line in body["contact"]] == ["phone", "email", "hours"]
    assert body["questions"] == []


@pytest.mark.parametrize(
    ("params", "status", "kind", "field"),
    [
        ({}, 422, "invalid-request", "query.lang"),
        ({"lang": "de"}, 422, "unknown-language", "query.lang"),
        ({"lang": "en", "title": "x" * 1_001}, 422, "invalid-request", "query.title"),
        ({"lang": "en", "page": "/" * 1_001}, 422, "invalid-request", "query.page"),
    ],
)
def test_what_cannot_be_used_is_said(
    web: Running, params: dict[str, str], status: int, kind: str, field: str
) -> None:
    response = web.client.get("/v1/welcome", params=params)
    problem = response.json()
    assert (response.status_code, problem["type"].rpartition(":")[2]) == (status, kind)
    assert problem["errors"][0]["field"] == field


def test_it_counts_with_questions_and_searches(tmp_path: Path) -> None:
    with running(tmp_path, limits={"asks_per_minute": 2}) as web:
        welcome(web)
        assert web.client.get("/v1/search", params={"q": "card"}).status_code == 200
        refused = web.client.get("/v1/welcome", params={"lang": "en"})
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0


def test_ids_that_the_index_lacks_are_told_once_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    suggestions = {"/cards/*": ("lost-card", "no-such"), "*": ("invoice",)}
    with (
        caplog.at_level(logging.WARNING, "botsvc.welcoming"),
        running(tmp_path, widget={"suggestions": suggestions}) as web,
    ):
        told = [record.getMessage() for record in caplog.records if record.name == "botsvc.welcoming"]
        assert ids(web, page="/cards/1") == ["lost-card"]
        after = [record for record in caplog.records if record.name == "botsvc.welcoming"]
    assert told == [
        'widget.suggestions."/cards/*" names the article no-such, which the index does not have: '
        "correct the id, or leave it out"
    ]
    assert len(after) == 1


def test_a_newer_index_is_looked_at_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.WARNING, "botsvc.welcoming"),
        running(tmp_path, widget={"suggestions": {"*": ("invoice",)}}) as web,
    ):
        assert ids(web) == ["invoice"]
        (web.kb / "en/invoices/invoice.md").unlink()
        web.rebuild()
        assert ids(web) == []
    assert 'widget.suggestions."*" names the article invoice' in caplog.text


def test_what_is_read_first_is_kept_with_the_conversation_and_told_to_people(tmp_path: Path) -> None:
    text = "We keep your messages for 90 days."
    notices = {
        "en": NoticeSettings(text=text, url="https://shop.example/privacy"),
        "fi": NoticeSettings(text="Säilytämme viestisi."),
    }
    with running(tmp_path, notice=notices) as web:
        assert welcome(web)["notice"] == {"text": text, "url": "https://shop.example/privacy"}
        assert welcome(web, lang="fi")["notice"] == {"text": "Säilytämme viestisi.", "url": ""}
        for shown in (True, False):
            body = {"lang": "en", "notice_shown": shown}
            opened = web.client.post("/v1/conversations", json=body).json()
            here = Talk(client=web.client, id=opened["conversation_id"], token=opened["token"])
            here.say("human please")
            storage = web.client.app.state.service.storage  # type: ignore[attr-defined]
            with storage.read() as reading:
                handoff = reading.handoff_of(here.id, 1)
                begun = reading.events(here.id, episode=0)[0]
            consent = {"text": text, "given_at": begun.at.isoformat().replace("+00:00", "Z")}
            assert handoff.document["consent"] == (consent if shown else None)
        page = web.client.get("/?lang=en").text
        assert f'{text} <a href="https://shop.example/privacy"' in page


def test_the_address_of_the_privacy_notice_is_a_web_address() -> None:
    with pytest.raises(ValueError, match="should be an address such as https://"):
        NoticeSettings(text="Read this.", url="javascript:alert(1)")
