"""Sentences as tables: what moved, by how much, whose return moved it, whether chance could have; and how a figure stands."""

from typing import Any, Final

import pytest

from app.kernel.months import Month
from app.reports.sentences import Cause, cause_words, moved_sentence, row_sentence
from tests.reports.made_rows import row

ABOUT: Final = "62 days from referral to first treatment, "
MOVED: Final = f"{ABOUT}October 2026: "
OCTOBER: Final = Month.parse("2026-10")
TRUST: Final = Cause("revised", "cwt", "SC-RJE", "A trust", OCTOBER, 1, 2)
TRUST_SAYS: Final = "The cwt return of A trust (SC-RJE) for October 2026 was revised (revision 2 replaces revision 1)."
WITHIN: Final = "The new figure is within the 95% limits of the one before (73.9% to 80.9%): so small a change can be chance variation."
UNTOLD: Final = "Whether the change is larger than chance variation cannot be told: "
LATE: Final[dict[str, Any]] = dict.fromkeys(("numerator", "denominator", "value", "lower", "upper", "interval"), None) | {
    "missing_reason": "late"
}
STOCK: Final = {
    "statistic": "stock",
    "unit": "people",
    "denominator": None,
    "interval": None,
    "lower": None,
    "upper": None,
    "direction": "neutral",
}


def test_a_figure_that_moved_within_chance() -> None:
    after = row(numerator=420, value="=0.79096")
    said = moved_sentence(row(), after, causes=[TRUST])
    assert said == f"{MOVED}from 77.6% (412 of 531) to 79.1% (420 of 531), up 1.5 percentage points, better. {TRUST_SAYS} {WITHIN}"


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        # Beyond chance, and which of its limits say so.
        ({}, {"numerator": 450, "value": "=0.847458"}, "The new figure is outside the 95% limits of the one before (73.9% to 80.9%): the change is larger than chance variation explains."),
        (
            STOCK | {"value": 40, "numerator": 40, "spc_lower": "=31.5", "spc_upper": 44},
            STOCK | {"value": 45, "numerator": 45},
            "from 40 to 45 people, up 5 people. The new figure is outside the process limits of its series (31.5 to 44.0 people): the change is larger",
        ),
        # Not to be told, and why.
        (STOCK | {"value": 40, "numerator": 40}, STOCK | {"value": 45, "numerator": 45}, f"{UNTOLD}a count at one moment has no limits of chance."),
        ({}, {"measure_version": 2}, "77.6% (412 of 531) by version 2 of what is counted; by version 1 it was 77.6% (412 of 531)."),
        ({}, {"measure_version": 2, "value": "=0.8", "numerator": 424}, "The two cannot be compared: what is counted is not the same."),
        (LATE, {}, "77.6% (412 of 531); before, no value (nothing was received by the deadline). "),
        ({}, LATE, "now no value (nothing was received by the deadline); it was 77.6% (412 of 531). "),
        # As many decimals as keep the figure apart from its target and from the figure before.
        ({"value": "=0.7496", "target": "=0.75"}, {"value": "=0.75"}, "from 74.96% (412 of 531) to 75.00% (412 of 531), up 0.04 percentage points, better."),
        ({"value": "=0.76", "direction": "lower"}, {"value": "=0.77", "direction": "lower"}, "from 76.0% (412 of 531) to 77.0% (412 of 531), up 1.0 percentage points, worse."),
        # The figure stays, and something about it moves.
        ({"numerator": 4, "denominator": 5, "value": "=0.8"}, {"numerator": 8, "denominator": 10, "value": "=0.8"}, "still 80.0%, now 8 of 10 (it was 4 of 5). "),
        ({}, {"coverage": 1}, "still 77.6% (412 of 531); coverage goes from 96.4% to 100%."),
        ({"coverage": None}, {"status": "final"}, "coverage goes from not known to 96.4%; the figure is final now."),
        ({"contract_test": "not_met"}, {}, "still 77.6% (412 of 531); the contract test is met, where it was not met."),
        ({}, {**LATE, "missing_reason": None, "suppression": "small_count"}, "withheld; it was 77.6% (412 of 531). "),
        # What lies between two figures is what a reader finds: never up 0, nor from 62.1% to 62.9%, up 0.7.
        ({"value": "=0.776449"}, {"value": "=0.776551"}, "from 77.645% (412 of 531) to 77.655% (412 of 531), up 0.010 percentage points"),
        ({"value": "=0.621324"}, {"value": "=0.628676"}, "from 62.13% (412 of 531) to 62.87% (412 of 531), up 0.74 percentage points, better."),
        (
            {"value": "=2.333333", "unit": "days", "statistic": "mean", "direction": "lower"},
            {"value": "=2.333334", "unit": "days", "statistic": "mean", "direction": "lower"},
            "from 2.333333 days (412 over 531) to 2.333334 days (412 over 531), up 0.000001 days, worse.",
        ),
        # Nothing of the figure moved, and what is said beside it did.
        ({}, {"target": "=0.85", "target_kind": "standard"}, "it is judged against the standard of 85% (before, the interim target of 75%)."),
        ({"floor": None}, {"stretch": None}, "; the floor of 70% applies now; the stretch target of 90% no longer applies."),
        ({"spc_variation": "common_cause"}, {"spc_variation": "concern"}, "over time it is now special cause variation, a concern (it was common cause"),
        ({"spc_points": 3}, {}, "still 77.6% (412 of 531); the series that it is looked at with changed."),
        ({"returns_included": 10}, {}, "still 77.6% (412 of 531); 11 of 12 returns are in, where it was 10 of 12."),
        ({"excludes": "SC-A late"}, {"excludes": None}, "still 77.6% (412 of 531); missing now: nothing."),
        (LATE, {**LATE, "missing_reason": "not_accepted"}, "no value (received and not accepted yet); before, no value (nothing was received by the deadline)."),
    ],
)  # fmt: skip
def test_what_moved(before: dict[str, Any], after: dict[str, Any], says: str) -> None:
    said = moved_sentence(row(**before), row(**after), causes=[])
    assert says in f"{said} ", said
    assert said.startswith(ABOUT)


def test_a_row_that_is_new_or_gone_and_one_of_a_place() -> None:
    place = {"commissioner": "05W", "commissioner_name": "Stoke on Trent", "site": "lung", "site_name": "Lung"}
    here = "62 days from referral to first treatment, Stoke on Trent, Lung, October 2026: "
    assert moved_sentence(None, row(**place), causes=[]) == f"{here}77.6% (412 of 531), reported for the first time."
    assert moved_sentence(row(**place), None, causes=[]) == f"{here}no longer in the report; it was 77.6% (412 of 531)."


@pytest.mark.parametrize(("before", "after"), [({}, {"coverage": 1}), ({"numerator": 4, "denominator": 5}, {}), (LATE, {}), ({}, LATE)])
def test_nothing_is_said_of_chance_where_there_are_no_two_figures_that_differ(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert "chance" not in moved_sentence(row(**before), row(**after), causes=[TRUST])


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (Cause("first_reported", "cwt", "SC-RJE", "A trust", OCTOBER, None, 1), "the cwt return of A trust (SC-RJE) for October 2026 counts for the first time (revision 1)"),
        (Cause("revised", "cwt", "SC-RJE", None, OCTOBER, 1, 3), "the cwt return of SC-RJE for October 2026 was revised (revision 3 replaces revision 1)"),
        (Cause("revised"), "a subcontract's return was revised"),
        (Cause("withdrawn", "cwt", "SC-RJE", None, OCTOBER), "the cwt return of SC-RJE for October 2026 no longer counts"),
        (Cause("deadline", month=OCTOBER), "the deadline for a subcontract's return for October 2026 has passed"),
        (Cause("earlier_months", month=OCTOBER), "figures for October 2026 in its series changed"),
        (Cause("contract"), "the contract was changed"),
        (Cause("imported"), "another national figure was imported"),
        (Cause("method"), "the method of calculation was changed"),
    ],
)  # fmt: skip
def test_why(cause: Cause, words: str) -> None:
    assert cause_words(cause) == words


@pytest.mark.parametrize(
    ("changes", "before", "says"),
    [
        (
            {},
            None,
            "77.6% (412 of 531); meets the interim target of 75%, but the difference can be chance variation (95% limits 73.9% to 80.9%).",
        ),
        (
            {},
            None,
            "(95% limits 73.9% to 80.9%). 11 of 12 returns are in, 96.4% of what is expected; missing: SC-H9901 late.",
        ),
        ({"coverage": 1, "against_target": "better"}, None, "77.6% (412 of 531); meets the interim target of 75% by more than chance variation explains."),
        ({"coverage": 1, "value": "=0.7496", "contract_test": "not_met"}, None, "74.96% (412 of 531); misses the interim target of 75%, but the difference"),
        ({"coverage": 1, "contract_test": "not_judged", "against_target": None}, None, "meets the interim target of 75% (not a contract test here)."),
        ({"coverage": 1, "target": None}, None, "77.6% (412 of 531); no target."),
        ({"coverage": 1, **LATE}, None, "no value (nothing was received by the deadline)."),
        ({"coverage": None, "excludes": None}, None, "11 of 12 returns are in."),
        ({"coverage": None, "returns_included": 12}, None, "(95% limits 73.9% to 80.9%)."),
        ({"coverage": 1, "returns_included": 12, "months_held": 3, "period_start": "2026-04-01"}, None, "(95% limits 73.9% to 80.9%). 3 of 7 months have figures."),
        ({"coverage": 1, "returns_included": 12, "months_held": 7, "period_start": "2026-04-01"}, None, "(95% limits 73.9% to 80.9%)."),
        (STOCK | {"value": 40, "numerator": 40, "months_held": 1, "period_start": "2026-04-01", "target": None, "target_kind": None}, None, "at the end of October 2026: 40 people; no target. 11"),
        ({"coverage": 1}, {"value": "=0.79", "period_start": "2026-09-01", "period_end": "2026-09-30"}, "Down 1.4 percentage points on September 2026, worse."),
        ({"coverage": 1}, {"value": "=0.775895", "period_start": "2026-09-01", "period_end": "2026-09-30"}, "Unchanged on September 2026."),
        ({"coverage": 1, "spc_variation": "concern"}, None, "Over time: special cause variation, a concern."),
        (
            {"coverage": 1, "period": "year_to_date", "period_start": "2026-04-01"},
            None,
            "62 days from referral to first treatment, April to October 2026 (year to date): 77.6%",
        ),
        ({"period": "quarter"}, None, "treatment, October 2026 (quarter to date): 77.6%"),
        ({"period": "quarter", "period_start": "2026-09-01"}, None, "treatment, September to October 2026 (quarter to date): 77.6%"),
        ({"period": "quarter", "period_start": "2026-08-01"}, None, "treatment, August to October 2026: 77.6%"),
        ({"coverage": None, "returns_expected": 0, "returns_included": 0}, None, "(95% limits 73.9% to 80.9%)."),
    ],
)  # fmt: skip
def test_how_a_figure_stands(changes: dict[str, Any], before: dict[str, Any] | None, says: str) -> None:
    said = row_sentence(row(**changes), before=None if before is None else row(**before))
    assert says in said, said
