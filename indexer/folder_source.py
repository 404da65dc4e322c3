"""A kb folder: ``<lang>/<topic>/<slug>.md``, one article a file."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from indexer.articles import Article, ArticleKey
from indexer.bodychecks import check_body
from indexer.console import Progress, no_progress
from indexer.errors import ArticleError, KnowledgeBaseError
from indexer.fieldchecks import Finding
from indexer.frontmatter import Document, check_front_matter, decode, split_document
from indexer.links import relative_links
from indexer.problems import Problem, ProblemKind, Severity
from indexer.readings import Claim, FileState, Previous, SourceReading
from indexer.slugs import slugify

MAX_FILE = 1_000_000  #: bytes
JSONL = "articles.jsonl"
LANGUAGE = re.compile(r"[a-z]{2,3}")
_LOCALE = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z]{2,4})?")

# A file written again within a clock tick of its last reading has the same time: until it is older, its
# content is compared.
TICK_NS = 50_000_000


class Found(NamedTuple):
    """A Markdown file and what the directory says of it."""

    source: str  #: path relative to the kb's root, with ``/``
    path: str
    size: int
    mtime_ns: int


def unread_folders(root: Path) -> Iterator[Problem]:
    """A warning for each folder that is nearly named like a language, and for a JSONL file beside them."""
    for entry in sorted(_entries(str(root)), key=lambda each: each.name):
        language = _LOCALE.fullmatch(entry.name)
        if language and not LANGUAGE.fullmatch(entry.name) and entry.is_dir():
            message = f'the folder is not read: a language\'s folder is named like "{language[1].lower()}"'
        elif entry.name == JSONL:
            message = f"the file is not read: there are language folders beside {JSONL}"
        else:
            continue
        yield Problem(
            source=entry.name, line=0, message=message, severity=Severity.WARNING, kind=ProblemKind.FILE
        )


def find_files(root: Path) -> tuple[Found, ...]:
    """All article files below the language folders of ``root``, sorted by path."""
    found: list[Found] = []
    for entry in _entries(str(root)):
        if LANGUAGE.fullmatch(entry.name) and entry.is_dir():
            found += _walk(entry.path, entry.name)
    return tuple(sorted(found))


def _walk(folder: str, relative: str) -> Iterator[Found]:
    for entry in _entries(folder):
        name = entry.name
        if name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{relative}/{name}")
        elif name.endswith(".md") and name.lower() != "readme.md":
            try:
                stat = entry.stat()
            except OSError:
                # Removed while we looked, or a link to nowhere: reading it says which.
                yield Found(f"{relative}/{name}", entry.path, 0, 0)
                continue
            yield Found(f"{relative}/{name}", entry.path, stat.st_size, stat.st_mtime_ns)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """The folder's entries; a folder that cannot be listed must not look like deleted articles."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise KnowledgeBaseError(f"the folder {folder} cannot be read: {error.strerror}") from error


def read_folder(
    root: Path, *, previous: Previous | None = None, progress: Progress = no_progress
) -> list[SourceReading]:
    """Every article file of ``root``; those unchanged since ``previous`` are not opened."""
    files = find_files(root)
    readings: list[SourceReading] = []
    for number, found in enumerate(files, start=1):
        before = previous.files.get(found.source) if previous else None
        reading = _unchanged(found, before, previous) or _read(found, before, previous)
        if reading is not None:
            readings.append(reading)
        if number % 100 == 0 or number == len(files):
            progress("reading articles", number, len(files))
    return readings


def _unchanged(found: Found, before: FileState | None, previous: Previous | None) -> SourceReading | None:
    if before is None or before.broken or found.mtime_ns == 0:
        return None
    if (before.size, before.mtime_ns) != (found.size, found.mtime_ns):
        return None
    return _same_content(found.source, before, before, previous)


def _same_content(
    source: str, state: FileState, before: FileState, previous: Previous | None
) -> SourceReading | None:
    """The articles of the build before; None when it has lost one."""
    articles = previous_articles(before, previous)
    if not articles or len(articles) != len(before.keys):
        return None
    claims = tuple(Claim(article, 0) for article in articles)
    return SourceReading(source=source, state=state, claims=claims)


def previous_articles(before: FileState | None, previous: Previous | None) -> tuple[Article, ...]:
    """The articles that ``before`` names, as the previous build served them."""
    if before is None or previous is None:
        return ()
    return tuple(article for key in before.keys if (article := previous.articles(key)) is not None)


def _read(found: Found, before: FileState | None, previous: Previous | None) -> SourceReading | None:
    """The file read now; None when it vanished meanwhile."""
    fresh = time.time_ns() - found.mtime_ns < TICK_NS
    mtime_ns = 0 if fresh else found.mtime_ns
    sha256 = ""
    try:
        if found.size > MAX_FILE:
            reason = f"the file has {found.size:,} bytes: at most {MAX_FILE:,} are read, split the article"
            raise ArticleError(reason, source=found.source)
        raw = Path(found.path).read_bytes()
        sha256 = hashlib.sha256(raw).hexdigest()
        state = FileState(size=found.size, mtime_ns=mtime_ns, sha256=sha256)
        if before and before.sha256 == sha256 and not before.broken:
            known = FileState(
                size=found.size,
                mtime_ns=mtime_ns,
                sha256=sha256,
                problems=before.problems,
                links=before.links,
            )
            if same := _same_content(found.source, known, before, previous):
                return same
        return _parse(found.source, raw, state, previous_articles(before, previous))
    except FileNotFoundError:
        return None
    except OSError as error:
        broken = ArticleError(f"the file cannot be read: {error.strerror}", source=found.source)
    except ArticleError as error:
        broken = error
    kind = ProblemKind.SYNTAX if broken.line else ProblemKind.FILE
    problem = Problem(
        source=found.source,
        line=broken.line,
        message=broken.reason,
        severity=Severity.ERROR,
        kind=kind,
        key=before.key if before else None,
    )
    return SourceReading(
        source=found.source,
        state=FileState(size=found.size, mtime_ns=mtime_ns, sha256=sha256, problems=(problem,)),
        kept=previous_articles(before, previous),
    )


def _parse(source: str, raw: bytes, state: FileState, last_good: tuple[Article, ...]) -> SourceReading:
    document = split_document(decode(raw, source), source)
    checked = check_front_matter(document)
    lang = source.partition("/")[0]
    key = ArticleKey(lang, checked.values["id"]) if "id" in checked.values else None
    findings = [*checked.findings, *check_body(document.body, document.body_line)]
    problems = tuple(_problem(source, finding, key) for finding in sorted(findings))
    if not checked.usable:
        return SourceReading(source=source, state=_with(state, problems), kept=last_good)
    article = _article(source, lang, document, checked.values)
    id_line = document.front["id"].line
    links = relative_links(document.body)
    return SourceReading(
        source=source, state=_with(state, problems, links), claims=(Claim(article, id_line),)
    )


def _with(state: FileState, problems: tuple[Problem, ...], links: tuple[str, ...] = ()) -> FileState:
    return FileState(
        size=state.size, mtime_ns=state.mtime_ns, sha256=state.sha256, problems=problems, links=links
    )


def _article(source: str, lang: str, document: Document, values: dict[str, object]) -> Article:
    return Article(
        **values,  # type: ignore[arg-type]  # the table of fields gives each its type
        lang=lang,
        body=document.body,
        slug=slug_of(source),
        source=source,
        line=document.body_line,
    )


def slug_of(source: str) -> str:
    """The last part of the page's address: the file's name."""
    name = source.rpartition("/")[2]
    return slugify(name.removesuffix(".md")) or "article"


def _problem(source: str, finding: Finding, key: ArticleKey | None) -> Problem:
    return Problem(
        source=source,
        line=finding.line,
        message=finding.message,
        severity=finding.severity,
        kind=finding.kind,
        key=key,
    )
