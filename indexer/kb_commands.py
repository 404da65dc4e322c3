"""``helppari kb``: what editors do with their articles.

Commands of this room are added below; other rooms add theirs as entry points of ``helppari.kb_commands``, so
that this room need not know them.
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from indexer.console import EXIT_FOUND, one_sentence_errors, print_json, progress_bar

CONTRIBUTED = "helppari.kb_commands"


class Editing(click.Group):
    """The group's own commands and the registered ones, which are loaded only when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*super().list_commands(ctx), *_registered()})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name."""
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        entry = _registered().get(cmd_name)
        return None if entry is None else _loaded(entry)


def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=CONTRIBUTED)}


def _loaded(entry: EntryPoint) -> click.Command:
    command = entry.load()
    if not isinstance(command, click.Command):
        raise click.ClickException(f"`{entry.name}` ({entry.value}) is no command: install Helppari again")
    return command


@click.group(cls=Editing)
def kb() -> None:
    """Help editors with their articles."""


@kb.command(name="test")
@click.option(
    "--index", "root", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir."
)
@click.option("--kb", type=click.Path(path_type=Path), help="Take the phrases from here, not from the index.")
@click.option("--against", metavar="BUILD", help="Compare with this build; default: the one before.")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@one_sentence_errors()
def try_phrases(
    root: Path | None, kb: Path | None, against: str | None, config: Path | None, as_json: bool
) -> None:
    """Ask every `tests:` phrase; exit 1 when one does not find its article."""
    from indexer.phrase_tests import Verdict, open_builds, report_lines, run_phrases
    from indexer.settings import Settings, load_settings
    from indexer.sources import read_kb

    folder = root or load_settings(Settings, config).index.dir
    with progress_bar() as progress:
        articles = read_kb(kb, progress=progress).articles.values() if kb else None
        run = run_phrases(open_builds(folder, against), articles, progress=progress)
    if as_json:
        print_json(run.to_json())
    else:
        for line in report_lines(run):
            click.echo(line)
    if run.with_verdict(Verdict.FAILED):
        sys.exit(EXIT_FOUND)
