from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest
import yaml

from indexer.fieldchecks import Value
from indexer.frontmatter import Document, check_front_matter
from indexer.schemas import SCHEMAS, article_schema, schema_text

ROOT = Path(__file__).parents[2]

GOOD: dict[str, Any] = {
    "id": "lost-card",
    "title": "Lost card",
    "questions": ["i lost it"],
    "handoff": {"offer": "auto", "team": "cards"},
    "personal": False,
    "status": "draft",
    "publish_at": "2026-12-01T08:00+02:00",
    "updated": "2026-11-01",
    "summary": None,
}


def accepted_by_the_indexer(record: dict[str, Any]) -> bool:
    def value(data: object) -> Value:
        if isinstance(data, list):
            return Value([value(item) for item in data], 1)
        if isinstance(data, dict):
            return Value({name: value(item) for name, item in data.items()}, 1)
        return Value(data, 1)

    front = {name: value(data) for name, data in record.items()}
    return check_front_matter(Document(front, "", 1)).usable


def accepted_by_the_schema(record: dict[str, Any]) -> bool:
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    validator = jsonschema.Draft202012Validator(article_schema(), format_checker=checker)
    return bool(validator.is_valid(record))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(article_schema())


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_committed_schema_is_fresh(name: str) -> None:
    committed = (ROOT / "docs" / "schemas" / name).read_text("utf-8")
    assert committed == schema_text(SCHEMAS[name]()), 'run "python -m indexer.schemas"'


def test_a_good_record_is_accepted_by_both() -> None:
    assert accepted_by_the_schema(GOOD)
    assert accepted_by_the_indexer(GOOD)


@pytest.mark.parametrize(
    "change",
    [
        {"id": None},
        {"id": "two words"},
        {"title": ""},
        {"titel": "x"},
        {"questions": "x"},
        {"questions": [1]},
        {"questions": [""]},
        {"handoff": "cards"},
        {"handoff": {"teem": "x"}},
        {"handoff": {"offer": "sometimes"}},
        {"personal": "yes"},
        {"status": "gone"},
        {"publish_at": "2026-12-01T08:00"},
        {"updated": "1.11.2026"},
        {"updated": "2026-02-30"},
        {"summary": "x" * 1001},
    ],
    ids=str,
)
def test_a_bad_record_is_refused_by_both(change: dict[str, Any]) -> None:
    assert not accepted_by_the_schema(GOOD | change)
    assert not accepted_by_the_indexer(GOOD | change)


def test_the_sample_kb_obeys_the_schema() -> None:
    for path in sorted((ROOT / "kb").glob("??/*/*.md")):
        # BaseLoader: every value is text, as editors' YAML 1.2 tools read dates.
        front = yaml.load(path.read_text("utf-8").split("---\n")[1], yaml.BaseLoader)
        flags = {name: front[name] == "true" for name in ("personal", "restricted") if name in front}
        jsonschema.validate(
            {name: value or None for name, value in (front | flags).items()}, article_schema()
        )
