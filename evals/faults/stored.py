"""What the database holds, read with plain SQL: not by the code whose work is being judged."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Ask = Callable[[str], Sequence[Sequence[Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredConversation:
    """A row of conversations."""

    id: str
    episode: int
    last_sequence: int
    messages: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """A row of events."""

    conversation_id: str
    sequence: int
    episode: int
    type: str
    at: float  #: seconds since 1970
    cause: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredReply:
    """A row of messages: a customer's message by its client's id, with the reply."""

    conversation_id: str
    client_message_id: str
    sequence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEpisode:
    """A row of episodes."""

    conversation_id: str
    number: int
    owner: str
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredHandoff:
    """A row of handoffs."""

    id: str
    conversation_id: str
    episode: int
    revision: int
    state: str
    document: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDelivery:
    """A row of deliveries."""

    key: str
    sink: str
    stream: str
    place: int
    state: str
    attempts: int
    payload: Mapping[str, Any]
    created_at: float
    delivered_at: float  #: 0 while it has not arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Everything that the ledger is compared with."""

    conversations: tuple[StoredConversation, ...] = ()
    events: tuple[StoredEvent, ...] = ()
    replies: tuple[StoredReply, ...] = ()
    episodes: tuple[StoredEpisode, ...] = ()
    handoffs: tuple[StoredHandoff, ...] = ()
    deliveries: tuple[StoredDelivery, ...] = ()
    damage: tuple[str, ...] = ()  #: what the database itself says is wrong


def stored(url: str) -> Stored:
    """All of the database at ``url``, in one look."""
    with _asking(url) as (ask, damage):
        return Stored(
            conversations=tuple(
                StoredConversation(id=row[0], episode=row[1], last_sequence=row[2], messages=row[3])
                for row in ask("SELECT id, episode, last_sequence, messages FROM conversations")
            ),
            events=tuple(
                StoredEvent(
                    conversation_id=row[0],
                    sequence=row[1],
                    episode=row[2],
                    type=row[3],
                    at=_seconds(row[4]),
                    cause=row[5],
                    data=_json(row[6]),
                )
                for row in ask(
                    "SELECT conversation_id, sequence, episode, type, at, cause, data FROM events "
                    "ORDER BY conversation_id, sequence"
                )
            ),
            replies=tuple(
                StoredReply(conversation_id=row[0], client_message_id=row[1], sequence=row[2])
                for row in ask("SELECT conversation_id, client_message_id, sequence FROM messages")
            ),
            episodes=tuple(
                StoredEpisode(conversation_id=row[0], number=row[1], owner=row[2], ended=row[3] is not None)
                for row in ask("SELECT conversation_id, number, owner, ended_at FROM episodes")
            ),
            handoffs=tuple(
                StoredHandoff(
                    id=row[0],
                    conversation_id=row[1],
                    episode=row[2],
                    revision=row[3],
                    state=row[4],
                    document=_json(row[5]),
                )
                for row in ask("SELECT id, conversation_id, episode, revision, state, document FROM handoffs")
            ),
            deliveries=tuple(
                StoredDelivery(
                    key=row[0],
                    sink=row[1],
                    stream=row[2],
                    place=row[3],
                    state=row[4],
                    attempts=row[5],
                    payload=_json(row[6]),
                    created_at=_seconds(row[7]),
                    delivered_at=_seconds(row[8]),
                )
                for row in ask(
                    "SELECT key, sink, stream, place, state, attempts, payload, created_at, delivered_at "
                    "FROM deliveries ORDER BY stream, place"
                )
            ),
            damage=damage(),
        )


def pending(url: str) -> int:
    """How many deliveries still wait."""
    with _asking(url) as (ask, _):
        return int(ask("SELECT count(*) FROM deliveries WHERE state = 'pending'")[0][0])


@contextmanager
def _asking(url: str) -> Iterator[tuple[Ask, Callable[[], tuple[str, ...]]]]:
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=10)) as file:
            file.execute("BEGIN")

            def damage() -> tuple[str, ...]:
                said = [str(row[0]) for row in file.execute("PRAGMA integrity_check")]
                broken = [
                    f"a row of {row[0]} without {row[2]}" for row in file.execute("PRAGMA foreign_key_check")
                ]
                return (*(one for one in said if one != "ok"), *broken)

            yield lambda sql: file.execute(sql).fetchall(), damage
        return
    import psycopg

    with psycopg.connect(url.replace("+psycopg", "", 1)) as server:
        server.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield lambda sql: server.execute(sql.encode()).fetchall(), tuple


def _json(value: Any) -> Any:  # noqa: ANN401 - JSON, which PostgreSQL's driver has read already
    return json.loads(value) if isinstance(value, str) else value


def _seconds(value: str | datetime | None) -> float:
    if value is None:
        return 0.0
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
