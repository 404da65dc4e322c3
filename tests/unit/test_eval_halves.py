"""The --absent split: every question is answerable in exactly one pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import QuestionsError, RunError
from evals.halves import read_groups, split
from evals.questions import Kind, Question
from indexer import ArticleKey


def question(id: str, *gold: str, **extra: str) -> Question:
    return Question(id=id, lang="fi", text=id, kind=Kind.IN_SCOPE, gold=gold, extra=extra)


KEYS = [ArticleKey(lang, f"a{i}") for i in range(100) for lang in ("fi", "sv")]


def test_halves_are_disjoint_complete_and_of_similar_size() -> None:
    halves = split(KEYS, [], {})
    assert halves.first | halves.second == set(KEYS)
    assert not halves.first & halves.second
    assert 70 < len(halves.first) < 130


def test_translations_leave_together_and_the_split_depends_on_ids_alone() -> None:
    halves = split(KEYS, [], {})
    for i in range(100):
        assert len({ArticleKey(lang, f"a{i}") in halves.first for lang in ("fi", "sv")}) == 1
    fewer = split(KEYS[50:], [], {})
    assert fewer.first <= halves.first
    assert fewer.second <= halves.second


def test_alternatives_of_one_question_share_a_half() -> None:
    questions = [question("q1", "a1", "a2", "a3"), question("q2", "a3", "a4"), question("q3", "zz")]
    halves = split(KEYS, questions, {})
    assert len({ArticleKey("fi", name) in halves.first for name in ("a1", "a2", "a3", "a4")}) == 1


def test_groups_leave_whole_from_articles_or_from_questions() -> None:
    groups = {f"a{i}": f"doc{i // 10}" for i in range(100)}
    halves = split(KEYS, [], groups)
    for start in range(0, 100, 10):
        assert len({ArticleKey("fi", f"a{i}") in halves.first for i in range(start, start + 10)}) == 1
    named = [question(f"q{i}", f"a{i}", stem="same") for i in range(5)]
    halves = split(KEYS, named, {})
    assert len({ArticleKey("sv", f"a{i}") in halves.first for i in range(5)}) == 1


def test_too_few_articles_are_refused_with_a_sentence() -> None:
    with pytest.raises(RunError, match=r"--absent cannot halve 1 articles"):
        split([ArticleKey("fi", "only")], [], {})


def test_groups_are_read_from_articles(tmp_path: Path) -> None:
    path = tmp_path / "articles.jsonl"
    path.write_text('{"id": "a", "group": "g"}\n{"id": "b", "stem": "s"}\n\n{"id": "c"}\n', encoding="utf-8")
    assert read_groups(path) == {"a": "g", "b": "s"}
    path.write_text('{"id": "a"}\n[]\n', encoding="utf-8")
    with pytest.raises(QuestionsError, match=r"articles.jsonl:2: is no article"):
        read_groups(path)
