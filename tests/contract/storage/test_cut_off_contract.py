"""When a sink counts as cut off, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from botsvc.storage import Storage
from tests.contract.storage.test_outbox_contract import NOW, delivery, store

#: (second, state, tries, second of its arrival) of each delivery -> is the sink cut off at second 100?
CASES: dict[str, tuple[list[tuple[int, str, int, int | None]], bool]] = {
    "nothing has left yet": ([], False),
    "it waits for its first try": ([(0, "pending", 0, None)], False),
    "it has failed for long": ([(0, "pending", 3, None)], True),
    "it has failed just now": ([(99, "pending", 1, None)], False),
    "it is dead": ([(0, "dead", 1, None)], True),
    "another has arrived since": ([(0, "dead", 1, None), (1, "delivered", 1, 50)], False),
    "another had arrived before": ([(0, "delivered", 1, 1), (10, "pending", 2, None)], True),
    "one is stuck for ever, and then all are": (
        [(0, "dead", 1, None), (1, "delivered", 1, 2), (5, "pending", 2, None)],
        True,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_sink_is_cut_off_while_nothing_has_arrived_since_something_failed(
    storage: Storage, name: str
) -> None:
    rows, cut_off = CASES[name]
    deliveries = [
        replace(
            delivery(1, handoff=f"h_{place}"),
            state=state,
            attempts=attempts,
            created_at=NOW + timedelta(seconds=second),
            delivered_at=NOW + timedelta(seconds=arrived) if arrived is not None else None,
        )
        for place, (second, state, attempts, arrived) in enumerate(rows)
    ]
    store(storage, *deliveries, replace(delivery(1, sink="other"), attempts=5))
    with storage.read() as reading:
        assert reading.cut_off("crm", since=NOW + timedelta(seconds=90)) is cut_off
