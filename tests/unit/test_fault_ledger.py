"""The comparison of the kill tests finds what it is there for: a sound story, spoiled one way at a time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from evals.faults.figures import Figure, Result
from evals.faults.ledger import RULES, Ledger, Violation
from evals.faults.stored import (
    Stored,
    StoredConversation,
    StoredDelivery,
    StoredEpisode,
    StoredEvent,
    StoredHandoff,
    StoredReply,
)

SINK = "webhook-crm"


@dataclass(slots=True, kw_only=True)
class Story:
    """One conversation: a question, a request for a person, an address; two revisions leave."""

    said: list[dict[str, Any]] = field(default_factory=list)
    store: Stored = field(default_factory=Stored)
    came: list[dict[str, Any]] = field(default_factory=list)

    def broken(self) -> set[str]:
        ledger = Ledger(said=self.said, store=self.store, came={SINK: self.came})
        return {one.rule for one in ledger.violations()}

    def entry(self, what: str) -> dict[str, Any]:
        return next(entry for entry in self.said if entry["what"] == what)

    def change(self, table: str, place: int, **changes: Any) -> None:  # noqa: ANN401
        rows = list(getattr(self.store, table))
        rows[place] = replace(rows[place], **changes)
        self.store = replace(self.store, **{table: tuple(rows)})

    def drop(self, table: str, place: int) -> None:
        rows = list(getattr(self.store, table))
        del rows[place]
        self.store = replace(self.store, **{table: tuple(rows)})

    def double(self, table: str, place: int, **changes: Any) -> None:  # noqa: ANN401
        rows = getattr(self.store, table)
        self.store = replace(self.store, **{table: (*rows, replace(rows[place], **changes))})


def event(sequence: int, type: str, cause: int | None = None, **data: Any) -> StoredEvent:  # noqa: ANN401
    episode = 0 if type == "conversation_started" else 1
    return StoredEvent(
        conversation_id="c",
        sequence=sequence,
        episode=episode,
        type=type,
        at=sequence,
        cause=cause,
        data=data,
    )


def document(revision: int) -> dict[str, Any]:
    lines = [{"sequence": 3}, {"sequence": 6}, {"sequence": 10}][: revision + 1]
    return {"handoff_id": "h", "revision": revision, "state": "open", "transcript": lines}


def message(number: int, sequence: int, revision: int) -> dict[str, Any]:
    handoff = {"id": "h", "revision": revision, "state": "open"} if revision else None
    return {
        "what": "message",
        "conversation_id": "c",
        "client_message_id": f"m{number}",
        "sequence": sequence,
        "handoff": handoff,
    }


def call(revision: int) -> dict[str, Any]:
    return {
        "key": f"handoff:h:{revision}:{SINK}",
        "handoff_id": "h",
        "revision": revision,
        "signed": True,
        "stored": True,
        "body": json.dumps({"data": document(revision)}),
    }


def delivery(revision: int) -> StoredDelivery:
    return StoredDelivery(
        key=f"handoff:h:{revision}:{SINK}",
        sink=SINK,
        stream=f"{SINK}:h",
        place=revision,
        state="delivered",
        attempts=1,
        payload=document(revision),
        created_at=1.0,
        delivered_at=2.0,
    )


@pytest.fixture
def story() -> Story:
    events = (
        event(1, "conversation_started"),
        event(2, "episode_started", number=1),
        event(3, "customer_message", client_message_id="m1"),
        event(4, "bot_replied", cause=3),
        event(5, "feedback_given", cause=3, answer=3, helped=False),
        event(6, "customer_message", client_message_id="m2"),
        event(7, "handoff_created", cause=6, handoff_id="h"),
        event(8, "owner_changed", cause=6, owner="queue", before="bot"),
        event(9, "handoff_acknowledged", handoff_id="h"),
        event(10, "customer_message", client_message_id="m3"),
        event(11, "callback_requested", callback_id="b"),
        event(12, "csat_given", score=4),
        event(13, "conversation_closed"),
        event(14, "owner_changed", owner="nobody", before="queue"),
    )
    store = Stored(
        conversations=(StoredConversation(id="c", episode=1, last_sequence=14, messages=3),),
        events=events,
        replies=tuple(
            StoredReply(conversation_id="c", client_message_id=f"m{number}", sequence=sequence)
            for number, sequence in ((1, 3), (2, 6), (3, 10))
        ),
        episodes=(StoredEpisode(conversation_id="c", number=1, owner="nobody", ended=True),),
        handoffs=(
            StoredHandoff(
                id="h", conversation_id="c", episode=1, revision=2, state="open", document=document(2)
            ),
        ),
        deliveries=(delivery(1), delivery(2)),
    )
    said = [
        {"what": "opened", "conversation_id": "c"},
        message(1, 3, 0),
        message(2, 6, 1),
        message(3, 10, 2),
        {"what": "repeat", "conversation_id": "c", "client_message_id": "m2", "same": True},
        {"what": "judged", "conversation_id": "c", "sequence": 3, "helped": False},
        {"what": "callback", "conversation_id": "c", "callback_id": "b"},
        {"what": "csat", "conversation_id": "c", "score": 4},
        {"what": "close", "conversation_id": "c"},
        {"what": "read", "conversation_id": "c", "shown": [3, 6, 10], "acknowledged": [3, 6, 10]},
    ]
    return Story(said=said, store=store, came=[call(1), call(2)])


def test_a_sound_story_breaks_nothing(story: Story) -> None:
    assert story.broken() == set()


def test_repeats_with_the_same_key_and_body_are_allowed(story: Story) -> None:
    story.came = [call(1), {**call(1), "stored": False}, call(1), call(2), call(1)]
    assert story.broken() == set()


def refuse(story: Story, status: int, what: str) -> None:
    story.said.append({"what": what, "path": "/v1", "status": status, "body": "", "tries": 1})


def open_two(story: Story) -> None:
    for number in (2, 3):
        story.double("episodes", 0, number=number, owner="bot", ended=False)


SPOILED: dict[str, Callable[[Story], Any]] = {
    "the database is sound": lambda s: setattr(s, "store", replace(s.store, damage=("a page is torn",))),
    "no call is refused": lambda s: refuse(s, 409, "refused"),
    "no call fails inside": lambda s: refuse(s, 500, "busy"),
    "a repeat gets the stored reply": lambda s: s.entry("repeat").update(same=False),
    "the customer sees each message once, in order": lambda s: s.entry("read").update(shown=[3, 6, 6, 10]),
    "no acknowledged message is lost": lambda s: s.drop("events", 2),
    "a message stays where it was acknowledged": lambda s: s.entry("message").update(sequence=4),
    "no message is stored twice": lambda s: s.double("events", 2, sequence=15),
    "nothing is stored that nobody said": lambda s: s.said.remove(s.entry("message")),
    "no acknowledged conversation is lost": lambda s: s.drop("conversations", 0),
    "each message has its reply stored with it": lambda s: s.drop("replies", 1),
    "messages are counted once": lambda s: s.change("conversations", 0, messages=4),
    "no acknowledged handoff is lost": lambda s: s.drop("handoffs", 0),
    "no acknowledged revision is lost": lambda s: s.change("handoffs", 0, revision=1),
    "nobody is handed off unasked": lambda s: s.double("handoffs", 0, id="h2"),
    "a handoff is made once": lambda s: s.double("events", 6, sequence=15),
    "an episode is handed off once": lambda s: s.double("handoffs", 0, id="h2"),
    "an acknowledgement is noted once": lambda s: s.double("events", 8, sequence=15),
    "the document is of the handoff's revision": lambda s: s.change("handoffs", 0, document=document(1)),
    "people get every message of the episode": lambda s: s.change("handoffs", 0, document=document(1)),
    "events have no gaps": lambda s: s.drop("events", 3),
    "one owner at a time": lambda s: s.change(
        "events", 7, data={"handoff_id": "h", "owner": "queue", "before": "agent"}
    ),
    "the events say who has it": lambda s: s.change("episodes", 0, owner="queue", ended=False),
    "an open episode has an owner": lambda s: s.change("episodes", 0, ended=False),
    "one episode is open at a time": open_two,
    "no acknowledged feedback is lost": lambda s: s.entry("judged").update(helped=True),
    "no feedback is stored twice": lambda s: s.double("events", 4, sequence=15),
    "no acknowledged wish to be called is lost": lambda s: s.entry("callback").update(callback_id="b2"),
    "a wish to be called is stored once": lambda s: s.double("events", 10, sequence=15),
    "an acknowledged score is stored, once": lambda s: s.double("events", 11, sequence=15),
    "an end is stored once": lambda s: s.double("events", 12, sequence=15),
    "no acknowledged end is lost": lambda s: s.change("episodes", 0, owner="queue", ended=False),
    "each revision leaves": lambda s: s.drop("deliveries", 1),
    "nothing else leaves": lambda s: s.double("deliveries", 1, key=f"handoff:h:3:{SINK}"),
    "a revision has one key": lambda s: s.double("deliveries", 1),
    "the outbox empties itself": lambda s: s.change("deliveries", 1, state="pending"),
    "each revision arrives": lambda s: s.came[1].update(stored=False),
    "what arrives is stored here too": lambda s: s.came.append({**call(2), "key": "handoff:other:1:crm"}),
    "each call is signed": lambda s: s.came[0].update(signed=False),
    "a revision arrives with one key": lambda s: s.came.append({**call(1), "key": call(2)["key"]}),
    "repeats have the same body": lambda s: s.came.append({**call(1), "body": call(2)["body"]}),
    "what arrives is what was stored": lambda s: s.came[0].update(body=call(2)["body"]),
    "revisions arrive in order": lambda s: s.came.reverse(),
}


@pytest.mark.parametrize("rule", RULES)
def test_each_fault_is_found(story: Story, rule: str) -> None:
    SPOILED[rule](story)
    assert rule in story.broken()


def test_a_run_that_has_not_tried_what_it_is_for_does_not_pass() -> None:
    tried = Figure(what="kills", value=3, least=1)
    idle = Figure(what="repeats", value=0, least=1)
    assert Result(name="a", figures=[tried], violations=[]).kept
    result = Result(name="a", figures=[tried, idle], violations=[])
    assert not result.kept
    assert "TOO FEW, wanted 1" in result.table()


def test_the_table_names_what_broke() -> None:
    violation = Violation(rule=RULES[0], detail="page 7")
    result = Result(name="a", figures=[], violations=[violation, violation])
    assert not result.kept
    assert f"! {RULES[0]}: page 7" in result.table()
    assert {"rule": RULES[0], "broken": 2} in result.to_json()["promises"]
