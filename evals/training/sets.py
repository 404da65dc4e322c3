"""The public help centers that the shipped parameters are learned from, as open indexes.

Figures reported for a set come from parameters that have not seen it (leave one set out); the shipped ones
are learned from all. ``docs/decisions/0003-confidence.md`` lists origins and licences.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.embeddings import RememberingEncoder
from indexer.articles import ArticleKey
from indexer.build import Builder
from indexer.encoders import Encoder, open_encoder
from indexer.index import Index
from indexer.sources import read_kb

#: Sets with questions people asked; squad_fi_mt is left out: a third of its questions have no answer.
SETS = ("stackfaq", "swequad_mc", "gnome_help", "banking77", "clinc150")
#: The sample kb with the project's own questions: sections, translations and editors' questions.
SAMPLE = "sample"
#: Examples per article, at most. Use gives some articles many examples and others none: ``UNEVEN`` stands for
#: that.
UNEVEN = -1
EXAMPLES = (0, 1, 3, 8, UNEVEN)
_UNEVEN_COUNTS = (0, 0, 0, 1, 1, 2, 4, 8)
#: Questions of one set at most, so that no set outweighs the others; and with examples.
MOST, MOST_WITH_EXAMPLES = 1200, 700


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question with the articles that answer it."""

    id: str
    lang: str
    text: str
    gold: frozenset[ArticleKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSet:
    """A set with some of its questions as examples, and the others to ask."""

    name: str
    examples: int  #: per article, at most
    index: Index
    asked: tuple[Asked, ...]


def open_sets(data: Path, memory: Path, examples: Sequence[int] = EXAMPLES) -> Iterator[OpenSet]:
    """Every set with every number of examples per article."""
    encoder = RememberingEncoder(open_encoder(), memory)
    for name in SETS:
        for count in examples:
            opened = _open(data / name, count, encoder)
            if opened is not None:
                yield opened
        encoder.save()
    for count in examples:
        yield _open_sample(count, encoder)
    encoder.save()


def _open_sample(count: int, encoder: Encoder) -> OpenSet:
    """The sample kb with at most ``2 * count`` of each article's own questions as examples."""
    articles = [
        {
            "id": key.id,
            "lang": key.lang,
            "title": article.title,
            "summary": article.summary,
            "body": article.body,
            "questions": list(article.questions[: 2 * _count(count, key.id)]),
        }
        for key, article in sorted(read_kb(Path("kb")).articles.items())
    ]
    asked = []
    for path in sorted(Path("evals/data/sample").glob("??.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            question = json.loads(line)
            if question["kind"] == "in_scope" and question["gold"]:
                lang = question["lang"]
                gold = frozenset(ArticleKey(lang, each) for each in question["gold"])
                asked.append(Asked(id=question["id"], lang=lang, text=question["text"], gold=gold))
    index = _build(articles, encoder)
    return OpenSet(name=SAMPLE, examples=count, index=index, asked=tuple(asked))


def _count(examples: int, article: str) -> int:
    """How many examples this article gets."""
    if examples != UNEVEN:
        return examples
    return _UNEVEN_COUNTS[int(_hash(f"uneven {article}"), 16) % len(_UNEVEN_COUNTS)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _open(folder: Path, count: int, encoder: Encoder) -> OpenSet | None:
    with (folder / "articles.jsonl").open(encoding="utf-8") as file:
        articles = [json.loads(line) for line in file]
    with (folder / "questions.jsonl").open(encoding="utf-8") as file:
        questions = [json.loads(line) for line in file]
    languages = {article["id"]: article["lang"] for article in articles}
    usable = sorted(
        (q for q in questions if q["gold"] and q.get("tag") != "title"), key=lambda q: _hash(q["id"])
    )
    by_article: dict[str, list[str]] = defaultdict(list)
    taken = set()
    for question in usable:
        article = question["gold"][0]
        if len(by_article[article]) < _count(count, article):
            by_article[article].append(question["text"])
            taken.add(question["id"])
    asked = tuple(
        Asked(
            id=q["id"],
            lang=q["lang"],
            text=q["text"],
            gold=frozenset(ArticleKey(languages[g], g) for g in q["gold"] if g in languages),
        )
        for q in usable
        if q["id"] not in taken
    )[: MOST if count == 0 else MOST_WITH_EXAMPLES]
    if len(asked) < 100:
        return None
    index = _build([article | {"questions": by_article[article["id"]]} for article in articles], encoder)
    return OpenSet(name=folder.name, examples=count, index=index, asked=asked)


def _build(articles: Sequence[Mapping[str, object]], encoder: Encoder) -> Index:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "articles.jsonl"
        source.write_text(
            "".join(json.dumps(a, ensure_ascii=False) + "\n" for a in articles), encoding="utf-8"
        )
        root = Path(folder) / "index"
        Builder(kb=source, root=root, encoder=encoder).build(recalibrate=False)
        return Index.load(root, encoder=encoder)
