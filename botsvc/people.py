"""What agents do with conversations that were handed off: take, talk, pass on, resolve.

Each verb is one transaction under the conversation's lock: of two agents who take one conversation at once,
one gets it and the other is told who.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from botsvc.change import Change
from botsvc.decisions import Priority
from botsvc.episode import Owner
from botsvc.errors import InvalidMessage, MessageIdReused, NotAllowed, PeopleError
from botsvc.events import Actor, ActorKind, MessagesRead
from botsvc.examples import save_agents_example
from botsvc.handling import (
    DESK,
    Handling,
    acknowledged,
    agent_actor,
    answered,
    has_it,
    may_handle,
    require_own,
    to_customer,
)
from botsvc.handoff import HandoffState
from botsvc.people_facts import (
    ArticleSent,
    ContactLogged,
    HandoffResolved,
    NoteAdded,
    PersonMessage,
    TeamChanged,
)
from botsvc.storage.records import StoredAgent, StoredMessage
from botsvc.storage.transactions import Reading

#: Begins the ids of people's messages, which no customer's id can (those are ASCII).
_PERSON = "§"
_LONGEST_ID = 90  #: characters of the id of a person's message


class Resolution(StrEnum):
    """Why an agent calls a request resolved."""

    SOLVED = "solved"
    GUIDED = "guided"  #: shown how the customer can do it
    NOT_POSSIBLE = "not_possible"  #: told honestly that it cannot be done
    DUPLICATE = "duplicate"  #: the same request is handled elsewhere
    NOT_FOR_US = "not_for_us"
    NO_REPLY = "no_reply"  #: answered, and the customer has not come back


@dataclass(frozen=True, slots=True, kw_only=True)
class SentArticle:
    """An article as an agent sends it."""

    article_id: str
    lang: str
    section_id: str
    title: str
    url: str
    text: str  #: the quotation


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """The verbs of agents."""

    handling: Handling

    def acknowledge(self, conversation_id: str, agent: StoredAgent) -> bool:
        """Note that somebody has looked at the request; whether that was the first sign of arrival."""
        with self.handling.change(conversation_id, agent) as (change, _):
            return acknowledged(change, agent_actor(agent), DESK)

    def take(self, conversation_id: str, agent: StoredAgent) -> None:
        """Have the conversation from now on; TakenByAnother names who has it instead."""
        with self.handling.change(conversation_id, agent) as (change, handoff):
            require_own(change, handoff, agent)

    def release(self, conversation_id: str, agent: StoredAgent) -> None:
        """Give the conversation back to its team's queue, as old as it is; one that waits stays there."""
        with self.handling.change(conversation_id, agent) as (change, handoff):
            if has_it(change, handoff, agent):
                _back_to_queue(change, agent_actor(agent))

    def transfer(
        self,
        conversation_id: str,
        agent: StoredAgent,
        *,
        team: str = "",
        to: str = "",
        note: str = "",
    ) -> None:
        """Pass the conversation on to another team's queue, or to another agent by id.

        One that waits is passed on without being taken: the customer is told of nobody who leaves at once.
        """
        with self.handling.change(conversation_id, agent) as (change, handoff):
            if not has_it(change, handoff, agent):
                acknowledged(change, agent_actor(agent), DESK)
            other = change.writing.agent(to) if to else None
            if to and (other is None or not other.active):
                raise PeopleError(f"there is nobody called {to[:60]} at the desk: choose somebody else")
            actor = agent_actor(agent)
            said = self.handling.said(note) if note.strip() else ""
            if team and team != handoff.team:
                fact = TeamChanged(team=team, before=handoff.team, note=said)
                change.revise(actor, lambda _: fact, team=team, acknowledged_at=None)
            elif said:
                change.append(NoteAdded(text=said, mentions=(other.id,) if other else ()), actor)
            if other is not None:
                if not may_handle(other, change.handoff or handoff):
                    raise NotAllowed(f"{other.name} is not in the team {team or handoff.team}: add the team")
                change.own(Owner.AGENT, actor, agent=other.id, name=other.name)
                change.note_down(agent=other.id)
            else:
                _back_to_queue(change, actor)

    def say(self, conversation_id: str, agent: StoredAgent, text: str, *, message_id: str) -> int:
        """Write to the customer; a waiting conversation is taken with it. The event's sequence.

        Sent again with the same ``message_id`` it is the same message.
        """
        said = self.handling.said(text)
        known = self._sent_before(conversation_id, message_id, said)
        if known is not None:
            return known
        with self.handling.change(conversation_id, agent) as (change, handoff):
            known = _known(change.writing, conversation_id, message_id, said)
            if known is not None:
                return known
            require_own(change, handoff, agent)
            fact = PersonMessage(text=said, name=agent.name)
            return self._tell(change, agent, fact, message_id=message_id, text=said)

    def send_article(
        self, conversation_id: str, agent: StoredAgent, article: SentArticle, *, message_id: str
    ) -> int:
        """Send an article as the answer; it becomes an example of how people ask for it."""
        text = f"{article.text}\n\n{article.title}: {article.url}"
        known = self._sent_before(conversation_id, message_id, text)
        if known is not None:
            return known
        with self.handling.change(conversation_id, agent) as (change, handoff):
            known = _known(change.writing, conversation_id, message_id, text)
            if known is not None:
                return known
            require_own(change, handoff, agent)
            fact = ArticleSent(
                article_id=article.article_id,
                lang=article.lang,
                section_id=article.section_id,
                title=article.title,
                url=article.url,
                text=article.text,
                name=agent.name,
            )
            save_agents_example(
                change.writing,
                article_id=article.article_id,
                lang=article.lang,
                question=handoff.question,
                conversation_id=conversation_id,
                now=change.now,
            )
            return self._tell(change, agent, fact, message_id=message_id, text=text)

    def note(
        self, conversation_id: str, agent: StoredAgent, text: str, *, mentions: Sequence[str] = ()
    ) -> int:
        """Write something for colleagues, whoever has the conversation."""
        said = self.handling.said(text)
        with self.handling.change(conversation_id, agent, ended=True) as (change, _):
            return change.append(NoteAdded(text=said, mentions=tuple(mentions)), agent_actor(agent))

    def log_contact(
        self, conversation_id: str, agent: StoredAgent, text: str, *, channel: str, reached: bool
    ) -> int:
        """Write down that the customer was reached, or not, in another way."""
        said = self.handling.said(text)
        with self.handling.change(conversation_id, agent) as (change, handoff):
            require_own(change, handoff, agent)
            if reached:
                answered(change)
            fact = ContactLogged(channel=channel, reached=reached, text=said)
            return change.append(fact, agent_actor(agent))

    def read(self, conversation_id: str, agent: StoredAgent, up_to: int) -> None:
        """Note that the agent who has the conversation has seen everything up to ``up_to``."""
        with self.handling.change(conversation_id, agent, ended=True) as (change, handoff):
            if handoff.agent != agent.id or up_to > change.conversation.last_sequence:
                return
            mine = (
                event.fact.up_to
                for event in change.writing.events(conversation_id, episode=change.episode.number)
                if isinstance(event.fact, MessagesRead) and event.actor.kind is ActorKind.AGENT
            )
            if up_to > max(mine, default=0):
                change.append(MessagesRead(up_to=up_to), agent_actor(agent))

    def prioritise(self, conversation_id: str, agent: StoredAgent, priority: Priority) -> None:
        """Change how urgent the request is."""
        with self.handling.change(conversation_id, agent) as (change, handoff):
            if handoff.priority != priority:
                rank = list(Priority).index(priority)
                change.revise(agent_actor(agent), priority=priority.value, rank=rank)

    def resolve(
        self, conversation_id: str, agent: StoredAgent, resolution: Resolution, *, note: str = ""
    ) -> None:
        """End the request; within the reopening time the customer's next message brings it back."""
        with self.handling.change(conversation_id, agent) as (change, handoff):
            require_own(change, handoff, agent)
            actor = agent_actor(agent)
            if note.strip():
                change.append(NoteAdded(text=self.handling.said(note)), actor)
            change.revise(
                actor,
                lambda after: HandoffResolved(
                    handoff_id=after.id, revision=after.revision, resolution=after.resolution
                ),
                state=HandoffState.RESOLVED.value,
                ended_at=change.now,
                resolution=resolution.value,
            )
            change.own(Owner.NOBODY, actor)

    def _sent_before(self, conversation_id: str, message_id: str, text: str) -> int | None:
        """The sequence of a message that is sent again, also when the request has ended or moved since."""
        if not 1 <= len(message_id) <= _LONGEST_ID:
            raise InvalidMessage(
                f"message_id must be 1 to {_LONGEST_ID} characters: a UUID is fine", field="message_id"
            )
        with self.handling.storage.read() as reading:
            return _known(reading, conversation_id, message_id, text)

    def _tell(
        self,
        change: Change,
        agent: StoredAgent,
        fact: PersonMessage | ArticleSent,
        *,
        message_id: str,
        text: str,
    ) -> int:
        sequence = change.append(fact, agent_actor(agent))
        answered(change)
        to_customer(change, sequence, text=text, name=agent.name)
        change.writing.add_message(
            StoredMessage(
                conversation_id=change.conversation.id,
                client_message_id=_PERSON + message_id,
                fingerprint=hashlib.sha256(text.encode()).hexdigest(),
                sequence=sequence,
                reply={},
            )
        )
        return sequence


def _known(reading: Reading, conversation_id: str, message_id: str, text: str) -> int | None:
    """The sequence of a person's message that was stored before; None for a new one."""
    stored = reading.message(conversation_id, _PERSON + message_id)
    if stored is None:
        return None
    if stored.fingerprint != hashlib.sha256(text.encode()).hexdigest():
        raise MessageIdReused("this message id belongs to another message: use a new one")
    return stored.sequence


def _back_to_queue(change: Change, actor: Actor) -> None:
    change.own(Owner.QUEUE, actor)
    change.note_down(agent="")
