"""An article: what an editor wrote, checked and typed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Visibility(StrEnum):
    """Who may see an article."""

    PUBLIC = "public"
    INTERNAL = "internal"  #: desk assist only: never in the bot, pages, search, sitemap


class Status(StrEnum):
    """Where an article stands in its life; only published ones are served."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


class Offer(StrEnum):
    """When an answer from this article offers a person (the permanent button always stays)."""

    AUTO = "auto"  #: answer and hand off in one turn
    ALWAYS = "always"  #: a button inside the answer
    AFTER_ANSWER = "after_answer"  #: a button after "no, this did not help"
    NEVER = "never"  #: no button inside the answer


class ArticleKey(NamedTuple):
    """What names one article: the id links translations, the language tells them apart."""

    lang: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffRule:
    """How an article hands over to people."""

    offer: Offer = Offer.AFTER_ANSWER
    team: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article in one language."""

    id: str
    lang: str
    title: str
    body: str  #: Markdown
    slug: str  #: last part of the page's address; unique within the language
    summary: str = ""
    audience: tuple[str, ...] = ()  #: customer groups; empty = everyone
    topics: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()  #: how customers ask; indexed, and used for calibration
    tests: tuple[str, ...] = ()  #: never indexed; must find this article
    handoff: HandoffRule = field(default_factory=HandoffRule)
    urgent: str = ""
    personal: bool = False
    visibility: Visibility = Visibility.PUBLIC
    restricted: bool = False  #: only with a verified identity of the audience
    status: Status = Status.PUBLISHED
    publish_at: datetime | None = None  #: aware; holds at answer time
    expire_at: datetime | None = None  #: aware; holds at answer time
    updated: date | None = None
    source: str = ""  #: path relative to the kb's root, or ``articles.jsonl``
    line: int = 0  #: 1-based line where the body (Markdown) or the record (JSONL) begins

    @property
    def key(self) -> ArticleKey:
        """The article's name among all languages."""
        return ArticleKey(self.lang, self.id)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; ``from_json`` is the inverse."""
        return {
            "id": self.id,
            "lang": self.lang,
            "title": self.title,
            "body": self.body,
            "slug": self.slug,
            "summary": self.summary,
            "audience": list(self.audience),
            "topics": list(self.topics),
            "questions": list(self.questions),
            "tests": list(self.tests),
            "handoff": {
                "offer": self.handoff.offer.value,
                "team": self.handoff.team,
                "form": self.handoff.form,
            },
            "urgent": self.urgent,
            "personal": self.personal,
            "visibility": self.visibility.value,
            "restricted": self.restricted,
            "status": self.status.value,
            "publish_at": self.publish_at.isoformat() if self.publish_at else None,
            "expire_at": self.expire_at.isoformat() if self.expire_at else None,
            "updated": self.updated.isoformat() if self.updated else None,
            "source": self.source,
            "line": self.line,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The article that ``to_json`` wrote."""
        handoff = record["handoff"]
        publish_at, expire_at, updated = record["publish_at"], record["expire_at"], record["updated"]
        return cls(
            id=record["id"],
            lang=record["lang"],
            title=record["title"],
            body=record["body"],
            slug=record["slug"],
            summary=record["summary"],
            audience=tuple(record["audience"]),
            topics=tuple(record["topics"]),
            questions=tuple(record["questions"]),
            tests=tuple(record["tests"]),
            handoff=HandoffRule(
                offer=Offer(handoff["offer"]),
                team=handoff["team"],
                form=handoff["form"],
            ),
            urgent=record["urgent"],
            personal=record["personal"],
            visibility=Visibility(record["visibility"]),
            restricted=record["restricted"],
            status=Status(record["status"]),
            publish_at=datetime.fromisoformat(publish_at) if publish_at else None,
            expire_at=datetime.fromisoformat(expire_at) if expire_at else None,
            updated=date.fromisoformat(updated) if updated else None,
            source=record["source"],
            line=record["line"],
        )

    def content_hash(self) -> str:
        """Hex sha256 of all that readers or the index can see (``source`` and ``line`` left out)."""
        record = {k: v for k, v in self.to_json().items() if k not in ("source", "line")}
        return hashlib.sha256(json.dumps(record, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
