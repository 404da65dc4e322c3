"""The pictures of the chat in the docs: they can be made, are small, and are shown with words for them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.acceptance.widget_pictures import FOLDER, LARGEST, pictures
from tests.acceptance.widget_site import PICTURES, ROOT, ChatSite

PAGE = ROOT / "docs" / "howto" / "widget.md"


@pytest.mark.browser
def test_each_picture_of_the_docs_can_be_made_anew(browser: Browser, chat_site: ChatSite) -> None:
    made = dict(pictures(browser, chat_site))
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, picture in made.items():
        (PICTURES / name).write_bytes(picture)
    assert {name for name, picture in made.items() if len(picture) > LARGEST} == set()
    assert made.keys() == {path.name for path in FOLDER.glob("widget-*.png")}


def test_the_pictures_are_small_and_shown_with_words_for_them() -> None:
    shown = dict(
        re.findall(r'<img src="\.\./images/(widget-[^"]+)" alt="([^"]{20,})"', PAGE.read_text("utf-8"))
    )
    kept = {path.name: path.stat().st_size for path in FOLDER.glob("widget-*.png")}
    assert kept
    assert {name for name, size in kept.items() if size > LARGEST} == set()
    assert shown.keys() == kept.keys()
