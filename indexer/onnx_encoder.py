"""Runs a prepared encoder with ONNX Runtime: one unpadded text a call, several calls side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from indexer.console import Progress, no_progress
from indexer.errors import EncoderError

STEP = "Encoding"  #: what progress is told
_CHUNK = 16  #: texts that a worker takes at a time, at most


class Tokenizer(Protocol):
    """Texts to token ids."""

    def ids(self, text: str) -> list[int]:
        """Token ids of ``text``, cut to what the model reads; at least one."""


class OnnxEncoder:
    """An encoder over an ONNX model that takes token ids ``[1, length]`` and gives one unit vector.

    With int8 activations a neighbour in a batch, or padding, changes an embedding (cosine .994-.998). One
    text a call makes it a function of its text alone; workers side by side also make it faster than batches.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Tokenizer,
        *,
        name: str,
        fingerprint: str,
        query_prefix: str = "",
        passage_prefix: str = "",
        threads: int | None = None,
    ) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        # ONNX Runtime raises a dozen unrelated types for a file that it cannot use.
        except Exception as error:
            raise EncoderError(
                f"the prepared encoder {model} cannot be loaded: delete its folder and try again"
            ) from error
        self._tokenizer = tokenizer
        self._threads = threads or usable_cores()
        self.name = name
        self.fingerprint = fingerprint
        self.query_prefix = query_prefix
        self.passage_prefix = passage_prefix
        self.dim = len(self._encode_one(""))

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """``[n, dim]`` float32 vectors of unit length for what customers ask."""
        return self._encode(self.query_prefix, texts, progress)

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """``[n, dim]`` float32 vectors of unit length for parts of articles."""
        return self._encode(self.passage_prefix, texts, progress)

    def _encode(self, prefix: str, texts: Sequence[str], progress: Progress) -> NDArray[np.float32]:
        vectors = np.empty((len(texts), self.dim), np.float32)
        workers = min(self._threads, len(texts))
        if workers <= 1:
            for place, text in enumerate(texts):
                vectors[place] = self._encode_one(prefix + text)
                progress(STEP, place + 1, len(texts))
            return vectors
        share = max(1, min(_CHUNK, len(texts) // (4 * workers)))

        def encode(first: int) -> int:
            last = min(first + share, len(texts))
            for place in range(first, last):
                vectors[place] = self._encode_one(prefix + texts[place])
            return last

        pool = ThreadPoolExecutor(workers, thread_name_prefix="encoder")
        try:
            for last in pool.map(encode, range(0, len(texts), share)):
                progress(STEP, last, len(texts))
        finally:
            # An interrupted call does not wait for the texts that nobody has started.
            pool.shutdown(cancel_futures=True)
        return vectors

    def _encode_one(self, text: str) -> NDArray[np.float32]:
        ids = np.array([self._tokenizer.ids(text)], np.int64)
        vector: NDArray[np.float32] = self._session.run(None, {"ids": ids})[0][0]
        return vector


def usable_cores() -> int:
    """How many cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1
