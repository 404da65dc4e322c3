"""The customer's page while people have the conversation: a real server, a real browser, people at work."""

from __future__ import annotations

import json
import re
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from botsvc.clock import utc_now
from botsvc.handling import Handling
from botsvc.people import People, Resolution, SentArticle
from botsvc.storage import Storage, open_storage
from botsvc.storage.records import StoredAgent
from tests.acceptance.processes import Process, command
from tests.acceptance.test_browser import DESK, Visitor

pytestmark = pytest.mark.browser

CONFIG = """
[site]
name = "Etupolku"
languages = ["fi", "sv", "en"]

[teams.cards]
name = {fi = "Korttitiimi", sv = "Kortteamet", en = "Card team"}
time_zone = "Europe/Helsinki"
hours = {mon-sun = "0-24"}
"""
SMALL: Any = {"width": 360, "height": 740}
#: How long something may take to come to the page, in milliseconds.
SOON = 30_000


@dataclass(kw_only=True)
class Site:
    """A server that can be stopped and started, and somebody at its desk."""

    folder: Path
    index: Path
    port: int
    storage: Storage
    agent: StoredAgent
    _running: ExitStack = field(default_factory=ExitStack)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def people(self) -> People:
        return People(handling=Handling(storage=self.storage, clock=utc_now))

    def start(self) -> Process:
        env = {
            "HELPPARI_CONFIG": str(self.folder / "helppari.toml"),
            "HELPPARI_SERVER__PORT": str(self.port),
            "HELPPARI_STORAGE__URL": f"sqlite:///{self.folder}/store.sqlite",
        }
        running = command("serve", "--index", str(self.index), cwd=self.folder, env=env)
        process = self._running.enter_context(running)
        process.wait_for(r"(http://[\d.]+:\d+)", 240)  # beside busy neighbours, too
        return process

    def stop(self) -> None:
        self._running.close()

    def says(self, conversation_id: str, text: str) -> int:
        return self.people.say(conversation_id, self.agent, text, message_id=uuid.uuid4().hex)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def site_in(folder: Path, index: Path) -> Iterator[Site]:
    (folder / "helppari.toml").write_text(CONFIG, encoding="utf-8")
    storage = open_storage(f"sqlite:///{folder}/store.sqlite")
    agent = StoredAgent(
        id="a_aino",
        email="aino@example.com",
        name="Aino",
        password_hash="x",
        roles=["agent"],
        teams=["cards"],
        languages=[],
        skills=[],
        room=5,
        status="away",
        active=True,
        seen_at=utc_now(),
        created_at=utc_now(),
    )
    with storage.write() as writing:
        writing.save_agent(agent)
    site = Site(folder=folder, index=index, port=free_port(), storage=storage, agent=agent)
    try:
        yield site
    finally:
        site.stop()
        storage.close()


@pytest.fixture(scope="module")
def site(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_in(tmp_path_factory.mktemp("customer"), sample_index) as found:
        found.start()
        yield found


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Let what is waited for take its time on a busy machine."""
    expect.set_options()
    yield
    expect.set_options(timeout=5_000)


class Customer(Visitor):
    """A customer who asks for a person."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        super().__init__(context, site.address)
        self.site = site

    @property
    def id(self) -> str:
        held = json.loads(self.page.evaluate("sessionStorage.getItem('helppari')"))
        return str(held["conversation"])

    def asks_for_a_person(self, button: str = "Talk to a person") -> None:
        self.page.get_by_role("button", name=button).click()
        self.settled()
        expect(self.page.locator("#request")).to_be_visible()

    @property
    def standing(self) -> Any:  # noqa: ANN401 - a locator
        return self.page.locator("#request .standing")

    def hears(self, text: str) -> None:
        expect(self.page.locator("#log .entry.person").last).to_contain_text(text)


@pytest.fixture
def customer(browser: Browser, site: Site) -> Iterator[Customer]:
    context = browser.new_context(locale="en-GB", viewport=DESK, bypass_csp=True)
    found = Customer(context, site)
    found.open("/")
    yield found
    context.close()
    assert found.complaints == []
    assert found.outside == []


def test_a_person_s_words_come_by_themselves_and_the_customer_keeps_the_focus(
    customer: Customer, site: Site
) -> None:
    customer.asks_for_a_person()
    page = customer.page
    expect(customer.standing).to_contain_text("Your question is waiting for a customer adviser.")
    field = page.get_by_role("textbox", name="Your question")
    field.fill("I am still writing")
    site.says(customer.id, "Hello, this is Aino. <b>How</b> can I help?")
    customer.hears("Hello, this is Aino. <b>How</b> can I help?")
    expect(page.locator("#log .entry.person .who")).to_have_text("Aino")
    expect(customer.standing).to_contain_text("Aino is looking after your request.")
    assert field.input_value() == "I am still writing"
    assert page.evaluate("document.activeElement.id") == "q"
    assert page.locator("#log").get_attribute("role") == "log"


def test_an_article_that_a_person_sends_is_a_card_with_its_source(customer: Customer, site: Site) -> None:
    customer.asks_for_a_person()
    article = SentArticle(
        article_id="lost-card",
        lang="en",
        section_id="lead",
        title="Lost or stolen card",
        url="/help/en/lost-card",
        text="Lock the card in the app.",
    )
    site.people.send_article(customer.id, site.agent, article, message_id="a1")
    customer.hears("Lock the card in the app.")
    card = customer.page.locator("#log .entry.person .answer")
    expect(card.get_by_role("heading")).to_have_text("Lost or stolen card")
    card.get_by_role("link", name="Lost or stolen card").click()
    expect(customer.page.get_by_role("heading", level=1)).to_have_text("Lost or stolen card")
    customer.page.go_back()
    customer.hears("Lock the card in the app.")
    with site.storage.read() as reading:
        types = [event.fact.type.value for event in reading.events(customer.id)]
    assert "article_opened" in types


def test_read_marks_go_both_ways(customer: Customer, site: Site) -> None:
    customer.asks_for_a_person()
    said = site.says(customer.id, "Hello!")
    customer.hears("Hello!")
    customer.page.wait_for_timeout(500)
    with site.storage.read() as reading:
        read = [event for event in reading.events(customer.id) if event.fact.type.value == "messages_read"]
    assert [event.fact.to_json()["up_to"] >= said for event in read] == [True]
    customer.say("my card is gone")
    expect(customer.standing).to_contain_text("Your message has been delivered.")
    with site.storage.read() as reading:
        conversation = reading.conversation(customer.id)
    assert conversation is not None
    site.people.read(customer.id, site.agent, conversation.last_sequence)
    expect(customer.standing).to_contain_text("Your message has been read.")


def test_reload_and_restart_lose_nothing(browser: Browser, sample_index: Path, tmp_path: Path) -> None:
    with site_in(tmp_path, sample_index) as site:
        process = site.start()
        context = browser.new_context(locale="en-GB", viewport=DESK)
        customer = Customer(context, site)
        customer.open("/")
        customer.asks_for_a_person()
        site.says(customer.id, "first")
        customer.hears("first")
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait(10)
        site.says(customer.id, "second, while the server is down")
        expect(customer.page.locator("#request .typing")).to_contain_text("connection was lost", timeout=SOON)
        site.stop()
        site.start()
        customer.hears("second, while the server is down")
        site.says(customer.id, "third")
        customer.hears("third")
        expect(customer.page.locator("#request .typing")).to_be_hidden()
        assert customer.page.locator("#log .entry.person").all_inner_texts() == [
            "Aino\n\nfirst",
            "Aino\n\nsecond, while the server is down",
            "Aino\n\nthird",
        ]
        customer.page.reload()
        customer.hears("third")
        expect(customer.page.locator("#log .entry.person")).to_have_count(3)
        context.close()


def test_two_windows_of_one_conversation_show_the_same(customer: Customer, site: Site) -> None:
    customer.asks_for_a_person()
    held = customer.page.evaluate("sessionStorage.getItem('helppari')")
    other = customer.context.new_page()
    other.goto(site.address + "/")
    other.evaluate("held => sessionStorage.setItem('helppari', held)", held)
    other.reload()
    customer.say("my card is gone")
    expect(other.locator("#log .entry.customer").last).to_have_text("my card is gone")
    site.says(customer.id, "Hello!")
    customer.hears("Hello!")
    expect(other.locator("#log .entry.person")).to_contain_text("Hello!")
    texts = [
        [re.sub(r"\s+", " ", text) for text in page.locator("#log .entry .bubble").all_inner_texts()]
        for page in (customer.page, other)
    ]
    assert texts[0] == texts[1]


def test_polling_takes_over_where_streams_do_not_come_through(browser: Browser, site: Site) -> None:
    context = browser.new_context(locale="en-GB", viewport=DESK)
    context.route(
        "**/events?*",
        lambda route: (
            route.abort() if "event-stream" in route.request.headers.get("accept", "") else route.continue_()
        ),
    )
    customer = Customer(context, site)
    customer.open("/")
    customer.asks_for_a_person()
    site.says(customer.id, "Hello!")
    expect(customer.page.locator("#log .entry.person")).to_contain_text("Hello!", timeout=2 * SOON)
    context.close()


def test_an_address_a_call_the_end_and_a_score(customer: Customer, site: Site) -> None:
    page = customer.page
    customer.say("how do I lock my card")
    customer.asks_for_a_person()
    page.locator("summary", has_text="Leave your contact details").click()
    page.get_by_role("textbox", name="Your e-mail address").fill("me@")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Please write the whole e-mail address")
    assert page.get_by_role("textbox", name="Your e-mail address").input_value() == "me@"
    page.get_by_role("textbox", name="Your e-mail address").fill("me@example.net")
    page.keyboard.press("Enter")
    expect(customer.standing).to_contain_text("You'll get a reply by")
    expect(page.get_by_role("alert")).to_be_hidden()
    page.locator("summary", has_text="Ask for a call").click()
    page.locator("#call-phone").fill("040 123 4567")
    page.locator("#call-wished").fill("in the morning")
    page.get_by_role("button", name="Save").click()
    expect(customer.standing).to_contain_text("We'll call you on 040 123 4567.")
    expect(customer.standing).to_contain_text("in the morning")
    site.says(customer.id, "Hello!")
    customer.hears("Hello!")
    page.get_by_role("button", name="End the conversation").click()
    expect(customer.standing).to_contain_text("The request has been cancelled.")
    expect(page.locator("#request")).to_be_focused()
    assert customer.scan() == []
    page.get_by_text("Very well", exact=True).click()
    page.get_by_role("textbox", name="Is there anything").fill("quick")
    page.get_by_role("button", name="Send your rating").click()
    expect(customer.standing).to_contain_text("Thank you for your rating!")
    with site.storage.read() as reading:
        given = [e.fact.to_json() for e in reading.events(customer.id) if e.fact.type.value == "csat_given"]
    assert given == [{"score": 5, "comment": "quick", "by": "person"}]


def test_after_a_resolution_the_score_is_asked_for_and_writing_on_still_works(
    customer: Customer, site: Site
) -> None:
    customer.asks_for_a_person()
    site.says(customer.id, "Lock it in the app.")
    site.people.resolve(customer.id, site.agent, Resolution.GUIDED)
    expect(customer.standing).to_contain_text("Your request has been marked as resolved.")
    expect(customer.page.get_by_role("group", name="How well was your request handled?")).to_be_visible()
    customer.page.locator("#q").fill("it does not work")
    customer.page.keyboard.press("Enter")
    customer.settled()
    expect(customer.standing).to_contain_text("waiting for a customer adviser")
    site.says(customer.id, "Let me look.")
    customer.hears("Let me look.")


def test_the_bot_can_be_asked_meanwhile_and_the_request_called_off_later(customer: Customer) -> None:
    page = customer.page
    customer.asks_for_a_person()
    customer.say("my card is gone")
    page.get_by_role("button", name="Ask the automatic service meanwhile").click()
    customer.settled()
    customer.say("How do I lock my Etupolku card?")
    expect(page.locator("#request")).to_be_visible()
    page.get_by_role("button", name="Cancel the request").click()
    expect(customer.standing).to_contain_text("The request has been cancelled.")


def test_the_status_page_leads_back_only_this_tab(customer: Customer, site: Site) -> None:
    page = customer.page
    customer.say("how do I lock my card")
    customer.asks_for_a_person()
    page.locator("summary", has_text="Leave your contact details").click()
    page.get_by_role("textbox", name="Your e-mail address").fill("me@example.net")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Follow your request on its own page").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your requests")
    assert customer.scan() == []
    other = customer.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", level=2).first).to_have_text("how do I lock my card")
    expect(other.get_by_role("link", name="Back to the conversation")).to_be_hidden()
    page.get_by_role("link", name="Back to the conversation").click()
    expect(page.locator("#log .entry.customer").first).to_have_text("how do I lock my card")
    assert site.address in page.url


def test_everything_about_the_request_works_by_keyboard(customer: Customer, site: Site) -> None:
    page = customer.page
    customer.asks_for_a_person()
    site.says(customer.id, "Hello!")
    customer.hears("Hello!")
    page.locator("#q").focus()
    for _ in range(12):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Leave your contact details":
            break
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("me@example.net")
    page.keyboard.press("Enter")
    expect(page.locator("#request summary").first).to_have_text("Change your contact details")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("locale", "person"), [("fi-FI", "Haluan asiakaspalvelijalle"), ("sv-FI", "Jag vill till kundtjänsten")]
)
def test_a_phone_shows_all_of_it_without_a_fault(
    browser: Browser,
    site: Site,
    locale: str,
    person: str,
    scheme: Any,  # noqa: ANN401 - the browser's own
) -> None:
    context = browser.new_context(locale=locale, viewport=SMALL, color_scheme=scheme, bypass_csp=True)
    customer = Customer(context, site)
    page: Page = customer.open("/")
    customer.asks_for_a_person(person)
    for summary in page.locator("#request summary").all():
        summary.click()
    site.says(customer.id, "Hei! En oikein pitkä sana: " + "lounasetukorttihakemuskäsittely" * 3)
    customer.hears("Hei!")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert customer.scan() == []
    site.people.resolve(customer.id, site.agent, Resolution.SOLVED)
    expect(page.locator("#request fieldset")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert customer.scan() == []
    assert customer.complaints == []
    context.close()
