"""Vectors of one segment: inner-product search with FAISS. Nothing else imports faiss.

Of many rows, four bits a number find those worth comparing, and the numbers themselves decide among them: an
eighth of the memory is read, which is what the time goes to.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import NamedTuple, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from indexer.errors import IndexDamaged

Matrix = NDArray[np.float32]

_thread = threading.local()


def _alone() -> None:
    """Keep FAISS to this thread.

    The service answers in its own worker threads; FAISS's would only fight them for the same cores, and spin
    while they wait. OpenMP keeps the number for each calling thread, so setting it once is not enough.
    """
    if not getattr(_thread, "alone", False):
        faiss.omp_set_num_threads(1)
        _thread.alone = True


#: From this many rows on, four bits a number look first.
COARSE_FROM = 512
#: How many rows these put forward for each one wanted: the 60 nearest were among their first 93.
COARSE_SHARE = 2.5
#: While no more than this share of the rows are dead, as many more are put forward instead.
COARSE_DEAD = 0.125
_STEPS = 16
#: How many deviations from a column's mean the steps reach.
_REACH = 2.9
_CHUNK = 2048


class Neighbours(NamedTuple):
    """Rows with the highest inner products, best first."""

    rows: NDArray[np.int64]
    scores: NDArray[np.float32]


def unit_rows(vectors: Matrix) -> Matrix:
    """The vectors at unit length; a zero vector stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def dot(vectors: Matrix, query: Matrix) -> NDArray[np.float32]:
    """Inner products of some rows with one vector, on this thread alone.

    Waking the threads of the linear algebra library for a few hundred rows costs more than it brings, and far
    more on a busy machine.
    """
    return np.asarray(np.einsum("ij,j->i", vectors, query), np.float32)


class FlatVectors:
    """All rows are searched. Scores are inner products: higher is better, in [-1, 1] for unit vectors."""

    def __init__(self, index: faiss.IndexFlatIP, *, served: bool = False) -> None:
        self._index = index
        self.dim: int = index.d
        self.count: int = index.ntotal
        # A view of the index's own memory, for the products of chosen rows; alive as long as the index is.
        self._rows: Matrix = (
            faiss.rev_swig_ptr(index.get_xb(), self.count * self.dim).reshape(self.count, self.dim)
            if self.count
            else np.zeros((0, self.dim), np.float32)
        )
        # Whoever only writes the rows needs no second look at them.
        self._coarse = _coarse(self._rows) if served and self.count >= COARSE_FROM else None

    @classmethod
    def build(cls, vectors: Matrix) -> Self:
        """An index of the rows of ``vectors`` (``[n, dim]`` float32)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, np.float32))
        return cls(index)

    def save(self, path: Path) -> None:
        """Write FAISS's own format."""
        faiss.write_index(self._index, str(path))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote; raises ``IndexDamaged``."""
        try:
            index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise IndexDamaged(f'{path} cannot be read: rebuild with "helppari index build"') from error
        if not isinstance(index, faiss.IndexFlatIP):
            raise IndexDamaged(
                f"{path} holds a {type(index).__name__}, not a flat inner-product index: "
                'rebuild with "helppari index build"'
            )
        return cls(index, served=True)

    def search(self, query: Matrix, k: int, dead: NDArray[np.bool_] | None = None) -> Neighbours:
        """The ``k`` best live rows for one vector ``[dim]``; fewer when there are fewer."""
        k = min(k, self.count)
        if k <= 0:
            return Neighbours(np.zeros(0, np.int64), np.zeros(0, np.float32))
        _alone()
        buried = 0 if dead is None else int(np.count_nonzero(dead))
        wider = math.ceil(k * COARSE_SHARE) + buried
        if self._coarse is not None and wider < self.count and buried <= self.count * COARSE_DEAD:
            _, found = self._coarse.search(np.ascontiguousarray(query[None, :], np.float32), wider)
            rows = found[0][found[0] >= 0]  # FAISS pads with -1
            if dead is not None and buried:
                rows = rows[~dead[rows]][: wider - buried]
            if len(rows) == wider - buried:  # a question without any direction finds nothing
                # Of equal ones the first, as everywhere; and memory is read in its order.
                rows.sort()
                scores = self.products(query, rows)
                best = np.argsort(-scores, kind="stable")[:k]
                return Neighbours(rows[best], scores[best])
        parameters = None
        if dead is not None:
            alive = np.packbits(~dead, bitorder="little")
            selector = faiss.IDSelectorBitmap(alive)
            parameters = faiss.SearchParameters(sel=selector)
        exact, found = self._index.search(
            np.ascontiguousarray(query[None, :], np.float32), k, params=parameters
        )
        kept = found[0] >= 0
        return Neighbours(found[0][kept], exact[0][kept])

    def rows(self, rows: NDArray[np.int64] | slice) -> Matrix:
        """The vectors of some rows."""
        return self._rows[rows]

    def products(self, query: Matrix, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Inner products of one vector with chosen rows."""
        return dot(self._rows[rows], query)


def _coarse(rows: Matrix) -> faiss.IndexPQFastScan:
    """The rows at four bits a number, in the order that FAISS's fast scan reads.

    Each column is a quantiser of its own with evenly spaced steps, so nothing has to be trained (product
    quantisation: Jégou et al. 2011; fast scan: André et al. 2015).
    """
    _alone()
    count, dim = rows.shape
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    step = np.maximum(deviation * np.float32(2 * _REACH / (_STEPS - 1)), np.float32(1e-30))
    lowest = mean - step * np.float32((_STEPS - 1) / 2)
    codes = np.empty((count, (dim + 1) // 2), np.uint8)
    for first in range(0, count, _CHUNK):
        steps = np.clip(np.rint((rows[first : first + _CHUNK] - lowest) / step), 0, _STEPS - 1)
        some = np.zeros((len(steps), 2 * codes.shape[1]), np.uint8)
        some[:, :dim] = steps
        codes[first : first + _CHUNK] = some[:, 0::2] | (some[:, 1::2] << 4)
    plain = faiss.IndexPQ(dim, dim, 4, faiss.METRIC_INNER_PRODUCT)
    values = lowest[:, None] + step[:, None] * np.arange(_STEPS, dtype=np.float32)
    faiss.copy_array_to_vector(values.astype(np.float32).ravel(), plain.pq.centroids)
    faiss.copy_array_to_vector(codes.ravel(), plain.codes)
    plain.ntotal, plain.is_trained = count, True
    return faiss.IndexPQFastScan(plain)
