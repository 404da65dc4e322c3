"""What a customer says of an answer: read from a reply to "did this help?", and what follows (both pure)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from botsvc.episode import REMEMBERED, EpisodeState, Message, current, interview_prompt, rejects, reply_to
from botsvc.masking import without_placeholders
from botsvc.typed_replies import PromptKind, ReplyKind
from indexer import LONGEST_EXAMPLE, ArticleKey, normalised


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an article helped with a question."""

    helped: bool
    article: ArticleKey
    question: str  #: that the article was shown for, masked

    @property
    def example(self) -> str:
        """The question as an example; empty when it is too long, or says nothing."""
        text = " ".join(without_placeholders(self.question).split())
        return text if len(text) <= LONGEST_EXAMPLE and normalised(text) else ""


def verdict_of(message: Message, state: EpisodeState) -> Verdict | None:
    """What this message says of the answer before it; None when it says nothing of it."""
    state = current(state)
    reply, pending = reply_to(message, state), state.pending
    if reply is None:
        return None
    if pending is not None and pending.kind is PromptKind.HELPED and pending.hits:
        if reply.kind not in (ReplyKind.YES, ReplyKind.NO):
            return None
        question = pending.question or _whole(state.last_question)
        return Verdict(helped=reply.kind is ReplyKind.YES, article=pending.hits[0].key, question=question)
    if pending is None and rejects(reply, state) and state.last_hit is not None:
        return Verdict(helped=False, article=state.last_hit.key, question=_whole(state.last_question))
    return None


def _whole(question: str) -> str:
    """The question, unless only its end was remembered."""
    return question if len(question) < REMEMBERED else ""


def judged(state: EpisodeState, verdict: Verdict) -> EpisodeState:
    """The episode after a verdict given without a message: a rejection counts as a typed one does."""
    pending = state.pending
    if pending is not None and pending.kind is PromptKind.HELPED and pending.hits[0].key == verdict.article:
        pending = interview_prompt(state)
    if verdict.helped:
        return replace(state, pending=pending, helped=True, rejected=state.rejected - {verdict.article})
    return replace(
        state,
        pending=pending,
        rejected=state.rejected | {verdict.article},
        failures=state.failures + (verdict.article not in state.rejected),
    )
