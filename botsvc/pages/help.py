"""The help center: articles by topic, search results, and the articles themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from botsvc.answering import page_of, resolver
from botsvc.incoming import clean_text
from botsvc.pages.rendering import Pages, safe
from botsvc.pages.topics import Listed, listed, topic_name, topics
from botsvc.problems import Problem, ProblemType
from botsvc.routes.articles import translations
from indexer import Access, Article, ArticleKey, Hit, Index, render

LONGEST_QUERY = 500
RESULTS = 10
RELATED = 4
_TOP_HEADING = re.compile(r"^ {0,3}#[ \t]|^=+[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line of a table of contents."""

    text: str
    anchor: str


def index_page(pages: Pages, request: Request) -> Response:
    """The articles of a language by topic; with ``?q=`` those that fit it."""
    lang = _language(pages, request)
    texts = pages.service.texts.all(lang)
    index = pages.service.index()
    access = pages.service.bot.access()
    query = clean_text(request.query_params.get("q", "")[:LONGEST_QUERY])
    results: list[Listed] = []
    if query:
        pages.service.asks.take(pages.service.network(request), "This network searches a lot")
        results = _results(index, index.suggest(query, lang=lang, k=RESULTS, access=access))
    return pages.page(
        request,
        "help_index.html",
        lang=lang,
        title=texts["search_results"] if query else texts["help_center"],
        values={
            "query": query,
            "results": results,
            "topics": () if query else topics(index, lang, access, texts),
        },
        alternates={code: f"/help/{code}/" for code in pages.service.languages()},
    )


def article_page(pages: Pages, request: Request) -> Response:
    """One article with its contents, its translations and its neighbours."""
    lang = _language(pages, request)
    service = pages.service
    texts = service.texts.all(lang)
    index = service.index()
    access = service.bot.access()
    article = index.by_slug(lang, request.path_params["slug"])
    if article is None or not index.visible(article.key, access):
        raise Problem(ProblemType.UNKNOWN_ARTICLE, "There is no article at this address.")
    others = translations(index, article, access)
    urls = {each.lang: page_of(each) for each in (article, *others)}
    topic = article.topics[0] if article.topics else ""
    body = render(
        article.body,
        heading_offset=1 if _TOP_HEADING.search(article.body) else 0,
        resolve=resolver(index, article),
    )
    return pages.page(
        request,
        "article.html",
        lang=lang,
        title=article.title or article.id,
        description=article.summary,
        values={
            "article": article,
            "body": safe(body),
            "topic": topic_name(topic, texts) if topic else "",
            "topic_url": f"/help/{lang}/#{topic}",
            "groups": [texts.get(f"audience_{group}", group) for group in article.audience],
            "updated": service.texts.date(lang, article.updated) if article.updated else "",
            "contents": _contents(index, article),
            "related": _related(pages, index, article, access),
        },
        alternates={code: urls[code] for code in service.languages() if code in urls},
    )


def _language(pages: Pages, request: Request) -> str:
    lang = str(request.path_params["lang"])
    if lang not in pages.service.languages():
        raise Problem(ProblemType.NOT_FOUND, "There is no help center in this language.")
    return lang


def _results(index: Index, hits: tuple[Hit, ...]) -> list[Listed]:
    found = ((hit, index.article(hit.key)) for hit in hits)
    return [
        Listed(title=hit.title or hit.article_id, summary=article.summary, url=hit.url)
        for hit, article in found
        if article is not None
    ]


def _contents(index: Index, article: Article) -> list[Heading]:
    """The article's headings of the first level, where there are enough to need a list."""
    headings = [
        Heading(text=section.heading_path[0], anchor=section.anchor)
        for section in index.sections(article.key)
        if len(section.heading_path) == 1
    ]
    return headings if len(headings) > 1 else []


def _related(pages: Pages, index: Index, article: Article, access: Access) -> list[Listed]:
    """The articles nearest to this one's title, in its language."""

    def nearest() -> tuple[ArticleKey, ...]:
        hits = index.suggest(article.title, lang=article.lang, k=RELATED + 1, access=access)
        return tuple(hit.key for hit in hits if hit.key != article.key)[:RELATED]

    keys = pages.related.get(index, article.key, nearest)
    found = (index.article(key) for key in keys if index.visible(key, access))
    return [listed(other) for other in found if other is not None]
