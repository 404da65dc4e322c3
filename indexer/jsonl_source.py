"""``articles.jsonl``: one article a line, as a help center elsewhere was exported."""

from __future__ import annotations

import hashlib
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from indexer.articles import Article, ArticleKey
from indexer.console import Progress, no_progress
from indexer.errors import KnowledgeBaseError
from indexer.fieldchecks import Checked, Finding, Value, check_fields, clean_text, unknown_key
from indexer.fields import FIELDS
from indexer.folder_source import LANGUAGE, MAX_FILE, TICK_NS, previous_articles
from indexer.plainbodies import lines_to_paragraphs
from indexer.problems import Problem, ProblemKind, Severity
from indexer.readings import Claim, FileState, Previous, SourceReading
from indexer.slugs import slugify

_NAMES = frozenset(known.name for known in FIELDS)
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]*")
_ID = re.compile(r'"id"\s*:\s*(?:"([^"\\]{1,200})"|(\d{1,30}))')
_LANG = re.compile(r'"lang"\s*:\s*"([a-z]{2,3})"')


class _Record(NamedTuple):
    key: ArticleKey | None  #: what it is about, as far as can be told
    article: Article | None  #: None: it cannot be used
    line: int
    findings: list[Finding]


def read_jsonl(
    path: Path, *, previous: Previous | None = None, progress: Progress = no_progress
) -> SourceReading:
    """Every record of the file; a line that cannot be used keeps the article that it held before."""
    source = path.name
    before = previous.files.get(source) if previous else None
    try:
        stat = path.stat()
        mtime_ns = 0 if time.time_ns() - stat.st_mtime_ns < TICK_NS else stat.st_mtime_ns
        usable = before is not None and not before.broken
        if before and usable and mtime_ns and (before.size, before.mtime_ns) == (stat.st_size, mtime_ns):
            raw, sha256 = b"", before.sha256
        else:
            raw = path.read_bytes()
            sha256 = hashlib.sha256(raw).hexdigest()
    except OSError as error:
        raise KnowledgeBaseError(f"the file {path} cannot be read: {error.strerror}") from error
    if before and usable and before.sha256 == sha256:
        articles = previous_articles(before, previous)
        if len(articles) == len(before.keys):
            state = FileState(size=stat.st_size, mtime_ns=mtime_ns, sha256=sha256, problems=before.problems)
            claims = tuple(Claim(article, article.line) for article in articles)
            return SourceReading(source=source, state=state, claims=claims)
        raw = raw or path.read_bytes()
    records = list(_records(raw, source, progress))
    state = FileState(
        size=stat.st_size, mtime_ns=mtime_ns, sha256=sha256, problems=_problems(records, source)
    )
    broken = {record.key for record in records if record.article is None}
    return SourceReading(
        source=source,
        state=state,
        claims=tuple(Claim(record.article, record.line) for record in records if record.article),
        kept=tuple(article for article in previous_articles(before, previous) if article.key in broken),
    )


def _records(raw: bytes, source: str, progress: Progress) -> Iterator[_Record]:
    lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield _record(line, source, number)
        if number % 1000 == 0 or number == len(lines):
            progress("reading articles", number, len(lines))


def _record(raw: bytes, source: str, line: int) -> _Record:
    try:
        data = json.loads(raw)
    except UnicodeDecodeError as error:
        reason = f"the line is not UTF-8 (byte 0x{raw[error.start]:02x}): save the file as UTF-8"
    except RecursionError:
        reason = "the JSON is nested too deeply"
    except ValueError as error:
        reason = f"the line is not valid JSON ({getattr(error, 'msg', error)})"
    else:
        if isinstance(data, dict):
            return _article(data, source, line)
        reason = (
            'the line is not an object such as {"id": "...", "lang": "en", "title": "...", "body": "..."}'
        )
    text = raw.decode("utf-8", "replace")
    found, lang = _ID.search(text), _LANG.search(text)
    key = ArticleKey(lang[1], found[1] or found[2]) if found and lang else None
    return _Record(key, None, line, [Finding(line, reason, Severity.ERROR, ProblemKind.SYNTAX)])


def _article(data: dict[str, Any], source: str, line: int) -> _Record:
    values = {name: _value(data[name], line) for name in _NAMES & data.keys()}
    title = values.pop("title", None)
    # The table of fields wants a title; here it may be missing, as many exports have none.
    if title is not None and isinstance(title.data, str) and not title.data.strip():
        title = None
    given = title if title is not None and title.data is not None else Value("-", line)
    checked = check_fields({**values, "title": given}, line=line)
    if given is not title:
        checked.values["title"] = ""
        checked.warn(line, "the title is empty", ProblemKind.VALUE, "title")
    for name in data.keys() - _NAMES - {"lang", "body"}:
        checked.warn(line, f"{_unknown(name)}; it is ignored", ProblemKind.UNKNOWN_KEY, name)
    lang = _lang(data, line, checked)
    body = _body(data, line, checked)
    identity = checked.values.get("id")
    key = ArticleKey(lang, identity) if lang and identity else None
    if key is None or not checked.usable:
        return _Record(key, None, line, checked.findings)
    article = Article(
        **checked.values, lang=lang, body=body, slug=slug_of_id(key.id), source=source, line=line
    )
    return _Record(key, article, line, checked.findings)


def _value(data: Any, line: int) -> Value:  # noqa: ANN401 - any JSON value
    if isinstance(data, list):
        return Value([_value(item, line) for item in data], line)
    if isinstance(data, dict):
        return Value({str(name): _value(item, line) for name, item in data.items()}, line)
    return Value(unicodedata.normalize("NFC", data) if isinstance(data, str) else data, line)


def _unknown(name: str) -> str:
    """The sentence about an unknown key; the hints for Markdown files do not apply here."""
    near = unknown_key(name)
    return near.rstrip("?") if "did you mean" in near else f'unknown key "{name[:60]}"'


def _lang(data: Mapping[str, Any], line: int, checked: Checked) -> str:
    lang = data.get("lang")
    if isinstance(lang, str) and LANGUAGE.fullmatch(lang):
        return lang
    shown = "it is missing" if lang is None else f"not {json.dumps(lang, ensure_ascii=False)[:60]}"
    message = f'"lang" must be a code of two or three small letters such as "fi": {shown}'
    checked.error(line, message, about="lang")
    return ""


def _body(data: Mapping[str, Any], line: int, checked: Checked) -> str:
    body = data.get("body")
    if not isinstance(body, str):
        shown = "it is missing" if body is None else f"not {type(body).__name__}"
        checked.error(line, f'"body" must be text: {shown}', about="body")
        return ""
    if len(body) > MAX_FILE:
        message = f'"body" has {len(body):,} characters: at most {MAX_FILE:,} are read, split the article'
        checked.error(line, message, about="body")
        return ""
    if not body.strip():
        message = "the article has no text: only its title and questions can be found"
        checked.warn(line, message, ProblemKind.VALUE, "body")
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    return lines_to_paragraphs(clean_text(unicodedata.normalize("NFC", text)))


def slug_of_id(identity: str) -> str:
    """The last part of the page's address: the id, if an address can hold it as it is."""
    return identity if _SAFE.fullmatch(identity) else slugify(identity) or "article"


def _problems(records: list[_Record], source: str) -> tuple[Problem, ...]:
    """What is wrong, line by line; a warning that many lines share is one problem with their number."""
    shared: Counter[tuple[ProblemKind, str]] = Counter()
    first: dict[tuple[ProblemKind, str], tuple[_Record, Finding]] = {}
    problems: list[Problem] = []
    for record in records:
        for finding in record.findings:
            name = (finding.kind, finding.about)
            if finding.severity is Severity.ERROR or finding.kind is ProblemKind.PHRASE:
                problems.append(_problem(source, record, finding, finding.message))
            else:
                shared[name] += 1
                first.setdefault(name, (record, finding))
    for name, (record, finding) in first.items():
        count = shared[name]
        message = finding.message if count == 1 else f"{finding.message} (in {count} lines)"
        problems.append(_problem(source, record, finding, message))
    return tuple(sorted(problems, key=lambda problem: (problem.line, problem.message)))


def _problem(source: str, record: _Record, finding: Finding, message: str) -> Problem:
    return Problem(
        source=source,
        line=finding.line,
        message=message,
        severity=finding.severity,
        kind=finding.kind,
        key=record.key,
    )
