"""What reading one source gives: its articles, its problems, and how to notice that it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from indexer.articles import Article, ArticleKey
from indexer.problems import Problem, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """What was known of a source after it was read; a build keeps it for the next one."""

    size: int
    mtime_ns: int  #: 0: too fresh to be trusted, compare the hash
    sha256: str  #: hex; empty when the content could not be read
    keys: tuple[ArticleKey, ...] = ()  #: the articles served from this source
    problems: tuple[Problem, ...] = ()
    links: tuple[str, ...] = ()  #: relative links as written, for the check that they lead somewhere

    @property
    def key(self) -> ArticleKey | None:
        """The article of a Markdown file; None: it never gave a good one."""
        return self.keys[0] if self.keys else None

    @property
    def broken(self) -> bool:
        """True when some version in it could not be used: it is read again each time."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; ``from_json`` is the inverse."""
        return {
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "sha256": self.sha256,
            "keys": [list(key) for key in self.keys],
            "problems": [problem.to_json() for problem in self.problems],
            "links": list(self.links),
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The state that ``to_json`` wrote."""
        return cls(
            size=record["size"],
            mtime_ns=record["mtime_ns"],
            sha256=record["sha256"],
            keys=tuple(ArticleKey(*key) for key in record["keys"]),
            problems=tuple(Problem.from_json(problem) for problem in record["problems"]),
            links=tuple(record["links"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What the build before this one had read."""

    files: Mapping[str, FileState]
    articles: Callable[[ArticleKey], Article | None]


class Claim(NamedTuple):
    """A good article and where its id stands."""

    article: Article
    id_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """One source, read now or recognised as unchanged."""

    source: str
    state: FileState  #: ``keys`` and cross-file problems are settled later
    claims: tuple[Claim, ...] = ()
    kept: tuple[Article, ...] = ()  #: last good versions of what is broken now
