"""Mail that came in, put where it belongs: into its conversation, or into a new one that people get.

Each mail is one transaction together with its row in ``mails``: read again after a crash, it is known and
changes nothing. Who writes to customer service by e-mail asks for people: the bot answers no mail, it sends
one confirmation with the promise. Machines get no answer at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from botsvc.change import Change, new_handoff
from botsvc.contacts import OwnContacts, move_contacts
from botsvc.decisions import Priority, Reason
from botsvc.episode import EpisodeState, Owner
from botsvc.events import Actor, ActorKind
from botsvc.exchange import Start
from botsvc.handling import Handling, acknowledged, answered, to_customer
from botsvc.handoff import HandoffState
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.people_facts import NoteAdded, PersonMessage, ServiceMessage
from botsvc.reception import FrontDesk
from botsvc.routing import RoutingFacts
from botsvc.sinks.email import EMAIL_SINK
from botsvc.sinks.incoming_mail import (
    Bounce,
    CustomerMail,
    Ignored,
    IgnoredReason,
    IncomingMail,
    StaffReply,
    mail_row,
)
from botsvc.sinks.mail_parsing import ParsedMail
from botsvc.starting import begin
from botsvc.storage.records import Conversation
from botsvc.storage.transactions import Writing
from botsvc.tokens import new_token
from botsvc.turns import Turn
from indexer import detect

#: Longest text of a mail that is kept, in characters; the rest stays in the mailbox.
LONGEST_MAIL = 20_000
#: How long the unused token of a conversation by mail would work.
_TOKEN_LIFETIME = timedelta(hours=1)
_MAIL = Actor(kind=ActorKind.SYSTEM, id="mail")
#: Key of the confirmation that a mail has arrived.
RECEIVED = "mail_received"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correspondence:
    """Puts mails where they belong."""

    handling: Handling
    front_desk: FrontDesk
    languages: tuple[str, ...]  #: of the site, the first one for mails in no language
    own: OwnContacts
    reopening: timedelta
    is_thanks: Callable[[str, str], bool]  #: whether a text in a language only accepts a resolution

    def receive(self, incoming: IncomingMail) -> str | None:
        """Put one mail where it belongs; the id of its conversation, if it has one now."""
        now = self.handling.clock()
        with self.handling.storage.write() as writing:
            known = writing.mail(incoming.mail.message_id)
            if known is not None:
                return known.conversation_id
            conversation_id = self._placed(writing, incoming)
            writing.add_mail(mail_row(incoming, conversation_id=conversation_id, now=now))
            return conversation_id

    def _placed(self, writing: Writing, incoming: IncomingMail) -> str | None:
        match incoming:
            case CustomerMail():
                return self._from_customer(writing, incoming)
            case StaffReply():
                self._from_staff(writing, incoming)
            case Bounce():
                self._bounced(writing, incoming)
            case Ignored(reason=IgnoredReason.UNKNOWN_SENDER):
                self._from_stranger(writing, incoming)
        return incoming.conversation_id

    def _from_customer(self, writing: Writing, incoming: CustomerMail) -> str:
        now, mail = self.handling.clock(), incoming.mail
        conversation = writing.lock(incoming.conversation_id) if incoming.conversation_id else None
        new = conversation is None
        if conversation is None:
            language = detect(f"{mail.subject}\n{mail.text}", self.languages).lang
            start = Start(language=language, channel="email")
            conversation = begin(
                writing,
                start,
                now,
                token=new_token(),
                expires_at=now + _TOKEN_LIFETIME,
                email=mail.sender,
            )
        if not conversation.email:
            conversation = replace(conversation, email=mail.sender)
        text, masked = self._text(mail, with_subject=new)
        handoff = writing.handoff_of(conversation.id, conversation.episode)
        back = (
            handoff is not None
            and handoff.state == HandoffState.RESOLVED
            and handoff.ended_at is not None
            and now - handoff.ended_at < self.reopening
        )
        thanks = back and self.is_thanks(text, conversation.language)
        turn = Turn.begin(writing, conversation, now, sinks=self.handling.sinks, same_episode=back)
        change = turn.change
        seen_at = conversation.seen_at
        turn.customer_said(
            client_message_id="mail-" + hashlib.sha256(mail.message_id.encode()).hexdigest()[:40],
            text=text,
            masked=masked,
            channel="email",
        )
        # A mail is no sign that a page is open.
        change.conversation = replace(change.conversation, seen_at=seen_at)
        if thanks:
            pass
        elif back:
            change.reopen(_MAIL)
        elif change.handoff is None:
            self._handed_off(change, text)
        elif change.owner is Owner.QUEUE:
            change.revise(_MAIL)
        change.end()
        return conversation.id

    def _handed_off(self, change: Change, text: str) -> None:
        conversation = change.conversation
        facts = RoutingFacts(
            audience=conversation.audience,
            language=conversation.language,
            reason=Reason.ASKED.value,
            priority=Priority.ASKED.value,
        )
        reception = self.front_desk.receive(facts, change.now, reachable=True, live=False)
        handoff = new_handoff(
            conversation,
            change.episode,
            change.now,
            reason=Reason.ASKED.value,
            priority=Priority.ASKED.value,
            question=text,
            language=conversation.language,
            team=reception.team,
        )
        change.hand_off(_MAIL, handoff)
        change.own(Owner.QUEUE, _MAIL)
        change.remember(
            EpisodeState(
                owner=Owner.QUEUE, handed_off=Reason.ASKED, has_address=True, last_question=text[-400:]
            )
        )
        if reception.reply_by is not None:
            change.promise(_MAIL, reception.reply_by, reception.time_zone)
        thanks = self.front_desk.texts.say(conversation.language, RECEIVED)
        said = f"{thanks} {reception.said}".strip()
        fact = ServiceMessage(key=RECEIVED, text=said, language=conversation.language)
        change.mail(change.append(fact, _MAIL), text=said, name="")

    def _from_staff(self, writing: Writing, incoming: StaffReply) -> None:
        """A team's answer goes to the customer; where somebody else has it at the desk, to them as a note."""
        change = self._opened(writing, incoming.conversation_id)
        if change is None or change.handoff is None:
            return
        agent = writing.agent(incoming.agent_id) if incoming.agent_id else None
        actor = Actor(kind=ActorKind.AGENT, id=agent.id if agent else "")
        team = self.front_desk.teams.get(change.handoff.team)
        name = agent.name if agent else team.name(change.conversation.language) if team else ""
        text, _ = self._text(incoming.mail, with_subject=False)
        handoff = change.handoff
        taken = bool(handoff.agent) and handoff.agent != (agent.id if agent else "")
        if handoff.state != HandoffState.OPEN or taken:
            change.append(NoteAdded(text=f"{name} ({incoming.mail.sender}): {text}"), actor)
        else:
            acknowledged(change, actor, EMAIL_SINK)
            sequence = change.append(PersonMessage(text=text, name=name, channel="email"), actor)
            answered(change)
            to_customer(change, sequence, text=text, name=name)
        change.end()

    def _from_stranger(self, writing: Writing, incoming: Ignored) -> None:
        """Somebody answered a team's mail whom nobody knows: people decide what to do with it."""
        change = self._opened(writing, incoming.conversation_id)
        if change is None or change.handoff is None:
            return
        text, _ = self._text(incoming.mail, with_subject=False)
        change.append(NoteAdded(text=f"{incoming.mail.sender}: {text}"), _MAIL)
        change.end()

    def _bounced(self, writing: Writing, incoming: Bounce) -> None:
        """Tell people that a mail did not arrive; an address that does not work is no address."""
        change = self._opened(writing, incoming.conversation_id)
        if change is None or change.handoff is None:
            return
        email = change.conversation.email.lower()
        # Only an address of the report itself is believed: anybody can send a mail that looks like one.
        if incoming.role == "customer" and email and email in {one.lower() for one in incoming.addresses}:
            change.conversation = replace(change.conversation, email="")
        whom = ", ".join(incoming.addresses[:3]) or incoming.role or "?"
        text = self.front_desk.texts.say(change.conversation.language, "mail_bounced", address=whom[:200])
        change.append(NoteAdded(text=text), _MAIL)
        change.end()

    def _opened(self, writing: Writing, conversation_id: str | None) -> Change | None:
        conversation: Conversation | None = writing.lock(conversation_id) if conversation_id else None
        if conversation is None or not conversation.episode:
            return None
        return Change.of(writing, conversation, self.handling.clock(), self.handling.sinks)

    def _text(self, mail: ParsedMail, *, with_subject: bool) -> tuple[str, tuple[str, ...]]:
        """What is new in the mail as it may be stored, and the kinds of numbers that were masked."""
        lines = [mail.subject] if with_subject and mail.subject.strip() else []
        lines += [mail.text]
        lines += [f"[{one.name}]" for one in mail.attachments]
        cleaned = clean_text("\n\n".join(line for line in lines if line.strip()))[:LONGEST_MAIL]
        masked = mask(cleaned, benefit_card_prefixes=self.handling.benefit_card_prefixes)
        moved = move_contacts(masked.text, self.own)
        return moved.text, tuple(kind.value for kind in masked.kinds)
