"""What the bot did with each question: the lines of ``predictions.jsonl``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from evals.errors import QuestionsError, RunError
from evals.questions import Question, question_from


class Outcome(StrEnum):
    """What the bot did (product words, the same on the wire)."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    NO_ANSWER = "no_answer"
    HANDED_OFF = "handed_off"
    SMALL_TALK = "small_talk"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedHit:
    """One article of the ranking, best first."""

    article_id: str
    section_id: str
    score: float  #: higher is better
    lang: str = ""
    title: str = ""
    url: str = ""  #: as the bot gave it: relative to the help center's address


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One question as the bot handled it, and what would have been right."""

    question: Question
    outcome: Outcome
    reason: str
    confidence: float  #: that the top article answers the question
    choices_confidence: float  #: that one of the three shown does
    scope: float  #: that the question is about this help center
    language: str  #: as detected
    hits: tuple[PredictedHit, ...]
    latency_ms: float
    index_id: str
    answerable: bool | None  #: a gold article was in the index; None = in_scope, but it could not be judged
    half: str = ""  #: "A" or "B" with --absent: which pass this line belongs to
    answer_article: str = ""  #: the article quoted, when it is not the top hit
    other_language: bool = False  #: the top hit is in another language although its own has the article

    @property
    def shown(self) -> str:
        """The id of the article the customer is shown first; empty when there is no hit."""
        if self.answer_article:
            return self.answer_article
        return self.hits[0].article_id if self.hits else ""

    def to_json(self) -> dict[str, Any]:
        """The line of ``predictions.jsonl``; keys of the question that nobody else uses stand beside."""
        question = self.question
        line: dict[str, Any] = {
            "id": question.id,
            "outcome": str(self.outcome),
            "reason": self.reason,
            "confidence": round(self.confidence, 6),
            "choices_confidence": round(self.choices_confidence, 6),
            "scope": round(self.scope, 6),
            "language": self.language,
            "hits": [
                {
                    "article_id": hit.article_id,
                    "section_id": hit.section_id,
                    "score": round(hit.score, 6),
                    "lang": hit.lang,
                    "title": hit.title,
                    "url": hit.url,
                }
                for hit in self.hits
            ],
            "latency_ms": round(self.latency_ms, 3),
            "index_id": self.index_id,
            "answerable": self.answerable,
            "answer_article": self.answer_article,
            "other_language": self.other_language,
            "half": self.half,
            "kind": str(question.kind),
            "lang": question.lang,
            "text": question.text,
            "gold": list(question.gold),
            "gold_sections": list(question.gold_sections),
            "tag": question.tag,
        }
        for key, value in question.extra.items():
            line[f"question.{key}" if key in line else key] = value
        return line

    @classmethod
    def from_json(cls, line: Mapping[str, Any], *, source: str, number: int) -> Self:
        """The prediction that ``to_json`` wrote."""
        own = {key: line[key] for key in ("id", "kind", "lang", "text", "gold", "gold_sections", "tag")}
        extra = {key.removeprefix("question."): value for key, value in line.items() if key not in _WRITTEN}
        return cls(
            question=question_from({**extra, **own}, source=source, line=number),
            outcome=Outcome(line["outcome"]),
            reason=line["reason"],
            confidence=float(line["confidence"]),
            choices_confidence=float(line["choices_confidence"]),
            scope=float(line["scope"]),
            language=line["language"],
            hits=tuple(PredictedHit(**hit) for hit in line["hits"]),
            latency_ms=float(line["latency_ms"]),
            index_id=line["index_id"],
            answerable=line["answerable"],
            half=line["half"],
            answer_article=line["answer_article"],
            other_language=line["other_language"],
        )


_WRITTEN = frozenset(
    {
        *("id", "outcome", "reason", "confidence", "choices_confidence", "scope", "language", "hits"),
        *("latency_ms", "index_id", "answerable", "answer_article", "other_language", "half"),
        *("kind", "lang", "text", "gold", "gold_sections", "tag"),
    }
)


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> None:
    """Write one line a prediction, by way of a temporary file."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        for prediction in predictions:
            file.write(json.dumps(prediction.to_json(), ensure_ascii=False) + "\n")
    partial.replace(path)


def read_predictions(path: Path) -> tuple[Prediction, ...]:
    """The predictions of a run; raises ``RunError`` when the file is missing or not of this kind."""
    predictions: list[Prediction] = []
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    predictions.append(
                        Prediction.from_json(json.loads(line), source=str(path), number=number)
                    )
                except (KeyError, TypeError, ValueError, QuestionsError) as error:
                    raise RunError(
                        f"{path}:{number}: is not a line of this version's `eval run`: run it again"
                    ) from error
    except FileNotFoundError:
        raise RunError(f"{path}: there is no such run: make it with `helppari eval run --out`") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    return tuple(predictions)
