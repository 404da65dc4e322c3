"""The pages as a browser without scripts gets them."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest

from tests.integration.help_center import ARTICLES, Running, build, running


class Page(HTMLParser):
    """What the tests ask of a page."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status = response.status_code
        self.html = response.text
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and all(attributes.get(key) == value for key, value in wanted.items())
        ]

    def one(self, tag: str, **wanted: str) -> dict[str, str]:
        found = self.all(tag, **wanted)
        assert len(found) == 1, (tag, wanted, found)
        return found[0]

    @property
    def text(self) -> str:
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html.partition("<main")[2])).split())


def get(web: Running, path: str, **headers: str) -> Page:
    return Page(web.client.get(path, headers={"accept": "text/html", **headers}))


class Visit:
    """A customer without scripts, who sends the page's own form."""

    def __init__(self, web: Running, lang: str = "en") -> None:
        self.web = web
        self.page = get(web, f"/?lang={lang}")

    def send(self, **fields: str) -> Page:
        form = self.page.one("form", id="ask")
        hidden = {field["name"]: field["value"] for field in self.page.all("input", type="hidden")}
        self.page = Page(self.web.client.post(form["action"], data={**hidden, **fields}))
        return self.page

    def press(self, label: str) -> Page:
        buttons = re.findall(
            r'<button[^>]*name="press" value="([^"]*)"[^>]*>(.*?)</button>', self.page.html, re.S
        )
        value = next(value for value, text in buttons if label in text)
        return self.send(press=value)


@pytest.mark.parametrize(
    ("path", "language", "expected"),
    [
        ("/", "", "en"),
        ("/", "fi-FI,fi;q=0.9,en;q=0.8", "fi"),
        ("/", "de-DE,de;q=0.9,fi;q=0.5", "fi"),
        ("/", "de-DE", "en"),
        ("/?lang=fi", "en-GB", "fi"),
        ("/?lang=xx", "fi", "fi"),
    ],
)
def test_the_page_speaks_the_customers_language(
    web: Running, path: str, language: str, expected: str
) -> None:
    page = get(web, path, **{"accept-language": language})
    assert page.one("html")["lang"] == expected
    said = {"en": "this is an automatic service", "fi": "tämä on automaattinen palvelu"}
    assert said[expected] in page.text


def test_an_answer_without_scripts_shows_quotation_source_and_confidence(web: Running) -> None:
    page = Visit(web).send(q="my card is gone")
    assert page.status == 200
    assert "Lock the card in the app, or" in page.text
    assert page.all("a", href="/help/en/lost-card#lead")
    assert page.all("a", href="/help/en/new-card#order")
    assert "Confidence in this answer: Very sure (97%)" in page.text
    assert "Did this help?" in page.text
    assert "24/7: 020 123 456" in page.text


def test_a_conversation_without_scripts_goes_on_to_a_person(web: Running) -> None:
    visit = Visit(web)
    visit.send(q="my card is gone")
    page = visit.press("No")
    assert "Sorry that didn't help" in page.text
    page = visit.press("Leave the question for customer service")
    assert "Your question has been saved" in page.text
    assert page.all("a", href="tel:020123400")
    assert page.all("a", href="mailto:support@example.com")
    assert page.text.index("my card is gone") < page.text.index("Your question has been saved")
    page = visit.send(q="please hurry")
    assert "Your question has already been saved" in page.text


def test_the_person_button_works_before_anything_was_said(web: Running) -> None:
    page = Visit(web, "fi").press("Haluan asiakaspalvelijalle")
    assert "Kysymyksesi on tallennettu" in page.text


def test_choices_are_buttons(web: Running) -> None:
    visit = Visit(web)
    page = visit.send(q="something about cards")
    assert "Did you mean one of these?" in page.text
    assert len(page.all("button", name="press")) == 3 + 1 + 1  # choices, none of these, person
    page = visit.press("Order a new card")
    assert "A new card costs 8 euros" in page.text


def test_a_form_sent_twice_is_one_message(web: Running) -> None:
    visit = Visit(web)
    visit.send(q="hello")
    page = visit.page
    first = visit.send(q="my card is gone")
    visit.page = page
    second = visit.send(q="my card is gone")
    assert first.text == second.text


def test_the_token_is_in_no_address_and_the_page_is_not_kept(web: Running) -> None:
    response = web.client.post("/?lang=en", data={"q": "my card is gone"})
    token = Page(response).one("input", name="token")["value"]
    assert token
    assert response.headers["cache-control"] == "no-store"
    addresses = re.findall(r'(?:href|action|src)="([^"]*)"', response.text)
    assert not [address for address in addresses if token in address]


def test_what_went_wrong_is_said_and_what_was_typed_stays(web: Running) -> None:
    page = Visit(web).send(q="a" * 2_001)
    assert page.status == 422
    assert "Please shorten it to at most 2000 characters" in page.text
    assert "a" * 2_001 in page.html
    page = Visit(web).send(q="hi", conversation="c_nothing", token="hpt_x")
    assert page.status == 410
    assert "This conversation has expired" in page.text
    assert page.one("input", name="token")["value"] == ""


def test_an_empty_form_only_shows_the_page_again(web: Running) -> None:
    assert Visit(web).send(q="  ").one("input", name="conversation")["value"] == ""


@pytest.mark.parametrize(
    "body", [b"\xff\xfe=\x00", b"press=jump:99999999999999999999", b"&" * 5_000, b"q=" * 50]
)
def test_any_form_gets_a_page(web: Running, body: bytes) -> None:
    response = web.client.post(
        "/", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert response.status_code in (200, 422, 503)
    assert response.headers["content-type"].startswith("text/html")


def test_markup_is_shown_and_never_run(tmp_path: Path) -> None:
    evil = "<script>window.pwned=1</script>\"'><img src=x onerror=alert(1)>"
    with running(tmp_path, site={"name": f"Evil {evil}", "languages": ("en",)}) as web:
        (web.kb / "en/card/evil.md").write_text(
            f"---\nid: evil\ntitle: '{evil.replace(chr(39), chr(39) * 2)}'\n"
            f"questions: [evil markup]\ntopics: [card]\n---\nHi {evil}\n\n[x](javascript:alert(1))\n",
            encoding="utf-8",
        )
        web.rebuild()
        pages = [Visit(web).send(q=evil), get(web, "/help/en/"), get(web, "/help/en/?q=evil%20markup")]
        pages += [get(web, "/help/en/evil"), get(web, "/help/en/%3Cscript%3E"), get(web, "/")]
        for page in pages:
            assert not page.all("img")
            assert {script.get("src", "inline").partition("?")[0] for script in page.all("script")} <= {
                "/static/chat.js",
                "/widget.js",
            }
            for _, attributes in page.tags:
                assert not [name for name in attributes if name.startswith("on") or name == "style"]
                assert "javascript:" not in attributes.get("href", "")


def test_the_help_center_lists_by_topic_what_customers_may_see(web: Running) -> None:
    page = get(web, "/help/en/")
    assert page.status == 200
    assert [section["id"] for section in page.all("section", **{"class": "topic"})] == ["card", "invoices"]
    assert "Lost or stolen card" in page.text
    assert "Summer campaign" not in page.text
    assert "Discount codes" not in page.text
    finnish = get(web, "/help/fi/")
    assert "Kadonnut tai varastettu kortti" in finnish.text
    assert "Lost or stolen card" not in finnish.text


def test_searching_the_help_center(web: Running) -> None:
    page = get(web, "/help/en/?q=lost%20card")
    links = [link["href"] for link in page.all("a") if link["href"].startswith("/help/en/l")]
    assert links[0].startswith("/help/en/lost-card#")
    assert page.one("meta", name="robots")["content"] == "noindex"
    assert page.one("input", type="search")["value"] == "lost card"


def test_an_article_page(web: Running) -> None:
    page = get(web, "/help/en/lost-card")
    assert page.status == 200
    assert "Lost or stolen card – Example" in page.html
    assert page.one("h1", id="lead")
    assert [heading["id"] for heading in page.all("h2") if "id" in heading][:2] == ["lock", "found"]
    assert page.all("a", href="#lock")
    assert page.all("a", href="/help/en/new-card#order")
    base = "http://testserver"
    assert page.one("link", rel="canonical")["href"] == f"{base}/help/en/lost-card"
    assert {link["hreflang"]: link["href"] for link in page.all("link", rel="alternate")} == {
        "en": f"{base}/help/en/lost-card",
        "fi": f"{base}/help/fi/kadonnut-kortti",
    }
    assert "Updated: 1 November 2026" in page.text
    assert "For: Employee" in page.text
    assert "If it is urgent: 24/7: 020 123 456" in page.text
    assert page.one("meta", name="description")["content"] == "Lock the card at once."


def test_canonical_addresses_are_those_of_the_public_site(tmp_path: Path) -> None:
    with running(tmp_path, site={"base_url": "https://help.example.com"}) as web:
        page = get(web, "/help/en/invoice")
        assert page.one("link", rel="canonical")["href"] == "https://help.example.com/help/en/invoice"
        assert page.all("link", rel="alternate") == []


def test_table_alignment_is_a_class(web: Running) -> None:
    assert get(web, "/help/en/invoice").all("td", **{"class": "align-right"})


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/help/en/nothing", 404),
        ("/help/en/secret", 404),
        ("/help/en/old", 404),
        ("/help/de/", 404),
        ("/help/fi/lost-card", 404),
        ("/nothing", 404),
        ("/static/nothing.js", 404),
        ("/static/..%2fapp.py", 404),
    ],
)
def test_a_page_that_is_not_there_shows_the_way(web: Running, path: str, status: int) -> None:
    page = get(web, path)
    assert page.status == status
    assert "Page not found" in page.text or "Sivua ei löytynyt" in page.text
    assert page.one("input", type="search")


def test_short_addresses_lead_on(web: Running) -> None:
    def goes_to(path: str) -> str:
        response = web.client.get(path, headers={"accept-language": "fi"}, follow_redirects=False)
        return str(response.headers["location"])

    assert goes_to("/help") == goes_to("/help/") == "/help/fi/"
    assert goes_to("/help/en") == "/help/en/"


def test_static_files_are_kept_for_good_and_renamed_when_they_change(web: Running) -> None:
    page = get(web, "/")
    ours = next(one["src"] for one in page.all("script") if one["src"] != "/widget.js")
    for address in (ours, page.one("link", rel="stylesheet")["href"]):
        response = web.client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
    assert web.client.head("/").status_code == 200


def test_without_an_index_the_page_still_shows_how_to_reach_people(tmp_path: Path) -> None:
    with running(tmp_path, built=False) as web:
        page = get(web, "/?lang=en")
        assert page.status == 200
        assert "020 123 400" in page.text
        failed = Visit(web).send(q="my card is gone")
        assert failed.status == 503
        assert "I can't look for answers right now" in failed.text
        assert "my card is gone" in failed.html
        assert get(web, "/help/en/").status == 503
        assert "Your question has been saved" in Visit(web).press("Talk to a person").text
        build(web.kb, web.root)
        web.swapper.look()
        assert get(web, "/help/en/").status == 200


def test_an_edit_shows_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as web:
        assert "8 euros" in get(web, "/help/en/new-card").text
        path = "en/card/new-card.md"
        (web.kb / path).write_text(ARTICLES[path].replace("8 euros", "9 euros"), encoding="utf-8")
        web.rebuild()
        assert "9 euros" in get(web, "/help/en/new-card").text


#: The chat's script as a page names it, in the page's language and without the name of a site.
CHAT = [("/static/chat.js", ""), ("/widget.js", "en")]


def scripts(page: Page) -> list[tuple[str, str]]:
    return [(one["src"].partition("?")[0], one.get("data-lang", "")) for one in page.all("script")]


@pytest.mark.parametrize("path", ["/?lang=en", "/help/en/", "/help/en/?q=card", "/help/en/lost-card"])
def test_pages_to_ask_on_have_the_chat_under_a_strict_policy(web: Running, path: str) -> None:
    page = get(web, path)
    assert scripts(page) == CHAT
    assert page.one("script", src="/widget.js")["data-site-key"] == ""
    policy = web.client.get(path).headers["content-security-policy"].split("; ")
    for rule in ("script-src 'self'", "connect-src 'self'", "require-trusted-types-for 'script'"):
        assert rule in policy
    assert "trusted-types helppari-chat" in policy
    assert "unsafe" not in str(policy)


def test_a_conversation_in_pages_has_no_second_chat_beside_it(web: Running) -> None:
    visit = Visit(web)
    page = visit.send(q="my card is gone")
    assert scripts(page) == []
    assert page.all("a", href="/?lang=en", **{"class": "button fresh"})
    assert scripts(visit.send(q="x", token="hpt_wrong")) == CHAT  # it has ended: the next one may be there


def test_what_went_wrong_takes_nothing_of_the_conversation_away(web: Running) -> None:
    visit = Visit(web)
    visit.send(q="my card is gone")
    page = visit.send(q="a" * 2_001)
    assert page.status == 422
    assert "Please shorten it" in page.text
    assert "Lock the card in the app, or" in page.text
    assert "my card is gone" in page.text


def test_pages_whose_address_is_a_secret_or_unknown_have_no_chat(web: Running) -> None:
    """It would tell the service, and so people at the desk, where the customer was."""
    assert scripts(get(web, "/status/hps_unknown")) == [("/static/status.js", "")]
    assert scripts(get(web, "/nothing")) == []
