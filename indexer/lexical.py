"""Lexical postings of one segment: which unit holds which term, and how strongly.

A posting keeps the saturated term frequency of BM25 (Robertson and Zaragoza 2009, equation 3.15) with a fixed
pivot length instead of the corpus average: units are cut to about one size, and so a posting depends on its
own unit alone and never changes when other articles do. IDF is applied at query time, over all segments.

A few terms (endings, small words) make most of a question's postings. When a segment is served they lie as
plain rows, a byte for every unit between their first and their last: smaller than their postings, and added
several times as fast.
"""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from indexer.terms import PLAIN, Hashes, WeightedTerms

K1 = 1.2
B = 0.75
#: Impacts are stored in a byte; the largest possible one, K1 + 1, is 255.
IMPACT_SCALE = (K1 + 1.0) / 255.0

_FILES = ("terms", "starts", "units", "impacts")
#: A term of at least so many postings, held by at least a quarter of the units between its first and last,
#: is read as a plain row.
COMMON_FROM = 512
COMMON_SPAN = 4


def idf(document_frequency: NDArray[np.float64], documents: int) -> NDArray[np.float32]:
    """``log(1 + (N - df + 0.5) / (df + 0.5))``: positive also for terms that every unit holds."""
    df = np.minimum(document_frequency, documents)
    return np.log1p((documents - df + 0.5) / (df + 0.5)).astype(np.float32)


class CommonTerms(NamedTuple):
    """Rows of impacts of the terms that many units hold, one after the other; 0 where a unit does not."""

    rows: NDArray[np.int64]  #: of the terms in the postings, ascending
    firsts: NDArray[np.int64]  #: the unit that each row of impacts begins with
    starts: NDArray[np.int64]  #: ``[rows + 1]``: where each begins in ``impacts``
    impacts: NDArray[np.uint8]


_NO_COMMON = CommonTerms(
    np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0, np.uint8)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postings:
    """Terms to units with impacts; those of term ``i`` lie at ``starts[i]:starts[i+1]``."""

    terms: Hashes  #: sorted, distinct
    starts: NDArray[np.int64]  #: ``[terms + 1]``
    units: NDArray[np.int32]
    impacts: NDArray[np.uint8]  #: saturated frequency / IMPACT_SCALE, at least 1
    unit_count: int
    common: CommonTerms = field(default=_NO_COMMON, compare=False)  #: a faster view of some terms

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
        maps = {
            part: np.load(folder / f"{name}.{part}.npy", mmap_mode="r", allow_pickle=False) for part in _FILES
        }
        # A plain view: numpy's memmap class costs a microsecond for every slice taken of it.
        parts = {part: each.view(np.ndarray) for part, each in maps.items()}
        common = _common(parts["starts"], parts["units"], parts["impacts"])
        for part in ("units", "impacts"):
            _forget(maps[part])
        return cls(**parts, unit_count=unit_count, common=common)

    def locate(self, query: Hashes) -> NDArray[np.int64]:
        """Row of each query term in ``terms``, -1 where no unit holds it."""
        if len(self.terms) == 0:
            return np.full(len(query), -1, np.int64)
        rows = np.minimum(np.searchsorted(self.terms, query), len(self.terms) - 1)
        return np.where(self.terms[rows] == query, rows, -1).astype(np.int64)

    def score(self, rows: NDArray[np.int64], weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """``[unit_count]``: sum over the query's terms of weight x saturated frequency."""
        total = np.zeros(self.unit_count, np.float32)
        found = np.flatnonzero(rows >= 0)
        scaled = weights[found] * np.float32(IMPACT_SCALE)
        rows = rows[found]
        if len(self.common.rows):
            rows, scaled = self._add_common(total, rows, scaled)
        if len(rows) == 0:
            return total
        starts, ends = self.starts[rows], self.starts[rows + 1]
        slices = [slice(s, e) for s, e in zip(starts.tolist(), ends.tolist(), strict=True)]
        units = np.concatenate([self.units[s] for s in slices])
        impacts = np.concatenate([self.impacts[s] for s in slices])
        each = np.repeat(scaled, ends - starts) * impacts
        total += np.bincount(units, each, minlength=self.unit_count)
        return total

    def _add_common(
        self, total: NDArray[np.float32], rows: NDArray[np.int64], scaled: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Add what the common terms among ``rows`` score; the other rows and their weights are left."""
        common = self.common
        at = np.minimum(np.searchsorted(common.rows, rows), len(common.rows) - 1)
        is_common = common.rows[at] == rows
        at = at[is_common]
        for first, start, end, weight in zip(
            common.firsts[at].tolist(),
            common.starts[at].tolist(),
            common.starts[at + 1].tolist(),
            scaled[is_common],
            strict=True,
        ):
            here = total[first : first + end - start]
            np.add(here, common.impacts[start:end] * weight, out=here)
        return rows[~is_common], scaled[~is_common]


def _common(starts: NDArray[np.int64], units: NDArray[np.int32], impacts: NDArray[np.uint8]) -> CommonTerms:
    """The terms that are better read as plain rows."""
    rows = np.flatnonzero(np.diff(starts) >= COMMON_FROM)
    firsts = units[starts[rows]].astype(np.int64)
    spans = units[starts[rows + 1] - 1] - firsts + 1
    dense = spans <= COMMON_SPAN * (starts[rows + 1] - starts[rows])
    rows, firsts, spans = rows[dense], firsts[dense], spans[dense]
    places = np.concatenate([[0], np.cumsum(spans)]).astype(np.int64)
    plain = np.zeros(int(places[-1]), np.uint8)
    for row, first, place in zip(rows.tolist(), firsts.tolist(), places.tolist(), strict=False):
        held = slice(int(starts[row]), int(starts[row + 1]))
        plain[units[held] + (place - first)] = impacts[held]
    return CommonTerms(rows, firsts, places, plain)


def _forget(array: np.memmap[Any, Any]) -> None:
    """Give back the memory of pages read so far; what is read again comes back from the disk's cache."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
