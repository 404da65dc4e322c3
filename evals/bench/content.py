"""A help center of any size, made of word lists: the same articles and questions for the same numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml

RECIPE = 1  #: changes when the same numbers would give other articles


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What sentences of one language are made of."""

    things: tuple[str, ...]
    doings: tuple[str, ...]
    places: tuple[str, ...]
    times: tuple[str, ...]
    title: str  #: of thing, doing, place
    body: tuple[str, ...]  #: sentences of the same
    question: tuple[str, ...]


def _read() -> dict[str, Words]:
    text = (resources.files("evals.bench") / "words.yaml").read_text(encoding="utf-8")
    return {
        lang: Words(
            things=tuple(found["things"].split()),
            doings=tuple(found["doings"].split()),
            places=tuple(found["places"].split()),
            times=tuple(found["times"].split()),
            title=found["title"],
            body=tuple(found["body"]),
            question=tuple(found["question"]),
        )
        for lang, found in yaml.safe_load(text).items()
    }


WORDS = _read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One generated article."""

    lang: str
    id: str
    text: str  #: the whole Markdown file

    @property
    def path(self) -> Path:
        """Where it lies in the kb."""
        return Path(self.lang) / "bench" / f"{self.id}.md"


def articles(count: int) -> Iterator[Made]:
    """``count`` articles of one section each, in three languages."""
    for n in range(count):
        lang, words, filled = _drawn(n)
        title = words.title.format(**filled)
        body = " ".join(sentence.format(**filled) for sentence in words.body)
        questions = [q.format(**filled) for q in words.question] if n % 10 == 0 else []
        asked = "".join(f'\n  - "{question}"' for question in questions)
        front = (
            f'---\nid: bench-{n}\ntitle: "{title}"\n' + (f"questions:{asked}\n" if asked else "") + "---\n"
        )
        yield Made(lang=lang, id=f"bench-{n}", text=f"{front}\n{body}\n")


def questions(count: int, *, among: int, seed: int = 1) -> list[str]:
    """``count`` different questions about ``among`` articles."""
    chosen = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        n = chosen.randrange(among)
        _, words, filled = _drawn(n)
        found[f"{chosen.choice(words.question).format(**filled)} {len(found)}"] = None
    return list(found)


def write_kb(folder: Path, count: int) -> None:
    """Write the articles as a kb folder."""
    for lang in WORDS:
        (folder / lang / "bench").mkdir(parents=True, exist_ok=True)
    for made in articles(count):
        (folder / made.path).write_text(made.text, encoding="utf-8")


def _drawn(n: int) -> tuple[str, Words, dict[str, str | int]]:
    lang = ("fi", "sv", "en")[n % 3]
    words, choice = WORDS[lang], random.Random(n)
    return (
        lang,
        words,
        {
            "thing": choice.choice(words.things),
            "doing": choice.choice(words.doings),
            "place": choice.choice(words.places),
            "time": choice.choice(words.times),
            "n": n,
        },
    )
