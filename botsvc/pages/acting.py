"""What the page at ``/`` sends beside messages: end, judge, give an address, ask for a call, look again."""

from __future__ import annotations

from collections.abc import Mapping

from botsvc.errors import InvalidMessage
from botsvc.giving_contact import give_contact
from botsvc.pages.rendering import Pages

#: What a form of the page may ask for; ``refresh`` only shows the page anew.
ACTS = ("close", "csat", "contact", "callback", "refresh")


class ActRefused(Exception):
    """A form cannot be used; ``key`` names the text that says why."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def perform(
    pages: Pages,
    conversation_id: str,
    token: str,
    act: str,
    fields: Mapping[str, str],
    message_id: str,
) -> None:
    """Do what was asked. Raises ActRefused."""
    service = pages.service
    acts = service.acts
    service.conversations.open_to(conversation_id, token)
    if act == "refresh":
        service.polls.take(conversation_id, "This conversation is read too often")
        return
    service.messages.take(conversation_id, "This conversation has had many messages")
    email, phone = fields.get("email", "").strip(), fields.get("phone", "").strip()
    try:
        if act == "close":
            acts.close(conversation_id, token)
        elif act == "csat":
            score = fields.get("score", "")
            if score not in ("1", "2", "3", "4", "5"):
                raise ActRefused("csat_missing")
            acts.judge(conversation_id, token, int(score), fields.get("comment", "")[:1_000])
        elif act == "contact":
            give_contact(
                service, conversation_id, token, client_message_id=message_id, email=email, phone=phone
            )
        else:
            wished = fields.get("wished", "")[:400]
            acts.wish_to_be_called(conversation_id, token, phone=phone, wished=wished)
    except InvalidMessage as error:
        raise ActRefused(refusal(error, email=email, phone=phone)) from error


def refusal(error: InvalidMessage, *, email: str, phone: str) -> str:
    """The text that says what is wrong with an address."""
    if not email and not phone:
        return "wrong_phone" if error.field == "phone" else "contact_missing"
    return "wrong_phone" if error.field == "phone" else "wrong_email"
