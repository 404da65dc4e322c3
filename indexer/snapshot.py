"""The segments of one build seen as a whole: what is alive, how common each term is, and candidate scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.articles import ArticleKey
from indexer.lexical import Postings, idf
from indexer.segments import Segment
from indexer.terms import Hashes
from indexer.vectors import Matrix

#: How many units each ranker may put forward, and how many articles are compared in the end.
PASSAGE_POOL = 60
LEXICAL_POOL = 40
QUESTION_POOL = 40


class Place(NamedTuple):
    """Where an article lies."""

    segment: int
    row: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A segment with the rows that a later segment replaced, or that were removed, marked dead."""

    segment: Segment
    dead_articles: NDArray[np.bool_] | None = None
    dead_passages: NDArray[np.bool_] | None = None
    dead_questions: NDArray[np.bool_] | None = None
    #: by name of the postings: for each of its terms, how many dead units hold it
    dead_counts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


class Query(NamedTuple):
    """A question ready to be scored."""

    vector: Matrix  #: ``[dim]``, centred, unit length
    ngrams: Hashes
    stems: Mapping[str, Hashes]  #: by language
    extra_ngrams: Hashes  #: of editors' synonyms; they add to scores, never to what must be found
    extra_stems: Mapping[str, Hashes]


def bury(segment: Segment, dead: Collection[int]) -> Part:
    """The segment without some of its article rows."""
    if not dead:
        return Part(segment=segment)
    articles = np.zeros(len(segment.keys), bool)
    articles[list(dead)] = True
    passages = articles[segment.passage_article]
    questions = np.repeat(articles, np.diff(segment.question_starts))
    counts = {
        "ngrams": _dead_counts(segment.ngrams, passages),
        "stems": _dead_counts(segment.stems, passages),
        "question_ngrams": _dead_counts(segment.question_ngrams, questions),
    }
    return Part(
        segment=segment,
        dead_articles=articles,
        dead_passages=passages,
        dead_questions=questions,
        dead_counts=counts,
    )


def _dead_counts(postings: Postings, dead: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For each term, how many dead units hold it; few are dead, so only their postings are looked at."""
    held = np.flatnonzero(dead[postings.units])
    terms = np.searchsorted(postings.starts, held, side="right") - 1
    return np.bincount(terms, minlength=len(postings.terms))


class Snapshot:
    """All live articles of a build."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = tuple(parts)
        self.places: dict[ArticleKey, Place] = {}
        for number, part in enumerate(self.parts):
            dead = frozenset(
                () if part.dead_articles is None else np.flatnonzero(part.dead_articles).tolist()
            )
            for row, key in enumerate(part.segment.keys):
                if row not in dead:
                    self.places[key] = Place(number, row)
        by_id: dict[str, list[Place]] = {}
        for key, place in self.places.items():
            by_id.setdefault(key.id, []).append(place)
        #: places of the articles that share an id with others, which makes them translations
        self.translations = {id: tuple(places) for id, places in by_id.items() if len(places) > 1}
        self.languages = tuple(sorted({key.lang for key in self.places}))
        self.passage_count = sum(_alive(p.segment.passages.count, p.dead_passages) for p in self.parts)
        self.question_count = sum(_alive(p.segment.questions.count, p.dead_questions) for p in self.parts)
        self.section_count = sum(_live_sections(part) for part in self.parts)

    def without(self, keys: Collection[ArticleKey]) -> Snapshot:
        """The snapshot as if these articles did not exist."""
        parts = []
        gone = set(keys)
        for part in self.parts:
            dead = {row for row, key in enumerate(part.segment.keys) if key in gone}
            if part.dead_articles is not None:
                dead |= set(np.flatnonzero(part.dead_articles).tolist())
            parts.append(bury(part.segment, dead))
        return Snapshot(parts)

    def score_terms(self, name: str, terms: Hashes, extra: Hashes, units: int) -> TermScores:
        """Scores of every unit of every part, as a share of what the query could reach.

        1.0 is roughly "each term of the question occurs about once in a unit of usual length".
        """
        together = np.concatenate([terms, extra]) if len(extra) else terms
        located = [getattr(p.segment, name).locate(together) for p in self.parts]
        frequency = self._frequency(name, located)
        weights = idf(frequency, units)
        known = frequency[: len(terms)] > 0
        total = float(weights[: len(terms)].sum()) or 1.0
        weights[len(terms) :] *= SYNONYM_WEIGHT
        scores = tuple(
            getattr(p.segment, name).score(rows, weights) / np.float32(total)
            for p, rows in zip(self.parts, located, strict=True)
        )
        return TermScores(scores, float(weights[: len(terms)][~known].sum()) / total, weights, located)

    def coverage(self, part: int, first: int, last: int, stems: TermScores | None, count: int) -> float:
        """Share of the idf of a question's ``count`` stems that occur in passages ``first`` to ``last``."""
        if stems is None or count == 0:
            return 0.0
        postings = self.parts[part].segment.stems
        weights = stems.weights[:count]
        found = np.zeros(count, bool)
        wanted = np.int32(first)  # a plain number would have the units copied
        for i, row in enumerate(stems.located[part][:count].tolist()):
            if row >= 0:
                units = postings.units[postings.starts[row] : postings.starts[row + 1]]
                at = units.searchsorted(wanted)
                found[i] = at < len(units) and units[at] < last
        return float(weights[found].sum() / weights.sum())

    def _frequency(self, name: str, located: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
        """In how many live units each term occurs; ``located`` are its rows in every part's postings."""
        frequency = np.zeros(len(located[0]) if located else 0, np.float64)
        for part, rows in zip(self.parts, located, strict=True):
            postings: Postings = getattr(part.segment, name)
            if len(postings.terms) == 0:
                continue
            found = rows >= 0
            safe = np.where(found, rows, 0)
            frequency += np.where(found, postings.starts[safe + 1] - postings.starts[safe], 0)
            if part.dead_counts:
                frequency -= np.where(found, part.dead_counts[name][safe], 0)
        return frequency


#: An editor's synonym counts for less than the customer's own word.
SYNONYM_WEIGHT = np.float32(0.6)


class TermScores(NamedTuple):
    """What the terms of one question score."""

    parts: tuple[NDArray[np.float32], ...]  #: every unit's score, by part
    unknown: float  #: share of the question's weight that occurs nowhere in the kb
    weights: NDArray[np.float32]  #: of the question's terms, and then of its synonyms'
    located: Sequence[NDArray[np.int64]]  #: rows of the same in the postings, by part; -1: nowhere


def _alive(count: int, dead: NDArray[np.bool_] | None) -> int:
    return count if dead is None else count - int(dead.sum())


def _live_sections(part: Part) -> int:
    sections = np.diff(part.segment.starts[:, 0])
    return int(sections.sum() if part.dead_articles is None else sections[~part.dead_articles].sum())


def ranges(starts: NDArray[np.int32], ends: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of some half-open ranges, one after the other, and where each range begins."""
    sizes = (ends - starts).astype(np.int64)
    offsets = np.zeros(len(sizes), np.int64)
    np.cumsum(sizes[:-1], out=offsets[1:])
    rows = np.arange(int(sizes.sum()), dtype=np.int64)
    return rows + np.repeat(starts.astype(np.int64) - offsets, sizes), offsets


def segment_maximum(
    values: NDArray[np.float32], offsets: NDArray[np.int64], sizes: NDArray[np.int64], missing: float
) -> NDArray[np.float32]:
    """The largest value of each range; ``missing`` for an empty one."""
    result = np.full(len(offsets), missing, np.float32)
    filled = np.flatnonzero(sizes > 0)
    if len(filled):
        result[filled] = np.maximum.reduceat(values, offsets[filled])
    return result


def top_rows(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Rows of the ``k`` highest positive scores; of equal ones the first, on any machine. In no order."""
    # Rows are looked at in groups: no fewer than k rows reach the k-th highest of the groups' peaks.
    size = len(scores) // (_GROUPS * k)
    groups = len(scores) // size if size > 1 else 0
    peaks = scores[: groups * size].reshape(size, groups).max(axis=0) if groups else scores[:0]
    floor = np.partition(peaks, -k)[-k] if groups else np.float32(0.0)
    rows = np.flatnonzero(scores >= floor if floor > 0 else scores > 0)
    if len(rows) <= k:
        return rows
    found = scores[rows]
    least = np.partition(found, -k)[-k]
    above = rows[found > least]
    return np.concatenate([above, rows[found == least][: k - len(above)]])


_GROUPS = 4  #: groups of rows for each row wanted, at least
