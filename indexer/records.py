"""YAML records of editors besides articles: one table of keys checks a file and gives its JSON Schema."""

from __future__ import annotations

import difflib
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unicodedata import normalize

from indexer.articles import ArticleKey
from indexer.errors import ArticleError
from indexer.fieldchecks import Value, clean_text
from indexer.fields import ID_PATTERN
from indexer.folder_source import LANGUAGE
from indexer.problems import Problem, ProblemKind, Severity

Schema = dict[str, Any]
_NAME = re.compile(ID_PATTERN)


@dataclass(slots=True)
class Notes:
    """The problems of one file, as they are found."""

    source: str
    problems: list[Problem] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """True when nothing forbids using the file."""
        return all(problem.severity is not Severity.ERROR for problem in self.problems)

    def error(self, line: int, message: str, kind: ProblemKind = ProblemKind.VALUE) -> None:
        """Note something that forbids using the file."""
        self._add(line, message, kind, Severity.ERROR)

    def warn(self, line: int, message: str, kind: ProblemKind = ProblemKind.VALUE) -> None:
        """Note something that does not."""
        self._add(line, message, kind, Severity.WARNING)

    def broken(self, error: ArticleError) -> None:
        """Note that the file as a whole cannot be read."""
        self.error(error.line, error.reason, ProblemKind.SYNTAX if error.line else ProblemKind.FILE)

    def _add(self, line: int, message: str, kind: ProblemKind, severity: Severity) -> None:
        key: ArticleKey | None = None
        self.problems.append(
            Problem(source=self.source, line=line, message=message, severity=severity, kind=kind, key=key)
        )


class Shape(ABC):
    """What a key holds."""

    @abstractmethod
    def read(self, value: Value, name: str, notes: Notes) -> Any:  # noqa: ANN401 - what the shape says
        """The value, typed; None when it is wrong, which is noted."""

    @abstractmethod
    def schema(self) -> Schema:
        """Its JSON Schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a record."""

    name: str
    shape: Shape
    about: str  #: one line for writers; editors' tools show it
    required: bool = False
    example: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Shape):
    """One line of text, or several where ``lines`` says so."""

    limit: int = 300
    lines: bool = False

    def read(self, value: Value, name: str, notes: Notes) -> str | None:
        """The text without needless white space."""
        if not isinstance(value.data, str):
            notes.error(value.line, f'"{name}" must be text, not {_described(value)}: put it in quotes')
            return None
        text = normalize("NFC", clean_text(value.data)).strip()
        if not self.lines:
            text = " ".join(text.split())
        if not text:
            notes.error(value.line, f'"{name}" is empty: write it, or remove the key')
            return None
        if len(text) > self.limit:
            notes.error(value.line, f'"{name}" has {len(text)} characters: at most {self.limit} are allowed')
            return None
        return text

    def schema(self) -> Schema:
        """A string."""
        return {"type": "string", "minLength": 1, "maxLength": self.limit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Shape):
    """One word that names something for good."""

    limit: int = 80

    def read(self, value: Value, name: str, notes: Notes) -> str | None:
        """The word."""
        text = Text(limit=self.limit).read(value, name, notes)
        if text is not None and not _NAME.fullmatch(text):
            rule = "must be one word of letters, digits, hyphens, dots or underscores"
            notes.error(value.line, f'"{name}" {rule}, not "{text}"')
            return None
        return text

    def schema(self) -> Schema:
        """A string of such a word."""
        return {"type": "string", "pattern": f"^{ID_PATTERN}$", "maxLength": self.limit}


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts(Shape):
    """A list of lines."""

    limit: int = 80
    most: int = 50

    def read(self, value: Value, name: str, notes: Notes) -> tuple[str, ...] | None:
        """The lines in order."""
        if not isinstance(value.data, list):
            example = "[first, second]"
            notes.error(value.line, f'"{name}" must be a list such as {example}, not {_described(value)}')
            return None
        if len(value.data) > self.most:
            notes.error(
                value.line, f'"{name}" has {len(value.data)} entries: at most {self.most} are allowed'
            )
            return None
        read = [Text(limit=self.limit).read(item, name, notes) for item in value.data]
        return tuple(text for text in read if text is not None)

    def schema(self) -> Schema:
        """An array of strings."""
        return {"type": "array", "items": Text(limit=self.limit).schema(), "maxItems": self.most}


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLanguage(Shape):
    """A text in each language: ``{fi: ..., sv: ..., en: ...}``."""

    limit: int = 300
    lines: bool = False

    def read(self, value: Value, name: str, notes: Notes) -> dict[str, str] | None:
        """The texts by language."""
        if not isinstance(value.data, dict) or not value.data:
            what = _described(value)
            notes.error(
                value.line, f'"{name}" must have a text for each language, such as "fi: ...", not {what}'
            )
            return None
        texts: dict[str, str] = {}
        for lang, text in value.data.items():
            if not LANGUAGE.fullmatch(lang):
                message = f'unknown key "{lang[:60]}" in "{name}": the keys are languages such as fi'
                notes.error(text.line, message, ProblemKind.UNKNOWN_KEY)
                continue
            read = Text(limit=self.limit, lines=self.lines).read(text, f"{name}.{lang}", notes)
            if read is not None:
                texts[lang] = read
        return texts

    def schema(self) -> Schema:
        """An object of strings, keyed by language."""
        return {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": f"^{LANGUAGE.pattern}$"},
            "additionalProperties": Text(limit=self.limit).schema(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag(Shape):
    """True or false."""

    def read(self, value: Value, name: str, notes: Notes) -> bool | None:
        """The value."""
        if isinstance(value.data, bool):
            return value.data
        notes.error(value.line, f'"{name}" must be true or false, not {_described(value)}')
        return None

    def schema(self) -> Schema:
        """A boolean."""
        return {"type": "boolean", "default": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOf(Shape):
    """One of a closed list of words."""

    words: type[StrEnum]

    def read(self, value: Value, name: str, notes: Notes) -> StrEnum | None:
        """The member of the list."""
        names = [word.value for word in self.words]
        if isinstance(value.data, str) and value.data.strip() in names:
            return self.words(value.data.strip())
        wanted = f"{', '.join(names[:-1])} or {names[-1]}"
        notes.error(value.line, f'"{name}" must be {wanted}, not {_described(value)}{_near(value, names)}')
        return None

    def schema(self) -> Schema:
        """A string out of the list."""
        return {"type": "string", "enum": [word.value for word in self.words]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Records(Shape):
    """A list of records."""

    keys: tuple[Key, ...]
    most: int
    noun: str  #: what one of them is called in a message

    def read(self, value: Value, name: str, notes: Notes) -> tuple[dict[str, Any], ...] | None:
        """The values of each record by key, with its own ``Value`` as ``""``."""
        if not isinstance(value.data, list) or not value.data:
            notes.error(value.line, f'"{name}" must be a list of one {self.noun} or more')
            return None
        if len(value.data) > self.most:
            message = f'"{name}" has {len(value.data)} entries: at most {self.most} are allowed'
            notes.error(value.line, message)
            return None
        read = []
        for number, item in enumerate(value.data, start=1):
            if isinstance(item.data, dict):
                read.append({**read_keys(item, self.keys, notes, within=name), "": item})
            else:
                what = f"{self.noun} {number} of"
                notes.error(item.line, f'{what} "{name}" must be a mapping, not {_described(item)}')
        return tuple(read)

    def schema(self) -> Schema:
        """An array of objects."""
        return {
            "type": "array",
            "items": object_schema(self.keys),
            "minItems": 1,
            "maxItems": self.most,
        }


def read_keys(
    record: Value, keys: Sequence[Key], notes: Notes, *, within: str = "", line: int = 0
) -> dict[str, Any]:
    """The good values of a mapping by key; unknown and missing keys are noted as errors."""
    place = f' in "{within}"' if within else ""
    names = [key.name for key in keys]
    for name, value in record.data.items():
        if name not in names:
            near = _near(Value(name, 0), names) or f": the keys are {', '.join(names)}"
            notes.error(value.line, f'unknown key "{name[:60]}"{place}{near}', ProblemKind.UNKNOWN_KEY)
    values: dict[str, Any] = {}
    for key in keys:
        found = record.data.get(key.name)
        if found is None or found.data is None:
            if key.required:
                message = f'"{key.name}" is missing{place}: {key.about[0].lower()}{key.about[1:]}'
                notes.error(line or record.line, message)
            continue
        read = key.shape.read(found, key.name, notes)
        if read is not None:
            values[key.name] = read
    return values


def object_schema(keys: Sequence[Key]) -> Schema:
    """The JSON Schema of a record with these keys and no others."""
    properties: Schema = {}
    for key in keys:
        properties[key.name] = {"description": key.about, **key.shape.schema()}
        if key.example is not None:
            properties[key.name]["examples"] = [key.example]
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required := [key.name for key in keys if key.required]:
        schema["required"] = required
    return schema


def _near(value: Value, names: Sequence[str]) -> str:
    if not isinstance(value.data, str):
        return ""
    near = difflib.get_close_matches(value.data.lower(), names, n=1, cutoff=0.6)
    return f': did you mean "{near[0]}"?' if near else ""


def _described(value: Value) -> str:
    data = value.data
    if isinstance(data, str):
        return f'"{data[:60]}"'
    if isinstance(data, bool):
        return f"the value {str(data).lower()}"
    if data is None:
        return "nothing"
    return "a list" if isinstance(data, list) else "a mapping"
