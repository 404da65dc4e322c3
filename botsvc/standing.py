"""Where a customer's request stands, as they may know it: place or promise, who has it, what was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from botsvc.cases import CallbackState
from botsvc.change import CUSTOMER_MAIL
from botsvc.customer_acts import ServedBy, read_up_to
from botsvc.events import ActorKind, CsatGiven, Event
from botsvc.handoff import HandoffState
from botsvc.policy import Desk
from botsvc.promises import promise_words
from botsvc.reception import FrontDesk
from botsvc.storage.records import Conversation, Handoff
from botsvc.storage.transactions import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call-back that the customer waits for."""

    phone: str
    wished: str  #: when, in the customer's words


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One request."""

    handoff_id: str
    state: HandoffState
    question: str  #: masked
    asked_at: datetime
    waiting_since: datetime
    ended_at: datetime | None
    team: str  #: its name in the customer's language; empty where there are no teams
    agent: str  #: name of the one who has it; empty while it waits
    staffed: bool  #: there are people that requests get through to
    live: bool  #: somebody who could take it is there now
    place: int  #: in the queue, from 1; 0 once somebody has it, or it has ended
    reply_by: datetime | None  #: promised and still to come
    reply_by_words: str  #: the same as a phrase: huomenna klo 8.00
    delivered: bool  #: a person or another system has confirmed that it has arrived
    answered: bool  #: a person has written to the customer, or reached them
    read_up_to: int  #: sequence up to which people have read; 0: nothing
    mail: bool  #: people's messages also come by e-mail while the page is closed
    reachable: bool  #: there is an address for a later reply
    call: Call | None

    @property
    def open(self) -> bool:
        """Whether people are still to do something."""
        return self.state is HandoffState.OPEN


def standing_of(
    reading: Reading,
    front_desk: FrontDesk,
    conversation: Conversation,
    handoff: Handoff,
    events: tuple[Event, ...],
    now: datetime,
    *,
    lang: str = "",
) -> Standing:
    """How a handoff stands; ``events`` are those of its episode, ``lang`` the language of its words."""
    lang = lang or conversation.language
    team = front_desk.teams.get(handoff.team)
    agent = reading.agent(handoff.agent) if handoff.agent else None
    is_open = handoff.state == HandoffState.OPEN
    waits = is_open and agent is None
    promised = handoff.promised_by if is_open and handoff.answered_at is None else None
    live = waits and front_desk.is_live(reading, handoff.team, handoff.language, now)
    calls = reading.callbacks(conversation_id=conversation.id, states=[CallbackState.OPEN.value])
    call = next((one for one in calls if one.handoff_id == handoff.id), None)
    return Standing(
        handoff_id=handoff.id,
        state=HandoffState(handoff.state),
        question=handoff.question,
        asked_at=handoff.created_at,
        waiting_since=handoff.waiting_since,
        ended_at=handoff.ended_at,
        team=team.name(lang) if team else "",
        agent=agent.name if agent else "",
        staffed=front_desk.desk(now) is Desk.TEAM,
        live=live,
        place=front_desk.place(reading, handoff) if waits else 0,
        reply_by=promised,
        reply_by_words=promise_words(
            front_desk.texts, lang, promised, now, handoff.time_zone, customer_zone=conversation.time_zone
        )
        if promised
        else "",
        delivered=handoff.acknowledged_at is not None,
        answered=handoff.answered_at is not None,
        read_up_to=read_up_to(events, ActorKind.AGENT),
        mail=bool(conversation.email) and CUSTOMER_MAIL in front_desk.sinks,
        reachable=bool(conversation.email or conversation.phone),
        call=Call(phone=call.phone, wished=call.wished) if call else None,
    )


def stands(
    front_desk: FrontDesk,
    conversation: Conversation,
    events: tuple[Event, ...],
    now: datetime,
    *,
    lang: str = "",
) -> tuple[Standing | None, Judging]:
    """The current matter's request, None where there is none, and what may be asked at its end."""
    number = conversation.episode
    own = tuple(event for event in events if event.episode == number)
    with front_desk.storage.read() as reading:
        episode = reading.episode(conversation.id, number)
        handoff = reading.handoff_of(conversation.id, number)
        judging = judging_of(handoff, own, ended=episode is not None and episode.ended_at is not None)
        if handoff is None:
            return None, judging
        return standing_of(reading, front_desk, conversation, handoff, own, now, lang=lang), judging


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What the customer may be asked at the end."""

    asked: bool  #: the matter has ended, so a score may be asked for
    by: ServedBy
    score: int | None  #: given already


def judging_of(handoff: Handoff | None, events: tuple[Event, ...], *, ended: bool) -> Judging:
    """Whether to ask for a score of the matter that these events are of."""
    given = [event.fact for event in events if isinstance(event.fact, CsatGiven)]
    answered = handoff is not None and handoff.answered_at is not None
    return Judging(
        asked=ended and bool(events),
        by=ServedBy.PERSON if answered else ServedBy.BOT,
        score=given[-1].score if given else None,
    )
