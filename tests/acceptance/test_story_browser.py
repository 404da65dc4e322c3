"""One request from the first question to the last word, in three browsers, against the sample help center.

A customer asks in Finnish, is not helped, asks for a person and answers the form; an agent sees all of it,
takes it, chats, sends an article and asks an expert, who answers by a link; solved, judged; an hour later it
did not work after all; a week later the bot answers again. Time is moved by hand, everything else is real.
Pictures are kept in build/test/story, to be looked at.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, ViewportSize, expect
from pydantic import SecretStr

from botsvc.app import create_app
from botsvc.settings import Settings
from botsvc.staff import Profile, Role, Staff
from indexer.settings import load_settings
from tests.acceptance.conftest import ROOT

pytestmark = pytest.mark.browser

PICTURES = ROOT / "build" / "test" / "story"
PASSWORD = "mansikka-torni-83"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}


class Clock:
    """The time, and what was added to it by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    address: str
    clock: Clock


@contextmanager
def serving(settings: Settings, clock: Clock) -> Iterator[str]:
    app = create_app(settings, clock=clock)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not (server.started and app.state.service.swapper.index) and time.monotonic() < until:
        time.sleep(0.05)
    assert server.started
    staff = Staff(app.state.service.storage, settings.desk)
    profile = Profile(
        email="maija@etupolku.example",
        name="Maija",
        roles=(Role.AGENT,),
        teams=("service", "cards"),
        languages=("fi", "sv"),
    )
    staff.add(profile, PASSWORD, by="console")
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()


@pytest.fixture(scope="module")
def site(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("story")
    settings = load_settings(Settings, ROOT / "helppari.toml")
    settings = settings.model_copy(
        update={
            "index": settings.index.model_copy(update={"dir": sample_index}),
            "storage": settings.storage.model_copy(
                update={"url": SecretStr(f"sqlite:///{folder}/story.sqlite")}
            ),
            # The customer comes back after a week with the same token.
            "conversations": settings.conversations.model_copy(update={"token_hours": 24 * 30}),
        }
    )
    clock = Clock()
    with serving(settings, clock) as address:
        yield Site(address=address, clock=clock)


class Window:
    """Somebody's browser."""

    whole_page = True  #: in pictures

    def __init__(self, browser: Browser, site: Site, name: str, size: ViewportSize) -> None:
        self.name = name
        context = browser.new_context(viewport=size, locale="fi-FI", timezone_id="Europe/Helsinki")
        context.set_default_timeout(20_000)
        self.page: Page = context.new_page()
        self.address = site.address
        self.taken = 0
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def picture(self, what: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.taken += 1
        path = PICTURES / f"{self.name}-{self.taken:02}-{what}.png"
        self.page.screenshot(path=path, full_page=self.whole_page)

    def sees(self, text: str) -> None:
        expect(self.page.get_by_text(text).last).to_be_visible(timeout=20_000)

    def unfold(self, summary: str) -> None:
        self.page.locator("summary", has_text=summary).first.click()


class Customer(Window):
    """Somebody who asks on the page, and goes on in its chat."""

    whole_page = False  # the chat takes the window

    def __init__(self, browser: Browser, site: Site) -> None:
        super().__init__(browser, site, "customer", PHONE)
        self.chat = self.page.locator("helppari-chat")

    def writes(self, text: str) -> None:
        """In the chat once it is open."""
        own = self.chat.locator(".entry.customer .said")
        before = own.count()
        field = self.chat.locator("#draft") if before else self.page.locator("#q")
        field.fill(text)
        field.press("Enter")
        expect(own).to_have_count(before + 1)
        expect(own.last).to_have_text(text)

    def sees(self, text: str) -> None:
        expect(self.chat.get_by_text(text).last).to_be_visible(timeout=20_000)


def test_the_whole_story(browser: Browser, site: Site) -> None:
    customer = Customer(browser, site)
    agent = Window(browser, site, "agent", DESK)
    expert = Window(browser, site, "expert", PHONE)

    # The agent is at the desk.
    page = agent.open("/desk/sign-in")
    page.fill("#email", "maija@etupolku.example")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")

    # An answer, and that it did not help; then a person.
    customer.open("/")
    customer.writes("hukkasin korttini")
    customer.sees("Kadonnut tai varastettu kortti")
    customer.writes("ei auttanut")
    customer.sees("Harmi, ettei ohje auttanut")
    customer.writes("haluan puhua ihmiselle")
    customer.sees("Välitin kysymyksesi asiakaspalveluun.")
    customer.sees("Olet jonossa seuraavana.")
    customer.picture("handed-off")

    # The form, one question at a time.
    customer.chat.get_by_role("button", name="Kortti on kadonnut").click()
    customer.sees("Milloin huomasit asian?")
    customer.writes("eilen")
    customer.picture("form")

    # The agent sees all of it without asking, and takes it.
    page = agent.open("/desk")
    page.get_by_role("link", name="hukkasin korttini").first.click()
    for known in ("Kortti on kadonnut", "eilen", "ei auttanut", "Kadonnut tai varastettu kortti", "98 %"):
        expect(page.get_by_text(known).first).to_be_visible()
    page.locator("#take").click()
    expect(page.locator("#release")).to_be_visible()
    customer.sees("Maija")
    agent.picture("taken")

    # They chat, both ways, without anybody reloading.
    page.fill("#reply", "Hei, täällä Maija. Onko sinulla sovellus käytössä?")
    page.keyboard.press("Control+Enter")
    customer.sees("Hei, täällä Maija. Onko sinulla sovellus käytössä?")
    customer.writes("on, mutta en löydä sulkunappia")
    expect(page.locator("#log").get_by_text("on, mutta en löydä sulkunappia")).to_be_visible()
    customer.picture("chat")
    agent.picture("chat")

    # An article, which the bot learns from.
    page.locator("#articles button", has_text="Lähetä asiakkaalle").first.click()
    customer.picture("article")

    # An expert without a desk answers by link; the agent gets a draft.
    agent.unfold("Kysy asiantuntijalta")
    page.fill("#case-summary", "Kortti on kadonnut eilen, eikä sulkunappi näy sovelluksessa. Miksi?")
    page.locator("form[action$='/case'] button").last.click()
    link = page.locator("#link").input_value()
    agent.picture("asked")
    expert.page.goto(link if link.startswith("http") else site.address + link)
    expert.picture("case")
    expert.page.fill("#answer", "Nappi puuttuu vanhasta versiosta. Suljin kortin teidän puolestanne.")
    expert.page.locator("form.sheet button.primary").click()
    expert.sees("Kiitos, vastaus on lähetetty.")
    expert.picture("answered")
    page.get_by_role("link", name="Takaisin keskusteluun").click()
    expect(page.get_by_text("Suljin kortin teidän puolestanne.").first).to_be_visible()
    agent.picture("draft")
    page.fill("#reply", "Kortti on nyt suljettu. Päivitä sovellus, niin nappi näkyy taas.")
    page.locator("#reply-form button.primary").click()
    customer.sees("Kortti on nyt suljettu.")

    # Solved, and judged.
    agent.unfold("Merkitse ratkaistuksi")
    page.locator("#resolution-solved").check()
    page.locator("form[action$='/resolve'] button.primary").click()
    page.wait_for_url("**/desk*")
    agent.picture("resolved")
    score = customer.chat.locator("form[part=csat]")
    score.locator("input[value='5']").check()
    score.locator("textarea").fill("Nopeaa apua")
    customer.picture("csat")
    score.locator("button").click()
    customer.sees("Kiitos arviostasi")

    # An hour later it did not work after all: the same request, the same team.
    site.clock.ahead += timedelta(hours=1)
    customer.writes("ei toiminutkaan")
    customer.sees("Avasin pyyntösi uudelleen")
    customer.picture("reopened")
    page = agent.open("/desk")
    expect(page.get_by_role("link", name="hukkasin korttini").first).to_be_visible()
    agent.picture("reopened")
    page.get_by_role("link", name="hukkasin korttini").first.click()
    page.locator("#take").click()
    agent.unfold("Merkitse ratkaistuksi")
    page.locator("#resolution-solved").check()
    page.locator("form[action$='/resolve'] button.primary").click()
    page.wait_for_url("**/desk*")

    # A week later it is the bot's again.
    site.clock.ahead += timedelta(days=7)
    customer.open("/")
    customer.sees("ei toiminutkaan")
    customer.writes("hukkasin korttini")
    expect(customer.chat.get_by_text("Tämän löysin ohjeistamme.")).to_have_count(2, timeout=20_000)
    customer.picture("a-week-later")

    for window in (customer, agent, expert):
        assert window.errors == []
        window.page.context.close()
