"""What a submission does not list: stated by its rest, or missing."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from decimal import Decimal
from itertools import filterfalse
from typing import Final, Literal

from app.calendar.expected import CellKey
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.returns.expectation import ExpectedReturn
from app.returns.faults import REST_AFTER_A_VALUE, REST_OF_A_CENSUS, REST_STATES, fault, words
from app.returns.submission import Cell

Rest = Literal["zero", "not_collected"]
RESTS: Final[tuple[Rest, ...]] = ("zero", "not_collected")

_ZERO: Final = Decimal(0)


def complete(
    expected: ExpectedReturn,
    listed: Mapping[tuple[str, ...], Cell],
    *,
    rest: Rest | None,
    rest_reason: str | None,
    with_value: Iterable[str],
    faults: list[Fault],
) -> list[Cell]:
    """The cells that the rest states; what it cannot state is a fault.

    `with_value` are the measures that have a value line besides those listed.
    """
    missing = list(filterfalse(listed.__contains__, expected.cells))
    if rest is None:
        valued = {*with_value, *(cell.measure for cell in listed.values() if cell.state == "value")}
        faults.extend(
            fault("cell_missing", "/cells", cell=words(key), rest=_help(expected.measures[key.measure], valued)) for key in missing
        )
        return []
    if rest == "not_collected":
        return [Cell(*key, "not_collected", None, None, True, False, rest_reason, None, None) for key in missing]
    of_measure: dict[str, list[CellKey]] = defaultdict(list)
    for key in missing:
        of_measure[key.measure].append(key)
    stated = {*with_value, *(cell.measure for cell in listed.values() if cell.state == "value")}
    cells: list[Cell] = []
    for code, keys in of_measure.items():
        measure = expected.measures[code]
        if measure.aggregation == "stock_last":
            faults.extend(fault("stock_by_rest", "/cells", measure=code, cell=words(key)) for key in keys)
        elif code not in stated:
            faults.append(fault("measure_missing", "/cells", measure=code, count=len(keys)))
        else:
            denominator = _ZERO if _zero_has_denominator(measure, listed.values()) else None
            cells.extend(Cell(*key, "value", _ZERO, denominator, True, False, None, None, None) for key in keys)
    return cells


def _help(measure: Measure, with_value: Container[str]) -> str:
    """What the rest can do for a missing cell of a measure."""
    if measure.aggregation == "stock_last":
        return REST_OF_A_CENSUS
    return REST_STATES if measure.code in with_value else REST_AFTER_A_VALUE.format(measure=measure.code)


def _zero_has_denominator(measure: Measure, listed: Iterable[Cell]) -> bool:
    """A measure counted either way (`distinct_risk`) is zero in the way that its listed cells are stated."""
    if measure.aggregation == "distinct_risk":
        return any(cell.measure == measure.code and cell.denominator is not None for cell in listed)
    return measure.has_denominator
