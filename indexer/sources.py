"""Reading a knowledge base, whole or only what changed since the build before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from indexer.articles import Article, ArticleKey
from indexer.console import Progress, no_progress
from indexer.errors import KnowledgeBaseError
from indexer.folder_source import JSONL, LANGUAGE, read_folder, slug_of, unread_folders
from indexer.jsonl_source import read_jsonl, slug_of_id
from indexer.kbchecks import check_together
from indexer.problems import Problem as Problem
from indexer.problems import ProblemKind as ProblemKind
from indexer.problems import Severity as Severity
from indexer.readings import FileState as FileState
from indexer.readings import Previous as Previous
from indexer.readings import SourceReading
from indexer.slugs import slugify, unused


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A knowledge base as it is now."""

    articles: Mapping[ArticleKey, Article]  #: all, published or not; of a broken file its last good version
    changed: frozenset[ArticleKey]  #: new, or different from the build before
    removed: frozenset[ArticleKey]  #: in the build before, and gone
    problems: tuple[Problem, ...]  #: sorted by source and line
    files: Mapping[str, FileState]  #: for the next reading

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that have articles, sorted."""
        return tuple(sorted({key.lang for key in self.articles}))


def read_kb(path: Path, *, previous: Previous | None = None, progress: Progress = no_progress) -> Reading:
    """The knowledge base at ``path``: a folder of Markdown files by language, or an ``articles.jsonl``.

    Problems of single articles are in ``problems``; ``KnowledgeBaseError`` is raised when none can be read.
    """
    file = _jsonl_file(path)
    if file is not None:
        sources = [read_jsonl(file, previous=previous, progress=progress)]
    else:
        sources = read_folder(path, previous=previous, progress=progress)
    merged = _Merged(previous, () if file else tuple(unread_folders(path)))
    for source in sources:
        merged.add(source)
    reading = merged.reading()
    if not reading.articles:
        raise KnowledgeBaseError(_nothing(path, reading.problems))
    return reading


def _jsonl_file(path: Path) -> Path | None:
    """The JSONL file that ``path`` stands for; None: it is a folder of Markdown."""
    if path.is_file():
        if path.suffix in (".jsonl", ".ndjson"):
            return path
        raise KnowledgeBaseError(f"{path} is not a knowledge base: give a folder, or a file {JSONL}")
    if not path.is_dir():
        raise KnowledgeBaseError(f"there is no knowledge base at {path}: give a folder, or a file {JSONL}")
    try:
        folders = [entry for entry in path.iterdir() if LANGUAGE.fullmatch(entry.name) and entry.is_dir()]
    except OSError as error:
        raise KnowledgeBaseError(f"the folder {path} cannot be read: {error.strerror}") from error
    return path / JSONL if not folders and (path / JSONL).is_file() else None


def _nothing(path: Path, problems: tuple[Problem, ...]) -> str:
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if errors:
        return f"no article in {path} can be used ({len(errors)} problems); the first: {errors[0]}"
    if path.is_file() or (path / JSONL).is_file():
        return f"there are no articles in {path}: write one JSON object a line"
    return (
        f"there are no articles in {path}: put them at LANGUAGE/TOPIC/NAME.md, such as en/card/lost-card.md"
    )


class _Merged:
    """Settles which source serves which article, and says what stands in the way."""

    def __init__(self, previous: Previous | None, problems: tuple[Problem, ...]) -> None:
        self._previous = previous
        self._problems = problems
        self._sources: dict[str, SourceReading] = {}
        self._claims: dict[ArticleKey, list[tuple[str, Article, int]]] = defaultdict(list)

    def add(self, reading: SourceReading) -> None:
        self._sources[reading.source] = reading
        for article, id_line in reading.claims:
            self._claims[article.key].append((reading.source, article, id_line))

    def reading(self) -> Reading:
        articles: dict[ArticleKey, Article] = {}
        duplicates: dict[str, list[Problem]] = defaultdict(list)
        for key, claims in self._claims.items():
            winner = claims[0] if len(claims) == 1 else self._winner(key, claims)
            articles[key] = winner[1]
            for claim in claims:
                if claim is not winner:
                    duplicates[claim[0]].append(_duplicate(claim, winner))
        for source in self._sources.values():
            for article in self._last_good(source, bool(duplicates.get(source.source))):
                articles.setdefault(article.key, article)
        articles = dict(sorted(articles.items()))
        slug_problems = _give_slugs(articles)
        files = self._files(articles, duplicates)
        problems = [*self._problems, *(problem for state in files.values() for problem in state.problems)]
        links = [(source, state.links) for source, state in files.items() if state.links]
        problems += [*slug_problems, *check_together(articles, links)]
        return Reading(
            articles=articles,
            changed=self._changed(articles),
            removed=self._before() - articles.keys(),
            problems=tuple(sorted(problems, key=lambda each: (each.source, each.line, each.message))),
            files=files,
        )

    def _winner(self, key: ArticleKey, claims: list[tuple[str, Article, int]]) -> tuple[str, Article, int]:
        """The claim that was served before, else the first by path and line."""
        served = self._previous.articles(key) if self._previous else None
        same_source = [claim for claim in claims if served is not None and claim[0] == served.source]
        return min(same_source or claims, key=lambda claim: (claim[0], claim[1].line))

    def _last_good(self, source: SourceReading, lost: bool) -> tuple[Article, ...]:
        """Former articles of a source that is broken now, or whose new id belongs to another."""
        if not lost or self._previous is None or len(source.claims) != 1:
            return source.kept
        before = self._previous.files.get(source.source)
        former = [self._previous.articles(key) for key in before.keys] if before else []
        return (*source.kept, *(article for article in former if article and article.source == source.source))

    def _files(
        self, articles: Mapping[ArticleKey, Article], duplicates: Mapping[str, list[Problem]]
    ) -> dict[str, FileState]:
        keys: dict[str, list[ArticleKey]] = defaultdict(list)
        for key, article in articles.items():
            keys[article.source].append(key)
        return {
            name: _settled(source.state, tuple(keys[name]), duplicates.get(name, []))
            for name, source in sorted(self._sources.items())
        }

    def _before(self) -> frozenset[ArticleKey]:
        if self._previous is None:
            return frozenset()
        return frozenset(key for state in self._previous.files.values() for key in state.keys)

    def _changed(self, articles: Mapping[ArticleKey, Article]) -> frozenset[ArticleKey]:
        if self._previous is None:
            return frozenset(articles)
        return frozenset(key for key, article in articles.items() if self._previous.articles(key) != article)


def _settled(state: FileState, keys: tuple[ArticleKey, ...], duplicates: list[Problem]) -> FileState:
    if state.keys == keys and not duplicates:
        return state
    return replace(state, keys=keys, problems=(*state.problems, *duplicates))


def _duplicate(claim: tuple[str, Article, int], winner: tuple[str, Article, int]) -> Problem:
    source, article, line = claim
    where = f"{winner[0]}:{winner[2]}" if winner[2] else winner[0]
    message = f'the id "{article.id}" is already used in {where}: not served until it has an id of its own'
    return Problem(
        source=source,
        line=line,
        message=message,
        severity=Severity.ERROR,
        kind=ProblemKind.DUPLICATE,
        key=article.key,
    )


def _give_slugs(articles: dict[ArticleKey, Article]) -> list[Problem]:
    """Make the slugs of each language unique, whatever the order in which articles came."""
    by_slug: dict[tuple[str, str], list[Article]] = defaultdict(list)
    for article in articles.values():
        by_slug[article.lang, _wanted_slug(article)].append(article)
    used: dict[str, set[str]] = defaultdict(set)
    for lang, slug in by_slug:
        used[lang].add(slug)
    problems: list[Problem] = []
    for (_, slug), sharing in sorted(by_slug.items()):
        first, *others = sorted(sharing, key=lambda article: (article.source, article.id))
        _set_slug(articles, first, slug)
        for article in others:
            given = unused(_longer_slug(article, slug), used[article.lang])
            _set_slug(articles, article, given)
            if not article.source.endswith(".jsonl"):
                message = (
                    f'the address "{slug}" belongs to {first.source}: this article is at "{given}", '
                    "rename the file to choose its address"
                )
                problems.append(
                    Problem(
                        source=article.source,
                        line=0,
                        message=message,
                        severity=Severity.WARNING,
                        kind=ProblemKind.DUPLICATE,
                        key=article.key,
                    )
                )
    return problems


def _set_slug(articles: dict[ArticleKey, Article], article: Article, slug: str) -> None:
    if article.slug != slug:
        articles[article.key] = replace(article, slug=slug)


def _wanted_slug(article: Article) -> str:
    return slug_of_id(article.id) if article.source.endswith(".jsonl") else slug_of(article.source)


def _longer_slug(article: Article, slug: str) -> str:
    """The slug with its folder before it."""
    folders = article.source.split("/")[1:-1]
    return slugify(" ".join([*folders, slug])) if folders else slug
