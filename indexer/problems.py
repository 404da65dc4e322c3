"""What is wrong with content, said so that its writer can mend it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from indexer.articles import ArticleKey


class Severity(StrEnum):
    """Whether an article can be used in spite of the problem."""

    ERROR = "error"  #: this version is not used; the last good one stays served
    WARNING = "warning"  #: used as it is


class ProblemKind(StrEnum):
    """What a problem is about: a closed list, for counting and for gates."""

    FILE = "file"  #: unreadable, too large, or not where it should be
    SYNTAX = "syntax"  #: not UTF-8, not valid YAML or JSON
    UNKNOWN_KEY = "unknown_key"
    VALUE = "value"  #: missing, of the wrong type, or impossible
    DUPLICATE = "duplicate"  #: an id or an address that another article has
    PHRASE = "phrase"  #: a question or test that occurs twice
    LINK = "link"  #: leads nowhere
    ANCHOR = "anchor"  #: two headings claim one anchor
    HTML = "html"  #: raw HTML, which is shown as text


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend; ``str`` gives ``file:line: message``."""

    source: str  #: path relative to the kb's root
    line: int  #: 1-based; 0: the file as a whole
    message: str  #: one sentence: what, with which value, and what to do
    severity: Severity
    kind: ProblemKind
    key: ArticleKey | None = None  #: the article it is about, if that is known

    def __str__(self) -> str:
        """``file:line: message``, as editors and terminals link it."""
        return f"{self.source}:{self.line}: {self.message}" if self.line else f"{self.source}: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """All fields as JSON values; ``from_json`` is the inverse."""
        return {
            "source": self.source,
            "line": self.line,
            "message": self.message,
            "severity": self.severity.value,
            "kind": self.kind.value,
            "key": list(self.key) if self.key else None,
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The problem that ``to_json`` wrote."""
        return cls(
            source=record["source"],
            line=record["line"],
            message=record["message"],
            severity=Severity(record["severity"]),
            kind=ProblemKind(record["kind"]),
            key=ArticleKey(*record["key"]) if record["key"] else None,
        )
