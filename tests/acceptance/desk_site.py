"""A real server with a small help center and people at its desk, in this process."""

from __future__ import annotations

import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from botsvc.answering import Answering, policy_of
from botsvc.app import create_app
from botsvc.service import Service
from botsvc.settings import Settings
from botsvc.staff import Profile, Role, Staff
from botsvc.swap import Swapper
from botsvc.team_settings import TeamSettings
from botsvc.texts import load_texts
from tests.integration.desk_calls import FAST, PASSWORD
from tests.integration.help_center import WordIntents, build, load, settings_for, write_kb

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A running site."""

    address: str
    service: Service
    settings: Settings

    def person(self, name: str, *roles: Role, **profile: Any) -> str:  # noqa: ANN401 - as in ``Profile``
        """Somebody with an account; their id."""
        assert self.service.storage is not None
        staff = Staff(self.service.storage, self.settings.desk, hasher=FAST)
        email = f"{name.split()[0].lower()}@example.com"
        found = Profile(email=email, name=name, roles=roles or (Role.AGENT,), **profile)
        return staff.add(found, PASSWORD, by="console").id


class Customer:
    """A customer who talks over the API."""

    def __init__(self, site: Site, lang: str = "fi", page: str = "/") -> None:
        self.client = httpx2.Client(base_url=site.address, timeout=30)
        opened = self.client.post("/v1/conversations", json={"lang": lang, "page": page}).json()
        self.id = opened["conversation_id"]
        self.client.headers["authorization"] = f"Bearer {opened['token']}"
        self.lang = lang

    def say(self, text: str = "", press: str | None = None) -> dict[str, Any]:
        """Write, or press a button; what the service replied."""
        body = {"client_message_id": uuid.uuid4().hex, "text": text, "press": press, "lang": self.lang}
        response = self.client.post(f"/v1/conversations/{self.id}/messages", json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def transcript(self) -> list[dict[str, Any]]:
        """What the customer sees."""
        response = self.client.get(f"/v1/conversations/{self.id}")
        assert response.status_code == 200, response.text
        return list(response.json()["entries"])


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


@contextmanager
def desk_site(folder: Path) -> Iterator[Site]:
    """A site that runs until the block ends."""
    settings = settings_for(
        folder,
        site={"name": "Etupolku", "languages": ("fi", "sv", "en")},
        desk={"sign_ins_per_minute": 1_000},
        limits={"asks_per_minute": 0, "conversations_per_minute": 0, "messages_per_minute": 0},
        server={"index_poll_seconds": 60},
    ).model_copy(update={"teams": TEAMS})
    kb = write_kb(write_kb(folder / "kb"), MORE)
    build(kb, settings.index.dir)
    swapper = Swapper(settings.index.dir, poll_seconds=60, load=load)
    bot = Answering(
        intents=WordIntents(),
        policy=policy_of(settings, load_texts()),
        site_languages=settings.site.languages,
    )
    app = create_app(settings, swapper=swapper, bot=bot)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    config = uvicorn.Config(app, log_level="warning", lifespan="on", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    assert server.started
    try:
        yield Site(
            address=f"http://127.0.0.1:{sock.getsockname()[1]}", service=app.state.service, settings=settings
        )
    finally:
        server.should_exit = True
        thread.join(20)
        sock.close()
