"""The pages in a real browser: asking, sources, a person, keyboard only, a phone, accessibility."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from tests.acceptance.conftest import ROOT

pytestmark = pytest.mark.browser

AXE = ROOT / "build" / "axe-core" / "axe.min.js"
ATTACKS = ROOT / "tests" / "data" / "attacks.json"
PHONE: ViewportSize = {"width": 390, "height": 780}
DESK: ViewportSize = {"width": 1200, "height": 800}


class Visitor:
    """A customer at a page; whatever the browser complains of is kept."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.context = context
        self.page = context.new_page()
        self.complaints: list[str] = []
        self.outside: list[str] = []
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._sent(request.url))

    def _heard(self, kind: str, text: str) -> None:
        # A status other than 200 is reported by the browser as an error of its own.
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def _sent(self, url: str) -> None:
        if not url.startswith((self.address, "data:")):
            self.outside.append(url)

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def say(self, text: str) -> None:
        self.page.get_by_role("textbox").fill(text)
        self.page.keyboard.press("Enter")
        self.settled()

    def settled(self) -> None:
        expect(self.page.locator(".pending")).to_have_count(0)

    @property
    def last(self) -> Any:  # noqa: ANN401 - a locator
        return self.page.locator("#log .entry.bot").last

    def scan(self) -> list[str]:
        """What axe finds wrong with the page as it is."""
        if not AXE.is_file():
            pytest.skip("axe-core is not there: run scripts/browser")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = self.page.evaluate("async () => (await axe.run()).violations")
        return [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in found]


@pytest.fixture
def visitor(browser: Browser, address: str) -> Iterator[Visitor]:
    context = browser.new_context(locale="en-GB", viewport=DESK)
    found = Visitor(context, address)
    yield found
    context.close()
    assert found.complaints == []
    assert found.outside == []


def on(browser: Browser, address: str, **options: Any) -> Visitor:  # noqa: ANN401 - the browser's own
    return Visitor(browser.new_context(**options), address)


def test_asking_shows_the_answer_and_its_source_leads_to_the_section(visitor: Visitor) -> None:
    page = visitor.open("/")
    expect(page.locator("#log")).to_contain_text("this is an automatic service")
    visitor.say("How do I lock my Etupolku card?")
    if visitor.last.get_attribute("data-outcome") == "clarified":
        page.get_by_role("button", name="Lost or stolen card").click()
        visitor.settled()
    expect(visitor.last.locator(".answer")).to_be_visible()
    source = visitor.last.locator(".source a").first
    assert "/help/en/lost-card" in (source.get_attribute("href") or "")
    source.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lost or stolen card")
    assert page.evaluate("document.querySelector(':target') !== null")


@pytest.mark.parametrize(
    ("locale", "question", "said"),
    [
        ("fi-FI", "saanko puhua ihmiselle", "Kysymyksesi on tallennettu"),
        ("sv-FI", "får jag prata med en människa", "Din fråga är sparad"),
        ("en-GB", "can I talk to a human", "Your question has been saved"),
    ],
)
def test_asking_for_a_person_shows_the_contact(
    browser: Browser, address: str, locale: str, question: str, said: str
) -> None:
    visitor = on(browser, address, locale=locale)
    page = visitor.open("/")
    assert page.locator("html").get_attribute("lang") == locale[:2]
    visitor.say(question)
    expect(visitor.last).to_contain_text(said)
    expect(visitor.last.locator(".details")).to_contain_text("020 123 400")
    assert visitor.complaints == []
    visitor.context.close()


def test_the_permanent_button_gets_a_person_at_once_and_can_be_taken_back(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_role("button", name="Talk to a person").click()
    visitor.settled()
    expect(visitor.last).to_contain_text("Your question has been saved")
    page.get_by_role("button", name="No longer needed").click()
    visitor.settled()
    expect(visitor.last).to_contain_text("your request has been cancelled")


def test_everything_works_by_keyboard(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to content")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_attribute("name", "q")
    page.keyboard.type("can I talk to a human")
    page.keyboard.press("Enter")
    visitor.settled()
    expect(visitor.last).to_contain_text("Your question has been saved")
    expect(page.locator(":focus")).to_have_attribute("name", "q")
    for _ in range(8):  # past what the request's own part offers
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "No longer needed":
            break
    expect(page.locator(":focus")).to_have_text("No longer needed")
    page.keyboard.press("Enter")
    visitor.settled()
    expect(visitor.last).to_contain_text("your request has been cancelled")


def test_enter_with_shift_starts_a_new_line(visitor: Visitor) -> None:
    page = visitor.open("/")
    page.get_by_role("textbox").press_sequentially("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    assert page.get_by_role("textbox").input_value() == "first\nsecond"
    expect(page.locator(".entry.customer")).to_have_count(0)


def test_nothing_is_stored_before_the_first_message_and_the_tab_keeps_the_conversation(
    visitor: Visitor,
) -> None:
    page = visitor.open("/")
    stored = "[document.cookie, localStorage.length, sessionStorage.length]"
    assert page.evaluate(stored) == ["", 0, 0]
    visitor.say("can I talk to a human")
    assert page.evaluate(stored) == ["", 0, 1]
    page.reload()
    expect(page.locator("#log .entry.customer")).to_have_text("can I talk to a human")
    expect(visitor.last).to_contain_text("Your question has been saved")
    visitor.open("/help/en/")
    visitor.open("/?lang=fi")
    expect(page.locator("#log .entry.customer")).to_have_text("can I talk to a human")
    page.get_by_role("link", name="Uusi kysymys").click()
    expect(page.locator("#log .entry.customer")).to_have_count(0)
    assert page.evaluate("sessionStorage.length") == 0


def test_the_token_never_comes_into_an_address(visitor: Visitor) -> None:
    seen: list[str] = []
    visitor.page.on("request", lambda request: seen.append(request.url))
    page = visitor.open("/")
    visitor.say("can I talk to a human")
    token = json.loads(page.evaluate("sessionStorage.getItem('helppari')"))["token"]
    page.reload()
    visitor.settled()
    assert token
    assert not [url for url in [*seen, page.url] if token in url]


def test_a_lost_connection_keeps_what_was_typed_and_nothing_is_sent_twice(visitor: Visitor) -> None:
    page = visitor.open("/")
    visitor.context.set_offline(True)
    visitor.say("can I talk to a human")
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost")
    assert page.get_by_role("textbox").input_value() == "can I talk to a human"
    visitor.context.set_offline(False)
    page.keyboard.press("Enter")
    visitor.settled()
    expect(page.get_by_role("alert")).to_be_hidden()
    expect(page.locator("#log .entry.customer")).to_have_count(1)


def test_an_expired_conversation_is_told_and_the_next_message_starts_anew(visitor: Visitor) -> None:
    page = visitor.open("/")
    visitor.say("can I talk to a human")
    page.evaluate("document.querySelectorAll('[name=token]').forEach((one) => one.value = 'hpt_wrong')")
    visitor.say("hello")
    expect(page.get_by_role("alert")).to_contain_text("This conversation has expired")
    page.keyboard.press("Enter")
    visitor.settled()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_what_a_customer_writes_is_shown_and_not_run(visitor: Visitor) -> None:
    page = visitor.open("/")
    for attack in json.loads(ATTACKS.read_text(encoding="utf-8"))["attacks"][:12]:
        visitor.say(str(attack["markdown"])[:300])
    assert page.evaluate("window.pwned") is None


def test_the_page_works_without_scripts(browser: Browser, address: str) -> None:
    visitor = on(browser, address, java_script_enabled=False, locale="en-GB")
    page = visitor.open("/")
    page.get_by_role("textbox").fill("can I talk to a human")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#log .entry.customer")).to_have_text("can I talk to a human")
    expect(page.locator("#log .entry.bot").last).to_contain_text("Your question has been saved")
    page.get_by_role("button", name="No longer needed").click()
    expect(page.locator("#log .entry.bot").last).to_contain_text("your request has been cancelled")
    visitor.context.close()


def test_the_help_center_is_browsed_searched_and_read_in_three_languages(visitor: Visitor) -> None:
    page = visitor.open("/help/en/")
    page.get_by_role("link", name="Lost or stolen card").click()
    page.get_by_role("navigation", name="Contents").get_by_role("link").first.click()
    page.get_by_role("link", name="Suomi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Kadonnut tai varastettu kortti")
    page.get_by_role("link", name="Svenska").click()
    assert page.locator("html").get_attribute("lang") == "sv"
    page.get_by_role("searchbox").fill("pin-kod")
    page.keyboard.press("Enter")
    expect(page.locator(".found a").first).to_contain_text("PIN")


PAGES = ["/?lang=fi", "/help/fi/", "/help/en/lost-card", "/help/sv/?q=kort", "/help/fi/nothing"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_an_accessibility_fault(browser: Browser, address: str, path: str, scheme: Any) -> None:  # noqa: ANN401
    visitor = on(browser, address, color_scheme=scheme, viewport=DESK, bypass_csp=True)
    visitor.open(path)
    assert visitor.scan() == []
    visitor.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_conversation_has_no_accessibility_fault(browser: Browser, address: str, scheme: Any) -> None:  # noqa: ANN401
    visitor = on(browser, address, color_scheme=scheme, viewport=PHONE, locale="en-GB", bypass_csp=True)
    page = visitor.open("/")
    for text in ("How do I lock my Etupolku card?", "card", "what is the capital of Finland"):
        visitor.say(text)
        assert visitor.scan() == []
    page.get_by_role("button", name="Talk to a person").click()
    visitor.settled()
    assert visitor.scan() == []
    visitor.context.close()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_is_wider_than_a_phone(browser: Browser, address: str, path: str) -> None:
    visitor = on(browser, address, viewport={"width": 320, "height": 640})
    page = visitor.open(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    if path.startswith("/?"):
        visitor.say("saanko puhua ihmiselle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        last = visitor.last.locator("button").last
        expect(last).to_be_in_viewport()
    visitor.context.close()


def test_the_newest_entry_is_not_behind_the_field(browser: Browser, address: str) -> None:
    visitor = on(browser, address, viewport=PHONE, locale="en-GB")
    page = visitor.open("/")
    for text in ("hello", "How do I lock my Etupolku card?", "can I talk to a human"):
        visitor.say(text)
    page.wait_for_timeout(600)  # the scrolling is smooth
    field = page.locator(".composer").bounding_box()
    button = visitor.last.locator("button").last.bounding_box()
    assert field is not None
    assert button is not None
    assert button["y"] + button["height"] <= field["y"] + 1
    visitor.context.close()
