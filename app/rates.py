"""How often a caller may do a thing: the only home of the limits library."""

from __future__ import annotations

import ipaddress
import math
import time
from typing import Final

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from app.errors import TooManyQuestions
from app.origins import is_loopback

REMOTE_PER_MINUTE: Final = 60
"""Questions of a caller on another machine, where the operator sets nothing: more than a reader
types, little enough that a few callers don't take the desk from all others."""

LOOPBACK_PER_MINUTE: Final = 6_000
"""Questions of a caller on this machine, where the operator sets nothing: more than two cores
answer, so that a script is held up by the queue alone."""

FAILED_LOGINS_PER_MINUTE: Final = 10
"""Wrong passwords of a caller before it has to wait."""

IPV6_NETWORK_BITS: Final = 64
"""One subscriber has at least this network (RFC 6177), so that its addresses count as one."""


class Rate:
    """Counts what each caller does within a sliding minute; safe to share between threads."""

    def __init__(self, per_minute: int) -> None:
        self._limit = RateLimitItemPerMinute(per_minute)
        self._counter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def take(self, caller: str) -> bool:
        """Count one more; say whether it is within the limit."""
        return self._counter.hit(self._limit, caller)

    def is_spent(self, caller: str) -> bool:
        """Say whether one more would be over the limit, without counting it."""
        return not self._counter.test(self._limit, caller)

    def retry_after(self, caller: str) -> int:
        """Return the whole seconds until the caller may try again."""
        reset = self._counter.get_window_stats(self._limit, caller).reset_time
        return max(1, math.ceil(reset - time.time()))


class QuestionRates:
    """The questions of each caller; ``per_minute`` is the operator's limit, for all alike."""

    def __init__(self, per_minute: int | None) -> None:
        self._remote = Rate(per_minute or REMOTE_PER_MINUTE)
        self._loopback = Rate(per_minute or LOOPBACK_PER_MINUTE)

    def take(self, address: str | None) -> None:
        """Count a question of the caller at an address; raise TooManyQuestions over the limit.

        Without an address there is no connection, and whoever asks runs the program.
        """
        if address is None:
            return
        rate = self._loopback if is_loopback(address) else self._remote
        caller = caller_of(address)
        if not rate.take(caller):
            raise TooManyQuestions(
                "You asked more often than one caller may in a minute; ask again a little later.",
                rate.retry_after(caller),
            )


def caller_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, IPV6_NETWORK_BITS), strict=False))
