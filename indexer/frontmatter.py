"""A Markdown file taken apart: typed front matter, and the body with the line where it begins."""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar, NamedTuple

import yaml

from indexer.errors import ArticleError
from indexer.fieldchecks import Checked, Value, check_fields, clean_text, unknown_key
from indexer.fields import FIELDS, ID_PATTERN
from indexer.problems import ProblemKind

_FENCE_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_ID = re.compile(ID_PATTERN)
_NAMES = frozenset(known.name for known in FIELDS)
_MAX_FRONT_MATTER = 65_536  # characters
_MAX_DEPTH = 16
_MANY_BRACKETS = 64
# Signs of block collections inside each other: many dashes on a line, or a deep indentation.
_DEEP_BLOCKS = re.compile(r"(?:[-?:][ \t]+){8}|^ {64}", re.MULTILINE)

_HINTS = (
    ("tab character", "indent with spaces, not tabs"),
    ("mapping values are not allowed", "put a text that holds a colon in quotes"),
    (
        "cannot start any token",
        "indent with spaces, not tabs, and put a text that begins with a sign in quotes",
    ),
    ("did not find expected ',' or ']'", "close the list with ]"),
    ("did not find expected ',' or '}'", "close the mapping with }"),
    ("unexpected end of stream", "close the quotes"),
    ("could not find expected ':'", 'a key needs a colon after it, and a text over several lines needs "|"'),
    ("did not find expected key", "check the indentation and the quotes"),
    ("expected node content", "put a text that begins with a sign in quotes"),
    ("escape character", "use single quotes, in which \\ is nothing special"),
    ("undefined alias", "put a text that begins with * in quotes"),
    ("did not find expected alphabetic", "put a text that begins with * or & in quotes"),
    ("control characters are not allowed", "remove the invisible character"),
)

_Base: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc, valid-type]
    """YAML in which only true, false and nothing are not text: 020 123 and 2026-11-01 stay as written."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {}


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)

_BOOL, _NULL, _STR, _MAP, _SEQ = (
    f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "str", "map", "seq")
)


class Document(NamedTuple):
    """A Markdown file's parts."""

    front: dict[str, Value]
    body: str
    body_line: int  #: 1-based line where the body begins


def decode(raw: bytes, source: str) -> str:
    """The file's text: UTF-8, with or without a byte order mark, with any line ends, as NFC."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        reason = f"not UTF-8 (byte 0x{raw[error.start]:02x}): save the file as UTF-8"
        raise ArticleError(reason, source=source, line=line) from error
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def split_document(text: str, source: str) -> Document:
    """The front matter, each value with its line, and the body; ``ArticleError`` says what is wrong."""
    first, _, rest = text.partition("\n")
    if first.rstrip() != "---":
        reason = 'there is no front matter: begin with a line "---" and lines such as "id: lost-card"'
        raise ArticleError(reason, source=source, line=1)
    end = _FENCE_END.search(rest)
    if end is None:
        reason = 'the front matter has no end: put a line "---" between it and the text'
        raise ArticleError(reason, source=source, line=1)
    body_line = rest.count("\n", 0, end.end()) + 3
    body = clean_text(rest[end.end() + 1 :])
    return Document(load_yaml(rest[: end.start()], source, first_line=2), body, body_line)


def load_yaml(
    text: str, source: str, *, first_line: int = 1, limit: int = _MAX_FRONT_MATTER
) -> dict[str, Value]:
    """The mapping that ``text`` holds, every value with its line in ``source``."""
    if len(text) > limit:
        reason = f"there are {len(text):,} characters of YAML: at most {limit:,} are read"
        raise ArticleError(reason, source=source, line=first_line)
    try:
        _refuse_deep(text, source, first_line)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise _yaml_error(error, text, source, first_line) from error
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        reason = 'this is not a mapping: write lines such as "id: lost-card"'
        raise ArticleError(reason, source=source, line=first_line + node.start_mark.line)
    data: dict[str, Value] = _Reader(source, first_line).value(node).data
    return data


def check_front_matter(document: Document) -> Checked:
    """The front matter as values of ``Article``'s fields; an unknown key forbids using the file.

    A misspelt ``visibility: internal`` that was only warned about would publish what must not be seen.
    """
    checked = check_fields(document.front, line=1)
    identity = checked.values.get("id", "")
    if identity and not _ID.fullmatch(identity):
        message = f'"id" must be one word of letters, digits, hyphens, dots or underscores, not "{identity}"'
        checked.error(document.front["id"].line, message, about="id")
    for name, value in document.front.items():
        if name not in _NAMES:
            checked.error(value.line, unknown_key(name), ProblemKind.UNKNOWN_KEY, name)
    return checked


def _refuse_deep(text: str, source: str, first_line: int) -> None:
    """Stop before the C parser's recursion overflows its stack and takes the whole process down."""
    if text.count("[") + text.count("{") <= _MANY_BRACKETS and not _DEEP_BLOCKS.search(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            line = first_line + (event.start_mark.line if event.start_mark else 0)
            raise ArticleError("the YAML is nested too deeply", source=source, line=line)


class _Reader:
    """Turns YAML nodes into values; aliases share one value, so that a small file cannot grow."""

    def __init__(self, source: str, first_line: int) -> None:
        self._source = source
        self._first_line = first_line
        self._seen: dict[int, Value] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node) -> Value:
        line = self._first_line + node.start_mark.line
        if isinstance(node, yaml.ScalarNode):
            return Value(self._scalar(node, line), line)
        if node.tag not in (_MAP, _SEQ):
            raise self._tag_error(node, line)
        if id(node) in self._seen:
            return self._seen[id(node)]
        if id(node) in self._open:
            raise ArticleError(
                "an alias (*) holds itself: write the value out", source=self._source, line=line
            )
        self._open.add(id(node))
        data = (
            self._mapping(node) if isinstance(node, yaml.MappingNode) else [self.value(n) for n in node.value]
        )
        self._open.discard(id(node))
        self._seen[id(node)] = Value(data, line)
        return self._seen[id(node)]

    def _scalar(self, node: yaml.ScalarNode, line: int) -> str | bool | None:
        tag = node.tag
        if tag == _STR:
            return str(node.value)
        if tag == _NULL:
            return None
        if tag == _BOOL:
            return str(node.value).lower() == "true"
        raise self._tag_error(node, line)

    def _tag_error(self, node: yaml.Node, line: int) -> ArticleError:
        reason = f'the tag "{node.tag[:60]}" is not allowed: put a text that begins with ! in quotes'
        return ArticleError(reason, source=self._source, line=line)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Value]:
        data: dict[str, Value] = {}
        for key, value in node.value:
            line = self._first_line + key.start_mark.line
            if not isinstance(key, yaml.ScalarNode):
                raise ArticleError("a key must be one word", source=self._source, line=line)
            if key.value in data:
                reason = f'"{key.value}" stands twice: keep one'
                raise ArticleError(reason, source=self._source, line=line)
            read = self.value(value)
            # A block of several lines is named by its key's line; its entries keep their own.
            data[key.value] = read if isinstance(read.data, str | bool) else Value(read.data, line)
        return data


def _yaml_error(error: yaml.YAMLError, text: str, source: str, first_line: int) -> ArticleError:
    line, problem = first_line, str(error)
    if isinstance(error, yaml.MarkedYAMLError):
        problem = error.problem or problem
        if mark := error.problem_mark or error.context_mark:
            line += min(mark.line, max(0, text.rstrip("\n").count("\n")))
    elif isinstance(error, yaml.reader.ReaderError):
        problem = (
            f"the character U+{error.character:04X} is not allowed"
            if isinstance(error.character, int)
            else error.reason
        )
        line += text.count("\n", 0, error.position)
    hint = next((hint for sign, hint in _HINTS if sign in str(error)), "compare it with a file that works")
    return ArticleError(f"not valid YAML ({problem}): {hint}", source=source, line=line)
