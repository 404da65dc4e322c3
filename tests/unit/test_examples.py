"""Confirmed questions: reading them, what is wrong with a file, and builds that know them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from indexer import (
    EXAMPLES,
    ArticleKey,
    Builder,
    Example,
    ExampleSource,
    Index,
    KnowledgeBaseError,
    by_article,
    publish,
    read_examples,
    trial_root,
    write_examples,
)
from indexer.artifact import build_folder, current_build, read_manifest
from indexer.commands import index
from indexer.examples import LONGEST
from indexer.testing import HashEncoder

CARD = ArticleKey("en", "card")
LUNCH = ArticleKey("en", "lunch")


def write(path: Path, *records: Any) -> Path:  # noqa: ANN401 - JSON, or a line as it stands
    lines = [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in records]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def record(text: Any = "it is gone", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"article_id": "card", "lang": "en", "text": text, **more}


def write_kb(folder: Path, *names: str) -> Path:
    lines = [
        {"id": name, "lang": "en", "title": f"About {name}", "body": f"Everything about {name}."}
        for name in names
    ]
    return write(folder / "articles.jsonl", *lines)


def builder(folder: Path, **more: Any) -> Builder:  # noqa: ANN401
    return Builder(kb=folder / "articles.jsonl", root=folder / "index", encoder=HashEncoder(), **more)


def test_three_keys_are_enough_and_count_as_an_editors(tmp_path: Path) -> None:
    found = read_examples(write(tmp_path / "e.jsonl", record("  it\u00a0is \n gone ")))
    assert found.examples == (Example(article=CARD, text="it is gone", source=ExampleSource.EDITOR),)
    assert found.problems == ()


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    examples = (
        Example(
            article=CARD,
            text="Onko se hävinnyt?",
            source=ExampleSource.CUSTOMER,
            date=date(2026, 11, 1),
            customer="k_1",
        ),
        Example(article=LUNCH, text="mat", source=ExampleSource.QA),
    )
    path = tmp_path / "new" / "e.jsonl"
    write_examples(path, examples)
    assert set(read_examples(path).examples) == set(examples)
    assert path.stat().st_mode & 0o077 == 0
    before = path.read_bytes()
    write_examples(path, reversed(examples))
    assert path.read_bytes() == before


def test_the_same_question_said_twice_is_one(tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.jsonl",
        record("It is gone!"),
        record("it is  gone"),
        record("it is gone", source="customer", customer="k_1"),
        record("it is gone", source="customer", customer="k_2"),
    )
    found = read_examples(path)
    assert (len(found.examples), found.merged) == (3, 1)
    assert by_article(found.examples) == {CARD: ("it is gone",)}
    assert by_article(found.examples[:2]) == by_article(found.examples[1::-1]) == {CARD: ("It is gone!",)}


def test_unknown_keys_and_long_texts_are_warnings_with_file_and_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "e.jsonl",
        record(),
        record("b", sorce="qa"),
        record("c", sorce="qa"),
        record("x" * (LONGEST + 1)),
        record("?!"),
    )
    found = read_examples(path)
    assert [one.text for one in found.examples] == ["it is gone", "b", "c"]
    assert [str(problem) for problem in found.problems] == [
        f"{path}:4: the example has 501 characters and 500 are taken: it is left out",
        f"{path}:5: the example has no word: it is left out",
        f'{path}:2: unknown key "sorce" (in 2 lines); it is ignored',
    ]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", ":2: the line is not valid JSON"),
        ("[1]", ":2: the line is no object"),
        (record(article_id=""), ':2: "article_id" must name an article'),
        (record(article_id=True), ':2: "article_id" must name an article'),
        (record(lang="English"), ':2: "lang" must be the article\'s language'),
        (record(text=3), ':2: "text" must be the question'),
        (record(source="robot"), ':2: "source" must be one of customer, agent, qa, editor'),
        (record(date="yesterday"), ':2: "date" must be a day such as 2026-11-01'),
        (record(customer="Matti Meikäläinen"), ':2: "customer" must be a key'),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: Any, told: str) -> None:  # noqa: ANN401
    path = write(tmp_path / "e.jsonl", record(), line)
    with pytest.raises(KnowledgeBaseError) as error:
        read_examples(path)
    assert str(error.value).startswith(f"{path}{told}")


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(json.dumps(record()).encode() + b'\n{"text": "\xff"}\n')
    with pytest.raises(KnowledgeBaseError, match=":2: the line is not UTF-8"):
        read_examples(path)


def test_a_build_answers_by_examples_and_its_manifest_says_so(tmp_path: Path) -> None:
    write_kb(tmp_path, "card", "lunch", "gym")
    plain = builder(tmp_path).build()
    assert read_manifest(build_folder(tmp_path / "index", plain.build_id)).examples == ""
    taught = builder(tmp_path, examples={LUNCH: ["zebra crossing"]}).build()
    assert taught.build_id != plain.build_id
    assert len(read_manifest(build_folder(tmp_path / "index", taught.build_id)).examples) == 64
    found = Index.load(tmp_path / "index", encoder=HashEncoder()).search("zebra crossing")
    assert found.hits[0].key == LUNCH
    assert builder(tmp_path).build().index_id == plain.index_id


def test_examples_of_an_article_that_is_gone_are_counted_and_never_fatal(tmp_path: Path) -> None:
    write_kb(tmp_path, "card")
    gone = {LUNCH: ["a", "b"], ArticleKey("sv", "card"): ["c"], CARD: ["d"]}
    report = builder(tmp_path, examples=gone).build()
    told = "3 examples of 2 articles that this kb does not publish are left out: en/lunch, sv/card"
    assert told in report.warnings
    assert builder(tmp_path, examples={CARD: ["d"]}).build().build_id == report.build_id


def test_examples_leave_an_article_whose_file_has_broken_since(tmp_path: Path) -> None:
    kb = tmp_path / "kb" / "en" / "topic"
    kb.mkdir(parents=True)
    for name in ("card", "lunch", "gym"):
        text = (
            f"---\nid: {name}\ntitle: About {name}\nquestions: [what about {name}]\n---\nAll about {name}.\n"
        )
        (kb / f"{name}.md").write_text(text, encoding="utf-8")

    def build(**examples: list[str]) -> Index:
        known = {ArticleKey("en", name): texts for name, texts in examples.items()}
        Builder(kb=tmp_path / "kb", root=tmp_path / "index", encoder=HashEncoder(), examples=known).build()
        return Index.load(tmp_path / "index", encoder=HashEncoder())

    assert questions(build(lunch=["zebra crossing"]), LUNCH) == ("what about lunch", "zebra crossing")
    (kb / "lunch.md").write_text("---\nid: [\n---\n", encoding="utf-8")
    assert questions(build(card=["giraffe"]), LUNCH) == ("what about lunch",)
    assert questions(build(), CARD) == ("what about card",)


def test_a_build_after_a_roll_back_holds_the_kb_as_it_is(tmp_path: Path) -> None:
    write_kb(tmp_path, "card", "lunch")
    first = builder(tmp_path).build()
    write_kb(tmp_path, "card", "lunch", "gym")
    second = builder(tmp_path).build()
    publish(tmp_path / "index", first.build_id)
    third = builder(tmp_path).build()
    assert (third.articles, third.index_id) == (3, second.index_id)


def questions(index: Index, key: ArticleKey) -> tuple[str, ...]:
    found = index.article(key)
    return found.questions if found else ()


def test_a_builder_that_goes_on_notices_that_its_examples_changed(tmp_path: Path) -> None:
    write_kb(tmp_path, "card", "lunch", "gym")
    file = tmp_path / "index" / EXAMPLES
    watching = builder(tmp_path, examples_file=file)
    plain = watching.build()
    write_examples(file, [Example(article=LUNCH, text="zebra crossing")])
    assert watching.build().index_id != plain.index_id
    file.unlink()
    assert watching.build().index_id == plain.index_id


def test_the_command_reads_the_file_beside_the_index_or_the_one_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexer.encoders.open_encoder", lambda name: HashEncoder())
    kb, root = write_kb(tmp_path, "card", "lunch", "gym"), tmp_path / "index"
    call = ["build", "--kb", str(kb), "--out", str(root)]

    def built(*more: str) -> str:
        done = CliRunner().invoke(index, [*call, *more])
        assert done.exit_code == 0, done.output
        return current_build(root)

    plain = built()
    write_examples(root / EXAMPLES, [Example(article=LUNCH, text="zebra crossing")])
    beside = built()
    named = built("--examples", str(write(tmp_path / "other.jsonl", record("giraffe", unknown=1))))
    assert len({plain, beside, named}) == 3
    missing = CliRunner().invoke(index, [*call, "--examples", str(tmp_path / "none.jsonl")])
    assert missing.exit_code == 2
    assert "there are no examples at" in missing.stderr
    assert missing.stderr.count("\n") == 1
    broken = CliRunner().invoke(index, [*call, "--examples", str(write(tmp_path / "b.jsonl", "{"))])
    assert broken.exit_code == 2
    assert "b.jsonl:1: the line is not valid JSON" in broken.stderr


def test_a_trial_changes_nothing_that_is_served_and_leaves_nothing(tmp_path: Path) -> None:
    write_kb(tmp_path, "card", "lunch", "gym")
    root = tmp_path / "index"
    served = builder(tmp_path).build().build_id
    stale = root / ".trial-999999999-left"
    stale.mkdir()
    with trial_root(root) as folder:
        assert not stale.exists()
        trial = Builder(
            kb=tmp_path / "articles.jsonl",
            root=folder,
            encoder=HashEncoder(),
            examples={LUNCH: ["zebra crossing"]},
        )
        report = trial.build()
        assert report.changed == 1
        assert Index.load(folder, encoder=HashEncoder()).search("zebra crossing").hits[0].key == LUNCH
        assert current_build(root) == served
    assert not list(root.glob(".trial-*"))
    assert [path.name for path in (root / "builds").iterdir()] == [served]
