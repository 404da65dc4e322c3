"""The table that a run prints: figures that tell what was tried, then each promise and how often it broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.faults.ledger import RULES, Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line: what was counted or measured."""

    what: str
    value: float
    unit: str = ""
    least: float | None = None  #: fewer, and the run has not tried what it is for


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to."""

    name: str
    figures: Sequence[Figure]
    violations: Sequence[Violation]
    rules: Sequence[str] = RULES

    @property
    def idle(self) -> list[Figure]:
        """Figures that show that the run has not tried what it is for."""
        return [one for one in self.figures if one.least is not None and one.value < one.least]

    @property
    def kept(self) -> bool:
        """Whether everything was kept, and tried."""
        return not self.violations and not self.idle

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        broken = Counter(one.rule for one in self.violations)
        return {
            "name": self.name,
            "kept": self.kept,
            "figures": [{"what": one.what, "value": one.value, "unit": one.unit} for one in self.figures],
            "promises": [{"rule": rule, "broken": broken[rule]} for rule in self.rules],
            "violations": [{"rule": one.rule, "detail": one.detail} for one in self.violations],
        }

    def table(self) -> str:
        """The result for people."""
        broken = Counter(one.rule for one in self.violations)
        width = max(len(text) for text in (*self.rules, *(one.what for one in self.figures)))
        lines = [self.name, ""]
        for one in self.figures:
            number = f"{one.value:,.0f}" if one.value == int(one.value) else f"{one.value:,.1f}"
            few = f"  TOO FEW, wanted {one.least:g}" if one in self.idle else ""
            lines.append(f"{one.what:<{width}}  {number:>8} {one.unit}{few}".rstrip())
        lines += ["", f"{'promise':<{width}}  {'broken':>8}"]
        for rule in self.rules:
            mark = "  BROKEN" if broken[rule] else ""
            lines.append(f"{rule:<{width}}  {broken[rule]:>8}{mark}")
        for violation in self.violations[:20]:
            lines.append(f"! {violation.rule}: {violation.detail}")
        return "\n".join(lines)
