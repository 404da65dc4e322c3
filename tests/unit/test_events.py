"""Events: a closed list, each with its dataclass, and what clients get of one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from botsvc.events import CUSTOMER, ContactGiven, CustomerMessage, Event, Fact
from botsvc.facts import EventType


def test_every_type_has_one_dataclass() -> None:
    facts = Fact.__args__
    assert sorted(fact.type for fact in facts) == sorted(EventType)
    assert all(fact.__doc__ for fact in facts)


def test_an_event_as_sent() -> None:
    fact = ContactGiven(emails=("a@b.fi",))
    at = datetime(2026, 11, 2, 8, tzinfo=UTC)
    event = Event(sequence=3, episode=1, at=at, actor=CUSTOMER, cause=2, fact=fact)
    assert event.to_json() == {
        "sequence": 3,
        "episode": 1,
        "type": "contact_given",
        "at": "2026-11-02T08:00:00+00:00",
        "actor": {"kind": "customer", "id": ""},
        "cause": 2,
        "data": {"emails": ("a@b.fi",), "phones": ()},
    }


def test_a_fact_of_a_newer_version_is_read_without_what_it_adds() -> None:
    record = {"client_message_id": "m", "text": "hei", "mood": "good"}
    assert CustomerMessage.from_json(record) == CustomerMessage(client_message_id="m", text="hei")


def test_an_unknown_type_is_not_read_as_another() -> None:
    row = {
        "sequence": 1,
        "episode": 1,
        "type": "telepathy",
        "at": datetime.now(UTC),
        "actor": "customer",
        "actor_id": "",
        "cause": None,
        "data": {},
    }
    with pytest.raises(ValueError, match="telepathy"):
        Event.from_row(row)
