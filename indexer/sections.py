"""Sections: the parts of an article between headings, the unit that is indexed, quoted and linked to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from markdown_it.token import Token

from indexer.articles import Article
from indexer.markdown import LEAD, parse
from indexer.markdown import plain_text as plain_text
from indexer.plaintext import block_text, inline_text, top_level_blocks
from indexer.sentences import sentences

PASSAGE_LIMIT = 700  #: characters; what the encoder reads whole in every language
_OVERFLOW = 0.3  # a last passage shorter than this share of the limit joins the one before it


class BlockKind(StrEnum):
    """What a block is made of."""

    PARAGRAPH = "paragraph"
    LIST = "list"
    TABLE = "table"
    CODE = "code"
    QUOTE = "quote"
    OTHER = "other"


_LINE_END = re.compile(r"\r\n?|\n")  # as the parser counts them

_KINDS = {
    "paragraph_open": BlockKind.PARAGRAPH,
    "bullet_list_open": BlockKind.LIST,
    "ordered_list_open": BlockKind.LIST,
    "table_open": BlockKind.TABLE,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "blockquote_open": BlockKind.QUOTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A paragraph, list, table ...: the smallest part that is quoted whole."""

    kind: BlockKind
    markdown: str  #: its source, with the link definitions it needs
    text: str  #: plain; list items on own lines (``1. ...``, ``- ...``), table cells joined by `` | ``


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading-bounded part of an article with text of its own."""

    anchor: str  #: unique in the article; the link target
    heading_path: tuple[str, ...]  #: headings from the outermost to its own; empty before the first heading
    blocks: tuple[Block, ...]
    first_line: int  #: 1-based, in the source file
    last_line: int

    @property
    def text(self) -> str:
        """The blocks' texts, apart by an empty line."""
        return "\n\n".join(block.text for block in self.blocks)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; ``from_json`` is the inverse."""
        return {
            "anchor": self.anchor,
            "heading_path": list(self.heading_path),
            "blocks": [[block.kind.value, block.markdown, block.text] for block in self.blocks],
            "first_line": self.first_line,
            "last_line": self.last_line,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The section that ``to_json`` wrote."""
        return cls(
            anchor=record["anchor"],
            heading_path=tuple(record["heading_path"]),
            blocks=tuple(
                Block(kind=BlockKind(kind), markdown=markdown, text=text)
                for kind, markdown, text in record["blocks"]
            ),
            first_line=record["first_line"],
            last_line=record["last_line"],
        )


def split_sections(article: Article) -> tuple[Section, ...]:
    """The article's sections in order: at least one, and any Markdown parses."""
    tokens, references = parse(article.body)
    builder = _Builder(article, references)
    for block in top_level_blocks(tokens):
        if block[0].type == "heading_open":
            builder.heading(block)
        else:
            builder.block(block)
    return builder.finish()


def anchors(markdown: str) -> tuple[str, ...]:
    """The anchors that a link into this text can name, also of headings without text of their own."""
    tokens, _ = parse(markdown)
    return (LEAD, *(str(token.attrs["id"]) for token in tokens if "id" in token.attrs))


class _Builder:
    """Collects sections while walking the top-level blocks of one article."""

    def __init__(self, article: Article, references: dict[str, Any]) -> None:
        self._title = article.title
        self._lines = _LINE_END.split(article.body)
        # A record of articles.jsonl is one line, whatever its body looks like.
        self._one_line = article.source.endswith(".jsonl")
        self._first = article.line or 1
        self._references = references
        self._sections: list[Section] = []
        self._path: list[tuple[int, str]] = []
        self._anchor = LEAD
        self._start = 0
        self._end = 0
        self._blocks: list[Block] = []
        self._seen_heading = False

    def heading(self, tokens: Sequence[Token]) -> None:
        self._flush()
        opening, inline = tokens[0], tokens[1]
        level = int(opening.tag[1])
        text = " ".join(inline_text(inline.children).split())
        self._path = [(above, name) for above, name in self._path if above < level]
        repeats_title = level == 1 and not self._seen_heading and text == self._title
        self._path.append((level, "" if repeats_title else text))
        self._seen_heading = True
        self._anchor = str(opening.attrs["id"])
        self._start, self._end = opening.map or (0, 1)

    def block(self, tokens: Sequence[Token]) -> None:
        text = block_text(tokens)
        if not text:
            return
        start, end = tokens[0].map or (0, 1)
        markdown = "\n".join(self._lines[start:end]).rstrip()
        if not self._blocks and self._anchor == LEAD:
            self._start = start
        self._end = start + markdown.count("\n") + 1
        kind = _KINDS.get(tokens[0].type, BlockKind.OTHER)
        self._blocks.append(Block(kind=kind, markdown=self._with_references(markdown), text=text))

    def finish(self) -> tuple[Section, ...]:
        self._flush()
        if not self._sections:
            self._anchor, self._path, self._start, self._end = LEAD, [], 0, 1
            self._sections.append(self._section())
        return tuple(self._sections)

    def _flush(self) -> None:
        if self._blocks:
            self._sections.append(self._section())
            self._blocks = []

    def _section(self) -> Section:
        return Section(
            anchor=self._anchor,
            heading_path=tuple(name for _, name in self._path if name),
            blocks=tuple(self._blocks),
            first_line=self._first if self._one_line else self._first + self._start,
            last_line=self._first if self._one_line else self._first + max(self._end - 1, self._start),
        )

    def _with_references(self, markdown: str) -> str:
        """The block with the definitions of its ``[text][name]`` links, so that it can be shown alone."""
        if not self._references or "]" not in markdown:
            return markdown
        folded = markdown.upper()
        needed = [
            f"[{label}]: <{definition['href']}>"
            for label, definition in self._references.items()
            if f"[{label}]" in folded
        ]
        return "\n\n".join([markdown, "\n".join(needed)]) if needed else markdown


def passages(section: Section, title: str, limit: int = PASSAGE_LIMIT) -> tuple[str, ...]:
    """The section cut for the encoder: at least one passage; together they hold every word of its text.

    Each begins with a line of title and headings. Whole blocks stay together where they fit, then lines, then
    sentences. A passage has at most ``limit`` characters, the last at most 1.3 times as many, unless one word
    alone is longer.
    """
    header = _header(title, section.heading_path, limit // 3)
    room = limit - len(header) - 1 if header else limit
    bodies: list[str] = []
    for separator, piece in _pieces(section, room):
        if bodies and len(bodies[-1]) + len(separator) + len(piece) <= room:
            bodies[-1] += separator + piece
        else:
            bodies.append(piece)
    if len(bodies) > 1 and len(bodies[-1]) < _OVERFLOW * limit:
        joined = f"{bodies[-2]}\n{bodies[-1]}"
        if len(joined) <= room + _OVERFLOW * limit:
            bodies[-2:] = [joined]
    if not bodies:
        return (header,)
    return tuple(f"{header}\n{body}" if header else body for body in bodies)


def _header(title: str, heading_path: Sequence[str], limit: int) -> str:
    header = " > ".join(part for part in (title, *heading_path) if part)
    if len(header) <= limit:
        return header
    return header[: limit + 1].rpartition(" ")[0] or header[:limit]


def _pieces(section: Section, room: int) -> Iterator[tuple[str, str]]:
    """The largest parts that fit, each with what stands between it and the part before."""
    for block in section.blocks:
        if len(block.text) <= room:
            yield "\n", block.text
            continue
        for line in filter(str.strip, block.text.split("\n")):
            separator = "\n"
            for sentence in [line] if len(line) <= room else sentences(line):
                for part in _words(sentence, room):
                    yield separator, part
                    separator = " "


def _words(sentence: str, room: int) -> Iterator[str]:
    """The sentence, cut between words if it alone is too long."""
    if len(sentence) <= room:
        yield sentence
        return
    part = ""
    for word in sentence.split():
        if part and len(part) + 1 + len(word) > room:
            yield part
            part = word
        else:
            part = f"{part} {word}" if part else word
    yield part
