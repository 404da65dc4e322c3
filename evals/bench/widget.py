"""What the chat's script costs a page while it loads, in a real browser made four times slower."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from evals.bench.rows import Row, Unit
from indexer.console import say

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SCRIPT = Path(__file__).parents[2] / "widget" / "dist" / "helppari-chat.js"
LOADS = 15  #: of each page, in turns
SLOWER = 4
#: A task of the main thread blocks for as long as it takes beyond this: what the browser calls a long task.
LONG_MS = 50.0
BUDGET_MS = 50.0
ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
)
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Shop</title>
<link rel="icon" href="data:,">{script}</head><body><main><h1>Shop</h1><p>Goods</p></main></body></html>"""
LINE = '<script src="/widget.js" data-site-key="shop" async></script>'
WATCH = """window.long = []; new PerformanceObserver((list) =>
  window.long.push(...list.getEntries().map((one) => one.duration)))
  .observe({ type: "longtask", buffered: true });"""
#: Once the button is drawn, and nothing is left to do.
DRAWN = """(chat) => new Promise((done) => {
  const look = () => !chat || document.querySelector("helppari-chat")?.shadowRoot.querySelector(".launcher")
    ? requestAnimationFrame(() => requestIdleCallback(() => done(window.long)))
    : requestAnimationFrame(look);
  look();
})"""


class Load(NamedTuple):
    """The main thread while one page loaded, in milliseconds."""

    blocked: float  #: by the parts of tasks beyond ``LONG_MS``, on the wall's clock
    busy: float  #: with anything, in the thread's own time
    script: float  #: of ``busy``


def chromium() -> str:
    """The path of a browser that runs; empty when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return ""


def loading() -> list[Row]:
    """The chat's share of the main thread, beside the same page without it; no row where no browser runs."""
    path = chromium()
    if not path:
        say("widget: SKIPPED, as there is no Chromium that runs (scripts/browser)")
        if os.environ.get("HELPPARI_REQUIRE_SERVICES") == "1":
            raise RuntimeError("the chat's loading could not be measured: there is no Chromium that runs")
        return []
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, _pages() as address:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        _load(browser, address, chat=True)  # the first one pays for the browser's own start
        pairs = [
            (_load(browser, address, chat=True), _load(browser, address, chat=False)) for _ in range(LOADS)
        ]
        browser.close()
    return rows(pairs)


def rows(pairs: Sequence[tuple[Load, Load]]) -> list[Row]:
    """From loads with the chat and without it, taken in turns."""
    blocked, busy, script = (
        median(getattr(chat, name) - getattr(bare, name) for chat, bare in pairs) for name in Load._fields
    )
    detail = (
        f"main thread {busy:.0f} ms busier, {script:.0f} ms with scripts; "
        f"the page alone {median(bare.busy for _, bare in pairs):.0f} ms; median of {len(pairs)} loads each"
    )
    what = f"main thread blocked by the chat's loading, CPU {SLOWER} x slower"
    return [Row(what=what, value=blocked, budget=BUDGET_MS, unit=Unit.MILLISECONDS, detail=detail)]


def _load(browser: Browser, address: str, *, chat: bool) -> Load:
    context = browser.new_context()  # nothing cached, nor compiled before
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # other programs do not count
    page.add_init_script(WATCH)

    def spent() -> dict[str, float]:
        found = session.send("Performance.getMetrics")["metrics"]
        return {one["name"]: 1000 * one["value"] for one in found}

    before = spent()
    page.goto(f"{address}/{'chat' if chat else 'bare'}")
    tasks = page.evaluate(DRAWN, chat)
    after = spent()
    context.close()
    return Load(
        blocked=sum(max(0.0, task - LONG_MS) for task in tasks),
        busy=after["TaskDuration"] - before["TaskDuration"],
        script=after["ScriptDuration"] - before["ScriptDuration"],
    )


@contextmanager
def _pages() -> Iterator[str]:
    """A site with a page that has the chat, and one that does not."""
    answers = {
        "/chat": ("text/html; charset=utf-8", PAGE.format(script=LINE).encode()),
        "/bare": ("text/html; charset=utf-8", PAGE.format(script="").encode()),
        "/widget.js": ("text/javascript; charset=utf-8", SCRIPT.read_bytes()),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            media_type, body = answers[self.path]
            self.send_response(200)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
