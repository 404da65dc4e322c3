"""The articles of one language by topic, as the help center lists them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from botsvc.answering import page_of
from indexer import Access, Article, Index

OTHER = "other"  #: articles that name no topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An article in a list."""

    title: str
    summary: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic with its articles."""

    id: str
    name: str
    articles: tuple[Listed, ...]


def topics(index: Index, lang: str, access: Access, texts: Mapping[str, str]) -> tuple[Topic, ...]:
    """The topics of a language with the articles that this customer may see, both in alphabetical order."""
    by_topic: dict[str, list[Article]] = {}
    for article in visible_articles(index, lang, access):
        by_topic.setdefault(article.topics[0] if article.topics else OTHER, []).append(article)
    found = [
        Topic(
            id=topic,
            name=topic_name(topic, texts),
            articles=tuple(listed(article) for article in sorted(articles, key=_by_title)),
        )
        for topic, articles in by_topic.items()
    ]
    return tuple(sorted(found, key=lambda topic: (topic.id == OTHER, topic.name.casefold())))


def visible_articles(index: Index, lang: str, access: Access) -> Iterable[Article]:
    """The articles of a language that this customer may see now."""
    keys = index.keys()
    for key in keys:
        if key.lang == lang and index.visible(key, access) and (article := index.article(key)) is not None:
            yield article


def listed(article: Article) -> Listed:
    """The article as a line in a list; one without a title is called by its id."""
    return Listed(title=article.title or article.id, summary=article.summary, url=page_of(article))


def topic_name(topic: str, texts: Mapping[str, str]) -> str:
    """The topic's name in the texts, else its id made readable."""
    readable = topic.replace("-", " ").replace("_", " ").strip()
    return texts.get(f"topic_{topic}") or readable[:1].upper() + readable[1:]


def _by_title(article: Article) -> str:
    return article.title.casefold()
