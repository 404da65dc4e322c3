"""Who asks, and when: what an answer may be taken from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from indexer.articles import Article, Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The customer as far as known. A client-sent audience is a preference, never a right."""

    now: datetime
    audience: str = ""  #: the group that the customer chose; articles of other groups come later
    verified_audience: str | None = None  #: the group of a verified identity
    internal: bool = False  #: True at the desk


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What limits one article; most articles have none."""

    audience: tuple[str, ...]
    restricted: bool
    internal: bool
    publish_at: datetime | None
    expire_at: datetime | None

    def hides(self, access: Access) -> bool:
        """True when this customer must not see the article now."""
        if self.internal and not access.internal:
            return True
        if self.publish_at is not None and access.now < self.publish_at:
            return True
        if self.expire_at is not None and access.now >= self.expire_at:
            return True
        if self.restricted and access.verified_audience is None:
            return True
        verified = access.verified_audience
        return bool(verified is not None and self.audience and verified not in self.audience)

    def is_for_others(self, access: Access) -> bool:
        """True when the article is for other groups than the customer said to belong to."""
        return bool(access.audience and self.audience and access.audience not in self.audience)


def limits_of(article: Article) -> Limits | None:
    """The article's limits; None when there are none."""
    internal = article.visibility is Visibility.INTERNAL
    if not (article.audience or article.restricted or internal or article.publish_at or article.expire_at):
        return None
    return Limits(
        audience=article.audience,
        restricted=article.restricted,
        internal=internal,
        publish_at=article.publish_at,
        expire_at=article.expire_at,
    )


def limits_to_json(limits: Limits | None) -> dict[str, Any] | None:
    """JSON values; ``limits_from_json`` is the inverse."""
    if limits is None:
        return None
    return {
        "audience": list(limits.audience),
        "restricted": limits.restricted,
        "internal": limits.internal,
        "publish_at": limits.publish_at.isoformat() if limits.publish_at else None,
        "expire_at": limits.expire_at.isoformat() if limits.expire_at else None,
    }


def limits_from_json(record: dict[str, Any] | None) -> Limits | None:
    """The limits that ``limits_to_json`` wrote."""
    if record is None:
        return None
    return Limits(
        audience=tuple(record["audience"]),
        restricted=record["restricted"],
        internal=record["internal"],
        publish_at=datetime.fromisoformat(record["publish_at"]) if record["publish_at"] else None,
        expire_at=datetime.fromisoformat(record["expire_at"]) if record["expire_at"] else None,
    )


def anyone() -> Access:
    """An anonymous customer, now."""
    return Access(now=datetime.now(UTC))
