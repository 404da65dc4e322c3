"""A customer's turn in a conversation, from the message to the stored reply and back to words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from botsvc.events import BotReplied, CustomerMessage
from botsvc.exchange import CustomerTurn
from botsvc.people_facts import ArticleSent, PersonMessage, ServiceMessage
from botsvc.replying import replying
from botsvc.service import Service
from botsvc.standing import stands

#: Keys of a stored reply that are not the bot's part of it (``TurnReply``).
_BESIDE = ("owner", "text", "said", "complete", "buttons", "details")


def take_turn(
    service: Service, conversation_id: str, token: str | None, turn: CustomerTurn, lang: str | None
) -> dict[str, Any]:
    """The reply to a message, stored with it; a repeated message gets the stored reply."""
    service.conversations.open_to(conversation_id, token)
    service.messages.take(conversation_id, "This conversation has had many messages")
    posted = service.conversations.post(conversation_id, token, turn, replying(service, turn, lang))
    return message_body(conversation_id, posted.sequence, posted.body)


def message_body(conversation_id: str, sequence: int, stored: Mapping[str, Any]) -> dict[str, Any]:
    """A stored reply as sent; the bot's part is null while a person has the conversation."""
    part = {name: value for name, value in stored.items() if name not in _BESIDE}
    return {
        "conversation_id": conversation_id,
        "sequence": sequence,
        **{name: stored[name] for name in _BESIDE},
        "reply": part if part["outcome"] is not None else None,
    }


def transcript(
    service: Service, conversation_id: str, token: str | None, *, lang: str = ""
) -> dict[str, Any]:
    """The conversation so far: what was said, the replies as they were sent, and where a request stands.

    ``lang`` is the language of the words about the request; the conversation's where none is given.
    """
    read = service.conversations.transcript(conversation_id, token)
    entries: list[dict[str, Any]] = []
    for event in read.events:
        fact = event.fact
        entry: dict[str, Any] = {"sequence": event.sequence, "at": event.at.isoformat(), "name": ""}
        entry |= {"press": None, "index": 0, "client_message_id": "", "message": None, "article": None}
        match fact:
            case CustomerMessage():
                pressed = {"press": fact.press or None, "index": fact.index}
                pressed["client_message_id"] = fact.client_message_id
                entries.append({**entry, **pressed, "author": "customer", "text": fact.text})
            case BotReplied():
                stored = read.replies.get(event.cause) if event.cause is not None else None
                message = stored and message_body(conversation_id, event.cause or 0, stored)
                entries.append({**entry, "author": "bot", "text": fact.text, "message": message})
            case PersonMessage():
                entries.append({**entry, "author": "agent", "name": fact.name, "text": fact.text})
            case ArticleSent():
                names = ("article_id", "lang", "section_id", "title", "url")
                article = {name: getattr(fact, name) for name in names}
                said = {"author": "agent", "name": fact.name, "text": fact.text, "article": article}
                entries.append({**entry, **said})
            case ServiceMessage():
                entries.append({**entry, "author": "service", "text": fact.text})
            case _:
                pass
    conversation = read.conversation
    tier = service.tier
    now = tier.clock()
    standing, judging = stands(tier.front_desk, conversation, read.events, now, lang=lang)
    return {
        "conversation_id": conversation_id,
        "language": conversation.language,
        "owner": read.owner,
        "expires_at": conversation.expires_at.isoformat(),
        "last_sequence": conversation.last_sequence,
        "entries": entries,
        "request": asdict(standing) if standing else None,
        "csat": asdict(judging),
        "status_url": service.status_links.path(conversation_id, now) if standing else "",
    }
