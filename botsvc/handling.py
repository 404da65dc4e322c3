"""One agent at work on one conversation: looked up, locked, allowed, and written as one change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from botsvc.change import Change
from botsvc.episode import Owner
from botsvc.errors import InvalidMessage, NotAllowed, NotOpen, TakenByAnother, UnknownConversation
from botsvc.events import Actor, ActorKind
from botsvc.handoff import HandoffState
from botsvc.incoming import clean_text
from botsvc.masking import mask
from botsvc.people_facts import HandoffAcknowledged
from botsvc.storage import Storage
from botsvc.storage.records import Conversation, Handoff, StoredAgent
from botsvc.storage.transactions import Writing

ADMIN = "admin"
DESK = "desk"  #: the sink that is always there
#: How long after its last sign of life a customer's page counts as connected.
CONNECTED = timedelta(seconds=90)
#: Longest text that a person writes, in characters.
LONGEST = 5_000


def agent_actor(agent: StoredAgent) -> Actor:
    """The agent as the cause of events."""
    return Actor(kind=ActorKind.AGENT, id=agent.id)


def may_handle(agent: StoredAgent, handoff: Handoff) -> bool:
    """Whether the handoff is this agent's to see and to take: their team's, nobody's, or they are admin."""
    return ADMIN in agent.roles or not handoff.team or handoff.team in agent.teams


def is_connected(conversation: Conversation, now: datetime) -> bool:
    """Whether the customer's page is there to show a message."""
    return conversation.channel != "email" and now - conversation.seen_at <= CONNECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """Opens conversations for people's work; what they may do with them is in ``people`` and ``cases``."""

    storage: Storage
    clock: Callable[[], datetime]
    sinks: tuple[str, ...] = ()  #: outside sinks, for handoffs' revisions and customers' mail
    benefit_card_prefixes: tuple[str, ...] = ()

    @contextmanager
    def change(
        self, conversation_id: str, agent: StoredAgent, *, ended: bool = False
    ) -> Iterator[tuple[Change, Handoff]]:
        """A change to the conversation's current handoff; stored when the block ends well.

        Raises UnknownConversation, NotAllowed, and NotOpen unless ``ended`` ones are meant as well.
        """
        with self.storage.write() as writing:
            change, handoff = self._opened(writing, conversation_id)
            if not may_handle(agent, handoff):
                raise NotAllowed(
                    f"the conversation belongs to the team {handoff.team}: ask them to transfer it"
                )
            if not ended and handoff.state != HandoffState.OPEN:
                raise NotOpen(f"the request has ended ({handoff.state}): nothing more can be done with it")
            yield change, handoff
            change.end()

    def _opened(self, writing: Writing, conversation_id: str) -> tuple[Change, Handoff]:
        conversation = writing.lock(conversation_id)
        if conversation is None:
            raise UnknownConversation(f"there is no conversation {conversation_id[:60]}")
        if not conversation.episode:
            raise NotOpen("the customer has not said anything yet")
        change = Change.of(writing, conversation, self.clock(), self.sinks)
        if change.handoff is None:
            raise NotOpen("the bot has this conversation: nobody was asked for")
        return change, change.handoff

    def said(self, text: str) -> str:
        """A person's text as it may be stored: cleaned, identifiers masked; or InvalidMessage."""
        cleaned = clean_text(text)
        if not cleaned:
            raise InvalidMessage("the message is empty: write something", field="text")
        if len(cleaned) > LONGEST:
            raise InvalidMessage(
                f"the message has {len(cleaned)} characters and {LONGEST} are taken: say it shorter",
                field="text",
            )
        return mask(cleaned, benefit_card_prefixes=self.benefit_card_prefixes).text


def require_own(change: Change, handoff: Handoff, agent: StoredAgent) -> None:
    """Take a waiting conversation for ``agent``; raise TakenByAnother where somebody else has it."""
    if has_it(change, handoff, agent):
        return
    acknowledged(change, agent_actor(agent), DESK)
    change.own(Owner.AGENT, agent_actor(agent), agent=agent.id, name=agent.name)
    change.note_down(agent=agent.id)


def has_it(change: Change, handoff: Handoff, agent: StoredAgent) -> bool:
    """Whether ``agent`` has the conversation; false while it waits, TakenByAnother where somebody has it."""
    if handoff.agent == agent.id and change.owner in (Owner.AGENT, Owner.EXPERT):
        return True
    if handoff.agent:
        other = change.writing.agent(handoff.agent)
        name = other.name if other else handoff.agent
        raise TakenByAnother(f"{name} has this conversation: ask them to release or transfer it", name=name)
    return False


def acknowledged(change: Change, actor: Actor, sink: str) -> bool:
    """Note the first sign that the handoff has arrived somewhere; whether this was it."""
    handoff = change.handoff
    if handoff is None or handoff.acknowledged_at is not None:
        return False
    change.append(
        HandoffAcknowledged(handoff_id=handoff.id, sink=sink, revision=handoff.revision),
        actor,
    )
    change.note_down(acknowledged_at=change.now)
    return True


def answered(change: Change) -> None:
    """Note that a person has written to the customer, or reached them."""
    if change.handoff is not None and change.handoff.answered_at is None:
        change.note_down(answered_at=change.now)


def to_customer(change: Change, sequence: int, *, text: str, name: str) -> None:
    """Send what a person said by e-mail too, where the customer's page is not there to show it."""
    if not is_connected(change.conversation, change.now):
        change.mail(sequence, text=text, name=name)
