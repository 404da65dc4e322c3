"""Answering in process, as evals and the command line use it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from botsvc.answering import Answering
from botsvc.decisions import Outcome, Reason
from botsvc.episode import EpisodeState, Message, Press
from botsvc.intents import NO_INTENTS, Intents
from indexer import Index
from tests.integration.help_center import ENCODER, WordIntents, build, load, write_kb


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("answering")
    build_id = build(write_kb(folder / "kb"), folder / "index")
    return load(folder / "index", None, build_id)


@pytest.fixture
def bot() -> Answering:
    return Answering(intents=WordIntents())


@dataclass
class Recorder:
    """Remembers what it was asked to classify."""

    seen: list[tuple[str, bool]] = field(default_factory=list)  #: (text, with an embedding)

    def classify(self, text: str, embedding: NDArray[np.float32] | None, lang: str) -> Intents:
        self.seen.append((text, embedding is not None))
        return NO_INTENTS


@pytest.fixture
def bundled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ENCODER, "name", "bundled")


@pytest.mark.usefixtures("bundled")
def test_the_searchs_embedding_is_used_again_where_it_is_of_the_same_text(index: Index) -> None:
    recorder = Recorder()
    bot = Answering(intents=recorder)
    first = bot.turn(index, Message(text="my card is gone"), EpisodeState())
    bot.turn(index, Message(text="no, the invoice"), first.state)
    bot.turn(index, Message(text="yes"), first.state)
    assert recorder.seen == [("my card is gone", True), ("no, the invoice", False), ("yes", False)]


def test_another_encoders_embedding_says_nothing_to_the_intent_model(index: Index) -> None:
    recorder = Recorder()
    Answering(intents=recorder).ask(index, "my card is gone")
    assert recorder.seen == [("my card is gone", False)]


def test_a_reply_carries_the_state_of_the_episode(index: Index, bot: Answering) -> None:
    first = bot.ask(index, "my card is gone")
    assert first.state.pending is not None
    assert (first.question, first.state.last_question) == ("my card is gone", "my card is gone")
    no = bot.turn(index, Message(press=Press.NOT_HELPED, lang="en"), first.state)
    assert (no.outcome, no.decision.reason) == (Outcome.NO_ANSWER, Reason.REJECTED)
    assert [tuple(key) for key in no.state.rejected] == [("en", "lost-card")]
    again = bot.turn(index, Message(text="my card is gone"), no.state)
    assert ("en", "lost-card") not in {tuple(hit.key) for hit in again.hits}


def test_the_same_question_gets_the_same_reply(index: Index, bot: Answering) -> None:
    assert bot.ask(index, "my card is gone").body() == bot.ask(index, "my card is gone").body()


def test_the_sites_languages_limit_those_of_the_index(index: Index) -> None:
    finnish = Answering(intents=WordIntents(), site_languages=("fi", "de"))
    assert finnish.languages(index) == ("fi",)
    reply = finnish.ask(index, "my card is gone")
    assert (reply.language, {hit.lang for hit in reply.hits}) == ("fi", {"fi"})
    assert Answering(intents=WordIntents(), site_languages=("de",)).languages(index) == ("en", "fi")


@pytest.mark.parametrize(
    ("message", "outcome"),
    [
        (Message(press=Press.PERSON, lang="fi"), Outcome.HANDED_OFF),
        (Message(text="a human please"), Outcome.HANDED_OFF),
        (Message(text="hello"), Outcome.SMALL_TALK),
        (Message(text="my card is gone"), None),
    ],
)
def test_without_an_index_only_what_needs_none_is_replied_to(
    bot: Answering, message: Message, outcome: Outcome | None
) -> None:
    reply = bot.without_index(message, EpisodeState())
    assert (reply.outcome if reply else None) is outcome
    if reply is not None:
        assert (reply.index_id, reply.hits) == ("", ())
        assert reply.language == (message.lang or "en")


def test_articles_come_and_go_at_their_time(tmp_path: Path) -> None:
    text = (
        "---\nid: fair\ntitle: Spring fair\npublish_at: 2026-03-01T00:00:00+02:00\n"
        "expire_at: 2026-04-01T00:00:00+03:00\n---\nThe fair is in hall 7.\n"
    )
    other = "---\nid: other\ntitle: Opening hours\n---\nWe are open on weekdays.\n"
    kb = write_kb(tmp_path / "kb", {"en/a/fair.md": text, "en/a/other.md": other})
    index = load(tmp_path / "index", None, build(kb, tmp_path / "index"))

    def found(month: int, day: int) -> set[str]:
        def clock() -> datetime:
            return datetime(2026, month, day, 12, tzinfo=UTC)

        reply = Answering(intents=WordIntents(), clock=clock).ask(index, "spring fair")
        return {hit.article_id for hit in reply.hits}

    assert found(2, 27) == {"other"}
    assert found(3, 15) == {"fair", "other"}
    assert found(4, 1) == {"other"}
