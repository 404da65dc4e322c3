"""The pictures of the chat in the docs: ``python -m tests.acceptance.widget_pictures`` makes them anew."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect, sync_playwright

from botsvc.live import Signal, SignalKind
from botsvc.staff import Availability, Staff
from tests.acceptance.conftest import ARGUMENTS, ROOT, chromium
from tests.acceptance.widget_site import Chat, ChatSite, customer, serving_chat

FOLDER = ROOT / "docs" / "images"
INDEX = ROOT / "build" / "test" / "sample-index"
LARGEST = 120_000  #: bytes of one picture
ROOM: ViewportSize = {"width": 480, "height": 860}
SMALL: ViewportSize = {"width": 390, "height": 700}


def pictures(browser: Browser, site: ChatSite) -> Iterator[tuple[str, bytes]]:
    """Names and PNG files, in the order in which a matter goes."""
    people, agent = site.people, site.agent
    assert site.service.storage is not None
    staff = Staff(site.service.storage, site.service.settings.desk)
    context = customer(browser, size=ROOM, reduced_motion="reduce")
    chat = Chat(context.new_page()).at(f"{site.address}/demo/en").open()

    def taken(name: str) -> tuple[str, bytes]:
        chat.page.evaluate("document.querySelector('helppari-chat').shadowRoot.activeElement?.blur()")
        return f"widget-{name}.png", chat.panel.screenshot()

    expect(chat.root.locator("#search")).to_be_visible()
    expect(chat.root.locator(".body .links")).to_be_visible()
    yield taken("home")
    chat.ask("i've lost my card")
    yield taken("answer")
    # Nobody is there: the customer is told by when there will be an answer.
    staff.set_status(agent.id, Availability.AWAY)
    try:
        chat.person()
        contact = chat.root.locator(".standing details").first
        contact.locator("summary").click()
        contact.locator("input[type=email]").fill("jane@customer.example")
        contact.locator("form button").click()
        expect(chat.root.locator(".standing")).to_contain_text("You'll get a reply by")
        chat.root.locator(".standing").evaluate("(one) => one.scrollIntoView({ block: 'end' })")
        yield taken("promise")
    finally:
        staff.set_status(agent.id, Availability.AVAILABLE)
        staff.heartbeat(agent.id)
    conversation = chat.conversation_id
    people.take(conversation, agent)
    people.say(conversation, agent, "Hello, Maija here. I have locked your card.", message_id="p1")
    expect(chat.people).to_have_count(1)
    chat.write("Thank you! When does the new one come?")
    typing = Signal(kind=SignalKind.TYPING, actor=f"agent:{agent.id}", name=agent.name)
    site.service.hub.signal(conversation, typing)
    expect(chat.root.locator(".writing")).to_be_visible()
    chat.root.locator(".standing").evaluate("(one) => one.scrollIntoView({ block: 'end' })")
    yield taken("person")
    context.close()

    for name, options in (
        ("phone", {"lang": "fi", "is_mobile": True, "has_touch": True}),
        ("dark", {"lang": "sv", "color_scheme": "dark"}),
    ):
        lang = str(options["lang"])
        context = customer(browser, size=SMALL, reduced_motion="reduce", **options)
        path = "/demo" if lang == "fi" else f"/demo/{lang}"
        chat = Chat(context.new_page()).at(site.address + path).open()
        chat.ask({"fi": "hukkasin korttini", "sv": "jag har tappat mitt kort"}[lang])
        yield taken(name)
        context.close()


def main() -> None:
    """Write them into the docs."""
    if not INDEX.is_dir():
        sys.exit("the sample's index is not there: run a browser test first")
    with (
        tempfile.TemporaryDirectory() as scratch,
        serving_chat(INDEX, Path(scratch)) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        for name, picture in pictures(browser, site):
            (FOLDER / name).write_bytes(picture)
        browser.close()


if __name__ == "__main__":
    main()
