"""E-mail as a sink: handoffs to a team's address, and people's messages to customers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any
from zoneinfo import ZoneInfo

from botsvc.errors import Refused
from botsvc.events import CustomerMessage
from botsvc.mail_settings import EmailSinkSettings, MailSettings
from botsvc.sinks.handoff_mail import content_of, subject_of
from botsvc.sinks.mail_content import Part, Quote, domain_of, markup, new_mail, plain
from botsvc.sinks.protocol import Accepted
from botsvc.sinks.reply_tags import ReplyTags, Role, reply_address
from botsvc.sinks.smtp import MailServer
from botsvc.sinks.wording import MailWords
from botsvc.storage import Storage
from botsvc.storage.records import Delivery
from botsvc.texts import Texts

EMAIL_SINK = "email"
CUSTOMER_MAIL_SINK = "customer-mail"
LOOP_HEADER = "X-Loop"
MOST_QUOTED_LINES = 40
MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MailHouse:
    """What all our mails have in common."""

    settings: MailSettings
    site: str  #: the company's name, as readers know it
    texts: Texts
    zone: ZoneInfo  #: for times that no promise gives a zone for
    tags: ReplyTags
    clock: Callable[[], datetime]

    @property
    def sender_name(self) -> str:
        """The name beside our address."""
        return self.settings.sender_name or self.site

    @property
    def can_read_replies(self) -> bool:
        """Whether replies come back into the conversation."""
        return bool(self.settings.imap_host)

    def words(self, lang: str) -> MailWords:
        """The texts for a reader."""
        return MailWords(lang, self.texts, self.zone)

    def finish(self, message: EmailMessage, *, role: Role, conversation_id: str) -> None:
        """Add the headers by which replies come back and loops are noticed."""
        if self.can_read_replies:
            tag = self.tags.make(role, conversation_id)
            message["Reply-To"] = reply_address(self.settings.reply_to, self.settings.sender, tag)
        elif self.settings.reply_to and "{tag}" not in self.settings.reply_to:
            message["Reply-To"] = self.settings.reply_to
        message["Date"] = format_datetime(self.clock())
        message[LOOP_HEADER] = self.settings.sender


def handoff_message_id(handoff_id: str, revision: int, *, sender: str) -> str:
    """Message-ID of a revision's mail: the same whenever it is sent."""
    return f"<handoff.{handoff_id}.{revision}@{domain_of(sender)}>"


def customer_message_id(conversation_id: str, sequence: int, *, sender: str) -> str:
    """Message-ID of a person's message to the customer: the same whenever it is sent."""
    return f"<message.{conversation_id}.{sequence}@{domain_of(sender)}>"


class EmailSink:
    """Sends each revision of a handoff to its team, readable and with the JSON document attached."""

    def __init__(
        self,
        house: MailHouse,
        settings: EmailSinkSettings,
        *,
        language: str,
        address_of: Callable[[str], str],
        link_of: Callable[[str], str] | None = None,
    ) -> None:
        self._house = house
        self._to = settings.to
        self._words = house.words(language)
        self._address_of = address_of
        self._link_of = link_of
        self._server = MailServer(house.settings)

    @property
    def name(self) -> str:
        """As in ``Delivery.sink``."""
        return EMAIL_SINK

    def deliver(self, delivery: Delivery) -> Accepted:
        """Send the mail once; raises ``Refused`` or ``Unreachable``."""
        document = delivery.payload
        to = (self._address_of(document["team"]) if document["team"] else "") or self._to
        message = self.compose(document, to=to)
        self._server.send(message, to=str(message["To"]))
        return Accepted(message_id=str(message["Message-ID"]), what="handoff")

    def compose(self, document: Mapping[str, Any], *, to: str) -> EmailMessage:
        """The mail of a document."""
        house, sender, words = self._house, self._house.settings.sender, self._words
        handoff, revision = document["handoff_id"], document["revision"]
        message = new_mail(
            subject=subject_of(document, words, site=house.site),
            sender=(house.sender_name, sender),
            to=to,
            message_id=handoff_message_id(handoff, revision, sender=sender),
        )
        if revision > 1:
            first = handoff_message_id(handoff, 1, sender=sender)
            message["In-Reply-To"] = first
            message["References"] = first
        if document["priority"] == "crisis":
            message["Importance"] = "high"
            message["X-Priority"] = "1"
        message["Auto-Submitted"] = "auto-generated"
        house.finish(message, role="team", conversation_id=document["conversation_id"])
        link = self._link_of(document["conversation_id"]) if self._link_of else ""
        parts = content_of(document, words, can_reply=house.can_read_replies, link=link)
        message.set_content(plain(parts))
        message.add_alternative(markup(parts, lang=words.lang), subtype="html")
        message.add_attachment(
            json.dumps(_without_sensitive(document), ensure_ascii=False, indent=2).encode(),
            maintype="application",
            subtype="json",
            filename=f"{handoff}-{revision}.json",
        )
        return message


class CustomerMailSink:
    """Sends what a person wrote to a customer who is not there any more."""

    def __init__(
        self, house: MailHouse, storage: Storage, *, status_url: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._house = house
        self._storage = storage
        self._status_url = status_url  #: the page of a conversation's requests; empty for none
        self._server = MailServer(house.settings)

    @property
    def name(self) -> str:
        """As in ``Delivery.sink``."""
        return CUSTOMER_MAIL_SINK

    def deliver(self, delivery: Delivery) -> Accepted:
        """Send the mail once; raises ``Refused`` or ``Unreachable``."""
        if not delivery.payload["to"]:
            raise Refused("the customer has no address", permanent=True)
        message = self.compose(delivery)
        self._server.send(message, to=str(message["To"]))
        return Accepted(message_id=str(message["Message-ID"]), what="message")

    def compose(self, delivery: Delivery) -> EmailMessage:
        """The mail of a message."""
        house, payload, conversation = self._house, delivery.payload, delivery.conversation_id
        words, company = house.words(payload["language"]), house.sender_name
        own = customer_message_id(conversation, payload["sequence"], sender=house.settings.sender)
        before, quoted = self._before(delivery, own)
        subject = payload.get("subject") or f"{words['customer_subject']} – {company}"
        known = subject[:3].lower() in ("re:", "sv:", "vs:")
        name = f"{payload['name']}, {company}" if payload["name"] else company
        message = new_mail(
            subject=f"Re: {subject}" if before and not known else subject,
            sender=(name, house.settings.sender),
            to=payload["to"],
            message_id=own,
        )
        if before:
            message["In-Reply-To"] = before[-1]
            message["References"] = " ".join(before)
        house.finish(message, role="customer", conversation_id=conversation)
        signature = "\n".join(one for one in (payload["name"], company) if one)
        parts = [Part(blocks=[payload["text"], signature])]
        if quoted:
            parts.append(Part(blocks=[words["customer_wrote"], Quote(text=quoted)]))
        if house.can_read_replies:
            parts.append(Part(blocks=[words["customer_reply"]]))
        if link := self._status_url(conversation):
            followed = Part()
            followed.row(words["customer_status"], link)
            parts.append(followed)
        message.set_content(plain(parts))
        message.add_alternative(markup(parts, lang=words.lang), subtype="html")
        return message

    def _before(self, delivery: Delivery, own: str) -> tuple[list[str], str]:
        """Message-IDs of the customer's thread, the last one last, and what the customer last wrote."""
        sequence = delivery.payload["sequence"]
        with self._storage.read() as reading:
            mails = reading.mails(delivery.conversation_id)
            events = reading.events(delivery.conversation_id)
        thread = [mail.message_id for mail in mails if mail.what == "message" and mail.message_id != own]
        said = [
            event.fact.text
            for event in events
            if event.sequence < sequence and isinstance(event.fact, CustomerMessage) and event.fact.text
        ]
        lines = said[-1].split("\n") if said else []
        if len(lines) > MOST_QUOTED_LINES:
            lines = [*lines[:MOST_QUOTED_LINES], "…"]
        return thread[-MOST_REFERENCES:], "\n".join(lines)


def _without_sensitive(document: Mapping[str, Any]) -> dict[str, Any]:
    facts = [{**fact, "value": None} if fact.get("sensitive") else fact for fact in document["facts"]]
    return {**document, "facts": facts}
