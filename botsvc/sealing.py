"""Sensitive answers encrypted before they are stored (AES-256-GCM), each bound to its place.

A sealed text is ``<key id>:<base64 of nonce and ciphertext>``. It opens only for the same conversation,
episode and field, so that a row copied elsewhere in the database opens nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from botsvc.errors import SealingError
from botsvc.settings import SEALING_KEY_BYTES as KEY_BYTES

if TYPE_CHECKING:
    from botsvc.settings import PrivacySettings
    from botsvc.storage import Storage

SECRET = "sealing"  #: name of the database's own key in the ``secrets`` table
_NONCE_BYTES = 12
_ID_CHARS = 8


def new_key() -> str:
    """A random key, in base64."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def key_id(key: bytes) -> str:
    """What tells a key from another and gives nothing of it away."""
    return hashlib.sha256(b"helppari sealing key\0" + key).hexdigest()[:_ID_CHARS]


class Sealer:
    """Seals with one key, opens with this and with older ones."""

    def __init__(self, key: bytes, *, older: Sequence[bytes] = ()) -> None:
        keys = (key, *older)
        if any(len(one) != KEY_BYTES for one in keys):
            raise SealingError(f"a key that encrypts sensitive answers must have {KEY_BYTES} bytes: mend it")
        self._id = key_id(key)
        self._keys = {key_id(one): AESGCM(one) for one in keys}

    @classmethod
    def from_settings(cls, privacy: PrivacySettings, storage: Storage) -> Self:
        """With the operator's key, else with one that is made once and kept in the database.

        The database's key goes on opening what it sealed after the operator has set one.
        """
        older = [_decoded(one.get_secret_value()) for one in privacy.old_keys]
        with storage.write() as writing:
            own = _decoded(writing.secret(SECRET, new_key()))
        if privacy.key is None:
            return cls(own, older=older)
        return cls(_decoded(privacy.key.get_secret_value()), older=[*older, own])

    def seal(self, text: str, *, conversation_id: str, episode: int, field: str) -> str:
        """``text`` encrypted for this place alone; twice the same text gives two different results."""
        nonce = os.urandom(_NONCE_BYTES)
        place = _place(conversation_id, episode, field)
        sealed = self._keys[self._id].encrypt(nonce, text.encode("utf-8"), place)
        return f"{self._id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def open(self, sealed: str, *, conversation_id: str, episode: int, field: str) -> str:
        """The text that was sealed; ``SealingError`` when it was changed or moved, or needs another key."""
        name, _, encoded = sealed.partition(":")
        key = self._keys.get(name)
        if key is None:
            raise SealingError(
                f"the answer {field} was encrypted with the key {name[:_ID_CHARS]}, which is not known: "
                "add it to [privacy] old_keys"
            )
        try:
            content = base64.b64decode(encoded, validate=True)
            place = _place(conversation_id, episode, field)
            return key.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], place).decode("utf-8")
        except (ValueError, InvalidTag) as error:
            raise SealingError(
                f"the answer {field} was damaged, or belongs to another conversation: ask the customer again"
            ) from error

    def is_current(self, sealed: str) -> bool:
        """Whether it was sealed with the key in use; false: seal it anew to retire an old key."""
        return sealed.partition(":")[0] == self._id


def _place(conversation_id: str, episode: int, field: str) -> bytes:
    return json.dumps([conversation_id, episode, field]).encode("utf-8")


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except ValueError as error:
        raise SealingError("the key that encrypts sensitive answers is not base64: mend it") from error
