"""The handoff document: all that people need, so that they never ask what the bot already knew.

A versioned JSON document whose schema is committed (``docs/schemas/handoff.schema.json``). It is built anew
from the episode's events for each revision, and a revision replaces the one before as a whole.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence, Set
from enum import StrEnum
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from botsvc.decisions import Priority
from botsvc.episode import EpisodeState
from botsvc.events import ArticleOpened, BotReplied, CustomerMessage, Event, FactCollected
from botsvc.people_facts import ArticleSent, PersonMessage, ServiceMessage
from botsvc.storage.records import Callback, Conversation, Episode, Handoff

SCHEMA: Literal["helppari.handoff/1"] = "helppari.handoff/1"
SCHEMA_FILE = "docs/schemas/handoff.schema.json"


class HandoffState(StrEnum):
    """Where a handoff stands."""

    OPEN = "open"  #: it waits, or somebody has it
    RESOLVED = "resolved"  #: a person said so
    WITHDRAWN = "withdrawn"  #: the customer needs nobody any more
    UNREACHABLE = "unreachable"  #: the customer has gone and left no address
    ABANDONED = "abandoned"  #: people answered, and the customer never came back


class HandoffReason(StrEnum):
    """Why a conversation is handed to people: the part of ``decisions.Reason`` that leads there."""

    ASKED = "asked"
    LOW_CONFIDENCE = "low_confidence"
    REPEATED_FAILURE = "repeated_failure"
    RULE = "rule"
    FEEDBACK = "feedback"
    FORM = "form"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Said(_Part):
    """One message of the episode."""

    sequence: int = Field(ge=1, description="The event's id within the conversation.")
    at: AwareDatetime
    by: Literal["customer", "bot", "agent", "expert", "service"] = Field(
        description="service: what the bot says on its own, such as that a promise cannot be kept."
    )
    name: str | None = Field(description="Of the agent or expert, as the customer sees it.")
    text: str = Field(description="Masked; of a pressed choice its label, of another button empty.")
    press: str | None = Field(description="The button that the customer pressed, if it was one.")
    outcome: str | None = Field(
        description="What the bot made of the message before; null for others' lines."
    )


class ArticleShown(_Part):
    """An article that the customer saw in the episode."""

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str
    score: float = Field(description="Of the ranking that showed it; higher is better.")
    confidence: float | None = Field(
        description="Probability that it answers the question, where it was shown as the answer."
    )
    shown_as: Literal["answer", "more", "choice", "nearest"]
    opened: bool = Field(description="Whether the customer opened it from the conversation.")
    rejected: bool = Field(description="Whether the customer said that it did not help.")


class CollectedFact(_Part):
    """An answer to a form's question."""

    field: str
    label: str
    value: str | None = Field(description="Null when it was skipped, or is sensitive and stays at the desk.")
    skipped: bool
    sensitive: bool
    validated: bool = Field(description="False: the answer did not fit, and was kept after two tries.")


class Page(_Part):
    """Where the conversation began."""

    url: str | None
    locale: str | None = Field(description="As the browser says, such as fi-FI.")


class Contact(_Part):
    """How the customer can be reached, as said in the conversation."""

    email: str | None
    phone: str | None


class Identity(_Part):
    """Who the customer is, as the host site has verified."""

    subject: str
    name: str | None
    audience: str | None


class Consent(_Part):
    """What the customer agreed to."""

    text: str
    given_at: AwareDatetime


class CallbackWish(_Part):
    """A call that the customer wishes for."""

    callback_id: str
    phone: str
    wished: str | None = Field(description="When, in the customer's words.")
    state: Literal["open", "done", "given_up", "withdrawn"]


class EarlierEpisode(_Part):
    """An earlier matter of the same conversation."""

    episode: int = Field(ge=1)
    outcome: Literal[
        "helped", "handed_off", "resolved", "withdrawn", "unreachable", "abandoned", "unconfirmed"
    ] = Field(
        description="helped: the customer said so; resolved: a person did; unconfirmed: nobody said anything."
    )
    handoff_id: str | None
    started_at: AwareDatetime


class Promise(_Part):
    """When a reply was promised."""

    reply_by: AwareDatetime
    time_zone: str


class HandoffDocument(_Part):
    """What people get with a conversation."""

    schema_: Literal["helppari.handoff/1"] = Field(alias="schema")
    handoff_id: str = Field(description="The same for all revisions.")
    revision: int = Field(ge=1, description="Counts up; with handoff_id the key for deduplication.")
    state: HandoffState
    resolution: str | None = Field(description="Why a person called it resolved.")
    created_at: AwareDatetime
    revised_at: AwareDatetime
    conversation_id: str
    channel: Literal["chat", "email"] = Field(description="Where the conversation began.")
    episode: int = Field(ge=1)
    reason: HandoffReason
    priority: Priority
    team: str | None
    topic: str | None = Field(description="Of the best article found, where one was near.")
    question: str = Field(description="What the customer wants to know, in their words, masked.")
    language: str
    transcript: list[Said] = Field(description="The whole episode, oldest first.")
    articles: list[ArticleShown] = Field(description="In the order shown, each once.")
    notices: list[str] = Field(description="Ids of the notices shown.")
    facts: list[CollectedFact] = Field(description="What the form collected.")
    page: Page
    contact: Contact
    identity: Identity | None = Field(description="Verified identity, or null.")
    audience: str | None = Field(description="Customer group that the customer named: not verified.")
    consent: Consent | None
    earlier_episodes: list[EarlierEpisode]
    callbacks: list[CallbackWish]
    promise: Promise | None = Field(description="Promised reply time; null when none was promised.")
    masked: list[str] = Field(description="Kinds of numbers that were masked in the transcript.")
    index_id: str | None = Field(description="Index that the bot's last reply came from.")

    def to_json(self) -> dict[str, Any]:
        """The document as JSON values."""
        return self.model_dump(mode="json", by_alias=True)


def rank_of(priority: str) -> int:
    """Place of a priority in the queue, 0 first."""
    return list(Priority).index(Priority(priority))


def build_document(
    handoff: Handoff,
    *,
    conversation: Conversation,
    state: EpisodeState,
    events: Sequence[Event],
    earlier: Sequence[EarlierEpisode] = (),
    callbacks: Sequence[Callback] = (),
    consent: Consent | None = None,
) -> HandoffDocument:
    """The document of ``handoff`` from the events of its episode and what the bot remembers of it."""
    said = [event.fact for event in events if isinstance(event.fact, CustomerMessage)]
    replies = [event.fact for event in events if isinstance(event.fact, BotReplied)]
    opened = {(fact.lang, fact.article_id) for e in events if isinstance(fact := e.fact, ArticleOpened)}
    topics = [reply.topic for reply in replies if reply.topic]
    return HandoffDocument(
        schema=SCHEMA,
        handoff_id=handoff.id,
        revision=handoff.revision,
        state=HandoffState(handoff.state),
        resolution=handoff.resolution or None,
        created_at=handoff.created_at,
        revised_at=handoff.revised_at,
        conversation_id=conversation.id,
        channel="email" if conversation.channel == "email" else "chat",
        episode=handoff.episode,
        reason=HandoffReason(handoff.reason),
        priority=Priority(handoff.priority),
        team=handoff.team or None,
        topic=topics[-1] if topics else None,
        question=handoff.question,
        language=handoff.language,
        transcript=[line for event in events if (line := _said(event)) is not None],
        articles=_articles(replies, state, opened),
        notices=[],
        facts=_facts(events),
        page=Page(url=conversation.page or None, locale=conversation.locale or None),
        contact=Contact(email=conversation.email or None, phone=conversation.phone or None),
        identity=None,
        audience=state.audience or conversation.audience or None,
        consent=consent,
        earlier_episodes=list(earlier),
        callbacks=[
            CallbackWish.model_validate(
                {"callback_id": one.id, "phone": one.phone, "wished": one.wished or None, "state": one.state}
            )
            for one in callbacks
            if one.handoff_id == handoff.id
        ],
        promise=Promise(reply_by=handoff.promised_by, time_zone=handoff.time_zone)
        if handoff.promised_by
        else None,
        masked=list(dict.fromkeys(kind for fact in said for kind in fact.masked)),
        index_id=next((reply.index_id for reply in reversed(replies) if reply.index_id), None),
    )


def earlier_episode(episode: Episode, handoff: Handoff | None) -> EarlierEpisode:
    """What the next episodes say of one before them."""
    outcome = "unconfirmed"
    if handoff is not None:
        outcome = "handed_off" if handoff.state == HandoffState.OPEN else handoff.state
    elif episode.state.get("helped"):
        outcome = "helped"
    return EarlierEpisode.model_validate(
        {
            "episode": episode.number,
            "outcome": outcome,
            "handoff_id": handoff.id if handoff else None,
            "started_at": episode.started_at,
        }
    )


def _said(event: Event) -> Said | None:
    fact = event.fact
    by, name, press, outcome = event.actor.kind.value, None, None, None
    said = ""
    match fact:
        case CustomerMessage():
            press = fact.press or None
            said = fact.text or fact.label
        case BotReplied():
            outcome = fact.outcome
        case PersonMessage() | ArticleSent():
            name = fact.name
        case ServiceMessage():
            by = "service"
        case _:
            return None
    text = f"{fact.text}\n\n{fact.title}: {fact.url}" if isinstance(fact, ArticleSent) else said or fact.text
    return Said.model_validate(
        {
            "sequence": event.sequence,
            "at": event.at,
            "by": by,
            "name": name,
            "text": text,
            "press": press,
            "outcome": outcome,
        }
    )


def _facts(events: Sequence[Event]) -> list[CollectedFact]:
    """Each question of the form once, with its last answer."""
    found: dict[str, CollectedFact] = {}
    for event in events:
        if isinstance(fact := event.fact, FactCollected):
            hidden = fact.skipped or fact.sensitive
            found[fact.field] = CollectedFact(
                field=fact.field,
                label=fact.label,
                value=None if hidden else fact.value,
                skipped=fact.skipped,
                sensitive=fact.sensitive,
                validated=fact.validated,
            )
    return list(found.values())


def _articles(
    replies: Sequence[BotReplied], state: EpisodeState, seen: Set[tuple[str, str]]
) -> list[ArticleShown]:
    """Each article once, in the order shown; having been the answer tells more than standing beside it."""
    shown: dict[tuple[str, str], ArticleShown] = {}
    for reply in replies:
        for article in reply.shown:
            key = (article.lang, article.article_id)
            answered = article.shown_as == "answer"
            if key in shown and (shown[key].shown_as == "answer" or not answered):
                continue
            shown[key] = ArticleShown(
                article_id=article.article_id,
                lang=article.lang,
                section_id=article.section_id,
                title=article.title,
                url=article.url,
                score=article.score,
                confidence=reply.numbers.get("confidence") if answered else None,
                shown_as=article.shown_as.value,
                opened=key in seen,
                rejected=key in state.rejected,
            )
    return list(shown.values())


def handoff_schema() -> dict[str, Any]:
    """JSON Schema of the document, as committed."""
    schema = HandoffDocument.model_json_schema(by_alias=True, mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://helppari.example/schemas/handoff-1.json",
        **schema,
    }


def schema_text() -> str:
    """The committed file's content; ``python -m botsvc.handoff`` prints it."""
    return json.dumps(handoff_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
