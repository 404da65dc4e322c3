"""Signing in to the desk, its sessions, foreign forms, and the admin's page of people."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from botsvc.desk.rendering import STATIC
from botsvc.desk.wording import LANGUAGES, texts
from botsvc.staff import Role
from tests.integration.desk_calls import PASSWORD, Page, Worker, person, store_of
from tests.integration.help_center import Running, running

TEMPLATES = STATIC.parent / "templates"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("desk"), desk={"sign_ins_per_minute": 1000}) as found:
        person(found, "Maija", Role.ADMIN, Role.AGENT, languages=("fi",))
        person(found, "Ville")
        yield found


def test_without_a_session_every_page_leads_to_the_sign_in(web: Running) -> None:
    stranger = Worker(web)
    for path in ("/desk/me", "/desk/people"):
        response = stranger.get(path).response
        assert (response.status_code, response.headers["location"]) == (
            303,
            f"/desk/sign-in?next={path.replace('/', '%2F')}",
        )
    response = stranger.post("/desk/people/new", {"name": "Evil"}).response
    assert (response.status_code, response.headers["location"]) == (303, "/desk/sign-in")


def test_signing_in_leads_on_and_keeps_the_session_strictly(web: Running) -> None:
    worker = Worker(web)
    response = worker.sign_in(" Maija@example.com", PASSWORD, next="/desk/people")
    assert (response.status_code, response.headers["location"]) == (303, "/desk/people")
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("helppari-desk=hpd_")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert response.headers["cache-control"] == "no-store"
    assert "Maija" in worker.get("/desk/people").html


def test_over_https_the_cookie_is_bound_to_the_host(web: Running) -> None:
    worker = Worker(web)
    worker.client.base_url = "https://testserver"
    response = worker.sign_in("maija@example.com", PASSWORD)
    cookie = response.headers["set-cookie"]
    assert cookie.startswith("__Host-helppari-desk=")
    assert "Secure" in cookie.split("; ")


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/desk", "/\\evil.example", "/x", ""]
)
def test_signing_in_never_leads_elsewhere(web: Running, address: str) -> None:
    response = Worker(web).sign_in("maija@example.com", PASSWORD, next=address)
    assert response.headers["location"] == "/desk"


def test_a_wrong_password_says_the_same_as_a_wrong_address(web: Running) -> None:
    wrong = Page(Worker(web).sign_in("maija@example.com", "nope"))
    nobody = Page(Worker(web).sign_in("nobody@example.com", "nope"))
    assert wrong.status == nobody.status == 403
    assert wrong.text == nobody.text
    assert "The e-mail address or the password is wrong" in wrong.text
    assert "set-cookie" not in wrong.response.headers
    assert "nope" not in wrong.html


def test_too_many_tries_are_told_to_wait(tmp_path: Path) -> None:
    with running(tmp_path, built=False, desk={"sign_ins_per_minute": 2}) as web:
        person(web, "Maija", Role.ADMIN)
        answers = [Worker(web).sign_in("maija@example.com", "nope") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [403, 403, 429]
        assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_foreign_form_is_refused(web: Running) -> None:
    worker = Worker(web, "Maija")
    before = len(store_agents(web))
    fields = {"name": "Evil", "email": "evil@example.com", "password": PASSWORD, "role": "admin", "room": "3"}
    assert worker.post("/desk/people/new", {**fields, "csrf": ""}).status == 403
    assert worker.post("/desk/people/new", {**fields, "csrf": "x" * 43}).status == 403
    assert worker.post("/desk/people/new", fields, **{"sec-fetch-site": "cross-site"}).status == 403
    assert worker.post("/desk/people/new", fields, **{"sec-fetch-site": "same-site"}).status == 403
    assert worker.post("/desk/people/new", fields, origin="https://evil.example").status == 403
    assert worker.post("/desk/people/new", fields, origin="null").status == 403
    other = Worker(web, "Ville")
    assert worker.post("/desk/people/new", {**fields, "csrf": other.csrf}).status == 403
    assert len(store_agents(web)) == before
    own = worker.post(
        "/desk/me/keys", {"keys": "on"}, origin="http://testserver", **{"sec-fetch-site": "same-origin"}
    )
    assert own.status == 303
    by_header = worker.client.post("/desk/heartbeat", headers={"x-csrf-token": worker.csrf})
    assert by_header.status_code == 204


def test_the_heartbeat_says_that_the_desk_is_open(web: Running) -> None:
    worker = Worker(web, "Ville")
    with store_of(web).read() as reading:
        before = reading.agent_by_email("ville@example.com")
    worker.client.post("/desk/heartbeat", headers={"x-csrf-token": worker.csrf})
    with store_of(web).read() as reading:
        after = reading.agent_by_email("ville@example.com")
    assert before is not None
    assert after is not None
    assert before.seen_at is not None
    assert after.seen_at is not None
    assert after.seen_at > before.seen_at


def store_agents(web: Running) -> list[str]:
    with store_of(web).read() as reading:
        return [agent.email for agent in reading.agents()]


def test_somebody_elses_sign_in_form_is_refused(web: Running) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    data = {"email": "maija@example.com", "password": PASSWORD}
    response = Worker(web).client.post("/desk/sign-in", data=data, headers=headers)
    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_a_link_in_a_mail_asks_again_from_our_own_page(web: Running) -> None:
    page = Worker(web).get("/desk/people?x=1", **{"sec-fetch-site": "cross-site"})
    assert page.status == 200
    assert page.all("meta", http_equiv="refresh")[0]["content"] == "0; url=/desk/people?x=1"


def test_signing_out_ends_the_session_and_not_only_the_cookie(web: Running) -> None:
    worker = Worker(web, "Ville")
    cookie = worker.client.cookies["helppari-desk"]
    assert worker.post("/desk/sign-out").response.headers["location"] == "/desk/sign-in"
    worker.client.cookies.set("helppari-desk", cookie)
    assert worker.get("/desk/me").status == 303


def test_signing_out_everywhere(web: Running) -> None:
    here, there = Worker(web, "Ville"), Worker(web, "Ville")
    here.post("/desk/sign-out", {"everywhere": "yes"})
    assert there.get("/desk/me").status == 303


def test_only_admins_see_and_change_people(web: Running) -> None:
    worker = Worker(web, "Ville")
    for path in ("/desk/people", "/desk/people/new"):
        assert worker.get(path).status == 403
    assert "/desk/people" not in worker.get("/desk/me").html
    refused = worker.post("/desk/people/new", {"name": "X", "email": "x@example.com", "password": PASSWORD})
    assert refused.status == 403
    assert "You are not allowed" in refused.text


def test_an_admin_adds_changes_and_closes_somebody(web: Running) -> None:
    admin = Worker(web, "Maija")
    fields = {
        "name": "Liisa <b>",
        "email": "liisa@example.com",
        "password": "short",
        "role": ["agent", "expert"],
        "languages": "FI, sv",
        "skills": "invoices",
        "room": "2",
    }
    page = admin.post("/desk/people/new", fields)
    assert page.status == 422
    assert "needs at least 12 characters" in page.text
    assert "Liisa &lt;b&gt;" in page.html
    assert "<b>" not in page.html
    response = admin.post("/desk/people/new", {**fields, "password": PASSWORD}).response
    place = response.headers["location"].partition("?")[0]
    assert Worker(web).sign_in("liisa@example.com", PASSWORD).status_code == 303
    changed = admin.post(place, {**fields, "name": "Liisa", "room": "x"})
    assert "a number from 0 to 50" in changed.text
    assert admin.post(place, {**fields, "name": "Liisa", "room": "0"}).status == 303
    page = admin.get(place)
    assert page.all("input", name="room")[0]["value"] == "0"
    assert page.all("input", name="languages")[0]["value"] == "fi, sv"
    assert "password" not in {
        name for _, found in page.tags if "value" in found for name in [found.get("name")]
    }
    assert admin.post(f"{place}/password", {"password": "kuu-kettu-lapio-9"}).status == 303
    assert Worker(web).sign_in("liisa@example.com", PASSWORD).status_code == 403
    liisa = Worker(web)
    assert liisa.sign_in("liisa@example.com", "kuu-kettu-lapio-9").status_code == 303
    assert admin.post(f"{place}/account", {"active": "no"}).status == 303
    assert liisa.get("/desk/me").status == 303
    assert Worker(web).sign_in("liisa@example.com", "kuu-kettu-lapio-9").status_code == 403
    assert admin.get("/desk/people/a_nothing").status == 422


def test_own_password_status_and_shortcuts(web: Running) -> None:
    person(web, "Oma")
    worker = Worker(web, "Oma")
    fields = {"current": PASSWORD, "new": "kuu-kettu-lapio-9", "again": "kuu-kettu-lapio-8"}
    assert "not the same" in worker.post("/desk/me/password", fields).text
    wrong = worker.post("/desk/me/password", {**fields, "again": fields["new"], "current": "x"})
    assert "current password is wrong" in wrong.text
    assert worker.post("/desk/me/password", {**fields, "again": fields["new"]}).status == 303
    assert worker.get("/desk/me").status == 200
    assert worker.post("/desk/status", {"status": "away", "next": "/desk/me"}).status == 303
    assert "Away" in worker.get("/desk/me").html
    assert worker.get("/desk/me").all("body")[0]["data-keys"] == "on"
    worker.post("/desk/me/keys", {})
    assert worker.get("/desk/me").all("body")[0]["data-keys"] == "off"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_desk_speaks_the_persons_language(web: Running, lang: str) -> None:
    assert Worker(web, lang=lang).get("/desk/sign-in").all("html")[0]["lang"] == lang
    worker = Worker(web, "Maija", lang="de")
    assert worker.get("/desk/me").all("html")[0]["lang"] == "fi"
    worker.client.get(f"/desk/language?to={lang}&next=/desk/me")
    page = worker.get("/desk/me")
    assert page.all("html")[0]["lang"] == lang
    assert texts(lang)["own_settings"] in page.text


def test_every_page_runs_only_our_own_scripts_and_none_inline(web: Running) -> None:
    admin = Worker(web, "Maija")
    for path in ("/desk/me", "/desk/people", "/desk/people/new", "/desk/sign-in"):
        page = admin.get(path)
        for found in page.all("script"):
            assert found["src"].startswith("/desk/static/")
        assert not page.all("style")
        for _, found in page.tags:
            assert not [name for name in found if name.startswith(("on", "style", "hx-on"))]
        assert "script-src 'self'" in page.response.headers["content-security-policy"]
        for found in page.all("meta", name="htmx-config"):
            assert '"allowEval":false' in found["content"]
            assert '"selfRequestsOnly":true' in found["content"]
            assert '"includeIndicatorStyles":false' in found["content"]
            assert '"historyCacheSize":0' in found["content"]


def test_static_files_are_there_and_nothing_else(web: Running) -> None:
    page = Worker(web, "Maija").get("/desk/me")
    addresses = [found["src"] for found in page.all("script")] + [
        found["href"] for found in page.all("link", rel="stylesheet")
    ]
    assert len(addresses) == 3
    for address in addresses:
        response = web.client.get(address)
        assert response.status_code == 200
        assert "immutable" in response.headers["cache-control"]
    for name in ("nothing.js", "..%2frouting.py", "LICENSE-htmx.txt"):
        assert web.client.get(f"/desk/static/{name}").status_code == 404


def test_the_vendored_scripts_are_those_of_npm() -> None:
    known = {
        "htmx-2.0.11.min.js": "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    }
    for name, digest in known.items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest
    assert "Zero-Clause BSD" in (STATIC / "LICENSE-htmx.txt").read_text(encoding="utf-8")


def test_all_languages_have_the_same_texts_with_the_same_variables() -> None:
    reference = texts("en")
    for lang in LANGUAGES:
        assert set(texts(lang)) == set(reference)
        for key, text in texts(lang).items():
            assert text.strip() == text
            assert text
            assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", reference[key])), (
                lang,
                key,
            )
        source = (STATIC.parent / "texts" / f"{lang}.yaml").read_text(encoding="utf-8")
        keys = re.findall(r"^([\w]+):", source, re.MULTILINE)
        assert len(keys) == len(set(keys)), f"{lang}.yaml has a key twice"
        assert yaml.safe_load(source)


def test_every_text_that_a_template_names_is_there_and_every_text_is_used() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES.rglob("*.html"))
    methods = {"say", "named", "count", "clock", "ago", "span", "promise", "now"}
    named = set(re.findall(r"\bt\.(\w+)", sources)) - methods
    named |= set(re.findall(r"\bt\.say\('(\w+)'", sources))
    assert named - set(texts("en")) == set()
    code = sources + "\n".join(
        path.read_text(encoding="utf-8")
        for path in [*STATIC.parent.glob("*.py"), STATIC.parents[1] / "staff.py"]
    )
    families = set(re.findall(r"\bt\.named\('(\w+)'", sources)) | set(re.findall(r"named\(\"(\w+)\"", code))
    families |= set(re.findall(r"t\['(\w+)_' ~", sources))
    for key in texts("en"):
        plural = re.sub(r"_(one|many)$", "", key)
        family = any(key.startswith(f"{name}_") for name in families)
        assert family or re.search(rf"\b({key}|{plural})\b", code), f"no page says {key}"
