"""A person at the desk without scripts: signs in, reads pages, sends their forms."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import httpx2
from argon2 import PasswordHasher
from starlette.testclient import TestClient

from botsvc.staff import Profile, Role, Staff
from botsvc.storage import Storage
from botsvc.storage.records import StoredAgent
from tests.integration.help_center import Running

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "mansikka-torni-83"


def store_of(web: Running) -> Storage:
    """The store of a running application."""
    storage = web.client.app.state.service.storage  # type: ignore[attr-defined]
    assert isinstance(storage, Storage)
    return storage


def person(web: Running, name: str, *roles: Role, **profile: Any) -> StoredAgent:  # noqa: ANN401 - as in ``Profile``
    """Somebody with an account; the address is ``name@example.com``."""
    staff = Staff(store_of(web), web.settings.desk, hasher=FAST)
    found = Profile(email=f"{name.lower()}@example.com", name=name, roles=roles or (Role.AGENT,), **profile)
    return staff.add(found, PASSWORD, by="console")


class Page(HTMLParser):
    """What the tests ask of a page."""

    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.html = response.text
        self.forms: list[dict[str, Any]] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append((tag, found))
        if tag == "form":
            self.forms.append({"action": found.get("action", ""), "fields": {}})
        if tag == "input" and self.forms and found.get("type") == "hidden":
            self.forms[-1]["fields"][found.get("name", "")] = found.get("value", "")

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        """Attributes of all such tags."""
        names = {key.replace("_", "-").strip("-"): value for key, value in wanted.items()}
        return [found for name, found in self.tags if name == tag and names.items() <= found.items()]

    @property
    def text(self) -> str:
        """What stands on the page."""
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", self.html.partition("<main")[2])).split())

    @property
    def csrf(self) -> str:
        """The session's token against foreign forms."""
        return next((found["content"] for found in self.all("meta", name="csrf-token")), "")


class Worker:
    """A browser of somebody at the desk."""

    def __init__(self, web: Running, name: str = "", lang: str = "en") -> None:
        self.client = TestClient(web.client.app, raise_server_exceptions=False, follow_redirects=False)
        self.client.headers.update({"accept-language": lang})
        self.csrf = ""
        if name:
            response = self.sign_in(f"{name.lower()}@example.com", PASSWORD)
            assert response.status_code == 303, response.text
            self.csrf = self.get("/desk/me").csrf

    def sign_in(self, email: str, password: str, **fields: str) -> httpx2.Response:
        """The answer to the sign-in form."""
        return self.client.post("/desk/sign-in", data={"email": email, "password": password, **fields})

    def get(self, path: str, **headers: str) -> Page:
        """A page."""
        return Page(self.client.get(path, headers=headers))

    def post(self, path: str, fields: dict[str, Any] | None = None, **headers: str) -> Page:
        """What comes of a form."""
        data = {"csrf": self.csrf, **(fields or {})}
        return Page(self.client.post(path, data=data, headers=headers))
