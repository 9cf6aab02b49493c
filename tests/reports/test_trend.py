"""A trend is the rows of each month's own report, read together: the same figures, verdicts and series, as of one moment."""

import pytest

from tests.reports.conftest import PROGRAMME, Programme, acute, of_62, of_fds

OCTOBER, NOVEMBER, DECEMBER = "2026-10", "2026-11", "2026-12"


@pytest.mark.parametrize("slice_", ["all", "subcontract"])
def test_a_trend_is_the_rows_of_its_months_reports(own: Programme, slice_: str) -> None:
    own.at("2026-12-15T09:00").send("SC-RJE", NOVEMBER, acute(of_62("urgent", 10, 20), of_fds(1, 1)))
    trend = own.ask(f"{DECEMBER}/trend", months="3", slice=slice_)
    rows = [own.rows(month, slice=slice_) for month in (OCTOBER, NOVEMBER, DECEMBER)]
    assert trend["observations"] == [row for of_month in rows for row in of_month]
    assert (trend["trend"]["from_month"], trend["trend"]["month"]) == (OCTOBER, DECEMBER)
    assert {row["spc_points"] for row in rows[2] if (row["measure"], row["organisation"]) in {("CWT-62", "all"), ("CWT-62", "RJE")}} == {2}


def test_a_trend_of_some_measures_is_those_rows_of_it(october: Programme) -> None:
    whole = october.ask(f"{OCTOBER}/trend", slice="site")
    some = october.ask(f"{OCTOBER}/trend", slice="site", measure="CWT-62", site="lung,prostate")
    assert some["observations"] == [
        row for row in whole["observations"] if row["measure"] == "CWT-62" and row["site"] in {"lung", "prostate"}
    ]
    assert some["trend"] == whole["trend"]
    assert len({row["month"] for row in whole["observations"]}) == 4, "the programme began in July; earlier months have nothing to owe"


def test_a_trend_as_of_a_moment_stays_the_same(own: Programme) -> None:
    before = own.ask(f"{NOVEMBER}/trend", months="2")
    own.at("2026-12-16T09:00").send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), of_fds(1, 2)))
    after = own.ask(f"{NOVEMBER}/trend", months="2")
    assert own.ask(f"{NOVEMBER}/trend", months="2", as_of=before["trend"]["as_of"]) == before
    assert after["trend"]["inputs_sha256"] != before["trend"]["inputs_sha256"]
    assert after["observations"] != before["observations"]


def test_a_trend_is_the_integrators_to_read(october: Programme) -> None:
    path = f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}/trend"
    assert october.web.get(path).status_code == 401
    assert october.web.get(path, key=october.key("preparer", programme=PROGRAMME, subcontract="SC-RJE")).status_code == 403
    assert october.web.get(path, key=october.key("analyst", programme="another")).status_code == 404
    for query in ("months=0", "months=121", "slice=everything", "measure=NONE", "period=month"):
        assert october.web.get(f"{path}?{query}", key=october.key("auditor")).status_code == 422, query
