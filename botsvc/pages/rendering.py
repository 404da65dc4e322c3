"""Templates, static files and what every page needs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from botsvc.edge import CONTENT_SECURITY_POLICY
from botsvc.per_index import PerIndex
from botsvc.service import Service
from indexer import ArticleKey

_PACKAGE = Path(str(resources.files("botsvc")))
STATIC = _PACKAGE / "static"
#: No script may make HTML of text, but for the chat's own templates.
_POLICY = f"{CONTENT_SECURITY_POLICY}; require-trusted-types-for 'script'; trusted-types helppari-chat"
#: Browsers may keep a page only if they ask again: an edit shows at once.
_REVALIDATE = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternate:
    """A page in one language."""

    lang: str
    name: str  #: of the language, in that language
    url: str
    current: bool


@dataclass(kw_only=True)
class Pages:
    """Renders templates with the site's name, texts and languages."""

    service: Service
    related: PerIndex[ArticleKey, tuple[ArticleKey, ...]] = field(default_factory=PerIndex)
    _versions: dict[str, str] = field(default_factory=dict)

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
        """The address of a static file; it changes with the content, so browsers may keep it for good."""
        if name not in self._versions:
            self._versions[name] = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
        return f"/static/{name}?v={self._versions[name]}"

    def language(self, request: Request) -> str:
        """The language of a page whose address names none: asked for, else the browser's, else the site's."""
        known = self.service.languages()
        asked = request.query_params.get("lang", "")
        if asked in known:
            return asked
        for part in request.headers.get("accept-language", "")[:500].split(","):
            code = part.partition(";")[0].strip().partition("-")[0].lower()
            if code in known:
                return code
        return known[0]

    def fragment(self, template: str, **values: Any) -> str:  # noqa: ANN401 - whatever the template shows
        """A part of a page."""
        return self._environment.get_template(template).render(**values)

    def page(
        self,
        request: Request,
        template: str,
        *,
        lang: str,
        title: str,
        values: Mapping[str, Any],
        alternates: Mapping[str, str],
        status: int = 200,
        cache: bool = True,
        description: str = "",
    ) -> HTMLResponse:
        """A page in ``lang``; ``alternates`` are the addresses of the same page by language."""
        service = self.service
        texts = service.texts
        site = service.settings.site
        base = site.base_url or str(request.base_url).rstrip("/")
        names = [(code, texts.language_name(code, named_in=code)) for code in alternates]
        html = self._environment.get_template(template).render(
            **values,
            lang=lang,
            t=texts.all(lang),
            title=title,
            description=description,
            site_name=site.name,
            base=base,
            canonical=alternates.get(lang, ""),
            alternates=[
                Alternate(lang=code, name=_capital(name), url=alternates[code], current=code == lang)
                for code, name in names
            ],
            contact=service.speaker.contact(lang),
            home=f"/?lang={lang}",
            help_home=f"/help/{lang}/",
        )
        headers = {
            "Content-Language": lang,
            "Content-Security-Policy": _POLICY,
            **(_REVALIDATE if cache else {}),
        }
        return HTMLResponse(html, status, headers=headers)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def safe(html: str) -> Markup:
    """HTML that ``indexer.render`` made, which only lets through what may stand in a page."""
    return Markup(html)
