"""A mail's content, written once and shown both as plain text and as minimal HTML."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from botsvc.errors import Refused
from botsvc.incoming import clean_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A labelled value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What somebody else said."""

    text: str


Block = str | Row | Quote


@dataclass(slots=True, kw_only=True)
class Part:
    """Blocks under a heading, or without one."""

    heading: str = ""
    blocks: list[Block] = field(default_factory=list)

    def row(self, label: str, value: str | None) -> None:
        """Add a labelled value, unless it is empty."""
        if value:
            self.blocks.append(Row(label=label, value=value))


def plain(parts: Sequence[Part]) -> str:
    """The content as text."""
    return "\n\n".join("\n".join(_plain_lines(part)) for part in parts if part.blocks) + "\n"


def _plain_lines(part: Part) -> Iterator[str]:
    if part.heading:
        yield from (part.heading, "=" * len(part.heading))
    for place, block in enumerate(part.blocks):
        match block:
            case Row():
                yield f"{block.label}: {block.value}".replace("\n", "\n    ")
            case Quote():
                yield from (f"> {line}".rstrip() for line in block.text.split("\n"))
            case _:
                if place and isinstance(part.blocks[place - 1], str):
                    yield ""
                yield block


def markup(parts: Sequence[Part], *, lang: str) -> str:
    """The content as HTML without styles, pictures or scripts."""
    body = "".join(_markup_of(part) for part in parts if part.blocks)
    return f'<!doctype html>\n<html lang="{html.escape(lang)}"><body>{body}</body></html>\n'


def _markup_of(part: Part) -> str:
    lines = [f"<h2>{_escape(part.heading)}</h2>"] if part.heading else []
    for block in part.blocks:
        match block:
            case Row():
                lines.append(f"<p><b>{_escape(block.label)}:</b> {_escape(block.value)}</p>")
            case Quote():
                lines.append(f"<blockquote>{_escape(block.text)}</blockquote>")
            case _:
                lines.append(f"<p>{_escape(block)}</p>")
    return "\n".join(lines)


def _escape(text: str) -> str:
    return html.escape(text).replace("\n", "<br>\n")


def new_mail(*, subject: str, sender: tuple[str, str], to: str, message_id: str) -> EmailMessage:
    """A mail with its headers; ``sender`` is a name and an address."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(clean_text(subject).split())
    message["From"] = Address(" ".join(clean_text(sender[0]).split()), addr_spec=ascii_address(sender[1]))
    message["To"] = Address(addr_spec=ascii_address(to))
    message["Message-ID"] = message_id
    return message


def ascii_address(address: str) -> str:
    """An address whose domain is written for servers: letters beyond ASCII become ``xn--``.

    Raises ``Refused`` where it is no address.
    """
    local, _, domain = address.strip().rpartition("@")
    try:
        written = f"{local}@{domain.encode('idna').decode('ascii')}"
        Address(addr_spec=written)
    except (ValueError, IndexError, HeaderParseError):
        raise Refused("the recipient's address cannot be used", permanent=True) from None
    if not local or not domain:
        raise Refused("the recipient's address cannot be used", permanent=True)
    return written


def domain_of(address: str) -> str:
    """The domain of an address, for Message-IDs."""
    return ascii_address(address).rpartition("@")[2].lower()
