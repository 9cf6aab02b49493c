"""What a valid submission states: the content of a revision, cell by cell, and its digest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from typing import Any, Final, Literal, NamedTuple

from app.calendar.expected import CellKey
from app.kernel.canonical import sha256
from app.measures.rules import Severity

State = Literal["value", "not_collected", "not_applicable"]
STATES: tuple[State, ...] = ("value", "not_collected", "not_applicable")


class Cell(NamedTuple):
    """One cell as it was stated; the first six name it. Flat, so that a thousand of them cost little."""

    pathway: str
    segment: str
    measure: str
    site: str
    commissioner: str
    category: str
    state: State
    numerator: Decimal | None
    denominator: Decimal | None
    by_rest: bool
    outside_assignment: bool
    reason: str | None
    explanation_code: str | None
    explanation: str | None

    @property
    def key(self) -> CellKey:
        return CellKey(*self[:6])

    @property
    def explained(self) -> bool:
        """Whether both the code and the words that let a warning pass are there."""
        return bool(self.explanation_code) and bool(self.explanation and self.explanation.strip())


class CellWarning(NamedTuple):
    """What is odd about a cell; with an explanation it passes, without one the return waits for acceptance by hand.

    `rule` is the code of the rule that asks, if one does, and `names` what its words are filled in with. What is only said (`info`)
    needs no explanation.
    """

    code: str
    cell: CellKey
    explained: bool
    rule: str | None = None
    severity: Severity = "warn"
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """The content of a revision: every expected cell, and those beyond, in the order of their keys."""

    nil_reason: str | None
    note: str
    cells: tuple[Cell, ...]
    warnings: tuple[CellWarning, ...]

    @property
    def nil(self) -> bool:
        return self.nil_reason is not None

    @property
    def explained(self) -> bool:
        """Whether no warning is left without an explanation."""
        return all(warning.explained for warning in self.warnings)

    @property
    def is_warned(self) -> bool:
        """Whether anything asks to be explained, or did; what is only said does not."""
        return any(warning.severity != "info" for warning in self.warnings)

    @property
    def foremost(self) -> Cell:
        """The cell at which something is said of the whole: one that is listed, with the largest figure."""
        return min(self.cells, key=lambda cell: (cell.by_rest, -max(cell.numerator or 0, cell.denominator or 0), cell[:6]))

    @property
    def by_rest(self) -> tuple[CellKey, ...]:
        return tuple(cell.key for cell in self.cells if cell.by_rest)


def digest(submission: Submission) -> str:
    """The SHA-256 of all that a submission states: equal content, equal digest, however it was sent.

    Codes and figures in their normal form cannot hold a line break or tab; free text goes in as JSON.
    """
    columns = list(zip(*submission.cells, strict=True))
    says_something = any(column.count(None) < len(column) for column in columns[11:])
    said = [_json(cell[11:]) for cell in submission.cells] if says_something else [_NOTHING] * len(submission.cells)
    texts = f"[{_json(submission.nil_reason)}, {_json(submission.note)}, [{', '.join(said)}]]"
    figures = "\t".join(chain.from_iterable(zip(*columns[:7], *(map(str, column) for column in columns[7:11]), strict=True)))
    return sha256(f"{texts}\n{figures}".encode())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_NOTHING: Final = _json((None, None, None))
"""What most cells say of reasons and explanations, written once."""


class CellChange(NamedTuple):
    """A cell that two revisions state differently; None where one of them does not have it."""

    key: CellKey
    before: Cell | None
    after: Cell | None


def changed_cells(before: Sequence[Cell], after: Sequence[Cell]) -> tuple[CellChange, ...]:
    """What the later of two revisions states differently, in the order of the cells' keys; whether it lists a cell or leaves it to the rest is no difference."""
    earlier, later = {cell[:6]: cell for cell in before}, {cell[:6]: cell for cell in after}
    return tuple(
        CellChange(CellKey(*key), earlier.get(key), later.get(key))
        for key in sorted({*earlier, *later})
        if key not in earlier or key not in later or earlier[key]._replace(by_rest=False) != later[key]._replace(by_rest=False)
    )
