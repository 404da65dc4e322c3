"""Feedback and labels over a real store: once each, masked, keyed, forgotten."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from botsvc.contacts import OwnContacts
from botsvc.conversations import Conversations
from botsvc.decisions import Answered, Decision, NoAnswer, Numbers, Reason, Rule, SmallTalk
from botsvc.episode import EpisodeState, Message, Press, advance
from botsvc.errors import InvalidMessage, WrongToken
from botsvc.events import FeedbackGiven
from botsvc.examples import customer_key, masked_label, stored_label
from botsvc.exchange import CustomerTurn, Met, Opened
from botsvc.feedback import verdict_of
from botsvc.retention import delete_old_examples
from botsvc.storage import Storage, StoredExample
from botsvc.turns import BotTurn
from indexer import ArticleKey, Example, ExampleSource, Hit

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
LOST = Hit(
    article_id="lost-card",
    lang="fi",
    section_id="lead",
    title="Kadonnut kortti",
    heading_path=(),
    url="/help/fi/lost-card#lead",
    score=2.5,
)
PIN = replace(LOST, article_id="card-pin", title="Tunnusluku")


def answered(hit: Hit = LOST) -> Answered:
    return Answered(rule=Rule.CONFIDENT, reason=Reason.CONFIDENT, hit=hit, confidence=0.91, numbers=Numbers())


HELPED = SmallTalk(rule=Rule.PENDING_PROMPT, reason=Reason.HELPED)
REJECTED = NoAnswer(rule=Rule.PENDING_PROMPT, reason=Reason.REJECTED)


class Customer:
    """A customer whose bot decides as it is told, with the real reading of verdicts."""

    def __init__(self, storage: Storage, network: str = "192.0.2.1", now: datetime = NOW) -> None:
        self.conversations = Conversations(storage, clock=lambda: now)
        self.opened: Opened = self.conversations.create()
        self.network = network
        self.sent = 0

    def says(self, text: str, decision: Decision, press: Press | None = None, id: str = "") -> int:
        def bot(met: Met) -> BotTurn:
            state, said = met.state, met.text
            message = Message(text=said, press=press, lang="fi")
            question = "" if decision.rule is Rule.PENDING_PROMPT else said
            return BotTurn(
                decision=decision,
                state=advance(state, message, decision, question=question),
                language="fi",
                body={"outcome": decision.outcome, "handoff": None},
                verdict=verdict_of(message, state),
            )

        self.sent += 1
        turn = CustomerTurn(
            client_message_id=id or f"m{self.sent}", text=text, press=press, network=self.network
        )
        posted = self.conversations.post(self.opened.conversation_id, self.opened.token, turn, bot)
        return posted.sequence

    def judges(self, sequence: int, helped: bool) -> None:
        self.conversations.judge(
            self.opened.conversation_id, self.opened.token, sequence, helped=helped, network=self.network
        )

    @property
    def verdicts(self) -> list[tuple[bool, str, int]]:
        events = self.conversations.events(self.opened.conversation_id, self.opened.token)
        facts = [event.fact for event in events if isinstance(event.fact, FeedbackGiven)]
        return [(fact.helped, fact.article_id, fact.answer) for fact in facts]


def examples(storage: Storage) -> list[tuple[str, str, bool]]:
    with storage.read() as reading:
        return [(one.article_id, one.text, one.helped) for one in reading.examples()]


def rows(storage: Storage) -> tuple[StoredExample, ...]:
    with storage.read() as reading:
        return reading.examples()


@pytest.fixture
def customer(storage: Storage) -> Customer:
    return Customer(storage)


def test_a_yes_is_an_example_of_what_was_asked_and_shown(storage: Storage, customer: Customer) -> None:
    sequence = customer.says("korttini katosi, 131052-308T", answered())
    customer.says("kyllä", HELPED)
    assert examples(storage) == [("lost-card", "korttini katosi,", True)]
    assert customer.verdicts == [(True, "lost-card", sequence)]
    (row,) = rows(storage)
    assert (row.lang, row.source, row.at) == ("fi", "customer", NOW)
    assert row.customer == customer_key(customer.opened.conversation_id)
    assert customer.opened.conversation_id not in str(row)
    assert "192.0.2" not in str(row)


def test_a_repeated_yes_is_one_example(storage: Storage, customer: Customer) -> None:
    customer.says("korttini katosi", answered())
    for _ in range(3):
        customer.says("", HELPED, press=Press.HELPED, id="again")
    customer.says("", HELPED, press=Press.HELPED)
    assert len(examples(storage)) == len(customer.verdicts) == 1


def test_one_customer_has_one_word_on_an_article(storage: Storage, customer: Customer) -> None:
    for text in ("korttini katosi", "kortti varastettiin", "missä kortti on"):
        customer.says(text, answered())
        customer.says("joo", HELPED)
    customer.says("entä tunnusluku", answered(PIN))
    customer.says("ei auttanut", REJECTED)
    assert sorted(examples(storage)) == [
        ("card-pin", "entä tunnusluku", False),
        ("lost-card", "missä kortti on", True),
    ]


def test_a_typed_no_is_a_rejection(storage: Storage, customer: Customer) -> None:
    customer.says("korttini katosi", answered())
    customer.says("ei", REJECTED)
    assert examples(storage) == [("lost-card", "korttini katosi", False)]


def test_an_older_answer_can_be_judged_and_judged_otherwise(storage: Storage, customer: Customer) -> None:
    first = customer.says("korttini katosi", answered())
    customer.says("mikä on tunnusluku", answered(PIN))
    for _ in range(3):
        customer.judges(first, True)
    assert examples(storage) == [("lost-card", "korttini katosi", True)]
    assert customer.verdicts == [(True, "lost-card", first)]
    customer.judges(first + 1, False)  # by the sequence of the reply
    assert examples(storage) == [("lost-card", "korttini katosi", False)]
    assert customer.verdicts == [(True, "lost-card", first), (False, "lost-card", first)]


def test_a_judgement_without_words_counts_in_the_episode(storage: Storage, customer: Customer) -> None:
    sequence = customer.says("korttini katosi", answered())
    for _ in range(2):
        customer.judges(sequence, False)
    with storage.read() as reading:
        episode = reading.episode(customer.opened.conversation_id, 1)
    assert episode is not None
    state = EpisodeState.from_json(dict(episode.state))
    assert (set(state.rejected), state.failures, state.pending) == ({ArticleKey("fi", "lost-card")}, 1, None)


def test_only_answers_can_be_judged_and_only_by_their_customer(storage: Storage, customer: Customer) -> None:
    sequence = customer.says("ei auttanut", REJECTED)
    for wrong in (1, sequence, sequence + 1, 99):
        with pytest.raises(InvalidMessage, match="was not answered with an article"):
            customer.judges(wrong, True)
    other = Customer(storage)
    asked = customer.says("korttini katosi", answered())
    with pytest.raises(WrongToken):
        other.conversations.judge(customer.opened.conversation_id, other.opened.token, asked, helped=True)
    assert examples(storage) == []


def test_a_long_or_empty_question_is_no_example(storage: Storage, customer: Customer) -> None:
    for text in ("katosi " * 100, "131052-308T"):
        customer.says(text, answered())
        customer.says("kyllä", HELPED)
    assert examples(storage) == []
    assert len(customer.verdicts) == 2


def test_neighbours_have_one_network_key_and_others_another(storage: Storage) -> None:
    for network in ("192.0.2.1", "192.0.2.200", "192.0.3.1", "2001:db8::/64", "2001:db8:0:1::/64", ""):
        customer = Customer(storage, network)
        customer.says("korttini katosi", answered())
        customer.says("kyllä", HELPED)
    networks = [row.network for row in rows(storage)]
    assert len(networks) == 6
    assert len(set(networks)) == 4
    assert networks.count("") == 1


def test_a_secret_is_made_once_by_whoever_comes_first(storage: Storage) -> None:
    found: list[str] = []

    def ask(number: int) -> None:
        with storage.write() as writing:
            found.append(writing.secret("networks", f"secret {number}"))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def label(text: str = "korttini katosi", **more: object) -> Example:
    fields = {"article": ArticleKey("fi", "lost-card"), "source": ExampleSource.QA, **more}
    return Example(text=text, **fields)  # type: ignore[arg-type]


def test_labels_are_masked_and_stored_once(storage: Storage) -> None:
    own = OwnContacts()
    labels = [label("Korttini katosi!"), label(), label("soita 040 123 4567, 131052-308T", customer="c_1")]
    with storage.write() as writing:
        for one in labels:
            writing.save_example(stored_label(masked_label(one, own=own), now=NOW))
    assert sorted(text for _, text, _ in examples(storage)) == [
        "korttini katosi",
        "soita [phone], [henkilötunnus ****308T]",
    ]
    assert {row.customer for row in rows(storage)} == {"", customer_key("c_1")}


def test_an_editors_last_word_stays_until_something_else_is_said(storage: Storage) -> None:
    row = stored_label(label(customer="k_1"), now=NOW)
    with storage.write() as writing:
        writing.save_example(row)
        assert writing.decide_example(row.id, "accepted")
        assert not writing.decide_example("e_none", "accepted")
        writing.save_example(row)
    assert rows(storage)[0].decision == "accepted"
    with storage.write() as writing:
        writing.save_example(replace(row, helped=False))
    assert rows(storage)[0].decision == ""


def test_a_customer_is_forgotten_and_nobody_else(storage: Storage, customer: Customer) -> None:
    other = Customer(storage)
    for one in (customer, other):
        one.says("korttini katosi", answered())
        one.says("kyllä", HELPED)
    with storage.write() as writing:
        assert writing.forget_examples(customer_key(customer.opened.conversation_id)) == 1
    assert [row.customer for row in rows(storage)] == [customer_key(other.opened.conversation_id)]


def test_old_feedback_is_deleted_and_labels_stay(storage: Storage) -> None:
    for days in (0, 10, 20):
        customer = Customer(storage, now=NOW - timedelta(days=days))
        customer.says("korttini katosi", answered())
        customer.says("kyllä", HELPED)
    with storage.write() as writing:
        writing.save_example(stored_label(label(), now=NOW - timedelta(days=99)))
    assert delete_old_examples(storage, 15, clock=lambda: NOW) == 1
    assert [(NOW - row.at).days for row in rows(storage)] == [99, 10, 0]


def test_the_newest_replies_come_first_with_what_was_asked(storage: Storage, customer: Customer) -> None:
    customer.says("korttini katosi", answered())
    customer.says("kyllä", HELPED)
    customer.says("mikä on tunnusluku", answered(PIN))
    with storage.read() as reading:
        found = reading.replies(since=NOW, limit=10)
        assert reading.replies(since=NOW + timedelta(seconds=1), limit=10) == ()
        assert len(reading.replies(since=NOW, limit=1)) == 1
    questions = [getattr(event.fact, "question", None) for event in found]
    assert sorted(str(question) for question in questions) == ["", "korttini katosi", "mikä on tunnusluku"]
