"""The nets behind ``botsvc/intents.py``: two convolutions over words, and a view of the embedding.

Fitted by ``evals/training/intents.py`` in torch; here are the same sums in numpy.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from botsvc.intent_features import Flag, Read, concept_names, grams

__all__ = ["Nets", "packed", "unpacked"]

Vector = NDArray[np.float32]

_KEPT = 5_000  # words whose vectors are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Nets:
    """Several nets that read the same message; their scores are averaged.

    Arrays have the nets first, but for the tables of word parts, where nets lie side by side.
    """

    outputs: tuple[str, ...]  #: what each score is for
    languages: tuple[str, ...]
    centre: Vector  #: [dim], taken from an embedding
    grams: NDArray[np.int8]  #: [buckets, nets * width], times ``steps``
    steps: Vector  #: [nets * width]
    concepts: Vector  #: [concepts, nets * width]
    flags: Vector  #: [flags, nets * width]
    langs: Vector  #: [languages, nets * width]
    first: Vector  #: [nets, 3 * width, hidden]
    first_bias: Vector  #: [nets, 1, hidden]
    second: Vector  #: [nets, 3 * hidden, hidden]
    second_bias: Vector  #: [nets, 1, hidden]
    view: Vector  #: [nets * seen, dim]
    view_bias: Vector  #: [nets * seen]
    joint: Vector  #: [nets, 2 * hidden + seen, joint]
    joint_bias: Vector  #: [nets, 1, joint]
    last: Vector  #: [nets, joint, outputs]
    last_bias: Vector  #: [nets, 1, outputs]
    places: Mapping[str, int] = field(default_factory=dict)  #: of concepts
    known: dict[tuple[str, str, tuple[Flag, ...]], Vector] = field(
        default_factory=dict
    )  #: vectors of words met before

    def scores(self, words: Sequence[Read], embedding: Vector | None, lang: str) -> dict[str, float]:
        """Log odds by output; without ``embedding`` the words alone count."""
        count = len(self.first)
        read = np.stack([self._word(word, lang) for word in words])
        length, width = len(words), read.shape[1] // count
        padded = np.zeros((count, length + 2, width), dtype=np.float32)
        padded[:, 1:-1] = read.reshape(length, count, width).transpose(1, 0, 2)
        hidden = np.zeros((count, length + 2, self.first.shape[2]), dtype=np.float32)
        middle = hidden[:, 1:-1]
        np.maximum(_three(padded, self.first, self.first_bias), 0, out=middle)
        found = _three(hidden, self.second, self.second_bias)
        np.maximum(found, 0, out=found)
        found += middle
        seen = np.zeros((count, len(self.view) // count), dtype=np.float32)
        if embedding is not None:
            # einsum, not @: threads of the linear algebra library cost more here than they bring.
            looked = np.einsum("ij,j->i", self.view, embedding - self.centre) + self.view_bias
            seen = np.maximum(looked, 0).reshape(count, -1)
        both = np.concatenate([found.max(axis=1), found.sum(axis=1) / np.float32(length**0.5), seen], axis=1)
        joint = np.maximum(both[:, None] @ self.joint + self.joint_bias, 0)
        total = (joint @ self.last + self.last_bias).mean(axis=(0, 1))
        return dict(zip(self.outputs, total.tolist(), strict=True))

    def _word(self, word: Read, lang: str) -> Vector:
        """What the nets see of one word, or mark, in a message of this language."""
        key = (lang, word.text, word.flags)
        vector = self.known.get(key)
        if vector is None:
            buckets = grams(word.text)
            vector = self.concepts[[self.places[name] for name in word.concepts]].sum(axis=0)
            if buckets:
                parts = self.grams[buckets].sum(axis=0, dtype=np.int32).astype(np.float32)
                vector += parts * self.steps / np.float32(len(buckets) ** 0.5)
            for flag in word.flags:
                vector += self.flags[flag]
            vector += self.langs[self.languages.index(lang)]
            if len(self.known) < _KEPT:
                self.known[key] = vector
        return vector

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """The nets that ``evals/training/intents.py`` wrote."""
        names = concept_names()
        if tuple(record["names"]) != names:
            raise ValueError("the intent nets know other concepts than intents_data/concepts.yaml")
        arrays: dict[str, Any] = {name: unpacked(one) for name, one in record["arrays"].items()}
        return cls(
            outputs=tuple(record["outputs"]),
            languages=tuple(record["languages"]),
            grams=np.frombuffer(base64.b64decode(record["grams"]), dtype=np.int8).reshape(
                -1, arrays["steps"].size
            ),
            places={name: place for place, name in enumerate(names)},
            **arrays,
        )


def _three(rows: Vector, weights: Vector, bias: Vector) -> Vector:
    """Each row with its neighbours times the weights: ``[nets, length + 2, width]`` to ``[nets, length, n]``.

    Neighbour by neighbour: products this small stay on the thread that asks for them.
    """
    width = rows.shape[2]
    found = rows[:, :-2] @ weights[:, :width]
    found += rows[:, 1:-1] @ weights[:, width : 2 * width]
    found += rows[:, 2:] @ weights[:, 2 * width :]
    found += bias
    return np.asarray(found, np.float32)


def packed(values: NDArray[np.floating]) -> dict[str, Any]:
    """An array as JSON values: its shape, and 16-bit floats in base64."""
    array = np.asarray(values, dtype="<f2")
    return {"shape": list(array.shape), "halves": base64.b64encode(array.tobytes()).decode()}


def unpacked(record: Mapping[str, Any]) -> Vector:
    """The array that ``packed`` wrote."""
    values = np.frombuffer(base64.b64decode(record["halves"]), dtype="<f2").astype(np.float32)
    return np.ascontiguousarray(values.reshape(record["shape"]))
