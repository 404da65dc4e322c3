"""What customers do beside writing, over the API: each call's effect, its repeat and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from botsvc.people import Resolution
from botsvc.storage.records import Handoff, StoredAgent
from tests.integration.handoffs import TEAMS, Customer, add_agent, service_of
from tests.integration.help_center import Running, running

NOW = datetime(2026, 11, 4, 10, tzinfo=UTC)  # a Wednesday


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("acts"), clock=lambda: NOW, teams=TEAMS) as found:
        add_agent(service_of(found), NOW, present=False)
        yield found


@pytest.fixture
def customer(web: Running) -> Customer:
    return Customer.arrives(web)


@pytest.fixture
def agent(web: Running) -> StoredAgent:
    return add_agent(service_of(web), NOW, present=False)


def handoff_of(customer: Customer) -> Handoff:
    storage = service_of(customer.web).storage
    assert storage is not None
    with storage.read() as reading:
        (found,) = reading.handoffs(conversation_id=customer.id)
    return found


class TestClose:
    def test_it_calls_the_request_off_and_nobody_has_the_conversation(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        assert customer.post("callback", phone="040 123 4567").status_code == 200
        before = handoff_of(customer)
        closed = customer.post("close")
        assert closed.status_code == 200
        assert closed.json() == {"conversation_id": customer.id, "owner": "nobody"}
        after = handoff_of(customer)
        assert after.state == "withdrawn"
        assert after.revision == before.revision + 1
        assert customer.types()[-3:] == ["handoff_withdrawn", "conversation_closed", "owner_changed"]
        read = customer.reads()
        assert read["owner"] == "nobody"
        assert read["csat"] == {"asked": True, "by": "bot", "score": None}
        assert read["request"]["call"] is None

    def test_again_it_changes_nothing(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        customer.post("close")
        types = customer.types()
        assert customer.post("close").status_code == 200
        assert customer.types() == types

    def test_the_next_message_begins_a_new_matter(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        customer.post("close")
        assert customer.says("when is the invoice due")["owner"] == "bot"
        assert customer.types().count("episode_started") == 2

    def test_before_anything_was_said_there_is_nothing_to_end(self, customer: Customer) -> None:
        assert customer.post("close").status_code == 200
        assert customer.types() == ["conversation_started"]


class TestCsat:
    def test_the_last_score_counts_and_the_comment_is_masked(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        first = customer.post("csat", score=2, comment="my code is 131052-308T, mail me at me@example.net")
        assert first.json() == {"conversation_id": customer.id, "score": 2, "by": "bot"}
        (event,) = [one for one in customer.news()["events"] if one["type"] == "csat_given"]
        assert "131052" not in event["data"]["comment"]
        assert "me@example.net" not in event["data"]["comment"]
        assert customer.post("csat", score=5).status_code == 200
        assert customer.post("csat", score=5).status_code == 200
        assert customer.types().count("csat_given") == 2
        assert customer.reads()["csat"]["score"] == 5

    def test_after_a_person_s_answer_it_is_about_the_person(
        self, customer: Customer, agent: StoredAgent
    ) -> None:
        customer.asks_for_a_person()
        people = service_of(customer.web).tier.people
        people.say(customer.id, agent, "In 14 days.", message_id="p1")
        people.resolve(customer.id, agent, Resolution.SOLVED)
        assert customer.reads()["csat"] == {"asked": True, "by": "person", "score": None}
        assert customer.post("csat", score=4).json()["by"] == "person"

    @pytest.mark.parametrize("body", [{"score": 0}, {"score": 6}, {"score": 3, "comment": "x" * 1_001}, {}])
    def test_other_scores_are_refused(self, customer: Customer, body: dict[str, object]) -> None:
        customer.says("when is the invoice due")
        assert customer.post("csat", **body).status_code == 422
        assert "csat_given" not in customer.types()

    def test_nothing_asked_is_nothing_to_judge(self, customer: Customer) -> None:
        answer = customer.post("csat", score=3)
        assert answer.status_code == 409
        assert answer.json()["type"].endswith(":not-open")


class TestArticles:
    def test_opening_is_kept_once_and_people_see_it(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        for _ in range(2):
            assert customer.post("articles/opened", article_id="invoice", lang="en").status_code == 204
        assert customer.types().count("article_opened") == 1
        customer.asks_for_a_person()
        (shown,) = [
            one for one in handoff_of(customer).document["articles"] if one["article_id"] == "invoice"
        ]
        assert shown["opened"] is True

    def test_only_what_was_shown_can_be_opened(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        for article, lang in (("secret", "en"), ("invoice", "fi")):
            assert customer.post("articles/opened", article_id=article, lang=lang).status_code == 422


class TestRead:
    def test_read_marks_go_forward_and_only_where_people_wrote(
        self, customer: Customer, agent: StoredAgent
    ) -> None:
        last = customer.asks_for_a_person()["sequence"]
        assert customer.post("read", up_to=last).json()["up_to"] == 0
        said = service_of(customer.web).tier.people.say(customer.id, agent, "Hello!", message_id="p1")
        assert customer.post("read", up_to=said + 1_000).json()["up_to"] == said
        assert customer.post("read", up_to=said).json()["up_to"] == said
        assert customer.post("read", up_to=1).json()["up_to"] == said
        assert customer.types().count("messages_read") == 1


class TestContact:
    def test_an_address_makes_a_revision_and_a_promise(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        before = handoff_of(customer)
        assert before.promised_by is None
        kept = customer.post("contact", client_message_id="c1", email="me@example.net")
        assert kept.status_code == 200, kept.text
        assert kept.json()["email"] == "me@example.net"
        after = handoff_of(customer)
        assert after.revision == before.revision + 1
        assert after.promised_by is not None
        assert after.document["contact"]["email"] == "me@example.net"
        request = customer.reads()["request"]
        assert request["reachable"] is True
        assert request["reply_by"] is not None
        assert request["reply_by_words"]
        assert "you'll get a reply" in customer.reads()["entries"][-1]["text"].lower()

    def test_given_again_it_changes_nothing(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        for _ in range(2):
            assert customer.post("contact", client_message_id="c1", email="me@example.net").status_code == 200
        revision = handoff_of(customer).revision
        answer = customer.post("contact", client_message_id="c2", email="me@example.net")
        assert answer.status_code == 200
        assert handoff_of(customer).revision == revision

    def test_a_number_too_short_for_a_sentence_is_taken_from_its_own_field(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        assert customer.post("contact", client_message_id="c1", phone="09 1234").status_code == 200
        assert handoff_of(customer).document["contact"]["phone"] == "09 1234"
        assert customer.reads()["entries"][-1]["author"] == "service"

    @pytest.mark.parametrize(
        "body",
        [
            {"email": "me@"},
            {"email": "support@example.com"},
            {"phone": "020 123 400"},
            {"phone": "call me"},
            {},
        ],
    )
    def test_what_is_no_address_of_the_customer_is_refused(
        self, customer: Customer, body: dict[str, str]
    ) -> None:
        customer.asks_for_a_person()
        answer = customer.post("contact", client_message_id="c1", **body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] in ("email", "phone")
        assert "contact_given" not in customer.types()

    def test_without_a_request_there_is_nobody_to_answer(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        assert customer.post("contact", client_message_id="c1", email="me@example.net").status_code == 409


class TestCallback:
    def test_a_wish_is_kept_changed_and_seen(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        first = customer.post("callback", phone="+358 40 123 4567", wished="tomorrow before noon")
        again = customer.post("callback", phone="+358 40 123 4567", wished="tomorrow before noon")
        other = customer.post("callback", wished="any time")
        assert first.status_code == again.status_code == other.status_code == 200
        assert first.json() == again.json() == other.json()
        assert customer.reads()["request"]["call"] == {"phone": "+358 40 123 4567", "wished": "any time"}
        assert customer.types().count("callback_requested") == 1

    def test_it_needs_a_number(self, customer: Customer) -> None:
        customer.asks_for_a_person()
        answer = customer.post("callback", wished="now")
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "phone"

    def test_it_needs_a_request(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        assert customer.post("callback", phone="040 123 4567").status_code == 409


class TestTranscript:
    def test_it_shows_what_people_and_the_service_did(self, customer: Customer, agent: StoredAgent) -> None:
        asked = customer.asks_for_a_person()
        waiting = customer.reads()["request"]
        assert (waiting["state"], waiting["team"], waiting["agent"]) == ("open", "Card team", "")
        assert waiting["place"] >= 1
        assert waiting["live"] is False
        assert waiting["delivered"] is False
        people = service_of(customer.web).tier.people
        people.acknowledge(customer.id, agent)
        people.say(customer.id, agent, "Hello, this is Aino.", message_id="p1")
        people.read(customer.id, agent, asked["sequence"])
        people.note(customer.id, agent, "difficult customer")
        read = customer.reads()
        assert read["owner"] == "agent"
        entry = read["entries"][-1]
        assert (entry["author"], entry["name"], entry["text"]) == ("agent", "Aino", "Hello, this is Aino.")
        request = read["request"]
        assert (request["agent"], request["place"], request["delivered"]) == ("Aino", 0, True)
        assert request["answered"] is True
        assert request["read_up_to"] >= asked["sequence"]
        assert "difficult" not in str(read)
        assert agent.id not in str(read)

    def test_before_anything_was_handed_off(self, customer: Customer) -> None:
        customer.says("when is the invoice due")
        read = customer.reads()
        assert read["request"] is None
        assert read["csat"] == {"asked": False, "by": "bot", "score": None}
        assert read["status_url"] == ""


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("close", {}),
        ("csat", {"score": 3}),
        ("articles/opened", {"article_id": "invoice", "lang": "en"}),
        ("read", {"up_to": 1}),
        ("typing", {"typing": True}),
        ("contact", {"client_message_id": "c1", "email": "me@example.net"}),
        ("callback", {"phone": "040 123 4567"}),
    ],
)
def test_every_call_needs_the_conversation_s_own_token(
    customer: Customer, path: str, body: dict[str, object]
) -> None:
    customer.asks_for_a_person()
    before = customer.types()
    url = f"/v1/conversations/{customer.id}/{path}"
    other = Customer.arrives(customer.web)
    assert customer.web.client.post(url, json=body).status_code == 401
    assert customer.web.client.post(f"{url}?token={customer.token}", json=body).status_code == 401
    assert customer.web.client.post(url, json=body, headers=other.headers).status_code == 403
    assert customer.types() == before
