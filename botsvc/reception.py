"""Who receives a handoff, and what the customer may be told about when.

Live chat is offered only while somebody with the language is there with room. A later reply is promised only
where it can arrive: with an address. Nothing is promised where nobody works.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from botsvc.change import CUSTOMER_MAIL
from botsvc.policy import Desk
from botsvc.promises import (
    Promise,
    chat_sentence,
    closed_sentence,
    late_sentence,
    promise,
    promise_sentence,
    slowest_reply,
)
from botsvc.routing import RoutingFacts
from botsvc.storage import Storage
from botsvc.storage.records import Handoff, StoredAgent
from botsvc.storage.transactions import Reading
from botsvc.teams import Team, Teams
from botsvc.texts import Texts

#: How long after its last sign of life an agent's desk counts as gone.
AGENT_GONE = timedelta(minutes=2)
AVAILABLE = "available"
#: Over how long the replies are looked at that say how slow a team is.
LAST_WEEKS = timedelta(weeks=4)
#: For how long what was read of the desk's people and replies holds.
_STAFF_SECONDS = timedelta(seconds=5)
_REPLIES_SECONDS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What became of a handoff at the desk's door."""

    team: str = ""  #: key of the team; empty where there are none
    live: bool = False  #: somebody with the language is there now and has room
    place: int = 0  #: in the queue, from 1; 0 where nobody is live
    reply_by: datetime | None = None  #: until when a reply may be promised; None for nothing promised
    time_zone: str = ""  #: of the promise
    said: str = ""  #: the sentence for the customer; empty where there is nothing to say of it yet


@dataclass(slots=True, kw_only=True)
class FrontDesk:
    """Knows the teams, who is there, and how long people take."""

    storage: Storage
    teams: Teams
    texts: Texts
    sinks: tuple[str, ...] = ()
    contact: bool = False  #: there is a phone, e-mail or hours to show
    patience: timedelta = timedelta(minutes=1)  #: how long a sink may fail until it counts as cut off
    _staffed: tuple[datetime, bool] | None = None
    _slowest: dict[str, tuple[datetime, timedelta | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def desk(self, now: datetime) -> Desk:
        """Who is behind the bot: a team, a contact to show, or nobody."""
        known = self._staffed
        if known is None or now - known[0] >= _STAFF_SECONDS or now < known[0]:
            staffed = self._reachable(now) or self.staffed()
            self._staffed = known = (now, staffed)
        if known[1]:
            return Desk.TEAM
        return Desk.CONTACT if self.contact else Desk.NOBODY

    def _reachable(self, now: datetime) -> bool:
        """Whether there are people outside, and handoffs get through to some of them."""
        with self.storage.read() as reading:
            return any(
                sink != CUSTOMER_MAIL and not reading.cut_off(sink, since=now - self.patience)
                for sink in self.sinks
            )

    def receive(
        self,
        facts: RoutingFacts,
        now: datetime,
        *,
        reachable: bool,
        customer_zone: str = "",
        live: bool = True,
    ) -> Reception:
        """Where a new handoff goes, and what may be said of when; ``live``: chat is possible at all."""
        with self.storage.read() as reading:
            facts = _with_waiting(facts, reading)
            team = self.teams.route(facts, now)
            return self._received(
                reading,
                team,
                facts.language,
                now,
                reachable=reachable,
                zone=customer_zone,
                ahead=None,
                live=live,
            )

    def again(
        self, handoff: Handoff, now: datetime, *, language: str, reachable: bool, customer_zone: str = ""
    ) -> Reception:
        """The same for a handoff that has its team: an address has come, or it was reopened."""
        with self.storage.read() as reading:
            return self._received(
                reading,
                self.teams.get(handoff.team),
                language,
                now,
                reachable=reachable,
                zone=customer_zone,
                ahead=handoff,
                key=handoff.team,
            )

    def answers_later(self, language: str, now: datetime) -> bool:
        """Whether nobody with the language is there now: a reply will need an address."""
        with self.storage.read() as reading:
            return not self._room(reading, "", language, now)

    def place(self, reading: Reading, handoff: Handoff) -> int:
        """The handoff's place in its team's queue, from 1; 0 once somebody has it."""
        if handoff.agent:
            return 0
        waiting = reading.waiting(handoff.team)
        ahead = (one for one in waiting if (one.rank, one.created_at) < (handoff.rank, handoff.created_at))
        return 1 + sum(1 for _ in ahead)

    def is_live(self, reading: Reading, team: str, language: str, now: datetime) -> bool:
        """Whether somebody of the team with the language is there and has room for one more."""
        return self._room(reading, team, language, now) > 0

    def promise_anew(self, handoff: Handoff, now: datetime) -> Reception:
        """The team's next promise, for one that is about to break."""
        team = self.teams.get(handoff.team)
        made = self._promise(team, now) if team is not None else None
        if made is None:
            return Reception(team=handoff.team, time_zone=handoff.time_zone)
        return Reception(team=handoff.team, reply_by=made.reply_by, time_zone=made.time_zone)

    def promise_breaks(self, language: str, reply_by: datetime | None, zone: str, now: datetime) -> str:
        """That the promised time will not hold, and the new one if there is one."""
        anew = Promise(reply_by=reply_by, time_zone=zone, opens_at=None) if reply_by else None
        return late_sentence(self.texts, language, anew, now)

    def still_waiting(self, language: str, *, reachable: bool) -> str:
        """That nobody has come yet, and what the customer can do."""
        return self.texts.say(language, "still_waiting" if reachable else "still_waiting_address")

    def not_delivered(self, language: str) -> str:
        """That the request cannot be brought to people now, and that it is kept."""
        return self.texts.say(language, "not_delivered")

    def staffed(self) -> bool:
        """Whether anybody works at the desk, there or not."""
        with self.storage.read() as reading:
            return any(agent.active and agent.password_hash for agent in reading.agents())

    def _received(
        self,
        reading: Reading,
        team: Team | None,
        language: str,
        now: datetime,
        *,
        reachable: bool,
        zone: str,
        ahead: Handoff | None,
        key: str = "",
        live: bool = True,
    ) -> Reception:
        key = team.key if team else key
        waiting = [one for one in reading.waiting(key) if ahead is None or one.id != ahead.id]
        if live and self._room(reading, key, language, now) > len(waiting):
            place = len(waiting) + 1
            return Reception(
                team=key, live=True, place=place, said=chat_sentence(self.texts, language, place)
            )
        if team is None or self.desk(now) is not Desk.TEAM:
            return Reception(team=key)  # nobody is there, or can be reached, who could keep a promise
        if not reachable:
            said = closed_sentence(self.texts, language, team.hours, now, customer_zone=zone)
            return Reception(team=key, said=said)
        made = self._promise(team, now)
        return Reception(
            team=key,
            reply_by=made.reply_by if made else None,
            time_zone=made.time_zone if made else "",
            said=promise_sentence(self.texts, language, made, now, customer_zone=zone),
        )

    def _promise(self, team: Team, now: datetime) -> Promise | None:
        with self._lock:
            known = self._slowest.get(team.key)
            if known is None or now - known[0] >= _REPLIES_SECONDS or now < known[0]:
                with self.storage.read() as reading:
                    replies = reading.first_replies(team.key, since=now - LAST_WEEKS)
                self._slowest[team.key] = known = (now, slowest_reply(replies, team.hours))
        return promise(team, now, slowest=known[1])

    def _room(self, reading: Reading, team: str, language: str, now: datetime) -> int:
        taken = reading.taken()
        return sum(
            max(0, agent.room - taken.get(agent.id, 0))
            for agent in reading.agents()
            if is_present(agent, now) and _speaks(agent, language) and (not team or team in agent.teams)
        )


def is_present(agent: StoredAgent, now: datetime) -> bool:
    """Whether an agent is at the desk and takes conversations."""
    seen = agent.seen_at is not None and now - agent.seen_at < AGENT_GONE
    return agent.active and agent.status == AVAILABLE and seen


def _speaks(agent: StoredAgent, language: str) -> bool:
    return not language or not agent.languages or language in agent.languages


def _with_waiting(facts: RoutingFacts, reading: Reading) -> RoutingFacts:
    return replace(facts, waiting=Counter(one.team for one in reading.waiting(None)))
