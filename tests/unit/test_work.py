from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from botsvc.problems import Problem, ProblemType
from botsvc.service import WAITING_PER_THREAD, Service, Work
from botsvc.settings import Settings
from botsvc.swap import Swapper


def test_at_most_so_many_calls_run_at_once() -> None:
    inside, most, lock = 0, 0, threading.Lock()

    def call() -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.02)
        with lock:
            inside -= 1
        return 7

    async def main() -> list[int]:
        work = Work(3)
        return await asyncio.gather(*(work.run(call) for _ in range(12)))

    assert asyncio.run(main()) == [7] * 12
    assert most == 3


def test_questions_take_a_thread_for_each_core_and_queue_as_other_calls(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("botsvc.service._cores", lambda: 3)
    settings = Settings()
    service = Service.of(settings, Swapper(tmp_path, 1.0))
    gate = threading.Event()

    async def main() -> list[object]:
        most = settings.server.threads * (1 + WAITING_PER_THREAD)
        calls = [asyncio.create_task(service.asking.run(lambda: gate.wait(10))) for _ in range(most + 1)]
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(main())
    assert sum(isinstance(result, Problem) for result in results) == 1
    assert {thread.name for thread in threading.enumerate() if thread.name.startswith("ask_")} == {
        f"ask_{number}" for number in range(3)
    }


def test_calls_beyond_the_queue_are_told_to_come_back() -> None:
    gate = threading.Event()

    async def main() -> list[object]:
        work = Work(1)
        calls = [asyncio.create_task(work.run(gate.wait)) for _ in range(WAITING_PER_THREAD + 3)]
        await asyncio.sleep(0.05)
        gate.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    results = asyncio.run(main())
    refused = [result for result in results if isinstance(result, Problem)]
    assert len(refused) == 2
    assert refused[0].kind is ProblemType.OVERLOADED
    assert refused[0].headers["Retry-After"] == "2"
    assert results.count(True) == WAITING_PER_THREAD + 1


def test_a_call_that_takes_too_long_is_given_up_and_goes_on_by_itself() -> None:
    done = threading.Event()

    def slow() -> None:
        time.sleep(0.2)
        done.set()

    async def main() -> None:
        work = Work(1, seconds=0.05)
        with pytest.raises(Problem) as found:
            await work.run(slow)
        assert found.value.kind is ProblemType.OVERLOADED

    asyncio.run(main())
    assert done.wait(2)


def test_what_a_call_raises_comes_through() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(Work(1).run(fail))
