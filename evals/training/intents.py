"""Fit the intent model of ``botsvc/intents.py`` from the training half of ``evals/data/intents``.

    python -m evals.training.intents            fit, print cross-validated figures, write the parameters
    python -m evals.training.intents --dry-run  the same without writing

Only ``*.train.jsonl`` is read. The operating point of each language is set by cross-validation over the
training half with minimal pairs kept together. scikit-learn is needed here and nowhere in serving. The same
training half, encoder and lock file give the same parameters.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack

from botsvc.intent_features import CONCEPT_SIZE, NGRAM_SIZE, Features, concepts
from botsvc.intent_text import clauses, lexicons
from botsvc.intents import FORMAT, Layer, Weights, asks_alone, features, flat, packed
from botsvc.refusals import refusals
from botsvc.smalltalk import SmallTalkKind
from indexer import Encoder, open_encoder

DATA = Path(__file__).parents[1] / "data" / "intents"
LANGUAGES = ("fi", "sv", "en")
KINDS = (*(kind.value for kind in SmallTalkKind), "abuse", "out_of_scope")

SCALE = 8.0  # of centred embeddings, against which GAMMA is stated
GAMMA = 0.1
KERNEL = 40.0
NGRAMS = 3.0
SOFTNESS = 10.0  # C of the support vector machine
SISTER = 0.5  # weight of the other languages' messages
FOLDS = 8
CLAUSE_MARGIN = 1.0
FALSE_ALARMS = 0.010  # share of cross-validated non-requests at the operating point
KIND_FALSE_ALARMS = 0.002
LIKELY = 4.0  # log odds that a score one standard step above the operating point stands for
Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One line of the data."""

    id: str
    lang: str
    text: str
    kind: str
    tag: str
    pair: str = ""

    @property
    def group(self) -> str:
        """What stays in one fold."""
        return self.pair or self.id

    @property
    def asks(self) -> bool:
        """Whether a person is asked for."""
        return self.kind == "human_request"

    @property
    def counts(self) -> bool:
        """Whether it counts as a non-request: crisis and "are you a bot?" have rules of their own."""
        return self.kind != "crisis" and self.tag != "who_are_you"


def read(half: str) -> list[Message]:
    """All messages of one half, ``train`` or ``test``."""
    lines: Iterator[str] = (
        line
        for lang in LANGUAGES
        for line in (DATA / f"{lang}.{half}.jsonl").read_text(encoding="utf-8").splitlines()
    )
    return [Message(**json.loads(line)) for line in lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Rows for the machines: whole messages, or clauses of longer ones."""

    owner: NDArray[np.intp]  #: row -> message
    rows: csr_matrix  #: wording, then concepts


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Everything the fits need, computed once."""

    messages: Sequence[Message]
    asks: NDArray[np.bool_]
    langs: NDArray[np.str_]
    whole: Part
    clauses: Part  #: only of messages with more than one clause
    kernel: Matrix  #: between embeddings
    embeddings: Matrix
    centre: Matrix


def prepare(messages: Sequence[Message], encoder: Encoder) -> Problem:
    """The problem of fitting a model to these messages."""
    found = [clauses(message.text, lexicons()[message.lang]) for message in messages]
    whole = [features(one, concepts()[message.lang]) for one, message in zip(found, messages, strict=True)]
    owners = [place for place, one in enumerate(found) if len(one) > 1 for _ in one]
    parts = [
        features([clause], concepts()[message.lang])
        for one, message in zip(found, messages, strict=True)
        if len(one) > 1
        for clause in one
    ]
    embeddings = np.asarray(encoder.encode_queries([m.text for m in messages]), dtype=np.float64)
    centre = np.asarray(embeddings.mean(axis=0), dtype=np.float16).astype(np.float64)
    return Problem(
        messages=messages,
        asks=np.array([message.asks for message in messages]),
        langs=np.array([message.lang for message in messages]),
        whole=Part(owner=np.arange(len(messages)), rows=_rows(whole)),
        clauses=Part(owner=np.array(owners, dtype=np.intp), rows=_rows(parts)),
        kernel=_kernel(embeddings - centre),
        embeddings=embeddings,
        centre=centre,
    )


def _rows(pairs: Sequence[tuple[Features, Features]]) -> csr_matrix:
    return hstack(
        [
            NGRAMS * _sparse([wording for wording, _ in pairs], NGRAM_SIZE),
            _sparse([said for _, said in pairs], CONCEPT_SIZE),
        ]
    ).tocsr()


def _sparse(rows: Sequence[Mapping[int, float]], width: int) -> csr_matrix:
    starts = np.cumsum([0, *(len(row) for row in rows)])
    columns = [bucket for row in rows for bucket in row]
    values = [value for row in rows for value in row.values()]
    return csr_matrix((values, columns, starts), shape=(len(rows), width))


def _kernel(centred: Matrix) -> Matrix:
    scaled = SCALE * centred
    squares = (scaled**2).sum(axis=1)
    distances = np.maximum(squares[:, None] + squares[None] - 2 * scaled @ scaled.T, 0)
    return np.asarray(KERNEL * np.exp(-GAMMA * distances))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One language's machines, before its operating point is set."""

    alphas: Matrix  #: kernel weight of each message of the problem
    whole: Matrix
    whole_bias: float
    wording: Matrix
    wording_bias: float
    clause: Matrix
    clause_bias: float


def fit(problem: Problem, lang: str, used: NDArray[np.bool_]) -> Fit:
    """The machines of ``lang`` from the messages ``used``; the other languages count less."""
    weights = np.where(problem.langs == lang, 1.0, SISTER)
    chosen = np.flatnonzero(used)
    rows = problem.whole.rows[chosen]
    linear = (rows @ rows.T).toarray()
    gram = problem.kernel[np.ix_(chosen, chosen)] + linear
    alphas, bias = _machine(gram, problem.asks[chosen], weights[chosen])
    spread = np.zeros(len(used))
    spread[chosen] = alphas
    wording_alphas, wording_bias = _machine(linear, problem.asks[chosen], weights[chosen])
    clause, clause_bias = _clause_machine(problem, used, weights)
    return Fit(
        alphas=spread,
        whole=np.asarray(rows.T @ alphas),
        whole_bias=bias,
        wording=np.asarray(rows.T @ wording_alphas),
        wording_bias=wording_bias,
        clause=clause,
        clause_bias=clause_bias,
    )


def _machine(gram: Matrix, asks: NDArray[np.bool_], weights: Matrix) -> tuple[Matrix, float]:
    """Signed weights of the rows and the bias of a support vector machine."""
    from sklearn.svm import SVC

    machine = SVC(C=SOFTNESS, kernel="precomputed", tol=1e-4)
    machine.fit(gram, asks, sample_weight=weights)
    alphas = np.zeros(len(asks))
    alphas[machine.support_] = machine.dual_coef_[0]
    return alphas, float(machine.intercept_[0])


def _clause_machine(problem: Problem, used: NDArray[np.bool_], weights: Matrix) -> tuple[Matrix, float]:
    """A machine for single clauses.

    Which clause of a longer request asks is not in the data: the one that a first machine, from short
    messages, likes best is taken. All clauses of longer non-requests are non-requests.
    """
    owner = problem.clauses.owner
    lengths = np.bincount(owner, minlength=len(used))
    short = np.flatnonzero(used & ~(problem.asks & (lengths > 3)))
    denied = np.flatnonzero(used[owner] & ~problem.asks[owner])
    asked = np.flatnonzero(used[owner] & problem.asks[owner])
    best = np.empty(0, dtype=np.intp)
    machine, bias = np.zeros(problem.whole.rows.shape[1]), 0.0
    for _ in range(2):
        parts = [problem.whole.rows[short], problem.clauses.rows[denied], problem.clauses.rows[best]]
        rows = vstack(parts).tocsr()
        asks = np.concatenate([problem.asks[short], np.zeros(len(denied), bool), np.ones(len(best), bool)])
        weight = np.concatenate([weights[short], 0.5 * weights[owner[denied]], weights[owner[best]]])
        alphas, bias = _machine((rows @ rows.T).toarray(), asks, weight)
        machine = np.asarray(rows.T @ alphas)
        scores = problem.clauses.rows @ machine
        best = np.array(
            [
                max(np.flatnonzero(owner == one), key=lambda row: scores[row])
                for one in np.unique(owner[asked])
            ],
            dtype=np.intp,
        )
    return machine, bias


def folds(problem: Problem, lang: str) -> NDArray[np.intp]:
    """The fold of each message of ``lang`` (-1: another language), groups together, by hash."""
    return np.array(
        [
            int(hashlib.sha256(message.group.encode()).hexdigest(), 16) % FOLDS
            if message.lang == lang
            else -1
            for message in problem.messages
        ]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The scores above which a person is asked for, by layer, and how a score becomes a probability."""

    whole: float
    wording: float
    clause: float
    slope: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Scores of one language's messages from machines that have not seen them."""

    messages: Sequence[Message]
    whole: Matrix
    wording: Matrix
    clause: Matrix  #: the best clause that does not refuse a person; -inf where there is but one
    refused: NDArray[np.bool_]  #: a clause refuses a person
    alone: NDArray[np.bool_]  #: one word asks for a person


def cross_validate(problem: Problem, lang: str) -> Held:
    """The held-out scores of the messages of ``lang``."""
    fold = folds(problem, lang)
    count = len(problem.messages)
    whole, wording, parts = np.zeros(count), np.zeros(count), np.zeros(len(problem.clauses.owner))
    for number in range(FOLDS):
        fitted = fit(problem, lang, fold != number)
        out = np.flatnonzero(fold == number)
        rows = problem.whole.rows[out]
        whole[out] = problem.kernel[out] @ fitted.alphas + rows @ fitted.whole + fitted.whole_bias
        wording[out] = rows @ fitted.wording + fitted.wording_bias
        theirs = np.flatnonzero(np.isin(problem.clauses.owner, out))
        parts[theirs] = problem.clauses.rows[theirs] @ fitted.clause + fitted.clause_bias
    mine = np.flatnonzero(problem.langs == lang)
    messages = [problem.messages[place] for place in mine.tolist()]
    lexicon = lexicons()[lang]
    best, refused, alone = np.full(len(mine), -np.inf), np.zeros(len(mine), bool), np.zeros(len(mine), bool)
    for place, (row, message) in enumerate(zip(mine, messages, strict=True)):
        found = clauses(message.text, lexicon)
        denied = refusals(found, lexicon)
        scores = parts[problem.clauses.owner == row]
        refused[place] = any(denied)
        alone[place] = not any(denied) and asks_alone(flat(found), lexicon)
        kept = [score for score, no in zip(scores, denied, strict=False) if not no]
        best[place] = max(kept, default=-np.inf)
    return Held(
        messages=messages, whole=whole[mine], wording=wording[mine], clause=best, refused=refused, alone=alone
    )


def operating_point(held: Held) -> Point:
    """The thresholds that keep false alarms at ``FALSE_ALARMS`` of the held-out non-requests."""
    denied = np.array([not message.asks and message.counts for message in held.messages])
    asked = np.array([message.asks for message in held.messages])
    judged = denied & ~held.refused
    share = FALSE_ALARMS * denied.sum() / judged.sum()
    whole = float(np.quantile(held.whole[judged], 1 - share))
    wording = float(np.quantile(held.wording[judged], 1 - share))
    several = denied & np.isfinite(held.clause)
    clause = float(np.quantile(held.clause[several], 1 - FALSE_ALARMS)) + CLAUSE_MARGIN
    typical = float(np.median(held.whole[asked & ~held.refused])) - whole
    return Point(whole=whole, wording=wording, clause=clause, slope=round(LIKELY / max(typical, 0.1), 6))


def outcomes(held: Held, point: Point, *, with_embedding: bool = True) -> NDArray[np.bool_]:
    """Which held-out messages are taken for requests."""
    score = held.whole - point.whole if with_embedding else held.wording - point.wording
    score = np.where(held.refused, -np.inf, score)
    return held.alone | (np.maximum(score, held.clause - point.clause) >= 0)


def kind_machines(problem: Problem) -> tuple[Matrix, Matrix]:
    """Kernel weights ``[kinds, messages]`` and biases of small talk, abuse and far out of scope.

    The bias of each is set so that at most ``KIND_FALSE_ALARMS`` of held-out messages of other kinds pass.
    """
    names = np.array([_kind(message) for message in problem.messages])
    spread = [int(hashlib.sha256(m.group.encode()).hexdigest(), 16) % FOLDS for m in problem.messages]
    fold = np.array(spread)
    alphas, biases = [], []
    for name in KINDS:
        is_kind = names == name
        held = np.zeros(len(names))
        for number in range(FOLDS):
            kept, out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            weights, bias = _machine(problem.kernel[np.ix_(kept, kept)], is_kind[kept], np.ones(len(kept)))
            held[out] = problem.kernel[np.ix_(out, kept)] @ weights + bias
        weights, bias = _machine(problem.kernel, is_kind, np.ones(len(names)))
        threshold = float(np.quantile(held[~is_kind], 1 - KIND_FALSE_ALARMS))
        alphas.append(weights)
        biases.append(bias if name == "out_of_scope" else bias - max(threshold, 0.0))
    return np.array(alphas), np.array(biases)


def _kind(message: Message) -> str:
    return message.tag if message.kind == "small_talk" else message.kind


def data_hash() -> str:
    """Hex sha256 over the training half."""
    files = [(DATA / f"{lang}.train.jsonl").read_bytes() for lang in LANGUAGES]
    return hashlib.sha256(b"".join(files)).hexdigest()


def build(
    problem: Problem, fits: Mapping[str, Fit], points: Mapping[str, Point], encoder: str
) -> dict[str, Any]:
    """The parameters as JSON values: what ``IntentModel`` reads."""
    columns = [fits[lang].alphas for lang in fits]
    kinds, kind_biases = kind_machines(problem)
    alphas = np.column_stack([*columns, *kinds]) * KERNEL
    keep = np.abs(alphas).max(axis=1) > 1e-6
    centred = (problem.embeddings - problem.centre)[keep]
    steps = np.asarray(np.abs(centred).max(axis=1) / 127, dtype=np.float16).astype(np.float64)
    whole = np.clip(np.rint(centred / steps[:, None]), -127, 127).astype(np.int8)
    support = {
        "encoder": encoder,
        "centre": packed(problem.centre),
        "steps": packed(steps),
        "vectors": base64.b64encode(whole.tobytes()).decode(),
        "gamma": GAMMA * SCALE**2,
        "names": [*fits, *KINDS],
        "alphas": packed(alphas[keep].ravel()),
        "biases": packed(np.concatenate([np.zeros(len(fits)), kind_biases])),
    }
    languages = {lang: _language(fits[lang], points[lang]) for lang in fits}
    return {"format": FORMAT, "data": data_hash(), "languages": languages, "support": support}


def _language(fitted: Fit, point: Point) -> dict[str, Any]:
    layers = {
        Layer.WHOLE: (fitted.whole, fitted.whole_bias - point.whole),
        Layer.WORDING: (fitted.wording, fitted.wording_bias - point.wording),
        Layer.CLAUSE: (fitted.clause, fitted.clause_bias - point.clause),
    }
    return {
        "slope": point.slope,
        "clause_margin": 0.0,
        "layers": {
            layer.value: Weights(
                ngrams=np.asarray(NGRAMS * vector[:NGRAM_SIZE], dtype=np.float32),
                concepts=np.asarray(vector[NGRAM_SIZE:], dtype=np.float32),
                bias=bias,
            ).to_json()
            for layer, (vector, bias) in layers.items()
        },
    }


@click.command(help=__doc__)
@click.option("--dry-run", is_flag=True, help="Print the figures and write nothing.")
def main(dry_run: bool) -> None:
    """Fit, report, write."""
    encoder = open_encoder()
    problem = prepare(read("train"), encoder)
    fits, points = {}, {}
    for lang in LANGUAGES:
        held = cross_validate(problem, lang)
        points[lang] = operating_point(held)
        for with_embedding in (True, False):
            figures = _figures(held, points[lang], with_embedding)
            click.echo(f"{lang} {'with' if with_embedding else 'without'} embedding: {figures}")
        fits[lang] = fit(problem, lang, np.ones(len(problem.messages), bool))
    if not dry_run:
        target = Path(str(resources.files("botsvc.intents_data").joinpath("model.json")))
        record = build(problem, fits, points, encoder.fingerprint)
        target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        click.echo(f"{target}: {target.stat().st_size:,} bytes")


def _figures(held: Held, point: Point, with_embedding: bool) -> str:
    taken = outcomes(held, point, with_embedding=with_embedding)
    asked = np.array([message.asks for message in held.messages])
    denied = np.array([not message.asks and message.counts for message in held.messages])
    return (
        f"held-out recall {taken[asked].mean():.3f} (n = {asked.sum()}), "
        f"false alarms {taken[denied].mean():.4f} (n = {denied.sum()})"
    )


if __name__ == "__main__":
    main()
