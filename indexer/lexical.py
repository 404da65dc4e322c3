"""Lexical postings of one segment: which unit holds which term, and how strongly.

A posting keeps the saturated term frequency of BM25 (Robertson and Zaragoza 2009, equation 3.15) with a fixed
pivot length instead of the corpus average: units are cut to about one size, and so a posting depends on its
own unit alone and never changes when other articles do. IDF is applied at query time, over all segments.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from indexer.terms import PLAIN, Hashes, WeightedTerms

K1 = 1.2
B = 0.75
#: Impacts are stored in a byte; the largest possible one, K1 + 1, is 255.
IMPACT_SCALE = (K1 + 1.0) / 255.0

_FILES = ("terms", "starts", "units", "impacts")


def idf(document_frequency: NDArray[np.float64], documents: int) -> NDArray[np.float32]:
    """``log(1 + (N - df + 0.5) / (df + 0.5))``: positive also for terms that every unit holds."""
    df = np.minimum(document_frequency, documents)
    return np.log1p((documents - df + 0.5) / (df + 0.5)).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """Terms to units with impacts; those of term ``i`` lie at ``starts[i]:starts[i+1]``."""

    terms: Hashes  #: sorted, distinct
    starts: NDArray[np.int64]  #: ``[terms + 1]``
    units: NDArray[np.int32]
    impacts: NDArray[np.uint8]  #: saturated frequency / IMPACT_SCALE, at least 1
    unit_count: int

    @classmethod
    def build(cls, units: Sequence[WeightedTerms], pivot: float) -> Self:
        """Postings of the given units; ``pivot`` is the length (in terms) at which nothing is discounted."""
        lengths = np.array([u.weights.sum(dtype=np.int64) / PLAIN for u in units], np.float64)
        owners = np.repeat(np.arange(len(units), dtype=np.uint64), [len(u.terms) for u in units])
        if len(owners) == 0:
            empty = np.zeros(0, np.int32)
            return cls(terms=np.zeros(0, np.uint32), starts=np.zeros(1, np.int64), units=empty,
                       impacts=np.zeros(0, np.uint8), unit_count=len(units))  # fmt: skip
        terms = np.concatenate([u.terms for u in units]).astype(np.uint64)
        weights = np.concatenate([u.weights for u in units]).astype(np.float64) / PLAIN
        order = np.argsort(keys := (terms << np.uint64(32)) | owners, kind="stable")
        keys, weights = keys[order], weights[order]
        first = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
        frequency = np.add.reduceat(weights, first)
        term_of = (keys[first] >> np.uint64(32)).astype(np.uint32)
        unit_of = (keys[first] & np.uint64(0xFFFFFFFF)).astype(np.int32)
        norm = K1 * (1.0 - B + B * lengths[unit_of] / pivot)
        impact = frequency * (K1 + 1.0) / (frequency + norm)
        distinct = np.flatnonzero(np.r_[True, term_of[1:] != term_of[:-1]])
        return cls(
            terms=term_of[distinct],
            starts=np.r_[distinct, len(term_of)].astype(np.int64),
            units=unit_of,
            impacts=np.clip(np.rint(impact / IMPACT_SCALE), 1, 255).astype(np.uint8),
            unit_count=len(units),
        )

    def save(self, folder: Path, name: str) -> list[str]:
        """Write the arrays as ``NAME.<part>.npy``; returns the file names."""
        written = []
        for part in _FILES:
            written.append(f"{name}.{part}.npy")
            np.save(folder / written[-1], getattr(self, part), allow_pickle=False)
        return written

    @classmethod
    def load(cls, folder: Path, name: str, unit_count: int) -> Self:
        """Memory-map what ``save`` wrote."""
        # A plain view: numpy's memmap class costs a microsecond for every slice taken of it.
        parts = {
            part: np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
            for part in _FILES
        }
        return cls(**parts, unit_count=unit_count)

    def locate(self, query: Hashes) -> NDArray[np.int64]:
        """Row of each query term in ``terms``, -1 where no unit holds it."""
        if len(self.terms) == 0:
            return np.full(len(query), -1, np.int64)
        rows = np.minimum(np.searchsorted(self.terms, query), len(self.terms) - 1)
        return np.where(self.terms[rows] == query, rows, -1).astype(np.int64)

    def score(self, rows: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """``[unit_count]``: sum over the query's terms of weight x saturated frequency."""
        found = np.flatnonzero(rows >= 0)
        if len(found) == 0:
            return np.zeros(self.unit_count, np.float32)
        starts, ends = self.starts[rows[found]], self.starts[rows[found] + 1]
        slices = [slice(s, e) for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]
        units = np.concatenate([self.units[s] for s in slices])
        impacts = np.concatenate([self.impacts[s] for s in slices])
        scaled = np.repeat(weights[found] * np.float32(IMPACT_SCALE), ends - starts) * impacts
        return np.bincount(units, scaled, minlength=self.unit_count).astype(np.float32)
