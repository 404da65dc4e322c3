"""A segment: some articles, cut, encoded and counted, as plain files that are written once.

An index is a large base segment and a small delta on top of it. A segment depends on its own articles alone
(plus the encoder), so an edit writes a new delta and marks rows of the base as dead; nothing else is touched.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.access import Limits, limits_from_json, limits_of, limits_to_json
from indexer.articles import Article, ArticleKey
from indexer.errors import IndexDamaged
from indexer.lexical import Postings
from indexer.sections import Section
from indexer.terms import ngrams, stems
from indexer.units import ArticleUnits
from indexer.vectors import FlatVectors, Matrix

#: Length in terms at which BM25 discounts nothing: about that of a full passage.
NGRAM_PIVOT = 1200.0
STEM_PIVOT = 70.0
QUESTION_PIVOT = 120.0

_ARRAYS = ("passage_section", "passage_article", "snippet_section", "starts", "question_starts")


class ArticleVectors(NamedTuple):
    """The vectors of one article's units, each ``[n, dim]``, centred and of unit length."""

    passages: Matrix
    snippets: Matrix
    title: Matrix  #: ``[1, dim]``; zero when there is no title
    questions: Matrix


class SectionRow(NamedTuple):
    """What search needs of a section without opening its text."""

    article: int
    anchor: str
    heading_path: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segment:
    """Rows are articles; their sections and units lie side by side in article order."""

    keys: tuple[ArticleKey, ...]
    titles: tuple[str, ...]
    slugs: tuple[str, ...]
    hashes: tuple[str, ...]  #: content hash of each article
    limits: tuple[Limits | None, ...]
    rows: Mapping[ArticleKey, int]
    languages: tuple[str, ...]
    language_of: NDArray[np.intp]  #: place of each article's language in ``languages``
    untitled: NDArray[np.bool_]
    sections: tuple[SectionRow, ...]
    passage_section: NDArray[np.int32]
    passage_article: NDArray[np.int32]
    snippet_section: NDArray[np.int32]
    #: ``[articles + 1, 3]``: where each article's sections, passages and snippets begin
    starts: NDArray[np.int32]
    question_starts: NDArray[np.int32]  #: ``[articles + 1]``
    passages: FlatVectors
    questions: FlatVectors
    snippets: NDArray[np.float16]
    title_vectors: NDArray[np.float16]
    ngrams: Postings
    stems: Postings
    question_ngrams: Postings
    records: RecordFile

    def article(self, row: int) -> Article:
        """The article of a row, read from disk."""
        return Article.from_json(self.records.read(row)["article"])

    def article_sections(self, row: int) -> tuple[Section, ...]:
        """The sections of a row's article, read from disk."""
        return tuple(Section.from_json(record) for record in self.records.read(row)["sections"])

    def vectors(self, row: int) -> ArticleVectors:
        """The vectors of one article's units, for a segment that takes it over unchanged."""
        (_, p0, s0), (_, p1, s1) = self.starts[row].tolist(), self.starts[row + 1].tolist()
        q0, q1 = int(self.question_starts[row]), int(self.question_starts[row + 1])
        return ArticleVectors(
            passages=self.passages.rows(slice(p0, p1)),
            snippets=self.snippets[s0:s1].astype(np.float32),
            title=self.title_vectors[row : row + 1].astype(np.float32),
            questions=self.questions.rows(slice(q0, q1)),
        )


class RecordFile:
    """One JSON record a line, read by row without holding the texts in memory."""

    def __init__(self, path: Path, offsets: NDArray[np.int64]) -> None:
        self._offsets = offsets
        with path.open("rb") as file:
            size = path.stat().st_size
            if size != int(offsets[-1]):
                raise IndexDamaged(f'{path} has {size} bytes instead of {int(offsets[-1])}: '
                                   'rebuild with "helppari index build"')  # fmt: skip
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def read(self, row: int) -> Any:  # noqa: ANN401 - any JSON record
        """The record of a row."""
        return json.loads(self._map[int(self._offsets[row]) : int(self._offsets[row + 1])])


def write_segment(
    folder: Path, units: Sequence[ArticleUnits], vectors: Sequence[ArticleVectors], dim: int
) -> list[str]:
    """Write a segment of these articles (at least one) into an existing folder; returns the file names."""
    files = ["records.jsonl", "rows.json", "passages.faiss", "questions.faiss"]
    offsets = [0]
    with (folder / "records.jsonl").open("wb") as out:
        for unit in units:
            record = {"article": unit.article.to_json(), "sections": [s.to_json() for s in unit.sections]}
            line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            offsets.append(offsets[-1] + len(line))
            out.write(line)
    rows = [_row(unit) for unit in units]
    (folder / "rows.json").write_text(
        json.dumps(rows, ensure_ascii=False, separators=(",", ":")), encoding="utf-8"
    )
    arrays = _arrays(units) | {"offsets": np.array(offsets, np.int64)}
    arrays["snippets"] = np.concatenate([v.snippets for v in vectors]).astype(np.float16)
    arrays["titles"] = np.concatenate([v.title for v in vectors]).astype(np.float16)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
        files.append(f"{name}.npy")
    FlatVectors.build(np.concatenate([v.passages for v in vectors])).save(folder / "passages.faiss")
    questions = [v.questions for v in vectors if len(v.questions)]
    FlatVectors.build(np.concatenate(questions) if questions else np.zeros((0, dim), np.float32)).save(
        folder / "questions.faiss"
    )
    texts = [(unit.article.lang, text) for unit in units for text in unit.passages]
    files += Postings.build([ngrams(text) for _, text in texts], NGRAM_PIVOT).save(folder, "ngrams")
    files += Postings.build([stems(text, lang) for lang, text in texts], STEM_PIVOT).save(folder, "stems")
    asked = [ngrams(question) for unit in units for question in unit.questions]
    files += Postings.build(asked, QUESTION_PIVOT).save(folder, "asked")
    return sorted(files)


def _row(unit: ArticleUnits) -> dict[str, Any]:
    article = unit.article
    return {
        "lang": article.lang,
        "id": article.id,
        "title": article.title,
        "slug": article.slug,
        "hash": article.content_hash(),
        "limits": limits_to_json(limits_of(article)),
        "sections": [[section.anchor, *section.heading_path] for section in unit.sections],
    }


def _arrays(units: Sequence[ArticleUnits]) -> dict[str, NDArray[Any]]:
    starts = np.zeros((len(units) + 1, 3), np.int32)
    question_starts = np.zeros(len(units) + 1, np.int32)
    passage_section: list[int] = []
    passage_article: list[int] = []
    snippet_section: list[int] = []
    for row, unit in enumerate(units):
        first = int(starts[row, 0])
        passage_section += [first + s for s in unit.passage_sections]
        passage_article += [row] * len(unit.passages)
        snippet_section += [first + s for s in unit.snippet_sections]
        sizes = (len(unit.sections), len(unit.passages), len(unit.snippets))
        starts[row + 1] = starts[row] + np.array(sizes, np.int32)
        question_starts[row + 1] = question_starts[row] + len(unit.questions)
    return {
        "passage_section": np.array(passage_section, np.int32),
        "passage_article": np.array(passage_article, np.int32),
        "snippet_section": np.array(snippet_section, np.int32),
        "starts": starts,
        "question_starts": question_starts,
    }


def load_segment(folder: Path) -> Segment:
    """Open a segment; raises ``IndexDamaged`` where its parts do not fit together."""
    try:
        rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        arrays = {name: np.load(folder / f"{name}.npy", allow_pickle=False) for name in _ARRAYS}
        big = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
            for name in ("snippets", "titles")
        }
        offsets = np.load(folder / "offsets.npy", allow_pickle=False)
        passages = FlatVectors.load(folder / "passages.faiss")
        questions = FlatVectors.load(folder / "questions.faiss")
        ngram_postings = Postings.load(folder, "ngrams", passages.count)
        stem_postings = Postings.load(folder, "stems", passages.count)
        asked_postings = Postings.load(folder, "asked", questions.count)
        records = RecordFile(folder / "records.jsonl", offsets)
    except (OSError, ValueError, KeyError) as error:
        raise IndexDamaged(
            f'the segment {folder} cannot be read ({error}): rebuild with "helppari index build"'
        ) from error
    sections = tuple(
        SectionRow(article, section[0], tuple(section[1:]))
        for article, row in enumerate(rows)
        for section in row["sections"]
    )
    expected = (len(sections), passages.count, len(big["snippets"]))
    if tuple(arrays["starts"][-1]) != expected or len(offsets) != len(rows) + 1:
        raise IndexDamaged(f'the parts of {folder} do not fit together: rebuild with "helppari index build"')
    keys = tuple(ArticleKey(row["lang"], row["id"]) for row in rows)
    languages = tuple(sorted({key.lang for key in keys}))
    return Segment(
        keys=keys,
        rows={key: row for row, key in enumerate(keys)},
        languages=languages,
        language_of=np.array([languages.index(key.lang) for key in keys], np.intp),
        untitled=np.array([not row["title"] for row in rows], bool),
        limits=tuple(limits_from_json(row["limits"]) for row in rows),
        titles=tuple(row["title"] for row in rows),
        slugs=tuple(row["slug"] for row in rows),
        hashes=tuple(row["hash"] for row in rows),
        sections=sections,
        passages=passages,
        questions=questions,
        snippets=big["snippets"],
        title_vectors=big["titles"],
        ngrams=ngram_postings,
        stems=stem_postings,
        question_ngrams=asked_postings,
        records=records,
        **arrays,
    )
