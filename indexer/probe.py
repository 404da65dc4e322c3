"""A linear probe: which article a question belongs to, learned from examples and the articles' texts.

Multinomial logistic regression on the centred embeddings of one kb, a model for each language. It finds what
tells near neighbours apart, which comparing a question with one text after another cannot; the more examples
an article has, the more it brings, so its weight in the ranking grows with ``log(1 + k)``.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.articles import ArticleKey
from indexer.snapshot import Snapshot
from indexer.vectors import Matrix, dot

FILE = "probe.npz"
#: Inverse strength of the L2 penalty, for vectors of unit length.
SOFTNESS = 10.0
#: Texts times articles from which on a language does without: training would take minutes.
MOST_WORK = 10_000_000
#: Log odds are divided by this, so that the probe's scale is like that of the other features.
SCALE = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Texts:
    """What one language's model is learned from."""

    keys: list[ArticleKey]
    vectors: Matrix
    owners: NDArray[np.int64]
    examples: float  #: mean of log(1 + k) over the articles


@dataclass(frozen=True, kw_only=True, eq=False)
class Probe:
    """A linear function of the question's vector for each article that was there when it was learned."""

    keys: tuple[ArticleKey, ...]
    weights: Matrix  #: ``[n, dim]``
    biases: NDArray[np.float32]  #: ``[n]``

    @classmethod
    def none(cls, dim: int) -> Self:
        """Without examples there is nothing to learn."""
        return cls(keys=(), weights=np.zeros((0, dim), np.float32), biases=np.zeros(0, np.float32))

    @classmethod
    def train(
        cls, snapshot: Snapshot, dim: int, left_out: Mapping[int, Collection[int]] | None = None
    ) -> Self:
        """Learn from the live articles; ``left_out`` are rows of example questions, by part, not to look at.

        Imports scikit-learn. The same articles and examples give the same numbers, in whatever segments they
        lie.
        """
        keys: list[ArticleKey] = []
        weights, biases = [np.zeros((0, dim), np.float16)], [np.zeros(0, np.float16)]
        for lang in snapshot.languages:
            texts = _texts(snapshot, lang, left_out or {})
            if texts is None:
                continue
            slopes, offsets = _fit(texts)
            keys += texts.keys
            weights.append((slopes * (texts.examples / SCALE)).astype(np.float16))
            biases.append((offsets * (texts.examples / SCALE)).astype(np.float16))
        return cls(
            keys=tuple(keys),
            weights=np.concatenate(weights).astype(np.float32),
            biases=np.concatenate(biases).astype(np.float32),
        )

    @cached_property
    def rows(self) -> Mapping[ArticleKey, int]:
        """Where each article's function lies."""
        return {key: row for row, key in enumerate(self.keys)}

    def save(self, folder: Path) -> str:
        """Write ``probe.npz``; returns its name."""
        names = np.array([f"{key.lang}/{key.id}" for key in self.keys], dtype=np.str_)
        np.savez(
            folder / FILE,
            names=names,
            weights=self.weights.astype(np.float16),
            biases=self.biases.astype(np.float16),
        )
        return FILE

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote; raises ``OSError``, ``KeyError`` or ``ValueError``."""
        with np.load(folder / FILE, allow_pickle=False) as stored:
            names = [name.partition("/") for name in stored["names"].tolist()]
            weights, biases = stored["weights"].astype(np.float32), stored["biases"].astype(np.float32)
        if not len(names) == len(weights) == len(biases):
            raise ValueError(f"{FILE} holds {len(names)} names, {len(weights)} rows, {len(biases)} biases")
        return cls(keys=tuple(ArticleKey(lang, id) for lang, _, id in names), weights=weights, biases=biases)


class PlacedProbe:
    """The probe's functions by the rows of a snapshot's segments."""

    def __init__(self, probe: Probe, snapshot: Snapshot) -> None:
        self._probe = probe
        known = probe.rows
        self._rows = tuple(
            np.array([known.get(key, -1) for key in part.segment.keys], np.int64) if known else None
            for part in snapshot.parts
        )

    def scores(self, part: int, rows: NDArray[np.int64], vector: Matrix) -> NDArray[np.float32]:
        """One score an article row; NaN for an article that came after the probe, 0 without a probe."""
        places = self._rows[part]
        if places is None:
            return np.zeros(len(rows), np.float32)
        chosen = places[rows]
        found = dot(self._probe.weights[chosen], vector) + self._probe.biases[chosen]
        return np.where(chosen >= 0, found, np.float32(np.nan)).astype(np.float32)


def _texts(snapshot: Snapshot, lang: str, left_out: Mapping[int, Collection[int]]) -> _Texts | None:
    """None where a probe would bring nothing or take too long."""
    keys = sorted(key for key in snapshot.places if key.lang == lang)
    if snapshot.question_count == 0 or len(keys) < 2 or _work(snapshot, keys) > MOST_WORK:
        return None
    vectors: list[Matrix] = []
    owners: list[int] = []
    examples = 0.0
    for number, key in enumerate(keys):
        place = snapshot.places[key]
        segment = snapshot.parts[place.segment].segment
        first, last = segment.question_starts[place.row : place.row + 2].tolist()
        unknown = left_out.get(place.segment, ())
        asked = np.array([row for row in range(first, last) if row not in unknown], np.int64)
        own = segment.vectors(place.row)
        titles = own.title if float(np.abs(own.title).max()) > 0.0 else own.title[:0]
        vectors += [segment.questions.rows(asked), own.passages, titles]
        owners += [number] * (len(asked) + len(own.passages) + len(titles))
        examples += float(np.log1p(len(asked)))
    if examples == 0.0:
        return None
    return _Texts(
        keys=keys,
        vectors=np.concatenate(vectors),
        owners=np.array(owners, np.int64),
        examples=examples / len(keys),
    )


def _work(snapshot: Snapshot, keys: Collection[ArticleKey]) -> int:
    """Texts times articles: what a step of the training costs."""
    texts = len(keys)
    for key in keys:
        place = snapshot.places[key]
        segment = snapshot.parts[place.segment].segment
        texts += int(segment.starts[place.row + 1, 1] - segment.starts[place.row, 1])
        texts += int(segment.question_starts[place.row + 1] - segment.question_starts[place.row])
    return texts * len(keys)


def _fit(texts: _Texts) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes ``[n, dim]`` and offsets ``[n]`` of the articles' log odds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough after as many steps
        model = LogisticRegression(C=SOFTNESS, max_iter=100, tol=1e-3).fit(texts.vectors, texts.owners)
    slopes, offsets = np.asarray(model.coef_, np.float64), np.asarray(model.intercept_, np.float64)
    if len(slopes) == 1:  # two articles: scikit-learn gives the second one's function alone
        slopes, offsets = np.concatenate([-slopes, slopes]) / 2, np.concatenate([-offsets, offsets]) / 2
    # How many texts an article has says nothing of how often it is asked for (logit adjustment: Menon et
    # al. 2021, "Long-tail learning via logit adjustment").
    offsets = offsets - np.log(np.bincount(texts.owners, minlength=len(texts.keys)))
    return slopes, offsets


__all__ = ["FILE", "PlacedProbe", "Probe"]
