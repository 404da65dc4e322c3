"""Experts' cases and call-backs, on both databases."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from botsvc.cases import LINK_LIFETIME, AnswerTo, CallOutcome, OpenedCase, Question
from botsvc.errors import InvalidMessage, NotAllowed, NotOpen, PeopleError, UnknownCase
from botsvc.events import ActorKind
from botsvc.people import Resolution
from botsvc.people_facts import CallbackAttempted, CaseAnswered, CaseOpened, PersonMessage
from botsvc.storage import Storage
from botsvc.storage.records import Callback
from tests.contract.storage.desk_world import (
    EERO,
    LIISA,
    MAIJA,
    TIMO,
    Customer,
    World,
    hand_off,
    withdrawn,
)


@pytest.fixture
def world(storage: Storage) -> World:
    return World(storage)


def asked(world: World, customer: Customer, **question: object) -> OpenedCase:
    """Maija asks an expert."""
    return world.cases.open(customer.id, MAIJA, Question(**{"summary": "Voiko kortin avata?", **question}))  # type: ignore[arg-type]


def called(world: World) -> tuple[Customer, Callback]:
    """A customer who wants to be called."""
    customer = world.customer()
    customer.says("soittakaa 040 123 4567", hand_off(callback_wish="aamulla"))
    customer.says("siis numeroon 040 123 4567")
    (callback,) = customer.callbacks
    return customer, callback


def test_an_expert_is_asked_and_the_agent_stays(world: World) -> None:
    customer = world.waiting()
    opened = asked(
        world,
        customer,
        team="cards",
        missing=["kortin laji", " "],
        checklist=[{"text": "tarkistettu 131052-308T", "done": 1}, {"text": ""}],
    )
    assert customer.stands == ("expert", MAIJA.id, "open")
    assert opened.case.missing == ["kortin laji"]
    assert opened.case.checklist == [{"text": "tarkistettu [henkilötunnus ****308T]", "done": True}]
    assert customer.cases == (opened.case,)
    assert opened.token not in json.dumps([event.to_json() for event in customer.events])
    (fact,) = customer.facts(CaseOpened)
    assert (fact.case_id, fact.missing) == (opened.case.id, ("kortin laji",))
    assert customer.handoff.revision == 1


def test_somebody_who_is_not_there_cannot_be_asked(world: World) -> None:
    customer = world.waiting()
    with pytest.raises(PeopleError, match="ask another expert"):
        asked(world, customer, expert="a_nobody")
    assert customer.cases == ()
    assert customer.stands == ("queue", "", "open")


def test_a_link_leads_to_its_case_until_it_expires(world: World) -> None:
    customer = world.waiting()
    opened = asked(world, customer)
    assert world.cases.by_link(opened.token) == opened.case
    with pytest.raises(UnknownCase):
        world.cases.by_link(f"{opened.token}x")
    world.clock.now += LINK_LIFETIME - timedelta(seconds=1)
    case = world.cases.by_link(opened.token)
    world.clock.move(seconds=1)
    with pytest.raises(NotOpen, match="expired"):
        world.cases.by_link(opened.token)
    before = customer.events
    with pytest.raises(NotOpen, match="expired"):
        world.cases.answer(case, "myöhässä", AnswerTo.CUSTOMER)
    assert customer.events == before
    world.cases.answer(case, "pöydältä ehtii", AnswerTo.AGENT, expert=EERO)


def test_an_answer_to_the_agent_is_a_draft(world: World) -> None:
    customer = world.waiting("kysymys, matti@example.com")
    opened = asked(world, customer, expert=EERO.id)
    world.clock.move(hours=1)
    world.cases.answer(opened.case, "Voi avata.", AnswerTo.AGENT, expert=EERO)
    assert customer.stands == ("agent", MAIJA.id, "open")
    assert customer.handoff.answered_at is None
    assert customer.facts(PersonMessage) == []
    assert customer.mails == []
    (case,) = customer.cases
    assert (case.state, case.answer, case.answer_to, case.expert) == (
        "answered",
        "Voi avata.",
        "agent",
        EERO.id,
    )


@pytest.mark.parametrize("by_link", [True, False])
def test_an_answer_to_the_customer_arrives_at_once(world: World, by_link: bool) -> None:
    customer = world.waiting("kysymys, matti@example.com")
    opened = asked(world, customer)
    world.clock.move(hours=1)
    world.cases.answer(opened.case, "Voi avata.", AnswerTo.CUSTOMER, expert=None if by_link else EERO)
    (fact,) = customer.facts(PersonMessage)
    name = "" if by_link else "Eero"
    assert (fact.text, fact.name, fact.channel) == ("Voi avata.", name, "link" if by_link else "chat")
    assert customer.handoff.answered_at == world.clock.now
    assert [(one["text"], one["name"]) for one in customer.mails] == [("Voi avata.", name)]
    event = next(one for one in customer.events if one.fact == fact)
    assert event.actor.kind is ActorKind.EXPERT
    public = event.public_json()
    assert public is not None
    assert public["actor"]["id"] == ""


def test_a_case_is_answered_once(world: World) -> None:
    customer = world.waiting()
    opened = asked(world, customer)
    world.cases.answer(opened.case, "näin", AnswerTo.CUSTOMER)
    with pytest.raises(NotOpen, match="answered already"):
        world.cases.answer(opened.case, "toisin", AnswerTo.CUSTOMER)
    assert len(customer.facts(CaseAnswered)) == 1
    with pytest.raises(InvalidMessage):
        world.cases.answer(opened.case, " ", AnswerTo.CUSTOMER)


def test_the_last_of_several_answers_gives_it_back_to_the_agent(world: World) -> None:
    customer = world.waiting()
    first, second = asked(world, customer), asked(world, customer)
    world.cases.answer(first.case, "yksi", AnswerTo.AGENT)
    assert customer.stands[0] == "expert"
    world.cases.answer(second.case, "kaksi", AnswerTo.AGENT)
    assert customer.stands == ("agent", MAIJA.id, "open")


def test_only_those_who_were_asked_may_answer(world: World) -> None:
    customer = world.waiting()
    mine = asked(world, customer, expert=TIMO.id)
    teams = asked(world, customer, team="cards")
    for case, who in ((mine.case, EERO), (teams.case, TIMO), (teams.case, LIISA)):
        with pytest.raises(NotAllowed):
            world.cases.answer(case, "minä", AnswerTo.AGENT, expert=who)
    world.cases.answer(mine.case, "minä", AnswerTo.AGENT, expert=TIMO)
    world.cases.answer(teams.case, "minä", AnswerTo.AGENT, expert=EERO)


@pytest.mark.parametrize("end", ["resolved", "withdrawn"])
def test_the_end_of_the_request_calls_off_what_was_asked(world: World, end: str) -> None:
    customer, callback = called(world)
    opened = asked(world, customer)
    if end == "resolved":
        world.people.resolve(customer.id, MAIJA, Resolution.SOLVED)
    else:
        world.people.release(customer.id, MAIJA)
        customer.says("ei tarvitse", withdrawn())
    assert customer.stands[2] == end
    assert [one.state for one in customer.cases] == ["cancelled"]
    assert [one.state for one in customer.callbacks] == ["withdrawn"]
    assert [one["state"] for one in customer.handoff.document["callbacks"]] == ["withdrawn"]
    with pytest.raises(NotOpen, match="cancelled already"):
        world.cases.answer(opened.case, "turhaan", AnswerTo.CUSTOMER)
    with pytest.raises(NotOpen):
        world.cases.attempt(callback.id, MAIJA, CallOutcome.REACHED)


def test_who_is_reached_has_been_answered(world: World) -> None:
    customer, callback = called(world)
    after = world.cases.attempt(callback.id, MAIJA, CallOutcome.REACHED, note="sovittu 131052-308T")
    assert after.state == "done"
    assert customer.callbacks == (after,)
    assert after.attempts[0]["note"] == "sovittu [henkilötunnus ****308T]"
    assert customer.stands == ("agent", MAIJA.id, "open")
    assert customer.handoff.answered_at == world.clock.now
    (fact,) = customer.facts(CallbackAttempted)
    assert "note" not in fact.public_json()


def test_three_calls_without_an_answer_are_enough(world: World) -> None:
    customer, callback = called(world)
    states = []
    for _ in range(3):
        world.clock.move(hours=1)
        states.append(world.cases.attempt(callback.id, MAIJA, CallOutcome.NO_ANSWER).state)
    assert states == ["open", "open", "given_up"]
    assert customer.handoff.answered_at is None
    with pytest.raises(NotOpen):
        world.cases.attempt(callback.id, MAIJA, CallOutcome.NO_ANSWER)
    assert len(customer.facts(CallbackAttempted)) == 3


def test_a_wrong_number_is_not_called_again(world: World) -> None:
    _, callback = called(world)
    assert world.cases.attempt(callback.id, MAIJA, CallOutcome.WRONG_NUMBER).state == "given_up"


def test_only_who_may_handle_it_may_call(world: World) -> None:
    customer, callback = called(world)
    with pytest.raises(NotAllowed):
        world.cases.attempt(callback.id, LIISA, CallOutcome.REACHED)
    with pytest.raises(UnknownCase):
        world.cases.attempt("b_nothing", MAIJA, CallOutcome.REACHED)
    assert customer.facts(CallbackAttempted) == []
