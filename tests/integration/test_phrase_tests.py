"""`helppari kb test`: every `tests:` phrase on the served build, and what moved since another one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from indexer import Builder, encoders
from indexer.articles import ArticleKey
from indexer.commands import index as index_group
from indexer.kb_commands import kb as kb_group
from indexer.phrase_tests import Verdict, open_builds, run_phrases
from indexer.testing import HashEncoder

CARD = (
    "---\nid: card\ntitle: Lost card\ntests: [lost card, my lost card]\n---\nClose the lost card in the app\n"
)
APP = "---\nid: app\ntitle: Install the app\ntests: [install the app]\n---\nInstall the app from the store.\n"
GYM = "---\nid: gym\ntitle: Gym visits\n---\nPay gym visits with the benefit.\n"


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    folder = tmp_path / "kb" / "en" / "things"
    folder.mkdir(parents=True)
    for name, text in (("card", CARD), ("app", APP), ("gym", GYM)):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    return tmp_path / "kb"


@pytest.fixture
def root(kb: Path, tmp_path: Path) -> Path:
    build(kb, tmp_path / "index")
    return tmp_path / "index"


def build(kb: Path, root: Path) -> str:
    return Builder(kb=kb, root=root, encoder=HashEncoder()).build().build_id


def edit(kb: Path, name: str, old: str, new: str) -> None:
    path = kb / "en" / "things" / f"{name}.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_phrases_that_find_their_article_pass(root: Path) -> None:
    run = run_phrases(open_builds(root, encoder=HashEncoder()))
    assert [(r.article.id, r.now.rank) for r in run.results] == [("app", 1), ("card", 1), ("card", 1)]
    assert not run.with_verdict(Verdict.FAILED)
    assert (run.untested, run.against, run.moved) == (1, "", ())
    assert "0 of 3 phrases" in run.summary()


def test_a_wrong_article_on_top_fails_and_the_move_is_seen(kb: Path, root: Path) -> None:
    first = open_builds(root, encoder=HashEncoder()).now.build_id
    edit(kb, "gym", "Gym visits", "Lost card: my lost card")
    edit(kb, "gym", "Pay gym visits with the benefit", "My lost card. Lost card.")
    edit(kb, "card", "Lost card", "Plastic")
    edit(kb, "card", "Close the lost card in the app", "Close it at once")
    second = build(kb, root)
    run = run_phrases(open_builds(root, encoder=HashEncoder()))
    assert (run.build_id, run.against) == (second, first)
    failed = run.with_verdict(Verdict.FAILED)
    assert "lost card" in [r.phrase for r in failed]
    for result in failed:
        assert result.now.first != ArticleKey("en", "card")
        assert result.before is not None
        assert result.before.first == ArticleKey("en", "card")
        assert result.moved
    again = run_phrases(open_builds(root, first, HashEncoder()), most=1)
    assert (len(again.results), again.phrases) == (1, 3)
    assert "of 1 phrases (a sample of 3)" in again.summary()


def test_articles_that_nobody_may_see_now_wait_and_others_are_asked_as_those_who_may(
    kb: Path, root: Path
) -> None:
    later = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    edit(kb, "card", "title: Lost card", f"title: Lost card\npublish_at: {later}")
    edit(kb, "app", "title: Install", "restricted: true\naudience: [employer]\ntitle: Install")
    build(kb, root)
    run = run_phrases(open_builds(root, encoder=HashEncoder()))
    assert [(r.article.id, r.now.rank) for r in run.results] == [("app", 1)]
    assert run.not_served == 2
    clock = datetime.now(UTC) + timedelta(days=3)
    assert len(run_phrases(open_builds(root, encoder=HashEncoder()), clock=clock).results) == 3


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CliRunner:
    monkeypatch.setattr(encoders, "open_encoder", lambda *_, **__: HashEncoder())
    monkeypatch.setattr("indexer.phrase_tests.open_encoder", lambda *_, **__: HashEncoder())
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_command_exits_with_1_when_a_phrase_fails(command: CliRunner, kb: Path, root: Path) -> None:
    good = command.invoke(kb_group, ["test", "--index", str(root), "--json"])
    assert good.exit_code == 0, good.output
    document = json.loads(good.stdout)
    assert (document["phrases"], document["failed"], document["moved"]) == (3, 0, None)
    edit(kb, "gym", "id: gym", "id: gym\ntests: [install the app]")
    bad = command.invoke(kb_group, ["test", "--index", str(root), "--kb", str(kb)])
    assert bad.exit_code == 1
    assert "does not find  [en] gym: “install the app”; first comes app (en)" in bad.stdout
    unknown = command.invoke(kb_group, ["test", "--index", str(root), "--against", "nothing"])
    assert unknown.exit_code == 2
    assert unknown.stderr.count("\n") == 1


def test_each_build_says_how_many_phrases_fail(command: CliRunner, kb: Path, tmp_path: Path) -> None:
    given = ["build", "--kb", str(kb), "--out", str(tmp_path / "other")]
    first = command.invoke(index_group, given)
    assert "tests: 0 of 3 phrases do not find their article" in first.stderr
    edit(kb, "gym", "id: gym", "id: gym\ntests: [install the app]")
    second = command.invoke(index_group, given)
    assert "tests: 1 of 4 phrases do not find their article" in second.stderr
    assert "moved since build" in second.stderr
    assert second.exit_code == 0  # the build is fine; `kb test` is the check
    silent = command.invoke(index_group, [*given, "--no-tests", "--json"])
    assert json.loads(silent.stdout)["tests"] is None
    assert json.loads(command.invoke(index_group, [*given, "--json"]).stdout)["tests"]["failed"] == 1
