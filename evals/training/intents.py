"""Fit the intent model of ``botsvc/intents.py`` from the training half of ``evals/data/intents``.

    python -m evals.training.intents DATA            fit, print cross-validated figures, write the parameters
    python -m evals.training.intents DATA --dry-run  the figures only

Of the messages only ``*.train.jsonl`` is read. ``DATA`` holds public question sets, whose questions are
ordinary ones that ask for nobody; half of each set is left for checking. The operating point of each language
is set by cross-validation with minimal pairs and near-duplicates kept together. torch and scikit-learn are
needed here and nowhere in serving. The same data, encoder and lock file give the same parameters.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import resources
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from botsvc.intent_features import concepts
from botsvc.intent_net import packed
from botsvc.intent_text import lexicons
from botsvc.intents import FORMAT, REQUEST, Layer, message
from botsvc.smalltalk import SmallTalkKind
from evals.training.intent_nets import SCALE, Lessons, Net, Sample, exported, fitted, sample, scores
from evals.training.intent_variants import framed, joined, mistyped
from indexer import Encoder, open_encoder

DATA = Path(__file__).parents[1] / "data" / "intents"
LANGUAGES = ("fi", "sv", "en")
KINDS = (*(kind.value for kind in SmallTalkKind), "abuse", "out_of_scope")
OUTPUTS = (REQUEST, *KINDS)

NETS = 3
FOLDS = 4
SEED = 7
JOINED = 150  # joined messages a language
FRAMED = 500  # messages of usual frames a language
MADE = 0.5  # weight of a message that nobody wrote
ALIKE = 0.6  # cosine of character n-grams from which two messages stay in one fold
FALSE_ALARMS = 0.01  # share of cross-validated non-requests at the operating point
LOOK_ALIKE = ("look_alike", "pair", "negated", "reported", "contact_info")
LOOK_ALIKES = 1 / 3  # their share of the non-requests that the operating point is set for
PUBLIC = {"fi": ("squad_fi_mt", "gnome_help"), "sv": ("swequad_mc", "gnome_help"),
          "en": ("banking77", "stackfaq", "clinc150", "gnome_help")}  # fmt: skip
MOST_PUBLIC = 600  # questions a language
KIND_FALSE_ALARMS = 0.002
LIKELY = 4.0  # log odds that the typical request stands for
Matrix = NDArray[np.float32]
Result = TypeVar("Result")


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


def public(data: Path) -> list[Message]:
    """Ordinary questions of the public sets: of each set at most half, the same share of each."""
    found = []
    for lang, names in PUBLIC.items():
        for name in names:
            lines = (data / name / "questions.jsonl").read_text(encoding="utf-8").splitlines()
            texts = {record["text"] for line in lines if (record := json.loads(line))["lang"] == lang}
            picked = sorted(texts, key=lambda text: hashlib.sha256(f"public {text}".encode()).digest())
            found += [
                Message(id=f"{name}-{lang}-{n}", lang=lang, text=text, kind="not_request", tag="public")
                for n, text in enumerate(picked[: min(MOST_PUBLIC // len(names), len(picked) // 2)])
            ]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Lessons, and which message each row is of."""

    lessons: Lessons
    owners: NDArray[np.intp]  #: [rows], into the messages; rows past them are made: -1
    centre: Matrix  #: [dim]


def prepare(messages: Sequence[Message], encoder: Encoder) -> Course:
    """The written messages, then messages made of them."""
    embeddings = np.asarray(encoder.encode_queries([one.text for one in messages]), dtype=np.float32)
    centre = np.asarray(embeddings.mean(axis=0), dtype=np.float16).astype(np.float32)
    chance = np.random.default_rng(SEED)
    frames = [(text, lang, asks) for lang in LANGUAGES for text, asks in framed(lang, FRAMED, chance)]
    seen = encoder.encode_queries([text for text, _, _ in frames])
    count = len(messages) + len(frames)
    targets = np.zeros((count, len(OUTPUTS)), dtype=np.float32)
    for row, one in enumerate(messages):
        targets[row] = [name == (one.tag if one.kind == "small_talk" else one.kind) for name in OUTPUTS]
    targets[len(messages) :, 0] = [asks for _, _, asks in frames]
    texts = [(one.text, one.lang) for one in messages] + [(text, lang) for text, lang, _ in frames]
    lessons = Lessons(
        samples=[_sample(text, lang) for text, lang in texts],
        mistyped=[_sample(mistyped(text, chance), lang) for text, lang in texts],
        embeddings=SCALE * (np.concatenate([embeddings, seen]).astype(np.float32) - centre),
        embedded=np.ones(count, dtype=np.float32),
        langs=np.array([LANGUAGES.index(lang) for _, lang in texts]),
        targets=targets,
        weights=np.repeat([1.0, MADE], [len(messages), len(frames)]).astype(np.float32),
    )
    owners = np.concatenate([np.arange(len(messages)), np.full(len(frames), -1)])
    return Course(lessons=lessons, owners=owners, centre=centre)


def _sample(text: str, lang: str) -> Sample:
    return sample(message(text, lexicons()[lang], concepts()[lang]).words)


def with_joined(lessons: Lessons, messages: Sequence[Message], rows: NDArray[np.intp]) -> Lessons:
    """The lessons with longer messages joined from the written ones among ``rows``; words alone count."""
    chance = np.random.default_rng(SEED)
    used = [messages[row] for row in rows if row < len(messages)]
    made = [
        (text, lang, asks)
        for lang in LANGUAGES
        for text, asks in joined(
            [m.text for m in used if m.lang == lang and m.asks and len(m.text) < 90],
            [m.text for m in used if m.lang == lang and m.kind == "not_request" and m.tag != "negated"],
            [m.text for m in used if m.lang == lang and m.tag in ("greeting", "thanks")],
            JOINED,
            chance,
        )
    ]
    samples = [_sample(text, lang) for text, lang, _ in made]
    targets = np.zeros((len(made), len(OUTPUTS)), dtype=np.float32)
    targets[:, 0] = [asks for _, _, asks in made]
    blank = np.zeros((len(made), lessons.embeddings.shape[1]), dtype=np.float32)
    return Lessons(
        samples=[*lessons.samples, *samples],
        mistyped=[*lessons.mistyped, *samples],
        embeddings=np.concatenate([lessons.embeddings, blank]),
        embedded=np.concatenate([lessons.embedded, np.zeros(len(made), dtype=np.float32)]),
        langs=np.concatenate([lessons.langs, [LANGUAGES.index(lang) for _, lang, _ in made]]),
        targets=np.concatenate([lessons.targets, targets]),
        weights=np.concatenate([lessons.weights, np.full(len(made), MADE, dtype=np.float32)]),
    )


def fit(course: Course, messages: Sequence[Message], out: NDArray[np.bool_], seed: int) -> Net:
    """A net fitted to all but the messages that are ``out``."""
    import torch

    torch.set_num_threads(1)
    written = np.flatnonzero(~out)
    rows = np.concatenate([written, np.flatnonzero(course.owners < 0)])
    lessons = with_joined(course.lessons, messages, written)
    rows = np.concatenate([rows, np.arange(len(course.owners), len(lessons.samples))])
    return fitted(lessons, rows, languages=len(LANGUAGES), seed=seed)


def groups(messages: Sequence[Message]) -> list[str]:
    """What stays in one fold: minimal pairs, and messages of a language that are nearly the same."""
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    found = [""] * len(messages)
    for lang in LANGUAGES:
        mine = [row for row, one in enumerate(messages) if one.lang == lang]
        vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
        rows = vectors.fit_transform([messages[row].text for row in mine])
        links = ((rows @ rows.T) > ALIKE).tolil()
        first: dict[str, int] = {}
        for place, row in enumerate(mine):
            links[place, first.setdefault(messages[row].group, place)] = True
        _, labels = connected_components(links, directed=False)
        for place, row in enumerate(mine):
            found[row] = f"{lang}-{labels[place]}"
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Scores ``[messages, outputs]`` from nets that have not seen them, with embedding and without."""

    whole: Matrix
    wording: Matrix


def _held_out(
    number: int, course: Course, messages: Sequence[Message], fold: NDArray[np.intp]
) -> tuple[Matrix, Matrix]:
    """As served: the mean of several nets."""
    rows = np.flatnonzero(fold == number)
    nets = [fit(course, messages, fold == number, SEED + NETS * number + one) for one in range(NETS)]
    whole = [scores(net, course.lessons, rows) for net in nets]
    wording = [scores(net, course.lessons, rows, with_embedding=False) for net in nets]
    return np.mean(whole, axis=0), np.mean(wording, axis=0)


def cross_validate(course: Course, messages: Sequence[Message]) -> Held:
    """The held-out scores of the written messages."""
    fold = fold_of(groups(messages))
    whole, wording = (np.zeros((len(messages), len(OUTPUTS)), dtype=np.float32) for _ in range(2))
    work = partial(_held_out, course=course, messages=messages, fold=fold)
    for number, (with_embedding, without) in enumerate(_in_parallel(work, range(FOLDS))):
        whole[fold == number], wording[fold == number] = with_embedding, without
    return Held(whole=whole, wording=wording)


def _in_parallel(work: Callable[[int], Result], numbers: range) -> list[Result]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        return list(pool.map(work, numbers))


def _net(number: int, course: Course, messages: Sequence[Message]) -> Net:
    return fit(course, messages, np.zeros(len(messages), dtype=bool), SEED + number)


def ruled(messages: Sequence[Message], score: Matrix) -> Matrix:
    """The scores with those words of the rules that no score outweighs."""
    found = score.astype(np.float32).copy()
    for row, one in enumerate(messages):
        seen = message(one.text, lexicons()[one.lang], concepts()[one.lang])
        if all(seen.refused):
            found[row] = -np.inf
        elif seen.certain:
            found[row] = np.inf
    return found


def points(messages: Sequence[Message], held: Held) -> dict[str, dict[str, dict[str, float]]]:
    """Per language and layer the threshold that keeps false alarms at ``FALSE_ALARMS``, and the slope."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for lang in LANGUAGES:
        asked, denied = _sides(messages, lang)
        found[lang] = {}
        for layer, score in ((Layer.WHOLE, held.whole[:, 0]), (Layer.WORDING, held.wording[:, 0])):
            one = ruled(messages, score)
            threshold = _operating_point(
                one[denied], [m.tag for m, no in zip(messages, denied, strict=True) if no]
            )
            typical = float(np.median(score[asked])) - threshold
            slope = LIKELY / max(typical, 0.5)
            found[lang][layer.value] = {"threshold": round(threshold, 4), "slope": round(slope, 4)}
    return found


def _operating_point(scores: Matrix, tags: Sequence[str]) -> float:
    """The lowest threshold that ``FALSE_ALARMS`` of the usual mixture of non-requests pass at most."""
    alike = np.array([tag in LOOK_ALIKE for tag in tags])
    weights = np.where(alike, LOOK_ALIKES / alike.sum(), (1 - LOOK_ALIKES) / (~alike).sum())
    order = np.argsort(-scores)
    passed = np.cumsum(weights[order])
    return float(scores[order][int(np.searchsorted(passed, FALSE_ALARMS, side="right"))])


def _sides(messages: Sequence[Message], lang: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    asked = np.array([one.asks and one.lang == lang for one in messages])
    denied = np.array([one.counts and not one.asks and one.lang == lang for one in messages])
    return asked, denied


def kinds(course: Course, messages: Sequence[Message]) -> dict[str, Any]:
    """A linear machine on embeddings for each kind of small talk, abuse and far questions, as JSON values.

    Its bias is set so that at most ``KIND_FALSE_ALARMS`` of held-out messages of other kinds pass.
    """
    from sklearn.linear_model import LogisticRegression

    tags = [one.tag if one.kind == "small_talk" else one.kind for one in messages]
    names = np.array([tag if tag in KINDS else "" for tag in tags])
    rows = course.lessons.embeddings[: len(messages)]
    held_out = fold_of(groups(messages)) == 0
    tried = LogisticRegression(max_iter=60).fit(rows[~held_out], names[~held_out])
    final = LogisticRegression(max_iter=60).fit(rows, names)
    found = tried.decision_function(rows[held_out])
    order = list(final.classes_)
    weights, biases = [], []
    for name in KINDS:
        place, plain = order.index(name), order.index("")
        others = (found[:, place] - found[:, plain])[names[held_out] != name]
        threshold = max(float(np.quantile(others, 1 - KIND_FALSE_ALARMS)), 0.0)
        weights.append(SCALE * (final.coef_[place] - final.coef_[plain]))
        biases.append(final.intercept_[place] - final.intercept_[plain] - threshold)
    return {
        "names": list(KINDS),
        "weights": packed(np.array(weights)),
        "biases": packed(np.array(biases)),
    }


def fold_of(names: Sequence[str]) -> NDArray[np.intp]:
    """The fold of each group, by hash."""
    return np.array([int(hashlib.sha256(name.encode()).hexdigest(), 16) % FOLDS for name in names])


def data_hash() -> str:
    """Hex sha256 over the training half."""
    files = [(DATA / f"{lang}.train.jsonl").read_bytes() for lang in LANGUAGES]
    return hashlib.sha256(b"".join(files)).hexdigest()


def build(
    course: Course, nets: Sequence[Net], encoder: str, **operating: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters as JSON values: what ``IntentModel`` reads."""
    read_by = {"outputs": list(OUTPUTS), "languages": list(LANGUAGES), **exported(nets, course.centre)}
    return {"format": FORMAT, "data": data_hash(), "encoder": encoder, **operating, "nets": read_by}


@click.command(help=__doc__)
@click.argument("data", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Print the figures and write nothing.")
def main(data: Path, dry_run: bool) -> None:
    """Cross-validate, report, fit, write."""
    encoder = open_encoder()
    messages = [*read("train"), *public(data)]
    course = prepare(messages, encoder)
    held = cross_validate(course, messages)
    operating = points(messages, held)
    for lang in LANGUAGES:
        for layer, score in ((Layer.WHOLE, held.whole[:, 0]), (Layer.WORDING, held.wording[:, 0])):
            taken = ruled(messages, score) > operating[lang][layer.value]["threshold"]
            asked, denied = _sides(messages, lang)
            click.echo(
                f"{lang} {layer.value}: held-out recall {taken[asked].mean():.3f} (n = {asked.sum()}), "
                f"false alarms {taken[denied].mean():.4f} (n = {denied.sum()})"
            )
    if dry_run:
        return
    nets = _in_parallel(partial(_net, course=course, messages=messages), range(NETS))
    target = Path(str(resources.files("botsvc.intents_data").joinpath("model.json")))
    record = build(course, nets, encoder.fingerprint, points=operating, kinds=kinds(course, messages))
    target.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
