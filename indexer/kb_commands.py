"""``helppari kb``: what editors do with their articles.

Commands of this room are added below; other rooms add theirs as entry points of ``helppari.kb_commands``, so
that this room need not know them.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import click

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
