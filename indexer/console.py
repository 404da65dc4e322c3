"""What the commands of every room share: exit codes, one-sentence errors, JSON on stdout, progress on stderr.

Exit codes: 0 done (warnings are in the JSON), 1 a check or gate found something,
2 the call or its input is wrong (one sentence, no traceback).
"""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, Protocol, TypeVar

import click

from indexer.errors import IndexerError

EXIT_FOUND = 1
EXIT_USAGE = 2

P = ParamSpec("P")
R = TypeVar("R")


class Progress(Protocol):
    """Told how far a long piece of work is; safe to ignore."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """``done`` of ``total`` units of ``step`` are finished."""


def no_progress(step: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def one_sentence_errors(
    *errors: type[Exception],
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Turn the given errors (and ``IndexerError``) into one sentence on stderr and exit code 2."""
    sentences: tuple[type[Exception], ...] = (IndexerError, *errors)

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(command)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return command(*args, **kwargs)
            except sentences as error:
                say(f"helppari: {error}")
                sys.exit(EXIT_USAGE)

        return run

    return decorate


def say(text: str) -> None:
    """Tell a person something, on stderr."""
    click.echo(text, err=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - any JSON document
    """The one JSON document of a ``--json`` call, on stdout."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """A progress bar on stderr, one line a step; nothing when ``quiet`` or when stderr is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield no_progress
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        tasks: dict[str, Any] = {}

        def progress(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done, total=total)

        yield progress
