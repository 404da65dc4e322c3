"""Which of the site's languages a short text is in: naive Bayes over hashed character n-grams.

The tables are learned by ``evals/training/language.py`` and shipped; only languages in them can be told
apart, and the interface's language decides where the text itself does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexer.terms import question_hashes, question_words

SIZES = (1, 2, 3, 4)
BUCKETS = 1 << 14
#: Neighbouring n-grams tell much the same, so each counts for less than an independent observation would.
TEMPERATURE = 0.35
#: How much more likely the interface's language is than any other, before the text is read.
HINT_ODDS = 6.0
#: One word never switches: its evidence is kept below the hint's.
ONE_WORD_LIMIT = 1.5


class Detected(NamedTuple):
    """The likeliest language, and how likely it is among the site's languages."""

    lang: str
    probability: float


def buckets(text: str) -> NDArray[np.int64]:
    """The bucket of every hashed n-gram of the words of a text, in no order."""
    hashes = question_hashes(text)
    if not hashes:
        return np.zeros(0, np.int64)
    return (np.concatenate(hashes[: len(SIZES)]) >> np.uint64(64 - 14)).astype(np.int64)


def bucket_counts(text: str) -> NDArray[np.int64]:
    """How often each hashed n-gram bucket occurs in the words of a text, ``[BUCKETS]``."""
    return np.bincount(buckets(text), minlength=BUCKETS)


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, ...], NDArray[np.float32]]:
    with resources.as_file(resources.files("indexer").joinpath("data/language.npy")) as path:
        table = np.load(path, allow_pickle=False).astype(np.float32)
    # What one n-gram tells of all languages lies side by side: a question reads some 200 places of it.
    return SHIPPED_LANGUAGES, np.ascontiguousarray(table.T)


#: Rows of the shipped table.
SHIPPED_LANGUAGES = ("en", "fi", "sv")


def language_probabilities(
    text: str, languages: Sequence[str], hint: str | None = None
) -> Mapping[str, float]:
    """The probability of each of the site's languages; they sum to 1.

    ``hint`` is the interface's language. A language that the tables do not hold is as likely as the hint
    makes it.
    """
    if len(languages) == 1:
        return {languages[0]: 1.0}
    known, table = _shipped()
    found = buckets(text)
    evidence = np.zeros(len(languages))
    rows = [known.index(lang) if lang in known else -1 for lang in languages]
    if len(found) and all(row >= 0 for row in rows):
        evidence = TEMPERATURE * table[found].sum(axis=0, dtype=np.float64)[rows]
        evidence -= evidence.max()
        if hint in languages and len(question_words(text)) == 1:
            evidence = np.maximum(evidence, -ONE_WORD_LIMIT)
    prior = np.array([HINT_ODDS if lang == hint else 1.0 for lang in languages])
    weights = prior * np.exp(evidence)
    weights /= weights.sum()
    return dict(zip(languages, weights.tolist(), strict=True))


def detect(text: str, languages: Sequence[str], hint: str | None = None) -> Detected:
    """The likeliest of the site's languages."""
    probabilities = language_probabilities(text, languages, hint)
    best = max(probabilities, key=lambda lang: (probabilities[lang], lang == hint))
    return Detected(best, probabilities[best])
