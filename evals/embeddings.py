"""An encoder that remembers: a learning curve builds the same articles again and again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evals.errors import RunError
from indexer import Encoder
from indexer.console import Progress, no_progress

Vectors = NDArray[np.float32]  #: [n, dim], each row of unit length


class RememberingEncoder:
    """The encoder with a memory by content; with a ``folder`` it outlives the process (``save``)."""

    def __init__(self, encoder: Encoder, folder: Path | None = None) -> None:
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint
        self.query_prefix, self.passage_prefix = encoder.query_prefix, encoder.passage_prefix
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}
        self._saved = 0
        self._path: Path | None = None
        if folder is not None:
            self._path = (
                folder / f"vectors-{hashlib.sha256(encoder.fingerprint.encode()).hexdigest()[:12]}.npz"
            )
            self._read(self._path)

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """As the encoder."""
        return self._encode("q", texts, self._encoder.encode_queries, progress)

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """As the encoder."""
        return self._encode("p", texts, self._encoder.encode_passages, progress)

    def save(self) -> None:
        """Keep what was encoded, where there is a folder; raises ``RunError`` when it cannot be written."""
        if self._path is None or len(self._known) == self._saved:
            return
        partial = self._path.with_name(self._path.name + ".partial.npz")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(partial, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
            partial.replace(self._path)
        except OSError as error:
            raise RunError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._saved = len(self._known)

    def _read(self, path: Path) -> None:
        try:
            with np.load(path) as stored:
                self._known = dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{path}: is no memory of embeddings: remove it") from error
        self._saved = len(self._known)

    def _encode(
        self,
        kind: str,
        texts: Sequence[str],
        encode: Callable[[Sequence[str], Progress], Vectors],
        progress: Progress,
    ) -> Vectors:
        keys = [kind + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known |= dict(zip(new, encode(list(new.values()), progress), strict=True))
        return np.stack([self._known[key] for key in keys]) if keys else np.zeros((0, self.dim), np.float32)
