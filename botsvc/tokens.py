"""Ids and secrets: unguessable, safe in addresses and logs (ids), or only ever kept as a hash (tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

TOKEN_PREFIX = "hpt_"  # so that secret scanners and people know one when they see it


def new_id(prefix: str) -> str:
    """A new id such as ``c_mzxw6...``: 128 random bits in letters and digits that survive any channel."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(16)).decode().rstrip('=').lower()}"


def new_token() -> str:
    """A new conversation token with 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token. One round of SHA-256 is enough: the token itself cannot be guessed."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def token_matches(token: str, stored_hash: str) -> bool:
    """Whether ``token`` is the one behind ``stored_hash``, in a time that tells nothing."""
    return hmac.compare_digest(hash_token(token), stored_hash)
