"""What a message is besides a question: asking for a person, small talk, abuse, crisis, empty chatter.

Small nets decide whether a person is asked for. They read the words in order, each with its letters, what it
stands for (``intents_data/concepts.yaml``) and what the rules say of its clause: a negation reaches it, the
clause refuses a person. They see the message's embedding too, and do without where there is none. One word
that asks by itself ("aspa", "kundtjänst") needs no net. The parameters are fitted by
``evals/training/intents.py``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from botsvc.intent_features import Concepts, Read, concepts, read
from botsvc.intent_net import Nets, unpacked
from botsvc.intent_text import Lexicon, Word, clauses, lexicons
from botsvc.refusals import refusals, refuses_machine
from botsvc.smalltalk import SmallTalkKind, recognise
from botsvc.wording import is_slip_of

__all__ = ["NO_INTENTS", "IntentModel", "Intents", "SmallTalkKind"]

FORMAT = 2
REQUEST = "human_request"  #: the nets' score for asking for a person
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
    callback: bool = False  #: to be called is wished for
    nonsense: bool = False  #: empty, or no words of any language
    out_of_scope: float = 0.0  #: likeness to far out-of-scope utterances, 0..1


NO_INTENTS = Intents()


class Layer(StrEnum):
    """What the nets had to go by."""

    WHOLE = "whole"  #: words and embedding
    WORDING = "wording"  #: words alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message as the rules and the nets see it."""

    clauses: Sequence[Sequence[Word]]
    refused: Sequence[bool]  #: clauses that say that no person is wanted
    certain: bool  #: one word asks for a person by itself, or talking to a bot is refused
    words: Sequence[Read]


def message(text: str, lexicon: Lexicon, table: Concepts) -> Message:
    """What the rules find in ``text``."""
    found = clauses(text, lexicon)
    refused = refusals(found, lexicon)
    alone = not any(refused) and asks_alone(flat(found), lexicon)
    words = read(text, found, refused, alone=alone, lexicon=lexicon, table=table)
    certain = alone or (not any(refused) and any(refuses_machine(clause, lexicon) for clause in found))
    return Message(clauses=found, refused=refused, certain=certain, words=words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where a score turns into a request, and how steeply."""

    threshold: float
    slope: float  #: of the logistic curve that turns a score into a probability

    def probability(self, score: float) -> float:
        """0.5 at the threshold."""
        return 1 / (1 + math.exp(-min(30.0, max(-30.0, (score - self.threshold) * self.slope))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How like small talk, abuse and far questions an embedding is."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]  #: [names, dim]
    biases: NDArray[np.float32]  #: [names]

    def scores(self, centred: NDArray[np.float32]) -> dict[str, float]:
        """By name, positive where it is likely."""
        found = np.einsum("ij,j->i", self.weights, centred) + self.biases
        return dict(zip(self.names, found.tolist(), strict=True))

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What ``evals/training/intents.py`` wrote."""
        return cls(
            names=tuple(record["names"]),
            weights=unpacked(record["weights"]),
            biases=unpacked(record["biases"]),
        )


class IntentModel:
    """Classifies messages; holds no state but its parameters."""

    def __init__(
        self,
        nets: Nets,
        points: Mapping[str, Mapping[Layer, Point]],
        kinds: Likeness,
        *,
        use_embedding: bool,
    ) -> None:
        self._nets = nets
        self._points = points
        self._kinds = kinds
        self._use_embedding = use_embedding
        self._lexicons = lexicons()
        self._concepts = concepts()

    @classmethod
    def load(cls, encoder: str = "") -> Self:
        """The shipped model; with another ``encoder`` (fingerprint) than its own, wording alone counts."""
        source = resources.files("botsvc.intents_data").joinpath("model.json").read_bytes()
        return cls.from_json(json.loads(source), encoder)

    @classmethod
    def from_json(cls, record: Mapping[str, Any], encoder: str = "") -> Self:
        """The model that ``evals/training/intents.py`` wrote."""
        points = {
            lang: {Layer(layer): Point(**point) for layer, point in layers.items()}
            for lang, layers in record["points"].items()
        }
        use_embedding = not encoder or encoder == record["encoder"]
        return cls(
            Nets.from_json(record["nets"]),
            points,
            Likeness.from_json(record["kinds"]),
            use_embedding=use_embedding,
        )

    def classify(self, text: str, embedding: NDArray[np.floating] | None, lang: str) -> Intents:
        """What ``text`` is besides a question; ``embedding`` is that of the whole text as a query."""
        lang = lang if lang in self._points else _FALLBACK
        seen = message(text, self._lexicons[lang], self._concepts[lang])
        view = None
        if embedding is not None and self._use_embedding and embedding.size == self._nets.centre.size:
            view = np.asarray(embedding, dtype=np.float32).reshape(-1)
        scores = self._nets.scores(seen.words, view, lang)
        likeness = {} if view is None else self._kinds.scores(view - self._nets.centre)
        talk = recognise(text, likeness)
        spoken = " ".join(word.text for word in flat(seen.clauses))
        crisis = any(one.crisis.search(spoken) for one in self._lexicons.values())
        point = self._points[lang][Layer.WORDING if view is None else Layer.WHOLE]
        probability = point.probability(self._score(seen, scores[REQUEST], point, lang))
        # "oletko ihminen?" asks about the bot, and "yes please" is an answer to what was asked before.
        if talk.kind is SmallTalkKind.WHO_ARE_YOU or talk.covered:
            probability = point.probability(_REFUSED)
        plain = probability < 0.5 and not crisis
        return Intents(
            human_request=probability,
            person_refused=plain and bool(seen.clauses) and all(seen.refused),
            small_talk=talk.kind if plain else None,
            abuse=talk.abuse and plain,
            crisis=crisis,
            callback=any(wishes_call(seen.clauses, one) for one in self._lexicons.values()),
            nonsense=talk.nonsense and plain,
            out_of_scope=talk.out_of_scope,
        )

    def _score(self, seen: Message, score: float, point: Point, lang: str) -> float:
        """How surely a person is asked for, on the nets' scale."""
        if not seen.clauses or all(seen.refused):
            return _REFUSED
        if seen.certain or self._alone_elsewhere(seen, lang):
            return max(score, point.threshold + _CERTAIN)
        return score

    def _alone_elsewhere(self, seen: Message, lang: str) -> bool:
        """Whether the message is one such word of another language, letter for letter."""
        words = flat(seen.clauses)
        if len(words) != 1 or words[0].negated or self._lexicons[lang].other.has(words[0].text):
            return False
        return any(one.alone.has(words[0].text) for one in self._lexicons.values())


def wishes_call(found: Sequence[Sequence[Word]], lexicon: Lexicon) -> bool:
    """Whether a clause wishes to be called, and no negation reaches the wish."""
    for clause in found:
        if lexicon.callback.search(" ".join(word.text for word in clause if not word.negated)):
            return True
        if lexicon.call_now.search(" ".join(word.text for word in clause)):
            return True
    return False


def flat(found: Sequence[Sequence[Word]]) -> list[Word]:
    """The words of all clauses."""
    return [word for clause in found for word in clause]


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
