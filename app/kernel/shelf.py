"""What was worked out before, kept while it is in use: of each kind, so many entries at most."""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_ABSENT: Final = object()


class Shelf:
    """Entries by kind and key, the longest unused put away first.

    Threads share it without a lock: each step is one of a dictionary, and at worst two work out the same.
    """

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._kinds: Final[dict[str, dict[Hashable, Any]]] = {}

    def __len__(self) -> int:
        """How many entries are kept, of all kinds."""
        return sum(map(len, list(self._kinds.values())))

    def kept(self, kind: str, key: Hashable, work_out: Callable[[], T], *, most: int | None = None) -> T:
        """The entry of this key, worked out now where it is not there. `most` of this kind are kept, if not as many as of any."""
        held = self._kinds.setdefault(kind, {})
        found: Any = held.pop(key, _ABSENT)
        if found is _ABSENT:
            found = work_out()
        entry: T = held.setdefault(key, found)
        if len(held) > (most or self._most):
            for unused in list(held)[: -(most or self._most)]:
                held.pop(unused, None)
        return entry

    def put(self, kind: str, key: Hashable, entry: object) -> None:
        """Keep another entry in place of one that is there."""
        held = self._kinds.get(kind, {})
        if key in held:
            held[key] = entry
