"""Migrations between versions with rows in the tables: nothing that was there is lost, up or down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import inspect, text

from botsvc.handling import Handling
from botsvc.people import People
from botsvc.storage import Storage, schema
from botsvc.storage.records import StoredAgent

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)

#: What version 0002 had stored: two conversations, one of them twice handed off.
ROWS: Mapping[str, list[dict[str, Any]]] = {
    "conversations": [
        {
            "id": f"c_{number}",
            "token_hash": "0" * 64,
            "created_at": NOW,
            "updated_at": LATER,
            "expires_at": NOW + timedelta(days=3),
            "language": "fi",
            "locale": "fi-FI",
            "page": "https://etupolku.example/äö?x=1",
            "audience": "employee",
            "email": "matti@example.com",
            "phone": "",
            "episode": 2,
            "last_sequence": 3,
            "messages": 1,
        }
        for number in (1, 2)
    ],
    "episodes": [
        {
            "conversation_id": "c_1",
            "number": number,
            "owner": owner,
            "started_at": NOW,
            "ended_at": LATER if owner == "nobody" else None,
            "state": json.dumps({"owner": owner, "failures": 1}),
        }
        for number, owner in ((1, "nobody"), (2, "queue"))
    ],
    "events": [
        {
            "conversation_id": "c_1",
            "sequence": sequence,
            "episode": 2,
            "type": kind,
            "at": NOW,
            "actor": "customer",
            "actor_id": "",
            "cause": None,
            "data": json.dumps(data),
        }
        for sequence, kind, data in (
            (1, "episode_started", {"number": 2}),
            (2, "customer_message", {"client_message_id": "m1", "text": "hävisi 😀"}),
            (
                3,
                "handoff_created",
                {"handoff_id": "h_2", "reason": "asked", "priority": "asked", "team": ""},
            ),
        )
    ],
    "messages": [
        {
            "conversation_id": "c_1",
            "client_message_id": "m1",
            "fingerprint": "f" * 64,
            "sequence": 2,
            "reply": json.dumps({"outcome": "handed_off"}),
        }
    ],
    "handoffs": [
        {
            "id": f"h_{number}",
            "conversation_id": "c_1",
            "episode": number,
            "revision": 2,
            "state": state,
            "reason": "asked",
            "priority": "asked",
            "rank": 2,
            "team": "cards",
            "language": "sv",
            "question": "Får jag prata med någon?",
            "created_at": NOW,
            "revised_at": LATER,
            "document": json.dumps({"schema": "helppari.handoff/1", "facts": []}),
        }
        for number, state in ((1, "withdrawn"), (2, "open"))
    ],
    "examples": [
        {
            "id": "x_1",
            "article_id": "lost-card",
            "lang": "fi",
            "text": "kortti hävisi",
            "source": "customer",
            "helped": True,
            "decision": "",
            "customer": "k_1",
            "network": "",
            "at": NOW,
        }
    ],
    "secrets": [{"name": "networks", "value": "s"}],
}
AGENT = StoredAgent(
    id="a_1",
    email="maija@example.com",
    name="Maija",
    password_hash="",
    roles=["agent"],
    teams=["cards"],
    languages=["fi"],
    skills=[],
    room=3,
    status="available",
    active=True,
    seen_at=None,
    created_at=NOW,
)


def at_0002(storage: Storage) -> None:
    """The store as version 0002 left it, with its rows."""
    storage.downgrade("0002")
    assert storage.version() == "0002"
    with storage._writer.begin() as connection:
        zoned = connection.dialect.name == "postgresql"
        for table, rows in ROWS.items():
            for row in rows:
                names = ", ".join(row)
                values = ", ".join(f":{name}" for name in row)
                connection.execute(
                    text(f"INSERT INTO {table} ({names}) VALUES ({values})"), _stored(row, zoned=zoned)
                )


def _stored(row: Mapping[str, Any], *, zoned: bool) -> dict[str, Any]:
    """Times as SQLAlchemy writes them: SQLite gets them naive, as text."""
    return {
        name: str(value if zoned else value.strftime("%Y-%m-%d %H:%M:%S.%f"))
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    }


def contents(storage: Storage) -> dict[str, list[dict[str, Any]]]:
    """The columns that 0002 knows, as stored."""
    found: dict[str, list[dict[str, Any]]] = {}
    with storage._writer.begin() as connection:
        for table, rows in ROWS.items():
            names = ", ".join(rows[0])
            order = ", ".join(list(rows[0])[:2])
            result = connection.execute(text(f"SELECT {names} FROM {table} ORDER BY {order}")).mappings()
            found[table] = [
                {name: json.dumps(value) if isinstance(value, dict) else value for name, value in row.items()}
                for row in result
            ]
    return found


def constraints(storage: Storage) -> dict[str, Any]:
    """Keys and indexes of the tables that 0002 knows."""
    with storage._writer.begin() as connection:
        look = inspect(connection)
        return {
            table: (
                sorted(
                    (key["name"] or "", *key["constrained_columns"]) for key in look.get_foreign_keys(table)
                ),
                sorted((index["name"] or "", *index["column_names"]) for index in look.get_indexes(table)),
                sorted(
                    (key["name"] or "", *key["column_names"]) for key in look.get_unique_constraints(table)
                ),
                look.get_pk_constraint(table)["constrained_columns"],
                [
                    (column["name"], str(column["type"]), column["nullable"], column["default"])
                    for column in look.get_columns(table)
                ],
            )
            for table in ROWS
        }


def test_every_row_of_0002_is_there_after_the_upgrade(storage: Storage) -> None:
    at_0002(storage)
    before = contents(storage)
    assert {table: len(rows) for table, rows in before.items()} == {
        table: len(rows) for table, rows in ROWS.items()
    }
    storage.upgrade()
    assert storage.version() == schema.HEAD
    assert contents(storage) == before


def test_the_new_columns_say_what_the_old_rows_mean(storage: Storage) -> None:
    at_0002(storage)
    storage.upgrade()
    with storage.read() as reading:
        conversation = reading.conversation("c_1")
        assert conversation is not None
        assert (conversation.channel, conversation.seen_at) == ("chat", LATER)
        assert conversation.created_at == NOW
        handoff = reading.handoff("h_2")
        assert handoff is not None
        assert (handoff.waiting_since, handoff.agent, handoff.time_zone) == (NOW, "", "")
        assert (handoff.promised_by, handoff.answered_at, handoff.resolution) == (None, None, "")
        assert [one.sequence for one in reading.events("c_1")] == [1, 2, 3]
        assert reading.agents() == ()


def test_a_handoff_of_0002_can_be_taken_and_resolved(storage: Storage) -> None:
    at_0002(storage)
    storage.upgrade()
    with storage.write() as writing:
        writing.save_agent(AGENT)
    people = People(handling=Handling(storage=storage, clock=lambda: LATER))
    people.take("c_1", AGENT)
    with storage.read() as reading:
        episode, handoff = reading.episode("c_1", 2), reading.handoff("h_2")
        assert episode is not None
        assert handoff is not None
        assert (episode.owner, handoff.agent) == ("agent", "a_1")


def test_down_again_keeps_what_0002_knows(storage: Storage) -> None:
    at_0002(storage)
    before, structure = contents(storage), constraints(storage)
    storage.upgrade()
    storage.downgrade("0002")
    assert contents(storage) == before
    assert constraints(storage) == structure
    storage.upgrade()
    assert contents(storage) == before


def test_keys_still_hold_after_up_and_down(storage: Storage) -> None:
    at_0002(storage)
    storage.upgrade()
    with storage._writer.begin() as connection:
        connection.execute(text("DELETE FROM conversations WHERE id = 'c_1'"))
        for table in ("episodes", "events", "messages", "handoffs"):
            count = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar()
            assert count == 0, f"{table} kept rows of a deleted conversation"
