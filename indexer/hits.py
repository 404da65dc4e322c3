"""What a search gives: hits, and the ranking behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from indexer.articles import ArticleKey
from indexer.candidates import Candidates
from indexer.confidence import Probabilities
from indexer.language import Detected
from indexer.snapshot import Query
from indexer.vectors import Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An article with its best section for one question."""

    article_id: str
    lang: str
    section_id: str
    title: str
    heading_path: tuple[str, ...]
    url: str
    score: float  #: higher is better; comparable within one question only

    @property
    def key(self) -> ArticleKey:
        """The article's name."""
        return ArticleKey(self.lang, self.article_id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchResult:
    """What the index knows about one question."""

    query: str
    language: Detected
    hits: tuple[Hit, ...]  #: best first; at most one per article and language
    probabilities: Probabilities
    cross_language: bool  #: the best hit is not in the question's language
    embedding: Matrix  #: ``[dim]``, as the encoder gave it
    index_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """Candidates in order, for those who learn from them."""

    candidates: Candidates
    order: NDArray[np.int64]
    scores: NDArray[np.float32]  #: of the rows in ``candidates``
    keys: tuple[ArticleKey, ...]  #: of the rows in ``candidates``
    language: Detected
    embedding: Matrix
    query: Query
