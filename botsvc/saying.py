"""What the customer reads and can press: a reply in words, with buttons and lines of contact."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from botsvc.answering import Reply
from botsvc.decisions import Answered, HandOff, Interview, NoAnswer, Reason, SmallTalk
from botsvc.episode import EpisodeState, Owner, Pending, Press
from botsvc.form_filling import Asks, Progress
from botsvc.policy import Desk
from botsvc.turn_facts import SILENT_AFTER
from botsvc.turns import BotTurn
from botsvc.typed_replies import PromptKind

if TYPE_CHECKING:
    from botsvc.decisions import Decision
    from botsvc.settings import Settings
    from botsvc.texts import Texts


class DetailKind(StrEnum):
    """What a line beside the bot's words is about."""

    URGENT = "urgent"
    EMERGENCY = "emergency"
    CRISIS = "crisis"
    PHONE = "phone"
    EMAIL = "email"
    HOURS = "hours"


_DETAIL_LABELS: Mapping[DetailKind, str] = {
    DetailKind.URGENT: "urgent_label",
    DetailKind.EMERGENCY: "emergency_label",
    DetailKind.CRISIS: "crisis_label",
    DetailKind.PHONE: "contact_phone",
    DetailKind.EMAIL: "contact_email",
    DetailKind.HOURS: "contact_hours",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A line such as a phone number, with its label."""

    kind: DetailKind
    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press instead of typing."""

    press: Press
    index: int = 0
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A reply as the customer sees it, beside the quotation."""

    text: str
    buttons: tuple[Button, ...]
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speaker:
    """Puts replies into words, as the operator's texts and contact details have them."""

    texts: Texts
    settings: Settings
    desk: Desk

    def say(self, reply: Reply) -> Said:
        """The words, buttons and lines of a reply, in its language; an interview keeps its own."""
        decision, lang = reply.decision, reply.language
        if isinstance(decision, Interview):
            lang = decision.lang or lang
        return Said(
            text="\n\n".join(
                part for part in (self._statement(decision, lang), self._asked(decision, lang)) if part
            ),
            buttons=tuple(self._buttons(reply, lang)),
            details=tuple(self._details(reply, lang)),
        )

    def _statement(self, decision: Decision, lang: str) -> str:
        wrong = decision.wrong if isinstance(decision, Interview) else ""
        return " ".join(part for part in (self.texts.say(lang, *decision.text), wrong) if part)

    def _asked(self, decision: Decision, lang: str) -> str:
        """The interview's question that this reply ends with; empty when it asks none."""
        progress: Progress | None = None
        if isinstance(decision, HandOff):
            progress = decision.interview
        elif isinstance(decision, Interview):
            progress = decision.after
        if progress is None:
            return ""
        question, texts = progress.current, self.texts.all(lang)
        if question.asks is not Asks.FIELD:
            return texts["ask_number" if question.asks is Asks.NUMBER else "ask_address"]
        note = texts["sensitive_note"] if question.sensitive else ""
        return " ".join(part for part in (question.text, question.help, note) if part)

    def contact(self, lang: str) -> tuple[Detail, ...]:
        """How customer service is reached without the bot."""
        contact = self.settings.contact_for(lang)
        lines = {
            DetailKind.PHONE: contact.phone,
            DetailKind.EMAIL: contact.email,
            DetailKind.HOURS: contact.hours,
        }
        return tuple(self._detail(kind, value, lang) for kind, value in lines.items() if value)

    def bot_turn(self, reply: Reply, *, topic: str, text: str) -> BotTurn:
        """What a conversation stores of a reply; ``text`` is the customer's message, masked."""
        said = self.say(reply)
        quotation = (reply.answer.text,) if reply.answer else ()
        lines = (f"{detail.label}: {detail.value}" for detail in said.details)
        return BotTurn(
            decision=reply.decision,
            state=reply.state,
            language=reply.language,
            text="\n\n".join(part for part in (said.text, *quotation, "\n".join(lines)) if part),
            body={
                **reply.body(),
                "owner": reply.state.owner,
                "text": text,
                "said": said.text,
                "complete": reply.answer.complete if reply.answer else True,
                "buttons": [
                    {"press": button.press, "index": button.index, "label": button.label}
                    for button in said.buttons
                ],
                "details": [
                    {"kind": detail.kind, "label": detail.label, "value": detail.value}
                    for detail in said.details
                ],
            },
            topic=topic,
        )

    def _detail(self, kind: DetailKind, value: str, lang: str) -> Detail:
        return Detail(kind=kind, label=self.texts.all(lang)[_DETAIL_LABELS[kind]], value=value)

    def _details(self, reply: Reply, lang: str) -> Iterator[Detail]:
        decision = reply.decision
        if isinstance(decision, HandOff | SmallTalk) and decision.crisis:
            yield self._detail(DetailKind.EMERGENCY, self.settings.handoff.emergency_number, lang)
            if line := self.settings.crisis_line_for(lang):
                yield self._detail(DetailKind.CRISIS, line, lang)
        if isinstance(decision, HandOff | Answered) and decision.urgent:
            yield self._detail(DetailKind.URGENT, decision.urgent, lang)
        person_first = isinstance(decision, NoAnswer) and decision.person_first
        if isinstance(decision, HandOff) or decision.reason is Reason.WAITING or person_first:
            yield from self.contact(lang)

    def _buttons(self, reply: Reply, lang: str) -> Iterator[Button]:
        decision, pending = reply.decision, reply.state.pending
        texts = self.texts.all(lang)
        person = Button(press=Press.PERSON, label=texts["button_person"])
        if isinstance(decision, NoAnswer) and decision.person_first:
            yield person
        asks_again = isinstance(decision, Interview) or decision.reason in _KEEPS_BUTTONS
        if pending is not None and (not isinstance(decision, SmallTalk) or asks_again):
            yield from self._prompt(pending, reply, lang)
        if isinstance(decision, Answered) and decision.offer_person:
            yield person

    def _prompt(self, pending: Pending, reply: Reply, lang: str) -> Iterator[Button]:
        """The buttons that answer the bot's own question."""
        texts = self.texts.all(lang)
        match pending.kind:
            case PromptKind.HELPED:
                yield Button(press=Press.HELPED, label=texts["yes"])
                yield Button(press=Press.NOT_HELPED, label=texts["no"])
            case PromptKind.CHOICES:
                for place, hit in enumerate(pending.hits):
                    yield Button(press=Press.CHOICE, index=place, label=hit.title)
                yield Button(press=Press.NONE_OF_THESE, label=texts["none_of_these"])
            case PromptKind.AUDIENCE:
                for place, group in enumerate(pending.audiences):
                    yield Button(
                        press=Press.AUDIENCE, index=place, label=texts.get(f"audience_{group}", group)
                    )
            case PromptKind.OFFER_PERSON:
                team = self.desk is Desk.TEAM
                yield Button(press=Press.PERSON, label=texts["button_person" if team else "button_save"])
            case PromptKind.NO_NEED:
                yield from self._while_waiting(reply.state, lang)
            case PromptKind.ADDRESS | PromptKind.FORM:
                asked = reply.state.interview.current if reply.state.interview else None
                for place, label in enumerate(asked.choices if asked else ()):
                    yield Button(press=Press.CHOICE, index=place, label=label)
                form = pending.kind is PromptKind.FORM
                yield Button(press=Press.SKIP, label=texts["button_skip" if form else "button_no_address"])
                yield from self._while_waiting(reply.state, lang)

    def _while_waiting(self, state: EpisodeState, lang: str) -> Iterator[Button]:
        texts = self.texts.all(lang)
        yield Button(press=Press.NO_NEED, label=texts["button_no_need"])
        if _waits_in_silence(state):
            yield Button(press=Press.ASK_MEANWHILE, label=texts["button_ask_meanwhile"])


#: Words of the bot that leave its question open: the buttons stand under them again.
_KEEPS_BUTTONS = (Reason.WHICH_ONE, Reason.WAITING, Reason.ADDED)


def _waits_in_silence(state: EpisodeState) -> bool:
    return state.owner is Owner.QUEUE and state.handed_off in SILENT_AFTER and not state.bot_meanwhile
