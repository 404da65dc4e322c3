"""Charts of a report as self-contained SVG; the page gives the colours, so they follow its theme."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from evals.intervals import wilson

_SIZE = 360  #: width and height of the plotting area
_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 14, 16, 46
_HISTOGRAM = 44


class Curve(NamedTuple):
    """One line of a risk-coverage chart."""

    name: str
    points: Sequence[Mapping[str, float]]  #: with ``coverage`` and ``risk``


class OperatingPoint(NamedTuple):
    """Where the bot's own thresholds put it."""

    coverage: float
    risk: float


def reliability_diagram(bins: Sequence[Mapping[str, float]], *, title: str) -> Markup:
    """Accuracy against stated confidence, one dot a bin with its 95 % interval, counts below."""
    parts = [_axes("stated confidence", "share that is right", extra=_HISTOGRAM)]
    parts.append(_line("diagonal", [(0.0, 0.0), (1.0, 1.0)]))
    most = max((b["n"] for b in bins), default=1)
    for b in bins:
        x, y = _x(b["confidence"]), _y(b["right"])
        interval = wilson(b["right"] * b["n"], b["n"])
        if interval:
            parts.append(
                f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{_y(interval.low):.1f}" '
                f'y2="{_y(interval.high):.1f}"/>'
            )
        words = f"{b['n']:.0f} questions: says {b['confidence']:.0%}, right {b['right']:.0%}"
        parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"><title>{words}</title></circle>')
        height = (_HISTOGRAM - 8) * b["n"] / most
        left, right = _x(b["low"]) + 1.5, _x(b["high"]) - 1.5
        base = _TOP + _SIZE + _HISTOGRAM + 28
        parts.append(
            f'<rect class="count" x="{left:.1f}" y="{base - height:.1f}" width="{right - left:.1f}" '
            f'height="{height:.1f}"><title>{words}</title></rect>'
        )
    if len(bins) > 1:
        parts.insert(2, _line("curve c0", [(b["confidence"], b["right"]) for b in bins]))
    words = "Dots on the diagonal: the confidence can be taken at its word; below it: too sure."
    return _svg(parts, title=title, description=words, extra=_HISTOGRAM + 28)


def risk_coverage_chart(
    curves: Sequence[Curve], point: OperatingPoint | None, *, goal: float, title: str
) -> Markup:
    """Share of wrong answers against share answered, a curve a system; lower is better."""
    most = max((p["risk"] for curve in curves for p in curve.points), default=1.0)
    top = next(
        step for step in (0.1, 0.2, 0.4, 0.6, 0.8, 1.0) if step >= min(1.0, max(most, 1.5 * (1 - goal)))
    )
    parts = [_axes("share of questions answered", "share of answers that is wrong", top=top)]
    parts.append(_line("goal", [(0.0, (1 - goal) / top), (1.0, (1 - goal) / top)]))
    parts.append(
        f'<text class="note" x="{_x(1.0) - 4:.1f}" y="{_y((1 - goal) / top) - 5:.1f}" text-anchor="end">'
        f"goal: {goal:.0%} right</text>"
    )
    for number, curve in reversed(list(enumerate(curves))):
        line = [(p["coverage"], p["risk"] / top) for p in curve.points]
        parts.append(_line(f"curve c{number % 6}", line, title=curve.name))
    if point:
        words = f"at the bot's own thresholds: {point.coverage:.0%} answered, {point.risk:.1%} of them wrong"
        parts.append(
            f'<circle class="operating" cx="{_x(point.coverage):.1f}" cy="{_y(point.risk / top):.1f}" r="6">'
            f"<title>{words}</title></circle>"
        )
    return _svg(parts, title=title, description="Lower is better; the surest questions are at the left.")


def learning_chart(
    rows: Sequence[Mapping[str, Any]], names: Sequence[str], measure: str, *, words: str, title: str
) -> Markup:
    """A measure against the number of example questions an article, a line a system; higher is better.

    ``rows`` are those of ``metrics.json``; a system that lacks the measure at some k has no point there.
    """
    most = max((row["k"] for row in rows), default=0) or 1
    lines: list[list[tuple[float, Mapping[str, Any]]]] = [
        [
            (row["k"] / most, figure)
            for row in rows
            if (figure := row["systems"].get(name, {}).get(measure)) and figure["value"] is not None
        ]
        for name in names
    ]
    values = [figure[end] for line in lines for _, figure in line for end in ("value", "high")]
    bottom, top = _range([value for value in values if value is not None])
    at = {row["k"] / most: str(row["k"]) for row in rows}
    parts = [_axes("example questions an article", words, bottom=bottom, top=top, x_ticks=at)]
    for number, line in reversed(list(enumerate(lines))):
        points = [(x, _above(figure["value"], bottom, top)) for x, figure in line]
        parts.append(_line(f"curve c{number % 6}", points, title=names[number]))
        for (x, figure), (_, y) in zip(line, points, strict=True):
            if number == 0 and figure["low"] is not None:
                low, high = (_y(_above(figure[end], bottom, top)) for end in ("low", "high"))
                parts.append(
                    f'<line class="whisker" x1="{_x(x):.1f}" x2="{_x(x):.1f}" y1="{low:.1f}" '
                    f'y2="{high:.1f}"/>'
                )
            says = escape(f"{names[number]}, k = {at[x]}: {figure['value']:.1%} (n = {figure['n']})")
            parts.append(
                f'<circle class="mark m{number % 6}" cx="{_x(x):.1f}" cy="{_y(y):.1f}" r="3.5">'
                f"<title>{says}</title></circle>"
            )
    return _svg(parts, title=title, description="Higher is better; no question asked was ever shown.")


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The smallest range with five round steps that shows all values."""
    least, most = min(values, default=0.0), max(values, default=1.0)
    for step in (0.02, 0.05, 0.1):
        bottom = max(0.0, math.floor(least / step) * step)
        if bottom + 5 * step >= most:
            bottom = min(bottom, 1 - 5 * step)
            return round(bottom, 2), round(bottom + 5 * step, 2)
    return 0.0, 1.0


def _above(value: float, bottom: float, top: float) -> float:
    return (value - bottom) / (top - bottom)


def difference_bar(low: float, change: float, high: float, widest: float) -> Markup:
    """A difference and its interval beside the line of no difference, in a table's cell."""

    def at(value: float) -> float:
        return 80 + 72 * max(-1.0, min(1.0, value / widest))

    return Markup(
        '<svg class="forest" viewBox="0 0 160 16" aria-hidden="true"><path class="zero" d="M80 0V16"/>'
        f'<path class="span" d="M{at(low):.1f} 8H{at(high):.1f}"/>'
        f'<circle cx="{at(change):.1f}" cy="8" r="4"/></svg>'
    )


def legend(names: Sequence[str], *, operating: bool) -> Markup:
    """What each line of a chart is."""
    line = '<svg viewBox="0 0 26 8" aria-hidden="true"><path class="curve c{}" d="M1 4H25"/></svg>'
    ring = (
        '<svg viewBox="0 0 26 14" aria-hidden="true"><circle class="operating" cx="13" cy="7" r="5"/></svg>'
    )
    items = [
        Markup("<li>{}{}</li>").format(Markup(line).format(number % 6), name)
        for number, name in enumerate(names)
    ]
    if operating:
        items.append(Markup(f"<li>{ring}the bot's own thresholds</li>"))
    return Markup('<ul class="legend">{}</ul>').format(Markup("").join(items))


def _x(share: float) -> float:
    return _LEFT + _SIZE * min(1.0, max(0.0, share))


def _y(share: float) -> float:
    return _TOP + _SIZE * (1 - min(1.0, max(0.0, share)))


def _line(name: str, points: Sequence[tuple[float, float]], *, title: str = "") -> str:
    if not points:
        return ""
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    inside = f"<title>{escape(title)}</title>" if title else ""
    return f'<polyline class="{name}" points="{path}">{inside}</polyline>'


_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_SHARES = {tick: f"{tick:.0%}" for tick in _TICKS}


def _axes(
    x_words: str,
    y_words: str,
    *,
    extra: int = 0,
    top: float = 1.0,
    bottom: float = 0.0,
    x_ticks: Mapping[float, str] = _SHARES,
) -> str:
    """Grid and labels; the y axis goes from ``bottom`` to ``top``."""
    parts = []
    for tick in _TICKS:
        parts.append(
            f'<line class="grid" x1="{_x(0)}" x2="{_x(1)}" y1="{_y(tick):.1f}" y2="{_y(tick):.1f}"/>'
            f'<text class="tick" x="{_LEFT - 7}" y="{_y(tick) + 4:.1f}" text-anchor="end">'
            f"{bottom + tick * (top - bottom):.0%}</text>"
        )
    for place, label in x_ticks.items():
        parts.append(
            f'<text class="tick" x="{_x(place):.1f}" y="{_TOP + _SIZE + 17}" text-anchor="middle">'
            f"{label}</text>"
        )
    x_at = _TOP + _SIZE + 38 + (extra + 10 if extra else 0)
    parts.append(f'<text class="axis" x="{_x(0.5)}" y="{x_at}" text-anchor="middle">{x_words}</text>')
    parts.append(
        f'<text class="axis" x="14" y="{_y(0.5)}" text-anchor="middle" '
        f'transform="rotate(-90 14 {_y(0.5)})">{y_words}</text>'
    )
    return "".join(parts)


def _svg(parts: Sequence[str], *, title: str, description: str, extra: int = 0) -> Markup:
    width, height = _LEFT + _SIZE + _RIGHT, _TOP + _SIZE + _BOTTOM + (extra - 16 if extra else 0)
    # The parts are made of numbers and of words that are escaped above.
    return Markup(
        f'<svg class="chart" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )
