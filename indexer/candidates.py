"""From a question to a table of candidate articles with the features of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from indexer.probe import PlacedProbe
from indexer.ranking import FEATURES, Feature, Ranker
from indexer.segments import Segment
from indexer.snapshot import (
    LEXICAL_POOL,
    PASSAGE_POOL,
    QUESTION_POOL,
    Part,
    Query,
    Snapshot,
    TermScores,
    ranges,
    segment_maximum,
    top_rows,
)
from indexer.terms import Hashes
from indexer.vectors import FlatVectors, Matrix, dot

#: The last log probability that a language can lose by: nothing is ruled out by its language alone.
LANGUAGE_FLOOR = -4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LexicalScores:
    """Lexical scores of one part's units, as shares of what the question could reach."""

    ngrams: NDArray[np.float32]  #: by passage
    stems: NDArray[np.float32]  #: by passage
    asked: NDArray[np.float32]  #: by example question


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Candidate articles of all parts; rows of the arrays belong together."""

    part: NDArray[np.int32]
    row: NDArray[np.int32]  #: article row in its part
    features: NDArray[np.float32]  #: ``[n, FEATURES]``
    lexical: tuple[LexicalScores, ...]  #: of all passages, by part
    stems: Mapping[str, TermScores]  #: by language
    unknown_ngrams: float  #: share of the question's n-gram weight found nowhere in the kb
    unknown_stems: float  #: the same of its stems, in the likeliest language


def find_candidates(
    snapshot: Snapshot,
    query: Query,
    languages: Mapping[str, float],
    hidden: Mapping[int, NDArray[np.bool_]],
    left_out: Mapping[int, frozenset[int]] | None = None,
    probe: PlacedProbe | None = None,
) -> Candidates:
    """The articles worth comparing.

    ``languages`` are probabilities; ``hidden`` are article rows to leave out, by part; ``left_out`` are rows
    of example questions that count as unknown (a question must not find itself while calibrating).
    """
    # First, because the scan pushes all else out of the processor's cache.
    cosines = [Cosines.of(part, query) for part in snapshot.parts]
    ngram = snapshot.score_terms("ngrams", query.ngrams, query.extra_ngrams, snapshot.passage_count)
    asked = snapshot.score_terms("question_ngrams", query.ngrams, query.extra_ngrams, snapshot.question_count)
    by_language = {
        lang: snapshot.score_terms("stems", terms, query.extra_stems.get(lang, _NONE), snapshot.passage_count)
        for lang, terms in query.stems.items()
    }
    lexical = []
    language_logs = []
    pools = []
    for number, part in enumerate(snapshot.parts):
        # A stem belongs to one language, so each passage scores in its own language alone.
        by_part = [scores.parts[number] for scores in by_language.values()]
        stems = reduce(np.maximum, by_part) if by_part else np.zeros_like(ngram.parts[number])
        here = LexicalScores(ngrams=ngram.parts[number], stems=stems, asked=asked.parts[number])
        lexical.append(here)
        logs = _language_logs(part.segment, languages)
        language_logs.append(logs)
        pools.append(_best(part.segment, _pool(part, here, cosines[number]), here, cosines[number], logs))
    tables = []
    for number, rows in enumerate(_with_translations(snapshot, pools)):
        part = snapshot.parts[number]
        if (concealed := hidden.get(number)) is not None:
            rows = rows[~concealed[rows]]
        unknown = (left_out or {}).get(number, frozenset())
        near = cosines[number]
        tables.append(
            _table(number, part.segment, rows, query, lexical[number], near, language_logs[number], unknown)
        )
    found = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    if probe is not None:
        found["features"][:, Feature.PROBE] = _probed(probe, [table["row"] for table in tables], query)
    _compare_translations(snapshot, found)
    likeliest = max(by_language, key=lambda lang: languages.get(lang, 0.0), default=None)
    return Candidates(
        **found,
        lexical=tuple(lexical),
        stems=by_language,
        unknown_ngrams=ngram.unknown,
        unknown_stems=by_language[likeliest].unknown if likeliest else 0.0,
    )


def _probed(probe: PlacedProbe, rows: Sequence[NDArray[np.int32]], query: Query) -> NDArray[np.float32]:
    """The probe's scores, by part; an article that it does not know yet gets the mean of the others."""
    scores = np.concatenate(
        [probe.scores(number, some.astype(np.int64), query.vector) for number, some in enumerate(rows)]
    )
    new = np.isnan(scores)
    if new.any():
        scores[new] = 0.0 if new.all() else scores[~new].mean()
    return scores


_NONE: Hashes = np.zeros(0, np.uint32)


class Products:
    """Inner products of the question with rows of one index; no row is read twice."""

    def __init__(self, vectors: FlatVectors, query: Matrix, k: int, dead: NDArray[np.bool_] | None) -> None:
        self._vectors, self._query = vectors, query
        found = vectors.search(query, k, dead)
        self.nearest = found.rows  #: the ``k`` best live rows
        self._known = np.full(vectors.count, np.nan, np.float32)
        self._known[found.rows] = found.scores

    def of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Those of some rows."""
        found = self._known[rows]
        missing = rows[np.isnan(found)]
        if len(missing):
            self._known[missing] = self._vectors.products(self._query, missing)
            found = self._known[rows]
        return found


class Cosines(NamedTuple):
    """How near the question is to the passages and example questions of one part."""

    passages: Products
    questions: Products

    @classmethod
    def of(cls, part: Part, query: Query) -> Self:
        """The nearest ones; the others when they are asked for."""
        segment = part.segment
        return cls(
            Products(segment.passages, query.vector, PASSAGE_POOL, part.dead_passages),
            Products(segment.questions, query.vector, QUESTION_POOL, part.dead_questions),
        )


def _pool(part: Part, scores: LexicalScores, near: Cosines) -> NDArray[np.int64]:
    """Rows of the articles that any ranker puts forward, sorted."""
    segment = part.segment
    passages = [near.passages.nearest, *(top_rows(x, LEXICAL_POOL) for x in (scores.ngrams, scores.stems))]
    pooled = np.zeros(len(segment.keys), bool)
    pooled[segment.passage_article[np.concatenate(passages)]] = True
    if segment.questions.count:
        similar = np.concatenate([near.questions.nearest, top_rows(scores.asked, QUESTION_POOL)])
        pooled[np.searchsorted(segment.question_starts, similar, side="right") - 1] = True
    if part.dead_articles is not None:
        pooled &= ~part.dead_articles
    return np.flatnonzero(pooled)


#: Articles of a segment that are compared in full.
COMPARED = 60


def _best(
    segment: Segment,
    rows: NDArray[np.int64],
    scores: LexicalScores,
    cosines: Cosines,
    language_logs: NDArray[np.float32],
) -> NDArray[np.int64]:
    """The pooled articles that their passages and example questions put first, sorted."""
    if len(rows) <= COMPARED:
        return rows
    starts, ends = segment.starts[rows, 1], segment.starts[rows + 1, 1]
    passages, at = ranges(starts, ends)
    size = (ends - starts).astype(np.int64)
    worth = 16.0 * cosines.passages.of(passages)
    worth += 8.0 * scores.ngrams[passages] + 2.0 * scores.stems[passages]
    first = segment_maximum(worth, at, size, 0.0)
    asked = segment.question_starts[rows + 1] - segment.question_starts[rows]
    if asked.any():
        questions, near_at = ranges(segment.question_starts[rows], segment.question_starts[rows + 1])
        near = 8.0 * cosines.questions.of(questions) + 3.0 * scores.asked[questions]
        first += segment_maximum(near, near_at, asked.astype(np.int64), 0.0)
    first += language_logs[segment.language_of[rows]]
    return np.sort(rows[np.argpartition(first, -COMPARED)[-COMPARED:]])


def _with_translations(snapshot: Snapshot, pools: list[NDArray[np.int64]]) -> list[NDArray[np.int64]]:
    """The pools, and with each article its translations: another view of the same answer."""
    if not snapshot.translations:
        return pools
    wanted: list[set[int]] = [set(rows.tolist()) for rows in pools]
    for number, rows in enumerate(pools):
        keys = snapshot.parts[number].segment.keys
        for row in rows.tolist():
            for place in snapshot.translations.get(keys[row].id, ()):
                wanted[place.segment].add(place.row)
    return [np.array(sorted(rows), np.int64) for rows in wanted]


#: How near an article is, for comparing it with its translations: what does not depend on words.
_NEARNESS = {
    Feature.PASSAGE: 1.0,
    Feature.SNIPPET: 1.0,
    Feature.QUESTION: 0.7,
    Feature.QUESTION_MEAN: 0.3,
}


def _compare_translations(snapshot: Snapshot, found: Mapping[str, NDArray[Any]]) -> None:
    if not snapshot.translations:
        return
    features = found["features"]
    nearness = np.zeros(len(features), np.float32)
    for feature, weight in _NEARNESS.items():
        nearness += np.float32(weight) * features[:, feature]
    by_id: dict[str, list[int]] = {}
    for at, (part, row) in enumerate(zip(found["part"].tolist(), found["row"].tolist(), strict=True)):
        by_id.setdefault(snapshot.parts[part].segment.keys[row].id, []).append(at)
    for rows in by_id.values():
        if len(rows) > 1:
            own = nearness[rows]
            features[rows, Feature.TRANSLATION] = (own.sum() - own) / (len(rows) - 1) - own


def _table(
    number: int,
    segment: Segment,
    rows: NDArray[np.int64],
    query: Query,
    scores: LexicalScores,
    cosines: Cosines,
    language_logs: NDArray[np.float32],
    unknown: frozenset[int],
) -> dict[str, NDArray[Any]]:
    features = np.zeros((len(rows), FEATURES), np.float32)
    starts, ends = segment.starts[rows], segment.starts[rows + 1]
    passages, at = ranges(starts[:, 1], ends[:, 1])
    snippets, snippets_at = ranges(starts[:, 2], ends[:, 2])
    count = (ends[:, 1] - starts[:, 1]).astype(np.int64)
    snippet_count = (ends[:, 2] - starts[:, 2]).astype(np.int64)
    dense = cosines.passages.of(passages)
    short = dot(segment.snippets[snippets].astype(np.float32), query.vector)
    ngrams, stems = scores.ngrams[passages], scores.stems[passages]
    features[:, Feature.PASSAGE] = segment_maximum(dense, at, count, 0.0)
    features[:, Feature.SNIPPET] = segment_maximum(short, snippets_at, snippet_count, 0.0)
    features[:, Feature.NGRAM] = segment_maximum(ngrams, at, count, 0.0)
    features[:, Feature.STEM] = segment_maximum(stems, at, count, 0.0)
    titles = dot(segment.title_vectors[rows].astype(np.float32), query.vector)
    features[:, Feature.TITLE] = np.where(segment.untitled[rows], features[:, Feature.SNIPPET], titles)
    _fill_questions(features, segment, rows, scores, cosines, unknown)
    features[:, Feature.LANGUAGE] = language_logs[segment.language_of[rows]]
    return {
        "part": np.full(len(rows), number, np.int32),
        "row": rows.astype(np.int32),
        "features": features,
    }


def _language_logs(segment: Segment, languages: Mapping[str, float]) -> NDArray[np.float32]:
    """How likely each language of a segment is the question's, as a log probability with a floor."""
    floor = math.exp(LANGUAGE_FLOOR)
    logs = {lang: math.log(max(probability, floor)) for lang, probability in languages.items()}
    return np.array([logs.get(lang, LANGUAGE_FLOOR) for lang in segment.languages], np.float32)


#: What a word found in an article's text is worth against one found in an example question.
TEXT_SHARE = 0.8


def _fill_questions(
    features: NDArray[np.float32],
    segment: Segment,
    rows: NDArray[np.int64],
    scores: LexicalScores,
    cosines: Cosines,
    unknown: frozenset[int],
) -> None:
    # An example may cover one part of an article alone: it never makes the rest harder to find.
    substitute = np.maximum(features[:, Feature.SNIPPET], features[:, Feature.TITLE])
    features[:, Feature.QUESTION] = features[:, Feature.QUESTION_MEAN] = substitute
    least = np.float32(TEXT_SHARE) * features[:, Feature.NGRAM]
    features[:, Feature.QUESTION_NGRAM] = least
    starts, ends = segment.question_starts[rows], segment.question_starts[rows + 1]
    sizes = (ends - starts).astype(np.int64)
    if not sizes.any():
        return
    questions, _ = ranges(starts, ends)
    if unknown:
        kept = np.array([question not in unknown for question in questions.tolist()], bool)
        owners = np.repeat(np.arange(len(rows)), sizes)[kept]
        questions, sizes = questions[kept], np.bincount(owners, minlength=len(rows))
    asked = np.flatnonzero(sizes)
    if len(asked) == 0:
        return
    size = sizes[asked]
    at = np.cumsum(size) - size
    near = cosines.questions.of(questions)
    features[asked, Feature.QUESTION] = np.maximum(substitute[asked], np.maximum.reduceat(near, at))
    features[asked, Feature.QUESTION_MEAN] = _mean_of_best(near, at, size)
    said = np.maximum.reduceat(scores.asked[questions], at)
    features[asked, Feature.QUESTION_NGRAM] = np.maximum(least[asked], said)


def _mean_of_best(
    values: NDArray[np.float32], at: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mean of the three largest values (or fewer) of each run; runs begin at ``at``."""
    if size.max() > 3:
        owners = np.repeat(np.arange(len(size)), size)
        order = np.lexsort((-values, owners))
        rank = np.arange(len(values)) - np.repeat(at, size)
        values = np.where(rank < 3, values[order], np.float32(0.0))
    return np.asarray(np.add.reduceat(values, at) / np.minimum(size, 3), np.float32)


def best_section(
    segment: Segment, row: int, found: Candidates, part: int, query: Query, ranker: Ranker
) -> int:
    """Row of the section that answers best, by the ranker's own weights for passages and snippets."""
    (first, p0, s0), (last, p1, s1) = segment.starts[row].tolist(), segment.starts[row + 1].tolist()
    if last - first == 1:
        return int(first)
    passages = np.arange(p0, p1)
    worth = (
        ranker.part_weight(Feature.PASSAGE) * segment.passages.products(query.vector, passages)
        + ranker.part_weight(Feature.NGRAM) * found.lexical[part].ngrams[p0:p1]
        + ranker.part_weight(Feature.STEM) * found.lexical[part].stems[p0:p1]
    )
    total = np.full(last - first, -np.inf, np.float32)
    np.maximum.at(total, segment.passage_section[p0:p1] - first, worth)
    closest = np.full(last - first, -1.0, np.float32)
    short = dot(segment.snippets[s0:s1].astype(np.float32), query.vector)
    np.maximum.at(closest, segment.snippet_section[s0:s1] - first, short)
    return int(first + np.argmax(total + ranker.part_weight(Feature.SNIPPET) * closest))
