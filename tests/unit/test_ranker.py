"""The combination of the rankers: weights, the rule for an article's own words, and languages."""

from __future__ import annotations

import numpy as np

from indexer.ranking import FEATURES, LEXICAL, SAME_TEXT_BONUS, Feature, Ranker


def table(*rows: dict[Feature, float]) -> np.ndarray:
    features = np.zeros((len(rows), FEATURES), np.float32)
    for number, row in enumerate(rows):
        for feature, value in row.items():
            features[number, feature] = value
    return features


def test_words_count_more_where_encoders_know_the_language_less() -> None:
    shipped = Ranker.shipped()
    near = {Feature.PASSAGE: 0.5, Feature.SNIPPET: 0.5}
    said = {Feature.NGRAM: 0.7, Feature.STEM: 0.6, Feature.QUESTION_NGRAM: 0.5}
    features = table(near, said)
    english, finnish = shipped.score(features, "en"), shipped.score(features, "fi")
    assert english.tolist() == shipped.score(features).tolist()
    assert finnish[0] == english[0]
    assert finnish[1] > english[1]
    assert (
        shipped.weights.tolist() == Ranker.shipped().weights.tolist()
    )  # nothing is changed for the next one


def test_only_words_count_more() -> None:
    ranker = Ranker(weights=np.ones(FEATURES, np.float32), words={"sv": 2.0})
    for feature in Feature:
        features = table({feature: 0.25})
        more = float((ranker.score(features, "sv") - ranker.score(features, "en"))[0])
        assert more == (0.25 if feature in LEXICAL else 0.0)


def test_an_articles_own_words_come_first_but_not_in_another_language() -> None:
    shipped = Ranker.shipped()
    own = {Feature.QUESTION: 0.99}
    foreign = {Feature.QUESTION: 0.99, Feature.LANGUAGE: -4.0}
    scores = shipped.score(table(own, foreign), "fi")
    assert scores[0] > SAME_TEXT_BONUS > scores[1]
