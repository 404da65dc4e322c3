from __future__ import annotations

import asyncio
import threading
import time

import pytest

from botsvc.problems import Problem, ProblemType
from botsvc.service import WAITING_PER_THREAD, Work


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
