"""Doubles for tests: the same contracts as the real things, without a model."""

from __future__ import annotations

import json
import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import log1p
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from indexer.console import Progress, no_progress

if TYPE_CHECKING:
    from indexer.encoders import Encoder
    from indexer.index import Index


class HashEncoder:
    """An encoder without a model: texts that share words, or parts of words, are similar.

    Every word and every three characters of a word stand for a direction that a hash chooses. The same text
    gives the same vector in every process.
    """

    query_prefix = ""
    passage_prefix = ""

    def __init__(self, dim: int = 64) -> None:
        self.dim = dim
        self.name = "hash"
        self.fingerprint = f"hash-{dim}"

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """``[n, dim]`` float32 vectors of unit length."""
        vectors = np.zeros((len(texts), self.dim), np.float32)
        for place, text in enumerate(texts):
            vectors[place] = self._encode_one(text)
            progress("Encoding", place + 1, len(texts))
        return vectors

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """The same as ``encode_queries``: this encoder knows no roles."""
        return self.encode_queries(texts, progress)

    def _encode_one(self, text: str) -> NDArray[np.float64]:
        return _encode(text, self.dim)


@lru_cache(maxsize=20_000)
def _encode(text: str, dim: int) -> NDArray[np.float64]:
    vector = np.zeros(dim)
    for feature, count in _features(text).items():
        hashed = zlib.crc32(feature.encode("utf-8", "replace"))
        vector[hashed % dim] += log1p(count) * (1 if hashed >> 31 else -1)
    length = float(np.linalg.norm(vector))
    if length == 0:
        vector[0] = length = 1.0
    return vector / length


def _features(text: str) -> Counter[str]:
    """Words and character trigrams of words, with how often they occur."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    features = Counter(words)
    for word in words:
        marked = f"^{word}$"
        features.update(marked[start : start + 3] for start in range(len(marked) - 2))
    return features


def tiny_index(
    articles: Sequence[Mapping[str, object]], folder: Path, *, encoder: Encoder | None = None
) -> Index:
    """An open index of a few articles (records as in ``articles.jsonl``), built below ``folder``."""
    from indexer.build import Builder
    from indexer.index import Index

    source = folder / "articles.jsonl"
    source.write_text("".join(json.dumps(record) + "\n" for record in articles), encoding="utf-8")
    encoder = encoder or HashEncoder()
    Builder(kb=source, root=folder / "index", encoder=encoder).build()
    return Index.load(folder / "index", encoder=encoder)
