"""``/demo``: the chat on pages that look like a company's own site, embedded with the one line."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from botsvc.edge import CONTENT_SECURITY_POLICY
from botsvc.pages.rendering import Alternate, Pages

#: As strict as a host can be: the chat must work on such pages.
_POLICY = f"{CONTENT_SECURITY_POLICY}; require-trusted-types-for 'script'; trusted-types helppari-chat"
_NAMES = {"fi": "Suomi", "sv": "Svenska", "en": "English"}
_AMOUNTS = {"fi": ("86,40 €", "53,60 €"), "sv": ("86,40 €", "53,60 €"), "en": ("€86.40", "€53.60")}
_SITE_KEY = "etupolku"


def demo_routes(pages: Pages) -> list[Route]:
    """``/demo`` in the first language of the demo that the site has, and one address for each other."""
    if not pages.service.settings.widget.demo:
        return []

    async def show(request: Request) -> Response:
        lang = request.path_params.get("lang") or _first(pages)
        if lang not in _texts():
            raise HTTPException(404)
        return demo_page(pages, lang)

    return [Route("/demo", show, methods=["GET"]), Route("/demo/{lang:str}", show, methods=["GET"])]


def demo_page(pages: Pages, lang: str) -> HTMLResponse:
    """The page in ``lang``, one of the demo's languages."""
    settings = pages.service.settings
    first = _first(pages)
    addresses = {code: "/demo" if code == first else f"/demo/{code}" for code in _texts()}
    html = pages.fragment(
        "demo.html",
        lang=lang,
        t=_texts()[lang],
        site_name=settings.site.name,
        here=addresses[lang],
        alternates=[
            Alternate(lang=code, name=_NAMES[code], url=url, current=code == lang)
            for code, url in addresses.items()
        ],
        amounts=_AMOUNTS[lang],
        site_key=next(iter(settings.widget.sites), _SITE_KEY),
    )
    headers = {
        "Content-Language": lang,
        "Content-Security-Policy": _POLICY,
        "Cache-Control": "no-cache",
    }
    return HTMLResponse(html, headers=headers)


def _first(pages: Pages) -> str:
    known = pages.service.settings.site.languages
    return next((code for code in known if code in _texts()), next(iter(_texts())))


@cache
def _texts() -> dict[str, Any]:
    source = resources.files("botsvc").joinpath("templates", "demo.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(source)
    return found
