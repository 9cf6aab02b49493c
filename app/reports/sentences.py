"""Plain sentences about figures: what moved between two reports, by how much, whose return moved it and whether chance could have; and how a figure stands.

A correction of a month is not a second sample of it: what is asked is whether the figure now still lies where chance alone could have put the one
before, within its 95% limits or, where it has none, within the limits of its process. Where there are neither, that is said.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from app.disclosure.rounding import ROUNDED
from app.kernel.months import Month, month_words
from app.reports.row_words import (
    PLACES,
    WITHHELD,
    Row,
    asked_words,
    bare_words,
    difference_words,
    is_percent,
    limits_words,
    made_of_words,
    missing_words,
    months_words,
    place_words,
    places_for,
    places_of_step,
    share_words,
    span_words,
    value_words,
)

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


_TESTS: Final = {"met": "met", "not_met": "not met", "no_target": "without a target", "not_judged": "not made"}
_VARIATIONS: Final = {
    "common_cause": "common cause variation, no significant change",
    "improvement": "special cause variation, an improvement",
    "concern": "special cause variation, a concern",
    "neither_high": "special cause variation, higher than before",
    "neither_low": "special cause variation, lower than before",
}
"""In the words of NHS England's guidance on process control."""
_ASKED: Final = {
    "standard": "the standard of",
    "interim": "the interim target of",
    "trajectory": "the trajectory of",
    "floor": "the floor of",
    "stretch": "the stretch target of",
}
_UNLIMITED: Final = {
    "stock": "a count at one moment",
    "mean": "a mean",
    "median": "an estimated median",
    "p90": "an estimated percentile",
}
_MOST_CAUSES: Final = 5
_SERIES: Final = ("spc_mean", "spc_lower", "spc_upper", "spc_from", "spc_points", "spc_signal", "spc_assurance")


def moved_sentence(before: Row | None, after: Row | None, *, causes: Sequence[Cause]) -> str:
    """What moved in a row between two reports of the same month; each None where the report has no such row."""
    row = after if after is not None else before
    assert row is not None, "a row that moved is in one of the two"
    said = [f"{_subject(row)}: {_moved(before, after)}", *(_capital(cause_words(cause)) for cause in causes)]
    chance = _beyond_chance(before, after) if before is not None and after is not None else None
    return " ".join(f"{part}." for part in (*said, chance) if part)


def row_sentence(row: Row, *, before: Row | None = None) -> str:
    """How a row stands: its figure against its target, against the row of the period before where that is at hand, and how much of it is in."""
    places = PLACES if row["value"] is None else places_for(row, row["target"])
    said = [f"{_subject(row)}: {value_words(row, places=places)}{_against_target(row)}"]
    if before is not None and row["value"] is not None and before["value"] is not None and before["unit"] == row["unit"]:
        said.append(_capital(_step(before, row, places=places_of_step(row, before["value"]), since=f" on {span_words(before)}")))
    if row["spc_variation"] is not None:
        said.append(f"Over time: {_VARIATIONS[row['spc_variation']]}")
    held = months_words(row)
    if held is not None and row["statistic"] != "stock" and len(set(held.split(" of "))) > 1:
        said.append(f"{held} months have figures")
    if row["returns_included"] != row["returns_expected"] or row["coverage"] not in {1, None}:
        said.append(_counted(row))
    return " ".join(f"{part}." for part in said)


def cause_words(cause: Cause) -> str:
    """Why, as a clause: which return of whose, or what else changed."""
    whose = cause.subcontract
    if cause.subcontract is not None and cause.organisation_name is not None:
        whose = f"{cause.organisation_name} ({cause.subcontract})"
    which = "return" if cause.collection is None else f"{cause.collection} return"
    what = f"a subcontract's {which}" if whose is None else f"the {which} of {whose}"
    what += "" if cause.month is None else f" for {month_words(cause.month)}"
    number = "" if cause.revision is None else f" (revision {cause.revision})"
    replaced = "" if cause.revision_before is None else f" (revision {cause.revision} replaces revision {cause.revision_before})"
    return {
        "first_reported": f"{what} counts for the first time{number}",
        "revised": f"{what} was revised{replaced or number}",
        "withdrawn": f"{what} no longer counts",
        "earlier_months": f"figures for {'earlier months' if cause.month is None else month_words(cause.month)} in its series changed",
        "contract": "the contract was changed",
        "imported": "another national figure was imported",
        "deadline": f"the deadline for {what} has passed",
        "method": "the method of calculation was changed",
    }[cause.kind]


def causes_words(causes: Sequence[Cause]) -> str:
    """Why, as sentences: the first causes, and how many more there are."""
    said = [_capital(cause_words(cause)) for cause in causes[:_MOST_CAUSES]]
    if len(causes) > _MOST_CAUSES:
        said.append(f"{len(causes) - _MOST_CAUSES} more causes stand beside the rows")
    return " ".join(f"{each}." for each in said) or "What else changed stands beside the rows."


def _subject(row: Row) -> str:
    when = f"at the end of {month_words(Month.parse(row['month']))}" if row["statistic"] == "stock" else span_words(row)
    return ", ".join(part for part in (row["measure_name"], place_words(row), when) if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _moved(before: Row | None, after: Row | None) -> str:
    if after is None:
        assert before is not None, "a row that moved is in one of the two"
        return f"no longer in the report; it was {value_words(before)}"
    if before is None:
        return f"{value_words(after)}, reported for the first time"
    beside = [*_gathered_otherwise(before, after), *_asked_otherwise(before, after), *_judged_otherwise(before, after)]
    return "; ".join([_figures_moved(before, after), *beside])


def _figures_moved(before: Row, after: Row) -> str:
    if before["measure_version"] != after["measure_version"]:
        now, then = value_words(after), value_words(before)
        return f"{now} by version {after['measure_version']} of what is counted; by version {before['measure_version']} it was {then}"
    if before["value"] is None or after["value"] is None:
        return _came_or_went(before, after)
    places = places_of_step(after, before["value"], after["target"])
    if before["value"] != after["value"]:
        bare = not made_of_words(before) and not made_of_words(after) and not is_percent(after)
        then, now = value_words(before, places=places, unit=not bare), value_words(after, places=places)
        return f"from {then} to {now}, {_step(before, after, places=places)}"
    if made_of_words(before) == made_of_words(after):
        return f"still {value_words(after, places=places)}"
    was, is_ = (made_of_words(row).strip(" ()") for row in (before, after))
    return f"still {bare_words(after, after['value'], places=places)}, now {is_} (it was {was})"


def _came_or_went(before: Row, after: Row) -> str:
    """Of a figure that is missing or withheld on one side or both."""
    now, then = value_words(after), value_words(before)
    if before["value"] is None and after["value"] is None:
        return f"still {now}" if now == then else f"{now}; before, {then}"
    if after["value"] is None:
        return f"{now}; it was {then}" if missing_words(after) == WITHHELD else f"now {now}; it was {then}"
    return f"{now}; before, {then if missing_words(before) != WITHHELD else f'it was {then}'}"


def _gathered_otherwise(before: Row, after: Row) -> Iterator[str]:
    """What of its returns is in now."""
    if before["coverage"] != after["coverage"]:
        yield f"coverage goes from {share_words(before['coverage'])} to {share_words(after['coverage'])}"
    elif any(before[name] != after[name] for name in ("returns_included", "returns_expected")):
        then, now = (f"{row['returns_included']} of {row['returns_expected']}" for row in (before, after))
        yield f"{now} returns are in, where it was {then}"
    elif before["excludes"] != after["excludes"]:
        yield f"missing now: {after['excludes'] or 'nothing'}"


def _asked_otherwise(before: Row, after: Row) -> Iterator[str]:
    """What is asked of the figure now."""
    then, now = (_asked(row) for row in (before, after))
    if then[:1] != now[:1]:
        yield f"it is judged against {now[0] or 'no target'} (before, {then[0] or 'none'})"
    for is_, was in zip(now[1:], then[1:], strict=True):
        if is_ != was and is_ not in now[:1]:
            yield f"{is_} applies now" if is_ else f"{was} no longer applies"


def _asked(row: Row) -> tuple[str | None, ...]:
    """What a row is judged against, and what else is asked of it, each in words."""
    kinds = [(row["target_kind"], row["target"]), *((name, row[name]) for name in ("standard", "floor", "stretch"))]
    return tuple(None if asked is None else f"{_ASKED[kind]} {asked_words(row, asked)}" for kind, asked in kinds)


def _judged_otherwise(before: Row, after: Row) -> Iterator[str]:
    """What is said of the figure now."""
    if before["contract_test"] != after["contract_test"]:
        yield f"the contract test is {_TESTS[after['contract_test']]}, where it was {_TESTS[before['contract_test']]}"
    if before["spc_variation"] != after["spc_variation"]:
        then, now = (_VARIATIONS.get(row["spc_variation"], "too few months to tell") for row in (before, after))
        yield f"over time it is now {now} (it was {then})"
    elif before["value"] == after["value"] and any(before[name] != after[name] for name in _SERIES):
        yield "the series that it is looked at with changed"
    if before["status"] != after["status"]:
        yield f"the figure is {after['status']} now"


def _step(before: Row, after: Row, *, places: int, since: str = "") -> str:
    """How far a value went, and whether that is for the better."""
    difference = Decimal(after["value"]) - Decimal(before["value"])
    if difference == 0:
        return f"unchanged{since}"
    direction, upwards = after["direction"], difference > 0
    good = "" if direction not in {"higher", "lower"} else ", better" if upwards == (direction == "higher") else ", worse"
    return f"{'up' if upwards else 'down'} {difference_words(after, difference, places=places)}{since}{good}"


def _beyond_chance(before: Row, after: Row) -> str | None:
    """Whether chance alone could have moved it so far; None where there are no two figures that differ."""
    if before["value"] is None or after["value"] is None or before["value"] == after["value"]:
        return None
    if before["measure_version"] != after["measure_version"]:
        return "The two cannot be compared: what is counted is not the same"
    for lower, upper, whose in (
        ("lower", "upper", "the 95% limits of the one before"),
        ("spc_lower", "spc_upper", "the process limits of its series"),
    ):
        if before[lower] is not None and before[upper] is not None:
            limits = f"{whose} ({limits_words(before, lower, upper)})"
            if before[lower] <= after["value"] <= before[upper]:
                return f"The new figure is within {limits}: so small a change can be chance variation"
            return f"The new figure is outside {limits}: the change is larger than chance variation explains"
    what = "a rounded figure" if after["suppression"] in ROUNDED else _UNLIMITED.get(before["statistic"], "such a figure")
    return f"Whether the change is larger than chance variation cannot be told: {what} has no limits of chance"


def _against_target(row: Row) -> str:
    if row["value"] is None or row["target"] is None:
        return "" if row["value"] is None else "; no target"
    target = _asked(row)[0]
    if row["direction"] == "neutral":
        return f"; {target} is not judged"
    met = row["contract_test"] == "met"
    if row["contract_test"] not in {"met", "not_met"}:
        met = row["value"] <= row["target"] if row["direction"] == "lower" else row["value"] >= row["target"]
    said = f"; {'meets' if met else 'misses'} {target}"
    if row["contract_test"] == "not_judged":
        said += " (not a contract test here)"
    if row["against_target"] == "similar":
        return f"{said}, but the difference can be chance variation (95% limits {limits_words(row)})"
    return said if row["against_target"] is None else f"{said} by more than chance variation explains"


def _counted(row: Row) -> str:
    share = "" if row["coverage"] is None else f", {share_words(row['coverage'])} of what is expected"
    lacking = f"; missing: {row['excludes']}" if row["excludes"] else ""
    return f"{row['returns_included']} of {row['returns_expected']} returns are in{share}{lacking}"
