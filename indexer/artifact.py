"""The index as files: one folder a build, verified when opened, and a line that names the served one.

```
DIR/CURRENT                    the id of the served build
DIR/builds/<build_id>/         manifest.json, cohort.npy, calibration.json, synonyms.json, base/, delta/
DIR/sources.json               what was known of the sources; only the next build reads it
```
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from indexer.errors import ArtifactError, IndexDamaged, IndexFormatError, IndexNotFound

FORMAT = 2
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
BUILDS = "builds"
KEEP = 5  #: builds that stay for roll-back

REBUILD = 'rebuild with "helppari index build"'


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentEntry:
    """A segment in a manifest."""

    folder: str
    dead: tuple[int, ...]  #: article rows that a later segment replaced, or that were removed


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a build holds, and what it was made with."""

    index_id: str  #: hash of the logical content and the calibration
    content_hash: str  #: of the kb alone
    encoder: str
    encoder_fingerprint: str
    dim: int
    query_prefix: str
    passage_prefix: str
    articles: int
    sections: int
    languages: tuple[str, ...]
    calibrated_on: str  #: content hash of the kb that the calibration was learned on; empty: the prior alone
    checks: tuple[str, ...]  #: fixed texts whose embeddings are kept ...
    check_vectors: tuple[tuple[float, ...], ...]  #: ... and compared when the index is opened
    problems: tuple[dict[str, Any], ...]  #: what editors have to mend
    segments: tuple[SegmentEntry, ...]
    files: Mapping[str, str]  #: path below the build -> sha256
    examples: str = ""  #: hash of the confirmed questions that were added; empty: none
    format: int = FORMAT

    def to_text(self) -> str:
        """The manifest as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_text(cls, text: str, source: Path) -> Self:
        """Read a manifest; raises ``IndexFormatError`` or ``IndexDamaged``."""
        try:
            record = json.loads(text)
            found = record["format"]
        except (ValueError, KeyError, TypeError) as error:
            raise IndexDamaged(f"{source} is not a manifest: {REBUILD}") from error
        if found != FORMAT:
            raise IndexFormatError(
                f"{source} has index format {found}, this version reads {FORMAT}: {REBUILD}"
            )
        try:
            record["segments"] = tuple(
                SegmentEntry(folder=entry["folder"], dead=tuple(entry["dead"]))
                for entry in record["segments"]
            )
            for name in ("languages", "checks", "problems"):
                record[name] = tuple(record[name])
            record["check_vectors"] = tuple(tuple(vector) for vector in record["check_vectors"])
            return cls(**record)
        except (KeyError, TypeError) as error:
            raise IndexDamaged(f"{source} lacks something or holds too much ({error}): {REBUILD}") from error


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def current_build(root: Path) -> str:
    """The id of the served build; raises ``IndexNotFound``."""
    try:
        build = (root / CURRENT).read_text(encoding="utf-8").strip()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise IndexNotFound(
            f'there is no index at {root}: make one with "helppari index build --kb KB --out {root}"'
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{root / CURRENT} cannot be read: {REBUILD}") from error
    if not build or "/" in build or build.startswith("."):
        raise IndexDamaged(f"{root / CURRENT} does not name a build: {REBUILD}")
    return build


def build_folder(root: Path, build_id: str) -> Path:
    """Where a build lies."""
    return root / BUILDS / build_id


def builds(root: Path) -> tuple[str, ...]:
    """Ids of all complete builds, newest first."""
    folder = root / BUILDS
    if not folder.is_dir():
        return ()
    found = [entry for entry in folder.iterdir() if (entry / MANIFEST).is_file() and entry.name[0] != "."]
    return tuple(entry.name for entry in sorted(found, key=lambda e: -(e / MANIFEST).stat().st_mtime_ns))


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a build; raises ``ArtifactError``."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise IndexNotFound(
            f"there is no build {folder.name} in {folder.parent.parent}: {REBUILD}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise IndexDamaged(f"{folder / MANIFEST} cannot be read: {REBUILD}") from error
    return Manifest.from_text(text, folder / MANIFEST)


def verify(folder: Path, manifest: Manifest, *, trusted: Mapping[str, str] | None = None) -> None:
    """Compare every file with its checksum; raises ``IndexDamaged``.

    ``trusted`` are files of a build that is already open (path -> sha256): not read a second time.
    """
    for name, expected in manifest.files.items():
        path = folder / name
        if trusted and trusted.get(name) == expected and path.is_file():
            continue
        if not path.is_file():
            raise IndexDamaged(f"{path} is missing: {REBUILD}")
        if sha256(path) != expected:
            raise IndexDamaged(f"{path} is damaged (its checksum is wrong): {REBUILD}")


@contextmanager
def writing(root: Path) -> Iterator[None]:
    """One writer a folder at a time, waited for; raises ``ArtifactError`` if it can't be written."""
    try:
        (root / BUILDS).mkdir(parents=True, exist_ok=True)
        lock = (root / ".lock").open("w")
    except OSError as error:
        raise ArtifactError(f"{root} cannot be written ({error.strerror}): choose another --out") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for stale in (root / BUILDS).glob(".new-*"):
            shutil.rmtree(stale, ignore_errors=True)
        yield


def link_tree(source: Path, target: Path) -> list[str]:
    """The files of a segment in a second place without copying them; returns their names."""
    target.mkdir(parents=True)
    names = sorted(path.name for path in source.iterdir())
    for name in names:
        try:
            os.link(source / name, target / name)
        except OSError:  # another file system, or one without links
            shutil.copyfile(source / name, target / name)
    return names


def publish(root: Path, build_id: str) -> None:
    """Let ``CURRENT`` name a build, in one step that readers see whole."""
    temporary = root / f".{CURRENT}.new"
    temporary.write_text(build_id + "\n", encoding="utf-8")
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.replace(root / CURRENT)


def drop_old_builds(root: Path, keep: int = KEEP) -> Sequence[str]:
    """Remove all but the newest builds and the served one; returns what went."""
    served = current_build(root)
    gone = [build for build in builds(root)[keep:] if build != served]
    for build in gone:
        shutil.rmtree(build_folder(root, build), ignore_errors=True)
    return gone
