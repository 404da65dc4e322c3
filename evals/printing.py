"""What `helppari eval` prints for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from evals.compare import Comparison, Difference


def print_summary(metrics: Mapping[str, Any], out: Path) -> None:
    """The figures of a run."""
    names = [name for name, figure in metrics["measures"].items() if figure["value"] is not None]
    rows = [("", "value", "95 % interval", "n", "unscored")]
    for name in names:
        figure = metrics["measures"][name]
        interval = "" if figure["low"] is None else f"{figure['low']:.3f} .. {figure['high']:.3f}"
        rows.append(
            (name, f"{figure['value']:.3f}", interval, str(figure["n"]), str(figure["unscored"] or ""))
        )
    _print_table(rows)
    if found := metrics["conversations"]:
        click.echo(
            f"conversations as expected: {found['as_expected']} of {found['n']}, "
            f"turns: {found['turns_as_expected']} of {found['turns']}"
        )
        for lang, shares in (*found["languages"].items(), ("all", found["shares"])):
            turns, follow_ups = (
                f"{_shown_with_interval(shares[name])} (n = {shares[name]['n']})"
                for name in ("turns", "follow_ups")
            )
            click.echo(f"  {lang}: turns {turns}, follow-ups {follow_ups}")
    if curve := metrics.get("learning_curve"):
        print_curve(curve)
    click.echo(f"report: {out / 'report.html'}")


_CURVE = ("recall@1", "coverage@0.90", "coverage@0.95", "auroc", "ece", "answer_rate", "selective_accuracy")


def print_curve(curve: Mapping[str, Any]) -> None:
    """A learning curve as a table."""
    click.echo(
        f"\nlearning curve: {curve['asked']} questions about {curve['articles_asked']} of "
        f"{curve['articles']} articles, never shown at any k"
    )
    rows = [("k", "", *_CURVE, "recall@1 behind Helppari")]
    for row in curve["rows"]:
        for name, figures in row["systems"].items():
            shown = [_shown_with_interval(figures.get(measure)) for measure in _CURVE]
            behind = row["ahead"].get(name)
            if row["ece_if_perfect"] and not behind:
                shown[_CURVE.index("ece")] += f" (perfect: <= {row['ece_if_perfect']['high']:.3f})"
            rows.append((str(row["k"]), name, *shown, _shown_with_interval(behind, "recall@1", "+.3f")))
    _print_table(rows)


def _shown_with_interval(figure: Mapping[str, Any] | None, key: str = "value", form: str = ".3f") -> str:
    if figure is None or figure[key] is None:
        return ""
    if figure["low"] is None:
        return format(figure[key], form)
    return f"{figure[key]:{form}} [{figure['low']:{form}} {figure['high']:{form}}]"


def print_comparison(found: Comparison, flips: int) -> None:
    """What differs between two runs."""
    click.echo(
        f"{found.paired} questions in both runs"
        + (f", {found.only_before} only in the first" if found.only_before else "")
        + (f", {found.only_after} only in the second" if found.only_after else "")
    )
    _print_table(_difference_rows(found.differences))
    for lang, differences in found.languages.items():
        click.echo(f"\n{lang}")
        _print_table(_difference_rows(differences))
    click.echo(
        f"\ntop article became right: {len(found.won)}, became wrong: {len(found.lost)} "
        f"(McNemar p = {found.mcnemar_p:.3f}, as if questions were independent)"
    )
    for sign, list_ in (("+", found.won), ("-", found.lost)):
        for flip in list_[:flips]:
            question = flip.before.question
            shown = [side.hits[0].article_id if side.hits else "nothing" for side in flip]
            click.echo(f" {sign} [{question.lang}] {question.text[:90]}  {shown[0]} -> {shown[1]}")
    for (was, now), n in found.outcomes.items():
        click.echo(f" {n:5d} {was} -> {now}")


def _difference_rows(differences: Sequence[Difference]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "first", "second", "change", "95 % interval", "p (Holm)", "")]
    for d in differences:
        interval = f"{d.interval.low:+.3f} .. {d.interval.high:+.3f}" if d.interval else ""
        rows.append(
            (
                d.measure,
                _shown(d.before),
                _shown(d.after),
                "" if d.change is None else f"{d.change:+.3f}",
                interval,
                "" if d.adjusted is None else f"{d.adjusted:.3f}",
                d.verdict if d.verdict != "no clear difference" else "",
            )
        )
    return rows


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        first, *rest = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join((row[0].ljust(len(first)), *rest)).rstrip())
