"""What a contract year is settled on: the programme's own rendition of each published month, and the costs and factors that were stated."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any, Final, NamedTuple

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.kernel.actors import Actor
from app.kernel.codes import ALL
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.programmes.domain import Grade, JudgedOn
from app.publications import store as publications
from app.publications.domain import OF_PROGRAMME, Standing
from app.publications.observation_actions import rows_of_months
from app.publications.observation_store import last_sequence
from app.publications.observations import ObservationQuery
from app.returns import quality_actions
from app.settlement.domain import SettlementRules
from app.settlement.inputs import Contribution, Cost, CoveredShare, FigureSource, Inputs, MeasureFigure, StatedFactor
from app.settlement.return_actions import with_returns
from app.settlement.runs import InputKey, InputKind, StatedInput, latest_stated
from app.settlement.year import SEVERAL, judged, months_of_year

_YEAR: Final = 12
_COSTS: Final[tuple[InputKind, ...]] = ("expected_cost", "actual_cost")
_PLACES: Final = 6
_WITH_RATIO: Final = frozenset({"ratio", "mean"})
_COUNTED: Final = frozenset({"count", "stock"})


class YearRead(NamedTuple):
    """A contract year's inputs, and the publications that they were read from."""

    inputs: Inputs
    publications: tuple[int, ...]


class _Row(NamedTuple):
    measure: str
    period: str
    month: Month
    subcontract: str


def read_year(
    session: Session, contract: Contract, rules: SettlementRules, stated: Sequence[StatedInput], *, final: bool, actor: Actor, now: datetime
) -> YearRead:
    """Everything that a year is settled on. What is not final goes as far as is published, and takes costs that nobody has approved yet."""
    programme = contract.programme.code
    months = months_of_year(contract, rules.contract_year)
    standing = publications.current(session, programme, OF_PROGRAMME)
    known = months if final else tuple(month for month in months if month <= max(standing, default=months[0]))
    asked = dict(_asked(contract, rules, known or months[:1]))
    rows = _rows(session, programme, asked, first=months[0].plus(-_YEAR), last=months[-1])
    figures = [
        _figure(contract, measure, period, month, rows=rows, standing=standing, counts=counts)
        for measure, (period, wanted, counts) in sorted(asked.items())
        for month in wanted
    ]
    moment = max((each.as_of for month, each in standing.items() if month in months), default=None)
    completeness, covered = (None, ()) if moment is None else _covered(session, programme, months, actor=actor, as_of=moment, now=now)
    inputs = Inputs(
        figures=with_returns(session, contract, figures, published_as_of={month: each.as_of for month, each in standing.items()}),
        completeness=completeness,
        covered=covered,
        expected_cost=_cost(rules.contract_year, stated, "expected_cost", final=final),
        actual_cost=_cost(rules.contract_year, stated, "actual_cost", final=final),
        factors=tuple(_factors(stated, final=final)),
    )
    # Completeness is read as the latest of them all has it, so each of the year's publications was read.
    read = {each.source.publication for each in figures if each.source is not None}
    return YearRead(inputs, tuple(sorted(read | {standing[month].sequence for month in months if month in standing})))


class _Asked(NamedTuple):
    """What a measure is judged on, the months of the year in which such a period ends, and whether any counts for the year."""

    period: JudgedOn
    months: tuple[Month, ...]
    counts: bool


def _asked(contract: Contract, rules: SettlementRules, months: Sequence[Month]) -> Iterator[tuple[str, _Asked]]:
    """Each measure that is scored or counted. What lies partly in another contract year is not read: the measure is missing where nothing else is."""
    stated = {each.measure: each.period for each in rules.measures}
    also = {each.measure for each in rules.consequences.lines if rules.consequences.applies}
    for measure in sorted(stated.keys() | also):
        requirement = contract.requirement.get(measure)
        period = stated.get(measure) or (requirement.judged_on if requirement is not None else "month")
        ends = judged(contract, rules.contract_year, period).ends
        wanted = tuple(month for month in ends if month <= months[-1]) if period in SEVERAL and ends else months[-1:]
        yield measure, _Asked(period, tuple(wanted), bool(ends))


def _rows(session: Session, programme: str, asked: Mapping[str, _Asked], *, first: Month, last: Month) -> dict[_Row, dict[str, Any]]:
    """The published rows of these measures in all and by subcontract, a year further back for what was final last."""
    query = ObservationQuery(
        first=first,
        last=last,
        slices=("all", "subcontract"),
        periods=tuple(sorted({each.period for each in asked.values()})),
        measure=frozenset(asked),
    )
    if not asked:
        return {}
    pinned = last_sequence(session, programme, (OF_PROGRAMME,))
    found = {}
    for content in rows_of_months(session, programme, query, OF_PROGRAMME, pinned=pinned):
        row = json.loads(content, parse_float=Decimal)
        if row["category"] == ALL and row["period"] == asked[row["measure"]].period:
            found[_Row(row["measure"], row["period"], Month.parse(row["report_month"]), row["subcontract"])] = row
    return found


def _figure(
    contract: Contract,
    measure: str,
    period: JudgedOn,
    month: Month,
    *,
    rows: Mapping[_Row, dict[str, Any]],
    standing: Mapping[Month, Standing],
    counts: bool,
) -> MeasureFigure:
    key = _Row(measure, period, month, ALL)
    row, programme = rows.get(key) if counts else None, contract.programme.code
    parts = tuple(_contributions(rows, measure, period, month))
    usual: dict[str, Any] = {"measure": measure, "month": month, "period": period, "grade": _grade(contract, measure, month, parts)}
    if row is None:
        return MeasureFigure(
            **usual, missing_reason="not_published" if counts else "outside_year", **_last_final(programme, rows, key, standing)
        )
    numerator, denominator = _counts(row)
    return MeasureFigure(
        **usual,
        numerator=numerator,
        denominator=denominator,
        value=row["value"],
        lower=row["lower"],
        upper=row["upper"],
        interval=row["interval"],
        status=row["status"],
        missing_reason=row["missing_reason"],
        by_subcontract=parts if denominator is not None or row["statistic"] in _COUNTED else (),
        source=_source(programme, standing[month], measure, period),
        **({} if row["value"] is not None else _last_final(programme, rows, key, standing)),
    )


def _counts(row: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """The numerator and denominator that a row's value is, unrounded; None of what is no ratio."""
    if row["statistic"] not in _WITH_RATIO or row["denominator"] is None:
        return None, None
    return row["numerator"], row["denominator"]


def _contributions(rows: Mapping[_Row, dict[str, Any]], measure: str, period: str, month: Month) -> Iterator[Contribution]:
    for key, row in sorted(rows.items()):
        if key[:3] == (measure, period, month) and key.subcontract != ALL and row["numerator"] is not None:
            yield Contribution(subcontract=key.subcontract, numerator=row["numerator"], denominator=row["denominator"])


def _last_final(programme: str, rows: Mapping[_Row, dict[str, Any]], key: _Row, standing: Mapping[Month, Standing]) -> dict[str, Any]:
    """The figure of the last period before that was final and has one, its month, and where it was published."""
    earlier = {
        other.month: row
        for other, row in rows.items()
        if other._replace(month=key.month) == key and other.month < key.month and row["status"] == "final" and row["value"] is not None
    }
    if not earlier:
        return {}
    month = max(earlier)
    numerator, denominator = _counts(earlier[month])
    return {
        "last_final": Decimal(earlier[month]["value"]),
        "last_final_numerator": numerator,
        "last_final_denominator": denominator,
        "last_final_month": month,
        "last_final_source": _source(programme, standing[month], key.measure, key.period),
    }


def _grade(contract: Contract, measure: str, month: Month, parts: Iterable[Contribution]) -> Grade:
    """How well a measure can be collected from the one of those who report it from whom it is collected worst."""
    requirement = contract.requirement.get(measure)
    if requirement is None:
        return "A"
    return max((requirement.grade_of(code, month) for code in [each.subcontract for each in parts] or [""]), default="A")


def _covered(
    session: Session, programme: str, months: Sequence[Month], *, actor: Actor, as_of: datetime, now: datetime
) -> tuple[Decimal | None, tuple[CoveredShare, ...]]:
    """The year's pathway completeness: the expected volume whose returns are whole and accepted, of all that is due; and whose it is."""
    asked = quality_actions.Asked(first=months[0], last=months[-1])
    read = quality_actions.read_pathways(
        session, programme, asked, after=None, limit=quality_actions.MOST, actor=actor, as_of=as_of, now=now
    )
    inside: dict[str, Fraction] = defaultdict(Fraction)
    owed: dict[str, Fraction] = defaultdict(Fraction)
    for _, row in read.rows:
        if row.subcontract != ALL and row.returns_due:
            if row.volume.numerator is None or row.volume.denominator is None:
                return None, ()
            inside[row.subcontract] += row.volume.numerator
            owed[row.subcontract] += row.volume.denominator
    whole = sum(owed.values(), Fraction(0))
    if not whole:
        return None, ()
    parts = (
        CoveredShare(subcontract=code, share=_six_places(part / whole), included=included)
        for code in sorted(owed)
        for part, included in ((inside[code], True), (owed[code] - inside[code], False))
        if part
    )
    return _six_places(sum(inside.values(), Fraction(0)) / whole), tuple(parts)


def _six_places(share: Fraction) -> Decimal:
    """A share as a decimal; what is cut off is not counted as reached."""
    return Decimal(floor(share * 10**_PLACES)).scaleb(-_PLACES)


def _source(programme: str, published: Standing, measure: str, period: str) -> FigureSource:
    month, of = published.month, f"slice=all&period={period}&measure={measure}"
    return FigureSource(
        publication=published.sequence,
        row=f"/v1/programmes/{programme}/publications/{published.sequence}?{of}",
        cells=f"/v1/programmes/{programme}/reports/{month}/sources?{of}&as_of={moment_text(published.as_of)}",
    )


def _cost(contract_year: int, stated: Sequence[StatedInput], kind: InputKind, *, final: bool) -> Cost | None:
    found = latest_stated(stated, final=final).get(InputKey(contract_year, kind, ALL))
    if found is None:
        return None
    approved_by = found.recorded_by if found.state == "approved" else None
    return Cost(pence=int(found.value), source=found.source, number=found.number, approved_by=approved_by)


def has_moved(contract_year: int, inputs: Inputs, stated: Sequence[StatedInput], *, final: bool) -> bool:
    """Whether other costs or factors count now than those that inputs were read with; the same stated anew is none."""

    def said(cost: Cost | None) -> tuple[int, str] | None:
        return None if cost is None else (cost.pence, cost.source)

    def each(factors: Iterable[StatedFactor]) -> list[tuple[str, Decimal, str]]:
        return [(factor.code, factor.factor, factor.source) for factor in factors]

    costs = {kind: _cost(contract_year, stated, kind, final=final) for kind in _COSTS}
    return any(said(getattr(inputs, kind)) != said(cost) for kind, cost in costs.items()) or each(inputs.factors) != each(
        _factors(stated, final=final)
    )


def _factors(stated: Sequence[StatedInput], *, final: bool) -> Iterator[StatedFactor]:
    for key, found in sorted(latest_stated(stated, final=final).items()):
        if key.kind == "factor":
            yield StatedFactor(code=key.code, factor=found.value, source=found.source, number=found.number)
