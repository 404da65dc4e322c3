"""The pages in a real browser: with the chat on them, without it, without scripts, and reading articles."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, ViewportSize, expect

from tests.acceptance.widget_site import AXE, DESK, LOCALES, PHONE, ROOT, Chat, ChatSite

pytestmark = pytest.mark.browser

ATTACKS = ROOT / "tests" / "data" / "attacks.json"
NARROW: ViewportSize = {"width": 320, "height": 640}
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


class Visitor(Chat):
    """A customer at the service's own pages; whatever the browser complains of is kept."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        super().__init__(context.new_page())
        self.address = address
        self.context = context
        self.outside: list[str] = []
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("request", lambda request: self._sent(request.url))
        self.field = self.page.locator("#q")
        self.own = self.mine.locator(".said")

    def _heard(self, kind: str, text: str) -> None:
        # A status other than 200 is reported by the browser as an error of its own.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def _sent(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.outside.append(url)

    def goes(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def asks(self, text: str) -> Locator:
        """By the page's own field; the chat's answer."""
        before = self.bot.count()
        self.field.fill(text)
        self.field.press("Enter")
        expect(self.bot).to_have_count(before + 1)
        expect(self.root.locator(".writing")).to_have_count(0)
        return self.bot.last

    def sends(self, text: str) -> Locator:
        """By the page's own form, where there is no chat; the last thing that the page then shows."""
        self.field.fill(text)
        self.page.get_by_role("button", name="Send").click()
        return self.page.locator(".entry").last

    def posts(self) -> list[str]:
        """The forms that the pages have sent by themselves."""
        return [one.url for one in self.requests if one.method == "POST" and "/v1/" not in one.url]

    def faults(self) -> list[str]:
        """What axe finds wrong with the page, with the chat or without."""
        if self.root.count():
            return self.scan()
        if not AXE.is_file():
            pytest.skip("axe-core is not there: run scripts/browser")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


def on(browser: Browser, site: ChatSite, **options: Any) -> Visitor:  # noqa: ANN401 - the browser's own
    context = browser.new_context(**{"locale": "en-GB", "viewport": DESK, **options})
    context.set_default_timeout(15_000)
    return Visitor(context, site.address)


def without_chat(browser: Browser, site: ChatSite, **options: Any) -> Visitor:  # noqa: ANN401 - as above
    """A browser that runs scripts and lets the chat's not through."""
    visitor = on(browser, site, **options)
    visitor.context.route("**/widget*", lambda route: route.abort())
    return visitor


@pytest.fixture
def visitor(browser: Browser, chat_site: ChatSite) -> Iterator[Visitor]:
    found = on(browser, chat_site)
    yield found
    found.context.close()
    assert found.complaints == []
    assert found.outside == []


@pytest.mark.parametrize(
    ("lang", "question", "title", "person", "passed"),
    [
        (
            "fi",
            "hukkasin korttini",
            "Kadonnut tai varastettu kortti",
            "Haluan asiakaspalvelijalle",
            "Välitin",
        ),
        (
            "sv",
            "jag har tappat mitt kort",
            "Borttappat eller stulet kort",
            "Jag vill till",
            "Jag har skickat",
        ),
        ("en", "my card was stolen", "Lost or stolen card", "Talk to a person", "I've passed"),
    ],
)
def test_the_page_s_field_and_button_lead_into_the_chat(
    browser: Browser, chat_site: ChatSite, lang: str, question: str, title: str, person: str, passed: str
) -> None:
    visitor = on(browser, chat_site, locale=LOCALES[lang])
    page = visitor.goes("/")
    assert page.locator("html").get_attribute("lang") == lang
    visitor.asks(question)
    expect(visitor.panel).to_have_attribute("lang", lang)
    expect(visitor.root.get_by_text(title).first).to_be_visible()
    expect(visitor.own).to_have_text([question])
    assert visitor.field.input_value() == ""
    before = visitor.bot.count()
    page.locator("form#ask").get_by_role("button", name=person).click()
    expect(visitor.bot).to_have_count(before + 1)
    expect(visitor.bot.last).to_contain_text(passed)
    expect(visitor.root.locator(".standing")).to_be_visible()
    assert chat_site.said(visitor.conversation_id)[0] == question
    assert visitor.posts() == []
    assert visitor.complaints == []
    visitor.context.close()


def test_a_source_leads_to_its_section_and_the_chat_stays_open(visitor: Visitor) -> None:
    visitor.goes("/")
    answer = visitor.asks("when is the invoice due")
    address = answer.locator("article > p a").first.get_attribute("href") or ""
    assert "#" in address
    visitor.page.goto(address)
    assert visitor.page.evaluate("document.querySelector(':target') !== null")
    expect(visitor.own).to_have_text(["when is the invoice due"])
    expect(visitor.panel).to_be_visible()


def test_an_article_s_own_button_opens_the_chat_there(visitor: Visitor) -> None:
    page = visitor.goes("/help/en/lost-card")
    link = page.get_by_role("link", name="Ask about this topic")
    with visitor.context.expect_page():  # in a new tab, as the customer wishes
        link.click(modifiers=["ControlOrMeta"])
    expect(visitor.panel).to_be_hidden()
    link.click()
    expect(visitor.panel).to_be_visible()
    assert page.url.endswith("/help/en/lost-card")


def test_everything_works_by_keyboard_and_the_focus_comes_back(visitor: Visitor) -> None:
    page = visitor.goes("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(visitor.field).to_be_focused()
    page.keyboard.type("when is the")
    page.keyboard.press("Shift+Enter")
    assert visitor.field.input_value() == "when is the\n"
    page.keyboard.type("invoice due")
    page.keyboard.press("Enter")
    expect(visitor.bot).to_have_count(1)
    expect(visitor.box).to_be_focused()
    page.keyboard.press("Escape")
    expect(visitor.panel).to_be_hidden()
    expect(visitor.field).to_be_focused()
    page.keyboard.press("Enter")  # nothing to send
    expect(visitor.panel).to_be_hidden()
    assert visitor.posts() == []


def test_nothing_is_stored_before_the_first_message_and_then_the_tab_goes_on_with_it(
    visitor: Visitor,
) -> None:
    stored = "[document.cookie, localStorage.length, sessionStorage.length]"
    for path in ("/", "/help/en/", "/help/en/lost-card"):
        page = visitor.goes(path)
        expect(visitor.launcher).to_be_visible()
        assert page.evaluate(stored) == ["", 0, 0]
    visitor.goes("/")
    visitor.asks("can I talk to a human")
    assert page.evaluate(stored)[:2] == ["", 0]
    page.reload()
    expect(visitor.own).to_have_text(["can I talk to a human"])
    visitor.goes("/help/en/")
    expect(visitor.own).to_have_text(["can I talk to a human"])
    visitor.goes("/?lang=fi")
    expect(visitor.own).to_have_text(["can I talk to a human"])
    expect(visitor.panel).to_have_attribute("lang", "fi")


def test_the_token_never_comes_into_an_address(visitor: Visitor) -> None:
    page = visitor.goes("/")
    visitor.asks("can I talk to a human")
    held = page.evaluate(f"sessionStorage.getItem('helppari:{visitor.address}:')")
    token = json.loads(held)["token"]
    page.reload()
    expect(visitor.mine).to_have_count(1)
    assert token
    assert not [url for url in [page.url, *(one.url for one in visitor.requests)] if token in url]


def test_an_expired_conversation_is_told_and_the_next_message_starts_anew(visitor: Visitor) -> None:
    page = visitor.goes("/")
    visitor.asks("when is the invoice due")
    first = visitor.conversation_id
    page.evaluate(
        """name => {
            const held = JSON.parse(sessionStorage.getItem(name));
            sessionStorage.setItem(name, JSON.stringify({...held, token: "hpt_wrong"}));
        }""",
        f"helppari:{visitor.address}:",
    )
    page.reload()
    expect(visitor.panel).to_contain_text("This conversation can't be continued any more.")
    visitor.asks("hello")
    assert visitor.conversation_id != first
    expect(visitor.own).to_have_text(["hello"])


def test_what_a_customer_writes_is_shown_and_not_run(visitor: Visitor, chat_site: ChatSite) -> None:
    page = visitor.goes("/")
    attacks = [one["markdown"] for one in json.loads(ATTACKS.read_text(encoding="utf-8"))["attacks"]]
    said = [text for text in (" ".join(attack.split())[:300] for attack in attacks) if text][:8]
    for text in said:
        visitor.asks(text)
    assert page.evaluate("window.pwned") is None
    assert visitor.mine.count() == len(said)
    assert chat_site.said(visitor.conversation_id)[0].split() == said[0].split()


def test_the_page_works_without_scripts(browser: Browser, chat_site: ChatSite) -> None:
    visitor = on(browser, chat_site, java_script_enabled=False)
    page = visitor.goes("/")
    visitor.sends("when is the invoice due")
    expect(page.locator(".entry.customer")).to_contain_text("when is the invoice due")
    expect(page.locator(".entry.bot .answer").last).to_be_visible()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator(".entry.bot").last).to_contain_text("I've passed your question")
    expect(page.locator("#request")).to_be_visible()
    page.get_by_role("button", name="No longer needed").click()
    expect(page.locator(".entry.bot").last).to_contain_text("your request has been cancelled")
    page.get_by_role("link", name="New question").click()
    expect(page.locator(".entry.customer")).to_have_count(0)
    page.goto(f"{chat_site.address}/help/en/lost-card")
    page.get_by_role("link", name="Ask about this topic").click()
    expect(visitor.field).to_be_visible()
    visitor.context.close()


def test_where_the_chat_does_not_come_the_form_does_what_it_does_without_scripts(
    browser: Browser, chat_site: ChatSite
) -> None:
    visitor = without_chat(browser, chat_site)
    page = visitor.goes("/")
    visitor.sends("when is the invoice due")
    expect(page.locator(".entry.bot .answer").last).to_be_visible()
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator(".entry.bot").last).to_contain_text("I've passed your question")
    expect(page.locator(".entry.customer")).to_have_count(2)
    page.goto(f"{chat_site.address}/help/en/lost-card")
    page.get_by_role("link", name="Ask about this topic").click()
    expect(visitor.field).to_be_visible()
    visitor.context.close()


def test_a_browser_too_old_for_the_chat_gets_the_page(browser: Browser, chat_site: ChatSite) -> None:
    visitor = on(browser, chat_site)
    visitor.context.add_init_script("Object.defineProperty(window, 'customElements', {value: undefined})")
    page = visitor.goes("/")
    visitor.sends("when is the invoice due")
    expect(page.locator(".entry.bot .answer").last).to_be_visible()
    visitor.context.close()


def test_a_conversation_in_pages_has_no_chat_beside_it_and_the_next_question_has(
    browser: Browser, chat_site: ChatSite
) -> None:
    visitor = on(browser, chat_site)
    page = visitor.goes("/")
    # As when the form was sent before the chat had come.
    page.evaluate("document.querySelector('helppari-chat').remove()")
    visitor.field.fill("when is the invoice due")
    visitor.field.press("Shift+Enter")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".entry.bot .answer").last).to_be_visible()
    expect(visitor.root).to_have_count(0)
    page.get_by_role("link", name="New question").click()
    expect(visitor.launcher).to_be_visible()
    assert visitor.complaints == []
    visitor.context.close()


def test_the_help_center_is_browsed_searched_and_read_in_three_languages(visitor: Visitor) -> None:
    page = visitor.goes("/help/en/")
    page.get_by_role("link", name="Lost or stolen card").click()
    page.get_by_role("navigation", name="Contents").get_by_role("link").first.click()
    page.get_by_role("link", name="Suomi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kadonnut tai varastettu kortti")
    page.get_by_role("link", name="Svenska").click()
    assert page.locator("html").get_attribute("lang") == "sv"
    page.get_by_role("searchbox").fill("pin-kod")
    page.keyboard.press("Enter")
    expect(page.locator(".found a").first).to_contain_text("PIN")
    expect(visitor.launcher).to_be_visible()


PAGES = ["/?lang=fi", "/help/fi/", "/help/en/lost-card", "/help/sv/?q=kort", "/help/fi/nothing"]


@pytest.mark.parametrize("scheme", THEMES)
def test_no_page_has_an_accessibility_fault(
    browser: Browser, chat_site: ChatSite, scheme: Literal["light", "dark"]
) -> None:
    visitor = on(browser, chat_site, color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in PAGES:
        visitor.goes(path)
        expect(visitor.root).to_have_count(0 if path.endswith("nothing") else 1)
        found[path] = visitor.faults()
    visitor.goes("/")
    visitor.asks("when is the invoice due")
    found["open"] = visitor.faults()
    assert not any(found.values()), found
    visitor.context.close()


@pytest.mark.parametrize("scheme", THEMES)
def test_a_conversation_in_pages_has_no_accessibility_fault(
    browser: Browser, chat_site: ChatSite, scheme: Literal["light", "dark"]
) -> None:
    visitor = without_chat(browser, chat_site, color_scheme=scheme, viewport=PHONE, bypass_csp=True)
    page = visitor.goes("/")
    for text in ("when is the invoice due", "card", "what is the capital of Finland"):
        visitor.sends(text)
        expect(page.locator(".entry.customer", has_text=text)).to_have_count(1)
        page.wait_for_load_state()
        assert visitor.faults() == []
    page.get_by_role("button", name="Talk to a person").click()
    expect(page.locator("#request")).to_be_visible()
    page.wait_for_load_state()
    assert visitor.faults() == []
    visitor.context.close()


def test_nothing_is_wider_than_a_phone(browser: Browser, chat_site: ChatSite) -> None:
    width = "document.documentElement.scrollWidth"
    visitor = on(browser, chat_site, viewport=NARROW, locale="fi-FI")
    for path in PAGES:
        assert visitor.goes(path).evaluate(width) <= NARROW["width"], path
    visitor.context.close()
    visitor = without_chat(browser, chat_site, viewport=NARROW)
    page = visitor.goes("/")
    visitor.sends("can I talk to a human")
    expect(page.locator("#request")).to_be_visible()
    page.wait_for_load_state()
    assert page.evaluate(width) <= NARROW["width"]
    visitor.context.close()


@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desktop", "phone", "narrow"])
def test_the_chat_s_button_covers_nothing_for_good(
    browser: Browser, chat_site: ChatSite, size: ViewportSize
) -> None:
    visitor = on(browser, chat_site, viewport=size)
    for path in ("/", "/help/en/lost-card"):
        page = visitor.goes(path)
        expect(visitor.launcher).to_be_visible()
        if path == "/":
            assert not overlap(visitor.launcher, page.locator("#ask"))
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        for link in page.locator(".bottom a").all():
            assert not overlap(visitor.launcher, link)
    visitor.context.close()


def test_the_page_makes_room_for_the_open_panel_where_there_is_some(visitor: Visitor) -> None:
    visitor.goes("/")
    visitor.asks("when is the invoice due")
    for covered in ("#ask", ".languages", ".cards"):
        assert not overlap(visitor.panel, visitor.page.locator(covered)), covered
    visitor.page.reload()
    expect(visitor.panel).to_be_visible()
    assert not overlap(visitor.panel, visitor.page.locator("#ask"))


def overlap(one: Locator, other: Locator) -> bool:
    first, second = one.bounding_box(), other.bounding_box()
    assert first is not None
    assert second is not None
    return (
        first["x"] < second["x"] + second["width"]
        and second["x"] < first["x"] + first["width"]
        and first["y"] < second["y"] + second["height"]
        and second["y"] < first["y"] + first["height"]
    )
