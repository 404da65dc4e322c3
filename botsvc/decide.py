"""What to say to a message: a pure function of message, search result, episode and policy.

The rules are tried in the order below and the first that holds wins. The caller searches what ``lookup.plan``
says, passes what ``lookup.choose`` picks, and keeps the state that ``episode.advance`` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from botsvc.decisions import (
    Answered,
    Clarify,
    Decision,
    HandOff,
    NoAnswer,
    Priority,
    Reason,
    Rule,
    Silent,
    SmallTalk,
)
from botsvc.episode import EpisodeState, Message, Owner, Pending, Press, current, rejects
from botsvc.interviewing import added, begun, callback_wished, gives_address, interviewed, wish_in
from botsvc.policy import Desk, LowConfidence
from botsvc.turn_facts import ArticleOf, FormOf, TurnFacts, key_of, no_form
from botsvc.typed_replies import PromptKind, Reply, ReplyKind
from indexer import Article, Hit, Offer

if TYPE_CHECKING:
    from botsvc.lookup import Found
    from botsvc.policy import Policy


def decide(
    message: Message,
    found: Found | None,
    state: EpisodeState,
    policy: Policy,
    *,
    article_of: ArticleOf,
    form_of: FormOf = no_form,
) -> Decision:
    """The decision for one message.

    ``found`` is None where ``plan`` asked for no search; ``article_of`` and ``form_of`` are the index's
    (``Index.article``, ``Index.form``), for editors' rules.
    """
    turn = TurnFacts.of(message, found, current(state), policy, article_of, form_of)
    for rule in (
        _person_owns,
        _pending_prompt,
        callback_wished,
        _person_asked,
        _crisis,
        _waiting_in_silence,
        _sensitive,
        _small_talk,
        _confident,
        _choices,
        _repeated_failure,
        _low_confidence,
    ):
        decision = rule(turn)
        if decision is not None:
            return decision
    return _not_about_this(turn)


def _person_owns(turn: TurnFacts) -> Decision | None:
    if turn.state.owner not in (Owner.AGENT, Owner.EXPERT):
        return None
    return Silent(rule=Rule.PERSON_OWNS, reason=Reason.WAITING, numbers=turn.numbers, index_id=turn.index_id)


def _pending_prompt(turn: TurnFacts) -> Decision | None:
    if turn.message.press is Press.ASK_MEANWHILE:
        return _said(turn, Rule.PENDING_PROMPT, Reason.ASK_AWAY, "opening")
    asks_person = turn.message.intents.human_request >= turn.policy.human_request
    if turn.reply is None or (asks_person and not gives_address(turn)):
        return None
    if turn.reply.kind is ReplyKind.NO_NEED:
        return _withdrawn(turn)
    if turn.message.intents.crisis and turn.state.interviews:
        return None
    if (step := interviewed(turn, turn.reply)) is not None:
        return step
    kind = turn.pending.kind if turn.pending else PromptKind.HELPED
    if turn.reply.kind is ReplyKind.SKIP:
        return _silent(turn) if turn.waits else _said(turn, Rule.PENDING_PROMPT, Reason.DECLINED, "declined")
    if kind is PromptKind.HELPED:
        return _helped_or_not(turn, turn.reply)
    if kind is PromptKind.CHOICES and turn.pending is not None:
        return _picked(turn, turn.reply, turn.pending)
    if kind is PromptKind.OFFER_PERSON and turn.pending is not None:
        return _offer_taken(turn, turn.reply, turn.pending)
    return None  # an audience was named: the question it belongs to is decided by the rules below


def _withdrawn(turn: TurnFacts) -> Decision | None:
    if not turn.waits:
        return _said(turn, Rule.PENDING_PROMPT, Reason.DECLINED, "declined")
    return SmallTalk(
        rule=Rule.PENDING_PROMPT,
        reason=Reason.WITHDRAWN,
        text=("withdrawn",),
        withdraw=True,
        numbers=turn.numbers,
    )


def _helped_or_not(turn: TurnFacts, reply: Reply) -> Decision | None:
    if reply.kind is ReplyKind.YES:
        return None if reply.rest else _said(turn, Rule.PENDING_PROMPT, Reason.HELPED, "helped")
    if turn.failures >= turn.policy.failures_before_handoff:
        return _repeated_failure(turn)
    if reply.rest:
        return None
    shown = turn.pending.hits[0] if turn.pending and turn.pending.hits else turn.state.last_hit
    article = turn.article(shown) if shown else None
    never = article is not None and article.handoff.offer is Offer.NEVER
    offer = not never and turn.may_hand_off
    return NoAnswer(
        rule=Rule.PENDING_PROMPT,
        reason=Reason.REJECTED,
        text=("not_helped", _offer(turn.policy)) if offer else ("rejected",),
        offer_person=offer,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _picked(turn: TurnFacts, reply: Reply, pending: Pending) -> Decision | None:
    if reply.rest:
        return None
    only_one = reply.kind is ReplyKind.YES and len(pending.hits) == 1
    if only_one or (reply.kind is ReplyKind.CHOICE and reply.index < len(pending.hits)):
        hit = pending.hits[0 if only_one else reply.index]
        if turn.article_of(key_of(hit)) is None:  # taken back since the choices were shown
            return _unsure(turn, Rule.PENDING_PROMPT)
        return _answer(turn, Rule.PENDING_PROMPT, Reason.CHOSEN, hit)
    if reply.kind is ReplyKind.NONE_OF_THESE:
        return _repeated_failure(turn) or _unsure(turn, Rule.PENDING_PROMPT)
    return _said(turn, Rule.PENDING_PROMPT, Reason.WHICH_ONE, "which_one")


def _offer_taken(turn: TurnFacts, reply: Reply, pending: Pending) -> Decision | None:
    if reply.rest:
        return None
    if reply.kind is not ReplyKind.YES:
        return _said(turn, Rule.PENDING_PROMPT, Reason.DECLINED, "declined")
    if not turn.may_hand_off:
        return _already_waiting(turn, Rule.PENDING_PROMPT)
    refused = pending.after is Reason.REJECTED
    reason = Reason.FEEDBACK if refused else Reason.LOW_CONFIDENCE
    priority = Priority.FEEDBACK if refused else Priority.LOW_CONFIDENCE
    return _hand_off(turn, Rule.PENDING_PROMPT, reason, priority)


def _person_asked(turn: TurnFacts) -> Decision | None:
    pressed = turn.message.press is Press.PERSON
    if not pressed and turn.message.intents.human_request < turn.policy.human_request:
        return None
    if turn.waits:
        return _already_waiting(turn, Rule.PERSON_ASKED)
    priority = Priority.CRISIS if turn.message.intents.crisis else Priority.ASKED
    return _hand_off(turn, Rule.PERSON_ASKED, Reason.ASKED, priority)


def _crisis(turn: TurnFacts) -> Decision | None:
    if not turn.message.intents.crisis:
        return None
    if turn.may_hand_off:
        return _hand_off(turn, Rule.CRISIS, Reason.RULE, Priority.CRISIS)
    return SmallTalk(
        rule=Rule.CRISIS,
        reason=Reason.CRISIS,
        text=("crisis",),
        escalate=Priority.CRISIS,
        crisis=True,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _waiting_in_silence(turn: TurnFacts) -> Decision | None:
    return _silent(turn) if turn.waits_in_silence else None


def _sensitive(turn: TurnFacts) -> Decision | None:
    if not turn.confident or not turn.may_hand_off:
        return None
    article = turn.article(turn.hits[0])
    if article is None or article.handoff.offer is not Offer.AUTO:
        return None
    return _answer_and_hand_off(turn, Rule.SENSITIVE, turn.hits[0], article)


def _small_talk(turn: TurnFacts) -> Decision | None:
    kind = turn.message.intents.small_talk
    if turn.waits:
        return None
    if turn.message.intents.person_refused:
        return _said(turn, Rule.SMALL_TALK, Reason.DECLINED, "person_refused")
    if kind is None:
        return None
    return _said(turn, Rule.SMALL_TALK, Reason(kind.value), kind.value)


def _confident(turn: TurnFacts) -> Decision | None:
    intents = turn.message.intents
    if not turn.confident or intents.abuse or intents.nonsense:
        return None
    return _answer(turn, Rule.CONFIDENT, Reason.CONFIDENT, turn.hits[0])


def _choices(turn: TurnFacts) -> Decision | None:
    """Choices, at most once per question: a reply that is about the choices shown is the same question."""
    intents = turn.message.intents
    if not turn.choices_likely or turn.waits or intents.abuse or intents.nonsense or _asked_already(turn):
        return None
    choices = turn.nearest
    audiences = _audiences(turn, choices)
    return Clarify(
        rule=Rule.CHOICES,
        reason=Reason.AUDIENCE if audiences else Reason.CHOICES,
        text=("clarify_audience",) if audiences else ("clarify",),
        choices=() if audiences else choices,
        audiences=audiences,
        choices_confidence=turn.numbers.choices or 0.0,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _asked_already(turn: TurnFacts) -> bool:
    if turn.pending is None or turn.pending.kind is not PromptKind.CHOICES:
        return False
    shown = {key_of(hit) for hit in turn.pending.hits}
    return turn.reply is not None or any(key_of(hit) in shown for hit in turn.nearest)


def _audiences(turn: TurnFacts, choices: tuple[Hit, ...]) -> tuple[str, ...]:
    """The groups to choose from, where the candidates differ only in their unknown audience."""
    if turn.state.audience or turn.state.audience_asked or len(choices) < 2:
        return ()
    articles = [turn.article(hit) for hit in choices]
    groups: list[str] = []
    topics: set[frozenset[str]] = set()
    for article in articles:
        if article is None or not article.audience or not article.topics:
            return ()
        if any(group in groups or group not in turn.policy.known_audiences for group in article.audience):
            return ()
        groups.extend(article.audience)
        topics.add(frozenset(article.topics))
    return tuple(groups) if len(topics) == 1 else ()


def _repeated_failure(turn: TurnFacts) -> Decision | None:
    """Two rejected or failed in-scope questions hand off."""
    refused = bool(rejects(turn.reply, turn.state))
    failing = refused or (
        turn.in_scope and not turn.message.intents.abuse and not turn.message.intents.nonsense
    )
    count = turn.failures + (not refused)
    if (
        not failing
        or count < turn.policy.failures_before_handoff
        or (turn.reply is None and not turn.state.failures)
    ):
        return None
    if turn.waits or not turn.may_hand_off:
        return _silent(turn) if turn.waits else None
    return _hand_off(turn, Rule.REPEATED_FAILURE, Reason.REPEATED_FAILURE, Priority.FEEDBACK)


def _low_confidence(turn: TurnFacts) -> Decision | None:
    if turn.waits:
        return _silent(turn)
    intents = turn.message.intents
    if not turn.in_scope or intents.abuse or intents.nonsense:
        return None
    return _unsure(turn, Rule.LOW_CONFIDENCE)


def _unsure(turn: TurnFacts, rule: Rule) -> Decision:
    if turn.waits:
        return _silent(turn)
    if turn.may_hand_off and turn.policy.low_confidence is LowConfidence.HAND_OFF:
        return _hand_off(turn, rule, Reason.LOW_CONFIDENCE, Priority.LOW_CONFIDENCE)
    return NoAnswer(
        rule=rule,
        reason=Reason.LOW_CONFIDENCE,
        text=("low_confidence", _offer(turn.policy)),
        offer_person=True,
        nearest=turn.nearest,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _not_about_this(turn: TurnFacts) -> Decision:
    intents = turn.message.intents
    again = turn.state.no_answers > 0
    reason = Reason.OUT_OF_SCOPE
    text = "out_of_scope_again" if again else "out_of_scope"
    if intents.abuse:
        reason, text = Reason.ABUSE, "abuse"
    elif intents.nonsense or not turn.message.text.strip():
        reason, text = Reason.NONSENSE, "nonsense"
    return NoAnswer(
        rule=Rule.NOT_ABOUT_THIS,
        reason=reason,
        text=(text,),
        person_first=again,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _answer(turn: TurnFacts, rule: Rule, reason: Reason, hit: Hit) -> Decision:
    article = turn.article(hit)
    if article is not None and article.handoff.offer is Offer.AUTO and turn.may_hand_off:
        return _answer_and_hand_off(turn, Rule.SENSITIVE, hit, article)
    elsewhere = turn.cross_language and reason is Reason.CONFIDENT
    always = article is not None and (article.personal or article.handoff.offer in (Offer.ALWAYS, Offer.AUTO))
    text = "answered_other_language" if elsewhere else "answered"
    others = [other for other in turn.hits if key_of(other) != key_of(hit)]
    return Answered(
        rule=rule,
        reason=reason,
        text=(text,),
        hit=hit,
        confidence=turn.numbers.confidence or 0.0,
        more=tuple(others[: turn.policy.more_articles]),
        offer_person=(always or elsewhere) and not turn.waits,
        cross_language=elsewhere,
        urgent=article.urgent if article else "",
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _answer_and_hand_off(turn: TurnFacts, rule: Rule, hit: Hit, article: Article) -> Decision:
    return HandOff(
        rule=rule,
        reason=Reason.RULE,
        text=("sensitive", _situation(turn.policy)),
        priority=Priority.SENSITIVE,
        team=article.handoff.team,
        form=article.handoff.form,
        interview=begun(turn, article.handoff.form),
        callback_wish=wish_in(turn),
        hit=hit,
        urgent=article.urgent,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


_OPENINGS = {
    Reason.LOW_CONFIDENCE: "low_confidence",
    Reason.REPEATED_FAILURE: "repeated_failure",
}


def _hand_off(turn: TurnFacts, rule: Rule, reason: Reason, priority: Priority) -> Decision:
    crisis = priority is Priority.CRISIS
    opening = "crisis" if crisis else _OPENINGS.get(reason)
    situation = _situation(turn.policy)
    # "A person, please" is about what was shown before, not about itself.
    asked = reason is Reason.ASKED
    top = turn.hits[0] if turn.hits and not asked else turn.state.last_hit
    article = turn.article(top) if top else None
    form = _form(turn, article, reason)
    interview = None if crisis else begun(turn, form)
    text: tuple[str, ...] = (situation,)
    if opening:
        text = (opening, situation)
    elif interview is None:
        text = (situation, "handoff_context" if turn.policy.desk is Desk.TEAM else "handoff_add_more")
    return HandOff(
        rule=rule,
        reason=reason,
        text=text,
        priority=priority,
        team=article.handoff.team if article else "",
        form=form,
        interview=interview,
        callback_wish=wish_in(turn),
        nearest=turn.nearest if reason in (Reason.LOW_CONFIDENCE, Reason.REPEATED_FAILURE) else (),
        crisis=crisis,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _form(turn: TurnFacts, article: Article | None, reason: Reason) -> str:
    """The form of what it is about; where the bot is not even near to sure of that, none."""
    guessed = reason in (Reason.LOW_CONFIDENCE, Reason.REPEATED_FAILURE) and bool(turn.hits)
    return article.handoff.form if article and (turn.choices_likely or not guessed) else ""


def _situation(policy: Policy) -> str:
    """What may be said about who gets the question: never "passed on" where there is nobody to pass it to."""
    by_desk = {
        Desk.TEAM: "handoff_team",
        Desk.CONTACT: "handoff_contact",
        Desk.NOBODY: "handoff_saved",
    }
    return by_desk[policy.desk]


def _offer(policy: Policy) -> str:
    return "offer_team" if policy.desk is Desk.TEAM else "offer_saved"


def _already_waiting(turn: TurnFacts, rule: Rule) -> Decision:
    silent = turn.waits_in_silence and turn.state.handed_off is Reason.ASKED
    if silent and not turn.state.interviews:
        return _silent(turn)
    text = "waiting_team" if turn.policy.desk is Desk.TEAM else "waiting_saved"
    return SmallTalk(
        rule=rule,
        reason=Reason.WAITING,
        text=(text,),
        escalate=Priority.ASKED,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _said(turn: TurnFacts, rule: Rule, reason: Reason, text: str) -> SmallTalk:
    return SmallTalk(rule=rule, reason=reason, text=(text,), numbers=turn.numbers, index_id=turn.index_id)


def _silent(turn: TurnFacts) -> Decision:
    return added(turn) or Silent(
        rule=Rule.PERSON_OWNS, reason=Reason.WAITING, numbers=turn.numbers, index_id=turn.index_id
    )
