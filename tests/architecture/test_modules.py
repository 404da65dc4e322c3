"""Size and manners of single modules."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

from tests.architecture.source import ROOT, modules

MOST_LINES = 450

#: Names that say nothing about what is inside: a noun of the domain is missing.
EMPTY_NAMES = frozenset({"utils", "util", "helpers", "common", "misc", "base_utils"})


def test_no_module_grows_too_long() -> None:
    lengths = {module.path: len(module.text.splitlines()) for module in modules()}
    assert {path: lines for path, lines in lengths.items() if lines > MOST_LINES} == {}


def test_modules_are_named_after_what_they_hold() -> None:
    assert [m.path for m in modules() if m.name.rpartition(".")[2] in EMPTY_NAMES] == []


def test_nothing_prints_past_the_console() -> None:
    """Commands speak through ``indexer.console``: JSON on stdout, everything else on stderr."""
    wrong = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert wrong == []


def test_no_pickle_is_read_or_written() -> None:
    wrong = [
        f"{module.path}:{found.line}"
        for module in modules()
        for found in module.imports
        if found.module.partition(".")[0] in {"pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}
    ]
    wrong += [m.path for m in modules() if re.search(r"allow_pickle\s*=\s*True", m.text)]
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    missing = [module.path for module in modules() if not ast.get_docstring(module.tree)]
    assert [path for path in missing if "/migrations/" not in path] == []


def test_logging_is_left_to_the_process() -> None:
    """A library adds no handler and sets no level; only the commands configure logging."""
    pattern = re.compile(r"\b(basicConfig|dictConfig|addHandler|setLevel)\(")
    wrong = [m.path for m in modules() if pattern.search(m.text)]
    assert [path for path in wrong if not re.search(r"(cli|commands|serving|logs|console)\.py$", path)] == []


def test_importing_the_service_loads_nothing_heavy_and_touches_no_logging() -> None:
    """What the source says, held against a real interpreter."""
    script = """
import logging, sys
import indexer, botsvc.app, botsvc.cli
heavy = {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "onnx"} & set(sys.modules)
assert not heavy, heavy
assert not logging.getLogger().handlers
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
