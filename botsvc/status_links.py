"""Signed links to the page that shows where a customer's requests stand.

A link names the conversation and its own last day and cannot be forged; it opens neither the conversation nor
what was said in it. The key is in the store, so that every process makes and reads the same links.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from botsvc.storage import Storage

#: How long a link works, from the day on which it was made.
LIFETIME = timedelta(days=60)
_SECRET = "status-links"
_FORM = re.compile(r"(c_[a-z2-7]{26})\.([1-9][0-9]{3,6})\.([A-Za-z0-9_-]{32})")
_DAY_ZERO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class StatusLinks:
    """Makes links and reads them; for all threads."""

    storage: Storage
    public_url: str = ""  #: address of the service from outside; empty: the links are relative
    _key: bytes = b""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def token(self, conversation_id: str, now: datetime) -> str:
        """The signed part of a link; the same for a whole day."""
        day = (now + LIFETIME - _DAY_ZERO).days
        return f"{conversation_id}.{day}.{self._signed(conversation_id, day)}"

    def path(self, conversation_id: str, now: datetime) -> str:
        """Where the page is on this service."""
        return f"/status/{self.token(conversation_id, now)}"

    def url(self, conversation_id: str, now: datetime) -> str:
        """The whole address, for mails; empty while ``[server] public_url`` is."""
        return f"{self.public_url}{self.path(conversation_id, now)}" if self.public_url else ""

    def conversation_of(self, token: str, now: datetime) -> str | None:
        """The conversation that a link leads to; None when it is forged or its time is over."""
        found = _FORM.fullmatch(token)
        if found is None:
            return None
        conversation_id, day, signature = found[1], int(found[2]), found[3]
        if not hmac.compare_digest(signature, self._signed(conversation_id, day)):
            return None
        return conversation_id if (now - _DAY_ZERO).days <= day else None

    def _signed(self, conversation_id: str, day: int) -> str:
        digest = hmac.new(self._secret(), f"{conversation_id}.{day}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest[:24]).decode()

    def _secret(self) -> bytes:
        with self._lock:
            if not self._key:
                with self.storage.write() as writing:
                    self._key = writing.secret(_SECRET, secrets.token_hex(32)).encode()
            return self._key
