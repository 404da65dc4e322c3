"""What one transaction does to a conversation's current episode: its events, owner, handoff and what leaves.

Everybody who changes a conversation does it through here: customers and the bot (``turns``), people
(``people``), time (``timers``), mail. So the rules that hold for all of them are written once: the events say
what the state is, exactly one owner, and a handoff's revision leaves in the transaction that made it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self

from botsvc.episode import EpisodeState, Owner
from botsvc.events import (
    Actor,
    ConversationStarted,
    Event,
    Fact,
    HandoffCreated,
    HandoffRevised,
    OwnerChanged,
)
from botsvc.handoff import Consent, HandoffState, build_document, earlier_episode, rank_of
from botsvc.people_facts import HandoffReopened, PromiseMade
from botsvc.storage.records import Conversation, Delivery, Episode, Handoff
from botsvc.storage.transactions import Writing
from botsvc.tokens import new_id

#: The sink that takes people's messages to the customer's mailbox.
CUSTOMER_MAIL = "customer-mail"

#: Makes the event of a handoff's new revision.
RevisionFact = Callable[[Handoff], Fact]


@dataclass(slots=True, kw_only=True)
class Change:
    """A change being written within one transaction; the conversation is locked, or new."""

    writing: Writing
    conversation: Conversation
    episode: Episode
    now: datetime
    sinks: tuple[str, ...] = ()  #: outside sinks that get every revision of a handoff
    cause: int | None = None  #: sequence of the event that led to the next ones
    handoff: Handoff | None = None
    _revised: bool = False

    @classmethod
    def of(cls, writing: Writing, conversation: Conversation, now: datetime, sinks: tuple[str, ...]) -> Self:
        """A change to the current episode, open or closed; LookupError while there is none."""
        episode = writing.episode(conversation.id, conversation.episode)
        if episode is None:
            raise LookupError(f"conversation {conversation.id} has no episode")
        return cls(
            writing=writing,
            conversation=conversation,
            episode=episode,
            now=now,
            sinks=sinks,
            handoff=writing.handoff_of(conversation.id, episode.number),
        )

    @property
    def owner(self) -> Owner:
        """Who has the conversation."""
        return Owner(self.episode.owner)

    @property
    def state(self) -> EpisodeState:
        """What the bot remembers of the episode."""
        return EpisodeState.from_json(dict(self.episode.state)) if self.episode.state else EpisodeState()

    def append(self, fact: Fact, actor: Actor) -> int:
        """Store an event; its sequence."""
        event = Event(
            sequence=self.conversation.last_sequence + 1,
            episode=self.episode.number,
            at=self.now,
            actor=actor,
            cause=self.cause,
            fact=fact,
        )
        self.conversation = self.writing.append(self.conversation, [event])
        return event.sequence

    def own(self, owner: Owner, actor: Actor, *, agent: str = "", name: str = "") -> None:
        """Give the episode to ``owner``; nothing is said where they have it already."""
        before = self.owner
        if before is owner and (owner is not Owner.AGENT or not agent or self._has(agent)):
            return
        self.append(OwnerChanged(owner=owner.value, before=before.value, agent=agent, name=name), actor)
        state = {**self.episode.state, "owner": owner.value} if self.episode.state else {}
        if owner in (Owner.AGENT, Owner.EXPERT) and state:
            state["pending"] = None  # people ask for themselves what they still need
        self.episode = replace(
            self.episode,
            owner=owner.value,
            ended_at=self.now if owner is Owner.NOBODY else None,
            state=state,
        )

    def _has(self, agent: str) -> bool:
        return self.handoff is not None and self.handoff.agent == agent

    def remember(self, state: EpisodeState) -> None:
        """Store what the bot remembers; the owner is changed by ``own`` alone."""
        self.episode = replace(self.episode, state={**state.to_json(), "owner": self.episode.owner})

    def hand_off(self, actor: Actor, handoff: Handoff) -> None:
        """Store the episode's new handoff, revision 1."""
        self.handoff = handoff
        self.append(
            HandoffCreated(
                handoff_id=handoff.id, reason=handoff.reason, priority=handoff.priority, team=handoff.team
            ),
            actor,
        )
        self._revised = True

    def revise(self, actor: Actor, fact: RevisionFact | None = None, **changes: Any) -> Handoff:  # noqa: ANN401
        """Make the handoff's next revision with these columns changed, and store the event of it.

        Several revisions within one change become one: people get what the transaction leaves.
        """
        assert self.handoff is not None, "there is nothing to revise"
        if not self._revised:
            changes = {"revision": self.handoff.revision + 1, "revised_at": self.now, **changes}
        self.handoff = replace(self.handoff, **changes)
        if fact is not None or not self._revised:
            self.append((fact or _revised)(self.handoff), actor)
        self._revised = True
        return self.handoff

    def reopen(self, actor: Actor, **raised: Any) -> None:  # noqa: ANN401
        """Give a resolved request back to its team's queue, as one that nobody has looked at."""
        self.revise(
            actor,
            lambda after: HandoffReopened(handoff_id=after.id, revision=after.revision, team=after.team),
            state=HandoffState.OPEN.value,
            ended_at=None,
            resolution="",
            agent="",
            waiting_since=self.now,
            acknowledged_at=None,
            answered_at=None,
            promised_by=None,
            warned_at=None,
            **raised,
        )
        self.own(Owner.QUEUE, actor)

    def note_down(self, **changes: Any) -> Handoff:  # noqa: ANN401
        """Change columns of the handoff that its document does not show: no new revision."""
        assert self.handoff is not None, "there is no handoff"
        self.handoff = replace(self.handoff, **changes)
        return self.handoff

    def promise(self, actor: Actor, reply_by: datetime, time_zone: str) -> None:
        """Promise a reply; told to the customer by the caller."""
        assert self.handoff is not None, "only what was handed off is promised a reply"
        fact = PromiseMade(
            handoff_id=self.handoff.id,
            reply_by=reply_by.isoformat(),
            time_zone=time_zone,
            team=self.handoff.team,
        )
        self.revise(actor, lambda _: fact, promised_by=reply_by, time_zone=time_zone)

    def mail(self, sequence: int, *, text: str, name: str) -> None:
        """Send what stands at ``sequence`` to the customer's mailbox as well."""
        if not self.conversation.email or CUSTOMER_MAIL not in self.sinks:
            return
        self.writing.add_delivery(
            _delivery(
                key=f"mail:{self.conversation.id}:{sequence}",
                kind="mail",
                sink=CUSTOMER_MAIL,
                conversation_id=self.conversation.id,
                stream=f"{CUSTOMER_MAIL}:{self.conversation.id}",
                place=sequence,
                payload={
                    "sequence": sequence,
                    "text": text,
                    "name": name,
                    "language": self.conversation.language,
                    "to": self.conversation.email,
                },
                now=self.now,
            )
        )

    def end(self) -> None:
        """Store everything as the change leaves it."""
        self.writing.save_episode(self.episode)
        if self.handoff is not None:
            if self._revised:
                if self.handoff.state != HandoffState.OPEN:
                    self._call_off(self.handoff)
                self.handoff = self._documented(self.handoff)
            self.writing.save_handoff(self.handoff)
            if self._revised:
                self._enqueue(self.handoff)
        self.writing.save_conversation(replace(self.conversation, updated_at=self.now))

    def _call_off(self, handoff: Handoff) -> None:
        """What experts were asked, and who was to be called: however the request ended, it is over."""
        self.writing.cancel_cases(handoff.id)
        self.writing.withdraw_callbacks(handoff.id)

    def _documented(self, handoff: Handoff) -> Handoff:
        conversation = self.conversation
        earlier = [
            earlier_episode(episode, self.writing.handoff_of(conversation.id, episode.number))
            for episode in self.writing.episodes(conversation.id)
            if episode.number < self.episode.number
        ]
        document = build_document(
            handoff,
            conversation=conversation,
            state=self.state,
            events=self.writing.events(conversation.id, episode=self.episode.number),
            earlier=earlier,
            callbacks=self.writing.callbacks(conversation_id=conversation.id),
            consent=self._consent(),
        )
        return replace(handoff, document=document.to_json())

    def _consent(self) -> Consent | None:
        """What the customer read before the first message: writing on means agreeing to it."""
        for event in self.writing.events(self.conversation.id, episode=0):
            if isinstance(event.fact, ConversationStarted) and event.fact.notice:
                return Consent(text=event.fact.notice, given_at=event.at)
        return None

    def _enqueue(self, handoff: Handoff) -> None:
        for sink in self.sinks:
            if sink == CUSTOMER_MAIL:
                continue
            self.writing.add_delivery(
                _delivery(
                    key=f"handoff:{handoff.id}:{handoff.revision}:{sink}",
                    kind="handoff",
                    sink=sink,
                    conversation_id=handoff.conversation_id,
                    stream=f"{sink}:{handoff.id}",
                    place=handoff.revision,
                    payload=dict(handoff.document),
                    now=self.now,
                )
            )


def new_handoff(
    conversation: Conversation,
    episode: Episode,
    now: datetime,
    *,
    reason: str,
    priority: str,
    question: str,
    language: str,
    team: str = "",
    form: str = "",
) -> Handoff:
    """The first revision of an episode's handoff, waiting in its team's queue."""
    return Handoff(
        id=new_id("h"),
        conversation_id=conversation.id,
        episode=episode.number,
        revision=1,
        state=HandoffState.OPEN.value,
        reason=reason,
        priority=priority,
        rank=rank_of(priority),
        team=team,
        language=language,
        question=question,
        created_at=now,
        revised_at=now,
        document={},
        waiting_since=now,
        form=form,
    )


def _revised(handoff: Handoff) -> Fact:
    return HandoffRevised(
        handoff_id=handoff.id,
        revision=handoff.revision,
        reason=handoff.reason,
        priority=handoff.priority,
    )


def _delivery(
    *,
    key: str,
    kind: str,
    sink: str,
    conversation_id: str,
    stream: str,
    place: int,
    payload: dict[str, Any],
    now: datetime,
) -> Delivery:
    return Delivery(
        id=new_id("d"),
        key=key,
        kind=kind,
        sink=sink,
        conversation_id=conversation_id,
        stream=stream,
        place=place,
        payload=payload,
        state="pending",
        attempts=0,
        due_at=now,
        leased_until=None,
        lease="",
        error="",
        created_at=now,
        delivered_at=None,
    )
