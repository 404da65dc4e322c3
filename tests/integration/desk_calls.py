"""A person at the desk without scripts: signs in, reads pages, sends their forms."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher
from fastapi import FastAPI
from starlette.testclient import TestClient

from botsvc.answering import Answering, policy_of
from botsvc.app import create_app
from botsvc.settings import Settings
from botsvc.staff import Profile, Role, Staff
from botsvc.storage import Storage
from botsvc.storage.records import StoredAgent
from botsvc.swap import Swapper
from botsvc.team_settings import TeamSettings
from botsvc.texts import load_texts
from tests.integration.help_center import Running, WordIntents, build, load, settings_for, write_kb

FAST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "mansikka-torni-83"

MORE: Mapping[str, str] = {
    "sv/card/borttappat-kort.md": """---
id: lost-card
title: Borttappat eller stulet kort
topics: [card]
questions: [jag har tappat mitt kort]
---
Spärra kortet genast i appen.
""",
    "fi/desk/alennus.md": """---
id: secret
title: Alennuskoodit asiakaspalvelijoille
visibility: internal
questions: [alennuskoodi kortista]
---
Koodi on PARROT.
""",
    "replies/greeting.yaml": """id: greeting
title: {fi: Tervehdys, sv: Hälsning, en: Greeting}
text:
  fi: "Hei, täällä {agent_name} asiakaspalvelusta. Luin juuri viestisi ja katson asiaa."
  sv: "Hej, det här är {agent_name} från kundtjänsten. Jag har läst ditt meddelande och ser på saken."
  en: "Hello, this is {agent_name} from customer service. I am looking into it."
""",
}

ALWAYS = {"mon-sun": "0.00-24.00"}
TEAMS = {
    "service": TeamSettings(
        name={"fi": "Asiakaspalvelu", "sv": "Kundtjänst", "en": "Customer service"},
        reply_minutes=240,
        time_zone="Europe/Helsinki",
        hours=ALWAYS,
    ),
    "cards": TeamSettings(
        name={"fi": "Korttipalvelu", "sv": "Korttjänst", "en": "Card service"},
        reply_minutes=60,
        time_zone="Europe/Helsinki",
        hours=ALWAYS,
    ),
}


def desk_app(folder: Path) -> tuple[Settings, FastAPI]:
    """An application with teams and a small help center in three languages; nothing is opened yet."""
    settings = settings_for(
        folder,
        site={"name": "Etupolku", "languages": ("fi", "sv", "en")},
        desk={"sign_ins_per_minute": 1_000},
        limits={"asks_per_minute": 0, "conversations_per_minute": 0, "messages_per_minute": 0},
    ).model_copy(update={"teams": TEAMS})
    build(write_kb(write_kb(folder / "kb"), MORE), settings.index.dir)
    bot = Answering(
        intents=WordIntents(),
        policy=policy_of(settings, load_texts()),
        site_languages=settings.site.languages,
    )
    swapper = Swapper(settings.index.dir, poll_seconds=60, load=load)
    return settings, create_app(settings, swapper=swapper, bot=bot)


@contextmanager
def desk_running(folder: Path) -> Iterator[Running]:
    """The same, running in process."""
    settings, app = desk_app(folder)
    with TestClient(app, raise_server_exceptions=False) as client:
        service = app.state.service
        root = settings.index.dir
        yield Running(client=client, kb=folder / "kb", root=root, swapper=service.swapper, settings=settings)


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


class Customer:
    """A customer who talks over the API."""

    def __init__(self, client: httpx2.Client, lang: str = "fi", page: str = "/") -> None:
        self.client = client
        opened = client.post("/v1/conversations", json={"lang": lang, "page": page}).json()
        self.id = str(opened["conversation_id"])
        self.headers = {"authorization": f"Bearer {opened['token']}"}
        self.lang = lang

    def say(self, text: str = "", press: str | None = None) -> dict[str, Any]:
        """Write, or press a button; what the service replied."""
        body = {"client_message_id": uuid.uuid4().hex, "text": text, "press": press, "lang": self.lang}
        response = self.client.post(f"/v1/conversations/{self.id}/messages", json=body, headers=self.headers)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def transcript(self) -> list[dict[str, Any]]:
        """What the customer sees."""
        response = self.client.get(f"/v1/conversations/{self.id}", headers=self.headers)
        assert response.status_code == 200, response.text
        return list(response.json()["entries"])
