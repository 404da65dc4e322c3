"""Which web site a call of the chat comes from, and whether that site may make it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from botsvc.edge import request_id
from botsvc.problems import Problem, ProblemType
from botsvc.widget_settings import SiteKeySettings

#: The header in which the widget names its site.
SITE_HEADER = "x-helppari-site"
_SITE_HEADER = SITE_HEADER.encode()
_STATE = "helppari_site"


class SiteCheck:
    """Lets a call that names a site pass when it comes from one of that site's addresses.

    The key is public: it names a site, and proves nothing. What a browser cannot forge is the Origin. A call
    without the header is nobody's site: a page of our own, or a program. Without any configured site every
    key passes, and ``[server] allowed_origins`` alone says which pages may call.
    """

    def __init__(self, app: ASGIApp, *, sites: Mapping[str, SiteKeySettings], own: tuple[str, ...]) -> None:
        self.app = app
        self.sites = sites
        self.own = frozenset(urlsplit(address).netloc.lower() for address in own) - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call."""
        if scope["type"] != "http" or not self.sites or not scope["path"].startswith("/v1/"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        key = headers.get(_SITE_HEADER)
        if key is None:
            await self.app(scope, receive, send)
            return
        try:
            site = self._site(key.decode("latin-1"), headers)
        except Problem as problem:
            await problem.response(request_id.get())(scope, receive, send)
            return
        scope.setdefault("state", {})[_STATE] = site
        await self.app(scope, receive, send)

    def _site(self, key: str, headers: Mapping[bytes, bytes]) -> SiteKeySettings:
        site = self.sites.get(key)
        if site is None:
            raise Problem(
                ProblemType.SITE_NOT_ALLOWED,
                "The site key is not one of this service: copy it from [widget.sites] in its settings.",
            )
        origin = headers.get(b"origin", b"").decode("latin-1").lower()
        # A browser leaves the Origin out of a GET to the page's own site.
        if origin and origin not in site.origins and not self._is_own(origin, headers):
            raise Problem(
                ProblemType.SITE_NOT_ALLOWED,
                "This page's address is not one of its site key's: add it to the site's origins.",
            )
        return site

    def _is_own(self, origin: str, headers: Mapping[bytes, bytes]) -> bool:
        netloc = urlsplit(origin).netloc
        return bool(netloc) and (
            netloc in self.own or netloc == headers.get(b"host", b"").decode("latin-1").lower()
        )


def site_of(request: Request) -> SiteKeySettings | None:
    """The site that a call comes from; None for a page of our own, a program, or where none is configured."""
    found: SiteKeySettings | None = getattr(request.state, _STATE, None)
    return found


def default_language(request: Request, languages: Sequence[str]) -> str:
    """The language of a call that names none: its site's, where it is known, else the first one."""
    site = site_of(request)
    wanted = site.language if site else None
    return wanted if wanted is not None and wanted in languages else languages[0]
