"""``report.html``: one file without scripts or outside parts, for screen (light and dark) and paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from evals.cases import worst_cases
from evals.catalogue import MEASURES
from evals.charts import (
    Curve,
    OperatingPoint,
    learning_chart,
    legend,
    reliability_diagram,
    risk_coverage_chart,
)
from evals.predictions import Prediction

TILES = (
    ("recall@1", "right article first"),
    ("answer_rate", "answered"),
    ("selective_accuracy", "of the answers right"),
    ("coverage@0.95", "could be answered at 95 % right"),
    ("auroc", "AUROC of the confidence"),
    ("ece", "calibration error (ECE)"),
    ("handoff_recall", "requests for a person understood"),
    ("out_of_scope_answered", "out-of-scope answered"),
    ("section_accuracy", "right section first, where it is known"),
    ("estimated_deflection", "estimated deflection: an estimate, see its definition below"),
)

SCOPE_ROWS = (
    ("far", "out_of_scope_answered_far"),
    ("near", "out_of_scope_answered_near"),
    ("chit-chat", "out_of_scope_answered_chit_chat"),
    ("all", "out_of_scope_answered"),
)

AGAINST = ("recall@1", "coverage@0.90")  #: what slices compare with simple methods

SLICE_COLUMNS = (
    "recall@1",
    "section_accuracy",
    "recall@3",
    "answer_rate",
    "selective_accuracy",
    "auroc",
    "ece",
    "coverage@0.90",
    "coverage@0.95",
    "handoff_recall",
    "out_of_scope_answered",
    "language_accuracy",
)

BASELINE_COLUMNS = (
    "recall@1",
    "recall@3",
    "mrr",
    "auroc",
    "coverage@0.80",
    "coverage@0.90",
    "coverage@0.95",
    "aurc",
    "answer_rate",
    "selective_accuracy",
    "handoff_recall",
    "estimated_deflection",
)

CURVE_COLUMNS = (
    "recall@1",
    "coverage@0.90",
    "coverage@0.95",
    "auroc",
    "ece",
    "answer_rate",
    "selective_accuracy",
)
CURVE_CHARTS = (
    ("recall@1", "right article first"),
    ("coverage@0.95", "could be answered at 95 % right"),
)

_PLAIN = (
    "auroc",
    "mrr",
    "ece",
    "brier",
    "calibration",
    "aurc",
    "choices_auroc",
    "choices_ece",
    "scope_auroc",
)


def render_report(metrics: Mapping[str, Any], predictions: Sequence[Prediction], *, site: str = "") -> str:
    """The whole page; ``site`` is the help center's address, put before the articles' links."""
    baselines = metrics["baselines"]
    curves = [
        Curve("Helppari", metrics["risk_coverage"]),
        *(Curve(name, points) for name, points in metrics["risk_coverage_of_baselines"].items()),
    ]
    point = _operating_point(metrics)
    # Runs from before there were learning curves have none.
    learning = metrics.get("learning_curve")
    learners = (
        list(dict.fromkeys(name for row in learning["rows"] for name in row["systems"])) if learning else []
    )
    return render_page(
        "report.html",
        m=metrics,
        site=site.rstrip("/"),
        tiles=[(name, words) for name, words in TILES if metrics["measures"][name]["value"] is not None],
        slice_columns=[
            name for name in SLICE_COLUMNS if _anywhere(name, metrics["languages"], metrics["tags"])
        ],
        ranking_baselines=[name for name in baselines if "recall@1" in baselines[name]["measures"]],
        baseline_columns=BASELINE_COLUMNS,
        against=AGAINST,
        scope_rows=[(words, name) for words, name in SCOPE_ROWS if metrics["measures"][name]["n"]],
        promises=[
            *metrics.get("promise_by_language", {}).items(),
            ("all", metrics["promise"]),
        ],
        reliability=reliability_diagram(metrics["reliability"], title="Reliability diagram"),
        reliability_by_language={
            lang: reliability_diagram(bins, title=f"Reliability diagram, {lang}")
            for lang, bins in metrics["reliability_by_language"].items()
            if len(metrics["reliability_by_language"]) > 1 and bins
        },
        risk_coverage=risk_coverage_chart(
            curves, point, goal=metrics["promise"]["answers"]["goal"], title="Risk-coverage curves"
        ),
        legend=legend([curve.name for curve in curves], operating=point is not None),
        curve=learning,
        curve_columns=CURVE_COLUMNS,
        curve_charts=[
            learning_chart(learning["rows"], learners, name, words=words, title=f"Learning curve, {name}")
            for name, words in CURVE_CHARTS
            if learning
        ],
        curve_legend=legend(learners, operating=False),
        failing_turns=_failing_turns(metrics["conversations"]),
        worst=worst_cases(predictions),
    )


def render_page(name: str, **values: object) -> str:
    """One of the templates as a page of its own: style inside, no scripts, nothing from outside."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["figure"] = show_figure
    environment.filters["number"] = show_number
    environment.filters["chance"] = show_chance
    environment.filters["ahead"] = show_ahead
    environment.globals["better"] = {name: str(measure.better) for name, measure in MEASURES.items()}
    folder = resources.files("evals") / "templates"
    style = Markup((folder / "report.css").read_text(encoding="utf-8"))
    template = environment.from_string((folder / name).read_text(encoding="utf-8"))
    return template.render(style=style, **values)


def show_number(value: float | None, name: str) -> str:
    """A measure's value as readers expect it: a percentage for shares, decimals for the rest."""
    if value is None:
        return "–"
    if name.startswith(_PLAIN):
        return f"{value:.3f}"
    return f"{100 * value:.1f} %"


def show_chance(p: float | None) -> str:
    """A p-value."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def show_figure(figure: Mapping[str, Any] | None, name: str) -> Markup:
    """A table cell's content: the value, its interval and its n."""
    if figure is None:
        return Markup("")
    if figure["value"] is None:
        return Markup('<span class="none" title="undefined: nothing to judge">–</span>')
    unscored = f", {figure['unscored']} unscored" if figure["unscored"] else ""
    interval = Markup("")
    if figure["low"] is not None:
        interval = Markup('<span class="interval">{} – {}</span>').format(
            show_number(figure["low"], name).removesuffix(" %"), show_number(figure["high"], name)
        )
    return Markup('<span class="value" title="n = {}{}">{}</span>{}').format(
        figure["n"], unscored, show_number(figure["value"], name), interval
    )


def show_ahead(difference: Mapping[str, Any]) -> Markup:
    """A difference of recall@1 in percentage points, with its interval."""
    if difference["recall@1"] is None:
        return Markup("–")
    interval = Markup("")
    if difference["low"] is not None:
        interval = Markup('<span class="interval">{:+.1f} – {:+.1f}</span>').format(
            100 * difference["low"], 100 * difference["high"]
        )
    return Markup('<span class="value">{:+.1f}</span>{}').format(100 * difference["recall@1"], interval)


def _failing_turns(conversations: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The first turn of each conversation that went otherwise than expected, with what was said before it."""
    found = []
    for conversation in conversations["table"] if conversations else ():
        turns = conversation["turns"]
        place = next((place for place, turn in enumerate(turns) if turn["fault"]), None)
        if place is not None:
            before = turns[place - 1]["said"] if place else ""
            found.append({**turns[place], "id": conversation["id"], "before": before})
    return found


def _anywhere(name: str, *tables: Mapping[str, Any]) -> bool:
    # A run of an earlier version may lack a measure.
    return any(
        name in part and part[name]["value"] is not None for table in tables for part in table.values()
    )


def _operating_point(metrics: Mapping[str, Any]) -> OperatingPoint | None:
    answers = metrics["promise"]["answers"]
    judged = sum(b["n"] for b in metrics["reliability"])
    if not answers["n"] or not judged:
        return None
    return OperatingPoint(coverage=answers["n"] / judged, risk=1 - answers["realised"])
