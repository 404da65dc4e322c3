"""``helppari``: the one console command; each room's group is loaded only when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Any, NoReturn

import click

from botsvc.errors import BotError
from indexer import IndexerError
from indexer.console import EXIT_FOUND, EXIT_USAGE, say

GROUP = "helppari.commands"
EXIT_INTERRUPTED = 130  #: as shells say of a command that Ctrl-C ended


class Rooms(click.Group):
    """The commands that the rooms have registered as entry points of ``helppari.commands``.

    Whatever goes wrong, a person reads one sentence and never a traceback; ``HELPPARI_DEBUG=1`` shows it.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all groups, without loading any."""
        return sorted(_registered())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a group and return it."""
        entry = _registered().get(cmd_name)
        if entry is None:
            return None
        try:
            command = entry.load()
        except ModuleNotFoundError as error:
            raise click.ClickException(
                f"`{cmd_name}` is not installed completely ({error.name} is missing): install Helppari again"
            ) from error
        if not isinstance(command, click.Command):
            raise click.ClickException(f"`{cmd_name}` ({entry.value}) is no command: install Helppari again")
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,  # noqa: ANN401 - click's own signature
    ) -> Any:  # noqa: ANN401
        """Run a command and end the process with its exit code: 0 done, 1 something found, 2 a wrong call."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        debug = os.environ.get("HELPPARI_DEBUG") == "1"
        try:
            code = super().main(args, prog_name or "helppari", complete_var, False, **extra)
            sys.stdout.flush()
        except click.exceptions.Exit as done:
            code = done.exit_code
        except (click.Abort, KeyboardInterrupt):
            say("helppari: stopped")
            code = EXIT_INTERRUPTED
        except click.ClickException as error:
            _give_up(_sentence(error))
        except BrokenPipeError:
            # Whoever read our output has gone (`| head`); Python must not complain about it at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = EXIT_FOUND
        except (IndexerError, BotError) as error:
            if debug:
                raise
            _give_up(str(error))
        except Exception as error:
            if debug:
                raise
            what = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            _give_up(
                f"something unexpected happened ({what}): set HELPPARI_DEBUG=1 to see where, and report it"
            )
        sys.exit(code if isinstance(code, int) else 0)


def _registered() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _sentence(error: click.ClickException) -> str:
    """A wrong call, and where to read what is right."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = " ".join(error.format_message().split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    return f"{message}: see `{context.command_path} --help`" if context else message


def _give_up(sentence: str) -> NoReturn:
    say(f"helppari: {sentence}")
    sys.exit(EXIT_USAGE)


@click.group("helppari", cls=Rooms, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("helppari"), "--version", prog_name="helppari", message="%(prog)s %(version)s")
def main() -> None:
    """Answer customers from your own articles, and hand them to people when it is better.

    Settings come from helppari.toml and HELPPARI_* variables; `helppari config check` explains them. Exit
    codes: 0 done, 1 a check or gate found something, 2 the call or its input is wrong.
    """
