"""Relative links between articles: where they lead, and which lead nowhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote

from indexer.articles import Article, Status, Visibility
from indexer.markdown import Resolve, linked_addresses
from indexer.problems import Problem, ProblemKind, Severity
from indexer.sections import anchors

# Finds all links of a text and perhaps some that are none (inside code); the parser has the last word.
_INLINE = re.compile(r"\]\(\s*<?([^()\s<>]+)")
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)", re.MULTILINE)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


class Target(NamedTuple):
    """Where a relative link leads."""

    source: str  #: path relative to the kb's root
    anchor: str


def link_target(source: str, href: str) -> Target | None:
    """Where ``href`` in the article file ``source`` leads; None for an address that is not relative."""
    if _SCHEME.match(href) or href.startswith("/"):
        return None
    path, _, anchor = href.partition("#")
    if not path:
        return Target(source, unquote(anchor))
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), unquote(path.partition("?")[0])))
    return Target(path, unquote(anchor))


def resolver(source: str, address_of: Callable[[str], str | None]) -> Resolve:
    """What ``render`` needs for the article file ``source``; ``address_of`` gives a file's page, if any."""

    def resolve(href: str) -> str | None:
        target = link_target(source, href)
        address = address_of(target.source) if target else None
        if target is None or address is None:
            return None
        return f"{address}#{quote(target.anchor)}" if target.anchor else address

    return resolve


def relative_links(body: str) -> tuple[str, ...]:
    """The relative links of a body as written, each once."""
    if "](" not in body and "]:" not in body:
        return ()
    found = dict.fromkeys([*_INLINE.findall(body), *_DEFINITION.findall(body)])
    return tuple(href for href in found if link_target("", href) is not None)


def broken_links(
    links: Iterable[tuple[str, tuple[str, ...]]], by_source: Mapping[str, Article]
) -> Iterator[Problem]:
    """A problem for each link that leads to no article or no heading; ``links``: the links of each source."""
    headings: dict[str, frozenset[str]] = {}

    def has_anchor(article: Article, anchor: str) -> bool:
        # Nearly all links name an anchor that the editor chose; only the others need the parser.
        if f"{{#{anchor}}}" in article.body:
            return True
        if article.source not in headings:
            headings[article.source] = frozenset(anchors(article.body))
        return anchor in headings[article.source]

    for source, hrefs in links:
        article = by_source.get(source)
        if article is None:
            continue
        for href in hrefs:
            if reason := _reason(article, href, by_source, has_anchor):
                yield from _problem(article, href, reason)


def _reason(
    article: Article,
    href: str,
    by_source: Mapping[str, Article],
    has_anchor: Callable[[Article, str], bool],
) -> str:
    target = link_target(article.source, href)
    if target is None:
        return ""
    linked = by_source.get(target.source)
    if linked is None:
        if not target.source.endswith(".md"):
            return "only articles (.md) and full addresses can be linked"
        return f"there is no article {target.source}"
    if _is_public(article) and not _is_public(linked):
        state = "internal" if linked.status is Status.PUBLISHED else linked.status.value
        return f"{target.source} is {state}, so customers have no page of it"
    if target.anchor and not has_anchor(linked, target.anchor):
        return f'{target.source} has no heading with the anchor "{target.anchor}"'
    return ""


def _is_public(article: Article) -> bool:
    return article.status is Status.PUBLISHED and article.visibility is Visibility.PUBLIC


def _problem(article: Article, href: str, reason: str) -> Iterator[Problem]:
    if href not in linked_addresses(article.body):
        return  # inside code
    position = article.body.find(href)
    yield Problem(
        source=article.source,
        line=article.line + article.body.count("\n", 0, max(position, 0)),
        message=f'the link "{href}" leads nowhere: {reason}',
        severity=Severity.WARNING,
        kind=ProblemKind.LINK,
        key=article.key,
    )
