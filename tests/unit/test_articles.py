from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from indexer.articles import Article, ArticleKey, HandoffRule, Offer, Status, Visibility

FULL = Article(
    id="lost-card",
    lang="fi",
    title="Kadonnut kortti",
    body="Sulje kortti heti.\n",
    slug="kadonnut-kortti",
    summary="Näin suljet kortin.",
    audience=("employee",),
    topics=("card", "app"),
    questions=("hukkasin korttini",),
    tests=("kortti hävisi junassa",),
    handoff=HandoffRule(offer=Offer.AUTO, team="cards", form="lost-card"),
    urgent="24/7: 020 123 456",
    personal=True,
    visibility=Visibility.INTERNAL,
    restricted=True,
    status=Status.ARCHIVED,
    publish_at=datetime(2026, 11, 1, 8, tzinfo=timezone(timedelta(hours=2))),
    expire_at=datetime(2027, 1, 1, tzinfo=UTC),
    updated=date(2026, 11, 1),
    source="fi/card/kadonnut-kortti.md",
    line=20,
)


def test_json_round_trip_keeps_every_field() -> None:
    defaults = Article(id="x", lang="en", title="T", body="", slug="x")
    untouched = {f.name for f in fields(Article) if getattr(FULL, f.name) == getattr(defaults, f.name)}
    assert untouched == set(), "the example must differ from the default in every field"
    assert Article.from_json(json.loads(json.dumps(FULL.to_json()))) == FULL
    assert Article.from_json(json.loads(json.dumps(defaults.to_json()))) == defaults


def test_json_names_every_field_of_the_article() -> None:
    assert list(FULL.to_json()) == [f.name for f in fields(Article)]


def test_json_values_are_plain() -> None:
    record = FULL.to_json()
    assert record["handoff"] == {"offer": "auto", "team": "cards", "form": "lost-card"}
    assert record["publish_at"] == "2026-11-01T08:00:00+02:00"
    assert record["updated"] == "2026-11-01"
    assert record["visibility"] == "internal"


def test_key_names_language_and_id() -> None:
    assert FULL.key == ArticleKey("fi", "lost-card")


def test_content_hash_ignores_the_place_in_the_file() -> None:
    assert replace(FULL, source="elsewhere.md", line=1).content_hash() == FULL.content_hash()


@pytest.mark.parametrize(
    "changed",
    [
        replace(FULL, body="Sulje kortti."),
        replace(FULL, tests=()),
        replace(FULL, slug="toinen"),
        replace(FULL, handoff=HandoffRule(offer=Offer.NEVER, team="cards", form="lost-card")),
        replace(FULL, expire_at=None),
    ],
)
def test_content_hash_sees_what_readers_or_the_index_can_see(changed: Article) -> None:
    assert changed.content_hash() != FULL.content_hash()
