"""Editors' synonyms: words that mean the same to customers, by language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from indexer.errors import ArticleError
from indexer.fieldchecks import Value, clean_text
from indexer.frontmatter import decode, load_yaml

_LIMIT = 1_000_000  # characters
_EXAMPLE = "such as [aspa, asiakaspalvelu]"


def load_synonyms(path: Path) -> Mapping[str, tuple[tuple[str, ...], ...]]:
    """The groups of synonyms of each language; none where there is no file.

    ``ArticleError`` names the file, the line and what is wrong: keep the groups of the build before.
    """
    source = path.name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ArticleError(f"the file cannot be read: {error.strerror}", source=source) from error
    languages = load_yaml(decode(raw, source), source, limit=_LIMIT)
    return {lang: _groups(lang, value, source) for lang, value in languages.items() if value.data is not None}


def _groups(lang: str, value: Value, source: str) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value.data, list):
        reason = f'"{lang}" must be a list of groups, each {_EXAMPLE}'
        raise ArticleError(reason, source=source, line=value.line)
    return tuple(_group(group, source) for group in value.data)


def _group(value: Value, source: str) -> tuple[str, ...]:
    if not isinstance(value.data, list) or not all(isinstance(word.data, str) for word in value.data):
        raise ArticleError(f"a group must be a list of words {_EXAMPLE}", source=source, line=value.line)
    words = tuple(dict.fromkeys(" ".join(clean_text(word.data).split()) for word in value.data))
    if len(words) < 2 or "" in words:
        reason = f"a group needs two different words or more, {_EXAMPLE}"
        raise ArticleError(reason, source=source, line=value.line)
    return words
