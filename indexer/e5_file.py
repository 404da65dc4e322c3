"""Reads the data file that carries multilingual-e5-small: 4-bit weights and a tokenizer, little-endian.

Layout: ``E5S1``, version; sizes of the network; tokenizer (pieces, scores); normaliser; tensor directory;
tensors.
Its caller has compared the file's checksum, so the content is taken as it is.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BLOCK = 32  #: weights that share one scale
BLOCK_BYTES = 18  #: float16 scale, then 16 bytes of two weights each


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSizes:
    """Dimensions of the network."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    vocabulary: int
    positions: int
    epsilon: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Pieces of the unigram tokenizer; a piece's place is its token id."""

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class E5File:
    """The content of one data file."""

    sizes: NetworkSizes
    vocabulary: Vocabulary
    raw: bytes
    tensors: Mapping[str, tuple[int, int]]  #: name -> (offset, bytes)

    def floats(self, name: str) -> NDArray[np.float32]:
        """A tensor stored as float32, flat."""
        offset, size = self.tensors[name]
        return np.frombuffer(self.raw, "<f4", size // 4, offset)

    def nibbles(self, name: str, columns: int) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
        """A 4-bit tensor: scales ``[rows, columns/32]`` and weights -8..7 ``[rows, columns/32, 32]``."""
        offset, size = self.tensors[name]
        stored = np.frombuffer(self.raw, np.uint8, size, offset)
        return split_blocks(stored.reshape(-1, columns // BLOCK, BLOCK_BYTES))

    def weights(self, name: str, columns: int) -> NDArray[np.float32]:
        """A 4-bit tensor's values, ``[rows, columns]``."""
        scales, nibbles = self.nibbles(name, columns)
        return (nibbles * scales[..., None]).reshape(-1, columns)


def split_blocks(blocks: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.int8]]:
    """Scales ``[...]`` and weights -8..7 ``[..., 32]`` of blocks ``[..., 18]``.

    Byte j holds weight j in its low and weight j + 16 in its high half, each raised by 8.
    """
    scales = np.ascontiguousarray(blocks[..., :2]).view("<f2")[..., 0].astype(np.float32)
    halves = blocks[..., 2:]
    return scales, np.concatenate([halves & 15, halves >> 4], axis=-1).astype(np.int8) - np.int8(8)


def read_e5_file(path: Path) -> E5File:
    """The content of the data file at ``path``."""
    raw = path.read_bytes()
    place = len(b"E5S1") + 4

    def take(layout: str) -> tuple[int, ...]:
        nonlocal place
        values = struct.unpack_from(f"<{layout}", raw, place)
        place += struct.calcsize(f"<{layout}")
        return values

    hidden, layers, heads, feed_forward, vocabulary, positions, _types = take("7i")
    epsilon, _block = take("fi")
    pieces, bos, eos, pad, unk = take("5i")
    (blob_length,) = take("Q")
    offsets = take(f"{pieces + 1}I")
    scores = np.frombuffer(raw, "<f4", pieces, place)
    place += scores.nbytes
    blob = raw[place : place + blob_length]
    place += blob_length
    _entries, normaliser_bytes = take("iI")
    place += normaliser_bytes
    tensors: dict[str, tuple[int, int]] = {}
    (count,) = take("i")
    for _ in range(count):
        (length,) = take("H")
        name = raw[place : place + length].decode()
        place += length
        _dtype, _elements, offset, size = take("BIQQ")
        tensors[name] = (offset, size)
    return E5File(
        sizes=NetworkSizes(
            hidden=hidden,
            layers=layers,
            heads=heads,
            feed_forward=feed_forward,
            vocabulary=vocabulary,
            positions=positions,
            epsilon=epsilon,
        ),
        vocabulary=Vocabulary(
            pieces=tuple(blob[a:b].decode() for a, b in itertools.pairwise(offsets)),
            scores=tuple(scores.tolist()),
            bos=bos,
            eos=eos,
            pad=pad,
            unk=unk,
        ),
        raw=raw,
        tensors=tensors,
    )
