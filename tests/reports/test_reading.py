"""Reports read as they were reported, or restated to who carries the work on: which codes rows stand under, and that nothing is lost."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.kernel.months import Month
from app.organisations.domain import Succession
from app.reports.reading import Reading
from tests.make import contract, subcontract
from tests.reports.conftest import PROGRAMME, Programme, acute, document, of_62, of_fds, running, send_october
from tests.reports.test_sources import check, sources_of
from tests.support.databases import Database

SEPTEMBER, OCTOBER, NOVEMBER = (Month.parse(text) for text in ("2026-09", "2026-10", "2026-11"))


def link(predecessor: str, successor: str, day: str = "2026-10-01") -> Succession:
    return Succession.model_validate({"predecessor": predecessor, "successor": successor, "legal_on": day})


def reading(month: Month, *links: Succession, restated: bool = True, **changes: Any) -> Reading:
    return Reading(replace(contract(**document(**changes)), successions=links), month, restated=restated)


RNA_TO_RL4, RL4_TO_RJE = link("RNA", "RL4"), link("RL4", "RJE", "2026-11-15")


@pytest.mark.parametrize(
    ("month", "links", "read"),
    [
        (OCTOBER, (), "SC-RNA"),
        (SEPTEMBER, (RNA_TO_RL4,), "SC-RNA"),
        (OCTOBER, (RNA_TO_RL4,), "SC-RL4"),
        (OCTOBER, (RNA_TO_RL4, RL4_TO_RJE), "SC-RL4"),
        (NOVEMBER, (RNA_TO_RL4, RL4_TO_RJE), "SC-RJE"),
        (OCTOBER, (RNA_TO_RL4, link("RNA", "RJE")), "SC-RNA"),  # a split: nothing says which part is whose
        (OCTOBER, (link("RNA", "RRE"),), "SC-RRE"),  # of another sector, but its only one
        (OCTOBER, (link("RNA", "X9901"),), "SC-RNA"),  # without a subcontract
    ],
)
def test_a_subcontract_is_read_as_its_organisations_successors(month: Month, links: tuple[Succession, ...], read: str) -> None:
    assert reading(month, *links).subcontract("SC-RNA") == read
    assert reading(month, *links, restated=False).subcontract("SC-RNA") == "SC-RNA"


def test_of_several_subcontracts_the_sector_says_which() -> None:
    others = [subcontract("SC-RL4-C", "RL4", "community"), subcontract("SC-OLD", "RL4", "acute", ends_on="2026-09-30")]
    assert reading(OCTOBER, RNA_TO_RL4, subcontracts=[*document()["subcontracts"], *others]).subcontract("SC-RNA") == "SC-RL4"
    twice = [subcontract("SC-RL4-2", "RL4", "acute")]
    of_two = reading(OCTOBER, RNA_TO_RL4, subcontracts=[*document()["subcontracts"], *twice])
    assert (of_two.subcontract("SC-RNA"), of_two.organisation("RNA")) == ("SC-RNA", "RL4")


ICBS = [
    {"ods_code": "QXX", "name": "A merged ICB", "from_month": "2026-11"},
    {"ods_code": "QNC", "name": "Staffordshire", "parent": "QXX", "from_month": "2026-10", "to_month": "2026-10"},
    {"ods_code": "05W", "name": "Stoke", "parent": "QNC"},
    {"ods_code": "05G", "name": "North Staffordshire", "parent": "QNC"},
]


@pytest.mark.parametrize(
    ("month", "links", "as_reported", "restated"),
    [
        (SEPTEMBER, (), "05W", "05W"),
        (OCTOBER, (), "05W QNC", "05W QNC"),
        (NOVEMBER, (), "05W QXX", "05W QXX"),
        (NOVEMBER, (link("QNC", "QXX", "2026-11-01"),), "05W QXX", "05W QXX"),
        (OCTOBER, (link("05W", "QNC"), link("05G", "QNC")), "05W QNC", "05W QNC"),  # a sub-location goes on under its own code
        (OCTOBER, (link("05W", "05G"),), "05W QNC", "05G QNC"),
        (OCTOBER, (link("05W", "15E"),), "05W QNC", "15E QNC"),  # not in the programme
        (SEPTEMBER, (link("05W", "15E"),), "05W", "05W"),
    ],
)
def test_a_commissioner_and_those_above_it_are_those_of_the_month(
    month: Month, links: tuple[Succession, ...], as_reported: str, restated: str
) -> None:
    for wanted, is_restated in ((as_reported, False), (restated, True)):
        found = reading(month, *links, restated=is_restated, commissioners=ICBS)
        assert " ".join((found.commissioner("05W"), *found.above("05W"))) == wanted


def test_a_parent_that_ended_is_succeeded_without_a_line_that_says_so() -> None:
    bare = [{**line, "parent": None} if line["ods_code"] == "QNC" else line for line in ICBS]
    assert reading(NOVEMBER, restated=False, commissioners=bare).above("05W") == ()
    merged = reading(NOVEMBER, link("QNC", "QXX", "2026-11-01"), restated=False, commissioners=bare)
    assert merged.above("05W") == ("QXX",)


def register(programme: Programme, line: dict[str, Any]) -> None:
    key = programme.key("administrator")
    asked = programme.web.get(f"/v1/organisations/{line['ods_code']}", key=key)
    headers = {"If-Match": asked.headers["ETag"]} if asked.status_code == 200 else {"If-None-Match": "*"}
    body = {"organisation": line, "why": "A test of reports."}
    answer = programme.web.put(f"/v1/organisations/{line['ods_code']}", body, key=key, headers=headers)
    assert answer.status_code in {200, 201}, answer.text


def succeed(programme: Programme, predecessor: str, successor: str, day: str) -> None:
    body = {"legal_on": day, "why": "A test of reports."}
    path = f"/v1/organisations/{predecessor}/successors/{successor}"
    answer = programme.web.put(path, body, key=programme.key("administrator"), headers={"If-None-Match": "*"})
    assert answer.status_code == 201, answer.text


@pytest.fixture(scope="module")
def merged(module_database: Database) -> Iterator[Programme]:
    """For all the tests that only read it."""
    with running(module_database) as programme:
        yield merge(programme)


def merge(programme: Programme) -> Programme:
    """RL4 closes into RJE at the end of October, and 05G goes on as 05W from November; both months are reported."""
    send_october(programme)
    programme.at("2026-12-10T09:00")
    register(programme, {"ods_code": "05W", "name": "Stoke", "kind": "sub_icb_location"})
    register(programme, {"ods_code": "05G", "name": "North Staffordshire", "kind": "sub_icb_location"})
    line = {"ods_code": "RL4", "name": "Organisation RL4", "kind": "other", "operational": {"to": "2026-10-31"}}
    register(programme, line)
    succeed(programme, "RL4", "RJE", "2026-11-01")
    succeed(programme, "05G", "05W", "2026-11-01")
    programme.send("SC-RJE", "2026-11", acute(of_62("urgent", 10, 20), of_62("urgent", 1, 2, commissioner="05G"), of_fds(3, 4)))
    return programme.at("2027-03-01T09:00")


def of(rows: list[dict[str, Any]], name: str) -> dict[str, tuple[Any, Any]]:
    return {row[name]: (row["numerator"], row["denominator"]) for row in rows}


def test_history_stands_under_its_own_name_or_under_the_successors(merged: Programme) -> None:
    asked = {"slice": "subcontract", "measure": "CWT-62", "period": "rolling_12"}
    before, after = (merged.rows("2026-11", **asked, succession=how) for how in ("as_reported", "restated"))
    assert of(before, "subcontract") == {
        "SC-RJE": (Decimal("54.0"), Decimal("76.5")),
        "SC-RL4": (17, 25),
        "SC-RNA": (None, None),
    }
    assert of(after, "organisation") == {"RJE": (Decimal("71.0"), Decimal("101.5")), "RNA": (None, None)}
    (row,) = (row for row in after if row["subcontract"] == "SC-RJE")
    (own,) = (row for row in before if row["subcontract"] == "SC-RJE")
    (gone,) = (row for row in before if row["subcontract"] == "SC-RL4")
    assert row["returns_expected"] == own["returns_expected"] + gone["returns_expected"]
    assert "SC-RL4" in row["excludes"]
    # Before the merger nobody carried it on yet.
    assert merged.rows("2026-10", slice="subcontract", succession="restated") == merged.rows("2026-10", slice="subcontract")


def test_a_commissioners_history_too_and_its_parent_holds_the_same(merged: Programme) -> None:
    asked = {"slice": "commissioner", "measure": "CWT-62", "period": "rolling_12"}
    before, after = (merged.rows("2026-11", **asked, succession=how) for how in ("as_reported", "restated"))
    assert of(before, "commissioner").keys() == {"05W", "05G", "QNC"}
    assert of(after, "commissioner").keys() == {"05W", "QNC"}
    for name in ("numerator", "denominator"):
        whole = sum(row[name] for row in before if row["commissioner_scope"] == "exact")
        assert [row[name] for row in after] == [whole, whole]
    assert merged.rows("2026-11", **asked, succession="restated", commissioner="05G") == []


@pytest.mark.parametrize("slice_", ["all", "commissioner", "subcontract", "commissioner+subcontract", "category+subcontract"])
def test_every_restated_row_follows_from_its_sources(merged: Programme, slice_: str) -> None:
    sums: dict[str, dict[str, tuple[Decimal, Decimal]]] = {"as_reported": {}, "restated": {}}
    for how, totals in sums.items():
        for row in merged.rows("2026-11", slice=slice_.replace("+", "%2B"), period="rolling_12", succession=how):
            found = sources_of(merged, row, succession=how)
            assert found["row"] == row
            check(found)
            if row["commissioner_scope"] == "exact":
                numerator, denominator = totals.get(row["measure"], (Decimal(0), Decimal(0)))
                totals[row["measure"]] = numerator + (row["numerator"] or 0), denominator + (row["denominator"] or 0)
    stock = {"BEDS", "WAIT", "DEATHS"}
    assert {code: total for code, total in sums["as_reported"].items() if code not in stock} == {
        code: total for code, total in sums["restated"].items() if code not in stock
    }


def test_the_choice_is_named_last_and_only_where_it_was_made(merged: Programme) -> None:
    plain, default, restated = (merged.ask("2026-11", **how) for how in ({}, {"succession": "as_reported"}, {"succession": "restated"}))
    assert plain == default
    assert "succession" not in plain["report"]
    assert list(restated["report"].items())[-1] == ("succession", "restated")
    assert list(restated["report"])[:-1] == list(plain["report"])
    assert {tuple(row) for row in restated["observations"]} == {tuple(plain["observations"][0])}
    path = f"/v1/programmes/{PROGRAMME}/reports/2026-11?succession=other"
    refused = merged.web.get(path, key=merged.key("analyst", programme=PROGRAMME))
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/query/succession")


def test_what_was_answered_stays_the_answer_byte_for_byte(programme: Programme) -> None:
    merged = merge(programme)
    as_of = merged.ask("2026-11")["report"]["as_of"]
    key = merged.key("analyst", programme=PROGRAMME)

    def answers() -> list[bytes]:
        paths = [
            f"/v1/programmes/{PROGRAMME}/reports/2026-11?as_of={as_of}&period=rolling_12&slice=subcontract&succession={how}"
            for how in ("as_reported", "restated")
        ]
        return [merged.web.get(path, key=key).content for path in paths]

    first = answers()
    succeed(merged, "RNA", "RJE", "2026-08-01")
    assert answers() == first
    later = merged.rows("2026-11", slice="subcontract", measure="CWT-62", period="rolling_12", succession="restated")
    assert {row["subcontract"] for row in later} == {"SC-RJE"}
