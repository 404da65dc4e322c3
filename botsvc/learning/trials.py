"""What the index says without examples and with them: the evidence for a judgement, and what would move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from botsvc.answering import Answering
from botsvc.decisions import Outcome
from botsvc.learning.approval import HITS, Evidence, Near, key_of
from botsvc.storage.records import StoredExample
from indexer import ArticleKey, Encoder, Example, Index, SearchResult, normalised
from indexer.console import Progress, no_progress

#: Phrases that are asked before and after; beyond that a sample is, the same one each time.
MOST_ASKED = 1_000
#: A change of confidence below this is noise of the calibration.
NOTABLE = 0.1
#: Outcomes that put an article before the customer; in a handoff nobody relies on which one was near.
_SHOWING = frozenset({Outcome.ANSWERED.value, Outcome.CLARIFIED.value})

Vectors = NDArray[np.float32]


@dataclass(slots=True)
class Remembering:
    """An encoder that encodes the same question once: every phrase is asked of two indexes."""

    encoder: Encoder
    _known: dict[str, Vectors] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the encoder's own
        return getattr(self.encoder, name)

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> Vectors:
        """As the encoder does it; what was asked before is not encoded again."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.encoder.encode_queries(new, progress), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else self.encoder.encode_queries([])


def evidence_for(
    examples: Sequence[StoredExample], index: Index, progress: Progress = no_progress
) -> dict[str, Evidence]:
    """What ``index``, which knows no examples, says of each example whose article it has."""
    live = [one for one in examples if index.article(key_of(one)) is not None]
    vectors = _centred(index, [one.text for one in live])
    questions: dict[ArticleKey, tuple[Near, ...]] = {}
    results: dict[tuple[str, str], SearchResult] = {}
    found = {}
    for number, (example, vector) in enumerate(zip(live, vectors, strict=True), start=1):
        asked = (example.lang, example.text)  # many customers may have said the same
        if asked not in results:
            results[asked] = index.search(example.text, k=HITS, lang=example.lang)
        result = results[asked]
        keys = dict.fromkeys([key_of(example), *(hit.key for hit in result.hits)])
        for key in keys:
            if key not in questions:
                questions[key] = _questions(index, key)
        found[example.id] = Evidence(
            vector=vector,
            hits=tuple(hit.key for hit in result.hits),
            confidence=result.probabilities.confidence,
            questions=tuple(near for key in keys if key.lang == example.lang for near in questions[key]),
        )
        progress("looking at examples", number, len(live))
    return found


def _questions(index: Index, key: ArticleKey) -> tuple[Near, ...]:
    article = index.article(key)
    texts = list(article.questions) if article is not None else []
    return tuple(
        Near(article_id=key.id, text=text, vector=vector)
        for text, vector in zip(texts, _centred(index, texts), strict=True)
    )


def _centred(index: Index, texts: Sequence[str]) -> Vectors:
    if not texts:
        return np.zeros((0, index.encoder.dim), np.float32)
    return index.cohort.centre_queries(index.encoder.encode_queries(texts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """Something to ask before and after."""

    kind: str  #: test, example (to be learned), logged, or question (of an editor)
    text: str
    lang: str
    expected: str = ""  #: id of the article that it belongs to, where that is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one index makes of a phrase."""

    article_id: str  #: of the first hit; empty when there is none
    outcome: str
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A phrase whose first article, outcome or confidence changes."""

    phrase: Phrase
    before: Said
    after: Said

    @property
    def lost(self) -> bool:
        """It found its article before, and would not any more."""
        expected = self.phrase.expected
        return bool(expected) and self.before.article_id == expected != self.after.article_id

    @property
    def won(self) -> bool:
        """It would find its article, and did not before."""
        expected = self.phrase.expected
        return bool(expected) and self.before.article_id != expected == self.after.article_id


def worse(moved: Sequence[Move]) -> bool:
    """Whether more tests lose their article than find it, of those that an answer or choices depend on."""
    tests = [
        move
        for move in moved
        if move.phrase.kind == "test" and {move.before.outcome, move.after.outcome} & _SHOWING
    ]
    return sum(move.lost for move in tests) > sum(move.won for move in tests)


def phrases_of(
    index: Index, examples: Iterable[Example] = (), logged: Iterable[tuple[str, str]] = ()
) -> tuple[Phrase, ...]:
    """The kb's tests, the examples, what customers asked lately (text, language), and editors' questions.

    Each is asked once.
    """
    tests, questions = [], []
    for article in index.articles():
        tests += [
            Phrase(kind="test", text=text, lang=article.lang, expected=article.id) for text in article.tests
        ]
        questions += [
            Phrase(kind="question", text=text, lang=article.lang, expected=article.id)
            for text in article.questions
        ]
    questions.sort(key=lambda one: hashlib.sha256(f"{one.lang} {one.text}".encode()).digest())
    asked = [Phrase(kind="logged", text=text, lang=lang) for text, lang in logged]
    once: dict[tuple[str, str], Phrase] = {}
    taught = [
        Phrase(kind="example", text=one.text, lang=one.article.lang, expected=one.article.id)
        for one in examples
    ]
    for phrase in (*tests, *taught, *asked, *questions):
        once.setdefault((phrase.lang, normalised(phrase.text)), phrase)
    return tuple(once.values())[:MOST_ASKED]


def ask_all(
    bot: Answering, index: Index, phrases: Sequence[Phrase], progress: Progress = no_progress
) -> tuple[Said, ...]:
    """What the bot makes of each phrase with this index."""
    said = []
    for number, phrase in enumerate(phrases, start=1):
        lang = phrase.lang if phrase.lang in index.languages else None
        reply = bot.ask(index, phrase.text, lang=lang, k=1)
        said.append(
            Said(
                article_id=reply.hits[0].article_id if reply.hits else "",
                outcome=reply.outcome.value if reply.outcome else "",
                confidence=reply.decision.numbers.confidence or 0.0,
            )
        )
        progress("asking", number, len(phrases))
    return tuple(said)


def moves(phrases: Sequence[Phrase], before: Sequence[Said], after: Sequence[Said]) -> tuple[Move, ...]:
    """What changes, the lost ones first, then by how much the confidence moves."""
    found = [
        Move(phrase=phrase, before=one, after=other)
        for phrase, one, other in zip(phrases, before, after, strict=True)
        if (one.article_id, one.outcome) != (other.article_id, other.outcome)
        or abs(one.confidence - other.confidence) >= NOTABLE
    ]
    found.sort(key=lambda move: (not move.lost, -abs(move.after.confidence - move.before.confidence)))
    return tuple(found)


def mean_change(before: Sequence[Said], after: Sequence[Said]) -> float:
    """Mean change of confidence over all phrases; 0 when nothing was asked."""
    changes = [other.confidence - one.confidence for one, other in zip(before, after, strict=True)]
    return sum(changes) / len(changes) if changes else 0.0


def tally(moved: Sequence[Move]) -> Mapping[str, int]:
    """How many phrases are lost and won, by kind."""
    return {
        "tests_lost": sum(move.lost for move in moved if move.phrase.kind == "test"),
        "tests_won": sum(move.won for move in moved if move.phrase.kind == "test"),
        "questions_lost": sum(move.lost for move in moved if move.phrase.kind == "question"),
        "questions_won": sum(move.won for move in moved if move.phrase.kind == "question"),
    }
