"""What the bot remembers of the current episode, and how a decision changes it (both pure)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Self

from botsvc.contacts import PHONE_PLACE
from botsvc.decisions import (
    Answered,
    Clarify,
    Decision,
    HandOff,
    Interview,
    NoAnswer,
    Priority,
    Reason,
    SmallTalk,
)
from botsvc.form_filling import Progress, reply_in
from botsvc.intents import NO_INTENTS, Intents
from botsvc.typed_replies import PromptKind, Reply, ReplyKind, read_reply
from indexer import ArticleKey, Hit

#: Characters of earlier questions that a follow-up is searched together with.
REMEMBERED = 400


class Owner(StrEnum):
    """Who has the conversation; exactly one at a time."""

    BOT = "bot"
    QUEUE = "queue"
    AGENT = "agent"
    EXPERT = "expert"
    NOBODY = "nobody"  #: the episode is closed; the next message opens a new one


class Press(StrEnum):
    """Buttons that stand for a message."""

    PERSON = "person"
    HELPED = "helped"
    NOT_HELPED = "not_helped"
    CHOICE = "choice"
    NONE_OF_THESE = "none_of_these"
    AUDIENCE = "audience"
    NO_NEED = "no_need"
    ASK_MEANWHILE = "ask_meanwhile"  #: "ask the bot meanwhile"
    SKIP = "skip"  #: the question that the interview has asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a customer: typed, or pressed."""

    text: str = ""
    press: Press | None = None
    index: int = 0  #: which choice or audience was pressed, from 0
    lang: str = ""  #: the interface's language, if known
    intents: Intents = NO_INTENTS
    contacts: bool = False  #: an e-mail address or phone number was moved out of the text

    @property
    def phone(self) -> bool:
        """Whether a phone number was among the contacts."""
        return self.contacts and PHONE_PLACE in self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """What the bot asked last and waits for."""

    kind: PromptKind
    question: str = ""  #: the customer's question that led here
    hits: tuple[Hit, ...] = ()  #: the choices shown, or the one article answered with
    audiences: tuple[str, ...] = ()
    after: Reason | None = None  #: why the bot asked

    @property
    def labels(self) -> tuple[str, ...]:
        """The choices as the customer saw them."""
        return self.audiences or tuple(hit.title for hit in self.hits)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeState:
    """What the bot remembers of the current episode."""

    owner: Owner = Owner.BOT
    handed_off: Reason | None = None  #: why, once it has been; never a second time in one episode
    bot_meanwhile: bool = False  #: the customer wants the bot to answer while waiting
    pending: Pending | None = None
    rejected: frozenset[ArticleKey] = frozenset()  #: not shown again
    failures: int = 0  #: in-scope questions rejected or without an answer
    no_answers: int = 0  #: messages that were not about this help center
    last_question: str = ""
    last_hit: Hit | None = None  #: what was shown last
    audience: str = ""
    audience_asked: bool = False
    helped: bool = False  #: the customer said so
    has_address: bool = False  #: an e-mail address or phone number is known
    has_phone: bool = False
    wants_address: bool = False  #: people will answer later: ask where, right after a handoff
    told_added: bool = False  #: said that messages are added to the waiting question
    callback: bool = False  #: the customer has wished to be called
    interview: Progress | None = None  #: what is still asked for the waiting handoff

    @property
    def expects_sensitive(self) -> bool:
        """Whether the next typed message may hold what must not be stored as text."""
        asked = self.pending is not None and self.pending.kind is PromptKind.FORM
        return asked and self.interviews and self.interview is not None and self.interview.current.sensitive

    @property
    def interviews(self) -> bool:
        """Whether the interview after a handoff is going on; a person who takes the conversation ends it."""
        return self.interview is not None and self.owner is Owner.QUEUE and self.pending is not None

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values; ``from_json`` is the inverse."""
        record = asdict(self)
        record["rejected"] = sorted(list(key) for key in self.rejected)
        return record

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> Self:
        """The state that ``to_json`` wrote, in this version or an older one."""
        pending, interview = record["pending"], record.get("interview")
        known = {name: value for name, value in record.items() if name in cls.__dataclass_fields__}
        return cls(
            **{
                **known,
                "owner": Owner(record["owner"]),
                "handed_off": Reason(record["handed_off"]) if record["handed_off"] else None,
                "rejected": frozenset(ArticleKey(*key) for key in record["rejected"]),
                "last_hit": _hit(record["last_hit"]) if record["last_hit"] else None,
                "pending": pending and _pending(pending),
                "interview": interview and Progress.from_json(interview),
            }
        )


def current(state: EpisodeState) -> EpisodeState:
    """The state a message meets: a closed episode gives way to a new one that keeps only who is asking."""
    if state.owner is Owner.NOBODY:
        return EpisodeState(
            audience=state.audience,
            has_address=state.has_address,
            has_phone=state.has_phone,
            wants_address=state.wants_address,
        )
    return state if state.interview is None or state.interviews else replace(state, interview=None)


def reply_to(message: Message, state: EpisodeState) -> Reply | None:
    """How a message replies to the pending prompt, pressed or typed; None when it does not."""
    if message.press is not None:
        return _pressed(message)
    progress = state.interview if state.interviews else None
    asked = state.pending is not None and state.pending.kind in INTERVIEW
    if progress is not None and (asked or (message.contacts and not progress.current.field)):
        return reply_in(progress, message.text, contacts=message.contacts, lang=message.lang)
    if state.pending is None or asked or not message.text.strip():
        return None
    return read_reply(message.text, state.pending.kind, lang=message.lang, labels=state.pending.labels)


def rejects(reply: Reply | None, state: EpisodeState) -> frozenset[ArticleKey]:
    """The articles that this reply turns down."""
    if reply is None or reply.kind not in (ReplyKind.NO, ReplyKind.NONE_OF_THESE):
        return frozenset()
    if state.pending is not None and state.pending.kind in (PromptKind.HELPED, PromptKind.CHOICES):
        return frozenset(ArticleKey(hit.lang, hit.article_id) for hit in state.pending.hits)
    if state.pending is None and reply.kind is ReplyKind.NO and state.last_hit is not None:
        return frozenset({ArticleKey(state.last_hit.lang, state.last_hit.article_id)})
    return frozenset()


def advance(state: EpisodeState, message: Message, decision: Decision, *, question: str = "") -> EpisodeState:
    """The state after ``decision`` was said; ``question`` is the text that was searched, if any."""
    state = current(state)
    reply = reply_to(message, state)
    rejected = rejects(reply, state)
    failed = bool(rejected) or _failed(decision)
    state = replace(
        state,
        rejected=state.rejected | rejected,
        failures=state.failures + failed,
        last_question=(question or state.last_question)[-REMEMBERED:],
        bot_meanwhile=state.bot_meanwhile or message.press is Press.ASK_MEANWHILE,
        has_address=state.has_address or message.contacts,
        has_phone=state.has_phone or message.phone,
        told_added=state.told_added or decision.reason is Reason.ADDED,
    )
    if state.pending is not None and state.pending.kind is PromptKind.AUDIENCE and reply is not None:
        chosen = reply.kind is ReplyKind.CHOICE and reply.index < len(state.pending.audiences)
        state = replace(state, audience=state.pending.audiences[reply.index] if chosen else state.audience)
    return _prompted(_interviewed(_after(state, reply, decision, question), decision), decision)


def _interviewed(state: EpisodeState, decision: Decision) -> EpisodeState:
    """The interview after ``decision``: begun, a question further, or a message nearer to being given up."""
    wished = isinstance(decision, HandOff | Interview) and bool(decision.callback_wish)
    state = replace(state, callback=state.callback or wished)
    match decision:
        case HandOff():
            return replace(state, interview=decision.interview)
        case Interview():
            return replace(state, interview=decision.after)
        case SmallTalk(crisis=True) | SmallTalk(withdraw=True):
            return replace(state, interview=None)
        case _:
            return replace(state, interview=state.interview and state.interview.tried())


def _prompted(state: EpisodeState, decision: Decision) -> EpisodeState:
    """With the interview's prompt, unless the bot has asked something else since; without, when it ended."""
    pending, progress = state.pending, state.interview
    if state.owner is not Owner.QUEUE:
        return replace(state, interview=None)
    if progress is None:
        if pending is not None and pending.kind in INTERVIEW:
            return replace(state, pending=replace(pending, kind=PromptKind.NO_NEED))
        return state
    if pending is None or pending.kind in (PromptKind.NO_NEED, *INTERVIEW) or isinstance(decision, Interview):
        return replace(state, pending=interview_prompt(state))
    return state


def interview_prompt(state: EpisodeState) -> Pending | None:
    """The prompt of the interview that is going on, for where another prompt has been answered."""
    if state.interview is None or state.owner is not Owner.QUEUE:
        return None
    question = state.pending.question if state.pending is not None else ""
    after = state.pending.after if state.pending is not None else None
    return Pending(kind=state.interview.current.prompt, question=question, after=after)


#: Prompts of the interview after a handoff.
INTERVIEW = (PromptKind.ADDRESS, PromptKind.FORM)


def _after(state: EpisodeState, reply: Reply | None, decision: Decision, question: str) -> EpisodeState:
    match decision:
        case Answered():
            pending = Pending(kind=PromptKind.HELPED, question=question, hits=(decision.hit,))
            helped = state.helped or _confirmed(state, reply)
            return replace(state, pending=pending, last_hit=decision.hit, helped=helped)
        case Clarify(audiences=()):
            pending = Pending(kind=PromptKind.CHOICES, question=question, hits=decision.choices)
            return replace(state, pending=pending)
        case Clarify():
            pending = Pending(kind=PromptKind.AUDIENCE, question=question, audiences=decision.audiences)
            return replace(state, pending=pending, audience_asked=True)
        case HandOff():
            pending = Pending(kind=PromptKind.NO_NEED, question=question, after=decision.reason)
            shown = decision.hit or state.last_hit
            return replace(
                state, owner=Owner.QUEUE, handed_off=decision.reason, pending=pending, last_hit=shown
            )
        case NoAnswer():
            asks = decision.offer_person
            pending_or_none = (
                Pending(kind=PromptKind.OFFER_PERSON, question=question, after=decision.reason)
                if asks
                else None
            )
            elsewhere = decision.reason is Reason.OUT_OF_SCOPE
            return replace(state, pending=pending_or_none, no_answers=state.no_answers + elsewhere)
        case SmallTalk():
            return _after_small_talk(state, reply, decision)
        case _:
            return state


def _after_small_talk(state: EpisodeState, reply: Reply | None, decision: SmallTalk) -> EpisodeState:
    if decision.withdraw:
        return replace(state, owner=Owner.NOBODY, pending=None)
    if decision.escalate is not None:
        reason = Reason.RULE if decision.escalate is Priority.CRISIS else Reason.ASKED
        return replace(state, handed_off=reason)
    if decision.reason in (Reason.HELPED, Reason.DECLINED):
        return replace(state, pending=None, helped=state.helped or decision.reason is Reason.HELPED)
    return state


def _failed(decision: Decision) -> bool:
    return isinstance(decision, NoAnswer) and decision.reason is Reason.LOW_CONFIDENCE


def _confirmed(state: EpisodeState, reply: Reply | None) -> bool:
    asked = state.pending is not None and state.pending.kind is PromptKind.HELPED
    return asked and reply is not None and reply.kind is ReplyKind.YES


_PRESSED = {
    Press.HELPED: ReplyKind.YES,
    Press.NOT_HELPED: ReplyKind.NO,
    Press.CHOICE: ReplyKind.CHOICE,
    Press.AUDIENCE: ReplyKind.CHOICE,
    Press.NONE_OF_THESE: ReplyKind.NONE_OF_THESE,
    Press.NO_NEED: ReplyKind.NO_NEED,
    Press.SKIP: ReplyKind.SKIP,
}


def _pressed(message: Message) -> Reply | None:
    kind = _PRESSED.get(message.press) if message.press else None
    return Reply(kind=kind, index=message.index) if kind else None


def _pending(record: dict[str, Any]) -> Pending:
    return Pending(
        kind=PromptKind(record["kind"]),
        question=record["question"],
        hits=tuple(_hit(hit) for hit in record["hits"]),
        audiences=tuple(record["audiences"]),
        after=Reason(record["after"]) if record["after"] else None,
    )


def _hit(record: dict[str, Any]) -> Hit:
    return Hit(**{**record, "heading_path": tuple(record["heading_path"])})
