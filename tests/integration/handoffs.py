"""Customers and people over the API and its service, for tests of what happens between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx2

from botsvc.service import Service
from botsvc.storage.records import StoredAgent
from botsvc.team_settings import TeamSettings
from tests.integration.help_center import Running

#: A team that is always open.
TEAMS: Mapping[str, object] = {
    "cards": TeamSettings(
        name={"en": "Card team", "fi": "Korttitiimi"}, hours={"mon-sun": "0-24"}, time_zone="Europe/Helsinki"
    )
}


def service_of(web: Running) -> Service:
    found = web.client.app.state.service  # type: ignore[attr-defined]  # of the application that it serves
    assert isinstance(found, Service)
    return found


def add_agent(service: Service, now: datetime, *, name: str = "Aino", present: bool = True) -> StoredAgent:
    """Somebody at the desk."""
    agent = StoredAgent(
        id=f"a_{name.lower()}",
        email=f"{name.lower()}@example.com",
        name=name,
        password_hash="x",
        roles=["agent"],
        teams=["cards"],
        languages=[],
        skills=[],
        room=5,
        status="available",
        active=True,
        seen_at=now if present else None,
        created_at=now,
    )
    assert service.storage is not None
    with service.storage.write() as writing:
        writing.save_agent(agent)
    return agent


@dataclass(kw_only=True)
class Customer:
    """A customer's page, calling the API."""

    web: Running
    id: str
    token: str
    said: int = 0

    @classmethod
    def arrives(cls, web: Running, lang: str = "en") -> Customer:
        opened = web.client.post("/v1/conversations", json={"lang": lang})
        assert opened.status_code == 201, opened.text
        body = opened.json()
        return cls(web=web, id=body["conversation_id"], token=body["token"])

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"}

    def post(self, path: str, **body: object) -> httpx2.Response:
        return self.web.client.post(f"/v1/conversations/{self.id}/{path}", json=body, headers=self.headers)

    def says(self, text: str, **more: object) -> dict[str, Any]:
        self.said += 1
        answer = self.post("messages", client_message_id=f"m{self.said}", text=text, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def asks_for_a_person(self) -> dict[str, Any]:
        """Ask something, and then for a person."""
        self.says("when is the invoice due")
        self.said += 1
        answer = self.post("handoff", client_message_id=f"m{self.said}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        assert found["owner"] == "queue"
        return found

    def reads(self) -> dict[str, Any]:
        answer = self.web.client.get(f"/v1/conversations/{self.id}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def news(self, after: int = 0, **params: int) -> dict[str, Any]:
        answer = self.web.client.get(
            f"/v1/conversations/{self.id}/events", params={"after": after, **params}, headers=self.headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def types(self) -> list[str]:
        return [event["type"] for event in self.news()["events"]]
