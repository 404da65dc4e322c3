"""Anybody may do anything at any moment, and anything may crash: what must hold holds after every step.

``HELPPARI_MACHINE=long`` tries many more and longer stories; ``HELPPARI_MACHINE_SEED`` repeats one run.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.engine import make_url

from botsvc.cases import AnswerTo, CallOutcome, Question, wish_for_call
from botsvc.change import Change
from botsvc.customer_acts import end_by_customer
from botsvc.decisions import (
    Answered,
    Clarify,
    Decision,
    NoAnswer,
    Priority,
    Reason,
    Rule,
    SmallTalk,
)
from botsvc.episode import EpisodeState, Owner
from botsvc.errors import PeopleError
from botsvc.events import (
    CUSTOMER,
    ActorKind,
    ContactGiven,
    CustomerMessage,
    EpisodeStarted,
    Event,
    HandoffCreated,
    HandoffRevised,
    HandoffWithdrawn,
    OwnerChanged,
)
from botsvc.people import Resolution
from botsvc.people_facts import (
    ArticleSent,
    CallbackAttempted,
    ContactLogged,
    HandoffAcknowledged,
    HandoffEnded,
    HandoffReopened,
    HandoffResolved,
    PersonMessage,
    PromiseMade,
    ServiceMessage,
    TeamChanged,
)
from botsvc.sinks.protocol import Acknowledged
from botsvc.storage import open_storage
from botsvc.storage.records import StoredAgent
from indexer import Hit
from tests.contract.storage.desk_world import (
    ARTICLE,
    EERO,
    EVERYBODY,
    MAIJA,
    OUTSIDE,
    Crash,
    CrashingStorage,
    Customer,
    World,
    hand_off,
    message_id,
    silent,
    withdrawn,
)

LONG = os.environ.get("HELPPARI_MACHINE") == "long"
SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs/schemas/handoff.schema.json").read_text(encoding="utf-8")
)
VALIDATOR = jsonschema.Draft202012Validator(
    SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
)
HIT = Hit(
    article_id="lost-card",
    lang="fi",
    section_id="lead",
    title="Kadonnut kortti",
    heading_path=(),
    url="/help/fi/lost-card#lead",
    score=2.5,
)
#: Who may have an episode after whom. Nobody returns to the bot, and only a reopening leaves the end.
LEGAL = {
    "bot": {"queue", "nobody"},
    "queue": {"agent", "nobody"},
    "agent": {"agent", "queue", "expert", "nobody"},
    "expert": {"agent", "queue", "nobody"},
    "nobody": {"queue"},
}
SMALL_TALK = SmallTalk(rule=Rule.SMALL_TALK, reason=Reason.THANKS)
NO_ANSWER = NoAnswer(rule=Rule.LOW_CONFIDENCE, reason=Reason.LOW_CONFIDENCE, offer_person=True)
ANSWERED = Answered(rule=Rule.CONFIDENT, reason=Reason.CONFIDENT, hit=HIT, confidence=0.9)
CLARIFY = Clarify(rule=Rule.CHOICES, reason=Reason.CHOICES, choices=(HIT,))
CRISIS = SmallTalk(rule=Rule.CRISIS, reason=Reason.CRISIS, escalate=Priority.CRISIS, crisis=True)
WITH_BOT: Sequence[Decision] = (
    ANSWERED,
    CLARIFY,
    NO_ANSWER,
    SMALL_TALK,
    hand_off(),
    hand_off(callback_wish="huomenna aamulla"),
    hand_off(Reason.LOW_CONFIDENCE, Priority.LOW_CONFIDENCE),
    hand_off(Reason.RULE, Priority.CRISIS),
)
WAITING: Sequence[Decision] = (silent(), ANSWERED, NO_ANSWER, SMALL_TALK, CRISIS, withdrawn())
TEXTS = ("kortti hävisi", "onko siellä ketään", "matti@example.com", "040 123 4567")


@dataclass(slots=True)
class Matter:
    """An episode as its events alone tell it: written from the product's rules, not from the code."""

    owner: str = "bot"
    agent: str = ""
    revision: int = 0  #: 0: no handoff
    state: str = ""
    reason: str = ""
    priority: str = ""
    team: str = ""
    promised_by: datetime | None = None
    promised_at: datetime | None = None
    acknowledged_at: datetime | None = None
    answered_at: datetime | None = None
    waiting_since: datetime | None = None
    ended_at: datetime | None = None
    resolution: str = ""
    told: list[datetime] = field(default_factory=list)  #: when the customer was told that it will be late


@dataclass(slots=True)
class Folded:
    """A conversation as its events tell it."""

    matters: dict[int, Matter] = field(default_factory=dict)
    messages: Counter[str] = field(default_factory=Counter)
    email: str = ""
    phone: str = ""


def fold(events: Sequence[Event]) -> Folded:
    """What events say; AssertionError for a story that must not happen."""
    found = Folded()
    for before, event in zip((None, *events), events, strict=False):
        assert event.sequence == (before.sequence + 1 if before else 1), "a gap in the sequence"
        assert before is None or event.at >= before.at
        match event.fact:
            case EpisodeStarted(number=number):
                assert number == len(found.matters) + 1 == event.episode
                assert all(one.owner == "nobody" for one in found.matters.values()), "two matters at once"
                found.matters[number] = Matter()
            case CustomerMessage(client_message_id=name):
                found.messages[name] += 1
            case ContactGiven(emails=emails, phones=phones):
                found.email, found.phone = (emails or (found.email,))[-1], (phones or (found.phone,))[-1]
        if event.episode:
            assert event.episode == max(found.matters), "an earlier matter was changed"
            step(found.matters[event.episode], event, before)
    return found


def step(matter: Matter, event: Event, before: Event | None) -> None:
    """The matter after one more event."""
    match event.fact:
        case OwnerChanged() as fact:
            assert fact.before == matter.owner
            assert fact.owner in LEGAL[matter.owner], f"{matter.owner} -> {fact.owner}"
            if matter.owner == "nobody":
                assert before is not None
                assert isinstance(before.fact, HandoffReopened), "only a reopening opens a matter again"
            if fact.owner == "agent":
                assert fact.agent, "an agent without a name"
                assert (matter.owner, matter.agent) != ("agent", fact.agent), "nothing has changed"
                matter.agent = fact.agent
            else:
                assert fact.owner != matter.owner, "nothing has changed"
            if fact.owner == "queue":
                assert matter.state == "open", "waiting without a handoff"
                matter.agent = ""
            matter.owner = fact.owner
            if fact.owner == "nobody":
                assert matter.state != "open", "nobody has an open handoff"
        case HandoffCreated() as fact:
            assert matter.revision == 0, "a second handoff in one matter"
            matter.revision, matter.state, matter.waiting_since = 1, "open", event.at
            matter.reason, matter.priority, matter.team = fact.reason, fact.priority, fact.team
        case HandoffRevised() as fact:
            assert matter.state == "open"
            _revised(matter, fact.revision)
            matter.reason, matter.priority = fact.reason, fact.priority
        case HandoffWithdrawn() as fact:
            _ended(matter, "withdrawn", fact.revision, event)
        case HandoffResolved() as fact:
            _ended(matter, "resolved", fact.revision, event)
            matter.resolution = fact.resolution
        case HandoffEnded() as fact:
            _ended(matter, fact.state, fact.revision, event)
        case HandoffReopened() as fact:
            assert matter.state == "resolved", "only a resolution can be taken back"
            assert matter.ended_at is not None
            assert event.at - matter.ended_at < timedelta(hours=24)
            assert fact.team == matter.team
            _revised(matter, fact.revision)
            matter.state, matter.ended_at, matter.agent, matter.resolution = "open", None, "", ""
            matter.promised_by = matter.acknowledged_at = matter.answered_at = None
            matter.waiting_since = event.at
        case TeamChanged() as fact:
            assert fact.before == matter.team != fact.team
            _revised(matter, matter.revision + 1)
            matter.team, matter.acknowledged_at = fact.team, None
        case PromiseMade() as fact:
            assert matter.state == "open"
            if event.actor.kind is ActorKind.TIMER:
                _revised(matter, matter.revision + 1)
            matter.promised_by, matter.promised_at = datetime.fromisoformat(fact.reply_by), event.at
        case HandoffAcknowledged() as fact:
            assert fact.revision == matter.revision
            assert matter.acknowledged_at is None
            matter.acknowledged_at = event.at
        case PersonMessage() | ArticleSent():
            assert matter.state == "open"
            matter.answered_at = matter.answered_at or event.at
        case ContactLogged(reached=True) | CallbackAttempted(outcome="reached"):
            matter.answered_at = matter.answered_at or event.at
        case ServiceMessage(key="promise_breaks"):
            matter.told.append(event.at)


def _revised(matter: Matter, revision: int) -> None:
    assert revision == matter.revision + 1, "revisions count up by one"
    matter.revision = revision


def _ended(matter: Matter, state: str, revision: int, event: Event) -> None:
    assert matter.state == "open", "it had ended before"
    _revised(matter, revision)
    matter.state, matter.ended_at = state, event.at


def choose(place: int) -> Callable[[EpisodeState], Decision]:
    """A decision that the rules allow for the state, one of several."""

    def chosen(state: EpisodeState) -> Decision:
        if state.owner in (Owner.AGENT, Owner.EXPERT):
            return silent()
        allowed = WAITING if state.owner is Owner.QUEUE else WITH_BOT
        return allowed[place % len(allowed)]

    return chosen


AGENTS = st.sampled_from(EVERYBODY)
PLACES = st.integers(0, 23)
#: At which statement of the step the process dies, if at all.
CRASHES = st.one_of(st.none(), st.none(), st.none(), st.integers(0, 30))
MINUTES = st.sampled_from([0.1, 1, 2.5, 4, 15, 31, 200, 25 * 60, 8 * 24 * 60])


class Machine(RuleBasedStateMachine):
    """Two customers, five people, two sinks, time, and a store that may die."""

    fresh: Callable[[], str]  #: the address of an empty store

    def __init__(self) -> None:
        super().__init__()
        self.url = type(self).fresh()
        self.storage = self.opened()
        self.world = World(self.storage)
        self.customers: list[Customer] = []
        self.acknowledged: dict[tuple[int, str], tuple[str, Any]] = {}
        self.tokens: dict[str, str] = {}
        self.validated: dict[str, str] = {}

    def opened(self) -> CrashingStorage:
        storage = CrashingStorage(make_url(self.url))
        storage.upgrade()
        return storage

    def teardown(self) -> None:
        with self.storage.write() as writing:
            writing._connection.execute(text("DELETE FROM conversations"))
        self.storage.close()

    @initialize(deep=st.integers(0, 3), minutes=st.sampled_from([5, 30, 240]))
    def begin(self, deep: int, minutes: int) -> None:
        """Two customers; the first may be far into a story already."""
        self.customers = [self.world.customer(), self.world.customer()]
        first = self.customers[0]
        if deep:
            said, name = "matti@example.com, 040 123 4567", "m0-begin"
            body = first.says(
                said,
                hand_off(callback_wish="aamulla"),
                client_message_id=name,
                reply_in=timedelta(minutes=minutes),
            ).body
            self.acknowledged[0, name] = (said, body)
        if deep > 1:
            self.world.people.take(first.id, MAIJA)
        if deep > 2:
            opened = self.world.cases.open(first.id, MAIJA, Question(summary="mitä tehdä?"))
            self.tokens[opened.case.id] = opened.token
            with self.storage.write() as writing:
                conversation = writing.lock(first.id)
                assert conversation is not None
                change = Change.of(writing, conversation, self.world.clock.now, self.world.sinks)
                wish_for_call(
                    change, phone="040 123 4567", wished="pian", actor=CUSTOMER, now=self.world.clock.now
                )
                change.end()

    @contextmanager
    def doing(self, crash: int | None = None) -> Iterator[None]:
        """A step that is refused, or dies, without a trace."""
        before = self.rows()
        self.storage.crash_in = crash
        try:
            yield
        except PeopleError:
            assert self.rows() == before, "a refused step left a trace"
        except Crash:
            self.storage.close()  # the process has died, and another one opens the store
            self.storage = self.opened()
            self.world.storage = self.storage
            assert self.rows() == before, "half a step was stored"
        finally:
            self.storage.crash_in = None

    def rows(self) -> list[str]:
        tables = ("conversations", "episodes", "events", "messages", "handoffs", "deliveries", "cases")
        with self.storage._reader.begin() as connection:
            return sorted(
                f"{table} {row}"
                for table in (*tables, "callbacks", "examples")
                for row in connection.execute(text(f"SELECT * FROM {table}"))
            )

    # What customers do.

    @rule(
        who=st.integers(0, 1),
        place=PLACES,
        said=st.sampled_from(TEXTS),
        promised=st.sampled_from([None, 5, 30, 240]),
        thanks=st.booleans(),
        crash=CRASHES,
    )
    def says(
        self, who: int, place: int, said: str, promised: int | None, thanks: bool, crash: int | None
    ) -> None:
        customer = self.customers[who]
        name = f"m{who}-{len(self.acknowledged)}-{customer.sent}"
        reply_in = timedelta(minutes=promised) if promised else None

        def send() -> Any:  # noqa: ANN401 - the reply
            return customer.says(
                said, choose(place), client_message_id=name, thanks=thanks, reply_in=reply_in
            ).body

        with self.doing(crash):
            self.acknowledged[who, name] = (said, send())
            return
        # It died before it was acknowledged: the client sends the same again.
        self.acknowledged[who, name] = (said, send())

    @precondition(lambda self: self.acknowledged)
    @rule(place=PLACES)
    def repeats(self, place: int) -> None:
        (who, name), (said, body) = list(self.acknowledged.items())[place % len(self.acknowledged)]
        before = self.rows()
        posted = self.customers[who].says(said, choose(place), client_message_id=name)
        assert posted.repeated
        assert posted.body == body
        assert self.rows() == before

    @rule(who=st.integers(0, 1))
    def is_here(self, who: int) -> None:
        self.customers[who].is_here()

    @rule(who=st.integers(0, 1), crash=CRASHES)
    def closes(self, who: int, crash: int | None) -> None:
        with self.doing(crash), self.storage.write() as writing:
            conversation = writing.lock(self.customers[who].id)
            assert conversation is not None
            if conversation.episode:
                change = Change.of(writing, conversation, self.world.clock.now, self.world.sinks)
                if end_by_customer(change):
                    change.end()

    # What people do.

    @rule(who=st.integers(0, 1), agent=AGENTS, verb=st.integers(0, 9), crash=CRASHES)
    def works(self, who: int, agent: StoredAgent, verb: int, crash: int | None) -> None:
        people, conversation = self.world.people, self.customers[who].id
        name = message_id()
        verbs: Sequence[Callable[[], object]] = (
            lambda: people.acknowledge(conversation, agent),
            lambda: people.take(conversation, agent),
            lambda: people.take(conversation, agent),
            lambda: people.release(conversation, agent),
            lambda: people.say(conversation, agent, f"vastaus {name}", message_id=name),
            lambda: people.send_article(conversation, agent, ARTICLE, message_id=name),
            lambda: people.note(conversation, agent, "muistiin"),
            lambda: people.log_contact(conversation, agent, "soitin", channel="phone", reached=True),
            lambda: people.read(conversation, agent, 3),
            lambda: people.prioritise(conversation, agent, Priority.SENSITIVE),
        )
        with self.doing(crash):
            verbs[verb]()

    @rule(
        who=st.integers(0, 1),
        agent=AGENTS,
        team=st.sampled_from(["", "cards", "invoices"]),
        to=st.sampled_from(["", *(one.id for one in EVERYBODY)]),
        crash=CRASHES,
    )
    def transfers(self, who: int, agent: StoredAgent, team: str, to: str, crash: int | None) -> None:
        with self.doing(crash):
            self.world.people.transfer(self.customers[who].id, agent, team=team, to=to, note="katso tätä")

    @rule(who=st.integers(0, 1), agent=AGENTS, crash=CRASHES)
    def resolves(self, who: int, agent: StoredAgent, crash: int | None) -> None:
        with self.doing(crash):
            self.world.people.resolve(self.customers[who].id, agent, Resolution.SOLVED)

    @rule(who=st.integers(0, 1), agent=AGENTS, crash=CRASHES)
    def asks_an_expert(self, who: int, agent: StoredAgent, crash: int | None) -> None:
        with self.doing(crash):
            opened = self.world.cases.open(self.customers[who].id, agent, Question(summary="mitä tehdä?"))
            self.tokens[opened.case.id] = opened.token

    @precondition(lambda self: self.tokens)
    @rule(
        place=PLACES,
        to=st.sampled_from(AnswerTo),
        by_link=st.booleans(),
        crash=CRASHES,
    )
    def expert_answers(self, place: int, to: AnswerTo, by_link: bool, crash: int | None) -> None:
        token = list(self.tokens.values())[place % len(self.tokens)]
        with self.doing(crash):
            case = self.world.cases.by_link(token)
            self.world.cases.answer(case, "näin", to, expert=None if by_link else EERO)

    @rule(
        who=st.integers(0, 1),
        agent=AGENTS,
        outcome=st.sampled_from(CallOutcome),
        crash=CRASHES,
    )
    def calls(self, who: int, agent: StoredAgent, outcome: CallOutcome, crash: int | None) -> None:
        for callback in self.customers[who].callbacks[-1:]:
            with self.doing(crash):
                self.world.cases.attempt(callback.id, agent, outcome)

    @rule(agent=AGENTS)
    def is_at_the_desk(self, agent: StoredAgent) -> None:
        self.world.seen(agent)

    # What time and the outbox do.

    @rule(minutes=MINUTES, crash=CRASHES, anew=st.sampled_from([None, 3, 60]))
    def time_passes(self, minutes: float, crash: int | None, anew: int | None) -> None:
        """The timers look at every moment that matters on the way, and one of the looks may die."""
        target = self.world.clock.now + timedelta(minutes=minutes)
        self.world.words.wait = timedelta(minutes=anew) if anew else None
        while self.world.clock.now < target:
            self.world.clock.now = min(target, self.next_look())
            self.storage.crash_in, crash = crash, None
            try:
                self.world.sweep()
            except Crash:
                self.storage.close()
                self.storage = self.opened()
                self.world.storage = self.storage
                self.world.sweep()
            finally:
                self.storage.crash_in = None
            self.world.words.wait = timedelta(minutes=anew) if anew and random.random() < 0.5 else None

    def next_look(self) -> datetime:
        """The next moment at which a promise is near its end, and at least every two hours."""
        now = self.world.clock.now
        moments = [now + timedelta(hours=2)]
        with self.storage.read() as reading:
            for handoff in reading.handoffs(states=["open"]):
                if handoff.promised_by is not None:
                    moments += [handoff.promised_by - timedelta(seconds=left) for left in (600, 120, 45, 5)]
        return min(one for one in moments if one > now)

    @rule(sink=st.sampled_from(OUTSIDE), outcome=st.integers(0, 3), crash=CRASHES)
    def outbox_works(self, sink: str, outcome: int, crash: int | None) -> None:
        now = self.world.clock.now
        with self.storage.write() as writing:
            leased = writing.lease(now, "w", 3, 30, sink=sink)
        assert len({one.stream for one in leased}) == len(leased), "two of one stream at once"
        for delivery in leased:
            with self.doing(crash), self.storage.write() as writing:
                if outcome == 0:
                    writing.settle_failed(delivery, now + timedelta(minutes=1), "nobody there")
                elif outcome == 1:
                    writing.settle_dead(delivery, "gone")
                else:
                    writing.settle_delivered(delivery, now)
            with self.doing(crash):
                if outcome == 1:
                    self.world.arrivals.dead(delivery)
                elif outcome == 2:
                    self.world.arrivals.delivered(delivery, Acknowledged())

    # What must hold.

    @invariant()
    def rows_say_what_events_say(self) -> None:
        for customer in self.customers:
            with self.storage.read() as reading:
                conversation = reading.conversation(customer.id)
                episodes = reading.episodes(customer.id)
                events = reading.events(customer.id)
                handoffs = {one.episode: one for one in reading.handoffs(conversation_id=customer.id)}
            assert conversation is not None
            found = fold(events)
            assert conversation.last_sequence == len(events)
            assert conversation.messages == found.messages.total()
            assert (conversation.email, conversation.phone) == (found.email, found.phone)
            assert [one.number for one in episodes] == list(found.matters)
            assert conversation.episode == len(episodes)
            assert set(handoffs) == {number for number, one in found.matters.items() if one.revision}
            for episode in episodes:
                matter = found.matters[episode.number]
                assert episode.owner == matter.owner
                assert (episode.ended_at is None) == (matter.owner != "nobody")
                if episode.state:
                    assert episode.state["owner"] == matter.owner, "the bot remembers another owner"
                handoff = handoffs.get(episode.number)
                assert (handoff is None) == (matter.revision == 0)
                if handoff is None:
                    assert matter.owner in ("bot", "nobody"), "with people, and without a handoff"
                    continue
                assert (handoff.state == "open") == (matter.owner in ("queue", "agent", "expert"))
                if handoff.state == "open":
                    assert bool(handoff.agent) == (matter.owner in ("agent", "expert"))
                assert (
                    handoff.revision,
                    handoff.state,
                    handoff.reason,
                    handoff.priority,
                    handoff.rank,
                    handoff.team,
                    handoff.agent,
                    handoff.promised_by,
                    handoff.acknowledged_at,
                    handoff.answered_at,
                    handoff.ended_at,
                    handoff.waiting_since,
                    handoff.resolution,
                ) == (
                    matter.revision,
                    matter.state,
                    matter.reason,
                    matter.priority,
                    [one.value for one in Priority].index(matter.priority),
                    matter.team,
                    matter.agent,
                    matter.promised_by,
                    matter.acknowledged_at,
                    matter.answered_at,
                    matter.ended_at,
                    matter.waiting_since,
                    matter.resolution,
                )
                self.a_promise_is_not_silently_passed(matter)

    def a_promise_is_not_silently_passed(self, matter: Matter) -> None:
        if matter.state != "open" or matter.promised_by is None or matter.answered_at is not None:
            return
        if self.world.clock.now >= matter.promised_by:
            assert matter.promised_at is not None
            told = [one for one in matter.told if matter.promised_at < one <= matter.promised_by]
            assert told, f"promised by {matter.promised_by}, and nobody was told"

    @invariant()
    def every_revision_leaves_once_for_each_sink(self) -> None:
        for customer in self.customers:
            with self.storage.read() as reading:
                handoffs = reading.handoffs(conversation_id=customer.id)
                deliveries = reading.deliveries(customer.id)
            keys = {one.key: one for one in deliveries if one.kind == "handoff"}
            assert set(keys) == {
                f"handoff:{handoff.id}:{revision}:{sink}"
                for handoff in handoffs
                for revision in range(1, handoff.revision + 1)
                for sink in OUTSIDE
            }
            assert len({one.key for one in deliveries}) == len(deliveries)
            for key, delivery in keys.items():
                payload = json.dumps(delivery.payload, sort_keys=True)
                if key not in self.validated:
                    VALIDATOR.validate(delivery.payload)
                    assert delivery.payload["revision"] == delivery.place
                    self.validated[key] = payload
                assert self.validated[key] == payload, "a revision was changed after it was written"
            for handoff in handoffs:
                newest = keys[f"handoff:{handoff.id}:{handoff.revision}:{OUTSIDE[0]}"]
                assert newest.payload == handoff.document

    @invariant()
    def what_was_acknowledged_is_there_once(self) -> None:
        for who, customer in enumerate(self.customers):
            names = Counter(one.client_message_id for one in customer.facts(CustomerMessage))
            assert names == {name: 1 for owner, name in self.acknowledged if owner == who}

    @invariant()
    def ended_requests_leave_nothing_open(self) -> None:
        for customer in self.customers:
            with self.storage.read() as reading:
                states = {one.id: one.state for one in reading.handoffs(conversation_id=customer.id)}
            open_work = [one.handoff_id for one in customer.cases if one.state == "open"]
            open_work += [one.handoff_id for one in customer.callbacks if one.state == "open"]
            assert all(states[handoff_id] == "open" for handoff_id in open_work)


def run(fresh: Callable[[], str], *, examples: int, steps: int) -> None:
    """Run the machine; a failure names its seed."""
    repeated = os.environ.get("HELPPARI_MACHINE_SEED")
    chosen = int(repeated or random.randrange(2**32))

    class Seeded(Machine):
        pass

    Seeded.fresh = staticmethod(fresh)
    profile = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        # Making a failing story shorter takes minutes: that is for whoever repeats it.
        phases=[Phase.generate, Phase.shrink] if repeated or LONG else [Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(chosen)(Seeded), settings=profile)
    except BaseException as error:
        error.add_note(f"repeat it with HELPPARI_MACHINE_SEED={chosen}")
        raise


def test_any_story_on_sqlite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.sqlite"
        open_storage(f"sqlite:///{empty}").close()
        count = iter(range(10**6))

        def fresh() -> str:
            copy = Path(folder) / f"{next(count)}.sqlite"
            shutil.copy(empty, copy)
            return f"sqlite:///{copy}"

        run(fresh, examples=2_000 if LONG else 16, steps=60 if LONG else 30)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_any_story_on_postgresql(url: str) -> None:
    run(lambda: url, examples=200 if LONG else 3, steps=60 if LONG else 30)


def test_the_model_refuses_stories_that_must_not_happen() -> None:
    """The fold itself can fail: a second handoff, a way back to the bot, a gap."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(open_storage(f"sqlite:///{folder}/x.sqlite"))
        events = world.waiting().events
        world.storage.close()
    created = next(one for one in events if isinstance(one.fact, HandoffCreated))
    assert fold(events).matters[1].owner == "queue"
    for story in (
        [*events, _next(events, created.fact)],
        [*events, _next(events, OwnerChanged(owner="bot", before="queue"))],
        [*events, _next(events, OwnerChanged(owner="nobody", before="queue"))],
        [*events, _next(events, HandoffReopened(handoff_id="h", revision=2, team="cards"))],
        [*events[:-2], events[-1]],
    ):
        with pytest.raises(AssertionError):
            fold(story)


def _next(events: Sequence[Event], fact: Any) -> Event:  # noqa: ANN401 - any fact
    last = events[-1]
    return Event(sequence=last.sequence + 1, episode=1, at=last.at, actor=last.actor, cause=None, fact=fact)
