"""The chat as a guest on other people's pages: light, quiet, strict, and closed to what is written in it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from botsvc.routes.widget import BUNDLE
from tests.acceptance.widget_site import HOST_STYLE, ROOT, Chat, ChatSite, customer

pytestmark = pytest.mark.browser

ATTACKS = json.loads((ROOT / "tests" / "data" / "attacks.json").read_text(encoding="utf-8"))["attacks"]
BUDGET = 25_000  #: bytes, gzipped


def strict(service: str) -> str:
    return (
        f"default-src 'none'; script-src 'self' {service}; connect-src {service}; style-src 'self'; "
        f"img-src {service} data:; base-uri 'none'; "
        "require-trusted-types-for 'script'; trusted-types helppari-chat"
    )


@pytest.fixture
def chat(browser: Browser) -> Iterator[Chat]:
    context = customer(browser)
    found = Chat(context.new_page())
    yield found
    context.close()
    assert found.complaints == []


def test_nothing_is_stored_or_asked_for_before_the_customer_does_something(
    chat: Chat, chat_site: ChatSite
) -> None:
    chat.at(chat_site.host.page(chat_site.address))
    chat.page.wait_for_load_state("networkidle")
    ours = [request.url for request in chat.requests if request.url.startswith(chat_site.address)]
    # The short address leads to the one file; nothing else.
    assert [url.removeprefix(chat_site.address).partition("-")[0] for url in ours] == [
        "/widget.js",
        "/widget",
    ]
    assert kept(chat) == [0, 0, 0, ""]
    assert chat.page.context.cookies() == []


def kept(chat: Chat) -> list[object]:
    found: list[object] = chat.page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length,"
        " document.cookie]"
    )
    return found


def test_opening_and_searching_store_nothing_and_a_message_no_cookie(chat: Chat, chat_site: ChatSite) -> None:
    chat.at(chat_site.host.page(chat_site.address)).open()
    expect(chat.box).to_be_visible()
    paths = [request.url.removeprefix(chat_site.address).partition("?")[0] for request in chat.requests]
    assert sorted(path for path in paths if path.startswith(("/widget-texts", "/v1"))) == [
        "/v1/welcome",
        "/widget-texts/en.json",
    ]
    chat.root.locator("#search").fill("card")
    expect(chat.root.locator(".body ul.links a").first).to_be_visible()
    assert kept(chat) == [0, 0, 0, ""]
    chat.ask("when is the invoice due")
    assert chat.page.context.cookies() == []
    # The secret of the conversation is in no address.
    stored = json.dumps(chat.page.evaluate("({...sessionStorage, ...localStorage})"))
    tokens = [
        request.headers["authorization"].removeprefix("Bearer ")
        for request in chat.requests
        if "authorization" in request.headers
    ]
    assert tokens
    assert tokens[0] in stored
    assert not any(tokens[0] in request.url for request in chat.requests)


def test_it_is_one_file_within_its_budget(chat: Chat, chat_site: ChatSite) -> None:
    assert len(gzip.compress(BUNDLE.read_bytes(), mtime=0)) <= BUDGET
    assert sorted(path.name for path in BUNDLE.parent.glob("*.js")) == [BUNDLE.name]
    with chat.page.expect_response(lambda found: "/widget-" in found.url) as caught:
        chat.at(chat_site.host.page(chat_site.address))
    assert caught.value.headers["content-encoding"] == "gzip"
    assert caught.value.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_it_works_under_the_strictest_policy_of_a_host(chat: Chat, chat_site: ChatSite) -> None:
    chat.at(chat_site.host.page(chat_site.address, policy=strict(chat_site.address))).open()
    chat.ask("when is the invoice due")
    chat.person()
    chat_site.people.take(chat.conversation_id, chat_site.agent)
    expect(chat.root.locator(".standing")).to_contain_text("Maija")
    assert chat.page.evaluate("window.violations") == []


def test_the_demo_pages_enforce_the_same(chat: Chat, chat_site: ChatSite) -> None:
    chat.page.add_init_script(
        "window.violations = []; document.addEventListener('securitypolicyviolation',"
        " (event) => window.violations.push(event.violatedDirective));"
    )
    for path, lang in (("/demo", "fi"), ("/demo/sv", "sv"), ("/demo/en", "en")):
        chat.at(chat_site.address + path)
        chat.picture(f"demo-{lang}")
        chat.open()
        expect(chat.panel).to_have_attribute("lang", lang)
        assert chat.scan() == []
        assert chat.page.evaluate("window.violations") == []
    chat.ask("when is the invoice due")


def test_another_site_cannot_use_the_key(chat: Chat, chat_site: ChatSite) -> None:
    page = chat_site.host.page(chat_site.address).replace("127.0.0.1", "localhost")
    chat.at(page).open()
    chat.box.fill("when is the invoice due")
    with chat.page.expect_event("requestfailed", lambda request: "/v1/conversations" in request.url):
        chat.box.press("Enter")
    expect(chat.box.or_(chat.mine).first).to_be_visible()
    expect(chat.bot).to_have_count(0)


def test_keys_and_styles_leak_neither_way(chat: Chat, chat_site: ChatSite) -> None:
    before = chat.at(chat_site.host.page(chat_site.address)).page.evaluate(
        "[getComputedStyle(document.querySelector('h1')).font, getComputedStyle(document.body).margin]"
    )
    assert before == chat.page.evaluate(
        "document.querySelector('helppari-chat').remove() || "
        "[getComputedStyle(document.querySelector('h1')).font, getComputedStyle(document.body).margin]"
    )
    chat.at(chat_site.host.page(chat_site.address, style=HOST_STYLE)).open()
    chat.box.press_sequentially("jk?/ test")
    chat.box.press("Enter")
    expect(chat.mine).to_contain_text("jk?/ test")
    assert chat.page.evaluate("window.hotkeys") == []
    look = chat.box.evaluate("(box) => [getComputedStyle(box).color, getComputedStyle(box).fontFamily]")
    assert look[0] != "rgb(255, 0, 0)"
    assert look[1] != "fantasy"
    expect(chat.root.locator("button[aria-label=Send]")).to_be_visible()
    # The page's own keys go on working.
    chat.panel.press("Escape")
    chat.page.locator("a", has_text="Goods").focus()
    chat.page.keyboard.press("j")
    assert "keydown j" in chat.page.evaluate("window.hotkeys")


def harmless(chat: Chat) -> None:
    """Nothing ran, nothing that could run is there, and no address outside was asked for."""
    assert chat.page.evaluate("window.pwned") is None
    found = chat.page.evaluate(
        """() => {
            const root = document.querySelector("helppari-chat").shadowRoot;
            const never = "script, iframe, object, embed, base, meta, link, form[action]";
            const bad = [...root.querySelectorAll(never)];
            for (const element of root.querySelectorAll("*")) {
                for (const { name, value } of element.attributes) {
                    const script = /^\\s*(?:javascript|vbscript|data)\\s*:/i.test(value);
                    const followed = ["href", "src", "action"].includes(name);
                    if (name.startsWith("on") || (script && followed)) bad.push(element);
                }
            }
            return bad.map((element) => element.outerHTML.slice(0, 200));
        }"""
    )
    assert found == []


def test_what_an_article_holds_executes_nothing(chat: Chat, chat_site: ChatSite) -> None:
    """Even if the service sent it as it is written, on a page without any policy."""

    def poisoned(route: Route) -> None:
        body = route.fetch().json()
        section = body["sections"][0]
        body["sections"] = [
            {
                **section,
                "html": attack["markdown"],
                "heading_path": [attack["markdown"]],
                "url": attack["markdown"],
            }
            for attack in ATTACKS
        ]
        body["title"] = body["summary"] = "<img src=x onerror=window.pwned=1>"
        route.fulfill(json=body, headers={"Access-Control-Allow-Origin": chat_site.host.address})

    chat.page.route("**/v1/articles/**", poisoned)
    chat.at(chat_site.host.page(chat_site.address)).open()
    chat.root.locator("#search").fill("invoice")
    chat.root.locator(".body ul.links a").first.click()
    expect(chat.root.locator("article.article section")).to_have_count(len(ATTACKS))
    chat.page.wait_for_timeout(300)
    harmless(chat)
    outside = [request.url for request in chat.requests if "127.0.0.1" not in request.url]
    assert [url for url in outside if not url.startswith("data:")] == []


def test_what_an_agent_or_a_customer_writes_executes_nothing(chat: Chat, chat_site: ChatSite) -> None:
    chat.at(chat_site.host.page(chat_site.address)).open()
    chat.person()
    conversation = chat.conversation_id
    chat_site.people.take(conversation, chat_site.agent)
    texts = [attack["markdown"] for attack in ATTACKS if 0 < len(attack["markdown"].strip()) <= 5_000]
    for number, text in enumerate(texts):
        chat_site.people.say(conversation, chat_site.agent, text, message_id=f"a{number}")
    expect(chat.people).to_have_count(len(texts), timeout=20_000)
    chat.write("<img src=x onerror=window.pwned=1>")
    expect(chat.mine.last).to_contain_text("<img src=x onerror=window.pwned=1>")
    harmless(chat)


@pytest.mark.parametrize("name", ["lang", "position", "theme", "store", "site_key", "server"])
def test_what_the_line_s_attributes_hold_executes_nothing(chat: Chat, chat_site: ChatSite, name: str) -> None:
    value = (
        "javascript:window.pwned=1"
        if name == "server"
        else "&quot;&gt;&lt;img src=x onerror=window.pwned=1&gt;"
    )
    page = chat_site.host.page(chat_site.address, **{name: value})
    chat.at(f"{page}#<img src=x onerror=window.pwned=1>").open()
    chat.page.wait_for_timeout(100)
    harmless(chat)
