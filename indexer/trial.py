"""Trying a build that nobody is to serve, to see what an edit or new examples would change."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from indexer.artifact import MANIFEST, build_folder, current_build, link_tree, publish, read_manifest
from indexer.errors import ArtifactError

_TRIAL = ".trial-"
_SOURCES = "sources.json"


@contextmanager
def trial_root(root: Path) -> Iterator[Path]:
    """A folder that begins as ``root`` is served now, by links, and is removed when the block ends.

    It lies inside ``root``, so that what customers wrote is in no second place. Raises ``ArtifactError``.
    """
    served = current_build(root)
    _remove_left_over(root)
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{_TRIAL}{os.getpid()}-", dir=root))
    except OSError as error:
        raise ArtifactError(f"{root} cannot be written ({error.strerror}): nothing can be tried") from error
    try:
        source, target = build_folder(root, served), build_folder(folder, served)
        target.mkdir(parents=True)
        for entry in read_manifest(source).segments:
            link_tree(source / entry.folder, target / entry.folder)
        for path in source.iterdir():
            if path.is_file() and path.name != MANIFEST:
                shutil.copyfile(path, target / path.name)
        shutil.copyfile(source / MANIFEST, target / MANIFEST)
        if (root / _SOURCES).is_file():
            shutil.copyfile(root / _SOURCES, folder / _SOURCES)
        publish(folder, served)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_left_over(root: Path) -> None:
    """Remove folders of processes that were killed while they tried."""
    for folder in root.glob(f"{_TRIAL}*"):
        owner = folder.name.removeprefix(_TRIAL).partition("-")[0]
        if not (owner.isdigit() and Path(f"/proc/{owner}").exists()):
            shutil.rmtree(folder, ignore_errors=True)
