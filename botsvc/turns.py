"""One turn of a conversation as it is stored: its events in order, the episode's state, the handoff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from botsvc.contacts import Contacts
from botsvc.decisions import Answered, Clarify, Decision, HandOff, NoAnswer, SmallTalk
from botsvc.episode import EpisodeState, Owner
from botsvc.events import (
    CUSTOMER,
    Actor,
    ActorKind,
    BotReplied,
    ContactGiven,
    CustomerMessage,
    EpisodeStarted,
    Event,
    Fact,
    FeedbackGiven,
    HandoffCreated,
    HandoffRevised,
    HandoffWithdrawn,
    OwnerChanged,
    Shown,
    ShownAs,
)
from botsvc.examples import last_answer, save_verdict
from botsvc.feedback import Verdict
from botsvc.handoff import HandoffReason, HandoffState, build_document, earlier_episode, rank_of
from botsvc.storage.records import Conversation, Episode, Handoff
from botsvc.storage.transactions import Writing
from botsvc.tokens import new_id
from indexer import Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class BotTurn:
    """What the bot makes of a message, to be stored with it."""

    decision: Decision
    state: EpisodeState  #: of the episode after this message
    language: str
    text: str = ""  #: all that the customer reads of the bot, as one text
    body: Mapping[str, Any] = field(default_factory=dict)  #: its part of the reply; ``handoff`` is filled in
    topic: str = ""  #: of the best article, where one was near
    verdict: Verdict | None = None  #: what the message says of the answer before it


@dataclass(slots=True, kw_only=True)
class Turn:
    """A turn being written within one transaction."""

    writing: Writing
    conversation: Conversation
    episode: Episode
    now: datetime
    cause: int | None = None  #: sequence of the customer's message

    @classmethod
    def begin(cls, writing: Writing, conversation: Conversation, now: datetime) -> Self:
        """A turn in the current episode, or in a new one when there is none or it is closed."""
        episode = writing.episode(conversation.id, conversation.episode)
        if episode is not None and episode.owner != Owner.NOBODY:
            return cls(writing=writing, conversation=conversation, episode=episode, now=now)
        number = conversation.episode + 1
        episode = Episode(
            conversation_id=conversation.id,
            number=number,
            owner=Owner.BOT.value,
            started_at=now,
            ended_at=None,
            state={},
        )
        turn = cls(
            writing=writing, conversation=replace(conversation, episode=number), episode=episode, now=now
        )
        turn._append(EpisodeStarted(number=number), CUSTOMER)
        return turn

    def customer_said(
        self,
        *,
        client_message_id: str,
        text: str,
        press: str,
        index: int,
        masked: tuple[str, ...],
        contacts: Contacts,
    ) -> int:
        """Store the customer's side; the sequence of its event."""
        self.conversation = replace(self.conversation, messages=self.conversation.messages + 1)
        fact = CustomerMessage(
            client_message_id=client_message_id, text=text, press=press, index=index, masked=masked
        )
        self.cause = self._append(fact, CUSTOMER)
        if contacts:
            self.conversation = replace(
                self.conversation,
                email=(contacts.emails or (self.conversation.email,))[-1],
                phone=(contacts.phones or (self.conversation.phone,))[-1],
            )
            self._append(ContactGiven(emails=contacts.emails, phones=contacts.phones), CUSTOMER)
        return self.cause

    def feedback_given(self, verdict: Verdict, *, network: str) -> None:
        """Store what the customer's message says of the answer before it."""
        events = self.writing.events(self.conversation.id, episode=self.episode.number)
        fact = FeedbackGiven(
            helped=verdict.helped,
            article_id=verdict.article.id,
            lang=verdict.article.lang,
            answer=last_answer(events, verdict.article),
        )
        self._append(fact, CUSTOMER)
        save_verdict(
            self.writing, verdict, conversation_id=self.conversation.id, network=network, now=self.now
        )

    def bot_replied(self, bot: BotTurn, *, said: str) -> dict[str, Any] | None:
        """Store the bot's side; what the reply says of the episode's handoff, None when there is none.

        The handoff's own event comes before the bot's words: it is written before anything is said.
        """
        before = self.writing.handoff_of(self.conversation.id, self.episode.number)
        asked_before = EpisodeState.from_json(dict(self.episode.state)) if self.episode.state else None
        actor = Actor(kind=ActorKind.BOT, id=bot.decision.rule.value)
        if bot.language:
            self.conversation = replace(self.conversation, language=bot.language)
        handoff = self._handoff(bot, before, asked_before, said)
        if handoff is not None:
            self._append(_handoff_fact(handoff, before), actor)
        if bot.state.owner != self.episode.owner:
            self._append(OwnerChanged(owner=bot.state.owner.value, before=self.episode.owner), actor)
        if bot.decision.outcome is not None:
            self._append(_reply_fact(bot), actor)
        self.episode = replace(
            self.episode,
            owner=bot.state.owner.value,
            ended_at=self.now if bot.state.owner is Owner.NOBODY else None,
            state=bot.state.to_json(),
        )
        self.writing.save_episode(self.episode)
        if handoff is None:
            return None
        self.writing.save_handoff(self._documented(handoff, bot, before))
        return {
            "id": handoff.id,
            "revision": handoff.revision,
            "state": handoff.state,
            "reason": handoff.reason,
        }

    def end(self, *, expires_at: datetime) -> None:
        """Store the conversation as the turn leaves it."""
        self.conversation = replace(self.conversation, updated_at=self.now, expires_at=expires_at)
        self.writing.save_conversation(self.conversation)

    def _append(self, fact: Fact, actor: Actor) -> int:
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

    def _handoff(
        self, bot: BotTurn, before: Handoff | None, state: EpisodeState | None, said: str
    ) -> Handoff | None:
        """The episode's handoff after this turn, or None when it has none and needs none."""
        decision = bot.decision
        if before is None:
            return self._new_handoff(bot, decision, state, said) if isinstance(decision, HandOff) else None
        revised = replace(
            before,
            revision=before.revision + 1,
            revised_at=self.now,
            language=bot.language or before.language,
        )
        if isinstance(decision, SmallTalk) and decision.withdraw:
            return replace(revised, state=HandoffState.WITHDRAWN.value)
        raised = decision.escalate if isinstance(decision, SmallTalk) else None
        raised = decision.priority if isinstance(decision, HandOff) else raised
        if raised is not None and rank_of(raised) < before.rank:
            reason = bot.state.handed_off.value if bot.state.handed_off else before.reason
            return replace(revised, priority=raised.value, rank=rank_of(raised), reason=reason)
        return revised

    def _new_handoff(self, bot: BotTurn, decision: HandOff, state: EpisodeState | None, said: str) -> Handoff:
        return Handoff(
            id=new_id("h"),
            conversation_id=self.conversation.id,
            episode=self.episode.number,
            revision=1,
            state=HandoffState.OPEN.value,
            reason=HandoffReason(decision.reason.value).value,
            priority=decision.priority.value,
            rank=rank_of(decision.priority),
            team=decision.team,
            language=bot.language,
            question=_question(decision, bot.state, state, said),
            created_at=self.now,
            revised_at=self.now,
            document={},
        )

    def _documented(self, handoff: Handoff, bot: BotTurn, before: Handoff | None) -> Handoff:
        earlier = [
            earlier_episode(episode, self.writing.handoff_of(self.conversation.id, episode.number))
            for episode in self.writing.episodes(self.conversation.id)
            if episode.number < self.episode.number
        ]
        document = build_document(
            handoff,
            conversation=self.conversation,
            state=bot.state,
            events=self.writing.events(self.conversation.id, episode=self.episode.number),
            earlier=earlier,
            topic=bot.topic or (before.document.get("topic") or "" if before else ""),
        )
        return replace(handoff, document=document.to_json())


def _question(decision: HandOff, after: EpisodeState, before: EpisodeState | None, said: str) -> str:
    """What the customer wants to know: not "may I talk to a person" or "no", but what led there."""
    if decision.reason.value == HandoffReason.ASKED:
        return (before.last_question if before else "") or said
    # The state keeps only the end of a long question.
    return said if said.endswith(after.last_question) else after.last_question


def _handoff_fact(
    handoff: Handoff, before: Handoff | None
) -> HandoffCreated | HandoffRevised | HandoffWithdrawn:
    if before is None:
        return HandoffCreated(
            handoff_id=handoff.id, reason=handoff.reason, priority=handoff.priority, team=handoff.team
        )
    if handoff.state == HandoffState.WITHDRAWN:
        return HandoffWithdrawn(handoff_id=handoff.id, revision=handoff.revision)
    return HandoffRevised(
        handoff_id=handoff.id,
        revision=handoff.revision,
        reason=handoff.reason,
        priority=handoff.priority,
    )


def _reply_fact(bot: BotTurn) -> BotReplied:
    decision = bot.decision
    return BotReplied(
        outcome=decision.outcome.value if decision.outcome else "",
        reason=decision.reason.value,
        rule=decision.rule.value,
        text=bot.text,
        language=bot.language,
        numbers=decision.numbers.to_json(),
        index_id=decision.index_id,
        shown=tuple(_shown(decision)),
        question=_answered_question(bot),
    )


def _answered_question(bot: BotTurn) -> str:
    """What the customer wanted to know, where the reply is about that."""
    pending = bot.state.pending
    if isinstance(bot.decision, SmallTalk):
        return ""
    return (pending.question if pending else "") or bot.state.last_question


def _shown(decision: Decision) -> Iterator[Shown]:
    """The articles that a decision puts before the customer, in the order seen."""
    match decision:
        case Answered():
            yield _article(decision.hit, ShownAs.ANSWER)
            yield from (_article(hit, ShownAs.MORE) for hit in decision.more)
        case Clarify():
            yield from (_article(hit, ShownAs.CHOICE) for hit in decision.choices)
        case HandOff():
            if decision.hit is not None:
                yield _article(decision.hit, ShownAs.ANSWER)
            yield from (_article(hit, ShownAs.NEAREST) for hit in decision.nearest)
        case NoAnswer():
            yield from (_article(hit, ShownAs.NEAREST) for hit in decision.nearest)


def _article(hit: Hit, shown_as: ShownAs) -> Shown:
    return Shown(
        article_id=hit.article_id,
        lang=hit.lang,
        section_id=hit.section_id,
        title=hit.title,
        url=hit.url,
        score=hit.score,
        shown_as=shown_as,
    )
