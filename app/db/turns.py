"""Who computes takes turns: Python carries out one thread at a time, and where all share it none is done before all nearly are."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Final

PATIENCE_SECONDS: Final = 1
"""Nobody waits longer for whoever has much to compute; from then on they share."""

_TURN: Final = Lock()


@contextmanager
def turn() -> Iterator[None]:
    """Compute while others wait, so that the first can be stored while the next is computed. Nothing may be waited for meanwhile."""
    took = _TURN.acquire(timeout=PATIENCE_SECONDS)
    try:
        yield
    finally:
        if took:
            _TURN.release()
