"""``helppari serve``, ``ask``, ``desk`` and ``config``: the service's own commands."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from botsvc.desk_outbox_commands import outbox
from botsvc.printing import age_of, handoff_lines, reply_lines, table_lines
from botsvc.staff_commands import agent
from indexer.console import EXIT_FOUND, print_json, say

if TYPE_CHECKING:
    from botsvc.settings import Settings
    from botsvc.storage import Storage

Command = TypeVar("Command", bound=Callable[..., Any])

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml in this folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_INDEX = click.option(
    "--index", "root", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir."
)


def _settings(config: Path | None, **changes: dict[str, Any]) -> Settings:
    """The settings, with options of the command line on top (section -> key -> value, None left out)."""
    from botsvc.settings import Settings
    from indexer.settings import load_settings

    settings = load_settings(Settings, config)
    updates = {}
    for section, values in changes.items():
        given = {key: value for key, value in values.items() if value is not None}
        updates[section] = getattr(settings, section).model_copy(update=given)
    return settings.model_copy(update=updates)


@click.command()
@_INDEX
@click.option("--host", help="Address to listen on; default [server] host.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port, 0 for a free one; default [server] port.")
@_CONFIG
def serve(root: Path | None, host: str | None, port: int | None, config: Path | None) -> None:
    """Serve the index: the API, the page to ask on, the help center's pages."""
    from botsvc.serving import run

    settings = _settings(config, index={"dir": root}, server={"host": host, "port": port})
    run(settings, ready=lambda address: click.echo(f"Helppari answers at {address} (Ctrl-C stops it)"))


@click.command()
@click.argument("question", nargs=-1)
@_INDEX
@click.option("--lang", help="Language of the page the customer is on, such as fi.")
@click.option("--audience", default="", help="Customer group, as in an article's audience.")
@_CONFIG
@_JSON
def ask(
    question: tuple[str, ...],
    root: Path | None,
    lang: str | None,
    audience: str,
    config: Path | None,
    as_json: bool,
) -> None:
    """Ask the index one question and print the reply; nothing is stored."""
    from botsvc.incoming import clean_text

    settings = _settings(config, index={"dir": root})
    text = clean_text(" ".join(question))
    limit = settings.limits.message_chars
    if not text:
        raise click.UsageError('There is no question: write one, as in helppari ask "hukkasin korttini"')
    if len(text) > limit:
        raise click.UsageError(f"The question has {len(text)} characters and {limit} are taken: ask shorter")
    from indexer import Index

    index = Index.load(settings.index.dir)
    from botsvc.answering import answering

    bot = answering(settings)
    known = bot.languages(index)
    if lang is not None and lang not in known:
        raise click.BadParameter(f"{lang!r} is none of {', '.join(known)}", param_hint="'--lang'")
    reply = bot.ask(index, text, lang=lang, audience=audience)
    if as_json:
        print_json(reply.body())
        return
    for line in reply_lines(reply.body()):
        click.echo(line)


@click.group()
def desk() -> None:
    """Look at the conversations that were handed to people."""


desk.add_command(agent)
desk.add_command(outbox)


@desk.command("list")
@click.option("--all", "everything", is_flag=True, help="Show withdrawn handoffs as well.")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=100, help="Show at most so many.", show_default=True
)
@_CONFIG
@_JSON
def desk_list(everything: bool, limit: int, config: Path | None, as_json: bool) -> None:
    """List handoffs, the most urgent first; works while the service runs."""
    from botsvc.clock import utc_now
    from botsvc.handoff import HandoffState

    states = () if everything else (HandoffState.OPEN.value,)
    with _stored(config) as storage, storage.read() as reading:
        found = reading.handoffs(states=states, limit=limit)
    if as_json:
        print_json({"handoffs": [_summary(handoff.document) for handoff in found]})
        return
    if not found:
        say("no handoffs")
        return
    rows = [("HANDOFF", "AGE", "PRIORITY", "REASON", "TEAM", "LANG", "STATE", "QUESTION")]
    for one in found:
        age = age_of((utc_now() - one.created_at).total_seconds())
        question = " ".join(one.question.split())
        rows.append(
            (one.id, age, one.priority, one.reason, one.team or "-", one.language, one.state, question[:60])
        )
    for line in table_lines(rows):
        click.echo(line)


@desk.command("show")
@click.argument("handoff_id")
@_CONFIG
@_JSON
def desk_show(handoff_id: str, config: Path | None, as_json: bool) -> None:
    """Show a handoff with everything that came with it; --json prints its document."""
    from botsvc.errors import UnknownHandoff

    with _stored(config) as storage, storage.read() as reading:
        found = reading.handoff(handoff_id)
    if found is None:
        raise UnknownHandoff(
            f"there is no handoff {handoff_id[:60]}: `helppari desk list --all` names them all"
        )
    if as_json:
        print_json(found.document)
        return
    for line in handoff_lines(found.document):
        click.echo(line)


@contextmanager
def _stored(config: Path | None) -> Iterator[Storage]:
    from botsvc.storage import open_existing_storage

    storage = open_existing_storage(_settings(config).storage.url.get_secret_value())
    try:
        yield storage
    finally:
        storage.close()


def _summary(document: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    names = ("handoff_id", "revision", "state", "created_at", "revised_at", "conversation_id", "reason")
    return {name: document[name] for name in (*names, "priority", "team", "language", "question")}


@click.group()
def config() -> None:
    """Look at the settings."""


@config.command()
@_CONFIG
@_JSON
def check(config: Path | None, as_json: bool) -> None:
    """Read all settings and explain each problem by its key; exit 1 when there is one."""
    from botsvc.settings import Settings
    from indexer.settings import as_toml, inspect_settings, settings_table

    found = inspect_settings(Settings, config)
    values = _values(found.settings) if found.settings else {}
    hidden = {row.key for row in settings_table(Settings) if row.secret}
    shown = {key: "(hidden)" if key in hidden else as_toml(value) for key, value in values.items()}
    if as_json:
        print_json(
            {
                "ok": not found.problems,
                "file": str(found.file) if found.file else None,
                "problems": [{"key": one.key, "message": one.message} for one in found.problems],
                "settings": [
                    {"key": key, "value": value, "from": found.origins.get(key, "default")}
                    for key, value in shown.items()
                ],
            }
        )
    else:
        for problem in found.problems:
            say(problem.message)
        for key, origin in found.origins.items():
            if key in shown:
                click.echo(f"{key} = {shown[key]}  ({origin})")
        file, count = found.file or "no helppari.toml, defaults only", len(found.problems)
        say(f"{file}: {count or 'no'} problem{'' if count == 1 else 's'}")
    if found.problems:
        sys.exit(EXIT_FOUND)


def _values(section: Any, prefix: str = "") -> dict[str, Any]:  # noqa: ANN401 - a settings model or a table
    """Every value by its key."""
    from pydantic import BaseModel

    if isinstance(section, BaseModel):
        items = {name: getattr(section, name) for name in type(section).model_fields}
    elif isinstance(section, dict):
        items = section
    else:
        return {prefix: section}
    found: dict[str, Any] = {}
    for name, value in items.items():
        found |= _values(value, f"{prefix}.{name}" if prefix else str(name))
    return found
