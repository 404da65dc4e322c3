"""The web application: routes, pages and what surrounds them."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from botsvc import errors
from botsvc.clock import utc_now
from botsvc.desk.routes import desk_routes
from botsvc.edge import BodyLimit, Edge, request_id
from botsvc.pages.demo import demo_routes
from botsvc.pages.rendering import Pages
from botsvc.pages.routes import page_routes, trouble_page
from botsvc.problems import FieldError, Problem, ProblemDocument, ProblemType
from botsvc.routes.acts import acts_router
from botsvc.routes.articles import articles_router
from botsvc.routes.ask import ask_router
from botsvc.routes.conversations import conversations_router, feedback_router
from botsvc.routes.events import events_router
from botsvc.routes.health import health_router
from botsvc.routes.welcome import welcome_router
from botsvc.routes.widget import widget_routes
from botsvc.service import Service
from botsvc.swap import Swapper
from botsvc.widget_sites import SITE_HEADER, SiteCheck

if TYPE_CHECKING:
    from botsvc.answering import Answering
    from botsvc.settings import Settings

log = logging.getLogger(__name__)

#: How long a body may take to arrive.
BODY_SECONDS = 20.0


class Application(FastAPI):
    """FastAPI, with the problem document's schema where ``declared`` points."""

    def openapi(self) -> dict[str, Any]:
        """The description of the API."""
        schema = super().openapi()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        if ProblemDocument.__name__ not in schemas:
            template = "#/components/schemas/{model}"
            document = ProblemDocument.model_json_schema(ref_template=template, mode="serialization")
            schemas.update(document.pop("$defs", {}))
            schemas[ProblemDocument.__name__] = document
        return schema


def create_app(
    settings: Settings,
    *,
    swapper: Swapper | None = None,
    bot: Answering | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The application as the operator has set it up; nothing is opened before it starts."""
    swapper = swapper or Swapper(settings.index.dir, settings.server.index_poll_seconds)
    service = Service.of(settings, swapper, bot, clock=clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(_open, service)
        try:
            with service.tier.working(), _live(service):
                yield
        finally:
            await to_thread.run_sync(_close, service)

    app = Application(
        title="Helppari",
        version=version("helppari"),
        summary="Answers from a company's own help articles, with a calibrated confidence, or a person.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={
            Problem: _on_problem,
            RequestValidationError: _on_invalid,
            HTTPException: _on_http,
            errors.BotError: _on_bot_error,
        },
    )
    app.state.service = service
    app.state.pages = pages = Pages(service=service)
    app.include_router(ask_router(service))
    app.include_router(welcome_router(service))
    app.include_router(articles_router(service))
    app.include_router(conversations_router(service))
    app.include_router(acts_router(service))
    app.include_router(events_router(service))
    app.include_router(feedback_router(service))
    app.include_router(health_router(service))
    app.router.routes.extend(page_routes(pages))
    app.router.routes.extend((*widget_routes(), *demo_routes(pages)))
    app.router.routes.extend(desk_routes(service))
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, limit=settings.server.body_limit_bytes, seconds=BODY_SECONDS)
    app.add_middleware(
        SiteCheck,
        sites=settings.widget.sites,
        own=(settings.server.public_url, settings.site.base_url),
    )
    if origins := (*settings.server.allowed_origins, *settings.widget.origins):
        app.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "last-event-id", SITE_HEADER],
            expose_headers=["retry-after", "x-request-id"],
            max_age=600,
        )
    app.add_middleware(Edge)
    return app


def _open(service: Service) -> None:
    # SQLAlchemy and Alembic are loaded here, beside nothing else that the start waits for.
    from botsvc.conversations import Conversations
    from botsvc.episode import Message
    from botsvc.human_tier import HumanTier
    from botsvc.reopening import is_thanks
    from botsvc.status_links import StatusLinks
    from botsvc.storage import open_storage

    settings = service.settings
    service.storage = open_storage(
        settings.storage.url.get_secret_value(), pool_size=settings.storage.pool_size
    )
    service.tier_or_none = HumanTier.of(
        settings,
        service.storage,
        service.texts,
        is_thanks=lambda text, lang: is_thanks(
            service.bot.understood(Message(text=text, lang=lang), None, lang)
        ),
        clock=service.clock,
    )
    service.conversations_or_none = Conversations.from_settings(
        service.storage, settings, sinks=service.tier.sinks, clock=service.clock
    )
    service.links_or_none = StatusLinks(storage=service.storage, public_url=settings.server.public_url)
    service.swapper.start()
    if service.swapper.index is not None:
        service.welcoming.check(service.swapper.index)


@contextmanager
def _live(service: Service) -> Iterator[None]:
    from botsvc.live.attendance import attending
    from botsvc.live.relay import relaying

    assert service.storage is not None, "opened before"
    with (
        relaying(service.storage, service.hub),
        attending(service.attendance, service.storage, service.clock),
    ):
        yield
    service.hub.close()


def _close(service: Service) -> None:
    service.swapper.stop()
    if service.storage is not None:
        service.storage.close()
        service.storage = service.conversations_or_none = service.tier_or_none = None


async def _on_problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return problem.response(request_id.get())


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    path = request.url.path[:200]
    if error.status_code == 405:
        kind, detail = ProblemType.METHOD_NOT_ALLOWED, f"{path} takes other methods than {request.method}."
    elif error.status_code == 404:
        kind, detail = ProblemType.NOT_FOUND, f"There is nothing at {path}: see /openapi.json."
    elif error.status_code == 400:
        kind, detail = ProblemType.MALFORMED_JSON, "The body cannot be read as JSON: send UTF-8 JSON."
    else:
        log.error("unexpected HTTP error %s at %s", error.status_code, path)
        kind, detail = ProblemType.INTERNAL, "The call could not be served: try again."
    problem = Problem(kind, detail, headers=headers)
    if kind is ProblemType.NOT_FOUND and _is_for_people(request):
        return trouble_page(request.app.state.pages, request, problem)
    return problem.response(request_id.get())


def _is_for_people(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found: Sequence[Any] = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        problem = Problem(ProblemType.MALFORMED_JSON, "The body is not valid JSON: send a JSON object.")
    elif _other_media_type(request) and any(tuple(each["loc"]) == ("body",) for each in found):
        detail = "The body is not declared as JSON: send Content-Type: application/json."
        problem = Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail)
    else:
        fields = [FieldError(field=_field(each["loc"]), message=_sentence(each)) for each in found[:20]]
        detail = f"The field {fields[0].field} {fields[0].message}."
        problem = Problem(ProblemType.INVALID_REQUEST, detail, errors=fields)
    return problem.response(request_id.get())


def _other_media_type(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type != "application/json" and not media_type.endswith("+json")


def _field(location: Sequence[Any]) -> str:
    where, *names = [str(part) for part in location]
    path = ".".join(name[:60] for name in names)
    if where == "body":
        return path or "body"
    return f"{where}.{path}" if path else where


def _sentence(error: dict[str, Any]) -> str:
    """What was wanted; never what was sent, which may be anything."""
    wanted = {
        "missing": "is missing",
        "extra_forbidden": "is not known: leave it out",
        "string_unicode": "is not valid Unicode",
        "model_attributes_type": "should be an object",
        "dict_type": "should be an object",
    }
    if error["type"] in wanted:
        return wanted[error["type"]]
    message = str(error["msg"])
    for opening in ("Input should ", "String should ", "Value should "):
        if message.startswith(opening):
            return f"should {message.removeprefix(opening)}"
    return f"cannot be used ({message})"


#: Errors of the store and of conversations, as problems; the first match counts.
_KINDS: tuple[tuple[type[errors.BotError], ProblemType], ...] = (
    (errors.MissingToken, ProblemType.MISSING_TOKEN),
    (errors.WrongToken, ProblemType.WRONG_TOKEN),
    (errors.UnknownConversation, ProblemType.UNKNOWN_CONVERSATION),
    (errors.MessageIdReused, ProblemType.MESSAGE_ID_REUSED),
    (errors.ConversationFull, ProblemType.CONVERSATION_FULL),
    (errors.InvalidMessage, ProblemType.INVALID_REQUEST),
    (errors.TakenByAnother, ProblemType.TAKEN_BY_ANOTHER),
    (errors.NotAllowed, ProblemType.NOT_ALLOWED),
    (errors.UnknownCase, ProblemType.NOT_FOUND),
    (errors.PeopleError, ProblemType.NOT_OPEN),
    (errors.StorageError, ProblemType.STORAGE_UNAVAILABLE),
)


async def _on_bot_error(_: Request, error: Exception) -> Response:
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), ProblemType.INTERNAL)
    detail, headers = f"{str(error)[:1].upper()}{str(error)[1:]}.", {}
    fields: list[FieldError] = []
    if isinstance(error, errors.InvalidMessage):
        fields = [FieldError(field=error.field, message=str(error))]
    if kind is ProblemType.MISSING_TOKEN:
        headers = {"WWW-Authenticate": 'Bearer realm="conversation"'}
    if kind in (ProblemType.STORAGE_UNAVAILABLE, ProblemType.INTERNAL):
        # Where the database is, and what it said, is the operator's business.
        log.error("request %s: %s", request_id.get(), error, exc_info=error)
        detail, headers = "Nothing was stored: try again in a moment.", {"Retry-After": "5"}
    return Problem(kind, detail, errors=fields, headers=headers).response(request_id.get())
