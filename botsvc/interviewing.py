"""The rules of ``decide`` for what follows a handoff: the interview, a wish to be called, "it was added".

What these need of their caller: ``Message.contacts`` where masking has moved an address out of the text,
``EpisodeState.has_address`` and ``has_phone`` where one is known already, ``Policy.answers_later`` or
``EpisodeState.wants_address`` where people answer later, and ``form_of`` of the index. What the caller does:

- ``Interview.collected``: append a ``FactCollected`` and revise the handoff. A sensitive value is sealed
  (``sealing.Sealer``) and the fact has none; the message's own text is not stored where the state before it
  says ``expects_sensitive``. An ``[e-mail]`` or ``[phone]`` in a value stands for the message's contact.
- ``callback_wish`` of a ``HandOff`` or ``Interview``: store a call-back, or its new wish.
- ``Interview.lang``: the reply's language, where it is set.
- A person who takes the conversation sets ``pending`` to None: that ends the interview.
"""

from __future__ import annotations

from botsvc.decisions import Interview, Priority, Reason, Rule, SmallTalk
from botsvc.form_filling import LONGEST_VALUE, Asks, Progress, Question, Step, questions_of, step
from botsvc.policy import Desk
from botsvc.turn_facts import TurnFacts
from botsvc.typed_replies import PromptKind, Reply, ReplyKind
from indexer import FieldKind


def begun(turn: TurnFacts, form_id: str) -> Progress | None:
    """What to ask after a handoff: where to answer, if nobody knows yet, and the form; None for nothing."""
    questions: list[Question] = []
    if turn.message.intents.callback and not turn.has_phone:
        questions.append(Question(asks=Asks.NUMBER))
    elif (turn.policy.answers_later or turn.state.wants_address) and not turn.has_address:
        questions.append(Question(asks=Asks.ADDRESS))
    form = turn.form_of(form_id) if form_id else None
    if form is not None:
        known = (FieldKind.PHONE,) if turn.has_phone else ()
        questions += (one for one in questions_of(form, turn.lang) if one.kind not in known)
    return Progress(questions=tuple(questions), lang=turn.lang) if questions else None


def wish_in(turn: TurnFacts) -> str:
    """The customer's wish to be called, in their words; empty when there is none."""
    return turn.message.text.strip()[:LONGEST_VALUE] if turn.message.intents.callback else ""


def gives_address(turn: TurnFacts) -> bool:
    """Whether the message holds what the interview has asked for: where to answer, or to call."""
    progress = turn.state.interview
    asked = progress is not None and turn.state.interviews and not progress.current.field
    return asked and turn.message.contacts


def interviewed(turn: TurnFacts, reply: Reply) -> Interview | None:
    """What to say to a reply to the interview; None when it is no reply to that."""
    progress = turn.state.interview
    if progress is None or not turn.state.interviews or not turn.waits:
        return None
    asked = turn.pending is not None and turn.pending.kind is progress.current.prompt
    answers = reply.kind in (ReplyKind.ANSWER, ReplyKind.SKIP)
    answers = answers or (asked and reply.kind is ReplyKind.YES and turn.message.press is None)
    picks = reply.kind is ReplyKind.CHOICE and asked and progress.current.prompt is PromptKind.FORM
    if not (answers or picks):
        return None
    taken = step(progress, reply, turn.message.text, chatter=turn.message.intents.small_talk is not None)
    question = progress.current
    wish = wish_in(turn) if question.asks is not Asks.FIELD else ""
    text: tuple[str, ...] = ()
    if wish:
        text = (_noted(turn),)
    elif taken.wrong and question.asks is Asks.FIELD and not question.error:
        text = (f"wrong_{question.kind.value}",)
    elif taken.after is None:
        text = (_thanks(turn, taken),)
    return Interview(
        rule=Rule.PENDING_PROMPT,
        reason=Reason.INTERVIEW,
        text=text,
        collected=taken.collected,
        after=taken.after,
        wrong=question.error if taken.wrong else "",
        lang=progress.lang,
        callback_wish=wish,
        escalate=Priority.ASKED if wish else None,
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _thanks(turn: TurnFacts, taken: Step) -> str:
    """What happens next, never "passed on" where there is nobody to pass it to."""
    if turn.policy.desk is not Desk.TEAM:
        return "interview_thanks_saved" if taken.given else "interview_skipped_saved"
    if not taken.given:
        return "interview_skipped_team"
    return "interview_thanks_address" if turn.has_address else "interview_thanks_team"


def callback_wished(turn: TurnFacts) -> Interview | None:
    """A wish to be called after the handoff; the number is asked for once, where none is known."""
    intents = turn.message.intents
    if not turn.waits or not intents.callback or intents.crisis:
        return None
    progress = turn.state.interview if turn.state.interviews else None
    if turn.state.callback or turn.has_phone:
        after = progress and progress.tried()
    else:
        rest = tuple(one for one in progress.questions if one.asks is Asks.FIELD) if progress else ()
        lang = progress.lang if progress else turn.lang
        given = progress.given if progress else 0
        after = Progress(questions=(Question(asks=Asks.NUMBER), *rest), lang=lang, given=given)
    return Interview(
        rule=Rule.PERSON_ASKED,
        reason=Reason.CALLBACK,
        text=(_noted(turn),),
        escalate=Priority.ASKED,
        after=after,
        lang=progress.lang if progress else "",
        callback_wish=wish_in(turn),
        numbers=turn.numbers,
        index_id=turn.index_id,
    )


def _noted(turn: TurnFacts) -> str:
    return "callback_team" if turn.policy.desk is Desk.TEAM else "callback_saved"


def added(turn: TurnFacts) -> SmallTalk | None:
    """Once in a handoff, where the bot would be silent although it goes on answering: the message counts."""
    intents = turn.message.intents
    says_nothing = intents.small_talk is not None or intents.abuse or intents.nonsense
    if not turn.waits or turn.state.told_added or turn.reply is not None or says_nothing:
        return None
    if not turn.message.text.strip() or (turn.waits_in_silence and not turn.state.interviews):
        return None
    team = turn.policy.desk is Desk.TEAM
    return SmallTalk(
        rule=Rule.PERSON_OWNS,
        reason=Reason.ADDED,
        text=("added_team" if team else "added_saved",),
        numbers=turn.numbers,
        index_id=turn.index_id,
    )
