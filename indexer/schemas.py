"""JSON Schemas of what editors write, for the completion and checks of their tools.

They come from the same table that checks the files; ``python -m indexer.schemas`` writes them to
``docs/schemas/``, and a test fails when they are stale.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from indexer.articles import Article, HandoffRule
from indexer.fields import FIELDS, HANDOFF_FIELDS, ID_PATTERN, MAX_ID, MAX_ITEMS, MAX_TEXT, Field, Kind
from indexer.forms import FORM_KEYS
from indexer.records import object_schema
from indexer.replies import REPLY_KEYS

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def article_schema() -> dict[str, Any]:
    """The front matter of an article in ``kb/LANGUAGE/TOPIC/NAME.md``."""
    return {
        "$schema": _DRAFT,
        "$id": "article.schema.json",
        "title": "Front matter of a help article",
        **_object(FIELDS),
    }


def form_schema() -> dict[str, Any]:
    """A form in ``kb/forms/NAME.yaml``."""
    title = "Form asked after a handoff"
    return {"$schema": _DRAFT, "$id": "form.schema.json", "title": title, **object_schema(FORM_KEYS)}


def reply_schema() -> dict[str, Any]:
    """A canned reply in ``kb/replies/NAME.yaml``."""
    title = "Canned reply of agents"
    return {"$schema": _DRAFT, "$id": "reply.schema.json", "title": title, **object_schema(REPLY_KEYS)}


SCHEMAS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "article.schema.json": article_schema,
    "form.schema.json": form_schema,
    "reply.schema.json": reply_schema,
}


def schema_text(schema: Mapping[str, Any]) -> str:
    """The file's content."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def write_schemas(folder: Path) -> None:
    """Write every schema into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, schema in SCHEMAS.items():
        (folder / name).write_text(schema_text(schema()), "utf-8")


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {field.name: _property(field) for field in fields},
    }
    if required := [field.name for field in fields if field.required]:
        schema["required"] = required
    return schema


def _property(field: Field) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": field.about, **_type(field)}
    if not field.required:
        # A key without a value is as good as no key.
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    if field.example is not None:
        schema["examples"] = [field.example]
    return schema


def _type(field: Field) -> dict[str, Any]:
    text: dict[str, Any] = {"type": "string", "maxLength": MAX_TEXT}
    match field.kind:
        case Kind.ID:
            return {"type": "string", "pattern": f"^{ID_PATTERN}$", "maxLength": MAX_ID}
        case Kind.TEXT:
            return {**text, "minLength": 1} if field.required else text
        case Kind.TEXTS:
            return {"type": "array", "items": {**text, "minLength": 1}, "maxItems": MAX_ITEMS}
        case Kind.FLAG:
            return {"type": "boolean", "default": False}
        case Kind.CHOICE:
            assert field.choices is not None
            choices = [choice.value for choice in field.choices]
            return {"type": "string", "enum": choices, "default": _default(field)}
        case Kind.DATE:
            return {"type": "string", "format": "date"}
        case Kind.TIME:
            return {"type": "string", "pattern": r"([+-]\d\d:?\d\d|[Zz])$"}
        case Kind.HANDOFF:
            return _object(HANDOFF_FIELDS)


def _default(field: Field) -> str:
    owner = HandoffRule if field in HANDOFF_FIELDS else Article
    return str(next(f.default for f in dataclasses.fields(owner) if f.name == field.name))


if __name__ == "__main__":
    write_schemas(Path("docs/schemas"))
