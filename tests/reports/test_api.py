"""The report of a month over HTTP, on a real database: figures, coverage, slices, periods, as_of, and who may read."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import MACHINE
from app.kernel.canonical import sha256
from app.kernel.months import Month
from app.reports.head_schemas import ReportHeadView
from app.reports.schemas import FunnelView, ObservationView, ReportView
from app.reports.slices import PARENTS, SLICES
from app.returns.review_actions import reopen
from tests.reports.conftest import ACUTES, PROGRAMME, Programme, acute, document, of_62, waits

OCTOBER = "2026-10"


def number(text: str) -> Decimal:
    return Decimal(text)


def test_the_envelope_and_every_row_have_the_documented_members(october: Programme) -> None:
    report = october.ask(OCTOBER)
    assert list(report) == list(ReportView.model_fields)
    assert list(report["report"]) == list(ReportHeadView.model_fields)
    assert report["observations"]
    for row in report["observations"]:
        assert list(row) == list(ObservationView.model_fields)
        ObservationView.model_validate(row)
        assert all(not isinstance(value, dict | list) for value in row.values())
    head = report["report"]
    assert (head["programme"], head["month"], head["phase"], head["status"]) == (PROGRAMME, OCTOBER, 1, "provisional")
    # SC-RNA sent nothing, SC-RL4 not all; what SC-H9901 expects is not known.
    assert (head["returns_expected"], head["returns_included"], head["coverage"]) == (5, 3, None)
    assert {row["slice"] for row in report["observations"]} == {"all", "commissioner", "site", "pathway", "segment", "category"}
    assert {row["period"] for row in report["observations"]} == {"month"}


def test_a_ratio_is_pooled_to_the_half_patient_and_judged(october: Programme) -> None:
    row = october.row(OCTOBER, "CWT-62")
    assert (row["numerator"], row["denominator"], row["value"]) == (60, number("79.5"), number("0.754717"))
    assert (row["interval"], row["lower"], row["upper"]) == ("wilson_95", number("0.649861"), number("0.836092"))
    assert (row["target"], row["target_kind"], row["standard"], row["floor"], row["stretch"]) == (
        number("0.75"),
        "interim",
        number("0.85"),
        number("0.7"),
        number("0.9"),
    )
    assert (row["contract_test"], row["against_target"]) == ("met", "similar")
    assert (row["returns_expected"], row["returns_included"], row["coverage"]) == (3, 1, number("0.6"))
    assert row["excludes"] == "SC-RL4 some not_collected, SC-RNA late"
    assert (row["status"], row["missing_reason"]) == ("provisional", None)


def test_each_aggregation(october: Programme) -> None:
    def told(measure: str, **keys: str) -> tuple[Any, ...]:
        row = october.row(OCTOBER, measure, **keys)
        return row["statistic"], row["numerator"], row["value"], row["missing_reason"]

    assert told("WAIT") == ("median", 20, 2, None)
    assert told("WAIT", slice_="category", category="0-1") == ("count", 6, 6, None)
    assert told("BEDS") == ("stock", 20, 20, None)
    assert told("CONTACTS") == ("count", 17, 17, None)
    assert told("CONTACTS", slice_="commissioner", commissioner="05G") == ("count", 5, 5, None)
    assert told("DEATHS") == ("count", None, None, "not_poolable")
    assert told("DEATHS", slice_="subcontract", subcontract="SC-RRE") == ("count", 4, 4, None)
    assert told("SURVIVAL") == ("index", None, None, "not_published_yet")
    assert october.row(OCTOBER, "SURVIVAL")["source"] == "import"


def test_counts_of_events_have_limits_and_stocks_have_none(october: Programme) -> None:
    def sure(measure: str, **keys: str) -> tuple[Any, ...]:
        row = october.row(OCTOBER, measure, **keys)
        return row["interval"], row["lower"], row["upper"]

    assert sure("CONTACTS") == ("byar_95", number("9.897477"), number("27.220109"))
    assert sure("CONTACTS", slice_="commissioner", commissioner="05G") == ("exact_95", number("1.623486"), number("11.668332"))
    assert sure("WAIT", slice_="category", category="4-up") == ("exact_95", number("2.201894"), number("13.059474"))
    assert sure("DEATHS", slice_="subcontract", subcontract="SC-RRE")[0] == "exact_95"
    for measure in ("WAIT", "BEDS", "DEATHS"):
        assert sure(measure) == (None, None, None)


def test_what_is_counted_in_halves_is_noted_as_an_approximation(october: Programme) -> None:
    (note,) = (note for note in october.ask(OCTOBER)["notes"] if note["code"] == "approximate_intervals")
    assert "CWT-62" in note["detail"]


def test_a_count_is_set_beside_its_target(own: Programme) -> None:
    def against(target: int) -> Any:
        own.configure(requirements=[{"measure": "CONTACTS", "targets": [{"standard": target}]}])
        return own.row(OCTOBER, "CONTACTS")["against_target"]

    # 17 contacts, limits 9.90 to 27.22; the measure says of no direction that it is better, so more is.
    assert [against(target) for target in (9, 10, 27, 28)] == ["better", "similar", "similar", "worse"]


def test_a_funnel_names_each_subcontract_and_judges_none_of_a_few(october: Programme) -> None:
    found = october.ask(f"{OCTOBER}/funnel", measure="CWT-62")
    assert list(found) == list(FunnelView.model_fields)
    assert (found["centre"], found["judgement"]) == (number("0.754717"), "too_few_to_judge")
    assert [(point["subcontract"], point["denominator"], point["position"]) for point in found["points"]] == [
        ("SC-RL4", 25, None),
        ("SC-RJE", number("54.5"), None),
    ]
    assert found["points"][0]["lower_95"] == number("0.58606")
    key = october.key("analyst", programme=PROGRAMME)
    for query, status in (("measure=CONTACTS", 422), ("measure=SECRET-9", 422), ("measure=CWT-62&period=week", 422), ("", 422)):
        answer = october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}/funnel?{query}", key=key)
        assert answer.status_code == status
        assert "SECRET-9" not in answer.text
    preparer = october.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")
    path = f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}/funnel?measure=CWT-62"
    assert october.web.get(path, key=preparer).status_code == 403
    assert october.web.get(path.replace(PROGRAMME, "other"), key=key).status_code == 404
    assert october.web.get(path).status_code == 401


@pytest.mark.parametrize("slice_", list(SLICES))
def test_rows_without_parents_add_up_to_all(october: Programme, slice_: str) -> None:
    totals = {row["measure"]: row for row in october.rows(OCTOBER, slice="all")}
    rows = october.rows(OCTOBER, slice=slice_.replace("+", "%2B"))
    assert rows == october.rows(OCTOBER, slice=slice_)
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        if row["site_scope"] not in PARENTS and row["commissioner_scope"] not in PARENTS and row["numerator"] is not None:
            held = sums.setdefault(row["measure"], [Decimal(0), Decimal(0)])
            held[0] += row["numerator"]
            held[1] += row["denominator"] or 0
    assert sums
    for measure, (numerator, denominator) in sums.items():
        if totals[measure]["missing_reason"] != "not_poolable":
            assert (numerator, denominator) == (totals[measure]["numerator"], totals[measure]["denominator"] or 0), measure
    keys = [
        tuple(row[name] for name in ("measure", "commissioner", "site", "pathway", "segment", "subcontract", "category")) for row in rows
    ]
    assert len(keys) == len(set(keys))


def test_parents_are_computed_from_children_and_wider_sites_are_marked(october: Programme) -> None:
    urological = october.row(OCTOBER, "CWT-62", slice_="site", site="urological")
    assert (urological["site_scope"], urological["numerator"], urological["denominator"]) == ("parent", number("40.5"), number("51.5"))
    assert october.row(OCTOBER, "CWT-62", slice_="site", site="prostate")["site_scope"] == "exact"
    wider = october.row(OCTOBER, "CWT-FDS", slice_="site", site="urological")
    assert (wider["site_scope"], wider["numerator"]) == ("wider", 90)
    whole = october.row(OCTOBER, "CWT-62", slice_="commissioner", commissioner="QNC")
    assert (whole["commissioner_scope"], whole["numerator"], whole["commissioner_name"]) == ("part", 60, "Staffordshire")
    both = october.row(OCTOBER, "CWT-62", slice_="commissioner+site", commissioner="QNC", site="urological")
    assert (both["site_scope"], both["commissioner_scope"], both["numerator"]) == ("parent", "part", number("40.5"))


def test_a_parent_of_which_the_programme_holds_all_is_whole(own: Programme) -> None:
    commissioners = [{**line, "whole": True} if line["ods_code"] == "QNC" else line for line in document()["commissioners"]]
    own.configure(commissioners=commissioners)
    assert own.row(OCTOBER, "CWT-62", slice_="commissioner", commissioner="QNC")["commissioner_scope"] == "whole"


def test_a_subcontract_has_its_own_rows_and_target(october: Programme) -> None:
    rows = {row["subcontract"]: row for row in october.rows(OCTOBER, slice="subcontract", measure="CWT-62")}
    assert set(rows) == set(ACUTES)
    assert (rows["SC-RL4"]["target"], rows["SC-RL4"]["target_kind"], rows["SC-RL4"]["contract_test"]) == (
        number("0.68"),
        "trajectory",
        "met",
    )
    assert (rows["SC-RL4"]["standard"], rows["SC-RL4"]["organisation"]) == (number("0.85"), "RL4")
    assert (rows["SC-RNA"]["value"], rows["SC-RNA"]["missing_reason"], rows["SC-RNA"]["excludes"]) == (None, "late", "SC-RNA late")
    assert (rows["SC-RNA"]["contract_test"], rows["SC-RNA"]["returns_expected"], rows["SC-RNA"]["returns_included"]) == ("not_judged", 1, 0)
    site = october.row(OCTOBER, "CWT-62", slice_="site", site="lung")
    assert (site["contract_test"], site["target"], site["coverage"]) == ("not_judged", number("0.75"), None)


def test_every_reason_for_a_missing_value(programme: Programme) -> None:
    def reason(**keys: str) -> Any:
        row = programme.row(OCTOBER, "CWT-62", slice_="subcontract", subcontract="SC-RJE", **keys)
        assert row["value"] is None
        return row["missing_reason"]

    programme.at("2026-11-10T09:00")
    assert reason() == "not_due"
    programme.at("2026-12-01T09:00")
    assert reason() == "late"
    programme.send("SC-RJE", OCTOBER, {"rest": "not_collected", "rest_reason": "system_outage", "cells": []})
    assert reason() == "not_collected"
    programme.send("SC-RJE", OCTOBER, {"nil": True, "reason": "no_service"})
    assert reason() == "not_applicable"
    assert programme.row(OCTOBER, "CWT-62", slice_="subcontract", subcontract="SC-RJE")["returns_expected"] == 0
    programme.send(
        "SC-RJE",
        OCTOBER,
        acute(of_62("urgent", 0, 0), of_62("upgrade", 0, 0), {**of_62("urgent", 0, 0), "measure": "CWT-FDS", "category": "all"}),
    )
    assert reason() == "denominator_zero"
    programme.send(
        "SC-RRE", OCTOBER, {"rest": "not_collected", "rest_reason": "system_outage", "cells": []}, collection="care", accepted=False
    )
    row = programme.row(OCTOBER, "BEDS", slice_="subcontract", subcontract="SC-RRE")
    assert (row["missing_reason"], row["excludes"]) == ("not_accepted", "SC-RRE not_accepted")


def test_what_is_coming_is_shown_and_said(own: Programme) -> None:
    community = [{"measure": "BEDS", "numerator": 35}, {"measure": "CONTACTS", "numerator": 7}, {"measure": "DEATHS", "numerator": 4}]
    body = {"cells": [*waits(2, 3, 0), *community]}
    before = own.row(OCTOBER, "BEDS", slice_="subcontract", subcontract="SC-RRE")
    own.send("SC-RRE", OCTOBER, body, collection="care", accepted=False)
    assert own.row(OCTOBER, "BEDS", slice_="subcontract", subcontract="SC-RRE") == before
    coming = own.ask(OCTOBER, include="submitted", slice="subcontract", measure="BEDS")
    assert [row["value"] for row in coming["observations"] if row["subcontract"] == "SC-RRE"] == [35]
    assert coming["report"]["include"] == "submitted"
    assert "care of SC-RRE for 2026-10, revision 2" in coming["notes"][-1]["detail"]
    sources = own.ask(f"{OCTOBER}/sources", include="submitted", slice="subcontract", measure="BEDS", subcontract="SC-RRE")["returns"]
    assert [source["revision"] for source in sources if source["subcontract"] == "SC-RRE"] == [2]
    own.send("SC-RRE", OCTOBER, {**body, "note": "accepted"}, collection="care")
    assert own.ask(OCTOBER, slice="subcontract", measure="BEDS")["observations"] == coming["observations"]


def test_the_same_moment_answers_the_same_bytes_for_ever(own: Programme) -> None:
    key = own.key("auditor")
    path = f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?slice=all,site,subcontract&period=month,quarter,rolling_12"
    first = own.web.get(path, key=key)
    moment = first.json()["report"]["as_of"]
    assert first.headers["ETag"].strip('"') == sha256(first.content)
    own.at("2026-12-02T09:00").send(
        "SC-RJE", OCTOBER, acute(of_62("urgent", 1, 2), {**of_62("urgent", 1, 1), "measure": "CWT-FDS", "category": "all"})
    )
    own.send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), {**of_62("urgent", 1, 1), "measure": "CWT-FDS", "category": "all"}))
    own.at("2027-02-20T09:00").configure(phases=[])
    now = own.web.get(path, key=key)
    then = own.web.get(f"{path}&as_of={moment}", key=key)
    assert then.content == first.content
    assert now.json()["report"]["inputs_sha256"] != first.json()["report"]["inputs_sha256"]
    assert own.web.get(f"{path}&as_of={moment}", key=key, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_what_is_reopened_is_provisional_until_the_leave_expires(own: Programme) -> None:
    key = ReturnKey("cwt", "SC-RJE", Month.parse(OCTOBER))

    def told(as_of: str = "") -> tuple[Any, ...]:
        row = own.row(OCTOBER, "CWT-62", slice_="subcontract", subcontract="SC-RJE", as_of=as_of)
        head = own.ask(OCTOBER, **({"as_of": as_of} if as_of else {}))["report"]
        return row["status"], row["numerator"], head["status"]

    own.at("2027-03-01T09:00")
    final = told()
    assert (final[0], final[2]) == ("final", "final")
    with open_session(own.database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session:
        expires_at = own.now + timedelta(days=10)
        reopen(session, PROGRAMME, key, reason="Counted twice", expires_at=expires_at, actor=MACHINE, now=own.now)
        session.commit()
    own.at("2027-03-02T09:00")
    assert told() == ("provisional", final[1], "provisional")
    own.send("SC-RJE", OCTOBER, acute(of_62("urgent", 1, 3), {**of_62("urgent", 1, 2), "measure": "CWT-FDS", "category": "all"}))
    assert told() == ("provisional", 1, "provisional")
    # Nothing is recorded when the leave expires: what is asked for then knows it nevertheless.
    own.at("2027-03-12T09:00")
    assert told() == ("final", 1, "final")
    assert told("2027-03-11T09:00:00Z") == ("provisional", 1, "provisional")
    assert told("2027-03-01T08:59:59Z") == final


def test_the_digest_of_the_inputs_moves_when_a_deadline_passes(own: Programme) -> None:
    before = own.ask(OCTOBER)["report"]
    assert before == own.at("2026-12-02T09:00").ask(OCTOBER)["report"]
    after = own.at("2027-02-20T09:00").ask(OCTOBER)["report"]
    assert (after["inputs_sha256"] != before["inputs_sha256"], before["status"], after["status"]) == (True, "provisional", "final")
    assert own.row(OCTOBER, "CWT-62")["status"] == "final"


def test_a_result_is_computed_once_and_kept(own: Programme) -> None:
    def count() -> Any:
        with own.database.superuser_engine.connect() as connection:
            return connection.execute(text("SELECT count(*), count(DISTINCT inputs_sha256) FROM month_results")).one()

    own.ask(OCTOBER, slice="all,site")
    assert tuple(count()) == (3, 1)
    own.ask(OCTOBER, slice="all,site", measure="CWT-62")
    assert tuple(count()) == (3, 1)
    own.ask(OCTOBER, slice="subcontract")
    assert tuple(count()) == (4, 1)


def test_periods_are_pooled_from_months(own: Programme) -> None:
    own.at("2026-12-15T09:00").send(
        "SC-RJE", "2026-11", acute(of_62("urgent", 10, 20), {**of_62("urgent", 1, 1), "measure": "CWT-FDS", "category": "all"})
    )
    for period, start, expected in (("quarter", "2026-10-01", 6), ("year_to_date", "2026-04-01", 15), ("rolling_12", "2025-12-01", 15)):
        row = own.row("2026-11", "CWT-62", period=period)
        assert (row["numerator"], row["denominator"], row["period_start"], row["period_end"]) == (70, number("99.5"), start, "2026-11-30")
        assert (row["returns_expected"], row["returns_included"], row["contract_test"]) == (expected, 2, "not_judged")
    quarter = own.row("2026-11", "CWT-62", period="quarter")
    assert quarter["excludes"] == "SC-RL4 2026-10 some not_collected, SC-RNA 2026-10 late, SC-RL4 2026-11 not_due, SC-RNA 2026-11 not_due"
    assert quarter["coverage"] == number("0.6")
    year = own.row("2026-11", "CWT-62", period="contract_year_to_date")
    assert (year["period_start"], year["numerator"]) == ("2026-07-01", 70)
    # A stock is the last month's, never a sum, and never an earlier month's instead.
    assert own.row(OCTOBER, "BEDS", period="quarter")["value"] == 20
    stock = own.row("2026-11", "BEDS", period="quarter")
    assert (stock["value"], stock["missing_reason"]) == (None, "late")
    assert own.row("2026-11", "CONTACTS", period="quarter")["value"] == 17


def test_rows_can_be_asked_for_by_measure_commissioner_and_site(october: Programme) -> None:
    rows = october.rows(OCTOBER, slice="commissioner+site", measure="CWT-62,CWT-FDS", commissioner="05W", site="lung")
    assert [(row["measure"], row["commissioner"], row["site"]) for row in rows] == [("CWT-62", "05W", "lung"), ("CWT-FDS", "05W", "lung")]
    whole = october.rows(OCTOBER, slice="commissioner+site")
    assert all(row in whole for row in rows)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("slice=everything", "/query/slice"),
        ("period=week", "/query/period"),
        ("measure=SECRET-9", "/query/measure"),
        ("commissioner=99Z", "/query/commissioner"),
        ("site=elbow", "/query/site"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is(october: Programme, query: str, pointer: str) -> None:
    answer = october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?{query}", key=october.key("administrator"))
    assert answer.status_code == 422, answer.text
    faults = answer.json()["errors"]
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert query.split("=")[1] not in answer.text


def test_a_moment_that_has_not_come_is_refused(october: Programme) -> None:
    answer = october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?as_of=2099-01-01T00:00:00Z", key=october.key("auditor"))
    assert (answer.status_code, answer.json()["code"]) == (422, "as_of_in_future")


def test_everything_that_is_wrong_with_a_question_is_named_at_once(october: Programme) -> None:
    key = october.key("analyst", programme=PROGRAMME)
    path = f"/v1/programmes/{PROGRAMME}/reports"
    asked = "measure=NONE&site=moon&commissioner=05W&succession=never"
    refused = [
        october.web.get(f"{path}/{OCTOBER}?{asked}&slice=moon&period=week&rendition=secret", key=key),
        october.web.get(f"{path}/{OCTOBER}/trend?{asked}&slice=moon&include=all", key=key),
        october.web.get(f"{path}/2026-13?{asked}", key=key),
    ]
    places = [{fault["pointer"].rpartition("/")[2] for fault in answer.json()["errors"]} for answer in refused]
    shared = {"measure", "site", "succession"}
    assert places == [shared | {"slice", "period", "rendition"}, shared | {"slice", "include"}, shared | {"month"}]
    assert {answer.status_code for answer in refused} == {422}


@pytest.mark.parametrize("month", ["2026-13", "october", "2026-1"])
def test_a_month_is_a_month(october: Programme, month: str) -> None:
    answer = october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{month}", key=october.key("administrator"))
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("role", "scope", "status"),
    [
        ("administrator", {}, 200),
        ("contract_manager", {"programme": PROGRAMME}, 200),
        ("analyst", {"programme": PROGRAMME}, 200),
        ("finance", {"programme": PROGRAMME}, 200),
        ("auditor", {}, 200),
        ("preparer", {"programme": PROGRAMME, "subcontract": "SC-RJE"}, 403),
        ("commissioner_lead", {"programme": PROGRAMME, "commissioner": "QNC"}, 403),
        ("commissioner", {"programme": PROGRAMME, "commissioner": "QNC"}, 403),
        ("analyst", {"programme": "another"}, 404),
    ],
)
def test_who_may_read_a_live_report(october: Programme, role: str, scope: dict[str, str], status: int) -> None:
    key = october.key(role, **scope)
    for path in (OCTOBER, f"{OCTOBER}/sources?measure=CWT-62"):
        assert october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{path}", key=key).status_code == status


def test_a_subcontract_and_another_programme_see_no_results(october: Programme) -> None:
    october.ask(OCTOBER)
    for tenant, seen in (
        (Tenant(PROGRAMME, "*"), True),
        (Tenant(PROGRAMME, "SC-RJE"), False),
        (Tenant("other", "*"), False),
        (Tenant(), False),
    ):
        with open_session(october.database.engine, tenant) as session:
            assert bool(session.execute(text("SELECT count(*) FROM month_results")).scalar_one()) is seen
            with pytest.raises(Exception, match="permission denied"):
                session.execute(text("UPDATE month_results SET month = 0"))


def test_a_month_without_any_return_is_rows_with_reasons(programme: Programme) -> None:
    rows = programme.rows("2026-09")
    assert rows
    assert {row["missing_reason"] for row in rows} == {"not_due", "not_published_yet"}
    assert all(row["value"] is None and row["numerator"] is None for row in rows)
    assert programme.rows("2026-06", slice="all", measure="CWT-62") == []


def test_a_report_before_the_programme_is_not_there(programme: Programme) -> None:
    answer = programme.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?as_of=2020-01-01T00:00:00Z", key=programme.key("auditor"))
    assert answer.status_code == 404


def test_numbers_are_exact_json_numbers(october: Programme) -> None:
    key = october.key("auditor")
    content = october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}?slice=all&measure=CWT-62", key=key).content
    assert b'"numerator":60,"denominator":79.5,"value":0.754717,' in content
    report = json.loads(content)
    # What is asked about its rows stands where it changes no byte of the report.
    assert report["links"] == {"queries": f"/v1/programmes/{PROGRAMME}/row-queries?month={OCTOBER}"}
    assert october.web.get(report["links"]["queries"], key=key).json() == {"queries": [], "next": None}


@pytest.mark.parametrize(
    ("path", "query", "code", "says"),
    [
        ("2026-06", {}, "beyond_term", "The programme runs from 2026-07 to 2036-06: nothing is expected of any other month."),
        ("2036-07", {"slice": "all"}, "beyond_term", "from 2026-07 to 2036-06"),
        (f"{OCTOBER}/trend", {"months": "12"}, "beyond_term", "from 2026-07 to 2036-06"),
        (OCTOBER, {"slice": "all", "site": "lung"}, "nothing_matches", "No row is what was asked for (slice all; period month; site lung). Rows of"),
        (OCTOBER, {"slice": "all", "site": "lung"}, "nothing_matches", "ask for a slice that names it, of site, commissioner+site, site+subcontract"),
        (OCTOBER, {"slice": "site", "measure": "BEDS"}, "nothing_matches", "No row is what was asked for (slice site; period month; measure BEDS)."),
        (OCTOBER, {"slice": "all", "measure": "CWT-62"}, None, ""),
        (f"{OCTOBER}/trend", {"months": "4"}, None, ""),
    ],
)  # fmt: skip
def test_an_answer_without_rows_says_why(october: Programme, path: str, query: dict[str, str], code: str | None, says: str) -> None:
    told = {
        note["code"]: note["detail"] for note in october.ask(path, **query)["notes"] if note["code"] in {"beyond_term", "nothing_matches"}
    }
    assert set(told) == ({code} if code else set())
    assert code is None or says in told[code]
