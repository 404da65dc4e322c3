"""``helppari index``: build, check, watch, inspect, publish."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.console import EXIT_FOUND, one_sentence_errors, print_json, progress_bar, say

if TYPE_CHECKING:
    from indexer.build import Builder, BuildReport
    from indexer.console import Progress
    from indexer.disagreement import Agreement
    from indexer.problems import Problem
    from indexer.settings import Settings

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml in this folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_DIR = click.option(
    "--index", "root", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir."
)
_NO_TESTS = click.option("--no-tests", is_flag=True, help="Do not try the articles' `tests:` phrases.")


@click.group()
def index() -> None:
    """Build the index of a knowledge base, check it, look into it."""


def _settings(config: Path | None) -> Settings:
    from indexer.settings import Settings, load_settings

    return load_settings(Settings, config)


@index.command()
@click.option("--kb", type=click.Path(path_type=Path), help="Folder of articles, or an articles.jsonl.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir.")
@click.option(
    "--examples",
    type=click.Path(path_type=Path),
    help="JSONL of confirmed questions; default examples.jsonl in the index folder.",
)
@click.option("--full", is_flag=True, help="Take nothing from earlier builds.")
@_NO_TESTS
@_CONFIG
@_JSON
@one_sentence_errors()
def build(
    kb: Path | None,
    out: Path | None,
    examples: Path | None,
    full: bool,
    no_tests: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Build the index and let the service use it; exit 1 when an article's newest version can't be used."""
    from indexer.phrase_tests import run_at_build, served_build

    settings = _settings(config)
    with progress_bar() as progress:
        builder = _builder(settings, kb, out, examples)
        before = served_build(builder.root)
        report = builder.build(full=full, progress=progress)
        tests = None if no_tests else run_at_build(builder.root, before, builder.encoder, progress)
    if as_json:
        print_json(_report_json(report) | {"tests": tests.counts() if tests else None})
    else:
        for problem in report.problems:
            say(str(problem))
        say(_summary(report))
        if tests:
            say(f"  {tests.summary()}")
    if report.errors:
        sys.exit(EXIT_FOUND)


@index.command()
@click.option("--kb", type=click.Path(path_type=Path), help="Folder of articles, or an articles.jsonl.")
@click.option(
    "--labels", type=click.Path(path_type=Path), help="Hold the confidence against labelled questions."
)
@click.option(
    "--feedback", type=click.Path(path_type=Path), help="Hold the confidence against customers' words."
)
@_DIR
@_CONFIG
@_JSON
@one_sentence_errors()
def check(
    kb: Path | None,
    labels: Path | None,
    feedback: Path | None,
    root: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Read a knowledge base and name every problem with file and line; exit 1 when there is one.

    With --labels or --feedback, see whether the index's probabilities came true; the knowledge base is then
    read only where --kb names it.
    """
    from indexer.companions import read_companions
    from indexer.sources import read_kb

    settings = _settings(config)
    document: dict[str, Any] = {}
    problems: list[Problem] = []
    with progress_bar() as progress:
        if kb or not (labels or feedback):
            reading = read_kb(kb or settings.index.kb, progress=progress)
            _, more = read_companions(kb or settings.index.kb, reading.articles)
            problems = [*reading.problems, *_synonym_problems(kb or settings.index.kb), *more]
            document = {"articles": len(reading.articles), "problems": [p.to_json() for p in problems]}
        agreements = _agreements(root or settings.index.dir, labels, feedback, progress)
    if agreements:
        document["agreement"] = [each.to_json() for each in agreements]
    if as_json:
        print_json(document)
    else:
        for problem in problems:
            say(f"{problem.severity.value}: {problem}")
        if "articles" in document:
            say(f"{document['articles']} articles, {len(problems)} problems")
        for each in agreements:
            for line in (f"{each.source}:", *each.lines(), *(f"warning: {words}" for words in each.warnings)):
                say(line)
    if problems:
        sys.exit(EXIT_FOUND)


def _agreements(
    root: Path, labels: Path | None, feedback: Path | None, progress: Progress
) -> list[Agreement]:
    from indexer.disagreement import agreement, read_feedback, read_labels
    from indexer.index import Index

    evidence = [
        (path, read(path), path is labels)
        for path, read in ((labels, read_labels), (feedback, read_feedback))
        if path is not None
    ]
    if not evidence:
        return []
    opened = Index.load(root)
    return [
        agreement(opened, found, source=str(path), labels=labelled, progress=progress)
        for path, found, labelled in evidence
    ]


def _synonym_problems(kb: Path) -> Iterable[Problem]:
    from indexer.errors import ArticleError
    from indexer.problems import Problem, ProblemKind, Severity
    from indexer.synonyms import load_synonyms

    try:
        load_synonyms((kb if kb.is_dir() else kb.parent) / "synonyms.yaml")
    except ArticleError as error:
        yield Problem(
            source=error.source,
            line=error.line,
            message=error.reason,
            severity=Severity.ERROR,
            kind=ProblemKind.SYNTAX,
        )


@index.command()
@click.option("--kb", type=click.Path(path_type=Path), help="Folder of articles, or an articles.jsonl.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir.")
@_NO_TESTS
@_CONFIG
@one_sentence_errors()
def watch(kb: Path | None, out: Path | None, no_tests: bool, config: Path | None) -> None:
    """Build now and again after every save, until interrupted."""
    from indexer.phrase_tests import run_at_build, served_build
    from indexer.watch import rebuilds

    builder = _builder(_settings(config), kb, out, None)
    tested = served_build(builder.root)
    say(f"watching {builder.kb}; Ctrl-C stops")
    try:
        for report in rebuilds(builder, report_error=lambda error: say(f"helppari: {error}")):
            for problem in report.errors:
                say(str(problem))
            say(_summary(report))
            # While somebody saves again and again, the next build should not wait for tests.
            if report.recalibrated and not no_tests:
                say(f"  {run_at_build(builder.root, tested, builder.encoder).summary()}")
                tested = report.build_id
    except KeyboardInterrupt:
        say("stopped")


@index.command()
@_DIR
@_CONFIG
@_JSON
@one_sentence_errors()
def inspect(root: Path | None, config: Path | None, as_json: bool) -> None:
    """Show which build is served, what it holds, its thresholds and its problems; check every file."""
    from indexer.artifact import build_folder, builds, current_build, read_manifest, verify

    folder = root or _settings(config).index.dir
    served = current_build(folder)
    manifest = read_manifest(build_folder(folder, served))
    verify(build_folder(folder, served), manifest)
    calibration = json.loads((build_folder(folder, served) / "calibration.json").read_text(encoding="utf-8"))
    record = {
        "build_id": served,
        "builds": list(builds(folder)),
        "index_id": manifest.index_id,
        "encoder": manifest.encoder,
        "articles": manifest.articles,
        "sections": manifest.sections,
        "languages": list(manifest.languages),
        "segments": [{"folder": s.folder, "dead": len(s.dead)} for s in manifest.segments],
        "calibration": calibration,
        "problems": list(manifest.problems),
    }
    if as_json:
        print_json(record)
        return
    for name, value in record.items():
        if name not in ("calibration", "problems"):
            click.echo(f"{name:10} {value}")
    for lang, each in calibration["languages"].items():
        click.echo(f"{lang:10} {each['thresholds']}")
    for problem in manifest.problems:
        click.echo(f"problem    {problem['source']}:{problem['line']}: {problem['message']}")


@index.command()
@click.option("--build", "build_id", required=True, help="Id of the build, as `index inspect` lists them.")
@_DIR
@_CONFIG
@_JSON
@one_sentence_errors()
def publish(build_id: str, root: Path | None, config: Path | None, as_json: bool) -> None:
    """Serve another build of the same folder: roll back, or forward again."""
    from indexer.artifact import build_folder, read_manifest, verify
    from indexer.artifact import publish as let_current_name

    folder = root or _settings(config).index.dir
    verify(build_folder(folder, build_id), read_manifest(build_folder(folder, build_id)))
    let_current_name(folder, build_id)
    if as_json:
        print_json({"build_id": build_id})
    else:
        say(f"{folder} now serves {build_id}")


def _builder(settings: Settings, kb: Path | None, out: Path | None, examples: Path | None) -> Builder:
    from indexer.build import Builder
    from indexer.encoders import open_encoder
    from indexer.errors import KnowledgeBaseError
    from indexer.examples import EXAMPLES

    source = kb or settings.index.kb
    if not source.exists():
        raise KnowledgeBaseError(
            f"there is no knowledge base at {source}: give a folder, or an articles.jsonl"
        )
    if examples is not None and not examples.exists():
        raise KnowledgeBaseError(f"there are no examples at {examples}: give a JSONL file, or leave it out")
    return Builder(
        kb=source,
        root=out or settings.index.dir,
        encoder=open_encoder(settings.index.encoder),
        answering=settings.answering,
        examples_file=examples or (out or settings.index.dir) / EXAMPLES,
    )


def _report_json(report: BuildReport) -> dict[str, Any]:
    return {
        "build_id": report.build_id,
        "index_id": report.index_id,
        "articles": report.articles,
        "sections": report.sections,
        "languages": list(report.languages),
        "changed": report.changed,
        "removed": report.removed,
        "published": report.published,
        "recalibrated": report.recalibrated,
        "seconds": report.seconds,
        "calibration": report.calibration.to_json(),
        "warnings": list(report.warnings),
        "problems": [problem.to_json() for problem in report.problems],
    }


def _summary(report: BuildReport) -> str:
    lines = [
        f"build {report.build_id}: {report.articles} articles, {report.sections} sections, "
        f"{'/'.join(report.languages)}; {report.changed} changed, {report.removed} removed, "
        f"{len(report.problems)} problems, {report.seconds:.1f} s"
    ]
    for lang, each in sorted(report.calibration.languages.items()):
        expected = ", ".join(f"{round(value)} {name}" for name, value in sorted(each.expected.items()))
        proven = "" if each.thresholds.proven else f"; goal not yet proven (n = {each.thresholds.n})"
        lines.append(f"  {lang}: of 100 questions expect {expected}{proven}")
    lines += [f"  warning: {warning}" for warning in report.warnings]
    return "\n".join(lines)
