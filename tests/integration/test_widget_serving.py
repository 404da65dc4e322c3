"""The chat's script and texts over HTTP, and which sites may call: the key, the Origin, CORS."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from botsvc.routes.widget import BUNDLE, TEXTS, read_asset, script_path, widget_routes
from botsvc.widget_settings import SiteKeySettings
from tests.integration.help_center import Running, running

SHOP = "https://shop.example"
INTRANET = "https://intranet.example:8443"
OTHER = "https://other.example"
SCRIPT = b"(function(){console.log('chat')})();\n" * 50
WORDS = '{"title": "Kysy meiltä"}\n'.encode() * 20
WORDS_VERSION = hashlib.sha256(WORDS).hexdigest()[:16]


@pytest.fixture
def script(tmp_path: Path) -> Path:
    file = tmp_path / "helppari-chat.js"
    file.write_bytes(SCRIPT)
    return file


@pytest.fixture
def words(tmp_path: Path) -> Path:
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "fi.json").write_bytes(WORDS)
    (tmp_path / "secret.json").write_bytes(b"{}")
    return folder


@pytest.fixture
def client(script: Path, words: Path) -> TestClient:
    return TestClient(Starlette(routes=widget_routes(script, words)), follow_redirects=False)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    sites = {
        "shop": SiteKeySettings(origins=(SHOP,), language="fi"),
        "intranet": SiteKeySettings(origins=(INTRANET,)),
    }
    with running(tmp_path_factory.mktemp("widget"), widget={"sites": sites}) as found:
        yield found


def test_the_short_address_is_kept_for_minutes_and_leads_to_one_that_is_kept_for_good(
    client: TestClient,
) -> None:
    short = client.get("/widget.js")
    assert short.status_code == 302
    assert short.headers["cache-control"] == "public, max-age=300"
    assert short.headers["location"] == f"widget-{hashlib.sha256(SCRIPT).hexdigest()[:16]}.js"
    full = client.get(f"/{short.headers['location']}")
    assert full.content == SCRIPT
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert full.headers["content-type"] == "text/javascript; charset=utf-8"
    for response in (short, full):
        assert response.headers["cross-origin-resource-policy"] == "cross-origin"
        assert response.headers["access-control-allow-origin"] == "*"
        assert "set-cookie" not in response.headers


def test_it_travels_zipped_only_to_those_who_can_unzip(client: TestClient) -> None:
    path = client.get("/widget.js").headers["location"]
    with client.stream("GET", f"/{path}", headers={"Accept-Encoding": "gzip"}) as zipped:
        assert zipped.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(zipped.iter_raw())) == SCRIPT
    plain = client.get(f"/{path}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == SCRIPT
    assert plain.headers["vary"] == "Accept-Encoding"
    assert plain.headers["etag"] != zipped.headers["etag"]


def test_what_a_browser_has_is_not_sent_again(client: TestClient) -> None:
    path = f"/{client.get('/widget.js').headers['location']}"
    tag = client.get(path).headers["etag"]
    again = client.get(path, headers={"If-None-Match": f'"else", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"else"'}).status_code == 200


def test_a_new_script_has_a_new_address_and_the_former_one_is_not_kept(
    client: TestClient, script: Path
) -> None:
    before = client.get("/widget.js").headers["location"]
    script.write_bytes(SCRIPT + b"// more\n")
    after = client.get("/widget.js").headers["location"]
    assert after != before
    former = client.get(f"/{before}")
    assert former.content == SCRIPT + b"// more\n"
    assert former.headers["cache-control"] == "public, max-age=300"


def test_without_a_script_there_is_nothing(tmp_path: Path) -> None:
    client = TestClient(Starlette(routes=widget_routes(tmp_path / "none.js")), follow_redirects=False)
    assert client.get("/widget.js").status_code == 404
    assert client.get("/widget-0123456789abcdef.js").status_code == 404


def test_the_service_serves_the_committed_script(web: Running) -> None:
    script = read_asset(BUNDLE)
    assert script is not None, f"there is no {BUNDLE}"
    response = web.client.get("/widget.js")
    assert response.url.path == script_path(script)
    assert response.content == BUNDLE.read_bytes()
    assert response.headers["x-content-type-options"] == "nosniff"


def test_texts_are_kept_for_good_where_the_version_asked_for_is_theirs(client: TestClient) -> None:
    named = client.get("/widget-texts/fi.json", params={"v": WORDS_VERSION})
    assert named.content == WORDS
    assert named.headers["cache-control"] == "public, max-age=31536000, immutable"
    half = client.get("/widget-texts/fi.json", params={"v": WORDS_VERSION[:8]})
    assert half.headers["cache-control"] == named.headers["cache-control"]
    for params in ({}, {"v": ""}, {"v": WORDS_VERSION[:7]}, {"v": "0123456789abcdef"}):
        other = client.get("/widget-texts/fi.json", params=params)
        assert (other.status_code, other.content) == (200, WORDS)
        assert other.headers["cache-control"] == "public, max-age=300"
        assert other.headers["content-type"] == "application/json"
        assert other.headers["cross-origin-resource-policy"] == "cross-origin"
        assert other.headers["access-control-allow-origin"] == "*"
        assert "set-cookie" not in other.headers


def test_texts_travel_zipped_and_not_again(client: TestClient) -> None:
    path = "/widget-texts/fi.json"
    with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as zipped:
        assert gzip.decompress(b"".join(zipped.iter_raw())) == WORDS
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert plain.content == WORDS
    tag = plain.headers["etag"]
    assert tag != zipped.headers["etag"]
    known = {"If-None-Match": tag, "Accept-Encoding": "identity"}
    assert client.get(path, headers=known).status_code == 304
    assert client.get(path, headers={**known, "If-None-Match": '"else"'}).status_code == 200


def test_changed_texts_are_read_again(client: TestClient, words: Path) -> None:
    asked = {"v": WORDS_VERSION}
    assert client.get("/widget-texts/fi.json", params=asked).content == WORDS
    (words / "fi.json").write_bytes(WORDS + b" ")
    changed = client.get("/widget-texts/fi.json", params=asked)
    assert changed.content == WORDS + b" "
    assert changed.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("lang", ["de", "FI", "..%2Fsecret", "%2E%2E%2Fsecret", "fi%00", "fi.json"])
def test_there_are_no_texts_of_other_names(client: TestClient, lang: str) -> None:
    assert client.get(f"/widget-texts/{lang}.json").status_code == 404


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_the_service_serves_the_committed_texts(web: Running, lang: str) -> None:
    file = (TEXTS / f"{lang}.json").read_bytes()
    version = hashlib.sha256(file).hexdigest()[:16]
    response = web.client.get(f"/widget-texts/{lang}.json", params={"v": version}, headers={"Origin": OTHER})
    assert response.content == file
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["access-control-allow-origin"] == "*"


def asked(web: Running, **headers: str) -> tuple[int, str, str]:
    """Status, allowed origin and kind of problem of a search with these headers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = web.client.get("/v1/search", params={"q": "card"}, headers=named)
    kind = response.json().get("type", "").rpartition(":")[2] if response.status_code >= 400 else ""
    return response.status_code, response.headers.get("access-control-allow-origin", ""), kind


def test_a_site_s_pages_may_call_with_its_key_and_read_what_comes(web: Running) -> None:
    assert asked(web, x_helppari_site="shop", origin=SHOP) == (200, SHOP, "")
    assert asked(web, x_helppari_site="intranet", origin=INTRANET) == (200, INTRANET, "")


@pytest.mark.parametrize(
    ("key", "origin", "allowed"),
    [("shop", INTRANET, INTRANET), ("shop", OTHER, ""), ("shops", SHOP, SHOP), ("", SHOP, SHOP)],
)
def test_a_key_is_good_on_its_own_site_only(web: Running, key: str, origin: str, allowed: str) -> None:
    """The problem can be read where the origin is known, so that the page can say why."""
    assert asked(web, x_helppari_site=key, origin=origin) == (403, allowed, "site-not-allowed")


@pytest.mark.parametrize(
    "origin", ["null", "https://shop.example.evil", "http://shop.example", "shop.example"]
)
def test_no_look_alike_passes(web: Running, origin: str) -> None:
    assert asked(web, x_helppari_site="shop", origin=origin)[0] == 403


def test_our_own_pages_and_programs_need_no_key(web: Running) -> None:
    assert asked(web)[0] == 200
    assert asked(web, origin="http://testserver")[0] == 200
    assert asked(web, x_helppari_site="shop", origin="http://testserver")[0] == 200
    assert asked(web, x_helppari_site="shop")[0] == 200


CALLS: Mapping[str, str] = {
    "/v1/search": "GET",
    "/v1/welcome": "GET",
    "/v1/articles/en/lost-card": "GET",
    "/v1/ask": "POST",
    "/v1/conversations": "POST",
    "/v1/conversations/c_1": "GET",
    "/v1/conversations/c_1/messages": "POST",
    "/v1/conversations/c_1/events": "GET",
    "/v1/conversations/c_1/csat": "POST",
    "/v1/feedback": "POST",
}


@pytest.mark.parametrize("path", CALLS)
def test_every_call_may_be_made_from_a_site_with_every_header(web: Running, path: str) -> None:
    wanted = "authorization, content-type, last-event-id, x-helppari-site"
    asking = {"Access-Control-Request-Method": CALLS[path], "Access-Control-Request-Headers": wanted}
    response = web.client.options(path, headers={**asking, "Origin": SHOP})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == SHOP
    allowed = {name.strip() for name in response.headers["access-control-allow-headers"].lower().split(",")}
    assert set(wanted.split(", ")) <= allowed
    refused = web.client.options(path, headers={**asking, "Origin": OTHER})
    assert "access-control-allow-origin" not in refused.headers


def test_a_stream_and_its_refusal_can_be_read_from_a_site(web: Running) -> None:
    site = {"Origin": SHOP, "X-Helppari-Site": "shop"}
    opened = web.client.post("/v1/conversations", json={}, headers=site).json()
    path = f"/v1/conversations/{opened['conversation_id']}/events"
    token = {"Authorization": f"Bearer {opened['token']}"}
    page = web.client.get(path, headers={**site, **token})
    assert (page.status_code, page.headers["access-control-allow-origin"]) == (200, SHOP)
    refused = web.client.get(path, headers={**site, "Accept": "text/event-stream"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, SHOP)
    assert "retry-after" in refused.headers["access-control-expose-headers"].lower()


@pytest.mark.parametrize(
    ("key", "lang", "spoken"), [("shop", None, "fi"), ("shop", "en", "en"), ("intranet", None, "en")]
)
def test_a_site_s_language_serves_a_page_that_names_none(
    web: Running, key: str, lang: str | None, spoken: str
) -> None:
    headers = {"X-Helppari-Site": key}
    opened = web.client.post("/v1/conversations", json={"lang": lang}, headers=headers).json()
    stored = web.client.app.state.service.storage  # type: ignore[attr-defined]
    with stored.read() as reading:
        assert reading.conversation(opened["conversation_id"]).language == spoken


def test_without_configured_sites_any_key_passes_and_the_origin_counts(tmp_path: Path) -> None:
    with running(tmp_path, server={"allowed_origins": (SHOP,)}) as web:
        assert asked(web, x_helppari_site="anything", origin=SHOP) == (200, SHOP, "")
        assert asked(web, x_helppari_site="anything", origin=OTHER) == (200, "", "")
