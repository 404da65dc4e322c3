"""What has happened in a conversation, as a colleague reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from botsvc.desk.wording import Words
from botsvc.episode import Owner
from botsvc.events import (
    ActorKind,
    ArticleOpened,
    BotReplied,
    ContactGiven,
    ConversationClosed,
    CsatGiven,
    CustomerMessage,
    Event,
    FactCollected,
    FeedbackGiven,
    HandoffCreated,
    HandoffWithdrawn,
    MessagesRead,
    OwnerChanged,
    Shown,
)
from botsvc.handling import is_connected
from botsvc.people_facts import (
    ArticleSent,
    CallbackAttempted,
    CallbackRequested,
    CaseAnswered,
    CaseOpened,
    ContactLogged,
    HandoffEnded,
    HandoffReopened,
    HandoffResolved,
    NoteAdded,
    PersonMessage,
    PromiseMade,
    ServiceMessage,
    TeamChanged,
)
from botsvc.storage.records import Conversation, Delivery

#: Where the confidence says something: what was answered, and what was not for want of it.
_SURE_OF = frozenset({"answered", "clarified"})
_UNSURE = frozenset({"low_confidence", "repeated_failure"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the conversation."""

    sequence: int
    episode: int
    at: datetime
    kind: str  #: customer, bot, person, service, note, case, answer, or line (something that happened)
    text: str
    who: str = ""
    tags: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()
    receipt: str = ""  #: where a person's message stands
    case_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is needed to tell events in words."""

    words: Words
    people: Mapping[str, str]  #: names by id
    teams: Mapping[str, str]
    conversation: Conversation
    mails: Mapping[int, Delivery] = field(default_factory=dict)  #: by the sequence of what they carry
    read_up_to: int = 0  #: by the customer

    def entries(self, events: Sequence[Event]) -> list[Entry]:
        """The events that a colleague wants to know of, in order."""
        return [entry for event in events if (entry := self._entry(event)) is not None]

    def _entry(self, event: Event) -> Entry | None:
        words, fact = self.words, event.fact
        match fact:
            case CustomerMessage():
                return self._said(event, "customer", self._pressed(fact), self._customer_tags(fact))
            case BotReplied():
                share = fact.numbers.get("confidence")
                meant = fact.outcome in _SURE_OF or fact.reason in _UNSURE
                sure = (
                    words.say("confidence", percent=round(100 * share)) if meant and share is not None else ""
                )
                tags = (words.named("outcome", fact.outcome), words.named("why", fact.reason), sure)
                return self._said(event, "bot", fact.text, tags, shown=fact.shown)
            case PersonMessage():
                by = (words.named("by", fact.channel),) if fact.channel != "chat" else ()
                return self._said(
                    event,
                    "person",
                    fact.text,
                    by,
                    who=fact.name or words["expert"],
                    receipt=self._receipt(event),
                )
            case ArticleSent():
                text = f"{fact.text}\n\n{fact.title}"
                return self._said(
                    event, "person", text, (words["article"],), who=fact.name, receipt=self._receipt(event)
                )
            case ServiceMessage():
                return self._said(event, "service", fact.text, ())
            case NoteAdded():
                return self._said(event, "note", fact.text, (words["note"],), who=self._name(event))
            case ContactLogged():
                channel = words.named("channel", fact.channel)
                reached = words["reached" if fact.reached else "not_reached"]
                return self._said(event, "note", fact.text, (channel, reached), who=self._name(event))
            case CaseOpened():
                return self._said(event, "case", fact.summary, (words["case_asked"],), who=self._name(event))
            case CaseAnswered():
                to = words["answer_sent" if fact.to == "customer" else "answer_draft"]
                draft = fact.case_id if fact.to == "agent" else ""
                return self._said(event, "answer", fact.text, (to,), who=self._name(event), case_id=draft)
            case _:
                said = self._line(event)
                return self._said(event, "line", said, ()) if said else None

    def _said(
        self,
        event: Event,
        kind: str,
        text: str,
        tags: tuple[str, ...],
        *,
        who: str = "",
        shown: tuple[Shown, ...] = (),
        receipt: str = "",
        case_id: str = "",
    ) -> Entry:
        return Entry(
            sequence=event.sequence,
            episode=event.episode,
            at=event.at,
            kind=kind,
            text=text,
            who=who,
            tags=tuple(tag for tag in tags if tag),
            shown=shown,
            receipt=receipt,
            case_id=case_id,
        )

    def _pressed(self, fact: CustomerMessage) -> str:
        return (
            fact.text or fact.label or self.words.say("pressed", what=self.words.named("press", fact.press))
        )

    def _customer_tags(self, fact: CustomerMessage) -> tuple[str, ...]:
        tags = [self.words.say("masked", kind=self.words.named("masked", kind)) for kind in fact.masked]
        return (*([self.words["by_email"]] if fact.channel == "email" else []), *tags)

    def _name(self, event: Event) -> str:
        return self.people.get(event.actor.id, "") or self.words.named("actor", event.actor.kind.value)

    def _receipt(self, event: Event) -> str:
        """Where a message to the customer stands: read, sent by mail, on the page, or waiting."""
        words, mail = self.words, self.mails.get(event.sequence)
        if event.sequence <= self.read_up_to:
            return words["receipt_read"]
        if mail is not None and mail.state == "dead":
            return words["receipt_failed"]
        if mail is not None:
            return words["receipt_mailed" if mail.state == "delivered" else "receipt_mailing"]
        if self.conversation.seen_at >= event.at:
            return words["receipt_delivered"]
        return words["receipt_sent" if is_connected(self.conversation, words.now) else "receipt_waiting"]

    def _line(self, event: Event) -> str:
        """Something that happened, as one sentence; empty for what says nothing to people."""
        words, fact = self.words, event.fact
        match fact:
            case OwnerChanged(owner=Owner.AGENT, before=Owner.EXPERT):
                return words.say("line_back", name=fact.name or self._name(event))
            case OwnerChanged(owner=Owner.AGENT):
                return words.say("line_taken", name=fact.name or self._name(event))
            case OwnerChanged(owner=Owner.QUEUE):
                return words["line_queued"] if fact.before != Owner.BOT else ""
            case HandoffCreated():
                return words.say("line_handed_off", reason=words.named("reason", fact.reason))
            case HandoffReopened():
                return words["line_reopened"]
            case HandoffResolved():
                reason = words.named("resolution", fact.resolution)
                return words.say("line_resolved", name=self._name(event), reason=reason)
            case HandoffEnded():
                return words.named("line", fact.state)
            case HandoffWithdrawn():
                return words["line_withdrawn"]
            case TeamChanged():
                team = self.teams.get(fact.team, fact.team)
                said = words.say("line_team", name=self._name(event), team=team)
                return f"{said} – {fact.note}" if fact.note else said
            case PromiseMade():
                return words.say("line_promised", time=words.clock(datetime.fromisoformat(fact.reply_by)))
            case ContactGiven():
                return words["line_contact"]
            case FactCollected():
                if fact.skipped:
                    return words.say("line_skipped", label=fact.label)
                value = words["hidden"] if fact.sensitive else fact.value
                return f"{fact.label}: {value}"
            case CallbackRequested():
                wished = f" ({fact.wished})" if fact.wished else ""
                return words["line_callback"] + wished
            case CallbackAttempted():
                outcome = words.named("call", fact.outcome)
                said = words.say("line_called", name=self._name(event), outcome=outcome)
                return f"{said} – {fact.note}" if fact.note else said
            case ArticleOpened():
                return words["line_article_opened"]
            case FeedbackGiven():
                return words["line_helped" if fact.helped else "line_not_helped"]
            case CsatGiven():
                said = words.say("line_csat", score=fact.score)
                return f"{said} – {fact.comment}" if fact.comment else said
            case ConversationClosed():
                return words["line_closed"]
            case _:
                return ""


def read_by_customer(events: Sequence[Event]) -> int:
    """The last sequence that the customer has seen, as their page says; 0 for none."""
    seen = [
        event.fact.up_to
        for event in events
        if isinstance(event.fact, MessagesRead) and event.actor.kind is ActorKind.CUSTOMER
    ]
    return max(seen, default=0)


def unread_by_agent(events: Sequence[Event], agent_id: str) -> int:
    """The last sequence of a customer's message that the agent has not confirmed yet; 0 for none."""
    last = max((event.sequence for event in events if isinstance(event.fact, CustomerMessage)), default=0)
    seen = [
        event.fact.up_to
        for event in events
        if isinstance(event.fact, MessagesRead) and event.actor.id == agent_id
    ]
    return last if last > max(seen, default=0) else 0
