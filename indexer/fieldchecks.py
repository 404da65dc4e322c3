"""Checks the values of an article's keys, wherever they come from, and says what is wrong with them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, NoReturn

from indexer.articles import HandoffRule
from indexer.fields import FIELDS, HANDOFF_FIELDS, MAX_ID, MAX_ITEMS, MAX_TEXT, Field, Kind
from indexer.problems import ProblemKind, Severity

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
# YAML writers often put a space before the zone.
_SPACE_BEFORE_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$|Z$)")
# C0 and C1 controls but tab and newline; half surrogates cannot be written as UTF-8.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Value(NamedTuple):
    """A value and where it stands."""

    data: Any  #: str, bool, int, float, None, list of Value, or dict of str to Value
    line: int  #: 1-based, in the source file


# Keys of other tools, and what they are called here.
_OTHER_NAMES = {
    "lang": "the folder's name gives the language",
    "language": "the folder's name gives the language",
    "locale": "the folder's name gives the language",
    "slug": "the file's name gives the address",
    "url": "the file's name gives the address",
    "body": "the text goes below the second ---",
    "tags": 'it is called "topics" here',
    "labels": 'it is called "topics" here',
    "categories": 'it is called "topics" here',
    "category": 'it is called "topics" here',
    "aliases": 'it is called "questions" here',
    "synonyms": 'write them into "questions", or into synonyms.yaml',
    "description": 'it is called "summary" here',
    "date": 'it is called "updated" here',
    "lastmod": 'it is called "updated" here',
    "modified": 'it is called "updated" here',
    "draft": 'write "status: draft"',
    "published": 'write "status: published"',
    "internal": 'write "visibility: internal"',
    "private": 'write "visibility: internal"',
    "expires": 'it is called "expire_at" here',
    "publish": 'it is called "publish_at" here',
}


class Finding(NamedTuple):
    """A problem of one record, before it is known whose."""

    line: int
    message: str
    severity: Severity
    kind: ProblemKind
    about: str = ""  #: the key, so that equal findings of many records can be counted


@dataclass(slots=True)
class Checked:
    """The good values by the names of ``Article``'s fields, and what is wrong with the others."""

    values: dict[str, Any] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """True when nothing forbids using the record."""
        return all(finding.severity is not Severity.ERROR for finding in self.findings)

    def error(self, line: int, message: str, kind: ProblemKind = ProblemKind.VALUE, about: str = "") -> None:
        """Note something that forbids using the record."""
        self.findings.append(Finding(line, message, Severity.ERROR, kind, about))

    def warn(self, line: int, message: str, kind: ProblemKind, about: str = "") -> None:
        """Note something that does not."""
        self.findings.append(Finding(line, message, Severity.WARNING, kind, about))


def clean_text(text: str) -> str:
    """``text`` without characters that no reader sees and no file should hold."""
    return _SURROGATE.sub("\ufffd", _CONTROL.sub(" ", text))


def check_fields(values: Mapping[str, Value], *, line: int) -> Checked:
    """The known keys among ``values``, typed; ``line`` is where a missing key is reported."""
    checked = Checked()
    for known in FIELDS:
        value = values.get(known.name)
        if value is None or value.data is None:
            if known.required:
                example = f'add a line such as "{known.name}: {known.example}"'
                checked.error(line, f'"{known.name}" is missing: {example}', about=known.name)
            continue
        _check(known, value, known.name, checked)
    publish_at, expire_at = checked.values.get("publish_at"), checked.values.get("expire_at")
    if publish_at and expire_at and expire_at <= publish_at:
        message = '"expire_at" is not after "publish_at": the article would never be shown'
        checked.error(values["expire_at"].line, message, about="expire_at")
    _check_phrases(values, checked)
    return checked


def unknown_key(name: str, known: tuple[Field, ...] = FIELDS, *, within: str = "") -> str:
    """One sentence about a key that does not exist, with the nearest that does."""
    names = [each.name for each in known]
    what = f'unknown key "{name[:60]}"' + (f' in "{within}"' if within else "")
    if not within and name.lower() in _OTHER_NAMES:
        return f"{what}: {_OTHER_NAMES[name.lower()]}"
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.6)
    if near:
        return f'{what}: did you mean "{near[0]}"?'
    return f"{what}: the keys are {', '.join(names)}"


class _Wrong(Exception):
    """A message on its way to ``Checked``; it never leaves this module."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def _check(known: Field, value: Value, name: str, checked: Checked) -> None:
    if known.kind is Kind.HANDOFF:
        _check_handoff(value, checked)
        return
    try:
        checked.values[name] = _READERS[known.kind](known, value)
    except _Wrong as wrong:
        checked.error(wrong.line, wrong.message, about=name)


def _check_handoff(value: Value, checked: Checked) -> None:
    if not isinstance(value.data, dict):
        example = "{offer: after_answer, team: cards}"
        checked.error(
            value.line,
            f'"handoff" must be a mapping such as {example}, not {_describe(value.data)}',
            about="handoff",
        )
        return
    inner = Checked()
    names = {known.name for known in HANDOFF_FIELDS}
    for name, part in value.data.items():
        if name not in names:
            message = unknown_key(name, HANDOFF_FIELDS, within="handoff")
            inner.error(part.line, message, ProblemKind.UNKNOWN_KEY, "handoff")
    for known in HANDOFF_FIELDS:
        part = value.data.get(known.name)
        if part is not None and part.data is not None:
            _check(known, part, known.name, inner)
    checked.findings += inner.findings
    checked.values["handoff"] = HandoffRule(**inner.values)


def _check_phrases(values: Mapping[str, Value], checked: Checked) -> None:
    """Name each phrase that stands twice in ``questions`` and ``tests`` of the article."""
    seen: dict[str, str] = {}
    for name in ("questions", "tests"):
        for item, phrase in zip(
            values[name].data if name in checked.values else (), checked.values.get(name, ()), strict=True
        ):
            folded = fold_phrase(phrase)
            if folded not in seen:
                seen[folded] = name
            elif seen[folded] == name:
                checked.warn(
                    item.line, f'"{phrase}" stands twice in "{name}": remove one', ProblemKind.PHRASE, name
                )
            else:
                message = (
                    f'"{phrase}" is both in "questions" and in "tests": a test that is indexed proves nothing'
                )
                checked.warn(item.line, message, ProblemKind.PHRASE, name)


def fold_phrase(phrase: str) -> str:
    """What two phrases share that differ only in case, white space or a closing mark."""
    return " ".join(phrase.casefold().split()).rstrip(" ?!.")


def _describe(data: Any) -> str:  # noqa: ANN401 - whatever the file holds
    """The value as a writer knows it."""
    if data is None:
        return "nothing"
    if isinstance(data, bool):
        return f"the value {str(data).lower()}"
    if isinstance(data, str):
        return f'"{data[:60]}…"' if len(data) > 60 else f'"{data}"'
    if isinstance(data, list):
        return "a list"
    if isinstance(data, dict):
        return "a mapping"
    return f"the number {data}"


def _text_of(name: str, value: Value, *, what: str = "", limit: int = MAX_TEXT) -> str:
    what = what or f'"{name}"'
    if not isinstance(value.data, str):
        hint = ": put it in quotes" if isinstance(value.data, bool | int | float) else ""
        raise _Wrong(f"{what} must be text, not {_describe(value.data)}{hint}", value.line)
    text = " ".join(clean_text(value.data).split())
    if len(text) > limit:
        raise _Wrong(f"{what} has {len(text)} characters: at most {limit} are allowed", value.line)
    return text


def _read_id(known: Field, value: Value) -> str:
    data = value.data
    # Exports often number their articles.
    if isinstance(data, int) and not isinstance(data, bool):
        value = Value(str(data), value.line)
    text = _text_of(known.name, value, limit=MAX_ID)
    if not text:
        raise _Wrong(f'"id" is empty: give the article a name such as {known.example}', value.line)
    return text


def _read_text(known: Field, value: Value) -> str:
    text = _text_of(known.name, value)
    if known.required and not text:
        raise _Wrong(f'"{known.name}" is empty: write what the article is about', value.line)
    return text


def _read_texts(known: Field, value: Value) -> tuple[str, ...]:
    if not isinstance(value.data, list):
        message = f'"{known.name}" must be a list such as [first, second], not {_describe(value.data)}'
        raise _Wrong(message, value.line)
    if len(value.data) > MAX_ITEMS:
        raise _Wrong(
            f'"{known.name}" has {len(value.data)} entries: at most {MAX_ITEMS} are allowed', value.line
        )
    texts: list[str] = []
    for number, item in enumerate(value.data, start=1):
        what = f'entry {number} of "{known.name}"'
        if isinstance(item.data, dict):
            message = f"{what} must be text, not a mapping: put a text with a colon in quotes"
            raise _Wrong(message, item.line)
        text = _text_of(known.name, item, what=what)
        if not text:
            raise _Wrong(f"{what} is empty: remove it or write it", item.line)
        texts.append(text)
    return tuple(texts)


def _read_flag(known: Field, value: Value) -> bool:
    if not isinstance(value.data, bool):
        raise _Wrong(f'"{known.name}" must be true or false, not {_describe(value.data)}', value.line)
    return value.data


def _read_choice(known: Field, value: Value) -> StrEnum:
    assert known.choices is not None
    names = [choice.value for choice in known.choices]
    text = _text_of(known.name, value)
    if text in names:
        return known.choices(text)
    near = difflib.get_close_matches(text.lower(), names, n=1, cutoff=0.6)
    hint = f': did you mean "{near[0]}"?' if near else ""
    wanted = f"{', '.join(names[:-1])} or {names[-1]}"
    raise _Wrong(f'"{known.name}" must be {wanted}, not {_describe(text)}{hint}', value.line)


def _read_date(known: Field, value: Value) -> date:
    def wrong(reason: str) -> NoReturn:
        raise _Wrong(f'"{known.name}" must be a day such as {known.example}, not {reason}', value.line)

    if not isinstance(value.data, str):
        wrong(_describe(value.data))
    text = value.data.strip()
    if not _DATE.fullmatch(text):
        wrong(_describe(text))
    try:
        return date.fromisoformat(text)
    except ValueError:
        wrong(f'"{text}", which no calendar has')


def _read_time(known: Field, value: Value) -> datetime:
    example = f"such as {known.example}"
    if not isinstance(value.data, str):
        raise _Wrong(f'"{known.name}" must be a time {example}, not {_describe(value.data)}', value.line)
    text = value.data.strip()
    try:
        time = datetime.fromisoformat(_SPACE_BEFORE_ZONE.sub("", text))
    except ValueError:
        raise _Wrong(f'"{known.name}" must be a time {example}, not {_describe(text)}', value.line) from None
    if time.tzinfo is None:
        raise _Wrong(
            f'"{known.name}" has no time zone: write it {example}, not {_describe(text)}', value.line
        )
    return time


_READERS: dict[Kind, Callable[[Field, Value], Any]] = {
    Kind.ID: _read_id,
    Kind.TEXT: _read_text,
    Kind.TEXTS: _read_texts,
    Kind.FLAG: _read_flag,
    Kind.CHOICE: _read_choice,
    Kind.DATE: _read_date,
    Kind.TIME: _read_time,
}
