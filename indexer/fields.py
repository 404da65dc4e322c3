"""The keys of an article: the one table that checks front matter and JSON, and gives the JSON Schema."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from indexer.articles import Offer, Status, Visibility

MAX_TEXT = 1_000  #: characters of one text
MAX_ID = 200
ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._@-]*"  #: of a Markdown file's id; exports may hold any text
MAX_ITEMS = 1_000  #: entries of one list


class Kind(StrEnum):
    """What a key holds."""

    ID = "id"
    TEXT = "text"
    TEXTS = "texts"
    FLAG = "flag"
    CHOICE = "choice"
    DATE = "date"
    TIME = "time"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One key of an article."""

    name: str
    kind: Kind
    about: str  #: one line for writers; editors' tools show it
    example: Any = None
    required: bool = False
    choices: type[StrEnum] | None = None


HANDOFF_FIELDS: tuple[Field, ...] = (
    Field(
        name="offer",
        kind=Kind.CHOICE,
        choices=Offer,
        example="after_answer",
        about="When an answer from this article offers a person.",
    ),
    Field(name="team", kind=Kind.TEXT, example="cards", about="The team that gets the conversation."),
    Field(name="form", kind=Kind.TEXT, example="lost-card", about="The form that is asked before a handoff."),
)

FIELDS: tuple[Field, ...] = (
    Field(
        name="id",
        kind=Kind.ID,
        required=True,
        example="lost-card",
        about="Stable name, the same in every language: it links translations.",
    ),
    Field(
        name="title",
        kind=Kind.TEXT,
        required=True,
        example="Lost or stolen card",
        about="What the article is about, in the customer's words.",
    ),
    Field(name="summary", kind=Kind.TEXT, about="One sentence shown in lists and search results."),
    Field(
        name="audience",
        kind=Kind.TEXTS,
        example=["employee"],
        about="Customer groups that see the article; empty: everyone.",
    ),
    Field(name="topics", kind=Kind.TEXTS, example=["card"], about="Subjects, for browsing and routing."),
    Field(
        name="questions",
        kind=Kind.TEXTS,
        example=["i've lost my card", "my wallet was stolen"],
        about="How customers ask; indexed, and used to calibrate the confidence.",
    ),
    Field(
        name="tests",
        kind=Kind.TEXTS,
        example=["card fell out on the train"],
        about="Questions that must find this article; never indexed.",
    ),
    Field(name="handoff", kind=Kind.HANDOFF, about="How the article hands over to people."),
    Field(
        name="urgent",
        kind=Kind.TEXT,
        example="24/7: 020 123 456",
        about="Shown with the answer and with a sensitive handoff.",
    ),
    Field(
        name="personal",
        kind=Kind.FLAG,
        example=False,
        about="True: about the customer's own facts, such as a balance or an invoice.",
    ),
    Field(
        name="visibility",
        kind=Kind.CHOICE,
        choices=Visibility,
        example="public",
        about="internal: only at the desk, never in the bot, on pages or in search.",
    ),
    Field(
        name="restricted",
        kind=Kind.FLAG,
        example=False,
        about="True: only for customers whose identity proves the audience.",
    ),
    Field(
        name="status",
        kind=Kind.CHOICE,
        choices=Status,
        example="published",
        about="Only published articles are served.",
    ),
    Field(
        name="publish_at",
        kind=Kind.TIME,
        example="2026-12-01T08:00+02:00",
        about="Served from this time on; with a time zone.",
    ),
    Field(
        name="expire_at",
        kind=Kind.TIME,
        example="2027-01-31T23:59+02:00",
        about="Not served from this time on; with a time zone.",
    ),
    Field(name="updated", kind=Kind.DATE, example="2026-11-01", about="Day of the last change of content."),
)
