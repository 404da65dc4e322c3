"""Whether what happened agrees with the probabilities that the index states, language by language.

Two sorts of evidence, one JSON object a line. *Labels*: questions as evals have them (``{"lang", "text",
"gold", "kind"}``), drawn from what customers ask. *Feedback*: ``{"lang", "text", "article_id", "helped"}``,
what customers said of answers that they were shown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.console import Progress, no_progress
from indexer.errors import KnowledgeBaseError
from indexer.index import Index

#: Fewer judged questions of a language than this say nothing.
LEAST = 20
#: The chance of any false warning in one check.
ALPHA = 0.05
BINS = 5

_LABELS = '{"lang": ..., "text": ..., "gold": [article ids], "kind": "in_scope" or "absent"}'
_FEEDBACK = '{"lang": ..., "text": ..., "article_id": ..., "helped": true or false}'
_ON_SUBJECT = ("in_scope", "absent")
_KINDS = (*_ON_SUBJECT, "out_of_scope", "human_request")
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One question and what is known about it."""

    lang: str
    text: str
    gold: frozenset[str]  #: articles of which any is right; empty: none there is
    refused: frozenset[str] = frozenset()  #: articles known to be wrong; others may be right
    known: bool = True  #: whether what is neither gold nor refused is known to be wrong


class Outcome(NamedTuple):
    """A stated probability, what it would be at the share that the labels suggest, and what came true."""

    stated: float
    restated: float
    right: bool


class Bin(NamedTuple):
    """Outcomes whose stated probability lies in one range."""

    stated: float  #: mean
    right: float  #: share
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageAgreement:
    """One language: what was stated and what came true."""

    lang: str
    n: int
    right: int
    expected: float  #: sum of the stated probabilities
    p_mean: float | None  #: two-sided, that as many or few come true; None with fewer than ``LEAST``
    p_shape: float | None  #: two-sided, Spiegelhalter's test: too extreme or too timid
    p_mean_restated: float | None  #: as ``p_mean``, stated for the absent share that the labels suggest
    reliability: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentShare:
    """How many of the on-subject questions no article answers."""

    stated: float  #: what the confidence is stated for
    absent: int
    n: int
    low: float  #: Wilson's 95 % interval of absent / n
    high: float

    @property
    def share(self) -> float:
        """What the labels suggest."""
        return self.absent / self.n

    @property
    def differs(self) -> bool:
        """Whether the stated share lies outside the interval."""
        return not self.low <= self.stated <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What labels or feedback say of an index."""

    index_id: str
    source: str
    languages: tuple[LanguageAgreement, ...]
    absent: AbsentShare | None  #: None for feedback: only answers that were shown are in it
    unknown: int  #: questions whose top article nobody has judged

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each disagreement beyond chance (Holm over languages and tests)."""
        tests = [
            (p, each, sort)
            for each in self.languages
            for sort, p in (("mean", each.p_mean), ("shape", each.p_shape))
            if p is not None
        ]
        found = []
        for rank, (p, each, sort) in enumerate(sorted(tests, key=lambda test: test[0])):
            if p * (len(tests) - rank) >= ALPHA:
                break
            found.append(_mean_warning(each, p) if sort == "mean" else _shape_warning(each, p))
        if self.absent is not None and self.absent.differs:
            found.append(
                f"labels suggest that {self.absent.share:.0%} of the questions have no article "
                f"({self.absent.low:.0%} to {self.absent.high:.0%}, n = {self.absent.n}), the confidence is "
                f"stated for {self.absent.stated:.0%}: set [answering] absent_share if the labels are a "
                "random sample of what customers ask, and build again"
            )
        return tuple(found)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "index_id": self.index_id,
            "source": self.source,
            "languages": {each.lang: _language_json(each) for each in self.languages},
            "absent_share": None
            if self.absent is None
            else {
                "stated": self.absent.stated,
                "suggested": round(self.absent.share, 6),
                "low": round(self.absent.low, 6),
                "high": round(self.absent.high, 6),
                "n": self.absent.n,
            },
            "unknown": self.unknown,
            "warnings": list(self.warnings),
        }

    def lines(self) -> Iterator[str]:
        """What a person reads, without the warnings."""
        for each in self.languages:
            few = (
                f"; fewer than {LEAST}, too few to judge"
                if each.p_mean is None
                else f", p {_chance(each.p_mean)}"
            )
            yield f"{each.lang}: {each.right} of {each.n} right, {each.expected:.1f} expected{few}"
            for b in each.reliability:
                yield f"  says {b.stated:4.0%}, right {b.right:4.0%} (n = {b.n})"
        if self.absent is not None:
            yield (
                f"questions without an article: {self.absent.absent} of {self.absent.n} = "
                f"{self.absent.share:.0%} ({self.absent.low:.0%} to {self.absent.high:.0%}), "
                f"stated {self.absent.stated:.0%}"
            )
        if self.unknown:
            yield f"{self.unknown} questions are left out: nobody has judged the article that comes first now"


def read_labels(path: Path) -> tuple[Evidence, ...]:
    """On-subject questions with their right articles; raises ``KnowledgeBaseError`` with file and line."""
    found = []
    for number, record in _records(path, _LABELS):
        kind, gold = record.get("kind", "in_scope"), record.get("gold", [])
        if kind not in _KINDS or not isinstance(gold, list) or not all(isinstance(g, str) for g in gold):
            raise KnowledgeBaseError(f"{path}:{number}: write {_LABELS} on each line")
        # Without gold an in_scope question has not been judged.
        if kind in _ON_SUBJECT and (gold or kind == "absent"):
            right = frozenset(gold) if kind == "in_scope" else frozenset()
            found.append(Evidence(lang=record["lang"], text=record["text"], gold=right))
    if not found:
        raise KnowledgeBaseError(f"{path} holds no labelled question: write {_LABELS} on each line")
    return tuple(found)


def read_feedback(path: Path) -> tuple[Evidence, ...]:
    """Answers that helped or did not; raises ``KnowledgeBaseError`` with file and line."""
    found = []
    for number, record in _records(path, _FEEDBACK):
        article, helped = record.get("article_id"), record.get("helped")
        if not isinstance(article, str) or not isinstance(helped, bool):
            raise KnowledgeBaseError(f"{path}:{number}: write {_FEEDBACK} on each line")
        named, nobody = frozenset({article}), frozenset[str]()
        found.append(
            Evidence(
                lang=record["lang"],
                text=record["text"],
                gold=named if helped else nobody,
                refused=nobody if helped else named,
                known=False,
            )
        )
    if not found:
        raise KnowledgeBaseError(f"{path} holds no feedback: write {_FEEDBACK} on each line")
    return tuple(found)


def agreement(
    index: Index,
    evidence: Sequence[Evidence],
    *,
    source: str,
    labels: bool,
    progress: Progress = no_progress,
) -> Agreement:
    """Ask every question and hold the confidence against what is known."""
    ids = {key.id for key in index.keys()}  # noqa: SIM118 - an index is no mapping
    absent = _absent_share(index, evidence, ids) if labels else None
    suggested = index if absent is None else index.with_absent_share(min(absent.share, 0.95))
    by_lang: dict[str, list[Outcome]] = {}
    unknown = 0
    for done, each in enumerate(evidence, start=1):
        found = index.search(each.text, k=1)
        restated = found if suggested is index else suggested.search(each.text, k=1)
        top = found.hits[0].article_id if found.hits else ""
        if top in each.gold or top in each.refused or each.known:
            outcome = Outcome(
                found.probabilities.confidence, restated.probabilities.confidence, top in each.gold
            )
            by_lang.setdefault(each.lang, []).append(outcome)
        else:
            unknown += 1
        if done % 50 == 0 or done == len(evidence):
            progress("asking", done, len(evidence))
    return Agreement(
        index_id=index.index_id,
        source=source,
        languages=tuple(judge_language(lang, outcomes) for lang, outcomes in sorted(by_lang.items())),
        absent=absent,
        unknown=unknown,
    )


def poisson_binomial_p(probabilities: Sequence[float], hits: int) -> float:
    """Two-sided p-value of ``hits`` independent events with these probabilities, exactly."""
    counts: NDArray[np.float64] = np.ones(1)
    for p in probabilities:
        counts = np.convolve(counts, (1.0 - p, p))
    return float(min(1.0, 2.0 * min(counts[: hits + 1].sum(), counts[hits:].sum())))


def spiegelhalter_p(probabilities: Sequence[float], right: Sequence[bool]) -> float:
    """Two-sided p-value that the Brier score is what calibrated probabilities give (Spiegelhalter 1986)."""
    p = np.array(probabilities, np.float64)
    y = np.array(right, np.float64)
    spread = float(np.sum((1 - 2 * p) ** 2 * p * (1 - p)))
    if spread <= 0.0:
        return 1.0
    z = float(np.sum((y - p) * (1 - 2 * p))) / math.sqrt(spread)
    return math.erfc(abs(z) / math.sqrt(2.0))


def judge_language(lang: str, outcomes: Sequence[Outcome]) -> LanguageAgreement:
    """The outcomes of one language, tested where there are enough."""
    stated = [o.stated for o in outcomes]
    right = [o.right for o in outcomes]
    enough = len(outcomes) >= LEAST
    return LanguageAgreement(
        lang=lang,
        n=len(outcomes),
        right=sum(right),
        expected=math.fsum(stated),
        p_mean=poisson_binomial_p(stated, sum(right)) if enough else None,
        p_shape=spiegelhalter_p(stated, right) if enough else None,
        p_mean_restated=poisson_binomial_p([o.restated for o in outcomes], sum(right)) if enough else None,
        reliability=_reliability(outcomes),
    )


def _reliability(outcomes: Sequence[Outcome]) -> tuple[Bin, ...]:
    parts: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        parts.setdefault(min(int(outcome.stated * BINS), BINS - 1), []).append(outcome)
    return tuple(
        Bin(math.fsum(o.stated for o in some) / len(some), sum(o.right for o in some) / len(some), len(some))
        for _, some in sorted(parts.items())
    )


def _absent_share(index: Index, evidence: Sequence[Evidence], ids: set[str]) -> AbsentShare:
    n = len(evidence)
    absent = sum(not each.gold & ids for each in evidence)
    share, z2 = absent / n, _Z95 * _Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return AbsentShare(
        stated=index.calibration.absent_share,
        absent=absent,
        n=n,
        low=max(0.0, middle - half),
        high=min(1.0, middle + half),
    )


def _mean_warning(each: LanguageAgreement, p: float) -> str:
    side = "too high" if each.right < each.expected else "too low"
    explained = each.p_mean_restated is not None and each.p_mean_restated >= ALPHA
    why = " (the share of questions without an article explains it)" if explained else ""
    return (
        f"{each.lang}: the confidence is {side}: {each.right} of {each.n} were right, "
        f"{each.expected:.0f} were expected (p {_chance(p)}){why}"
    )


def _shape_warning(each: LanguageAgreement, p: float) -> str:
    far = max(each.reliability, key=lambda b: abs(b.right - b.stated) * math.sqrt(b.n))
    return (
        f"{each.lang}: the confidence does not fit what came true (p {_chance(p)}): where it says "
        f"{far.stated:.0%}, {far.right:.0%} of {far.n} were right"
    )


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _language_json(each: LanguageAgreement) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 6)

    return {
        "n": each.n,
        "right": each.right,
        "expected": rounded(each.expected),
        "p_mean": rounded(each.p_mean),
        "p_shape": rounded(each.p_shape),
        "p_mean_at_suggested_share": rounded(each.p_mean_restated),
        "reliability": [
            {"stated": rounded(b.stated), "right": rounded(b.right), "n": b.n} for b in each.reliability
        ],
    }


def _records(path: Path, shape: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise KnowledgeBaseError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if not all(isinstance(record[key], str) and record[key].strip() for key in ("lang", "text")):
                raise TypeError
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise KnowledgeBaseError(f"{path}:{number}: write {shape} on each line") from error
        yield number, record
