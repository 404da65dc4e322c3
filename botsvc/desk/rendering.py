"""The desk's templates and static files, and what every page of it needs."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response

from botsvc.desk.wording import LANGUAGES, Words
from botsvc.limits import Buckets
from botsvc.sealing import Sealer
from botsvc.staff import Session, SignInLimits, Staff
from botsvc.teams import Teams

if TYPE_CHECKING:
    from botsvc.service import Service
    from botsvc.storage import Storage

_PACKAGE = Path(str(resources.files("botsvc.desk")))
STATIC = _PACKAGE / "static"
LANGUAGE_COOKIE = "helppari-desk-language"
KEYS_COOKIE = "helppari-desk-keys"  #: ``off`` turns keyboard shortcuts off
LINKS_PER_MINUTE = 60
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_TYPES = {".css": "text/css", ".js": "text/javascript"}
#: Nothing of the desk is for search engines, or for the addresses that its links lead to.
PRIVATE = {"X-Robots-Tag": "noindex, nofollow", "Cache-Control": "no-store"}


@dataclass(kw_only=True)
class Desk:
    """The desk of a serving process."""

    service: Service
    _versions: dict[str, str] = field(default_factory=dict)
    _staff: tuple[Storage, Staff] | None = None
    _sealer: tuple[Storage, Sealer] | None = None

    @cached_property
    def _limits(self) -> SignInLimits:
        return SignInLimits(self.service.settings.desk.sign_ins_per_minute)

    @cached_property
    def link_limits(self) -> Buckets:
        """How often one network may open experts' links."""
        return Buckets(LINKS_PER_MINUTE)

    @property
    def storage(self) -> Storage:
        """The open store; a problem while it is closed."""
        _ = self.service.conversations
        assert self.service.storage is not None
        return self.service.storage

    @property
    def staff(self) -> Staff:
        """The desk's people; a problem while the store is closed."""
        storage = self.storage
        if self._staff is None or self._staff[0] is not storage:
            self._staff = (storage, Staff(storage, self.service.settings.desk, limits=self._limits))
        return self._staff[1]

    @property
    def sealer(self) -> Sealer:
        """What opens sensitive answers; a problem while the store is closed."""
        storage = self.storage
        if self._sealer is None or self._sealer[0] is not storage:
            self._sealer = (storage, Sealer.from_settings(self.service.settings.privacy, storage))
        return self._sealer[1]

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.now(UTC)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone in which times are shown."""
        zones = [team.time_zone for team in self.teams if team.time_zone != "UTC"]
        return ZoneInfo(zones[0] if zones else "Europe/Helsinki")

    @cached_property
    def teams(self) -> Teams:
        """The teams of the settings."""
        return Teams.from_settings(self.service.settings)

    def team_names(self, lang: str) -> dict[str, str]:
        """The teams' names by key."""
        return {team.key: team.name(lang) for team in self.teams}

    def language(self, request: Request, session: Session | None = None) -> str:
        """The language that the person chose; else the browser's, else their own first one."""
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        if chosen in LANGUAGES:
            return chosen
        own = list(session.agent.languages) if session is not None else []
        accepted = request.headers.get("accept-language", "")[:500].split(",")
        codes = [part.partition(";")[0].strip().partition("-")[0].lower() for part in accepted]
        site = self.service.languages()
        return next((code for code in [*codes, *own, *site] if code in LANGUAGES), LANGUAGES[-1])

    def words(self, request: Request, session: Session | None = None) -> Words:
        """Texts and times as this person reads them."""
        return Words(lang=self.language(request, session), zone=self.zone, now=self.now())

    @cached_property
    def _environment(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(_PACKAGE / "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["asset"] = self.asset
        return environment

    def asset(self, name: str) -> str:
        """The address of a static file, which changes with its content."""
        if name not in self._versions:
            self._versions[name] = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
        return f"/desk/static/{name}?v={self._versions[name]}"

    def render(
        self,
        request: Request,
        template: str,
        session: Session | None,
        values: Mapping[str, Any],
        words: Words | None = None,
    ) -> str:
        """A page, or a part of one, as HTML."""
        words = words or self.words(request, session)
        return self._environment.get_template(template).render(
            **values,
            t=words,
            lang=words.lang,
            site_name=self.service.settings.site.name,
            me=session.agent if session is not None else None,
            csrf=session.csrf if session is not None else "",
            keys=request.cookies.get(KEYS_COOKIE) != "off",
            path=request.url.path,
            languages=LANGUAGES,
        )

    def page(
        self,
        request: Request,
        template: str,
        session: Session | None,
        values: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        words: Words | None = None,
    ) -> Response:
        """A page or a fragment of the desk."""
        html = self.render(request, template, session, values, words)
        return HTMLResponse(html, status, headers={**PRIVATE, **(headers or {})})


async def static_file(request: Request) -> Response:
    """A file of the desk; the address carries its version."""
    name = request.path_params["name"]
    path = STATIC / name
    media_type = _TYPES.get(path.suffix) or mimetypes.guess_type(name)[0]
    if path.suffix not in _TYPES or path.parent != STATIC or not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type=media_type, headers=_FOREVER if "v" in request.query_params else {})
