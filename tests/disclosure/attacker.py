"""An attacker who has every rendition that the public ever had, and knows all rules: what each figure adds up to, which return was corrected when.

Exact linear programming over the finest parts (a cell of a revision): the least and the most that a hidden count may be. The attacker knows no
more of a row than what is shown of it, but is told which of its counts a `suppression` is about.
"""

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal
from math import ceil, floor
from typing import Any, NamedTuple

import highspy
import numpy as np

from app.disclosure.relations import PLACES, Places
from app.kernel.months import Month
from tests.disclosure.world import Part, Publication, World

NUMERATOR, DENOMINATOR, REST = "numerator", "denominator", "rest"
Form = frozenset[tuple[Part, str]]
CRITERION = 2
"""The aim: a hidden count has at least three whole numbers that it may be, from the least to the most this far apart."""

_LARGEST = 1e6
_NEAR = 1e-6


class Told(NamedTuple):
    """What a row tells of one of its counts, and what that count is."""

    form: Form
    least: float
    most: float
    true: Decimal
    shown: bool


def told_by(publication: Publication, *, half: bool, public: Collection[int]) -> Iterator[Told]:
    """`public` are the months of which anything was published before, or now."""
    step = 0.5 if half else 1
    shorter: dict[Places, tuple[dict[str, Any], dict[str, Any], tuple[Part, ...]]] = {}
    every = zip(publication.rows, publication.shown, publication.parts, strict=True)
    for row, shown, parts in sorted(every, key=lambda each: str(each[0]["period_start"]), reverse=True):
        places = tuple(str(row[name]) for name in PLACES)
        within = shorter.get(places)
        first, last = (Month.parse(row[name][:7]).ordinal for name in ("period_start", "period_end"))
        if first == last or shown["suppression"] not in {"rounded_5_months", "derived"}:
            yield from _told_of_row(row, shown, parts, step=step, slack=1)
        elif within is not None and row["period_start"] != within[0]["period_start"]:
            # What is beyond the next shorter window, whose parts are known one by one: a figure of its own, or one for each of its months.
            last = Month.parse(within[0]["period_start"][:7]).ordinal - 1
            nearer = set(within[2])
            beyond = tuple(part for part in parts if part not in nearer)
            yield from _told_of_row(
                _less(row, within[0]), _less(shown, within[1]), beyond, step=step, slack=_figures(range(first, last + 1), public)
            )
            yield from _hidden_of_row(row, shown, parts)
        else:
            yield from _told_of_row(row, shown, parts, step=step, slack=_figures(range(first, last + 1), public))
        shorter[places] = row, shown, parts


def _figures(months: Sequence[int], public: Collection[int]) -> int:
    """Of how many rounded figures what is shown of months may be the sum: of one where nothing was published of them."""
    return len(months) if any(month in public for month in months) else 1


def _less(row: dict[str, Any], within: dict[str, Any]) -> dict[str, Any]:
    """The counts that a row has beyond another's; None where either is hidden."""
    held = {name: None if row[name] is None or within[name] is None else row[name] - within[name] for name in ("numerator", "denominator")}
    return {**held, "suppression": row["suppression"]}


def _told_of_row(row: dict[str, Any], shown: dict[str, Any], parts: tuple[Part, ...], *, step: float, slack: int) -> Iterator[Told]:
    """`slack` is of how many rounded counts what is shown is the sum."""
    inside = frozenset((part, NUMERATOR) for part in parts)
    outside = frozenset((part, REST) for part in parts)
    counts = {NUMERATOR: (inside, row["numerator"], shown["numerator"])}
    if row["denominator"] is not None:
        counts[DENOMINATOR] = (inside | outside, row["denominator"], shown["denominator"])
    for form, true, seen in counts.values():
        least, most = _bounds(true, seen, shown["suppression"], step=step, slack=slack)
        yield Told(form, least, most, true, seen is not None)
    if row["denominator"] is not None:
        rest = row["denominator"] - row["numerator"]
        both = shown["numerator"] is not None and shown["denominator"] is not None
        if both:
            yield Told(outside, 8 if rest else 0, _LARGEST if rest else 0, rest, shown=True)
        elif shown["suppression"] == "complement":
            yield Told(outside, step, 8 - step, rest, shown=False)
        else:
            yield Told(outside, 0, _LARGEST, rest, shown=False)


def _hidden_of_row(row: dict[str, Any], shown: dict[str, Any], parts: tuple[Part, ...]) -> Iterator[Told]:
    """The counts of a window that are not shown, of which nothing is told."""
    return (Told(told.form, 0, _LARGEST, told.true, told.shown) for told in _told_of_row(row, shown, parts, step=1, slack=1))


def _bounds(true: Decimal, seen: Decimal | None, why: str | None, *, step: float, slack: int) -> tuple[float, float]:
    """Of what is shown, its rounding; of what is hidden, whether it is small."""
    if seen is not None:
        if seen % 5:
            return float(seen), float(seen)
        return (0, 0) if seen == 0 else (max(8, float(seen) - slack * (2.5 if step < 1 else 2)), float(seen) + slack * 2)
    return (step, 8 - step) if why == "small_count" and 0 < true < 8 else (0, _LARGEST)


def _solver() -> Any:
    untyped: Any = highspy
    solver = untyped.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    return solver


class Attacker:
    """All that is known, as a linear programme."""

    def __init__(self, world: World, *, half: bool = False) -> None:
        self.half = half
        known: dict[Form, list[float]] = {}
        self.hidden: dict[Form, Decimal] = {}
        seen: set[Form] = set()
        public: set[int] = set()
        for publication in world.published:
            public.add(publication.month)
            for told in told_by(publication, half=half, public=public):
                bounds = known.setdefault(told.form, [0.0, _LARGEST])
                bounds[0], bounds[1] = max(bounds[0], told.least), min(bounds[1], told.most)
                if told.shown:
                    seen.add(told.form)
                elif 0 < told.true < 8:
                    self.hidden[told.form] = told.true
        self.hidden = {form: true for form, true in self.hidden.items() if form not in seen}
        self.columns = {atom: number for number, atom in enumerate(sorted({atom for form in known for atom in form}))}
        self.solver = _solver()
        count = len(self.columns)
        self.solver.addVars(count, np.zeros(count), np.full(count, _LARGEST))
        for form, (least, most) in known.items():
            if form and (least > 0 or most < _LARGEST):
                numbers = np.array([self.columns[atom] for atom in form], dtype=np.int32)
                self.solver.addRow(least, most, len(numbers), numbers, np.ones(len(numbers)))

    def bounds(self, form: Form) -> tuple[float, float]:
        """The least and the most that a count may be; whole numbers are whole (halves half)."""
        numbers = [self.columns[atom] for atom in form]
        least, most = (self._solved(numbers, sense) for sense in (highspy.ObjSense.kMinimize, highspy.ObjSense.kMaximize))
        if self.half:
            return ceil(least * 2 - _NEAR) / 2, floor(most * 2 + _NEAR) / 2
        return ceil(least - _NEAR), floor(most + _NEAR)

    def _solved(self, numbers: Sequence[int], sense: highspy.ObjSense) -> float:
        columns = np.array(numbers, dtype=np.int32)
        self.solver.changeColsCost(len(columns), columns, np.ones(len(columns)))
        self.solver.changeObjectiveSense(sense)
        self.solver.run()
        assert self.solver.getModelStatus() == highspy.HighsModelStatus.kOptimal, "what was shown is true, so it can be"
        found = float(self.solver.getInfo().objective_function_value)
        self.solver.changeColsCost(len(columns), columns, np.zeros(len(columns)))
        return found

    def closest(self, *, limit: int = 1_000_000) -> list[tuple[float, Decimal, float, float]]:
        """Hidden small counts (`limit` of them): how far apart their bounds are, what each is, and its bounds; the closest first."""
        found = []
        every = list(self.hidden.items())
        for form, true in every[:: max(1, len(every) // limit)]:
            least, most = self.bounds(form)
            assert least <= true <= most
            found.append((most - least, true, least, most))
        return sorted(found)
