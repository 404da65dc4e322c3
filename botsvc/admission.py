"""Who may open a conversation: whoever holds its token, until the token's time is over."""

from __future__ import annotations

from datetime import datetime

from botsvc.errors import ExpiredToken, MissingToken, UnknownConversation, WrongToken
from botsvc.storage.records import Conversation
from botsvc.tokens import token_matches


def admit(
    conversation: Conversation | None, conversation_id: str, token: str | None, now: datetime
) -> Conversation:
    """The conversation, if the token is its own.

    Raises MissingToken, UnknownConversation, WrongToken, or ExpiredToken.
    """
    if not token:
        raise MissingToken("the conversation's token is missing: send it as Authorization: Bearer <token>")
    if conversation is None:
        raise UnknownConversation(f"there is no conversation {conversation_id[:60]}: start a new one")
    if not token_matches(token, conversation.token_hash):
        raise WrongToken(f"the token is not that of conversation {conversation.id}: use the one it came with")
    if now >= conversation.expires_at:
        raise ExpiredToken(f"the token of conversation {conversation.id} has expired: start a new one")
    return conversation
