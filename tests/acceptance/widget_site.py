"""The chat on a web site of another origin, over the sample help center, with somebody at the desk."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, ViewportSize, expect
from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from botsvc.app import create_app
from botsvc.people import People
from botsvc.service import Service
from botsvc.settings import Settings
from botsvc.staff import Availability, Profile, Staff
from botsvc.storage.records import StoredAgent
from botsvc.widget_settings import SiteKeySettings
from indexer.settings import load_settings

ROOT = Path(__file__).parents[2]
AXE = ROOT / "build" / "axe-core" / "axe.min.js"
PICTURES = ROOT / "build" / "test" / "widget"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESK: ViewportSize = {"width": 1280, "height": 900}
#: Under a message that the service has.
RECEIVED = re.compile("saved|delivered|read")
LOCALES = {"fi": "fi-FI", "sv": "sv-FI", "en": "en-GB"}

HOST_SCRIPT = """
window.hotkeys = [];
window.violations = [];
for (const kind of ["keydown", "keypress", "keyup"]) {
  document.addEventListener(kind, (event) => window.hotkeys.push(kind + " " + event.key));
}
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""
HOST_STYLE = """
* { color: rgb(255, 0, 0) !important; font-family: fantasy !important; }
button { display: none !important; }
"""
HOST_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Shop</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<script src="/host.js"></script>{style}
<script src="{server}/widget.js" {attributes} async></script>
</head><body><main><h1>Shop</h1><p><a href="#goods">Goods</a></p><h2 id="goods">Goods</h2></main>
</body></html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the host answers at one of its addresses."""

    body: str
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Host:
    """A company's web server, which knows nothing of the chat but the one line."""

    def __init__(self, port: int, answers: dict[str, Answered]) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.answers = answers
        self.made = 0

    def page(self, service: str, *, lang: str = "en", policy: str = "", style: str = "", **data: str) -> str:
        """The address of a new page with the chat; ``data`` are attributes of the one line."""
        attributes = {"site_key": "shop", "lang": lang, **data}
        html = HOST_PAGE.format(
            lang=lang,
            server=service,
            style=f"<style>{style}</style>" if style else "",
            attributes=" ".join(
                f'data-{name.replace("_", "-")}="{value}"' for name, value in attributes.items()
            ),
        )
        self.made += 1
        path = f"/page-{self.made}"
        headers = {"Content-Security-Policy": policy} if policy else {}
        self.answers[path] = Answered(body=html, media_type="text/html; charset=utf-8", headers=headers)
        return self.address + path


@contextmanager
def hosting() -> Iterator[Host]:
    """A host that serves until the block ends."""
    answers = {"/host.js": Answered(body=HOST_SCRIPT, media_type="text/javascript")}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = answers.get(self.path)
            self.send_response(200 if found else 404)
            body = found.body.encode() if found else b""
            self.send_header("Content-Type", found.media_type if found else "text/plain")
            self.send_header("Content-Length", str(len(body)))
            for name, value in (found.headers if found else {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - as inherited
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Host(server.server_address[1], answers)
    finally:
        server.shutdown()
        server.server_close()


class Streams:
    """The service, with a count of the event streams that it has open, by conversation."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = re.fullmatch(r"/v1/conversations/([^/]+)/events", scope.get("path", ""))
        if not found or (b"accept", b"text/event-stream") not in scope["headers"]:
            await self._app(scope, receive, send)
            return
        name = found[1]
        self.open[name] += 1
        self.most[name] = max(self.most[name], self.open[name])
        try:
            await self._app(scope, receive, send)
        finally:
            self.open[name] -= 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatSite:
    """The service, a host with the chat, and somebody who answers."""

    address: str
    host: Host
    service: Service
    streams: Streams
    agent: StoredAgent

    @property
    def people(self) -> People:
        return self.service.tier.people

    def said(self, conversation_id: str) -> list[str]:
        """What the customer has said, as stored."""
        assert self.service.storage is not None
        with self.service.storage.read() as reading:
            return [one["text"] for one in self._facts(reading, conversation_id)]

    def expire(self, conversation_id: str) -> None:
        """End the time in which the conversation can be used."""
        assert self.service.storage is not None
        with self.service.storage.write() as writing:
            found = writing.conversation(conversation_id)
            assert found is not None
            writing.save_conversation(replace(found, expires_at=datetime.now(UTC) - timedelta(seconds=1)))

    @staticmethod
    def _facts(reading: Any, conversation_id: str) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        for event in reading.events(conversation_id):
            found = event.public_json()
            if found["type"] == "customer_message":
                yield found["data"]


@contextmanager
def serving_chat(index: Path, folder: Path) -> Iterator[ChatSite]:
    """All of it, until the block ends."""
    settings = load_settings(Settings, ROOT / "helppari.toml")
    with hosting() as host:
        suggested: dict[str, tuple[str, ...]] = {"*": ("lost-card", "card-not-arrived", "mobile-pay")}
        sites = {"shop": SiteKeySettings(origins=(host.address,), suggestions=suggested)}
        settings = settings.model_copy(
            update={
                "index": settings.index.model_copy(update={"dir": index}),
                "storage": settings.storage.model_copy(
                    update={"url": SecretStr(f"sqlite:///{folder}/chat.sqlite")}
                ),
                "widget": settings.widget.model_copy(update={"sites": sites}),
                # Every customer here comes from one network.
                "limits": settings.limits.model_copy(
                    update={"asks_per_minute": 0, "conversations_per_minute": 0}
                ),
            }
        )
        app = create_app(settings)
        streams = Streams(app)
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen(64)
        server = uvicorn.Server(
            uvicorn.Config(streams, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
        thread.start()
        until = time.monotonic() + 120
        while not (server.started and app.state.service.swapper.index) and time.monotonic() < until:
            time.sleep(0.05)
        assert server.started
        staff = Staff(app.state.service.storage, settings.desk)
        profile = Profile(
            email="maija@etupolku.example",
            name="Maija",
            teams=("service", "cards", "employers"),
            languages=("fi", "sv", "en"),
            room=40,
        )
        agent = staff.add(profile, "mansikka-torni-83", by="console")
        staff.set_status(agent.id, Availability.AVAILABLE)
        staff.heartbeat(agent.id)
        gone = threading.Event()

        def at_the_desk() -> None:
            """As the desk's page does: without it the agent's conversations would go back to the queue."""
            while not gone.wait(20):
                staff.heartbeat(agent.id)

        threading.Thread(target=at_the_desk, daemon=True).start()
        try:
            yield ChatSite(
                address=f"http://127.0.0.1:{sock.getsockname()[1]}",
                host=host,
                service=app.state.service,
                streams=streams,
                agent=staff.person(agent.id),
            )
        finally:
            gone.set()
            server.should_exit = True
            thread.join(20)
            sock.close()


@pytest.fixture(scope="session")
def chat_site(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatSite]:
    """One service and one host for all tests of the chat."""
    with serving_chat(sample_index, tmp_path_factory.mktemp("chat")) as found:
        yield found


class Chat:
    """A customer at a page with the chat; what the browser complains of is kept."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[Request] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request))
        self.root = page.locator("helppari-chat")
        self.launcher = self.root.locator(".launcher")
        self.panel = self.root.get_by_role("dialog")
        self.log = self.root.get_by_role("log")
        self.box = self.root.locator("#draft")
        self.bot = self.log.locator(".entry.bot")
        self.mine = self.log.locator(".entry.customer")
        self.people = self.log.locator(".entry.person")

    def at(self, url: str) -> Chat:
        """Go to a page and wait for the launcher."""
        self.page.goto(url)
        expect(self.launcher).to_be_visible()
        return self

    def open(self) -> Chat:
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def write(self, text: str) -> None:
        """Send a message, without waiting for what comes of it."""
        self.box.fill(text)
        self.box.press("Enter")
        expect(self.mine.last).to_contain_text(text)

    def ask(self, text: str) -> Locator:
        """Send a message and wait for the bot; its entry."""
        before = self.bot.count()
        self.write(text)
        expect(self.bot).to_have_count(before + 1)
        expect(self.root.locator(".writing")).to_have_count(0)
        return self.bot.last

    def person(self) -> None:
        """Ask for a person by the button that is always there."""
        before = self.bot.count()
        self.root.locator(".human").click()
        expect(self.bot).to_have_count(before + 1)
        expect(self.root.locator(".standing")).to_be_visible()

    @property
    def conversation_id(self) -> str:
        """Of the newest conversation that this page has called about."""
        found = [re.search(r"/v1/conversations/([^/?]+)", request.url) for request in self.requests]
        return next(one[1] for one in reversed(found) if one)

    def in_sight(self) -> list[tuple[str, str]]:
        """Who has said what, as the log shows it."""
        entries = self.log.locator(".entry").all()
        return [
            (
                (entry.get_attribute("class") or "").split()[-1],
                " ".join(entry.locator(".said").inner_text().split()),
            )
            for entry in entries
        ]

    def scan(self) -> list[str]:
        """What axe finds wrong with the page once nothing moves."""
        return self.scan_by()

    def scan_by(self, *rules: str) -> list[str]:
        """The same by some of its rules; by all when none is named."""
        if not AXE.is_file():
            pytest.skip("axe-core is not there: run scripts/browser")
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text(encoding="utf-8"))
        self.page.wait_for_function(
            "!document.querySelector('helppari-chat').shadowRoot.getAnimations()"
            ".some((one) => one.effect.getComputedTiming().iterations === 1)"
        )
        options = {"runOnly": list(rules), "resultTypes": ["violations"]} if rules else {}
        found = self.page.evaluate("async (options) => (await axe.run(options)).violations", options)
        return [
            f"{one['id']}: {node['html'][:160]} {[check['message'] for check in node['any']]}"
            for one in found
            for node in one["nodes"][:3]
        ]

    def picture(self, name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png")


def customer(
    browser: Browser,
    *,
    lang: str = "en",
    size: ViewportSize = DESK,
    **options: Any,  # noqa: ANN401 - the browser's own
) -> BrowserContext:
    """A customer's browser, whose clock is in Helsinki."""
    context = browser.new_context(
        viewport=size, locale=LOCALES[lang], timezone_id="Europe/Helsinki", **options
    )
    context.set_default_timeout(15_000)
    return context
