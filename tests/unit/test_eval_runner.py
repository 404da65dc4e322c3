"""A whole run on a help center without a model: passes, files, gates, comparison, commands."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from copy import deepcopy
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evals.bot import DefaultGoals
from evals.compare import compare, comparison_json
from evals.conversations import Conversation, Turn
from evals.errors import GatesError, RunError
from evals.evaluation import Evaluation, Request, evaluate, write_run
from evals.figures import Resampling
from evals.gates import By, Gate, Gates, Verdict, judge, read_gates, shipped_gates
from evals.junit import junit_xml
from evals.predictions import Outcome, Prediction, read_predictions
from evals.questions import Kind, Question, QuestionSet
from evals.report import render_report
from evals.runner import RunOptions, ask_all, converse
from evals.summary import summarise
from tests.unit.stub_help_center import StubBot, StubIndex, article

WORDS = (
    "card",
    "app",
    "lunch",
    "bike",
    "invoice",
    "gym",
    "theatre",
    "password",
    "tram",
    "receipt",
    "voucher",
)
INDEX = StubIndex(tuple(article(word, f"{word} help", questions=(f"my {word}",)) for word in WORDS))
RESAMPLING = Resampling(seed=1, resamples=60)


def question(id: str, text: str, *gold: str, kind: Kind = Kind.IN_SCOPE, **more: Any) -> Question:  # noqa: ANN401
    return Question(id=id, lang="en", text=text, kind=kind, gold=gold, **more)


QUESTIONS = (
    *(question(f"q-{word}", f"{word} help", word, tag="plain") for word in WORDS),
    question("vague", "what about card", "card"),
    question("wrong", "app help", "card"),
    question("empty", "card help"),
    question("foreign", "card help", "no-such-article"),
    question("person", "person please", kind=Kind.HUMAN_REQUEST),
    question("far", "capital of finland", kind=Kind.OUT_OF_SCOPE, tag="far"),
    question("near", "bike insurance", kind=Kind.OUT_OF_SCOPE, tag="near", extra={"hits": 3, "why": "x"}),
)


def request(options: RunOptions | None = None, gates: Gates | None = None) -> Request:
    return Request(
        questions=QuestionSet(QUESTIONS, ("read warning",), "0" * 64),
        questions_path=Path("set/questions.jsonl"),
        options=options or RunOptions(),
        gates=gates,
        resampling=RESAMPLING,
    )


def fresh(absent: bool = False, gates: Gates | None = None) -> Evaluation:
    options = RunOptions(absent=absent)
    return evaluate(INDEX, StubBot(), request(options, gates), goals=DefaultGoals(), stated_absent_share=0.3)


kept = cache(fresh)


def evaluated(absent: bool = False) -> Evaluation:
    """The run on QUESTIONS; the metrics are the test's own to change."""
    metrics, predictions = kept(absent)
    return Evaluation(deepcopy(metrics), predictions)


def test_a_plain_run_asks_each_question_once_and_keeps_five_hits_for_every_outcome() -> None:
    bot = StubBot()
    run = ask_all(INDEX, bot, QUESTIONS, RunOptions(baselines=False))
    assert [p.question.id for p in run.predictions] == [q.id for q in QUESTIONS]
    assert len(bot.asked) == len(QUESTIONS) + 1  # one to warm up
    assert {lang for _, lang, _ in bot.asked} == {None}
    assert all(len(p.hits) == 5 for p in run.predictions)
    by_id = {p.question.id: p for p in run.predictions}
    assert by_id["q-card"].answerable is True
    assert by_id["empty"].answerable is None
    assert by_id["foreign"].answerable is None
    assert by_id["far"].answerable is False


def test_in_scope_questions_that_cannot_be_judged_are_counted_and_warned() -> None:
    metrics = evaluated().metrics
    assert metrics["warnings"] == [
        "read warning",
        "in_scope questions that name no gold article stay unscored: 1 (empty)",
        "in_scope questions whose gold articles are not in the index stay unscored: 1 (foreign)",
    ]
    assert metrics["counts"]["unscored"] == 2
    assert metrics["measures"]["recall@1"]["n"] == 13
    assert metrics["measures"]["recall@1"]["unscored"] == 2


def test_the_interface_language_reaches_the_bot_only_when_asked_for() -> None:
    bot = StubBot()
    ask_all(INDEX, bot, QUESTIONS, RunOptions(hint_lang=True, baselines=False))
    assert {lang for _, lang, _ in bot.asked[1:]} == {"en"}


def test_absent_asks_every_question_once_with_and_once_without_its_article() -> None:
    bot = StubBot()
    run = ask_all(INDEX, bot, QUESTIONS, RunOptions(absent=True, baselines=False))
    assert len(run.predictions) == 2 * len(QUESTIONS)
    for q in QUESTIONS:
        if q.kind is Kind.IN_SCOPE and q.id not in ("empty", "foreign"):
            both = {p.half: p.answerable for p in run.predictions if p.question.id == q.id}
            assert set(both) == {"A", "B"}
            assert sorted(both.values()) == [False, True]  # type: ignore[type-var]
    # What is taken away is never shown, and the probabilities are stated for one half.
    for p in run.predictions:
        if p.answerable is False:
            assert not {hit.article_id for hit in p.hits} & set(p.question.gold)
    assert {share for _, _, share in bot.asked[1:]} == {0.5}


def test_absent_figures_pool_both_halves() -> None:
    metrics = evaluated(absent=True).metrics
    assert metrics["absent_share"] == 0.5
    assert metrics["counts"]["questions"] == len(QUESTIONS)
    assert metrics["counts"]["asked"] == 2 * len(QUESTIONS)
    assert metrics["measures"]["recall@1"]["n"] == 13
    # Both passes ask the two questions that nobody can judge; a question whose article is away is no ranking.
    assert metrics["measures"]["recall@1"]["unscored"] == 4
    assert metrics["measures"]["auroc"]["n"] == 26
    assert metrics["run"]["stated_absent_share"] == 0.5
    assert metrics["baselines"]["BM25"]["measures"]["auroc"]["n"] == 26


def test_all_baselines_stand_beside_with_what_applies_to_them() -> None:
    baselines = evaluated().metrics["baselines"]
    assert list(baselines) == ["BM25", "character n-grams", "nearest example", "always hand off"]
    assert baselines["BM25"]["measures"]["recall@1"]["value"] == pytest.approx(12 / 13, abs=1e-6)
    assert "ece" not in baselines["BM25"]["measures"]  # a raw score is no probability
    hand_off = baselines["always hand off"]["measures"]
    assert hand_off["handoff_recall"]["value"] == 1.0
    assert hand_off["answer_rate"]["value"] == 0.0
    assert hand_off["selective_accuracy"]["value"] is None
    assert baselines["BM25"]["languages"]["en"]["recall@1"]["n"] == 13


def test_predictions_survive_the_file_and_keep_the_questions_own_keys(tmp_path: Path) -> None:
    evaluation = evaluated()
    write_run(tmp_path, evaluation)
    lines = [json.loads(line) for line in (tmp_path / "predictions.jsonl").read_text().splitlines()]
    assert len(lines) == len(QUESTIONS)
    assert set(lines[0]) >= {
        *("id", "outcome", "reason", "confidence", "language", "hits", "latency_ms", "index_id"),
    }
    assert set(lines[0]["hits"][0]) >= {"article_id", "section_id", "score"}
    near = next(line for line in lines if line["id"] == "near")
    assert near["question.hits"] == 3  # the set's key, kept beside ours
    assert near["why"] == "x"
    read = read_predictions(tmp_path / "predictions.jsonl")
    assert [p.to_json() for p in read] == lines
    assert [p.question.extra for p in read if p.question.id == "near"] == [{"hits": 3, "why": "x"}]


def test_the_same_run_twice_gives_the_same_figures() -> None:
    def stable(metrics: dict[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in metrics.items() if k not in ("run", "latency_ms")}

    assert stable(fresh().metrics) == stable(evaluated().metrics)


def test_promised_and_realised_accuracy() -> None:
    promise = evaluated().metrics["promise"]["answers"]
    # The 11 plain ones are answered right, "wrong" with the wrong article; 12 answers that can be judged.
    assert (promise["goal"], promise["n"]) == (0.95, 12)
    assert promise["realised"] == pytest.approx(11 / 12, abs=1e-6)
    assert promise["p_below_goal"] == pytest.approx(1 - 0.95**12, abs=1e-6)


class Tags(HTMLParser):
    """All start tags with their attributes, and a check that every tag is closed."""

    VOID = frozenset({"meta", "br", "hr", "img", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_closed_file_that_escapes_what_customers_say() -> None:
    attack = question("x", '<script>alert(1)</script> "card" help', "app", tag="<b>")
    evaluation = evaluate(
        INDEX,
        StubBot(),
        Request(
            questions=QuestionSet((*QUESTIONS, attack), (), "0" * 64),
            questions_path=Path("set/q.jsonl"),
            options=RunOptions(),
            resampling=RESAMPLING,
        ),
        goals=DefaultGoals(),
        stated_absent_share=0.3,
    )
    html = render_report(*evaluation, site="https://help.example/")
    page = Tags()
    page.feed(html)
    assert page.open == []
    assert {tag for tag, _ in page.seen} & {"script", "link", "img", "iframe"} == set()
    assert not [a for _, a in page.seen if "src" in a]
    assert [tag for tag, _ in page.seen].count("svg") >= 2
    assert "&lt;script&gt;" in html
    assert "https://help.example/help/en/app#lead" in html


@pytest.mark.parametrize("absent", [False, True])
def test_the_report_shows_the_figures_that_the_metrics_hold(absent: bool) -> None:
    evaluation = evaluated(absent)
    html = render_report(*evaluation)
    value = evaluation.metrics["measures"]["auroc"]["value"]
    assert f"{value:.3f}" in html
    assert "twice" in html if absent else "twice" not in html
    assert "Wrong answers" in html


def test_the_report_has_simple_methods_beside_every_slice_and_out_of_scope_sorts_apart() -> None:
    evaluation = evaluated(absent=True)
    metrics = evaluation.metrics
    other = deepcopy(metrics["languages"]["en"])
    metrics["languages"]["fi"] = other
    html = render_report(*evaluation)
    assert html.count("The same against simple methods") == 2  # by language and by tag
    for name in ("BM25", "character n-grams", "nearest example"):
        value = metrics["baselines"][name]["languages"]["en"]["recall@1"]["value"]
        assert f"{100 * value:.1f} %" in html
    sorts = html[html.index("<h3>Out of scope</h3>") :].split("</table>")[0]
    assert [sort in sorts for sort in (">far<", ">near<", ">chit-chat<", ">all<")] == [
        True,
        True,
        False,
        True,
    ]
    assert "estimated deflection: an estimate" in html


def test_the_promise_is_held_against_what_came_of_it_in_each_language() -> None:
    questions = [replace(q, lang="fi" if i % 2 else "en") for i, q in enumerate(QUESTIONS)]
    run = ask_all(INDEX, StubBot(), questions, RunOptions(baselines=False))
    metrics = summarise(run.predictions, resampling=RESAMPLING, goals=DefaultGoals())
    parts = metrics["promise_by_language"]
    assert set(parts) == {"en", "fi"}
    whole = metrics["promise"]["answers"]
    assert sum(part["answers"]["n"] for part in parts.values()) == whole["n"] > 0
    assert whole["low"] < whole["realised"] < whole["high"]


def test_a_run_with_only_requests_for_a_person_still_has_a_report() -> None:
    only = Request(
        questions=QuestionSet((QUESTIONS[-3],), (), "0" * 64),
        questions_path=Path("q.jsonl"),
        options=RunOptions(),
        resampling=RESAMPLING,
    )
    evaluation = evaluate(INDEX, StubBot(), only, goals=DefaultGoals(), stated_absent_share=None)
    assert evaluation.metrics["measures"]["recall@1"]["value"] is None
    assert "requests for a person understood" in render_report(*evaluation)


# Conversations


CONVERSATION = Conversation(
    id="c1",
    lang="en",
    tag="follow-up",
    turns=(
        Turn(said="card help", outcomes=(Outcome.ANSWERED,), articles=("card",), line=5),
        Turn(said="bike", outcomes=(Outcome.ANSWERED, Outcome.CLARIFIED), articles=("bike", "card"), line=6),
        Turn(said="person", outcomes=(Outcome.ANSWERED,), line=7),
        Turn(said="x", outcomes=(Outcome.HANDED_OFF,), reason="low_confidence", line=8),
    ),
)


def test_conversations_are_held_turn_by_turn_and_compared_with_their_table() -> None:
    (result,) = converse(INDEX, StubBot(), [CONVERSATION])
    assert [turn.fault for turn in result.turns] == [
        "",
        "",
        "outcome is handed_off, expected answered",
        "reason is asked, expected low_confidence",
    ]
    assert not result.good


def test_the_article_shown_must_be_the_expected_one() -> None:
    wrong = Conversation(
        id="c", lang="en", turns=(Turn(said="card help", outcomes=(Outcome.ANSWERED,), articles=("app",)),)
    )
    (result,) = converse(INDEX, StubBot(), [wrong])
    assert result.turns[0].fault == "shows card, expected app"


def test_follow_ups_are_counted_apart_and_the_report_shows_where_a_conversation_went_wrong() -> None:
    conversation = Conversation(
        id="c",
        lang="fi",
        turns=(
            Turn(said="card help", outcomes=(Outcome.ANSWERED,)),
            Turn(said="gym <b>help", outcomes=(Outcome.HANDED_OFF,), follow_up=True),
            Turn(said="app help", outcomes=(Outcome.CLARIFIED,), follow_up=True),
            Turn(said="lunch help", outcomes=(Outcome.ANSWERED,), follow_up=True),
        ),
    )
    results = converse(INDEX, StubBot(), [conversation, replace(CONVERSATION, lang="en")])
    figures = summarise([], conversations=results, resampling=RESAMPLING, goals=DefaultGoals())
    found = figures["conversations"]
    assert {lang: shares["follow_ups"]["n"] for lang, shares in found["languages"].items()} == {
        "en": 0,
        "fi": 3,
    }
    assert found["languages"]["en"]["follow_ups"]["value"] is None
    all_turns, follow_ups = found["shares"]["turns"], found["shares"]["follow_ups"]
    assert (all_turns["n"], follow_ups["n"]) == (8, 3)
    assert follow_ups["value"] == pytest.approx(1 / 3, abs=1e-6)
    assert follow_ups["low"] < 1 / 3 < follow_ups["high"]
    evaluation = evaluated()
    evaluation.metrics["conversations"] = found
    html = render_report(*evaluation)
    row = html[html.index("Turns that went otherwise") :].split("<tr>")[2]
    assert "gym &lt;b&gt;help" in row  # the first, not the one after it
    assert "card help" in row  # what was said before


# Gates and JUnit


def test_gates_over_all_compare_values() -> None:
    evaluation = evaluated()
    recall = evaluation.metrics["measures"]["recall@1"]["value"]
    gates = Gates(
        (
            Gate(measure="recall@1", bound=recall, higher=True),
            Gate(measure="recall@1", bound=recall + 0.01, higher=True),
            Gate(measure="recall@1", bound=recall + 0.01, higher=True, tolerance=0.02),
            Gate(measure="out_of_scope_answered", bound=0.0, higher=False),
            Gate(measure="section_accuracy", bound=0.9, higher=True),
        ),
        0.05,
    )
    results = judge(gates, evaluation.predictions, evaluation.metrics, RESAMPLING)
    assert [r.verdict for r in results] == [
        *(Verdict.KEPT, Verdict.MISSED, Verdict.KEPT, Verdict.KEPT, Verdict.NOT_JUDGED),
    ]
    assert results[1].sentence == f"recall@1 is {recall:.4f} (n = 13); recall@1 ≥ {recall + 0.01:g}"
    assert results[4].sentence == "section_accuracy: nothing to judge"


def slice_run(right: dict[str, int], n: int) -> list[Prediction]:
    found: list[Prediction] = []
    for lang, good in right.items():
        asked = [
            Question(id=f"{lang}{i}", lang=lang, text=f"{WORDS[0]} help", kind=Kind.HUMAN_REQUEST)
            for i in range(n)
        ]
        run = ask_all(INDEX, StubBot(), asked, RunOptions(baselines=False))
        found += [
            replace(p, outcome=Outcome.HANDED_OFF, reason="asked" if i < good else "low_confidence")
            for i, p in enumerate(run.predictions)
        ]
    return found


def test_gates_over_slices_miss_only_beyond_chance_with_holm() -> None:
    gate = Gate(measure="handoff_recall", bound=0.98, higher=True, by=By.LANGUAGE)
    predictions = slice_run({"en": 40, "fi": 39, "sv": 30}, 40)
    results = judge(Gates((gate,), 0.05), predictions, {}, RESAMPLING)
    assert [(r.slice, r.verdict) for r in results] == [
        ("en", Verdict.KEPT),
        ("fi", Verdict.KEPT),  # .975 is below .98, but one of 40 is no evidence
        ("sv", Verdict.MISSED),
    ]
    assert results[1].p is not None
    assert results[1].p > 0.5
    with pytest.raises(GatesError, match="resamples"):
        judge(Gates((gate,), 0.05), predictions, {}, Resampling(resamples=0))


def test_a_gate_can_hold_a_run_to_a_stored_one(tmp_path: Path) -> None:
    evaluation = evaluated()
    write_run(tmp_path / "stored", evaluation)
    (tmp_path / "g.toml").write_text(
        '[[gate]]\nmeasure = "ece"\nno_worse_than = "stored/metrics.json"\n', encoding="utf-8"
    )
    gates = read_gates(tmp_path / "g.toml")
    (result,) = judge(gates, evaluation.predictions, evaluation.metrics, RESAMPLING)
    assert result.verdict is Verdict.KEPT
    worse = deepcopy(evaluation.metrics)
    worse["measures"]["ece"]["value"] += 0.001
    (result,) = judge(gates, evaluation.predictions, worse, RESAMPLING)
    assert result.verdict is Verdict.MISSED


def test_the_shipped_gates_can_be_read() -> None:
    gates = read_gates(shipped_gates())
    assert {gate.measure for gate in gates.gates} >= {"selective_accuracy", "handoff_recall"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "cannot be read as TOML"),
        ("", r"holds no gates: write \[\[gate\]\] tables"),
        ("alpha = 2\n[[gate]]", "'alpha' is 2: write a number between 0 and 1"),
        (
            '[[gate]]\nmeasure = "recal@1"\nat_least = 1',
            r"gate 1: there is no measure 'recal@1' \(did you mean 'recall@1'\?\)",
        ),
        ('[[gate]]\nmeasure = "ece"', "gate 1: write one of at_least, at_most and no_worse_than, not 0"),
        ('[[gate]]\nmeasure = "ece"\nat_most = "x"', "gate 1: 'at_most' is 'x': write a number"),
        (
            '[[gate]]\nmeasure = "ece"\nat_most = 1\nby = "lang"',
            "gate 1: 'by' is 'lang': write one of all, language, tag",
        ),
        ('[[gate]]\nmeasure = "ece"\nat_most = 1\ntol = 1', r"gate 1: there is no key 'tol'"),
        ('[[gate]]\nmeasure = "ece"\nno_worse_than = "no.json"', "gate 1: cannot use the stored run"),
    ],
)
def test_faults_of_gates_are_named(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "gates.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(GatesError, match=sentence):
        read_gates(path)
    with pytest.raises(GatesError, match="there is no such file"):
        read_gates(tmp_path / "none.toml")


def test_junit_counts_gates_and_conversations() -> None:
    gates = Gates(
        (
            Gate(measure="recall@1", bound=1.0, higher=True),
            Gate(measure="recall@1", bound=0.1, higher=True),
        ),
        0.05,
    )
    metrics = fresh(gates=gates).metrics
    results = converse(INDEX, StubBot(), [CONVERSATION])
    metrics["conversations"] = summarise(
        [], conversations=results, resampling=RESAMPLING, goals=DefaultGoals()
    )["conversations"]
    suites = ET.fromstring(junit_xml(metrics))
    by_name = {suite.get("name"): suite for suite in suites}
    assert (by_name["gates"].get("tests"), by_name["gates"].get("failures")) == ("2", "1")
    assert by_name["conversations"].get("failures") == "1"
    failure = by_name["conversations"].find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "line 7: outcome is handed_off, expected answered"
    assert by_name["measures"].get("failures") == "0"
    assert suites.get("failures") == "2"


def test_junit_stays_xml_with_control_characters() -> None:
    metrics = evaluated().metrics
    metrics["gates"] = [{"words": "a\x00b", "slice": "\x1b", "verdict": "missed", "sentence": "s\x07\uffff"}]
    ET.fromstring(junit_xml(metrics))


# Comparison


def test_comparison_pairs_questions_and_lists_what_flipped() -> None:
    before = evaluated().predictions
    grown = StubIndex(
        tuple(article(a.id, "what about card" if a.id == "gym" else a.body) for a in INDEX.content)
    )
    after = evaluate(grown, StubBot(), request(), goals=DefaultGoals(), stated_absent_share=0.3).predictions
    found = compare(before, after, RESAMPLING)
    # "what about card" now finds gym, and gym's own question finds nothing in it.
    assert {flip.before.question.id for flip in found.lost} == {"vague", "q-gym"}
    assert found.won == ()
    assert found.mcnemar_p == 0.5
    by_name = {d.measure: d for d in found.differences}
    assert by_name["recall@1"].change == pytest.approx(-2 / 13)
    assert by_name["recall@1"].verdict == "no clear difference"  # two questions are no evidence
    document = comparison_json(found)
    assert document["differences"]["recall@1"]["change"] == pytest.approx(-2 / 13, abs=1e-6)
    assert {flip["id"] for flip in document["flipped"]["lost"]} == {"vague", "q-gym"}


def test_a_run_compared_with_itself_differs_nowhere() -> None:
    predictions = evaluated().predictions
    found = compare(predictions, predictions, RESAMPLING)
    assert {d.change for d in found.differences} == {0.0}
    assert {d.verdict for d in found.differences} == {"no clear difference"}
    assert (found.won, found.lost, found.outcomes) == ((), (), {})


def test_a_clear_loss_is_called_worse() -> None:
    many = StubIndex(tuple(article(f"w{i}", f"w{i} help") for i in range(60)))
    asked = [
        Question(id=f"q{i}", lang="en", text=f"w{i} help", kind=Kind.IN_SCOPE, gold=(f"w{i}",))
        for i in range(60)
    ]
    broken = StubIndex(
        tuple(article(a.id, a.body if i % 2 else "nothing") for i, a in enumerate(many.content))
    )
    options = RunOptions(baselines=False)
    before = ask_all(many, StubBot(), asked, options).predictions
    after = ask_all(broken, StubBot(), asked, options).predictions
    found = {d.measure: d for d in compare(before, after, RESAMPLING).differences}
    assert found["recall@1"].verdict == "worse"
    assert found["recall@1"].interval is not None
    assert found["recall@1"].interval.high < 0


def test_runs_without_a_common_question_are_refused() -> None:
    plain = evaluated().predictions
    halves = evaluated(absent=True).predictions
    with pytest.raises(RunError, match="run both with or both without --absent"):
        compare(plain, halves, RESAMPLING)
    with pytest.raises(RunError, match="on the same questions file"):
        compare(plain[:3], plain[3:], RESAMPLING)
