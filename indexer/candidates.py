"""From a question to a table of candidate articles with the features of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

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
    ranges,
    segment_maximum,
    top_rows,
)
from indexer.terms import Hashes
from indexer.vectors import dot

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
    ngram = snapshot.score_terms("ngrams", query.ngrams, query.extra_ngrams, snapshot.passage_count)
    asked = snapshot.score_terms("question_ngrams", query.ngrams, query.extra_ngrams, snapshot.question_count)
    by_language = {
        lang: snapshot.score_terms("stems", terms, query.extra_stems.get(lang, _NONE), snapshot.passage_count)
        for lang, terms in query.stems.items()
    }
    lexical = []
    pools = []
    for number, part in enumerate(snapshot.parts):
        # A stem belongs to one language, so each passage scores in its own language alone.
        by_part = [scores.parts[number] for scores in by_language.values()]
        stems = reduce(np.maximum, by_part) if by_part else np.zeros_like(ngram.parts[number])
        here = LexicalScores(ngrams=ngram.parts[number], stems=stems, asked=asked.parts[number])
        lexical.append(here)
        pools.append(_best(part.segment, _pool(part, query, here), here, query, languages))
    tables = []
    for number, rows in enumerate(_with_translations(snapshot, pools)):
        part = snapshot.parts[number]
        if (concealed := hidden.get(number)) is not None:
            rows = rows[~concealed[rows]]
        unknown = (left_out or {}).get(number, frozenset())
        tables.append(_table(number, part.segment, rows, query, lexical[number], languages, unknown))
    found = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    if probe is not None:
        found["features"][:, Feature.PROBE] = _probed(probe, [table["row"] for table in tables], query)
    _compare_translations(snapshot, found)
    likeliest = max(by_language, key=lambda lang: languages.get(lang, 0.0), default=None)
    return Candidates(
        **found,
        lexical=tuple(lexical),
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


def _pool(part: Part, query: Query, scores: LexicalScores) -> NDArray[np.int64]:
    """Rows of the articles that any ranker puts forward, sorted."""
    segment = part.segment
    owner = segment.passage_article
    rows: list[NDArray[np.signedinteger[Any]]] = [
        owner[segment.passages.search(query.vector, PASSAGE_POOL, part.dead_passages).rows]
    ]
    for lexical in (scores.ngrams, scores.stems):
        rows.append(owner[top_rows(lexical, LEXICAL_POOL)])
    if segment.questions.count:
        near = segment.questions.search(query.vector, QUESTION_POOL, part.dead_questions).rows
        similar = np.concatenate([near, top_rows(scores.asked, QUESTION_POOL)])
        rows.append(np.searchsorted(segment.question_starts, similar, side="right") - 1)
    pooled = np.zeros(len(segment.keys), bool)
    for some in rows:
        pooled[some] = True
    if part.dead_articles is not None:
        pooled &= ~part.dead_articles
    return np.flatnonzero(pooled)


#: Articles of a segment that are compared in full.
COMPARED = 60


def _best(
    segment: Segment,
    rows: NDArray[np.int64],
    scores: LexicalScores,
    query: Query,
    languages: Mapping[str, float],
) -> NDArray[np.int64]:
    """The pooled articles that their passages and example questions put first, sorted."""
    if len(rows) <= COMPARED:
        return rows
    starts, ends = segment.starts[rows, 1], segment.starts[rows + 1, 1]
    passages, at = ranges(starts, ends)
    size = (ends - starts).astype(np.int64)
    worth = 16.0 * segment.passages.products(query.vector, passages)
    worth += 8.0 * scores.ngrams[passages] + 2.0 * scores.stems[passages]
    first = segment_maximum(worth, at, size, 0.0)
    asked = segment.question_starts[rows + 1] - segment.question_starts[rows]
    if asked.any():
        questions, near_at = ranges(segment.question_starts[rows], segment.question_starts[rows + 1])
        near = 8.0 * segment.questions.products(query.vector, questions) + 3.0 * scores.asked[questions]
        first += segment_maximum(near, near_at, asked.astype(np.int64), 0.0)
    first += _language_logs(segment, rows, languages)
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
    languages: Mapping[str, float],
    unknown: frozenset[int],
) -> dict[str, NDArray[Any]]:
    features = np.zeros((len(rows), FEATURES), np.float32)
    starts, ends = segment.starts[rows], segment.starts[rows + 1]
    passages, at = ranges(starts[:, 1], ends[:, 1])
    snippets, snippets_at = ranges(starts[:, 2], ends[:, 2])
    count = (ends[:, 1] - starts[:, 1]).astype(np.int64)
    snippet_count = (ends[:, 2] - starts[:, 2]).astype(np.int64)
    dense = segment.passages.products(query.vector, passages)
    short = dot(segment.snippets[snippets].astype(np.float32), query.vector)
    ngrams, stems = scores.ngrams[passages], scores.stems[passages]
    features[:, Feature.PASSAGE] = segment_maximum(dense, at, count, 0.0)
    features[:, Feature.SNIPPET] = segment_maximum(short, snippets_at, snippet_count, 0.0)
    features[:, Feature.NGRAM] = segment_maximum(ngrams, at, count, 0.0)
    features[:, Feature.STEM] = segment_maximum(stems, at, count, 0.0)
    titles = dot(segment.title_vectors[rows].astype(np.float32), query.vector)
    features[:, Feature.TITLE] = np.where(segment.untitled[rows], features[:, Feature.SNIPPET], titles)
    _fill_questions(features, segment, rows, query, scores, unknown)
    features[:, Feature.LANGUAGE] = _language_logs(segment, rows, languages)
    return {
        "part": np.full(len(rows), number, np.int32),
        "row": rows.astype(np.int32),
        "features": features,
    }


def _language_logs(
    segment: Segment, rows: NDArray[np.int64], languages: Mapping[str, float]
) -> NDArray[np.float32]:
    """How likely each article's language is the question's, as a log probability with a floor."""
    floor = math.exp(LANGUAGE_FLOOR)
    logs = {lang: math.log(max(probability, floor)) for lang, probability in languages.items()}
    each = np.array([logs.get(lang, LANGUAGE_FLOOR) for lang in segment.languages], np.float32)
    return np.asarray(each[segment.language_of[rows]])


#: What a word found in an article's text is worth against one found in an example question.
TEXT_SHARE = 0.8


def _fill_questions(
    features: NDArray[np.float32],
    segment: Segment,
    rows: NDArray[np.int64],
    query: Query,
    scores: LexicalScores,
    unknown: frozenset[int],
) -> None:
    # An example may cover one part of an article alone: it never makes the rest harder to find.
    substitute = np.maximum(features[:, Feature.SNIPPET], features[:, Feature.TITLE])
    features[:, Feature.QUESTION] = features[:, Feature.QUESTION_MEAN] = substitute
    least = np.float32(TEXT_SHARE) * features[:, Feature.NGRAM]
    features[:, Feature.QUESTION_NGRAM] = least
    starts, ends = segment.question_starts[rows], segment.question_starts[rows + 1]
    questions, _ = ranges(starts, ends)
    owners = np.repeat(np.arange(len(rows)), ends - starts)
    if unknown:
        kept = np.array([question not in unknown for question in questions.tolist()], bool)
        questions, owners = questions[kept], owners[kept]
    if len(questions) == 0:
        return
    asked, at, size = np.unique(owners, return_index=True, return_counts=True)
    near = segment.questions.products(query.vector, questions)
    features[asked, Feature.QUESTION] = np.maximum(substitute[asked], segment_maximum(near, at, size, 0.0))
    features[asked, Feature.QUESTION_MEAN] = _mean_of_best(near, owners, at, size)
    said = segment_maximum(scores.asked[questions], at, size, 0.0)
    features[asked, Feature.QUESTION_NGRAM] = np.maximum(least[asked], said)


def _mean_of_best(
    values: NDArray[np.float32], owners: NDArray[np.int64], at: NDArray[np.int64], size: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Mean of the three largest values (or fewer) of each owner; ``owners`` are sorted."""
    order = np.lexsort((-values, owners))
    rank = np.arange(len(values)) - np.repeat(at, size)
    best = np.where(rank < 3, values[order], np.float32(0.0))
    return np.asarray(np.add.reduceat(best, at) / np.minimum(size, 3), np.float32)


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
