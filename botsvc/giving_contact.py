"""An address given in a form: to the bot, while it is asking for one, and else to the request itself."""

from __future__ import annotations

from botsvc.contacts import Contacts, move_contacts
from botsvc.dialogue import take_turn
from botsvc.episode import Owner
from botsvc.exchange import CustomerTurn
from botsvc.service import Service
from botsvc.typed_replies import PromptKind


def give_contact(
    service: Service,
    conversation_id: str,
    token: str | None,
    *,
    client_message_id: str,
    email: str = "",
    phone: str = "",
) -> Contacts:
    """Keep an address, and go on with what the bot asks after it; raises as ``CustomerActs.give_contact``."""
    contacts = service.acts.checked(email, phone)
    said = " ".join((*contacts.emails, *contacts.phones))
    state, known = service.conversations.state(conversation_id, token, client_message_id)
    asked = state.owner is Owner.QUEUE and state.pending is not None
    asked = asked and state.pending is not None and state.pending.kind is PromptKind.ADDRESS
    if known or (asked and move_contacts(said).contacts == contacts):
        turn = CustomerTurn(client_message_id=client_message_id, text=said)
        take_turn(service, conversation_id, token, turn, None)
    else:
        service.acts.give_contact(conversation_id, token, email=email, phone=phone)
    return contacts
