"""What of an article is encoded and counted: its passages, snippets, title and questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexer.articles import Article
from indexer.sections import PASSAGE_LIMIT, Section, passages, split_sections

#: Characters; a snippet is a sentence or two under its headings, close to the length of a question.
SNIPPET_LIMIT = 220


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleUnits:
    """One article cut for the index. ``*_sections`` hold, for each text, the row of its section."""

    article: Article
    sections: tuple[Section, ...]
    passages: tuple[str, ...]
    passage_sections: tuple[int, ...]
    snippets: tuple[str, ...]
    snippet_sections: tuple[int, ...]

    @property
    def title(self) -> str:
        """Title and summary as one text; may be empty."""
        return self.article.title

    @property
    def questions(self) -> tuple[str, ...]:
        """How customers ask, by the editor."""
        return self.article.questions


def cut(article: Article) -> ArticleUnits:
    """The article's units; at least one passage and one snippet."""
    sections = split_sections(article)
    summary = article.summary
    texts, owners = _cut_all(article, sections, PASSAGE_LIMIT)
    short, short_owners = _cut_all(article, sections, SNIPPET_LIMIT)
    if summary:
        # The summary says in the editor's words what the article is for, so it is a short unit of its own.
        short, short_owners = [f"{article.title}\n{summary}", *short], [0, *short_owners]
        texts[0] = f"{article.title}\n{summary}\n{texts[0].removeprefix(article.title).lstrip()}"
    return ArticleUnits(
        article=article,
        sections=sections,
        passages=tuple(texts),
        passage_sections=tuple(owners),
        snippets=tuple(short),
        snippet_sections=tuple(short_owners),
    )


def _cut_all(article: Article, sections: Sequence[Section], limit: int) -> tuple[list[str], list[int]]:
    texts: list[str] = []
    owners: list[int] = []
    for row, section in enumerate(sections):
        for text in passages(section, article.title, limit):
            texts.append(text)
            owners.append(row)
    return texts, owners
