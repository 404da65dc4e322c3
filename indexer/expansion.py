"""Editors' synonyms at work: the words that a question's words also stand for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from indexer.terms import stem, words

Groups = Mapping[str, Sequence[Sequence[str]]]


class Synonyms:
    """Finds, in a question, the phrases that editors gave synonyms, whatever their endings."""

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self._by_first: dict[str, dict[str, list[tuple[tuple[str, ...], Sequence[str]]]]] = {}
        for lang, rows in groups.items():
            table: dict[str, list[tuple[tuple[str, ...], Sequence[str]]]] = defaultdict(list)
            for group in rows:
                for phrase in group:
                    stems = tuple(stem(word, lang) for word in words(phrase))
                    if stems:
                        table[stems[0]].append((stems, [other for other in group if other != phrase]))
            self._by_first[lang] = dict(table)

    def expand(self, text: str, lang: str) -> str:
        """The synonyms of all phrases in the text, as one text; empty where there is none."""
        table = self._by_first.get(lang)
        if not table:
            return ""
        stems = tuple(stem(word, lang) for word in words(text))
        others: dict[str, None] = {}
        for at, first in enumerate(stems):
            for phrase, synonyms in table.get(first, ()):
                if stems[at : at + len(phrase)] == phrase:
                    others.update(dict.fromkeys(synonyms))
        return " ".join(others)
