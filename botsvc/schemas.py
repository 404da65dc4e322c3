"""What travels over HTTP. Extra fields are refused and lengths are capped; the OpenAPI comes from here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    StringConstraints,
    WithJsonSchema,
)

from botsvc.decisions import Outcome, Reason
from botsvc.episode import Owner, Press
from botsvc.event_schemas import data_schema
from botsvc.events import ActorKind
from botsvc.facts import EventType
from botsvc.handoff import HandoffState
from botsvc.live.hub import SignalKind
from botsvc.saying import DetailKind

LONGEST_TEXT = 20_000  #: what any setting allows; ``limits.message_chars`` is usually far below

Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[StrictStr, StringConstraints(max_length=LONGEST_TEXT)]
LanguageCode = Annotated[StrictStr, StringConstraints(pattern=r"^[a-z]{2,3}$")]
Group = Annotated[StrictStr, StringConstraints(max_length=80)]


class Wire(BaseModel):
    """A closed JSON object."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class AskRequest(Wire):
    """A question on its own."""

    text: Text = Field(description="The question, as typed.")
    lang: LanguageCode | None = Field(default=None, description="Language of the page the customer is on.")
    audience: Group = Field(default="", description="Customer group, as a preference; empty when unknown.")


class HitBody(Wire):
    """An article that may fit, best first."""

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str
    score: float = Field(description="Of the ranking; higher is better. Not a probability.")


class AnswerBody(Wire):
    """A quotation from an article."""

    text: str
    html: str = Field(description="The same, as safe HTML.")
    article_id: str
    section_id: str
    lang: str = Field(description="Language of the quotation.")
    title: str
    url: str


class HandoffBody(Wire):
    """A handoff of this conversation to people."""

    id: str
    revision: int
    state: str
    reason: Reason


class AskReply(Wire):
    """The bot's reply to a question."""

    outcome: Outcome
    reason: Reason
    confidence: Share = Field(description="Probability that the top article answers the question.")
    choices_confidence: Share = Field(description="Probability that one of the three shown does.")
    scope: Share = Field(description="Probability that the question is about this help center at all.")
    language: str = Field(description="Language of the question, as detected.")
    answer: AnswerBody | None
    hits: list[HitBody]
    handoff: None = Field(description="Always null: only conversations create handoffs.")
    index_id: str = Field(description="Names the content and the calibration that the reply comes from.")


class TurnReply(Wire):
    """The bot's part of a message's reply; numbers are null where nothing was searched."""

    outcome: Outcome
    reason: Reason
    confidence: Share | None
    choices_confidence: Share | None
    scope: Share | None
    language: str
    answer: AnswerBody | None
    hits: list[HitBody]
    handoff: HandoffBody | None
    index_id: str


class ContentProblem(Wire):
    """Something in the content that its writers should mend."""

    source: str
    line: int
    message: str
    severity: Literal["error", "warning"]


class SearchReply(Wire):
    """Articles that fit what has been typed so far."""

    query: str
    language: str
    hits: list[HitBody]
    index_id: str


class SectionBody(Wire):
    """A part of an article."""

    section_id: str
    heading_path: list[str]
    text: str
    html: str
    url: str


class TranslationBody(Wire):
    """The same article in another language."""

    lang: str
    title: str
    url: str


class ArticleBody(Wire):
    """An article."""

    article_id: str
    lang: str
    title: str
    summary: str
    topics: list[str]
    audience: list[str]
    updated: str | None = Field(description="Day of the last change, as in 2026-11-01.")
    url: str
    sections: list[SectionBody]
    translations: list[TranslationBody]
    index_id: str


class ConversationRequest(Wire):
    """Where a conversation begins."""

    lang: LanguageCode | None = Field(default=None, description="Language of the page.")
    locale: Annotated[StrictStr, StringConstraints(max_length=35)] = Field(
        default="", description="As the browser says: fi-FI."
    )
    time_zone: Annotated[StrictStr, StringConstraints(max_length=64)] = Field(
        default="", description="IANA name, as the browser says: Europe/Helsinki."
    )
    page: Annotated[StrictStr, StringConstraints(max_length=2_000)] = Field(
        default="", description="Address of the page."
    )
    audience: Group = Field(default="", description="Customer group, as a preference; empty when unknown.")
    notice_shown: StrictBool = Field(
        default=False, description="Whether the customer has read the `notice` of `/v1/welcome`."
    )


class ConversationCreated(Wire):
    """A new conversation with the secret that opens it."""

    conversation_id: str
    token: str = Field(description="Goes into `Authorization: Bearer`, never into an address.")
    expires_at: datetime


ClientMessageId = Annotated[StrictStr, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class MessageRequest(Wire):
    """What the customer wrote or pressed."""

    client_message_id: ClientMessageId = Field(
        description="A repeat with the same id is not a second message."
    )
    text: Text = Field(default="", description="As typed; may be empty when a button is pressed.")
    press: Press | None = Field(default=None, description="The button pressed.")
    index: StrictInt = Field(default=0, ge=0, le=99, description="Which choice was pressed, from 0.")
    lang: LanguageCode | None = Field(default=None, description="Language of the page.")


class HandoffRequest(Wire):
    """The customer presses "talk to a person"."""

    client_message_id: ClientMessageId
    lang: LanguageCode | None = None


class FeedbackRequest(Wire):
    """Whether the last answer helped."""

    client_message_id: ClientMessageId
    helped: StrictBool
    lang: LanguageCode | None = None


class AnswerFeedbackRequest(Wire):
    """Whether one of the conversation's answers helped, now or later."""

    conversation_id: Annotated[StrictStr, StringConstraints(max_length=100)]
    sequence: StrictInt = Field(
        ge=1, le=2_147_483_647, description="Of the message that was answered, as its reply named it."
    )
    helped: StrictBool


class AnswerFeedback(Wire):
    """The customer's word on an answer, as it counts now."""

    conversation_id: str
    sequence: int = Field(description="Of the message that was answered.")
    article_id: str
    lang: str = Field(description="Language of the article.")
    helped: bool


class ButtonBody(Wire):
    """Something to press instead of typing."""

    press: Press
    index: int
    label: str


class DetailBody(Wire):
    """A line such as a phone number, with its label."""

    kind: DetailKind
    label: str
    value: str


class SuggestionBody(Wire):
    """A question that one of the articles answers."""

    text: str = Field(description="The question, to be shown and to be asked.")
    article_id: str
    lang: str
    title: str
    url: str


class NoticeBody(Wire):
    """What the customer is to read before writing."""

    text: str
    url: str = Field(description="Of the privacy notice; empty without one.")


class WelcomeReply(Wire):
    """What to show before anything is asked."""

    language: str
    notice: NoticeBody | None = Field(description="From `[notice]`; null where nothing is configured.")
    contact: list[DetailBody] = Field(description="How people are reached: phone, e-mail, hours.")
    questions: list[SuggestionBody] = Field(description="For the page, best first; at most four.")


class MessageReply(Wire):
    """What became of a message."""

    conversation_id: str
    sequence: int = Field(description="Of the message, in the conversation.")
    owner: Owner = Field(description="Who has the conversation now.")
    text: str = Field(description="The message as stored: numbers that identify are masked.")
    said: str = Field(description="What the bot says; empty while a person has the conversation.")
    reply: TurnReply | None = Field(description="Null while a person has the conversation.")
    complete: bool = Field(description="False: the section quoted goes on at the answer's url.")
    buttons: list[ButtonBody]
    details: list[DetailBody] = Field(description="Lines to show: what is urgent, phone, e-mail, hours.")


class SentArticleBody(Wire):
    """An article that a person sent."""

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str


class TranscriptEntry(Wire):
    """One thing that was said."""

    sequence: int
    at: datetime
    author: Literal["customer", "bot", "agent", "service"] = Field(
        description="agent: a person; service: what the service says on its own, such as a new promise."
    )
    name: str = Field(description="Of the person, as the customer sees it; else empty.")
    text: str
    press: Press | None = Field(description="The button that the customer pressed.")
    index: int = Field(description="Which choice was pressed, from 0.")
    client_message_id: str = Field(description="With the customer's entries: the client's id; else empty.")
    message: MessageReply | None = Field(description="With the bot's entries: the reply as it was sent.")
    article: SentArticleBody | None = Field(description="With a person's entry: the article they sent.")


class CallBody(Wire):
    """A call-back that the customer waits for."""

    phone: str
    wished: str = Field(description="When, in the customer's words.")


class RequestBody(Wire):
    """Where the current matter's request to people stands."""

    handoff_id: str
    state: HandoffState
    question: str = Field(description="Masked.")
    asked_at: datetime
    waiting_since: datetime
    ended_at: datetime | None
    team: str = Field(description="Its name in the customer's language; empty where there are no teams.")
    agent: str = Field(description="Name of the person who has it; empty while it waits.")
    staffed: bool = Field(description="Whether there are people that requests get through to.")
    live: bool = Field(description="Whether somebody who could take it is there now.")
    place: int = Field(description="In the queue, from 1; 0 once somebody has it, or it has ended.")
    reply_by: datetime | None = Field(description="The promise that still holds; null for none.")
    reply_by_words: str = Field(description="The same as a phrase, such as: huomenna klo 8.00.")
    delivered: bool = Field(description="Whether a person or another system has confirmed its arrival.")
    answered: bool = Field(description="Whether a person has written to the customer, or reached them.")
    read_up_to: int = Field(description="Sequence up to which people have read; 0 for nothing.")
    mail: bool = Field(description="Whether people's messages also come by e-mail while the page is closed.")
    reachable: bool = Field(description="Whether there is an address for a later reply.")
    call: CallBody | None


class CsatBody(Wire):
    """What may be asked about how the customer was served."""

    asked: bool = Field(description="Whether the matter has ended, so that it can be judged.")
    by: Literal["bot", "person"] = Field(description="Whom a score is about.")
    score: StrictInt | None = Field(description="Given already; the last one counts.")


class Transcript(Wire):
    """The conversation so far."""

    conversation_id: str
    language: str
    owner: Owner
    expires_at: datetime
    last_sequence: int = Field(description="Of the last event: where following may begin.")
    entries: list[TranscriptEntry]
    request: RequestBody | None = Field(description="Null while nothing was handed off in this matter.")
    csat: CsatBody
    status_url: str = Field(description="Path of the page with the request's status; empty without one.")


class EventActor(Wire):
    """Who caused an event; people without their ids."""

    kind: ActorKind
    id: str


class EventBody(Wire):
    """Something that happened, as its customer may see it."""

    sequence: int = Field(description="Its id in the conversation; the ones between are not the customer's.")
    episode: int
    type: EventType
    at: datetime
    actor: EventActor
    cause: int | None = Field(description="Sequence of the event that led to it.")
    data: Annotated[dict[str, Any], WithJsonSchema(data_schema())] = Field(description="As its type has it.")


class SignalBody(Wire):
    """Somebody at the desk writes, or has the conversation open."""

    kind: SignalKind
    name: str
    seconds: int = Field(description="How long it holds unless it is told again.")


class EventsPage(Wire):
    """What has happened since."""

    conversation_id: str
    owner: Owner
    events: list[EventBody]
    next: int = Field(description="To be sent as `after` the next time.")
    more: bool = Field(description="Whether there is more to fetch at once.")
    signals: list[SignalBody]
    expires_at: datetime


class Health(Wire):
    """The process runs."""

    status: Literal["ok"]


class Readiness(Wire):
    """What is served, and what keeps a newer build from being served."""

    status: Literal["ready", "degraded", "not_ready"]
    index_id: str | None
    build_id: str | None
    languages: list[str]
    articles: int
    sections: int
    notes: list[str] = Field(description="Why something else than the newest content is served.")
    problems: list[ContentProblem] = Field(description="Files with problems; at most 100.")
    problem_count: int
