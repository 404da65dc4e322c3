"""Handoffs' documents and deliveries as the outbox holds them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from botsvc.storage import Conversation, Storage
from botsvc.storage.records import Delivery

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_DOCUMENT: dict[str, Any] = {
    "schema": "helppari.handoff/1",
    "handoff_id": "h_1",
    "revision": 1,
    "state": "open",
    "created_at": "2026-11-02T07:58:00Z",
    "revised_at": "2026-11-02T07:59:00Z",
    "conversation_id": "c_1",
    "episode": 2,
    "reason": "asked",
    "resolution": None,
    "priority": "asked",
    "team": "cards",
    "topic": "card",
    "channel": "chat",
    "question": "Hukkasin korttini <b>Tampereella</b> & hätä on suuri",
    "language": "fi",
    "transcript": [
        {
            "sequence": 1,
            "at": "2026-11-02T07:57:00Z",
            "by": "customer",
            "name": None,
            "text": "Hukkasin korttini <b>Tampereella</b> & hätä on suuri\nMitä teen?",
            "press": None,
            "outcome": None,
        },
        {
            "sequence": 2,
            "at": "2026-11-02T07:57:01Z",
            "by": "bot",
            "name": None,
            "text": "Sulje kortti sovelluksessa.",
            "press": None,
            "outcome": "answered",
        },
        {
            "sequence": 3,
            "at": "2026-11-02T07:57:30Z",
            "by": "customer",
            "name": None,
            "text": "",
            "press": "person",
            "outcome": None,
        },
    ],
    "articles": [
        {
            "article_id": "lost-card",
            "lang": "fi",
            "section_id": "lead",
            "title": "Kadonnut kortti",
            "url": "https://help.test/fi/lost-card#lead",
            "score": 2.5,
            "confidence": 0.91,
            "shown_as": "answer",
            "opened": True,
            "rejected": True,
        },
        {
            "article_id": "card-pin",
            "lang": "fi",
            "section_id": "lead",
            "title": "Tunnusluku",
            "url": "https://help.test/fi/card-pin#lead",
            "score": 1.5,
            "confidence": None,
            "shown_as": "more",
            "opened": False,
            "rejected": False,
        },
    ],
    "notices": ["n-payments"],
    "facts": [
        {
            "field": "where",
            "label": "Missä kortti katosi?",
            "value": "Tampereella",
            "skipped": False,
            "sensitive": False,
        },
        {"field": "when", "label": "Milloin?", "value": None, "skipped": True, "sensitive": False},
        {"field": "code", "label": "Henkilötunnus", "value": None, "skipped": False, "sensitive": True},
    ],
    "page": {"url": "https://www.help.test/kortit", "locale": "fi-FI"},
    "contact": {"email": "matti@mail.test", "phone": "040 123 4567"},
    "callbacks": [{"callback_id": "k_1", "phone": "040 123 4567", "wished": "iltapäivällä", "state": "open"}],
    "identity": {"subject": "u-77", "name": "Matti Meikäläinen", "audience": "employee"},
    "audience": "employee",
    "consent": None,
    "earlier_episodes": [
        {"episode": 1, "outcome": "helped", "handoff_id": None, "started_at": "2026-10-30T10:00:00Z"}
    ],
    "promise": {"reply_by": "2026-11-02T10:00:00Z", "time_zone": "Europe/Helsinki"},
    "masked": ["card"],
    "index_id": "i1",
}


def document(revision: int, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    return copy.deepcopy(_DOCUMENT) | {"revision": revision} | changes


def handoff_delivery(revision: int, *, sink: str, handoff: str = "h_1", **changes: Any) -> Delivery:  # noqa: ANN401
    return _delivery(
        f"handoff:{handoff}:{revision}:{sink}",
        kind="handoff",
        sink=sink,
        stream=f"{sink}:{handoff}",
        place=revision,
        payload=document(revision, handoff_id=handoff, **changes),
    )


def message_delivery(sequence: int, **payload: str) -> Delivery:
    return _delivery(
        f"mail:c_1:{sequence}",
        kind="mail",
        sink="customer-mail",
        stream="customer-mail:c_1",
        place=sequence,
        payload={"sequence": sequence, **payload},
    )


def _delivery(
    key: str, *, kind: str, sink: str, stream: str, place: int, payload: dict[str, Any]
) -> Delivery:
    return Delivery(
        id=f"d_{key}".replace(":", "-"),
        key=key,
        kind=kind,
        sink=sink,
        conversation_id="c_1",
        stream=stream,
        place=place,
        payload=payload,
        state="pending",
        attempts=0,
        due_at=NOW,
        leased_until=None,
        lease="",
        error="",
        created_at=NOW + timedelta(milliseconds=place),
        delivered_at=None,
    )


def add(storage: Storage, *deliveries: Delivery, email: str = "matti@mail.test") -> None:
    """Store deliveries, with their conversation."""
    with storage.write() as writing:
        if writing.conversation("c_1") is None:
            writing.add_conversation(
                Conversation(
                    id="c_1",
                    token_hash="",
                    created_at=NOW,
                    updated_at=NOW,
                    expires_at=NOW,
                    language="fi",
                    locale="",
                    page="",
                    audience="",
                    email=email,
                    phone="",
                    episode=1,
                    last_sequence=0,
                    messages=0,
                )
            )
        for one in deliveries:
            writing.add_delivery(one)
