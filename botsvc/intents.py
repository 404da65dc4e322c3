"""What a message is besides a question: asking for a person, small talk, abuse, crisis, empty chatter.

A logistic regression per language over hashed character n-grams, words, concepts and the question's embedding
(``evals/training/intents.py`` learns it), with what no statistics sees as rules: the scope of a negation, and
single words that mean only one thing. Clauses of a longer message are also judged apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import NamedTuple, Self
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from botsvc.concepts import concept_names
from botsvc.intent_text import Lexicon, Word, clauses, features, lexicons, tokens
from botsvc.refusals import refuses
from botsvc.wording import is_slip_of

#: Buckets of hashed n-grams, and of concepts behind them.
NGRAMS, CONCEPTS = 1 << 14, 1 << 10
WEIGHT_NGRAMS, WEIGHT_CONCEPTS, WEIGHT_EMBEDDING = 3.0, 1.0, 8.0
#: Small talk, abuse and chatter must be surer than a person's request: they replace an answer.
SURE = 0.6
#: Longer messages are never mere small talk, in words.
SHORT = 9
#: A clause of a longer message counts a little less than the message itself.
CLAUSE_DISCOUNT = 1.0
_ALONE_MOST = 5


class SmallTalkKind(StrEnum):
    """Small talk that has a reply of its own; values are decision reasons."""

    GREETING = "greeting"
    OPENING = "opening"  #: "minulla olisi kysyttävää"
    THANKS = "thanks"
    GOODBYE = "goodbye"
    HOW_ARE_YOU = "how_are_you"
    WHO_ARE_YOU = "who_are_you"
    ACKNOWLEDGED = "acknowledged"
    PRAISE = "praise"


ABUSE, NONSENSE, OUT_OF_SCOPE, OTHER = "abuse", "nonsense", "out_of_scope", "other"
#: Rows of the second model: what a short message is if it is no question.
KINDS = (*(kind.value for kind in SmallTalkKind), ABUSE, NONSENSE, OUT_OF_SCOPE, OTHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """What a message is besides a question."""

    human_request: float = 0.0  #: probability that a person is asked for; 0.5 is the operating point
    small_talk: SmallTalkKind | None = None  #: set only when the message is nothing else
    abuse: bool = False  #: nothing but abuse
    crisis: bool = False
    nonsense: bool = False  #: empty, or no words of any language
    out_of_scope: float = 0.0  #: likeness to far out-of-scope utterances, 0..1


NO_INTENTS = Intents()


class Row(NamedTuple):
    """A message or clause as the model reads it."""

    buckets: NDArray[np.int64]
    values: NDArray[np.float64]


class Parameters(NamedTuple):
    """The fitted model of one language; ``*_text`` are those that serve without an embedding."""

    mean: NDArray[np.float32]  #: of the training embeddings
    human: NDArray[np.float32]  #: ``[NGRAMS + CONCEPTS + dim + 1]``, the bias last
    human_text: NDArray[np.float32]  #: ``[NGRAMS + CONCEPTS + 1]``, the bias last
    kinds: NDArray[np.float32]  #: ``[KINDS, NGRAMS + CONCEPTS + 1]``
    fingerprint: str  #: encoder of the embeddings


def row(words: Sequence[Word], lang: str) -> Row:
    """Hashed features of some words: n-grams first, concepts after them."""
    values = {bucket: WEIGHT_NGRAMS * value for bucket, value in features(words, NGRAMS).items()}
    for name, weight in concept_names(words, lang):
        bucket = NGRAMS + crc32(name.encode()) % CONCEPTS
        values[bucket] = min(values.get(bucket, 0.0) + WEIGHT_CONCEPTS * weight, 2.0 * WEIGHT_CONCEPTS)
    return Row(np.fromiter(values, np.int64, len(values)), np.fromiter(values.values(), float, len(values)))


def stands_alone(parts: Sequence[Sequence[Word]], lexicon: Lexicon) -> bool:
    """Whether the message is one word that asks for a person, give or take courtesies and slips."""
    typed = [word for part in parts for word in part]
    if not typed or len(typed) > _ALONE_MOST or any(word.negated for word in typed):
        return False
    texts = [word.text for word in typed]
    rest = [text for text in texts if not lexicon.around.has(text)]
    if not rest:
        return any(map(lexicon.alone.has, texts))
    if len(rest) > 1:
        return False
    return lexicon.alone.has(rest[0]) or any(is_slip_of(rest[0], known) for known in lexicon.alone.whole)


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Tells what a message is; safe to share between threads."""

    parameters: Mapping[str, Parameters]

    @classmethod
    def load(cls) -> Self:
        """The model that comes with the product."""
        return cls(_shipped())

    def classify(self, text: str, embedding: NDArray[np.float32] | None, lang: str) -> Intents:
        """What a message in ``lang`` is; ``embedding`` is the bundled encoder's, or None with another."""
        if lang not in self.parameters:
            lang = "en"
        lexicon, parameters = lexicons()[lang], self.parameters[lang]
        if not tokens(text):
            return Intents(nonsense=True)
        parts = clauses(text, lexicon)
        kind, likeness, outside = self._kind(parts, lang, parameters)
        human = self._human(parts, embedding, lang, lexicon, parameters)
        crisis = bool(lexicon.crisis.search(" ".join(tokens(text))))
        sure = likeness >= SURE and human < 0.5
        small = kind in SmallTalkKind.__members__.values() and sure
        return Intents(
            human_request=human,
            small_talk=SmallTalkKind(kind) if small else None,
            abuse=kind == ABUSE and sure,
            crisis=crisis,
            nonsense=kind == NONSENSE and sure,
            out_of_scope=outside,
        )

    def _human(
        self,
        parts: Sequence[Sequence[Word]],
        embedding: NDArray[np.float32] | None,
        lang: str,
        lexicon: Lexicon,
        parameters: Parameters,
    ) -> float:
        if stands_alone(parts, lexicon):
            return 0.99
        refused = [refuses(part, lexicon, before=parts[i - 1] if i else ()) for i, part in enumerate(parts)]
        best = -np.inf
        if not any(refused):
            best = self._score(row([w for part in parts for w in part], lang), embedding, parameters)
        if len(parts) > 1:
            for part, no in zip(parts, refused, strict=True):
                if not no:
                    best = max(best, self._score(row(part, lang), None, parameters) - CLAUSE_DISCOUNT)
        return float(1.0 / (1.0 + np.exp(-best))) if np.isfinite(best) else 0.0

    @staticmethod
    def _score(features: Row, embedding: NDArray[np.float32] | None, parameters: Parameters) -> float:
        if embedding is None or len(embedding) != len(parameters.mean):
            weights = parameters.human_text
            return float(weights[features.buckets] @ features.values) + float(weights[-1])
        weights = parameters.human
        centred = (embedding - parameters.mean) * WEIGHT_EMBEDDING
        score = float(weights[features.buckets] @ features.values) + float(weights[-1])
        return score + float(weights[NGRAMS + CONCEPTS : -1] @ centred)

    @staticmethod
    def _kind(parts: Sequence[Sequence[Word]], lang: str, parameters: Parameters) -> tuple[str, float, float]:
        """The likeliest kind, how likely, and how likely far out of scope."""
        words = [word for part in parts for word in part]
        features = row(words, lang)
        scores = parameters.kinds[:, features.buckets] @ features.values + parameters.kinds[:, -1]
        odds = np.exp(scores - scores.max())
        odds /= odds.sum()
        best = int(odds.argmax())
        outside = float(odds[KINDS.index(OUT_OF_SCOPE)])
        if len(words) > SHORT and KINDS[best] not in (OUT_OF_SCOPE, OTHER):
            return OTHER, 1.0, outside
        return KINDS[best], float(odds[best]), outside


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Parameters]:
    with resources.as_file(resources.files("botsvc.intents_data").joinpath("model.npz")) as path:
        stored = np.load(path, allow_pickle=False)
        return {
            lang: Parameters(
                mean=stored[f"{lang}.mean"].astype(np.float32),
                human=stored[f"{lang}.human"].astype(np.float32),
                human_text=stored[f"{lang}.human_text"].astype(np.float32),
                kinds=stored[f"{lang}.kinds"].astype(np.float32),
                fingerprint=str(stored["fingerprint"]),
            )
            for lang in stored["languages"].tolist()
        }
