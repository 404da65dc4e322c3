"""``python -m evals.bench``: measure the budgets that apply, a row each; exit 1 when one is missed."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from evals.bench import content, measuring, widget
from evals.bench.rows import Row, table
from indexer import Builder, Encoder, Index, IndexerError, current_build, open_encoder
from indexer.console import EXIT_FOUND, Progress, one_sentence_errors, print_json, progress_bar, say

PARTS = ("question", "search", "building", "http", "edit", "widget")


@click.command()
@click.option("--sections", type=click.IntRange(10), default=10_000, help="Articles served (10,000).")
@click.option("--build-sections", type=click.IntRange(10), default=1_000, help="Articles built (1,000).")
@click.option("--texts", type=click.IntRange(20), default=300, help="Questions timed (300).")
@click.option("--seconds", type=click.FloatRange(1), default=10.0, help="Length of the load (10).")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only this.")
@click.option("--keep", type=click.Path(path_type=Path), help="Folder to keep the generated index in.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@one_sentence_errors()
def bench(
    sections: int,
    build_sections: int,
    texts: int,
    seconds: float,
    only: tuple[str, ...],
    keep: Path | None,
    as_json: bool,
) -> None:
    """Measure speed, memory and freshness on generated articles."""
    wanted = only or PARTS
    rows: list[Row] = []
    if set(wanted) != {"widget"}:
        rows += served(wanted, sections, build_sections, texts, seconds, keep)
    if "widget" in wanted:
        say("measuring: widget")
        rows += widget.loading()
    if as_json:
        print_json({"cores": measuring.cores(), "rows": [row.to_json() for row in rows]})
    else:
        click.echo(table(rows))
    if not all(row.kept for row in rows):
        sys.exit(EXIT_FOUND)


def served(
    wanted: Sequence[str], sections: int, build_sections: int, texts: int, seconds: float, keep: Path | None
) -> list[Row]:
    """The parts that need generated articles."""
    with _folder(keep) as folder, progress_bar() as progress:
        encoder = open_encoder(progress=progress)
        kb, root = prepared(folder, sections, encoder, progress)
        asked = content.questions(texts, among=sections)
        many = content.questions(20 * texts, among=sections, seed=2)
        with tempfile.TemporaryDirectory(prefix="helppari-bench-") as scratch:
            work = Path(scratch)
            parts: dict[str, Callable[[], list[Row]]] = {
                "question": lambda: measuring.one_question(Index.load(root, encoder=encoder), encoder, asked),
                "search": lambda: measuring.search_alone(root, encoder, asked),
                "building": lambda: measuring.building(work / "building", encoder, build_sections),
                "http": lambda: measuring.over_http(root, work / "http", encoder, many, seconds),
                "edit": lambda: measuring.edit_to_served(kb, root, work / "edit", sections),
            }
            rows: list[Row] = []
            for name in parts:
                if name in wanted:
                    say(f"measuring: {name}")
                    rows += parts[name]()
    return rows


def prepared(folder: Path, count: int, encoder: Encoder, progress: Progress) -> tuple[Path, Path]:
    """The generated kb and its index, made where the folder does not hold them yet."""
    kb, root, note = folder / "kb", folder / "index", folder / "made.json"
    made = {"recipe": content.RECIPE, "articles": count, "encoder": encoder.fingerprint}
    if not (note.is_file() and json.loads(note.read_text(encoding="utf-8")) == made and _built(root)):
        content.write_kb(kb, count)
        Builder(kb=kb, root=root, encoder=encoder).build(progress=progress)
        note.write_text(json.dumps(made), encoding="utf-8")
    return kb, root


def _built(root: Path) -> bool:
    try:
        current_build(root)
    except IndexerError:
        return False
    return True


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep
        return
    with tempfile.TemporaryDirectory(prefix="helppari-bench-") as folder:
        yield Path(folder)


if __name__ == "__main__":
    bench()
