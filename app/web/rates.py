"""How often somebody asks: a bucket for each, which fills at a steady rate and holds some seconds' worth."""

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Final

from app.web.problems import Overloaded

BURST_SECONDS: Final = 4
"""Whoever has asked for nothing may ask for as many seconds' worth at once."""
_MOST_KNOWN: Final = 10_000


class Rates:
    """Counts per process and for one event loop. What is kept of each is when its bucket will be full again; a full one is forgotten."""

    def __init__(self, per_second: int, sentence: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._each_seconds = 1 / per_second
        self._sentence = sentence
        self._clock = clock
        self._full_at: dict[str, float] = {}

    def look(self, who: str) -> None:
        """Pass while there is something in the bucket; Overloaded otherwise, with the seconds until there is."""
        over = self._full_at.get(who, 0.0) - self._clock() - BURST_SECONDS
        if over > 0:
            raise Overloaded(self._sentence, after_seconds=max(1, math.ceil(over)))

    def count(self, who: str) -> None:
        """Take one out, though there be none."""
        now = self._clock()
        self._full_at[who] = max(self._full_at.get(who, 0.0), now) + self._each_seconds
        if len(self._full_at) > _MOST_KNOWN:
            self._full_at = {each: at for each, at in self._full_at.items() if at > now}
        if len(self._full_at) > _MOST_KNOWN:
            # So many at once are one: their buckets begin anew, and places are still shared fairly.
            self._full_at.clear()

    def take(self, who: str) -> None:
        """Take one out, or Overloaded."""
        self.look(who)
        self.count(who)


def neighbourhood(address: str | None) -> str:
    """Whom an address counts for: itself, or all of the 64-bit network that one subscriber has with IPv6."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)
