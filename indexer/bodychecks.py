"""What a writer should know about the text of an article."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from markdown_it import MarkdownIt

from indexer.fieldchecks import Finding
from indexer.markdown import LEAD
from indexer.problems import ProblemKind, Severity

_TAG = re.compile(r"<(?!/)(?:!--|[a-zA-Z][\w-]*)")
_ANCHORED = re.compile(r"^#{1,6}[ \t].*\{#(\w[\w.:-]*)\}[ \t]*$", re.MULTILINE)
_MOST_TAGS = 5  # one file needs no longer list to be mended


def check_body(body: str, first_line: int) -> list[Finding]:
    """Warnings about an empty text, raw HTML and anchors given twice; the body begins in ``first_line``."""
    if not body.strip():
        message = "the article has no text: only its title and questions can be found"
        return [_warning(first_line, message, ProblemKind.VALUE)]
    findings = list(_anchors(body, first_line))
    if _TAG.search(body):
        findings += _html(body, first_line)
    return findings


def _warning(line: int, message: str, kind: ProblemKind) -> Finding:
    return Finding(line, message, Severity.WARNING, kind, "body")


def _anchors(body: str, first_line: int) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for heading in _ANCHORED.finditer(body):
        anchor = heading[1]
        line = first_line + body.count("\n", 0, heading.start())
        if anchor == LEAD:
            message = f'the anchor "{LEAD}" belongs to the text before the first heading: choose another'
            yield _warning(line, message, ProblemKind.ANCHOR)
        elif anchor in seen:
            message = f'the anchor "{anchor}" is already in line {seen[anchor]}: choose another'
            yield _warning(line, message, ProblemKind.ANCHOR)
        else:
            seen[anchor] = line


def _html(body: str, first_line: int) -> list[Finding]:
    found: list[Finding] = []
    for token in _html_parser().parse(body):
        if token.type == "html_block":
            found += _tag(token.content, token.map, first_line)
        line = 0
        for child in token.children or ():
            if child.type in ("softbreak", "hardbreak"):
                line += 1
            elif child.type == "html_inline":
                found += _tag(child.content, token.map, first_line + line)
    if len(found) <= _MOST_TAGS:
        return found
    message = (
        f"raw HTML in {len(found) - _MOST_TAGS + 1} more places is shown as text: write Markdown instead"
    )
    return [*found[: _MOST_TAGS - 1], found[_MOST_TAGS - 1]._replace(message=message)]


def _tag(content: str, lines: list[int] | None, first_line: int) -> Iterator[Finding]:
    if tag := _TAG.search(content):
        what = "a comment" if tag[0] == "<!--" else f"{tag[0]}>"
        message = f"raw HTML ({what}) is shown as text: write Markdown instead"
        yield _warning(first_line + (lines[0] if lines else 0), message, ProblemKind.HTML)


@lru_cache(maxsize=1)
def _html_parser() -> MarkdownIt:
    return MarkdownIt("js-default", {"html": True})
