"""What one cell of a submission states: its state, its figures, and why it is as it is."""

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from itertools import chain, repeat
from typing import Any, Final, NamedTuple

from app.kernel.codes import ALL, is_code
from app.kernel.figures import MOST_DECIMALS, NumericKind, exact, fits, plain
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.returns.expectation import Carried, ExpectedReturn, carried_of
from app.returns.faults import EXPLANATION_CODES, NIL_REASONS, REASONS, fault
from app.returns.members import LONGEST_CODE, patients_in, text_of, unknown_members, word_of
from app.returns.places import PLACES, place_of
from app.returns.submission import STATES, Cell, State

LONGEST_EXPLANATION: Final = 500

_WHOLE: Final = 10**7
_LARGEST: Final = Decimal(_WHOLE)
_SMALL: Final = tuple(map(Decimal, range(1000)))
"""Most figures, made once."""
_MOST_DIGITS: Final = 20
_ANY: Final = Carried(NumericKind.DECIMAL, NumericKind.DECIMAL, both=False, proportion=False)
_FIGURES: Final = ("numerator", "denominator")
_PLAIN: Final = frozenset((*PLACES, *_FIGURES))
_MEMBERS: Final = frozenset((*PLACES, *_FIGURES, "state", "reason", "explanation_code", "explanation"))
_KINDS: Final = {
    NumericKind.INTEGER: ("in whole numbers", "a whole number"),
    NumericKind.HALF_UNIT: ("in halves", "a multiple of 0.5"),
    NumericKind.DECIMAL: (f"to {MOST_DECIMALS} places", f"at most {MOST_DECIMALS} places after the point"),
}


def plain_cells(stated: list[Any], expected: ExpectedReturn) -> list[Cell | None]:
    """Of each line its cell, where it states right figures at an expected place and nothing else, as most do; None for any other.

    Only a shorter way to what `read_cell` says of such a line, and shorter still for being gone by columns.
    """
    if not set(map(type, stated)) <= {dict}:
        return [None] * len(stated)
    lines: list[dict[str, Any]] = stated
    if not _PLAIN.issuperset(chain.from_iterable(lines)):
        lines = [line if line.keys() <= _PLAIN else {} for line in lines]
    places = [[line.get(place, ALL) for line in lines] for place in PLACES]
    try:
        carried = [expected.carried_by.get(place) for place in zip(*places, strict=True)]
    except TypeError:  # a list or an object stands for a code
        return [None] * len(stated)
    numerators, denominators = _plain_figures(lines, carried)
    rest = map(repeat, (False, False, None, None, None))
    cells = map(Cell._make, zip(*places, repeat("value"), numerators, denominators, *rest))
    return [cell if cell.numerator is not None else None for cell in cells]


def _plain_figures(lines: list[dict[str, Any]], carried: list[Carried | None]) -> tuple[list[Decimal | None], list[Decimal | None]]:
    """The right figures of each line in their normal form; None for the numerator of any other line."""
    numerators: list[Decimal | None] = []
    denominators: list[Decimal | None] = []
    for line, carries in zip(lines, carried, strict=True):
        numerator = denominator = None
        if carries is not None:
            kind, kind_of_denominator, both, proportion = carries
            numerator, stated = _plain_figure(line.get("numerator"), kind), line.get("denominator")
            if both:
                denominator = _plain_figure(stated, kind_of_denominator)
                if denominator is None or (proportion and numerator is not None and numerator > denominator):
                    numerator = None
            elif stated is not None:
                numerator = None
        numerators.append(numerator)
        denominators.append(denominator)
    return numerators, denominators


def _plain_figure(value: object, kind: NumericKind) -> Decimal | None:
    """A right figure in its normal form; None for any other, and for texts."""
    if type(value) is int:
        return _SMALL[value] if 0 <= value < len(_SMALL) else Decimal(value) if 0 <= value < _WHOLE else None
    return _normal(value, kind) if type(value) is Decimal else None


@lru_cache(maxsize=4096)
def _normal(figure: Decimal, kind: NumericKind) -> Decimal | None:
    right = figure.is_finite() and 0 <= figure < _LARGEST and _is_fine(figure, kind)
    return plain(figure) if right else None


class Unplaced(NamedTuple):
    """A line whose place cannot be told: its measure, if that can, and whether it has a value."""

    measure: str | None
    has_value: bool


def read_cell(raw: Mapping[str, Any], expected: ExpectedReturn, pointer: str, faults: list[Fault]) -> Cell | Unplaced:
    """A cell, or what can be told of one without a place. What is wrong goes to `faults`.

    A cell whose place is known is given even where something else is wrong with it: it is not missing.
    """
    if not raw.keys() <= _MEMBERS:
        faults += unknown_members(raw, _MEMBERS, pointer)
    key, measure = place_of(raw, expected, pointer, faults)
    state = _state(raw, pointer, faults)
    reason = explanation_code = explanation = None
    if "reason" in raw or state == "not_collected":
        reason = _reason(raw, state, pointer, faults)
    if "explanation_code" in raw:
        explanation_code = _explanation_code(raw, pointer, faults)
    if "explanation" in raw:
        explanation = text_of(raw, "explanation", pointer, most=LONGEST_EXPLANATION, faults=faults)
    numerator = denominator = None
    if state == "value":
        numerator, denominator = _figures(raw, measure, pointer, faults)
    else:
        stated = [name for name in _FIGURES if raw.get(name) is not None]
        faults.extend(fault("figures_unexpected", f"{pointer}/{name}", state=state) for name in stated)
    if key is None:
        return Unplaced(measure.code if measure is not None else None, has_value=state == "value")
    outside = key not in expected.measure_of and not expected.is_assigned(key)
    return Cell(*key, state, numerator, denominator, False, outside, reason, explanation_code, explanation)


def _state(raw: Mapping[str, Any], pointer: str, faults: list[Fault]) -> State:
    """`state`, which left out is `value`. One that cannot be read is looked at as what the cell carries, so that all is named."""
    if raw.get("state") is None:
        return "value"
    stated = word_of(raw, "state", pointer, words=STATES, faults=faults)
    if stated is None:
        carries = [name for name in _FIGURES if raw.get(name) is not None]
        return "not_collected" if raw.get("reason") is not None and not carries else "value"
    return stated


def _reason(raw: Mapping[str, Any], state: State, pointer: str, faults: list[Fault]) -> str | None:
    if raw.get("reason") is None:
        if state == "not_collected":
            faults.append(fault("reason_missing", f"{pointer}/reason"))
        return None
    if state == "value":
        faults.append(fault("reason_unexpected", f"{pointer}/reason"))
        return None
    allowed = (*REASONS, *NIL_REASONS) if state == "not_applicable" else REASONS
    return word_of(raw, "reason", pointer, words=allowed, faults=faults, wrong="unknown_reason")


def _explanation_code(raw: Mapping[str, Any], pointer: str, faults: list[Fault]) -> str | None:
    """A usual code, or any other: it is counted by, and never refuses what a warning would let pass. Left empty, it explains nothing."""
    code = text_of(raw, "explanation_code", pointer, most=LONGEST_CODE, faults=faults)
    if code and not is_code(code):
        faults.append(fault("not_a_code", f"{pointer}/explanation_code", words=", ".join(EXPLANATION_CODES)))
        return None
    return code


def _figures(raw: Mapping[str, Any], measure: Measure | None, pointer: str, faults: list[Fault]) -> tuple[Decimal | None, Decimal | None]:
    """The figures that a value of this measure carries; of an unknown measure, whatever numbers are there are looked at."""
    stated_numerator, stated_denominator = raw.get("numerator"), raw.get("denominator")
    carried = carried_of(measure) if measure else _ANY
    numerator = denominator = None
    if stated_numerator is not None:
        numerator = figure_of(stated_numerator, carried.numerator, f"{pointer}/numerator", faults)
    elif measure is not None:
        faults.append(fault("numerator_missing", f"{pointer}/numerator", measure=measure.code))
    if measure is not None and stated_denominator is not None and not measure.has_denominator and measure.aggregation != "distinct_risk":
        faults.append(fault("denominator_unexpected", f"{pointer}/denominator", measure=measure.code))
    elif stated_denominator is not None:
        denominator = figure_of(stated_denominator, carried.denominator, f"{pointer}/denominator", faults)
    elif measure is not None and measure.has_denominator:
        what = measure.denominator or "how many there were"
        faults.append(fault("denominator_missing", f"{pointer}/denominator", measure=measure.code, denominator=what))
    # What is only too fine can be read, and so compared: whoever rounds it should not hear of the other afterwards.
    above, below = _legible(stated_numerator), _legible(stated_denominator)
    if measure is not None and measure.proportion and above is not None and below is not None and above > below:
        faults.append(fault("numerator_above_denominator", f"{pointer}/numerator", measure=measure.code))
    elif measure is not None and measure.aggregation == "mean_weighted" and below == 0 and above:
        faults.append(fault("sum_of_none", f"{pointer}/denominator"))
    return numerator, denominator


def _legible(value: object) -> Decimal | None:
    """The figure that a member states, however fine; None where it can be no count."""
    figure = exact(value)
    return figure if figure is not None and 0 <= figure < _LARGEST else None


def figure_of(value: object, kind: NumericKind, pointer: str, faults: list[Fault]) -> Decimal | None:
    """The exact figure that a member states, in its one normal form; None (and why, in `faults`) where it is none."""
    if type(value) is int and 0 <= value < _LARGEST:
        return Decimal(value)
    figure = exact(value)
    # A figure that fits holds no NHS number, whatever its digits.
    if figure is None or figure >= _LARGEST:
        faults.extend(patients_in(value, pointer))
    if figure is None:
        faults.append(fault("percentage" if isinstance(value, str) and "%" in value else "not_a_number", pointer))
    elif figure < 0:
        faults.append(fault("negative", pointer))
    elif figure >= _LARGEST:
        faults.append(fault("too_large", pointer))
    elif not _is_fine(figure, kind):
        faults.append(fault("numeric_kind", pointer, kind=_KINDS[kind][0], fix=_KINDS[kind][1]))
    else:
        return plain(figure)
    return None


def _is_fine(figure: Decimal, kind: NumericKind) -> bool:
    """Whether a figure is as fine as its kind allows. One of more digits would be rounded by the very arithmetic that judges it."""
    return len(figure.as_tuple().digits) <= _MOST_DIGITS and fits(figure, kind)
