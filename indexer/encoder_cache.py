"""The folder where prepared encoders are kept: each is made once, whole or not at all.

Two processes that need the same encoder at once wait for one another.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from indexer.errors import EncoderError

VARIABLE = "HELPPARI_CACHE"
MODEL = "model.onnx"
DESCRIPTION = "encoder.json"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A prepared encoder, as its ``encoder.json`` says."""

    fingerprint: str
    query_prefix: str
    passage_prefix: str
    files: Mapping[str, str]  #: name -> sha256


#: Writes the encoder's files into the folder it is given and says what they are.
Prepare = Callable[[Path], Prepared]


def open_prepared(key: str, prepare: Prepare, *, cache: Path | None = None) -> tuple[Path, Prepared]:
    """The folder of the encoder ``key`` and its description; ``prepare`` is called if no cache folder has it.

    Raises ``EncoderError`` when it is not there and no cache folder can be written.
    """
    folders = [cache] if cache is not None else cache_folders()
    for folder in folders:
        if found := _read(folder / key):
            return folder / key, found
    refused: list[str] = []
    for folder in folders:
        try:
            with _locked(folder, key):
                found = _read(folder / key) or _make(folder, key, prepare)
        except OSError as error:
            refused.append(f"{folder} ({error.strerror or error})")
            log.warning("cannot prepare the encoder in %s: %s", folder, error)
            continue
        return folder / key, found
    places = " nor ".join(refused) or "a home folder"
    raise EncoderError(
        f"the encoder cannot be prepared, as {places} cannot be written: "
        f"set {VARIABLE} to a folder that this user may write, with 100 MB free"
    )


def cache_folders() -> list[Path]:
    """Where prepared encoders may be: ``HELPPARI_CACHE`` if set, then the user's cache folder."""
    folders = []
    if named := os.environ.get(VARIABLE):
        folders.append(Path(named).expanduser())
    if base := os.environ.get("XDG_CACHE_HOME"):
        folders.append(Path(base) / "helppari")
    else:
        try:
            folders.append(Path.home() / ".cache" / "helppari")
        except RuntimeError:
            log.debug("this user has no home folder")
    return folders


def sha256_of(path: Path) -> str:
    """The file's sha256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def checksums(folder: Path) -> dict[str, str]:
    """Name -> sha256 of every file in the folder."""
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def _read(folder: Path) -> Prepared | None:
    """The description of a whole and unchanged encoder; None if there is none or its files have changed."""
    try:
        known = json.loads((folder / DESCRIPTION).read_text("utf-8"))
        prepared = Prepared(**known)
        if all(sha256_of(folder / name) == expected for name, expected in prepared.files.items()):
            return prepared
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        log.warning("the prepared encoder %s cannot be read: %s", folder, error)
        return None
    log.warning("the prepared encoder %s has been changed or damaged since it was written", folder)
    return None


def _make(folder: Path, key: str, prepare: Prepare) -> Prepared:
    """Prepare in a sibling folder and rename it, so that nobody ever sees half an encoder."""
    for leftover in folder.glob(f".{key}.*/"):
        shutil.rmtree(leftover, ignore_errors=True)  # of a process that was killed, as we hold the lock
    with tempfile.TemporaryDirectory(prefix=f".{key}.", dir=folder, ignore_cleanup_errors=True) as name:
        draft = Path(name) / key
        draft.mkdir()
        prepared = prepare(draft)
        (draft / DESCRIPTION).write_text(json.dumps(asdict(prepared), indent=2) + "\n", "utf-8")
        if (folder / key).exists():
            # Damaged, or it would have been used. Whoever has it open keeps it open.
            shutil.move(folder / key, Path(name) / "damaged")
        draft.rename(folder / key)
    return prepared


@contextmanager
def _locked(folder: Path, key: str) -> Iterator[None]:
    """Hold the lock on ``key``; another process that prepares the same encoder is waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
