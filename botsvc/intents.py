"""What a message is besides a question: asking for a person, small talk, abuse, crisis, empty chatter.

Three things decide whether a person is asked for, and the surest wins: a kernel machine over the message's
embedding, wording and concepts; the same without embedding for each clause of a longer message; and single
words ("aspa", "kundtjänst"). A clause that refuses a person counts for nothing, and neither does the message
as a whole then, because an embedding does not see a negation. The parameters are fitted by
``evals/training/intents.py``.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from botsvc.intent_features import (
    CONCEPT_SIZE,
    NGRAM_SIZE,
    Concepts,
    Features,
    concept_features,
    concepts,
    ngram_features,
)
from botsvc.intent_text import Lexicon, Word, clauses, lexicons
from botsvc.refusals import refusals
from botsvc.smalltalk import SmallTalkKind, recognise
from botsvc.wording import is_slip_of

__all__ = ["NO_INTENTS", "IntentModel", "Intents", "SmallTalkKind"]

Vector = NDArray[np.float32]

FORMAT = 1
_FALLBACK = "en"  #: whose parameters serve a language that has none
_CERTAIN = 6.0  #: score of a message that is nothing but "aspa"
_LONGEST_ALONE = 5  #: words of a message that may be one lexicon word with politeness around it
_REFUSED = -9.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intents:
    """What a message is besides a question."""

    human_request: float = 0.0  #: how surely a person is asked for, 0..1; 0.5 is the operating point
    person_refused: bool = False  #: the message says that no person is wanted, and nothing else
    small_talk: SmallTalkKind | None = None  #: set only when the message is nothing else
    abuse: bool = False  #: nothing but abuse
    crisis: bool = False
    nonsense: bool = False  #: empty, or no words of any language
    out_of_scope: float = 0.0  #: likeness to far out-of-scope utterances, 0..1


NO_INTENTS = Intents()


class Layer(StrEnum):
    """Which part of the model a set of weights is for."""

    WHOLE = "whole"  #: a message with its embedding
    WORDING = "wording"  #: a message without one
    CLAUSE = "clause"  #: one clause of a longer message


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A linear machine over hashed wording and concepts."""

    ngrams: Vector
    concepts: Vector
    bias: float

    def score(self, wording: Features, saying: Features) -> float:
        """Positive where a person is asked for."""
        by_wording = sum(value * float(self.ngrams[bucket]) for bucket, value in wording.items())
        by_saying = sum(value * float(self.concepts[bucket]) for bucket, value in saying.items())
        return by_wording + by_saying + self.bias

    def to_json(self) -> dict[str, Any]:
        """The weights as JSON values, halves in base64."""
        return {"ngrams": packed(self.ngrams), "concepts": packed(self.concepts), "bias": round(self.bias, 6)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The weights that ``to_json`` wrote."""
        ngrams, said = unpacked(record["ngrams"]), unpacked(record["concepts"])
        if (ngrams.size, said.size) != (NGRAM_SIZE, CONCEPT_SIZE):
            raise ValueError(f"intent weights of {ngrams.size} and {said.size} buckets")
        return cls(ngrams=ngrams, concepts=said, bias=float(record["bias"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModel:
    """The parameters of one language."""

    layers: Mapping[Layer, Weights]
    slope: float  #: of the logistic curve that turns a score into a probability
    clause_margin: float  #: how much surer one clause must be than a whole message


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """Embeddings of the training messages and what each says for each machine (the kernel part)."""

    encoder: str  #: fingerprint of the encoder that made them
    centre: Vector  #: [dim]
    vectors: Vector  #: [n, dim], centred
    squares: Vector  #: [n], of the vectors' lengths
    gamma: float
    names: tuple[str, ...]  #: machines: languages, then kinds of small talk
    alphas: Vector  #: [n, machines]
    biases: Vector  #: [machines]; those of languages are in their weights

    def scores(self, embedding: Vector) -> dict[str, float]:
        """The kernel part of each machine's score for one embedding."""
        query = np.asarray(embedding, dtype=np.float32).reshape(-1) - self.centre
        # einsum, not @: threads of the linear algebra library cost more here than they bring, and far more
        # on a busy machine.
        alike = np.einsum("ij,j->i", self.vectors, query)
        distances = self.squares + np.einsum("i,i->", query, query) - 2 * alike
        near = np.exp(-self.gamma * np.maximum(distances, 0))
        found = np.einsum("i,ij->j", near, self.alphas) + self.biases
        return dict(zip(self.names, found.tolist(), strict=True))


class IntentModel:
    """Classifies messages; holds no state but its parameters."""

    def __init__(
        self, languages: Mapping[str, LanguageModel], support: Support, *, use_embedding: bool
    ) -> None:
        self._languages = languages
        self._support = support
        self._use_embedding = use_embedding
        self._lexicons = lexicons()
        self._concepts = concepts()

    @classmethod
    def load(cls, encoder: str = "") -> Self:
        """The shipped model; with another ``encoder`` (fingerprint) than its own, wording alone counts."""
        source = resources.files("botsvc.intents_data").joinpath("model.json").read_bytes()
        record = json.loads(source)
        languages = {lang: _language(one) for lang, one in record["languages"].items()}
        support = _support(record["support"])
        return cls(languages, support, use_embedding=not encoder or encoder == support.encoder)

    def classify(self, text: str, embedding: NDArray[np.floating] | None, lang: str) -> Intents:
        """What ``text`` is besides a question; ``embedding`` is that of the whole text as a query."""
        lang = lang if lang in self._languages else _FALLBACK
        lexicon = self._lexicons[lang]
        found = clauses(text, lexicon)
        kernel: dict[str, float] = {}
        if embedding is not None and self._use_embedding and embedding.size == self._support.centre.size:
            kernel = self._support.scores(np.asarray(embedding, dtype=np.float32))
        talk = recognise(text, kernel)
        spoken = " ".join(word.text for word in flat(found))
        crisis = any(one.crisis.search(spoken) for one in self._lexicons.values())
        score = self._score(found, lang, kernel.get(lang))
        if talk.kind is SmallTalkKind.WHO_ARE_YOU:  # "oletko ihminen?" asks about the bot
            score = _REFUSED
        probability = 1 / (1 + math.exp(-min(30.0, max(-30.0, score * self._languages[lang].slope))))
        plain = probability < 0.5 and not crisis
        return Intents(
            human_request=probability,
            person_refused=plain and bool(found) and all(refusals(found, lexicon)),
            small_talk=talk.kind if plain else None,
            abuse=talk.abuse and plain,
            crisis=crisis,
            nonsense=talk.nonsense and plain,
            out_of_scope=talk.out_of_scope,
        )

    def _score(self, found: Sequence[Sequence[Word]], lang: str, kernel: float | None) -> float:
        """How surely a person is asked for; 0 is the operating point."""
        if not found:
            return _REFUSED
        refused = refusals(found, self._lexicons[lang])
        if not any(refused) and any(asks_alone(flat(found), one) for one in self._lexicons.values()):
            return _CERTAIN
        model, table = self._languages[lang], self._concepts[lang]
        scores = [_REFUSED]
        if not any(refused):
            layer = model.layers[Layer.WORDING if kernel is None else Layer.WHOLE]
            scores.append(layer.score(*features(found, table)) + (kernel or 0.0))
        if len(found) > 1:
            clause_layer = model.layers[Layer.CLAUSE]
            for clause, no in zip(found, refused, strict=True):
                if not no:
                    alone = asks_alone(clause, self._lexicons[lang]) and any(refused)
                    scores.append(
                        _CERTAIN
                        if alone
                        else clause_layer.score(*features([clause], table)) - model.clause_margin
                    )
        return max(scores)


def flat(found: Sequence[Sequence[Word]]) -> list[Word]:
    """The words of all clauses."""
    return [word for clause in found for word in clause]


def features(found: Sequence[Sequence[Word]], table: Concepts) -> tuple[Features, Features]:
    """Wording and concepts of a message or clause."""
    return ngram_features(flat(found)), concept_features(found, table)


def asks_alone(words: Sequence[Word], lexicon: Lexicon) -> bool:
    """Whether the words are one that asks for a person by itself ("aspa"), with politeness around it."""
    if not words or len(words) > _LONGEST_ALONE or any(word.negated for word in words):
        return False
    texts = [word.text for word in words]
    joined = "".join(text for text in texts if not lexicon.polite.has(text))
    if any(is_slip_of(joined, phrase) for phrase in lexicon.phrases.whole):
        return True
    rest = [text for text in texts if not lexicon.around.has(text)]
    if not rest:
        return any(map(lexicon.alone.has, texts))
    if len(rest) > 1:
        return False
    if lexicon.other.has(rest[0]) or lexicon.alone.has(rest[0]):
        return lexicon.alone.has(rest[0])
    return any(is_slip_of(rest[0], word) for word in lexicon.alone.whole)


def packed(values: NDArray[np.floating]) -> str:
    """Numbers as base64 of 16-bit floats."""
    return base64.b64encode(np.asarray(values, dtype="<f2").tobytes()).decode()


def unpacked(text: str) -> Vector:
    """The numbers that ``packed`` wrote."""
    return np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float32)


def _language(record: Mapping[str, Any]) -> LanguageModel:
    return LanguageModel(
        layers={Layer(name): Weights.from_json(one) for name, one in record["layers"].items()},
        slope=float(record["slope"]),
        clause_margin=float(record["clause_margin"]),
    )


def _support(record: Mapping[str, Any]) -> Support:
    names = tuple(record["names"])
    centre = unpacked(record["centre"])
    steps = unpacked(record["steps"])
    whole = np.frombuffer(base64.b64decode(record["vectors"]), dtype=np.int8).reshape(len(steps), centre.size)
    vectors = whole.astype(np.float32) * steps[:, None]
    return Support(
        encoder=record["encoder"],
        centre=centre,
        vectors=vectors,
        squares=np.einsum("ij,ij->i", vectors, vectors),
        gamma=float(record["gamma"]),
        names=names,
        alphas=unpacked(record["alphas"]).reshape(len(steps), len(names)),
        biases=unpacked(record["biases"]),
    )
