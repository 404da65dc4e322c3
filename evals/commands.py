"""``helppari eval``: run, compare, report."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from evals.errors import EvalError, RunError
from evals.printing import print_comparison, print_curve, print_summary
from indexer.console import EXIT_FOUND, one_sentence_errors, print_json, progress_bar, say

if TYPE_CHECKING:
    from evals.predictions import Prediction

P = ParamSpec("P")
R = TypeVar("R")

SHIPPED = "shipped"

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


class _Numbers(click.ParamType[tuple[int, ...]]):
    """Numbers from 0 on, apart by commas."""

    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            found = tuple(int(part) for part in value.split(","))
        except ValueError:
            found = (-1,)
        if min(found) < 0:
            self.fail(f"{value!r} is no list of numbers such as 0,1,3,5,8", param, ctx)
        return found


_SKIP_TAG = click.option(
    "--skip-tag", multiple=True, metavar="TAG", help="Leave questions with this tag out."
)
_SEED = click.option("--seed", type=int, default=1, show_default=True, help="Seed of the intervals.")
_RESAMPLES = click.option(
    "--resamples", type=click.IntRange(0, 100_000), default=1000, show_default=True, help="0: no intervals."
)


def _curve_options(command: Callable[P, R]) -> Callable[P, R]:
    """What both ways to a learning curve are told."""
    options = (
        click.option(
            "--ks",
            type=_Numbers(),
            default="0,1,3,5,8",
            show_default=True,
            metavar="K,K,...",
            help="Learning curve: example questions an article.",
        ),
        click.option(
            "--curve-questions",
            type=click.IntRange(1),
            metavar="N",
            help="Learning curve: ask so many questions at most.",
        ),
        click.option(
            "--curve-test-share",
            type=click.FloatRange(0, 1, min_open=True, max_open=True),
            default=0.5,
            show_default=True,
            help="Learning curve: share of each article's questions that is asked and never shown.",
        ),
        click.option(
            "--curve-memory",
            type=_FOLDER,
            help="Learning curve: folder that keeps embeddings for the next time.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(name="eval")
def eval_group() -> None:
    """Measure how well the bot answers."""


@eval_group.command()
@click.option("--index", "root", type=_FOLDER, required=True, help="Folder of the index.")
@click.option("--questions", type=_FILE, required=True, help="Questions, one JSON object a line.")
@click.option("--conversations", type=_FILE, help="Conversations as tables of turns (YAML).")
@click.option("--out", type=_FOLDER, required=True, help="Folder for predictions, metrics and report.")
@click.option("--absent", is_flag=True, help="Ask everything twice, each time without half of the articles.")
@click.option("--articles", type=_FILE, help="articles.jsonl whose `group` says what leaves together.")
@click.option("--hint-lang", is_flag=True, help="Tell the bot the question's language.")
@_SKIP_TAG
@click.option("--config", type=_FILE, help="Settings file; without it none is read.")
@click.option(
    "--gates",
    is_flag=False,
    flag_value=SHIPPED,
    metavar="[FILE]",
    help="Hold the run to the gates of a file (default: the shipped ones); exit 1 when one is missed.",
)
@click.option("--no-baselines", is_flag=True, help="Leave the simple methods out.")
@click.option("--learn-curve", is_flag=True, help="Measure too how examples of questions help; needs --kb.")
@click.option("--kb", type=click.Path(path_type=Path), help="Source of the index, for --learn-curve.")
@_curve_options
@_SEED
@_RESAMPLES
@click.option("--site", default="", help="Address of the help center, for links in the report.")
@click.option("--json", "as_json", is_flag=True, help="Print metrics.json on stdout.")
@one_sentence_errors(EvalError)
def run(
    root: Path,
    questions: Path,
    conversations: Path | None,
    out: Path,
    absent: bool,
    articles: Path | None,
    hint_lang: bool,
    skip_tag: tuple[str, ...],
    config: Path | None,
    gates: str | None,
    no_baselines: bool,
    learn_curve: bool,
    kb: Path | None,
    ks: tuple[int, ...],
    curve_questions: int | None,
    curve_test_share: float,
    curve_memory: Path | None,
    seed: int,
    resamples: int,
    site: str,
    as_json: bool,
) -> None:
    """Ask every question of a file and report what came of it."""
    from evals import inprocess
    from evals.conversations import read_conversations
    from evals.evaluation import Request, evaluate, write_run
    from evals.figures import Resampling
    from evals.gates import read_gates, shipped_gates
    from evals.halves import read_groups
    from evals.questions import read_questions
    from evals.runner import RunOptions

    if learn_curve and kb is None:
        raise RunError("--learn-curve builds indexes of its own: name their source with --kb")
    given = read_questions(questions)
    groups = read_groups(articles) if articles else {}
    request = Request(
        questions=given.without_tags(skip_tag),
        questions_path=questions,
        conversations=read_conversations(conversations) if conversations else None,
        options=RunOptions(
            absent=absent,
            hint_lang=hint_lang,
            baselines=not no_baselines,
            groups=groups,
        ),
        gates=read_gates(shipped_gates() if gates == SHIPPED else Path(gates)) if gates else None,
        resampling=Resampling(seed=seed, resamples=resamples),
        skipped_tags=skip_tag,
    )
    _usable(out)
    with progress_bar() as progress:
        product = inprocess.open_product(root, config)
        evaluation = evaluate(
            product.searched,
            product.bot,
            request,
            goals=product.goals,
            stated_absent_share=product.stated_absent_share,
            progress=progress,
        )
        if learn_curve and kb is not None:
            from evals.learning_curve import CurveRequest, learning_curve

            evaluation.metrics["learning_curve"] = curve = learning_curve(
                CurveRequest(
                    kb=kb,
                    questions=request.questions.questions,
                    ks=ks,
                    most=curve_questions,
                    test_share=curve_test_share,
                    seed=seed,
                    groups=groups,
                    baselines=not no_baselines,
                ),
                inprocess.remembering_encoder(config, curve_memory, product.searched),
                inprocess.open_settings(config).answering,
                request.resampling,
                progress,
            )
            evaluation.metrics["warnings"] += curve["warnings"]
        write_run(out, evaluation, site=site or product.site)
    for warning in evaluation.metrics["warnings"]:
        say(f"warning: {warning}")
    if as_json:
        print_json(evaluation.metrics)
    else:
        print_summary(evaluation.metrics, out)
    missed = [gate for gate in evaluation.metrics["gates"] if gate["verdict"] == "missed"]
    for gate in missed:
        say(f"gate missed: {gate['sentence']}")
    if missed:
        sys.exit(EXIT_FOUND)


@eval_group.command()
@click.option(
    "--kb", type=click.Path(path_type=Path), required=True, help="Folder of articles, or articles.jsonl."
)
@click.option("--questions", type=_FILE, required=True, help="Questions, one JSON object a line.")
@click.option("--articles", type=_FILE, help="articles.jsonl whose `group` says what leaves together.")
@_SKIP_TAG
@click.option("--config", type=_FILE, help="Settings file; without it none is read.")
@click.option("--no-baselines", is_flag=True, help="Leave the simple methods out.")
@_curve_options
@_SEED
@_RESAMPLES
@click.option("--json", "as_json", is_flag=True, help="Print the curve as JSON on stdout.")
@one_sentence_errors(EvalError)
def curve(
    kb: Path,
    questions: Path,
    articles: Path | None,
    skip_tag: tuple[str, ...],
    config: Path | None,
    no_baselines: bool,
    ks: tuple[int, ...],
    curve_questions: int | None,
    curve_test_share: float,
    curve_memory: Path | None,
    seed: int,
    resamples: int,
    as_json: bool,
) -> None:
    """The learning curve alone: what examples of questions bring, on questions never shown."""
    from evals import inprocess
    from evals.figures import Resampling
    from evals.halves import read_groups
    from evals.learning_curve import CurveRequest, learning_curve
    from evals.questions import read_questions

    request = CurveRequest(
        kb=kb,
        questions=read_questions(questions).without_tags(skip_tag).questions,
        ks=ks,
        most=curve_questions,
        test_share=curve_test_share,
        seed=seed,
        groups=read_groups(articles) if articles else {},
        baselines=not no_baselines,
    )
    with progress_bar() as progress:
        found = learning_curve(
            request,
            inprocess.remembering_encoder(config, curve_memory),
            inprocess.open_settings(config).answering,
            Resampling(seed=seed, resamples=resamples),
            progress,
        )
    for warning in found["warnings"]:
        say(f"warning: {warning}")
    if as_json:
        print_json(found)
    else:
        print_curve(found)


@eval_group.command()
@click.argument("folder", type=_FOLDER)
@click.option("--site", default="", help="Address of the help center, for links in the report.")
@one_sentence_errors(EvalError)
def report(folder: Path, site: str) -> None:
    """Render report.html of a run folder anew."""
    from evals.report import render_report

    metrics, predictions = read_run(folder)
    target = folder / "report.html"
    target.write_text(render_report(metrics, predictions, site=site), encoding="utf-8")
    click.echo(str(target))


@eval_group.command(name="compare")
@click.argument("before", type=_FOLDER)
@click.argument("after", type=_FOLDER)
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the intervals.")
@click.option(
    "--resamples",
    type=click.IntRange(100, 100_000),
    default=4000,
    show_default=True,
    help="Resamplings of the paired differences.",
)
@click.option("--flips", type=click.IntRange(0), default=20, show_default=True, help="Flips shown.")
@click.option("--html", type=_FILE, help="Write the comparison as one self-contained page.")
@click.option("--site", default="", help="Address of the help center, for links in the page.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
@one_sentence_errors(EvalError)
def compare_runs(
    before: Path,
    after: Path,
    seed: int,
    resamples: int,
    flips: int,
    html: Path | None,
    site: str,
    as_json: bool,
) -> None:
    """Compare two runs on the same questions: paired differences, and what flipped."""
    from evals.compare import compare, comparison_json
    from evals.figures import Resampling

    (first, one), (second, two) = read_run(before), read_run(after)
    found = compare(one, two, Resampling(seed=seed, resamples=resamples))
    for warning in found.warnings:
        say(f"warning: {warning}")
    if html:
        from evals.compare_report import render_comparison

        try:
            html.write_text(render_comparison(found, first, second, site=site), encoding="utf-8")
        except OSError as error:
            raise RunError(f"--html {html}: cannot be written: {error.strerror}") from error
    if as_json:
        print_json(comparison_json(found))
    else:
        print_comparison(found, flips)


def read_run(folder: Path) -> tuple[dict[str, Any], tuple[Prediction, ...]]:
    """The metrics and predictions of a run folder; raises ``RunError`` when it is none."""
    from evals.predictions import read_predictions
    from evals.summary import SCHEMA

    path = folder / "metrics.json"
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{folder} is no run: make one with `helppari eval run --out {folder}`") from None
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: cannot be read: {error}") from error
    found = metrics.get("schema") if isinstance(metrics, dict) else None
    if found != SCHEMA:
        raise RunError(f"{path}: has the schema {found!r}, this version reads {SCHEMA!r}: run it again")
    return metrics, read_predictions(folder / "predictions.jsonl")


def _usable(out: Path) -> None:
    """An output folder that cannot be written should be known before an hour of asking."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"--out {out}: cannot be made: {error.strerror}") from error
