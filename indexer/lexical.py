"""Lexical postings of one segment: which unit holds which term, and how strongly.

A posting keeps the saturated term frequency of BM25 (Robertson and Zaragoza 2009, equation 3.15) with a fixed
pivot length instead of the corpus average: units are cut to about one size, and so a posting depends on its
own unit alone and never changes when other articles do. IDF is applied at query time, over all segments.

A few terms (endings, small words) make most of a question's postings. When a segment is served they lie in
blocks, a byte for every unit of their part of the segment: about as large as their postings, and added
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
#: A term of at least so many postings, held by at least a sixth of the units around it, lies in a block.
COMMON_FROM = 64
COMMON_SPAN = 6
#: Blocks begin and end at multiples of this share of the units: terms of one language share one.
_BLOCKS = 8
#: Terms with fewer postings on average are read posting by posting, others term by term.
FEW = 150
_CHUNK = 1_000_000  #: postings copied at a time


def idf(document_frequency: NDArray[np.float64], documents: int) -> NDArray[np.float32]:
    """``log(1 + (N - df + 0.5) / (df + 0.5))``: positive also for terms that every unit holds."""
    df = np.minimum(document_frequency, documents)
    return np.log1p((documents - df + 0.5) / (df + 0.5)).astype(np.float32)


class Block(NamedTuple):
    """Impacts of some terms in neighbouring units."""

    first: int  #: unit of the first column
    impacts: NDArray[np.uint8]  #: ``[terms, units]``; 0 where a unit does not hold the term


class CommonTerms(NamedTuple):
    """The terms that many units hold, as blocks."""

    rows: NDArray[np.int64]  #: of the terms in the postings, ascending
    block: NDArray[np.int64]  #: which block each lies in
    place: NDArray[np.int64]  #: and in which row of it
    blocks: tuple[Block, ...]

    def locate(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Where those of ``rows`` that are common lie in ``self.rows``, and which those are."""
        if len(self.rows) == 0:
            return _NONE, np.zeros(len(rows), bool)
        at = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        is_common = self.rows[at] == rows
        return at[is_common], is_common

    def add(self, total: NDArray[np.float32], at: NDArray[np.int64], weights: NDArray[np.float32]) -> None:
        """Add to each unit's ``total`` what these terms score in it."""
        block, place = self.block[at], self.place[at]
        for number in set(block.tolist()):
            first, impacts = self.blocks[number]
            here = block == number
            held = impacts[place[here]]
            added = np.einsum("i,ij->j", weights[here], held, dtype=np.float32, casting="same_kind")
            total[first : first + len(added)] += added


_NONE = np.zeros(0, np.int64)
_NO_COMMON = CommonTerms(_NONE, _NONE, _NONE, ())


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
        common = _common(parts["starts"], parts["units"], parts["impacts"], unit_count)
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
        rows, scaled = rows[found], weights[found] * np.float32(IMPACT_SCALE)
        at, is_common = self.common.locate(rows)
        rare = rows[~is_common]
        if len(rare):
            starts, sizes = self.starts[rare], self.starts[rare + 1] - self.starts[rare]
            units, impacts = self._postings(starts, sizes)
            np.add.at(total, units, np.repeat(scaled[~is_common], sizes) * impacts)
        if len(at):
            self.common.add(total, at, scaled[is_common])
        return total

    def _postings(
        self, starts: NDArray[np.int64], sizes: NDArray[np.int64]
    ) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Units and impacts of some terms, one term after the other."""
        count = int(sizes.sum())
        if count < FEW * len(sizes):
            ends = np.cumsum(sizes)
            places = np.arange(count) + np.repeat(starts - (ends - sizes), sizes)
            return self.units[places], self.impacts[places]
        slices = [slice(s, s + n) for s, n in zip(starts.tolist(), sizes.tolist(), strict=True)]
        return np.concatenate([self.units[s] for s in slices]), np.concatenate(
            [self.impacts[s] for s in slices]
        )


def _common(
    starts: NDArray[np.int64], units: NDArray[np.int32], impacts: NDArray[np.uint8], unit_count: int
) -> CommonTerms:
    """The terms that are better read from blocks."""
    grain = max(1, -(-unit_count // _BLOCKS))
    rows = np.flatnonzero(np.diff(starts) >= COMMON_FROM)
    begin = units[starts[rows]] // grain * grain
    end = np.minimum(units[starts[rows + 1] - 1] // grain * grain + grain, unit_count)
    dense = end - begin <= COMMON_SPAN * (starts[rows + 1] - starts[rows])
    rows, begin, end = rows[dense], begin[dense], end[dense]
    spans, block = np.unique(np.stack([begin, end], axis=1), axis=0, return_inverse=True)
    block = block.reshape(-1).astype(np.int64)
    place = np.zeros(len(rows), np.int64)
    blocks = []
    for number, (first, last) in enumerate(spans.tolist()):
        here = np.flatnonzero(block == number)
        place[here] = np.arange(len(here))
        plain = np.zeros((len(here), last - first), np.uint8)
        _fill(plain, first, rows[here], starts, units, impacts)
        blocks.append(Block(first, plain))
    return CommonTerms(rows, block, place, tuple(blocks))


def _fill(
    plain: NDArray[np.uint8],
    first: int,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    units: NDArray[np.int32],
    impacts: NDArray[np.uint8],
) -> None:
    """Copy the postings of ``rows`` into ``plain``, a row each, whose first column is unit ``first``."""
    sizes = starts[rows + 1] - starts[rows]
    chunk = np.cumsum(sizes) // _CHUNK
    for number in range(int(chunk[-1]) + 1 if len(rows) else 0):
        some = np.flatnonzero(chunk == number)
        slices = [slice(int(starts[row]), int(starts[row + 1])) for row in rows[some]]
        if slices:
            held = np.concatenate([units[each] for each in slices])
            plain[np.repeat(some, sizes[some]), held - first] = np.concatenate([impacts[s] for s in slices])


def _forget(array: np.memmap[Any, Any]) -> None:
    """Give back the memory of pages read so far; what is read again comes back from the disk's cache."""
    mapped = getattr(array, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)
