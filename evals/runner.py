"""Asks every question and keeps what the bot did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import NamedTuple

from evals.baselines import Baseline, QueryCache, baselines_of, reply_of
from evals.bot import Bot, SearchableIndex
from evals.conversations import Conversation, Turn
from evals.halves import ABSENT_SHARE, split
from evals.measures import gold_rank
from evals.predictions import Outcome, Prediction
from evals.questions import Kind, Question
from indexer import Article, ArticleKey
from indexer.console import Progress, no_progress


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How to ask."""

    absent: bool = False  #: two passes, each without half of the articles
    hint_lang: bool = False  #: tell the bot the question's language, as an interface would
    baselines: bool = True
    groups: Mapping[str, str] = field(default_factory=dict)  #: article id -> what leaves with it


class Pass(NamedTuple):
    """One time through the questions."""

    half: str  #: "A", "B" or empty
    searched: SearchableIndex


class BaselineRun(NamedTuple):
    """A baseline's predictions for the same questions, in the same order."""

    baseline: Baseline
    predictions: tuple[Prediction, ...]


class Run(NamedTuple):
    """All that was asked."""

    predictions: tuple[Prediction, ...]
    baselines: tuple[BaselineRun, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnResult:
    """One turn of a conversation: what was expected and what came."""

    turn: Turn
    outcome: Outcome
    reason: str
    article: str  #: shown first; empty when no article is shown
    confidence: float
    fault: str  #: empty = as expected


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResult:
    """One conversation as it went."""

    conversation: Conversation
    turns: tuple[TurnResult, ...]

    @property
    def good(self) -> bool:
        """Whether every turn went as expected."""
        return all(not turn.fault for turn in self.turns)


def ask_all(
    index: SearchableIndex,
    bot: Bot,
    questions: Sequence[Question],
    options: RunOptions,
    progress: Progress = no_progress,
) -> Run:
    """Ask every question, twice with ``absent``; raises ``RunError`` when the articles cannot be halved."""
    names = index.keys()
    ids = frozenset(key.id for key in names)
    passes = list(_passes(index, questions, options))
    predictions: list[Prediction] = []
    by_baseline: dict[str, list[Prediction]] = {}
    kinds: dict[str, Baseline] = {}
    encode = QueryCache(index.encoder)
    if questions:
        # The first call of a process pays for caches that no later one does.
        bot.ask(index, questions[0].text, lang=None)
    done, total = 0, len(passes) * len(questions)
    for half, searched in passes:
        keys = frozenset(searched.keys())
        presence = _Presence(keys, frozenset(key.id for key in keys), ids)
        of_pass: list[Prediction] = []
        for question in questions:
            lang = question.lang if options.hint_lang else None
            of_pass.append(_ask(searched, bot, question, half, presence, lang=lang))
            done += 1
            progress("asking", done, total)
        predictions += of_pass
        if options.baselines and questions:
            articles = tuple(searched.articles())
            for baseline in baselines_of(searched, articles, encode):
                kinds[baseline.name] = baseline
                by_baseline.setdefault(baseline.name, []).extend(_as_baseline(baseline, articles, of_pass))
    baselines = tuple(
        # One that only one half allows (no examples in the other) would be compared on other questions.
        BaselineRun(kinds[name], tuple(found))
        for name, found in by_baseline.items()
        if len(found) == len(predictions)
    )
    return Run(tuple(predictions), baselines, _warnings(questions, ids))


def converse(
    index: SearchableIndex,
    bot: Bot,
    conversations: Sequence[Conversation],
    *,
    hint_lang: bool = False,
    progress: Progress = no_progress,
) -> tuple[ConversationResult, ...]:
    """Hold every conversation and compare each turn with its table."""
    results: list[ConversationResult] = []
    for number, conversation in enumerate(conversations, start=1):
        dialogue = bot.dialogue(index, lang=conversation.lang if hint_lang else None)
        turns: list[TurnResult] = []
        for turn in conversation.turns:
            reply = dialogue.say(turn.said)
            shown = [hit.article_id for hit in reply.hits]
            first = reply.answer_article or (shown[0] if shown else "")
            choices = shown[:3] if reply.outcome is Outcome.CLARIFIED else [first]
            turns.append(
                TurnResult(
                    turn=turn,
                    outcome=reply.outcome,
                    reason=reply.reason,
                    article=first,
                    confidence=reply.confidence,
                    fault=_fault(turn, reply.outcome, reply.reason, choices),
                )
            )
        results.append(ConversationResult(conversation=conversation, turns=tuple(turns)))
        progress("conversations", number, len(conversations))
    return tuple(results)


class _Presence(NamedTuple):
    """Which articles are in the index of this pass, and in the whole index."""

    keys: frozenset[ArticleKey]
    ids: frozenset[str]
    all_ids: frozenset[str]

    def answerable(self, question: Question) -> bool | None:
        """Whether a right article is in the index; None when that cannot be known."""
        if question.kind is not Kind.IN_SCOPE:
            return False
        if not any(article in self.all_ids for article in question.gold):
            return None
        return any(article in self.ids for article in question.gold)


def _passes(index: SearchableIndex, questions: Sequence[Question], options: RunOptions) -> Iterator[Pass]:
    if not options.absent:
        yield Pass("", index)
        return
    halves = split(index.keys(), questions, options.groups)
    yield Pass("A", index.without(halves.first).with_absent_share(ABSENT_SHARE))
    yield Pass("B", index.without(halves.second).with_absent_share(ABSENT_SHARE))


def _ask(
    index: SearchableIndex,
    bot: Bot,
    question: Question,
    half: str,
    presence: _Presence,
    *,
    lang: str | None,
) -> Prediction:
    start = perf_counter()
    reply = bot.ask(index, question.text, lang=lang)
    latency_ms = (perf_counter() - start) * 1000
    top = reply.hits[0] if reply.hits else None
    return Prediction(
        question=question,
        outcome=reply.outcome,
        reason=reply.reason,
        confidence=reply.confidence,
        choices_confidence=reply.choices_confidence,
        scope=reply.scope,
        language=reply.language,
        hits=reply.hits,
        latency_ms=latency_ms,
        index_id=reply.index_id,
        answerable=presence.answerable(question),
        half=half,
        answer_article=reply.answer_article,
        other_language=top is not None
        and top.lang != question.lang
        and ArticleKey(question.lang, top.article_id) in presence.keys,
    )


def _as_baseline(
    baseline: Baseline, articles: Sequence[Article], predictions: Sequence[Prediction]
) -> Iterator[Prediction]:
    replies = reply_of(baseline, articles, [p.question for p in predictions])
    for prediction, reply in zip(predictions, replies, strict=True):
        yield Prediction(
            question=prediction.question,
            outcome=reply.outcome,
            reason=reply.reason,
            confidence=reply.confidence,
            choices_confidence=reply.confidence,
            scope=0.0,
            language=prediction.language,
            hits=reply.hits,
            latency_ms=0.0,
            index_id=prediction.index_id,
            answerable=prediction.answerable,
            half=prediction.half,
        )


def _fault(turn: Turn, outcome: Outcome, reason: str, shown: Sequence[str]) -> str:
    if outcome not in turn.outcomes:
        return f"outcome is {outcome}, expected {' or '.join(turn.outcomes)}"
    if turn.reason and reason != turn.reason:
        return f"reason is {reason or 'none'}, expected {turn.reason}"
    if turn.articles and gold_rank(shown, turn.articles) is None:
        found = ", ".join(name for name in shown if name) or "no article"
        return f"shows {found}, expected {' or '.join(turn.articles)}"
    return ""


def _warnings(questions: Sequence[Question], ids: frozenset[str]) -> tuple[str, ...]:
    in_scope = [question for question in questions if question.kind is Kind.IN_SCOPE]
    empty = [question.id for question in in_scope if not question.gold]
    foreign = [q.id for q in in_scope if q.gold and not any(article in ids for article in q.gold)]
    partly = [
        q.id
        for q in in_scope
        if any(article in ids for article in q.gold) and not all(article in ids for article in q.gold)
    ]
    found: list[str] = []
    for some, what in (
        (empty, "in_scope questions that name no gold article stay unscored"),
        (
            foreign,
            "in_scope questions whose gold articles are not in the index stay unscored",
        ),
        (partly, "in_scope questions have some gold articles that are not in the index"),
    ):
        if some:
            first = ", ".join(some[:3]) + (" ..." if len(some) > 3 else "")
            found.append(f"{what}: {len(some)} ({first})")
    return tuple(found)
