"""What can go wrong while building or opening an index.

IndexerError                 every error of this package; its text is one sentence that says what to do
├── SettingsError            helppari.toml or the environment holds something unusable (key)
├── ArticleError             an article cannot be used (source, line, reason)
│   └── DuplicateArticle     two articles claim one id in one language
├── KnowledgeBaseError       the kb as a whole cannot be read, or is empty
├── EncoderError             an encoder cannot be prepared or loaded
│   └── EncoderMismatch      the index was built with another encoder (expected, found)
└── ArtifactError            the index folder cannot be used
    ├── IndexNotFound        there is no index at this place
    ├── IndexFormatError     written by another format version
    └── IndexDamaged         a file is missing, or its checksum or count is wrong
"""

from __future__ import annotations


class IndexerError(Exception):
    """Base of this package's errors; ``str(error)`` is one sentence that says what to do."""


class SettingsError(IndexerError):
    """A setting cannot be used."""

    def __init__(self, message: str, *, key: str = "") -> None:
        super().__init__(message)
        self.key = key


class ArticleError(IndexerError):
    """An article cannot be used."""

    def __init__(self, reason: str, *, source: str, line: int = 0) -> None:
        super().__init__(f"{source}:{line}: {reason}" if line else f"{source}: {reason}")
        self.reason = reason
        self.source = source
        self.line = line


class DuplicateArticle(ArticleError):
    """Two articles claim one id in one language."""


class KnowledgeBaseError(IndexerError):
    """The kb as a whole cannot be read, or is empty."""


class EncoderError(IndexerError):
    """An encoder cannot be prepared or loaded."""


class EncoderMismatch(EncoderError):
    """The index was built with another encoder."""

    def __init__(self, message: str, *, expected: str, found: str) -> None:
        super().__init__(message)
        self.expected = expected
        self.found = found


class ArtifactError(IndexerError):
    """The index folder cannot be used."""


class IndexNotFound(ArtifactError):
    """There is no index at this place."""


class IndexFormatError(ArtifactError):
    """The index was written by another format version."""


class IndexDamaged(ArtifactError):
    """A file of the index is missing, or its checksum or count is wrong."""
