"""Mails from outside as values: whatever is in them, something readable comes out and nothing is raised."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from functools import lru_cache

from botsvc.incoming import clean_text
from botsvc.sinks.mail_text import reply_text, text_of_html
from botsvc.sinks.wording import LANGUAGES, mail_texts

MOST_TEXT = 200_000  #: characters of a mail's text that are looked at
MOST_ID = 500  #: characters of a Message-ID, as in the table
MOST_REFERENCES = 100
_MOST_PARTS = 200
_ID = re.compile(r"<[^<>\s]{1,2000}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that came with a mail; it is named and not kept."""

    name: str
    kind: str  #: such as application/pdf
    size: int  #: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedMail:
    """A mail as far as conversations are concerned."""

    message_id: str  #: with its angle brackets; made from the content where the mail has none
    sender: str  #: address, lower case; empty where there is none
    sender_name: str
    recipients: tuple[str, ...]  #: all addresses that it was sent to, lower case
    subject: str
    text: str  #: what is new in it
    whole_text: str  #: with quotes and signatures
    attachments: tuple[Attachment, ...]
    references: tuple[str, ...]  #: Message-IDs that it replies to, the nearest first
    sent_at: datetime | None  #: as its sender says
    headers: tuple[tuple[str, str], ...]  #: names in lower case
    failed: tuple[str, ...]  #: addresses that a delivery report says could not be reached
    report: str  #: what a delivery report says: failed, delayed, delivered ...; empty where it is none
    cut: bool = False  #: it was larger than what is read

    def header(self, name: str) -> str:
        """The first header of this name, or empty."""
        return next((value for key, value in self.headers if key == name), "")


def parse_mail(source: bytes, *, cut: bool = False) -> ParsedMail:
    """The mail of these bytes."""
    message = email.message_from_bytes(source, policy=email.policy.compat32)
    headers = tuple((name.lower(), _decoded(value)) for name, value in message.items())
    first = dict(reversed(headers))
    senders = _addresses(first.get("from", ""))
    name, sender = senders[0] if senders else ("", "")
    sent_to = [value for key, value in headers if key in _RECIPIENTS]
    text, attachments = _content(message)
    failed, report = _report(message)
    return ParsedMail(
        message_id=_message_id(first.get("message-id", ""), source),
        sender=sender,
        sender_name=name,
        recipients=tuple(dict.fromkeys(address for value in sent_to for _, address in _addresses(value))),
        subject=" ".join(clean_text(first.get("subject", "")).split())[:500],
        text=clean_text(reply_text(text, own_lines=_own_lines())),
        whole_text=clean_text(text),
        attachments=attachments,
        references=_references(first, message) if not report else _original_ids(message, first),
        sent_at=_moment(first.get("date", "")),
        headers=headers,
        failed=failed or tuple(address for _, address in _addresses(first.get("x-failed-recipients", ""))),
        report=report,
        cut=cut,
    )


_RECIPIENTS = frozenset({"to", "cc", "delivered-to", "envelope-to", "x-original-to", "x-envelope-to"})


@lru_cache(maxsize=1)
def _own_lines() -> frozenset[str]:
    """Lines that our mails to teams begin with, in all languages."""
    keys = [key for key in mail_texts("en") if key.startswith("state_")]
    keys += ["revised", "reply_hint", "priority_crisis"]
    return frozenset(mail_texts(lang)[key] for lang in LANGUAGES for key in keys)


def known_id(message_id: str) -> str:
    """A Message-ID as the table holds it: one that is too long is replaced by its hash."""
    if len(message_id) <= MOST_ID:
        return message_id
    return f"<{hashlib.sha256(message_id.encode('utf-8', 'replace')).hexdigest()}@long.invalid>"


def _message_id(value: str, source: bytes) -> str:
    found = _ID.search(value)
    if found:
        return known_id(found.group())
    return f"<{hashlib.sha256(source).hexdigest()}@none.invalid>"


def _references(first: dict[str, str], message: Message) -> tuple[str, ...]:
    near = _ID.findall(first.get("in-reply-to", ""))
    far = _ID.findall(first.get("references", ""))
    return tuple(dict.fromkeys(known_id(one) for one in [*near, *reversed(far)]))[:MOST_REFERENCES]


def _original_ids(message: Message, first: dict[str, str]) -> tuple[str, ...]:
    """Message-IDs of the mail that a delivery report is about, and of what the report refers to."""
    found = [_decoded(part.get("Message-ID", "")) for part in _parts(message) if part is not message]
    for part in _parts(message):
        if part.get_content_type() == "text/rfc822-headers":
            found.append(_decoded(email.message_from_string(_text(part)).get("Message-ID", "")))
    ids = [one for value in found for one in _ID.findall(value)]
    ids += _references(first, message)
    return tuple(dict.fromkeys(known_id(one) for one in ids))


def _report(message: Message) -> tuple[tuple[str, ...], str]:
    """The addresses and the action of a delivery report (RFC 3464)."""
    kind = str(message.get_param("report-type", "") or "").lower()
    if message.get_content_type() != "multipart/report" or kind not in ("delivery-status", ""):
        return (), ""
    failed: list[str] = []
    actions: list[str] = []
    for part in _parts(message):
        action = _decoded(part.get("Action", "")).strip().lower()
        if action:
            recipient = part.get("Final-Recipient") or part.get("Original-Recipient") or ""
            actions.append(action)
            failed += [address for _, address in _addresses(_decoded(recipient).rpartition(";")[2])]
    worst = next(
        (one for one in ("failed", "delayed") if one in actions), actions[0] if actions else "failed"
    )
    return tuple(dict.fromkeys(failed)), worst


def _parts(message: Message) -> Iterator[Message]:
    for count, part in enumerate(message.walk()):
        if count >= _MOST_PARTS:
            return
        yield part


def _content(message: Message) -> tuple[str, tuple[Attachment, ...]]:
    """The text, from plain parts or else from HTML ones, and the attachments."""
    plain: list[str] = []
    marked: list[str] = []
    attachments: list[Attachment] = []
    for part in _parts(message):
        if part.is_multipart():
            if part.get_content_type() == "message/rfc822":
                attachments.append(_attachment(part))
            continue
        kind = part.get_content_type()
        named = part.get_filename() is not None or part.get_content_disposition() == "attachment"
        if kind in ("text/plain", "text/html") and not named:
            (plain if kind == "text/plain" else marked).append(_text(part)[:MOST_TEXT])
        elif not kind.startswith(("message/", "text/rfc822-headers")) or named:
            attachments.append(_attachment(part))
    text = "\n\n".join(one for one in plain if one.strip())
    if not text:
        text = "\n\n".join(text_of_html(one) for one in marked)
    return text[:MOST_TEXT], tuple(attachments)


def _attachment(part: Message) -> Attachment:
    payload = part.get_payload(decode=True)
    name = " ".join(clean_text(_decoded(part.get_filename() or "")).split())
    size = len(payload) if isinstance(payload, bytes) else 0
    return Attachment(name=name[:200], kind=part.get_content_type(), size=size)


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    source = payload if isinstance(payload, bytes) else str(part.get_payload()).encode("utf-8", "replace")
    said = part.get_content_charset() or "utf-8"
    for charset in (said, "utf-8", "windows-1252"):
        try:
            return source.decode(charset)
        except (LookupError, ValueError):  # an unknown name, or bytes that are something else
            continue
    return source.decode("latin-1")


def _decoded(value: object) -> str:
    """A header's text, with its encoded words decoded and its lines joined."""
    parts = []
    try:
        found = decode_header(str(value))
    except Exception:  # the library raises whatever a broken header leads it to
        return str(value)
    for part, charset in found:
        if isinstance(part, str):
            parts.append(part)
            continue
        try:
            parts.append(part.decode(charset or "ascii"))
        except (LookupError, ValueError):
            parts.append(part.decode("utf-8", "replace"))
    return re.sub(r"\r?\n[ \t]*", " ", "".join(parts))


def _addresses(value: str) -> list[tuple[str, str]]:
    """Names and addresses, the addresses in lower case; what is no address is left out."""
    found = []
    for name, address in getaddresses([value]):
        bare = address.strip().strip("<>").lower()
        if re.fullmatch(r"[^\s@<>,;]{1,200}@[^\s@<>,;]{1,200}", bare):
            found.append((" ".join(clean_text(name).split())[:120], bare))
    return found


def _moment(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None
