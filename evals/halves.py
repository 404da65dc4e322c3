"""The ``--absent`` protocol: take half of the articles away, so that each question is once unanswerable.

Articles are split in two by a hash of their id, or of their group where the data say that several must leave
together: paragraphs of one document, translations of one article, and articles that one question names as
alternatives. Pass A is asked without half 1, pass B without half 2, so every question with a gold article is
answerable in exactly one of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from evals.errors import QuestionsError, RunError
from evals.questions import Question, read_text
from indexer import ArticleKey

ABSENT_SHARE = 0.5  #: by construction


class Halves(NamedTuple):
    """Which articles each pass takes away."""

    first: frozenset[ArticleKey]  #: away in pass A
    second: frozenset[ArticleKey]  #: away in pass B


def read_groups(path: Path) -> dict[str, str]:
    """Article id -> group, from the ``group`` (or ``stem``) of an ``articles.jsonl``."""
    groups: dict[str, str] = {}
    text, _ = read_text(path)
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            group = record.get("group") or record.get("stem")
            if group:
                groups[str(record["id"])] = str(group)
        except (ValueError, KeyError, AttributeError) as error:
            raise QuestionsError(
                "is no article: write one JSON object with an id a line", source=str(path), line=number
            ) from error
    return groups


def split(keys: Collection[ArticleKey], questions: Iterable[Question], groups: Mapping[str, str]) -> Halves:
    """The two halves; raises ``RunError`` when there are too few articles for both to have some."""
    ids = {key.id for key in keys}
    links = _Links()
    for article in ids:
        links.join(f"article:{article}", f"group:{groups[article]}" if article in groups else "")
    for question in questions:
        gold = [f"article:{article}" for article in question.gold if article in ids]
        for article in gold:
            links.join(gold[0], article)
            links.join(article, f"group:{question.group}" if question.group else "")
    smallest = links.names()
    first = frozenset(key for key in keys if _in_first_half(smallest[f"article:{key.id}"]))
    second = frozenset(keys) - first
    if not first or not second:
        raise RunError(
            f"--absent cannot halve {len(ids)} articles, all fall into one half: use a larger index"
        )
    return Halves(first, second)


def _in_first_half(name: str) -> bool:
    return hashlib.sha256(name.encode()).digest()[0] < 128


class _Links:
    """Names joined into sets (union-find)."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        """The two belong together; an empty name is nobody."""
        self._root(one)
        if other:
            a, b = sorted((self._root(one), self._root(other)))
            self._parent[b] = a

    def names(self) -> dict[str, str]:
        """Each name's set, called by its alphabetically first member that is an article."""
        members: dict[str, list[str]] = {}
        for name in sorted(self._parent):
            members.setdefault(self._root(name), []).append(name)
        return {
            name: next((m for m in together if m.startswith("article:")), together[0])
            for together in members.values()
            for name in together
        }

    def _root(self, name: str) -> str:
        self._parent.setdefault(name, name)
        while (parent := self._parent[name]) != name:
            self._parent[name] = self._parent[parent]
            name = parent
        return name
