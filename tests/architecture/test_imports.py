"""Who may import whom: read from the source, so that no module needs to be run."""

from __future__ import annotations

import pytest

from tests.architecture.source import ROOMS, imports_of, loaded_by, modules, public_names

#: Each big library lives in one module or one small package. A trailing slash means the whole folder.
HOMES = {
    "faiss": ("indexer/vectors.py",),
    "onnxruntime": ("indexer/onnx_encoder.py", "indexer/encoder_graph.py", "indexer/onnx_export.py"),
    "onnx": ("indexer/encoder_graph.py", "indexer/onnx_export.py"),
    "sentencepiece": ("indexer/tokenizer_model.py",),
    "Stemmer": ("indexer/terms.py",),
    "nh3": ("indexer/markdown.py",),
    "sentence_transformers": ("indexer/sentence_transformers_encoder.py",),
    "transformers": ("indexer/sentence_transformers_encoder.py",),
    "torch": ("indexer/sentence_transformers_encoder.py", "indexer/onnx_export.py", "evals/training/"),
    "sklearn": ("evals/", "indexer/probe.py"),
    "sqlalchemy": ("botsvc/storage/",),
    "alembic": ("botsvc/storage/",),
    "uvicorn": ("botsvc/commands.py", "botsvc/serving.py"),
}

#: Slow to load, large in memory: the serving process has none of them.
NOT_WHEN_SERVING = frozenset(
    {"torch", "transformers", "sentence_transformers", "sklearn", "scipy", "onnx", "pandas"}
)

#: What another room may import from indexer beside its public names.
OPEN_MODULES = frozenset({"indexer.console", "indexer.settings"})

#: Makes the data files that indexer ships, and so must see the features that they weigh.
TRAINING = "evals/training/"

#: The decision what to say depends on its arguments alone.
PURE = ("botsvc.decide", "botsvc.decisions", "botsvc.policy", "botsvc.episode", "botsvc.typed_replies")
IMPURE = frozenset(
    {"time", "random", "secrets", "uuid", "os", "pathlib", "io", "socket", "threading", "asyncio", "sqlite3"}
    | {"logging", "subprocess", "urllib", "http", "fastapi", "starlette", "pydantic", "sqlalchemy"}
)


def root(module: str) -> str:
    return module.partition(".")[0]


def test_the_reader_of_imports_sees_what_runs_and_what_does_not() -> None:
    text = """
from __future__ import annotations
from typing import TYPE_CHECKING
import faiss, os.path
from . import near
from ..far import thing
if TYPE_CHECKING:
    import torch
try:
    import onnx
except ImportError:
    pass
class A:
    import inside
    def f(self):
        import sklearn.svm
        importlib.import_module("transformers")
"""
    found = {(i.module, i.name): i.at_import for i in imports_of(text, package="botsvc.routes")}
    assert found[("faiss", "")] is True
    assert found[("os.path", "")] is True
    assert found[("botsvc.routes", "near")] is True
    assert found[("botsvc.far", "thing")] is True
    assert found[("onnx", "")] is True
    assert found[("inside", "")] is True
    assert found[("torch", "")] is False
    assert found[("sklearn.svm", "")] is False
    assert found[("transformers", "")] is False


@pytest.mark.parametrize(("room", "unknown"), [("indexer", {"botsvc", "evals"}), ("botsvc", {"evals"})])
def test_imports_point_in_one_direction(room: str, unknown: set[str]) -> None:
    wrong = [
        f"{module.path}:{found.line} imports {found.module}"
        for module in modules()
        if module.room == room
        for found in module.imports
        if root(found.module) in unknown
    ]
    assert wrong == []


def test_other_rooms_use_the_public_names_of_indexer() -> None:
    public = public_names("indexer")
    assert "Index" in public
    wrong = []
    for module in modules():
        if module.path.startswith(TRAINING):
            continue
        for found in module.imports:
            if module.room == "indexer" or root(found.module) != "indexer" or found.module in OPEN_MODULES:
                continue
            if found.module == "indexer" and (
                found.name in public or f"indexer.{found.name}" in OPEN_MODULES
            ):
                continue
            wrong.append(f"{module.path}:{found.line} imports {found.name or 'all'} from {found.module}")
    assert wrong == []


def test_public_names_exist() -> None:
    import indexer

    assert [name for name in sorted(public_names("indexer")) if not hasattr(indexer, name)] == []


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_library_has_one_home(library: str) -> None:
    wrong = [
        f"{module.path}:{found.line}"
        for module in modules()
        for found in module.imports
        if root(found.module) == library
        and not any(
            module.path == home or (home.endswith("/") and module.path.startswith(home))
            for home in HOMES[library]
        )
    ]
    assert wrong == []


def test_serving_loads_nothing_heavy() -> None:
    served = loaded_by(*(module.name for module in modules() if module.room == "botsvc"), "indexer")
    assert {"botsvc.app", "indexer.vectors"} <= served
    wrong = [
        f"{module.path}:{found.line} imports {found.module}"
        for module in modules()
        if module.name in served
        for found in module.imports
        if found.at_import and root(found.module) in NOT_WHEN_SERVING
    ]
    assert wrong == []


def test_the_console_loads_a_room_only_when_its_command_is_called() -> None:
    loaded = loaded_by("botsvc.cli")
    assert "botsvc.cli" in loaded
    assert not any(name.startswith("evals") for name in loaded)
    assert "botsvc.app" not in loaded


@pytest.mark.parametrize("name", PURE)
def test_deciding_is_pure(name: str) -> None:
    module = next(module for module in modules() if module.name == name)
    assert sorted({found.module for found in module.imports if root(found.module) in IMPURE}) == []


def test_no_room_imports_tests() -> None:
    wrong = [
        m.path
        for m in modules()
        for found in m.imports
        if root(found.module) in {"tests", "pytest", "hypothesis"}
    ]
    assert wrong == []
    assert {module.room for module in modules()} == set(ROOMS)
