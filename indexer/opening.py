"""Opening a build: the same encoder, and no more read than what is new."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from indexer.artifact import Manifest, SegmentEntry
from indexer.encoders import Encoder
from indexer.errors import EncoderMismatch
from indexer.segments import load_segment
from indexer.snapshot import Part, bury

#: Below this cosine the fixed texts of the manifest were encoded by something else.
SAME_ENCODER = 0.999


class Opened(NamedTuple):
    """A build that is open already."""

    manifest: Manifest
    parts: tuple[Part, ...]


def check_encoder(encoder: Encoder, manifest: Manifest) -> None:
    """Raise ``EncoderMismatch`` unless the encoder gives the vectors that the index was built with."""
    hint = 'set [index] encoder to it, or rebuild with "helppari index build"'
    if encoder.dim != manifest.dim:
        raise EncoderMismatch(
            f"the index was built with the encoder {manifest.encoder} ({manifest.dim} dimensions), not with "
            f"{encoder.name} ({encoder.dim}): {hint}",
            expected=manifest.encoder_fingerprint,
            found=encoder.fingerprint,
        )
    expected = np.array(manifest.check_vectors, np.float32)
    cosines = (encoder.encode_queries(manifest.checks) * expected).sum(axis=1)
    if float(cosines.min()) < SAME_ENCODER:
        raise EncoderMismatch(
            f"the encoder {encoder.name} does not give the vectors that the index was built with "
            f"(cosine {float(cosines.min()):.3f}): {hint}",
            expected=manifest.encoder_fingerprint,
            found=encoder.fingerprint,
        )


def open_part(folder: Path, entry: SegmentEntry, manifest: Manifest, opened: Opened | None) -> Part:
    """A segment of the build, taken from an open build where it is the same."""
    if opened is not None:
        files = _segment_files(manifest, entry.folder)
        for before, part in zip(opened.manifest.segments, opened.parts, strict=True):
            if files == _segment_files(opened.manifest, before.folder):
                return part if before.dead == entry.dead else bury(part.segment, entry.dead)
    return bury(load_segment(folder / entry.folder), entry.dead)


def _segment_files(manifest: Manifest, folder: str) -> dict[str, str]:
    prefix = f"{folder}/"
    return {
        name.removeprefix(prefix): digest
        for name, digest in manifest.files.items()
        if name.startswith(prefix)
    }
