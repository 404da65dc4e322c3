"""The queue: who waits, the most urgent first, then by what was promised."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from botsvc.desk.guard import Call
from botsvc.desk.presence import Seen, others
from botsvc.desk.rendering import PRIVATE
from botsvc.desk.wording import Words
from botsvc.events import Event
from botsvc.handling import may_handle
from botsvc.handoff import HandoffState
from botsvc.people_facts import NoteAdded
from botsvc.storage.records import Handoff, StoredAgent

#: Open requests that one page shows.
MOST_ROWS = 200
#: A promise that ends within this time is marked.
SOON = timedelta(minutes=15)
#: Notes that name somebody are shown for so long.
MENTIONED = timedelta(days=3)
VIEWS = ("waiting", "mine", "all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What of the queue is shown."""

    view: str = "waiting"
    team: str = ""
    language: str = ""

    @classmethod
    def of(cls, call: Call) -> Filter:
        """As the address says."""
        asked = call.request.query_params
        view = asked.get("view", "")
        return cls(
            view=view if view in VIEWS else "waiting",
            team=asked.get("team", "")[:80],
            language=asked.get("language", "")[:8],
        )

    @property
    def query(self) -> str:
        """The same as a part of an address."""
        return f"view={self.view}&team={self.team}&language={self.language}"

    def shows(self, handoff: Handoff, me: str) -> bool:
        """Whether a request is meant."""
        if self.team and handoff.team != self.team:
            return False
        if self.language and handoff.language != self.language:
            return False
        if self.view == "mine":
            return handoff.agent == me
        return self.view == "all" or not handoff.agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request as the queue shows it."""

    handoff: Handoff
    team: str
    agent: str  #: name of who has it
    mine: bool
    promise: str
    late: bool
    soon: bool
    waited: str
    watching: tuple[Seen, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A note that names the person."""

    conversation_id: str
    author: str
    text: str
    at: datetime


def queue_page(call: Call) -> Response:
    """Everybody who waits for this person's teams."""
    words = call.desk.words(call.request, call.session)
    values = _values(call, words)
    return call.page("queue.html", values=values)


def queue_part(call: Call) -> Response:
    """The list alone, or nothing when it is as the page has it."""
    words = call.desk.words(call.request, call.session)
    values = _values(call, words)
    if call.request.query_params.get("seen") == values["version"]:
        return Response(status_code=204, headers=dict(PRIVATE))
    return call.page("parts/queue.html", values=values)


def order(handoff: Handoff) -> tuple[int, datetime, datetime]:
    """The place of a request in the queue."""
    due = handoff.promised_by or handoff.waiting_since + timedelta(days=365)
    return (handoff.rank, due, handoff.waiting_since)


def _values(call: Call, words: Words) -> dict[str, object]:
    chosen = Filter.of(call)
    agent = call.session.agent
    now = words.now
    with call.desk.storage.read() as reading:
        handoffs = reading.handoffs(states=(HandoffState.OPEN.value,))
        people = {person.id: person for person in reading.agents()}
        notes = reading.notes(since=now - MENTIONED)
    mine_to_see = [handoff for handoff in handoffs if may_handle(agent, handoff)]
    shown = sorted((one for one in mine_to_see if chosen.shows(one, agent.id)), key=order)[:MOST_ROWS]
    names = call.desk.team_names(words.lang)
    rows = [_row(call, words, handoff, people, names) for handoff in shown]
    # Of what is still open and still theirs: a note may not follow somebody whom the conversation has left.
    theirs = {one.conversation_id for one in mine_to_see}
    mentions = _mentions([note for note in notes if note[0] in theirs], people, agent.id)
    counts = {
        view: sum(
            Filter(view=view, team=chosen.team, language=chosen.language).shows(one, agent.id)
            for one in mine_to_see
        )
        for view in VIEWS
    }
    values: dict[str, object] = {
        "chosen": chosen,
        "rows": rows,
        "counts": counts,
        "late": sum(row.late for row in rows),
        "mentions": mentions,
        "teams": {key: name for key, name in names.items() if _sees(agent, key)},
        "languages_shown": sorted({handoff.language for handoff in mine_to_see if handoff.language}),
    }
    return {**values, "version": _version(words.lang, rows, counts, mentions)}


def _sees(agent: StoredAgent, team: str) -> bool:
    return "admin" in agent.roles or team in agent.teams


def _row(
    call: Call, words: Words, handoff: Handoff, people: Mapping[str, StoredAgent], teams: Mapping[str, str]
) -> Row:
    by = handoff.promised_by if handoff.answered_at is None else None
    holder = people.get(handoff.agent)
    return Row(
        handoff=handoff,
        team=teams.get(handoff.team, handoff.team),
        agent=holder.name if holder else "",
        mine=handoff.agent == call.me,
        promise=words.promise(by) if by else "",
        late=by is not None and by <= words.now,
        soon=by is not None and words.now < by <= words.now + SOON,
        waited=words.ago(handoff.waiting_since),
        watching=others(call.desk.service.hub, handoff.conversation_id, call.me),
    )


def _mentions(
    notes: Sequence[tuple[str, Event]], people: Mapping[str, StoredAgent], me: str
) -> list[Mention]:
    found = []
    for conversation_id, event in notes:
        if isinstance(event.fact, NoteAdded) and me in event.fact.mentions and event.actor.id != me:
            author = people.get(event.actor.id)
            name = author.name if author else ""
            text = event.fact.text[:200]
            found.append(Mention(conversation_id=conversation_id, author=name, text=text, at=event.at))
    return found[:10]


def _version(lang: str, rows: Sequence[Row], counts: Mapping[str, int], mentions: Sequence[Mention]) -> str:
    parts = [lang, repr(sorted(counts.items()))]
    for row in rows:
        one = row.handoff
        parts += [one.id, str(one.revision), one.agent, one.team, row.promise, row.waited, repr(row.watching)]
    parts += [f"{mention.conversation_id}{mention.at}" for mention in mentions]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
