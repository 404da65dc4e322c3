"""Language detection of short texts against lingua: ``python -m evals.training.language_lengths DATA``.

``DATA`` is the folder of development sets. Pieces of one, two to three and four to eight words are cut from
questions, each asked without a hint among the three languages. Tables are learned without the set that they
are measured on. Lingua is no dependency: ``pip install lingua-language-detector==2.1.1`` beside the project.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from evals.intervals import wilson
from evals.training.language import count, own_texts, table
from indexer.language import SHIPPED_LANGUAGES, TEMPERATURE, bucket_counts

LENGTHS = ((1, 1), (2, 3), (4, 8))  #: words, least and most
#: Pieces of one length and language of one set, at most.
MOST = 400
#: A single shorter word is a name of no language more often than not.
SHORTEST_WORD = 3
SAMPLE = "sample"


class Piece(NamedTuple):
    """A few words that somebody could type."""

    text: str
    lang: str
    length: tuple[int, int]


Detector = Callable[[str], str]


def pieces(questions: Sequence[Mapping[str, Any]]) -> Iterator[Piece]:
    """Of each question one piece of each length that it has, where a hash of its id says."""
    taken: dict[tuple[str, tuple[int, int]], int] = defaultdict(int)
    for question in sorted(questions, key=lambda q: _number(q["id"])):
        words = [word.strip(".,!?;:()\"'") for word in question["text"].split()]
        words = [word for word in words if any(map(str.isalpha, word))]
        for length in LENGTHS:
            least, most = length
            if len(words) < least or taken[question["lang"], length] >= MOST:
                continue
            number = _number(f"{question['id']} {least}")
            size = min(least + number % (most - least + 1), len(words))
            start = number // 7 % (len(words) - size + 1)
            text = " ".join(words[start : start + size])
            if size == 1 and len(text) < SHORTEST_WORD:
                continue
            taken[question["lang"], length] += 1
            yield Piece(text, question["lang"], length)


def learned(rows: NDArray[np.float32]) -> Detector:
    """The product's detector with these tables, without a hint."""
    return lambda text: SHIPPED_LANGUAGES[int((TEMPERATURE * (rows @ bucket_counts(text))).argmax())]


def lingua() -> Detector:
    """Lingua among the same languages; raises ``click.ClickException`` where it is not installed."""
    try:
        found = importlib.import_module("lingua")
    except ImportError as error:
        raise click.ClickException("pip install lingua-language-detector==2.1.1, then try again") from error
    names = {found.Language.ENGLISH: "en", found.Language.FINNISH: "fi", found.Language.SWEDISH: "sv"}
    detector = found.LanguageDetectorBuilder.from_languages(*names).build()
    return lambda text: names.get(detector.detect_language_of(text), "")


def main(data: Path) -> None:
    """Print the share of pieces whose language is found, by language and length."""
    theirs = lingua()
    folders = sorted(path.parent for path in data.glob("*/articles.jsonl"))
    own = own_texts(Path("kb"))
    right: dict[tuple[str, tuple[int, int]], list[tuple[bool, bool]]] = defaultdict(list)
    for name in (*(folder.name for folder in folders), SAMPLE):
        paths = (
            sorted(Path("evals/data/sample").glob("??.jsonl"))
            if name == SAMPLE
            else [data / name / "questions.jsonl"]
        )
        lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
        ours = learned(table(count([f for f in folders if f.name != name], {} if name == SAMPLE else own)))
        for piece in pieces([json.loads(line) for line in lines]):
            verdicts = ours(piece.text) == piece.lang, theirs(piece.text) == piece.lang
            right[piece.lang, piece.length].append(verdicts)
    click.echo("| language | words | n | Helppari | lingua |\n| --- | --- | --- | --- | --- |")
    for (lang, (least, most)), found in sorted(right.items()):
        shares = []
        for verdicts in zip(*found, strict=True):
            interval = wilson(sum(verdicts), len(verdicts))
            words = f"{interval.low:.3f}-{interval.high:.3f}" if interval else ""
            shares.append(f"{np.mean(verdicts):.3f} ({words})")
        length = str(least) if least == most else f"{least}-{most}"
        click.echo(f"| {lang} | {length} | {len(found)} | {' | '.join(shares)} |")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
