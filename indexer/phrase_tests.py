"""``helppari kb test``: whether every ``tests:`` phrase finds its article, and what moved since a build."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.access import Access
from indexer.articles import Article, ArticleKey, Status, Visibility
from indexer.artifact import build_folder, builds, current_build, read_manifest
from indexer.console import Progress, no_progress
from indexer.encoders import Encoder, open_encoder
from indexer.errors import ArtifactError, EncoderMismatch, IndexerError
from indexer.index import Index

#: How far down the list the right article is looked for.
DEPTH = 10
#: A change of confidence that is worth an editor's look.
MOVED = 0.1
#: Phrases that a build tries, at most: a large kb should not wait for its tests.
MOST_AT_BUILD = 300


class Verdict(StrEnum):
    """What came of one phrase."""

    FOUND = "found"  #: its article comes first, surely enough to be answered
    UNSURE = "unsure"  #: its article comes first, but the bot would not answer at once
    FAILED = "failed"  #: another article comes first, or none


class Expected(StrEnum):
    """What the probabilities alone lead to; the bot's other rules (small talk, notices) are not asked."""

    ANSWERED = "answered"
    CLARIFIED = "clarified"
    HANDED_OFF = "handed_off"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one build makes of a phrase."""

    first: ArticleKey | None
    title: str  #: of the first article
    rank: int | None  #: of the right article, 1 is first; None beyond the first ten
    confidence: float
    outcome: Expected
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseResult:
    """One phrase of one article now, and in the build that is compared with."""

    article: ArticleKey
    source: str
    phrase: str
    now: Found
    before: Found | None = None

    @property
    def moved(self) -> bool:
        """Whether it comes to another article, another verdict, or is surer or less sure by ``MOVED``."""
        before = self.before
        return before is not None and (
            before.first != self.now.first
            or before.verdict is not self.now.verdict
            or before.rank != self.now.rank
            or abs(before.confidence - self.now.confidence) >= MOVED
        )

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "article_id": self.article.id,
            "lang": self.article.lang,
            "source": self.source,
            "phrase": self.phrase,
            **_found_json(self.now),
            "moved": self.moved,
            "before": _found_json(self.before) if self.before else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseRun:
    """All phrases of a kb."""

    build_id: str
    against: str  #: id of the build that is compared with; empty when there is none
    results: tuple[PhraseResult, ...]
    phrases: int  #: all there are; more than results when only some were tried
    untested: int  #: published articles without a phrase
    not_served: int  #: phrases of articles that nobody may see now (publish_at, expire_at)

    def with_verdict(self, verdict: Verdict) -> tuple[PhraseResult, ...]:
        """Results of one sort."""
        return tuple(result for result in self.results if result.now.verdict is verdict)

    @property
    def moved(self) -> tuple[PhraseResult, ...]:
        """Results that differ from the other build."""
        return tuple(result for result in self.results if result.moved)

    def summary(self) -> str:
        """One line: how many phrases failed."""
        if not self.phrases:
            return "no article has tests: write a few questions under `tests:` that must find it"
        failed, unsure = (len(self.with_verdict(v)) for v in (Verdict.FAILED, Verdict.UNSURE))
        some = len(self.results) + self.not_served < self.phrases
        tried = f"{len(self.results)} phrases" + (f" (a sample of {self.phrases})" if some else "")
        moved = f", {len(self.moved)} moved since build {self.against}" if self.against else ""
        line = f"tests: {failed} of {tried} do not find their article, {unsure} not surely{moved}"
        return f"{line}: see `helppari kb test`" if failed else line

    def counts(self) -> dict[str, Any]:
        """JSON values without the single results."""
        return {
            "build_id": self.build_id,
            "against": self.against or None,
            "phrases": self.phrases,
            "tried": len(self.results),
            **{str(verdict): len(self.with_verdict(verdict)) for verdict in Verdict},
            "moved": len(self.moved) if self.against else None,
            "untested_articles": self.untested,
            "not_served": self.not_served,
        }

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {**self.counts(), "results": [result.to_json() for result in self.results]}


class OpenBuilds(NamedTuple):
    """The build that is tested and the one that it is compared with."""

    now: Index
    before: Index | None


def open_builds(root: Path, against: str | None = None, encoder: Encoder | None = None) -> OpenBuilds:
    """The served build and another one of the same folder: ``against``, or the newest that is older.

    An older build that cannot be opened any more is left out, unless it was named. Raises ``ArtifactError``
    and ``EncoderMismatch``.
    """
    served = current_build(root)
    manifest = read_manifest(build_folder(root, served))
    known = _EncodesOnce(encoder or open_encoder(manifest.encoder))
    now = Index.load(root, encoder=known, build_id=served)
    try:
        other = against or _older(root, served)
        return OpenBuilds(
            now, Index.load(root, encoder=known, build_id=other, previous=now) if other else None
        )
    except (ArtifactError, EncoderMismatch):
        if against:
            raise
        return OpenBuilds(now, None)


def run_phrases(
    opened: OpenBuilds,
    articles: Iterable[Article] | None = None,
    *,
    clock: datetime | None = None,
    most: int | None = None,
    progress: Progress = no_progress,
) -> PhraseRun:
    """Ask every phrase of the articles (default: those of the index), or a fixed sample of ``most``."""
    index, before = opened
    published = [a for a in (articles or index.articles()) if a.status is Status.PUBLISHED]
    clock = clock or datetime.now(UTC)
    all_phrases = [(article, phrase) for article in published for phrase in article.tests]
    served = [(article, phrase) for article, phrase in all_phrases if not _hidden(article, clock)]
    chosen = _sample(served, most)
    index.encoder.encode_queries([phrase for _, phrase in chosen], progress)
    results = []
    for done, (article, phrase) in enumerate(chosen, start=1):
        results.append(
            PhraseResult(
                article=article.key,
                source=article.source,
                phrase=phrase,
                now=_ask(index, article, phrase, clock),
                before=_ask(before, article, phrase, clock) if before is not None else None,
            )
        )
        if done % 20 == 0 or done == len(chosen):
            progress("testing phrases", done, len(chosen))
    return PhraseRun(
        build_id=index.build_id,
        against=before.build_id if before is not None else "",
        results=tuple(results),
        phrases=len(all_phrases),
        untested=sum(not article.tests for article in published),
        not_served=len(all_phrases) - len(served),
    )


def run_at_build(root: Path, before: str, encoder: Encoder, progress: Progress = no_progress) -> PhraseRun:
    """A sample of the phrases against the build just made; ``before`` is the one served until then."""
    try:
        opened = open_builds(root, before, encoder)
    except (ArtifactError, EncoderMismatch):
        opened = None
    if opened is None or opened.now.build_id == before:
        opened = OpenBuilds(Index.load(root, encoder=_EncodesOnce(encoder)), None)
    return run_phrases(opened, most=MOST_AT_BUILD, progress=progress)


def served_build(root: Path) -> str:
    """The id of the served build; empty when there is none."""
    try:
        return current_build(root)
    except IndexerError:
        return ""


def _older(root: Path, served: str) -> str:
    """The newest other build that is older than the served one."""
    all_builds = builds(root)
    place = all_builds.index(served) if served in all_builds else len(all_builds)
    return all_builds[place + 1] if place + 1 < len(all_builds) else ""


def _ask(index: Index, article: Article, phrase: str, clock: datetime) -> Found:
    """The phrase typed on a page in the article's language by somebody who may see the article."""
    result = index.search(phrase, k=DEPTH, lang=article.key.lang, access=_access(article, clock))
    keys = [hit.key for hit in result.hits]
    rank = keys.index(article.key) + 1 if article.key in keys else None
    limits = index.thresholds(result.language.lang)
    stated = result.probabilities
    if stated.confidence >= limits.answer:
        outcome = Expected.ANSWERED
    elif stated.choices >= limits.choices:
        outcome = Expected.CLARIFIED
    else:
        outcome = Expected.HANDED_OFF if stated.scope >= limits.scope else Expected.NO_ANSWER
    if rank != 1:
        verdict = Verdict.FAILED
    else:
        verdict = Verdict.FOUND if outcome is Expected.ANSWERED else Verdict.UNSURE
    return Found(
        first=keys[0] if keys else None,
        title=result.hits[0].title if result.hits else "",
        rank=rank,
        confidence=stated.confidence,
        outcome=outcome,
        verdict=verdict,
    )


def _access(article: Article, clock: datetime) -> Access:
    verified = (article.audience[0] if article.audience else "") if article.restricted else None
    return Access(now=clock, verified_audience=verified, internal=article.visibility is Visibility.INTERNAL)


def _hidden(article: Article, clock: datetime) -> bool:
    early = article.publish_at is not None and clock < article.publish_at
    return early or (article.expire_at is not None and clock >= article.expire_at)


def _sample(phrases: Sequence[tuple[Article, str]], most: int | None) -> list[tuple[Article, str]]:
    if most is None or len(phrases) <= most:
        return list(phrases)
    ranked = sorted(range(len(phrases)), key=lambda i: hashlib.sha256(phrases[i][1].encode()).digest())
    return [phrases[i] for i in sorted(ranked[:most])]


def _found_json(found: Found) -> dict[str, Any]:
    return {
        "verdict": str(found.verdict),
        "first": {"article_id": found.first.id, "lang": found.first.lang, "title": found.title}
        if found.first
        else None,
        "rank": found.rank,
        "confidence": round(found.confidence, 6),
        "outcome": str(found.outcome),
    }


class _EncodesOnce:
    """The encoder with a memory of questions: both builds are asked the same."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.dim, self.fingerprint = encoder.name, encoder.dim, encoder.fingerprint
        self.query_prefix, self.passage_prefix = encoder.query_prefix, encoder.passage_prefix
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode_queries(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """As the encoder."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known |= dict(zip(new, self._encoder.encode_queries(new, progress), strict=True))
        return (
            np.stack([self._known[text] for text in texts]) if texts else np.zeros((0, self.dim), np.float32)
        )

    def encode_passages(self, texts: Sequence[str], progress: Progress = no_progress) -> NDArray[np.float32]:
        """As the encoder."""
        return self._encoder.encode_passages(texts, progress)


def report_lines(run: PhraseRun) -> list[str]:
    """What a person reads: failing phrases, unsure ones, what moved, and the sum."""
    lines = []
    for verdict, words in ((Verdict.FAILED, "does not find"), (Verdict.UNSURE, "not surely")):
        for result in run.with_verdict(verdict):
            now = result.now
            first = f"{now.first.id} ({now.first.lang})" if now.first else "no article"
            place = f"it is number {now.rank}" if now.rank else f"it is not among the first {DEPTH}"
            came = f"first comes {first}, {place}" if verdict is Verdict.FAILED else f"would be {now.outcome}"
            lines.append(
                f"{words}  [{result.article.lang}] {result.article.id}: “{result.phrase}”; {came}, "
                f"confidence {now.confidence:.2f}"
            )
    for result in run.moved:
        before, now = result.before, result.now
        if before is not None:
            shown = [f"{f.first.id if f.first else 'nothing'} {f.confidence:.2f}" for f in (before, now)]
            lines.append(
                f"moved  [{result.article.lang}] {result.article.id}: “{result.phrase}”; "
                f"{shown[0]} -> {shown[1]}"
            )
    if run.untested:
        lines.append(f"{run.untested} articles have no tests")
    if run.not_served:
        lines.append(f"{run.not_served} phrases wait: their articles are not served at this time")
    return [*lines, run.summary()]
