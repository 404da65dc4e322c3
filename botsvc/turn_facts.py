"""One message with all that bears on what to say to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botsvc.decisions import Numbers, Reason
from botsvc.episode import EpisodeState, Message, Owner, Pending, rejects, reply_to
from botsvc.typed_replies import Reply
from indexer import Article, ArticleKey, Form, Hit

if TYPE_CHECKING:
    from botsvc.lookup import Found
    from botsvc.policy import Policy

#: Handoffs after which the bot waits in silence; after the others it goes on answering what it is sure of.
SILENT_AFTER = frozenset({Reason.ASKED, Reason.RULE, Reason.FEEDBACK, Reason.FORM})

ArticleOf = Callable[[ArticleKey], Article | None]
FormOf = Callable[[str], Form | None]


def no_form(_: str) -> None:
    """Where there are no forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFacts:
    """One message with all that bears on it."""

    message: Message
    state: EpisodeState
    policy: Policy
    reply: Reply | None
    pending: Pending | None
    hits: tuple[Hit, ...]  #: best first, rejected articles left out
    article_of: ArticleOf
    form_of: FormOf
    lang: str  #: the message's
    numbers: Numbers
    cross_language: bool
    index_id: str

    @classmethod
    def of(
        cls,
        message: Message,
        found: Found | None,
        state: EpisodeState,
        policy: Policy,
        article_of: ArticleOf,
        form_of: FormOf = no_form,
    ) -> TurnFacts:
        """The facts of one message; ``state`` is the current episode's."""
        reply = reply_to(message, state)
        rejected = state.rejected | rejects(reply, state)
        numbers = Numbers(human_request=message.intents.human_request)
        hits: tuple[Hit, ...] = ()
        if found is not None:
            result = found.result
            hits = tuple(hit for hit in result.hits if key_of(hit) not in rejected)
            # The probabilities speak of the hits as found: without the top one they no longer hold.
            holds = bool(hits) and hits[0] is result.hits[0]
            threshold = policy.thresholds[result.language.lang]
            numbers = Numbers(
                confidence=result.probabilities.confidence if holds else 0.0,
                choices=result.probabilities.choices if holds else 0.0,
                scope=result.probabilities.scope,
                answer_threshold=threshold.answer,
                choices_threshold=threshold.choices,
                scope_threshold=threshold.scope,
                human_request=message.intents.human_request,
            )
        return cls(
            message=message,
            state=state,
            policy=policy,
            reply=reply,
            pending=state.pending,
            hits=hits,
            article_of=article_of,
            form_of=form_of,
            lang=found.result.language.lang if found else message.lang,
            numbers=numbers,
            cross_language=found.result.cross_language if found else False,
            index_id=found.result.index_id if found else "",
        )

    @property
    def waits(self) -> bool:
        """A person has been called and has not come yet."""
        return self.state.owner is Owner.QUEUE

    @property
    def waits_in_silence(self) -> bool:
        """Until then the bot says nothing, unless the customer asked it to."""
        return self.waits and self.state.handed_off in SILENT_AFTER and not self.state.bot_meanwhile

    @property
    def has_address(self) -> bool:
        """An e-mail address or phone number is known, from this message or before."""
        return self.state.has_address or self.message.contacts

    @property
    def has_phone(self) -> bool:
        """A phone number is."""
        return self.state.has_phone or self.message.phone

    @property
    def may_hand_off(self) -> bool:
        """The bot hands off by itself at most once in an episode."""
        return self.state.handed_off is None

    @property
    def confident(self) -> bool:
        """The best hit reaches the accuracy goal."""
        return _reaches(self.numbers.confidence, self.numbers.answer_threshold) and bool(self.hits)

    @property
    def choices_likely(self) -> bool:
        """One of the best hits reaches the goal of choices."""
        return _reaches(self.numbers.choices, self.numbers.choices_threshold) and bool(self.hits)

    @property
    def in_scope(self) -> bool:
        """The question is about this help center."""
        return _reaches(self.numbers.scope, self.numbers.scope_threshold)

    @property
    def failures(self) -> int:
        """Rejected or failed in-scope questions, this message's rejection included."""
        return self.state.failures + bool(rejects(self.reply, self.state))

    @property
    def nearest(self) -> tuple[Hit, ...]:
        """What a person's help comes with, and choices are made of."""
        return self.hits[: self.policy.choices]

    def article(self, hit: Hit) -> Article | None:
        """The article of a hit, if its editors' rules count."""
        return self.article_of(key_of(hit)) if self.policy.article_rules else None


def _reaches(value: float | None, threshold: float | None) -> bool:
    return value is not None and threshold is not None and value >= threshold


def key_of(hit: Hit) -> ArticleKey:
    """The name of a hit's article."""
    return ArticleKey(hit.lang, hit.article_id)
