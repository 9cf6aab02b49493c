"""What a rule looks at: the return as far as it could be read, and earlier months and other returns of the same subcontract."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from app.calendar.deadlines import months_of_period
from app.calendar.expected import CellKey
from app.kernel.months import Month
from app.measures.domain import Measure, counts
from app.measures.rules import ChangeRule, CollectionRule, MeasureRule, Part, RollForwardRule, StaleRule, ZeroAfterActivityRule, figures_of
from app.returns.expectation import ExpectedReturn
from app.returns.submission import Cell

Earlier = Mapping[str, Mapping[Month, Mapping[CellKey, Cell]]]
"""What was stated before, by collection and month: earlier months of the return's own, the same month of others."""

NOTHING_EARLIER: Final[Earlier] = {}


@dataclass(frozen=True, slots=True)
class Needed:
    """The months of a collection that rules look at, and of which measures; None: of all."""

    months: frozenset[Month]
    measures: frozenset[str] | None


def needed_of(expected: ExpectedReturn) -> dict[str, Needed]:
    """By collection, what the rules of a return look at beside the return itself."""
    own = expected.key.collection
    months: dict[str, set[Month]] = defaultdict(set)
    measures: dict[str, set[str]] = defaultdict(set)
    whole = False
    for _, rule in rules_in(expected):
        if isinstance(rule, StaleRule):
            months[own].update(months_before(expected, rule.months))
            whole = True
    for measure, rule in rules_in(expected):
        if measure is None:
            continue
        if isinstance(rule, ChangeRule | ZeroAfterActivityRule):
            months[own].update(months_before(expected, rule.months))
            measures[own].add(measure.code)
        for code, month in _named(expected, measure, rule):
            collection = _collection_of(expected, code)
            if collection is not None and (collection != own or month != expected.key.month):
                months[collection].add(month)
                measures[collection].add(code)
    return {
        collection: Needed(frozenset(found), None if whole and collection == own else frozenset(measures[collection]))
        for collection, found in months.items()
    }


def _named(expected: ExpectedReturn, measure: Measure, rule: MeasureRule | CollectionRule) -> Iterator[tuple[str, Month]]:
    """The measures that a rule compares its own with, each with the month in which."""
    month = expected.key.month
    if isinstance(rule, RollForwardRule):
        yield (rule.opening.measure if rule.opening else measure.code), months_before(expected, 1)[0]
        yield from ((figure.measure, month) for figure in (*rule.added, *rule.removed))
    else:
        yield from ((figure.measure, month) for figure in figures_of(rule).values())


def rules_in(expected: ExpectedReturn) -> Iterator[tuple[Measure | None, MeasureRule | CollectionRule]]:
    """The rules that a return is judged by: its collection's, then each measure's, of the version in force in its month."""
    yield from ((None, rule) for rule in expected.contract.collection[expected.key.collection].rules)
    for _, measure in sorted(expected.measures.items()):
        yield from ((measure, rule) for rule in measure.rules)


def months_before(expected: ExpectedReturn, count: int) -> tuple[Month, ...]:
    """The months of the last returns before this one, the latest first."""
    key = expected.key
    apart = len(months_of_period(key.month, expected.contract.collection[key.collection].every))
    return tuple(key.month.plus(-apart * number) for number in range(1, count + 1))


def _collection_of(expected: ExpectedReturn, code: str) -> str | None:
    """The collection in which the subcontract returns a measure."""
    if code in expected.measures:
        return expected.key.collection
    found = expected.contract.collection_of(code, expected.contract.subcontract[expected.key.subcontract].sector)
    return found.code if found is not None else None


@dataclass(frozen=True)
class Stated:
    """A return as far as it could be read.

    `positions` are those of the cells that are listed, `doubted` the measures of which it is open what will be listed. Of the measures with a line whose place could not be told (`unplaced`), what the
    rest states may be just what that line was to say: the rules take it for unknown.
    """

    expected: ExpectedReturn
    cells: Mapping[tuple[str, ...], Cell]
    positions: Mapping[tuple[str, ...], int]
    unplaced: frozenset[str]
    earlier: Earlier
    doubted: frozenset[str] = frozenset()

    @cached_property
    def in_doubt(self) -> frozenset[tuple[str, Part]]:
        """The figures that something is wrong with, or that are lacking: by measure, and which of its figures."""
        known = {cell[:6] for cell in self.cells.values() if not cell.by_rest or cell.measure not in self.unplaced}
        lacking = {key.measure for key in self.expected.cells if key not in known}
        values = [cell for cell in self.cells.values() if cell.state == "value"]
        found: set[tuple[str, Part]] = {(code, part) for code in lacking | self.doubted for part in ("numerator", "denominator")}
        found |= {(cell.measure, "numerator") for cell in values if cell.numerator is None}
        found |= {(cell.measure, "denominator") for cell in values if cell.denominator is None}
        return frozenset(found)

    @cached_property
    def _now(self) -> dict[str, list[Cell]]:
        known = [cell for cell in self.cells.values() if not cell.by_rest or cell.measure not in self.unplaced]
        there = {cell[:6] for cell in known}
        lacking = (
            Cell(*key, "not_collected", None, None, False, False, None, None, None) for key in self.expected.cells if key not in there
        )
        found: dict[str, list[Cell]] = defaultdict(list)
        for cell in (*known, *lacking):
            found[cell.measure].append(cell)
        return found

    @cached_property
    def _then(self) -> dict[tuple[str, Month, str], list[Cell]]:
        found: dict[tuple[str, Month, str], list[Cell]] = defaultdict(list)
        for collection, months in self.earlier.items():
            for month, cells in months.items():
                for cell in cells.values():
                    found[collection, month, cell.measure].append(cell)
        return found

    def cells_of(self, code: str, month: Month) -> Sequence[Cell]:
        """The cells of a measure in a month; none where nothing was received, or the measure then counted something else.

        What could not be read is there as not collected.
        """
        if month == self.expected.key.month and code in self.expected.measures:
            return self._now.get(code, ())
        collection = _collection_of(self.expected, code)
        then, now = (self.expected.contract.measure(code, each) for each in (month, self.expected.key.month))
        if collection is None or then is None or now is None or (then is not now and counts(then) != counts(now)):
            return ()
        return self._then.get((collection, month, code), ())
