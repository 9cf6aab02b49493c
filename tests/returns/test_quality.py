"""The formulas of data quality as tables, and a programme's returns judged by them month by month."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.calendar.expected import CellKey, ReturnKey, expected_cells
from app.calendar.working_days import ENGLAND
from app.kernel.months import Month
from app.programmes.reporting import USUAL_WEIGHTS, QualityWeights
from app.returns.quality import (
    NOTHING,
    FirstRevision,
    OwedReturn,
    Quality,
    Share,
    pathways_of,
    quality_of_pathway,
    revision_size,
    share,
    timeliness,
    together,
    validity,
)
from app.returns.quality_schemas import PathwaysView
from tests.make import contract
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, MONTH, PROGRAMME, cwt_body, whole_document
from tests.returns.test_api import has_shape
from tests.support.databases import Database

DUE: Final = datetime(2026, 11, 13, 17, tzinfo=UTC)  # a Friday
QUALITY: Final = f"/v1/programmes/{PROGRAMME}/quality"
LATER: Final = datetime(2027, 1, 20, 9, tzinfo=UTC)


def owed(received: datetime | None) -> OwedReturn:
    first = None if received is None else FirstRevision(received, {}, frozenset())
    return OwedReturn(HOSPICE, DUE, accepted=True, first=first)


@pytest.mark.parametrize(
    ("received", "score"),
    [
        (DUE - timedelta(days=3), 1),
        (DUE, 1),
        (DUE + timedelta(microseconds=1), Fraction(9, 10)),  # late is late, on the due day too
        (datetime(2026, 11, 14, 12, tzinfo=UTC), Fraction(9, 10)),  # Saturday
        (datetime(2026, 11, 16, 9, tzinfo=UTC), Fraction(9, 10)),  # Monday, the first working day late
        (datetime(2026, 11, 17, 9, tzinfo=UTC), Fraction(8, 10)),
        (datetime(2026, 11, 27, 9, tzinfo=UTC), 0),  # the tenth
        (datetime(2027, 5, 1, 9, tzinfo=UTC), 0),
        (None, 0),
    ],
)
def test_timeliness_falls_by_a_tenth_each_working_day(received: datetime | None, score: Fraction | int) -> None:
    assert timeliness(owed(received), ENGLAND) == share(score, 1)


def cell(number: int) -> CellKey:
    return CellKey("all", "all", f"M-{number}", "all", "all", "all")


def figures(*values: int) -> dict[CellKey, tuple[Decimal, ...]]:
    return {cell(number): (Decimal(value),) for number, value in enumerate(values)}


@pytest.mark.parametrize(
    ("before", "after", "size"),
    [
        (figures(100), figures(100), 0),
        (figures(100), figures(80), Fraction(20, 80)),
        (figures(80), figures(100), Fraction(1, 5)),
        (figures(0), figures(0), 0),
        (figures(1), figures(0), 1),
        (figures(10), figures(1), 1),  # at most one
        (figures(5, 5), figures(6, 4), Fraction(2, 10)),  # moved from one place to another
        (figures(5, 5), figures(5), 1),  # a figure that is no longer stated
        ({}, figures(7), 1),
    ],
)
def test_the_size_of_a_revision(before: dict[CellKey, Any], after: dict[CellKey, Any], size: Fraction | int) -> None:
    assert revision_size(before, after) == size


def test_a_pair_of_figures_moves_as_one() -> None:
    before, after = {cell(0): (Decimal(40), Decimal(50))}, {cell(0): (Decimal("41.5"), Decimal(50))}
    assert revision_size(before, after) == Fraction(3, 2) / Fraction("91.5")


def test_the_index_is_the_reference_formula() -> None:
    row = Quality(
        MONTH, "SC-RJE", returns_due=1, completeness=share(9, 10), validity=share(8, 9), timeliness=share(1, 2),
        stability=share(3, 4), coverage=share(4, 5),
    )  # fmt: skip
    by_hand = 100 * Fraction(4, 5) * (
        Fraction(35, 100) * Fraction(9, 10) + Fraction(30, 100) * Fraction(8, 9) + Fraction(20, 100) * Fraction(1, 2)
        + Fraction(15, 100) * Fraction(3, 4)
    )  # fmt: skip
    assert row.index(USUAL_WEIGHTS) == by_hand
    even = QualityWeights(**dict.fromkeys(QualityWeights.model_fields, Decimal("0.25")))
    assert row.index(even) == 100 * Fraction(4, 5) * (Fraction(9, 10) + Fraction(8, 9) + Fraction(1, 2) + Fraction(3, 4)) / 4
    one = share(1, 1)
    perfect = Quality(MONTH, "SC-RJE", returns_due=1, completeness=one, validity=one, timeliness=one, stability=one, coverage=one)
    assert perfect.index(USUAL_WEIGHTS) == 100
    assert Quality(MONTH, "SC-RJE", returns_due=1).missing_reason == "not_applicable"
    assert Quality(MONTH, "SC-RJE", returns_expected=1).missing_reason == "not_due"


shares = st.builds(share, st.integers(0, 50), st.integers(0, 50)) | st.just(Share(None, None))
rows = st.builds(Quality, st.just(MONTH), st.just("SC-RJE"), completeness=shares, stability=shares, volume=shares)


@given(st.lists(rows, max_size=6).flatmap(lambda own: st.tuples(st.just(own), st.permutations(own))))
def test_rows_add_up_in_any_order(two: tuple[list[Quality], list[Quality]]) -> None:
    one, other = (together(each, month=MONTH) for each in two)
    assert one == other
    known = [row.volume for row in two[0] if row.volume.denominator is not None]
    if len(known) == len(two[0]):
        assert one.volume.denominator == sum(each.denominator or 0 for each in known)
    else:
        assert one.volume == Share(None, None)
        assert one.volume.value is None


def test_nothing_received_is_not_valid_of_nothing() -> None:
    assert validity(owed(None)) == NOTHING
    assert NOTHING.value is None


def document() -> dict[str, Any]:
    """The whole programme, with expected volumes and contacts, and a gate."""
    base = whole_document()
    volumes = {"SC-RJE": 40, "SC-RL4": 50, "SC-H9901": 10}
    contacts = [{"role": "information_lead", "name": "=Information desk", "email": "returns@hospice.example", "phone": "+44 1782 000000"}]
    gate = {"criteria": [{"criterion": name, "threshold": "0.9", "months": 1} for name in ("completeness", "validity", "coverage")]}
    return {
        **base,
        "phases": [{**base["phases"][0], "gate": gate}],
        "subcontracts": [
            {**line, "contacts": contacts} if line["reference"] == "SC-H9901" else line
            for line in base["subcontracts"]
        ],
        "assignments": [
            {**line, "expected_volume": volumes[line["subcontract"]]} for line in base["assignments"] if line["subcontract"] in volumes
        ],
    }  # fmt: skip


RL4: Final = ReturnKey("cwt", "SC-RL4", MONTH)


@pytest.fixture(scope="module")
def judged(module_database: Database) -> Iterator[Programme]:
    """October: RJE in time, revised and accepted; RL4 six working days late and not accepted; the hospice sent nothing."""
    with set_up(module_database) as programme:
        assert programme.apply(document()).status_code == 200
        programme.clock.now = datetime(2026, 12, 8, 9, tzinfo=UTC)
        assert programme.submit(CWT, cwt_body(2)).status_code == 201
        programme.clock.now = datetime(2026, 12, 16, 9, tzinfo=UTC)
        changed = cwt_body(3)
        changed["cells"].append(
            {
                "measure": "CWT-FDS",
                "segment": "diagnosis",
                "site": "lung",
                "commissioner": "05G",
                "state": "not_collected",
                "reason": "other",
            }
        )
        assert programme.submit(CWT, changed).status_code == 201
        assert programme.accept(CWT).status_code == 200
        assert programme.submit(RL4, cwt_body(1)).status_code == 201
        programme.clock.now = LATER
        yield programme


def quality(programme: Programme, query: str = "?from=2026-10&to=2026-10", *, by: str | None = None) -> dict[str, dict[str, Any]]:
    answer = programme.web.get(f"{QUALITY}{query}", key=by or programme.manager())
    assert answer.status_code == 200, answer.text
    return {row["subcontract"]: row for row in answer.json()["quality"]}


def test_each_subcontract_is_judged_by_what_it_sent(judged: Programme) -> None:
    found = quality(judged)
    assert list(found) == ["all", "SC-H9901", "SC-RJE", "SC-RL4"]
    trust, late, hospice = found["SC-RJE"], found["SC-RL4"], found["SC-H9901"]
    cells = trust["completeness_denominator"]
    assert (trust["completeness_numerator"], late["completeness_numerator"], late["completeness_denominator"]) == (cells - 1, cells, cells)
    assert (trust["validity"], trust["timeliness"], trust["returns_on_time"], trust["coverage"]) == (1, 1, 1, 1)
    # CWT-62: one patient more of three, of 3/3 now; CWT-FDS: a stated zero is no longer stated, which changes no figure.
    assert (trust["stability_numerator"], trust["stability_denominator"]) == (1.833333, 2)
    completeness, stability = Fraction(int(cells) - 1, int(cells)), Fraction(11, 12)
    index = 100 * (Fraction(35, 100) * completeness + Fraction(30, 100) + Fraction(20, 100) + Fraction(15, 100) * stability)
    assert trust["index"] == pytest.approx(float(index), abs=1e-6)  # the answer has six places
    assert (late["timeliness_numerator"], late["timeliness_denominator"], late["returns_on_time"]) == (0.4, 1, 0)
    assert (late["stability"], late["index"]) == (1, 88)
    assert (hospice["returns_received"], hospice["completeness_numerator"], hospice["timeliness"]) == (0, 0, 0)
    assert (hospice["validity"], hospice["stability"], hospice["coverage"], hospice["index"]) == (None, None, 0, 0)


def test_pathways_are_complete_by_expected_volume_and_not_by_counting_returns(judged: Programme) -> None:
    found = quality(judged)
    # Each trust serves two segments. RJE's return lacks a value, RL4's is not accepted: neither is wholly in.
    assert (found["all"]["pathway_completeness_numerator"], found["all"]["pathway_completeness_denominator"]) == (0, 190)
    assert [found[code]["pathway_completeness_denominator"] for code in ("SC-RJE", "SC-RL4", "SC-H9901")] == [80, 100, 10]


def test_each_pathway_is_as_complete_as_its_own_lines() -> None:
    """A measure that is not split by pathway is asked of both, one that is of each: what lacks in one leaves the other whole."""
    base = document()
    treated = {"code": "treatment", "name": "Treatment", "setting": "acute", "measures": ["CWT-62", "CWT-FDS"]}
    pathways = [*base["pathways"], {"code": "skin", "name": "Skin", "segments": [treated]}]
    line = {"subcontract": "SC-RJE", "pathway": "skin", "segment": "treatment", "sites": ["lung"], "commissioners": ["05W"]}
    within = contract(**{**base, "pathways": pathways, "assignments": [*base["assignments"], {**line, "expected_volume": 7}]})
    cells = expected_cells(within, CWT)
    of_skin = frozenset(each for each in cells if each.pathway == "skin")
    assert pathways_of(within, CWT) == ["cancer", "skin"]
    lacking = OwedReturn(CWT, DUE, accepted=True, lacking=of_skin)
    cancer, skin = (quality_of_pathway(within, lacking, code) for code in ("cancer", "skin"))
    assert (cancer.volume, skin.volume) == (share(80, 80), share(0, 7))
    assert cancer.completeness.value == 1
    shared = [each for each in cells if each.pathway == "all" and each.segment == "treatment"]
    assert skin.completeness == share(len(shared), len(shared) + len(of_skin))
    assert quality_of_pathway(within, replace(lacking, accepted=False), "cancer").volume == share(0, 80)


def test_pathways_are_told_by_month_and_subcontract(judged: Programme) -> None:
    own, query = f"{QUALITY}/pathways", "?from=2026-09&to=2026-10"
    told = judged.web.get(f"{own}{query}", key=judged.manager()).json()
    assert has_shape(judged.web.get(f"{own}{query}", key=judged.manager()), PathwaysView)["next"] is None
    rows = [(row["month"], row["pathway"], row["subcontract"]) for row in told["quality"]]
    names = ("all", "SC-H9901", "SC-RJE", "SC-RL4")
    assert rows == [(month, "cancer", name) for month in ("2026-09", "2026-10") for name in names]
    october = {row["subcontract"]: row for row in told["quality"] if row["month"] == "2026-10"}
    for name, row in quality(judged).items():
        # All lines are of one pathway: it is as complete as the whole.
        same = (
            "returns_due",
            "completeness_numerator",
            "coverage_denominator",
            "pathway_completeness_numerator",
            "pathway_completeness_denominator",
        )
        assert [october[name][member] for member in same] == [row[member] for member in same]
    first = judged.web.get(f"{own}{query}&limit=3", key=judged.manager()).json()
    rest = judged.web.get(f"{own}{query}&cursor={first['next']}", key=judged.manager()).json()
    assert first["quality"] + rest["quality"] == told["quality"]
    mine = judged.web.get(f"{own}{query}", key=judged.preparer("SC-RJE")).json()["quality"]
    assert mine == [row for row in told["quality"] if row["subcontract"] == "SC-RJE"]
    assert judged.web.get(f"{own}?pathway=none&from=2026-10", key=judged.manager()).json()["quality"] == []
    assert judged.web.get(own).status_code == 401
    assert judged.web.get(own, key=judged.key("commissioner", commissioner="05W")).status_code == 403
    assert judged.web.get(f"{own}?cursor={first['next'][:-3]}", key=judged.manager()).json()["code"] == "bad_cursor"


def test_all_together_are_added_before_they_are_divided(judged: Programme) -> None:
    found = quality(judged)
    whole, parts = found["all"], [row for code, row in found.items() if code != "all"]
    for share_ in ("completeness", "validity", "timeliness", "coverage"):
        for half in ("numerator", "denominator"):
            assert whole[f"{share_}_{half}"] == pytest.approx(sum(part[f"{share_}_{half}"] for part in parts))
    assert whole["returns_expected"] == 3
    assert all(set(row) == set(whole) and not any(isinstance(value, (list, dict)) for value in row.values()) for row in parts)


def test_the_gate_says_the_same_of_what_is_accepted(judged: Programme) -> None:
    at = "as_of=2026-12-20T09:00:00Z"
    gate = judged.web.get(f"/v1/programmes/{PROGRAMME}/phases/1/gate?{at}", key=judged.manager()).json()
    whole = quality(judged, f"?from=2026-10&to=2026-10&{at}")["all"]
    by = {each["criterion"]: each for each in gate["criteria"]}
    assert {(each["from_month"], each["to_month"]) for each in by.values()} == {("2026-10", "2026-10")}
    for criterion, share_ in (("validity", "validity"), ("coverage", "pathway_completeness")):
        own = by[criterion]["numerator"], by[criterion]["denominator"]
        assert own == (whole[f"{share_}_numerator"], whole[f"{share_}_denominator"])
    # A gate counts what is accepted: RL4's return is not.
    accepted = whole["completeness_numerator"] - quality(judged)["SC-RL4"]["completeness_numerator"]
    assert (by["completeness"]["numerator"], by["completeness"]["denominator"]) == (accepted, whole["completeness_denominator"])


def test_what_is_not_due_is_not_judged_and_what_was_is_asked_as_of_then(judged: Programme) -> None:
    before = quality(judged, "?from=2026-10&to=2026-10&as_of=2026-11-14T09:00:00Z")
    assert (before["SC-H9901"]["index"], before["SC-RJE"]["missing_reason"], before["SC-RJE"]["completeness_denominator"]) == (
        0,
        "not_due",
        None,
    )
    assert (before["all"]["returns_expected"], before["all"]["returns_due"]) == (3, 1)
    upcoming = quality(judged, "?from=2027-01&to=2027-01")
    assert {row["missing_reason"] for row in upcoming.values()} == {"not_due"}


def test_pages_are_one_list(judged: Programme) -> None:
    key, query, pages = judged.manager(), "?from=2026-08&to=2026-11", []
    whole = judged.web.get(f"{QUALITY}{query}", key=key).json()
    assert whole["next"] is None
    assert whole["weights"] == {"completeness": 0.35, "validity": 0.3, "timeliness": 0.2, "stability": 0.15}
    cursor = ""
    while True:
        page = judged.web.get(f"{QUALITY}{query}&limit=3{cursor}", key=key).json()
        pages += page["quality"]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert pages == whole["quality"]
    assert len(pages) == 16
    assert judged.web.get(f"{QUALITY}?cursor=x", key=key).status_code == 422


def test_a_subcontract_reads_its_own_rows_and_nothing_of_others(judged: Programme) -> None:
    own = quality(judged, by=judged.preparer("SC-RJE"))
    assert list(own) == ["SC-RJE"]
    assert own["SC-RJE"] == quality(judged)["SC-RJE"]
    assert quality(judged, "?subcontract=SC-RL4", by=judged.preparer("SC-RJE")) == quality(judged, "?subcontract=SC-NONE") == {}
    assert judged.web.get(QUALITY).status_code == 401
    commissioner = judged.key("commissioner", commissioner="05W")
    assert judged.web.get(QUALITY, key=commissioner).status_code == 403
    assert judged.web.get(QUALITY.replace(PROGRAMME, "other"), key=judged.manager()).status_code == 404


def test_who_has_not_submitted_is_told_with_whom_to_ring(judged: Programme) -> None:
    late = judged.listed("?overdue=true&month=2026-10")
    assert [(row["subcontract"], [contact["email"] for contact in row["contacts"]]) for row in late] == [
        ("SC-H9901", ["returns@hospice.example"])
    ]
    assert all(row["contacts"] == [] for row in judged.listed("?overdue=false"))
    address = f"/v1/programmes/{PROGRAMME}/returns/overdue.csv"
    table = judged.web.get(f"{address}?month=2026-10", key=judged.manager())
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    lines = table.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert "SC-H9901" in lines[1]
    assert "'=Information desk" in lines[1]  # no formula
    own = judged.web.get(address, key=judged.preparer("SC-RJE")).text
    assert "SC-H9901" not in own
    assert judged.web.get(address).status_code == 401
    assert judged.web.get(address, key=judged.key("commissioner", commissioner="05W")).status_code == 403


def test_weights_are_the_programmes_own(judged: Programme) -> None:
    stated = document()
    weights = {"completeness": 1, "validity": 0, "timeliness": 0, "stability": 0}
    for wrong in ({**weights, "validity": "0.01"}, {"completeness": 1}, {**weights, "completeness": 2, "validity": -1}):
        refused = judged.apply({**stated, "programme": {**stated["programme"], "quality": wrong}})
        assert refused.status_code == 422
        assert all(fault["pointer"].startswith("/programme/quality") for fault in refused.json()["errors"])
    assert judged.apply({**stated, "programme": {**stated["programme"], "quality": weights}}).status_code == 200
    assert judged.web.get(f"/v1/programmes/{PROGRAMME}/configuration", key=judged.manager()).json()["programme"]["quality"] == weights
    row = quality(judged)["SC-RJE"]
    assert row["index"] == pytest.approx(100 * row["completeness"], abs=1e-4)
    assert judged.apply(stated).status_code == 200


def test_a_month_with_nothing_to_report_is_no_failure(judged: Programme) -> None:
    month = Month.parse("2026-09")
    nil = judged.submit(ReturnKey("hospice", "SC-H9901", month), {"nil": True, "reason": "no_service"})
    assert nil.status_code == 201
    row = quality(judged, "?from=2026-09&to=2026-09")["SC-H9901"]
    assert (row["index"], row["missing_reason"], row["completeness"], row["completeness_denominator"]) == (None, "not_applicable", None, 0)
    assert (row["returns_received"], row["timeliness"]) == (1, 0)
