"""What the data of each public event looks like, as JSON Schema, from the facts themselves."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from botsvc.events import Fact, OwnerChanged
from botsvc.people_facts import CallbackAttempted

#: Fields that only people see, of facts that customers see.
HIDDEN: Mapping[type, frozenset[str]] = {
    OwnerChanged: frozenset({"agent"}),
    CallbackAttempted: frozenset({"note"}),
}


def public_facts() -> tuple[type[Fact], ...]:
    """The facts that customers see, in the order of the closed list."""
    return tuple(fact for fact in Fact.__args__ if fact.public)


@lru_cache(maxsize=1)
def data_schema() -> dict[str, Any]:
    """One closed object for each type of event."""
    return {"anyOf": [_schema(fact) for fact in public_facts()]}


def _schema(fact: type[Fact]) -> dict[str, Any]:
    found = TypeAdapter(fact).json_schema(mode="serialization")
    schema: dict[str, Any] = _inlined(found, found.pop("$defs", {}))
    for name in HIDDEN.get(fact, ()):
        del schema["properties"][name]
    schema["title"] = fact.type.value
    schema["required"] = list(schema["properties"])  # all are written, and in this order
    schema["additionalProperties"] = False
    return schema


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """The schema without references, and with its nested objects closed; free mappings stay untyped."""
    if isinstance(part, list):
        return [_inlined(one, definitions) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].rpartition("/")[2]], definitions)
    closed = {name: _inlined(value, definitions) for name, value in part.items() if name != "default"}
    if closed.get("type") == "object":
        if "properties" not in closed:
            return {"description": "Names with numbers."}
        closed["required"] = list(closed["properties"])
        closed["additionalProperties"] = False
    return closed
