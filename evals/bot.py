"""What is evaluated: an index to search and a bot that decides what to say.

Protocols, so that tests need no model and the same runner can measure another bot.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from evals.predictions import Outcome, PredictedHit
from indexer import Article, ArticleKey

HITS = 5  #: at least so many hits are kept a question, where the index has so many articles


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reaction of the bot, as the body of ``/v1/ask`` has it."""

    outcome: Outcome
    reason: str
    confidence: float
    choices_confidence: float
    scope: float
    language: str
    hits: tuple[PredictedHit, ...]  #: best first, at most one per (article, language)
    index_id: str
    answer_article: str = ""  #: the article quoted; empty when nothing is


class Limits(Protocol):
    """The thresholds of one language and what they rest on."""

    @property
    def answer(self) -> float:
        """Answer from this confidence on."""

    @property
    def choices(self) -> float:
        """Offer choices from this confidence on."""

    @property
    def scope(self) -> float:
        """Below this the question is not about this help center."""

    @property
    def proven(self) -> bool:
        """Whether the accuracy goal is proven on held-out questions."""

    @property
    def n(self) -> int:
        """How many held-out questions it rests on."""


class QueryEncoder(Protocol):
    """What turns text into vectors (``indexer``'s encoders do)."""

    @property
    def name(self) -> str:
        """What the encoder is called."""

    @property
    def fingerprint(self) -> str:
        """Hash of weights and recipe."""

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One unit-length vector a text."""


class SearchableIndex(Protocol):
    """What evaluations need of an index (``indexer.Index`` has it)."""

    @property
    def index_id(self) -> str:
        """Hash of what the index answers with."""

    @property
    def build_id(self) -> str:
        """Which build of the index this is."""

    @property
    def encoder(self) -> QueryEncoder:
        """The encoder that the index was built with."""

    @property
    def languages(self) -> tuple[str, ...]:
        """The site's languages."""

    def articles(self) -> Iterable[Article]:
        """Every article in the index."""

    def keys(self) -> Collection[ArticleKey]:
        """The name of every article in the index."""

    def thresholds(self, lang: str) -> Limits:
        """The decision thresholds of a language."""

    def without(self, keys: Collection[ArticleKey]) -> SearchableIndex:
        """The same index as if these articles did not exist."""

    def with_absent_share(self, share: float) -> SearchableIndex:
        """The same index with probabilities stated for this share of absent questions."""


@runtime_checkable
class CosineIndex(Protocol):
    """An index that shows its cosines, which the cosine baseline needs."""

    def article_cosines(
        self, embedding: NDArray[np.float32]
    ) -> tuple[Sequence[ArticleKey], NDArray[np.float32]]:
        """Every live article, and the cosine of its best passage with a query's embedding."""


class Dialogue(Protocol):
    """One conversation with the bot."""

    def say(self, text: str) -> Reply:
        """The bot's reaction to the customer's next message."""


class Bot(Protocol):
    """What decides what to say."""

    def ask(self, index: SearchableIndex, text: str, *, lang: str | None) -> Reply:
        """The reaction to a question on its own, nothing stored; ``lang`` is the interface's language."""

    def dialogue(self, index: SearchableIndex, *, lang: str | None) -> Dialogue:
        """A new conversation."""


class Goals(Protocol):
    """What the operator promises."""

    @property
    def accuracy_goal(self) -> float:
        """The share of the answers given that shall be right."""

    @property
    def choices_goal(self) -> float:
        """The share of the choices shown that shall hold a right one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DefaultGoals:
    """The goals without a configuration."""

    accuracy_goal: float = 0.95
    choices_goal: float = 0.80
