"""What a customer who opens the chat sees before asking: how people are reached, and questions for the page.

First come the articles that the operator has named for the page's path. Where those are fewer than four, the
ranker is asked for the page's title, and what it finds counts only when the index takes the title to be about
this help center: most pages of a web site are not, and a question that has nothing to do with the page is
worse than none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import unquote

import yaml

from botsvc.incoming import clean_text
from botsvc.per_index import PerIndex
from botsvc.wording import undotted, words
from indexer import ArticleKey

if TYPE_CHECKING:
    from botsvc.answering import Answering
    from botsvc.widget_settings import WidgetSettings
    from indexer import Access, Article, Index

log = logging.getLogger(__name__)

#: Questions that are suggested at most.
MOST = 4
#: How sure the index must be that a title is about this help center (``Probabilities.scope``). It is stricter
#: than for an answer (0.5), since nobody has asked. What it does on the sample: docs/howto/widget.md.
SCOPE = 0.85
#: Articles that score less than this share of the best one's score are about something else.
NEAR = 0.5
#: Longest question that is suggested, in characters; a longer one does not fit a button.
LONGEST_QUESTION = 80
#: Characters of a title or path that are searched.
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that an article answers."""

    text: str
    article: Article


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcoming:
    """Finds questions for a page; stores nothing of what it is told, and is safe to use from all threads."""

    settings: WidgetSettings
    bot: Answering
    site_name: str
    _checked: PerIndex[str, None] = field(default_factory=PerIndex)

    def questions(
        self, index: Index, named: Mapping[str, Sequence[str]], *, lang: str, path: str, title: str
    ) -> list[Question]:
        """At most ``MOST`` questions in ``lang`` for a page; ``named`` is the operator's table."""
        self.check(index)
        access = self.bot.access()
        path = clean_text(unquote(path.partition("?")[0].partition("#")[0]))
        keys = [ArticleKey(lang, id) for id in fitting(named, path)]
        found = [key for key in dict.fromkeys(keys) if index.visible(key, access)][:MOST]
        if len(found) < MOST:
            query = subject(clean_text(title), path, self.site_name)
            found += [key for key in self._searched(index, query, lang, access) if key not in found]
        articles = (index.article(key) for key in found[:MOST])
        return [Question(text=question_of(article), article=article) for article in articles if article]

    def check(self, index: Index) -> None:
        """Log a warning, once for each index, of every article that the settings name and that it lacks."""
        self._checked.get(index, "", lambda: self._warn(index))

    def _searched(self, index: Index, query: str, lang: str, access: Access) -> Iterator[ArticleKey]:
        if not query:
            return
        # Some of them may have been named already.
        result = index.search(query, k=2 * MOST, lang=lang, languages=[lang], access=access)
        if result.probabilities.scope < SCOPE or not result.hits:
            return
        least = NEAR * result.hits[0].score
        yield from (hit.key for hit in result.hits if hit.score >= least)

    def _warn(self, index: Index) -> None:
        keys = index.keys()
        known = {key.id for key in keys}
        for place, article_id in self.settings.suggested():
            if article_id not in known:
                log.warning(
                    "%s names the article %s, which the index does not have: correct the id, or leave it out",
                    place,
                    article_id,
                )


def question_of(article: Article) -> str:
    """The article as a question: its title, if that is one, else the first of its questions written as one.

    Most lines of ``questions`` are what customers type ("lost card"), which would look odd in a list of ours.
    Without any question it is the title.
    """
    asked = (text for text in article.questions if len(text) <= LONGEST_QUESTION and text[:1].isupper())
    return next((text for text in (article.title, *asked) if text.endswith(_ASKS)), article.title)


def subject(title: str, path: str, site_name: str) -> str:
    """What a page is about, to be searched: its title without the site's name, else the words of its path.

    Empty when both say only what any site's pages say ("Home", "/shop/index.html"). The company's name stands
    in many articles and on every page: with it, "Careers at Etupolku" would pass for one about benefits.
    """
    parts = [part.strip() for part in _BETWEEN.split(_without_name(title, site_name))]
    kept = [part for part in parts if _says_something(part)]
    if kept:
        return " ".join(" ".join(kept).split())[:LONGEST_TITLE]
    pages = " ".join(_PATH_WORDS.sub(" ", path).split())
    return pages[-LONGEST_TITLE:] if _says_something(pages) else ""


def _without_name(title: str, name: str) -> str:
    """The title without the site's name; of a long name, also with endings ("Etupolkuun", "Etupolku's")."""
    ending = r"(?:['’]?\w{1,4})?" if len(name) >= _LONG_NAME else ""
    return re.sub(rf"(?<!\w){re.escape(name)}{ending}(?!\w)-?", " ", title, flags=re.IGNORECASE)


def fitting(named: Mapping[str, Sequence[str]], path: str) -> Sequence[str]:
    """The articles named for the longest pattern that fits ``path``; of equally long ones, the first."""
    fit = [pattern for pattern in named if _fits(pattern, path)]
    return named[max(fit, key=len)] if fit else ()


def _fits(pattern: str, path: str) -> bool:
    """Whether ``*`` for any text makes the pattern the path; a path's last slash does not matter."""
    first, *more = (re.escape(part) for part in unquote(pattern).split("*"))
    # Each star but the last takes as little as it can, for good: no path makes this slow.
    between, last = (
        "".join(f"(?>.*?{part})" for part in more[:-1]),
        "".join(f".*{part}" for part in more[-1:]),
    )
    wanted = re.compile(f"{first}{between}{last}", re.DOTALL)
    bare = path.rstrip("/")
    return wanted.fullmatch(bare) is not None or wanted.fullmatch(f"{bare}/") is not None


def _says_something(text: str) -> bool:
    told = (word for word in words(text) if len(word) > 1 and not word.isdecimal())
    return any(undotted(word) not in _ANY_SITE for word in told)


def _any_site() -> frozenset[str]:
    source = resources.files(__package__).joinpath("page_titles.yaml").read_bytes()
    return frozenset(undotted(word) for line in yaml.safe_load(source)["any_site"] for word in line.split())


_ANY_SITE = _any_site()
#: How a question ends.
_ASKS = ("?", "？")
#: What stands between the parts of a title: "Lost card | Etupolku".
_BETWEEN = re.compile(r"\s+[-–—|·•»›:/]+\s+|\s*[|»›]\s*")
#: From so many letters on, a word that begins as the site's name does is that name.
_LONG_NAME = 6
_PATH_WORDS = re.compile(r"[^\w]+|_|\b\w*\d\w*\b")
