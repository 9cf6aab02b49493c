"""Whatever is assigned, ended, suspended and terminated: one obligation a duty, and months owed are months live."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.calendar.contract import Contract
from app.calendar.expected import duties, duties_of_month, duties_of_return, expected_returns, flags_of
from app.kernel.months import Month
from app.subcontracts.domain import MOVES, NOT_DELIVERING, Subcontract, faults_of
from tests.make import contract, document, subcontract

FIRST, LAST = Month.parse("2026-07"), Month.parse("2028-06")
MONTHS = tuple(FIRST.through(LAST))
BEFORE, AFTER = date(2026, 7, 1), date(2028, 6, 30)

days = st.dates(BEFORE, AFTER)


@st.composite
def histories(draw: st.DrawFn) -> dict[str, Any]:
    """A term and a walk through the statuses; now and then it has no history."""
    starts_on, ends_on = sorted((draw(days), draw(days)))
    status = draw(st.sampled_from(sorted(set(MOVES) - NOT_DELIVERING)))
    steps: list[dict[str, str]] = []
    for day in sorted(draw(st.lists(days, max_size=6))):
        steps.append({"status": status, "from_day": (starts_on if not steps else max(day, starts_on)).isoformat()})
        following = sorted(MOVES[status] - {"expired"})
        if not following:
            break
        status = draw(st.sampled_from(following))
    return {"starts_on": starts_on.isoformat(), "ends_on": ends_on.isoformat(), "status": None, "status_history": steps}


@st.composite
def spans_of_months(draw: st.DrawFn) -> list[dict[str, str]]:
    """Months in which a place is assigned: spans that follow each other, some at once and some after a pause."""
    edges = sorted(draw(st.lists(st.sampled_from(MONTHS), max_size=6, unique=True)))
    return [{"from_month": str(first), "to_month": str(last)} for first, last in zip(edges[::2], edges[1::2], strict=False)]


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    agreements = [subcontract(f"SC-{code}", code, "acute", **draw(histories())) for code in ("RJE", "RL4")]
    lines = [
        {"subcontract": line["reference"], "pathway": "cancer", "segment": segment, "sites": [site], "commissioners": ["05W"], **months}
        for line in agreements
        for segment in ("diagnosis", "treatment")
        for site in ("lung", "bladder")
        for months in draw(spans_of_months())
    ]
    every = draw(st.sampled_from(["month", "quarter", "half_year", "year"]))
    collections = [{**line, "every": every} for line in document()["collections"]]
    return contract(subcontracts=agreements, assignments=lines, collections=collections, requirements=[])


@given(contracts(), st.permutations(MONTHS))
def test_months_of_one_stretch_share_what_each_of_them_asks_for(found: Contract, months: list[Month]) -> None:
    for line in found.subcontracts:
        for month in months:
            assert duties_of_month(found, line.reference, month) == tuple(duties(found, line.reference, month))


def live_days(line: Subcontract) -> set[date]:
    """Day by day: the term without what its history takes away."""
    found = set()
    for number in range((line.last_day - line.starts_on).days + 1):
        day = line.starts_on + timedelta(days=number)
        statuses = [step.status for step in line.status_history if step.from_day <= day]
        if not statuses or statuses[-1] not in NOT_DELIVERING:
            found.add(day)
    return found


@given(contracts())
def test_months_owed_are_months_live(stood: Contract) -> None:
    for reference, line in stood.subcontract.items():
        assert list(faults_of(line)) == []
        live = {Month.of(day) for day in live_days(line)}
        assigned = {month for month in MONTHS for fact in stood.assignments_of.get(reference, ()) if fact.in_month(month)}
        assert {month for month in MONTHS if any(duties(stood, reference, month))} == live & assigned


@given(contracts())
def test_no_duty_is_owed_twice_or_by_nobody(stood: Contract) -> None:
    keys = [key for month in MONTHS for key in expected_returns(stood, month)]
    assert len(keys) == len(set(keys))
    owed = Counter((key.subcontract, duty.assignment[:6], duty.measure.code) for key in keys for duty in duties_of_return(stood, key))
    asked = Counter(
        (reference, duty.assignment[:6], duty.measure.code)
        for reference in stood.subcontract
        for month in MONTHS
        for duty in duties(stood, reference, month)
    )
    # The programme's two years hold whole quarters, halves and years: nothing falls due after them.
    assert owed == asked


@given(contracts())
def test_flags_follow_from_the_days(stood: Contract) -> None:
    for reference, line in stood.subcontract.items():
        live = live_days(line)
        collection = stood.collection["cwt"]
        length = {"month": 1, "quarter": 3, "half_year": 6, "year": 12}[collection.every]
        keys = [key for month in MONTHS for key in expected_returns(stood, month, subcontract=reference)]
        finals = [key for key in keys if flags_of(stood, key).final]
        statuses = [step.status for step in line.status_history if step.from_day <= line.last_day]
        goes_on = any(keys and fact.to_month > keys[-1].month for fact in stood.assignments_of.get(reference, ()) if fact.to_month)
        # The last one is final, unless a suspension is open that may yet be lifted in a month that is assigned.
        assert finals == ([] if statuses[-1:] == ["suspended"] and goes_on else keys[-1:])
        for key in keys:
            first = key.month.plus(1 - length).first_day
            period = {first + timedelta(days=number) for number in range((key.month.last_day - first).days + 1)}
            flags = flags_of(stood, key)
            assert flags.part_month == (not period <= live)
