"""The addresses of the pages, and of their static files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from botsvc.pages.asking import ask_page, asked_page
from botsvc.pages.help import article_page, index_page
from botsvc.pages.rendering import STATIC, Pages
from botsvc.pages.status import status_act, status_page
from botsvc.problems import Problem

Handler = Callable[[Pages, Request], Response]

_TYPES = {".css": "text/css", ".js": "text/javascript"}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


def page_routes(pages: Pages) -> list[Route]:
    """The pages over a service."""
    service = pages.service

    async def shown(request: Request, call: Callable[[], Response]) -> Response:
        try:
            return await service.work.run(call)
        except Problem as problem:
            return trouble_page(pages, request, problem)

    def page(path: str, handler: Handler) -> Route:
        async def serve(request: Request) -> Response:
            return await shown(request, partial(handler, pages, request))

        return Route(path, serve, methods=["GET"])

    async def asked(request: Request) -> Response:
        return await shown(request, partial(asked_page, pages, request, await request.body()))

    async def followed_up(request: Request) -> Response:
        return await shown(request, partial(status_act, pages, request, await request.body()))

    return [
        page("/", ask_page),
        Route("/", asked, methods=["POST"]),
        page("/status/{token}", status_page),
        Route("/status/{token}", followed_up, methods=["POST"]),
        Route("/help", _to_help(pages), methods=["GET"]),
        Route("/help/", _to_help(pages), methods=["GET"]),
        Route("/help/{lang}", _to_language, methods=["GET"]),
        page("/help/{lang}/", index_page),
        page("/help/{lang}/{slug}", article_page),
        Route("/static/{name}", static_file, methods=["GET"]),
    ]


def trouble_page(pages: Pages, request: Request, problem: Problem) -> Response:
    """A page for a person who met a problem: what to do, and how to reach customer service."""
    lang = request.path_params.get("lang", "")
    if lang not in pages.service.languages():
        lang = pages.language(request)
    texts = pages.service.texts.all(lang)
    missing = problem.kind.status == 404
    response = pages.page(
        request,
        "trouble.html",
        lang=lang,
        title=texts["not_found_title"] if missing else texts["help_center"],
        values={"text": texts["not_found"] if missing else texts["error_search"], "missing": missing},
        alternates={code: f"/?lang={code}" for code in pages.service.languages()},
        status=problem.kind.status,
        cache=False,
    )
    response.headers.update(problem.headers)
    return response


async def static_file(request: Request) -> Response:
    """A file of ours; the address carries its version."""
    name = request.path_params["name"]
    path = STATIC / name
    media_type = _TYPES.get(path.suffix)
    if media_type is None or path.parent != STATIC or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type=media_type, headers=_FOREVER if "v" in request.query_params else {})


def _to_help(pages: Pages) -> Callable[[Request], Awaitable[Response]]:
    async def redirect(request: Request) -> Response:
        return RedirectResponse(f"/help/{pages.language(request)}/", 307)

    return redirect


async def _to_language(request: Request) -> Response:
    return RedirectResponse(f"/help/{request.path_params['lang']}/", 308)
