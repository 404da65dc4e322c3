"""Fixed texts that tell how an encoder, and a kb, look at any question at all.

Embeddings of one encoder crowd around a mean that says nothing; subtracting it (one mean for questions, one
for passages) spreads similarities out and improves ranking. The cohort's questions also show how near any
question comes to a kb, which is what a top score is worth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Self

import numpy as np

from indexer.encoders import Encoder
from indexer.vectors import Matrix, unit_rows

FILE = "cohort.npy"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cohort:
    """Means and questions of the fixed texts, as one encoder sees them."""

    query_mean: Matrix  #: ``[dim]``
    passage_mean: Matrix  #: ``[dim]``
    queries: Matrix  #: ``[n, dim]``, centred, unit length
    outside: Matrix  #: ``[m, dim]``, the same of questions that no help center answers

    @classmethod
    def encode(cls, encoder: Encoder) -> Self:
        """The cohort as this encoder sees it."""
        text = resources.files("indexer").joinpath("data/cohort.json").read_text(encoding="utf-8")
        texts = json.loads(text)
        queries = encoder.encode_queries(texts["queries"])
        passages = encoder.encode_passages(texts["passages"])
        mean = queries.mean(axis=0)
        return cls(
            query_mean=mean,
            passage_mean=passages.mean(axis=0),
            queries=unit_rows(queries - mean[None, :]),
            outside=unit_rows(encoder.encode_queries(texts["outside"]) - mean[None, :]),
        )

    def centre_queries(self, vectors: Matrix) -> Matrix:
        """Question vectors without what all questions share, at unit length."""
        return unit_rows(vectors - self.query_mean[None, :])

    def centre_passages(self, vectors: Matrix) -> Matrix:
        """Passage vectors without what all passages share, at unit length."""
        return unit_rows(vectors - self.passage_mean[None, :])

    def save(self, folder: Path) -> str:
        """Write ``cohort.npy``; returns its name."""
        means = np.stack([self.query_mean, self.passage_mean, np.zeros_like(self.query_mean)])
        means[2, 0] = len(self.queries)
        rows = np.concatenate([means, self.queries, self.outside])
        np.save(folder / FILE, rows, allow_pickle=False)
        return FILE

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        rows = np.load(folder / FILE, allow_pickle=False)
        questions = 3 + int(rows[2, 0])
        return cls(
            query_mean=rows[0], passage_mean=rows[1], queries=rows[3:questions], outside=rows[questions:]
        )
