"""What is behind a row: from that answer alone, every row of the programme is computed again, by other means than the service's."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.kernel.figures import plain, rounded
from app.reports.byar import byar
from app.reports.exact_counts import exact_count
from app.reports.intervals import wilson
from app.reports.periods import PERIODS
from app.reports.process_control import baseline, limits_of, signals
from app.reports.slices import SLICES
from tests.reports.conftest import PROGRAMME, Programme, acute, document, of_62, of_fds, running, send_october
from tests.support.databases import Database

OCTOBER = "2026-10"
KEYS = ("slice", "measure", "commissioner", "site", "pathway", "segment", "subcontract", "category", "period")
WORST_FIRST = ("late", "not_accepted", "not_collected", "not_due", "not_applicable")


def sources_of(programme: Programme, row: Mapping[str, Any], **query: str) -> Any:
    return programme.ask(f"{row['month']}/sources", **{name: row[name].replace("+", "%2B") for name in KEYS}, **query)


def lacking(found: Mapping[str, Any], owing: Mapping[str, Any]) -> dict[str, int]:
    """How many owed cells of a return have no value, by reason."""
    if owing["state"] != "accepted":
        return {owing["state"]: owing["cells_owed"]}
    counts: dict[str, int] = defaultdict(int)
    for cell in found["cells"]:
        if cell["owed"] and cell["state"] != "value" and (cell["subcontract"], cell["month"]) == (owing["subcontract"], owing["month"]):
            counts[cell["state"]] += 1
    for cell in found["not_stated"]:
        if (cell["subcontract"], cell["month"]) == (owing["subcontract"], owing["month"]):
            counts[cell["reason"]] += 1
    return counts


def coverage_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Who is expected and included, and why the others are not."""
    expected, included, missing, reasons = [], [], [], set()
    for owing in found["returns"]:
        gaps = lacking(found, owing) if owing["cells_owed"] else {}
        reasons |= set(gaps)
        if not owing["cells_owed"] or gaps.get("not_applicable", 0) >= owing["cells_owed"]:
            continue
        expected.append(owing)
        worst = next((reason for reason in WORST_FIRST[:-1] if gaps.get(reason)), None)
        if worst is None:
            included.append(owing)
        else:
            missing.append((owing["month"], owing["subcontract"], "some " * (sum(gaps.values()) < owing["cells_owed"]) + worst))
    share = None
    if expected and all(owing["volume"] is not None for owing in expected):
        share = plain(rounded(Fraction(sum(map(volume, included))) / Fraction(sum(map(volume, expected)))))
    of_month = found["row"]["period"] == "month"
    return {
        "returns_expected": len(expected),
        "returns_included": len(included),
        "coverage": share,
        "excludes": ", ".join(f"{code} {why}" if of_month else f"{code} {month} {why}" for month, code, why in sorted(missing)) or None,
        "reason": next((reason for reason in WORST_FIRST if reason in reasons), None),
    }


def volume(owing: Mapping[str, Any]) -> Decimal:
    return Decimal(owing["volume"])


def figures_of(found: Mapping[str, Any]) -> dict[str, Any]:
    """Numerator, denominator and value (null where it takes the measure's own statistic), from the cells."""
    measure, row = found["measure"], found["row"]
    cells = [cell for cell in found["cells"] if cell["state"] == "value"]
    numerator = sum((Decimal(cell["numerator"]) for cell in cells), Decimal(0)) if cells else None
    denominators = [Decimal(cell["denominator"]) for cell in cells if cell["denominator"] is not None]
    denominator = sum(denominators, Decimal(0)) if denominators else None
    reporters = {cell["subcontract"] for cell in cells} | {owing["subcontract"] for owing in found["returns"] if owing["cells_owed"]}
    if measure["aggregation"] == "distinct_risk" and len(reporters) > 1:
        return {"numerator": None, "denominator": None, "value": None, "reason": "not_poolable" if cells else None}
    value, reason = None, None
    if numerator is not None and row["statistic"] == "median":
        value, reason = median(measure, cells)
    elif numerator is not None and denominator is None:
        value = Fraction(numerator)
    elif numerator is not None and denominator == 0:
        reason = "denominator_zero"
    elif numerator is not None and denominator is not None:
        value = Fraction(numerator) / Fraction(denominator)
    return {"numerator": numerator, "denominator": denominator, "value": value, "reason": reason}


def median(measure: Mapping[str, Any], cells: list[Any]) -> tuple[Fraction | None, str | None]:
    counts: dict[str, Fraction] = defaultdict(Fraction)
    for cell in cells:
        counts[cell["category"]] += Fraction(cell["numerator"])
    half = sum(counts.values(), Fraction(0)) / 2
    below, lower = Fraction(0), Fraction(0)
    for band in measure["breakdown"]["categories"]:
        inside = counts[band["code"]]
        if inside and below + inside >= half:
            if band["upper"] is None:
                return None, "open_band"
            return lower + (Fraction(band["upper"]) - lower) * (half - below) / inside, None
        below, lower = below + inside, Fraction(band["upper"] or 0)
    return None, "denominator_zero"


def check_series(row: Mapping[str, Any], series: list[dict[str, Any]]) -> None:
    """What process control says follows from the points that the answer gives."""
    if row["spc_points"] is None:
        return
    values = [None if point["exact"] is None else Fraction(point["exact"]) for point in series]
    assert row["spc_points"] == sum(value is not None for value in values)
    assert row["spc_from"] == (series[0]["month"] if series else None)
    limits = limits_of(baseline(values))
    assert row["spc_mean"] == (None if limits is None else rounded(limits.mean))
    assert row["spc_lower"] == (None if limits is None else rounded(limits.lower))
    assert row["spc_signal"] == ("none" if limits is None or values[-1] is None else signals(values, limits)[-1])


def check(found: Mapping[str, Any]) -> None:
    """The row that the answer gives is the row that follows from the answer."""
    row, figures, coverage = found["row"], figures_of(found), coverage_of(found)
    assert (row["numerator"], row["denominator"]) == (figures["numerator"], figures["denominator"])
    value = figures["value"]
    assert row["value"] == (None if value is None else rounded(value))
    imported = "not_published_yet" if found["measure"]["aggregation"] == "import_only" else None
    assert row["missing_reason"] == (imported or (figures["reason"] or coverage.pop("reason") if value is None else None))
    assert {name: row[name] for name in coverage if name != "reason"} == {name: told for name, told in coverage.items() if name != "reason"}
    match row["interval"]:
        case "wilson_95":
            assert (row["lower"], row["upper"]) == wilson(figures["numerator"], figures["denominator"])
        case "byar_95":
            assert (row["lower"], row["upper"]) == byar(figures["numerator"])
        case "exact_95":
            assert (row["lower"], row["upper"]) == exact_count(figures["numerator"])
    check_series(row, found["series"])
    owing = [part for part in found["returns"] if part["expected"]]
    assert row["status"] == ("final" if owing and all(part["frozen"] for part in owing) else "provisional")
    lines = found["requirement"]["targets"] if found["requirement"] else []
    assert row["target"] == next((line["trajectory"] or line["interim"] or line["standard"] for line in lines), None)
    if row["contract_test"] in {"met", "not_met"}:
        assert (row["contract_test"] == "met") == (value >= Fraction(row["target"]))
    check_judging(row, found["programme"], {**coverage, "value": value})


def check_judging(row: Mapping[str, Any], programme: Mapping[str, Any], figures: Mapping[str, Any]) -> None:
    """Who is missing says whether a figure is judged; its colour follows from the verdicts."""
    threshold, expected = programme["publish_threshold"], figures["returns_expected"]
    if threshold is None or not expected or row["source"] == "import":
        assert row["coverage_test"] is None
    elif expected == figures["returns_included"]:
        assert row["coverage_test"] == "complete"
    else:
        share = figures["coverage"]
        assert row["coverage_test"] == ("unknown" if share is None else "complete" if share >= threshold else "incomplete")
    if row["coverage_test"] in {"incomplete", "unknown"}:
        assert (row["contract_test"] in {"not_judged", "no_target"}, row["against_target"]) == (True, None)
    if row["contract_test"] in {"met", "not_met"}:
        colours = {"better": "green", "similar": "amber"}
        short = Fraction(row["target"]) - figures["value"]
        assert row["rag"] == colours.get(row["against_target"], "amber" if short <= Fraction(programme["rag"]["tolerance"]) else "red")
    else:
        assert row["rag"] is None


@pytest.fixture(scope="module")
def october(module_database: Database) -> Iterator[Programme]:
    """October, under a threshold that some rows reach and others do not, with colours."""
    with running(module_database) as programme:
        programme.configure(programme={**document()["programme"], "publish_threshold": 0.7, "rag": {"tolerance": 0.05}})
        yield send_october(programme)


@pytest.mark.parametrize("slice_", list(SLICES))
def test_every_row_follows_from_its_sources(october: Programme, slice_: str) -> None:
    rows = october.rows(OCTOBER, slice=slice_)
    assert rows
    for row in rows:
        found = sources_of(october, row)
        assert found["row"] == row
        check(found)


@pytest.mark.parametrize("period", PERIODS)
def test_every_row_of_a_period_follows_from_its_sources(october: Programme, period: str) -> None:
    for row in october.rows(OCTOBER, slice="all,site", period=period):
        found = sources_of(october, row)
        assert found["row"] == row
        check(found)


def test_sources_name_return_revision_and_digest(october: Programme) -> None:
    found = sources_of(october, october.row(OCTOBER, "CWT-62"))
    (cell,) = (cell for cell in found["cells"] if (cell["site"], cell["category"], cell["by_rest"]) == ("prostate", "upgrade", False))
    assert (cell["subcontract"], cell["collection"], cell["revision"], cell["numerator"]) == ("SC-RJE", "cwt", 1, Decimal("0.5"))
    assert len(cell["content_sha256"]) == 64
    assert found["excluded"] == [
        {"subcontract": "SC-RL4", "month": OCTOBER, "reason": "not_collected", "some": True},
        {"subcontract": "SC-RNA", "month": OCTOBER, "reason": "late", "some": False},
    ]
    assert len(found["assignments"]) == 18
    assert found["measure"]["version"] == 1


def test_a_row_that_is_not_there_has_no_sources(october: Programme) -> None:
    key = october.key("auditor")
    for query, status in (
        ("measure=CWT-62&slice=site&site=elbow", 404),
        ("measure=NONE", 404),
        ("measure=CWT-62&slice=x", 422),
        ("slice=all", 422),
    ):
        assert october.web.get(f"/v1/programmes/{PROGRAMME}/reports/{OCTOBER}/sources?{query}", key=key).status_code == status


def test_what_the_contract_asks_for_since_is_not_taken_for_zero(own: Programme) -> None:
    """A commissioner is assigned after the return was accepted: its cells were never stated."""
    assignments = document()["assignments"]
    assignments[-2] = {"subcontract": "SC-RRE", "pathway": "cancer", "segment": "palliative", "commissioners": ["05W", "05G"]}
    own.configure(assignments=assignments)
    row = own.row(OCTOBER, "CONTACTS", slice_="subcontract", subcontract="SC-RRE")
    assert (row["value"], row["returns_included"], row["excludes"]) == (7, 0, "SC-RRE some late")
    found = sources_of(own, row)
    assert [(cell["commissioner"], cell["reason"]) for cell in found["not_stated"]] == [("05G", "late")]
    check(found)


def test_a_cell_outside_the_assignments_counts_and_is_marked(own: Programme) -> None:
    """Its row is there although nobody is expected in it; the figure is in every total."""
    before = own.row(OCTOBER, "CONTACTS")["value"]
    cells = [
        *({"measure": "WAIT", "category": code, "numerator": 1} for code in ("0-1", "2-3", "4-up")),
        {"measure": "BEDS", "numerator": 6},
        {"measure": "DEATHS", "numerator": 4},
        {"measure": "CONTACTS", "commissioner": "05W", "numerator": 7},
        {"measure": "CONTACTS", "commissioner": "05G", "numerator": 3},
    ]
    own.send("SC-RRE", OCTOBER, {"cells": cells}, collection="care")
    assert own.row(OCTOBER, "CONTACTS")["value"] == before + 3
    row = own.row(OCTOBER, "CONTACTS", slice_="commissioner+subcontract", commissioner="05G", subcontract="SC-RRE")
    assert (row["value"], row["returns_expected"], row["coverage"]) == (3, 0, None)
    found = sources_of(own, row)
    assert [cell["outside_assignment"] for cell in found["cells"]] == [True]
    check(found)


def test_sources_as_of_a_moment_stay_the_same(own: Programme) -> None:
    row = own.row(OCTOBER, "CWT-62")
    before = sources_of(own, row)
    own.send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), of_fds(1, 2)))
    assert sources_of(own, row, as_of=before["as_of"]) == before
    assert sources_of(own, row) != before
