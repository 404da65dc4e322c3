"""A customer's turn in a conversation, from the message to the stored reply and back to words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botsvc.answering import Reply
from botsvc.decisions import Answered, HandOff
from botsvc.episode import EpisodeState, Message, Owner
from botsvc.events import BotReplied, CustomerMessage
from botsvc.exchange import CustomerTurn, Met
from botsvc.feedback import verdict_of
from botsvc.problems import Problem, ProblemType
from botsvc.reopening import returned
from botsvc.service import Service
from botsvc.storage.records import Handoff
from botsvc.turns import BotTurn
from indexer import Index

#: Keys of a stored reply that are not the bot's part of it (``TurnReply``).
_BESIDE = ("owner", "text", "said", "complete", "buttons", "details")


def take_turn(
    service: Service, conversation_id: str, token: str | None, turn: CustomerTurn, lang: str | None
) -> dict[str, Any]:
    """The reply to a message, stored with it; a repeated message gets the stored reply."""
    conversation = service.conversations.open_to(conversation_id, token)
    service.messages.take(conversation_id, "This conversation has had many messages")
    index = service.swapper.index

    def answer(met: Met) -> BotTurn:
        state, text = met.state, met.text
        message = Message(text=text, press=turn.press, index=turn.index, lang=lang or conversation.language)
        if met.resolved is not None:
            return _returned(service, message, met.resolved)
        if index is None:
            reply = service.bot.without_index(message, state)
            if reply is None:
                service.index()  # raises the problem
                raise Problem(ProblemType.INDEX_NOT_READY, "The index has just been loaded: try again.")
        else:
            reply = service.bot.turn(index, message, state)
        bot = service.speaker.bot_turn(reply, topic=_topic(index, reply), text=text)
        verdict = verdict_of(message, state)
        if verdict is not None and verdict.helped and isinstance(bot.decision, HandOff):
            verdict = None  # "yes, but let me talk to somebody" is no word on the answer
        return replace(bot, verdict=verdict)

    posted = service.conversations.post(conversation_id, token, turn, answer)
    return message_body(conversation_id, posted.sequence, posted.body)


def _returned(service: Service, message: Message, resolved: Handoff) -> BotTurn:
    """What becomes of a message soon after a person's resolution."""
    message = service.bot.understood(message, None, message.lang)
    decision = returned(message, resolved.priority)
    reopens = isinstance(decision, HandOff)
    state = EpisodeState(owner=Owner.QUEUE if reopens else Owner.NOBODY)
    reply = Reply(decision=decision, state=state, language=message.lang, index_id="")
    bot = service.speaker.bot_turn(reply, topic="", text=message.text)
    return replace(bot, reopens=reopens, stays_closed=not reopens)


def message_body(conversation_id: str, sequence: int, stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored reply as sent; the bot's part is null while a person has the conversation."""
    part = {name: value for name, value in stored.items() if name not in _BESIDE}
    return {
        "conversation_id": conversation_id,
        "sequence": sequence,
        **{name: stored[name] for name in _BESIDE},
        "reply": part if part["outcome"] is not None else None,
    }


def transcript(service: Service, conversation_id: str, token: str | None) -> dict[str, Any]:
    """The conversation so far: what was said, and the replies as they were sent."""
    read = service.conversations.transcript(conversation_id, token)
    entries: list[dict[str, Any]] = []
    for event in read.events:
        fact = event.fact
        entry: dict[str, Any] = {"sequence": event.sequence, "at": event.at.isoformat()}
        entry |= {"press": None, "index": 0, "message": None}
        if isinstance(fact, CustomerMessage):
            pressed = {"press": fact.press or None, "index": fact.index}
            entries.append({**entry, **pressed, "author": "customer", "text": fact.text})
        elif isinstance(fact, BotReplied):
            stored = read.replies.get(event.cause) if event.cause is not None else None
            message = stored and message_body(conversation_id, event.cause or 0, stored)
            entries.append({**entry, "author": "bot", "text": fact.text, "message": message})
    return {
        "conversation_id": conversation_id,
        "language": read.conversation.language,
        "owner": read.owner,
        "expires_at": read.conversation.expires_at.isoformat(),
        "entries": entries,
    }


def _topic(index: Index | None, reply: Reply) -> str:
    """The topic of the article shown, else of the best hit."""
    decision = reply.decision
    hit = decision.hit if isinstance(decision, Answered | HandOff) else None
    hit = hit or (reply.hits[0] if reply.hits else None)
    article = index.article(hit.key) if index is not None and hit is not None else None
    return article.topics[0] if article is not None and article.topics else ""
