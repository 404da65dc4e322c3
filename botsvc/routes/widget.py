"""``/widget.js``: the chat as one file, for every site that embeds it.

The short address never changes and is kept for minutes; it leads to an address that names the content and may
be kept for good. Neither sets a cookie, and any site may load them: what the chat may do there is decided
when it calls.
"""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

#: In a checkout as in an installed wheel, the widget's folder stands beside ours.
BUNDLE = Path(str(resources.files("botsvc"))).parent / "widget" / "dist" / "helppari-chat.js"
#: How long a browser uses the short address without asking again, in seconds.
SHORT_SECONDS = 300
_HASH_LENGTH = 16

_ANYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_SHORT = {"Cache-Control": f"public, max-age={SHORT_SECONDS}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The chat's script, ready to be sent."""

    plain: bytes
    zipped: bytes
    version: str  #: changes with the content

    @property
    def path(self) -> str:
        """The address that names the content."""
        return f"/widget-{self.version}.js"


def read_bundle(file: Path = BUNDLE) -> Bundle | None:
    """The script, read again only when the file has changed; nothing when it is not there."""
    try:
        known = file.stat()
    except OSError:
        return None
    return _read(file, known.st_mtime_ns, known.st_size)


@cache
def _read(file: Path, _changed: int, _size: int) -> Bundle:
    plain = file.read_bytes()
    return Bundle(
        plain=plain,
        zipped=gzip.compress(plain, mtime=0),
        version=hashlib.sha256(plain).hexdigest()[:_HASH_LENGTH],
    )


def widget_routes(file: Path = BUNDLE) -> list[Route]:
    """The two addresses of the script."""

    async def latest(_: Request) -> Response:
        # Relative, so that a proxy may put the service under a path of its own.
        path = _there(read_bundle(file)).path.removeprefix("/")
        return RedirectResponse(path, 302, headers={**_ANYWHERE, **_SHORT})

    async def versioned(request: Request) -> Response:
        bundle = _there(read_bundle(file))
        zipped = "gzip" in request.headers.get("accept-encoding", "").lower()
        # During an update a page may name another version than this process has: it gets ours, and not for
        # good. A redirect could run in circles between an old process and a new one.
        current = request.path_params["version"] == bundle.version
        headers = {**_ANYWHERE, **(_FOREVER if current else _SHORT), "Vary": "Accept-Encoding"}
        headers["ETag"] = f'"{bundle.version}{"-gz" if zipped else ""}"'
        if _is_known(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        if zipped:
            headers["Content-Encoding"] = "gzip"
        body = bundle.zipped if zipped else bundle.plain
        return Response(body, headers=headers, media_type="text/javascript; charset=utf-8")

    return [
        Route("/widget.js", latest, methods=["GET"]),
        Route("/widget-{version:str}.js", versioned, methods=["GET"]),
    ]


def _there(bundle: Bundle | None) -> Bundle:
    if bundle is None:
        raise HTTPException(404)
    return bundle


def _is_known(request: Request, tag: str) -> bool:
    asked = request.headers.get("if-none-match", "")
    return tag in {part.strip().removeprefix("W/") for part in asked.split(",")}
