"""Tags in reply addresses: they lead a reply back to its conversation, signed so that none can be guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal

Role = Literal["customer", "team"]
_LETTERS: dict[Role, str] = {"customer": "c", "team": "t"}
_ROLES: dict[str, Role] = {letter: role for role, letter in _LETTERS.items()}
_SIGNATURE = 16  #: characters of base32: 80 bits
#: Only small letters and digits: mail servers may change the case of an address.
_TAG = re.compile(rf"(?<![a-z0-9])([ct])-([a-z0-9]{{1,32}})-([a-z2-7]{{{_SIGNATURE}}})(?![a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyTag:
    """Whom a mail was written to, and of which conversation."""

    role: Role
    conversation_id: str


class ReplyTags:
    """Makes and reads tags, with a key of this installation (``Writing.secret``)."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.sha256(f"reply tags {key}".encode()).digest()

    def make(self, role: Role, conversation_id: str) -> str:
        """The tag of a conversation, such as ``c-mzxw6-q3k...``; at most 51 characters."""
        name = conversation_id.removeprefix("c_")
        return f"{_LETTERS[role]}-{name}-{self._sign(role, name)}"

    def read(self, address: str) -> ReplyTag | None:
        """The genuine tag in an address, or None."""
        for letter, name, signature in _TAG.findall(address.lower()):
            role = _ROLES[letter]
            if hmac.compare_digest(self._sign(role, name), signature):
                return ReplyTag(role=role, conversation_id=f"c_{name}")
        return None

    def _sign(self, role: Role, name: str) -> str:
        made = hmac.new(self._key, f"{role} {name}".encode(), hashlib.sha256).digest()
        return base64.b32encode(made).decode().lower()[:_SIGNATURE]


def reply_address(template: str, sender: str, tag: str) -> str:
    """Where replies go: ``template`` with ``{tag}`` filled in, or else ``sender`` with ``+tag``.

    A template without ``{tag}`` is taken as it is: replies are then found by what they reply to.
    """
    if template:
        return template.replace("{tag}", tag)
    local, _, domain = sender.rpartition("@")
    return f"{local}+{tag}@{domain}"
