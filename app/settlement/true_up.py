"""What a settlement still comes to after it was settled: true-ups for figures corrected later, and disputed lines held in suspense.

What was settled is never edited. A true-up is a further line for each party: what the year comes to on the corrected figures less everything that stands
already; it states its causes. What is in dispute is no part of what is payable, and is shown.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from app.programmes.domain import PaymentMode
from app.settlement.computation import Settlement
from app.settlement.explanation import written
from app.settlement.inputs import Cost, Inputs, MeasureFigure

Amounts = Mapping[str, Mapping[str, int]]
"""Pence by party and element, as `Party.name` and `Element` have them: what a party pays is below zero, and all together is nothing."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that stands otherwise than when a year was settled; the values are exact, as text."""

    kind: Literal["figure", "expected_cost", "actual_cost", "completeness", "factor"]
    code: str | None
    month: str | None
    before: str | None
    after: str | None
    publication_before: int | None = None
    publication_after: int | None = None

    @property
    def sentence(self) -> str:
        what = {"figure": f"The figure of {self.code} for {self.month}", "factor": f"The factor {self.code}"}.get(
            self.kind, f"The {self.kind.replace('_', ' ')}"
        )
        published = (
            "" if self.publication_after is None else f" (publication {self.publication_before or 'none'}, now {self.publication_after})"
        )
        return f"{what} was {self.before or 'missing'} and is {self.after or 'missing'}{published}."


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
    """What every party is due of all that stands. Nothing is payable unless the mode is `live`; what is payable and in suspense sums to nothing."""
    disputed = list(disputes)

    def is_disputed(party: str, element: str) -> bool:
        return any(each.party == party and each.element == element for each in disputed)

    found = []
    for party, of in together(standing).items():
        suspended = {element: pence for element, pence in of.items() if is_disputed(party, element)}
        payable = sum(of.values()) - sum(suspended.values()) if mode == "live" else 0
        found.append(Due(party, of, suspended, payable))
    return tuple(found)


def causes(before: Inputs, after: Inputs) -> tuple[Cause, ...]:
    """Everything that a computation reads otherwise than the one before it, figures first."""
    return (*_figures(before, after), *_rest(before, after))


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
