"""What a trial of a document, or of one line of it, answers: the difference by noun and line, and what follows of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.calendar.deadlines import DeadlineKind
from app.configuration.actions import Applied
from app.configuration.consequences import Block, Consequences, Obligation, Recounted
from app.configuration.differences import Changes, Key, LineChange
from app.configuration.rescheduled import Rescheduled
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line
from app.kernel.moments import moment_text
from app.kernel.months import Month
from app.kernel.ranges import Range
from app.measures.domain import Comparability


class LineDifferenceView(BaseModel):
    """One line as the document states it, before and after; null where it is not there."""

    key: list[str | int]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class NounDifference(BaseModel):
    """The keys of one noun's lines that a document adds, changes and withdraws, and these lines."""

    noun: str
    added: list[list[str | int]]
    changed: list[list[str | int]]
    withdrawn: list[list[str | int]]
    lines: list[LineDifferenceView]


class ObligationView(BaseModel):
    """A subcontract's returns in one collection, of every month from the first to the last that ends a period."""

    collection: str
    subcontract: str
    from_month: str
    to_month: str


class BlockView(BaseModel):
    """A segment at each of these sites for each of these commissioners, from month to month."""

    pathway: str
    segment: str
    sites: list[str]
    commissioners: list[str]
    from_month: str
    to_month: str


class RecountedView(BaseModel):
    """Months of which one version of a measure counts otherwise than another did: its series starts anew with `from_month`.

    `obligations` are the returns that state it in these months.
    """

    measure: str
    from_month: str
    to_month: str
    version_before: int
    version_after: int
    comparable: Comparability
    because: list[str]
    obligations: list[ObligationView]


class RescheduledView(BaseModel):
    """A deadline of a month's returns that would fall on another instant; null where there is none."""

    collection: str
    month: str
    kind: DeadlineKind
    before: datetime | None
    after: datetime | None


class WeightsView(BaseModel):
    """What the weights of a contract year sum to, where it changes; null where none is stated."""

    contract_year: int
    before: ExactDecimal | None
    after: ExactDecimal | None


class EffectsView(BaseModel):
    """What follows. Months touched have accepted figures that would be computed anew; publications touched are those that hold such a month."""

    obligations_appearing: list[ObligationView]
    obligations_disappearing: list[ObligationView]
    obligations_changing: list[ObligationView]
    gaps_opened: list[BlockView]
    gaps_closed: list[BlockView]
    overlaps_appearing: list[BlockView]
    overlaps_disappearing: list[BlockView]
    measures_recounted: list[RecountedView]
    deadlines_moved: list[RescheduledView]
    weights: list[WeightsView]
    months_touched: list[str]
    publications_touched: list[int]


class Difference(BaseModel):
    """What bringing a document into force would change and do; empty where it says what is in force already.

    `need_approval` are the versions of measures that another person has to approve first, by code and version.
    """

    programme: str
    would_create: bool
    differences: list[NounDifference]
    effects: EffectsView
    need_approval: list[tuple[str, int]]


def difference(programme: str, applied: Applied) -> dict[str, Any]:
    """The answer of a dry run, as plain values."""
    assert applied.follows is not None, "only a dry run is asked what would follow"
    return {
        "programme": programme,
        "would_create": applied.created,
        "differences": [_noun(noun, changes) for noun, changes in applied.changes.items()],
        "effects": effects(applied.follows),
        "need_approval": [list(key) for key in applied.need_approval],
    }


def _noun(noun: str, changes: Changes) -> dict[str, Any]:
    def keys(found: list[Key]) -> list[list[str | int]]:
        return [list(key) for key in found]

    return {
        "noun": noun,
        "added": keys(changes.added),
        "changed": keys(changes.changed),
        "withdrawn": keys(changes.withdrawn),
        "lines": [_line(line) for line in changes.lines],
    }


def _line(change: LineChange) -> dict[str, Any]:
    def stated(line: Line | None) -> dict[str, Any] | None:
        return None if line is None else line.model_dump(mode="json", by_alias=True)

    return {"key": list(change.key), "before": stated(change.before), "after": stated(change.after)}


def effects(follows: Consequences) -> dict[str, Any]:
    return {
        "obligations_appearing": _obligations(follows.appearing),
        "obligations_disappearing": _obligations(follows.disappearing),
        "obligations_changing": _obligations(follows.changing),
        "gaps_opened": _blocks(follows.gaps_opened),
        "gaps_closed": _blocks(follows.gaps_closed),
        "overlaps_appearing": _blocks(follows.overlaps_appearing),
        "overlaps_disappearing": _blocks(follows.overlaps_disappearing),
        "measures_recounted": [_recounted(each) for each in follows.recounted],
        "deadlines_moved": [_rescheduled(each) for each in follows.rescheduled],
        "weights": [each._asdict() for each in follows.weights],
        "months_touched": [str(month) for month in follows.months_touched],
        "publications_touched": follows.publications_touched,
    }


def _months(months: Range) -> dict[str, str]:
    return {"from_month": str(Month(months[0])), "to_month": str(Month(months[1]))}


def _obligations(found: Iterable[Obligation]) -> list[dict[str, Any]]:
    return [{"collection": each.collection, "subcontract": each.subcontract, **_months(each.months)} for each in found]


def _recounted(each: Recounted) -> dict[str, Any]:
    return {
        "measure": each.measure,
        **_months(each.months),
        "version_before": each.before,
        "version_after": each.after,
        "comparable": each.comparable,
        "because": list(each.because),
        "obligations": _obligations(each.obligations),
    }


def _rescheduled(each: Rescheduled) -> dict[str, Any]:
    before, after = (None if instant is None else moment_text(instant) for instant in (each.before, each.after))
    return {"collection": each.collection, "month": str(each.month), "kind": each.kind, "before": before, "after": after}


def _blocks(found: Iterable[Block]) -> list[dict[str, Any]]:
    return [
        {
            "pathway": each.pathway,
            "segment": each.segment,
            "sites": list(each.sites),
            "commissioners": list(each.commissioners),
            **_months(each.months),
        }
        for each in found
    ]
