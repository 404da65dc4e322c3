"""Observed outcomes against stated probabilities: exact tests, warnings, and what the files may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from indexer import Index, encoders
from indexer.commands import index as index_group
from indexer.disagreement import (
    AbsentShare,
    Agreement,
    LanguageAgreement,
    Outcome,
    agreement,
    judge_language,
    poisson_binomial_p,
    read_feedback,
    read_labels,
    spiegelhalter_p,
)
from indexer.errors import KnowledgeBaseError
from indexer.testing import HashEncoder, tiny_index

WORDS = ("card", "lunch", "bike", "invoice", "password", "gym", "museum", "tram")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disagreement")


@pytest.fixture(scope="module")
def index(folder: Path) -> Index:
    return tiny_index(
        [{"id": w, "lang": "en", "title": w, "body": f"All about the {w} here."} for w in WORDS], folder
    )


def write(path: Path, *records: Mapping[str, object]) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_the_exact_test_agrees_with_scipy_where_all_probabilities_are_alike() -> None:
    for hits in (0, 5, 12, 20):
        tails = stats.binom.cdf(hits, 20, 0.6), stats.binom.sf(hits - 1, 20, 0.6)
        assert poisson_binomial_p([0.6] * 20, hits) == pytest.approx(min(1.0, 2 * min(tails)))
    mixed = [0.1, 0.9, 0.5]  # none of three: .9 * .1 * .5
    assert poisson_binomial_p(mixed, 0) == pytest.approx(2 * 0.9 * 0.1 * 0.5)


def test_tests_warn_about_as_often_as_they_say_when_the_model_is_calibrated() -> None:
    random = np.random.default_rng(3)
    means, shapes = [], []
    for _ in range(400):
        p = random.random(80)
        y = random.random(80) < p
        means.append(poisson_binomial_p(p.tolist(), int(y.sum())))
        shapes.append(spiegelhalter_p(p.tolist(), y.tolist()))
    assert np.mean(np.array(means) < 0.05) < 0.08
    assert 0.02 < np.mean(np.array(shapes) < 0.05) < 0.08


def test_a_model_that_is_right_on_the_whole_but_too_extreme_is_noticed() -> None:
    outcomes = [Outcome(0.95, 0.95, i % 10 < 7) for i in range(60)]
    outcomes += [Outcome(0.05, 0.05, i % 10 < 3) for i in range(60)]
    each = judge_language("fi", outcomes)
    assert each.p_mean is not None
    assert each.p_mean > 0.5
    found = Agreement(index_id="i", source="s", languages=(each,), absent=None, unknown=0)
    (warning,) = found.warnings
    assert warning.startswith("fi: the confidence does not fit what came true")
    fair = judge_language(
        "fi", [replaced._replace(stated=0.7 if replaced.stated > 0.5 else 0.3) for replaced in outcomes]
    )
    assert not Agreement(index_id="i", source="s", languages=(fair,), absent=None, unknown=0).warnings


def test_too_few_questions_of_a_language_say_nothing() -> None:
    few = judge_language("sv", [Outcome(0.99, 0.99, False)] * 19)
    assert (few.p_mean, few.p_shape) == (None, None)
    enough = judge_language("sv", [Outcome(0.99, 0.99, False)] * 20)
    found = Agreement(index_id="i", source="s", languages=(few, enough), absent=None, unknown=0)
    assert all("sv: the confidence" in warning for warning in found.warnings)
    assert found.warnings
    assert "too few to judge" in next(found.lines())


def test_a_stated_absent_share_outside_the_labels_interval_is_warned_about() -> None:
    share = AbsentShare(stated=0.3, absent=60, n=100, low=0.5, high=0.69)
    language: tuple[LanguageAgreement, ...] = ()
    found = Agreement(index_id="i", source="s", languages=language, absent=share, unknown=0)
    assert "60% of the questions have no article" in found.warnings[0]
    kept = replace(found, absent=replace(share, stated=0.55))
    assert kept.warnings == ()


def test_labels_count_as_right_when_the_top_article_is_a_right_one(index: Index, tmp_path: Path) -> None:
    records = [
        {"lang": "en", "text": f"about the {word}", "gold": [word if n % 2 else "gone"], "kind": "in_scope"}
        for n, word in enumerate(WORDS)
    ]
    others: list[dict[str, object]] = [
        {"lang": "en", "text": "x", "gold": [], "kind": kind} for kind in ("out_of_scope", "human_request")
    ]
    unjudged = {"lang": "en", "text": "the card", "gold": [], "kind": "in_scope"}
    absent = {"lang": "en", "text": "the zebra", "kind": "absent"}
    labels = read_labels(write(tmp_path / "l.jsonl", *records, *others, unjudged, absent))
    assert len(labels) == len(WORDS) + 1
    found = agreement(index, labels, source="l", labels=True)
    (en,) = found.languages
    assert en.n == 9
    assert 0 < en.right <= 4
    assert found.absent is not None
    assert (found.absent.absent, found.absent.n) == (5, 9)  # four golds are not in the index
    low, high = stats.binomtest(5, 9).proportion_ci(method="wilson")
    assert found.absent.low == pytest.approx(low)
    assert found.absent.high == pytest.approx(high)
    expected = sum(index.search(label.text, k=1).probabilities.confidence for label in labels)
    assert en.expected == pytest.approx(expected)


def test_feedback_on_another_article_than_now_comes_first_is_left_out(index: Index, tmp_path: Path) -> None:
    tops = {word: index.search(f"about the {word}", k=1).hits[0].article_id for word in WORDS}
    records: list[dict[str, object]] = []
    for word, top in tops.items():
        asked = {"lang": "en", "text": f"about the {word}"}
        records += [
            {**asked, "article_id": top, "helped": True},
            {**asked, "article_id": top, "helped": False},
        ]
        records.append({**asked, "article_id": "another", "helped": False})
    found = agreement(index, read_feedback(write(tmp_path / "f.jsonl", *records)), source="f", labels=False)
    (en,) = found.languages
    assert (en.n, en.right, found.unknown) == (16, 8, 8)
    assert found.absent is None


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"lang": "en", "text": "x", "gold": "a"}, "labels"),
        ({"lang": "en", "text": "x", "gold": [], "kind": "other"}, "labels"),
        ({"text": "x", "gold": []}, "labels"),
        ({"lang": "en", "text": "x", "article_id": "a", "helped": "yes"}, "feedback"),
    ],
)
def test_bad_lines_are_named_with_file_and_line(record: dict[str, object], kind: str, tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", record)
    with pytest.raises(KnowledgeBaseError, match=r"x.jsonl:1: write \{"):
        (read_labels if kind == "labels" else read_feedback)(path)
    path.write_text("\n", encoding="utf-8")
    with pytest.raises(KnowledgeBaseError, match="holds no"):
        (read_labels if kind == "labels" else read_feedback)(path)


def test_index_check_says_whether_labels_agree(
    index: Index, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.index.open_encoder", lambda *_, **__: HashEncoder())
    monkeypatch.setattr(encoders, "open_encoder", lambda *_, **__: HashEncoder())
    wrong = [{"lang": "en", "text": f"about the {w} {n}", "kind": "absent"} for w in WORDS for n in range(9)]
    labels = write(tmp_path / "l.jsonl", *wrong)
    given = ["check", "--labels", str(labels), "--index", str(folder / "index")]
    result = CliRunner().invoke(index_group, given)
    assert result.exit_code == 0, result.output  # a warning, no fault
    assert "warning: labels suggest that 100% of the questions have no article" in result.stderr
    document = json.loads(CliRunner().invoke(index_group, [*given, "--json"]).stdout)
    assert document["agreement"][0]["languages"]["en"]["n"] == len(wrong)
    assert "problems" not in document  # the kb is read only where it is named
    missing = CliRunner().invoke(index_group, ["check", "--feedback", str(tmp_path / "no"), *given[3:]])
    assert (missing.exit_code, missing.stderr.count("\n")) == (2, 1)
