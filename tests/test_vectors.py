"""Every vector of the domain's reference holds, each by what it is about; a new one fails until someone says where it is held.

The vectors stand beside the project and are never copied into it.
"""

import csv
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import pytest

from app.calendar.working_days import ENGLAND
from app.disclosure.rounding import is_small, to_nearest
from app.kernel.identifiers import is_patient_identifier
from app.kernel.months import Month
from app.reports.byar import byar
from app.reports.funnel import Z_998, funnel_limits
from app.reports.intervals import Z_95, wilson
from app.reports.process_control import limits_of
from app.returns.breach_allocation import Case, Held, allocate
from app.returns.breach_table import TABLES
from app.returns.maturity import Item, maturity
from app.settlement.bands import bands_of
from app.settlement.computation import settle
from tests.house.tree import ROOT
from tests.settlement.made import OVERSPENT, SAVED
from tests.settlement.made import inputs as settlement_inputs
from tests.settlement.made import rules as settlement_rules

SHARED: Final = ROOT.parent / "shared"
REFERENCE: Final = SHARED / "domain" / "vectors.json"
VECTORS: Final = SHARED / "data" / "vectors"

pytestmark = pytest.mark.skipif(not REFERENCE.is_file(), reason="the domain's vectors are not in ../shared, beside the project")

MONEY: Final = {
    "scores", "Q", "outcome_pool", "outcome_paid", "gain", "loss", "62day_score_range", "62day_value_range_m", "split_gain", "excess_breach",
}  # fmt: skip
# Ten digits all alike pass the check, which the reference calls a trap: nobody has such a number, and order references do.
ALIKE: Final = {"0000000000", "1111111111"}
# 2018's cancer waiting times: upload, edits and reports stood on these working days after the month.
DAYS_OF_2018: Final = (23, 24, 25)


def read(path: Path) -> Any:
    return json.loads(path.read_text(), parse_float=Decimal, parse_int=Decimal)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    vectors: dict[str, Any] = read(REFERENCE)
    return vectors


def near(found: Any, expected: Any) -> bool:
    """The same to the last place that the vector gives."""
    places = max(0, -int(Decimal(expected).normalize().as_tuple().exponent))
    return round(Fraction(found), places) == Fraction(expected)


def test_every_vector_has_its_place(reference: dict[str, Any]) -> None:
    held = {"wilson", "wilson_998", "byar", "funnel_p80", "nth_working_day", "cwt2018", "xmr", "nhs", "dqmi", "pooled"}
    assert reference.keys() == held | MONEY
    files = {"wilson_byar.csv", "process_control.json", "suppression.json", "breach_allocation_62day.json"}
    assert {path.name for path in VECTORS.iterdir()} == files


def test_money(reference: dict[str, Any]) -> None:
    """The worked example of risk and gain share; pounds are in millions there."""
    made = settlement_rules(
        allocation={
            "subcontracts": [{"subcontract": f"S{at}", "gain": share} for at, share in enumerate(("0.55", "0.25", "0.12", "0.08"))]
        },
        consequences={"applies": True, "lines": [{"measure": "CWT-62", "threshold": "0.85", "pence_each": 100_000}]},
    )
    gained, lost = (settle(made, settlement_inputs(actual)) for actual in (SAVED, OVERSPENT))
    assert all(
        near(each.score.value, expected)
        for each, expected in zip(gained.quality.measures, reference["scores"].values(), strict=True)
        if each.score
    )
    assert near(gained.quality.value.value, reference["Q"])
    million = Fraction(1, 10**8)
    assert near(gained.at_risk.value * million, reference["outcome_pool"])
    assert near(gained.elements["outcome"].pence.value * million, reference["outcome_paid"])
    assert near(gained.elements["gain"].pence.value * million, reference["gain"]["provider_share"])
    assert near(lost.elements["loss"].pence.value * million, reference["loss"]["provider_share"])
    shares = [line.pence["gain"] * million for line in gained.lines if line.party.kind == "subcontract"]
    assert all(near(share, expected) for share, expected in zip(shares, reference["split_gain"].values(), strict=True))
    assert gained.elements["consequences"].pence.value == reference["excess_breach"]["at_1000"] * 100
    band = bands_of(made, settlement_inputs(SAVED), gained)[0]
    ends = [Fraction(pence or 0) * million for pence in (band.lower_pence, band.pence, band.upper_pence)]
    assert all(near(end, expected) for end, expected in zip(ends, reference["62day_value_range_m"], strict=True))


def test_intervals(reference: dict[str, Any]) -> None:
    for name, z in (("wilson", Z_95), ("wilson_998", Z_998)):
        for ratio, limits in reference[name].items():
            assert list(wilson(*map(Decimal, ratio.split("/")), z=z)) == limits, ratio
    for count, limits in reference["byar"].items():
        assert list(byar(Decimal(count), places=4)) == limits, count


def test_intervals_of_the_published_tool() -> None:
    z_of = {"95%": Z_95, "99.8%": Z_998}
    with (VECTORS / "wilson_byar.csv").open(newline="") as lines:
        vectors = list(csv.DictReader(lines))
    for vector in vectors:
        z = z_of[vector["confidence"]]
        if vector["method"] == "Wilson":
            found = wilson(Decimal(vector["x"]), Decimal(vector["n"]), z=z, places=14)
        else:
            found = byar(Decimal(vector["x"]), z=z, places=14)
        # The tool leaves a lower limit empty where Byar's falls below none.
        for mine, theirs in zip(found, (vector["lowercl"], vector["uppercl"]), strict=True):
            assert abs(mine - Decimal(theirs)) < Decimal("1e-12") * max(Decimal(1), mine) if theirs else mine == 0, vector


def test_funnels(reference: dict[str, Any]) -> None:
    for denominator, limits in reference["funnel_p80"].items():
        for confidence, expected in limits.items():
            z = {"95": Z_95, "99.8": Z_998}[confidence]
            assert list(funnel_limits(Fraction(4, 5), Decimal(denominator), z=z, places=4)) == expected, denominator


def test_process_control(reference: dict[str, Any]) -> None:
    vector = reference["xmr"]
    for name, screened in (("unscreened", False), ("screened", True)):
        found = limits_of([Fraction(each) for each in vector["data"]], screened=screened)
        assert found is not None
        mine = (found.mean, found.moving_range, found.lower, found.upper, found.near_lower, found.near_upper)
        for value, member in zip(mine, ("mean", "amr", "lpl", "upl", "near_l", "near_u"), strict=True):
            assert near(value, vector[name][member]), (name, member)


def working_days(reference: dict[str, Any]) -> Iterator[tuple[str, int, str]]:
    for month, days in reference["nth_working_day"].items():
        yield from ((month, int(name.removeprefix("wd")), day) for name, day in days.items())
    for number, days in reference["cwt2018"].items():
        yield from ((f"2018-{int(number):02}", nth, day) for nth, day in zip(DAYS_OF_2018, days, strict=True))


def test_working_days(reference: dict[str, Any]) -> None:
    for month, nth, day in working_days(reference):
        assert ENGLAND.nth_after(Month.parse(month), nth) == date.fromisoformat(day), (month, nth)


def test_identifiers(reference: dict[str, Any]) -> None:
    for digits, valid in reference["nhs"].items():
        assert is_patient_identifier(digits) == (valid and digits not in ALIKE), digits
    assert {digits for digits, valid in reference["nhs"].items() if valid} > ALIKE


def test_the_maturity_index(reference: dict[str, Any]) -> None:
    """The official example: twelve items whose scores come to 9.7, seven of them submitted in full."""
    none, whole = Decimal(0), 10
    items = [Item(whole, valid, 0, none, int(number < 7), 1) for number, valid in enumerate([10] * 9 + [7, 0, 0])]
    assert near(maturity(items).index, reference["dqmi"])


def test_pooling(reference: dict[str, Any]) -> None:
    """What is pooled, and the mean of percentages that it is not."""
    cells = [(180, 200), (30, 60), (5, 5)]
    pooled = Fraction(sum(n for n, _ in cells), sum(d for _, d in cells))
    mean = sum((Fraction(n, d) for n, d in cells), Fraction(0)) / len(cells)
    assert near(100 * pooled, reference["pooled"][0])
    assert near(100 * mean, reference["pooled"][1])


def test_suppression() -> None:
    """What NHS Digital shows as a star is hidden here; a count that is no count is refused where returns are read, not here."""
    for count, theirs in read(VECTORS / "suppression.json")["star_method"]:
        assert ("*" if is_small(count) else str(to_nearest(count))) == theirs, count
    for count, theirs in read(VECTORS / "suppression.json")["central_method_rc5"]:
        assert is_small(count) or str(to_nearest(count)) == theirs, count


def days_of(scenario: dict[str, Any]) -> tuple[int, int]:
    """Days before and after a transfer that keep exactly the limits that a scenario keeps."""
    for before in (38, 39, 0, 62):
        for after in (24, 25, 0, 62):
            if (before + after <= 62, before <= 38, after <= 24) == (scenario["d62"], scenario["d38"], scenario["d24"]):
                return before, after
    raise AssertionError(f"no days keep these limits: {scenario}")


def test_breach_allocation() -> None:
    published = read(VECTORS / "breach_allocation_62day.json")
    for scenario in published["scenarios"]:
        before, after = days_of(scenario)
        found = allocate(Case((Held("REFERS", before), Held("TREATS", after))), TABLES[-1])
        assert found.scenario == scenario["scenario"]
        for share, part in zip(found.shares, ("investigating", "treating"), strict=True):
            assert (share.numerator, share.denominator) == (scenario[part]["within"], scenario[part]["total"]), scenario
    solo = allocate(Case((Held("BOTH", 63),)), TABLES[-1])
    assert [(share.numerator, share.denominator) for share in solo.shares] == [(Decimal(0), Decimal(1))]
