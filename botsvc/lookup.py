"""What to search before deciding, and which of the searches counts (both pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botsvc.episode import EpisodeState, Message, current, rejects, reply_to
from botsvc.typed_replies import FOLLOW_UP_OPENINGS, PromptKind, ReplyKind
from botsvc.wording import plain, words
from indexer import ArticleKey

if TYPE_CHECKING:
    from botsvc.policy import Policy
    from indexer import SearchResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to search: nothing, the message alone, or also together with the episode's last question."""

    alone: str = ""
    together: str = ""
    exclude: frozenset[ArticleKey] = frozenset()
    audience: str = ""

    @property
    def queries(self) -> tuple[str, ...]:
        """The texts to search, in order."""
        return tuple(text for text in (self.alone, self.together) if text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the index found for one of the texts of a plan."""

    result: SearchResult
    together: bool = False  #: searched together with the episode's last question


def plan(message: Message, state: EpisodeState) -> Plan:
    """What to search before ``decide`` is asked about this message."""
    state = current(state)
    reply = reply_to(message, state)
    exclude = state.rejected | rejects(reply, state)
    pending = state.pending
    if reply is not None and pending is not None and pending.kind is PromptKind.AUDIENCE:
        chosen = reply.kind is ReplyKind.CHOICE and reply.index < len(pending.audiences)
        audience = pending.audiences[reply.index] if chosen else state.audience
        return Plan(alone=reply.rest or pending.question, exclude=exclude, audience=audience)
    text = message.text.strip() if reply is None else reply.rest
    if not text:
        return Plan(exclude=exclude, audience=state.audience)
    asked_before = pending.question if pending and pending.kind is PromptKind.CHOICES else state.last_question
    together = f"{asked_before} {text}" if asked_before and plain(asked_before) != plain(text) else ""
    return Plan(alone=text, together=together, exclude=exclude, audience=state.audience)


def choose(found: Sequence[Found], message: Message, state: EpisodeState, policy: Policy) -> Found | None:
    """The search that counts.

    The message alone counts when it is sure by itself. Together with the last question it counts when it is
    surer and the message leans on what was said before, is short, or becomes so much surer that it cannot be
    meant alone. An aside after an answer ("no joo") is not answered with the same section once more.
    """
    alone = next((one for one in found if not one.together), None)
    together = next((one for one in found if one.together), None)
    if alone is None or together is None:
        return alone or together
    threshold = policy.thresholds[alone.result.language.lang]
    sure, surer = alone.result.probabilities.confidence, together.result.probabilities.confidence
    if sure >= threshold.answer or surer <= sure:
        return alone
    state = current(state)
    length = len(words(message.text))
    refines = state.pending is not None and state.pending.kind is PromptKind.CHOICES
    here = alone.result.probabilities.scope >= threshold.scope
    leans = refines or leans_on_earlier(message.text)
    if not (leans or here) and length <= ASIDE_WORDS and _repeats(together, state):
        return alone
    likelier = surer >= MUCH_SURER * sure and alone.result.probabilities.scope >= ELSEWHERE
    return together if leans or (here and length <= SHORT_WORDS) or likelier else alone


#: A message of so few words says little without the question before it.
SHORT_WORDS, ASIDE_WORDS = 4, 3
#: How many times as probable the joint reading must be where nothing in the message's form speaks for it. On
#: the sample's conversations 4 finds two thirds of the follow-ups' articles (n = 108), on pairs of unrelated
#: questions it costs the second one 1.4 points of recall@1 (n = 297).
MUCH_SURER = 4.0
#: Below this scope a message is about something else ("what is the capital of Finland").
ELSEWHERE = 0.05


def leans_on_earlier(text: str) -> bool:
    """Whether a message opens as one does that continues an earlier question ("entä jos ...")."""
    typed = words(text)
    return any(" ".join(typed[:length]) in FOLLOW_UP_OPENINGS for length in (1, 2, 3, 4))


def _repeats(found: Found, state: EpisodeState) -> bool:
    if not found.result.hits or state.last_hit is None:
        return False
    hit, last = found.result.hits[0], state.last_hit
    return (hit.article_id, hit.lang, hit.section_id) == (last.article_id, last.lang, last.section_id)
