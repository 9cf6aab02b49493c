"""Counting comparisons, and naming those that fail."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.real.published import Figures


class Progress(Protocol):
    """Who is told how far a run has come."""

    def begin(self, task: str, total: int) -> None: ...
    def advance(self) -> None: ...


class Silent:
    """Nobody is told."""

    def begin(self, task: str, total: int) -> None: ...
    def advance(self) -> None: ...


@dataclass
class Tally:
    """How many figures were compared, by what they were compared with, and each that differs."""

    compared: Counter[str] = field(default_factory=Counter)
    mismatches: list[str] = field(default_factory=list)

    def same(self, kind: str, where: object, *, expected: Any, found: Any) -> None:
        self.compared[kind] += 1
        if expected != found:
            self.mismatches.append(f"{kind}: {where}: expected {shown(expected)}, found {shown(found)}")

    @property
    def total(self) -> int:
        return sum(self.compared.values())


def shown(value: Any) -> str:
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Figures) else repr(value)
