"""Plain sentences about figures: what moved between two reports, by how much, whose return moved it and whether chance could have; and how a figure stands.

A correction of a month is not a second sample of it: what is asked is whether the figure now still lies where chance alone could have put the one
before, within its 95% limits or, where it has none, within the limits of its process. Where there are neither, that is said.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from app.kernel.months import Month
from app.reports.row_words import (
    Row,
    difference_words,
    figure_words,
    limits_words,
    place_words,
    places_for,
    share_words,
    span_words,
    value_words,
)
from app.returns.plain_words import month_words

CauseKind = Literal["first_reported", "revised", "withdrawn", "deadline", "earlier_months", "contract", "imported", "method"]


class Cause(NamedTuple):
    """Why a row reads otherwise. Of a return, as far as its reader may know: whose, of which month, and which revision took the place of which."""

    kind: CauseKind
    collection: str | None = None
    subcontract: str | None = None
    organisation_name: str | None = None
    month: Month | None = None
    revision_before: int | None = None
    revision: int | None = None


_TESTS: Final = {"met": "met", "not_met": "not met", "no_target": "without a target", "not_judged": "not judged"}
_VARIATIONS: Final = {
    "common_cause": "chance alone explains it",
    "improvement": "better than chance explains",
    "concern": "worse than chance explains",
    "neither_high": "higher than chance explains",
    "neither_low": "lower than chance explains",
}
_UNLIMITED: Final = {
    "stock": "a count at one moment has no limits of chance",
    "mean": "a mean of counts has no limits of chance",
    "median": "an estimated median has no limits of chance",
    "p90": "an estimated percentile has no limits of chance",
}


def moved_sentence(before: Row | None, after: Row | None, *, causes: Sequence[Cause]) -> str:
    """What moved in a row between two reports of the same month; each None where the report has no such row."""
    row = after if after is not None else before
    assert row is not None, "a row that moved is in one of the two"
    said = [f"{_subject(row)}: {_moved(before, after)}", *(_capital(cause_words(cause)) for cause in causes)]
    chance = _beyond_chance(before, after) if before is not None and after is not None else None
    return " ".join(f"{part}." for part in (*said, chance) if part)


def row_sentence(row: Row, *, before: Row | None = None) -> str:
    """How a row stands: its figure against its target, against the row of the period before where that is at hand, and how much of it is in."""
    said = [f"{_subject(row)}: {value_words(row, row['target'])}{_against_target(row)}"]
    if before is not None and row["value"] is not None and before["value"] is not None and before["unit"] == row["unit"]:
        said.append(_capital(_step(before, row, since=f" on {span_words(before)}")))
    if row["spc_variation"] is not None:
        said.append(f"Over time: {_VARIATIONS[row['spc_variation']]}")
    if row["returns_expected"] and row["coverage"] != 1:
        said.append(_counted(row))
    return " ".join(f"{part}." for part in said)


def cause_words(cause: Cause) -> str:
    """Why, as a clause: which return of whose, or what else changed."""
    whose = "a subcontract"
    if cause.subcontract is not None:
        whose = cause.subcontract if cause.organisation_name is None else f"{cause.organisation_name} ({cause.subcontract})"
    what = "a return" if cause.collection is None else f"the return {cause.collection}"
    when = "" if cause.month is None else f" for {month_words(cause.month)}"
    number = "" if cause.revision is None else f" (revision {cause.revision})"
    instead = "" if cause.revision_before is None else f" in place of revision {cause.revision_before}"
    return {
        "first_reported": f"{what} of {whose}{when} counts for the first time{number}",
        "revised": f"{what} of {whose}{when} was revised{f'{number[:-1]}{instead})' if number else ''}",
        "withdrawn": f"{what} of {whose}{when} counts no longer",
        "earlier_months": f"figures of {'earlier months' if cause.month is None else month_words(cause.month)} that it is looked at beside changed",
        "contract": "the contract was changed",
        "imported": "another figure was published nationally",
        "deadline": f"the deadline passed for {what} of {whose}{when}",
        "method": "the method of calculation was changed",
    }[cause.kind]


def _subject(row: Row) -> str:
    return ", ".join(part for part in (row["measure_name"], place_words(row), span_words(row)) if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(before: Row | None, after: Row | None) -> str:
    if after is None:
        assert before is not None, "a row that moved is in one of the two"
        return f"no longer in the report; it was {value_words(before)}"
    if before is None:
        return f"{value_words(after)}, reported for the first time"
    parts = [_figures_moved(before, after)]
    if before["coverage"] != after["coverage"]:
        parts.append(f"coverage goes from {share_words(before['coverage'])} to {share_words(after['coverage'])}")
    if before["contract_test"] != after["contract_test"]:
        parts.append(f"the contract test is {_TESTS[after['contract_test']]}, where it was {_TESTS[before['contract_test']]}")
    if before["status"] != after["status"]:
        parts.append(f"the figure is {after['status']} now")
    return "; ".join(parts)


def _figures_moved(before: Row, after: Row) -> str:
    now, then = value_words(after, before["value"], after["target"]), value_words(before, after["value"], before["target"])
    if before["measure_version"] != after["measure_version"]:
        return f"{now} by version {after['measure_version']} of what is counted, {then} by version {before['measure_version']}"
    if before["value"] is None and after["value"] is None:
        return now if now == then else f"{now}, where there was {then}"
    if before["value"] is None:
        return f"{now}, where there was {then}"
    if after["value"] is None:
        return f"{now}, where it was {then}"
    if now == then:
        return f"still {now}"
    if before["value"] == after["value"]:
        return f"still {figure_words(after, after['value'])}, now {now.partition('(')[2][:-1]} where it was {then.partition('(')[2][:-1]}"
    return f"from {then} to {now}, {_step(before, after)}"


def _step(before: Row, after: Row, *, since: str = "") -> str:
    """How far a value went, and whether that is for the better."""
    difference = Decimal(after["value"]) - Decimal(before["value"])
    if difference == 0:
        return f"unchanged{since}"
    places = places_for(after, before["value"], after["target"])
    direction, upwards = after["direction"], difference > 0
    good = "" if direction not in {"higher", "lower"} else ", better" if upwards == (direction == "higher") else ", worse"
    return f"{'up' if upwards else 'down'} {difference_words(after, difference, places=places)}{since}{good}"


def _beyond_chance(before: Row, after: Row) -> str | None:
    """Whether chance alone could have moved it so far; None where no figure moved."""
    if (before["value"], before["numerator"], before["denominator"]) == (after["value"], after["numerator"], after["denominator"]):
        return None
    cannot = "Whether that is more than chance cannot be told"
    if before["measure_version"] != after["measure_version"]:
        return f"{cannot}: what is counted is not the same"
    if before["value"] is None or after["value"] is None:
        return f"{cannot}: there are not two figures to compare"
    for lower, upper, whose in (
        ("lower", "upper", "the 95% limits of the figure before"),
        ("spc_lower", "spc_upper", "its process limits"),
    ):
        if before[lower] is not None and before[upper] is not None:
            within = before[lower] <= after["value"] <= before[upper]
            limits = f"{whose} ({limits_words(before, lower, upper)})"
            if within:
                return f"It stays within {limits}: chance alone could move it so far"
            return f"It now lies outside {limits}: more than chance alone explains"
    return f"{cannot}: {_UNLIMITED.get(before['statistic'], 'the figure has no limits of chance')}"


def _against_target(row: Row) -> str:
    if row["value"] is None or row["target"] is None:
        return "" if row["value"] is None else "; no target"
    target = f"the {row['target_kind']} target of {figure_words(row, row['target'])}"
    if row["direction"] == "neutral":
        return f"; {target} is not judged"
    met = row["contract_test"] == "met"
    if row["contract_test"] not in {"met", "not_met"}:
        met = row["value"] <= row["target"] if row["direction"] == "lower" else row["value"] >= row["target"]
    said = f"; {'meets' if met else 'misses'} {target}"
    if row["contract_test"] == "not_judged":
        said += ", which is not judged here"
    if row["against_target"] == "similar":
        return f"{said}, but by no more than chance explains (95% limits {limits_words(row)})"
    return said if row["against_target"] is None else f"{said}, by more than chance explains"


def _counted(row: Row) -> str:
    share = "" if row["coverage"] is None else f", {share_words(row['coverage'])} of what is expected"
    lacking = f"; missing: {row['excludes']}" if row["excludes"] else ""
    return f"{row['returns_included']} of {row['returns_expected']} returns are in{share}{lacking}"
