"""One conversation with everything that is known of it, and what changes on it while it is open."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from botsvc.desk import suggestions
from botsvc.desk.guard import Call, Refused
from botsvc.desk.presence import Seen, customer_types, here, others
from botsvc.desk.rendering import PRIVATE
from botsvc.desk.timeline import Telling, read_by_customer, unread_by_agent
from botsvc.desk.wording import Words
from botsvc.errors import BotError
from botsvc.events import Event
from botsvc.handling import is_connected, may_handle
from botsvc.handoff import HandoffState
from botsvc.pages.topics import topic_name
from botsvc.people import Resolution
from botsvc.storage.records import Callback, Case, Conversation, Delivery, Handoff, SealedFact, StoredAgent


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A conversation as it is in the store."""

    conversation: Conversation
    handoff: Handoff  #: the newest one
    owner: str
    events: tuple[Event, ...]
    people: Mapping[str, StoredAgent]
    deliveries: tuple[Delivery, ...]
    cases: tuple[Case, ...]
    callbacks: tuple[Callback, ...]
    sealed: tuple[SealedFact, ...]

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return self.handoff.state == HandoffState.OPEN

    @property
    def document(self) -> Mapping[str, Any]:
        """The handoff's document."""
        return self.handoff.document

    @property
    def now_events(self) -> list[Event]:
        """The events of the handoff's episode."""
        return [event for event in self.events if event.episode >= self.handoff.episode]


def opened(call: Call) -> Opened:
    """The conversation that the address names; ``Refused`` when it is not this person's to see."""
    conversation_id = call.request.path_params["conversation"]
    with call.desk.storage.read() as reading:
        conversation = reading.conversation(conversation_id)
        handoffs = reading.handoffs(conversation_id=conversation_id) if conversation else ()
        if conversation is None or not handoffs:
            raise Refused("conversation_unknown", 404)
        handoff = max(handoffs, key=lambda one: one.episode)
        episode = reading.episode(conversation_id, handoff.episode)
        found = Opened(
            conversation=conversation,
            handoff=handoff,
            owner=episode.owner if episode else "nobody",
            events=reading.events(conversation_id),
            people={person.id: person for person in reading.agents()},
            deliveries=reading.deliveries(conversation_id),
            cases=reading.cases(conversation_id=conversation_id),
            callbacks=reading.callbacks(conversation_id=conversation_id),
            sealed=reading.sealed_facts(conversation_id, handoff.episode),
        )
    if not may_handle(call.session.agent, handoff):
        raise Refused("other_team")
    return found


def conversation_page(call: Call) -> Response:
    """The whole screen; opening it is the first sign that the request has arrived."""
    found = opened(call)
    agent = call.session.agent
    if found.is_open and found.handoff.acknowledged_at is None:
        with suppress(BotError):  # it has ended meanwhile: the page says so
            call.desk.service.tier.people.acknowledge(found.conversation.id, agent)
            found = opened(call)
    here(call.desk.service.hub, found.conversation.id, agent, typing=False)
    words = call.desk.words(call.request, call.session)
    asked = call.request.query_params
    values = {**parts(call, found, words), **_beside(call, found, words)}
    values["draft"] = _draft(found, asked.get("draft", ""), asked.get("reply", ""), values["canned"])
    values["done"] = asked.get("done", "")[:20]
    return call.page("conversation.html", **values)


def parts(call: Call, found: Opened, words: Words) -> dict[str, Any]:
    """What changes while the screen is open, each part with its version."""
    telling = _telling(call, found, words)
    now_entries = telling.entries(found.now_events)
    standing = _standing(call, found, words)
    do = _actions(call, found)
    values: dict[str, Any] = {
        "one": found.handoff,
        "conversation": found.conversation,
        "entries": now_entries,
        "standing": standing,
        "do": do,
        "message_id": secrets.token_hex(12),
    }
    values |= _facts(call, found, words)
    values["versions"] = {
        "log": _version(words.lang, [(entry, entry.receipt) for entry in now_entries]),
        "standing": _version(words.lang, standing),
        "do": _version(words.lang, do),
        "facts": _version(words.lang, [*_shown_facts(found), values["mine"], sorted(values["sealed"])]),
    }
    return values


def _shown_facts(found: Opened) -> list[Any]:
    names = ("contact", "identity", "audience", "facts", "masked", "topic", "priority", "reason", "language")
    return [found.document.get(name) for name in names]


def _facts(call: Call, found: Opened, words: Words) -> dict[str, Any]:
    """What is known of the customer and of what they want."""
    base, page = call.desk.service.settings.site.base_url, found.conversation.page
    topic = str(found.document.get("topic") or "")
    return {
        "document": found.document,
        "sealed": {fact.field: fact for fact in found.sealed},
        "mine": found.handoff.agent == call.me,
        "topic": topic_name(topic, call.desk.service.texts.all(words.lang)) if topic else "",
        "page_link": page if page.startswith(("https://", "http://")) else (base + page if page else ""),
    }


def news(call: Call) -> Response:
    """The parts that are not as the page has them; nothing when all of them are."""
    found = opened(call)
    asked = call.request.query_params
    here(call.desk.service.hub, found.conversation.id, call.session.agent, typing=asked.get("typing") == "1")
    if asked.get("seen") == "1" and found.handoff.agent == call.me:
        unread = unread_by_agent(found.events, call.me)
        if unread:
            call.desk.service.tier.people.read(found.conversation.id, call.session.agent, unread)
    words = call.desk.words(call.request, call.session)
    values = parts(call, found, words)
    return news_of(call, values, {name: asked.get(name, "") for name in values["versions"]})


def news_of(call: Call, values: Mapping[str, Any], known: Mapping[str, str]) -> Response:
    """The parts whose versions differ from those that the page has."""
    changed = [name for name, version in values["versions"].items() if known.get(name) != version]
    if not changed:
        return Response(status_code=204, headers=dict(PRIVATE))
    return call.page("parts/news.html", changed=changed, **values)


def articles_part(call: Call) -> Response:
    """Articles for what the agent searches."""
    found = opened(call)
    query = call.request.query_params.get("q", "")
    return call.page("parts/articles.html", one=found.handoff, **_articles(call, found, query))


def _articles(call: Call, found: Opened, query: str) -> dict[str, Any]:
    shown = [(one["lang"], one["article_id"]) for one in found.document.get("articles", [])]
    question = query.strip() or found.handoff.question
    audience = str(found.document.get("audience") or "")
    suggested = suggestions.articles(call.desk, question, found.handoff.language, audience, shown)
    return {
        "suggested": suggested,
        "query": query[: suggestions.LONGEST_QUERY],
        "article_id_base": secrets.token_hex(8),
        "can_send": found.is_open,
    }


def _beside(call: Call, found: Opened, words: Words) -> dict[str, Any]:
    """What stands beside the conversation, and in its forms."""
    handoff, agent = found.handoff, call.session.agent
    topic = str(found.document.get("topic") or "")
    able = [one for one in found.people.values() if one.active and may_handle(one, handoff)]
    earlier = [event for event in found.events if event.episode < handoff.episode]
    return {
        "earlier": _telling(call, found, words).entries(earlier),
        "teams": call.desk.team_names(words.lang),
        "colleagues": [one for one in able if one.id != agent.id],
        "mentionable": [one for one in able if one.id != agent.id],
        "experts": [one for one in found.people.values() if one.active and "expert" in one.roles],
        "resolutions": tuple(Resolution),
        "deliveries": _deliveries(found.deliveries),
        "cases": found.cases,
        "callbacks": found.callbacks,
        "names": {person.id: person.name for person in found.people.values()},
        "canned": suggestions.canned(call.desk, agent, handoff, topic),
        "case": case_draft(found, words),
        "now": words.now,
        **_articles(call, found, call.request.query_params.get("q", "")),
    }


def _deliveries(found: Sequence[Delivery]) -> list[Delivery]:
    """The newest delivery of each stream: what went before is replaced by it."""
    newest: dict[str, Delivery] = {}
    for one in found:
        if one.kind == "mail":
            continue
        if one.stream not in newest or one.place > newest[one.stream].place:
            newest[one.stream] = one
    return list(newest.values())


def _telling(call: Call, found: Opened, words: Words) -> Telling:
    return Telling(
        words=words,
        people={person.id: person.name for person in found.people.values()},
        teams=call.desk.team_names(words.lang),
        conversation=found.conversation,
        mails={int(one.payload["sequence"]): one for one in found.deliveries if one.kind == "mail"},
        read_up_to=read_by_customer(found.events),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands, in words."""

    state: str
    holder: str
    promise: str
    due: str  #: the promised time
    late: bool
    customer: str
    customer_here: bool
    customer_types: bool
    colleagues: tuple[Seen, ...]
    team: str
    priority: str


def _standing(call: Call, found: Opened, words: Words) -> Standing:
    handoff, conversation = found.handoff, found.conversation
    holder = found.people.get(handoff.agent)
    by: datetime | None = handoff.promised_by if found.is_open and handoff.answered_at is None else None
    connected = is_connected(conversation, words.now)
    if handoff.agent == call.me and found.is_open:
        held = words["yours"]
    elif holder is not None:
        held = words.say("has_it", name=holder.name)
    else:
        held = words.say("has_waited", span=words.ago(handoff.waiting_since)) if found.is_open else ""
    if conversation.channel == "email":
        customer = words["customer_by_email"]
    elif connected:
        customer = words["customer_here"]
    else:
        customer = words.say(
            "customer_gone", span=words.ago(max(conversation.seen_at, conversation.created_at))
        )
    hub = call.desk.service.hub
    return Standing(
        state=words["at_expert"] if found.owner == "expert" else words.named("state", handoff.state),
        holder=held,
        promise=words.promise(by) if by else "",
        due=words.clock(by) if by else "",
        late=by is not None and by <= words.now,
        customer=customer,
        customer_here=connected,
        customer_types=connected and customer_types(hub, conversation.id),
        colleagues=others(hub, conversation.id, call.me),
        team=call.desk.team_names(words.lang).get(handoff.team, handoff.team),
        priority=handoff.priority,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What this person can do now."""

    take: bool
    held: bool  #: it is theirs
    holder: str  #: somebody else has it
    note_only: bool


def _actions(call: Call, found: Opened) -> Actions:
    handoff = found.handoff
    holder = found.people.get(handoff.agent)
    mine = handoff.agent == call.me
    return Actions(
        take=found.is_open and not handoff.agent,
        held=found.is_open and mine,
        holder=holder.name if holder and not mine else "",
        note_only=not found.is_open or bool(handoff.agent and not mine),
    )


def _version(lang: str, value: object) -> str:
    return hashlib.sha256(f"{lang}\n{value!r}".encode()).hexdigest()[:16]


def _draft(found: Opened, case_id: str, reply_id: str, canned: Sequence[suggestions.Canned]) -> str:
    """What the reply's field begins with: an expert's answer, or a canned reply."""
    if case_id:
        return next((case.answer for case in found.cases if case.id == case_id), "")
    return next((one.text for one in canned if one.id == reply_id), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseDraft:
    """What a case is prefilled with."""

    summary: str
    missing: str
    checklist: tuple[tuple[str, bool], ...]


def case_draft(found: Opened, words: Words) -> CaseDraft:
    """What is known and what is missing, so that the expert need not ask."""
    document = found.document
    facts = document.get("facts", [])
    known = [f"{fact['label']}: {fact['value']}" for fact in facts if fact["value"]]
    articles = document.get("articles", [])
    tried = [one["title"] for one in articles if one["shown_as"] == "answer" or one["opened"]]
    lines = [found.handoff.question, *known]
    if tried:
        lines.append(f"{words['case_tried']}: {', '.join(tried)}")
    missing = [fact["label"] for fact in facts if fact["skipped"]]
    contact = document.get("contact") or {}
    if not contact.get("email") and not contact.get("phone"):
        missing.append(words["case_contact"])
    checks = (
        (words["check_question"], bool(found.handoff.question)),
        (words["check_facts"], not any(fact["skipped"] for fact in facts)),
        (words["check_articles"], bool(tried)),
        (words["check_contact"], words["case_contact"] not in missing),
    )
    return CaseDraft(
        summary="\n".join(line for line in lines if line), missing="\n".join(missing), checklist=checks
    )
