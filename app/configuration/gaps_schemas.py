"""What the gaps of a programme answer: ranges of months, sites and commissioners with equal ranges together."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, WithJsonSchema

from app.assignments.domain import LINE_ID_DIGITS, Assignment
from app.assignments.gaps import OutsideScope, OutsideTerm, ShareShort, Uncovered, Waived
from app.configuration.flow_down import Unsupplied, Why
from app.configuration.gaps_actions import FoundGaps, Unassigned
from app.kernel.figures import json_number
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.ranges import EVER, Range


class UncoveredView(BaseModel):
    """Months in which nobody delivers a segment for any of these sites and commissioners."""

    pathway: str
    segment: str
    sites: list[str]
    commissioners: list[str]
    from_month: str
    to_month: str | None


class ShareShortView(UncoveredView):
    """Months in which all who deliver there declare a share, and together they declare this one, in percent."""

    share: Annotated[Decimal, WithJsonSchema({"type": "number"})]


class _OfAssignment(UncoveredView):
    assignment: str
    subcontract: str


class WaiverView(_OfAssignment):
    """A line that delivers under a waiver; `needed` is false where the subcontract's settings hold the segment's after all."""

    setting: str | None
    needed: bool
    reason: str
    approved_by: str


class OutsideTermView(_OfAssignment):
    """Months of a line in which its subcontract, or the one that reports for it, does not deliver, or its organisation is closed."""

    reported_by: str | None
    reason: Literal["before_term", "after_term", "not_live", "organisation_closed", "reporter_not_live"]


class OutsideScopeView(_OfAssignment):
    """Months of a line in which these sites or commissioners are not in scope, or a site that its pathway is not for."""

    reason: Literal["site_not_in_scope", "commissioner_not_in_force", "site_not_of_pathway"]


class OutsideAssignmentView(UncoveredView):
    """Accepted figures for places that the subcontract is not assigned; pathway and segment are `all` where the measure is not split by them."""

    subcontract: str
    collection: str
    measure: str


class UnsuppliedView(BaseModel):
    """A requirement of the head contract that no subcontract's return can supply in these months, and why."""

    measure: str
    schedule_ref: str | None
    from_month: str
    to_month: str | None
    reason: Why
    detail: str


class GapCounts(BaseModel):
    """How many rows each list has, shown or not."""

    uncovered: int
    shares_short: int
    waivers: int
    outside_term: int
    outside_scope: int
    outside_assignment: int
    flow_down: int


class GapsView(BaseModel):
    """Where nobody delivers, and what does not hold together; each list holds at most `limit` rows."""

    programme: str
    from_month: str
    to_month: str
    as_of: str
    counts: GapCounts
    truncated: bool
    uncovered: list[UncoveredView]
    shares_short: list[ShareShortView]
    waivers: list[WaiverView]
    outside_term: list[OutsideTermView]
    outside_scope: list[OutsideScopeView]
    outside_assignment: list[OutsideAssignmentView]
    flow_down: list[UnsuppliedView]


def gaps_view(found: FoundGaps, *, limit: int) -> dict[str, Any]:
    """The wire shape as plain values; the lists are cut to `limit` rows, the counts are not."""
    gaps = found.gaps
    lists: dict[str, tuple[Sequence[Any], Any]] = {
        "uncovered": (gaps.uncovered, _uncovered),
        "shares_short": (gaps.shares_short, _short),
        "waivers": (gaps.waivers, _waived),
        "outside_term": (gaps.outside_term, _outside_term),
        "outside_scope": (gaps.outside_scope, _outside_scope),
        "outside_assignment": (found.outside_assignment, _outside_assignment),
        "flow_down": (found.flow_down, _unsupplied),
    }
    return {
        "programme": found.contract.programme.code,
        "from_month": str(found.first),
        "to_month": str(found.last),
        "as_of": moment_text(found.as_of),
        "counts": {name: len(rows) for name, (rows, _) in lists.items()},
        "truncated": any(len(rows) > limit for rows, _ in lists.values()),
        **{name: [view(row) for row in rows[:limit]] for name, (rows, view) in lists.items()},
    }


def _months(months: Range) -> dict[str, str | None]:
    first, last = months
    return {"from_month": str(Month(first)), "to_month": None if last >= EVER[1] else str(Month(last))}


def _of_assignment(facts: Sequence[Assignment], *, sites: Iterable[str] = (), commissioners: Iterable[str] = ()) -> dict[str, Any]:
    first = facts[0]
    return {
        "assignment": first.line[:LINE_ID_DIGITS],
        "subcontract": first.subcontract,
        "pathway": first.pathway,
        "segment": first.segment,
        "sites": sorted(sites or {fact.site for fact in facts}),
        "commissioners": sorted(commissioners or {fact.commissioner for fact in facts}),
    }


def _uncovered(row: Uncovered) -> dict[str, Any]:
    return {
        "pathway": row.pathway,
        "segment": row.segment,
        "sites": list(row.sites),
        "commissioners": list(row.commissioners),
        **_months(row.months),
    }


def _short(row: ShareShort) -> dict[str, Any]:
    return {**_uncovered(Uncovered(*row[:5])), "share": json_number(row.share)}


def _waived(row: Waived) -> dict[str, Any]:
    first = row.facts[0]
    return {
        **_of_assignment(row.facts),
        "from_month": str(first.from_month),
        "to_month": None if first.to_month is None else str(first.to_month),
        "setting": row.setting,
        "needed": row.needed,
        "reason": first.waiver_reason,
        "approved_by": first.waiver_approver,
    }


def _outside_term(row: OutsideTerm) -> dict[str, Any]:
    return {**_of_assignment(row.facts), **_months(row.months), "reported_by": row.facts[0].other_reporter, "reason": row.reason}


def _outside_scope(row: OutsideScope) -> dict[str, Any]:
    return {**_of_assignment(row.facts, sites=row.sites, commissioners=row.commissioners), **_months(row.months), "reason": row.reason}


def _outside_assignment(row: Unassigned) -> dict[str, Any]:
    place = Uncovered(row.pathway, row.segment, row.sites, row.commissioners, row.months)
    return {**_uncovered(place), "subcontract": row.subcontract, "collection": row.collection, "measure": row.measure}


def _unsupplied(row: Unsupplied) -> dict[str, Any]:
    requirement = row.requirement
    return {
        "measure": requirement.measure,
        "schedule_ref": requirement.schedule_ref,
        **_months(row.months),
        "reason": row.reason,
        "detail": row.detail,
    }
