"""What a pip install brings: the built chat lies in the wheel, and making it needs no Node.js."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What a wheel is made from.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "botsvc", "indexer", "evals", "widget")
PIP_WHEEL = (
    *(sys.executable, "-m", "pip", "wheel", "--quiet"),
    *("--no-deps", "--no-index", "--no-build-isolation"),
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of the files that git has, made with no npm or node in reach."""
    pytest.importorskip("setuptools", minversion="77")
    folder = tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *SOURCES], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this is no git checkout, so what is committed is not known")
    tree = folder / "tree"
    for name in listed.stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, tree / name)
    nothing = folder / "no-programs"
    nothing.mkdir()
    made = subprocess.run(
        [*PIP_WHEEL, "--wheel-dir", str(folder), str(tree)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": str(nothing)},
    )
    assert made.returncode == 0, made.stderr
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_holds_the_built_chat(wheel: zipfile.ZipFile) -> None:
    script = ROOT / "widget" / "dist" / "helppari-chat.js"
    assert wheel.read("widget/dist/helppari-chat.js") == script.read_bytes()


@pytest.mark.parametrize("lang", ["en", "fi", "sv"])
def test_the_wheel_holds_the_chat_s_texts(wheel: zipfile.ZipFile, lang: str) -> None:
    texts = ROOT / "widget" / "texts" / f"{lang}.json"
    assert wheel.read(f"widget/texts/{lang}.json") == texts.read_bytes()


def test_the_wheel_holds_nothing_else_of_the_widget(wheel: zipfile.ZipFile) -> None:
    texts = [f"widget/texts/{lang}.json" for lang in ("en", "fi", "sv")]
    assert sorted(name for name in wheel.namelist() if name.startswith("widget/")) == [
        "widget/dist/helppari-chat.js",
        *texts,
    ]


def test_the_wheel_holds_the_pages_and_texts(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    wanted = {"templates/demo.html", "templates/demo.yaml", "static/demo.css", "texts/fi.yaml"}
    wanted |= {"page_titles.yaml"}
    assert {f"botsvc/{name}" for name in wanted} <= names
