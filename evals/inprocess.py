"""The product itself as what is evaluated: the index and the bot, called in this process."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from pydantic import ValidationError

from evals.bot import HITS, Bot, Dialogue, Goals, Reply, SearchableIndex
from evals.embeddings import RememberingEncoder
from evals.predictions import Outcome, PredictedHit
from indexer import SettingsError

if TYPE_CHECKING:
    from botsvc.answering import Answering
    from botsvc.answering import Reply as BotReply
    from botsvc.settings import Settings
    from indexer import Encoder, Hit, Index

DEPTH = 2 * HITS  #: hits kept a question


class Product(NamedTuple):
    """What ``eval run`` evaluates."""

    searched: SearchableIndex
    bot: Bot
    goals: Goals
    site: str  #: address of the help center; empty when unknown
    stated_absent_share: float


def open_product(root: Path, config: Path | None) -> Product:
    """The index and the bot; without ``config`` no settings file is read, only the environment.

    Raises the index's errors (each a sentence) and ``SettingsError``.
    """
    from botsvc.answering import answering
    from indexer import Index

    settings = open_settings(config)
    index = Index.load(root)
    if "absent_share" in settings.answering.model_fields_set:
        index = index.with_absent_share(settings.answering.absent_share)
    return Product(
        searched=index,
        bot=InProcessBot(answering(settings)),
        goals=settings.answering,
        site=settings.site.base_url,
        stated_absent_share=index.calibration.absent_share,
    )


def open_settings(config: Path | None) -> Settings:
    """The settings of the file, or of the environment alone; raises ``SettingsError``."""
    from botsvc.settings import Settings
    from indexer.settings import load_settings

    if config is not None:
        return load_settings(Settings, config)
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("a HELPPARI_* variable cannot be used: run `helppari config check`") from error


def remembering_encoder(
    config: Path | None, memory: Path | None, index: SearchableIndex | None = None
) -> RememberingEncoder:
    """The index's encoder, or that of the settings, encoding each text once."""
    from indexer import open_encoder

    if index is not None:
        return RememberingEncoder(cast("Encoder", index.encoder), memory)
    return RememberingEncoder(open_encoder(open_settings(config).index.encoder), memory)


@dataclass(frozen=True, slots=True)
class InProcessBot:
    """The bot of the service without the service."""

    answering: Answering

    def ask(self, index: SearchableIndex, text: str, *, lang: str | None) -> Reply:
        """The reaction to a question on its own."""
        real = cast("Index", index)
        return reply_of(real, self.answering.ask(real, text, lang=lang, k=DEPTH), text, lang)

    def dialogue(self, index: SearchableIndex, *, lang: str | None) -> Dialogue:
        """A new conversation."""
        return InProcessDialogue(self.answering, cast("Index", index), lang)


@dataclass(slots=True)
class InProcessDialogue:
    """A conversation whose state stays here."""

    answering: Answering
    index: Index
    lang: str | None
    state: Any = field(default=None)  #: of the episode, as the last reply left it

    def say(self, text: str) -> Reply:
        """The bot's reaction to the next message."""
        from botsvc.episode import EpisodeState, Message

        state = self.state if self.state is not None else EpisodeState()
        reply = self.answering.turn(self.index, Message(text=text, lang=self.lang or ""), state, k=DEPTH)
        self.state = reply.state
        return reply_of(self.index, reply, text, self.lang)


def reply_of(index: Index, reply: BotReply, text: str, lang: str | None) -> Reply:
    """The bot's reply as evals know it.

    Where the bot had no need to search (a request for a person, thanks), this searches, so that hits and
    confidence are there for every outcome.
    """
    result = reply.result or index.search(text, k=DEPTH, lang=lang)
    probabilities = result.probabilities
    return Reply(
        # No outcome: the bot is silent because people have the conversation.
        outcome=Outcome(reply.outcome or Outcome.HANDED_OFF),
        reason=str(reply.decision.reason or ""),
        confidence=probabilities.confidence,
        choices_confidence=probabilities.choices,
        scope=probabilities.scope,
        language=result.language.lang,
        hits=tuple(_hit(hit) for hit in result.hits),
        index_id=reply.index_id,
        answer_article=reply.answer.hit.article_id if reply.answer else "",
    )


def _hit(hit: Hit) -> PredictedHit:
    return PredictedHit(
        article_id=hit.article_id,
        section_id=hit.section_id,
        score=hit.score,
        lang=hit.lang,
        title=hit.title,
        url=hit.url,
    )
