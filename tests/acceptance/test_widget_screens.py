"""Every screen of the chat in each language: scanned, zoomed, spaced, in the system's colours."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.acceptance.widget_screens import PROBE, SPACING, Walk
from tests.acceptance.widget_site import DESK, LOCALES, PHONE, PICTURES, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

#: 1280 x 1024 at 400 %, as a browser lays it out.
ZOOMED: ViewportSize = {"width": 320, "height": 256}
NARROW: ViewportSize = {"width": 320, "height": 640}


def looked_at(chat: Chat, picture: str) -> dict[str, Any]:
    """What is wrong with the screen in sight, by how it was looked at; the page is as before afterwards."""
    page, menu = chat.page, chat.root.locator(".menu[open]").count() > 0

    def probe(*, targets: bool = False) -> dict[str, list[str]]:
        found: dict[str, list[str]] = page.evaluate(PROBE, {"targets": targets, "menu": menu})
        return found

    found: dict[str, Any] = {"axe": chat.scan()}
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    # Only colours depend on the theme.
    found["axe, dark"] = chat.scan_by("color-contrast")
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.set_viewport_size(PHONE)
    found["phone"] = probe(targets=True)
    page.screenshot(path=f"{picture}.png")
    page.evaluate(SPACING, True)
    found["wide text"] = probe()
    page.evaluate(SPACING, False)
    page.set_viewport_size(NARROW)
    found["320 pixels"] = probe(targets=True)
    page.set_viewport_size(ZOOMED)
    found["400 %"] = probe()
    page.set_viewport_size(DESK)
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    found["forced colours"] = probe()
    page.emulate_media(forced_colors="none", reduced_motion="reduce")
    return {how: wrong for how, wrong in found.items() if wrong}


@pytest.mark.parametrize("lang", LOCALES)
def test_every_screen_can_be_read_and_used_by_everybody(
    browser: Browser, chat_site: ChatSite, lang: str
) -> None:
    context = customer(browser, lang=lang, reduced_motion="reduce")
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address, lang=lang))
    folder = PICTURES / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {}
    for name in Walk(chat=chat, site=chat_site, lang=lang).screens():
        found[name] = looked_at(chat, f"{folder}/{lang}-{len(found):02}-{name.replace(' ', '-')}")
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert chat.complaints == []
    context.close()
