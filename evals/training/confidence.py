"""Learn the confidence model: ``python -m evals.training.confidence DATA MEMORY INTENTS``.

Every question is asked twice, once with its article and once without: half of the articles (by hash) are
taken away, then the other half. Prints AUROC, ECE and coverage by set, leave one set out, and writes
``indexer/data/confidence.json`` (the model learned from all) and ``indexer/data/prior.json`` (the held-out
probabilities, from which thresholds are picked until a kb can prove its own).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from evals.training.sets import Asked, OpenSet, open_sets
from indexer.calibration import restate
from indexer.confidence import SIGNS, Evidence, evidence, kb_view
from indexer.goals import binomial_tail
from indexer.heldout import PriorRow, prior_thresholds
from indexer.index import Index
from indexer.settings import AnsweringSettings
from indexer.trees import Node, Trees

TARGETS = ("confidence", "choices", "present")
#: Held-out rows that are shipped for picking thresholds, at most.
SHIPPED_ROWS = 6000
OUT_OF_SCOPE_PER_SET = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Evidence and truth of many questions."""

    name: str  #: the set
    examples: int
    values: NDArray[np.float64]
    #: columns: right, among the best three, article present, in scope (-1: not asked of this row)
    truth: NDArray[np.int8]
    langs: NDArray[np.str_]


def _row(index: Index, view: Any, text: str) -> tuple[NDArray[np.float64], list[Any]] | None:  # noqa: ANN401
    ranked = index.rank(text)
    if len(ranked.order) == 0:
        return None
    values = evidence(ranked.candidates, ranked.order, ranked.scores, ranked.query, view)
    return values, [ranked.keys[row] for row in ranked.order[:3].tolist()]


def ask(opened: OpenSet, outside: Iterable[tuple[str, str]]) -> Rows:
    """All questions of a set with and without their articles, and some that no article could answer."""
    values: list[NDArray[np.float64]] = []
    truth: list[tuple[int, int, int, int]] = []
    langs: list[str] = []
    keys = opened.index.keys()
    halves: list[set[Any]] = [set(), set()]
    for key in keys:
        # Translations share their fate: an article in another language would still answer.
        stem = key.id.partition("@")[0]
        halves[hashlib.sha256(stem.encode()).digest()[0] % 2].add(key)
    for gone in halves:
        index = opened.index.without(gone)
        view = kb_view(index.snapshot, index.cohort)
        for question in opened.asked:
            found = _row(index, view, question.text)
            if found is None:
                continue
            row, best = found
            left = question.gold - gone
            values.append(row)
            truth.append((int(best[0] in left), int(any(b in left for b in best)), int(bool(left)), 1))
            langs.append(question.lang)
        for lang, text in outside:
            if lang in index.languages and (found := _row(index, view, text)) is not None:
                values.append(found[0])
                truth.append((0, 0, 0, 0))
                langs.append(lang)
    return Rows(
        name=opened.name,
        examples=opened.examples,
        values=np.stack(values),
        truth=np.array(truth, np.int8),
        langs=np.array(langs),
    )


def grow(rows: Sequence[Rows], column: int) -> Trees:
    """A monotone model of one truth; every (set, number of examples) weighs the same."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    picked = [(r, _used(r, column)) for r in rows]
    x = np.concatenate([r.values[used] for r, used in picked])
    y = np.concatenate([r.truth[used, column] for r, used in picked])
    weights = np.concatenate([np.full(used.sum(), 1000.0 / used.sum()) for _, used in picked])
    model = HistGradientBoostingClassifier(
        max_iter=160,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=60,
        l2_regularization=10.0,
        max_features=0.5,
        monotonic_cst=list(SIGNS),
        early_stopping=False,
        random_state=0,
    ).fit(x, y, sample_weight=weights)
    return _export(model)


def _used(rows: Rows, column: int) -> NDArray[np.bool_]:
    """Scope is learned from all rows, the rest from questions about the help center."""
    return np.ones(len(rows.truth), bool) if column == 3 else rows.truth[:, 3] == 1


def _export(model: Any) -> Trees:  # noqa: ANN401 - an untyped library's object
    trees = []
    for (predictor,) in model._predictors:
        nodes = []
        for node in predictor.nodes:
            leaf = bool(node["is_leaf"])
            nodes.append(
                Node(
                    -1 if leaf else int(node["feature_idx"]),
                    0.0 if leaf else float(node["num_threshold"]),
                    int(node["left"]),
                    int(node["right"]),
                    round(float(node["value"]), 6) if leaf else 0.0,
                )
            )
        trees.append(tuple(nodes))
    baseline = float(np.ravel(model._baseline_prediction)[0])
    return Trees(
        features=tuple(e.name.lower() for e in Evidence), baseline=round(baseline, 6), trees=tuple(trees)
    )


def predict(trees: Trees, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probabilities of many rows."""
    return np.array([1.0 / (1.0 + np.exp(-trees.logit(row))) for row in values.tolist()])


def outside_questions(data: Path, intents: Path) -> dict[str, list[tuple[str, str]]]:
    """Questions about nothing in any help center: by set that may use them, (language, text)."""
    far = []
    for path in sorted(intents.glob("*.train.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if record["kind"] == "out_of_scope":
                far.append((record["lang"], record["text"]))
    near = []
    for line in (data / "clinc150" / "questions.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "out_of_scope" and record.get("tag") == "val":
            near.append(("en", record["text"]))
    return {"far": far, "near": near}


def pick(texts: Sequence[tuple[str, str]], most: int, salt: str) -> list[tuple[str, str]]:
    """Some of the texts, always the same ones."""
    return sorted(texts, key=lambda t: hashlib.sha256(f"{salt}{t[1]}".encode()).hexdigest())[:most]


def collect(data: Path, memory: Path, intents: Path) -> Iterator[Rows]:
    """Rows of every set and number of examples."""
    outside = outside_questions(data, intents)
    opened_sets = list(open_sets(data, memory))
    others: dict[str, list[tuple[str, str]]] = {}
    for opened in opened_sets:
        others[opened.name] = [(question.lang, question.text) for question in opened.asked]
    for opened in opened_sets:
        foreign = [t for name, texts in others.items() if name != opened.name for t in pick(texts, 80, name)]
        extra = [*pick(outside["far"], OUT_OF_SCOPE_PER_SET, opened.name), *foreign]
        if opened.name == "clinc150":
            extra += outside["near"]
        yield ask(opened, extra)


def measure(name: str, p: NDArray[np.float64], y: NDArray[np.int8]) -> str:
    """AUROC, ECE (10 equal-width bins), and coverage at selective accuracy .8 and .9."""
    from sklearn.metrics import roc_auc_score

    bins = np.minimum((p * 10).astype(int), 9)
    ece = sum(
        abs(p[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean()
        for b in range(10)
        if (bins == b).any()
    )
    order = np.argsort(-p)
    accuracy = np.cumsum(y[order]) / np.arange(1, len(y) + 1)
    cover = [
        float((np.flatnonzero(accuracy >= goal).max() + 1) / len(y)) if (accuracy >= goal).any() else 0.0
        for goal in (0.8, 0.9)
    ]
    figures = f"AUROC {roc_auc_score(y, p):.3f} ECE {ece:.3f} cov80 {cover[0]:.3f} cov90 {cover[1]:.3f}"
    return f"{name:28} n={len(y):6} {figures}"


def main(data: Path, memory: Path, intents: Path) -> None:
    """Measure, learn, write."""
    rows = list(collect(data, memory, intents))
    np.savez(
        memory / "rows.npz",
        **{
            f"{i}:{r.name}:{r.examples}:{part}": getattr(r, part)
            for i, r in enumerate(rows)
            for part in ("values", "truth", "langs")
        },
    )
    learn(rows)


def learn(rows: Sequence[Rows]) -> None:
    """Leave one set out, then all."""
    held_out: list[tuple[Rows, NDArray[np.float64]]] = []
    pooled: dict[str, list[Any]] = {"p": [], "y": []}
    for name in dict.fromkeys(r.name for r in rows):
        rest = [r for r in rows if r.name != name]
        models = [grow(rest, column) for column in range(4)]
        for r in (r for r in rows if r.name == name):
            p = np.stack([predict(m, r.values) for m in models], axis=1)
            held_out.append((r, p))
            inside = r.truth[:, 3] == 1
            for lang in sorted(set(r.langs.tolist())):
                use = inside & (r.langs == lang)
                click.echo(measure(f"{name} {lang} k={r.examples}", p[use, 0], r.truth[use, 0]))
            if r.examples == 0:
                pooled["p"].append(p[inside, 0])
                pooled["y"].append(r.truth[inside, 0])
            if (~inside).any():
                click.echo(measure(f"{name} k={r.examples} scope", p[:, 3], r.truth[:, 3]))
    click.echo(measure("pooled k=0", np.concatenate(pooled["p"]), np.concatenate(pooled["y"])))
    for line in promises(held_out):
        click.echo(line)
    models = [grow(rows, column) for column in range(4)]
    names = (*TARGETS, "scope")
    target = Path(str(resources.files("indexer").joinpath("data/confidence.json")))
    target.write_text(
        json.dumps({n: m.to_json() for n, m in zip(names, models, strict=True)}, separators=(",", ":"))
        + "\n",
        encoding="utf-8",
    )
    _write_prior(held_out)


def prior_rows(held_out: Sequence[tuple[Rows, NDArray[np.float64]]]) -> list[PriorRow]:
    """A sample of held-out rows, the same number from every (set, number of examples)."""
    table: list[PriorRow] = []
    for r, p in held_out:
        use = np.flatnonzero(r.truth[:, 3] == 1)
        step = max(1, len(use) // (SHIPPED_ROWS // len(held_out)))
        for i in use[::step].tolist():
            confidence, choices, present = (round(float(x), 3) for x in p[i, :3])
            right, three, exists = (bool(t) for t in r.truth[i, :3])
            table.append((confidence, choices, present, right, three, exists))
    return table


def promises(held_out: Sequence[tuple[Rows, NDArray[np.float64]]]) -> Iterator[str]:
    """Whether answers keep the accuracy goal on sets that neither model nor threshold has seen.

    Unanswerable questions are thinned out to the stated share, so that counts are plain.
    """
    answering = AnsweringSettings()
    total = answered = right = 0
    for name in dict.fromkeys(r.name for r, _ in held_out):
        others = [(r, p) for r, p in held_out if r.name != name]
        threshold = prior_thresholds(answering, prior_rows(others)).answer
        for r, p in held_out:
            if r.name != name:
                continue
            confidence, present = p[:, 0], np.maximum.reduce([p[:, 0], p[:, 1], p[:, 2]])
            asked = r.truth[:, 3] == 1
            absent = np.flatnonzero(asked & (r.truth[:, 2] == 0))
            kept = answering.absent_share / (1 - answering.absent_share)
            asked[absent[(np.arange(len(absent)) * kept) % 1.0 >= kept]] = False
            stated = [
                restate(one, value, answering.absent_share)
                for one, value in zip(present[asked], confidence[asked], strict=True)
            ]
            sure = np.array(stated) >= threshold
            n, hits = int(sure.sum()), int(r.truth[asked, 0][sure].sum())
            total, answered, right = total + int(asked.sum()), answered + n, right + hits
            accuracy = f"{hits / n:.3f}" if n else "-"
            yield (
                f"goal {answering.accuracy_goal} {name} k={r.examples}: threshold {threshold:.3f}, "
                f"answered {n} of {int(asked.sum())}, right {accuracy}"
            )
    # The chance of so few right answers, or fewer, if the goal were just kept.
    chance = 1.0 - binomial_tail(right + 1, answered, answering.accuracy_goal) if answered else 1.0
    yield (
        f"goal {answering.accuracy_goal} pooled: answered {answered} of {total} ({answered / total:.3f}), "
        f"right {right / max(answered, 1):.4f}, one-sided p {chance:.3f}"
    )


def _write_prior(held_out: Sequence[tuple[Rows, NDArray[np.float64]]]) -> None:
    table = [[*row[:3], *map(int, row[3:])] for row in prior_rows(held_out)]
    target = Path(str(resources.files("indexer").joinpath("data/prior.json")))
    record = {
        "columns": ["confidence", "choices", "present", "right", "among_three", "exists"],
        "rows": table,
    }
    target.write_text(json.dumps(record, separators=(",", ":")) + "\n", encoding="utf-8")


__all__ = ["Asked", "Rows", "ask", "grow", "learn", "main", "measure"]

if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
