"""Working at the desk without scripts: queue, taking, answering, passing on, experts, call-backs, outbox."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from botsvc.episode import Owner
from botsvc.sealing import Sealer
from botsvc.staff import Role
from botsvc.storage.records import Callback, Delivery, SealedFact
from botsvc.tokens import new_id
from tests.integration.desk_calls import Customer, Page, Worker, desk_running, person, store_of
from tests.integration.help_center import Running

BOTH = ("service", "cards")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with desk_running(tmp_path_factory.mktemp("desk")) as found:
        person(found, "Maija", teams=BOTH, languages=("fi", "en"))
        person(found, "Ville", teams=BOTH)
        person(found, "Kalle", teams=("cards",))
        person(found, "Liisa", Role.EXPERT, teams=("service",))
        person(found, "Paavo", Role.ADMIN)
        yield found


@pytest.fixture(scope="module")
def maija(web: Running) -> Worker:
    return Worker(web, "Maija")


@pytest.fixture(scope="module")
def ville(web: Running) -> Worker:
    return Worker(web, "Ville")


def asks(web: Running, text: str = "I need a human, my card is gone", lang: str = "en") -> Customer:
    customer = Customer(web.client, lang)
    customer.say(text)
    return customer


def place(customer: Customer) -> str:
    return f"/desk/c/{customer.id}"


def owner_of(web: Running, customer: Customer) -> str:
    with store_of(web).read() as reading:
        episode = reading.episode(customer.id, 1)
        assert episode is not None
        return episode.owner


def said_to(customer: Customer) -> str:
    return "\n".join(entry["text"] for entry in customer.transcript())


def test_the_queue_shows_who_waits_most_urgent_first(web: Running, maija: Worker) -> None:
    calm = asks(web, "human, about the invoice")
    urgent = asks(web, "human, I think of suicide")
    page = maija.get("/desk?view=waiting")
    places = [found["href"] for found in page.all("a") if found.get("href", "").startswith("/desk/c/")]
    assert places.index(place(urgent)) < places.index(place(calm))
    assert "Crisis" in page.text
    assert "Customer service" in page.text


def test_the_queue_is_filtered_by_team_language_and_who_has_it(web: Running, maija: Worker) -> None:
    customer = asks(web, "haluan ihmiselle", "fi")
    assert place(customer) in maija.get("/desk?language=fi").html
    assert place(customer) not in maija.get("/desk?language=en").html
    assert place(customer) not in maija.get("/desk?team=cards").html
    maija.post(f"{place(customer)}/take")
    assert place(customer) not in maija.get("/desk?view=waiting").html
    assert place(customer) in maija.get("/desk?view=mine").html
    other = Worker(web, "Ville").get("/desk?view=all")
    assert place(customer) in other.html
    assert "Handled by Maija" in other.text


def test_the_list_is_sent_only_when_it_has_changed(web: Running, maija: Worker) -> None:
    page = maija.get("/desk/queue?view=all")
    version = re.findall(r"seen=(\w+)", page.html)[0]
    assert maija.get(f"/desk/queue?view=all&seen={version}").status == 204
    asks(web)
    again = maija.get(f"/desk/queue?view=all&seen={version}")
    assert again.status == 200
    assert "<html" not in again.html


def promised(web: Running, customer: Customer, by: datetime) -> None:
    with store_of(web).write() as writing:
        handoff = writing.handoff_of(customer.id, 1)
        assert handoff is not None
        writing.save_handoff(replace(handoff, promised_by=by, time_zone="Europe/Helsinki"))


def test_a_late_promise_is_said_in_words(web: Running, maija: Worker) -> None:
    customer = asks(web)
    promised(web, customer, datetime(2026, 1, 1, tzinfo=UTC))
    page = maija.get("/desk")
    assert "late" in page.text
    assert "past its promised time" in page.text or "past their promised time" in page.text
    maija.post(f"{place(customer)}/take")
    maija.post(f"{place(customer)}/resolve", {"resolution": "solved"})


def test_other_teams_conversations_are_neither_shown_nor_changed(web: Running) -> None:
    customer = asks(web)
    kalle = Worker(web, "Kalle")
    assert place(customer) not in kalle.get("/desk?view=all").html
    page = kalle.get(place(customer))
    assert page.status == 403
    assert "my card is gone" not in page.html
    for action, fields in (
        ("take", {}),
        ("say", {"text": "hi", "message_id": "m" * 10}),
        ("note", {"text": "hi"}),
        ("resolve", {"resolution": "solved"}),
        ("transfer", {"to": "cards"}),
        ("case", {"summary": "x"}),
        ("contact", {"text": "x"}),
        ("article", {"article": "en/invoice#lead"}),
        ("priority", {"priority": "crisis"}),
    ):
        assert kalle.post(f"{place(customer)}/{action}", fields).status == 403, action
    assert kalle.get(f"{place(customer)}/news").status == 403
    assert kalle.get(f"{place(customer)}/articles?q=card").status == 403
    assert owner_of(web, customer) == Owner.QUEUE
    assert Worker(web, "Paavo").get(place(customer)).status == 200


def test_of_two_agents_who_take_at_once_one_wins_and_the_other_is_told_who(web: Running) -> None:
    for _ in range(5):
        customer = asks(web)
        answers = at_once({name: Worker(web, name) for name in ("Maija", "Ville")}, f"{place(customer)}/take")
        winner = next(name for name, page in answers.items() if page.status == 303)
        loser = next(name for name in answers if name != winner)
        assert answers[loser].status == 409
        assert f"{winner} already has this conversation" in answers[loser].text


def at_once(workers: dict[str, Worker], path: str) -> dict[str, Page]:
    ready = threading.Barrier(len(workers))
    answers: dict[str, Page] = {}

    def post(name: str) -> None:
        ready.wait(10)
        answers[name] = workers[name].post(path)

    threads = [threading.Thread(target=post, args=(name,)) for name in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def test_the_screen_holds_what_the_bot_knew(web: Running, maija: Worker) -> None:
    customer = Customer(web.client, "en", page="https://shop.example/cards")
    customer.say("my card is gone")
    customer.say(press="not_helped")
    customer.say("my code is 131052-308T, get me a human")
    customer.say("me@customer.example")
    promised(web, customer, datetime.now(UTC) + timedelta(hours=3, seconds=30))
    page = maija.get(place(customer))
    for expected in (
        "Asked for a person",
        "Lock the card in the app, or",
        "Confidence 97%",
        "did not help",
        "me@customer.example",
        "https://shop.example/cards",
        "Masked: Finnish identity code",
        "Customer service",
        "English",
        "Reply promised by",
        "3 h left",
    ):
        assert expected in unescape(page.html), expected
    assert "131052" not in page.html
    assert page.all("a", href="/help/en/lost-card#lead")
    assert page.all("a", href="mailto:me@customer.example")


def test_opening_is_the_first_sign_of_arrival(web: Running, maija: Worker) -> None:
    customer = asks(web)
    page = maija.get(place(customer))
    assert "seen" in page.text.partition("Delivery status")[2][:60]
    with store_of(web).read() as reading:
        handoff = reading.handoff_of(customer.id, 1)
    assert handoff is not None
    assert handoff.acknowledged_at is not None


def test_answering_takes_the_conversation_and_a_form_sent_twice_is_one_message(
    web: Running, maija: Worker, ville: Worker
) -> None:
    customer = asks(web)
    page = maija.get(place(customer))
    form = next(form for form in page.forms if form["action"].endswith("/say"))
    fields = {**form["fields"], "text": "Hello, I am <b>Maija</b>."}
    assert maija.post(form["action"], fields).status == 303
    assert maija.post(form["action"], fields).status == 303
    assert said_to(customer).count("Hello, I am <b>Maija</b>.") == 1
    assert owner_of(web, customer) == Owner.AGENT
    shown = maija.get(place(customer))
    assert "Hello, I am &lt;b&gt;Maija&lt;/b&gt;." in shown.html
    assert "Yours" in shown.text
    refused = ville.post(f"{place(customer)}/say", {"text": "Me too", "message_id": "m" * 12})
    assert (refused.status, "Maija already has this" in refused.text) == (409, True)
    empty = maija.post(f"{place(customer)}/say", {"text": " ", "message_id": "n" * 12})
    assert (empty.status, "The message is empty" in empty.text) == (422, True)


def test_a_note_reaches_colleagues_and_never_the_customer(web: Running, maija: Worker) -> None:
    customer = asks(web)
    maija.post(f"{place(customer)}/note", {"text": "Please look at this, @ville and @nobody"})
    assert "Please look at this" not in said_to(customer)
    ville = Worker(web, "Ville")
    assert "You were mentioned" in ville.get("/desk").text
    assert "Please look at this" in ville.get(place(customer)).text
    assert "You were mentioned" not in maija.get("/desk").text
    maija.post(f"{place(customer)}/resolve", {"resolution": "solved"})
    assert "Please look at this" not in ville.get("/desk").text


def test_suggested_articles_in_the_customers_language_and_sending_one(web: Running, maija: Worker) -> None:
    customer = asks(web, "haluan ihmiselle, hukkasin korttini", "fi")
    page = maija.get(f"{place(customer)}?q=hukkasin+korttini")
    sendable = [found["value"] for found in page.all("input", name="article")]
    assert sendable[0].startswith("fi/lost-card#")
    assert not [value for value in sendable if "secret" in value]
    assert "Internal only" in page.text
    form = next(form for form in page.forms if form["action"].endswith("/article"))
    assert maija.post(form["action"], form["fields"]).status == 303
    assert maija.post(form["action"], form["fields"]).status == 303
    quoted = "Valitse Sulje kortti." if form["fields"]["article"].endswith("#lock") else "Sulje kortti heti"
    assert said_to(customer).count(quoted) == 1
    with store_of(web).read() as reading:
        examples = [one for one in reading.examples() if one.source == "agent"]
    assert [(one.article_id, one.lang) for one in examples] == [("lost-card", "fi")]
    refused = maija.post(f"{place(customer)}/article", {"article": "fi/secret#lead", "message_id": "z" * 12})
    assert (refused.status, "cannot be sent" in refused.text) == (409, True)


def test_canned_replies_are_in_the_customers_language_with_their_variables(
    web: Running, maija: Worker
) -> None:
    customer = asks(web, "haluan ihmiselle", "fi")
    page = maija.get(f"{place(customer)}?reply=greeting")
    assert page.all(
        "a", data_insert="Hei, täällä Maija asiakaspalvelusta. Luin juuri viestisi ja katson asiaa."
    )
    assert (
        "Hei, täällä Maija asiakaspalvelusta."
        in page.html.partition("<textarea")[2].partition("</textarea")[0]
    )


def test_a_variable_that_nothing_filled_in_is_never_sent(web: Running, maija: Worker) -> None:
    customer = asks(web)
    fields = {"text": "See {article_title}: {article_url}", "message_id": "v" * 12}
    refused = maija.post(f"{place(customer)}/say", fields)
    assert refused.status == 422
    assert "Fill in these places before you send: {article_title}, {article_url}" in refused.text
    assert "{article" not in said_to(customer)


def test_passing_on_to_a_team_and_to_a_colleague(web: Running, maija: Worker, ville: Worker) -> None:
    customer = asks(web)
    with store_of(web).read() as reading:
        ids = {agent.name: agent.id for agent in reading.agents()}
    maija.post(f"{place(customer)}/take")
    to_ville = {"to": f"/{ids['Ville']}", "note": "You know this one"}
    assert maija.post(f"{place(customer)}/transfer", to_ville).status == 303
    page = ville.get(place(customer))
    assert "Yours" in page.text
    assert "You know this one" in page.text
    assert ville.post(f"{place(customer)}/transfer", {"to": ""}).status == 422
    assert ville.post(f"{place(customer)}/transfer", {"to": "cards", "note": "Cards"}).status == 303
    assert owner_of(web, customer) == Owner.QUEUE
    assert Worker(web, "Kalle").get(place(customer)).status == 200


def test_releasing_and_resolving(web: Running, maija: Worker) -> None:
    customer = asks(web)
    maija.post(f"{place(customer)}/take")
    maija.post(f"{place(customer)}/release")
    assert owner_of(web, customer) == Owner.QUEUE
    assert maija.post(f"{place(customer)}/resolve", {"resolution": "because"}).status == 422
    assert maija.post(f"{place(customer)}/resolve", {"resolution": "guided", "note": "Done"}).status == 303
    page = maija.get(place(customer))
    assert "Resolved by Maija: Customer was shown how" in page.text
    assert not page.all("textarea", id="reply")
    late = maija.post(f"{place(customer)}/say", {"text": "One more thing", "message_id": "q" * 12})
    assert (late.status, "already ended" in late.text) == (409, True)


def test_a_sensitive_answer_is_shown_to_its_agent_and_every_look_is_kept(
    web: Running, maija: Worker, ville: Worker
) -> None:
    customer = asks(web)
    sealer = Sealer.from_settings(web.settings.privacy, store_of(web))
    where = {"conversation_id": customer.id, "episode": 1, "field": "iban"}
    sealed = SealedFact(
        **where,  # type: ignore[arg-type]
        label="Account",
        ciphertext=sealer.seal(
            "FI21 1234 5600 0007 85", conversation_id=customer.id, episode=1, field="iban"
        ),
        at=datetime.now(UTC),
    )
    with store_of(web).write() as writing:
        writing.save_sealed_fact(sealed)
    address = f"{place(customer)}/fact/iban"
    refused = maija.post(address)
    assert (refused.status, "Take the conversation first" in refused.text) == (403, True)
    maija.post(f"{place(customer)}/take")
    assert ville.post(address).status == 403
    shown = maija.post(address)
    assert "FI21 1234 5600 0007 85" in shown.text
    assert shown.response.headers["cache-control"] == "no-store"
    assert "1234 5600" not in maija.get(place(customer)).html
    with store_of(web).read() as reading:
        looks = [entry for entry in reading.audit(conversation_id=customer.id) if entry.action == "fact.seen"]
    assert [entry.detail for entry in looks] == ["iban"]


def asked_expert(web: Running, worker: Worker, customer: Customer, **fields: object) -> tuple[str, str]:
    """Ask an expert; the link's path, and the case's page at the desk."""
    page = worker.post(f"{place(customer)}/case", {"summary": "What now?", "check": ["0"], **fields})
    assert page.status == 200, page.text
    link = next(found["value"] for found in page.all("input", id="link"))
    with store_of(web).read() as reading:
        case = reading.cases(conversation_id=customer.id)[-1]
    return link.partition("testserver")[2], f"/desk/cases/{case.id}"


def test_an_expert_answers_by_link_once_and_the_agent_gets_a_draft(web: Running, maija: Worker) -> None:
    customer = asks(web)
    prefilled = maija.get(place(customer)).html
    assert "my card is gone" in prefilled.partition('id="case-summary"')[2].partition("</textarea")[0]
    link, _ = asked_expert(web, maija, customer, missing="Card number\n\nDate")
    stranger = Worker(web)
    page = stranger.get(link)
    assert page.status == 200
    assert "What now?" in page.text
    assert "Card number" in page.text
    assert page.response.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.response.headers["x-robots-tag"]
    assert not page.all("script")
    form = page.forms[0]
    assert form["action"] == link
    answer = {"text": "Tell them to wait two days.", "to": "agent"}
    assert "has been sent" in stranger.post(link, answer).text
    again = stranger.post(link, {"text": "Another one", "to": "customer"})
    assert (again.status, "Nothing was sent" in again.text) == (409, True)
    assert "two days" not in said_to(customer)
    page = maija.get(place(customer))
    assert "Draft answer" in page.text
    draft = next(found["href"] for found in page.all("a") if "?draft=" in found.get("href", ""))
    field = maija.get(draft.partition("#")[0]).html.partition('id="reply"')[2].partition("</textarea")[0]
    assert "Tell them to wait two days." in field


def test_an_expert_answers_the_customer_from_the_desk(web: Running, maija: Worker) -> None:
    customer = asks(web)
    _, address = asked_expert(web, maija, customer, to="service")
    liisa = Worker(web, "Liisa")
    assert address in liisa.get("/desk/cases").html
    assert "What now?" in liisa.get(address).text
    assert liisa.post(address, {"text": "It is fixed.", "to": "customer"}).status == 303
    assert "It is fixed." in said_to(customer)
    assert maija.get(address).status == 200
    refused = Worker(web, "Kalle")
    assert refused.get(address).status == 403
    assert refused.post(address, {"text": "Mine", "to": "customer"}).status == 403


def test_a_link_ends_with_its_time(web: Running, maija: Worker) -> None:
    customer = asks(web)
    link, address = asked_expert(web, maija, customer)
    with store_of(web).write() as writing:
        case = writing.case(address.rpartition("/")[2])
        assert case is not None
        writing.save_case(replace(case, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    for page in (Worker(web).get(link), Worker(web).post(link, {"text": "Late", "to": "customer"})):
        assert page.status == 410
        assert "What now?" not in page.text
    assert "Late" not in said_to(customer)


@pytest.mark.parametrize("token", ["x", "hpt_wrong", "a" * 300])
def test_a_wrong_link_leads_nowhere(web: Running, token: str) -> None:
    page = Worker(web).get(f"/case/{token}")
    assert page.status == 404
    assert "The link does not work" in page.text


def test_call_backs_are_listed_and_what_came_of_them_is_kept(web: Running, maija: Worker) -> None:
    customer = asks(web)
    with store_of(web).write() as writing:
        handoff = writing.handoff_of(customer.id, 1)
        assert handoff is not None
        callback = Callback(
            id=new_id("b"),
            conversation_id=customer.id,
            handoff_id=handoff.id,
            phone="+358 40 123 4567",
            wished="tomorrow morning",
            language="en",
            state="open",
            attempts=[],
            created_at=datetime.now(UTC),
        )
        writing.save_callback(callback)
    page = maija.get("/desk/callbacks")
    assert page.all("a", href="tel:+358401234567")
    assert "tomorrow morning" in page.text
    assert place(customer) not in Worker(web, "Kalle").get("/desk/callbacks").html
    address = f"/desk/callbacks/{callback.id}"
    assert maija.post(address, {"outcome": "maybe"}).status == 422
    assert maija.post(address, {"outcome": "no_answer", "next": "/desk/callbacks"}).status == 303
    assert "No answer" in maija.get("/desk/callbacks").text
    assert maija.post(address, {"outcome": "reached", "note": "Agreed"}).status == 303
    assert f'action="{address}"' not in maija.get("/desk/callbacks").html
    over = maija.post(address, {"outcome": "reached"})
    assert over.status == 409


def test_a_contact_elsewhere_is_logged(web: Running, maija: Worker) -> None:
    customer = asks(web)
    fields = {"channel": "phone", "reached": "yes", "text": "Called, all is well"}
    assert maija.post(f"{place(customer)}/contact", fields).status == 303
    assert "Called, all is well" in maija.get(place(customer)).text
    assert "Called, all is well" not in said_to(customer)


def test_news_are_sent_as_the_parts_that_changed(web: Running, maija: Worker) -> None:
    customer = asks(web)
    page = maija.get(place(customer))
    address = unescape(next(found["hx-get"] for found in page.all("div", id="news")))
    assert maija.get(address).status == 204
    customer.say("are you there?")
    news = maija.get(address)
    assert news.status == 200
    assert changed(news) == ["log"]
    assert "are you there?" in news.html
    assert "<html" not in news.html
    customer.say("you can write to me@customer.example")
    address = unescape(next(found["hx-get"] for found in news.all("div", id="news")))
    news = maija.get(address)
    assert {"log", "facts"} <= set(changed(news))
    assert news.all("a", href="mailto:me@customer.example")


def changed(news: Page) -> list[str]:
    return [found["id"] for found in news.all("div") if found.get("hx-swap-oob")]


def test_colleagues_see_who_has_a_conversation_open_and_who_writes(
    web: Running, maija: Worker, ville: Worker
) -> None:
    customer = asks(web)
    maija.get(place(customer))
    assert "Maija has this open" in ville.get(place(customer)).text
    maija.get(f"{place(customer)}/news?typing=1")
    assert "Maija is writing to the customer" in ville.get(place(customer)).text
    maija.get(f"{place(customer)}/news?typing=0")
    assert "Maija has this open" in ville.get(place(customer)).text
    assert "Maija is writing to the customer" in ville.get(
        "/desk?view=all"
    ).text or "Maija has this open" in (ville.get("/desk?view=all").text)


def test_what_an_agent_has_seen_is_kept_only_while_the_page_is_looked_at(web: Running, maija: Worker) -> None:
    customer = asks(web)
    maija.post(f"{place(customer)}/take")
    customer.say("hello?")

    def seen() -> list[str]:
        with store_of(web).read() as reading:
            return [event.fact.type.value for event in reading.events(customer.id)]

    maija.get(f"{place(customer)}/news?seen=0")
    assert "messages_read" not in seen()
    maija.get(f"{place(customer)}/news?seen=1")
    maija.get(f"{place(customer)}/news?seen=1")
    assert seen().count("messages_read") == 1


def test_the_outbox_is_the_admins(web: Running, maija: Worker) -> None:
    customer = asks(web)
    delivery = Delivery(
        id=new_id("d"),
        key=f"handoff:x:{customer.id}",
        kind="handoff",
        sink="crm",
        conversation_id=customer.id,
        stream=f"crm:{customer.id}",
        place=1,
        payload={},
        state="dead",
        attempts=12,
        due_at=datetime.now(UTC),
        leased_until=None,
        lease="",
        error="the webhook answered 500",
        created_at=datetime.now(UTC),
        delivered_at=None,
    )
    with store_of(web).write() as writing:
        writing.add_delivery(delivery)
    assert maija.get("/desk/outbox").status == 403
    assert maija.post(f"/desk/outbox/{delivery.id}").status == 403
    admin = Worker(web, "Paavo")
    assert "the webhook answered 500" in admin.get("/desk/outbox").text
    assert "failed" in admin.get(place(customer)).text
    assert admin.post(f"/desk/outbox/{delivery.id}").status == 303
    with store_of(web).read() as reading:
        found = reading.delivery(delivery.id)
    assert found is not None
    assert (found.state, found.attempts) == ("pending", 0)
    assert admin.post("/desk/outbox/d_nothing").status == 409


@pytest.mark.parametrize("lang", ["fi", "sv", "en"])
def test_every_screen_is_there_in_every_language(web: Running, lang: str) -> None:
    customer = asks(web)
    worker = Worker(web, "Paavo", lang)
    paths = ("/desk", "/desk?view=mine", "/desk/cases", "/desk/callbacks", "/desk/outbox", place(customer))
    for path in paths:
        page = worker.get(path)
        assert page.status == 200, path
        assert page.all("html")[0]["lang"] == lang
        for _, found in page.tags:
            assert not [name for name in found if name.startswith("on") or name == "style"]


def test_markup_of_customers_is_shown_and_never_run(web: Running, maija: Worker) -> None:
    evil = "<script>window.pwned=1</script>\"'><img src=x onerror=alert(1)> human"
    customer = asks(web, evil)
    for path in ("/desk?view=all", place(customer)):
        page = maija.get(path)
        assert not page.all("img")
        assert all(found.get("src", "").startswith("/desk/static/") for found in page.all("script"))
