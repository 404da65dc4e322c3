"""Conversations with their customers: opened, continued, handed to people; nothing lost, nothing twice.

A turn is one transaction: the masked message, the bot's reply and, where the decision hands off, the handoff
are stored together or not at all. What is returned has been stored; a repeated message gets the stored reply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botsvc.admission import admit
from botsvc.clock import utc_now
from botsvc.contacts import Contacts, OwnContacts, move_contacts
from botsvc.episode import EpisodeState, Owner, Press, current
from botsvc.errors import ConversationFull, InvalidMessage, MessageIdReused
from botsvc.events import CUSTOMER, Event, FeedbackGiven
from botsvc.examples import answer_of, question_of, said_before, save_verdict
from botsvc.exchange import (
    CustomerTurn,
    Judged,
    Limits,
    Met,
    Opened,
    Posted,
    Start,
    Transcript,
)
from botsvc.feedback import Verdict, judged
from botsvc.handoff import HandoffState
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.sealing import Sealer
from botsvc.starting import begin
from botsvc.storage import Conversation, Episode, Storage, StoredMessage
from botsvc.storage.transactions import Reading, Writing
from botsvc.tokens import new_token
from botsvc.turns import BotTurn, Turn
from indexer import ArticleKey

if TYPE_CHECKING:
    from botsvc.settings import Settings

#: Works out the reply to a message that meets this.
Answer = Callable[[Met], BotTurn]

#: Stands in the transcript for the answer to a sensitive question.
HIDDEN = "•••"
#: How often a reply is worked out again because the conversation moved on meanwhile, before it is locked.
_TRIES = 3


class Conversations:
    """The verbs of a conversation, over a store."""

    def __init__(
        self,
        storage: Storage,
        *,
        limits: Limits | None = None,
        own: OwnContacts | None = None,
        sinks: tuple[str, ...] = (),
        sealer: Sealer | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._storage = storage
        self._sinks = sinks
        self._sealer = sealer
        self._limits = limits or Limits()
        self._own = own or OwnContacts()
        self._clock = clock

    @classmethod
    def from_settings(
        cls,
        storage: Storage,
        settings: Settings,
        *,
        sinks: tuple[str, ...] = (),
        clock: Callable[[], datetime] = utc_now,
    ) -> Conversations:
        """Conversations within the limits that the operator has set."""
        limits = Limits(
            message_chars=settings.limits.message_chars,
            messages=settings.conversations.max_messages,
            token_lifetime=timedelta(hours=settings.conversations.token_hours),
            reopening=timedelta(hours=settings.conversations.reopening_hours),
            benefit_card_prefixes=settings.privacy.benefit_card_prefixes,
        )
        return cls(
            storage,
            limits=limits,
            own=OwnContacts(settings.own_contacts),
            sinks=sinks,
            sealer=Sealer.from_settings(settings.privacy, storage),
            clock=clock,
        )

    def create(self, start: Start | None = None) -> Opened:
        """A new conversation; its token is returned once and kept only as a hash."""
        start = start or Start()
        now = self._clock()
        token = new_token()
        with self._storage.write() as writing:
            conversation = begin(
                writing, start, now, token=token, expires_at=now + self._limits.token_lifetime
            )
        return Opened(conversation_id=conversation.id, token=token, expires_at=conversation.expires_at)

    def post(self, conversation_id: str, token: str | None, message: CustomerTurn, answer: Answer) -> Posted:
        """The reply to a message, stored with it; ``answer`` gets the episode's state and the masked text.

        The reply is worked out without holding any lock. If the conversation has moved on by then it is
        worked out again, at last under the lock, so that each reply knows every message before it.
        """
        incoming = self._incoming(message)
        for _ in range(_TRIES):
            with self._storage.read() as reading:
                met, posted = self._look(reading, conversation_id, token, incoming)
            if posted is not None:
                return posted
            bot = answer(met)
            with self._storage.write() as writing:
                conversation = writing.lock(conversation_id)
                if conversation is not None and conversation.last_sequence == met.conversation.last_sequence:
                    return self._store(writing, conversation, incoming, bot, message.network)
        with self._storage.write() as writing:
            writing.lock(conversation_id)
            met, posted = self._look(writing, conversation_id, token, incoming)
            return posted or self._store(writing, met.conversation, incoming, answer(met), message.network)

    def judge(
        self, conversation_id: str, token: str | None, sequence: int, *, helped: bool, network: str = ""
    ) -> Judged:
        """Keep whether the answer to the message ``sequence`` helped, whatever was said since.

        Said again it changes nothing; said otherwise, the last word counts. "Did not help" is a rejection of
        the current episode as a typed one is, but the bot says nothing to it.
        """
        now = self._clock()
        with self._storage.write() as writing:
            seen = writing.lock(conversation_id)
            conversation = self._admit(seen, conversation_id, token)
            events = writing.events(conversation_id)
            found = answer_of(events, sequence)
            if found is None or found[0].cause is None:
                raise InvalidMessage(
                    f"message {sequence} was not answered with an article: take the sequence of one that was",
                    field="sequence",
                )
            answer, shown = found
            article = ArticleKey(shown.lang, shown.article_id)
            asked = found[0].cause
            judgement = Judged(
                conversation_id=conversation_id, sequence=asked, article=article, helped=helped
            )
            if said_before(events, asked) is helped:
                return judgement
            verdict = Verdict(helped=helped, article=article, question=question_of(events, answer))
            fact = FeedbackGiven(helped=helped, article_id=article.id, lang=article.lang, answer=asked)
            event = Event(
                sequence=conversation.last_sequence + 1,
                episode=answer.episode,
                at=now,
                actor=CUSTOMER,
                cause=asked,
                fact=fact,
            )
            conversation = replace(writing.append(conversation, [event]), updated_at=now)
            writing.save_conversation(conversation)
            save_verdict(writing, verdict, conversation_id=conversation_id, network=network, now=now)
            episode = writing.episode(conversation_id, conversation.episode)
            if episode is not None and episode.owner != Owner.NOBODY and answer.episode == episode.number:
                state = judged(state_of(conversation, episode), verdict)
                writing.save_episode(replace(episode, state=state.to_json()))
            return judgement

    def events(self, conversation_id: str, token: str | None, *, after: int = 0) -> tuple[Event, ...]:
        """Everything that happened in the conversation since the event ``after``."""
        with self._storage.read() as reading:
            self._admit(reading.conversation(conversation_id), conversation_id, token)
            return reading.events(conversation_id, after=after)

    def news(
        self, conversation_id: str, token: str | None, *, after: int, limit: int | None = None
    ) -> Transcript:
        """At most ``limit`` events since ``after``, and who has the conversation; without the replies."""
        with self._storage.read() as reading:
            conversation = self._admit(reading.conversation(conversation_id), conversation_id, token)
            episode = reading.episode(conversation_id, conversation.episode)
            return Transcript(
                conversation=conversation,
                owner=Owner(episode.owner) if episode else Owner.BOT,
                events=reading.events(conversation_id, after=after, limit=limit),
                replies={},
            )

    def state(
        self, conversation_id: str, token: str | None, client_message_id: str
    ) -> tuple[EpisodeState, bool]:
        """What the bot remembers, and whether this message was stored before."""
        with self._storage.read() as reading:
            conversation = self._admit(reading.conversation(conversation_id), conversation_id, token)
            episode = reading.episode(conversation_id, conversation.episode)
            known = reading.message(conversation_id, client_message_id) is not None
            return state_of(conversation, episode), known

    def transcript(self, conversation_id: str, token: str | None) -> Transcript:
        """The whole conversation with the replies as they were sent, for a page that comes back to it."""
        with self._storage.read() as reading:
            conversation = self._admit(reading.conversation(conversation_id), conversation_id, token)
            episode = reading.episode(conversation_id, conversation.episode)
            return Transcript(
                conversation=conversation,
                owner=Owner(episode.owner) if episode else Owner.BOT,
                events=reading.events(conversation_id),
                replies={one.sequence: one.reply for one in reading.messages(conversation_id)},
            )

    def open_to(self, conversation_id: str, token: str | None) -> Conversation:
        """The conversation, if the token is its own."""
        with self._storage.read() as reading:
            return self._admit(reading.conversation(conversation_id), conversation_id, token)

    def _incoming(self, message: CustomerTurn) -> _Incoming:
        name = message.client_message_id
        if not 1 <= len(name) <= 100 or not name.isascii() or not name.isprintable():
            raise InvalidMessage(
                "client_message_id must be 1 to 100 visible ASCII characters: a UUID is fine",
                field="client_message_id",
            )
        said = clean_text(message.text)
        limit = self._limits.message_chars
        if len(said) > limit:
            raise InvalidMessage(
                f"the message has {len(said)} characters and {limit} are taken: say it shorter", field="text"
            )
        if not said and message.press is None:
            raise InvalidMessage("the message is empty: write something or press a button", field="text")
        masked = mask(said, benefit_card_prefixes=self._limits.benefit_card_prefixes)
        moved = move_contacts(masked.text, self._own)
        return _Incoming(
            client_message_id=name,
            text=moved.text,
            press=message.press,
            index=message.index,
            masked=tuple(kind.value for kind in masked.kinds),
            contacts=moved.contacts,
        )

    def _look(
        self, reading: Reading, conversation_id: str, token: str | None, incoming: _Incoming
    ) -> tuple[Met, Posted | None]:
        """What the message meets, and the reply if it was stored before."""
        conversation = self._admit(reading.conversation(conversation_id), conversation_id, token)
        stored = reading.message(conversation_id, incoming.client_message_id)
        met = self._meets(reading, conversation, incoming)
        if stored is None:
            if conversation.messages >= self._limits.messages:
                full = f"this conversation has {conversation.messages} messages and takes no more"
                raise ConversationFull(f"{full}: start a new one")
            return met, None
        if stored.fingerprint not in (incoming.fingerprint, HIDDEN):
            raise MessageIdReused(
                f"client_message_id {incoming.client_message_id} belongs to another message: use a new one"
            )
        posted = Posted(
            conversation_id=conversation_id,
            sequence=stored.sequence,
            repeated=True,
            body=stored.reply,
            contacts=incoming.contacts,
            masked=incoming.masked,
        )
        return met, posted

    def _meets(self, reading: Reading, conversation: Conversation, incoming: _Incoming) -> Met:
        episode = reading.episode(conversation.id, conversation.episode)
        handoff = reading.handoff_of(conversation.id, conversation.episode)
        resolved = (
            handoff is not None
            and handoff.state == HandoffState.RESOLVED
            and handoff.ended_at is not None
            and self._clock() - handoff.ended_at < self._limits.reopening
        )
        return Met(
            conversation=conversation,
            state=state_of(conversation, episode),
            text=incoming.text,
            contacts=incoming.contacts,
            handoff=handoff if handoff is not None and handoff.state == HandoffState.OPEN else None,
            resolved=handoff if resolved else None,
        )

    def _admit(
        self, conversation: Conversation | None, conversation_id: str, token: str | None
    ) -> Conversation:
        return admit(conversation, conversation_id, token, self._clock())

    def _store(
        self, writing: Writing, conversation: Conversation, incoming: _Incoming, bot: BotTurn, network: str
    ) -> Posted:
        now = self._clock()
        same_episode = bot.reopens or bot.stays_closed
        turn = Turn.begin(
            writing,
            conversation,
            now,
            sinks=self._sinks,
            sealer=self._sealer,
            same_episode=same_episode,
        )
        if bot.hidden:
            incoming = replace(incoming, text=HIDDEN, hidden=True)
        sequence = turn.customer_said(
            client_message_id=incoming.client_message_id,
            text=incoming.text,
            press=incoming.press.value if incoming.press else "",
            index=incoming.index,
            masked=incoming.masked,
            contacts=incoming.contacts,
        )
        if bot.verdict is not None:
            turn.feedback_given(bot.verdict, network=network)
        handoff = turn.bot_replied(bot, said=incoming.text)
        body = {**bot.body, "handoff": handoff}
        turn.end(expires_at=now + self._limits.token_lifetime)
        writing.add_message(
            StoredMessage(
                conversation_id=conversation.id,
                client_message_id=incoming.client_message_id,
                fingerprint=incoming.fingerprint,
                sequence=sequence,
                reply=body,
            )
        )
        return Posted(
            conversation_id=conversation.id,
            sequence=sequence,
            repeated=False,
            body=body,
            contacts=incoming.contacts,
            masked=incoming.masked,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Incoming:
    """A message as it may be stored."""

    client_message_id: str
    text: str
    press: Press | None
    index: int
    masked: tuple[str, ...]
    contacts: Contacts
    hidden: bool = False  #: its text is kept sealed, and not even its hash may tell of it

    @property
    def fingerprint(self) -> str:
        """Tells whether a repeat is the same message; made of what is stored, so it gives nothing away."""
        if self.hidden:
            return HIDDEN
        content = [self.text, self.press.value if self.press else None, self.index]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def state_of(conversation: Conversation, episode: Episode | None) -> EpisodeState:
    """What the bot remembers when the next message comes."""
    if episode is None:
        return EpisodeState(audience=conversation.audience)
    return current(EpisodeState.from_json(dict(episode.state)))


def _short(text: str, limit: int) -> str:
    return clean_text(text)[:limit]
