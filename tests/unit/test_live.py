"""The hub in one process: who is woken, with what, and what fades."""

from __future__ import annotations

import asyncio
import threading

from botsvc.live import CUSTOMER_ACTOR, Hub, Signal, SignalKind
from botsvc.live.hub import LASTS, MOST_COUNTED, MOST_SIGNALS

#: Waits that must end by a wake; only a failure takes so long.
LONG = 5.0


def test_followers_are_woken_from_another_thread_and_others_are_not() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("c_a") as a, hub.subscribe("c_b") as b, hub.subscribe_desk() as desk:
            thread = threading.Thread(target=hub.wake, args=({"c_a": 3},))
            thread.start()
            woken = await a.wait(LONG)
            everywhere = await desk.wait(LONG)
            thread.join()
            assert woken is not None
            assert woken.conversations == {"c_a": 3}
            assert everywhere is not None
            assert everywhere.conversations == {"c_a": 3}
            assert await b.wait(0.01) is None

    asyncio.run(scenario())


def test_what_was_told_is_not_told_again() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("c_a") as a, hub.subscribe_desk() as desk:
            hub.wake({"c_a": 3})
            await a.wait(LONG)
            await desk.wait(LONG)
            hub.wake({"c_a": 3})
            hub.wake({"c_a": 2})
            assert await a.wait(0.01) is None
            assert await desk.wait(0.01) is None
            hub.wake({"c_a": 4})
            assert (await a.wait(LONG)) is not None

    asyncio.run(scenario())


def test_a_slow_subscriber_gets_everything_as_one() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("c_a") as a, hub.subscribe_desk() as desk:
            for sequence in range(1, 1_001):
                hub.wake({"c_a": sequence})
            hub.signal("c_a", Signal(kind=SignalKind.TYPING, actor="a_1", name="Aino"))
            woken = await a.wait(LONG)
            assert woken is not None
            assert woken.conversations == {"c_a": 1_000}
            assert woken.signals
            assert await a.wait(0.01) is None
            for number in range(MOST_COUNTED + 1):
                hub.wake({f"c_{number}": 1})
            everywhere = await desk.wait(LONG)
            assert everywhere is not None
            assert everywhere.lost, "the desk has to read everything"
            assert len(everywhere.conversations) <= MOST_COUNTED

    asyncio.run(scenario())


def test_signals_fade_and_can_be_ended() -> None:
    async def scenario() -> None:
        now = 0.0
        hub = Hub(clock=lambda: now)
        typing = Signal(kind=SignalKind.TYPING, actor=CUSTOMER_ACTOR)
        viewing = Signal(kind=SignalKind.VIEWING, actor="a_1", name="Aino")
        with hub.subscribe("c_a") as a:
            hub.signal("c_a", viewing)
            hub.signal("c_a", typing)
            assert hub.signals("c_a") == (viewing, typing)
            woken = await a.wait(LONG)
            assert woken is not None
            assert woken.signals
            assert woken.conversations == {}
            now = LASTS[SignalKind.TYPING]
            assert hub.signals("c_a") == (viewing,)
            hub.signal("c_a", viewing, on=False)
            assert hub.signals("c_a") == ()
            assert await a.wait(LONG) is not None
            hub.signal("c_a", viewing, on=False)
            assert await a.wait(0.01) is None, "what has ended already is no news"

    asyncio.run(scenario())


def test_one_conversation_keeps_only_so_many_signals() -> None:
    hub = Hub()
    for number in range(MOST_SIGNALS * 2):
        hub.signal("c_a", Signal(kind=SignalKind.VIEWING, actor=f"a_{number}"))
    assert len(hub.signals("c_a")) == MOST_SIGNALS


def test_closing_ends_everybody_at_once_and_whoever_comes_later() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("c_a") as a:
            waiting = asyncio.create_task(a.wait(LONG * 10))
            await asyncio.sleep(0)
            threading.Thread(target=hub.close).start()
            assert await asyncio.wait_for(waiting, LONG) is None
            assert a.closed
        with hub.subscribe("c_a") as late:
            assert late.closed
            assert await late.wait(LONG * 10) is None

    asyncio.run(scenario())


def test_nothing_is_kept_of_those_who_have_gone() -> None:
    async def scenario() -> None:
        hub = Hub()
        with hub.subscribe("c_a"), hub.subscribe("c_a"), hub.subscribe_desk():
            assert hub.following("c_a") == 2
            assert hub.watched
        assert hub.following("c_a") == 0
        assert not hub.watched

    asyncio.run(scenario())


def test_only_spread_signals_leave_and_heard_ones_do_not_come_back() -> None:
    left: list[tuple[str, Signal, bool]] = []
    hub = Hub(spread=lambda name, signal, on: left.append((name, signal, on)))
    typing = Signal(kind=SignalKind.TYPING, actor="a_1")
    hub.hear("c_a", typing)
    assert left == []
    hub.signal("c_a", typing, on=False)
    assert left == [("c_a", typing, False)]
