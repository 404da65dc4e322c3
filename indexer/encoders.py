"""What an encoder is, and how one is opened: texts to unit vectors whose dot product is their similarity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.console import Progress, no_progress

BUNDLED = "bundled"

Vectors = NDArray[np.float32]  #: ``[n, dim]``, each row of unit length


class Encoder(Protocol):
    """Texts to unit vectors; each depends on its own text alone, never on its neighbours in the call."""

    @property
    def name(self) -> str:
        """What the settings call this encoder."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    @property
    def fingerprint(self) -> str:
        """Changes when the source weights or the recipe that prepared them change, and only then."""

    @property
    def query_prefix(self) -> str:
        """Put before every query by ``encode_queries``."""

    @property
    def passage_prefix(self) -> str:
        """Put before every passage by ``encode_passages``."""

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """``[n, dim]`` float32 vectors of unit length for what customers ask."""

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """``[n, dim]`` float32 vectors of unit length for parts of articles."""


def open_encoder(
    name: str = BUNDLED,
    *,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress = no_progress,
) -> Encoder:
    """The encoder with this name, prepared first where that has not been done on this machine yet.

    ``bundled`` works offline; any other name is a sentence-transformers model, by its folder or its public
    name. ``cache`` is where the prepared encoder is kept (default: ``HELPPARI_CACHE``, then the user's cache
    folder) and ``threads`` is how many texts are encoded side by side (default: one per usable core). Raises
    ``EncoderError``.
    """
    if name == BUNDLED:
        from indexer.bundled_encoder import open_bundled

        return open_bundled(cache=cache, threads=threads, progress=progress)
    from indexer.sentence_transformers_encoder import open_model

    return open_model(name, cache=cache, threads=threads, progress=progress)
