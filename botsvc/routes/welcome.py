"""``/v1/welcome``: what a customer who opens the chat sees before asking; nothing is stored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from botsvc.answering import page_of
from botsvc.problems import ProblemType, declared
from botsvc.routes.ask import as_json
from botsvc.schemas import WelcomeReply
from botsvc.service import Service
from botsvc.welcoming import Question
from botsvc.widget_sites import site_of

_PROBLEMS = declared(
    ProblemType.INVALID_REQUEST,
    ProblemType.UNKNOWN_LANGUAGE,
    ProblemType.RATE_LIMITED,
)


def welcome_router(service: Service) -> APIRouter:
    """The call that is made when the chat is opened."""
    router = APIRouter(prefix="/v1", tags=["asking"])

    @router.get("/welcome", response_model=WelcomeReply, responses=_PROBLEMS, operation_id="welcome")
    async def welcome(
        request: Request,
        lang: Annotated[str, Query(description="Language of the page.", max_length=8)],
        page: Annotated[str, Query(description="Path of the page: /cards/lost.", max_length=1_000)] = "",
        title: Annotated[str, Query(description="Title of the page.", max_length=1_000)] = "",
    ) -> Response:
        """What to show a customer who opens the chat; stores nothing."""
        service.asks.take(service.network(request), "This network opens the chat a lot")
        service.check_language(lang, "query.lang")
        index = service.swapper.index
        named = service.settings.widget.suggestions_for(site_of(request))

        def made() -> dict[str, Any]:
            # Without an index there is nothing to suggest, and the more need of the contact details.
            found = (
                service.welcoming.questions(index, named, lang=lang, path=page, title=title) if index else []
            )
            notice = service.settings.notice_for(lang)
            return {
                "language": lang,
                "notice": {"text": notice.text, "url": notice.url} if notice.text else None,
                "contact": [
                    {"kind": detail.kind, "label": detail.label, "value": detail.value}
                    for detail in service.speaker.contact(lang)
                ],
                "questions": [_question(one) for one in found],
            }

        return as_json(await service.asking.run(made))

    return router


def _question(found: Question) -> dict[str, Any]:
    article = found.article
    return {
        "text": found.text,
        "article_id": article.id,
        "lang": article.lang,
        "title": article.title,
        "url": page_of(article),
    }
