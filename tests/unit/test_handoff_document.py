"""The handoff document: its committed schema, and what it says of an episode."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # has no type information
import pytest

from botsvc.decisions import Priority, Reason
from botsvc.episode import EpisodeState
from botsvc.events import (
    CUSTOMER,
    Actor,
    ActorKind,
    ArticleOpened,
    BotReplied,
    CustomerMessage,
    Event,
    Fact,
    OwnerChanged,
    Shown,
    ShownAs,
)
from botsvc.handoff import (
    SCHEMA_FILE,
    HandoffReason,
    build_document,
    earlier_episode,
    handoff_schema,
    rank_of,
    schema_text,
)
from botsvc.storage import Conversation, Episode, Handoff
from indexer import ArticleKey

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
CONVERSATION = Conversation(
    id="c_1",
    token_hash="",
    created_at=NOW,
    updated_at=NOW,
    expires_at=NOW,
    language="sv",
    locale="",
    page="",
    audience="",
    email="",
    phone="",
    episode=1,
    last_sequence=0,
    messages=0,
)
HANDOFF = Handoff(
    id="h_1",
    conversation_id="c_1",
    episode=1,
    revision=1,
    state="open",
    reason="low_confidence",
    priority="low_confidence",
    rank=4,
    team="",
    language="sv",
    question="Var är mitt kort?",
    created_at=NOW,
    revised_at=NOW,
    document={},
)
EPISODE = Episode(conversation_id="c_1", number=1, owner="nobody", started_at=NOW, ended_at=NOW, state={})


def shown(article: str, shown_as: ShownAs, score: float) -> Shown:
    return Shown(
        article_id=article,
        lang="sv",
        section_id="lead",
        title=article,
        url="/",
        score=score,
        shown_as=shown_as,
    )


def replied(*articles: Shown, confidence: float | None = None) -> BotReplied:
    return BotReplied(
        outcome="answered",
        reason="confident",
        rule="confident",
        text="Så här.",
        numbers={"confidence": confidence},
        index_id="i1",
        shown=articles,
    )


def document(*facts: Fact, state: EpisodeState | None = None, handoff: Handoff = HANDOFF) -> dict[str, Any]:
    bot = Actor(kind=ActorKind.BOT)
    events = [
        Event(
            sequence=place,
            episode=1,
            at=NOW,
            actor=CUSTOMER if isinstance(fact, CustomerMessage) else bot,
            cause=None,
            fact=fact,
        )
        for place, fact in enumerate(facts, start=1)
    ]
    built = build_document(handoff, conversation=CONVERSATION, state=state or EpisodeState(), events=events)
    made = built.to_json()
    jsonschema.Draft202012Validator(handoff_schema()).validate(made)
    return made


def test_the_committed_schema_is_fresh() -> None:
    committed = (Path(__file__).parents[2] / SCHEMA_FILE).read_text(encoding="utf-8")
    assert committed == schema_text(), f"run: python -m botsvc.handoff > {SCHEMA_FILE}"


def test_the_schema_is_a_schema_and_closed() -> None:
    jsonschema.Draft202012Validator.check_schema(handoff_schema())
    good = document()
    validator = jsonschema.Draft202012Validator(handoff_schema())
    for wrong in (
        {**good, "schema": "helppari.handoff/2"},
        {**good, "reason": "bored"},
        {**good, "revision": 0},
        {**good, "extra": 1},
        {name: value for name, value in good.items() if name != "question"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate(wrong)


def test_every_field_is_there_even_when_nothing_is_known() -> None:
    assert document() == {
        "schema": "helppari.handoff/1",
        "handoff_id": "h_1",
        "revision": 1,
        "state": "open",
        "resolution": None,
        "channel": "chat",
        "created_at": "2026-11-02T08:00:00Z",
        "revised_at": "2026-11-02T08:00:00Z",
        "conversation_id": "c_1",
        "episode": 1,
        "reason": "low_confidence",
        "priority": "low_confidence",
        "team": None,
        "topic": None,
        "question": "Var är mitt kort?",
        "language": "sv",
        "transcript": [],
        "articles": [],
        "notices": [],
        "facts": [],
        "page": {"url": None, "locale": None},
        "contact": {"email": None, "phone": None},
        "identity": None,
        "audience": None,
        "consent": None,
        "earlier_episodes": [],
        "callbacks": [],
        "promise": None,
        "masked": [],
        "index_id": None,
    }


def test_the_transcript_is_what_was_said_and_nothing_else() -> None:
    lines = document(
        CustomerMessage(client_message_id="1", text="Hej", masked=("card",)),
        OwnerChanged(owner="queue", before="bot"),
        replied(),
        CustomerMessage(client_message_id="2", press="person", masked=("card", "IBAN")),
    )
    assert [(line["sequence"], line["by"], line["text"], line["press"]) for line in lines["transcript"]] == [
        (1, "customer", "Hej", None),
        (3, "bot", "Så här.", None),
        (4, "customer", "", "person"),
    ]
    assert lines["transcript"][1]["outcome"] == "answered"
    assert lines["masked"] == ["card", "IBAN"]
    assert lines["index_id"] == "i1"


def test_articles_are_listed_once_with_what_became_of_them() -> None:
    made = document(
        ArticleOpened(article_id="b", lang="sv"),
        replied(shown("a", ShownAs.ANSWER, 2.0), shown("b", ShownAs.MORE, 1.0), confidence=0.9),
        replied(shown("b", ShownAs.ANSWER, 3.0), shown("c", ShownAs.NEAREST, 0.5), confidence=0.4),
        state=EpisodeState(rejected=frozenset({ArticleKey("sv", "a")})),
    )
    rows = [(one["article_id"], one["shown_as"], one["score"], one["confidence"]) for one in made["articles"]]
    assert rows == [("a", "answer", 2.0, 0.9), ("b", "answer", 3.0, 0.4), ("c", "nearest", 0.5, None)]
    assert [one["rejected"] for one in made["articles"]] == [True, False, False]
    assert [one["opened"] for one in made["articles"]] == [False, True, False]


def test_how_an_earlier_episode_ended() -> None:
    withdrawn = replace(HANDOFF, state="withdrawn")
    helped = replace(EPISODE, state={"helped": True})
    assert earlier_episode(EPISODE, None).outcome == "unconfirmed"
    assert earlier_episode(helped, None).outcome == "helped"
    assert earlier_episode(helped, HANDOFF).outcome == "handed_off"
    assert earlier_episode(EPISODE, withdrawn).outcome == "withdrawn"


def test_urgency_follows_the_order_of_priorities() -> None:
    assert [rank_of(priority) for priority in Priority] == [0, 1, 2, 3, 4]
    assert rank_of(Priority.CRISIS) < rank_of(Priority.ASKED) < rank_of(Priority.LOW_CONFIDENCE)


def test_reasons_of_handoffs_are_reasons_of_decisions() -> None:
    assert {reason.value for reason in HandoffReason} <= {reason.value for reason in Reason}
    assert json.loads(schema_text())["$defs"]["HandoffReason"]["enum"] == [
        "asked",
        "low_confidence",
        "repeated_failure",
        "rule",
        "feedback",
        "form",
    ]


def test_a_choice_says_what_stood_on_it() -> None:
    (line,) = document(CustomerMessage(client_message_id="1", press="choice", label="Kortet är borta"))[
        "transcript"
    ]
    assert (line["text"], line["press"]) == ("Kortet är borta", "choice")
