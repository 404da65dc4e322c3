"""Measures of one question's ranking; higher is better."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def gold_rank(ranked: Sequence[str], gold: Collection[str]) -> int | None:
    """The 1-based place of the first right article, or None when no hit is right."""
    return next((rank for rank, article in enumerate(ranked, start=1) if article in gold), None)


def recall_at(k: int, ranked: Sequence[str], gold: Collection[str]) -> float | None:
    """1.0 when one of the first ``k`` hits is right, else 0.0; undefined without a right article.

    ``gold`` lists alternatives of which any is right, so this is what the literature calls success@k; with
    one right article it is recall@k.
    """
    if not gold:
        return None
    return float(any(article in gold for article in ranked[:k]))


def reciprocal_rank(ranked: Sequence[str], gold: Collection[str]) -> float | None:
    """1 / place of the first right article, 0.0 when no hit is right; undefined without a right article."""
    if not gold:
        return None
    rank = gold_rank(ranked, gold)
    return 0.0 if rank is None else 1.0 / rank
