"""The beginning of a conversation, whichever way it comes in."""

from __future__ import annotations

from datetime import datetime

from botsvc.events import CUSTOMER, ConversationStarted, Event
from botsvc.exchange import Start
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.storage.records import Conversation
from botsvc.storage.transactions import Writing
from botsvc.tokens import hash_token, new_id


def begin(
    writing: Writing, start: Start, now: datetime, *, token: str, expires_at: datetime, email: str = ""
) -> Conversation:
    """A new conversation, stored with its first event; of its token only the hash."""
    conversation = Conversation(
        id=new_id("c"),
        token_hash=hash_token(token),
        created_at=now,
        updated_at=now,
        expires_at=expires_at,
        language=_short(start.language, 8),
        locale=_short(start.locale, 40),
        page=_short(mask(start.page).text, 2_000),
        audience=_short(start.audience, 80),
        email=email,
        phone="",
        episode=0,
        last_sequence=0,
        messages=0,
        channel=start.channel,
        time_zone=_short(start.time_zone, 64),
        seen_at=now,
    )
    fact = ConversationStarted(
        language=conversation.language,
        locale=conversation.locale,
        page=conversation.page,
        audience=conversation.audience,
        notice=_short(start.notice, 300),
    )
    writing.add_conversation(conversation)
    event = Event(sequence=1, episode=0, at=now, actor=CUSTOMER, cause=None, fact=fact)
    conversation = writing.append(conversation, [event])
    writing.save_conversation(conversation)
    return conversation


def _short(text: str, limit: int) -> str:
    return clean_text(text)[:limit]
