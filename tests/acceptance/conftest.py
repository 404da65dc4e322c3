from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.acceptance.processes import HELPPARI, serving
from tests.acceptance.widget_site import chat_site as chat_site

ROOT = Path(__file__).parents[2]
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def sample_index() -> Path:
    """The index of the sample articles; kept in ``build``, where a later run only updates it."""
    folder = ROOT / "build" / "test" / "sample-index"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "sample-index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another group of tests may build it at the same time
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


def chromium() -> str:
    """The path of a browser that runs; empty when there is none."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path and subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    return ""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    if not path:
        pytest.skip("there is no Chromium that runs")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()
