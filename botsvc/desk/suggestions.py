"""What may help an agent to answer: articles for the open question, and canned replies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from botsvc.answering import page_of, resolver
from botsvc.desk.rendering import Desk
from botsvc.people import SentArticle
from botsvc.quoting import Quote, quote
from indexer import Access, Article, ArticleKey, Hit, Index

if TYPE_CHECKING:
    from botsvc.storage.records import Handoff, StoredAgent

MOST_ARTICLES = 5
LONGEST_QUERY = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """An article that may answer."""

    article_id: str
    lang: str
    section_id: str
    title: str
    heading: str
    url: str
    html: Markup  #: the part that would be sent
    sendable: bool  #: whether customers may see it
    shown: bool  #: whether the customer has seen it already


@dataclass(frozen=True, slots=True, kw_only=True)
class Canned:
    """A canned reply with its variables filled in."""

    id: str
    title: str
    text: str


def articles(
    desk: Desk, question: str, lang: str, audience: str, shown: Sequence[tuple[str, str]] = ()
) -> tuple[Suggested, ...]:
    """Articles for a question, the customer's language first; none while there is no index."""
    index = desk.service.swapper.index
    text = question.strip()[:LONGEST_QUERY]
    if index is None or not text:
        return ()
    now = desk.now()
    inside = Access(now=now, audience=audience, internal=True)
    hits = list(index.search(text, k=MOST_ARTICLES, lang=lang or None, access=inside).hits)
    hits.sort(key=lambda hit: hit.lang != lang)
    outside = Access(now=now, audience=audience)
    found = (_suggested(index, hit, outside, shown) for hit in hits)
    return tuple(one for one in found if one is not None)


def sent_article(
    desk: Desk, lang: str, article_id: str, section_id: str, audience: str
) -> SentArticle | None:
    """The article as it is sent; None where there is none that this customer may see."""
    index = desk.service.swapper.index
    key = ArticleKey(lang, article_id)
    if index is None or not index.visible(key, Access(now=desk.now(), audience=audience)):
        return None
    article = index.article(key)
    part = _quoted(index, article, section_id) if article is not None else None
    if article is None or part is None:
        return None
    url = f"{desk.service.settings.site.base_url}{page_of(article)}#{section_id}"
    return SentArticle(
        article_id=article_id,
        lang=lang,
        section_id=section_id,
        title=article.title or article.id,
        url=url,
        text=part.text,
    )


def canned(desk: Desk, agent: StoredAgent, handoff: Handoff, topic: str) -> tuple[Canned, ...]:
    """The canned replies in the customer's language: those of the topic first, then by title."""
    index = desk.service.swapper.index
    if index is None:
        return ()
    contact = desk.service.settings.contact_for(handoff.language)
    values = {
        "agent_name": agent.name,
        "company": desk.service.settings.site.name,
        "contact_phone": contact.phone,
        "contact_email": contact.email,
        "contact_hours": contact.hours,
    }
    lang = handoff.language
    fit = [
        one for one in index.replies(lang) if not one.teams or not handoff.team or handoff.team in one.teams
    ]
    fit.sort(key=lambda one: (topic not in one.topics, one.title[lang].casefold()))
    return tuple(Canned(id=one.id, title=one.title[lang], text=one.fill(lang, values)) for one in fit)


def _suggested(index: Index, hit: Hit, outside: Access, shown: Sequence[tuple[str, str]]) -> Suggested | None:
    article = index.article(hit.key)
    part = _quoted(index, article, hit.section_id) if article is not None else None
    if article is None or part is None:
        return None
    return Suggested(
        article_id=hit.article_id,
        lang=hit.lang,
        section_id=hit.section_id,
        title=hit.title or hit.article_id,
        heading=" › ".join(hit.heading_path),
        url=hit.url,
        html=Markup(part.html),
        sendable=index.visible(hit.key, outside),
        shown=(hit.lang, hit.article_id) in shown,
    )


def _quoted(index: Index, article: Article, section_id: str) -> Quote | None:
    section = next((one for one in index.sections(article.key) if one.anchor == section_id), None)
    if section is None:
        return None
    return quote(section, page=page_of(article), resolve=resolver(index, article))
