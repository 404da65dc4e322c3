"""What customers say and press, as ways through a conversation."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Call(StrEnum):
    """The calls of a customer's page that carry an id of their own."""

    MESSAGE = "messages"
    HANDOFF = "handoff"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One call."""

    call: Call
    body: tuple[tuple[str, Any], ...] = ()


#: Steps of one tuple are sent at the same moment, as from two tabs.
Way = Sequence[tuple[Step, ...]]

QUESTIONS = (
    "my card is gone",
    "somebody stole my wallet",
    "how do I get a new card",
    "my card has expired",
    "when is the invoice due",
    "can I pay the invoice later",
    "my card number is 4111 1111 1111 1111, what now",
    "where is the moon",
)
REQUESTS = ("can I talk to a human please", "I want to speak to a person", "saanko puhua ihmiselle")
ADDRESSES = ("mail me at jane.doe@example.com", "my number is 040 123 4567", "sami@example.org")
MORE = ("it was a blue one", "I last used it in Turku yesterday", "please hurry", "my colleague has the same")
THANKS = ("thanks", "thank you")


def a_way(rng: random.Random) -> Way:
    """A customer's way through a conversation."""
    return rng.choice(_WAYS)(rng)


def _say(text: str) -> tuple[Step, ...]:
    return (Step(call=Call.MESSAGE, body=(("text", text),)),)


def _press(press: str) -> tuple[Step, ...]:
    return (Step(call=Call.MESSAGE, body=(("press", press),)),)


def _helped(helped: bool) -> tuple[Step, ...]:
    return (Step(call=Call.FEEDBACK, body=(("helped", helped),)),)


_PERSON = (Step(call=Call.HANDOFF),)


def _asks(rng: random.Random) -> Way:
    return [_say(rng.choice(QUESTIONS)), _helped(True), _say(rng.choice(QUESTIONS)), _say(rng.choice(THANKS))]


def _fails(rng: random.Random) -> Way:
    one, other = rng.sample(QUESTIONS, 2)
    steps = [_say(one), _helped(False), _say(other), _helped(False)]
    return [*steps, _say(rng.choice(ADDRESSES)), _say(rng.choice(MORE))]


def _wants_a_person(rng: random.Random) -> Way:
    steps = [_say(rng.choice(QUESTIONS)), rng.choice((_PERSON, _say(rng.choice(REQUESTS))))]
    return [*steps, _say(rng.choice(ADDRESSES)), *(_say(text) for text in rng.sample(MORE, 2))]


def _changes_their_mind(rng: random.Random) -> Way:
    steps = [_say(rng.choice(REQUESTS)), _say(rng.choice(MORE)), _press("no_need")]
    return [*steps, _say(rng.choice(QUESTIONS)), _PERSON, _say(rng.choice(ADDRESSES)), _press("no_need")]


def _has_two_tabs(rng: random.Random) -> Way:
    both = (*_PERSON, *_say(rng.choice(REQUESTS)))
    more = (*_say(rng.choice(ADDRESSES)), *_say(rng.choice(MORE)))
    return [_say(rng.choice(QUESTIONS)), both, more]


_WAYS = (_asks, _fails, _wants_a_person, _wants_a_person, _changes_their_mind, _has_two_tabs)
