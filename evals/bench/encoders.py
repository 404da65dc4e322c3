"""Encoders around the real one: to know how long it takes, and to leave it out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from indexer import Encoder
from indexer.console import Progress, no_progress

Vectors = NDArray[np.float32]


@dataclass(slots=True)
class TimedEncoder:
    """The real encoder, counting its texts and seconds."""

    real: Encoder
    seconds: float = 0.0
    texts: int = 0

    @property
    def name(self) -> str:
        """The real one's."""
        return self.real.name

    @property
    def dim(self) -> int:
        """The real one's."""
        return self.real.dim

    @property
    def fingerprint(self) -> str:
        """The real one's."""
        return self.real.fingerprint

    @property
    def query_prefix(self) -> str:
        """The real one's."""
        return self.real.query_prefix

    @property
    def passage_prefix(self) -> str:
        """The real one's."""
        return self.real.passage_prefix

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """The real one's vectors."""
        start = perf_counter()
        vectors = self.real.encode_queries(texts, progress)
        self._count(texts, start)
        return vectors

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """The real one's vectors."""
        start = perf_counter()
        vectors = self.real.encode_passages(texts, progress)
        self._count(texts, start)
        return vectors

    def _count(self, texts: Sequence[str], start: float) -> None:
        self.seconds += perf_counter() - start
        self.texts += len(texts)


@dataclass(slots=True)
class RememberingEncoder(TimedEncoder):
    """Gives the vectors of known queries at once, so that what is left is the search."""

    known: dict[str, Vectors] = field(default_factory=dict)

    def learn(self, texts: Sequence[str]) -> None:
        """Encode these queries beforehand."""
        self.known.update(zip(texts, self.real.encode_queries(texts), strict=True))

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """The vectors, remembered where all are known."""
        found = [self.known.get(text) for text in texts]
        if any(vector is None for vector in found):
            return self.real.encode_queries(texts, progress)
        return np.stack([vector for vector in found if vector is not None])
