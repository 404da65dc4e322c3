"""How well the intent model finds those who ask for a person, on the half of the data it was not fitted to.

    python -m evals.intents             tables on stdout
    python -m evals.intents --json      one JSON document
    python -m evals.intents --errors    also every miss and false alarm (to look at, not to tune on)

Recall and false alarms are stated per language with n and a 95 % Wilson interval: as served, with the wording
alone (what another encoder gets), without the word list, and over the requests that hold no training request
word for word ("masked").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from botsvc.intents import IntentModel, Intents
from botsvc.wording import plain
from evals.intervals import wilson
from evals.training.intents import LANGUAGES, Message, read
from indexer import Encoder, open_encoder

THRESHOLD = 0.5
Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share with its size and interval."""

    hits: int
    n: int

    def to_json(self) -> dict[str, Any]:
        """The share, n, and the 95 % Wilson interval; None where there is nothing to count."""
        interval = wilson(self.hits, self.n)
        share = round(self.hits / self.n, 4) if self.n else None
        bounds = [round(bound, 4) for bound in interval] if interval else None
        return {"share": share, "hits": self.hits, "n": self.n, "interval": bounds}

    def __str__(self) -> str:
        if not self.n:
            return "-"
        low, high = wilson(self.hits, self.n) or (0.0, 1.0)
        return f"{self.hits / self.n:.3f} [{low:.3f}, {high:.3f}] n={self.n}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One message and what the model made of it."""

    message: Message
    served: Intents
    wording: Intents  #: without the embedding

    @property
    def requested(self) -> bool:
        """Whether the bot hands over to a person because one was asked for."""
        return self.served.human_request >= THRESHOLD


def judge(messages: Sequence[Message], model: IntentModel, encoder: Encoder) -> list[Judged]:
    """The model's word on each message."""
    embeddings = encoder.encode_queries([message.text for message in messages])
    return [
        Judged(
            message=message,
            served=model.classify(message.text, embedding, message.lang),
            wording=model.classify(message.text, None, message.lang),
        )
        for message, embedding in zip(messages, embeddings, strict=True)
    ]


def holds_one_of(phrases: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a text holds one of the phrases word for word; case and punctuation do not matter."""
    texts = sorted({plain(phrase) for phrase in phrases}, key=len, reverse=True)
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, texts)) + r")\b")
    return lambda text: bool(pattern.search(plain(text)))


def figures(judged: Sequence[Judged], training: Sequence[Message]) -> dict[str, dict[str, Share]]:
    """The measures of each language."""
    return {
        lang: _figures([one for one in judged if one.message.lang == lang], training, lang)
        for lang in LANGUAGES
    }


def _figures(judged: Sequence[Judged], training: Sequence[Message], lang: str) -> dict[str, Share]:
    known = holds_one_of(one.text for one in training if one.asks and one.lang == lang)
    asked = [one for one in judged if one.message.asks]
    unseen = [one for one in asked if not known(one.message.text)]
    # Somebody in danger is handed to a person by a rule of its own.
    denied = [one for one in judged if not one.message.asks and one.message.kind != "crisis"]
    talk = [one for one in judged if one.message.kind == "small_talk"]
    questions = [one for one in judged if one.message.kind == "not_request"]
    return {
        "recall": _share(asked, lambda one: one.requested),
        "false alarms": _share(denied, lambda one: one.requested),
        "recall, masked": _share(unseen, lambda one: one.requested),
        "recall, wording alone": _share(asked, lambda one: one.wording.human_request >= THRESHOLD),
        "false alarms, wording alone": _share(denied, lambda one: one.wording.human_request >= THRESHOLD),
        "small talk recognised": _share(talk, lambda one: one.served.small_talk is not None),
        "questions taken for small talk": _share(questions, lambda one: _chatter(one.served)),
        "crisis recognised": _share(
            [one for one in judged if one.message.kind == "crisis"], lambda one: one.served.crisis
        ),
        "others taken for crisis": _share(
            [one for one in judged if one.message.kind != "crisis"], lambda one: one.served.crisis
        ),
    }


def _share(judged: Sequence[Judged], counts: Callable[[Judged], bool]) -> Share:
    return Share(hits=sum(map(counts, judged)), n=len(judged))


def _chatter(intents: Intents) -> bool:
    return intents.small_talk is not None or intents.abuse or intents.nonsense


def by_tag(judged: Sequence[Judged], *, asks: bool) -> dict[str, dict[str, Share]]:
    """Share taken for requests by language and tag, of the requests or of the others."""
    tables: dict[str, dict[str, Share]] = {}
    for lang in LANGUAGES:
        mine = [one for one in judged if one.message.lang == lang and one.message.asks is asks]
        sizes = Counter(one.message.tag for one in mine)
        tables[lang] = {
            tag: _share([one for one in mine if one.message.tag == tag], lambda one: one.requested)
            for tag in sizes
        }
    return tables


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--errors", is_flag=True, help="List every miss and false alarm.")
@click.option("--half", default="test", type=click.Choice(["test", "train"]), help="Which half to judge.")
def main(as_json: bool, errors: bool, half: str) -> None:
    """Judge the shipped model and print the figures."""
    encoder = open_encoder()
    judged = judge(read(half), IntentModel.load(encoder.fingerprint), encoder)
    found = figures(judged, read("train"))
    if as_json:
        from indexer.console import print_json

        print_json(
            {lang: {name: one.to_json() for name, one in rows.items()} for lang, rows in found.items()}
        )
        return
    for lang, rows in found.items():
        for name, share in rows.items():
            click.echo(f"{lang}  {name:32} {share}")
    for asks in (True, False):
        for lang, tags in by_tag(judged, asks=asks).items():
            shown = ", ".join(
                f"{tag} {share.hits}/{share.n}" for tag, share in tags.items() if asks or share.hits
            )
            click.echo(f"{lang}  {'requests found' if asks else 'false alarms'} by tag: {shown}")
    if errors:
        for one in judged:
            if one.message.asks != one.requested and one.message.kind != "crisis":
                wrong = "missed" if one.message.asks else "false alarm"
                click.echo(f"{one.message.id} {wrong} {one.served.human_request:.2f}: {one.message.text}")


if __name__ == "__main__":
    main()
