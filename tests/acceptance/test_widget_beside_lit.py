"""The chat on a page that is itself built with Lit, under Trusted Types that know both policies."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.acceptance.widget_site import ROOT, Answered, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

MODULES = ROOT / "widget" / "node_modules"
#: Lit's own files, its development build: the one that warns.
FILES = (
    "@lit/reactive-element/development/reactive-element.js",
    "@lit/reactive-element/development/css-tag.js",
    "lit-html/development/lit-html.js",
    "lit-html/development/is-server.js",
    "lit-element/development/lit-element.js",
    "lit/index.js",
)
ADDRESSES = {
    "@lit/reactive-element": FILES[0],
    "lit-html": FILES[2],
    "lit-html/is-server.js": FILES[3],
    "lit-element/lit-element.js": FILES[4],
}
PAGE_SCRIPT = """
import { LitElement, html } from "/modules/lit/index.js";
class ShopBasket extends LitElement {
  static properties = { goods: { type: Number } };
  constructor() {
    super();
    this.goods = 0;
  }
  render() {
    return html`<button @click=${() => (this.goods += 1)}>Basket: ${this.goods}</button>`;
  }
}
customElements.define("shop-basket", ShopBasket);
document.querySelector("main").append(document.createElement("shop-basket"));
"""


def served(path: Path) -> str:
    """A module with the addresses that a bundler would give its imports."""

    def address(found: re.Match[str]) -> str:
        name = found[2]
        target = ADDRESSES.get(name) or os.path.normpath(path.relative_to(MODULES).parent / name)
        return f'{found[1]}"/modules/{target}"'

    return re.sub(r"""(\bfrom\s*|\bimport\s*)['"]([^'"]+)['"]""", address, path.read_text(encoding="utf-8"))


@pytest.fixture
def page_with_lit(chat_site: ChatSite) -> str:
    """The address of a page with an element of its own, made with Lit, and the chat."""
    if not (MODULES / "lit").is_dir():
        missing = "Lit is not there: run npm ci in widget/"
        if os.environ.get("HELPPARI_REQUIRE_SERVICES") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    host, service = chat_site.host, chat_site.address
    for name in FILES:
        host.answers[f"/modules/{name}"] = Answered(body=served(MODULES / name), media_type="text/javascript")
    host.answers["/basket.js"] = Answered(body=PAGE_SCRIPT, media_type="text/javascript")
    policy = (
        f"default-src 'none'; script-src 'self' {service}; connect-src {service}; style-src 'self'; "
        f"img-src {service} data:; require-trusted-types-for 'script'; trusted-types lit-html helppari-chat"
    )
    url = host.page(service, policy=policy)
    path = url.removeprefix(host.address)
    page = host.answers[path]
    line = '<script src="/host.js"></script>'
    body = page.body.replace(line, f'{line}<script type="module" src="/basket.js"></script>')
    host.answers[path] = Answered(body=body, media_type=page.media_type, headers=page.headers)
    return url


@pytest.mark.parametrize("first", ["chat", "page"])
def test_both_work_whichever_comes_first(
    browser: Browser, chat_site: ChatSite, page_with_lit: str, first: str
) -> None:
    context = customer(browser)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    late = "**/basket.js" if first == "chat" else "**/widget.js"
    other = page.locator("helppari-chat" if first == "chat" else "shop-basket")

    held: list[Route] = []
    page.route(late, lambda route: held.append(route))
    chat = Chat(page)
    with page.expect_request(late):
        page.goto(page_with_lit, wait_until="commit")
    expect(other).to_have_count(1)
    held.pop().continue_()

    basket = page.get_by_role("button", name="Basket")
    basket.click()
    basket.click()
    expect(basket).to_have_text("Basket: 2")
    chat.open()
    chat.ask("when is the invoice due")
    chat.person()
    basket.click()
    expect(basket).to_have_text("Basket: 3")
    assert page.evaluate("window.violations") == []
    assert chat.complaints == []
    # Lit says that it is there twice, which is true, and nothing else.
    other_words = [text for text in said if "Lit is in dev mode" not in text]
    assert [text for text in other_words if "Multiple versions of Lit" not in text] == []
    context.close()
