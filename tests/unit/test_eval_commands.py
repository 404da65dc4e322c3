"""`helppari eval`: files, exit codes, one JSON document on stdout, one sentence for bad input."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from evals import inprocess
from evals.bot import DefaultGoals
from evals.commands import eval_group
from evals.inprocess import Product
from indexer import IndexNotFound
from tests.unit.stub_help_center import StubBot, StubIndex, article

WORDS = ("card", "app", "lunch", "bike", "password", "gym")


@pytest.fixture
def product(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands evaluate the stub instead of an index with a model."""
    index = StubIndex(tuple(article(word, f"{word} help") for word in WORDS))

    def opened(root: Path, config: Path | None) -> Product:
        if root.name == "nothing":
            raise IndexNotFound(f"there is no index at {root}: build one")
        return Product(
            searched=index,
            bot=StubBot(),
            goals=DefaultGoals(),
            site="https://help.example",
            stated_absent_share=0.3,
        )

    monkeypatch.setattr(inprocess, "open_product", opened)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    same = {"lang": "en", "kind": "in_scope"}
    lines = [{**same, "id": word, "text": f"{word} help", "gold": [word]} for word in WORDS]
    lines.append({**same, "id": "t", "text": "x", "gold": ["gym"], "tag": "title"})
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(eval_group, [str(argument) for argument in arguments])


def run(questions: Path, out: Path, *more: object) -> Result:
    return call("run", "--index", "i", "--questions", questions, "--out", out, "--resamples", 20, *more)


@pytest.mark.usefixtures("product")
def test_run_writes_the_four_files_and_prints_one_json_document(questions: Path, tmp_path: Path) -> None:
    result = run(questions, tmp_path / "deep" / "out", "--json", "--skip-tag", "title")
    assert result.exit_code == 0
    metrics = json.loads(result.stdout)
    names = sorted(path.name for path in (tmp_path / "deep" / "out").iterdir())
    assert names == ["junit.xml", "metrics.json", "predictions.jsonl", "report.html"]
    assert json.loads((tmp_path / "deep" / "out" / "metrics.json").read_text()) == metrics
    assert metrics["measures"]["recall@1"]["value"] == 1.0
    assert metrics["counts"]["questions"] == 6
    assert metrics["run"]["skipped_tags"] == ["title"]


@pytest.mark.usefixtures("product")
def test_run_prints_a_table_for_people(questions: Path, tmp_path: Path) -> None:
    result = run(questions, tmp_path / "out", "--absent")
    assert result.exit_code == 0
    assert "recall@1" in result.stdout
    assert str(tmp_path / "out" / "report.html") in result.stdout


@pytest.mark.usefixtures("product")
def test_gates_apply_only_when_asked_for(questions: Path, tmp_path: Path) -> None:
    gates = tmp_path / "g.toml"
    gates.write_text('[[gate]]\nmeasure = "recall@1"\nat_least = 1.0\n', encoding="utf-8")
    assert run(questions, tmp_path / "out").exit_code == 0
    missed = run(questions, tmp_path / "out", "--gates", gates)
    assert missed.exit_code == 1
    assert "gate missed: recall@1 is 0.8571 (n = 7); recall@1 ≥ 1" in missed.stderr
    assert run(questions, tmp_path / "out", "--skip-tag", "title", "--gates", gates).exit_code == 0
    # The flag alone takes the shipped gates.
    assert json.loads(run(questions, tmp_path / "out", "--json", "--gates").stdout)["gates"] != []


@pytest.mark.usefixtures("product")
def test_bad_input_is_one_sentence_and_exit_code_2(questions: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"id": "a"}\n', encoding="utf-8")
    file = tmp_path / "file"
    file.write_text("x")
    for result, words in (
        (run(broken, tmp_path / "out"), "broken.jsonl:1: 'lang' is missing"),
        (run(tmp_path / "no.jsonl", tmp_path / "out"), "there is no such file"),
        (
            run(questions, tmp_path / "out", "--skip-tag", "title", "--conversations", broken),
            "broken.jsonl:1",
        ),
        (run(questions, file / "out"), "cannot be made"),
        (run(questions, tmp_path / "out", "--gates", tmp_path / "no.toml"), "there is no such file"),
        (call("run", "--index", "nothing", "--questions", questions, "--out", tmp_path / "o"), "no index at"),
        (call("compare", tmp_path / "a", tmp_path / "b"), "is no run"),
        (call("report", tmp_path / "a"), "is no run"),
    ):
        assert result.exit_code == 2, result.output
        assert words in result.stderr
        assert result.stderr.startswith("helppari: ")
        assert result.stderr.count("\n") == 1
        assert result.stdout == ""


@pytest.mark.usefixtures("product")
def test_compare_and_report_read_what_run_wrote(questions: Path, tmp_path: Path) -> None:
    run(questions, tmp_path / "a")
    run(questions, tmp_path / "b")
    compared = call("compare", tmp_path / "a", tmp_path / "b", "--resamples", 100, "--json")
    assert compared.exit_code == 0
    assert json.loads(compared.stdout)["differences"]["recall@1"]["change"] == 0.0
    for_people = call("compare", tmp_path / "a", tmp_path / "b", "--resamples", 100)
    assert "7 questions in both runs" in for_people.stdout
    before = (tmp_path / "a" / "report.html").read_text()
    (tmp_path / "a" / "report.html").unlink()
    assert call("report", tmp_path / "a", "--site", "https://help.example").exit_code == 0
    assert (tmp_path / "a" / "report.html").read_text() == before


@pytest.mark.usefixtures("product")
def test_the_page_of_a_comparison_shows_what_flipped_with_links(questions: Path, tmp_path: Path) -> None:
    run(questions, tmp_path / "a")
    lines = [json.loads(line) for line in (tmp_path / "a" / "predictions.jsonl").read_text().splitlines()]
    for line in lines:
        if line["id"] == "card":
            line["hits"] = line["hits"][1:] + line["hits"][:1]
            line["text"] = "card <b>help"
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    page = tmp_path / "c.html"
    given = ("compare", tmp_path / "b", tmp_path / "a", "--resamples", 100)
    result = call(*given, "--html", page, "--site", "https://help.example")
    assert result.exit_code == 0, result.output
    html = page.read_text()
    assert "Top article became right: 1" in html
    assert "card &lt;b&gt;help" in html
    assert 'href="https://help.example/help/en/' in html
    assert "<script" not in html
    assert "1 questions have another text" in html
    unwritable = call(*given, "--html", tmp_path / "nowhere" / "c.html")
    assert (unwritable.exit_code, unwritable.stderr.count("cannot be written")) == (2, 1)


@pytest.mark.usefixtures("product")
def test_a_run_of_another_version_is_refused(questions: Path, tmp_path: Path) -> None:
    run(questions, tmp_path / "a")
    path = tmp_path / "a" / "metrics.json"
    path.write_text(path.read_text().replace("helppari.eval/1", "helppari.eval/9"))
    result = call("report", tmp_path / "a")
    assert result.exit_code == 2
    assert "has the schema 'helppari.eval/9', this version reads 'helppari.eval/1'" in result.stderr
    run(questions, tmp_path / "b")
    (tmp_path / "b" / "predictions.jsonl").write_text("{}\n")
    assert "predictions.jsonl:1: is not a line" in call("report", tmp_path / "b").stderr
