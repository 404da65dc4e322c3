"""Checks that need more than one article."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from indexer.articles import Article, ArticleKey
from indexer.fieldchecks import fold_phrase
from indexer.links import broken_links
from indexer.problems import Problem, ProblemKind, Severity


def check_together(
    articles: Mapping[ArticleKey, Article], links: Iterable[tuple[str, tuple[str, ...]]]
) -> Iterator[Problem]:
    """Links that lead nowhere, and questions that two articles of one language claim."""
    by_source = {article.source: article for article in articles.values()}
    yield from broken_links(links, by_source)
    yield from _shared_questions(articles.values())


def _shared_questions(articles: Iterable[Article]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Article] = {}
    for article in articles:
        for question in article.questions:
            other = first.setdefault((article.lang, fold_phrase(question)), article)
            if other is not article and other.key != article.key:
                where = f"{other.source} ({other.id})"
                yield Problem(
                    source=article.source,
                    line=article.line if article.source.endswith(".jsonl") else 0,
                    message=f'the question "{question}" is also in {where}: keep it in one',
                    severity=Severity.WARNING,
                    kind=ProblemKind.PHRASE,
                    key=article.key,
                )
