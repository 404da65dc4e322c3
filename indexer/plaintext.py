"""Markdown tokens as plain text: what is indexed, and what a quotation says without markup."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from markdown_it.token import Token

_LISTS = {"bullet_list_open", "ordered_list_open"}


def top_level_blocks(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The tokens of each top-level block, in order."""
    start, depth = 0, 0
    for position, token in enumerate(tokens):
        depth += token.nesting
        if depth == 0:
            yield tokens[start : position + 1]
            start = position + 1


def inline_text(children: Sequence[Token] | None) -> str:
    """The text of an inline token's children; a soft line break is a space, a hard one a new line."""
    parts: list[str] = []
    for token in children or ():
        if token.type == "softbreak":
            parts.append(" ")
        elif token.type == "hardbreak":
            parts.append("\n")
        elif token.type == "image":
            parts.append(inline_text(token.children))
        else:
            parts.append(token.content)
    return "".join(parts)


def block_text(tokens: Sequence[Token]) -> str:
    """The text of one block: list items on own lines (``1. ``, ``- ``), table cells joined by `` | ``."""
    writer = _Writer()
    for token in tokens:
        writer.add(token)
    return "\n".join(writer.lines)


class _Writer:
    """Collects the lines of one block."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._lists: list[int | None] = []  # the next number of each open list; None: bullets
        self._marker = ""
        self._cells: list[str] | None = None

    def add(self, token: Token) -> None:
        kind = token.type
        if kind == "inline":
            text = inline_text(token.children).strip()
            if self._cells is None:
                self._write(text)
            else:
                self._cells.append(text)
        elif kind in ("fence", "code_block"):
            self._write(token.content.rstrip("\n"))
        elif kind in _LISTS:
            self._lists.append(int(token.attrs.get("start", 1)) if kind == "ordered_list_open" else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            self._lists.pop()
        elif kind == "list_item_open":
            self._open_item()
        elif kind == "tr_open":
            self._cells = []
        elif kind == "tr_close":
            self._close_row()

    def _open_item(self) -> None:
        number = self._lists[-1]
        if number is None:
            mark = "- "
        else:
            mark = f"{number}. "
            self._lists[-1] = number + 1
        self._marker = "  " * (len(self._lists) - 1) + mark

    def _close_row(self) -> None:
        cells, self._cells = self._cells or [], None
        if any(cells):
            self._write(" | ".join(cells))

    def _write(self, text: str) -> None:
        if not text.strip():
            return
        for line in text.split("\n"):
            self.lines.append((self._marker or "  " * len(self._lists)) + line.rstrip())
            self._marker = ""
