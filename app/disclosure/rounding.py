"""One row for the public: its small counts hidden, its other counts to the nearest 5, and nothing beside them that says more than they do.

The method is NHS Digital's for sub-national counts: 1 to 7 are not shown, others are rounded, percentages are of rounded counts, means and
medians need 8 people, and zero stays zero. Beyond it, the complement of a proportion is a count too (95 of 98 in time tells of 3 that were not).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from app.kernel.figures import carried, plain, rounded

SMALLEST: Final = 8
"""The smallest count above zero that is shown; halves below it are small too."""

SPREAD: Final = 5
"""The least distance between the lowest and the highest that a hidden count may be, as far as sums tell one by one: six whole numbers are possible."""

NEAREST: Final = 5
"""Shown counts are multiples of this; one half way goes up."""

Hidden = Literal["small_count", "complement", "derived"]
Suppression = Literal[Hidden, "rounded_5", "rounded_5_months"]
SUPPRESSIONS: Final[Mapping[Suppression, str]] = {
    "small_count": "The numerator or the denominator is above zero and below 8.",
    "complement": "Those of the denominator that are not in the numerator are above zero and below 8.",
    "derived": "A hidden figure could be worked out from this one, or from the reason why it is hidden.",
    "rounded_5": "Nothing is hidden; counts are to the nearest 5, and the value is of these.",
    "rounded_5_months": "Nothing is hidden; counts are sums of what is shown of the window's months, each to the nearest 5, and the value is of these.",
}
"""What was done to a row: why something of it is hidden (the first that holds is told), or how it was rounded."""

ROUNDED: Final[frozenset[Suppression]] = frozenset({"rounded_5", "rounded_5_months"})
"""Of these, those under which nothing is hidden."""

_WITHHELD: Final = ("lower", "upper", "interval", "against_target", "rag", "rag_reason")
_PROCESS_CONTROL: Final = ("spc_mean", "spc_lower", "spc_upper", "spc_from", "spc_points", "spc_variation", "spc_signal", "spc_assurance")


class Counts(NamedTuple):
    """A numerator and a denominator; None where there is none."""

    numerator: Decimal | None
    denominator: Decimal | None

    def less(self, other: "Counts") -> "Counts":
        """What is beyond another's; where that has none, all."""
        return Counts(*(one if one is None or two is None else one - two for one, two in zip(self, other, strict=True)))


@dataclass(frozen=True, slots=True)
class Showing:
    """Which counts of a row are shown; `why` is the reason for what is not, None where all there is is shown."""

    numerator: bool = True
    denominator: bool = True
    why: Hidden | None = None

    def only(self, *, numerator: bool, denominator: bool, reason: bool) -> "Showing":
        """The same with less: what else is hidden, and why something is where it may not be told, is because something could be worked out."""
        found = Showing(self.numerator and numerator, self.denominator and denominator, self.why)
        told = (self.why in {"small_count", "complement"} and reason) or (found.numerator and found.denominator)
        return found if told else replace(found, why="derived")


def is_small(count: Decimal | None) -> bool:
    return count is not None and count != 0 and abs(count) < SMALLEST


def is_proportion(row: Mapping[str, Any]) -> bool:
    """Whether the rest of a row's denominator is a count of its own."""
    return row["statistic"] == "ratio" and _both(row) and 0 <= row["numerator"] <= row["denominator"]


def by_itself(row: Mapping[str, Any]) -> Showing:
    """What a row may show if there were no other."""
    numerator, denominator = row["numerator"], row["denominator"]
    if is_small(denominator):
        return Showing(numerator=False, denominator=False, why="small_count")
    if row["statistic"] == "mean":
        # The sum of what was measured is no count: one more person would tell of him or her.
        return Showing(numerator=False, why=None if numerator is None else "derived")
    if is_small(numerator):
        return Showing(numerator=False, why="small_count")
    if is_proportion(row) and is_small(denominator - numerator):
        return Showing(numerator=False, why="complement")
    if numerator is None and row["value"] is not None:
        # Published without its counts: whether it is about few people is not known.
        return Showing(numerator=False, denominator=False, why="derived")
    return Showing()


def to_nearest(count: Decimal) -> Decimal:
    """A count as it is shown."""
    steps = (count / NEAREST + Decimal("0.5")).to_integral_value(ROUND_FLOOR)
    return plain(steps * NEAREST)


def shown(row: Mapping[str, Any], showing: Showing, *, parts: Sequence[Counts] | None = None) -> dict[str, Any]:
    """The row for the public, with the same members; `parts` are the counts of which it is shown as the sum, where these are not its own."""
    if parts is None:
        parts = [Counts(row["numerator"], row["denominator"])]
    numerator = _sum(part.numerator for part in parts) if showing.numerator and row["numerator"] is not None else None
    denominator = _sum(part.denominator for part in parts) if showing.denominator and row["denominator"] is not None else None
    value = _value(row, showing, numerator, denominator)
    hidden = value is None and row["value"] is not None
    rounded_to = None if numerator is None and denominator is None else "rounded_5" if len(parts) == 1 else "rounded_5_months"
    return {
        **row,
        "numerator": numerator,
        "denominator": denominator,
        "value": value,
        **dict.fromkeys(_WITHHELD),
        "contract_test": row["contract_test"] if _is_decided(row, value, numerator, denominator, len(parts)) else "not_judged",
        **dict.fromkeys(_PROCESS_CONTROL),
        # That there is nobody to count (`denominator_zero`) would tell of a zero that is hidden.
        "missing_reason": None if _hides(row, numerator, denominator) else row["missing_reason"],
        "suppression": showing.why or ("derived" if hidden else rounded_to),
    }


def _hides(row: Mapping[str, Any], numerator: Decimal | None, denominator: Decimal | None) -> bool:
    """Whether a count is hidden; what measures add up to is none."""
    without = (numerator is None and row["statistic"] != "mean", denominator is None)
    return any(hidden and row[name] is not None for name, hidden in zip(("numerator", "denominator"), without, strict=True))


def _sum(counts: Iterable[Decimal | None]) -> Decimal:
    return sum((to_nearest(count) for count in counts if count is not None), Decimal(0))


def _both(row: Mapping[str, Any]) -> bool:
    return row["numerator"] is not None and row["denominator"] is not None


def _value(row: Mapping[str, Any], showing: Showing, numerator: Decimal | None, denominator: Decimal | None) -> Decimal | None:
    """A value of what is shown: of rounded counts, or coarse where it is of no count."""
    if row["value"] is None or not (showing.numerator or row["statistic"] == "mean"):
        return None
    match row["statistic"]:
        case "mean":
            return None if denominator is None else coarse(row["value"])
        case "median" | "p90":
            return coarse(row["value"])
        case _ if row["denominator"] is None:
            return numerator
        case _:
            return None if numerator is None or not denominator else carried(rounded(Fraction(numerator) / Fraction(denominator)))


def coarse(value: Decimal) -> Decimal:
    """Two digits, and none beyond the first decimal place: a mean of few people tells how many they are by its digits."""
    return plain(round(value, -_coarseness(value)))


def _coarseness(value: Decimal) -> int:
    """The power of ten that a coarse value is a multiple of."""
    return max(value.adjusted() - 1, -1) if value else -1


def _is_decided(row: Mapping[str, Any], value: Decimal | None, numerator: Decimal | None, denominator: Decimal | None, parts: int) -> bool:
    """Whether what is shown alone says on which side of the target the exact value is: then the verdict tells nothing more."""
    if row["contract_test"] not in {"met", "not_met"}:
        return True
    if value is None or row["target"] is None:
        return False
    lowest, highest = _range(row, value, numerator, denominator, parts)
    return not lowest <= Fraction(row["target"]) <= highest


def _range(
    row: Mapping[str, Any], value: Decimal, numerator: Decimal | None, denominator: Decimal | None, parts: int
) -> tuple[Fraction, Fraction]:
    """Where the exact value may be, as far as what is shown tells: each of the parts of a count may be half a step off."""
    if row["statistic"] in {"mean", "median", "p90"} or numerator is None:
        # The coarse value of one just below a power of ten may be finer than that of the power itself.
        half = Fraction(10) ** _coarseness(value) / 2
        return Fraction(value) - half, Fraction(value) + half
    slack = Fraction(NEAREST, 2) * parts
    least, most = (Fraction(0), Fraction(0)) if numerator == 0 else (Fraction(numerator) - slack, Fraction(numerator) + slack)
    if denominator is None:
        return least, most
    return least / (Fraction(denominator) + slack), most / max(Fraction(denominator) - slack, Fraction(SMALLEST))
