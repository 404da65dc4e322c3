from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.processes import HELPPARI, serving

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def sample_index() -> Path:
    """The index of the sample articles; kept in ``build``, where a later run only updates it."""
    folder = ROOT / "build" / "test" / "sample-index"
    done = subprocess.run(
        [HELPPARI, "index", "build", "--kb", "kb", "--out", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return folder


@pytest.fixture(scope="session")
def address(sample_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server of the sample articles with the sample's settings."""
    folder = tmp_path_factory.mktemp("serving")
    with serving(folder, sample_index, {"HELPPARI_CONFIG": str(ROOT / "helppari.toml")}) as (found, _):
        yield found
