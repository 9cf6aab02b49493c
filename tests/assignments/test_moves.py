"""Whatever is assigned, ended, moved and split: shares stay within 100, and every place is held and owed once."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.assignments.domain import AssignmentLine
from app.assignments.moves import Ending, Move, NotWithinAssignment, Split, ended, moved, split
from app.calendar.contract import Contract
from app.calendar.expected import duties, expected_returns
from app.configuration.document import Document, completed, document_of
from app.configuration.domain import faults_of
from app.configuration.effects import contract_of
from app.kernel.months import Month
from app.kernel.refusals import Invalid
from tests.make import START, document

FIRST, LAST = Month.parse("2026-07"), Month.parse("2027-12")
REFERENCES = ("SC-RJE", "SC-RL4", "SC-H9901")
LINE = AssignmentLine.model_validate(
    {
        "subcontract": "SC-RJE",
        "pathway": "cancer",
        "segment": "treatment",
        "from_month": "2026-07",
        "to_month": "2027-06",
        "share": 60,
        "expected_volume": 50,
    }
)


def test_ending_shortens_a_line() -> None:
    assert ended(LINE, Ending.model_validate({"to_month": "2026-12"})) == LINE.model_copy(update={"to_month": Month.parse("2026-12")})
    for month in ("2026-06", "2027-06", "2027-07"):
        with pytest.raises(NotWithinAssignment):
            ended(LINE, Ending.model_validate({"to_month": month}))


def test_moving_takes_share_and_volume_along_and_leaves_the_waiver_behind() -> None:
    waived = LINE.model_copy(update={"waiver": {"reason": "r", "approved_by": "a"}})
    before, (after,) = moved(waived, Move.model_validate({"from_month": "2027-01", "subcontract": "SC-RL4"}))
    assert before == waived.model_copy(update={"to_month": Month.parse("2026-12")})
    changes = {"subcontract": "SC-RL4", "from_month": Month.parse("2027-01"), "waiver": None}
    assert after == waived.model_copy(update=changes)
    assert moved(LINE, Move.model_validate({"from_month": "2026-07", "subcontract": "SC-RL4"}))[0] is None
    with pytest.raises(NotWithinAssignment):
        moved(LINE, Move.model_validate({"from_month": "2027-07", "subcontract": "SC-RL4"}))


def test_splitting_gives_each_part_its_share() -> None:
    parts = [{"subcontract": "SC-RJE", "share": 20}, {"subcontract": "SC-RL4", "share": 40, "expected_volume": 30}]
    before, after = split(LINE, Split.model_validate({"from_month": "2027-01", "parts": parts}))
    assert before is not None
    assert [(line.subcontract, line.share, str(line.from_month), str(line.to_month)) for line in after] == [
        ("SC-RJE", Decimal(20), "2027-01", "2027-06"),
        ("SC-RL4", Decimal(40), "2027-01", "2027-06"),
    ]
    assert [line.expected_volume and line.expected_volume.total for line in after] == [None, Decimal(30)]


months = st.integers(FIRST.ordinal, LAST.ordinal).map(lambda ordinal: str(Month(ordinal)))
shares = st.sampled_from([None, 10, 40, 60, 100])
lines = st.fixed_dictionaries(
    {
        "subcontract": st.sampled_from(REFERENCES),
        "pathway": st.just("cancer"),
        "segment": st.sampled_from(["diagnosis", "treatment"]),
        "sites": st.sampled_from(["all", ["lung"], ["lung", "prostate"]]),
        "commissioners": st.sampled_from(["all", ["05W"]]),
        "from_month": months,
        "to_month": st.none() | months,
        "share": shares,
        "reported_by": st.none() | st.sampled_from(REFERENCES),
    }
)
part = st.fixed_dictionaries({"subcontract": st.sampled_from(REFERENCES), "share": st.sampled_from([0, 10, 50, 90])})
acts = st.one_of(
    st.tuples(st.just("assign"), lines),
    st.tuples(st.just("end"), st.fixed_dictionaries({"to_month": months})),
    st.tuples(st.just("move"), st.fixed_dictionaries({"from_month": months, "subcontract": st.sampled_from(REFERENCES)})),
    st.tuples(st.just("split"), st.fixed_dictionaries({"from_month": months, "parts": st.lists(part, min_size=1, max_size=3)})),
)


def acted(stood: Document, kind: str, said: dict[str, Any], which: int) -> Document:
    """The document after an act on one of its lines; the same where the act cannot be."""
    held = stood.assignments
    if kind == "assign":
        changed = [AssignmentLine.model_validate(said)]
    elif held:
        line, held = held[which % len(held)], tuple(each for number, each in enumerate(held) if number != which % len(held))
        try:
            if kind == "end":
                changed = [ended(line, Ending.model_validate(said))]
            else:
                before, after = moved(line, Move.model_validate(said)) if kind == "move" else split(line, Split.model_validate(said))
                changed = [*([before] if before else []), *after]
        except Invalid as refusal:
            # In a month that is none of the line's, or to whoever holds it.
            if any(fault.code not in {"not_within_assignment", "same_subcontract"} for fault in refusal.faults):
                raise
            return stood
    else:
        return stood
    edited = stood.model_copy(update={"assignments": (*held, *changed)})
    return stood if faults_of(edited, registered=frozenset()) else edited


def held_twice(contract: Contract) -> list[Any]:
    facts = Counter((fact[:5], month) for fact in contract.assignments for month in FIRST.through(LAST) if fact.in_month(month))
    return [place for place, times in facts.items() if times > 1]


def largest_share(contract: Contract) -> Decimal:
    sums: Counter[Any] = Counter()
    for fact in contract.assignments:
        for month in FIRST.through(LAST):
            if fact.share is not None and fact.in_month(month):
                sums[fact[1:5], month] += fact.share  # type: ignore[assignment]  # a Counter counts in decimals as well
    return max((Decimal(total) for total in sums.values()), default=Decimal(0))


def owed_otherwise_than_once(contract: Contract) -> list[Any]:
    """Places that are delivered in a month and that none or several subcontracts answer for; all are live, asked and collected."""
    found = []
    for month in FIRST.through(LAST):
        owed = Counter(
            duty.assignment[:5]
            for reference in {key.subcontract for key in expected_returns(contract, month)}
            for duty in duties(contract, reference, month)
        )
        held = {fact[:5] for fact in contract.assignments if fact.in_month(month)}
        found += [(month, place) for place in held | owed.keys() if owed[place] != (place in held)]
    return found


@settings(max_examples=50)
@given(st.lists(st.tuples(acts, st.integers(0, 20)), max_size=12))
def test_no_sequence_of_acts_passes_100_or_owes_a_cell_twice(sequence: list[tuple[tuple[str, dict[str, Any]], int]]) -> None:
    stood = completed(Document.model_validate({**document(requirements=[]), "assignments": []}))
    for (kind, said), which in sequence:
        stood = acted(stood, kind, said, which)
    contract = contract_of(stood, organisations=(), recorded_at=START)
    assert not held_twice(contract)
    assert largest_share(contract) <= 100
    assert not owed_otherwise_than_once(contract)
    # What stands is what would be read back.
    assert contract_of(document_of(contract), organisations=(), recorded_at=START) == contract
