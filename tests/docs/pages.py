"""The documentation as its tests see it: pages, headings, code blocks, links."""

from __future__ import annotations

import itertools
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A fenced block."""

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of documentation."""

    path: Path
    text: str
    headings: tuple[str, ...]
    links: tuple[str, ...]  #: targets of links and pictures, as written
    code: tuple[Code, ...]

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def anchors(self) -> frozenset[str]:
        """What links may point at, made as code hosts make it."""
        return frozenset(anchor(heading) for heading in self.headings)

    def section(self, heading: str) -> str:
        """The text below a heading, up to the next heading of any level."""
        start = re.search(rf"^#+ {re.escape(heading)}\n", self.text, re.MULTILINE)
        assert start is not None, f"{self.name} has no heading {heading!r}"
        return re.split(r"^#+ ", self.text[start.end() :], maxsplit=1, flags=re.MULTILINE)[0]


def anchor(heading: str) -> str:
    text = unicodedata.normalize("NFC", heading).lower().replace("`", "")
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


@cache
def read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    inside = [child for token in tokens for child in token.children or ()]
    targets = [_target(token) for token in inside if token.type in ("link_open", "image")]
    return Page(
        path=path,
        text=text,
        headings=tuple(
            after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"
        ),
        links=tuple(target for target in targets if target),
        code=tuple(
            Code(language=token.info.strip(), text=token.content, line=token.map[0] + 1 if token.map else 0)
            for token in tokens
            if token.type == "fence"
        ),
    )


def _target(token: Token) -> str:
    return str(token.attrs.get("href") or token.attrs.get("src") or "")


@cache
def pages() -> tuple[Page, ...]:
    """Every page for people who use or change Helppari."""
    top = [
        ROOT / name
        for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "kb/README.md")
    ]
    return tuple(read(path) for path in [*top, *sorted((ROOT / "docs").rglob("*.md"))])


def reference(name: str) -> Page:
    return read(REFERENCE / f"{name}.md")
