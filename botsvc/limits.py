"""How much one conversation or one network may ask for: token buckets in memory."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from botsvc.problems import Problem, ProblemType

#: Keys remembered; the ones unused for longest are forgotten first, which only ever allows more.
REMEMBERED = 50_000


class Buckets:
    """Token buckets by key: ``per_minute`` calls on average, and as many at once after a pause.

    0 means no limit. A bucket is full at first, so an office that opens its browsers together gets through.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = per_minute / 60
        self._size = float(per_minute)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, at

    def wait(self, key: str) -> float:
        """0 when the call may go on (it is counted), else the seconds until it may."""
        if not self._size:
            return 0.0
        now = self._clock()
        with self._lock:
            tokens, at = self._buckets.pop(key, (self._size, now))
            tokens = min(self._size, tokens + (now - at) * self._rate)
            allowed = tokens >= 1
            self._buckets[key] = (tokens - 1 if allowed else tokens, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._rate

    def take(self, key: str, what: str) -> None:
        """Count a call of ``key``, or raise the problem that says when to come back."""
        seconds = self.wait(key)
        if seconds:
            whole = max(1, math.ceil(seconds))
            raise Problem(
                ProblemType.RATE_LIMITED,
                f"{what}: try again in {whole} s.",
                headers={"Retry-After": str(whole)},
            )


class Networks:
    """Tells which network a call comes from, through the proxies that are trusted."""

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        self._trusted = [ipaddress.ip_network(network) for network in trusted_proxies]

    def of(self, client: str, headers: Mapping[str, str]) -> str:
        """The caller's address, or its /64 for IPv6 (one customer has all of those)."""
        hops = [client, *reversed(headers.get("x-forwarded-for", "").split(","))]
        address = _address(client)
        for hop in hops:
            found = _address(hop.strip())
            if found is None:
                break
            address = found
            if not any(found in network for network in self._trusted):
                break
        if address is None:
            return client
        if isinstance(address, ipaddress.IPv6Address):
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)


@lru_cache(maxsize=4096)  # the same callers, and the same proxies, come again and again
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
