"""Experts' cases and call-backs: what layer 3 is asked with, and who calls whom.

A case goes to an expert with all that is known: a summary, what was tried, what is missing. The expert
answers at the desk, or without it by a link whose token only the case's mail or the agent has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from botsvc.change import Change
from botsvc.episode import Owner
from botsvc.errors import NotAllowed, NotOpen, PeopleError, UnknownCase, UnknownConversation
from botsvc.events import Actor, ActorKind
from botsvc.handling import Handling, agent_actor, answered, require_own, to_customer
from botsvc.handoff import HandoffState
from botsvc.people_facts import CallbackAttempted, CallbackRequested, CaseAnswered, CaseOpened, PersonMessage
from botsvc.storage.records import Callback, Case, StoredAgent
from botsvc.tokens import hash_token, new_id, new_token

#: How long an expert's link works.
LINK_LIFETIME = timedelta(days=14)
EXPERT = "expert"  #: the role


class CaseState(StrEnum):
    """Where an expert's case stands."""

    OPEN = "open"
    ANSWERED = "answered"
    CANCELLED = "cancelled"  #: resolved without the expert


class AnswerTo(StrEnum):
    """Whom an expert answers."""

    AGENT = "agent"  #: a draft that the agent may send
    CUSTOMER = "customer"


class CallbackState(StrEnum):
    """Where a call-back stands."""

    OPEN = "open"
    DONE = "done"
    GIVEN_UP = "given_up"
    WITHDRAWN = "withdrawn"


class CallOutcome(StrEnum):
    """What came of a call."""

    REACHED = "reached"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


#: Calls without an answer after which a call-back is given up.
MOST_CALLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an agent asks an expert."""

    summary: str
    team: str = ""
    expert: str = ""  #: id of somebody at the desk
    email: str = ""  #: of somebody without a desk
    checklist: Sequence[Mapping[str, Any]] = ()  #: {"text", "done"}
    missing: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedCase:
    """A case with the only copy of its link's token."""

    case: Case
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The verbs of experts and of those who ask them."""

    handling: Handling

    def open(self, conversation_id: str, agent: StoredAgent, question: Question) -> OpenedCase:
        """Ask an expert; the agent stays the one whom the customer knows."""
        summary = self.handling.said(question.summary)
        token = new_token()
        with self.handling.change(conversation_id, agent) as (change, handoff):
            require_own(change, handoff, agent)
            asked = change.writing.agent(question.expert) if question.expert else None
            if question.expert and (asked is None or not asked.active):
                raise PeopleError(
                    f"there is nobody called {question.expert[:60]} at the desk: ask another expert"
                )
            case = Case(
                id=new_id("k"),
                conversation_id=conversation_id,
                handoff_id=handoff.id,
                episode=change.episode.number,
                state=CaseState.OPEN.value,
                team=question.team,
                expert=question.expert,
                email=question.email.strip()[:254],
                asked_by=agent.id,
                summary=summary,
                checklist=[
                    {"text": self.handling.said(str(one["text"])), "done": bool(one.get("done"))}
                    for one in question.checklist[:30]
                    if str(one.get("text", "")).strip()
                ],
                missing=[self.handling.said(one) for one in question.missing if one.strip()][:30],
                link_hash=hash_token(token),
                opened_at=change.now,
                expires_at=change.now + LINK_LIFETIME,
                answered_at=None,
                answer="",
                answer_to="",
            )
            change.writing.save_case(case)
            change.append(
                CaseOpened(
                    case_id=case.id,
                    expert=case.expert,
                    team=case.team,
                    summary=case.summary,
                    missing=tuple(case.missing),
                ),
                agent_actor(agent),
            )
            change.own(Owner.EXPERT, agent_actor(agent))
            return OpenedCase(case=case, token=token)

    def by_link(self, token: str) -> Case:
        """The case that a link leads to; UnknownCase for a wrong one, NotOpen for one that has expired."""
        with self.handling.storage.read() as reading:
            case = reading.case_of_link(hash_token(token))
        if case is None:
            raise UnknownCase("this link leads nowhere: ask whoever sent it for a new one")
        self._refuse_expired(case)
        return case

    def _refuse_expired(self, case: Case) -> None:
        if self.handling.clock() >= case.expires_at:
            raise NotOpen("this link has expired: ask whoever sent it for a new one")

    def answer(self, case: Case, text: str, to: AnswerTo, *, expert: StoredAgent | None = None) -> None:
        """Answer a case, once; by its link, or at the desk by an expert who may.

        To the customer it goes at once, with the expert's name or none; to the agent it is a draft.
        """
        said = self.handling.said(text)
        if expert is not None and not may_answer(expert, case):
            raise NotAllowed("the case was asked of somebody else: ask for the role expert and the team")
        with self.handling.storage.write() as writing:
            conversation = writing.lock(case.conversation_id)
            known = writing.case(case.id)
            if conversation is None or known is None:
                raise UnknownConversation("the conversation of this case has been deleted")
            if expert is None:
                self._refuse_expired(known)
            if known.state != CaseState.OPEN:
                raise NotOpen(f"the case is {known.state} already: nothing was sent")
            change = Change.of(writing, conversation, self.handling.clock(), self.handling.sinks)
            handoff = change.handoff
            if handoff is None or handoff.id != case.handoff_id or handoff.state != HandoffState.OPEN:
                raise NotOpen("the request has ended meanwhile: nothing was sent")
            name = expert.name if expert else ""
            actor = Actor(kind=ActorKind.EXPERT, id=expert.id if expert else f"link:{case.id}"[:80])
            change.append(CaseAnswered(case_id=case.id, text=said, to=to.value), actor)
            if to is AnswerTo.CUSTOMER:
                fact = PersonMessage(text=said, name=name, channel="chat" if expert else "link")
                sequence = change.append(fact, actor)
                answered(change)
                to_customer(change, sequence, text=said, name=name)
            writing.save_case(
                replace(
                    known,
                    state=CaseState.ANSWERED.value,
                    answered_at=change.now,
                    answer=said,
                    answer_to=to.value,
                    expert=expert.id if expert else known.expert,
                )
            )
            if change.owner is Owner.EXPERT and not _others_open(change, case):
                agent = writing.agent(handoff.agent)
                name = agent.name if agent else ""
                owner = Owner.AGENT if handoff.agent else Owner.QUEUE
                change.own(owner, actor, agent=handoff.agent, name=name)
            change.end()

    def attempt(
        self, callback_id: str, agent: StoredAgent, outcome: CallOutcome, *, note: str = ""
    ) -> Callback:
        """Write down a call to the customer and what came of it."""
        with self.handling.storage.read() as reading:
            found = reading.callback(callback_id)
        if found is None:
            raise UnknownCase("there is no call-back with this id")
        said = self.handling.said(note) if note.strip() else ""
        with self.handling.change(found.conversation_id, agent) as (change, handoff):
            callback = change.writing.callback(callback_id)
            if callback is None or callback.state != CallbackState.OPEN:
                raise NotOpen("the call-back has ended: nothing was written down")
            require_own(change, handoff, agent)
            tried = {"at": change.now.isoformat(), "agent": agent.id, "outcome": outcome.value, "note": said}
            attempts = [*callback.attempts, tried]
            state = CallbackState.OPEN
            if outcome is CallOutcome.REACHED:
                state = CallbackState.DONE
                answered(change)
            elif outcome is CallOutcome.WRONG_NUMBER or len(attempts) >= MOST_CALLS:
                state = CallbackState.GIVEN_UP
            after = replace(callback, attempts=attempts, state=state.value)
            change.writing.save_callback(after)
            fact = CallbackAttempted(callback_id=callback_id, outcome=outcome.value, note=said)
            change.append(fact, agent_actor(agent))
            return after


def may_answer(agent: StoredAgent, case: Case) -> bool:
    """Whether a case is this person's to answer: asked of them, or of their team as an expert."""
    if case.expert:
        return case.expert == agent.id
    return EXPERT in agent.roles and (not case.team or case.team in agent.teams)


def wish_for_call(change: Change, *, phone: str, wished: str, actor: Actor, now: datetime) -> Callback:
    """Store that the customer wants to be called; said again, the open wish is changed."""
    handoff = change.handoff
    assert handoff is not None, "a call-back belongs to a handoff"
    conversation = change.conversation
    known = change.writing.callbacks(conversation_id=conversation.id, states=[CallbackState.OPEN.value])
    before = next((one for one in known if one.handoff_id == handoff.id), None)
    if before is not None:
        after = replace(before, phone=phone or before.phone, wished=wished or before.wished)
        change.writing.save_callback(after)
        return after
    callback = Callback(
        id=new_id("b"),
        conversation_id=conversation.id,
        handoff_id=handoff.id,
        phone=phone,
        wished=wished[:400],
        language=conversation.language,
        state=CallbackState.OPEN.value,
        attempts=[],
        created_at=now,
    )
    change.writing.save_callback(callback)
    change.append(CallbackRequested(callback_id=callback.id, wished=callback.wished), actor)
    return callback


def _others_open(change: Change, case: Case) -> bool:
    return any(
        other.id != case.id and other.handoff_id == case.handoff_id
        for other in change.writing.cases(conversation_id=case.conversation_id, states=[CaseState.OPEN.value])
    )
