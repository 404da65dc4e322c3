"""What agents do with what was handed off, on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest
from sqlalchemy.engine import make_url

from botsvc.cases import Question
from botsvc.decisions import Priority
from botsvc.episode import Press
from botsvc.errors import (
    InvalidMessage,
    MessageIdReused,
    NotAllowed,
    NotOpen,
    PeopleError,
    TakenByAnother,
    UnknownConversation,
)
from botsvc.events import ActorKind, MessagesRead, OwnerChanged
from botsvc.handoff import handoff_schema
from botsvc.people import Resolution
from botsvc.people_facts import ArticleSent, HandoffReopened, HandoffResolved, NoteAdded, PersonMessage
from botsvc.storage import Storage
from tests.contract.storage.desk_world import (
    AINO,
    ARTICLE,
    LIISA,
    MAIJA,
    TIMO,
    Crash,
    CrashingStorage,
    World,
    hand_off,
)


@pytest.fixture
def world(storage: Storage) -> World:
    return World(storage)


def test_looking_at_a_request_acknowledges_it_once(world: World) -> None:
    customer = world.waiting()
    world.clock.move(minutes=1)
    assert world.people.acknowledge(customer.id, MAIJA)
    assert not world.people.acknowledge(customer.id, TIMO)
    assert customer.types.count("handoff_acknowledged") == 1
    assert customer.handoff.acknowledged_at == world.clock.now
    assert customer.stands == ("queue", "", "open")


def test_taking_names_the_agent_and_says_so_once(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    world.people.take(customer.id, MAIJA)
    assert customer.stands == ("agent", MAIJA.id, "open")
    changes = customer.facts(OwnerChanged)
    assert [(one.owner, one.agent, one.name) for one in changes[1:]] == [("agent", MAIJA.id, "Maija")]


def test_what_the_customer_writes_then_changes_no_owner(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    before = len(customer.facts(OwnerChanged))
    customer.says("hei Maija")
    assert len(customer.facts(OwnerChanged)) == before
    assert customer.stands == ("agent", MAIJA.id, "open")


def test_the_other_agent_is_told_who_has_it(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    verbs: list[Callable[[], object]] = [
        lambda: world.people.take(customer.id, TIMO),
        lambda: world.people.release(customer.id, TIMO),
        lambda: world.people.transfer(customer.id, TIMO, team="invoices"),
        lambda: world.people.say(customer.id, TIMO, "hei", message_id="p1"),
        lambda: world.people.send_article(customer.id, TIMO, ARTICLE, message_id="p2"),
        lambda: world.people.log_contact(customer.id, TIMO, "soitin", channel="phone", reached=True),
        lambda: world.people.resolve(customer.id, TIMO, Resolution.SOLVED),
        lambda: world.cases.open(customer.id, TIMO, Question(summary="mitä?")),
    ]
    before = customer.events
    for verb in verbs:
        with pytest.raises(TakenByAnother) as caught:
            verb()
        assert caught.value.name == "Maija"
    assert customer.events == before


def test_of_two_who_take_at_once_one_wins_and_the_other_knows_who(world: World) -> None:
    customer = world.waiting()
    ready, won, lost = threading.Barrier(2), list[str](), list[tuple[str, str]]()

    def take(agent_name: str, take_it: Callable[[], None]) -> None:
        ready.wait(10)
        try:
            take_it()
            won.append(agent_name)
        except TakenByAnother as error:
            lost.append((agent_name, error.name))

    threads = [
        threading.Thread(target=take, args=(one.name, lambda one=one: world.people.take(customer.id, one)))
        for one in (MAIJA, TIMO)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(won) == 1
    assert lost == [("Timo" if won == ["Maija"] else "Maija", won[0])]
    assert [one.name for one in customer.facts(OwnerChanged) if one.owner == "agent"] == won


def test_a_released_conversation_waits_as_old_as_it_is(world: World) -> None:
    customer = world.waiting()
    since = customer.handoff.waiting_since
    world.clock.move(minutes=5)
    world.people.take(customer.id, MAIJA)
    world.people.release(customer.id, MAIJA)
    assert customer.stands == ("queue", "", "open")
    assert customer.handoff.waiting_since == since


def test_releasing_what_waits_already_says_nothing(world: World) -> None:
    customer = world.waiting()
    before = customer.events
    world.people.release(customer.id, MAIJA)
    assert customer.events == before


def test_another_team_gets_it_as_a_new_revision_with_a_note(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    world.people.transfer(customer.id, MAIJA, team="invoices", note="laskusta 131052-308T")
    handoff = customer.handoff
    assert (handoff.team, handoff.revision, handoff.acknowledged_at) == ("invoices", 2, None)
    assert handoff.document["team"] == "invoices"
    assert customer.stands == ("queue", "", "open")
    note = next(event for event in customer.events if event.fact.type == "team_changed")
    assert "131052" not in json.dumps(note.to_json())
    with pytest.raises(NotAllowed, match="belongs to the team invoices"):
        world.people.take(customer.id, MAIJA)
    world.people.take(customer.id, LIISA)


def test_what_waits_is_passed_on_without_being_taken(world: World) -> None:
    customer = world.waiting()
    world.people.transfer(customer.id, MAIJA, team="invoices")
    assert [one.owner for one in customer.facts(OwnerChanged)] == ["queue"]
    assert customer.handoff.team == "invoices"


def test_another_agent_gets_it_directly(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    world.people.transfer(customer.id, MAIJA, to=TIMO.id, note="sinun alaasi")
    assert customer.stands == ("agent", TIMO.id, "open")
    assert customer.facts(NoteAdded)[-1].mentions == (TIMO.id,)
    assert customer.facts(OwnerChanged)[-1].name == "Timo"


@pytest.mark.parametrize(("to", "error"), [("a_nobody", PeopleError), (LIISA.id, NotAllowed)])
def test_who_cannot_get_it_does_not(world: World, to: str, error: type[PeopleError]) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    before = customer.events
    with pytest.raises(error):
        world.people.transfer(customer.id, MAIJA, to=to, note="sinulle")
    assert customer.events == before


def test_a_message_sent_twice_is_one(world: World) -> None:
    customer = world.waiting()
    first = world.people.say(customer.id, MAIJA, "katson asiaa", message_id="p1")
    assert world.people.say(customer.id, MAIJA, "katson asiaa", message_id="p1") == first
    assert [one.text for one in customer.facts(PersonMessage)] == ["katson asiaa"]
    assert customer.stands == ("agent", MAIJA.id, "open")
    assert customer.handoff.answered_at == world.clock.now
    with pytest.raises(MessageIdReused):
        world.people.say(customer.id, MAIJA, "muuta", message_id="p1")
    for wrong in ("", "x" * 91):
        with pytest.raises(InvalidMessage):
            world.people.say(customer.id, MAIJA, "hei", message_id=wrong)


def test_a_repeat_is_known_after_the_request_has_ended_or_moved(world: World) -> None:
    customer = world.waiting()
    said = world.people.say(customer.id, MAIJA, "katson asiaa", message_id="p1")
    sent = world.people.send_article(customer.id, MAIJA, ARTICLE, message_id="p2")
    world.people.transfer(customer.id, MAIJA, team="invoices")
    assert world.people.say(customer.id, MAIJA, "katson asiaa", message_id="p1") == said
    world.people.resolve(customer.id, LIISA, Resolution.SOLVED)
    before = customer.events
    assert world.people.say(customer.id, MAIJA, "katson asiaa", message_id="p1") == said
    assert world.people.send_article(customer.id, MAIJA, ARTICLE, message_id="p2") == sent
    assert customer.events == before


def test_what_people_write_is_masked(world: World) -> None:
    customer = world.waiting()
    world.people.say(customer.id, MAIJA, "tunnuksesi on 131052-308T", message_id="p1")
    assert customer.facts(PersonMessage)[0].text == "tunnuksesi on [henkilötunnus ****308T]"


def test_a_sent_article_becomes_an_example_of_the_question(world: World) -> None:
    customer = world.waiting("korttini katosi")
    world.people.send_article(customer.id, MAIJA, ARTICLE, message_id="p1")
    world.people.send_article(customer.id, MAIJA, ARTICLE, message_id="p1")
    assert [one.article_id for one in customer.facts(ArticleSent)] == ["lost-card"]
    with world.storage.read() as reading:
        (example,) = reading.examples()
    assert (example.source, example.article_id, example.text, example.helped) == (
        "agent",
        "lost-card",
        "korttini katosi",
        True,
    )


def test_a_person_s_words_reach_the_mailbox_of_who_has_left(world: World) -> None:
    customer = world.waiting("kysymys, matti@example.com")
    world.people.say(customer.id, MAIJA, "luen sivulla", message_id="p1")
    assert customer.mails == []
    world.clock.move(minutes=2)
    sequence = world.people.say(customer.id, MAIJA, "luen postista", message_id="p2")
    assert customer.mails == [
        {
            "sequence": sequence,
            "text": "luen postista",
            "name": "Maija",
            "language": "fi",
            "to": "matti@example.com",
        }
    ]


def test_notes_with_mentions_are_for_anybody_and_at_any_time(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    world.people.note(customer.id, TIMO, "tuttu tapaus", mentions=[MAIJA.id])
    world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    world.people.note(customer.id, TIMO, "jälkikäteen")
    assert [(one.text, one.mentions) for one in customer.facts(NoteAdded)] == [
        ("tuttu tapaus", (MAIJA.id,)),
        ("jälkikäteen", ()),
    ]
    with pytest.raises(NotAllowed):
        world.people.note(customer.id, LIISA, "en saa")


@pytest.mark.parametrize("reached", [True, False])
def test_a_logged_contact_counts_as_an_answer_only_when_reached(world: World, reached: bool) -> None:
    customer = world.waiting()
    world.people.log_contact(customer.id, MAIJA, "soitin", channel="phone", reached=reached)
    assert (customer.handoff.answered_at is not None) is reached


def test_reading_is_noted_once_and_only_of_who_has_it(world: World) -> None:
    customer = world.waiting()
    world.people.read(customer.id, MAIJA, 3)
    assert customer.facts(MessagesRead) == []
    world.people.take(customer.id, MAIJA)
    for up_to in (3, 3, 2, 999):
        world.people.read(customer.id, MAIJA, up_to)
    assert [one.up_to for one in customer.facts(MessagesRead)] == [3]


def test_urgency_makes_a_revision_only_when_it_changes(world: World) -> None:
    customer = world.waiting()
    world.people.prioritise(customer.id, MAIJA, Priority.SENSITIVE)
    world.people.prioritise(customer.id, MAIJA, Priority.SENSITIVE)
    handoff = customer.handoff
    assert (handoff.revision, handoff.priority, handoff.rank) == (2, "sensitive", 1)


def test_resolving_ends_it_for_everybody(world: World) -> None:
    customer = world.waiting()
    world.people.resolve(customer.id, MAIJA, Resolution.GUIDED, note="neuvottu")
    assert customer.stands == ("nobody", MAIJA.id, "resolved")
    assert customer.handoff.document["resolution"] == "guided"
    (fact,) = customer.facts(HandoffResolved)
    assert (fact.revision, fact.resolution) == (2, "guided")
    for verb in (
        lambda: world.people.take(customer.id, MAIJA),
        lambda: world.people.say(customer.id, MAIJA, "vielä", message_id="p9"),
        lambda: world.people.resolve(customer.id, MAIJA, Resolution.SOLVED),
    ):
        with pytest.raises(NotOpen, match="the request has ended"):
            verb()


def test_only_what_was_handed_off_is_people_s(world: World) -> None:
    customer = world.customer()
    with pytest.raises(NotOpen, match="has not said anything"):
        world.people.take(customer.id, MAIJA)
    with pytest.raises(UnknownConversation):
        world.people.take("c_nothing", MAIJA)


def test_an_admin_may_do_what_a_team_may(world: World) -> None:
    customer = world.waiting()
    with pytest.raises(NotAllowed):
        world.people.take(customer.id, LIISA)
    world.people.take(customer.id, AINO)
    assert customer.stands == ("agent", AINO.id, "open")


@pytest.mark.parametrize("thanked", [False, True])
def test_the_matter_again_reopens_it_with_the_same_team(world: World, thanked: bool) -> None:
    customer = world.waiting()
    world.people.transfer(customer.id, MAIJA, team="invoices")
    world.people.resolve(customer.id, LIISA, Resolution.SOLVED)
    before = customer.handoff
    if thanked:
        world.clock.move(hours=1)
        posted = customer.says("kiitos!", thanks=True)
        assert posted.body["handoff"] is None
        assert customer.handoff == before
        assert customer.stands == ("nobody", LIISA.id, "resolved")
    world.clock.move(hours=22, minutes=59)
    customer.says("ei se toimikaan")
    handoff = customer.handoff
    assert (handoff.id, handoff.team, handoff.revision) == (before.id, "invoices", before.revision + 1)
    assert customer.stands == ("queue", "", "open")
    assert handoff.waiting_since == world.clock.now
    assert (handoff.ended_at, handoff.answered_at, handoff.resolution) == (None, None, "")
    assert customer.episode.number == 1
    assert [one.team for one in customer.facts(HandoffReopened)] == ["invoices"]
    world.people.take(customer.id, LIISA)


def test_pressing_that_it_helped_is_thanks(world: World) -> None:
    customer = world.waiting()
    world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    customer.says("", press=Press.HELPED)
    assert customer.stands == ("nobody", MAIJA.id, "resolved")


def test_a_day_later_the_bot_begins_a_new_matter(world: World) -> None:
    customer = world.waiting()
    world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    first = customer.handoff
    world.clock.move(hours=24)
    customer.says("uusi asia", hand_off())
    assert customer.episode.number == 2
    assert customer.handoff.id != first.id
    assert customer.handoff.document["earlier_episodes"][0]["outcome"] == "resolved"


def test_the_customer_sees_nothing_of_what_is_between_people(world: World) -> None:
    customer = world.waiting()
    world.people.take(customer.id, MAIJA)
    world.people.note(customer.id, TIMO, "salaisuus-1", mentions=[MAIJA.id])
    world.people.log_contact(customer.id, MAIJA, "salaisuus-2", channel="phone", reached=False)
    world.cases.open(customer.id, MAIJA, Question(summary="salaisuus-3", missing=["salaisuus-4"]))
    world.people.transfer(customer.id, MAIJA, team="invoices", note="salaisuus-5")
    world.people.say(customer.id, LIISA, "julkinen", message_id="p1")
    world.people.resolve(customer.id, LIISA, Resolution.SOLVED, note="salaisuus-6")
    seen = json.dumps([one for event in customer.events if (one := event.public_json()) is not None])
    assert "julkinen" in seen
    assert "salaisuus" not in seen
    for agent in (MAIJA, TIMO, LIISA):
        assert agent.id not in seen
    people = [event for event in customer.events if event.actor.kind is ActorKind.AGENT]
    assert any(event.actor.id == MAIJA.id for event in people)


def test_each_revision_leaves_once_for_each_sink_and_is_valid(world: World) -> None:
    customer = world.waiting("kysymys, matti@example.com", reply_in=timedelta(hours=1))
    world.people.take(customer.id, MAIJA)
    world.people.prioritise(customer.id, MAIJA, Priority.CRISIS)
    world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    customer.says("ei toimi")
    handoff = customer.handoff
    found = [one for one in customer.deliveries if one.kind == "handoff"]
    assert sorted(one.key for one in found) == sorted(
        f"handoff:{handoff.id}:{revision}:{sink}" for revision in (1, 2, 3, 4) for sink in ("crm", "helpdesk")
    )
    validator = jsonschema.Draft202012Validator(handoff_schema())
    for one in found:
        validator.validate(one.payload)
        assert (one.payload["revision"], one.stream) == (one.place, f"{one.sink}:{handoff.id}")
    assert [one.payload["state"] for one in found if one.sink == "crm"] == [
        "open",
        "open",
        "resolved",
        "open",
    ]


def test_a_fault_anywhere_leaves_neither_the_revision_nor_its_delivery(storage: Storage, url: str) -> None:
    World(storage)
    dying = CrashingStorage(make_url(url))
    world = World(dying)
    customer = world.waiting()
    before = (customer.events, customer.handoff, customer.deliveries)
    for statement in range(100):
        dying.crash_in = statement
        try:
            world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
            break
        except Crash:
            assert (customer.events, customer.handoff, customer.deliveries) == before
    dying.crash_in = None
    assert statement > 8, "the fault must have come between events, handoff and deliveries"
    assert customer.stands == ("nobody", MAIJA.id, "resolved")
    assert len(customer.deliveries) == len(before[2]) + 2
    dying.close()
