"""Writes the generated parts of ``docs/reference`` from the code; ``--check`` only says if they are current.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; the rest of a page is
written by hand.
"""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

PAGES = Path(__file__).parents[1] / "docs" / "reference"
PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n)(?P<text>.*?)(<!-- end -->)", re.DOTALL)
WIDTH = 100  #: of help texts, whatever terminal this runs in


def commands() -> str:
    """Every command with the text of its ``--help``."""
    from botsvc.cli import main

    return "\n".join(_command(name, context) for name, context in walk("helppari", main))


def walk(
    name: str, command: click.Command, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Context]]:
    """Yield the command and all below it, each with its full name and context."""
    # As when it is called from the top; click keeps the first help option that a command was asked for, and
    # that may have been another one.
    command = copy.copy(command)
    command.__dict__["_help_option"] = None
    context = click.Context(
        command,
        info_name=name.rpartition(" ")[2],
        parent=parent,
        terminal_width=WIDTH,
        **command.context_settings,
    )
    yield name, context
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            if found is None:
                raise SystemExit(f"reference: {name} lists {below} but does not have it")
            yield from walk(f"{name} {below}", found, context)


def _command(name: str, context: click.Context) -> str:
    return f"## {name}\n\n```text\n{context.get_help()}\n```\n"


def settings() -> str:
    """Every setting, a table for each section."""
    from botsvc.settings import Settings
    from indexer.settings import settings_table

    lines: list[str] = []
    section = ""
    for row in settings_table(Settings):
        if row.key.rpartition(".")[0] != section:
            section = row.key.rpartition(".")[0]
            lines += [
                "",
                f"## [{section}]",
                "",
                "| key | type | default | meaning |",
                "| --- | --- | --- | --- |",
            ]
        name = row.key.rpartition(".")[2]
        default = "hidden" if row.secret and row.default not in ("", '""') else row.default
        lines.append(_row(f"`{name}`", row.type, f"`{default}`" if default else "", row.help))
    return "\n".join(lines[1:]) + "\n"


def problems() -> str:
    """Every problem type with its status and title."""
    from botsvc.problems import ProblemType

    lines = ["| type | status | title |", "| --- | --- | --- |"]
    for kind in ProblemType:
        name = kind.value.rpartition(":")[2]
        lines.append(_row(f"[`{name}`](#{name})", str(kind.status), kind.summary))
    return "\n".join(lines) + "\n"


def measures() -> str:
    """Every measure that an evaluation reports, with its definition."""
    from evals.catalogue import MEASURES

    lines = ["| measure | definition | better |", "| --- | --- | --- |"]
    for measure in MEASURES.values():
        lines.append(_row(f"`{measure.name}`", measure.definition, measure.better))
    return "\n".join(lines) + "\n"


def operations() -> str:
    """Every operation of the HTTP interface, from its OpenAPI document."""
    from botsvc.app import create_app
    from botsvc.settings import Settings

    lines = ["| call | what it does |", "| --- | --- |"]
    for path, methods in create_app(Settings.model_construct()).openapi()["paths"].items():
        for method, operation in methods.items():
            words = (operation.get("description") or operation["summary"]).partition("\n")[0]
            lines.append(_row(f"`{method.upper()} {path}`", words))
    return "\n".join(lines) + "\n"


def events() -> str:
    """Every type of event, in the order of the closed list."""
    from botsvc.event_schemas import data_schema
    from botsvc.events import Fact

    public = {schema["title"]: schema for schema in data_schema()["anyOf"]}
    lines = ["| type | what has happened | fields that the customer gets |", "| --- | --- | --- |"]
    for fact in Fact.__args__:
        schema = public.get(fact.type.value)
        names = (
            ", ".join(f"`{name}`" for name in schema["properties"]) if schema else "hidden: for people only"
        )
        words = (fact.__doc__ or "").partition("\n")[0]
        lines.append(_row(f"`{fact.type.value}`", words, names))
    return "\n".join(lines) + "\n"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


PARTS: Mapping[str, Callable[[], str]] = {
    "commands": commands,
    "settings": settings,
    "problems": problems,
    "measures": measures,
    "operations": operations,
    "events": events,
}


def current(page: str) -> str:
    """Return the page with its generated parts as they should be."""

    def part(found: re.Match[str]) -> str:
        return f"{found[1]}{PARTS[found['name']]()}{found[4]}"

    return PART.sub(part, page)


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are out of date and return 1."""
    stale = []
    for path in sorted(PAGES.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        wanted = current(text)
        if text != wanted:
            stale.append(path)
            if "--check" not in arguments:
                path.write_text(wanted, encoding="utf-8")
    names = ", ".join(str(path.relative_to(PAGES.parents[1])) for path in stale)
    if "--check" not in arguments:
        click.echo(f"reference: wrote {names}" if stale else "reference: everything was up to date", err=True)
        return 0
    if stale:
        click.echo(f"reference: out of date: {names} (run `make docs`)", err=True)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
