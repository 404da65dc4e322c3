from __future__ import annotations

import logging
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast

import pytest

from botsvc.swap import FIRST_RETRY, Status, Swapper
from indexer import Index, IndexDamaged


@dataclass
class Build:
    """As much of an index as swapping looks at."""

    build_id: str
    index_id: str = "i"


@dataclass
class Loader:
    """Loads builds by name; some are damaged."""

    damaged: dict[str, Exception] = field(default_factory=dict)
    loaded: list[tuple[str, str]] = field(default_factory=list)  #: (build, previous build)

    def __call__(self, root: Path, previous: Index | None, build_id: str) -> Index:
        self.loaded.append((build_id, previous.build_id if previous else ""))
        if build_id in self.damaged:
            raise self.damaged[build_id]
        return cast(Index, Build(build_id))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Swapping:
    root: Path
    loader: Loader
    clock: Clock
    swapper: Swapper

    def publish(self, build: str) -> None:
        (self.root / "builds" / build).mkdir(parents=True, exist_ok=True)
        (self.root / "CURRENT").write_text(f"{build}\n")

    @property
    def served(self) -> str:
        index = self.swapper.index
        return index.build_id if index else ""


@pytest.fixture
def swapping(tmp_path: Path) -> Swapping:
    loader, clock = Loader(), Clock()
    swapper = Swapper(tmp_path, poll_seconds=0.01, load=loader, clock=clock)
    return Swapping(root=tmp_path, loader=loader, clock=clock, swapper=swapper)


def test_a_new_build_is_loaded_once_from_the_old_one(swapping: Swapping) -> None:
    swapping.publish("b1")
    assert swapping.swapper.look()
    assert not swapping.swapper.look()
    swapping.publish("b2")
    assert swapping.swapper.look()
    assert swapping.loader.loaded == [("b1", ""), ("b2", "b1")]
    assert swapping.served == "b2"
    assert swapping.swapper.status.reason == ""


def test_without_an_index_it_says_what_to_do_and_looks_again(swapping: Swapping) -> None:
    assert not swapping.swapper.look()
    assert swapping.swapper.index is None
    assert "helppari index build" in swapping.swapper.status.reason
    swapping.publish("b1")
    assert swapping.swapper.look()
    assert swapping.swapper.status == Status(index=swapping.swapper.index)


def test_a_damaged_build_leaves_the_last_good_one(swapping: Swapping) -> None:
    swapping.publish("b1")
    swapping.swapper.look()
    swapping.loader.damaged["b2"] = IndexDamaged("a file is gone: rebuild")
    swapping.publish("b2")
    assert not swapping.swapper.look()
    assert swapping.served == "b1"
    status = swapping.swapper.status
    assert (status.failed_build, status.reason) == ("b2", "a file is gone: rebuild")


def test_a_damaged_build_is_tried_again_less_and_less_often(swapping: Swapping) -> None:
    swapping.loader.damaged["b1"] = IndexDamaged("a file is gone")
    swapping.publish("b1")
    at: list[float] = []
    for _ in range(400):
        before = len(swapping.loader.loaded)
        swapping.swapper.look()
        if len(swapping.loader.loaded) > before:
            at.append(swapping.clock.now)
        swapping.clock.now += 0.5
    waits = [later - earlier for earlier, later in pairwise(at)]
    assert waits == [FIRST_RETRY, 4, 8, 16, 32, 60, 60]
    del swapping.loader.damaged["b1"]
    swapping.clock.now += 60
    assert swapping.swapper.look()
    assert swapping.swapper.status.reason == ""


def test_another_build_is_tried_at_once_and_going_back_clears_the_note(swapping: Swapping) -> None:
    swapping.publish("b1")
    swapping.swapper.look()
    swapping.loader.damaged["b2"] = IndexDamaged("a file is gone")
    swapping.publish("b2")
    swapping.swapper.look()
    swapping.publish("b1")
    assert not swapping.swapper.look()
    assert swapping.swapper.status.reason == ""
    swapping.publish("b3")
    assert swapping.swapper.look()
    assert swapping.served == "b3"


def test_whatever_a_foreign_build_does_the_service_goes_on(
    swapping: Swapping, caplog: pytest.LogCaptureFixture
) -> None:
    swapping.publish("b1")
    swapping.swapper.look()
    swapping.loader.damaged["b2"] = ZeroDivisionError("secret path")
    swapping.publish("b2")
    assert not swapping.swapper.look()
    assert swapping.served == "b1"
    assert swapping.swapper.status.reason == "build b2 cannot be loaded: see the service's log"
    assert "ZeroDivisionError" in caplog.text


def test_one_fault_is_one_line_in_the_log(swapping: Swapping, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(20):
            swapping.swapper.look()
            swapping.clock.now += 100
    assert len(caplog.records) == 1


def test_it_follows_in_a_thread_until_it_is_stopped(swapping: Swapping) -> None:
    swapping.swapper.start()
    swapping.publish("b1")
    for _ in range(1_000):
        if swapping.served == "b1":
            break
        swapping.swapper._stop.wait(0.01)
    assert swapping.served == "b1"
    swapping.swapper.stop()
    swapping.publish("b2")
    swapping.swapper._stop.wait(0.05)
    assert swapping.served == "b1"
