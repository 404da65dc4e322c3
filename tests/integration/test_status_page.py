"""The page behind a signed link, and the request's part of the page at ``/``, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from botsvc.people import Resolution
from botsvc.status_links import LIFETIME
from tests.integration.handoffs import TEAMS, Customer, add_agent, service_of
from tests.integration.help_center import Running, running
from tests.integration.test_pages import Page, Visit, get


class Clock:
    """A time that tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 4, 10, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("status")
    with running(
        folder, clock=clock, teams=TEAMS, server={"public_url": "https://help.example.net"}
    ) as found:
        add_agent(service_of(found), clock.now, present=False)
        yield found


@pytest.fixture
def customer(web: Running) -> Customer:
    return Customer.arrives(web)


def link(customer: Customer) -> str:
    service = service_of(customer.web)
    return service.status_links.path(customer.id, service.clock())


class TestLink:
    def test_it_shows_the_question_the_promise_and_nothing_that_was_said(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        customer.post("contact", client_message_id="c1", email="me@example.net")
        customer.post("callback", phone="040 123 4567", wished="in the morning")
        customer.says("my dog is called Rex")
        page = get(customer.web, link(customer))
        assert page.status == 200
        assert "when is the invoice due" in page.text
        assert "Asked on 4 November 2026" in page.text
        assert "Card team" in page.text
        assert "You'll get a reply by" in page.text
        assert "040 123 4567" in page.text
        assert "in the morning" in page.text
        for secret in ("Rex", "invoice is due in 14 days", customer.token, "me@example.net"):
            assert secret not in page.html

    def test_without_a_promise_it_says_since_when_the_question_waits(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        page = get(customer.web, link(customer))
        assert "Your question is waiting for a customer adviser." in page.text
        assert "Waiting for a reply since 4 November 2026" in page.text

    def test_it_names_who_has_it_and_how_it_ended(self, customer: Customer, clock: Clock) -> None:
        customer.asks_for_a_person()
        service = service_of(customer.web)
        agent = add_agent(service, clock.now, present=False)
        service.tier.people.say(customer.id, agent, "In 14 days, dear Rex.", message_id="p1")
        page = get(customer.web, link(customer))
        assert "Aino is looking after your request." in page.text
        assert "Rex" not in page.text
        service.tier.people.resolve(customer.id, agent, Resolution.SOLVED)
        page = get(customer.web, link(customer))
        assert "The request has been resolved." in page.text
        assert not page.all("button", name="act")

    def test_the_request_can_be_called_off(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        path = link(customer)
        answer = customer.web.client.post(path, data={"act": "close"}, follow_redirects=False)
        assert answer.status_code == 303
        assert "The request has been cancelled." in get(customer.web, path).text
        assert customer.reads()["owner"] == "nobody"
        assert customer.web.client.post(path, data={"act": "close"}).status_code == 200

    def test_an_address_can_be_left_and_wrong_ones_are_told(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        path = link(customer)
        wrong = Page(customer.web.client.post(path, data={"act": "contact", "email": "me@"}))
        assert wrong.status == 422
        assert "Please write the whole e-mail address" in wrong.text
        right = Page(customer.web.client.post(path, data={"act": "contact", "email": "me@example.net"}))
        assert right.status == 200
        assert "You'll get a reply by" in right.text
        assert customer.reads()["request"]["reachable"] is True

    def test_a_forged_or_old_link_shows_nothing(self, customer: Customer, clock: Clock) -> None:
        customer.asks_for_a_person()
        path = link(customer)
        other = Customer.arrives(customer.web)
        _, day, signature = path.removeprefix("/status/").split(".")
        forged = [
            f"/status/{other.id}.{day}.{signature}",
            f"/status/{customer.id}.{int(day) + 1}.{signature}",
            f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}",
            "/status/x",
        ]
        for address in forged:
            page = get(customer.web, address)
            assert page.status == 404, address
            assert "when is the invoice due" not in page.html
            customer.web.client.post(address, data={"act": "close"})
        assert customer.reads()["owner"] == "queue"
        before = clock.now
        try:
            clock.now += LIFETIME + timedelta(days=1)
            assert get(customer.web, path).status == 404
        finally:
            clock.now = before
        assert get(customer.web, path).status == 200

    def test_it_is_kept_from_search_engines_and_other_sites(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        answer = customer.web.client.get(link(customer))
        assert answer.headers["x-robots-tag"] == "noindex"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"

    def test_mails_carry_the_whole_address(self, customer: Customer) -> None:
        service = service_of(customer.web)
        url = service.status_links.url(customer.id, service.clock())
        assert url == f"https://help.example.net{link(customer)}"


def test_the_page_without_scripts_does_everything(web: Running) -> None:
    visit = Visit(web)
    visit.send(q="when is the invoice due")
    page = visit.press("Talk to a person")
    assert "Your question is waiting for a customer adviser." in page.text
    assert "Leave your contact details and the answer will reach you" in page.text
    page = visit.send(act="contact", email="me@")
    assert "Please write the whole e-mail address" in page.text
    page = visit.send(act="refresh")
    page = visit.send(act="contact", email="me@example.net", phone="")
    assert "You'll get a reply by" in page.text
    assert page.all("a", href=re.findall(r"/status/[^\"]+", page.html)[0])
    page = visit.send(act="callback", phone="040 123 4567", wished="any time")
    assert "We'll call you on 040 123 4567." in page.text
    service = service_of(web)
    agent = add_agent(service, service.clock(), present=False)
    conversation = page.all("input", name="conversation")[0]["value"]
    service.tier.people.say(conversation, agent, "It is <b>due</b> in 14 days.", message_id="p1")
    page = visit.send(act="refresh")
    assert "Aino is looking after your request." in page.text
    assert "It is <b>due</b> in 14 days." in page.text
    assert "<b>due</b>" not in page.html
    page = visit.send(act="close")
    assert "The request has been cancelled." in page.text
    assert "How well was your request handled?" in page.text
    page = visit.send(act="csat")
    assert "Please choose one of the options first." in page.text
    page = visit.send(act="refresh")
    page = visit.send(act="csat", score="5", comment="fine")
    assert "Thank you for your rating!" in page.text
    assert not page.all("input", name="score")
