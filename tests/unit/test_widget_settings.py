"""``[widget]``: what is read, and the sentence for each mistake."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from botsvc.settings import Settings
from indexer.settings import inspect_settings, settings_table


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.upper().startswith("HELPPARI_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problems(text: str) -> list[tuple[str, str]]:
    Path("helppari.toml").write_text('[site]\nlanguages = ["fi", "sv"]\n' + text, encoding="utf-8")
    return [(problem.key, problem.message) for problem in inspect_settings(Settings).problems]


def test_sites_are_read_and_their_origins_gathered_once() -> None:
    Path("helppari.toml").write_text(
        '[widget.sites.shop]\norigins = ["https://shop.example", "https://Both.example"]\nlanguage = "sv"\n'
        '[widget.sites.intranet-2]\norigins = ["https://both.example", "http://localhost:3000"]\n',
        encoding="utf-8",
    )
    found = inspect_settings(Settings).settings
    assert found is not None
    assert found.widget.demo is True
    assert found.widget.sites["shop"].language == "sv"
    assert found.widget.sites["intranet-2"].language is None
    assert found.widget.origins == ("https://shop.example", "https://both.example", "http://localhost:3000")


def test_suggestions_are_a_site_s_own_else_those_of_all() -> None:
    Path("helppari.toml").write_text(
        '[widget.suggestions]\n"*" = ["contact"]\n'
        '[widget.sites.shop]\norigins = ["https://shop.example"]\n'
        '[widget.sites.shop.suggestions]\n"/cards/*" = ["lost-card", "pin"]\n'
        '[widget.sites.blog]\norigins = ["https://blog.example"]\n',
        encoding="utf-8",
    )
    found = inspect_settings(Settings).settings
    assert found is not None
    widget = found.widget
    assert widget.suggestions_for(widget.sites["shop"]) == {"/cards/*": ("lost-card", "pin")}
    assert widget.suggestions_for(widget.sites["blog"]) == {"*": ("contact",)}
    assert widget.suggestions_for(None) == {"*": ("contact",)}
    assert list(widget.suggested()) == [
        ('widget.suggestions."*"', "contact"),
        ('widget.sites.shop.suggestions."/cards/*"', "lost-card"),
        ('widget.sites.shop.suggestions."/cards/*"', "pin"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        (
            '[widget.suggestions]\n"cards" = ["lost-card"]\n',
            "widget.suggestions.cards",
            "should be a path with * for any text, such as /cards/*",
        ),
        (
            '[widget.suggestions]\n"/cards?id=*" = ["lost-card"]\n',
            "widget.suggestions./cards?id=*",
            "should be a path with * for any text",
        ),
        (
            '[widget.suggestions]\n"/cards" = "lost-card"\n',
            "widget.suggestions./cards",
            "should be: list of texts",
        ),
        ("[widget.sites.shop]\n", "widget.sites.shop.origins", "should be the addresses of the site"),
        (
            '[widget.sites.shop]\norigins = ["https://shop.example/chat"]\n',
            "widget.sites.shop.origins",
            "'https://shop.example/chat': it should be origins such as https://www.example.com",
        ),
        (
            '[widget.sites.shop]\norigins = ["https://*.example"]\nlanguage = "en"\n',
            "widget.sites.shop.origins",
            "without a path or a star",
        ),
        (
            '[widget.sites."My shop"]\norigins = ["https://shop.example"]\n',
            "widget.sites.My shop",
            "should be small letters, digits, - and _",
        ),
        (
            '[widget.sites.shop]\norigins = ["https://shop.example"]\nlanguage = "en"\n',
            "widget.sites.shop.language",
            "cannot be 'en': it should be one of site.languages: fi, sv",
        ),
        (
            '[widget.sites.shop]\norigin = ["https://shop.example"]\n',
            "widget.sites.shop.origin",
            "did you mean widget.sites.shop.origins?",
        ),
        ("[widget]\ndemos = false\n", "widget.demos", "did you mean widget.demo?"),
    ],
)
def test_each_mistake_has_a_sentence(text: str, key: str, words: str) -> None:
    found = problems(text)
    assert [one for one, _ in found][:1] == [key], found
    assert words in found[0][1]


def test_the_table_names_the_sites_free_part() -> None:
    keys = {row.key for row in settings_table(Settings)}
    assert {"widget.demo", "widget.sites.<site>.origins", "widget.sites.<site>.language"} <= keys
    assert {"widget.suggestions.<page>", "widget.sites.<site>.suggestions.<page>"} <= keys
