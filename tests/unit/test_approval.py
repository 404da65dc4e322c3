"""Which examples may teach the index: the rules one by one, and attacks on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botsvc.learning.approval import Evidence, Judgement, Near, Rules, Vector, Why, judge_all
from botsvc.storage import StoredExample
from indexer import ArticleKey

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CARD, PIN = ArticleKey("fi", "card"), ArticleKey("fi", "pin")
_ids = count()


def towards(*numbers: float) -> Vector:
    vector = np.array([*numbers, 0.0, 0.0, 0.0, 0.0][:4], np.float32)
    return vector / np.float32(np.linalg.norm(vector))


def example(customer: str = "k_1", network: str | None = None, **more: object) -> StoredExample:
    fields = {
        "id": f"e_{next(_ids)}",
        "article_id": "card",
        "lang": "fi",
        "text": "korttini katosi",
        "source": "customer",
        "helped": True,
        "decision": "",
        "customer": customer,
        "network": f"n_{customer}" if network is None else network,
        "at": NOW,
        **more,
    }
    return StoredExample(**fields)  # type: ignore[arg-type]


def label(text: str = "korttini katosi", **more: object) -> StoredExample:
    return example("", "", text=text, **{"source": "qa", **more})


def evidence(
    vector: Vector | None = None,
    hits: Sequence[ArticleKey] = (CARD, PIN),
    confidence: float = 0.3,
    questions: Sequence[Near] = (),
) -> Evidence:
    here = towards(1) if vector is None else vector
    return Evidence(vector=here, hits=tuple(hits), confidence=confidence, questions=tuple(questions))


def judge(
    examples: Sequence[StoredExample],
    given: Evidence | None = None,
    rules: Rules | None = None,
    own: Mapping[str, Evidence] | None = None,
) -> tuple[Judgement, ...]:
    seen = {one.id: (own or {}).get(one.id, given or evidence()) for one in examples}
    return judge_all(examples, seen, rules or Rules(), published=[CARD, PIN])


def whys(judgements: Sequence[Judgement]) -> list[Why]:
    return [one.why for one in judgements]


def test_one_customer_is_not_believed_and_two_are() -> None:
    assert whys(judge([example()])) == [Why.FEW_CUSTOMERS]
    found = judge([example("k_1"), example("k_2", text="kortti on kadonnut")])
    assert whys(found) == [Why.CUSTOMERS] * 2
    assert [(one.customers, one.networks, one.approved) for one in found] == [(2, 2, True)] * 2


def test_two_customers_of_one_network_are_one() -> None:
    two = [example("k_1", "n_1"), example("k_2", "n_1")]
    assert whys(judge(two)) == [Why.ONE_NETWORK] * 2
    assert whys(judge(two, rules=Rules(networks_needed=1))) == [Why.CUSTOMERS] * 2
    assert whys(judge([example("k_1", ""), example("k_2", "")])) == [Why.CUSTOMERS] * 2


def test_customers_who_asked_something_else_do_not_count() -> None:
    one, other = example("k_1"), example("k_2", text="mistä uusi kortti")
    found = judge([one, other], own={other.id: evidence(towards(0, 1))})
    assert whys(found) == [Why.FEW_CUSTOMERS] * 2


def test_a_customer_who_says_what_a_person_says_is_believed() -> None:
    assert whys(judge([label("kortti hukassa"), example()])) == [Why.PERSON, Why.CONFIRMED_PERSON]


def test_whoever_joins_in_with_others_may_not_multiply_it() -> None:
    honest = example("k_1", at=NOW)
    crowd = [example(f"k_{n}", "n_x", at=NOW + timedelta(minutes=n), text=f"kortti {n}") for n in (2, 3, 4)]
    assert whys(judge([honest, *crowd])) == [Why.CUSTOMERS] * 2 + [Why.SAME_NETWORK] * 2


def test_a_label_is_joined_once_by_one_network() -> None:
    labels = [label(f"kortti {n}") for n in range(3)]
    crowd = [example(f"k_{n}", "n_x", at=NOW + timedelta(minutes=n), text=f"oma {n}") for n in range(3)]
    own = {
        one.id: evidence(towards(*(float(n == place) for n in range(3))))
        for pair in (labels, crowd)
        for place, one in enumerate(pair)
    }
    assert whys(judge([*labels, *crowd], own=own))[3:] == [Why.CONFIRMED_PERSON] + [Why.SAME_NETWORK] * 2


@pytest.mark.parametrize(("helpers", "rejecters", "why"), [(2, 1, Why.CUSTOMERS), (2, 2, Why.DISPUTED)])
def test_those_whom_it_did_not_help_count_too(helpers: int, rejecters: int, why: Why) -> None:
    said = [example(f"k_{n}", helped=n < helpers) for n in range(helpers + rejecters)]
    assert whys(judge(said)) == [why] * helpers


def test_many_rejections_from_one_network_are_one() -> None:
    said = [example("k_1"), example("k_2"), *(example(f"k_{n}", "n_x", helped=False) for n in range(9))]
    assert whys(judge(said)) == [Why.CUSTOMERS] * 2


def test_what_the_article_has_already_is_left_alone() -> None:
    known = evidence(questions=[Near(article_id="card", text="Korttini katosi?", vector=towards(1))])
    assert whys(judge([label()], known)) == [Why.KNOWN]
    other = evidence(questions=[Near(article_id="pin", text="Korttini katosi?", vector=towards(1))])
    assert whys(judge([label()], other)) == [Why.PERSON]


def test_an_example_that_the_rest_contradicts_is_held_back() -> None:
    sure = evidence(hits=[PIN, CARD], confidence=0.5)
    (found,) = judge([label()], sure)
    assert (found.why, found.against, found.approved) == (Why.OTHER_ARTICLE, "pin", False)
    assert whys(judge([label()], replace(sure, confidence=0.49))) == [Why.PERSON]
    assert whys(judge([label()], sure, Rules(contradiction_confidence=0.6))) == [Why.PERSON]
    assert whys(judge([label()], evidence(hits=[PIN]))) == [Why.FAR]
    assert whys(judge([label()], evidence(hits=[PIN, ArticleKey("sv", "card")]))) == [Why.PERSON]
    two = [Near(article_id="pin", text=text, vector=towards(1, 0.2)) for text in ("a", "b")]
    (found,) = judge([label()], evidence(questions=two))
    assert (found.why, found.against) == (Why.OUTVOTED, "pin")
    own = Near(article_id="card", text="c", vector=towards(1))
    assert whys(judge([label()], evidence(questions=[*two, own]))) == [Why.PERSON]


def test_other_labels_vote_as_well() -> None:
    others = [label("a", article_id="pin"), label("b", article_id="pin")]
    assert whys(judge([label(), *others])) == [Why.OUTVOTED, Why.PERSON, Why.PERSON]


def test_the_same_question_for_two_articles_is_no_example_of_either() -> None:
    two = [label(), label("Korttini katosi!", article_id="pin")]
    assert [(one.why, one.against) for one in judge(two)] == [
        (Why.TWO_ARTICLES, "pin"),
        (Why.TWO_ARTICLES, "card"),
    ]
    # A single customer cannot block what two say, nor what a person says.
    stranger = example("k_9", article_id="pin")
    assert whys(judge([example("k_1"), example("k_2"), stranger]))[:2] == [Why.CUSTOMERS] * 2
    assert whys(judge([label(), stranger]))[0] is Why.PERSON


def test_an_editor_has_the_last_word() -> None:
    sure = evidence(hits=[PIN], confidence=0.99)
    assert whys(judge([example(decision="accepted")], sure)) == [Why.ACCEPTED]
    assert whys(judge([label(decision="rejected")])) == [Why.REFUSED]


def test_an_article_that_is_gone_teaches_nothing() -> None:
    gone = label(article_id="old", decision="accepted")
    assert whys(judge_all([gone], {}, Rules(), published=[CARD])) == [Why.GONE]


def test_a_customer_and_a_network_count_a_few_times_a_day() -> None:
    rules = Rules(customer_examples_per_day=2, network_examples_per_day=3)
    many = [example("k_1", text=f"kysymys {n}", at=NOW + timedelta(minutes=n)) for n in range(3)]
    assert whys(judge(many, rules=rules))[2] is Why.DAILY_LIMIT
    crowd = [example(f"k_{n}", "n_1", at=NOW + timedelta(minutes=n)) for n in range(4)]
    assert whys(judge(crowd, rules=rules))[3] is Why.DAILY_LIMIT
    next_day = [*many[:2], replace(many[2], at=NOW + timedelta(days=1))]
    assert Why.DAILY_LIMIT not in whys(judge(next_day, rules=rules))


@given(
    st.lists(
        st.tuples(st.sampled_from(["card", "pin"]), st.booleans(), st.integers(0, 3), st.text(max_size=5)),
        max_size=50,
    )
)
def test_whatever_one_network_says_nothing_is_learned(
    said: list[tuple[str, bool, int, str]],
) -> None:
    """One attacker with any number of conversations, articles, questions and days, behind one address."""
    attack = [
        replace(
            example(f"k_{n}", "n_attacker", article_id=article, helped=helped, text=text),
            at=NOW + timedelta(days=day),
        )
        for n, (article, helped, day, text) in enumerate(said)
    ]
    assert not any(one.approved for one in judge(attack))


def test_whatever_one_customer_says_nothing_is_learned() -> None:
    attack = [example("k_1", f"n_{n}", text=f"kysymys {n}", at=NOW + timedelta(days=n)) for n in range(50)]
    assert not any(one.approved for one in judge(attack, rules=Rules(networks_needed=1)))
