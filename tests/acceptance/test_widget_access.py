"""The chat for everybody: by keyboard alone, on a phone, with magnified text, in the system's colours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.acceptance.widget_site import PHONE, Chat, ChatSite, customer

pytestmark = pytest.mark.browser


@pytest.fixture
def chat(browser: Browser, chat_site: ChatSite) -> Iterator[Chat]:
    context = customer(browser)
    found = Chat(context.new_page()).at(chat_site.host.page(chat_site.address))
    yield found
    context.close()
    assert found.complaints == []


def focused(chat: Chat) -> str:
    """What has the focus: its text, label or id; empty when it is outside of the chat."""
    found: str = chat.page.evaluate(
        """() => {
            const inner = document.activeElement?.shadowRoot?.activeElement;
            return inner ? inner.id || inner.getAttribute("aria-label") || inner.textContent.trim() : "";
        }"""
    )
    return " ".join(found.split())


def tab_to(chat: Chat, name: str, most: int = 40) -> None:
    """Press Tab until ``name`` has the focus."""
    for _ in range(most):
        if name in focused(chat):
            return
        chat.page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by Tab; at {focused(chat)!r}")


def test_everything_by_keyboard(chat: Chat, chat_site: ChatSite) -> None:
    page, keys = chat.page, chat.page.keyboard
    tab_to(chat, "Open the chat")
    keys.press("Enter")
    expect(chat.panel).to_be_visible()
    expect(chat.box).to_be_focused()  # once the texts are there
    keys.type("when is the invoice due")
    keys.press("Enter")
    expect(chat.bot.first).to_be_visible()
    expect(chat.root.locator(".writing")).to_have_count(0)
    assert focused(chat) == "draft", "an answer takes no focus"

    tab_to(chat, "Talk to a person")
    keys.press("Enter")
    expect(chat.root.locator(".standing")).to_be_visible()
    assert focused(chat) != "", "what had the focus has gone, and the focus stays in the chat"
    chat.box.focus()
    chat_site.people.take(chat.conversation_id, chat_site.agent)
    chat_site.people.say(chat.conversation_id, chat_site.agent, "Maija here.", message_id="k1")
    expect(chat.people).to_have_count(1)
    assert focused(chat) == "draft", "a message takes no focus"

    keys.press("Escape")
    expect(chat.panel).to_be_hidden()
    assert focused(chat).startswith("Open the chat")
    # Not modal: the page behind can be reached.
    keys.press("Enter")
    expect(chat.panel).to_be_visible()
    page.locator("a", has_text="Goods").focus()
    assert page.evaluate("document.activeElement.textContent") == "Goods"


def test_an_article_and_the_way_back_by_keyboard(chat: Chat) -> None:
    keys = chat.page.keyboard
    chat.open()
    chat.root.locator("#search").focus()
    keys.type("invoice")
    expect(chat.root.locator(".body ul.links a").first).to_be_visible()
    title = chat.root.locator(".body ul.links a").first.inner_text().strip()
    tab_to(chat, title)
    keys.press("Enter")
    expect(chat.root.locator("article.article h2")).to_have_text(title)
    assert focused(chat) == title, "the heading of a new screen has the focus"
    keys.press("Shift+Tab")
    tab_to(chat, "Back")
    keys.press("Enter")
    expect(chat.root.locator("#search")).to_be_visible()


def test_on_a_phone_it_takes_the_screen_and_keeps_the_focus(browser: Browser, chat_site: ChatSite) -> None:
    context = customer(browser, size=PHONE, has_touch=True, is_mobile=True)
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address))
    chat.launcher.tap()
    expect(chat.panel).to_be_visible()
    expect(chat.launcher).to_be_hidden()
    box = chat.panel.bounding_box()
    assert box is not None
    assert (box["x"], box["width"]) == (0, PHONE["width"])
    assert box["height"] >= PHONE["height"] - 2
    for _ in range(30):
        chat.page.keyboard.press("Tab")
        assert focused(chat) or chat.page.evaluate("document.activeElement === document.body")
    chat.ask("i've lost my card")
    chat.picture("phone-answer")
    assert widest(chat) <= PHONE["width"]
    small = [
        name
        for button in chat.root.locator("button:visible").all()
        if (size := button.bounding_box()) and min(size["width"], size["height"]) < 24
        for name in [button.inner_text() or button.get_attribute("aria-label") or ""]
    ]
    assert small == [], "targets of at least 24 pixels"
    assert chat.scan() == []
    context.close()
    assert chat.complaints == []


def widest(chat: Chat) -> int:
    found: int = chat.page.evaluate(
        "Math.max(document.documentElement.scrollWidth,"
        " document.querySelector('helppari-chat').shadowRoot.querySelector('.body').scrollWidth)"
    )
    return found


def test_it_reflows_at_320_pixels_and_with_wide_text(browser: Browser, chat_site: ChatSite) -> None:
    context = customer(browser, lang="fi", size={"width": 320, "height": 640})
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address, lang="fi")).open()
    chat.ask("hukkasin korttini")
    assert widest(chat) <= 320
    chat.picture("narrow")
    context.close()


def test_it_is_readable_with_forced_colours_and_without_motion(browser: Browser, chat_site: ChatSite) -> None:
    context = customer(browser, forced_colors="active", reduced_motion="reduce")
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address)).open()
    chat.ask("when is the invoice due")
    moving = chat.page.evaluate(
        "document.getAnimations({subtree: true}).length"
        " + document.querySelector('helppari-chat').shadowRoot.getAnimations().length"
    )
    assert moving == 0
    border = chat.box.evaluate(
        "(box) => getComputedStyle(box.closest('form')).borderTopStyle + getComputedStyle(box).borderTopStyle"
    )
    assert "solid" in border
    chat.picture("forced-colours")
    context.close()
