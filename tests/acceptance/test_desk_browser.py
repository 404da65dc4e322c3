"""The desk in a real browser: both ways live, keyboard only, a phone, without scripts, accessibility."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect

from botsvc.desk.wording import texts
from botsvc.staff import Role
from tests.acceptance.conftest import ROOT
from tests.acceptance.desk_site import Site, desk_site
from tests.integration.desk_calls import PASSWORD, Customer

pytestmark = pytest.mark.browser

AXE = ROOT / "build" / "axe-core" / "axe.min.js"
PHONE: ViewportSize = {"width": 360, "height": 740}
DESK: ViewportSize = {"width": 1280, "height": 860}
#: A busy machine takes its time; a right page is waited for no longer than it needs.
expect.set_options(timeout=20_000)
LOCALES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with desk_site(tmp_path_factory.mktemp("desk")) as found:
        teams = ("service", "cards")
        found.person("Maija", Role.ADMIN, Role.AGENT, Role.EXPERT, teams=teams)
        found.person("Ville", teams=teams)
        yield found


class Worker:
    """Somebody's browser at the desk; whatever it complains of is kept."""

    def __init__(self, context: BrowserContext, site: Site) -> None:
        self.context = context
        self.site = site
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda message: self._heard(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _heard(self, kind: str, text: str) -> None:
        # A status such as 409 is reported by the browser as an error of its own.
        expected = ("Failed to load resource", "Response Status Error Code")
        if kind in ("error", "warning") and not any(one in text for one in expected):
            self.complaints.append(text)

    def open(self, path: str) -> Page:
        self.page.goto(self.site.address + path)
        return self.page

    def sign_in(self, name: str) -> Page:
        page = self.open("/desk/sign-in")
        page.fill("#email", f"{name.lower()}@example.com")
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk")
        return page

    def scan(self) -> list[str]:
        """What axe finds wrong, and whether the page is wider than its window."""
        if not AXE.is_file():
            pytest.skip("axe-core is not there: run scripts/browser")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        violations = self.page.evaluate("async () => (await axe.run()).violations")
        found = [f"{one['id']}: {[node['html'][:120] for node in one['nodes'][:3]]}" for one in violations]
        if self.page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found.append("wider than the window")
        return [f"{self.page.url} {one}" for one in found]


@pytest.fixture
def worker(browser: Browser, site: Site) -> Iterator[Callable[..., Worker]]:
    made: list[Worker] = []

    def make(name: str = "", lang: str = "en", **options: Any) -> Worker:  # noqa: ANN401 - the browser's own
        context = browser.new_context(locale=LOCALES[lang], **{"viewport": DESK, **options})
        found = Worker(context, site)
        made.append(found)
        if name:
            found.sign_in(name)
        return found

    yield make
    for found in made:
        found.context.close()
        assert found.complaints == []


@pytest.fixture
def customer(site: Site) -> Iterator[Callable[..., Customer]]:
    client = httpx2.Client(base_url=site.address, timeout=30)

    def make(text: str = "I need a human, my card is gone", lang: str = "en") -> Customer:
        found = Customer(client, lang)
        found.say(text)
        return found

    yield make
    client.close()


def test_a_new_request_appears_and_is_announced(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    page = worker("Maija").page
    customer("human, something quite new")
    expect(page.get_by_role("link", name="human, something quite new")).to_be_visible(timeout=30_000)
    expect(page.locator("#said")).to_contain_text("1 new conversation in the queue")


def test_agent_and_customer_talk_live_both_ways(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    asked = customer()
    found = worker("Maija")
    page = found.open(f"/desk/c/{asked.id}")
    page.get_by_role("button", name="Take").click()
    expect(page.locator("#standing")).to_contain_text("Yours")
    page.get_by_label("Reply to the customer").fill("Hello, this is Maija.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#log .entry.person")).to_contain_text("Hello, this is Maija.")
    expect(page.get_by_label("Reply to the customer")).to_have_value("")
    assert "Hello, this is Maija." in [entry["text"] for entry in asked.transcript()]
    page.get_by_label("Reply to the customer").fill("Half a")
    asked.say("Thank you, and another thing")
    expect(page.locator("#log")).to_contain_text("Thank you, and another thing", timeout=30_000)
    expect(page.locator("#said")).to_contain_text("Thank you, and another thing")
    expect(page.get_by_label("Reply to the customer")).to_have_value("Half a")
    page.reload()
    expect(page.get_by_label("Reply to the customer")).to_have_value("Half a")


def test_a_colleague_is_warned_and_told_who_was_first(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    asked = customer()
    maija, ville = worker("Maija"), worker("Ville")
    first, second = maija.open(f"/desk/c/{asked.id}"), ville.open(f"/desk/c/{asked.id}")
    expect(first.locator(".collision")).to_contain_text("Ville has this open", timeout=30_000)
    second.get_by_label("Reply to the customer").press_sequentially("I will", delay=20)
    expect(first.locator(".collision.writing")).to_contain_text("Ville is writing", timeout=30_000)
    first.get_by_role("button", name="Take").click()
    expect(first.locator("#standing")).to_contain_text("Yours")
    second.get_by_role("button", name="Send", exact=True).click()
    expect(second.get_by_role("alert")).to_contain_text("Maija already has this conversation")
    expect(second.get_by_label("Reply to the customer")).to_have_value("I will")
    assert "I will" not in [entry["text"] for entry in asked.transcript()]


def test_everything_is_reached_by_shortcuts_which_never_fire_while_typing(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    asked = customer("human, by keyboard only")
    found = worker("Maija")
    page = found.open("/desk")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_attribute("data-open", "")
    page.goto(f"{found.site.address}/desk/c/{asked.id}")
    page.keyboard.press("t")
    expect(page.locator("#standing")).to_contain_text("Yours")
    page.keyboard.press("r")
    expect(page.get_by_label("Reply to the customer")).to_be_focused()
    page.keyboard.type("t r n e / ? j k")
    expect(page.get_by_label("Reply to the customer")).to_have_value("t r n e / ? j k")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#log .entry.person")).to_contain_text("t r n e / ? j k")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("/")
    expect(page.get_by_label("Search articles")).to_be_focused()
    page.keyboard.type("invoice due")
    page.keyboard.press("Enter")
    expect(page.locator("#articles")).to_contain_text("Invoice and due date")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("n")
    expect(page.locator("#note")).to_be_focused()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("e")
    expect(page.locator("#case-to")).to_be_focused()


def test_the_stream_tells_an_open_page_at_once_and_strangers_nothing(
    site: Site, customer: Callable[..., Customer]
) -> None:
    asked = customer()
    with httpx2.Client(base_url=site.address, timeout=20) as client:
        assert client.get("/desk/live").status_code == 204
        client.post("/desk/sign-in", data={"email": "maija@example.com", "password": PASSWORD})
        for path in (f"/desk/live?c={asked.id}", "/desk/live"):
            with client.stream("GET", path) as stream:
                lines = stream.iter_lines()
                assert next(lines) == "retry: 3000"
                asked.say("anybody there?")
                assert next(line for line in lines if line.startswith("event:")) == "event: news"


def test_shortcuts_can_be_switched_off(worker: Callable[..., Worker]) -> None:
    page = worker("Ville").open("/desk/me")
    page.get_by_label("Use single-key shortcuts").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("saved")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_hidden()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_sending_an_article_and_a_canned_reply(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    asked = customer("haluan ihmiselle, hukkasin korttini", "fi")
    page = worker("Maija").open(f"/desk/c/{asked.id}?q=hukkasin+korttini")
    page.get_by_text("Canned replies").click()
    page.get_by_role("link", name="Tervehdys").click()
    expect(page.get_by_label("Reply to the customer")).to_have_value(
        "Hei, täällä Maija asiakaspalvelusta. Luin juuri viestisi ja katson asiaa."
    )
    page.get_by_role("button", name=re.compile("Kadonnut tai varastettu kortti")).click()
    expect(page.locator("#log .entry.person")).to_contain_text("Kadonnut tai varastettu kortti")
    assert any("Kadonnut" in entry["text"] or "Sulje" in entry["text"] for entry in asked.transcript())


def test_all_of_it_works_without_scripts(
    worker: Callable[..., Worker], customer: Callable[..., Customer]
) -> None:
    asked = customer("human, no scripts here")
    page = worker("Maija", java_script_enabled=False).page
    item = page.locator("li.request", has_text="human, no scripts here")
    item.get_by_role("button", name="Take").click()
    expect(page.locator("#standing")).to_contain_text("Yours")
    page.get_by_label("Reply to the customer").fill("Plain and simple")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#log .entry.person")).to_contain_text("Plain and simple")
    page.locator("summary", has_text="Resolve").click()
    page.get_by_label("Solved").check()
    page.get_by_role("button", name="Resolve").click()
    page.wait_for_url("**/desk")
    assert "Plain and simple" in [entry["text"] for entry in asked.transcript()]


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desktop", "phone"])
def test_no_screen_has_an_accessibility_problem(
    worker: Callable[..., Worker], customer: Callable[..., Customer], lang: str, size: ViewportSize
) -> None:
    asked = customer("human, my card is gone", lang)
    asked.say("me@customer.example, 131052-308T")
    found = worker("", lang, viewport=size)
    problems = []
    found.open("/desk/sign-in")
    problems += found.scan()
    found.sign_in("Maija")
    problems += found.scan()
    page = found.open(f"/desk/c/{asked.id}")
    page.fill("#reply", "Hej")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#log .entry.person")).to_have_count(1)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    problems += found.scan()
    page.locator("#case-to").locator("xpath=ancestor::form").locator("button").click()
    expect(page.locator("#link")).to_be_visible()
    problems += found.scan()
    link = page.locator("#link").input_value()
    for path in (
        "/desk/me",
        "/desk/people",
        "/desk/people/new",
        "/desk/cases",
        "/desk/callbacks",
        "/desk/outbox",
    ):
        found.open(path)
        expect(found.page.get_by_role("heading", level=1)).to_be_visible()
        problems += found.scan()
    found.page.goto(link)
    expect(found.page.get_by_role("heading", level=1)).to_have_text(texts(lang)["case_title"])
    problems += found.scan()
    assert problems == []


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_contrast_holds_in_both_schemes(
    worker: Callable[..., Worker], customer: Callable[..., Customer], scheme: str
) -> None:
    asked = customer()
    found = worker("Maija", color_scheme=scheme)
    found.open(f"/desk/c/{asked.id}")
    assert found.scan() == []
