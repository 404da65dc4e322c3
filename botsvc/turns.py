"""One turn of a conversation as it is stored: its events in order, the episode's state, the handoff."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from botsvc.cases import wish_for_call
from botsvc.change import Change, new_handoff
from botsvc.contacts import Contacts
from botsvc.decisions import Answered, Clarify, Decision, HandOff, Interview, NoAnswer, SmallTalk
from botsvc.episode import EpisodeState, Owner, Press
from botsvc.errors import SealingError
from botsvc.events import (
    CUSTOMER,
    Actor,
    ActorKind,
    BotReplied,
    ContactGiven,
    CustomerMessage,
    EpisodeStarted,
    FactCollected,
    FeedbackGiven,
    HandoffWithdrawn,
    Shown,
    ShownAs,
)
from botsvc.examples import last_answer, save_verdict
from botsvc.feedback import Verdict
from botsvc.form_filling import Collected
from botsvc.handoff import HandoffReason, HandoffState, rank_of
from botsvc.reception import Reception
from botsvc.sealing import Sealer
from botsvc.storage.records import Conversation, Episode, Handoff, SealedFact
from botsvc.storage.transactions import Writing
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
    reception: Reception | None = None  #: who gets the handoff, where this turn makes or completes one
    reopens: bool = False  #: a person's resolution did not hold: the same people get it again
    stays_closed: bool = False  #: thanks for a resolution: the episode is not opened by it
    hidden: bool = False  #: the customer's words answer a sensitive question: they are only kept sealed


@dataclass(slots=True, kw_only=True)
class Turn:
    """A turn being written within one transaction."""

    change: Change
    sealer: Sealer | None = None  #: for answers to sensitive questions

    @classmethod
    def begin(
        cls,
        writing: Writing,
        conversation: Conversation,
        now: datetime,
        *,
        sinks: tuple[str, ...] = (),
        sealer: Sealer | None = None,
        same_episode: bool = False,
    ) -> Self:
        """A turn in the current episode; in a new one when there is none or it is closed.

        With ``same_episode`` a closed one goes on: it is reopened, or thanked for.
        """
        episode = writing.episode(conversation.id, conversation.episode)
        if episode is not None and (same_episode or episode.owner != Owner.NOBODY):
            return cls(change=Change.of(writing, conversation, now, sinks), sealer=sealer)
        number = conversation.episode + 1
        episode = Episode(
            conversation_id=conversation.id,
            number=number,
            owner=Owner.BOT.value,
            started_at=now,
            ended_at=None,
            state={},
        )
        conversation = replace(conversation, episode=number)
        change = Change(writing=writing, conversation=conversation, episode=episode, now=now, sinks=sinks)
        change.append(EpisodeStarted(number=number), CUSTOMER)
        return cls(change=change, sealer=sealer)

    def customer_said(
        self,
        *,
        client_message_id: str,
        text: str,
        press: str = "",
        index: int = 0,
        masked: tuple[str, ...] = (),
        contacts: Contacts | None = None,
        channel: str = "chat",
    ) -> int:
        """Store the customer's side; the sequence of its event."""
        change = self.change
        change.conversation = replace(
            change.conversation, messages=change.conversation.messages + 1, seen_at=change.now
        )
        fact = CustomerMessage(
            client_message_id=client_message_id,
            text=text,
            press=press,
            index=index,
            label=_label(change.state, press, index),
            masked=masked,
            channel=channel,
        )
        change.cause = change.append(fact, CUSTOMER)
        if contacts:
            change.conversation = replace(
                change.conversation,
                email=(contacts.emails or (change.conversation.email,))[-1],
                phone=(contacts.phones or (change.conversation.phone,))[-1],
            )
            change.append(ContactGiven(emails=contacts.emails, phones=contacts.phones), CUSTOMER)
        return change.cause

    def feedback_given(self, verdict: Verdict, *, network: str) -> None:
        """Store what the customer's message says of the answer before it."""
        change = self.change
        events = change.writing.events(change.conversation.id, episode=change.episode.number)
        fact = FeedbackGiven(
            helped=verdict.helped,
            article_id=verdict.article.id,
            lang=verdict.article.lang,
            answer=last_answer(events, verdict.article),
        )
        change.append(fact, CUSTOMER)
        save_verdict(
            change.writing, verdict, conversation_id=change.conversation.id, network=network, now=change.now
        )

    def bot_replied(self, bot: BotTurn, *, said: str) -> dict[str, Any] | None:
        """Store the bot's side; what the reply says of the episode's handoff, None when there is none.

        The handoff's own event comes before the bot's words: it is written before anything is said.
        """
        change = self.change
        asked_before = change.state if change.episode.state else None
        actor = Actor(kind=ActorKind.BOT, id=bot.decision.rule.value)
        if bot.language and bot.decision.outcome is not None:
            change.conversation = replace(change.conversation, language=bot.language)
        if isinstance(bot.decision, Interview) and bot.decision.collected is not None:
            self._collected(bot.decision.collected)
        if bot.reopens:
            self._reopen(bot, actor)
        else:
            self._handoff(bot, asked_before, said, actor)
            if not bot.stays_closed:
                change.own(bot.state.owner, actor)
        if bot.decision.outcome is not None:
            change.append(_reply_fact(bot), actor)
        if not bot.stays_closed and not bot.reopens:
            change.remember(bot.state)
        handoff = change.handoff
        if handoff is None or bot.stays_closed:
            return None
        return {
            "id": handoff.id,
            "revision": handoff.revision,
            "state": handoff.state,
            "reason": handoff.reason,
        }

    def end(self, *, expires_at: datetime) -> None:
        """Store the conversation as the turn leaves it."""
        self.change.conversation = replace(self.change.conversation, expires_at=expires_at)
        self.change.end()

    def _handoff(self, bot: BotTurn, state: EpisodeState | None, said: str, actor: Actor) -> None:
        """The episode's handoff after this turn: made, revised with what was said, or called off."""
        change, decision = self.change, bot.decision
        before, reception = change.handoff, bot.reception
        if before is None:
            if not isinstance(decision, HandOff):
                return
            change.hand_off(actor, self._new_handoff(bot, decision, state, said))
        elif before.state != HandoffState.OPEN or change.owner is not Owner.QUEUE:
            return  # somebody has it, who sees the message as it comes
        elif isinstance(decision, SmallTalk) and decision.withdraw:
            change.revise(
                actor,
                lambda after: HandoffWithdrawn(handoff_id=after.id, revision=after.revision),
                state=HandoffState.WITHDRAWN.value,
                ended_at=change.now,
            )
            return
        else:
            change.revise(actor, **_raised(bot, before), language=bot.language or before.language)
        if reception is not None and reception.reply_by is not None:
            change.promise(actor, reception.reply_by, reception.time_zone)
        self._callback(decision)

    def _callback(self, decision: Decision) -> None:
        """Keep a wish to be called, and the number once it is known."""
        change = self.change
        wished = decision.callback_wish if isinstance(decision, HandOff | Interview) else ""
        known = change.state.callback if change.episode.state else False
        if wished or (known and change.conversation.phone):
            wish_for_call(
                change, phone=change.conversation.phone, wished=wished, actor=CUSTOMER, now=change.now
            )

    def _collected(self, answer: Collected) -> None:
        """Store an answer of the interview; a sensitive one is sealed and in no event."""
        change = self.change
        if answer.sensitive and not answer.skipped:
            if self.sealer is None:
                raise SealingError("a sensitive answer came, and there is no key to encrypt it with")
            conversation, episode = change.conversation.id, change.episode.number
            sealed = self.sealer.seal(
                answer.value, conversation_id=conversation, episode=episode, field=answer.field
            )
            change.writing.save_sealed_fact(
                SealedFact(
                    conversation_id=conversation,
                    episode=episode,
                    field=answer.field,
                    label=answer.label,
                    ciphertext=sealed,
                    at=change.now,
                )
            )
        fact = FactCollected(
            form=answer.form,
            field=answer.field,
            label=answer.label,
            value="" if answer.sensitive or answer.skipped else answer.value,
            skipped=answer.skipped,
            sensitive=answer.sensitive,
            validated=answer.validated,
        )
        change.append(fact, CUSTOMER)

    def _new_handoff(self, bot: BotTurn, decision: HandOff, state: EpisodeState | None, said: str) -> Handoff:
        return new_handoff(
            self.change.conversation,
            self.change.episode,
            self.change.now,
            reason=HandoffReason(decision.reason.value).value,
            priority=decision.priority.value,
            question=_question(decision, bot.state, state, said),
            language=bot.language,
            team=bot.reception.team if bot.reception else decision.team,
            form=decision.form,
        )

    def _reopen(self, bot: BotTurn, actor: Actor) -> None:
        change = self.change
        assert change.handoff is not None, "only what was handed off can come back"
        change.reopen(actor, **_raised(bot, change.handoff))
        if bot.reception is not None and bot.reception.reply_by is not None:
            change.promise(actor, bot.reception.reply_by, bot.reception.time_zone)


def _label(state: EpisodeState, press: str, index: int) -> str:
    """What stands on a choice: of an article, of who is asking, or of a form's question."""
    if press not in (Press.CHOICE, Press.AUDIENCE) or state.pending is None:
        return ""
    labels = state.interview.current.choices if state.interviews and state.interview else state.pending.labels
    return labels[index] if index < len(labels) else ""


def _raised(bot: BotTurn, before: Handoff) -> dict[str, Any]:
    """A more urgent priority, where the turn gives one."""
    decision = bot.decision
    raised = decision.escalate if isinstance(decision, SmallTalk) else None
    raised = decision.priority if isinstance(decision, HandOff) else raised
    if raised is None or rank_of(raised) >= before.rank:
        return {}
    reason = bot.state.handed_off.value if bot.state.handed_off else before.reason
    return {"priority": raised.value, "rank": rank_of(raised), "reason": reason}


def _question(decision: HandOff, after: EpisodeState, before: EpisodeState | None, said: str) -> str:
    """What the customer wants to know: not "may I talk to a person" or "no", but what led there."""
    if decision.reason.value == HandoffReason.ASKED:
        return (before.last_question if before else "") or said
    # The state keeps only the end of a long question.
    return said if said.endswith(after.last_question) else after.last_question


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
        topic=bot.topic,
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
