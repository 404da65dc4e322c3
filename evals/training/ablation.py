"""What each part of the ranking brings: ``python -m evals.training.ablation DATA MEMORY``.

Every question of every set is ranked once; a part is taken away by giving it no weight. Prints a Markdown
table of recall@1 and of the change without each part, with 95 % intervals of the paired difference (cluster
bootstrap over articles). The shipped weights are the same for all sets: nothing is fitted here.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from evals.intervals import Interval, bootstrap_means, cluster_draws, clusters_of, percentile_interval
from evals.training.sets import OpenSet, open_sets
from indexer.articles import ArticleKey
from indexer.ranking import Feature, Ranker

#: What is taken away together, with the name of the row.
PARTS: dict[str, tuple[Feature, ...]] = {
    "passages": (Feature.PASSAGE,),
    "snippets": (Feature.SNIPPET,),
    "titles": (Feature.TITLE,),
    "all vectors of texts": (Feature.PASSAGE, Feature.SNIPPET, Feature.TITLE),
    "character n-grams": (Feature.NGRAM, Feature.QUESTION_NGRAM),
    "stems": (Feature.STEM,),
    "all words": (Feature.NGRAM, Feature.STEM, Feature.QUESTION_NGRAM),
    "examples one by one": (Feature.QUESTION, Feature.QUESTION_MEAN, Feature.QUESTION_NGRAM),
    "linear probe": (Feature.PROBE,),
    "translations": (Feature.TRANSLATION,),
}
RESAMPLES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """One question's candidates."""

    features: NDArray[np.float32]
    right: NDArray[np.bool_]
    article: ArticleKey  #: the first right one


def collect(opened: OpenSet) -> dict[str, list[Ranking]]:
    """The rankings of a set's questions by language."""
    found: dict[str, list[Ranking]] = defaultdict(list)
    for question in opened.asked:
        ranked = opened.index.rank(question.text)
        right = np.array([key in question.gold for key in ranked.keys], bool)
        article = min(question.gold, default=ArticleKey("", ""))
        found[question.lang].append(
            Ranking(features=ranked.candidates.features, right=right, article=article)
        )
    return found


def hits(rankings: Sequence[Ranking], lang: str, without: Sequence[Feature]) -> NDArray[np.float64]:
    """1 where the best article is right, by question."""
    shipped = Ranker.shipped()
    weights = shipped.weights.copy()
    weights[list(without)] = 0.0
    ranker = Ranker(weights=weights, words=shipped.words)
    best = [int(np.argmax(ranker.score(each.features, lang))) for each in rankings]
    return np.array([each.right[at] for each, at in zip(rankings, best, strict=True)], float)


def interval(values: NDArray[np.float64], rankings: Sequence[Ranking]) -> Interval:
    """95 % of the mean, resampling articles with all their questions."""
    clusters = clusters_of([ranking.article for ranking in rankings])
    draws = cluster_draws(clusters.size, resamples=RESAMPLES, seed=1)
    found = percentile_interval(bootstrap_means(values, clusters, draws))
    return found if found is not None else Interval(math.nan, math.nan)


def rows(opened: OpenSet) -> Iterator[str]:
    """Lines of the table."""
    for lang, rankings in sorted(collect(opened).items()):
        every = hits(rankings, lang, ())
        low, high = interval(every, rankings)
        examples = "uneven" if opened.examples < 0 else str(opened.examples)
        name = f"| {opened.name} {lang} | {examples} | {len(rankings)}"
        yield f"{name} | everything | {every.mean():.3f} | {low:.3f} .. {high:.3f} |"
        for part, features in PARTS.items():
            change = hits(rankings, lang, features) - every
            if not change.any():
                continue
            low, high = interval(change, rankings)
            yield f"{name} | without {part} | {change.mean():+.3f} | {low:+.3f} .. {high:+.3f} |"


def main(data: Path, memory: Path) -> None:
    """Print the table."""
    click.echo(
        "| set | examples | n | ranking | recall@1, change | 95 % |\n| --- | --- | --- | --- | --- | --- |"
    )
    for opened in open_sets(data, memory, (0, 3)):
        for row in rows(opened):
            click.echo(row)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
