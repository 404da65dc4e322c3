"""``[widget]``: which web sites may put the chat on their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from indexer.settings import FreePart, Language, Section, SettingsContradiction

_SITE_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def origin(value: str) -> str:
    """``value`` as a browser sends it; raises ``ValueError`` with what was wanted."""
    parts = urlsplit(value)
    if (
        parts.scheme not in ("http", "https")
        or not parts.netloc
        or "*" in parts.netloc
        or f"{parts.scheme}://{parts.netloc}" != value
    ):
        raise ValueError("should be origins such as https://www.example.com, without a path or a star")
    return value.lower()


def _site_key(value: str) -> str:
    if _SITE_KEY.fullmatch(value) is None:
        raise ValueError("should be small letters, digits, - and _, at most 40, such as shop or intranet-2")
    return value


Origin = Annotated[str, AfterValidator(origin)]
SiteKey = Annotated[str, AfterValidator(_site_key), FreePart("site")]


class SiteKeySettings(Section):
    """``[widget.sites.<site>]``: a site whose pages show the chat; the name is public, and no secret."""

    origins: tuple[Origin, ...] = Field(
        default=(), description="Addresses of the site, such as https://www.example.com; needed."
    )
    language: Language | None = Field(
        default=None,
        description="Language of conversations whose page names none; empty means the first of the site.",
    )


class WidgetSettings(Section):
    """``[widget]``: the chat on other web sites."""

    demo: bool = Field(
        default=True, description="Whether /demo shows the chat on the pages of a made-up company."
    )
    sites: dict[SiteKey, SiteKeySettings] = Field(default={})

    @property
    def origins(self) -> tuple[str, ...]:
        """Every origin of every site, once."""
        return tuple(dict.fromkeys(one for site in self.sites.values() for one in site.origins))


def contradictions(widget: WidgetSettings, languages: Sequence[str]) -> Iterator[SettingsContradiction]:
    """Sites that no page can use, and languages that the help center does not have."""
    for name, site in widget.sites.items():
        if not site.origins:
            yield SettingsContradiction(
                key=f"widget.sites.{name}.origins",
                value=[],
                need="should be the addresses of the site, such as https://www.example.com",
            )
        if site.language and languages and site.language not in languages:
            yield SettingsContradiction(
                key=f"widget.sites.{name}.language",
                value=site.language,
                need=f"should be one of site.languages: {', '.join(languages)}",
            )
