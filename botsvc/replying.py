"""Works out what the bot makes of a message in a conversation: the decision, its words, who receives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from botsvc.answering import Reply
from botsvc.conversations import HIDDEN
from botsvc.decisions import Answered, Decision, HandOff, Interview, Reason
from botsvc.episode import EpisodeState, Message, Owner
from botsvc.exchange import CustomerTurn, Met
from botsvc.feedback import verdict_of
from botsvc.policy import Desk
from botsvc.problems import Problem, ProblemType
from botsvc.reception import Reception
from botsvc.reopening import returned
from botsvc.routing import RoutingFacts
from botsvc.service import Service
from botsvc.storage.records import Handoff
from botsvc.turns import BotTurn
from indexer import Index

#: Sentences that give way to one about who receives the handoff, and when: two are enough.
_SHORTER = {"handoff_context": "", "handoff_add_more": "", "interview_thanks_address": "thanks_address"}


def replying(service: Service, turn: CustomerTurn, lang: str | None) -> Callable[[Met], BotTurn]:
    """What ``Conversations.post`` asks: the bot's side of a turn, worked out without a lock."""
    index = service.swapper.index
    now = service.tier.clock()
    front_desk = service.tier.front_desk
    desk = front_desk.desk(now)
    speaker = replace(service.speaker, desk=desk)

    def answer(met: Met) -> BotTurn:
        text, conversation = met.text, met.conversation
        state = replace(
            met.state,
            has_address=bool(conversation.email or conversation.phone),
            has_phone=bool(conversation.phone),
        )
        message = Message(
            text=text,
            press=turn.press,
            index=turn.index,
            lang=lang or conversation.language,
            contacts=bool(met.contacts),
        )
        later = desk is Desk.TEAM and front_desk.answers_later(message.lang, now)
        bot = replace(service.bot, policy=replace(service.bot.policy, desk=desk, answers_later=later))
        if met.resolved is not None:
            return _returned(service, message, met, met.resolved, now)
        if index is None:
            reply = bot.without_index(message, state)
            if reply is None:
                service.index()  # raises the problem
                raise Problem(ProblemType.INDEX_NOT_READY, "The index has just been loaded: try again.")
        else:
            reply = bot.turn(index, message, state)
        topic = _topic(index, reply)
        reception = _received(service, reply, met, topic, now)
        reply = _making_room(reply, reception)
        hidden = HIDDEN if hides(reply.decision, state, text) else text
        made = replace(speaker.bot_turn(reply, topic=topic, text=hidden), hidden=hidden is HIDDEN)
        verdict = verdict_of(message, state)
        if verdict is not None and verdict.helped and isinstance(made.decision, HandOff):
            verdict = None  # "yes, but let me talk to somebody" is no word on the answer
        return _with_reception(replace(made, verdict=verdict), reception)

    return answer


def hides(decision: Decision, state: EpisodeState, text: str) -> bool:
    """Whether the customer's words are an answer that is stored sealed, and nowhere else."""
    return bool(text) and state.expects_sensitive and isinstance(decision, Interview)


def _received(service: Service, reply: Reply, met: Met, topic: str, now: datetime) -> Reception | None:
    """Who receives what this turn hands off, or what may be promised now that there is an address."""
    front_desk, conversation, decision = service.tier.front_desk, met.conversation, reply.decision
    if isinstance(decision, HandOff) and met.handoff is None:
        facts = RoutingFacts(
            topic=topic,
            audience=reply.state.audience or conversation.audience,
            language=reply.language,
            reason=decision.reason.value,
            priority=decision.priority.value,
            wanted_team=decision.team,
        )
        zone = conversation.time_zone
        return front_desk.receive(facts, now, reachable=met.reachable, customer_zone=zone)
    handoff = met.handoff
    new_address = met.contacts and handoff is not None and handoff.promised_by is None
    if handoff is None or not new_address or reply.state.owner is not Owner.QUEUE:
        return None
    return front_desk.again(
        handoff, now, language=reply.language, reachable=True, customer_zone=conversation.time_zone
    )


def _returned(service: Service, message: Message, met: Met, resolved: Handoff, now: datetime) -> BotTurn:
    """What becomes of a message soon after a person's resolution."""
    message = service.bot.understood(message, None, message.lang)
    decision = returned(message, resolved.priority)
    reopens = isinstance(decision, HandOff)
    state = EpisodeState(owner=Owner.QUEUE if reopens else Owner.NOBODY)
    reply = Reply(decision=decision, state=state, language=message.lang, index_id="")
    reception = None
    if reopens:
        reception = service.tier.front_desk.again(
            resolved,
            now,
            language=message.lang,
            reachable=met.reachable,
            customer_zone=met.conversation.time_zone,
        )
    bot = service.speaker.bot_turn(reply, topic="", text=message.text)
    return _with_reception(replace(bot, reopens=reopens, stays_closed=not reopens), reception)


def _making_room(reply: Reply, reception: Reception | None) -> Reply:
    if reception is None or not reception.said:
        return reply
    kept = (_SHORTER.get(key, key) for key in reply.decision.text)
    return replace(reply, decision=replace(reply.decision, text=tuple(key for key in kept if key)))


def _with_reception(bot: BotTurn, reception: Reception | None) -> BotTurn:
    """The turn with the sentence about who receives it, and when: before the question that it ends with."""
    if reception is None:
        return bot
    bot = replace(bot, reception=reception)
    if not reception.said:
        return bot
    said = bot.body["said"]
    statement, _, question = said.partition("\n\n") if bot.decision.text else ("", "", said)
    together = f"{statement} {reception.said}".strip()
    together = f"{together}\n\n{question}" if question else together
    text = bot.text.replace(said, together, 1) if said else f"{together}\n\n{bot.text}".strip()
    return replace(bot, text=text, body={**bot.body, "said": together})


def _topic(index: Index | None, reply: Reply) -> str:
    """The topic of the article shown, else of the best hit.

    Of who asks for a person it is that of the article shown before: "may I talk to somebody" is about none.
    """
    decision = reply.decision
    hit = decision.hit if isinstance(decision, Answered | HandOff) else None
    if hit is None and decision.reason is Reason.ASKED:
        hit = reply.state.last_hit
    hit = hit or (reply.hits[0] if reply.hits else None)
    article = index.article(hit.key) if index is not None and hit is not None else None
    return article.topics[0] if article is not None and article.topics else ""
