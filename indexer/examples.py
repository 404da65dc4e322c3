"""Examples: questions that were confirmed to belong to an article, as records and as a file.

One JSON object a line: ``{"article_id", "lang", "text"}`` and, where they are known, ``"source"``, ``"date"``
and ``"customer"`` (a key that stands for the customer, never a name or address). ``lang`` is the article's.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Day
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from indexer.articles import ArticleKey
from indexer.errors import KnowledgeBaseError
from indexer.problems import Problem, ProblemKind, Severity

#: The approved examples that belong to an index lie in its folder; every build of that folder reads them.
EXAMPLES = "examples.jsonl"
#: Characters; what is longer is a story, and finds everything and nothing.
LONGEST = 500
#: Bytes of a file that are read.
MAX_BYTES = 256 * 1024 * 1024

_KEYS = frozenset({"article_id", "lang", "text", "source", "date", "customer"})
_LANG = re.compile(r"[a-z]{2,3}")
_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{1,80}")
_SHAPE = '{"article_id": ..., "lang": ..., "text": ...}'


class ExampleSource(StrEnum):
    """Who says that the question belongs to the article."""

    CUSTOMER = "customer"  #: this helped
    AGENT = "agent"  #: sent this article
    QA = "qa"  #: labelled it
    EDITOR = "editor"  #: wrote it; what a record without a source is taken for


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One confirmed link from a question to an article."""

    article: ArticleKey
    text: str  #: the question, without numbers that identify anybody
    source: ExampleSource = ExampleSource.EDITOR
    date: Day | None = None
    customer: str = ""  #: stands for the customer who asked; empty when that is nobody's business

    def to_json(self) -> dict[str, Any]:
        """The record as written to a file; what is unknown is left out."""
        record = {"article_id": self.article.id, "lang": self.article.lang, "text": self.text}
        record["source"] = self.source.value
        if self.date is not None:
            record["date"] = self.date.isoformat()
        if self.customer:
            record["customer"] = self.customer
        return record

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The example in a record; ``ValueError`` with a sentence when it cannot be used."""
        given = record.get("date")
        return cls(
            article=ArticleKey(_lang(record), _identity(record)),
            text=_text(record),
            source=_source(record.get("source", ExampleSource.EDITOR.value)),
            date=None if given is None else _date(given),
            customer=_customer(record.get("customer", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleReading:
    """What a file of examples holds."""

    examples: tuple[Example, ...]  #: each question once for each article, source and customer
    problems: tuple[Problem, ...]  #: warnings; whatever cannot be read at all is an error
    merged: int  #: lines that said again what another line had said


def read_examples(path: Path) -> ExampleReading:
    """Every example of the file; raises ``KnowledgeBaseError`` with file and line."""
    found: dict[tuple[ArticleKey, str, ExampleSource, str], Example] = {}
    unknown: Counter[str] = Counter()
    first: dict[str, int] = {}
    problems: list[Problem] = []
    merged = 0
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        record = _record(line, path, number)
        for name in record.keys() - _KEYS:
            unknown[name] += 1
            first.setdefault(name, number)
        try:
            example = Example.from_json(record)
        except ValueError as error:
            raise KnowledgeBaseError(f"{path}:{number}: {error}") from error
        if len(example.text) > LONGEST:
            told = f"the example has {len(example.text)} characters and {LONGEST} are taken: it is left out"
            problems.append(_warning(path, number, told, ProblemKind.VALUE, example.article))
            continue
        if not normalised(example.text):
            told = "the example has no word: it is left out"
            problems.append(_warning(path, number, told, ProblemKind.VALUE, example.article))
            continue
        key = (example.article, normalised(example.text), example.source, example.customer)
        merged += key in found
        found.setdefault(key, example)
    for name, count in unknown.items():
        lines = f" (in {count} lines)" if count > 1 else ""
        told = f'unknown key "{name[:60]}"{lines}; it is ignored'
        problems.append(_warning(path, first[name], told, ProblemKind.UNKNOWN_KEY, None))
    return ExampleReading(examples=tuple(found.values()), problems=tuple(problems), merged=merged)


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write the file anew in one step, readable by this user alone: it holds what customers wrote."""
    lines = sorted(json.dumps(one.to_json(), ensure_ascii=False, sort_keys=True) for one in examples)
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise KnowledgeBaseError(
            f"{path} cannot be written ({error.strerror}): choose another place"
        ) from error


def by_article(examples: Iterable[Example]) -> dict[ArticleKey, tuple[str, ...]]:
    """The questions of each article, each once and as most have typed it: what a build takes.

    In whatever order the examples come, the same ones give the same build.
    """
    found: dict[ArticleKey, dict[str, Counter[str]]] = {}
    for example in examples:
        ways = found.setdefault(example.article, {}).setdefault(normalised(example.text), Counter())
        ways[example.text] += 1
    return {
        key: tuple(min(ways, key=lambda text: (-ways[text], text)) for _, ways in sorted(questions.items()))
        for key, questions in found.items()
    }


def examples_hash(examples: Mapping[ArticleKey, Collection[str]]) -> str:
    """Hex sha256 over all questions and their articles; empty without any."""
    rows = sorted([*key, text] for key, texts in examples.items() for text in texts)
    if not rows:
        return ""
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()


def normalised(text: str) -> str:
    """The words of a question, by which two ways of typing the same one are told to be the same."""
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise KnowledgeBaseError(
                f"{path} has more than {MAX_BYTES // 2**20} MB: split it, or leave out what is old"
            )
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf").decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise KnowledgeBaseError(f"{path}:{line}: the line is not UTF-8: save the file as UTF-8") from error
    except OSError as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error.strerror}") from error


def _record(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise KnowledgeBaseError(
            f"{path}:{number}: the line is not valid JSON: write {_SHAPE} on each line"
        ) from error
    if not isinstance(record, dict):
        raise KnowledgeBaseError(f"{path}:{number}: the line is no object: write {_SHAPE} on each line")
    return record


def _identity(record: Mapping[str, Any]) -> str:
    found = record.get("article_id")
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)  # as in articles.jsonl
    if not isinstance(found, str) or not found.strip() or len(found) > 200:
        raise ValueError(f'"article_id" must name an article: write {_SHAPE}')
    return found


def _lang(record: Mapping[str, Any]) -> str:
    found = record.get("lang")
    if not isinstance(found, str) or not _LANG.fullmatch(found):
        raise ValueError(f'"lang" must be the article\'s language, such as "fi": write {_SHAPE}')
    return found


def _text(record: Mapping[str, Any]) -> str:
    found = record.get("text")
    if not isinstance(found, str) or not found.strip():
        raise ValueError(f'"text" must be the question as it was asked: write {_SHAPE}')
    return " ".join(unicodedata.normalize("NFC", found.encode("utf-8", "replace").decode()).split())


def _source(found: object) -> ExampleSource:
    try:
        return ExampleSource(str(found))
    except ValueError:
        raise ValueError(f'"source" must be one of {", ".join(ExampleSource)}') from None


def _date(found: object) -> Day:
    try:
        return Day.fromisoformat(found[:10] if isinstance(found, str) else "")
    except ValueError:
        raise ValueError('"date" must be a day such as 2026-11-01') from None


def _customer(found: object) -> str:
    if found and not (isinstance(found, str) and _CUSTOMER.fullmatch(found)):
        raise ValueError('"customer" must be a key of letters and digits that stands for the customer')
    return str(found or "")


def _warning(path: Path, line: int, told: str, kind: ProblemKind, key: ArticleKey | None) -> Problem:
    return Problem(source=str(path), line=line, message=told, severity=Severity.WARNING, kind=kind, key=key)
