"""A whole matter by keyboard alone: asked, read, not helped, taken by a person, rated; in each language."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from botsvc.people import Resolution
from tests.acceptance.widget_screens import LOST, SEARCHED
from tests.acceptance.widget_site import DESK, LOCALES, PHONE, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

MOST = 60  #: presses of Tab until something counts as out of reach
FOCUSED = """(selector) => {
  const root = document.querySelector("helppari-chat").shadowRoot;
  return root.activeElement !== null && root.activeElement.matches(selector);
}"""


class Keys:
    """A customer who has no other way than the keyboard."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.press = chat.page.keyboard.press
        self.type = chat.page.keyboard.type

    def on(self, selector: str) -> bool:
        found: bool = self.chat.page.evaluate(FOCUSED, selector)
        return found

    def to(self, selector: str, *, back: bool = False) -> None:
        """Move with Tab until ``selector`` has the focus."""
        expect(self.chat.root.locator(selector).first).to_be_visible()
        for _ in range(MOST):
            if self.on(selector):
                return
            self.press("Shift+Tab" if back else "Tab")
        raise AssertionError(f"{selector} cannot be reached by Tab")

    def use(self, selector: str, key: str = "Enter", *, back: bool = False) -> None:
        self.to(selector, back=back)
        self.press(key)

    def say(self, text: str) -> None:
        self.to("#draft")
        self.type(text)
        self.press("Enter")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("lang", LOCALES)
def test_a_whole_matter_without_a_pointer(
    browser: Browser, chat_site: ChatSite, lang: str, size: object
) -> None:
    phone = size is PHONE
    options = {"is_mobile": True} if phone else {}
    context = customer(browser, lang=lang, size=PHONE if phone else DESK, **options)
    chat = Chat(context.new_page()).at(chat_site.host.page(chat_site.address, lang=lang))
    keys, root = Keys(chat), chat.root
    keys.use(".launcher")
    expect(chat.panel).to_be_visible()
    expect(root.locator("#search")).to_be_visible()
    # On phones the field would bring up the keyboard on the screen.
    assert keys.on("#title" if phone else "#draft")

    keys.to("#search", back=not phone)
    keys.type(SEARCHED[lang])
    keys.use(".body .links a")
    expect(root.locator("article.article section").first).to_be_visible()
    assert keys.on("[data-heading]")
    keys.use("header button:first-child", back=True)
    expect(root.locator("#search")).to_be_visible()

    keys.say(LOST[lang])
    expect(chat.bot).to_have_count(1)
    expect(root.locator(".writing")).to_have_count(0)
    assert keys.on("#draft")
    keys.use(".log article > p a", back=True)
    expect(root.locator("article.article section").first).to_be_visible()
    keys.use("header button:first-child", back=True)
    expect(chat.bot).to_have_count(1)
    keys.use("[data-press=not_helped]")
    expect(chat.bot).to_have_count(2)
    keys.to(".human, [data-press=person]")
    keys.press("Space")
    expect(root.locator(".standing")).to_be_visible()
    conversation = chat.conversation_id

    keys.use(".standing details:first-of-type summary", back=keys.on("#draft"))
    keys.to(".standing input[type=email]")
    keys.type("jane@customer.example")
    keys.press("Enter")
    expect(root.locator(".standing details").first).not_to_have_attribute("open", "")
    assert keys.on(".standing summary"), "the form folds up, and the focus stays on its name"

    people, agent = chat_site.people, chat_site.agent
    people.take(conversation, agent)
    people.say(conversation, agent, "Maija.", message_id=f"{lang}{phone}")
    expect(chat.people).to_have_count(1)
    assert keys.on(".standing summary")
    keys.say("123")
    expect(root.locator(".mark")).to_be_visible()
    assert chat_site.said(conversation)[-1] == "123"
    people.resolve(conversation, agent, Resolution.SOLVED)
    expect(root.locator("form[part=csat]")).to_be_visible()
    assert keys.on("#draft")
    keys.to("form[part=csat] button", back=True)
    keys.to("form[part=csat] textarea", back=True)
    keys.to("form[part=csat] input", back=True)
    # The first Tab comes to the group's first or last option; the arrows choose.
    keys.press("ArrowDown")
    keys.use("form[part=csat] button")
    expect(root.locator("form[part=csat]")).to_have_count(0)

    keys.press("Escape")
    expect(chat.panel).to_be_hidden()
    expect(chat.launcher).to_be_focused()
    assert chat.complaints == []
    context.close()
