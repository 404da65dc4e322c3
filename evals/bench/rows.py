"""The rows that a benchmark prints: what was measured, against which budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np


class Unit(StrEnum):
    """What a number counts."""

    TIMES = "x"
    SHARE = "%"
    MILLISECONDS = "ms"
    SECONDS = "s"
    MEGABYTES = "MB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured number and its budget."""

    what: str
    value: float
    budget: float
    unit: Unit
    at_most: bool = True  #: False: the value must reach the budget
    detail: str = ""  #: how it came about: counts, times, machine

    @property
    def kept(self) -> bool:
        """Whether the budget is kept."""
        return self.value <= self.budget if self.at_most else self.value >= self.budget

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {
            "what": self.what,
            "value": round(self.value, 4),
            "budget": self.budget,
            "unit": str(self.unit),
            "at_most": self.at_most,
            "kept": self.kept,
            "detail": self.detail,
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` of the values do not exceed (interpolated)."""
    return float(np.quantile(np.array(values), share))


def table(rows: Sequence[Row]) -> str:
    """The rows for people."""
    lines = [("", "measured", "budget", "", "")]
    for row in rows:
        bound = ("≤ " if row.at_most else "≥ ") + _number(row.budget, row.unit)
        measured = _number(row.value, row.unit)
        lines.append((row.what, measured, bound, "kept" if row.kept else "MISSED", row.detail))
    widths = [max(len(line[i]) for line in lines) for i in range(4)]
    a, b, c, d = widths
    return "\n".join(
        f"{what:<{a}}  {measured:>{b}}  {bound:>{c}}  {kept:<{d}}  {detail}".rstrip()
        for what, measured, bound, kept, detail in lines
    )


def _number(value: float, unit: Unit) -> str:
    if unit is Unit.SHARE:
        return f"{100 * value:.0f} %"
    return f"{value:.2f} {unit}" if unit is not Unit.MEGABYTES else f"{value:.0f} {unit}"
