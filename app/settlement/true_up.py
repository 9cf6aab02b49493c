"""What a settlement still comes to after it was settled: true-ups for figures corrected later, and disputed lines held in suspense.

What was settled is never edited. A true-up is a further line for each party: what the year comes to on the corrected figures less everything that stands
already; it states its causes. What is in dispute is no part of what is payable, and is shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from app.programmes.domain import PaymentMode
from app.settlement.computation import Settlement
from app.settlement.explanation import shared_out, written
from app.settlement.inputs import Cost, Inputs, MeasureFigure

Amounts = Mapping[str, Mapping[str, int]]
"""Pence by party and element, as `Party.name` and `Element` have them: what a party pays is below zero, and all together is nothing."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands otherwise than when a year was settled; the values are exact, as text."""

    kind: Literal["figure", "expected_cost", "actual_cost", "completeness", "factor", "method"]
    code: str | None
    month: str | None
    before: str | None
    after: str | None
    publication_before: int | None = None
    publication_after: int | None = None

    @property
    def sentence(self) -> str:
        return f"{self._what} was {self.before or 'missing'} and is {self.after or 'missing'}{self._published}."

    @property
    def told(self) -> str:
        """The cause as parties are told it: pooled counts are others' too, and each reads in its own publication what it may."""
        return f"{self._what} is another{self._published}."

    @property
    def _what(self) -> str:
        named = {
            "figure": f"The figure of {self.code} for {self.month}",
            "factor": f"The factor {self.code}",
            "method": "The method of settlement",
        }
        return named.get(self.kind, f"The {self.kind.replace('_', ' ')}")

    @property
    def _published(self) -> str:
        if self.publication_after is None:
            return ""
        return f" (publication {self.publication_before or 'none'}, now {self.publication_after})"


@dataclass(frozen=True, slots=True)
class Due:
    """What one party is due by element: of that what is in suspense, and what is payable."""

    party: str
    pence: Mapping[str, int]
    suspended: Mapping[str, int]
    payable_pence: int

    @property
    def total_pence(self) -> int:
        return sum(self.pence.values())

    @property
    def suspense_pence(self) -> int:
        return sum(self.suspended.values())


@dataclass(frozen=True, slots=True)
class Dispute:
    """A line that a party does not agree to: one element of its own."""

    party: str
    element: str


def amounts_of(settlement: Settlement) -> dict[str, dict[str, int]]:
    return {line.party.name: {str(element): pence for element, pence in line.pence.items()} for line in settlement.lines}


def together(each: Iterable[Amounts]) -> dict[str, dict[str, int]]:
    """Several amounts added up."""
    total: dict[str, dict[str, int]] = {}
    for amounts in each:
        for party, elements in amounts.items():
            of = total.setdefault(party, {})
            for element, pence in elements.items():
                of[element] = of.get(element, 0) + pence
    return total


def true_up(standing: Sequence[Amounts], anew: Amounts) -> dict[str, dict[str, int]]:
    """What is to be added to everything that stands (the settled run, then each true-up) to come to what is computed anew; {} for nothing."""
    taken_off = [{party: {element: -pence for element, pence in of.items()} for party, of in amounts.items()} for amounts in standing]
    found = together([anew, *taken_off])
    return {party: moved for party, of in found.items() if (moved := {element: pence for element, pence in of.items() if pence})}


def dues(standing: Sequence[Amounts], disputes: Iterable[Dispute], *, mode: PaymentMode) -> tuple[Due, ...]:
    """What every party is due of all that stands. Nothing is payable unless the mode is `live`; what is payable and in suspense sums to nothing, each."""
    amounts = together(standing)
    held = _held(amounts, set(disputes))
    found = []
    for party, of in amounts.items():
        suspended = held.get(party, {})
        payable = sum(of.values()) - sum(suspended.values()) if mode == "live" else 0
        found.append(Due(party, of, suspended, payable))
    return tuple(found)


def _held(amounts: Amounts, disputes: set[Dispute]) -> dict[str, dict[str, int]]:
    """What is in suspense: a disputed line whole, and as much of the same element on the other side, which would else pay or be paid for nothing.

    There it is shared out between the lines that nobody disputes, by what they come to. With lines of both sides in dispute the larger sum counts.
    """
    held: dict[str, dict[str, int]] = {}
    for element in sorted({each.element for each in disputes}):
        sides: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for party, of in amounts.items():
            sides[party.startswith("commissioner.")][party] = of.get(element, 0)
        own = {
            is_paying: {party: pence for party, pence in side.items() if Dispute(party, element) in disputes}
            for is_paying, side in sides.items()
        }
        most = max(abs(sum(direct.values())) for direct in own.values())
        for is_paying, side in sides.items():
            others = {party: pence for party, pence in side.items() if party not in own[is_paying]}
            for party, pence in (own[is_paying] | _part_of(others, most - abs(sum(own[is_paying].values())))).items():
                held.setdefault(party, {})[element] = pence
    return held


def _part_of(lines: Mapping[str, int], pence: int) -> dict[str, int]:
    """So many pence of some lines of one side, shared out by what these come to."""
    whole = abs(sum(lines.values()))
    if not pence or not whole:
        return {}
    shares = shared_out(Fraction(pence), [Fraction(pence * abs(each), whole) for each in lines.values()])
    return {party: share if lines[party] > 0 else -share for party, share in zip(lines, shares, strict=True) if share}


def causes(before: Inputs, after: Inputs, *, methods: tuple[str, str]) -> tuple[Cause, ...]:
    """Everything that a computation reads otherwise than the one before it, figures first; last the versions of the method, where these are two."""
    was, now = (f"version {each}" for each in methods)
    return (*_figures(before, after), *_rest(before, after), *([] if was == now else [Cause("method", None, None, was, now)]))


def _figures(before: Inputs, after: Inputs) -> Iterator[Cause]:
    old, new = ({(figure.measure, figure.month): figure for figure in each.figures} for each in (before, after))
    for measure, month in sorted(old.keys() | new.keys()):
        was, now = old.get((measure, month)), new.get((measure, month))
        if _said(was) != _said(now):
            yield Cause("figure", measure, str(month), _said(was), _said(now), _published(was), _published(now))


def _said(figure: MeasureFigure | None) -> str | None:
    """A figure's counts where it has them: two that come to the same are two figures."""
    if figure is None or figure.exact is None:
        return None
    if figure.numerator is not None and figure.denominator:
        return f"{figure.numerator:f}/{figure.denominator:f}"
    return written(figure.exact)


def _published(figure: MeasureFigure | None) -> int | None:
    return figure.source.publication if figure is not None and figure.source is not None else None


def _rest(before: Inputs, after: Inputs) -> Iterator[Cause]:
    kinds: tuple[Literal["expected_cost", "actual_cost"], ...] = ("expected_cost", "actual_cost")
    for kind in kinds:
        was, now = _pence(getattr(before, kind)), _pence(getattr(after, kind))
        if was != now:
            yield Cause(kind, None, None, was, now)
    if before.completeness != after.completeness:
        yield Cause("completeness", None, None, _text(before.completeness), _text(after.completeness))
    old, new = ({each.code: _text(each.factor) for each in inputs.factors} for inputs in (before, after))
    for code in sorted(old.keys() | new.keys()):
        if old.get(code) != new.get(code):
            yield Cause("factor", code, None, old.get(code), new.get(code))


def _pence(cost: Cost | None) -> str | None:
    return None if cost is None else f"{cost.pence} pence"


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:f}"
