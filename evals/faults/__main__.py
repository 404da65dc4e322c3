"""``python -m evals.faults``: kill the service, cut it off, compare; exit 1 when a promise broke."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from evals.errors import EvalError
from evals.faults.figures import Result
from indexer.console import EXIT_FOUND, one_sentence_errors, print_json, progress_bar

_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_SEED = click.option("--seed", type=int, default=1, help="Of every random choice.", show_default=True)
_OUT = click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="New folder for the journals, logs and result.json.",
)
_INDEX = click.option(
    "--index", type=click.Path(path_type=Path, exists=True), help="Index to serve instead of a small one."
)


@click.group()
def faults() -> None:
    """Prove by force that nothing is lost and nothing doubled."""


@faults.command()
@click.option("--times", type=click.IntRange(1, 100_000), default=200, help="Kills.", show_default=True)
@click.option(
    "--database",
    type=click.Choice(("sqlite", "postgresql")),
    default="sqlite",
    help="SQLite with one serving process, or PostgreSQL with two.",
    show_default=True,
)
@_SEED
@_OUT
@_INDEX
@_JSON
@one_sentence_errors(EvalError)
def kills(times: int, database: str, seed: int, out: Path, index: Path | None, as_json: bool) -> None:
    """Kill serving processes at random moments while customers talk."""
    from evals.faults.kills import run

    with progress_bar() as progress:
        result = run(_new(out), times=times, database=database, seed=seed, index=index, progress=progress)
    _tell(result, out, as_json)


@faults.command()
@_SEED
@_OUT
@_INDEX
@_JSON
@one_sentence_errors(EvalError)
def outage(seed: int, out: Path, index: Path | None, as_json: bool) -> None:
    """Take the outside systems away for ten scaled minutes while customers ask for people."""
    from evals.faults.outage import run

    _tell(run(_new(out), seed=seed, index=index), out, as_json)


def _new(out: Path) -> Path:
    if out.exists() and any(out.iterdir()):
        raise click.UsageError(f"{out} is not empty: name a new folder")
    return out


def _tell(result: Result, out: Path, as_json: bool) -> None:
    text = json.dumps(result.to_json(), ensure_ascii=False, indent=2) + "\n"
    (out / "result.json").write_text(text, encoding="utf-8")
    if as_json:
        print_json(result.to_json())
    else:
        click.echo(result.table())
    if not result.kept:
        sys.exit(EXIT_FOUND)


if __name__ == "__main__":
    faults()
