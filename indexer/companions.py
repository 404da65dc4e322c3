"""What travels in an index beside its articles: the forms and canned replies of the same knowledge base."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

from indexer.articles import Article, ArticleKey
from indexer.errors import ArticleError
from indexer.fieldchecks import Value
from indexer.forms import Form, read_form
from indexer.frontmatter import decode, load_yaml
from indexer.problems import Problem, ProblemKind, Severity
from indexer.records import Notes
from indexer.replies import CannedReply, read_reply_file

FILE = "content.json"  #: in a build's folder; a build of an older version has none
FORMS, REPLIES = "forms", "replies"  #: folders of the kb
MAX_FILE = 200_000  #: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """Forms and canned replies, by id."""

    forms: Mapping[str, Form] = field(default_factory=dict)
    replies: Mapping[str, CannedReply] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.forms or self.replies)

    def to_text(self) -> str:
        """The content of ``FILE``: the same for the same forms and replies."""
        record = {
            FORMS: [self.forms[name].to_json() for name in sorted(self.forms)],
            REPLIES: [self.replies[name].to_json() for name in sorted(self.replies)],
        }
        return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def load(cls, folder: Path, files: Collection[str]) -> Self:
        """Those of a build whose manifest names ``files``; ``ValueError`` or ``KeyError`` when damaged."""
        if FILE not in files:
            return cls()
        record: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        forms = [Form.from_json(one) for one in record[FORMS]]
        replies = [CannedReply.from_json(one) for one in record[REPLIES]]
        return cls(forms={one.id: one for one in forms}, replies={one.id: one for one in replies})


NO_COMPANIONS = Companions()


def read_companions(
    kb: Path, articles: Mapping[ArticleKey, Article], before: Companions = NO_COMPANIONS
) -> tuple[Companions, tuple[Problem, ...]]:
    """The forms and replies of the kb at ``kb``, and what is wrong with them and with articles' form names.

    Of a broken file its last good version in ``before`` stays, as an article's does.
    """
    root = kb if kb.is_dir() else kb.parent
    languages = tuple(sorted({key.lang for key in articles}))
    forms, form_problems = _read(root, FORMS, read_form, before.forms, languages)
    replies, reply_problems = _read(root, REPLIES, read_reply_file, before.replies, languages)
    found = Companions(forms=forms, replies=replies)
    problems = [*form_problems, *reply_problems, *_unknown_forms(root, articles, forms)]
    problems.sort(key=lambda each: (each.source, each.line, each.message))
    return found, tuple(problems)


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def source(self) -> str: ...


_Kind = TypeVar("_Kind", bound=_Named)
_Reader = Callable[[Mapping[str, Value], Notes, Collection[str]], _Kind | None]


def _read(
    root: Path, folder: str, read: _Reader[_Kind], before: Mapping[str, _Kind], languages: Collection[str]
) -> tuple[dict[str, _Kind], list[Problem]]:
    found: dict[str, _Kind] = {}
    problems: list[Problem] = []
    for name in _names(root / folder):
        notes = Notes(f"{folder}/{name}")
        stem, dot, ending = name.rpartition(".")
        if ending != "yaml" or not dot:
            notes.warn(0, f"the file is not read: call it {stem or name}.yaml", ProblemKind.FILE)
            problems += notes.problems
            continue
        one = _read_file(root / folder / name, notes, read, languages)
        if one is not None and one.id != stem:
            message = f'"id" is "{one.id}", the file is {name}: give both the same name'
            notes.error(1, message, ProblemKind.DUPLICATE)
            one = None
        one = one or next((kept for kept in before.values() if kept.source == notes.source), None)
        if one is not None:
            found[one.id] = one
        problems += notes.problems
    return found, problems


def _names(folder: Path) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith(".") and name != "README.md")
    except (FileNotFoundError, NotADirectoryError):
        return []


def _read_file(path: Path, notes: Notes, read: _Reader[_Kind], languages: Collection[str]) -> _Kind | None:
    try:
        raw = path.read_bytes()
        if len(raw) > MAX_FILE:
            raise ArticleError(
                f"the file has {len(raw):,} bytes: at most {MAX_FILE:,} are read", source=notes.source
            )
        record = load_yaml(decode(raw, notes.source), notes.source)
    except ArticleError as error:
        notes.broken(error)
    except OSError as error:
        notes.error(0, f"the file cannot be read: {error.strerror}", ProblemKind.FILE)
    else:
        return read(record, notes, languages)
    return None


def _unknown_forms(
    root: Path, articles: Mapping[ArticleKey, Article], forms: Collection[str]
) -> Iterator[Problem]:
    for key, article in articles.items():
        name = article.handoff.form
        if name and name not in forms:
            yield Problem(
                source=article.source,
                line=_line_of_form(root / article.source, article.line),
                message=f'"handoff" names the form "{name}", and there is no {FORMS}/{name}.yaml: '
                "write it, or take the name out",
                severity=Severity.WARNING,
                kind=ProblemKind.LINK,
                key=key,
            )


def _line_of_form(path: Path, body: int) -> int:
    """Where an article's front matter, which ends before the line ``body``, names its form; 0: elsewhere."""
    if path.suffix != ".md":
        return body
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")[:body]
    except OSError:
        return 0
    return next((number for number, line in enumerate(lines, start=1) if "form:" in line), 0)
