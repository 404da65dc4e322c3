"""``[widget]``: which web sites may put the chat on their pages, and what it suggests there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

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


def _page_pattern(value: str) -> str:
    if not value.startswith(("/", "*")) or "?" in value or "#" in value or len(value) > 200:
        raise ValueError("should be a path with * for any text, such as /cards/*, or * for every page")
    return value


Origin = Annotated[str, AfterValidator(origin)]
SiteKey = Annotated[str, AfterValidator(_site_key), FreePart("site")]
PagePattern = Annotated[str, AfterValidator(_page_pattern), FreePart("page")]
ArticleId = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SiteKeySettings(Section):
    """``[widget.sites.<site>]``: a site whose pages show the chat; the name is public, and no secret."""

    origins: tuple[Origin, ...] = Field(
        default=(), description="Addresses of the site, such as https://www.example.com; needed."
    )
    language: Language | None = Field(
        default=None,
        description="Language of conversations whose page names none; empty means the first of the site.",
    )
    suggestions: dict[PagePattern, tuple[ArticleId, ...]] = Field(
        default={},
        description="Ids of the articles to suggest first on these pages of the site, such as /cards/*.",
    )


class WidgetSettings(Section):
    """``[widget]``: the chat on other web sites."""

    demo: bool = Field(
        default=True, description="Whether /demo shows the chat on the pages of a made-up company."
    )
    suggestions: dict[PagePattern, tuple[ArticleId, ...]] = Field(
        default={},
        description="Ids of the articles to suggest first on pages of no site, or of one without a table.",
    )
    sites: dict[SiteKey, SiteKeySettings] = Field(default={})

    def suggestions_for(self, site: SiteKeySettings | None) -> Mapping[str, Sequence[str]]:
        """Article ids by pattern of path for pages of ``site``, or of none."""
        return site.suggestions if site is not None and site.suggestions else self.suggestions

    def suggested(self) -> Iterator[tuple[str, str]]:
        """Every article id that is named, after the key of the setting that names it."""
        tables = {"widget.suggestions": self.suggestions}
        tables |= {f"widget.sites.{name}.suggestions": site.suggestions for name, site in self.sites.items()}
        for table, pages in tables.items():
            for pattern, articles in pages.items():
                yield from ((f'{table}."{pattern}"', article_id) for article_id in articles)

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
