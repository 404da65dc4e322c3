"""The reference names what the code has: every command, setting, problem, measure, call; and nothing else."""

from __future__ import annotations

import dataclasses
import inspect
import re

import click
import pytest

from botsvc import decisions
from botsvc.cli import main
from botsvc.problems import ProblemType
from botsvc.settings import Settings
from evals.catalogue import MEASURES
from indexer.artifact import Manifest
from indexer.settings import settings_table
from scripts.reference import PAGES, PARTS, current, walk
from tests.docs.pages import reference

COMMANDS = dict(walk("helppari", main))


@pytest.mark.parametrize("name", sorted(path.stem for path in PAGES.glob("*.md")))
def test_generated_parts_are_current(name: str) -> None:
    page = reference(name)
    assert page.text == current(page.text), "run `make docs`"


def test_every_generated_part_stands_on_a_page() -> None:
    named = [
        name
        for path in PAGES.glob("*.md")
        for name in re.findall(r"<!-- generated: (\S+) -->", path.read_text())
    ]
    assert sorted(named) == sorted(PARTS)


def test_the_walk_finds_the_commands() -> None:
    expected = {"serve", "ask", "index build", "index check", "index watch", "index inspect", "index publish"}
    expected |= {"desk list", "desk show", "eval run", "config check"}
    assert {f"helppari {name}" for name in expected} <= set(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_and_option_is_documented(name: str) -> None:
    command = COMMANDS[name].command
    assert (command.help or "").strip(), f"{name} has no help text"
    section = reference("cli").section(name)
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert (parameter.help or "").strip(), f"{name} {parameter.opts[0]} has no help text"
            assert all(option in section for option in parameter.opts), f"{name} {parameter.opts}"


def test_no_command_is_documented_that_is_not_there() -> None:
    documented = {heading for heading in reference("cli").headings if heading.startswith("helppari")}
    assert documented == set(COMMANDS)


@pytest.mark.parametrize("row", settings_table(Settings), ids=lambda row: str(row.key))
def test_every_setting_is_documented(row: object) -> None:
    assert hasattr(row, "key")
    assert hasattr(row, "help")
    section, _, name = str(row.key).rpartition(".")
    line = next(
        line
        for line in reference("settings").section(f"[{section}]").splitlines()
        if line.startswith(f"| `{name}` |")
    )
    assert len(str(row.help)) > 10
    assert str(row.help) in line


def test_every_problem_type_is_explained() -> None:
    page = reference("errors")
    names = {kind.value.rpartition(":")[2] for kind in ProblemType}
    explained = {heading for heading in page.headings if re.fullmatch(r"[a-z]+(-[a-z]+)+|[a-z]+", heading)}
    assert explained == names
    for name in names:
        assert len(page.section(name).split()) >= 8, f"{name} says too little"


@pytest.mark.parametrize("package", ["indexer", "botsvc", "evals"])
def test_every_error_class_is_named(package: str) -> None:
    module = __import__(f"{package}.errors", fromlist=["errors"])
    classes = [
        name
        for name, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Exception) and value.__module__ == module.__name__
    ]
    assert classes
    text = reference("errors").text
    assert [name for name in classes if f"`{name}`" not in text] == []


def test_every_measure_is_defined() -> None:
    text = reference("evals").text
    assert [name for name in MEASURES if f"| `{name}` |" not in text] == []


def test_every_outcome_and_reason_is_explained() -> None:
    text = reference("api").text
    words = [*decisions.Outcome, *decisions.Reason]
    assert [word for word in words if f"`{word}`" not in text] == []


def test_every_part_of_the_manifest_is_explained() -> None:
    text = reference("artifact").text
    assert [field.name for field in dataclasses.fields(Manifest) if f"`{field.name}`" not in text] == []


def test_every_call_and_the_fields_of_an_answer_are_explained() -> None:
    from botsvc.app import create_app

    document = create_app(Settings.model_construct()).openapi()
    text = reference("api").text
    calls = [f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods]
    assert [call for call in calls if f"`{call}`" not in text] == []
    fields = {"outcome", "reason", "confidence", "choices_confidence", "scope", "language", "answer", "hits"}
    fields |= {"handoff", "index_id"}
    assert [field for field in fields if f"`{field}`" not in text] == []
