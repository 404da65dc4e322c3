"""Answering in process: what ``/v1/ask``, conversations, ``helppari ask`` and evals all call.

Nothing is stored here and nothing is sent: the caller keeps the state that a ``Reply`` carries, and creates
the handoff that its decision asks for. One call reads one ``Index`` from beginning to end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from botsvc.decide import decide
from botsvc.decisions import Answered, Decision, HandOff, NoAnswer, Outcome
from botsvc.episode import EpisodeState, Message, advance, current, reply_to
from botsvc.intents import Intents
from botsvc.lookup import Found, Plan, choose, plan
from botsvc.per_index import PerIndex
from botsvc.policy import Desk, LowConfidence, Policy
from botsvc.quoting import quote
from botsvc.texts import FALLBACK, Texts, load_texts
from botsvc.turn_facts import ArticleOf
from botsvc.typed_replies import PromptKind, ReplyKind
from indexer import Access, Article, ArticleKey, Hit, Index, SearchResult, Section, link_target

if TYPE_CHECKING:
    from botsvc.settings import Settings
    from indexer import Thresholds

HITS = 5  #: hits in a reply
INTENTS_ENCODER = "bundled"  #: whose embeddings the intent model was trained on

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedAnswer:
    """The part of a section that is shown, with where it comes from."""

    text: str
    html: str
    complete: bool  #: false: the section goes on at ``url``
    hit: Hit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the bot makes of one message."""

    decision: Decision
    state: EpisodeState  #: of the episode after this message
    language: str  #: the message's; replies are in it
    question: str = ""  #: what was searched
    answer: QuotedAnswer | None = None
    hits: tuple[Hit, ...] = ()
    result: SearchResult | None = None  #: None where nothing had to be searched
    index_id: str

    @property
    def outcome(self) -> Outcome | None:
        """What became of the message; None while a person has the conversation."""
        return self.decision.outcome

    def body(self, *, handoff: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The body of ``/v1/ask``; numbers are None where nothing was searched."""
        numbers = self.decision.numbers
        answer = self.answer
        return {
            "outcome": self.outcome,
            "reason": self.decision.reason,
            "confidence": _rounded(numbers.confidence),
            "choices_confidence": _rounded(numbers.choices),
            "scope": _rounded(numbers.scope),
            "language": self.language,
            "answer": answer
            and {
                "text": answer.text,
                "html": answer.html,
                "article_id": answer.hit.article_id,
                "section_id": answer.hit.section_id,
                "lang": answer.hit.lang,
                "title": answer.hit.title,
                "url": answer.hit.url,
            },
            "hits": [
                {
                    "article_id": hit.article_id,
                    "lang": hit.lang,
                    "section_id": hit.section_id,
                    "title": hit.title,
                    "url": hit.url,
                    "score": _rounded(hit.score),
                }
                for hit in self.hits
            ],
            "handoff": handoff,
            "index_id": self.index_id,
        }


class Classifier(Protocol):
    """Tells what a message is besides a question."""

    def classify(self, text: str, embedding: Vector | None, lang: str) -> Intents:
        """The intents of a text; ``embedding`` is the encoder's of the same text, where there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """The bot, ready to be asked; holds no index and no conversation, so one serves all threads."""

    intents: Classifier
    policy: Policy = field(default_factory=Policy)  #: thresholds are taken from the index asked
    site_languages: tuple[str, ...] = ()  #: empty: those of the index
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: rendering a quotation costs as much as finding it
    quotes: PerIndex[tuple[ArticleKey, str], QuotedAnswer | None] = field(default_factory=PerIndex)

    def languages(self, index: Index) -> tuple[str, ...]:
        """The languages to answer in, the site's first one first."""
        return tuple(lang for lang in self.site_languages if lang in index.languages) or index.languages

    def access(self, audience: str = "") -> Access:
        """What an anonymous customer may see now."""
        return Access(now=self.clock(), audience=audience)

    def ask(
        self, index: Index, text: str, *, lang: str | None = None, audience: str = "", k: int = HITS
    ) -> Reply:
        """The reply to a question on its own; ``lang`` is the interface's language."""
        return self.turn(index, Message(text=text, lang=lang or ""), EpisodeState(audience=audience), k=k)

    def turn(self, index: Index, message: Message, state: EpisodeState, *, k: int = HITS) -> Reply:
        """The reply to the next message of an episode."""
        access = self.access(current(state).audience)
        state, message = _without_vanished(index, message, state, access)
        policy = replace(self.policy, thresholds=_Thresholds(index))
        todo = plan(message, state)
        found = list(self._search(index, todo, message.lang, replace(access, audience=todo.audience), k))
        alone = next((one.result for one in found if not one.together), None)
        lang = alone.language.lang if alone else message.lang or self.languages(index)[0]
        # An embedding of another text (a reply's rest, a question asked before) says nothing of this one,
        # and one of another encoder nothing to the model.
        told = todo.alone == message.text.strip() and index.encoder.name == INTENTS_ENCODER
        message = self.understood(message, alone.embedding if alone and told else None, lang)
        chosen = choose(found, message, state, policy)
        # Several rules may look at one article; reading it costs more than they do.
        articles: dict[ArticleKey, Article | None] = {}

        def article_of(key: ArticleKey) -> Article | None:
            if key not in articles:
                articles[key] = index.article(key)
            return articles[key]

        decision = decide(message, chosen, state, policy, article_of=article_of, form_of=index.form)
        shown = decision.hit if isinstance(decision, Answered | HandOff) else None
        question = "" if chosen is None else todo.together if chosen.together else todo.alone
        return Reply(
            decision=decision,
            state=advance(state, message, decision, question=question),
            language=lang,
            question=question,
            answer=self._quoted(index, shown, article_of) if shown is not None else None,
            hits=chosen.result.hits if chosen else (),
            result=chosen.result if chosen else None,
            index_id=index.index_id,
        )

    def without_index(self, message: Message, state: EpisodeState) -> Reply | None:
        """The reply while there is no index; None where one is needed. A person can be asked for always."""
        lang = message.lang or (self.site_languages or (FALLBACK,))[0]
        message = self.understood(message, None, lang)
        decision = decide(message, None, state, self.policy, article_of=_no_article)
        if isinstance(decision, NoAnswer):
            return None
        after = advance(state, message, decision)
        return Reply(decision=decision, state=after, language=lang, index_id="")

    def _quoted(self, index: Index, hit: Hit, article_of: ArticleOf) -> QuotedAnswer | None:
        found = self.quotes.get(
            index, (hit.key, hit.section_id), lambda: quoted(index, hit, article_of(hit.key))
        )
        return replace(found, hit=hit) if found is not None else None

    def understood(self, message: Message, embedding: Vector | None, lang: str) -> Message:
        """The message with its intents; ``embedding`` is the encoder's of its text, where there is one."""
        if not message.text.strip():
            return message
        return replace(message, intents=self.intents.classify(message.text, embedding, lang))

    def _search(self, index: Index, todo: Plan, lang: str, access: Access, k: int) -> Iterator[Found]:
        languages = self.languages(index)
        for text, together in ((todo.alone, False), (todo.together, True)):
            if not text:
                continue
            result = index.search(
                text, k=k, lang=lang or None, languages=languages, access=access, exclude=todo.exclude
            )
            yield Found(result=result, together=together)


def answering(settings: Settings, intents: Classifier | None = None) -> Answering:
    """The bot as the operator has set it up."""
    from botsvc.intents import IntentModel

    return Answering(
        intents=intents or IntentModel.load(),
        policy=policy_of(settings, load_texts()),
        site_languages=settings.site.languages,
    )


def policy_of(settings: Settings, texts: Texts) -> Policy:
    """The operator's choices, as the decision needs them; there is no team behind this version's desk yet."""
    contact = any(not contact.empty for contact in settings.contact.values())
    labels = [{key for key in texts.all(lang) if key.startswith(_GROUP)} for lang in texts.languages]
    return Policy(
        low_confidence=LowConfidence(settings.handoff.low_confidence),
        desk=Desk.CONTACT if contact else Desk.NOBODY,
        known_audiences=frozenset(key.removeprefix(_GROUP) for key in set.intersection(*labels)),
    )


#: Texts of this family are names of customer groups.
_GROUP = "audience_"


class _Thresholds(Mapping[str, "Thresholds"]):
    """The thresholds of an index by language, without asking for those that nobody needs."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __getitem__(self, lang: str) -> Thresholds:
        return self._index.thresholds(lang)

    def __iter__(self) -> Iterator[str]:
        return iter(self._index.languages)

    def __len__(self) -> int:
        return len(self._index.languages)


def _no_article(_: ArticleKey) -> None:
    return None


def quoted(index: Index, hit: Hit, article: Article | None) -> QuotedAnswer | None:
    """What is shown of a hit; None when its ``article`` has gone."""
    section = article and _section(index.sections(hit.key), hit.section_id)
    if not article or not section:
        return None
    shown = quote(section, page=page_of(article), resolve=resolver(index, article))
    return QuotedAnswer(text=shown.text, html=shown.html, complete=shown.complete, hit=hit)


def _section(sections: tuple[Section, ...], anchor: str) -> Section | None:
    """The named section; the first one where an edit has taken the name away."""
    return next(
        (section for section in sections if section.anchor == anchor), sections[0] if sections else None
    )


def page_of(article: Article) -> str:
    """The address of an article's page."""
    return f"/help/{article.lang}/{article.slug}"


def resolver(index: Index, article: Article) -> Callable[[str], str | None]:
    """Turns the relative links of ``article`` into addresses of pages; None for a link that leads nowhere."""

    def resolve(href: str) -> str | None:
        target = link_target(article.source, href)
        if target is None or not target.source.endswith(".md"):
            return None
        # A file is called as its page (kb/<lang>/<topic>/<slug>.md).
        lang, _, rest = target.source.partition("/")
        linked = index.by_slug(lang, rest.rpartition("/")[2].removesuffix(".md"))
        if linked is None:
            return None
        return f"{page_of(linked)}#{target.anchor}" if target.anchor else page_of(linked)

    return resolve


def _without_vanished(
    index: Index, message: Message, state: EpisodeState, access: Access
) -> tuple[EpisodeState, Message]:
    """State and message; a choice of an article taken away since asks the question it belongs to anew."""
    pending, reply = state.pending, reply_to(message, state)
    if pending is None or pending.kind is not PromptKind.CHOICES or reply is None:
        return state, message
    picked = reply.index if reply.kind is ReplyKind.CHOICE else 0
    picks = reply.kind in (ReplyKind.CHOICE, ReplyKind.YES) and picked < len(pending.hits)
    if not picks or index.visible(pending.hits[picked].key, access):
        return state, message
    return replace(state, pending=None), Message(text=pending.question, lang=message.lang)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
