"""Every reported measure on a small hand-made run; undefined is unscored and counted, never 0."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evals.catalogue import MEASURES, ScopeTag, confusion, scope_tag
from evals.figures import Method, Resampling, figures
from evals.predictions import Outcome, PredictedHit, Prediction
from evals.questions import Kind, Question

PLAIN = Resampling(resamples=0)


def predicted(
    id: str,
    outcome: Outcome,
    *ranked: str,
    kind: Kind = Kind.IN_SCOPE,
    gold: tuple[str, ...] = (),
    confidence: float = 0.5,
    in_index: bool = True,
    judged: bool = True,
    reason: str = "",
    tag: str = "",
    lang: str = "fi",
    language: str = "fi",
    half: str = "",
) -> Prediction:
    return Prediction(
        question=Question(id=id, lang=lang, text=id, kind=kind, gold=gold, tag=tag),
        outcome=outcome,
        reason=reason,
        confidence=confidence,
        choices_confidence=confidence,
        scope=confidence,
        language=language,
        hits=tuple(PredictedHit(article_id=name, section_id="lead", score=1.0) for name in ranked),
        latency_ms=1.0,
        index_id="i",
        answerable=(bool(gold) and in_index) if judged else None,
        half=half,
    )


RUN = [
    predicted("right", Outcome.ANSWERED, "a", "b", "c", gold=("a",), confidence=0.9),
    predicted("second", Outcome.ANSWERED, "b", "a", "c", gold=("a",), confidence=0.8),
    predicted("choice", Outcome.CLARIFIED, "b", "c", "a", gold=("a",), confidence=0.5, language="sv"),
    predicted(
        "lost", Outcome.HANDED_OFF, "b", "c", "d", gold=("a",), reason="low_confidence", confidence=0.2
    ),
    predicted("typo", Outcome.ANSWERED, "b", gold=("zz",), judged=False, confidence=0.7),
    predicted("away", Outcome.ANSWERED, "b", kind=Kind.ABSENT, confidence=0.6),
    predicted("far", Outcome.NO_ANSWER, "b", kind=Kind.OUT_OF_SCOPE, tag="far", confidence=0.1),
    predicted("near", Outcome.ANSWERED, "b", kind=Kind.OUT_OF_SCOPE, tag="near", confidence=0.4),
    predicted("chat", Outcome.SMALL_TALK, kind=Kind.OUT_OF_SCOPE, tag="chit-chat", confidence=0.0),
    predicted("person", Outcome.HANDED_OFF, "b", kind=Kind.HUMAN_REQUEST, reason="asked", confidence=0.1),
    predicted("unheard", Outcome.NO_ANSWER, "b", kind=Kind.HUMAN_REQUEST, confidence=0.1),
    predicted("false-alarm", Outcome.HANDED_OFF, "a", gold=("a",), reason="asked", confidence=0.3),
]


@pytest.mark.parametrize(
    ("name", "value", "n", "unscored"),
    [
        # Answerable: right, second, choice, lost, false-alarm; "typo" cannot be judged.
        ("recall@1", 2 / 5, 5, 1),
        ("recall@3", 4 / 5, 5, 1),
        ("mrr", (1 + 1 / 2 + 1 / 3 + 0 + 1) / 5, 5, 1),
        ("answer_rate", 2 / 5, 5, 1),
        # Answered on a subject of the help center: right, second, away (and typo, unscored).
        ("selective_accuracy", 1 / 3, 3, 1),
        ("selective_accuracy_all", 1 / 4, 4, 1),
        ("absent_answered", 1.0, 1, 0),
        ("clarified", 1 / 7, 7, 0),
        ("gold_among_choices", 1.0, 1, 0),
        ("handoff_recall", 1 / 2, 2, 0),
        ("handoff_precision", 1 / 2, 2, 0),
        ("handoff_false_alarms", 1 / 10, 10, 0),
        ("human_request_handed_off", 1 / 2, 2, 0),
        ("handed_off", 2 / 7, 7, 0),
        # Handed off: lost (needed), person (needed), false-alarm (right article on top).
        ("handoff_needed", 2 / 3, 3, 0),
        ("out_of_scope_answered", 1 / 3, 3, 0),
        ("out_of_scope_answered_far", 0.0, 1, 0),
        ("out_of_scope_answered_near", 1.0, 1, 0),
        ("out_of_scope_answered_chit_chat", 0.0, 1, 0),
        ("language_accuracy", 11 / 12, 12, 0),
        # Contacts: 6 in scope, 1 absent, 2 requests; one cannot be judged, one was deflected.
        ("estimated_deflection", 1 / 8, 8, 1),
        # Pairs of right (.9, .3) and wrong (.8, .5, .2, .6): 4 + 1 of 8 won.
        ("auroc", 5 / 8, 6, 1),
        ("coverage@0.95", 1 / 6, 6, 1),
    ],
)
def test_measures_by_hand(name: str, value: float, n: int, unscored: int) -> None:
    figure = figures(RUN, PLAIN, [name])[name]
    assert figure.value == pytest.approx(value)
    assert (figure.n, figure.unscored) == (n, unscored)


def test_a_file_with_one_kind_leaves_the_rest_undefined() -> None:
    found = figures([RUN[9]], PLAIN)
    assert found["handoff_recall"].value == 1.0
    for name in ("recall@1", "auroc", "selective_accuracy", "out_of_scope_answered", "ece", "aurc"):
        assert found[name].value is None
        assert found[name].n == 0
        assert found[name].to_json()["value"] is None


def test_every_measure_of_the_catalogue_is_computed_for_an_empty_run() -> None:
    assert {figure.value for figure in figures([], Resampling(resamples=10)).values()} == {None}
    assert len(MEASURES) == len(figures([], PLAIN))


def test_macro_counts_each_article_once() -> None:
    run = [
        predicted(f"q{i}", Outcome.ANSWERED, "a" if i else "x", gold=("a",), confidence=0.5) for i in range(4)
    ] + [predicted("r", Outcome.ANSWERED, "x", gold=("b",), confidence=0.5)]
    figure = figures(run, PLAIN, ["recall@1"])["recall@1"]
    assert figure.value == pytest.approx(3 / 5)
    assert figure.macro == pytest.approx((3 / 4 + 0) / 2)
    assert figure.clusters == 2


def test_section_accuracy_needs_known_sections() -> None:
    with_sections = predicted("s", Outcome.ANSWERED, "a", gold=("a",))
    question = Question(
        id="s", lang="fi", text="s", kind=Kind.IN_SCOPE, gold=("a",), gold_sections=("lead", "close")
    )
    run = [replace(with_sections, question=question), RUN[0]]
    figure = figures(run, PLAIN, ["section_accuracy"])["section_accuracy"]
    assert (figure.value, figure.n) == (1.0, 1)
    whole = replace(question, gold_sections=("a#lead",))
    elsewhere = replace(question, gold_sections=("b#lead",))
    # Another article has a section of that name too, and it is not the right one.
    other = replace(with_sections, hits=(PredictedHit(article_id="b", section_id="lead", score=1.0),))
    run = [replace(with_sections, question=q) for q in (whole, elsewhere)] + [
        replace(other, question=question)
    ]
    assert [figures([p], PLAIN, ["section_accuracy"])["section_accuracy"].value for p in run] == [
        1.0,
        0.0,
        0.0,
    ]


def test_intervals_are_seeded_hold_the_value_and_name_their_method() -> None:
    random = np.random.default_rng(4)
    run = [
        predicted(
            f"q{i}",
            Outcome.ANSWERED,
            "a" if random.random() < 0.7 else "x",
            gold=(f"a{i % 20}" if random.random() < 0.3 else "a",),
            confidence=float(random.random()),
        )
        for i in range(200)
    ]
    names = ["recall@1", "auroc", "ece", "language_accuracy"]
    found = figures(run, Resampling(seed=3, resamples=200), names)
    assert found == figures(run, Resampling(seed=3, resamples=200), names)
    assert found != figures(run, Resampling(seed=4, resamples=200), names)
    for name in ("recall@1", "auroc"):
        interval, value = found[name].interval, found[name].value
        assert interval is not None
        assert value is not None
        assert interval.low < value < interval.high
        assert found[name].method is Method.BOOTSTRAP
    # All right: resampling would claim certainty, Wilson over the articles does not.
    assert found["language_accuracy"].method is Method.WILSON
    assert found["language_accuracy"].interval is not None
    assert found["language_accuracy"].interval.low < 0.95


def test_both_halves_of_a_question_are_one_cluster() -> None:
    run = [
        predicted("q", Outcome.ANSWERED, "x", kind=Kind.OUT_OF_SCOPE, half=half, tag="far")
        for half in ("A", "B")
    ]
    figure = figures(run, Resampling(resamples=50), ["out_of_scope_answered"])["out_of_scope_answered"]
    assert (figure.n, figure.clusters) == (2, 1)


def test_confusion_keeps_absent_and_unjudged_apart() -> None:
    away = predicted("gone", Outcome.ANSWERED, "b", gold=("a",), in_index=False)
    table = confusion([*RUN, away])
    assert table["in_scope"]["answered"] == 2
    assert table["in_scope, article taken away"]["answered"] == 1
    assert table["in_scope, not judged"]["answered"] == 1
    assert table["human_request"]["handed_off"] == 1
    assert sum(sum(row.values()) for row in table.values()) == 13


@pytest.mark.parametrize(
    ("tag", "sort"),
    [
        ("far", ScopeTag.FAR),
        ("oos-near", ScopeTag.NEAR),
        ("near:banking", ScopeTag.NEAR),
        ("chitchat", ScopeTag.CHIT_CHAT),
        ("Chit-Chat", ScopeTag.CHIT_CHAT),
        ("farewell", None),
        ("", None),
    ],
)
def test_out_of_scope_sorts_are_told_by_tag(tag: str, sort: ScopeTag | None) -> None:
    assert scope_tag(tag) is sort


def test_the_interval_of_a_small_calibration_error_holds_it() -> None:
    run = []
    for tenth in range(10):
        for i in range(20):
            # Of each 20, as many are right as the confidence says.
            name, shown = f"a{tenth}-{i}", i < 2 * tenth + 1
            top = name if shown else "x"
            run.append(predicted(name, Outcome.ANSWERED, top, gold=(name,), confidence=tenth / 10 + 0.05))
    figure = figures(run, Resampling(seed=2, resamples=300), ["ece"])["ece"]
    assert figure.value is not None
    assert figure.value == pytest.approx(0.0, abs=1e-9)
    assert figure.interval is not None
    assert 0.0 <= figure.interval.low <= figure.value + 1e-9
    assert figure.interval.high > 0.01
