"""What a mail that came in is: a customer's, a team's answer, a machine's reply, a bounce, or nothing."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from botsvc.mail_settings import MailSettings
from botsvc.sinks.email import LOOP_HEADER
from botsvc.sinks.mail_content import domain_of
from botsvc.sinks.mail_parsing import ParsedMail
from botsvc.sinks.reply_tags import ReplyTags, Role
from botsvc.storage.records import Conversation, StoredMail
from botsvc.storage.transactions import Reading


class IgnoredReason(StrEnum):
    """Why a mail is nothing for a conversation."""

    OWN_MAIL = "own_mail"  #: we sent it ourselves, or it went round in a circle
    NO_SENDER = "no_sender"
    LIST = "list"  #: a mailing list or a newsletter
    REPORT = "report"  #: a server says that a mail is late, or has arrived
    TOO_MANY = "too_many"  #: the sender has written too often within an hour
    UNKNOWN_SENDER = "unknown_sender"  #: an answer to a team's mail, by somebody who is not of the team
    EMPTY = "empty"  #: nothing new is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerMail:
    """A customer wrote."""

    mail: ParsedMail
    conversation_id: str | None  #: None: a new conversation
    sender_known: bool  #: false: the conversation has another address, or there is none yet


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffReply:
    """Somebody of a team answered a handoff's mail; the text is for the customer."""

    mail: ParsedMail
    conversation_id: str
    agent_id: str | None  #: None: nobody at the desk has this address


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoReply:
    """A machine answered, such as an out-of-office note; never answer it."""

    mail: ParsedMail
    conversation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounce:
    """A mail of ours did not arrive."""

    mail: ParsedMail
    conversation_id: str | None
    addresses: tuple[str, ...]  #: those that failed, as far as they are named
    role: Role | None  #: whom our mail was for


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """Nothing for a conversation; it stays in the mailbox."""

    mail: ParsedMail
    conversation_id: str | None
    reason: IgnoredReason


IncomingMail = CustomerMail | StaffReply | AutoReply | Bounce | Ignored


def mail_row(incoming: IncomingMail, *, conversation_id: str | None, now: datetime) -> StoredMail:
    """The row by which the mail is known from now on."""
    kinds = {CustomerMail: "message", StaffReply: "handoff", AutoReply: "auto_reply", Bounce: "bounce"}
    return StoredMail(
        message_id=incoming.mail.message_id,
        direction="in",
        conversation_id=conversation_id,
        what=kinds.get(type(incoming), "ignored"),
        at=now,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    conversation: Conversation
    role: Role


class MailSorter:
    """Tells what each mail is. Counts senders' mails, so one mailbox has one sorter."""

    def __init__(
        self,
        settings: MailSettings,
        tags: ReplyTags,
        *,
        team_addresses: Callable[[], Collection[str]],
    ) -> None:
        self._sender = settings.sender.lower()
        self._own_id = re.compile(rf"<(?:handoff|message)\..*@{re.escape(domain_of(settings.sender))}>")
        self._most = settings.sender_mails_per_hour
        self._tags = tags
        self._team_addresses = team_addresses
        self._times: dict[str, deque[datetime]] = {}

    def sort(self, mail: ParsedMail, reading: Reading, now: datetime) -> IncomingMail:
        """What the mail is."""
        found = self._conversation(mail, reading)
        conversation_id = found.conversation.id if found else None

        def ignored(reason: IgnoredReason) -> Ignored:
            return Ignored(mail=mail, conversation_id=conversation_id, reason=reason)

        by_team = found is not None and found.role == "team"
        if self._is_own(mail, reading, by_team=by_team):
            return ignored(IgnoredReason.OWN_MAIL)
        if mail.report and mail.report != "failed":
            return ignored(IgnoredReason.REPORT)
        if mail.report or _from_a_server(mail):
            role = found.role if found else None
            return Bounce(mail=mail, conversation_id=conversation_id, addresses=mail.failed, role=role)
        if not mail.sender:
            return ignored(IgnoredReason.NO_SENDER)
        if _is_list(mail):
            return ignored(IgnoredReason.LIST)
        if is_auto_reply(mail):
            return AutoReply(mail=mail, conversation_id=conversation_id)
        if self._too_many(mail.sender, now):
            return ignored(IgnoredReason.TOO_MANY)
        if found is not None and by_team and mail.sender != found.conversation.email.lower():
            agent_id = self._staff(mail.sender, reading)
            if agent_id is None:
                return ignored(IgnoredReason.UNKNOWN_SENDER)
            if not mail.text:  # what is quoted holds what only people may see
                return ignored(IgnoredReason.EMPTY)
            return StaffReply(mail=mail, conversation_id=found.conversation.id, agent_id=agent_id or None)
        if not mail.text and mail.whole_text and not by_team:
            mail = replace(mail, text=mail.whole_text)  # only a forwarded mail, say: better all than nothing
        if not (mail.text or mail.attachments or (found is None and mail.subject)):
            return ignored(IgnoredReason.EMPTY)
        known = found is not None and mail.sender == found.conversation.email.lower()
        return CustomerMail(mail=mail, conversation_id=conversation_id, sender_known=known)

    def _conversation(self, mail: ParsedMail, reading: Reading) -> _Found | None:
        """By the signed tag first, then by what it replies to: our Message-IDs hold unguessable ids."""
        for address in mail.recipients:
            tag = self._tags.read(address)
            conversation = reading.conversation(tag.conversation_id) if tag else None
            if tag and conversation:
                return _Found(conversation, tag.role)
        before = reading.mail_of(mail.references)
        conversation = reading.conversation(before.conversation_id or "") if before else None
        if before is None or conversation is None:
            return None
        return _Found(conversation, "team" if before.what == "handoff" else "customer")

    def _is_own(self, mail: ParsedMail, reading: Reading, *, by_team: bool) -> bool:
        if mail.report:
            return False
        looped = [value.strip().lower() for name, value in mail.headers if name == LOOP_HEADER.lower()]
        if self._sender in looped or self._own_id.fullmatch(mail.message_id):
            return True
        known = reading.mail(mail.message_id)
        if known is not None and known.direction == "out":
            return True
        # A team may answer from the very mailbox that our mail leaves from.
        return mail.sender == self._sender and not by_team

    def _staff(self, address: str, reading: Reading) -> str | None:
        """The agent's id, empty for a team's own address, None for a stranger."""
        agent = reading.agent_by_email(address)
        if agent is not None and agent.active:
            return agent.id
        teams = {one.lower() for one in self._team_addresses()} | {self._sender}
        return "" if address in teams else None

    def _too_many(self, sender: str, now: datetime) -> bool:
        since = now - timedelta(hours=1)
        self._times = {one: times for one, times in self._times.items() if times[-1] > since}
        times = self._times.setdefault(sender, deque())
        while times and times[0] <= since:
            times.popleft()
        times.append(now)
        return len(times) > self._most


_AUTO_SUBJECT = re.compile(
    r"^(?:re:\s*)?(?:automaattinen (?:vastaus|poissaoloviesti)|poissaoloviesti|poissaoloilmoitus|poissa:"
    r"|automatiskt svar|autosvar|frånvaromeddelande|frånvaro:|automatic reply"
    r"|auto(?:matic)?[- ]?(?:reply|response)"
    r"|out of (?:the )?office|abwesenheitsnotiz)",
    re.IGNORECASE,
)
_SERVERS = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon)@", re.IGNORECASE)


def is_auto_reply(mail: ParsedMail) -> bool:
    """Whether a machine answered (RFC 3834, and what older machines say instead)."""
    submitted = mail.header("auto-submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return True
    if mail.header("precedence").strip().lower() in ("auto_reply", "auto-reply", "bulk", "junk"):
        return True
    if any(
        mail.header(name) for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply-from")
    ):
        return True
    return mail.header("return-path").strip() == "<>" or bool(_AUTO_SUBJECT.match(mail.subject))


def _from_a_server(mail: ParsedMail) -> bool:
    return bool(_SERVERS.match(mail.sender)) or bool(mail.header("x-failed-recipients"))


def _is_list(mail: ParsedMail) -> bool:
    named = any(mail.header(name) for name in ("list-id", "list-unsubscribe", "list-post"))
    return named or mail.header("precedence").strip().lower() == "list"
