"""Questions of an evaluation, read from ``questions.jsonl``; every fault names file, line and field."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from evals.errors import QuestionsError


class Kind(StrEnum):
    """What the right reaction to a question would be."""

    IN_SCOPE = "in_scope"  #: an article answers it
    ABSENT = "absent"  #: about this help center, but no article answers it
    OUT_OF_SCOPE = "out_of_scope"  #: not about this help center
    HUMAN_REQUEST = "human_request"  #: a person is asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question and what is right for it."""

    id: str
    lang: str
    text: str
    kind: Kind
    gold: tuple[str, ...] = ()  #: ids of the articles of which any is right; empty unless in_scope
    gold_sections: tuple[str, ...] = ()  #: ids of the right sections, where known
    tag: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)  #: keys this program does not know, kept
    line: int = 0  #: 1-based, in the questions file

    @property
    def group(self) -> str:
        """What must leave the index together to make this question unanswerable, where the set says so.

        Data sets call it ``group`` (paragraphs of one document) or ``stem`` (translations of one article).
        """
        value = self.extra.get("group") or self.extra.get("stem") or ""
        return value if isinstance(value, str) else ""


class QuestionSet(NamedTuple):
    """A questions file as read."""

    questions: tuple[Question, ...]
    warnings: tuple[str, ...]
    sha256: str  #: of the file's bytes

    def without_tags(self, tags: Collection[str]) -> QuestionSet:
        """The set without the questions that have one of these tags."""
        kept = tuple(question for question in self.questions if question.tag not in tags)
        return self._replace(questions=kept)


_KNOWN = ("id", "lang", "text", "gold", "kind", "tag", "gold_sections")
_REQUIRED = ("id", "lang", "text", "kind")


def read_questions(path: Path) -> QuestionSet:
    """All questions of the file, in its order; raises ``QuestionsError`` at the first fault."""
    content, sha256 = read_text(path)
    questions: list[Question] = []
    lines: dict[str, int] = {}
    ignored_gold: list[int] = []
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        record = _record(line, source=str(path), number=number)
        question = question_from(record, source=str(path), line=number)
        if question.id in lines:
            raise QuestionsError(
                f"id {question.id!r} is already used on line {lines[question.id]}: ids must be unique",
                source=str(path),
                line=number,
            )
        lines[question.id] = number
        if record.get("gold") and not question.gold:
            ignored_gold.append(number)
        questions.append(question)
    if not questions:
        raise QuestionsError("holds no questions: write one JSON object a line", source=str(path))
    warnings: tuple[str, ...] = ()
    if ignored_gold:
        warnings = (
            f"{len(ignored_gold)} questions of another kind than in_scope name a gold article, which is "
            f"ignored (first: line {ignored_gold[0]})",
        )
    return QuestionSet(tuple(questions), warnings, sha256)


def question_from(record: Mapping[str, Any], *, source: str, line: int = 0) -> Question:
    """The question that a JSON object describes."""

    def fault(reason: str) -> QuestionsError:
        return QuestionsError(reason, source=source, line=line)

    for key in _REQUIRED:
        if key not in record:
            near = difflib.get_close_matches(key, [k for k in record if k not in _KNOWN], n=1)
            hint = f" (did you mean it by {near[0]!r}?)" if near else ""
            raise fault(f"{key!r} is missing{hint}: a question needs {', '.join(_REQUIRED)}")
    for key in (*_REQUIRED, "tag"):
        value = record.get(key, "")
        if key == "tag" and value is None:
            continue
        if not isinstance(value, str):
            raise fault(f"{key!r} is {_shown(value)}: write a string")
    for key in ("id", "lang"):
        if not record[key].strip():
            raise fault(f"{key!r} is empty")
    kind = _kind(record["kind"])
    if kind is None:
        names = ", ".join(Kind)
        near = difflib.get_close_matches(record["kind"], [str(kind) for kind in Kind], n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise fault(f"'kind' is {_shown(record['kind'])}{hint}: write one of {names}")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("gold", "gold_sections"):
        value = record.get(key)
        if value is None:
            value = []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise fault(f'{key!r} is {_shown(value)}: write a list of ids, such as ["lost-card"]')
        lists[key] = tuple(dict.fromkeys(value)) if kind is Kind.IN_SCOPE else ()
    return Question(
        id=record["id"],
        lang=record["lang"],
        text=record["text"],
        kind=kind,
        gold=lists["gold"],
        gold_sections=lists["gold_sections"],
        tag=record.get("tag") or "",
        extra={key: value for key, value in record.items() if key not in _KNOWN},
        line=line,
    )


def read_text(path: Path) -> tuple[str, str]:
    """The file's text without a byte-order mark, and the sha256 of its bytes."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise QuestionsError("there is no such file", source=str(path)) from None
    except OSError as error:
        raise QuestionsError(f"cannot be read ({error.strerror})", source=str(path)) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise QuestionsError("is not UTF-8: save the file as UTF-8", source=str(path), line=line) from error
    return text.replace("\r\n", "\n"), hashlib.sha256(raw).hexdigest()


def _record(line: str, *, source: str, number: int) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        reason = f"is not JSON ({error.msg} at column {error.colno}): write one JSON object a line"
        raise QuestionsError(reason, source=source, line=number) from error
    except RecursionError as error:
        raise QuestionsError("is nested too deeply", source=source, line=number) from error
    if "\\u" in line and _has_lone_surrogate(record):
        reason = "holds half of a surrogate pair (\\ud800-\\udfff): write the character itself"
        raise QuestionsError(reason, source=source, line=number)
    if not isinstance(record, dict):
        reason = f"is {_shown(record)}: write one JSON object a line"
        raise QuestionsError(reason, source=source, line=number)
    return record


def _has_lone_surrogate(record: object) -> bool:
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


def _kind(name: str) -> Kind | None:
    try:
        return Kind(name)
    except ValueError:
        return None


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."
