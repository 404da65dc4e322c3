"""Text from outside becomes fit to store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botsvc.incoming import clean_text


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("  hei \n", "hei"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
        ("tab\tstays", "tab\tstays"),
        ("nul\x00 and esc\x1b[31m", "nul and esc[31m"),
        ("half\ud800", "half\ufffd"),
        ("a\u0308iti", "äiti"),
        ("turned\u202eround", "turnedround"),
        ("perhe 👨‍👩‍👧", "perhe 👨‍👩‍👧"),
    ],
)
def test_cleaning(said: str, stored: str) -> None:
    assert clean_text(said) == stored


@given(st.text())
def test_whatever_comes_can_be_written_and_is_left_alone_the_second_time(text: str) -> None:
    cleaned = clean_text(text)
    cleaned.encode("utf-8")
    assert "\x00" not in cleaned
    assert clean_text(cleaned) == cleaned
