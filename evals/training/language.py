"""Learn the language detector's tables: ``python -m evals.training.language DATA``.

``DATA`` is the folder of development sets; article texts train, their questions measure. Prints the share of
questions whose language is found, by set and language, each set measured with tables that have not seen it.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from indexer.language import BUCKETS, SHIPPED_LANGUAGES, TEMPERATURE, bucket_counts

SMOOTHING = 0.5
#: Function words and short phrases matter most in short texts; each text counts at most this often.
MAXIMUM_PER_SET = 1500

Counts = Mapping[str, NDArray[np.float64]]


def texts_by_language(folder: Path) -> Mapping[str, list[str]]:
    """The articles' texts of one set."""
    texts: dict[str, list[str]] = defaultdict(list)
    for line in (folder / "articles.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        texts[record["lang"]].append(f"{record['title']}\n{record['body']}")
    return texts


def count(folders: Iterable[Path], own: Mapping[str, list[str]]) -> Counts:
    """Relative frequencies of each language, every set weighing the same."""
    total = {lang: np.zeros(BUCKETS) for lang in SHIPPED_LANGUAGES}
    for texts in [*(texts_by_language(folder) for folder in folders), own]:
        for lang in SHIPPED_LANGUAGES:
            counts = sum((bucket_counts(t) for t in texts.get(lang, [])[:MAXIMUM_PER_SET]), np.zeros(BUCKETS))
            if counts.sum():
                total[lang] += counts / counts.sum() * 1e6
    return total


def table(counts: Counts) -> NDArray[np.float32]:
    """Log probabilities ``[languages, BUCKETS]``, without what all languages share."""
    rows = np.stack([counts[lang] for lang in SHIPPED_LANGUAGES]) + SMOOTHING
    logs = np.log(rows / rows.sum(axis=1, keepdims=True))
    return np.asarray(logs - logs.max(axis=0, keepdims=True), np.float32)


def own_texts(kb: Path) -> Mapping[str, list[str]]:
    """The sample kb's texts, in the same shape as a set's."""
    return {
        lang: [path.read_text(encoding="utf-8") for path in sorted((kb / lang).rglob("*.md"))]
        for lang in SHIPPED_LANGUAGES
    }


def main(data: Path) -> None:
    """Measure leave-one-set-out, then write the tables learned from everything."""
    folders = sorted(path.parent for path in data.glob("*/articles.jsonl"))
    own = own_texts(Path("kb"))
    for held in folders:
        learned = table(count([f for f in folders if f != held], own))
        hits: dict[str, list[bool]] = defaultdict(list)
        for line in (held / "questions.jsonl").read_text(encoding="utf-8").splitlines():
            question = json.loads(line)
            scores = TEMPERATURE * (learned @ bucket_counts(question["text"]))
            hits[question["lang"]].append(SHIPPED_LANGUAGES[int(scores.argmax())] == question["lang"])
        for lang, found in sorted(hits.items()):
            click.echo(f"{held.name:15} {lang}  {np.mean(found):.4f}  n={len(found)}")
    target = resources.files("indexer").joinpath("data/language.npy")
    np.save(str(target), table(count(folders, own)).astype(np.float16), allow_pickle=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
