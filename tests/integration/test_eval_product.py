"""The evals on the product itself: a real index and the real decision, an encoder without a model."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from botsvc.answering import Answering
from botsvc.intents import NO_INTENTS, Intents
from evals.bench import content
from evals.conversations import Conversation, Turn
from evals.inprocess import InProcessBot
from evals.predictions import Outcome
from evals.questions import Kind, Question
from evals.runner import RunOptions, ask_all, converse
from indexer import Builder, Index
from indexer.testing import HashEncoder

COUNT = 45


class Words:
    """Understands one word."""

    def classify(self, text: str, embedding: NDArray[np.float32] | None, lang: str) -> Intents:
        return Intents(human_request=1.0) if "person" in text else NO_INTENTS


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("eval")
    content.write_kb(folder / "kb", COUNT)
    encoder = HashEncoder()
    Builder(kb=folder / "kb", root=folder / "index", encoder=encoder).build()
    return Index.load(folder / "index", encoder=encoder)


@pytest.fixture
def bot() -> InProcessBot:
    return InProcessBot(Answering(intents=Words()))


def questions() -> list[Question]:
    found = [
        Question(
            id=f"q{n}",
            lang=made.lang,
            text=made.text.partition("\n\n")[2],
            kind=Kind.IN_SCOPE,
            gold=(made.id,),
        )
        for n, made in enumerate(content.articles(COUNT))
    ]
    return [*found, Question(id="p", lang="en", text="a person please", kind=Kind.HUMAN_REQUEST)]


def test_every_outcome_has_hits_and_probabilities(index: Index, bot: InProcessBot) -> None:
    run = ask_all(index, bot, questions(), RunOptions())
    assert all(len(p.hits) >= 5 for p in run.predictions)
    assert all(0 <= p.confidence <= p.choices_confidence <= 1 for p in run.predictions)
    assert {p.index_id for p in run.predictions} == {index.index_id}
    last = run.predictions[-1]
    assert (last.outcome, last.reason) == (Outcome.HANDED_OFF, "asked")
    right = [p.hits[0].article_id in p.question.gold for p in run.predictions[:-1]]
    assert sum(right) / len(right) > 0.9  # the questions are the articles' own texts
    assert all(p.hits[0].url.startswith(f"/help/{p.hits[0].lang}/") for p in run.predictions)


def test_absent_takes_articles_out_of_the_real_index(index: Index, bot: InProcessBot) -> None:
    run = ask_all(index, bot, questions(), RunOptions(absent=True, baselines=False))
    for p in run.predictions:
        if p.question.kind is Kind.IN_SCOPE:
            assert (p.question.gold[0] in {hit.article_id for hit in p.hits}) <= bool(p.answerable)
    for q in questions()[:-1]:
        assert sorted(bool(p.answerable) for p in run.predictions if p.question.id == q.id) == [False, True]


def test_conversations_keep_their_state(index: Index, bot: InProcessBot) -> None:
    made = next(iter(content.articles(COUNT)))
    table = Conversation(
        id="c",
        lang=made.lang,
        turns=(
            Turn(said="a person please", outcomes=(Outcome.HANDED_OFF,), reason="asked"),
            # The bot hands off once and then waits: the reply is no second handoff but silence.
            Turn(said=made.text.partition("\n\n")[2], outcomes=(Outcome.HANDED_OFF,)),
        ),
    )
    (result,) = converse(index, bot, [table])
    assert result.turns[0].fault == ""
    dialogue = bot.dialogue(index, lang=None)
    dialogue.say("a person please")
    assert dialogue.say("anyone?").index_id == index.index_id
