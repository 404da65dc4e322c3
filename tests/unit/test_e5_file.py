from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from indexer.e5_file import read_e5_file, split_blocks

# One block: scale 0.5; byte j holds weight j = j - 8 (low half) and weight j + 16 = 7 - j (high half).
BLOCK = struct.pack("<e", 0.5) + bytes((15 - j) << 4 | j for j in range(16))
WEIGHTS = [(j - 8) * 0.5 for j in range(16)] + [(7 - j) * 0.5 for j in range(16)]


def test_a_block_is_taken_apart_as_computed_by_hand() -> None:
    scales, nibbles = split_blocks(np.frombuffer(BLOCK, np.uint8).reshape(1, 1, 18))
    assert scales.tolist() == [[0.5]]
    assert nibbles.tolist() == [[[*range(-8, 8), *range(7, -9, -1)]]]
    assert (nibbles * scales[..., None]).ravel().tolist() == WEIGHTS


def test_a_small_file_is_read(tmp_path: Path) -> None:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁ä", "b"]
    blob = "".join(pieces).encode()
    ends = np.cumsum([0, *(len(piece.encode()) for piece in pieces)])
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 2, 64, 2, 8, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 6, 0, 2, 1, 3, len(blob)) + struct.pack("<7I", *ends)
    head += struct.pack("<6f", 0, 0, 0, 0, -1.5, -2.5) + blob
    head += struct.pack("<iI", 1, 9) + struct.pack("<IBI", 0xAA, 1, 0x61)
    start = len(head) + 4 + (2 + 8 + 21) + (2 + 8 + 21)
    head += struct.pack("<i", 2)
    head += struct.pack("<H8sBIQQ", 8, b"emb.word", 2, 64, start, 36)
    head += struct.pack("<H8sBIQQ", 8, b"emb.ln.w", 0, 2, start + 36, 8)
    (tmp_path / "small.bin").write_bytes(
        head + BLOCK + BLOCK[:2] + BLOCK[2:][::-1] + struct.pack("<2f", 1.25, -3)
    )

    source = read_e5_file(tmp_path / "small.bin")
    assert (source.sizes.hidden, source.sizes.layers, source.sizes.heads) == (32, 1, 2)
    assert (source.sizes.feed_forward, source.sizes.vocabulary, source.sizes.positions) == (64, 2, 8)
    assert source.sizes.epsilon == np.float32(1e-12)
    assert source.vocabulary.pieces == tuple(pieces)
    assert source.vocabulary.scores == (0, 0, 0, 0, -1.5, -2.5)
    assert (source.vocabulary.bos, source.vocabulary.pad, source.vocabulary.eos, source.vocabulary.unk) == (
        0,
        1,
        2,
        3,
    )
    assert source.floats("emb.ln.w").tolist() == [1.25, -3]
    assert source.weights("emb.word", 32).tolist() == [WEIGHTS, WEIGHTS[:16][::-1] + WEIGHTS[16:][::-1]]
