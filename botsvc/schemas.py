"""What travels over HTTP. Extra fields are refused and lengths are capped; the OpenAPI comes from here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, StringConstraints

from botsvc.decisions import Outcome, Reason
from botsvc.episode import Owner, Press
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
    page: Annotated[StrictStr, StringConstraints(max_length=2_000)] = Field(
        default="", description="Address of the page."
    )
    audience: Group = Field(default="", description="Customer group, as a preference; empty when unknown.")


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


class TranscriptEntry(Wire):
    """One thing that was said."""

    sequence: int
    at: datetime
    author: Literal["customer", "bot", "agent"]
    text: str
    press: Press | None = Field(description="The button that the customer pressed.")
    index: int = Field(description="Which choice was pressed, from 0.")
    message: MessageReply | None = Field(description="With the bot's entries: the reply as it was sent.")


class Transcript(Wire):
    """The conversation so far."""

    conversation_id: str
    language: str
    owner: Owner
    expires_at: datetime
    entries: list[TranscriptEntry]


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
