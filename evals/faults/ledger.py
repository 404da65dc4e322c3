"""The comparison: what customers were told is stored, what is stored, and what arrived outside."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from evals.faults.stored import Stored, StoredEvent, StoredHandoff

Entry = Mapping[str, Any]

#: Everything that is promised, in the order of looking.
RULES = (
    "the database is sound",
    "no call is refused",
    "no call fails inside",
    "a repeat gets the stored reply",
    "the customer sees each message once, in order",
    "no acknowledged message is lost",
    "a message stays where it was acknowledged",
    "no message is stored twice",
    "nothing is stored that nobody said",
    "no acknowledged conversation is lost",
    "each message has its reply stored with it",
    "messages are counted once",
    "no acknowledged handoff is lost",
    "no acknowledged revision is lost",
    "nobody is handed off unasked",
    "a handoff is made once",
    "an episode is handed off once",
    "an acknowledgement is noted once",
    "the document is of the handoff's revision",
    "people get every message of the episode",
    "events have no gaps",
    "one owner at a time",
    "the events say who has it",
    "an open episode has an owner",
    "one episode is open at a time",
    "no acknowledged feedback is lost",
    "no feedback is stored twice",
    "no acknowledged wish to be called is lost",
    "a wish to be called is stored once",
    "an acknowledged score is stored, once",
    "an end is stored once",
    "no acknowledged end is lost",
    "each revision leaves",
    "nothing else leaves",
    "a revision has one key",
    "the outbox empties itself",
    "each revision arrives",
    "what arrives is stored here too",
    "each call is signed",
    "a revision arrives with one key",
    "repeats have the same body",
    "what arrives is what was stored",
    "revisions arrive in order",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A promise that was not kept, once."""

    rule: str
    detail: str


@dataclass(slots=True, kw_only=True)
class Ledger:
    """All three sides; ``violations`` is empty when they agree.

    Everything that was asked must have been acknowledged by now, and everything that leaves must have left.
    """

    said: Sequence[Entry]  #: the customers' journal
    store: Stored
    came: Mapping[str, Sequence[Entry]]  #: sink -> its receiver's journal, in the order of arrival
    _events: dict[str, list[StoredEvent]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the events by conversation."""
        for event in self.store.events:
            self._events.setdefault(event.conversation_id, []).append(event)

    def told(self, what: str) -> list[Entry]:
        """The customers' entries of a kind."""
        return [entry for entry in self.said if entry["what"] == what]

    def violations(self) -> list[Violation]:
        """Everything that is wrong."""
        parts = (
            self._damage,
            self._calls,
            self._messages,
            self._replies,
            self._handoffs,
            self._documents,
            self._sequences,
            self._owners,
            self._judgements,
            self._acts,
            self._outbox,
            self._arrivals,
            self._order,
        )
        return [Violation(rule=rule, detail=detail) for part in parts for rule, detail in part()]

    def _damage(self) -> Iterator[tuple[str, str]]:
        for one in self.store.damage:
            yield "the database is sound", one

    def _calls(self) -> Iterator[tuple[str, str]]:
        for entry in self.told("refused"):
            yield "no call is refused", f"{entry['path']}: {entry['status']} {entry['body']}"
        for entry in self.told("busy"):
            if entry["status"] == 500:
                yield "no call fails inside", f"{entry['path']}: {entry['body']}"
        for entry in self.told("repeat"):
            if not entry["same"]:
                where = f"{entry['conversation_id']} {entry['client_message_id']}"
                yield "a repeat gets the stored reply", where
        for entry in self.told("read"):
            if entry["shown"] != entry["acknowledged"]:
                detail = f"{entry['conversation_id']}: {entry['shown']} is not {entry['acknowledged']}"
                yield "the customer sees each message once, in order", detail

    def _messages(self) -> Iterator[tuple[str, str]]:
        acknowledged = {
            (entry["conversation_id"], entry["client_message_id"]): entry["sequence"]
            for entry in self.told("message")
        }
        found: dict[tuple[str, str], list[int]] = defaultdict(list)
        for event in self.store.events:
            if event.type == "customer_message":
                found[event.conversation_id, event.data["client_message_id"]].append(event.sequence)
        for key, sequence in acknowledged.items():
            if key not in found:
                yield "no acknowledged message is lost", f"{key}"
            elif sequence not in found[key]:
                yield "a message stays where it was acknowledged", f"{key}: {found[key]}, told {sequence}"
        for key, sequences in found.items():
            if len(sequences) > 1:
                yield "no message is stored twice", f"{key}: {sequences}"
            if key not in acknowledged:
                yield "nothing is stored that nobody said", f"{key}"
        known = {one.id for one in self.store.conversations}
        for entry in self.told("opened"):
            if entry["conversation_id"] not in known:
                yield "no acknowledged conversation is lost", entry["conversation_id"]

    def _replies(self) -> Iterator[tuple[str, str]]:
        replies = {(one.conversation_id, one.client_message_id): one.sequence for one in self.store.replies}
        events = {
            (event.conversation_id, event.data["client_message_id"]): event.sequence
            for event in self.store.events
            if event.type == "customer_message"
        }
        if replies != events:
            differ = sorted(set(replies.items()) ^ set(events.items()))
            yield "each message has its reply stored with it", f"{differ[:3]}"
        counts = Counter(one.conversation_id for one in self.store.replies)
        for conversation in self.store.conversations:
            if conversation.messages != counts[conversation.id]:
                detail = f"{conversation.id}: {conversation.messages}, not {counts[conversation.id]}"
                yield "messages are counted once", detail

    def _handoffs(self) -> Iterator[tuple[str, str]]:
        known = {one.id: one for one in self.store.handoffs}
        told: dict[str, int] = {}
        for entry in self.told("message"):
            if (handoff := entry["handoff"]) is not None:
                told[handoff["id"]] = max(told.get(handoff["id"], 0), handoff["revision"])
        for id, revision in told.items():
            if id not in known:
                yield "no acknowledged handoff is lost", id
            elif known[id].revision < revision:
                yield "no acknowledged revision is lost", f"{id}: {known[id].revision}, told {revision}"
        for id in known.keys() - told.keys():
            yield "nobody is handed off unasked", id
        created = Counter(event.data["handoff_id"] for event in self._of_type("handoff_created"))
        for one in self.store.handoffs:
            if created[one.id] != 1:
                yield "a handoff is made once", f"{one.id}: {created[one.id]} events"
        places = Counter((one.conversation_id, one.episode) for one in self.store.handoffs)
        for place, count in places.items():
            if count > 1:
                yield "an episode is handed off once", f"{place}: {count}"
        taken = Counter(event.data["handoff_id"] for event in self._of_type("handoff_acknowledged"))
        for id, count in taken.items():
            if count > 1:
                yield "an acknowledgement is noted once", f"{id}: {count}"

    def _documents(self) -> Iterator[tuple[str, str]]:
        for one in self.store.handoffs:
            if one.document.get("revision") != one.revision or one.document.get("state") != one.state:
                yield "the document is of the handoff's revision", one.id
            missing = self._said_in(one) - {line["sequence"] for line in one.document["transcript"]}
            if one.state == "open" and missing:
                yield "people get every message of the episode", f"{one.id}: not {sorted(missing)}"

    def _said_in(self, handoff: StoredHandoff) -> set[int]:
        return {
            event.sequence
            for event in self._events.get(handoff.conversation_id, ())
            if event.type == "customer_message" and event.episode == handoff.episode
        }

    def _of_type(self, type: str) -> Iterator[StoredEvent]:
        return (event for event in self.store.events if event.type == type)

    def _sequences(self) -> Iterator[tuple[str, str]]:
        for conversation in self.store.conversations:
            sequences = [event.sequence for event in self._events.get(conversation.id, ())]
            if sequences != list(range(1, conversation.last_sequence + 1)):
                detail = f"{conversation.id}: {sequences[-5:]}, last {conversation.last_sequence}"
                yield "events have no gaps", detail

    def _owners(self) -> Iterator[tuple[str, str]]:
        held: dict[tuple[str, int], str] = {}
        for event in self.store.events:
            place = (event.conversation_id, event.episode)
            if event.type == "episode_started":
                held[place] = "bot"
            elif event.type == "owner_changed":
                before = held.get(place)
                if event.data["before"] != before:
                    yield "one owner at a time", f"{place}: from {event.data['before']}, held by {before}"
                held[place] = event.data["owner"]
        open_ones: Counter[str] = Counter()
        for episode in self.store.episodes:
            place = (episode.conversation_id, episode.number)
            if held.get(place) != episode.owner:
                detail = f"{place}: events say {held.get(place)}, the row {episode.owner}"
                yield "the events say who has it", detail
            if episode.ended != (episode.owner == "nobody"):
                yield "an open episode has an owner", f"{place}: {episode.owner}"
            open_ones[episode.conversation_id] += episode.owner != "nobody"
        for id, count in open_ones.items():
            if count > 1:
                yield "one episode is open at a time", f"{id}: {count}"

    def _judgements(self) -> Iterator[tuple[str, str]]:
        said: dict[tuple[str, int], list[bool]] = defaultdict(list)
        by_cause: dict[tuple[str, int | None], list[bool]] = defaultdict(list)
        for event in self._of_type("feedback_given"):
            said[event.conversation_id, event.data["answer"]].append(event.data["helped"])
            by_cause[event.conversation_id, event.cause].append(event.data["helped"])
        for entry in self.told("judged"):
            key = (entry["conversation_id"], entry["sequence"])
            if said[key][-1:] != [entry["helped"]]:
                yield "no acknowledged feedback is lost", f"{key}"
        for cause, words in by_cause.items():
            if any(one is other for one, other in pairwise(words)):
                yield "no feedback is stored twice", f"{cause}: {words}"

    def _acts(self) -> Iterator[tuple[str, str]]:
        """What has no id of its own: wishes to be called, scores, the end."""
        wishes = Counter(event.data["callback_id"] for event in self._of_type("callback_requested"))
        for entry in self.told("callback"):
            if not wishes[entry["callback_id"]]:
                yield "no acknowledged wish to be called is lost", entry["callback_id"]
        places = Counter((one.conversation_id, one.episode) for one in self._of_type("callback_requested"))
        for place, count in places.items():
            if count > 1:
                yield "a wish to be called is stored once", f"{place}: {count}"
        scores: dict[str, list[int]] = defaultdict(list)
        for event in self._of_type("csat_given"):
            scores[event.conversation_id].append(event.data["score"])
        for entry in self.told("csat"):
            if scores[entry["conversation_id"]] != [entry["score"]]:
                detail = (
                    f"{entry['conversation_id']}: {scores[entry['conversation_id']]}, told {entry['score']}"
                )
                yield "an acknowledged score is stored, once", detail
        ends = Counter(event.conversation_id for event in self._of_type("conversation_closed"))
        for entry in self.told("close"):
            if ends[entry["conversation_id"]] > 1:
                yield "an end is stored once", entry["conversation_id"]
        owners = {(one.conversation_id, one.number): one.owner for one in self.store.episodes}
        current = {one.id: one.episode for one in self.store.conversations}
        for entry in self.told("close"):
            id = entry["conversation_id"]
            if owners.get((id, current.get(id, 0))) != "nobody":
                yield "no acknowledged end is lost", id

    def _outbox(self) -> Iterator[tuple[str, str]]:
        """One delivery for each revision and sink, with the one key, and delivered."""
        wanted = {
            f"handoff:{one.id}:{revision}:{sink}"
            for one in self.store.handoffs
            for revision in range(1, one.revision + 1)
            for sink in self.came
        }
        found = Counter(one.key for one in self.store.deliveries)
        for key in sorted(wanted - found.keys()):
            yield "each revision leaves", f"{key} was never in the outbox"
        for key in sorted(found.keys() - wanted):
            yield "nothing else leaves", key
        for key, count in found.items():
            if count > 1:
                yield "a revision has one key", f"{key}: {count} rows"
        for one in self.store.deliveries:
            if one.state != "delivered":
                yield "the outbox empties itself", f"{one.key} is {one.state} after {one.attempts} tries"

    def _arrivals(self) -> Iterator[tuple[str, str]]:
        for sink, calls in self.came.items():
            payloads = {one.key: one.payload for one in self.store.deliveries if one.sink == sink}
            yield from _arrivals(payloads, calls)

    def _order(self) -> Iterator[tuple[str, str]]:
        for calls in self.came.values():
            yield from _order(calls)


def _arrivals(payloads: Mapping[str, Any], calls: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    bodies: dict[str, str] = {}
    keys: dict[tuple[str, int], str] = {}
    stored = {entry["key"] for entry in calls if entry["stored"]}
    for key in payloads:
        if key not in stored:
            yield "each revision arrives", key
    for entry in calls:
        key, place = entry["key"], (entry["handoff_id"], entry["revision"])
        if key not in payloads:
            yield "what arrives is stored here too", key
            continue
        if not entry["signed"]:
            yield "each call is signed", key
        if keys.setdefault(place, key) != key:
            yield "a revision arrives with one key", f"{place}: {key} and {keys[place]}"
        if bodies.setdefault(key, entry["body"]) != entry["body"]:
            yield "repeats have the same body", key
        elif json.loads(entry["body"])["data"] != payloads[key]:
            yield "what arrives is what was stored", key


def _order(calls: Sequence[Entry]) -> Iterator[tuple[str, str]]:
    """Revisions come first in their order, whatever is repeated."""
    highest: dict[str, int] = {}
    seen: set[str] = set()
    for entry in calls:
        if not entry["stored"] or entry["key"] in seen:
            continue
        seen.add(entry["key"])
        id, revision = entry["handoff_id"], entry["revision"]
        if revision != highest.get(id, 0) + 1:
            yield "revisions arrive in order", f"{id}: {revision} after {highest.get(id, 0)}"
        highest[id] = max(revision, highest.get(id, 0))
