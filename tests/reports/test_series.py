"""The series behind a report's rows, on a real database: months, gaps, fixed limits, rebases, quarters, and bytes that later months never move."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.kernel.canonical import sha256
from app.kernel.figures import rounded
from app.kernel.months import Month
from app.reports.process_control import limits_of
from tests.reports.conftest import PROGRAMME, Programme, acute, document, of_62, of_fds, running
from tests.support.databases import Database

FIRST = Month.parse("2026-07")
WITHIN = (78, 81, 80, 77, 82, 79, None, 81, 76, 80, 83, 79, 80, 78, 81, 66)
"""Patients of 100 in time in each month from the first on; in the seventh nobody sent anything. The last is far below the others."""
LAST = FIRST.plus(len(WITHIN) - 1)


OPEN = [{**line, "freeze": None} for line in document()["collections"]]


def unfrozen(programme: Programme) -> Programme:
    """The same contract, in which every month stays open."""
    programme.configure(collections=OPEN)
    return programme


def send(programme: Programme, month: Month, within: int, **changes: Any) -> None:
    programme.send("SC-RJE", str(month), acute(of_62("urgent", within, 100), of_fds(0, 0)), **changes)


def spc(row: dict[str, Any]) -> dict[str, Any]:
    return {name.removeprefix("spc_"): value for name, value in row.items() if name.startswith("spc_")}


@pytest.fixture(scope="module")
def told(module_database: Database) -> Iterator[Programme]:
    """Sixteen months of one acute trust, the seventh missing."""
    with running(module_database) as programme:
        unfrozen(programme).at("2028-01-10T09:00")
        for number, within in enumerate(WITHIN):
            if within is not None:
                send(programme, FIRST.plus(number), within)
        yield programme


def limits(*within: int | None) -> tuple[Decimal, Decimal, Decimal]:
    found = limits_of([None if each is None else Fraction(each, 100) for each in within])
    assert found is not None
    return rounded(found.lower), rounded(found.mean), rounded(found.upper)


def test_a_row_says_whether_its_process_has_changed(told: Programme) -> None:
    found = spc(told.row(str(LAST), "CWT-62"))
    assert (found["lower"], found["mean"], found["upper"]) == limits(*WITHIN)
    assert (found["from"], found["points"], found["signal"], found["variation"]) == (str(FIRST), 15, "outside_limits", "concern")
    assert found["assurance"] == "hit_and_miss"
    subcontract = spc(told.row(str(LAST), "CWT-62", slice_="subcontract", subcontract="SC-RJE"))
    assert subcontract == found


def test_a_row_reads_its_series_up_to_its_own_month(told: Programme) -> None:
    eleven, twelve = (spc(told.row(str(FIRST.plus(number)), "CWT-62")) for number in (11, 12))
    assert (eleven["points"], eleven["assurance"], eleven["signal"], eleven["mean"]) == (11, "too_few_points", "none", None)
    assert (twelve["points"], twelve["assurance"], twelve["variation"]) == (12, "hit_and_miss", "common_cause")
    assert (twelve["lower"], twelve["mean"], twelve["upper"]) == limits(*WITHIN[:13])


def test_a_month_without_a_value_has_limits_and_no_verdict(told: Programme) -> None:
    gap = spc(told.row(str(LAST.plus(1)), "CWT-62"))
    assert (gap["points"], gap["variation"], gap["signal"], gap["assurance"]) == (15, None, "none", "hit_and_miss")
    assert gap["mean"] == spc(told.row(str(LAST), "CWT-62"))["mean"]


def test_only_months_and_whole_quarters_have_a_series(told: Programme) -> None:
    for period in ("year_to_date", "contract_year_to_date", "rolling_12"):
        assert set(spc(told.row(str(LAST), "CWT-62", period=period)).values()) == {None}
    assert set(spc(told.row(str(LAST), "CWT-62", period="quarter")).values()) == {None}
    quarter = spc(told.row("2027-09", "CWT-62", period="quarter"))
    assert (quarter["points"], quarter["from"], quarter["assurance"]) == (5, "2026-09", "too_few_points")


def test_what_was_never_returned_has_no_points(told: Programme) -> None:
    found = spc(told.row(str(LAST), "CONTACTS"))
    assert (found["points"], found["from"], found["assurance"]) == (0, None, "too_few_points")
    assert set(spc(told.row(str(LAST), "SURVIVAL")).values()) == {None}


def test_nothing_divided_by_nothing_is_no_point(told: Programme) -> None:
    assert spc(told.row(str(LAST), "CWT-FDS"))["points"] == 0


def test_sources_give_the_points(told: Programme) -> None:
    found = told.ask(f"{LAST}/sources", measure="CWT-62")
    assert [point["month"] for point in found["series"]] == [str(month) for month in FIRST.through(LAST)]
    assert [point["exact"] for point in found["series"][:2]] == ["39/50", "81/100"]
    assert found["series"][6] == {"month": "2027-01", "value": None, "exact": None, "denominator": None}


def bytes_of(programme: Programme, month: Month, **query: str) -> bytes:
    asked = "&".join(f"{name}={value}" for name, value in {"period": "month,quarter", **query}.items())
    answer = programme.web.get(f"/v1/programmes/{PROGRAMME}/reports/{month}?{asked}", key=programme.key("auditor"))
    assert answer.status_code == 200, answer.text
    content: bytes = answer.content
    return content


def test_an_earlier_month_that_is_corrected_moves_later_rows_and_their_digest_only(programme: Programme) -> None:
    unfrozen(programme).at("2028-01-10T09:00")
    for number in range(13):
        send(programme, FIRST.plus(number), 80 + number % 3)
    month = FIRST.plus(12)
    before = programme.ask(str(month))["report"]
    then = bytes_of(programme, month, as_of=before["as_of"])
    early = sha256(bytes_of(programme, FIRST.plus(2), as_of=before["as_of"]))
    row = programme.row(str(month), "CWT-62")
    send(programme, FIRST.plus(3), 20)
    after = programme.ask(str(month))["report"]
    assert after["inputs_sha256"] != before["inputs_sha256"]
    assert programme.row(str(month), "CWT-62")["spc_mean"] < row["spc_mean"]
    assert bytes_of(programme, month, as_of=before["as_of"]) == then
    # What came later never moved what a month before it says.
    assert sha256(bytes_of(programme, FIRST.plus(2), as_of=before["as_of"])) == early
    assert (
        programme.ask(str(FIRST.plus(2)))["report"]["inputs_sha256"]
        == programme.ask(str(FIRST.plus(2)), as_of=before["as_of"])["report"]["inputs_sha256"]
    )


def test_limits_stay_as_they_are_and_begin_anew_only_where_it_is_named(programme: Programme) -> None:
    unfrozen(programme).at("2030-01-10T09:00")
    for number in range(30):
        send(programme, FIRST.plus(number), (80 if number < 26 else 95) + number % 3)
    fixed, last = (programme.row(str(FIRST.plus(number)), "CWT-62") for number in (23, 29))
    for name in ("spc_mean", "spc_lower", "spc_upper", "spc_from"):
        assert last[name] == fixed[name]
    assert (last["spc_points"], last["spc_signal"], last["spc_variation"]) == (30, "outside_limits", "improvement")
    (requirement,) = document()["requirements"]
    step = {"from_month": str(FIRST.plus(14)), "reason": "A second clinic opened."}
    elsewhere = {"from_month": str(FIRST.plus(20)), "reason": "Moved to another site.", "for": {"subcontract": "SC-RL4"}}
    rebased_since = {**requirement, "process_control": {"fixed_after": 12, "rebases": [elsewhere, step]}}
    programme.configure(collections=OPEN, requirements=[rebased_since])
    rebased = programme.row(str(FIRST.plus(29)), "CWT-62")
    assert (rebased["spc_from"], rebased["spc_points"]) == (str(FIRST.plus(14)), 16)
    assert rebased["spc_mean"] == rounded(Fraction(sum(80 + number % 3 for number in range(14, 26)), 1200))
    assert programme.row(str(FIRST.plus(13)), "CWT-62")["spc_from"] == str(FIRST)
