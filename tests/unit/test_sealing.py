from __future__ import annotations

import base64
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from botsvc.errors import SealingError
from botsvc.sealing import Sealer, new_key
from botsvc.settings import SEALING_KEY_BYTES, PrivacySettings
from botsvc.storage import open_storage

KEY, OTHER = bytes(range(SEALING_KEY_BYTES)), bytes(range(1, SEALING_KEY_BYTES + 1))
SEALER = Sealer(KEY)


def seal(sealer: Sealer, text: str) -> str:
    return sealer.seal(text, conversation_id="c1", episode=2, field="card")


def opened(sealer: Sealer, sealed: str) -> str:
    return sealer.open(sealed, conversation_id="c1", episode=2, field="card")


@given(text=st.text())
def test_what_is_sealed_opens_again_and_cannot_be_read(text: str) -> None:
    sealed = seal(SEALER, text)
    assert opened(SEALER, sealed) == text
    assert seal(SEALER, text) != sealed
    assert len(text) < 4 or text not in sealed


@pytest.mark.parametrize(
    ("conversation_id", "episode", "field"), [("c2", 2, "card"), ("c1", 3, "card"), ("c1", 2, "pin")]
)
def test_it_opens_in_its_own_place_alone(conversation_id: str, episode: int, field: str) -> None:
    sealed = seal(SEALER, "1234")
    with pytest.raises(SealingError, match=f"the answer {field} was damaged, or belongs to another"):
        SEALER.open(sealed, conversation_id=conversation_id, episode=episode, field=field)


@pytest.mark.parametrize("place", [-1, -20])
def test_a_changed_text_does_not_open(place: int) -> None:
    name, _, encoded = seal(SEALER, "1234").partition(":")
    content = bytearray(base64.b64decode(encoded))
    content[place] ^= 1
    with pytest.raises(SealingError, match="damaged"):
        opened(SEALER, f"{name}:{base64.b64encode(content).decode()}")
    with pytest.raises(SealingError, match="damaged"):
        opened(SEALER, f"{name}:not base64")


def test_an_old_key_goes_on_opening_until_it_is_dropped() -> None:
    old = seal(SEALER, "1234")
    rotated = Sealer(OTHER, older=[KEY])
    assert opened(rotated, old) == "1234"
    assert (rotated.is_current(old), rotated.is_current(seal(rotated, "1234"))) == (False, True)
    with pytest.raises(SealingError, match=r"which is not known: add it to \[privacy\] old_keys"):
        opened(Sealer(OTHER), old)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(SealingError, match="must have 32 bytes"):
        Sealer(b"short")


def test_without_a_key_the_database_keeps_one_and_a_set_key_still_opens_what_that_sealed(
    tmp_path: Path,
) -> None:
    with closing(open_storage(f"sqlite:///{tmp_path / 'store.sqlite'}")) as storage:
        first = Sealer.from_settings(PrivacySettings(), storage)
        sealed = seal(first, "1234")
        assert opened(Sealer.from_settings(PrivacySettings(), storage), sealed) == "1234"
        key = new_key()
        changed = Sealer.from_settings(PrivacySettings.model_validate({"key": key}), storage)
        assert opened(changed, sealed) == "1234"
        assert not changed.is_current(sealed)
        newer = PrivacySettings.model_validate({"key": new_key(), "old_keys": [key]})
        assert opened(Sealer.from_settings(newer, storage), seal(changed, "5678")) == "5678"


@pytest.mark.parametrize("key", ["", "abc", "****", base64.b64encode(b"short").decode()])
def test_a_wrong_setting_says_how_to_make_a_key(key: str) -> None:
    with pytest.raises(ValidationError, match="openssl rand -base64 32"):
        PrivacySettings.model_validate({"key": key})


def test_the_key_is_not_shown() -> None:
    key = new_key()
    assert key not in repr(PrivacySettings.model_validate({"key": key}))
