from __future__ import annotations

import pytest

from botsvc.limits import REMEMBERED, Buckets, Networks
from botsvc.problems import Problem, ProblemType


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_full_bucket_lets_a_minutes_worth_through_and_fills_evenly() -> None:
    clock = Clock()
    buckets = Buckets(6, clock=clock)
    assert [buckets.wait("a") for _ in range(6)] == [0] * 6
    assert buckets.wait("a") == pytest.approx(10)
    clock.now += 9
    assert buckets.wait("a") == pytest.approx(1)
    clock.now += 1
    assert buckets.wait("a") == 0
    clock.now += 600
    assert [buckets.wait("a") for _ in range(6)] == [0] * 6
    assert buckets.wait("a") > 0


def test_keys_do_not_share_a_bucket() -> None:
    buckets = Buckets(1, clock=Clock())
    assert (buckets.wait("a"), buckets.wait("b")) == (0, 0)
    assert buckets.wait("a") > 0


def test_zero_is_no_limit() -> None:
    buckets = Buckets(0, clock=Clock())
    assert {buckets.wait("a") for _ in range(1_000)} == {0}


def test_what_is_remembered_is_bounded_and_the_oldest_is_forgotten() -> None:
    buckets = Buckets(1, clock=Clock())
    for number in range(REMEMBERED + 1):
        buckets.wait(str(number))
    assert buckets.wait(str(REMEMBERED)) > 0
    assert buckets.wait("0") == 0


def test_the_problem_says_when_to_come_back() -> None:
    buckets = Buckets(6, clock=Clock())
    for _ in range(6):
        buckets.take("a", "Much is asked")
    with pytest.raises(Problem) as found:
        buckets.take("a", "Much is asked")
    assert found.value.kind is ProblemType.RATE_LIMITED
    assert found.value.headers == {"Retry-After": "10"}
    assert found.value.detail == "Much is asked: try again in 10 s."


@pytest.mark.parametrize(
    ("trusted", "client", "forwarded", "network"),
    [
        ([], "203.0.113.7", "", "203.0.113.7"),
        ([], "203.0.113.7", "198.51.100.1", "203.0.113.7"),
        (["203.0.113.0/24"], "203.0.113.7", "198.51.100.1", "198.51.100.1"),
        (["203.0.113.7/32"], "203.0.113.7", "10.0.0.1, 198.51.100.1", "198.51.100.1"),
        (["203.0.113.7/32"], "203.0.113.7", "spoofed, 198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (["203.0.113.7/32"], "203.0.113.7", "spoofed", "203.0.113.7"),
        (["203.0.113.7/32"], "203.0.113.7", "", "203.0.113.7"),
        ([], "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ([], "::ffff:203.0.113.7", "", "203.0.113.7"),
        ([], "testclient", "198.51.100.1", "testclient"),
        ([], "", "", ""),
    ],
)
def test_the_network_is_the_last_hop_that_nobody_could_have_made_up(
    trusted: list[str], client: str, forwarded: str, network: str
) -> None:
    assert Networks(trusted).of(client, {"x-forwarded-for": forwarded}) == network
