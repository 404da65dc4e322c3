"""A desk with people, a clock and scripted bots over a real store, for the tests of conversations."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection

from botsvc.arrivals import Arrivals
from botsvc.cases import Cases
from botsvc.conversations import Conversations
from botsvc.decisions import Decision, HandOff, Priority, Reason, Rule, Silent, SmallTalk
from botsvc.episode import EpisodeState, Message, Owner, Press, advance
from botsvc.events import Event
from botsvc.exchange import CustomerTurn, Limits, Met, Opened, Posted, Start
from botsvc.handling import Handling
from botsvc.intents import Intents
from botsvc.people import People, SentArticle
from botsvc.reception import Reception
from botsvc.reopening import returned
from botsvc.smalltalk import SmallTalkKind
from botsvc.storage import Storage
from botsvc.storage.records import Callback, Case, Delivery, Episode, Handoff, StoredAgent
from botsvc.storage.transactions import Writing
from botsvc.timers import Patience, Timers, mail_unread
from botsvc.turns import BotTurn

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
SINKS = ("crm", "helpdesk", "customer-mail")  #: two outside sinks, and the customer's mailbox
OUTSIDE = SINKS[:2]
ARTICLE = SentArticle(
    article_id="lost-card",
    lang="fi",
    section_id="lead",
    title="Kadonnut kortti",
    url="/help/fi/lost-card#lead",
    text="Sulje kortti sovelluksessa.",
)
_NAMES = itertools.count(1)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **passed: float) -> datetime:
        """Let time pass."""
        self.now += timedelta(**passed)
        return self.now


def an_agent(key: str, name: str, *, teams: tuple[str, ...] = ("cards",), role: str = "agent") -> StoredAgent:
    """Somebody at the desk, seen when the clock began."""
    return StoredAgent(
        id=key,
        email=f"{key}@example.com",
        name=name,
        password_hash="",
        roles=[role],
        teams=list(teams),
        languages=["fi"],
        skills=[],
        room=3,
        status="available",
        active=True,
        seen_at=NOW,
        created_at=NOW,
    )


MAIJA = an_agent("a_maija", "Maija")
TIMO = an_agent("a_timo", "Timo")
LIISA = an_agent("a_liisa", "Liisa", teams=("invoices",))
EERO = an_agent("a_eero", "Eero", role="expert")
AINO = an_agent("a_aino", "Aino", teams=(), role="admin")
EVERYBODY = (MAIJA, TIMO, LIISA, EERO, AINO)


@dataclass(slots=True)
class Wording:
    """The service's own words, and the promises it makes anew."""

    wait: timedelta | None = timedelta(hours=1)  #: of the next promises; None: none is made

    def promise_breaks(self, language: str, reply_by: datetime | None, zone: str, now: datetime) -> str:
        """That the promise breaks."""
        return f"myöhässä, {reply_by.isoformat() if reply_by else 'ei uutta aikaa'}"

    def still_waiting(self, language: str, *, reachable: bool) -> str:
        """That nobody has come."""
        return "odotetaan" if reachable else "odotetaan, jätä osoite"

    def promise_anew(self, handoff: Handoff, now: datetime) -> Reception:
        """The next promise."""
        reply_by = now + self.wait if self.wait is not None else None
        return Reception(team=handoff.team, reply_by=reply_by, time_zone="Europe/Helsinki")


def hand_off(
    reason: Reason = Reason.ASKED, priority: Priority = Priority.ASKED, *, callback_wish: str = ""
) -> HandOff:
    """The bot calls people."""
    return HandOff(
        rule=Rule.PERSON_ASKED, reason=reason, priority=priority, team="cards", callback_wish=callback_wish
    )


def silent() -> Silent:
    """The bot says nothing."""
    return Silent(rule=Rule.PERSON_OWNS, reason=Reason.WAITING)


def withdrawn() -> SmallTalk:
    """The customer needs nobody any more."""
    return SmallTalk(rule=Rule.PENDING_PROMPT, reason=Reason.WITHDRAWN, withdraw=True)


def bot_of(
    choose: Callable[[EpisodeState], Decision],
    *,
    reply_by: Callable[[], datetime | None] = lambda: None,
    press: Press | None = None,
    thanks: bool = False,
) -> Callable[[Met], BotTurn]:
    """A bot with the real bookkeeping of episodes; it says what ``choose`` says."""

    def answer(met: Met) -> BotTurn:
        reopens = stays = False
        if met.resolved is not None:
            kind = SmallTalkKind.THANKS if thanks else None
            message = Message(text=met.text, press=press, intents=Intents(small_talk=kind))
            decision = returned(message, met.resolved.priority)
            reopens = isinstance(decision, HandOff)
            stays = not reopens
            state = EpisodeState(owner=Owner.QUEUE if reopens else Owner.NOBODY)
        else:
            decision = choose(met.state)
            state = advance(met.state, Message(text=met.text, press=press), decision, question=met.text)
        due = reply_by() if met.reachable else None
        reception = None
        if (isinstance(decision, HandOff) and due is not None) or reopens:
            reception = Reception(team="cards", reply_by=due, time_zone="Europe/Helsinki" if due else "")
        return BotTurn(
            decision=decision,
            state=state,
            language="fi",
            text=f"botti: {decision.reason}",
            body={"outcome": decision.outcome, "reason": decision.reason, "handoff": None},
            reception=reception,
            reopens=reopens,
            stays_closed=stays,
        )

    return answer


class Crash(Exception):
    """The process died here, as far as the store can tell."""


class _Dying:
    """A connection that dies at its n-th statement."""

    def __init__(self, connection: Connection, store: CrashingStorage) -> None:
        self._connection = connection
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)

    def execute(self, *given: Any, **named: Any) -> Any:  # noqa: ANN401 - as the connection's
        """Execute, or die."""
        self._store.step()
        return self._connection.execute(*given, **named)


class CrashingStorage(Storage):
    """A store whose next writing transaction can be made to die at any statement, or before its end."""

    crash_in: int | None = None  #: statements until then

    def step(self) -> None:
        """Count a statement down."""
        if self.crash_in is None:
            return
        if self.crash_in <= 0:
            self.crash_in = None
            raise Crash
        self.crash_in -= 1

    @contextmanager
    def write(self) -> Iterator[Writing]:
        """One transaction, as always."""
        with super().write() as writing:
            writing._connection = cast("Connection", _Dying(writing._connection, self))
            yield writing
            self.step()


@dataclass(slots=True)
class World:
    """Everybody who changes conversations, over one store."""

    storage: Storage
    clock: Clock = field(default_factory=Clock)
    words: Wording = field(default_factory=Wording)
    sinks: tuple[str, ...] = SINKS

    def __post_init__(self) -> None:
        with self.storage.write() as writing:
            for agent in EVERYBODY:
                writing.save_agent(agent)

    @property
    def conversations(self) -> Conversations:
        """The customers' verbs."""
        limits = Limits(token_lifetime=timedelta(days=3_650))  # the clock runs for months
        return Conversations(self.storage, clock=self.clock, sinks=self.sinks, limits=limits)

    @property
    def handling(self) -> Handling:
        """What people's verbs stand on."""
        return Handling(storage=self.storage, clock=self.clock, sinks=self.sinks)

    @property
    def people(self) -> People:
        """The agents' verbs."""
        return People(handling=self.handling)

    @property
    def cases(self) -> Cases:
        """The experts' verbs."""
        return Cases(handling=self.handling)

    @property
    def timers(self) -> Timers:
        """What time does."""
        return Timers(
            storage=self.storage,
            words=self.words,
            promise_anew=self.words.promise_anew,
            sinks=self.sinks,
            patience=Patience(),
        )

    @property
    def arrivals(self) -> Arrivals:
        """What deliveries do."""
        return Arrivals(
            storage=self.storage,
            clock=self.clock,
            sinks=self.sinks,
            not_delivered=lambda _: "ei perillä",
            staffed=lambda: False,
        )

    def sweep(self) -> int:
        """Let the timers look once, now."""
        changed = self.timers.sweep(self.clock.now)
        mail_unread(self.storage, self.sinks, self.clock.now)
        return changed

    def seen(self, agent: StoredAgent) -> None:
        """The agent's desk is open now."""
        with self.storage.write() as writing:
            writing.saw_agent(agent.id, self.clock.now)

    def customer(self) -> Customer:
        """A new customer with a conversation."""
        return Customer(self)

    def waiting(self, text: str = "ihminen, kiitos", *, reply_in: timedelta | None = None) -> Customer:
        """A customer who waits in the queue of the team cards."""
        customer = self.customer()
        customer.says(text, hand_off(), reply_in=reply_in)
        return customer


@dataclass(slots=True)
class Customer:
    """A customer with a conversation."""

    world: World
    opened: Opened = field(init=False)
    sent: int = 0

    def __post_init__(self) -> None:
        start = Start(language="fi", locale="fi-FI", page="https://x.fi/tuki")
        self.opened = self.world.conversations.create(start)

    @property
    def id(self) -> str:
        """The conversation's id."""
        return self.opened.conversation_id

    def says(
        self,
        text: str,
        decision: Decision | Callable[[EpisodeState], Decision] | None = None,
        *,
        client_message_id: str = "",
        press: Press | None = None,
        thanks: bool = False,
        reply_in: timedelta | None = None,
    ) -> Posted:
        """Post a message; the bot says ``decision``, or nothing."""
        self.sent += 1
        given = decision if decision is not None else silent()
        choose = given if callable(given) else lambda _: given
        due = self.world.clock.now + reply_in if reply_in is not None else None
        bot = bot_of(choose, reply_by=lambda: due, press=press, thanks=thanks)
        name = client_message_id or f"m{self.sent}"
        turn = CustomerTurn(client_message_id=name, text=text, press=press)
        return self.world.conversations.post(self.id, self.opened.token, turn, bot)

    def is_here(self) -> None:
        """The customer's page shows signs of life."""
        with self.world.storage.write() as writing:
            conversation = writing.lock(self.id)
            assert conversation is not None
            writing.save_conversation(replace(conversation, seen_at=self.world.clock.now))

    @property
    def events(self) -> tuple[Event, ...]:
        """Everything that has happened."""
        with self.world.storage.read() as reading:
            return reading.events(self.id)

    @property
    def types(self) -> list[str]:
        """The types of everything that has happened."""
        return [event.fact.type.value for event in self.events]

    def facts(self, kind: type) -> list[Any]:
        """All facts of a kind."""
        return [event.fact for event in self.events if isinstance(event.fact, kind)]

    @property
    def episode(self) -> Episode:
        """The current episode."""
        with self.world.storage.read() as reading:
            conversation = reading.conversation(self.id)
            assert conversation is not None
            episode = reading.episode(self.id, conversation.episode)
            assert episode is not None
            return episode

    @property
    def handoff(self) -> Handoff:
        """The current episode's handoff."""
        with self.world.storage.read() as reading:
            handoff = reading.handoff_of(self.id, self.episode.number)
            assert handoff is not None
            return handoff

    @property
    def stands(self) -> tuple[str, str, str]:
        """Owner, agent, and the handoff's state."""
        handoff = self.handoff
        return self.episode.owner, handoff.agent, handoff.state

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """What has to leave, or has left."""
        with self.world.storage.read() as reading:
            return reading.deliveries(self.id)

    @property
    def mails(self) -> list[Mapping[str, Any]]:
        """What went to the customer's mailbox."""
        return [one.payload for one in self.deliveries if one.kind == "mail"]

    @property
    def cases(self) -> tuple[Case, ...]:
        """What experts were asked."""
        with self.world.storage.read() as reading:
            return reading.cases(conversation_id=self.id)

    @property
    def callbacks(self) -> tuple[Callback, ...]:
        """Calls that the customer wished for."""
        with self.world.storage.read() as reading:
            return reading.callbacks(conversation_id=self.id)


def message_id() -> str:
    """A new id for a person's message."""
    return f"p{next(_NAMES)}"
