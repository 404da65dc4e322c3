"""What the pages tell people to do can be done: commands, links, settings, versions."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from botsvc.cli import main
from botsvc.settings import Settings
from indexer.settings import inspect_settings
from scripts.reference import walk
from tests.docs.pages import ROOT, Page, pages, read

#: Development data may lie beside the checkout; pages must not need it.
OUTSIDE = ("http://", "https://", "mailto:")
COMMANDS = dict(walk("helppari", main))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = frozenset(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))

each_page = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.name))


def project() -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


def shell_lines(page: Page) -> Iterator[str]:
    """Commands of a page, from blocks for the shell and from `inline code`; long ones joined."""
    for code in page.code:
        if code.language in ("", "sh", "bash", "console", "text"):
            for line in re.sub(r"\\\n\s*", " ", code.text).splitlines():
                yield line.removeprefix("$ ").partition(" # ")[0].strip()
    yield from re.findall(r"`((?:helppari|make) [^`\n]+)`", page.text)


@each_page
def test_links_lead_somewhere(page: Page) -> None:
    broken = []
    for link in page.links:
        if (
            link.startswith(OUTSIDE) or page.name == "kb/README.md"
        ):  # the guide's examples are not links of its own
            continue
        path, _, anchor = link.partition("#")
        target = (page.path.parent / path).resolve() if path else page.path
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in read(target).anchors):
            broken.append(link)
    assert broken == []


@each_page
def test_make_targets_exist(page: Page) -> None:
    named = {line.split()[1] for line in shell_lines(page) if re.match(r"make [a-z]", line)}
    assert named - TARGETS == set()


@each_page
def test_commands_and_their_options_exist(page: Page) -> None:
    wrong = []
    for line in shell_lines(page):
        if line.startswith(("helppari ", ".venv/bin/helppari ")) and "|" not in line and "..." not in line:
            words = shlex.split(line.partition(" >")[0])[1:]
            wrong += [f"{line}: {problem}" for problem in problems_of(words)]
    assert wrong == []


def problems_of(words: list[str]) -> Iterator[str]:
    """What is wrong with a call: words that are no command, options that are not there."""
    name = "helppari"
    while words and isinstance(COMMANDS[name].command, click.Group) and not words[0].startswith("-"):
        name = f"{name} {words.pop(0)}"
        if name not in COMMANDS:
            yield f"{name} is no command"
            return
    known = {option for parameter in COMMANDS[name].command.params for option in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            yield f"{name} has no {word}"


def test_a_wrong_call_is_noticed() -> None:
    assert list(problems_of(["index", "built"])) == ["helppari index built is no command"]
    assert list(problems_of(["index", "build", "--kbb", "kb"])) == ["helppari index build has no --kbb"]
    assert list(problems_of(["index", "build", "--kb", "kb"])) == []


@each_page
def test_settings_in_examples_can_be_used(
    page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HELPPARI_CONFIG", raising=False)
    for code in page.code:
        if code.language == "toml":
            file = tmp_path / "helppari.toml"
            file.write_text(code.text, encoding="utf-8")
            assert [problem.message for problem in inspect_settings(Settings, file).problems] == []


def test_the_writers_guide_explains_every_key() -> None:
    schema = json.loads((ROOT / "docs/schemas/article.schema.json").read_text(encoding="utf-8"))
    guide = (ROOT / "kb/README.md").read_text(encoding="utf-8")
    assert len(schema["properties"]) > 10
    assert [key for key in schema["properties"] if f"`{key}`" not in guide] == []


def test_the_shipped_settings_can_be_used() -> None:
    assert [problem.message for problem in inspect_settings(Settings, ROOT / "helppari.toml").problems] == []


def test_the_readme_begins_with_two_commands_that_work() -> None:
    readme = read(ROOT / "README.md")
    assert {"make run", "make test"} <= set(shell_lines(readme))
    assert {"run", "test", "check", "bench", "setup"} <= TARGETS


def test_no_figure_is_left_to_fill_in() -> None:
    assert [page.name for page in pages() if "FILL IN" in page.text] == []


def test_the_changelog_and_the_version_agree() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] in ("Unreleased", project()["version"])
    released = [heading for heading in headings if heading != "Unreleased"]
    assert released[:1] in ([], [project()["version"]])


def test_every_dependency_has_its_reason() -> None:
    text = (ROOT / "docs/decisions/0001-dependencies.md").read_text(encoding="utf-8")
    extras = project()["optional-dependencies"]
    wanted = [*project()["dependencies"], *(name for extra in extras.values() for name in extra)]
    names = {re.split(r"[ <>=;\[]", requirement)[0].lower() for requirement in wanted}
    explained = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))
    assert explained == names


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert project()["license"] == "Apache-2.0"


def test_lock_files_hold_every_dependency() -> None:
    locked = {
        name: set(re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    }
    names = {re.split(r"[ <>=;\[]", requirement)[0].lower() for requirement in project()["dependencies"]}
    assert names <= locked["requirements.lock"] <= locked["requirements-dev.lock"]
    assert "torch" not in locked["requirements.lock"]
