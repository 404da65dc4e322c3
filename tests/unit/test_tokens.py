"""Tokens and ids are unguessable, and tokens are known only by their hash."""

from __future__ import annotations

import re

from botsvc.tokens import hash_token, new_id, new_token, token_matches


def test_ids_are_long_random_and_plain() -> None:
    ids = {new_id("c") for _ in range(1_000)}
    assert len(ids) == 1_000
    assert all(re.fullmatch(r"c_[a-z2-7]{26}", name) for name in ids)


def test_tokens_have_256_bits_and_a_prefix_to_find_them_by() -> None:
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(re.fullmatch(r"hpt_[A-Za-z0-9_-]{43}", token) for token in tokens)


def test_a_token_is_recognised_by_its_hash_alone() -> None:
    token = new_token()
    stored = hash_token(token)
    assert token not in stored
    assert token_matches(token, stored)
    assert not token_matches(token[:-1], stored)
    assert not token_matches(new_token(), stored)
    assert not token_matches("", stored)


def test_the_hash_is_sha256() -> None:
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
