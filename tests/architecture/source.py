"""The source as the architecture tests see it: modules, and what each imports, read without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("indexer", "botsvc", "evals")


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One import of one name; ``name`` is empty for ``import module``."""

    module: str
    name: str = ""
    line: int
    at_import: (
        bool  #: runs when the importing module is imported, not later and not only for the type checker
    )

    def leads_to(self, modules: frozenset[str]) -> Iterator[str]:
        """Those of ``modules`` that are loaded by it: the module, its packages, and a submodule so named."""
        parts = self.module.split(".")
        places = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
        yield from (place for place in [*places, f"{self.module}.{self.name}"] if place in modules)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file."""

    name: str  #: as in ``botsvc.routes.ask``
    path: str  #: from the checkout's root
    text: str
    tree: ast.Module
    imports: tuple[Import, ...]

    @property
    def room(self) -> str:
        return self.name.partition(".")[0]


def imports_of(text: str, *, package: str = "") -> tuple[Import, ...]:
    """Every import in ``text``; relative ones are resolved against ``package``."""
    return tuple(_imports(ast.parse(text), package, at_import=True))


def _imports(node: ast.AST, package: str, *, at_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=names, lineno=line):
                yield from (Import(module=alias.name, line=line, at_import=at_import) for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level, lineno=line):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                origin = ".".join([*parents, *([module] if module else [])])
                for alias in names:
                    yield Import(module=origin, name=alias.name, line=line, at_import=at_import)
            case ast.Call(
                func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(origin)), *_]
            ):
                yield Import(module=origin, line=child.lineno, at_import=at_import)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                yield from _imports(child, package, at_import=False)
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), body=body, orelse=orelse):
                yield from _imports(ast.Module(body=body, type_ignores=[]), package, at_import=False)
                yield from _imports(ast.Module(body=orelse, type_ignores=[]), package, at_import=at_import)
            case _:
                yield from _imports(child, package, at_import=at_import)


@cache
def modules() -> tuple[Module, ...]:
    """Every module of the rooms, migrations included."""
    return tuple(_read(path) for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))


def _read(path: Path) -> Module:
    relative = path.relative_to(ROOT)
    parts = list(relative.with_suffix("").parts)
    package = ".".join(parts[:-1])
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text(encoding="utf-8")
    return Module(
        name=".".join(parts),
        path=relative.as_posix(),
        text=text,
        tree=ast.parse(text),
        imports=imports_of(text, package=package),
    )


def public_names(module: str) -> frozenset[str]:
    """What ``module`` declares in ``__all__``."""
    found = next(candidate for candidate in modules() if candidate.name == module)
    for node in found.tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets
        ):
            return frozenset(ast.literal_eval(node.value))
    return frozenset()


def loaded_by(*starts: str) -> frozenset[str]:
    """Our modules that are loaded when ``starts`` are imported."""
    by_name = {module.name: module for module in modules()}
    known = frozenset(by_name)
    loaded: set[str] = set()
    waiting = [start for start in starts if start in known]
    while waiting:
        name = waiting.pop()
        if name in loaded:
            continue
        loaded.add(name)
        parts = name.split(".")
        waiting += [".".join(parts[:length]) for length in range(1, len(parts))]
        for found in by_name[name].imports:
            if found.at_import:
                waiting += found.leads_to(known)
    return frozenset(loaded & known)
