"""The part of a section that an answer quotes: whole blocks, never half a sentence, list or table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer import BlockKind, plain_text, render, split_sentences

if TYPE_CHECKING:
    from indexer import Block, Section

LIMIT = 600  #: characters of plain text, about
_SLACK = 1.2  # a last block may go over the limit by this much rather than be left out
_INDIVISIBLE = frozenset({BlockKind.LIST, BlockKind.TABLE, BlockKind.CODE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What an answer shows of a section."""

    text: str
    html: str
    complete: bool  #: false: "read more" opens the rest


def quote(
    section: Section,
    *,
    page: str = "",
    resolve: Callable[[str], str | None] | None = None,
    limit: int = LIMIT,
) -> Quote:
    """The first blocks of ``section`` up to about ``limit`` characters, at least one block or sentence.

    ``page`` is the address of the article, put before links such as ``#fees``; ``resolve`` turns relative
    links into addresses. A block that alone is too long is cut between sentences if it is a paragraph, and
    quoted whole if it is a list, table or code. A line that announces a list ("Do this:") keeps its list.
    """
    taken: list[tuple[str, str]] = []
    complete = True
    for group in _groups(section.blocks):
        length = sum(len(text) for text, _ in taken)
        size = sum(len(block.text) for block in group)
        if length + size <= limit or (taken and length + size <= limit * _SLACK and length < limit / 2):
            taken.extend((block.text, block.markdown) for block in group)
            continue
        if not taken:
            cut = _first_part(group, limit)
            taken.extend(cut)
            complete = (
                len(cut) == len(group) and cut[-1][0] == group[-1].text and group[-1] is section.blocks[-1]
            )
        else:
            complete = False
        break
    text = "\n\n".join(text for text, _ in taken)
    markdown = "\n\n".join(source for _, source in taken)
    return Quote(text=text, html=render(markdown, link_base=page, resolve=resolve), complete=complete)


def _groups(blocks: Sequence[Block]) -> list[list[Block]]:
    """Blocks that stay together: a paragraph that ends in a colon and what it announces."""
    groups: list[list[Block]] = []
    for block in blocks:
        if (
            groups
            and groups[-1][-1].kind is BlockKind.PARAGRAPH
            and groups[-1][-1].text.rstrip().endswith(":")
        ):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def _first_part(group: Sequence[Block], limit: int) -> list[tuple[str, str]]:
    if len(group) > 1 or group[0].kind in _INDIVISIBLE or group[0].kind is not BlockKind.PARAGRAPH:
        return [(block.text, block.markdown) for block in group]
    return [_whole_sentences(group[0], limit)]


def _whole_sentences(block: Block, limit: int) -> tuple[str, str]:
    """As many sentences as fit, at least one, as text and Markdown; the whole block if it cannot be cut."""
    kept: list[str] = []
    for sentence in split_sentences(block.text):
        if kept and len(" ".join([*kept, sentence])) > limit:
            break
        kept.append(sentence)
    for count in range(len(kept), 0, -1):
        markdown = _cut(block.markdown, " ".join(kept[:count]))
        if markdown:
            return " ".join(kept[:count]), markdown
    return block.text, block.markdown


def _cut(markdown: str, text: str) -> str:
    """The start of ``markdown`` that reads ``text``; empty if none does.

    Markup that would be cut open (``**first. second**``) shows up as stray signs in the plain text and is so
    refused; link definitions after the paragraph are kept.
    """
    paragraph, separator, definitions = markdown.partition("\n\n")
    wanted = " ".join(text.split())
    for end in range(len(text), len(paragraph) + 1):
        if end < len(paragraph) and not paragraph[end].isspace():
            continue
        candidate = paragraph[:end]
        read = " ".join(plain_text(candidate + separator + definitions).split())
        if read == wanted:
            return candidate + separator + definitions
        if len(read) > len(wanted) and read.startswith(wanted):
            return ""
    return ""
