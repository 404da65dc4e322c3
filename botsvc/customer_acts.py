"""What customers do beside writing: end the matter, judge it, read, give an address, wish to be called.

Each verb is one transaction under the conversation's lock, and doing it again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import Literal

from botsvc.admission import admit
from botsvc.cases import CallbackState, wish_for_call
from botsvc.change import Change
from botsvc.contacts import NO_OWN, Contacts, OwnContacts, move_contacts
from botsvc.episode import Owner
from botsvc.errors import InvalidMessage, NotOpen, UnknownConversation
from botsvc.events import (
    CUSTOMER,
    Actor,
    ActorKind,
    ArticleOpened,
    BotReplied,
    ContactGiven,
    ConversationClosed,
    CsatGiven,
    Event,
    HandoffWithdrawn,
    MessagesRead,
)
from botsvc.handoff import HandoffState
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.people_facts import ArticleSent, PersonMessage, ServiceMessage
from botsvc.reception import FrontDesk, Reception
from botsvc.storage import Conversation, Storage
from botsvc.texts import Texts

#: Longest comment with a score, and longest wish of when to be called, in characters.
LONGEST_COMMENT = 1_000
LONGEST_WISH = 400

#: The cause of what the service says to a form that the customer sent.
_FORMS = Actor(kind=ActorKind.SYSTEM, id="customer_form")


class ByLink(Enum):
    """Stands for a token where a signed link to the status page was checked instead."""

    CHECKED = "checked"


#: The conversation's token, or what is as good for the few things that its status page may do.
Token = str | None | Literal[ByLink.CHECKED]


class ServedBy(StrEnum):
    """Whom a score is about."""

    BOT = "bot"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerActs:
    """The verbs of customers, over a store."""

    storage: Storage
    front_desk: FrontDesk
    texts: Texts
    clock: Callable[[], datetime]
    sinks: tuple[str, ...] = ()
    own: OwnContacts = NO_OWN
    benefit_card_prefixes: tuple[str, ...] = ()

    def close(self, conversation_id: str, token: Token) -> None:
        """End the current matter: nobody has it any more, and what waits for people is called off."""
        with self._change(conversation_id, token) as change:
            if change is not None:
                end_by_customer(change)

    def judge(self, conversation_id: str, token: Token, score: int, comment: str = "") -> ServedBy:
        """Keep a score from 1 to 5 of the current matter, with a comment; the last one counts."""
        said = self._said(comment, LONGEST_COMMENT, "comment")
        with self._change(conversation_id, token) as change:
            if change is None:
                raise NotOpen("nothing has been asked in this conversation yet: there is nothing to judge")
            handoff = change.handoff
            answered = handoff is not None and handoff.answered_at is not None
            by = ServedBy.PERSON if answered else ServedBy.BOT
            fact = CsatGiven(score=score, comment=said, by=by.value)
            before = [event.fact for event in _events(change) if isinstance(event.fact, CsatGiven)]
            if before[-1:] != [fact]:
                change.append(fact, CUSTOMER)
            return by

    def opened(self, conversation_id: str, token: Token, article_id: str, lang: str) -> None:
        """Note that the customer opened an article that the conversation has shown."""
        with self._change(conversation_id, token) as change:
            events = _events(change) if change is not None else ()
            if change is None or (article_id, lang) not in set(_shown(events)):
                raise InvalidMessage(
                    "this article has not been shown in the conversation: name one that was",
                    field="article_id",
                )
            fact = ArticleOpened(article_id=article_id, lang=lang)
            if all(event.fact != fact for event in events):
                change.append(fact, CUSTOMER)

    def read(self, conversation_id: str, token: Token, up_to: int) -> int:
        """Note that the customer has seen everything up to a sequence; up to where they have, as known now.

        An event comes of it only where a person's or the service's words were among the news.
        """
        with self._change(conversation_id, token) as change:
            if change is None:
                return 0
            up_to = min(up_to, change.conversation.last_sequence)
            events = _events(change)
            known = read_up_to(events, ActorKind.CUSTOMER)
            if not any(_is_for_reading(event) and known < event.sequence <= up_to for event in events):
                return known
            change.append(MessagesRead(up_to=up_to), CUSTOMER)
            return up_to

    def give_contact(
        self, conversation_id: str, token: Token, *, email: str = "", phone: str = ""
    ) -> Contacts:
        """Keep an address for a later reply; people get it, and the customer is promised a time.

        Raises InvalidMessage for what is no address, and NotOpen while there is no request to answer.
        """
        contacts = self.checked(email, phone)
        now = self.clock()
        reception = self._reception(conversation_id, token, now)
        with self._change(conversation_id, token, now) as change:
            change = _open_request(change)
            conversation = change.conversation
            news = Contacts(
                emails=tuple(one for one in contacts.emails if one != conversation.email),
                phones=tuple(one for one in contacts.phones if one != conversation.phone),
            )
            if not news:
                return contacts
            _remember_contacts(change, news)
            change.revise(CUSTOMER)
            said = [self.texts.say(conversation.language, "contact_saved")]
            if reception is not None and change.handoff is not None and change.handoff.promised_by is None:
                if reception.reply_by is not None:
                    change.promise(_FORMS, reception.reply_by, reception.time_zone)
                said += [reception.said]
            _tell(change, "contact_saved", said)
            return contacts

    def wish_to_be_called(
        self, conversation_id: str, token: Token, *, phone: str = "", wished: str = ""
    ) -> str:
        """Keep that the customer wants to be called; said again, the open wish is changed. Its id.

        Raises InvalidMessage without a number, and NotOpen while there is no request to call about.
        """
        contacts = self.checked("", phone) if phone.strip() else Contacts()
        wish = self._said(wished, LONGEST_WISH, "wished")
        with self._change(conversation_id, token) as change:
            change = _open_request(change)
            conversation = change.conversation
            number = (contacts.phones or (conversation.phone,))[0]
            if not number:
                raise InvalidMessage("the phone number is missing: where can people call?", field="phone")
            states = [CallbackState.OPEN.value]
            open_wishes = change.writing.callbacks(conversation_id=conversation.id, states=states)
            same = next((one for one in open_wishes if (one.phone, one.wished) == (number, wish)), None)
            if same is not None:
                return same.id
            if number != conversation.phone:
                _remember_contacts(change, contacts)
            callback = wish_for_call(change, phone=number, wished=wish, actor=CUSTOMER, now=change.now)
            if change.episode.state:
                change.remember(replace(change.state, callback=True))
            change.revise(CUSTOMER)
            _tell(change, "call_wished", [self.texts.say(conversation.language, "call_wished")])
            return callback.id

    @contextmanager
    def _change(
        self, conversation_id: str, token: Token, now: datetime | None = None
    ) -> Iterator[Change | None]:
        """A change to the current episode, stored when the block ends well; None while nothing was said."""
        now = now or self.clock()
        with self.storage.write() as writing:
            conversation = _admitted(writing.lock(conversation_id), conversation_id, token, now)
            if not conversation.episode:
                yield None
                return
            if not isinstance(token, ByLink):  # who follows a link from a mail has no page open here
                conversation = replace(conversation, seen_at=max(now, conversation.seen_at))
            change = Change.of(writing, conversation, now, self.sinks)
            before = conversation.last_sequence
            yield change
            if change.conversation.last_sequence > before:
                change.end()

    def _reception(self, conversation_id: str, token: Token, now: datetime) -> Reception | None:
        """What may be promised once there is an address; worked out before anything is locked."""
        with self.storage.read() as reading:
            conversation = _admitted(reading.conversation(conversation_id), conversation_id, token, now)
            handoff = reading.handoff_of(conversation_id, conversation.episode)
        if handoff is None or handoff.promised_by is not None or handoff.agent:
            return None
        return self.front_desk.again(
            handoff,
            now,
            language=conversation.language,
            reachable=True,
            customer_zone=conversation.time_zone,
        )

    def checked(self, email: str, phone: str) -> Contacts:
        """The address and number as they are kept; InvalidMessage for what is none, or the company's own."""
        email, phone = clean_text(email), clean_text(phone)
        if not email and not phone:
            raise InvalidMessage("an e-mail address or a phone number is needed: fill in one", field="email")
        emails = move_contacts(email, self.own).contacts.emails if email else ()
        if email and emails != (email,):
            raise InvalidMessage(
                "this is no whole e-mail address of yours: write it as in name@example.com", field="email"
            )
        # A number in a field of its own need not prove that it is one, as in a sentence.
        plausible = re.fullmatch(r"\+?[\d ()/-]{5,24}", phone) and 5 <= len(re.sub(r"\D", "", phone)) <= 15
        if phone and (not plausible or self.own.has_phone(phone)):
            raise InvalidMessage(
                "this is no whole phone number of yours: write it as in +358 40 123 4567", field="phone"
            )
        return Contacts(emails=emails, phones=(phone,) if phone else ())

    def _said(self, text: str, limit: int, field: str) -> str:
        said = clean_text(text)
        if len(said) > limit:
            raise InvalidMessage(
                f"the text has {len(said)} characters and {limit} are taken: say it shorter", field=field
            )
        masked = mask(said, benefit_card_prefixes=self.benefit_card_prefixes).text
        return move_contacts(masked, self.own).text if field == "comment" else masked


def _admitted(
    conversation: Conversation | None, conversation_id: str, token: Token, now: datetime
) -> Conversation:
    if not isinstance(token, ByLink):
        return admit(conversation, conversation_id, token, now)
    if conversation is None:
        raise UnknownConversation("the conversation has been deleted: ask again")
    return conversation


def end_by_customer(change: Change) -> bool:
    """The customer ends the matter; whether there was anything to end."""
    if change.owner is Owner.NOBODY:
        return False
    handoff = change.handoff
    if handoff is not None and handoff.state == HandoffState.OPEN:
        for callback in change.writing.callbacks(
            conversation_id=handoff.conversation_id, states=[CallbackState.OPEN.value]
        ):
            change.writing.save_callback(replace(callback, state=CallbackState.WITHDRAWN.value))
        change.revise(
            CUSTOMER,
            lambda after: HandoffWithdrawn(handoff_id=after.id, revision=after.revision),
            state=HandoffState.WITHDRAWN.value,
            ended_at=change.now,
        )
        change.writing.cancel_cases(handoff.id)
    change.append(ConversationClosed(), CUSTOMER)
    change.own(Owner.NOBODY, CUSTOMER)
    return True


def read_up_to(events: tuple[Event, ...], kind: ActorKind) -> int:
    """Up to where somebody of a kind has read; 0 for nowhere. Who writes has read what came before."""
    return max(
        (
            event.fact.up_to if isinstance(event.fact, MessagesRead) else event.sequence
            for event in events
            if event.actor.kind is kind and isinstance(event.fact, MessagesRead | PersonMessage)
        ),
        default=0,
    )


def _events(change: Change) -> tuple[Event, ...]:
    return change.writing.events(change.conversation.id, episode=change.episode.number)


def _shown(events: tuple[Event, ...]) -> Iterator[tuple[str, str]]:
    for event in events:
        if isinstance(event.fact, BotReplied):
            yield from ((one.article_id, one.lang) for one in event.fact.shown)
        elif isinstance(event.fact, ArticleSent):
            yield event.fact.article_id, event.fact.lang


def _is_for_reading(event: Event) -> bool:
    return isinstance(event.fact, PersonMessage | ArticleSent | ServiceMessage)


def _open_request(change: Change | None) -> Change:
    if change is None or change.handoff is None or change.handoff.state != HandoffState.OPEN:
        raise NotOpen("there is no open request in this conversation: ask for a person first")
    return change


def _remember_contacts(change: Change, contacts: Contacts) -> None:
    change.append(ContactGiven(emails=contacts.emails, phones=contacts.phones), CUSTOMER)
    change.conversation = replace(
        change.conversation,
        email=(contacts.emails or (change.conversation.email,))[-1],
        phone=(contacts.phones or (change.conversation.phone,))[-1],
    )
    if change.episode.state:
        state = change.state
        state = replace(state, has_address=True, has_phone=state.has_phone or bool(contacts.phones))
        change.remember(replace(state, wants_address=False))


def _tell(change: Change, key: str, said: list[str]) -> None:
    text = " ".join(sentence for sentence in said if sentence)
    change.append(ServiceMessage(key=key, text=text, language=change.conversation.language), _FORMS)
