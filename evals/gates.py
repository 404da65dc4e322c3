"""Gates: bounds that a run must keep, read from a TOML file whose head explains them."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evals.catalogue import MEASURES, Better
from evals.errors import GatesError
from evals.figures import Method, Resampling, Sample
from evals.intervals import binomial_at_most, holm
from evals.predictions import Prediction

_OF_CONVERSATIONS = {
    "conversations_as_expected": ("as_expected", "n"),
    "turns_as_expected": ("turns_as_expected", "turns"),
}


class By(StrEnum):
    """Which slices a gate looks at."""

    ALL = "all"
    LANGUAGE = "language"
    TAG = "tag"


class Verdict(StrEnum):
    """What came of a gate."""

    KEPT = "kept"
    MISSED = "missed"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One bound on one measure."""

    measure: str
    bound: float | None  #: None: comes from ``stored``, a slice at a time
    higher: bool  #: the value must not be below the bound (else: not above)
    tolerance: float = 0.0
    by: By = By.ALL
    stored: Mapping[str, Any] | None = None  #: the metrics of an earlier run

    @property
    def words(self) -> str:
        """The gate as people read it."""
        sign = "≥" if self.higher else "≤"
        bound = "the stored value" if self.bound is None else f"{self.bound:g}"
        slack = f" (tolerance {self.tolerance:g})" if self.tolerance else ""
        return f"{self.measure} {sign} {bound}{slack}"

    def bound_for(self, label: str) -> float | None:
        """The bound in a slice, tolerance applied; None when the earlier run has no such value."""
        bound = self.bound
        if self.stored is not None:
            table = {By.ALL: None, By.LANGUAGE: "languages", By.TAG: "tags"}[self.by]
            part = self.stored["measures"] if table is None else self.stored[table].get(label, {})
            bound = part.get(self.measure, {}).get("value")
        if bound is None:
            return None
        return bound - self.tolerance if self.higher else bound + self.tolerance


class Gates(NamedTuple):
    """A gates file."""

    gates: tuple[Gate, ...]
    alpha: float  #: the chance of a false alarm in any slice of one gate


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """A gate in one slice."""

    gate: Gate
    slice: str
    value: float | None
    bound: float | None
    n: int
    verdict: Verdict
    p: float | None = None  #: Holm-adjusted chance of such a value if the bound were kept

    @property
    def sentence(self) -> str:
        """What happened, with which value."""
        where = "" if self.slice == "all" else f" in {self.slice}"
        if self.value is None:
            return f"{self.gate.measure}{where}: nothing to judge"
        if self.bound is None:
            return f"{self.gate.measure}{where}: the stored run has no such value"
        p = "" if self.p is None else f", p = {self.p:.3f}"
        return f"{self.gate.measure}{where} is {self.value:.4f} (n = {self.n}{p}); {self.gate.words}"

    def to_json(self) -> dict[str, Any]:
        """The result as JSON values."""
        return {
            "measure": self.gate.measure,
            "words": self.gate.words,
            "slice": self.slice,
            "value": None if self.value is None else round(self.value, 6),
            "bound": None if self.bound is None else round(self.bound, 6),
            "n": self.n,
            "p": None if self.p is None else round(self.p, 6),
            "verdict": str(self.verdict),
            "sentence": self.sentence,
        }


def shipped_gates() -> Path:
    """The gates file that comes with the program."""
    with resources.as_file(resources.files("evals") / "gates.toml") as path:
        return path


def read_gates(path: Path) -> Gates:
    """The gates of a file; raises ``GatesError`` with the gate's number and key at the first fault."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise GatesError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise GatesError(f"{path}: cannot be read as TOML: {error}") from error
    _known(document, ("alpha", "gate"), where=str(path))
    alpha = document.get("alpha", 0.05)
    if not _is_number(alpha) or not 0 < alpha < 1:
        raise GatesError(f"{path}: 'alpha' is {alpha!r}: write a number between 0 and 1")
    tables = document.get("gate", [])
    if not isinstance(tables, list) or not tables:
        raise GatesError(f"{path}: holds no gates: write [[gate]] tables")
    return Gates(
        tuple(
            _gate(table, where=f"{path}: gate {i}", folder=path.parent) for i, table in enumerate(tables, 1)
        ),
        float(alpha),
    )


def judge(
    gates: Gates, predictions: Sequence[Prediction], metrics: Mapping[str, Any], resampling: Resampling
) -> tuple[GateResult, ...]:
    """Every gate in every slice that it looks at; raises ``GatesError`` where chance cannot be told."""
    if not resampling.resamples and any(gate.by is not By.ALL for gate in gates.gates):
        raise GatesError("gates by language or tag need resamples: leave --resamples 0 out")
    results: list[GateResult] = []
    for gate in gates.gates:
        if gate.measure in _OF_CONVERSATIONS:
            results.append(_of_conversations(gate, metrics.get("conversations")))
        elif gate.by is By.ALL:
            figure = metrics["measures"][gate.measure]
            results.append(_by_value(gate, figure["value"], figure["n"]))
        else:
            results += _by_slice(gate, predictions, resampling, gates.alpha)
    return tuple(results)


def _by_value(gate: Gate, value: float | None, n: int) -> GateResult:
    bound = gate.bound_for("all")
    verdict = Verdict.NOT_JUDGED
    if value is not None and bound is not None:
        # Metrics are rounded to six digits.
        distance = value - bound if gate.higher else bound - value
        verdict = Verdict.KEPT if distance >= -1e-6 else Verdict.MISSED
    return GateResult(gate=gate, slice="all", value=value, bound=bound, n=n, verdict=verdict)


def _by_slice(
    gate: Gate, predictions: Sequence[Prediction], resampling: Resampling, alpha: float
) -> list[GateResult]:
    parts: dict[str, list[Prediction]] = {}
    for p in predictions:
        label = p.question.lang if gate.by is By.LANGUAGE else p.question.tag or "(none)"
        parts.setdefault(label, []).append(p)
    found: list[GateResult] = []
    chances: dict[str, float] = {}
    for label, part in sorted(parts.items()):
        sample = Sample(part, resampling)
        figure = sample.figure(MEASURES[gate.measure])
        bound = gate.bound_for(label)
        result = GateResult(
            gate=gate,
            slice=label,
            value=figure.value,
            bound=bound,
            n=figure.n,
            verdict=Verdict.NOT_JUDGED,
        )
        found.append(result)
        if figure.value is None or bound is None:
            continue
        if figure.method is Method.WILSON:
            right = round(figure.value * figure.clusters)
            chances[label] = (
                binomial_at_most(right, figure.clusters, bound)
                if gate.higher
                else binomial_at_most(figure.clusters - right, figure.clusters, 1 - bound)
            )
        else:
            resampled = sample.resampled(MEASURES[gate.measure])
            resampled = resampled[~np.isnan(resampled)]
            kept = int(np.sum(resampled >= bound if gate.higher else resampled <= bound))
            chances[label] = (kept + 1) / (len(resampled) + 1)
    adjusted = dict(zip(chances, holm(list(chances.values())), strict=True))
    return [
        GateResult(
            gate=gate,
            slice=result.slice,
            value=result.value,
            bound=result.bound,
            n=result.n,
            p=adjusted[result.slice],
            verdict=Verdict.MISSED if adjusted[result.slice] < alpha else Verdict.KEPT,
        )
        if result.slice in adjusted
        else result
        for result in found
    ]


def _of_conversations(gate: Gate, conversations: Mapping[str, Any] | None) -> GateResult:
    if not conversations:
        return _by_value(gate, None, 0)
    good, all_ = _OF_CONVERSATIONS[gate.measure]
    return _by_value(gate, conversations[good] / conversations[all_], conversations[all_])


def _gate(table: object, *, where: str, folder: Path) -> Gate:
    if not isinstance(table, dict):
        raise GatesError(f"{where}: write a [[gate]] table")
    _known(table, ("measure", "at_least", "at_most", "no_worse_than", "tolerance", "by"), where=where)
    name = table.get("measure")
    names = (*MEASURES, *_OF_CONVERSATIONS)
    if name not in names:
        raise GatesError(f"{where}: there is no measure {name!r}{_near(str(name), names)}")
    bounds = [key for key in ("at_least", "at_most", "no_worse_than") if key in table]
    if len(bounds) != 1:
        raise GatesError(f"{where}: write one of at_least, at_most and no_worse_than, not {len(bounds)}")
    value, tolerance, by = table[bounds[0]], table.get("tolerance", 0.0), table.get("by", "all")
    if not _is_number(tolerance) or tolerance < 0:
        raise GatesError(f"{where}: 'tolerance' is {tolerance!r}: write a number of at least 0")
    if by not in list(By):
        raise GatesError(f"{where}: 'by' is {by!r}: write one of {', '.join(By)}")
    if name in _OF_CONVERSATIONS and by != By.ALL:
        raise GatesError(f"{where}: {name} is known only for all conversations: leave 'by' out")
    stored, higher = None, bounds[0] == "at_least"
    if bounds[0] == "no_worse_than":
        better = MEASURES[name].better if name in MEASURES else Better.HIGHER
        if name in _OF_CONVERSATIONS or better is Better.NEITHER:
            raise GatesError(f"{where}: {name} has no better and worse: use at_least or at_most")
        stored, higher = _stored(value, folder, where=where), better is Better.HIGHER
    elif not _is_number(value):
        raise GatesError(f"{where}: {bounds[0]!r} is {value!r}: write a number")
    return Gate(
        measure=name,
        bound=None if stored is not None else float(value),
        higher=higher,
        tolerance=float(tolerance),
        by=By(by),
        stored=stored,
    )


def _stored(value: object, folder: Path, *, where: str) -> Mapping[str, Any]:
    path = folder / str(value)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(document[key], dict) for key in ("measures", "languages", "tags")):
            raise ValueError("it is not a metrics.json")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise GatesError(f"{where}: cannot use the stored run {path}: {error}") from error
    return dict(document)


def _known(table: Mapping[str, Any], known: Sequence[str], *, where: str) -> None:
    for key in table:
        if key not in known:
            raise GatesError(f"{where}: there is no key {key!r}{_near(key, known)}")


def _near(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    return f" (did you mean {near[0]!r}?)" if near else f": {', '.join(names)}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
