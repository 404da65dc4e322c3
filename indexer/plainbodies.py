"""Bodies of ``articles.jsonl`` may be plain text, each line for itself: here they become Markdown."""

from __future__ import annotations

import re

from indexer.markdown import parse

_WRAP = range(40, 121)  # characters; where editors have their right margin
_DEFINITION = re.compile(r"\[[^\]]+\]:")


def lines_to_paragraphs(body: str) -> str:
    """``body`` with an empty line after every line of a paragraph, unless an editor wrapped it to a width."""
    if "\n" not in body:
        return body
    tokens, _ = parse(body)
    lines = body.split("\n")
    breaks = [
        number
        for token in tokens
        if token.type == "paragraph_open" and token.level == 0 and token.map
        for number in range(token.map[0], token.map[1] - 1)
    ]
    if not breaks or _is_wrapped(lines, breaks):
        return body
    after = set(breaks)
    written: list[str] = []
    for number, line in enumerate(lines):
        if number - 1 in after:
            # What was text inside a paragraph must not become code or a link definition on its own.
            line = line.lstrip()
            line = "\\" + line if _DEFINITION.match(line) else line
        written.append(line)
        if number in after:
            written.append("")
    return "\n".join(written)


def _is_wrapped(lines: list[str], breaks: list[int]) -> bool:
    """True when every line break comes where the next word would have passed the right margin."""
    width = max(len(lines[number].rstrip()) for number in breaks)
    if width not in _WRAP or all(lines[number].rstrip().endswith((".", "?", "!", ":")) for number in breaks):
        return False
    if len(breaks) == 1 and not lines[breaks[0] + 1].lstrip()[:1].islower():
        return False
    return all(
        len(lines[number].rstrip()) + 1 + len(lines[number + 1].lstrip().partition(" ")[0]) > width
        for number in breaks
    )
