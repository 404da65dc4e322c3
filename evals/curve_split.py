"""Which questions a learning curve may show as examples, and which it keeps for asking."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from evals.errors import RunError
from evals.questions import Kind, Question
from indexer import Article, ArticleKey

KS = (0, 1, 3, 5, 8)  #: example questions an article
TEST_SHARE = 0.5  #: of each article's questions


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveSplit:
    """The same questions to ask at every k, and examples that grow with k."""

    ks: tuple[int, ...]  #: ascending; those that enough articles can serve
    asked: tuple[Question, ...]  #: never shown at any k
    pool: Mapping[ArticleKey, tuple[str, ...]]  #: the first k of each are shown
    articles: int  #: whose questions are asked
    warnings: tuple[str, ...]

    def examples(self, k: int) -> dict[ArticleKey, tuple[str, ...]]:
        """The first ``k`` example questions of each article: those of a smaller k are among them."""
        return {key: texts[:k] for key, texts in self.pool.items() if texts[:k]}


def split_for_curve(
    questions: Sequence[Question],
    articles: Collection[Article],
    ks: Collection[int] = KS,
    *,
    seed: int = 1,
    test_share: float = TEST_SHARE,
    most: int | None = None,
) -> CurveSplit:
    """Part each article's questions by a seeded hash; ``most`` caps the questions asked.

    A question belongs to its first gold article. An article is asked about if it can show examples at the
    largest k; one with fewer questions stays in the index, with as many of its questions as examples as there
    are. A k that fewer than half of the articles with questions can serve is left out. Raises ``RunError``
    when nothing is left to ask.
    """
    own = {article.key: {_folded(text) for text in article.questions} for article in articles}
    by_article: dict[ArticleKey, list[Question]] = {}
    for question in questions:
        if question.kind is Kind.IN_SCOPE and question.gold:
            key = ArticleKey(question.lang, question.gold[0])
            # What the article itself holds as a question has been shown already.
            if key in own and _folded(question.text) not in own[key]:
                by_article.setdefault(key, []).append(question)
    tests: dict[ArticleKey, list[Question]] = {}
    pools: dict[ArticleKey, tuple[str, ...]] = {}
    for key, some in sorted(by_article.items()):
        ordered = sorted(some, key=lambda question: _place(seed, question.id))
        tests[key] = ordered[: max(1, int(len(ordered) * test_share))]
        kept = {_folded(question.text) for question in tests[key]}
        rest = (q.text for q in ordered[len(tests[key]) :] if _folded(q.text) not in kept)
        pools[key] = tuple(dict.fromkeys(rest))
    served = [k for k in sorted(set(ks)) if 2 * sum(len(pool) >= k for pool in pools.values()) >= len(pools)]
    if not by_article or not served:
        raise RunError(
            "no learning curve: no article has in_scope questions enough to show some and ask others"
        )
    largest = served[-1]
    asked = [question for key in tests if len(pools[key]) >= largest for question in tests[key]]
    asked.sort(key=lambda question: _place(seed + 1, question.id))
    asked = asked[:most]
    pool = {
        key: pools[key]
        if len(pools[key]) >= largest
        else tuple(dict.fromkeys(q.text for q in by_article[key]))
        for key in by_article
    }
    return CurveSplit(
        ks=tuple(served),
        asked=tuple(asked),
        pool=pool,
        articles=len({(question.lang, question.gold[0]) for question in asked}),
        warnings=_warnings(sorted(set(ks) - set(served)), pools, largest),
    )


def _warnings(
    left_out: Sequence[int], pools: Mapping[ArticleKey, Sequence[str]], largest: int
) -> tuple[str, ...]:
    found = []
    if left_out:
        found.append(
            f"learning curve: k = {', '.join(map(str, left_out))} is left out, fewer than half of the "
            "articles have so many questions beside those that are asked: lower --curve-test-share"
        )
    few = sum(len(pool) < largest for pool in pools.values())
    if few:
        found.append(
            f"learning curve: {few} of {len(pools)} articles have too few questions to be asked about; "
            "they stay in the index"
        )
    return tuple(found)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _place(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()
