"""``/widget.js``, the chat as one file, and ``/widget-texts/``, its words by language, for every site.

The script's short address never changes and is kept for minutes; it leads to an address that names the
content and may be kept for good. Texts may be kept for good when the version asked for is the one there is.
None sets a cookie, and any site may load them: what the chat may do there is decided when it calls.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

#: In a checkout as in an installed wheel, the widget's folder stands beside ours.
_WIDGET = Path(str(resources.files("botsvc"))).parent / "widget"
BUNDLE = _WIDGET / "dist" / "helppari-chat.js"
#: The chat's own words, one JSON object a language.
TEXTS = _WIDGET / "texts"
#: How long a browser uses an address that does not name the content without asking again, in seconds.
SHORT_SECONDS = 300
_HASH_LENGTH = 16
_LANGUAGE = re.compile(r"[a-z]{2,3}")
#: Versions of files that are kept in memory; there are the script and a handful of languages.
_KEPT = 32

_ANYWHERE = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Timing-Allow-Origin": "*",
}
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_SHORT = {"Cache-Control": f"public, max-age={SHORT_SECONDS}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the chat, ready to be sent."""

    plain: bytes
    zipped: bytes
    version: str  #: changes with the content


def read_asset(file: Path) -> Asset | None:
    """The file, read again only when it has changed; nothing when it is not there."""
    try:
        known = file.stat()
    except OSError:
        return None
    return _read(file, known.st_mtime_ns, known.st_size)


@lru_cache(_KEPT)
def _read(file: Path, _changed: int, _size: int) -> Asset:
    plain = file.read_bytes()
    return Asset(
        plain=plain,
        zipped=gzip.compress(plain, mtime=0),
        version=hashlib.sha256(plain).hexdigest()[:_HASH_LENGTH],
    )


def script_path(script: Asset) -> str:
    """The address that names the script's content."""
    return f"/widget-{script.version}.js"


def widget_routes(file: Path = BUNDLE, texts: Path = TEXTS) -> list[Route]:
    """The two addresses of the script, and that of each language's texts."""

    async def latest(_: Request) -> Response:
        # Relative, so that a proxy may put the service under a path of its own.
        path = script_path(_there(read_asset(file))).removeprefix("/")
        return RedirectResponse(path, 302, headers={**_ANYWHERE, **_SHORT})

    async def versioned(request: Request) -> Response:
        # A redirect could run in circles between an old process and a new one.
        script = _there(read_asset(file))
        return _sent(request, script, request.path_params["version"], "text/javascript; charset=utf-8")

    async def words(request: Request) -> Response:
        lang = request.path_params["lang"]
        found = read_asset(texts / f"{lang}.json") if _LANGUAGE.fullmatch(lang) else None
        return _sent(request, _there(found), request.query_params.get("v", ""), "application/json")

    return [
        Route("/widget.js", latest, methods=["GET"]),
        Route("/widget-{version:str}.js", versioned, methods=["GET"]),
        Route("/widget-texts/{lang:str}.json", words, methods=["GET"]),
    ]


def _sent(request: Request, asset: Asset, version: str, media_type: str) -> Response:
    """``asset`` to whoever asked for ``version`` of it: with another one, ours, and not for good.

    During an update a page may name another version than this process has.
    """
    zipped = "gzip" in request.headers.get("accept-encoding", "").lower()
    # The chat names half of the texts' version: every byte of it counts.
    known = len(version) >= _HASH_LENGTH // 2 and asset.version.startswith(version)
    kept = _FOREVER if known else _SHORT
    headers = {**_ANYWHERE, **kept, "Vary": "Accept-Encoding"}
    headers["ETag"] = f'"{asset.version}{"-gz" if zipped else ""}"'
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    body = asset.zipped if zipped else asset.plain
    return Response(body, headers=headers, media_type=media_type)


def _there(asset: Asset | None) -> Asset:
    if asset is None:
        raise HTTPException(404)
    return asset


def _is_known(request: Request, tag: str) -> bool:
    asked = request.headers.get("if-none-match", "")
    return tag in {part.strip().removeprefix("W/") for part in asked.split(",")}
