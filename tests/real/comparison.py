"""The rows of a report beside what is published: every figure and share of every row, and nothing left out on either side."""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from typing import Any, Final, Literal

from app.kernel.figures import rounded
from tests.real.published import ALL, ENGLAND, NOTHING, PLACES, UNKNOWN, England, Figures, Row
from tests.real.reports import figures_of
from tests.real.tally import Tally

By = Literal["subcontract", "commissioner"]
"""What a row of an organisation is of: a provider's subcontract, or a commissioner."""

_STEP: Final = Decimal("0.000001")
"""To which reported shares are rounded, half to even."""

Observations = dict[Row, dict[str, Any]]


def compare_england(england: England, report: dict[str, Any], *, month: str, slice_: str, period: str, tally: Tally) -> None:
    """Every published England row of the slice, and zero in every row that is not published; nothing may be left out."""
    reported = dict(_reported(report, None))
    published = {row: figures for row, figures in england.of(month, ENGLAND).items() if _cut(row) == _cut_of(slice_)}
    for row, figures in published.items():
        _compare_row(england, f"England by {slice_}", row, figures, reported.get(row), period=period, tally=tally)
    for row in reported.keys() - published.keys():
        tally.same("England, nothing published", row, expected=NOTHING, found=figures_of(reported[row]))
    if slice_ == "all":
        for (of_month, measure), figures in england.series.items():
            if of_month == month:
                row = Row(month, ENGLAND, measure, ALL, ALL)
                tally.same(f"England, the other series, {period}", row, expected=figures, found=_figures(reported.get(row)))


def compare_organisations(england: England, report: dict[str, Any], *, by: By, month: str, slice_: str, period: str, tally: Tally) -> None:
    """Every row that an organisation has in the slice, and zero where it has none: that was sent, so it is not missing.

    Nobody owes a row of `UNKNOWN`: it stands where such patients were reported, and only there.
    """
    reported = dict(_reported(report, by))
    for organisation in england.organisations:
        published = england.of(month, organisation)
        for row in _rows_of(england, month, organisation, _cut_of(slice_)):
            if row in published or organisation != UNKNOWN:
                figures = published.get(row, NOTHING)
                _compare_row(england, f"by {slice_}", row, figures, reported.pop(row, None), period=period, tally=tally)
    tally.same("rows of nothing known", (month, slice_), expected=[], found=sorted(reported))


def compare_pooling(england: England, report: dict[str, Any], *, month: str, tally: Tally) -> None:
    """England's published share is that of the providers' counts; the mean of their reported shares is another, in every measure."""
    for measure in england.sites:
        rows = [row for row in report["observations"] if row["measure"] == measure and row["value"] is not None]
        pooled = sum((Fraction(row["numerator"]) for row in rows), Fraction(0)) / sum(
            (Fraction(row["denominator"]) for row in rows), Fraction(0)
        )
        published = england.performance[Row(month, ENGLAND, measure, ALL, ALL)]
        tally.same("pooled, as published", (month, measure), expected=_share(published), found=rounded(pooled))
        mean = sum((Fraction(row["value"]) for row in rows), Fraction(0)) / len(rows)
        tally.same("averaging would differ", (month, measure), expected=True, found=rounded(mean) != _share(published))


def _compare_row(
    england: England, kind: str, row: Row, published: Figures, observation: dict[str, Any] | None, *, period: str, tally: Tally
) -> None:
    kind += f", {period}" + (" (a sum of published rows)" if row in england.summed and period == "month" else "")
    tally.same(kind, row, expected=published, found=_figures(observation))
    if row in england.performance:
        found = None if observation is None else observation["value"]
        tally.same("published shares", row, expected=_share(england.performance[row]), found=found)


def _figures(observation: dict[str, Any] | None) -> Figures | None:
    return None if observation is None else figures_of(observation)


def _share(published: Decimal) -> Decimal:
    return published.quantize(_STEP, ROUND_HALF_EVEN)


def _reported(report: dict[str, Any], by: By | None) -> Iterator[tuple[Row, dict[str, Any]]]:
    """The rows of a report as published rows are named; each must be there once."""
    seen = set()
    for observation in report["observations"]:
        organisation = ENGLAND if by is None else observation[by].removeprefix("SC-")
        row = Row(observation["month"], organisation, observation["measure"], observation["category"], observation["site"])
        assert row not in seen, f"{row} is reported twice"
        seen.add(row)
        yield row, observation


def _cut_of(slice_: str) -> set[str]:
    """By what a slice cuts the patients of an organisation."""
    return {*PLACES} & set(slice_.split("+"))


def _cut(row: Row) -> set[str]:
    return {place for place in PLACES if getattr(row, place) != ALL}


def _rows_of(england: England, month: str, organisation: str, cut: set[str]) -> Iterator[Row]:
    for measure, sites in england.sites.items():
        for category in england.categories[measure] if "category" in cut else (ALL,):
            for site in sites if "site" in cut else (ALL,):
                yield Row(month, organisation, measure, category, site)
