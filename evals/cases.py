"""The questions that a reader of a report should look at first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evals.catalogue import answered, asked, shown_is_right
from evals.measures import gold_rank
from evals.predictions import Outcome, Prediction
from evals.questions import Kind

LIMIT = 20  #: cases shown of each sort


class CaseList(NamedTuple):
    """One sort of cases, worst first."""

    title: str
    words: str
    cases: tuple[Prediction, ...]
    total: int  #: how many there are


def worst_cases(predictions: Sequence[Prediction], limit: int = LIMIT) -> tuple[CaseList, ...]:
    """Lists of cases, each worst first; empty lists are left out."""
    sure_first = sorted(predictions, key=lambda p: -p.confidence)
    doubtful_first = sure_first[::-1]
    lists = (
        (
            "Wrong answers",
            "Answered with an article that does not answer the question, surest first.",
            [p for p in sure_first if answered(p) and p.answerable and shown_is_right(p) == 0.0],
        ),
        (
            "Answers although no article answers",
            "The right article was not in the index, surest first.",
            [p for p in sure_first if answered(p) and not p.answerable and shown_is_right(p) == 0.0],
        ),
        (
            "Out of scope, but answered",
            "Not about this help center, surest first.",
            [p for p in sure_first if answered(p) and p.question.kind is Kind.OUT_OF_SCOPE],
        ),
        (
            "Requests for a person that were not understood",
            "The customer asked for a person and did not get one at once.",
            [p for p in sure_first if p.question.kind is Kind.HUMAN_REQUEST and not asked(p)],
        ),
        (
            "Handed off as if a person had been asked for",
            "The customer had asked something else.",
            [p for p in sure_first if asked(p) and p.question.kind is not Kind.HUMAN_REQUEST],
        ),
        (
            "Article not found",
            "The right article is in the index but not among the hits.",
            [p for p in sure_first if p.answerable and _rank(p) is None],
        ),
        (
            "Right on top, but not answered",
            "The bot did not dare, least sure first.",
            [
                p
                for p in doubtful_first
                if p.answerable and _rank(p) == 1 and p.outcome not in (Outcome.ANSWERED, Outcome.CLARIFIED)
            ],
        ),
    )
    return tuple(
        CaseList(title, words, tuple(found[:limit]), len(found)) for title, words, found in lists if found
    )


def _rank(p: Prediction) -> int | None:
    return gold_rank([hit.article_id for hit in p.hits], p.question.gold)
