"""The demonstration's document, story and figures, without a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random

import pytest

from app.assurance.domain import findings
from app.calendar.contract import Contract
from app.calendar.deadlines import deadline
from app.calendar.expected import CellKey, ReturnKey, expected_cells, expected_returns
from app.configuration.document import Document, completed
from app.configuration.domain import faults_of
from app.configuration.effects import contract_of
from app.configuration.nesting import parent_with_child
from app.demo.document import MONTHS, TREATS, document, first_month
from app.demo.figures import Cell, cells_of, correction, not_collected
from app.demo.story import GAP_MEASURE, SENDING, SETTLING, Deed, acts, beginning
from app.kernel.figures import NumericKind, fits
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.measures.domain import Measure

FIRST = Month.parse("2025-10")


def demonstration(first: Month = FIRST) -> Contract:
    return contract_of(completed(Document.model_validate(document(first))), organisations=(), recorded_at=datetime(2025, 9, 1, tzinfo=UTC))


CONTRACT = demonstration()
MEASURES: Mapping[str, Measure] = {measure.code: measure for measure in CONTRACT.measures}


def figures(key: ReturnKey, seed: str = "seed") -> list[Cell]:
    return cells_of(key.subcontract, key.month, expected_cells(CONTRACT, key), MEASURES, Random(f"{seed}{key}"))


def test_the_document_has_no_fault() -> None:
    read = completed(Document.model_validate(document(FIRST)))
    assert list(faults_of(read, registered=frozenset())) == []
    assert list(parent_with_child(CONTRACT)) == []


def test_invented_organisations_say_so_and_published_ones_do_not() -> None:
    for organisation in CONTRACT.organisations:
        assert organisation.ods_code.startswith(("H99", "X99")) == ("fictional" in organisation.name)


def test_three_acute_two_community_and_five_hospice_subcontracts_owe_one_return_a_month_each() -> None:
    sectors = [subcontract.sector for subcontract in CONTRACT.subcontracts]
    assert sorted(sectors) == ["acute"] * 3 + ["community"] * 2 + ["hospice"] * 5
    assert [key.subcontract for key in expected_returns(CONTRACT, FIRST)] == sorted(
        CONTRACT.subcontract,
        key=lambda reference: ({"community": 0, "acute": 1, "hospice": 2}[CONTRACT.subcontract[reference].sector], reference),
    )


@pytest.mark.parametrize("key", expected_returns(CONTRACT, FIRST.plus(3)), ids=lambda key: key.subcontract)
def test_figures_are_as_fine_as_their_measure_and_no_part_is_above_its_whole(key: ReturnKey) -> None:
    cells = figures(key)
    expected = set(expected_cells(CONTRACT, key))
    assert {_place(cell) for cell in cells} <= expected
    assert {cell["measure"] for cell in cells} == {cell.measure for cell in expected}
    for cell in cells:
        measure = MEASURES[cell["measure"]]
        assert ("denominator" in cell) == measure.has_denominator
        for figure in (cell["numerator"], cell.get("denominator", Decimal(0))):
            assert fits(figure, NumericKind(measure.numeric_kind))
        assert 0 <= cell["numerator"] <= cell.get("denominator", cell["numerator"])


def _place(cell: Cell) -> CellKey:
    return CellKey(*(cell.get(name, "all") for name in CellKey._fields))


def test_a_stock_is_stated_wherever_it_is_owed() -> None:
    for key in expected_returns(CONTRACT, FIRST):
        owed = {cell for cell in expected_cells(CONTRACT, key) if cell.measure == "CASELOAD"}
        assert {_place(cell) for cell in figures(key) if cell["measure"] == "CASELOAD"} == owed


def test_the_same_seed_gives_the_same_figures_and_another_does_not() -> None:
    key = ReturnKey("cwt", "SC-RJE", FIRST)
    assert figures(key) == figures(key)
    assert figures(key) != figures(key, "another")


def test_some_patients_count_half_for_each_of_two_providers() -> None:
    halves = [cell for cell in figures(ReturnKey("cwt", "SC-RJE", FIRST)) if cell["numerator"] % 1]
    assert halves
    assert {cell["measure"] for cell in halves} == {"CWT-62"}


def test_both_ends_of_a_handover_count_the_same_patients() -> None:
    received = {
        cell.get("category"): cell["numerator"] for cell in figures(ReturnKey("cwt", TREATS, FIRST)) if cell["measure"] == "LUNG-IN"
    }
    for sender in ("SC-RL4", "SC-RTG"):
        sent = [cell for cell in figures(ReturnKey("cwt", sender, FIRST)) if cell["measure"] == "LUNG-OUT"]
        assert [(cell["category"], cell["numerator"]) for cell in sent] == [(TREATS, received[sender])]


def test_a_correction_moves_one_patient_into_time() -> None:
    before = figures(ReturnKey("cwt", "SC-RJE", FIRST))
    after = correction(before)
    assert _sum(after, "numerator") == _sum(before, "numerator") + 1
    assert _sum(after, "denominator") == _sum(before, "denominator")
    assert [_place(cell) for cell in after] == [_place(cell) for cell in before]


def _sum(cells: Sequence[Cell], member: str) -> Decimal:
    return sum((cell.get(member, 0) for cell in cells), Decimal(0))


def test_a_measure_that_could_not_be_counted_carries_no_figure() -> None:
    cells = not_collected(figures(ReturnKey("community", "SC-RRE", FIRST)), GAP_MEASURE, "system_change")
    missed = [cell for cell in cells if cell["measure"] == GAP_MEASURE]
    assert missed
    assert all(cell["state"] == "not_collected" and "numerator" not in cell for cell in missed)


@pytest.mark.parametrize("on", [FIRST.plus(MONTHS + 1).first_day, FIRST.plus(MONTHS + 1).last_day], ids=str)
def test_one_paper_is_missing_and_one_lapses_soon_whatever_day_it_is(on: date) -> None:
    assert [(each.subcontract, each.finding) for each in findings(CONTRACT, on)] == [("SC-H9903", "missing"), ("SC-RLY", "lapsing")]


def test_the_story_has_a_late_a_missing_a_gap_and_a_correction() -> None:
    story = acts(CONTRACT, FIRST, until=datetime.combine(FIRST.plus(MONTHS).first_day, time(), tzinfo=LONDON) + timedelta(days=90))
    story = [act for act in story if act.key.month < FIRST.plus(MONTHS)]
    sent = [act for act in story if act.deed in SENDING]
    expected = {key for number in range(MONTHS) for key in expected_returns(CONTRACT, FIRST.plus(number))}
    assert expected - {act.key for act in sent} == {ReturnKey("hospice", "SC-H9903", FIRST.plus(MONTHS - 1))}
    late = {act.key for act in sent if act.at > deadline(CONTRACT.collection[act.key.collection].due, act.key.month, CONTRACT.days)}
    assert {key.subcontract for key in late} == {"SC-RL4", "SC-H9902"}
    assert [act.deed for act in sent if act.deed is not Deed.SEND] == [Deed.SEND_WITH_GAP, Deed.SEND_SHORT]
    assert [act.deed for act in story if act.deed in SETTLING] == [*SETTLING, *SETTLING[2:]]
    corrected = [act for act in story if act.deed is Deed.CORRECT]
    accepted = [act.at for act in story if act.deed is Deed.ACCEPT and act.key == corrected[0].key]
    assert len(corrected) == 1
    assert accepted[0] < corrected[0].at < accepted[1]


@pytest.mark.parametrize("year", range(2024, 2044, 6))
def test_every_act_lies_after_the_document_and_before_today_whatever_day_it_is(year: int) -> None:
    for number in range(1, 13):
        today = date(year, number, 1)
        first = first_month(Month.of(today))
        story = acts(demonstration(first), first, until=datetime.combine(today, time(), tzinfo=LONDON))
        assert beginning(first) < story[0].at
        assert story == sorted(story)
        assert story[-1].at < datetime.combine(today, time(), tzinfo=LONDON)
        assert {act.key.month for act in story} == set(first.through(first.plus(MONTHS - 1)))
