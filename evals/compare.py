"""Two runs on the same questions: paired differences with intervals, and what flipped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from evals.catalogue import MEASURES, Better, Mean, Measure, mean_values, top_is_right
from evals.errors import RunError
from evals.figures import Resampling, Sample, cluster_label
from evals.intervals import Interval, bootstrap_p, holm, mcnemar, paired_sign_flip, percentile_interval
from evals.measures import Floats
from evals.predictions import Prediction

LANGUAGE_MEASURES = ("recall@1", "mrr", "answer_rate", "selective_accuracy", "auroc", "ece", "coverage@0.90")


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One measure in both runs, on the questions that both asked."""

    measure: str
    before: float | None
    after: float | None
    interval: Interval | None  #: 95 %, of after - before
    p: float | None  #: two-sided; None where nothing can be compared
    adjusted: float | None = None  #: Holm over the table
    n: int = 0  #: questions that both runs judged

    @property
    def change(self) -> float | None:
        """After - before."""
        return None if self.before is None or self.after is None else self.after - self.before

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``no clear difference``, at 5 % over the whole table."""
        direction = MEASURES[self.measure].better
        if self.adjusted is None or self.adjusted >= 0.05 or not self.change or direction is Better.NEITHER:
            return "no clear difference"
        return "better" if (self.change > 0) == (direction is Better.HIGHER) else "worse"


class Flip(NamedTuple):
    """A question whose top article became right or wrong, or whose outcome changed."""

    before: Prediction
    after: Prediction


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All that differs between two runs."""

    differences: tuple[Difference, ...]
    languages: dict[str, tuple[Difference, ...]]
    won: tuple[Flip, ...]  #: the top article became right
    lost: tuple[Flip, ...]  #: the top article became wrong
    changed: tuple[Flip, ...]  #: the outcome is another one
    transitions: dict[tuple[str, str], int]  #: (outcome before, after) -> questions, the same ones too
    mcnemar_p: float  #: of won against lost
    paired: int
    only_before: int
    only_after: int
    warnings: tuple[str, ...]

    @property
    def outcomes(self) -> dict[tuple[str, str], int]:
        """(before, after) -> questions, where they differ; most frequent first."""
        return {pair: n for pair, n in self.transitions.items() if pair[0] != pair[1]}


def compare(before: Sequence[Prediction], after: Sequence[Prediction], resampling: Resampling) -> Comparison:
    """Pair the runs by question (and half); raises ``RunError`` when they share none."""
    first = {(p.question.id, p.half): p for p in before}
    second = {(p.question.id, p.half): p for p in after}
    shared = [key for key in first if key in second]
    if not shared:
        absent = any(p.half for p in (*before, *after))
        hint = "with or both without --absent" if absent else "on the same questions file"
        raise RunError(f"the two runs have no question in common: run both {hint}")
    one, two = [first[key] for key in shared], [second[key] for key in shared]
    texts = sum(a.question.text != b.question.text for a, b in zip(one, two, strict=True))
    gold = sum(a.question.gold != b.question.gold for a, b in zip(one, two, strict=True))
    flips = [Flip(a, b) for a, b in zip(one, two, strict=True)]
    verdicts = [(flip, top_is_right(flip.before), top_is_right(flip.after)) for flip in flips]
    won = tuple(flip for flip, was, now in verdicts if was == 0.0 and now == 1.0)
    lost = tuple(flip for flip, was, now in verdicts if was == 1.0 and now == 0.0)
    transitions = Counter((str(f.before.outcome), str(f.after.outcome)) for f in flips)
    languages = sorted({p.question.lang for p in one})
    return Comparison(
        differences=_differences(one, two, tuple(MEASURES), resampling),
        languages={
            lang: _differences(
                [a for a in one if a.question.lang == lang],
                [b for a, b in zip(one, two, strict=True) if a.question.lang == lang],
                LANGUAGE_MEASURES,
                resampling,
            )
            for lang in languages
            if len(languages) > 1
        },
        won=won,
        lost=lost,
        changed=tuple(flip for flip in flips if flip.before.outcome is not flip.after.outcome),
        transitions=dict(transitions.most_common()),
        mcnemar_p=mcnemar(len(lost), len(won)),
        paired=len(shared),
        only_before=len(first) - len(shared),
        only_after=len(second) - len(shared),
        warnings=tuple(
            words
            for n, words in (
                (texts, f"{texts} questions have another text in the second run"),
                (gold, f"{gold} questions have other right articles in the second run"),
            )
            if n
        ),
    )


def comparison_json(found: Comparison) -> dict[str, Any]:
    """The comparison as JSON values."""
    return {
        "paired": found.paired,
        "only_in_first": found.only_before,
        "only_in_second": found.only_after,
        "warnings": list(found.warnings),
        "differences": {d.measure: _json(d) for d in found.differences},
        "languages": {
            lang: {d.measure: _json(d) for d in differences} for lang, differences in found.languages.items()
        },
        "flipped": {
            "won": [_flip_json(flip) for flip in found.won],
            "lost": [_flip_json(flip) for flip in found.lost],
            "mcnemar_p": round(found.mcnemar_p, 6),
        },
        "outcomes_changed": [
            {"before": before, "after": after, "n": n} for (before, after), n in found.outcomes.items()
        ],
    }


def _differences(
    one: Sequence[Prediction], two: Sequence[Prediction], names: Sequence[str], resampling: Resampling
) -> tuple[Difference, ...]:
    labels = [cluster_label(p) for p in one]
    before, after = Sample(one, resampling, labels), Sample(two, resampling, labels)
    found = [_difference(MEASURES[name], before, after, resampling) for name in names]
    found = [d for d in found if d.before is not None or d.after is not None]
    judged = [d for d in found if d.p is not None and MEASURES[d.measure].better is not Better.NEITHER]
    adjusted = dict(
        zip((d.measure for d in judged), holm([d.p for d in judged if d.p is not None]), strict=True)
    )
    return tuple(
        Difference(
            measure=d.measure,
            before=d.before,
            after=d.after,
            interval=d.interval,
            p=d.p,
            adjusted=adjusted.get(d.measure),
            n=d.n,
        )
        for d in found
    )


def _difference(measure: Measure, before: Sample, after: Sample, resampling: Resampling) -> Difference:
    a, b = before.figure(measure), after.figure(measure)
    resampled = after.resampled(measure) - before.resampled(measure)
    p = bootstrap_p(resampled) if a.value is not None and b.value is not None else None
    if isinstance(measure, Mean):
        values, others = mean_values(measure, before.predictions), mean_values(measure, after.predictions)
        if np.array_equal(np.isnan(values), np.isnan(others)):
            # Both runs judge the same questions, so signs can be flipped instead of resampling.
            p = _sign_flip(others - values, before, resampling) if p is not None else None
    return Difference(
        measure=measure.name,
        before=a.value,
        after=b.value,
        interval=percentile_interval(resampled) if p is not None else None,
        p=p,
        n=min(a.n, b.n),
    )


def _sign_flip(differences: Floats, sample: Sample, resampling: Resampling) -> float:
    return paired_sign_flip(differences, sample.clusters, seed=resampling.seed, resamples=4000)


def _json(d: Difference) -> dict[str, Any]:
    def rounded(value: float | None) -> float | None:
        return None if value is None else round(value, 6)

    return {
        "before": rounded(d.before),
        "after": rounded(d.after),
        "change": rounded(d.change),
        "low": rounded(d.interval.low if d.interval else None),
        "high": rounded(d.interval.high if d.interval else None),
        "p": rounded(d.p),
        "p_holm": rounded(d.adjusted),
        "n": d.n,
        "verdict": d.verdict,
    }


def _flip_json(flip: Flip) -> dict[str, Any]:
    question = flip.before.question
    return {
        "id": question.id,
        "half": flip.before.half,
        "lang": question.lang,
        "text": question.text,
        "gold": list(question.gold),
        "before": _side(flip.before),
        "after": _side(flip.after),
    }


def _side(p: Prediction) -> dict[str, Any]:
    shown = p.hits[0].article_id if p.hits else None
    return {"shown": shown, "outcome": str(p.outcome), "confidence": round(p.confidence, 6)}
