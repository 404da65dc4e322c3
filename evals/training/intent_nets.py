"""The nets of ``botsvc/intent_net.py`` in torch: made, fitted, and written for numpy.

Each message is read as serving reads it. Words, concepts and embedding are left out at random while fitting,
so that no net leans on one of them alone.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from botsvc.intent_features import NGRAM_SIZE, Flag, Read, concept_names, grams
from botsvc.intent_net import packed

WIDTH = 64  # numbers that stand for a word
HIDDEN = 128
SEEN = 64  # numbers taken from the embedding
JOINT = 64
SCALE = 8.0  # of centred embeddings

EPOCHS = 8
BATCH = 64
RATE = 3e-3
DECAY = 1e-2
SMOOTHING = 0.02
LEFT_OUT = 0.3  # share of hidden numbers
GRAMS_LEFT_OUT = 0.3  # share of words whose letters are not seen
CONCEPTS_LEFT_OUT = 0.15
WORDS_LEFT_OUT = 0.1
EMBEDDINGS_LEFT_OUT = 0.3
MISTYPED = 0.15  # share of messages read with a slip of the fingers
SIDE = 0.15  # weight of an output that is not the first

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One message for a net: numbers of its words' parts, flat, and how many each word has."""

    grams: NDArray[np.int64]
    gram_counts: NDArray[np.int64]
    concepts: NDArray[np.int64]
    concept_counts: NDArray[np.int64]
    flags: NDArray[np.int64]
    flag_counts: NDArray[np.int64]

    @property
    def length(self) -> int:
        """Words and marks."""
        return len(self.gram_counts)


_PLACES = {name: place for place, name in enumerate(concept_names())}
_GRAMS: dict[str, list[int]] = {}


def sample(words: Sequence[Read]) -> Sample:
    """A message, read as in serving, in numbers."""
    parts = [_GRAMS.setdefault(word.text, grams(word.text)) for word in words]
    return Sample(
        grams=_flat(parts),
        gram_counts=_counts(parts),
        concepts=_flat([[_PLACES[name] for name in word.concepts] for word in words]),
        concept_counts=_counts([word.concepts for word in words]),
        flags=_flat([list(word.flags) for word in words]),
        flag_counts=_counts([word.flags for word in words]),
    )


def _flat(lists: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    return np.array([one for each in lists for one in each], dtype=np.int64)


def _counts(lists: Sequence[Sequence[Any]]) -> NDArray[np.int64]:
    return np.array([len(one) for one in lists], dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """Messages to fit or to score, row by row."""

    samples: Sequence[Sample]
    mistyped: Sequence[Sample]  #: the same with a slip of the fingers
    embeddings: Floats  #: [n, dim], centred and scaled
    embedded: Floats  #: [n], 0 where there is no embedding
    langs: NDArray[np.int64]  #: [n]
    targets: Floats  #: [n, outputs]
    weights: Floats  #: [n]


class Net(nn.Module):
    """One net; ``botsvc.intent_net.Nets`` computes the same."""

    def __init__(self, dim: int, languages: int, outputs: int) -> None:
        super().__init__()
        self.grams = nn.EmbeddingBag(NGRAM_SIZE, WIDTH, mode="sum")
        self.concepts = nn.EmbeddingBag(len(_PLACES), WIDTH, mode="sum")
        self.flags = nn.EmbeddingBag(len(Flag), WIDTH, mode="sum")
        self.langs = nn.Embedding(languages, WIDTH)
        nn.init.normal_(self.grams.weight, std=0.1)
        nn.init.normal_(self.concepts.weight, std=0.3)
        nn.init.normal_(self.langs.weight, std=0.1)
        self.first = nn.Conv1d(WIDTH, HIDDEN, 3, padding=1)
        self.second = nn.Conv1d(HIDDEN, HIDDEN, 3, padding=1)
        self.view = nn.Linear(dim, SEEN)
        self.joint = nn.Linear(2 * HIDDEN + SEEN, JOINT)
        self.last = nn.Linear(JOINT, outputs)

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        """Log odds ``[messages, outputs]``."""
        letters = self.grams(batch["grams"], batch["gram_starts"], per_sample_weights=batch["gram_weights"])
        meant = self.concepts(batch["concepts"], batch["concept_starts"])
        if self.training:
            words = _kept(len(letters), WORDS_LEFT_OUT)
            letters = letters * words * _kept(len(letters), GRAMS_LEFT_OUT)
            meant = meant * words * _kept(len(meant), CONCEPTS_LEFT_OUT)
        mask = batch["mask"]
        rows = torch.zeros((*mask.shape, WIDTH))
        known = self.flags(batch["flags"], batch["flag_starts"]) + self.langs(batch["langs"])
        rows[mask] = letters + meant + known
        there = mask.unsqueeze(1)
        read = self._drop(rows, LEFT_OUT / 2).transpose(1, 2)
        hidden = functional.relu(self.first(read)) * there
        again = functional.relu(self.second(self._drop(hidden, LEFT_OUT / 2))) * there
        hidden = hidden + again
        mean = hidden.sum(2) / there.sum(2) ** 0.5
        seen = functional.relu(self.view(batch["embeddings"])) * batch["embedded"]
        if self.training:
            seen = seen * _kept(len(seen), EMBEDDINGS_LEFT_OUT)
        both = torch.cat([hidden.max(2).values, mean, seen], 1)
        joint = functional.relu(self.joint(self._drop(both, LEFT_OUT)))
        return cast(Tensor, self.last(self._drop(joint, LEFT_OUT)))

    def _drop(self, values: Tensor, share: float) -> Tensor:
        return functional.dropout(values, share, self.training)


def _kept(count: int, left_out: float) -> Tensor:
    return (torch.rand(count, 1) > left_out).float()


def _batch(samples: Sequence[Sample], lessons: Lessons, rows: NDArray[np.intp]) -> dict[str, Tensor]:
    lengths = np.array([one.length for one in samples])
    counts = np.concatenate([one.gram_counts for one in samples])
    weights = np.repeat(1 / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    flags = np.concatenate([one.flag_counts for one in samples])
    meant = np.concatenate([one.concept_counts for one in samples])
    arrays = {
        "mask": np.arange(lengths.max())[None] < lengths[:, None],
        "grams": np.concatenate([one.grams for one in samples]),
        "gram_starts": _starts(counts),
        "gram_weights": weights,
        "concepts": np.concatenate([one.concepts for one in samples]),
        "concept_starts": _starts(meant),
        "flags": np.concatenate([one.flags for one in samples]),
        "flag_starts": _starts(flags),
        "langs": np.repeat(lessons.langs[rows], lengths),
        "embeddings": lessons.embeddings[rows],
        "embedded": lessons.embedded[rows][:, None],
    }
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _starts(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)[:-1]])


def fitted(lessons: Lessons, rows: NDArray[np.intp], *, languages: int, seed: int) -> Net:
    """A net fitted to the ``rows`` of the lessons."""
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    outputs = lessons.targets.shape[1]
    net = Net(lessons.embeddings.shape[1], languages, outputs)
    rates = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    shares = torch.tensor([1.0] + [SIDE] * (outputs - 1))
    epochs = [list(_batches(lessons, rows, chance)) for _ in range(EPOCHS)]
    plan = torch.optim.lr_scheduler.OneCycleLR(
        rates, RATE, total_steps=sum(map(len, epochs)) + 1, pct_start=0.15
    )
    net.train()
    for epoch in epochs:
        for some in epoch:
            slips = chance.random(len(some)) < MISTYPED
            samples = [
                (lessons.mistyped if slip else lessons.samples)[row]
                for row, slip in zip(some, slips, strict=True)
            ]
            targets = torch.from_numpy(lessons.targets[some]) * (1 - 2 * SMOOTHING) + SMOOTHING
            found = net(_batch(samples, lessons, some))
            loss = functional.binary_cross_entropy_with_logits(found, targets, reduction="none") * shares
            total = (loss.sum(1) * torch.from_numpy(lessons.weights[some])).mean()
            rates.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            rates.step()
            plan.step()
    net.eval()
    return net


def _batches(
    lessons: Lessons, rows: NDArray[np.intp], chance: np.random.Generator
) -> Sequence[NDArray[np.intp]]:
    """The rows in random order, those of about one length together."""
    order = chance.permutation(rows)
    found: list[NDArray[np.intp]] = []
    for part in np.array_split(order, max(1, len(order) // (BATCH * 20))):
        by_length = part[np.argsort([lessons.samples[row].length for row in part], kind="stable")]
        some = np.array_split(by_length, max(1, round(len(part) / BATCH)))
        found.extend(some[place] for place in chance.permutation(len(some)))
    return found


def scores(net: Net, lessons: Lessons, rows: NDArray[np.intp], *, with_embedding: bool = True) -> Floats:
    """Log odds ``[rows, outputs]``."""
    found = []
    with torch.no_grad():
        for some in np.array_split(rows, max(1, len(rows) // 256)):
            batch = _batch([lessons.samples[row] for row in some], lessons, some)
            if not with_embedding:
                batch["embedded"] = torch.zeros_like(batch["embedded"])
            found.append(net(batch).numpy())
    return np.concatenate(found)


def exported(nets: Sequence[Net], centre: Floats) -> dict[str, Any]:
    """The nets as JSON values: what ``botsvc.intent_net.Nets`` reads."""
    tables = [_values(net) for net in nets]
    letters = np.concatenate([one["grams.weight"] for one in tables], axis=1)
    steps = np.asarray(np.abs(letters).max(axis=0) / 127, dtype=np.float16).astype(np.float32)
    whole = np.clip(np.rint(letters / steps), -127, 127).astype(np.int8)
    side_by_side = {
        name: np.concatenate([one[f"{name}.weight"] for one in tables], axis=1)
        for name in ("concepts", "flags", "langs")
    }
    convolutions = {
        name: np.stack(
            [
                one[f"{name}.weight"].transpose(2, 1, 0).reshape(-1, one[f"{name}.weight"].shape[0])
                for one in tables
            ]
        )
        for name in ("first", "second")
    }
    layers = {name: np.stack([one[f"{name}.weight"].T for one in tables]) for name in ("joint", "last")}
    biases = {
        f"{name}_bias": np.stack([one[f"{name}.bias"][None] for one in tables])
        for name in ("first", "second", "joint", "last")
    }
    arrays: dict[str, Floats] = {
        "centre": centre,
        "steps": steps,
        "view": np.float32(SCALE) * np.concatenate([one["view.weight"] for one in tables]),
        "view_bias": np.concatenate([one["view.bias"] for one in tables]),
        **side_by_side,
        **convolutions,
        **layers,
        **biases,
    }
    return {
        "names": list(concept_names()),
        "grams": base64.b64encode(whole.tobytes()).decode(),
        "arrays": {name: packed(values) for name, values in arrays.items()},
    }


def _values(net: Net) -> dict[str, Floats]:
    return {name: value.numpy() for name, value in net.state_dict().items()}
