"""How the rankers are combined: features of (question, article) pairs and one weight for each.

The weights are a conditional logit over candidate articles (McFadden 1974), learned across several public
help centers and shipped as JSON (``evals/training/ranking.py``); a kb does not refit them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from importlib import resources
from typing import Self

import numpy as np
from numpy.typing import NDArray


class Feature(IntEnum):
    """Columns of the feature table. Cosines are of centred vectors; shares are of the question's idf."""

    PASSAGE = 0  #: best passage's cosine
    SNIPPET = 1  #: best snippet's cosine
    TITLE = 2  #: the title's cosine, as one question to another; without a title, the best snippet's
    NGRAM = 3  #: best passage's share of the question's character n-grams
    STEM = 4  #: best passage's share of the question's stems
    QUESTION = 5  #: nearest example question's cosine, or the better of snippet and title where that is more
    QUESTION_MEAN = 6  #: mean cosine of the three nearest examples; without examples, of snippet and title
    QUESTION_NGRAM = 7  #: best example's share of the question's n-grams, or that much of NGRAM if it is more
    TRANSLATION = 8  #: how much nearer the article's translations are on average; without any, 0
    LANGUAGE = 9  #: log probability that the question is in the article's language
    PROBE = 10  #: the linear probe's score, grown with the number of examples; without examples 0


FEATURES = len(Feature)

#: What compares words and parts of words.
LEXICAL = (Feature.NGRAM, Feature.STEM, Feature.QUESTION_NGRAM)

#: From this cosine on, the question is word for word an article's title or one of its examples: the same text
#: has the same vector, and nothing else comes near one.
SAME_TEXT = 0.985
#: An article whose own words were typed comes before all others.
SAME_TEXT_BONUS = 20.0
#: A log probability below which an article's language is surely not the question's.
SURELY_OTHER_LANGUAGE = -3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranker:
    """Weights of the features; a higher score is better."""

    weights: NDArray[np.float32]  #: ``[FEATURES]``
    #: by language of the question: how much more its words count, where encoders know the language less well
    words: Mapping[str, float] = field(default_factory=dict)

    def score(self, features: NDArray[np.float32], lang: str = "") -> NDArray[np.float32]:
        """``[n, FEATURES]`` of a question in ``lang`` to ``[n]``."""
        weights = self.weights
        if (more := self.words.get(lang, 1.0)) != 1.0:
            weights = weights.copy()
            weights[list(LEXICAL)] *= np.float32(more)
        scores = features @ weights
        scores[self.same_text(features)] += SAME_TEXT_BONUS
        return np.asarray(scores, np.float32)

    @staticmethod
    def same_text(features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which candidates were asked for in their own words, ``[n]``."""
        own = np.maximum(features[:, Feature.QUESTION], features[:, Feature.TITLE])
        likely = features[:, Feature.LANGUAGE] >= SURELY_OTHER_LANGUAGE
        return np.asarray((own >= SAME_TEXT) & likely)

    def part_weight(self, feature: Feature) -> float:
        """One feature's weight, for choosing the best section of an article."""
        return float(self.weights[feature])

    @classmethod
    def shipped(cls) -> Self:
        """The combination that comes with the product."""
        text = resources.files("indexer").joinpath("data/ranking.json").read_text(encoding="utf-8")
        record = json.loads(text)
        weights = [record["weights"][feature.name.lower()] for feature in Feature]
        return cls(weights=np.array(weights, np.float32), words=record["words"])
