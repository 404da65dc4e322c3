"""One evaluation from questions to files: asks, measures, judges gates, writes the run folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evals.bot import Bot, Goals, SearchableIndex
from evals.conversations import ConversationSet
from evals.errors import RunError
from evals.figures import Resampling
from evals.gates import Gates, judge
from evals.halves import ABSENT_SHARE
from evals.junit import junit_xml
from evals.predictions import Prediction, write_predictions
from evals.provenance import provenance
from evals.questions import QuestionSet
from evals.report import render_report
from evals.runner import RunOptions, ask_all, converse
from evals.summary import summarise
from indexer.console import Progress, no_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to evaluate, and how."""

    questions: QuestionSet
    questions_path: Path
    conversations: ConversationSet | None = None
    options: RunOptions
    gates: Gates | None = None
    resampling: Resampling
    skipped_tags: tuple[str, ...] = ()


class Evaluation(NamedTuple):
    """What came of it."""

    metrics: dict[str, Any]
    predictions: tuple[Prediction, ...]


def evaluate(
    index: SearchableIndex,
    bot: Bot,
    request: Request,
    *,
    goals: Goals,
    stated_absent_share: float | None,
    progress: Progress = no_progress,
) -> Evaluation:
    """Ask everything and compute all figures; raises ``RunError`` when there is nothing to ask."""
    questions = request.questions.questions
    if not questions:
        skipped = ", ".join(request.skipped_tags)
        raise RunError(f"no question is left in {request.questions_path} without the tags {skipped}")
    run = ask_all(index, bot, questions, request.options, progress)
    conversations = request.conversations.conversations if request.conversations else ()
    results = converse(index, bot, conversations, hint_lang=request.options.hint_lang, progress=progress)
    metrics = summarise(
        run.predictions, run.baselines, results, resampling=request.resampling, goals=goals, progress=progress
    )
    metrics["warnings"] = [*request.questions.warnings, *run.warnings]
    metrics["run"] = {
        "questions_name": f"{request.questions_path.parent.name}/{request.questions_path.name}",
        "questions_sha256": request.questions.sha256,
        "conversations_sha256": request.conversations.sha256 if request.conversations else None,
        "skipped_tags": list(request.skipped_tags),
        "absent": request.options.absent,
        "stated_absent_share": ABSENT_SHARE if request.options.absent else stated_absent_share,
        "hint_lang": request.options.hint_lang,
        "seed": request.resampling.seed,
        "resamples": request.resampling.resamples,
        **provenance(index, _languages(index, metrics)),
    }
    metrics["gates"] = (
        [result.to_json() for result in judge(request.gates, run.predictions, metrics, request.resampling)]
        if request.gates
        else []
    )
    return Evaluation(metrics, run.predictions)


def write_run(out: Path, evaluation: Evaluation, *, site: str = "") -> None:
    """Write predictions, metrics, report and JUnit file, each by way of a temporary file."""
    metrics, predictions = evaluation
    try:
        out.mkdir(parents=True, exist_ok=True)
        write_predictions(out / "predictions.jsonl", predictions)
        _write(out / "metrics.json", lambda: json.dumps(metrics, ensure_ascii=False, indent=1) + "\n")
        _write(out / "junit.xml", lambda: junit_xml(metrics))
        _write(out / "report.html", lambda: render_report(metrics, predictions, site=site))
    except OSError as error:
        raise RunError(f"--out {out}: cannot be written: {error.strerror}") from error


def _write(path: Path, content: Callable[[], str]) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(content(), encoding="utf-8")
    partial.replace(path)


def _languages(index: SearchableIndex, metrics: dict[str, Any]) -> tuple[str, ...]:
    """The languages whose thresholds matter here: those of the index that were asked in."""
    return tuple(lang for lang in index.languages if lang in metrics["languages"]) or index.languages
