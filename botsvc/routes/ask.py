"""``/v1/ask`` and ``/v1/search``: one question, one reply, nothing stored."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from botsvc.incoming import clean_text
from botsvc.problems import FieldError, Problem, ProblemType, declared
from botsvc.schemas import AskReply, AskRequest, SearchReply
from botsvc.service import Service
from indexer import Hit

_ASK_PROBLEMS = declared(
    ProblemType.MALFORMED_JSON,
    ProblemType.INVALID_REQUEST,
    ProblemType.UNKNOWN_LANGUAGE,
    ProblemType.UNSUPPORTED_MEDIA_TYPE,
    ProblemType.TOO_LARGE,
    ProblemType.TOO_SLOW,
    ProblemType.RATE_LIMITED,
    ProblemType.INDEX_NOT_READY,
)
_SEARCH_PROBLEMS = declared(
    ProblemType.INVALID_REQUEST,
    ProblemType.UNKNOWN_LANGUAGE,
    ProblemType.RATE_LIMITED,
    ProblemType.INDEX_NOT_READY,
)


def ask_router(service: Service) -> APIRouter:
    """The stateless calls."""
    router = APIRouter(prefix="/v1", tags=["asking"])

    @router.post("/ask", response_model=AskReply, responses=_ASK_PROBLEMS, operation_id="ask")
    async def ask(request: Request, body: AskRequest) -> Response:
        """Answer one question; stores nothing."""
        service.asks.take(service.network(request), "This network asks a lot")
        text = question_text(service, body.text, "text")
        index = service.index()
        service.check_language(body.lang, "lang")
        return as_json(
            await service.asking.run(
                lambda: service.bot.ask(index, text, lang=body.lang, audience=body.audience).body()
            )
        )

    @router.get("/search", response_model=SearchReply, responses=_SEARCH_PROBLEMS, operation_id="search")
    async def search(
        request: Request,
        q: Annotated[str, Query(description="What has been typed so far.", max_length=500)] = "",
        lang: Annotated[str | None, Query(description="Search this language only.", max_length=8)] = None,
        k: Annotated[int, Query(ge=1, le=20, description="At most so many articles.")] = 5,
    ) -> Response:
        """Find articles while the customer types."""
        service.asks.take(service.network(request), "This network searches a lot")
        index = service.index()
        service.check_language(lang, "query.lang")
        query = clean_text(q)

        def found() -> dict[str, Any]:
            hits: tuple[Hit, ...] = ()
            language = lang or service.languages()[0]
            access = service.bot.access()
            if lang is not None:
                hits = index.suggest(query, lang=lang, k=k, access=access)
            elif query:
                result = index.search(query, k=k, languages=service.bot.languages(index), access=access)
                hits, language = result.hits, result.language.lang
            return {
                "query": query,
                "language": language,
                "hits": [hit_body(hit) for hit in hits],
                "index_id": index.index_id,
            }

        return as_json(await service.asking.run(found))

    return router


def question_text(service: Service, text: str, field: str) -> str:
    """The cleaned text; a problem that names ``field`` when it is empty or too long."""
    cleaned = clean_text(text)
    limit = service.settings.limits.message_chars
    message = ""
    if not cleaned:
        message = "is empty: write a question"
    elif len(cleaned) > limit:
        message = f"has {len(cleaned)} characters, at most {limit} are taken: ask shorter"
    if message:
        raise Problem(
            ProblemType.INVALID_REQUEST,
            f"The field {field} {message}.",
            errors=[FieldError(field=field, message=message)],
        )
    return cleaned


def hit_body(hit: Hit) -> dict[str, Any]:
    """A hit as sent."""
    return {
        "article_id": hit.article_id,
        "lang": hit.lang,
        "section_id": hit.section_id,
        "title": hit.title,
        "url": hit.url,
        "score": hit.score,
    }


def as_json(document: dict[str, Any]) -> Response:
    """A body that is known to fit its model: checked by tests, not again for every call."""
    return Response(json.dumps(document, ensure_ascii=False).encode(), media_type="application/json")
