"""Markdown as safe HTML, and the one parser that sections and pages share.

Three belts: the parser knows no raw HTML, links and images are rewritten here by an allow-list, and nh3
cleans the result. Styles never appear: the pages run under a strict Content-Security-Policy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from indexer.plaintext import block_text, inline_text, top_level_blocks
from indexer.slugs import slugify, unused

LEAD = "lead"  #: anchor of the part before the first heading

Resolve = Callable[[str], str | None]

_EXPLICIT = re.compile(r"[ \t]*\{#(\w[\w.:-]*)\}[ \t]*$")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
_CLASS = re.compile(r"language-[\w+#.-]{1,40}|align-(?:left|center|right)")
_HEADINGS = tuple(f"h{level}" for level in range(1, 7))
_TAGS = {
    *("a", "blockquote", "br", "code", "em", "hr", "img", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr", *_HEADINGS),
}
_ATTRIBUTES: dict[str, set[str]] = {
    "a": {"href", "rel"},
    "code": {"class"},
    "img": {"src", "alt"},
    "ol": {"start"},
    "td": {"class"},
    "th": {"class"},
    **{heading: {"id"} for heading in _HEADINGS},
}


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("js-default")
    parser.core.ruler.after("block", "explicit_anchors", _take_explicit_anchors)
    parser.core.ruler.push("anchors", _give_anchors)
    return parser


def parse(markdown: str) -> tuple[list[Token], dict[str, Any]]:
    """The tokens of ``markdown``, each top-level heading with its anchor as ``id``; the link definitions."""
    env: dict[str, Any] = {}
    return _parser().parse(markdown, env), env.get("references", {})


def linked_addresses(markdown: str) -> frozenset[str]:
    """The addresses of all links and images, as their writer wrote them."""
    tokens, _ = parse(markdown)
    children = [child for token in tokens for child in token.children or ()]
    hrefs = (str(child.attrs.get("href") or child.attrs.get("src") or "") for child in children)
    return frozenset(address for href in hrefs for address in (href, unquote(href)) if href)


def plain_text(markdown: str) -> str:
    """The text of ``markdown`` without markup, blocks apart by an empty line."""
    tokens, _ = parse(markdown)
    texts = (block_text(block) for block in top_level_blocks(tokens))
    return "\n\n".join(text for text in texts if text)


def render(
    markdown: str,
    *,
    heading_offset: int = 1,
    link_base: str = "",
    resolve: Resolve | None = None,
) -> str:
    """Safe HTML of ``markdown``.

    ``heading_offset``: ``#`` becomes ``h1`` plus so many levels. ``link_base``: the page that holds the text,
    put before links such as ``#anchor`` (for quotations shown elsewhere). ``resolve``: turns a relative link
    such as ``../card/lost.md#lock`` into an address; without an answer the link's text stays, the link goes.
    """
    tokens, _ = parse(markdown)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, max(1, int(token.tag[1]) + heading_offset))}"
        elif token.type in ("th_open", "td_open"):
            _style_to_class(token)
        elif token.children:
            token.children = _safe_inline(token.children, link_base, resolve)
    parser = _parser()
    html = str(parser.renderer.render(tokens, parser.options, {}))
    return nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_keep_attribute,
        url_schemes=set(_SCHEMES),
        link_rel=None,
    )


def _keep_attribute(_tag: str, name: str, value: str) -> str | None:
    return None if name == "class" and not _CLASS.fullmatch(value) else value


def _style_to_class(cell: Token) -> None:
    style = str(cell.attrs.pop("style", ""))
    if style:
        cell.attrs["class"] = "align-" + style.removeprefix("text-align:")


def _safe_inline(children: Sequence[Token], link_base: str, resolve: Resolve | None) -> list[Token]:
    """The tokens with every link and image rewritten, or replaced by its text."""
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in children:
        if token.type == "link_open":
            href = _address(str(token.attrs.get("href", "")), link_base, resolve)
            open_links.append(href is not None)
            if href is not None:
                token.attrs = {"href": href}
                if is_outside(href):
                    token.attrs["rel"] = "noopener"
                kept.append(token)
        elif token.type == "link_close":
            if open_links.pop():
                kept.append(token)
        elif token.type == "image":
            kept.append(_image(token, resolve))
        else:
            kept.append(token)
    return kept


def _image(token: Token, resolve: Resolve | None) -> Token:
    """The image if the help center itself serves it, else its description: no reader's address leaks."""
    source = _address(str(token.attrs.get("src", "")), "", resolve)
    description = inline_text(token.children)
    if source is not None and source.startswith("/") and not is_outside(source):
        token.attrs = {"src": source, "alt": description}
        return token
    return Token("text", "", 0, content=description)


def _address(href: str, link_base: str, resolve: Resolve | None) -> str | None:
    if href.startswith("#"):
        return link_base + href
    if scheme := _SCHEME.match(href):
        return href if scheme[1].lower() in _SCHEMES else None
    if href.startswith("/"):
        return href
    return resolve(href) if resolve and href else None


def is_outside(href: str) -> bool:
    """True for an address on another site."""
    return href.startswith(("//", "/\\")) or href.lower().startswith(("http:", "https:"))


def _top_headings(state: StateCore) -> list[tuple[Token, Token]]:
    return [
        (token, state.tokens[position + 1])
        for position, token in enumerate(state.tokens)
        if token.type == "heading_open" and token.level == 0
    ]


def _take_explicit_anchors(state: StateCore) -> None:
    for heading, inline in _top_headings(state):
        if found := _EXPLICIT.search(inline.content):
            inline.content = inline.content[: found.start()]
            heading.meta = {"anchor": found[1]}


def _give_anchors(state: StateCore) -> None:
    """Every top-level heading gets an ``id``; those the editor chose are given out first, so they stay."""
    headings = _top_headings(state)
    used = {LEAD}
    for heading, _ in headings:
        if "anchor" in heading.meta:
            heading.attrs["id"] = unused(heading.meta["anchor"], used)
    for heading, inline in headings:
        if "anchor" not in heading.meta:
            heading.attrs["id"] = unused(slugify(inline_text(inline.children)) or "section", used)
