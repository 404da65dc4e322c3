"""The table of all settings: what documentation, `config check` and error sentences are made from."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

ANY_NAME = "<language>"  #: stands for the free part of a key such as ``contact.fi.phone``


@dataclass(frozen=True, slots=True)
class FreePart:
    """What the names of a table stand for, where it is not languages: goes into the Annotated key type."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsContradiction:
    """A value that cannot be used because of another section; the sentence goes on after "it"."""

    key: str
    value: object
    need: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting, as documentation shows it."""

    key: str  #: as in ``answering.absent_share``
    type: str  #: in words
    default: str  #: as in the file (TOML); empty when there is none
    help: str  #: one sentence
    secret: bool = False  #: its value is never shown

    @property
    def variable(self) -> str:
        """The environment variable that overrides it."""
        return "HELPPARI_" + self.key.replace(".", "__").upper()

    def covers(self, key: str) -> bool:
        """Whether ``key`` is this setting (a free part matches any name)."""
        return _same(self.key.split("."), key.split("."))

    def section_covers(self, section: str) -> bool:
        """Whether this setting lives directly in ``section``."""
        return _same(self.key.split(".")[:-1], section.split("."))


def _same(pattern: list[str], parts: list[str]) -> bool:
    return len(pattern) == len(parts) and all(
        p == q or p.startswith("<") for p, q in zip(pattern, parts, strict=True)
    )


def rows_of(model: type[BaseModel], prefix: str = "") -> tuple[SettingRow, ...]:
    """Every setting of ``model`` and of the sections inside it."""
    return tuple(_rows(model, prefix))


def _rows(model: type[BaseModel], prefix: str) -> Iterator[SettingRow]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _rows(annotation, f"{key}.")
            continue
        inside = _table_of(annotation)
        free = _free_part(annotation)
        if isinstance(inside, type) and issubclass(inside, BaseModel):
            yield from _rows(inside, f"{key}.{free}.")
            continue
        yield SettingRow(
            key=f"{key}.{free}" if inside is not None else key,
            type=_type_in_words(field),
            default="" if inside is not None else as_toml(field.get_default(call_default_factory=True)),
            help=field.description or "",
            secret=annotation is SecretStr,
        )


def _table_of(annotation: object) -> Any:  # noqa: ANN401 - a type, of whatever kind
    """The value type of a table with free names, else nothing."""
    return get_args(annotation)[1] if get_origin(annotation) in (dict, Mapping) else None


def _free_part(annotation: object) -> str:
    """What stands for the names of a table: ``<language>``, or as its ``FreePart`` says."""
    key = get_args(annotation)[0] if _table_of(annotation) is not None else None
    named = next((part for part in getattr(key, "__metadata__", ()) if isinstance(part, FreePart)), None)
    return f"<{named.name}>" if named else ANY_NAME


def as_toml(value: object) -> str:
    """A value as the file would hold it; nothing for "not set"."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(as_toml(item) for item in value) + "]"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _type_in_words(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    optional = ""
    if get_origin(annotation) in (Union, types.UnionType):
        annotation = next(arg for arg in get_args(annotation) if arg is not type(None))
        optional = ", optional"
    inside = _table_of(annotation)
    return _name(annotation if inside is None else inside) + _range(field) + optional


def _name(annotation: Any) -> str:  # noqa: ANN401 - a type, of whatever kind
    if get_origin(annotation) is Literal:
        return " or ".join(f'"{choice}"' for choice in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return " or ".join(f'"{choice.value}"' for choice in annotation)
    if get_origin(annotation) in (tuple, list):
        inside = get_args(annotation)[0]
        return f"list of {_name(inside)}" if get_origin(inside) is Literal else "list of texts"
    names = {
        bool: "true or false",
        int: "whole number",
        float: "number",
        Path: "path",
        SecretStr: "secret text",
    }
    return names.get(annotation, "text")


def _range(field: FieldInfo) -> str:
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    parts = [
        f"{text} {getattr(rule, attribute)}"
        for rule in field.metadata
        for attribute, text in words.items()
        if getattr(rule, attribute, None) is not None
    ]
    return f", {' and '.join(parts)}" if parts else ""


def wanted(details: ErrorDetails, row: SettingRow | None) -> str:
    """What pydantic wanted instead, as the end of a sentence that begins with "it"."""
    if details["type"] in ("model_type", "dict_type", "model_attributes_type"):
        return "should be a table of settings"
    if details["type"] == "value_error":
        return str(details["msg"]).removeprefix("Value error, ")
    if details["type"] == "string_pattern_mismatch":
        pattern = details["ctx"]["pattern"] if "ctx" in details else ""
        if pattern == r"^[a-z]{2,3}$":
            return "should be a language's code of two or three small letters, such as fi"
    if row is not None and details["type"] != "string_too_long":
        return f"should be: {row.type}"
    return details["msg"].replace("Input should", "should").replace("String should", "should")
