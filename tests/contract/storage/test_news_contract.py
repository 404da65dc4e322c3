"""What one process writes wakes the subscribers of another, on both databases."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from botsvc.conversations import Conversations
from botsvc.live import Hub, Signal, SignalKind
from botsvc.live.relay import relaying
from botsvc.storage import Storage, open_storage

#: Only a failure takes so long.
LONG = 15.0


@pytest.fixture
def other(url: str, storage: Storage) -> Iterator[Storage]:
    """The same database as another process has it open."""
    found = open_storage(url)
    yield found
    found.close()


@contextmanager
def live(storage: Storage) -> Iterator[Hub]:
    hub = Hub()
    with relaying(storage, hub):
        yield hub
    hub.close()


def test_a_commit_wakes_its_own_process_at_once(storage: Storage) -> None:
    async def scenario(hub: Hub) -> None:
        opened = Conversations(storage).create()
        with hub.subscribe("c_of_nobody") as nobodys, hub.subscribe_desk() as desk:
            second = Conversations(storage).create()
            woken = await desk.wait(LONG)
            assert woken is not None
            assert second.conversation_id in woken.conversations
            assert opened.conversation_id != second.conversation_id
            # Nothing is known of that conversation: whoever follows it finds that out by reading.
            nothing = await nobodys.wait(0.01)
            assert nothing is None or nothing.conversations == {"c_of_nobody": 0}

    with live(storage) as hub:
        asyncio.run(scenario(hub))


def test_what_is_rolled_back_wakes_nobody(storage: Storage) -> None:
    told: list[dict[str, int]] = []
    storage.on_commit(lambda appended: told.append(dict(appended)))
    opened = Conversations(storage).create()
    assert told == [{opened.conversation_id: 1}]
    told.clear()

    class Crash(Exception):
        pass

    def crash() -> None:
        with storage.write() as writing:
            writing.appended[opened.conversation_id] = 2
            raise Crash

    with pytest.raises(Crash):
        crash()
    assert told == []


def test_another_process_s_commit_wakes_followers_and_the_desk(storage: Storage, other: Storage) -> None:
    async def scenario(hub: Hub) -> None:
        opened = Conversations(storage).create()
        with hub.subscribe(opened.conversation_id) as mine, hub.subscribe_desk() as desk:
            await asyncio.sleep(1.5)  # the watcher has looked at what was there before
            await mine.wait(0.01)
            await desk.wait(0.01)
            theirs = await asyncio.to_thread(Conversations(other).create)
            woken = await desk.wait(LONG)
            assert woken is not None
            assert theirs.conversation_id in woken.conversations
            assert await mine.wait(0.01) is None

    with live(storage) as hub:
        asyncio.run(scenario(hub))


def test_a_conversation_that_another_process_deletes_wakes_its_followers(
    storage: Storage, other: Storage
) -> None:
    async def scenario(hub: Hub) -> None:
        opened = Conversations(storage).create()
        with hub.subscribe(opened.conversation_id) as mine:
            await asyncio.sleep(1.5)
            await mine.wait(0.01)

            def erase() -> None:
                with other.write() as writing:
                    found = writing.conversation(opened.conversation_id)
                    assert found is not None
                    writing.delete_untouched(since=found.updated_at.replace(year=2999), limit=10)

            await asyncio.to_thread(erase)
            woken = await mine.wait(LONG)
            assert woken is not None
            assert woken.conversations == {opened.conversation_id: 0}

    with live(storage) as hub:
        asyncio.run(scenario(hub))


def test_a_sign_of_life_is_stored_without_an_event_and_never_goes_back(storage: Storage) -> None:
    opened = Conversations(storage).create()
    with storage.read() as reading:
        before = reading.conversation(opened.conversation_id)
    assert before is not None
    later = before.seen_at.replace(year=2999)
    for moment in (later, before.seen_at):
        with storage.write() as writing:
            writing.seen([opened.conversation_id], moment)
    with storage.read() as reading:
        after = reading.conversation(opened.conversation_id)
    assert after is not None
    assert after.seen_at == later
    assert (after.last_sequence, after.updated_at) == (before.last_sequence, before.updated_at)


def test_signals_reach_the_other_process_and_do_not_come_back(storage: Storage, other: Storage) -> None:
    if not storage.shared:
        pytest.skip("with SQLite there is one process")

    async def scenario(here: Hub, there: Hub) -> None:
        typing = Signal(kind=SignalKind.TYPING, actor="a_1", name="Aino \U0001f600")
        with here.subscribe("c_a") as mine, there.subscribe("c_a") as theirs:
            await asyncio.sleep(1.5)  # both listen
            await theirs.wait(0.01)
            here.signal("c_a", typing)
            woken = await theirs.wait(LONG)
            while woken is not None and not woken.signals:  # a look at a conversation that is not stored
                woken = await theirs.wait(LONG)
            assert woken is not None
            assert there.signals("c_a") == (typing,)
            here.signal("c_a", typing, on=False)
            while there.signals("c_a"):
                assert await theirs.wait(LONG) is not None
            await mine.wait(1.0)
            assert here.signals("c_a") == ()

    with live(storage) as here, live(other) as there:
        asyncio.run(scenario(here, there))


def test_a_lost_connection_is_made_anew_and_nothing_is_missed(
    storage: Storage, other: Storage, url: str
) -> None:
    if not storage.shared:
        pytest.skip("SQLite has no connection to lose")

    def cut() -> int:
        engine = create_engine(url)
        with engine.begin() as connection:
            found = connection.execute(
                text(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE query ILIKE 'SELECT 1%' OR query ILIKE 'LISTEN%'"
                )
            ).scalar_one()
        engine.dispose()
        return int(found)

    async def scenario(hub: Hub) -> None:
        with hub.subscribe_desk() as desk:
            await asyncio.sleep(1.5)
            await desk.wait(0.01)
            assert await asyncio.to_thread(cut) >= 1
            theirs = await asyncio.to_thread(Conversations(other).create)
            woken = await desk.wait(LONG)
            assert woken is not None
            assert theirs.conversation_id in woken.conversations

    with live(storage) as hub:
        asyncio.run(scenario(hub))


def test_the_watcher_stops_when_told_to(storage: Storage) -> None:
    stop = threading.Event()
    thread = threading.Thread(target=storage.watch, args=(stop, lambda: None, lambda *_: None))
    thread.start()
    stop.set()
    thread.join(LONG)
    assert not thread.is_alive()
