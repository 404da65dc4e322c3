"""The learning curve: what is shown is never asked, and the figures follow from what was built."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evals.commands import eval_group
from evals.curve_methods import KbTexts, LinearProbe, NearestExample, TextOnly
from evals.curve_split import split_for_curve
from evals.embeddings import RememberingEncoder
from evals.errors import RunError
from evals.figures import Resampling
from evals.learning_curve import CurveRequest, learning_curve
from evals.questions import Kind, Question
from indexer import Article, ArticleKey
from indexer.settings import AnsweringSettings
from indexer.testing import HashEncoder, tiny_index

WORDS = (
    "card",
    "lunch",
    "bike",
    "invoice",
    "password",
    "gym",
    "museum",
    "tram",
    "pin",
    "app",
    "tax",
    "order",
)
#: How people ask about each: nothing of it stands in the articles.
ASKED = ("zor", "vek", "lum", "pid", "kra", "nof", "sib", "tuv", "hox", "jaq", "wib", "fey")


def articles(**more: object) -> list[dict[str, object]]:
    return [{"id": w, "lang": "en", "title": w, "body": f"All about the {w} here.", **more} for w in WORDS]


def questions(each: int = 6) -> list[Question]:
    return [
        Question(
            id=f"{word}-{n}", lang="en", text=f"{asked} {asked}{n} please", kind=Kind.IN_SCOPE, gold=(word,)
        )
        for word, asked in zip(WORDS, ASKED, strict=True)
        for n in range(each)
    ]


def kb(folder: Path) -> Path:
    path = folder / "articles.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in articles()), encoding="utf-8")
    return path


def known() -> list[Article]:
    return [Article(id=w, lang="en", title=w, body=w, slug=w) for w in WORDS]


def test_the_same_questions_are_asked_at_every_k_and_examples_are_nested() -> None:
    parts = split_for_curve(questions(), known(), (0, 1, 3), seed=4)
    assert len(parts.asked) == 12 * 3
    shown = [parts.examples(k) for k in parts.ks]
    assert shown[0] == {}
    assert all(len(texts) == 1 for texts in shown[1].values())
    for key, texts in shown[2].items():
        assert texts[:1] == shown[1][key]
        assert not {question.text for question in parts.asked} & set(texts)
    assert parts == split_for_curve(questions()[::-1], known(), (3, 1, 0), seed=4)
    assert parts.asked != split_for_curve(questions(), known(), (0, 1, 3), seed=5).asked


def test_a_text_that_is_asked_or_that_the_article_holds_is_never_an_example() -> None:
    same = [
        Question(id=f"x{n}", lang="en", text=("Same  words", "same words", "own", "other")[n % 4],
                 kind=Kind.IN_SCOPE, gold=("card",))
        for n in range(8)
    ]  # fmt: skip
    own = [Article(id="card", lang="en", title="card", body="", slug="card", questions=("OWN",))]
    parts = split_for_curve(same, own, (0, 1), seed=2)
    asked = {question.text.casefold().replace("  ", " ") for question in parts.asked}
    assert "own" not in asked
    assert not asked & {t.casefold().replace("  ", " ") for texts in parts.pool.values() for t in texts}


def test_articles_with_few_questions_are_not_asked_about_and_ks_that_few_serve_are_left_out() -> None:
    few = [question for question in questions() if question.gold != ("card",) or question.id == "card-0"]
    parts = split_for_curve(few, known(), (0, 3, 8), seed=1)
    assert parts.ks == (0, 3)
    assert "card" not in {question.gold[0] for question in parts.asked}
    assert parts.examples(3)[ArticleKey("en", "card")] == (few[0].text,)
    assert [("k = 8" in warning, "1 of 12" in warning) for warning in parts.warnings] == [
        (True, False),
        (False, True),
    ]
    assert len(split_for_curve(few, known(), (0,), most=5).asked) == 5
    with pytest.raises(RunError, match="no article has"):
        split_for_curve([], known(), (0, 1))


class Counting(HashEncoder):
    """Counts what it is asked to encode."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def encode_queries(self, texts, progress=lambda *_: None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        self.texts += texts
        return super().encode_queries(texts, progress)


def test_memory_of_embeddings_outlives_the_process(tmp_path: Path) -> None:
    encoder = Counting()
    memory = RememberingEncoder(encoder, tmp_path / "deep")
    first = memory.encode_queries(["a", "b", "a"])
    memory.encode_passages(["a"])  # another role, another vector
    assert encoder.texts == ["a", "b", "a"]
    memory.save()
    again = RememberingEncoder(Counting(), tmp_path / "deep")
    assert np.array_equal(again.encode_queries(["a", "b", "a"]), first)
    (tmp_path / "deep").joinpath(next((tmp_path / "deep").glob("*.npz")).name).write_text("x")
    with pytest.raises(RunError, match="remove it"):
        RememberingEncoder(HashEncoder(), tmp_path / "deep")


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_examples_lift_every_method_that_learns_from_them_and_no_other(tmp_path: Path) -> None:
    encoder = Counting()
    request = CurveRequest(kb=kb(tmp_path), questions=tuple(questions()), ks=(0, 3))
    curve = learning_curve(
        request, RememberingEncoder(encoder), AnsweringSettings(), Resampling(resamples=20)
    )
    # Once as a question, once as a passage: this encoder counts both.
    assert max(Counter(encoder.texts).values()) <= 2
    none, some = curve["rows"]
    assert (curve["asked"], curve["articles_asked"], none["examples"], some["examples"]) == (36, 12, 0, 36)
    assert "nearest example" not in none["systems"]
    recall = {k: row["systems"][k]["recall@1"]["value"] for row in (some,) for k in row["systems"]}
    for name in ("Helppari", "linear probe", "nearest example"):
        before = none["systems"].get(name, {"recall@1": {"value": 0.0}})["recall@1"]["value"]
        assert recall[name] > before + 0.3, name
    assert some["systems"]["text only"] == none["systems"]["text only"]
    for row in curve["rows"]:
        assert row["systems"]["Helppari"]["auroc"]["n"] == 72  # both halves pooled
        assert row["systems"]["Helppari"]["recall@1"]["n"] == 36
    ahead = some["ahead"]["text only"]
    assert ahead["recall@1"] == pytest.approx(recall["Helppari"] - recall["text only"], abs=1e-6)
    assert ahead["low"] <= ahead["recall@1"] <= ahead["high"]


def test_simple_methods_leave_out_what_is_taken_away(tmp_path: Path) -> None:
    index = tiny_index(articles(questions=["alpha"]), tmp_path)
    encoder = RememberingEncoder(HashEncoder())
    texts = KbTexts(index, ["the card", "the gym"], encoder)
    owners, vectors = texts.examples({ArticleKey("en", "gym"): ["beta gym"]})
    assert len(owners) == len(WORDS) + 1
    present = np.array([article.id != "card" for article in texts.articles])
    place = texts.places[ArticleKey("en", "gym")]
    gone = texts.places[ArticleKey("en", "card")]
    assert LinearProbe(texts, owners, vectors).scores(present)[0, gone] == 0.0
    assert LinearProbe(texts, owners, vectors).scores(present)[1].argmax() == place
    assert TextOnly(texts).scores(present)[1].argmax() == place
    assert NearestExample(texts, owners, vectors).scores(present)[1].argmax() == place


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(eval_group, [str(argument) for argument in arguments])
    return result.exit_code, result.output


def test_command_says_what_is_wrong_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"id":"1","lang":"en","text":"x","kind":"in_scope","gold":["a"]}\n', encoding="utf-8")
    given = ("--index", tmp_path, "--questions", path, "--out", tmp_path / "out")
    code, output = call("run", *given, "--learn-curve")
    assert (code, output.count("\n")) == (2, 1)
    assert "--kb" in output
    code, output = call("curve", "--kb", tmp_path, "--questions", path, "--ks", "0,x")
    assert code == 2
    assert "0,1,3,5,8" in output
