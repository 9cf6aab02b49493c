"""Imports: what is wrong with one, which one stands, their rows in reports, and what was returned beside them."""

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from pydantic import ValidationError
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from app.calendar.contract import Contract
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.figures import rounded
from app.kernel.months import Month
from app.organisations.domain import Succession
from app.reports.imported import import_rows
from app.reports.imports import Import, faults_of, in_unit, measure_of, standing, value_of
from app.reports.results import MonthInputs
from app.reports.schemas import ObservationView
from tests.make import contract
from tests.reports.conftest import PROGRAMME, Programme, document

OCTOBER: Final = "2026-10"
IMPORTS: Final = f"/v1/programmes/{PROGRAMME}/imports"
AGREEMENT: Final = f"/v1/programmes/{PROGRAMME}/agreement"
SURVIVAL: Final[dict[str, Any]] = {
    "code": "SURVIVAL", "name": "Survival at one year", "aggregation": "import_only", "unit": "percent", "basis": "commissioner",
    "direction": "higher", "split_by": ["site", "commissioner"],
}  # fmt: skip
DEATHS: Final[dict[str, Any]] = {
    "code": "SACT", "name": "Deaths, adjusted", "aggregation": "import_only", "unit": "percent", "direction": "lower", "split_by": ["site"],
}  # fmt: skip


def changed(**more: Any) -> dict[str, Any]:
    """The small programme with two measures that are only imported, and what is asked of one."""
    base = document()
    asked = {"measure": "SURVIVAL", "targets": [{"interim": 0.73, "standard": 0.75}]}
    return {"measures": [*base["measures"][:-1], SURVIVAL, DEATHS], "requirements": [*base["requirements"], asked], **more}


CONTRACT: Final[Contract] = contract(**document(**changed()))


def survival(value: Any = "74.2", **more: Any) -> dict[str, Any]:
    """One year's index as its source published it."""
    about = {"measure": "SURVIVAL", "source": "Survival index", "published_on": "2026-08-20", "from_month": "2022-01", "month": "2022-12"}
    return {**about, "basis": "commissioner", "value": value, "unit": "percent", **more}


def counted(measure: str, numerator: Any, denominator: Any = None, **more: Any) -> dict[str, Any]:
    """A month's counts as a national extract has them."""
    about = {"measure": measure, "source": "National extract", "published_on": "2026-11-20", "month": OCTOBER, "basis": "provider"}
    return {**about, "numerator": numerator, **({} if denominator is None else {"denominator": denominator}), **more}


def line(sent: dict[str, Any]) -> Import:
    return Import.model_validate(json.loads(json.dumps(sent), parse_float=Decimal))


def test_an_import_without_a_fault() -> None:
    for sent in (survival(), survival(lower=73, upper="75.5"), survival("0.742", unit="ratio", commissioner="05W", site="lung"),
                 counted("CWT-62", "2.5", 3, organisation="RJE", category="urgent"), counted("BEDS", 4)):  # fmt: skip
        assert not list(faults_of(line(sent), CONTRACT, today=date(2026, 12, 1)))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (survival(measure="NONE"), {("unknown_measure", "/measure")}),
        (survival(basis="provider"), {("basis_differs", "/basis")}),
        (survival(from_month="2023-01"), {("period_reversed", "/from_month")}),
        (survival(from_month="2012-12"), {("period_too_long", "/from_month")}),
        (survival(published_on="2026-12-02"), {("published_in_future", "/published_on")}),
        (survival(published_on="2022-12-30"), {("published_before_period_ended", "/published_on")}),
        (counted("CWT-62", 1, 2, organisation="RJE", commissioner="05W"), {("two_places", "/commissioner")}),
        (survival(organisation="RQQ", commissioner="99X", site="skin"),
         {("two_places", "/commissioner"), ("unknown_organisation", "/organisation"), ("unknown_commissioner", "/commissioner"),
          ("unknown_site", "/site")}),
        (survival(commissioner="UNKNOWN"), {("unknown_not_allowed", "/commissioner")}),
        (survival(measure="SACT", basis="provider", commissioner="05W"), {("not_split", "/commissioner")}),
        (survival(category="urgent"), {("unknown_category", "/category")}),
        (counted("CWT-62", 1, 2, category="early"), {("unknown_category", "/category")}),
        (survival(None), {("figures_missing", ""), ("unit_refused", "/unit")}),
        (survival(numerator=1, denominator=2), {("figures_and_value", "/numerator"), ("figures_and_value", "/denominator")}),
        (counted("CWT-62", None, 2), {("numerator_missing", "/numerator")}),
        (counted("CWT-62", 1), {("denominator_missing", "/denominator")}),
        (counted("BEDS", 1, 2), {("denominator_refused", "/denominator")}),
        (counted("CWT-62", 3, 2), {("numerator_above_denominator", "/numerator")}),
        (counted("CWT-FDS", "0.5", 10_000_000), {("too_fine", "/numerator"), ("out_of_range", "/denominator")}),
        (counted("BEDS", -1), {("out_of_range", "/numerator")}),
        (counted("CWT-62", 1, 2, unit="percent", lower=0, upper=1),
         {("unit_refused", "/unit"), ("limits_refused", "/lower"), ("limits_refused", "/upper")}),
        (survival(unit="points"), {("unit_differs", "/unit")}),
        (survival(unit=None), {("unit_differs", "/unit")}),
        (survival("0.1234567"), {("too_fine", "/value")}),
        (survival(10_000_000), {("out_of_range", "/value")}),
        (survival(lower=70), {("limit_missing", "/upper")}),
        (survival(lower=75, upper=80), {("limits_do_not_hold_value", "/value")}),
    ],
)  # fmt: skip
def test_everything_that_is_wrong_with_an_import(sent: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    found = list(faults_of(line(sent), CONTRACT, today=date(2026, 12, 1)))
    assert {(fault.code, fault.pointer) for fault in found} == expected


@pytest.mark.parametrize("address", ["https://www.england.nhs.uk/a?b=c#d", "http://finance.example:8080/x%20y"])
def test_an_address_is_one(address: str) -> None:
    assert line(survival(address=address)).address == address


@pytest.mark.parametrize(
    "address",
    ["", "england.nhs.uk/a", "ftp://host/a", "javascript:alert(1)", "https://", "https:///a", "https://user:word@host/a", "https://host/a b",
     "https://host:99999/", "https://[::1/a", "https://host/\na", "https://hóst/a", f"https://host/{'a' * 2000}"],
)  # fmt: skip
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ValidationError):
        line(survival(address=address))


def test_the_latest_period_by_the_month_stands() -> None:
    year, later = line(survival()), line(survival(from_month="2023-01", month="2023-12"))
    again, shorter = line(survival(source="Other", published_on="2026-08-21")), line(survival(source="Third", from_month="2022-10"))
    of_site = line(survival(site="lung", from_month="2025-01", month="2025-12"))
    every = [later, shorter, of_site, year, again]

    def stands(month: str, *imports: Import) -> list[Import | None]:
        found = standing(imports, Month.parse(month))
        assert found == standing(reversed(imports), Month.parse(month))
        return [found.lines[place] for place in sorted(found.lines, key=str)]

    assert stands("2022-11", *every) == [None, None]
    assert stands("2022-12", *every) == [again, None]
    assert stands("2022-12", year, shorter) == [shorter]
    assert stands("2026-10", *every) == [later, of_site]


def test_what_was_published_before_the_first_version_is_read_by_the_first() -> None:
    versions = [{**SURVIVAL, "version": 2, "from_month": "2026-09", "unit": "points"}, {**SURVIVAL, "from_month": "2026-08"}]
    stands = contract(**document(measures=[*document()["measures"][:-1], *versions], requirements=[]))
    read = {month: measure_of(stands, replace_month(month)) for month in ("2020-12", "2026-08", "2026-09")}
    assert {month: measure.version if measure else None for month, measure in read.items()} == {"2020-12": 1, "2026-08": 1, "2026-09": 2}


def replace_month(month: str) -> Import:
    return line(survival(from_month=None, month=month))


def test_restated_a_predecessors_figure_stands_where_its_successor_has_none() -> None:
    ended = [{**each, "ends_on": "2026-09-30"} if each["reference"] == "SC-RNA" else each for each in document()["subcontracts"]]
    links = tuple(Succession(predecessor=old, successor=new, legal_on=date(2026, 10, 1), operational_on=date(2026, 10, 1)) for old, new in [
        ("RNA", "RL4"), ("05G", "05W"),
    ])  # fmt: skip
    stands, month = replace(contract(**document(**changed(subcontracts=ended))), successions=links), Month.parse(OCTOBER)
    old, new = (line(counted("SACT", 1, 10, organisation=code, month="2026-09", source=code)) for code in ("RNA", "RL4"))
    earlier = line(counted("SACT", 1, 10, organisation="RL4", month="2026-08"))
    of_places = [line(survival(commissioner="05G")), line(survival(commissioner="05W", from_month="2021-01", month="2021-12"))]

    def rows(slice_: str, *imports: Import, restated: bool) -> list[tuple[Any, ...]]:
        inputs = MonthInputs(stands, month, [], month if restated else None, standing(imports, month))
        return [said(row, "subcontract", "commissioner", "month") for row in import_rows(inputs, slice_, "month")]

    assert rows("subcontract", old, restated=False) == []
    assert rows("subcontract", old, restated=True) == [("SC-RL4", "all", "2026-09")]
    for imports in ((old, earlier), (earlier, old)):
        assert rows("subcontract", *imports, restated=True) == [("SC-RL4", "all", "2026-08")]
    assert rows("subcontract", old, new, restated=False) == [("SC-RL4", "all", "2026-09")]
    assert rows("commissioner", *of_places, restated=True) == [("all", "05W", "2021-12")]
    assert rows("commissioner", *of_places[:1], restated=True) == [("all", "05W", "2022-12")]
    assert rows("commissioner", *of_places, restated=False) == [("all", "05G", "2022-12"), ("all", "05W", "2021-12")]


RECORDED: Final = [
    survival("70.5", lower=69, upper=72),
    survival("74.2", commissioner="05W", lower="72.9", upper="75.5"),
    survival("81", commissioner="QNC", site="urological", status="provisional"),
    counted("SACT", 3, 100, organisation="RJE", month="2026-08"),
    counted("SACT", 4, 100, organisation="RJE", month="2026-09"),
    counted("SACT", 9, 100, organisation="RJE", month="2026-11", published_on="2026-11-30"),
    counted("SACT", 0, 0, organisation="RL4"),
    counted("SACT", 1, 3, month="2027-01", published_on="2027-01-31", organisation="RNA"),
]


@pytest.fixture(scope="module")
def published(october: Programme) -> Programme:
    """October, and what was published by February."""
    october.configure(**changed())
    october.at("2027-02-01T09:00")
    answer = send(october, *RECORDED)
    assert answer.status_code == 201, answer.text
    assert answer.json()["added"] == len(RECORDED)
    return october


def send(programme: Programme, *imports: dict[str, Any], role: str = "contract_manager", **headers: str) -> Any:
    key = programme.key(role, programme=PROGRAMME)
    return programme.web.post(IMPORTS, {"imports": list(imports)}, key=key, headers=headers)


def get(programme: Programme, path: str, role: str = "analyst", **scope: str) -> Any:
    return programme.web.get(path, key=programme.key(role, programme=PROGRAMME, **scope))


def said(row: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def test_a_row_is_at_its_own_latest_period_and_is_judged_as_published(published: Programme) -> None:
    (row,) = (row for row in published.rows(OCTOBER, measure="SURVIVAL", slice="all"))
    ObservationView.model_validate(row)
    assert said(row, "source", "source_published_on", "month", "period", "period_start", "period_end") == (
        "import", "2026-08-20", "2022-12", "month", "2022-01-01", "2022-12-31",
    )  # fmt: skip
    assert said(row, "value", "lower", "upper", "interval", "unit", "statistic", "basis") == (
        Decimal("0.705"), Decimal("0.69"), Decimal("0.72"), "as_published", "percent", "index", "commissioner",
    )  # fmt: skip
    assert said(row, "target", "target_kind", "standard", "contract_test", "against_target") == (
        Decimal("0.73"), "interim", Decimal("0.75"), "not_met", "worse",
    )  # fmt: skip
    assert said(row, "coverage", "returns_expected", "returns_included", "excludes", "missing_reason", "status") == (
        None, 0, 0, None, None, "final",
    )  # fmt: skip


def test_each_place_has_its_row_in_its_own_slice(published: Programme) -> None:
    rows = [row for slice_ in ("commissioner", "subcontract", "commissioner%2Bsite") for row in published.rows(OCTOBER, slice=slice_)]
    found = {said(row, "measure", "slice", "commissioner", "site", "subcontract"): row for row in rows if row["source"] == "import"}
    assert {key: said(row, "month", "value", "missing_reason", "contract_test") for key, row in found.items()} == {
        ("SURVIVAL", "commissioner", "05W", "all", "all"): ("2022-12", Decimal("0.742"), None, "met"),
        ("SURVIVAL", "commissioner+site", "QNC", "urological", "all"): ("2022-12", Decimal("0.81"), None, "met"),
        ("SACT", "subcontract", "all", "all", "SC-RJE"): ("2026-09", Decimal("0.04"), None, "no_target"),
        ("SACT", "subcontract", "all", "all", "SC-RL4"): ("2026-10", None, "denominator_zero", "no_target"),
        ("SACT", "subcontract", "all", "all", "SC-RNA"): (OCTOBER, None, "not_published_yet", "no_target"),
    }
    assert found["SURVIVAL", "commissioner", "05W", "all", "all"]["against_target"] == "similar"
    assert found["SURVIVAL", "commissioner+site", "QNC", "urological", "all"]["status"] == "provisional"
    assert said(found["SACT", "subcontract", "all", "all", "SC-RJE"], "organisation", "numerator", "denominator") == ("RJE", 4, 100)
    (whole,) = published.rows(OCTOBER, slice="all", measure="SACT")
    assert said(whole, "value", "missing_reason", "source_published_on") == (None, "not_published_yet", None)


def test_a_period_is_shown_as_it_was_published_whatever_was_asked(published: Programme) -> None:
    for period in ("quarter", "rolling_12", "year_to_date"):
        row = published.row("2026-11", "SACT", slice_="subcontract", period=period, subcontract="SC-RJE")
        assert said(row, "period", "month", "period_start", "value") == (period, "2026-11", "2026-11-01", Decimal("0.09"))


@pytest.mark.parametrize(
    ("period", "starts_on"),
    [
        ("month", "2026-11-01"),
        ("quarter", "2026-10-01"),
        ("year_to_date", "2026-04-01"),
        ("contract_year_to_date", "2026-07-01"),
        ("rolling_12", "2025-12-01"),
    ],
)
def test_what_was_not_published_yet_is_of_the_period_that_was_asked_for(published: Programme, period: str, starts_on: str) -> None:
    (row,) = published.rows("2026-11", slice="all", measure="SACT", period=period)
    assert said(row, "missing_reason", "month", "period_start", "period_end") == ("not_published_yet", "2026-11", starts_on, "2026-11-30")


def test_a_final_report_names_what_is_not_final_in_it(published: Programme) -> None:
    def noted(**asked: str) -> list[str]:
        answer = published.ask(OCTOBER, **asked)
        assert answer["report"]["status"] == "final"
        return [note["detail"] for note in answer["notes"] if note["code"] == "not_final"]

    first = "The returns of the month are final, and these figures from elsewhere are not: "
    both = "SACT, where it is not published yet; SURVIVAL as published on 2026-08-20, which its source calls provisional."
    assert noted(slice="commissioner%2Bsite") == [f"{first}SURVIVAL as published on 2026-08-20, which its source calls provisional."]
    assert noted(slice="all,commissioner%2Bsite") == [first + both]
    assert noted(slice="all,commissioner%2Bsite", measure="SACT") == [f"{first}SACT, where it is not published yet."]
    assert noted(slice="commissioner", measure="SURVIVAL") == []
    key = published.key("analyst", programme=PROGRAMME)
    path = f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?slice=all,commissioner%2Bsite&format=xlsx"
    book = CalamineWorkbook.from_object(io.BytesIO(published.web.get(path, key=key).content))
    banner = str(book.get_sheet_by_name("Report").to_python()[1][0])
    assert banner.startswith("FINAL, but for figures from elsewhere that may still change: SACT, SURVIVAL.")
    early = published.ask(OCTOBER, slice="all", as_of="2026-11-20T09:00:00Z")
    assert (early["report"]["status"], [note for note in early["notes"] if note["code"] == "not_final"]) == ("provisional", [])


def test_what_is_behind_an_imported_row_makes_it_again(published: Programme) -> None:
    rows = [
        row for slice_ in ("all", "commissioner", "subcontract", "commissioner%2Bsite") for row in published.rows(OCTOBER, slice=slice_)
    ]
    imported = [row for row in rows if row["source"] == "import"]
    assert len(imported) == 7
    keys = ("measure", "commissioner", "site", "subcontract", "slice")
    for row in imported:
        found = published.ask(f"{OCTOBER}/sources", **{name: row[name].replace("+", "%2B") for name in keys})
        assert found["row"] == row
        if not found["imports"]:
            assert row["missing_reason"] == "not_published_yet"
            continue
        (behind,) = found["imports"]
        sent = line(
            {name: value if value is None or isinstance(value, str) else str(value) for name, value in behind.items() if name != "import"}
        )
        measure = measure_of(CONTRACT, sent)
        assert measure is not None
        value = value_of(sent, measure)
        assert row["value"] == (None if value is None else rounded(value))
        assert row["lower"] == (None if sent.lower is None else rounded(in_unit(sent.lower, sent, measure)))
        assert (row["numerator"], row["month"]) == (sent.numerator, str(sent.month))


def test_imports_never_enter_what_is_pooled(published: Programme) -> None:
    def pooled() -> list[dict[str, Any]]:
        return [row for row in published.rows(OCTOBER) if row["source"] == "returns"]

    before = pooled()
    assert send(published, counted("CWT-62", 1, 900), counted("CWT-62", 1, 800, organisation="RJE", month="2026-09")).status_code == 201
    assert pooled() == before
    assert not [row for row in published.rows(OCTOBER, measure="CWT-62") if row["source"] != "returns"]


def test_what_is_sent_again_is_not_stored_again(published: Programme) -> None:
    def stored() -> Any:
        with published.database.superuser_engine.connect() as connection:
            return connection.execute(text("SELECT (SELECT count(*) FROM imports), (SELECT max(last_event_sequence) FROM ledger)")).one()

    before = stored()
    published.now = datetime(2027, 2, 2, 9, tzinfo=UTC)
    answer = send(published, *RECORDED)
    assert (answer.status_code, answer.json()["unchanged"], answer.headers.get("Location")) == (200, len(RECORDED), None)
    # A period of one month may name its first month or not.
    assert send(published, {**RECORDED[3], "from_month": "2026-08"}).json()["unchanged"] == 1
    assert stored() == before


def test_all_faults_are_told_at_once_and_nothing_is_kept(published: Programme) -> None:
    good, broken = survival(source="Nobody's"), survival(measure="NONE", source="Nobody's")
    twice = [survival(source="Twice"), survival(source="Twice", published_on="2026-08-21")]
    older = survival("70.4", published_on="2026-08-19")
    misshapen = {**good, "value": "much", "more": 1, "address": "nowhere"}
    answer = send(published, good, broken, *twice, older, misshapen, 7)  # type: ignore[arg-type]  # 7 is no import, which a client might send all the same
    assert answer.status_code == 422
    assert {(fault["code"], fault["pointer"]) for fault in answer.json()["errors"]} == {
        ("unknown_measure", "/imports/1/measure"),
        ("repeated", "/imports/3"),
        ("published_earlier", "/imports/4/published_on"),
        ("number", "/imports/5/value"),
        ("unknown_member", "/imports/5/more"),
        ("address", "/imports/5/address"),
        ("wrong_type", "/imports/6"),
    }
    assert "much" not in answer.text
    assert get(published, f"{IMPORTS}?source=Nobody%27s").json()["imports"] == []
    misread: list[Any] = [{}, [], {"imports": []}, {"imports": [survival()], "more": 1}, {"imports": [survival()] * 2001}]
    for body in misread:
        refused = published.web.post(IMPORTS, body, key=published.key("contract_manager", programme=PROGRAMME))
        assert refused.status_code == 422, refused.text
    hidden = send(published, survival(source="Patient 943 476 5919"))
    assert [fault["code"] for fault in hidden.json()["errors"]] == ["patient_identifier"]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            counted("NONE", "much", 3, organisation="MOON", site="moon", published_on="2030-01-01"),
            {("number", "/numerator"), ("unknown_measure", "/measure"), ("unknown_organisation", "/organisation"), ("published_in_future", "/published_on")},
        ),
        (survival("much", commissioner="MOON", lower=1), {("number", "/value"), ("unknown_commissioner", "/commissioner")}),
        (survival(month="October", from_month="2022-01"), {("month", "/month")}),
        ({"measure": "SURVIVAL", "source": "Index", "basis": "provider", "value": 7, "unit": "percent"}, {("missing", "/month"), ("missing", "/published_on"), ("basis_differs", "/basis")}),
    ],
)  # fmt: skip
def test_a_member_that_cannot_be_read_hides_nothing_that_is_wrong_with_the_others(
    published: Programme, sent: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    answer = send(published, sent)
    assert (answer.status_code, {(fault["code"], fault["pointer"].removeprefix("/imports/0")) for fault in answer.json()["errors"]}) == (
        422, expected
    )  # fmt: skip


def test_the_list_is_filtered_and_paged(published: Programme) -> None:
    found = [each for each in RECORDED if each["measure"] == "SACT"]
    pages, address = [], f"{IMPORTS}?measure=SACT&limit=2"
    while address:
        page = get(published, address).json()
        pages.append(page["imports"])
        address = f"{IMPORTS}?measure=SACT&limit=2&cursor={page['next']}" if page["next"] else ""
    assert [len(page) for page in pages] == [2, 2, 1]
    listed = [each for page in pages for each in page]
    assert sorted(each["month"] for each in listed) == [each["month"] for each in listed] == sorted(each["month"] for each in found)
    assert [each["month"] for each in get(published, f"{IMPORTS}?organisation=RL4&month=2026-10").json()["imports"]] == ["2026-10"]
    assert get(published, f"{IMPORTS}?commissioner=QNC&site=lung").json()["imports"] == []
    assert get(published, f"{IMPORTS}?cursor=none").status_code == 422
    one = get(published, f"{IMPORTS}/{listed[0]['import']}")
    assert one.json() == listed[0]
    assert one.json()["numerator"] == 3


BESIDE: Final = [
    (counted("CWT-62", 43, "54.5", organisation="RJE"), "agrees", None),
    (counted("CWT-62", 40, 50, organisation="RJE", site="bladder"), "agrees", None),
    (counted("CWT-62", "40.5", "51.5", organisation="RJE", site="urological"), "agrees", None),
    (counted("CWT-62", "42.5", "54.5", organisation="RJE", category="urgent"), "differs", (0, Decimal("-1.5"))),
    (counted("CWT-FDS", 131, 141, organisation="RJE"), "differs", (-1, 0)),
    (counted("BEDS", 20), "agrees", None),
    (counted("CWT-62", 17, 25, organisation="RL4"), "incomplete", None),
    (counted("CWT-62", 60, 80), "incomplete", None),
    (counted("CWT-62", 17, 25, organisation="RNA"), "not_returned", None),
    (counted("CWT-62", 17, 25, commissioner="05W", basis="commissioner"), "basis_differs", None),
    (counted("CWT-62", 17, 25, organisation="RRE"), "no_such_row", None),
    (counted("CWT-62", 17, 25, organisation="RJE", site="lung", category="urgent"), "no_such_row", None),
    (counted("CWT-62", 17, 25, organisation="RJE", from_month="2026-09"), "period_differs", None),
    (counted("CWT-FDS", None, None, organisation="RL4", value=50, unit="percent"), "value_only", None),
    (counted("DEATHS", 13), "other_figures", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def beside(published: Programme) -> Programme:
    """October's returns beside a national extract of the same month."""
    sent = [{**each, "source": f"Extract {number}"} for number, (each, _, _) in enumerate(BESIDE)]
    assert send(published, *sent).status_code == 201
    return published


def test_what_was_returned_stands_beside_what_was_published(beside: Programme) -> None:
    rows = {row["source"]: row for row in get(beside, f"{AGREEMENT}?month={OCTOBER}&limit=200").json()["agreement"]}
    for number, (each, outcome, differences) in enumerate(BESIDE):
        row = rows[f"Extract {number}"]
        compared = outcome in {"agrees", "differs"}
        assert (row["state"], row["reason"]) == ((outcome, None) if compared else ("not_compared", outcome)), each
        assert (row["detail"] is None) == compared
        found = said(row, "numerator_difference", "denominator_difference")
        assert found == (differences or ((0, None if each["measure"] == "BEDS" else 0) if compared else (None, None))), each
        if outcome in {"basis_differs", "no_such_row"}:
            assert said(row, "returned_numerator", "returned_denominator", "returned_value") == (None, None, None)
    first, gap = rows["Extract 0"], rows["Extract 6"]
    assert said(first, "organisation", "subcontracts", "returned_numerator", "returned_denominator") == ("RJE", "SC-RJE", 43, 54.5)
    assert first["imported_value"] == first["returned_value"] == float(rounded(Fraction(43) / Fraction("54.5")))
    assert gap["excludes"] == "SC-RL4 some not_collected"
    # What is only imported has nothing beside it.
    assert not [row for row in rows.values() if row["measure"] == "SACT"]


def test_a_tolerance_is_asked_for_and_lists_are_filtered(beside: Programme) -> None:
    def told(query: str) -> list[tuple[str, str]]:
        found = get(beside, f"{AGREEMENT}?month={OCTOBER}&{query}").json()["agreement"]
        return [said(row, "source", "state") for row in found]

    assert told("measure=CWT-FDS&state=differs") == [("Extract 4", "differs")]
    assert told("measure=CWT-FDS&state=differs&tolerance=0.5") == [("Extract 4", "differs")]
    assert told("measure=CWT-FDS&state=agrees&tolerance=1") == [("Extract 4", "agrees")]
    assert get(beside, f"{AGREEMENT}?month={OCTOBER}&tolerance=-1").status_code == 422
    assert get(beside, f"{AGREEMENT}?month={OCTOBER}&tolerance=few").status_code == 422
    assert told("limit=1&measure=BEDS") == [("Extract 5", "agrees")]
    page = get(beside, f"{AGREEMENT}?month={OCTOBER}&limit=3").json()
    rest = get(beside, f"{AGREEMENT}?month={OCTOBER}&limit=200&cursor={page['next']}").json()
    whole = get(beside, f"{AGREEMENT}?month={OCTOBER}&limit=200").json()
    assert [*page["agreement"], *rest["agreement"]] == whole["agreement"]
    assert get(beside, f"{AGREEMENT}?month=2025-01").json()["agreement"] == []


def test_a_publication_again_supersedes_and_the_past_stays_as_it_was(published: Programme) -> None:
    published.now = datetime(2027, 3, 1, 9, tzinfo=UTC)
    first = survival("70.5", lower=69, upper=72, site="prostate")
    name = send(published, first).json()["imports"][0]["import"]
    before = published.row(OCTOBER, "SURVIVAL", slice_="site", site="prostate")
    then = published.ask(OCTOBER, slice="site")
    as_of = then["report"]["as_of"]
    published.now = datetime(2027, 3, 2, 9, tzinfo=UTC)
    answer = send(published, {**first, "value": "71.5", "published_on": "2027-03-01", "upper": 73})
    assert (answer.status_code, answer.json()["superseding"]) == (201, 1)
    assert answer.headers["Location"] == f"{IMPORTS}/{name}"
    after = published.row(OCTOBER, "SURVIVAL", slice_="site", site="prostate")
    assert said(after, "value", "source_published_on", "against_target") == (Decimal("0.715"), "2027-03-01", "similar")
    assert said(before, "value", "source_published_on", "against_target") == (Decimal("0.705"), "2026-08-20", "worse")
    assert published.ask(OCTOBER, slice="site", as_of=as_of) == then
    assert published.ask(OCTOBER, slice="site")["report"]["inputs_sha256"] != then["report"]["inputs_sha256"]
    assert get(published, f"{IMPORTS}/{name}?as_of={as_of}").json()["value"] == 70.5
    versions = get(published, f"{IMPORTS}/{name}/history").json()["versions"]
    assert [(version["value"], version["closed_at"] is None) for version in versions] == [(70.5, False), (71.5, True)]
    assert versions[0]["closed_at"] == versions[1]["recorded_at"]
    (only,) = get(published, f"{IMPORTS}/{name}/history?as_of={as_of}").json()["versions"]
    assert (only["value"], only["closed_at"], only["closed_by"]) == (70.5, None, None)


def test_an_import_is_withdrawn_by_whoever_read_it(published: Programme) -> None:
    sent = survival("60", site="lung", source="Mistaken")
    name = send(published, sent).json()["imports"][0]["import"]
    manager, path = published.key("contract_manager", programme=PROGRAMME), f"{IMPORTS}/{name}"
    tag = published.web.get(path, key=manager).headers["ETag"]
    assert published.row(OCTOBER, "SURVIVAL", slice_="site", site="lung")["value"] == Decimal("0.6")

    def delete(key: str, **headers: str) -> Any:
        return published.web.request("DELETE", path, key=key, headers={name.replace("_", "-"): value for name, value in headers.items()})

    assert delete(manager).status_code == 428
    assert delete(manager, If_Match='"another"').status_code == 412
    assert delete(published.key("analyst", programme=PROGRAMME), If_Match=tag).status_code == 403
    published.now = datetime(2027, 4, 1, 9, tzinfo=UTC)
    assert delete(manager, If_Match=tag).json()["value"] == 60
    assert delete(manager, If_Match=tag).status_code == 404
    assert published.web.get(path, key=manager).status_code == 404
    assert get(published, f"{path}?as_of=2027-03-20T09:00:00Z").json()["value"] == 60
    assert not [row for row in published.rows(OCTOBER, slice="site", measure="SURVIVAL") if row["site"] == "lung"]
    assert send(published, {**sent, "published_on": "2026-08-01"}).json()["added"] == 1


def test_who_may_record_and_who_may_read(published: Programme) -> None:
    name = get(published, IMPORTS).json()["imports"][0]["import"]
    reads = (IMPORTS, f"{IMPORTS}/{name}", f"{IMPORTS}/{name}/history", f"{AGREEMENT}?month={OCTOBER}")
    for role in ("administrator", "contract_manager", "analyst", "finance", "auditor"):
        assert {get(published, path, role).status_code for path in reads} == {200}
        assert send(published, survival(measure="NONE"), role=role).status_code in (
            {422} if role in {"administrator", "contract_manager"} else {403}
        )
    for role, scope in (
        ("preparer", {"subcontract": "SC-RJE"}),
        ("approver", {"subcontract": "SC-RJE"}),
        ("commissioner_lead", {"commissioner": "05W"}),
    ):
        assert {get(published, path, role, **scope).status_code for path in reads} == {403}
        refused = published.web.post(IMPORTS, {"imports": [survival()]}, key=published.key(role, programme=PROGRAMME, **scope))
        assert refused.status_code == 403
    other = published.key("administrator", programme="other")
    absent = published.web.get(f"{IMPORTS}/{name}", key=other)
    assert absent.status_code == 404
    assert get(published, f"{IMPORTS}/i_{'0' * 20}").status_code == 404
    assert {published.web.get(path).status_code for path in reads} == {401}
    assert published.web.post(IMPORTS, {"imports": [survival()]}).status_code == 401
    assert published.web.request("DELETE", f"{IMPORTS}/{name}").status_code == 401


def test_the_wall_stands_without_the_application(published: Programme) -> None:
    def seen(tenant: Tenant) -> int:
        with open_session(published.database.engine, tenant) as session:
            found: int = session.execute(text("SELECT count(*) FROM imports")).scalar_one()
            return found

    whole = Tenant(PROGRAMME, "*", "*", "*")
    assert seen(whole) > len(RECORDED)
    for tenant in (
        replace(whole, subcontract="SC-RJE"),
        replace(whole, subcontract="", commissioner="05W"),
        replace(whole, programme="other"),
    ):
        assert seen(tenant) == 0
