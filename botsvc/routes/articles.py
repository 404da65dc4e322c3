"""``/v1/articles/{lang}/{id}``: one article, in sections."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from botsvc.answering import page_of, resolver
from botsvc.problems import Problem, ProblemType, declared
from botsvc.routes.ask import as_json
from botsvc.schemas import ArticleBody
from botsvc.service import Service
from indexer import Access, Article, ArticleKey, Index, render


def articles_router(service: Service) -> APIRouter:
    """The articles' calls."""
    router = APIRouter(prefix="/v1", tags=["articles"])

    @router.get(
        "/articles/{lang}/{article_id}",
        response_model=ArticleBody,
        responses=declared(
            ProblemType.INVALID_REQUEST,
            ProblemType.UNKNOWN_LANGUAGE,
            ProblemType.UNKNOWN_ARTICLE,
            ProblemType.RATE_LIMITED,
            ProblemType.INDEX_NOT_READY,
        ),
        operation_id="article",
    )
    async def article(
        request: Request,
        lang: Annotated[str, Path(max_length=8)],
        article_id: Annotated[str, Path(max_length=200)],
    ) -> Response:
        """Read one article."""
        service.asks.take(service.network(request), "This network reads a lot")
        index = service.index()
        service.check_language(lang, "path.lang")
        key = ArticleKey(lang, article_id)

        def read() -> dict[str, Any]:
            access = service.bot.access()
            found = index.article(key) if index.visible(key, access) else None
            if found is None:
                raise Problem(
                    ProblemType.UNKNOWN_ARTICLE, f"There is no article {article_id} in the language {lang}."
                )
            return _body(index, found, access)

        return as_json(await service.work.run(read))

    return router


def translations(index: Index, article: Article, access: Access) -> tuple[Article, ...]:
    """The same article in the other languages, as far as this customer may see it."""
    keys = (ArticleKey(lang, article.id) for lang in index.languages if lang != article.lang)
    found = (index.article(key) for key in keys if index.visible(key, access))
    return tuple(other for other in found if other is not None)


def _body(index: Index, article: Article, access: Access) -> dict[str, Any]:
    page, resolve = page_of(article), resolver(index, article)
    return {
        "article_id": article.id,
        "lang": article.lang,
        "title": article.title,
        "summary": article.summary,
        "topics": list(article.topics),
        "audience": list(article.audience),
        "updated": article.updated.isoformat() if article.updated else None,
        "url": page,
        "sections": [
            {
                "section_id": section.anchor,
                "heading_path": list(section.heading_path),
                "text": section.text,
                "html": "".join(
                    render(block.markdown, link_base=page, resolve=resolve) for block in section.blocks
                ),
                "url": f"{page}#{section.anchor}",
            }
            for section in index.sections(article.key)
        ],
        "translations": [
            {"lang": other.lang, "title": other.title, "url": page_of(other)}
            for other in translations(index, article, access)
        ],
        "index_id": index.index_id,
    }
