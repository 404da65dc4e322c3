"""A request that people have, in the service's own pages: without scripts, and the way back into the chat."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from botsvc.people import Resolution, SentArticle
from tests.acceptance.test_browser import THEMES, Visitor, on, without_chat
from tests.acceptance.widget_site import LOCALES, ChatSite

pytestmark = pytest.mark.browser

SMALL: ViewportSize = {"width": 360, "height": 740}


class Asker:
    """A customer who has asked for a person in pages, without the chat."""

    def __init__(self, visitor: Visitor, site: ChatSite) -> None:
        self.visitor = visitor
        self.site = site
        self.page = visitor.page

    def asks_for_a_person(self, button: str = "Talk to a person") -> None:
        self.visitor.goes("/")
        self.page.get_by_role("button", name=button).click()
        expect(self.page.locator("#request")).to_be_visible()

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def unfolds(self, name: str) -> None:
        self.page.locator("summary", has_text=name).click()

    @property
    def id(self) -> str:
        return self.page.locator("input[name=conversation]").first.input_value()

    @property
    def standing(self) -> Locator:
        return self.page.locator("#request .standing")

    def is_told(self, text: str) -> None:
        self.site.people.say(self.id, self.site.agent, text, message_id=uuid.uuid4().hex)

    def hears(self, text: str) -> None:
        expect(self.page.locator(".entry.person").last).to_contain_text(text)


@pytest.fixture
def asker(browser: Browser, chat_site: ChatSite) -> Iterator[Asker]:
    visitor = on(browser, chat_site, java_script_enabled=False)
    yield Asker(visitor, chat_site)
    visitor.context.close()


def test_without_scripts_a_request_goes_all_its_way(asker: Asker, chat_site: ChatSite) -> None:
    page = asker.page
    asker.asks_for_a_person()
    asker.unfolds("Leave your contact details")
    page.get_by_role("textbox", name="Your e-mail address").fill("me@")
    asker.presses("Save")
    expect(page.get_by_role("alert")).to_contain_text("Please write the whole e-mail address")
    asker.unfolds("Leave your contact details")
    page.get_by_role("textbox", name="Your e-mail address").fill("me@example.net")
    asker.presses("Save")
    expect(page.locator("summary").first).to_have_text("Change your contact details")
    asker.unfolds("Ask for a call")
    page.locator("#call-phone").fill("040 123 4567")
    page.locator("#call-wished").fill("in the morning")
    asker.presses("Save")
    expect(asker.standing).to_contain_text("We'll call you on 040 123 4567.")
    expect(asker.standing).to_contain_text("in the morning")

    asker.is_told("Hello, this is Maija. <b>How</b> can I help?")
    asker.presses("Get new messages")
    asker.hears("Hello, this is Maija. <b>How</b> can I help?")
    expect(page.locator(".entry.person .who")).to_have_text("Maija")
    expect(asker.standing).to_contain_text("Maija is looking after your request.")
    asker.visitor.sends("my card is gone")
    expect(asker.standing).to_contain_text("Your message has been")
    article = SentArticle(
        article_id="lost-card",
        lang="en",
        section_id="lead",
        title="Lost or stolen card",
        url="/help/en/lost-card",
        text="Lock the card in the app.",
    )
    chat_site.people.send_article(asker.id, chat_site.agent, article, message_id=uuid.uuid4().hex)
    asker.presses("Get new messages")
    expect(page.locator(".entry.person .answer")).to_contain_text("Lock the card in the app.")

    asker.presses("End the conversation")
    expect(asker.standing).to_contain_text("The request has been cancelled.")
    page.get_by_text("Very well", exact=True).click()
    page.get_by_role("textbox", name="Is there anything").fill("quick")
    asker.presses("Send your rating")
    expect(asker.standing).to_contain_text("Thank you for your rating!")


def test_the_status_page_without_scripts_leads_to_the_page(asker: Asker, chat_site: ChatSite) -> None:
    page = asker.page
    asker.visitor.goes("/")
    asker.visitor.sends("when is the invoice due")
    asker.presses("Talk to a person")
    asker.unfolds("Leave your contact details")
    page.get_by_role("textbox", name="Your e-mail address").fill("me@example.net")
    asker.presses("Save")
    page.get_by_role("link", name="Follow your request on its own page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your requests")
    expect(page.get_by_role("heading", level=2).first).to_have_text("when is the invoice due")
    expect(page.get_by_role("link", name="Back to the conversation")).to_be_hidden()
    asker.presses("Cancel the request")
    expect(page.locator("article.request")).to_contain_text("The request has been cancelled.")
    page.locator("main").get_by_role("link", name="Ask us").click()
    expect(page.locator("#ask")).to_be_visible()


def test_the_status_page_leads_back_into_the_chat_of_this_tab_only(
    browser: Browser, chat_site: ChatSite
) -> None:
    customer = on(browser, chat_site, bypass_csp=True)
    page = customer.goes("/")
    customer.asks("when is the invoice due")
    customer.person()
    standing = customer.root.locator(".standing")
    standing.locator("details summary").first.click()
    standing.locator("input[type=email]").fill("me@example.net")
    standing.locator("form button").first.click()
    with customer.context.expect_page() as opened:
        standing.get_by_role("link", name="Follow your request").click()
    other = opened.value
    expect(other.get_by_role("heading", level=1)).to_have_text("Your requests")
    expect(other.get_by_role("link", name="Back to the conversation")).to_be_hidden()

    customer.panel.press("Escape")
    page.goto(other.url)
    expect(page.get_by_role("heading", level=2).first).to_have_text("when is the invoice due")
    assert customer.faults() == []
    expect(customer.root).to_have_count(0)
    page.get_by_role("link", name="Back to the conversation").click()
    expect(customer.panel).to_be_visible()
    expect(customer.own.first).to_have_text("when is the invoice due")
    assert "#" not in page.url
    assert customer.complaints == []
    customer.context.close()


@pytest.mark.parametrize("scheme", THEMES)
@pytest.mark.parametrize(
    ("lang", "person"), [("fi", "Haluan asiakaspalvelijalle"), ("sv", "Jag vill till kundtjänsten")]
)
def test_a_phone_shows_all_of_it_without_a_fault(
    browser: Browser, chat_site: ChatSite, lang: str, person: str, scheme: Literal["light", "dark"]
) -> None:
    visitor = without_chat(
        browser, chat_site, locale=LOCALES[lang], viewport=SMALL, color_scheme=scheme, bypass_csp=True
    )
    asker, page = Asker(visitor, chat_site), visitor.page
    asker.asks_for_a_person(person)
    for summary in page.locator("#request summary").all():
        summary.click()
    assert visitor.faults() == []
    asker.is_told("Hei! En oikein pitkä sana: " + "lounasetukorttihakemuskäsittely" * 3)
    page.locator("button[value=refresh]").click()
    asker.hears("Hei!")
    page.wait_for_load_state()  # styles, too
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    chat_site.people.resolve(asker.id, chat_site.agent, Resolution.SOLVED)
    page.locator("button[value=refresh]").click()
    expect(page.locator("#request fieldset")).to_be_visible()
    page.wait_for_load_state()
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    assert visitor.faults() == []
    visitor.context.close()
