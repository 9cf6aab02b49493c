"""The shapes of reports on the wire, and the reading of their parameters."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel

from app.kernel.figures import carried, rounded
from app.kernel.months import Month
from app.kernel.refusals import Fault, Invalid
from app.reports.actions import FunnelRead
from app.reports.domain import FunnelQuery, ReportQuery, SourceQuery
from app.reports.funnel import FunnelPoint
from app.reports.head_schemas import HeadView, Number, Status, TrendHeadView
from app.reports.periods import PERIODS
from app.reports.reading import SUCCESSIONS
from app.reports.results import METHOD_VERSION
from app.reports.slices import DEFAULT_SLICES, SLICES

SliceCode = Literal[
    "all",
    "commissioner",
    "site",
    "pathway",
    "segment",
    "category",
    "subcontract",
    "commissioner+site",
    "commissioner+subcontract",
    "site+subcontract",
    "category+site",
    "category+subcontract",
]
PeriodCode = Literal["month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12"]


class ObservationView(BaseModel):
    """One row: a measure in a slice and a period. Every row has every member; `all` marks a total, never to be added to its parts."""

    slice: SliceCode
    measure: str
    measure_name: str
    measure_version: int
    kind: Literal["data_quality", "service_standard", "outcome", "experience", "activity"] | None
    basis: Literal["provider", "commissioner"]
    statistic: Literal["ratio", "count", "stock", "mean", "median", "p90", "index"]
    month: str
    period: PeriodCode
    period_start: str
    period_end: str
    commissioner: str
    commissioner_name: str
    commissioner_scope: Literal["exact", "whole", "part"]
    site: str
    site_name: str
    site_scope: Literal["exact", "wider", "parent"]
    pathway: str
    pathway_name: str
    segment: str
    segment_name: str
    subcontract: str
    organisation: str
    organisation_name: str
    breakdown: str
    category: str
    numerator: Number | None
    denominator: Number | None
    value: Number | None
    unit: str | None
    direction: Literal["higher", "lower", "neutral"] | None
    lower: Number | None
    upper: Number | None
    interval: Literal["wilson_95", "byar_95", "exact_95", "as_published"] | None
    standard: Number | None
    target: Number | None
    target_kind: Literal["trajectory", "interim", "standard"] | None
    floor: Number | None
    stretch: Number | None
    contract_test: Literal["met", "not_met", "no_target", "not_judged"]
    against_target: Literal["better", "similar", "worse"] | None
    spc_mean: Number | None
    spc_lower: Number | None
    spc_upper: Number | None
    spc_from: str | None
    spc_points: int | None
    spc_variation: Literal["common_cause", "improvement", "concern", "neither_high", "neither_low"] | None
    spc_signal: Literal["none", "outside_limits", "shift", "trend", "two_of_three"] | None
    spc_assurance: Literal["consistently_hitting", "hit_and_miss", "consistently_failing", "no_target", "too_few_points"] | None
    coverage: Number | None
    returns_expected: int
    returns_included: int
    excludes: str | None
    status: Status
    source: Literal["returns", "import", "derived"]
    source_published_on: str | None
    missing_reason: (
        Literal[
            "not_due",
            "late",
            "not_accepted",
            "not_collected",
            "not_applicable",
            "denominator_zero",
            "not_poolable",
            "open_band",
            "not_published_yet",
        ]
        | None
    )
    suppression: Literal["small_count", "complement", "derived", "rounded_5", "rounded_5_months"] | None
    months_held: int
    rag: Literal["green", "amber", "red"] | None
    rag_reason: (
        Literal["target_met", "cannot_be_told", "within_tolerance", "improving", "target_missed", "no_target", "no_value", "not_judged"]
        | None
    )
    coverage_test: Literal["complete", "incomplete", "unknown"] | None


class NoteView(BaseModel):
    """Something that a reader should know of all rows; `members` names those that it is about."""

    code: str
    detail: str
    members: str


class ReportView(BaseModel):
    """A month's consolidated report: one object, one array of flat rows."""

    schema_version: str
    report: HeadView
    observations: list[ObservationView]
    notes: list[NoteView]
    links: dict[str, str]


class TrendView(BaseModel):
    """The rows of many months' reports, the earliest month's first: one object, one array of flat rows."""

    schema_version: str
    trend: TrendHeadView
    observations: list[ObservationView]
    notes: list[NoteView]
    links: dict[str, str]


class SourcesView(BaseModel):
    """What is behind one row, complete enough to compute it again; the newest of several months comes last."""

    as_of: str
    inputs_sha256: dict[str, str]
    row: ObservationView
    measure: dict[str, Any]
    requirement: dict[str, Any] | None
    returns: list[dict[str, Any]]
    cells: list[dict[str, Any]]
    not_stated: list[dict[str, Any]]
    assignments: list[dict[str, Any]]
    excluded: list[dict[str, Any]]
    imports: list[dict[str, Any]]
    series: list[dict[str, Any]]
    programme: dict[str, Any]
    versions: dict[str, int | None]
    places: dict[str, Any]


class FunnelPointView(BaseModel):
    """Where a subcontract stands: its figures, the limits of chance at its denominator, and whether it is outside them."""

    subcontract: str
    organisation: str
    organisation_name: str
    numerator: Number
    denominator: Number
    value: Number
    lower_95: Number
    upper_95: Number
    lower_998: Number
    upper_998: Number
    position: Literal["above_998", "above_95", "within", "below_95", "below_998"] | None
    coverage: Number | None
    status: Status


class FunnelView(BaseModel):
    """A measure's subcontracts around what they reach together, the smallest first; of five or fewer none is judged."""

    programme: str
    measure: str
    month: str
    period: PeriodCode
    as_of: str
    method_version: str
    inputs_sha256: str
    direction: Literal["higher", "lower", "neutral"] | None
    centre: Number | None
    judgement: Literal["judged", "too_few_to_judge"]
    points: list[FunnelPointView]


def _many(description: str, *, alias: str | None = None) -> Any:
    return Query(description=f"{description}; repeated, or several with commas.", max_length=100, alias=alias)


Slices = Annotated[list[str] | None, _many(f"Slices, of {', '.join(SLICES)}; left out: {', '.join(DEFAULT_SLICES)}", alias="slice")]
Periods = Annotated[list[str] | None, _many(f"Periods, of {', '.join(PERIODS)}; left out: month")]
Measures = Annotated[list[str] | None, _many("Only these measures")]
Commissioners = Annotated[list[str] | None, _many("Only rows of these commissioners (or all, UNKNOWN)")]
Sites = Annotated[list[str] | None, _many("Only rows of these sites (or all, UNKNOWN)")]
Part = Annotated[str, Query(description="The row's own key; left out: all.", max_length=64)]
SliceOf = Annotated[str, Query(alias="slice", description=f"The row's slice, of {', '.join(SLICES)}.", max_length=64)]
SuccessionOf = Annotated[
    str,
    Query(
        description="Of `as_reported` and `restated`: under the organisations that reported, or under those that carry their work on in the"
        " report's month.",
        max_length=64,
    ),
]
IncludeOf = Annotated[
    str | None,
    Query(
        description="`submitted` counts the latest revision of each return, accepted or not, to show what is coming; it is named in `notes`.",
        max_length=64,
    ),
]
RenditionOf = Annotated[
    str | None,
    Query(
        description="`public` shows these rows as the public would be: by each measure's disclosure policy. A preview that looks at its own rows"
        " only; what is published also looks at all that the public ever had.",
        max_length=64,
    ),
]
FunnelPeriodOf = Annotated[str, Query(alias="period", description=f"The period that is compared, of {', '.join(PERIODS)}.", max_length=64)]
PeriodOf = Annotated[str, Query(description=f"The row's period, of {', '.join(PERIODS)}.", max_length=64)]


class Reader:
    """Reads parameters; names all that is wrong at once and repeats nothing that was sent."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def month(self, text: str) -> Month:
        try:
            return Month.parse(text)
        except ValueError:
            self.faults.append(Fault("not_a_month", "The month in the path is not one.", "Write it as 2026-10.", pointer="/path/month"))
            return Month(0)

    def closed(self, name: str, given: Sequence[str] | None, known: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """Some of a closed list, each once and in the list's order. A bare `+` arrives as a space."""
        if given is None:
            return default
        asked = {value.strip().replace(" ", "+") for text in given for value in text.split(",")}
        if asked - set(known):
            fault = Fault("unknown_value", f"{name} has no such value.", f"Use any of {', '.join(known)}.", pointer=f"/query/{name}")
            self.faults.append(fault)
        return tuple(value for value in known if value in asked)

    def one(self, name: str, given: str, known: Sequence[str]) -> str:
        """One of a closed list."""
        found = self.closed(name, [given.replace(",", " ")], known, ())
        return found[0] if found else known[0]

    def end(self) -> None:
        if self.faults:
            raise Invalid("A parameter is not what it must be; see errors.", faults=self.faults)


def codes(given: Sequence[str] | None) -> frozenset[str]:
    return frozenset(value.strip() for text in given or () for value in text.split(","))


def report_query(
    month: str,
    *,
    as_of: datetime | None,
    slices: Sequence[str] | None,
    periods: Sequence[str] | None,
    measures: Sequence[str] | None,
    commissioners: Sequence[str] | None,
    sites: Sequence[str] | None,
    succession: str,
    include: str | None,
    rendition: str | None,
) -> ReportQuery:
    """What the parameters of a report ask for, with every fault of them."""
    reader = Reader()
    query = ReportQuery(
        month=reader.month(month),
        as_of=as_of,
        slices=reader.closed("slice", slices, tuple(SLICES), DEFAULT_SLICES),
        periods=reader.closed("period", periods, PERIODS, ("month",)),
        measures=codes(measures),
        commissioners=codes(commissioners),
        sites=codes(sites),
        restated=reader.one("succession", succession, SUCCESSIONS) == "restated",
        submitted=include is not None and reader.one("include", include, ("submitted",)) == "submitted",
        public=rendition is not None and reader.one("rendition", rendition, ("public",)) == "public",
    )
    return replace(query, faults=tuple(reader.faults))


def trend_query(
    month: str,
    *,
    months: int,
    as_of: datetime | None,
    slice_: str,
    measures: Sequence[str] | None,
    commissioners: Sequence[str] | None,
    sites: Sequence[str] | None,
    succession: str,
    include: str | None,
) -> ReportQuery:
    """What the parameters of a trend ask for, with every fault of them."""
    reader = Reader()
    last = reader.month(month)
    query = ReportQuery(
        month=last,
        as_of=as_of,
        slices=(reader.one("slice", slice_, tuple(SLICES)),),
        measures=codes(measures),
        commissioners=codes(commissioners),
        sites=codes(sites),
        restated=reader.one("succession", succession, SUCCESSIONS) == "restated",
        submitted=include is not None and reader.one("include", include, ("submitted",)) == "submitted",
        since=last.plus(1 - months),
    )
    return replace(query, faults=tuple(reader.faults))


def source_query(
    month: str, *, measure: str, as_of: datetime | None, slice_: str, period: str, succession: str, include: str | None, **places: str
) -> SourceQuery:
    """Which row the parameters name, or every fault of them."""
    reader = Reader()
    query = SourceQuery(
        month=reader.month(month),
        measure=measure,
        as_of=as_of,
        slice_=reader.one("slice", slice_, tuple(SLICES)),
        period=reader.one("period", period, PERIODS),
        restated=reader.one("succession", succession, SUCCESSIONS) == "restated",
        submitted=include is not None and reader.one("include", include, ("submitted",)) == "submitted",
        **places,
    )
    reader.end()
    return query


def funnel_query(month: str, *, measure: str, as_of: datetime | None, period: str) -> FunnelQuery:
    """Which funnel the parameters ask for, or every fault of them."""
    reader = Reader()
    query = FunnelQuery(month=reader.month(month), measure=measure, as_of=as_of, period=reader.one("period", period, PERIODS))
    reader.end()
    return query


def funnel_answer(programme: str, query: FunnelQuery, read: FunnelRead) -> dict[str, Any]:
    """A funnel as it is answered."""
    funnel = read.funnel
    return {
        "programme": programme,
        "measure": query.measure,
        "month": query.month,
        "period": query.period,
        "as_of": read.as_of,
        "method_version": METHOD_VERSION,
        "inputs_sha256": read.inputs_sha256,
        "direction": next((row["direction"] for row in read.rows.values()), None),
        "centre": None if funnel.centre is None else carried(rounded(funnel.centre)),
        "judgement": "judged" if funnel.judged else "too_few_to_judge",
        "points": [_point(point, read.rows[point.name]) for point in funnel.points],
    }


def _point(point: FunnelPoint, row: dict[str, Any]) -> dict[str, Any]:
    named = {name: row[name] for name in ("subcontract", "organisation", "organisation_name", "numerator", "denominator", "value")}
    limits = {
        "lower_95": point.limits_95.lower,
        "upper_95": point.limits_95.upper,
        "lower_998": point.limits_998.lower,
        "upper_998": point.limits_998.upper,
    }
    return {**named, **limits, "position": point.position, "coverage": row["coverage"], "status": row["status"]}
