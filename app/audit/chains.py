"""Whether a chain of events holds, and whether it is still the one that was signed: functions of events, whatever they come from."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.kernel.events import FIRST_HASH, event_digest


class Finding(NamedTuple):
    """What does not fit: the chain, the first row that does not, and what is wrong with it."""

    chain: str
    row: str
    wrong: str


class Witness(NamedTuple):
    """Somebody signed that an event with this digest was there (at this place, where that is said)."""

    sequence: int | None
    sha256: str
    named: str


class Head(NamedTuple):
    """Where the ledger says that a chain ends."""

    sequence: int
    sha256: str


class Walk:
    """One chain, followed event by event. Of its own order only the first break is found: what follows it is unhinged by it."""

    def __init__(self, chain: str, witnesses: Iterable[Witness]) -> None:
        self._chain = chain
        self._sequence = 0
        self._sha256 = FIRST_HASH
        self._at: datetime | str | None = None
        self._broken = False
        self._placed: dict[int, list[Witness]] = {}
        self._unplaced: dict[str, list[Witness]] = {}
        for each in witnesses:
            if each.sequence is not None:
                self._placed.setdefault(each.sequence, []).append(each)
            else:
                self._unplaced.setdefault(each.sha256, []).append(each)
        self._see(Head(0, FIRST_HASH))

    @property
    def head(self) -> Head:
        """The last event that was followed."""
        return Head(self._sequence, self._sha256)

    def follow(self, event: Mapping[str, Any]) -> list[Finding]:
        """What is wrong with the next event; the events come in the order of their sequences."""
        here = f"event {event['sequence']}"
        found = []
        wrong = self._break(event)
        if wrong is not None and not self._broken:
            self._broken = True
            found.append(Finding(self._chain, *wrong))
        self._sequence, self._sha256, self._at = event["sequence"], event["sha256"], event["recorded_at"]
        named = self._see(self.head)
        if named is not None:
            found.append(Finding(self._chain, here, f"It is not the event that {named} was signed over: the chain was written anew."))
        return found

    def end(self, head: Head | None) -> Iterator[Finding]:
        """What is wrong with where the chain ends; `head` is where the ledger says it does."""
        last = f"event {self._sequence}"
        # One in a gap is named by the gap.
        for sequence in sorted(each for each in self._placed if each > self._sequence)[:1]:
            named = self._placed[sequence][0].named
            yield Finding(self._chain, f"event {sequence}", f"It is missing: {named} was signed over it, and the chain ends at {last}.")
        for each in list(self._unplaced.values())[:1]:
            yield Finding(self._chain, last, f"No event of the chain has the digest that {each[0].named} carries.")
        if head is None and self._sequence:
            yield Finding(self._chain, last, "The ledger has no row for this chain.")
        elif head is not None and head.sequence != self._sequence:
            yield Finding(self._chain, f"event {head.sequence}", f"The ledger ends with it, and the chain ends at {last}.")
        elif head is not None and head.sha256 != self._sha256:
            yield Finding(self._chain, last, "The ledger's digest of the chain's end is another than that of its last event.")

    def _break(self, event: Mapping[str, Any]) -> tuple[str, str] | None:
        here, expected = f"event {event['sequence']}", self._sequence + 1
        if event["sequence"] > expected:
            return f"event {expected}", "It is missing."
        if event["sequence"] < expected:
            return here, "It stands twice."
        if event["sha256"] != event_digest(event):
            return here, "It is not what was recorded: its digest is that of something else."
        if event["previous_sha256"] != self._sha256:
            return here, "It does not follow the event before it: one of the two was changed, added or taken away."
        if self._at is not None and event["recorded_at"] < self._at:
            return here, "It was recorded before the event that it follows."
        return None

    def _see(self, head: Head) -> str | None:
        """Whoever signed for another event than the one that stands here."""
        self._unplaced.pop(head.sha256, None)
        wrong = [each.named for each in self._placed.pop(head.sequence, []) if each.sha256 != head.sha256]
        return wrong[0] if wrong else None
