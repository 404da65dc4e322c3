"""How the desk says times, counts and names, and where it lets people go after signing in."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from botsvc.desk.actions import mentioned
from botsvc.desk.guard import Form, Refused, onward
from botsvc.desk.presence import Seen, customer_types, here, others
from botsvc.desk.queue import order
from botsvc.desk.wording import Words
from botsvc.live import CUSTOMER_ACTOR, Hub, Signal, SignalKind
from botsvc.storage.records import Handoff, StoredAgent

NOW = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def words(lang: str = "en") -> Words:
    return Words(lang=lang, zone=ZoneInfo("Europe/Helsinki"), now=NOW)


@pytest.mark.parametrize(
    ("length", "said"),
    [
        (timedelta(0), "0 min"),
        (timedelta(seconds=59), "0 min"),
        (timedelta(minutes=45), "45 min"),
        (timedelta(hours=1), "1 t"),
        (timedelta(hours=3, minutes=5), "3 t 5 min"),
        (timedelta(days=2, hours=4, minutes=50), "2 pv 4 t"),
        (timedelta(days=3), "3 pv"),
        (timedelta(minutes=-7), "7 min"),
    ],
)
def test_lengths_of_time(length: timedelta, said: str) -> None:
    assert words("fi").span(length).replace("\N{NO-BREAK SPACE}", " ") == said


@pytest.mark.parametrize(
    ("lang", "moment", "said"),
    [
        ("fi", NOW, "klo 10.00"),
        ("sv", NOW, "kl. 10.00"),
        ("en", NOW, "10:00"),
        ("fi", NOW + timedelta(days=1), "3.11. klo 10.00"),
        ("fi", NOW + timedelta(hours=14), "3.11. klo 0.00"),
        ("en", NOW - timedelta(days=400), "28/9/2025 11:00"),
    ],
)
def test_moments_in_the_sites_zone(lang: str, moment: datetime, said: str) -> None:
    assert words(lang).clock(moment) == said


def test_what_is_left_of_a_promise() -> None:
    assert words().promise(NOW + timedelta(minutes=40)) == "40\N{NO-BREAK SPACE}min left".replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert words().promise(NOW) == "0 min late"
    assert words("fi").promise(NOW - timedelta(minutes=5)) == "myöhässä 5 min"


def test_counts_agree_with_their_nouns() -> None:
    assert words("fi").count("queue_new", 1) == "1 uusi keskustelu jonossa"
    assert words("fi").count("queue_new", 2) == "2 uutta keskustelua jonossa"


def test_a_name_that_no_text_has_stands_as_it_is() -> None:
    assert words().named("priority", "unheard_of") == "unheard_of"


def agent(name: str, *, active: bool = True) -> StoredAgent:
    return StoredAgent(
        id=f"a_{name}",
        email=f"{name}@example.com",
        name=name,
        password_hash="",
        roles=["agent"],
        teams=[],
        languages=[],
        skills=[],
        room=3,
        status="available",
        active=active,
        seen_at=None,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("@Ville please", ["a_Ville Virtanen"]),
        ("please, @ville.", ["a_Ville Virtanen"]),
        ("@Maija look", []),
        ("@maija meikäläinen look", ["a_Maija Meikäläinen"]),
        ("@Villeen", []),
        ("mail x@ville.example", []),
        ("@Gone", []),
        ("no name", []),
    ],
)
def test_who_is_mentioned(text: str, ids: list[str]) -> None:
    people = [
        agent("Ville Virtanen"),
        agent("Maija Meikäläinen"),
        agent("Maija Muu"),
        agent("Gone", active=False),
    ]
    assert mentioned(text, {one.id: one for one in people}) == ids


@pytest.mark.parametrize(
    ("address", "goes"),
    [
        ("/desk/c/c_1?x=1", "/desk/c/c_1?x=1"),
        ("", "/desk"),
        ("https://evil.example/desk", "/desk"),
        ("//evil.example/desk", "/desk"),
        ("/\\evil.example/desk", "/desk"),
        ("/deskevil", "/desk"),
        ("/desk/../v1", "/desk"),
        ("/desk\r\nset-cookie: a=b", "/desk"),
    ],
)
def test_signing_in_leads_only_to_the_desk(address: str, goes: str) -> None:
    assert onward(address) == goes


def test_forms_are_read_as_they_are() -> None:
    form = Form.read(b"a=1&a=2&b=%20x%20&c=")
    assert (form["a"], form.all("a"), form["b"], form.raw("b"), form["c"], form["d"]) == (
        "2",
        ["1", "2"],
        "x",
        " x ",
        "",
        "",
    )
    for broken in (b"\xff\xfe", b"&".join(b"a=1" for _ in range(500))):
        with pytest.raises(Refused):
            Form.read(broken)


def test_who_has_a_conversation_open() -> None:
    now = [0.0]
    hub = Hub(clock=lambda: now[0])
    here(hub, "c_1", agent("Maija"), typing=False)
    here(hub, "c_1", agent("Ville"), typing=True)
    hub.signal("c_1", Signal(kind=SignalKind.TYPING, actor=CUSTOMER_ACTOR))
    assert others(hub, "c_1", "a_Ville") == (Seen(name="Maija", typing=False),)
    assert others(hub, "c_1", "a_Maija") == (Seen(name="Ville", typing=True),)
    assert customer_types(hub, "c_1")
    here(hub, "c_1", agent("Ville"), typing=False)
    assert others(hub, "c_1", "a_Maija") == (Seen(name="Ville", typing=False),)
    now[0] = 30.0
    assert others(hub, "c_1", "a_Maija") == ()
    assert not customer_types(hub, "c_1")


def handoff(**changes: object) -> Handoff:
    one = Handoff(
        id="h",
        conversation_id="c",
        episode=1,
        revision=1,
        state="open",
        reason="asked",
        priority="asked",
        rank=2,
        team="",
        language="fi",
        question="q",
        created_at=NOW,
        revised_at=NOW,
        document={},
        waiting_since=NOW,
    )
    return replace(one, **changes)  # type: ignore[arg-type]


def test_the_queue_goes_by_urgency_then_promise_then_age() -> None:
    crisis = handoff(id="crisis", rank=0)
    soon = handoff(id="soon", promised_by=NOW + timedelta(minutes=5))
    later = handoff(id="later", promised_by=NOW + timedelta(hours=5), waiting_since=NOW - timedelta(days=1))
    old = handoff(id="old", waiting_since=NOW - timedelta(hours=2))
    new = handoff(id="new")
    found = sorted([new, old, later, soon, crisis], key=order)
    assert [one.id for one in found] == ["crisis", "soon", "later", "old", "new"]
