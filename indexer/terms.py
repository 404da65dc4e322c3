"""Text to lexical terms: character n-grams and stems, as 32-bit hashes, alike for articles and questions.

N-grams run over word boundaries, so that `lounas etu` and `lounasetu` share most of theirs. A word with dots
or accents is also indexed without them, at half the weight: `tyosuhde` finds `työsuhde`, but `förmån` typed
in full never finds `förman`.
"""

from __future__ import annotations

import re
import threading
import unicodedata
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import Stemmer
from numpy.typing import NDArray

Hashes = NDArray[np.uint32]

NGRAM_SIZES = (3, 4, 5)
QUESTION_SIZES = (1, 2, 3, 4, 5)  #: those of n-grams and of languages
#: Weights count in halves, so that a term without its dots can weigh half of a plain one.
PLAIN, FOLDED = 2, 1

_WORD = re.compile(r"\w+")
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
#: What a size adds to each hash, so that n-grams of two sizes do not meet.
_SEEDS = {size: np.uint64(size * 0x100000001B3**size % 2**64) for size in range(1, 6)}
_STEMMERS = {
    "da": "danish", "de": "german", "en": "english", "es": "spanish", "et": "estonian", "fi": "finnish",
    "fr": "french", "it": "italian", "nb": "norwegian", "nl": "dutch", "no": "norwegian", "pt": "portuguese",
    "ru": "russian", "sv": "swedish",
}  # fmt: skip
_local = threading.local()  # a Stemmer is not safe to share between threads


NO_TERMS: Hashes = np.zeros(0, np.uint32)


class WeightedTerms(NamedTuple):
    """Terms of one text and how much each occurrence weighs (in halves)."""

    terms: Hashes
    weights: NDArray[np.uint8]


def words(text: str) -> list[str]:
    """The lower-case words of a text, NFC."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


@lru_cache(maxsize=4096)
def _fold_character(character: str) -> str:
    decomposed = unicodedata.normalize("NFKD", character)
    base = "".join(c for c in decomposed if not unicodedata.combining(c))
    return base if len(base) == 1 else character


def fold(text: str) -> str:
    """The text without dots and accents; as long as the NFC text, character by character."""
    return text if text.isascii() else "".join(map(_fold_character, text))


def hashed_ngrams(text: str, sizes: Sequence[int]) -> list[NDArray[np.uint64]]:
    """For each of the ascending sizes, the 64-bit hash of every n-gram of the text, in order."""
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.uint64)
    hashes = []
    value, length = codes, 1
    for size in sizes:
        # A polynomial of the characters: each one more is a step on from those before it.
        while length < size:
            value = value[:-1] * _PRIME + codes[length:]
            length += 1
        hashes.append((value + _SEEDS[size]) * _MIX)
    return hashes


def _ngram_hashes(text: str) -> NDArray[np.uint32]:
    """The hash of every n-gram of all sizes, in order."""
    return _as_terms(hashed_ngrams(text, NGRAM_SIZES))


def _as_terms(hashes: Sequence[NDArray[np.uint64]]) -> NDArray[np.uint32]:
    return (np.concatenate(hashes) >> np.uint64(32)).astype(np.uint32)


@lru_cache(maxsize=32)
def question_words(text: str) -> tuple[str, ...]:
    """The words of what a customer typed: its language, its stems and its n-grams are looked for in turn."""
    return tuple(words(text))


@lru_cache(maxsize=32)
def question_hashes(text: str) -> tuple[NDArray[np.uint64], ...]:
    """The hashes of the n-grams of one to five characters of what a customer typed; empty without words."""
    found = question_words(text)
    return tuple(hashed_ngrams(f" {' '.join(found)} ", QUESTION_SIZES)) if found else ()


def _spaced(text: str) -> str:
    joined = " ".join(words(text))
    return f" {joined} " if joined else ""


def ngrams(text: str) -> WeightedTerms:
    """Every character n-gram occurrence of an article's text, plain and (where it differs) folded."""
    spaced = _spaced(text)
    plain = _ngram_hashes(spaced)
    if spaced.isascii():
        return WeightedTerms(plain, np.full(len(plain), PLAIN, np.uint8))
    folded = _ngram_hashes(fold(spaced))
    extra = folded[folded != plain]
    weights = np.concatenate([np.full(len(plain), PLAIN, np.uint8), np.full(len(extra), FOLDED, np.uint8)])
    return WeightedTerms(np.concatenate([plain, extra]), weights)


def query_ngrams(text: str) -> Hashes:
    """The distinct n-grams of what a customer typed, as typed."""
    hashes = question_hashes(text)
    return _distinct(_as_terms(hashes[NGRAM_SIZES[0] - 1 :])) if hashes else NO_TERMS


def _distinct(terms: Hashes) -> Hashes:
    """The terms, sorted, each once; numpy's ``unique`` takes several times as long for a question's few."""
    terms = np.sort(terms)
    first = np.empty(len(terms), bool)
    first[:1] = True
    np.not_equal(terms[1:], terms[:-1], out=first[1:])
    return terms[first]


def stem(word: str, lang: str) -> str:
    """The word's stem; the word itself in a language without a stemmer."""
    algorithm = _STEMMERS.get(lang)
    if algorithm is None:
        return word
    stemmers: dict[str, Stemmer.Stemmer] | None = getattr(_local, "stemmers", None)
    if stemmers is None:
        stemmers = _local.stemmers = {}
    stemmer = stemmers.get(algorithm)
    if stemmer is None:
        stemmer = stemmers[algorithm] = Stemmer.Stemmer(algorithm)
    return str(stemmer.stemWord(word))


def _stem_hash(word: str, lang: str) -> int:
    """Stems of one language never meet another's: `kort` is a card in Swedish and nothing in Finnish."""
    return zlib.crc32(f"{lang}:{stem(word, lang)}".encode())


@lru_cache(maxsize=200_000)
def _word_terms(word: str, lang: str) -> tuple[tuple[int, int], ...]:
    plain = _stem_hash(word, lang)
    without = fold(word)
    if without == word:
        return ((plain, PLAIN),)
    return ((plain, PLAIN), (_stem_hash(without, lang), FOLDED))


def stems(text: str, lang: str) -> WeightedTerms:
    """Every word occurrence of an article's text by its stem, plain and (where it differs) folded."""
    pairs = [pair for word in words(text) for pair in _word_terms(word, lang)]
    return WeightedTerms(
        np.fromiter((p[0] for p in pairs), np.uint32, len(pairs)),
        np.fromiter((p[1] for p in pairs), np.uint8, len(pairs)),
    )


def query_stems(text: str, lang: str) -> Hashes:
    """The distinct stems of what a customer typed, in one language."""
    return _distinct(np.array([_word_terms(word, lang)[0][0] for word in question_words(text)], np.uint32))
