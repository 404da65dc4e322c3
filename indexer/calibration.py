"""What a build learned about its own confidence: shifts of the prior, thresholds, and their proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

#: The share of absent questions in the data that the shipped model was trained on.
TRAINED_ABSENT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From which probabilities on the bot acts, in one language."""

    answer: float  #: confidence
    choices: float  #: choices_confidence
    scope: float  #: scope
    proven: bool = False  #: the accuracy goal is proven on this kb's own questions
    n: int = 0  #: answers in the proof, or held-out questions while there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How a kb's logits differ from the prior's: ``slope * logit + intercept``."""

    intercept: float = 0.0
    slope: float = 1.0

    def apply(self, logit: float) -> float:
        """The kb's logit."""
        return self.slope * logit + self.intercept


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageCalibration:
    """One language of one kb."""

    confidence: Shift = field(default_factory=Shift)
    choices: Shift = field(default_factory=Shift)
    thresholds: Thresholds
    questions: int = 0  #: held-out questions it was learned from
    expected: Mapping[str, float] = field(default_factory=dict)  #: outcome -> per 100 questions
    reliability: tuple[tuple[float, float, int], ...] = ()  #: (stated, true, n) by bin


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """All languages. A language that the kb has no questions in uses the prior."""

    absent_share: float
    prior: Thresholds
    languages: Mapping[str, LanguageCalibration] = field(default_factory=dict)

    def thresholds(self, lang: str) -> Thresholds:
        """Thresholds of one language."""
        found = self.languages.get(lang)
        return self.prior if found is None else found.thresholds

    def shifts(self, lang: str) -> tuple[Shift, Shift]:
        """Shifts of confidence and choices of one language."""
        found = self.languages.get(lang)
        return (Shift(), Shift()) if found is None else (found.confidence, found.choices)

    def with_absent_share(self, share: float) -> Calibration:
        """The same for another share of absent questions; thresholds stay."""
        return replace(self, absent_share=share)

    def to_json(self) -> dict[str, Any]:
        """JSON values, rounded to 6 digits so that equal content gives equal bytes."""
        return {
            "absent_share": _round(self.absent_share),
            "prior": _thresholds(self.prior),
            "languages": {
                lang: {
                    "confidence": [_round(each.confidence.intercept), _round(each.confidence.slope)],
                    "choices": [_round(each.choices.intercept), _round(each.choices.slope)],
                    "thresholds": _thresholds(each.thresholds),
                    "questions": each.questions,
                    "expected": {name: _round(value) for name, value in sorted(each.expected.items())},
                    "reliability": [[_round(s), _round(t), n] for s, t, n in each.reliability],
                }
                for lang, each in sorted(self.languages.items())
            },
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The calibration that ``to_json`` wrote."""
        return cls(
            absent_share=record["absent_share"],
            prior=Thresholds(**record["prior"]),
            languages={
                lang: LanguageCalibration(
                    confidence=Shift(intercept=each["confidence"][0], slope=each["confidence"][1]),
                    choices=Shift(intercept=each["choices"][0], slope=each["choices"][1]),
                    thresholds=Thresholds(**each["thresholds"]),
                    questions=each["questions"],
                    expected=each["expected"],
                    reliability=tuple((s, t, n) for s, t, n in each["reliability"]),
                )
                for lang, each in record["languages"].items()
            },
        )


def restate(present: float, value: float, absent_share: float) -> float:
    """A probability that implies an existing article, for another share of absent questions.

    ``present`` is the probability that an article exists and ``value`` one that implies it, both at
    ``TRAINED_ABSENT_SHARE``; prior shift (Saerens et al. 2002) within and outside of "present".
    """
    kept = (1.0 - absent_share) / (1.0 - TRAINED_ABSENT_SHARE)
    lost = absent_share / TRAINED_ABSENT_SHARE
    total = present * kept + (1.0 - present) * lost
    return value * kept / total if total > 0 else 0.0


def _round(value: float) -> float:
    return round(float(value), 6)


def _thresholds(thresholds: Thresholds) -> dict[str, Any]:
    return {
        "answer": _round(thresholds.answer),
        "choices": _round(thresholds.choices),
        "scope": _round(thresholds.scope),
        "proven": thresholds.proven,
        "n": thresholds.n,
    }
