"""Learn the intent model: ``python -m evals.training.intents [--measure]``.

Trains on ``evals/data/intents/*.train.jsonl`` and, as negatives, the sample kb's questions; the test halves
are read with ``--measure`` only. Writes ``botsvc/intents_data/model.npz``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, hstack, vstack
from sklearn.linear_model import LogisticRegression

from botsvc.intent_text import clauses, lexicons
from botsvc.intents import (
    CONCEPTS,
    KINDS,
    NGRAMS,
    NONSENSE,
    OTHER,
    WEIGHT_EMBEDDING,
    IntentModel,
    row,
)
from evals.intervals import wilson
from indexer import open_encoder
from indexer.sources import read_kb

DATA = Path("evals/data/intents")
LANGUAGES = ("fi", "sv", "en")
#: The other languages' phrases help through embeddings and concepts, at half the weight.
SISTERS = 0.5
STRENGTH = 10.0


class Labelled(NamedTuple):
    """Messages of one language with what they are."""

    texts: list[str]
    human: NDArray[np.int8]
    kinds: list[str]


def read(lang: str, half: str) -> Labelled:
    """One half of one language's set."""
    records = [
        json.loads(line) for line in (DATA / f"{lang}.{half}.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    return Labelled(
        [record["text"] for record in records],
        np.array([record["kind"] == "human_request" for record in records], np.int8),
        [_kind(record) for record in records],
    )


def _kind(record: dict[str, Any]) -> str:
    if record["kind"] == "small_talk":
        return str(record["tag"])
    return {"chatter": NONSENSE, "abuse": "abuse", "out_of_scope": "out_of_scope"}.get(record["kind"], OTHER)


def with_questions(labelled: Labelled, lang: str) -> Labelled:
    """The set and the sample kb's questions, which ask for no person."""
    articles = read_kb(Path("kb")).articles
    questions = [
        question
        for key, article in sorted(articles.items())
        if key.lang == lang and article.id != "contact"
        for question in article.questions
    ]
    return Labelled(
        labelled.texts + questions,
        np.concatenate([labelled.human, np.zeros(len(questions), np.int8)]),
        labelled.kinds + [OTHER] * len(questions),
    )


def matrix(texts: Sequence[str], lang: str) -> csr_matrix:
    """Hashed features of messages."""
    lexicon = lexicons()[lang]
    rows = [row([word for part in clauses(text, lexicon) for word in part], lang) for text in texts]
    starts = np.cumsum([0, *(len(r.buckets) for r in rows)])
    return csr_matrix(
        (
            np.concatenate([r.values for r in rows]),
            np.concatenate([r.buckets for r in rows]),
            starts,
        ),
        shape=(len(rows), NGRAMS + CONCEPTS),
    )


def _fit(x: csr_matrix, y: NDArray[Any], weights: NDArray[np.float64]) -> NDArray[np.float32]:
    model = LogisticRegression(C=STRENGTH, solver="liblinear", max_iter=300, random_state=0)
    model.fit(x, y, sample_weight=weights)
    return np.concatenate([model.coef_[0], model.intercept_]).astype(np.float32)


def train() -> None:
    """Fit all languages and write the parameters."""
    encoder = open_encoder()
    sets = {lang: with_questions(read(lang, "train"), lang) for lang in LANGUAGES}
    texts = {lang: matrix(labelled.texts, lang) for lang, labelled in sets.items()}
    embeddings = {lang: encoder.encode_queries(labelled.texts) for lang, labelled in sets.items()}
    stored: dict[str, Any] = {"languages": np.array(LANGUAGES), "fingerprint": np.array(encoder.fingerprint)}
    for lang in LANGUAGES:
        order = [lang, *(other for other in LANGUAGES if other != lang)]
        mean = embeddings[lang].mean(axis=0)
        dense = {each: csr_matrix((embeddings[each] - mean) * WEIGHT_EMBEDDING) for each in order}
        human = np.concatenate([sets[each].human for each in order])
        weights = np.concatenate(
            [np.full(len(sets[each].texts), 1.0 if each == lang else SISTERS) for each in order]
        )
        both = vstack([hstack([texts[each], dense[each]]) for each in order]).tocsr()
        plain = vstack([texts[each] for each in order]).tocsr()
        stored[f"{lang}.mean"] = mean.astype(np.float32)
        stored[f"{lang}.human"] = _fit(both, human, weights).astype(np.float16)
        stored[f"{lang}.human_text"] = _fit(plain, human, weights).astype(np.float16)
        stored[f"{lang}.kinds"] = _kinds(texts[lang], sets[lang].kinds).astype(np.float16)
    target = Path(str(resources.files("botsvc.intents_data").joinpath("model.npz")))
    np.savez_compressed(target, **stored)


def _kinds(x: csr_matrix, kinds: Sequence[str]) -> NDArray[np.float32]:
    model = LogisticRegression(C=STRENGTH, max_iter=400, random_state=0).fit(x, np.array(kinds))
    weights = np.zeros((len(KINDS), x.shape[1] + 1), np.float32)
    weights[:, -1] = -30.0  # kinds that the set lacks never come
    for place, name in enumerate(model.classes_.tolist()):
        weights[KINDS.index(name)] = np.r_[model.coef_[place], model.intercept_[place]]
    return weights


def measure(half: str) -> None:
    """Recall and false alarms of requests for a person, with 95 % intervals, by language."""
    model, encoder = IntentModel.load(), open_encoder()
    for lang in LANGUAGES:
        labelled = read(lang, half)
        vectors = encoder.encode_queries(labelled.texts)
        for name, given in (("with embedding", vectors), ("n-grams only", [None] * len(vectors))):
            said = np.array(
                [
                    model.classify(text, vector, lang).human_request >= 0.5
                    for text, vector in zip(labelled.texts, given, strict=True)
                ]
            )
            asked = labelled.human == 1
            recall = _share(int(said[asked].sum()), int(asked.sum()))
            alarms = _share(int(said[~asked].sum()), int((~asked).sum()))
            click.echo(f"{lang} {half} {name:14} recall {recall}  false alarms {alarms}")


def _share(hits: int, n: int) -> str:
    interval = wilson(hits, n)
    return (
        "none"
        if interval is None
        else f"{hits}/{n} = {hits / n:.4f} [{interval.low:.4f}, {interval.high:.4f}]"
    )


if __name__ == "__main__":
    if "--measure" in sys.argv:
        measure("test")
    else:
        train()
        measure("train")
