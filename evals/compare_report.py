"""The page of `eval compare --html`: one file without scripts or outside parts, as the report is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from evals.catalogue import MEASURES, answered, shown_is_right
from evals.charts import difference_bar
from evals.compare import Comparison, Difference, Flip
from evals.predictions import Outcome
from evals.report import render_page, show_chance, show_number

LIMIT = 60  #: flips shown of each sort


class FlipList(NamedTuple):
    """One sort of questions that changed."""

    title: str
    words: str
    flips: tuple[Flip, ...]
    total: int


def render_comparison(
    found: Comparison, before: Mapping[str, Any], after: Mapping[str, Any], *, site: str = ""
) -> str:
    """The whole page; ``before`` and ``after`` are the runs' ``metrics.json``."""
    outcomes = [str(outcome) for outcome in Outcome]
    used = {name for pair in found.transitions for name in pair}
    names = [name for name in outcomes if name in used]
    return render_page(
        "compare.html",
        c=found,
        runs=(before["run"], after["run"]),
        site=site.rstrip("/"),
        tables=[
            (heading, [_row(d) for d in differences])
            for heading, differences in (("", found.differences), *found.languages.items())
        ],
        outcomes=names,
        transitions={was: {now: found.transitions.get((was, now), 0) for now in names} for was in names},
        lists=[each for each in _lists(found) if each.total],
        definitions={name: measure.definition for name, measure in MEASURES.items()},
        differing=[
            (key.replace("_", " "), before["run"].get(key), after["run"].get(key))
            for key in dict.fromkeys((*before["run"], *after["run"]))
            if before["run"].get(key) != after["run"].get(key)
        ],
    )


def _row(d: Difference) -> dict[str, Any]:
    change, interval = d.change, d.interval
    bar = Markup("")
    if change is not None and interval is not None:
        widest = max(abs(interval.low), abs(interval.high), 0.02)
        # Rows are read one by one: each has the scale that its interval needs, in steps.
        widest = next((step for step in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if step >= widest), widest)
        bar = difference_bar(interval.low, change, interval.high, widest)
    return {
        "measure": d.measure,
        "before": show_number(d.before, d.measure),
        "after": show_number(d.after, d.measure),
        "change": _signed(change, d.measure),
        "interval": f"{_signed(interval.low, d.measure)} to {_signed(interval.high, d.measure)}"
        if interval
        else "",
        "bar": bar,
        "p": show_chance(d.adjusted),
        "n": d.n,
        "verdict": d.verdict,
    }


def _signed(value: float | None, name: str) -> str:
    """A difference: percentage points for shares, decimals for the rest."""
    if value is None:
        return "–"
    shown = show_number(abs(value), name).removesuffix(" %")
    return f"{'−' if value < 0 else '+'}{shown}"


def _lists(found: Comparison) -> Sequence[FlipList]:
    def wrong(flip: Flip, *, now: bool) -> bool:
        p = flip.after if now else flip.before
        return answered(p) and shown_is_right(p) == 0.0

    def right(flip: Flip, *, now: bool) -> bool:
        p = flip.after if now else flip.before
        return answered(p) and shown_is_right(p) == 1.0

    named = {(f.before.question.id, f.before.half): f for f in (*found.changed, *found.won, *found.lost)}
    pairs = named.values()
    sorts = (
        (
            "Answered wrongly now",
            "An answer that is not right, where there was none or a right one: what customers would notice.",
            [f for f in pairs if wrong(f, now=True) and not wrong(f, now=False)],
        ),
        (
            "No longer answered wrongly",
            "The first run answered these with the wrong article.",
            [f for f in pairs if wrong(f, now=False) and not wrong(f, now=True)],
        ),
        ("Top article became wrong", "Whether it was answered or not.", list(found.lost)),
        ("Top article became right", "Whether it was answered or not.", list(found.won)),
        (
            "Right answers lost",
            "Right in the first run, and not answered now.",
            [f for f in pairs if right(f, now=False) and not answered(f.after)],
        ),
        (
            "Right answers gained",
            "Not answered in the first run, and right now.",
            [f for f in pairs if right(f, now=True) and not answered(f.before)],
        ),
        (
            "Other changes of outcome",
            "Neither run answered these.",
            [f for f in found.changed if not answered(f.before) and not answered(f.after)],
        ),
    )
    return [FlipList(title, words, tuple(some[:LIMIT]), len(some)) for title, words, some in sorts]
