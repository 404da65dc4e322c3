"""``helppari kb learn`` and ``helppari kb forget``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from indexer.console import EXIT_FOUND, print_json, progress_bar, say

if TYPE_CHECKING:
    from botsvc.learning.approval import Judgement, Rules
    from botsvc.learning.lesson import Lesson
    from botsvc.learning.trials import Move, Said
    from botsvc.settings import Settings
    from indexer import BuildReport

_CONFIG = click.option(
    "--config", type=click.Path(path_type=Path), help="Settings file; default helppari.toml in this folder."
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
_INDEX = click.option(
    "--index", "root", type=click.Path(path_type=Path), help="Folder of the index; default [index] dir."
)
_KB = click.option("--kb", type=click.Path(path_type=Path), help="Folder of articles; default [index] kb.")
_DATABASE = click.option(
    "--database", help="Address of the database, such as sqlite:///path; default [storage] url."
)

#: Lines of each kind that are printed; --json has all.
SHOWN = 20


@click.command()
@_INDEX
@_KB
@_DATABASE
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    help="JSONL of questions labelled by agents, QA or editors.",
)
@click.option("--accept", multiple=True, metavar="ID", help="Learn this example, whatever speaks against it.")
@click.option("--reject", multiple=True, metavar="ID", help="Never learn this example.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the approved examples to this file.")
@click.option("--apply", is_flag=True, help="Learn: keep labels and decisions, build and publish.")
@click.option("--force", is_flag=True, help="Apply even if the test phrases find less.")
@_CONFIG
@_JSON
def learn(
    root: Path | None,
    kb: Path | None,
    database: str | None,
    labels: Path | None,
    accept: tuple[str, ...],
    reject: tuple[str, ...],
    out: Path | None,
    apply: bool,
    force: bool,
    config: Path | None,
    as_json: bool,
) -> None:
    """Show what customers' feedback and labels would teach the index, and what it would change.

    Nothing is changed without --apply. Exit code 1 when more of the kb's test phrases would lose their
    article than find it; then --apply changes nothing either.
    """
    from botsvc.learning.lesson import Teacher, Wanted, opened
    from indexer import write_examples

    settings = _settings(config, root, kb, database)
    wanted = Wanted(labels=labels, accept=frozenset(accept), reject=frozenset(reject))
    with opened(settings, writing=apply) as storage, progress_bar() as progress:
        teacher = Teacher(
            settings=settings,
            storage=storage,
            root=settings.index.dir,
            kb=_existing(settings.index.kb),
            progress=progress,
        )
        lesson = teacher.prepare(wanted)
        refused = lesson.worse and not force
        if out is not None:
            write_examples(out, lesson.approved)
        report = teacher.apply(lesson) if apply and not refused else None
    if as_json:
        print_json(_lesson_json(lesson, report))
    else:
        for line in _lines(lesson):
            click.echo(line)
        say(_verdict(lesson, report, wanted_to_apply=apply, force=force))
    if refused:
        sys.exit(EXIT_FOUND)


@click.command()
@click.option("--customer", required=True, metavar="KEY", help="Id of a conversation, or a key k_...")
@_INDEX
@_KB
@_DATABASE
@_CONFIG
@_JSON
def forget(
    customer: str,
    root: Path | None,
    kb: Path | None,
    database: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Forget all feedback of a customer, with every build that has learned from it."""
    from botsvc.learning.lesson import Teacher, opened

    settings = _settings(config, root, kb, database)
    with opened(settings, writing=False) as storage, progress_bar() as progress:
        teacher = Teacher(
            settings=settings,
            storage=storage,
            root=settings.index.dir,
            kb=settings.index.kb,
            progress=progress,
        )
        count, report = teacher.forget(customer)
    if as_json:
        print_json({"forgotten": count, "build_id": report.build_id if report else None})
        return
    built = f"; build {report.build_id} knows none of it, and older builds are gone" if report else ""
    say(f"forgot {count} example{'' if count == 1 else 's'}{built}")


def _settings(config: Path | None, root: Path | None, kb: Path | None, database: str | None) -> Settings:
    from pydantic import SecretStr

    from botsvc.settings import Settings
    from indexer.settings import load_settings

    settings = load_settings(Settings, config)
    places = {"dir": root, "kb": kb}
    changes: dict[str, Any] = {
        "index": settings.index.model_copy(update={k: v for k, v in places.items() if v is not None})
    }
    if database is not None:
        changes["storage"] = settings.storage.model_copy(update={"url": SecretStr(database)})
    return settings.model_copy(update=changes)


def _existing(kb: Path) -> Path:
    from botsvc.errors import LessonError

    if not kb.exists():
        raise LessonError(f"there is no knowledge base at {kb}: give the one that the index was built from")
    return kb


_WORDS = {
    "person": "labelled by {source}",
    "customers": "{customers} customers from {networks} networks",
    "confirmed_person": "a customer and a person say so",
    "accepted": "accepted by an editor",
    "refused": "rejected by an editor",
    "gone": "the article is not published",
    "known": "the article has this question already",
    "few_customers": "{customers} of {customers_needed} customers say so",
    "one_network": "{customers} customers from {networks} of {networks_needed} networks",
    "daily_limit": "more than one customer or network may confirm in a day",
    "same_network": "near the same is learned from this network already",
    "disputed": "as many customers say that it did not help",
    "two_articles": "the same question is confirmed for {against}",
    "other_article": "without it the index is sure of {against}",
    "far": "without it the index sees {against} and not this article near",
    "outvoted": "near questions belong to {against}",
}


def _reason(one: Judgement, rules: Rules) -> str:
    facts = {"customers": one.customers, "networks": one.networks, "against": one.against or "another"}
    return _WORDS[one.why].format(**{**asdict(rules), **facts, "source": one.example.source})


def _lines(lesson: Lesson) -> Iterator[str]:
    from botsvc.learning.approval import CONTRADICTING

    for note in lesson.notes:
        yield f"warning: {note}"
    approved = [one for one in lesson.judgements if one.approved]
    wrong = [one for one in lesson.judgements if one.why in CONTRADICTING]
    held = [one for one in lesson.judgements if not one.approved and one.why not in CONTRADICTING]
    yield from _judged("approved", approved, lesson.rules)
    yield from _judged("held back, and perhaps wrong", wrong, lesson.rules)
    yield from _judged("held back", held, lesson.rules)
    if lesson.phrases:
        yield f"what would move, of {len(lesson.phrases)} phrases: {len(lesson.moved)}"
        yield from (f"  {_move_line(move)}" for move in lesson.moved[:SHOWN])
        yield from _more(len(lesson.moved))


def _judged(title: str, judgements: list[Judgement], rules: Rules) -> Iterator[str]:
    """A line for each question of an article, however many have confirmed it."""
    from indexer import normalised

    yield f"{title}: {len(judgements)}"
    same: dict[tuple[str, ...], list[Judgement]] = {}
    for one in judgements:
        example = one.example
        key = (example.lang, example.article_id, normalised(example.text), _reason(one, rules))
        same.setdefault(key, []).append(one)
    for (lang, article_id, _, reason), found in list(same.items())[:SHOWN]:
        example = found[0].example
        times = f" ({len(found)} times)" if len(found) > 1 else ""
        yield f"  {example.id}  {lang}/{article_id}  {example.text!r}{times}: {reason}"
    yield from _more(len(same))


def _more(count: int) -> Iterator[str]:
    if count > SHOWN:
        yield f"  ... and {count - SHOWN} more, see --json"


def _move_line(move: Move) -> str:
    phrase, before, after = move.phrase, move.before, move.after
    change = "LOST " if move.lost else "won " if move.won else ""
    article = (
        before.article_id or "-"
        if before.article_id == after.article_id
        else f"{before.article_id or '-'} -> {after.article_id or '-'}"
    )
    outcome = before.outcome if before.outcome == after.outcome else f"{before.outcome} -> {after.outcome}"
    return (
        f"{change}{phrase.kind} {phrase.lang} {phrase.text[:80]!r}: {article}, {outcome}, "
        f"confidence {before.confidence:.2f} -> {after.confidence:.2f}"
    )


def _verdict(lesson: Lesson, report: BuildReport | None, *, wanted_to_apply: bool, force: bool) -> str:
    if report is not None:
        left = f", {lesson.leaving} have left all builds" if lesson.leaving else ""
        return f"learned: build {report.build_id} knows {len(lesson.approved)} examples{left}"
    if lesson.worse and not force:
        done = "nothing was changed" if wanted_to_apply else "--apply would change nothing"
        return f"more test phrases would lose their article than find it: {done}; see --reject and --force"
    if not lesson.phrases:
        return "the index knows all that is approved"
    return "nothing was changed: --apply learns what is approved"


def _lesson_json(lesson: Lesson, report: BuildReport | None) -> dict[str, Any]:
    from botsvc.learning.trials import tally

    approved = [one for one in lesson.judgements if one.approved]
    held = [one for one in lesson.judgements if not one.approved]
    return {
        "approved": [_judgement_json(one, lesson.rules) for one in approved],
        "held_back": [_judgement_json(one, lesson.rules) for one in held],
        "asked": len(lesson.phrases),
        "moves": [
            {
                "kind": move.phrase.kind,
                "lang": move.phrase.lang,
                "text": move.phrase.text,
                "expected": move.phrase.expected or None,
                "before": _said_json(move.before),
                "after": _said_json(move.after),
                "lost": move.lost,
                "won": move.won,
            }
            for move in lesson.moved
        ],
        **tally(lesson.moved),
        "mean_confidence_change": round(lesson.mean_change, 6),
        "leaving": lesson.leaving,
        "warnings": list(lesson.notes),
        "applied": report is not None,
        "build_id": report.build_id if report else None,
    }


def _judgement_json(one: Judgement, rules: Rules) -> dict[str, Any]:
    from botsvc.learning.approval import CONTRADICTING

    example = one.example
    return {
        "id": example.id,
        "article_id": example.article_id,
        "lang": example.lang,
        "text": example.text,
        "source": example.source,
        "date": example.at.date().isoformat(),
        "customer": example.customer or None,
        "why": one.why.value,
        "reason": _reason(one, rules),
        "customers": one.customers,
        "networks": one.networks,
        "against": one.against or None,
        "perhaps_wrong": one.why in CONTRADICTING,
    }


def _said_json(said: Said) -> dict[str, Any]:
    return {
        "article_id": said.article_id or None,
        "outcome": said.outcome,
        "confidence": round(said.confidence, 6),
    }
