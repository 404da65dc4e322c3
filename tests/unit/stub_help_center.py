"""A help center without a model, for tests of the evals: words shared decide everything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from evals.bot import Reply, SearchableIndex
from evals.predictions import Outcome, PredictedHit
from indexer import Article, ArticleKey


@dataclass(frozen=True, slots=True, kw_only=True)
class StubLimits:
    answer: float = 0.6
    choices: float = 0.4
    scope: float = 0.1
    proven: bool = False
    n: int = 0


class StubEncoder:
    """Two directions: even and odd length of the text."""

    name = "stub"
    fingerprint = "stub-1"

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[1.0, 0.0] if len(text) % 2 == 0 else [0.0, 1.0] for text in texts], np.float32)


def article(id: str, text: str, *, lang: str = "en", questions: tuple[str, ...] = ()) -> Article:
    return Article(id=id, lang=lang, title=id, body=text, slug=id, questions=questions)


@dataclass(frozen=True, slots=True)
class StubIndex:
    """Articles found by the words they share with a question."""

    content: tuple[Article, ...]
    absent_share: float = 0.3
    encoder: StubEncoder = field(default_factory=StubEncoder)

    @property
    def index_id(self) -> str:
        return "stub-" + "-".join(sorted(a.id for a in self.content))

    @property
    def build_id(self) -> str:
        return "b1"

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(sorted({a.lang for a in self.content}))

    def articles(self) -> Iterator[Article]:
        return iter(self.content)

    def keys(self) -> tuple[ArticleKey, ...]:
        return tuple(a.key for a in self.content)

    def thresholds(self, lang: str) -> StubLimits:
        return StubLimits()

    def without(self, keys: Collection[ArticleKey]) -> StubIndex:
        return StubIndex(tuple(a for a in self.content if a.key not in keys), self.absent_share)

    def with_absent_share(self, share: float) -> StubIndex:
        return StubIndex(self.content, share)


@dataclass(slots=True)
class StubBot:
    """Confidence is the share of the question's words in the best article; "person" asks for one."""

    asked: list[tuple[str, str | None, float]] = field(default_factory=list)

    def ask(self, index: SearchableIndex, text: str, *, lang: str | None) -> Reply:
        assert isinstance(index, StubIndex)
        self.asked.append((text, lang, index.absent_share))
        words = text.casefold().split()
        scored = sorted(
            ((_share(words, a.body), a) for a in index.content),
            key=lambda pair: (-pair[0], pair[1].id, pair[1].lang),
        )
        hits = tuple(
            PredictedHit(
                article_id=a.id,
                section_id="lead",
                score=score,
                lang=a.lang,
                title=a.title,
                url=f"/help/{a.lang}/{a.slug}#lead",
            )
            for score, a in scored[:5]
        )
        confidence = hits[0].score if hits else 0.0
        outcome, reason = _outcome(words, confidence)
        return Reply(
            outcome=outcome,
            reason=reason,
            confidence=confidence,
            choices_confidence=min(1.0, confidence + 0.1),
            scope=1.0 if confidence else 0.0,
            language=lang or "en",
            hits=hits,
            index_id=index.index_id,
            answer_article=hits[0].article_id if outcome is Outcome.ANSWERED else "",
        )

    def dialogue(self, index: SearchableIndex, *, lang: str | None) -> StubDialogue:
        return StubDialogue(self, index, lang)


@dataclass(slots=True)
class StubDialogue:
    """Searches each message together with the earlier ones."""

    bot: StubBot
    index: SearchableIndex
    lang: str | None
    said: list[str] = field(default_factory=list)

    def say(self, text: str) -> Reply:
        self.said.append(text)
        return self.bot.ask(self.index, " ".join(self.said), lang=self.lang)


def _share(words: Sequence[str], body: str) -> float:
    return sum(word in body.casefold().split() for word in words) / max(1, len(words))


def _outcome(words: Iterable[str], confidence: float) -> tuple[Outcome, str]:
    if "person" in words:
        return Outcome.HANDED_OFF, "asked"
    if confidence >= 0.6:
        return Outcome.ANSWERED, "confident"
    if confidence >= 0.4:
        return Outcome.CLARIFIED, "choices"
    if confidence > 0:
        return Outcome.HANDED_OFF, "low_confidence"
    return Outcome.NO_ANSWER, "out_of_scope"
