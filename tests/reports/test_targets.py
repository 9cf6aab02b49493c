"""Which target is in force for a row, and the two verdicts that are judged by it."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.kernel.months import Month
from app.programmes.domain import Requirement
from app.reports.targets import NONE, Targets, against_target, contract_test, in_force

OCTOBER = Month.parse("2026-10")


def number(text: str) -> Decimal:
    return Decimal(text)


def requirement(*targets: dict[str, Any], **changes: Any) -> Requirement:
    return Requirement.model_validate({"measure": "CWT-62", "targets": list(targets), **changes})


GENERAL = {
    "from_month": "2026-07",
    "standard": number("0.85"),
    "interim": number("0.75"),
    "floor": number("0.7"),
    "stretch": number("0.9"),
}
PROSTATE_AT_RL4 = {
    "for": {"subcontract": "SC-RL4", "site": "prostate"},
    "from_month": "2026-10",
    "to_month": "2027-03",
    "trajectory": number("0.68"),
}


def asked(*targets: dict[str, Any], month: Month = OCTOBER, **row: str) -> Targets:
    places = {"commissioner": "all", "subcontract": "all", "site": "all", **row}
    return in_force(requirement(*targets), month=month, **places)


@pytest.mark.parametrize(
    ("row", "month", "target", "kind"),
    [
        ({}, "2026-10", "0.75", "interim"),
        ({"subcontract": "SC-RL4"}, "2026-10", "0.75", "interim"),
        ({"subcontract": "SC-RL4", "site": "prostate"}, "2026-10", "0.68", "trajectory"),
        ({"subcontract": "SC-RL4", "site": "prostate"}, "2027-03", "0.68", "trajectory"),
        ({"subcontract": "SC-RL4", "site": "prostate"}, "2027-04", "0.75", "interim"),
        ({"subcontract": "SC-RJE", "site": "prostate"}, "2026-10", "0.75", "interim"),
        ({}, "2026-06", None, None),
    ],
)
def test_the_most_specific_line_in_force_wins(row: dict[str, str], month: str, target: str | None, kind: str | None) -> None:
    found = asked(GENERAL, PROSTATE_AT_RL4, month=Month.parse(month), **row)
    assert (found.target, found.target_kind) == (None if target is None else Decimal(target), kind)


def test_a_trajectory_leaves_standard_floor_and_stretch_standing() -> None:
    found = asked(GENERAL, PROSTATE_AT_RL4, subcontract="SC-RL4", site="prostate")
    assert (found.standard, found.floor, found.stretch) == (Decimal("0.85"), Decimal("0.7"), Decimal("0.9"))


def test_of_equally_many_keys_subcontract_wins_over_site_over_commissioner() -> None:
    lines = [{"for": {place: code}, "standard": number(value)} for place, code, value in PLACES]
    assert asked(*lines, subcontract="SC-RJE", site="lung", commissioner="05W").target == Decimal("0.1")
    assert asked(*lines, site="lung", commissioner="05W").target == Decimal("0.2")
    assert asked(*lines, commissioner="05W").target == Decimal("0.3")
    two = {"for": {"site": "lung", "commissioner": "05W"}, "standard": number("0.4")}
    assert asked(*lines, two, subcontract="SC-RJE", site="lung", commissioner="05W").target == Decimal("0.4")


PLACES = [("subcontract", "SC-RJE", "0.1"), ("site", "lung", "0.2"), ("commissioner", "05W", "0.3")]


def test_trajectory_before_interim_before_standard_then_the_line_that_began_last() -> None:
    kinds = [{kind: number(f"0.{place}")} for place, kind in enumerate(("standard", "interim", "trajectory"), start=1)]
    assert asked(*kinds).target_kind == "trajectory"
    assert asked(*kinds[:2]).target_kind == "interim"
    assert asked(kinds[0]).target_kind == "standard"
    later = [
        {"from_month": month, "standard": number(value)} for month, value in (("2026-08", "0.5"), ("2026-10", "0.6"), ("2026-09", "0.7"))
    ]
    assert asked(*later).target == Decimal("0.6")


TARGET = Targets(target=Decimal("0.85"), target_kind="standard")


@pytest.mark.parametrize(
    ("value", "direction", "verdict"),
    [
        (Fraction(85, 100), "higher", "met"),
        # 84.99996% is shown as 0.85 and is a miss.
        (Fraction(8499996, 10000000), "higher", "not_met"),
        (Fraction(85, 100), "lower", "met"),
        (Fraction(8500004, 10000000), "lower", "not_met"),
        (Fraction(9, 10), None, "met"),
        (Fraction(9, 10), "neutral", "not_judged"),
        (None, "higher", "not_judged"),
    ],
)
def test_the_contract_is_judged_on_the_unrounded_value(value: Fraction | None, direction: str | None, verdict: str) -> None:
    assert contract_test(requirement(GENERAL), TARGET, value, direction=direction, slice_="all", period="month") == verdict


@pytest.mark.parametrize(
    ("applies_to", "judged_on", "slice_", "period", "verdict"),
    [
        ("all", "month", "site", "month", "met"),
        (["all", "subcontract"], "month", "all", "month", "met"),
        (["all", "subcontract"], "month", "site", "month", "not_judged"),
        ("all", "quarter", "all", "month", "not_judged"),
        ("all", "quarter", "all", "quarter", "met"),
    ],
)
def test_only_the_named_slices_and_period_are_judged(applies_to: Any, judged_on: str, slice_: str, period: str, verdict: str) -> None:
    needed = requirement(GENERAL, applies_to=applies_to, judged_on=judged_on)
    assert contract_test(needed, TARGET, Fraction(9, 10), direction="higher", slice_=slice_, period=period) == verdict


def test_without_a_target_there_is_no_verdict() -> None:
    assert contract_test(None, NONE, Fraction(1), direction="higher", slice_="all", period="month") == "no_target"
    assert contract_test(requirement(), NONE, Fraction(1), direction="higher", slice_="all", period="month") == "no_target"
    assert against_target(NONE, Decimal(1), Decimal(2), direction="higher") is None


@pytest.mark.parametrize(
    ("numerator", "denominator", "direction", "verdict"),
    [
        ("412", "531", "higher", "worse"),
        ("450", "531", "higher", "similar"),
        ("500", "531", "higher", "better"),
        ("412", "531", "lower", "better"),
        ("500", "531", "lower", "worse"),
        ("412", "531", "neutral", None),
        ("412", "531", None, "worse"),
    ],
)
def test_chance_is_judged_by_the_interval(numerator: str, denominator: str, direction: str | None, verdict: str | None) -> None:
    assert against_target(TARGET, Decimal(numerator), Decimal(denominator), direction=direction) == verdict
