"""The faults that a submission may have: one vocabulary for every format, each with what is wrong and how to put it right.

Only words and known codes of the contract stand in a fault, never what was sent.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Self

from app.calendar.expected import CellKey
from app.kernel.refusals import Fault

MOST_FAULTS: Final = 1000

_CELL: Final = re.compile(r"([A-Z]+)([0-9]+)")

REASONS: Final = (
    "system_change",
    "system_outage",
    "staff_absence",
    "not_recorded",
    "definition_not_agreed",
    "awaiting_validation",
    "other",
)
"""Why a figure is not collected."""

NIL_REASONS: Final = ("no_service",)

EXPLANATION_CODES: Final = (
    "large_change",
    "small_numbers",
    "service_changed",
    "demand_changed",
    "staffing_changed",
    "backlog_worked_off",
    "recording_changed",
    "patients_of_others",
    "no_patients",
    "same_as_before",
    "other",
)
"""Why a figure is unusual and right, as most are: offered to choose from. Any other code passes too, for a warning never refuses."""

OF_THE_CONTRACT: Final = "Use a code of the contract, as expected-cells.csv lists them."

_ONE_OF_REASONS: Final = f"Give one of: {', '.join(REASONS)}."

FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "wrong_type": ("This must be {kind}.", "See the submission's shape in the reference pages."),
    "unknown_member": ("There is no member of this name here.", "Leave it out, or correct its name."),
    "ratio_not_accepted": (
        "A ratio, mean or percentage is never accepted: figures are pooled from counts.",
        "Send the counts as numerator and denominator.",
    ),
    "missing": ("The member {name} must be there.", "Add it."),
    "too_many_cells": ("A return states at most {most} cells.", "Send the cells that the return expects, each once."),
    "not_a_code": (
        "An explanation_code is a code: letters, digits, dots, hyphens and low lines, beginning with a letter or digit.",
        "Use one of: {words}; or a code of your own, written as these are. Say the rest in explanation.",
    ),
    "too_long": ("This text has more than {most} characters.", "Write less."),
    "not_one_of": ("This must be one of: {words}.", "Use one of these words."),
    "patient_identifier": ("{found.detail}", "{found.fix}"),
    "unknown_measure": ("There is no measure of this code in the contract.", "Use one of this return's measures: {codes}."),
    "unknown_pathway": ("There is no pathway of this code in the contract.", "{fix}"),
    "unknown_segment": ("There is no segment of this code in the pathway.", "{fix}"),
    "unknown_site": ("There is no site of this code in the contract.", "{fix}"),
    "unknown_commissioner": ("There is no commissioner of this code in the contract.", "{fix}"),
    "unknown_category": ("The measure {measure} has no category of this code.", "Use one of: {codes}."),
    "unknown_not_allowed": ("The measure {measure} does not take UNKNOWN here.", "Name the {place} that these patients belong to."),
    "place_missing": ("More than one {place} is possible for this cell.", "Name one of: {codes}."),
    "duplicate_cell": ("This is the same cell as {first}.", "Keep one of the two."),
    "unexpected_cell": ("This return does not expect this cell: {why}.", "{fix}"),
    "import_only": ("The measure {measure} is imported, never returned.", "Leave the cell out."),
    "parent_with_child": (
        "For {measure} the site {parent} and its part {child} both carry figures: these patients would count twice.",
        "Report either {parent} or its parts.",
    ),
    "reason_missing": ("not_collected needs a reason.", _ONE_OF_REASONS),
    "unknown_reason": ("This is not one of the reasons.", "Give one of: {words}."),
    "reason_unexpected": ("A cell with a value carries no reason.", "Leave the reason out, or state not_collected."),
    "figures_unexpected": ("A cell that is {state} carries no figures.", "Leave the figures out, or state value."),
    "numerator_missing": ("A value of {measure} carries a numerator.", "Add the count, or state not_collected with a reason."),
    "denominator_missing": ("A value of {measure} carries a denominator.", "Add it: {denominator}."),
    "denominator_unexpected": ("A value of {measure} carries no denominator.", "Leave it out; send the count as numerator."),
    "denominator_mixed": (
        "Other values of {measure} carry a denominator, and this one does not: one return counts it one way.",
        "Give every value of {measure} its denominator, or none.",
    ),
    "not_a_number": (
        "This is not a number.",
        (
            "Send the count itself, as 1234 or 41.5: 0 where there was none; where it is not known or not to be told (n/a, <5),"
            " state not_collected with a reason."
        ),
    ),
    "percentage": ("A percentage is never accepted: figures are pooled from counts.", "Send the counts as numerator and denominator."),
    "negative": ("A count is not below zero.", "Send the count itself; correct an earlier revision by sending the whole return again."),
    "too_large": ("A figure has at most seven digits before the point.", "Check the figure, and that it counts what the measure says."),
    "numeric_kind": ("This is counted {kind}.", "Send {fix}."),
    "numerator_above_denominator": ("For {measure} the numerator is part of the denominator.", "Check the two counts."),
    "sum_of_none": ("A sum of values that nobody gave cannot be above zero.", "Say how many gave a value, or correct the sum to 0."),
    "at_most": ("{what} is more than {others} (rule {rule}).{why}", "Correct the figures that are wrong on either side.{also}"),
    "equals": ("{what} is not {others} (rule {rule}).{why}", "Correct the figures that are wrong on either side.{also}"),
    "roll_forward": (
        "{what} is not {others} (rule {rule}).{why}",
        "Correct the figures that are wrong on either side; where last month's was, send that month's return again first.{also}",
    ),
    "rule_not_judged": (
        "Rule {rule} compares figures that something is wrong with here, and is judged once they are right.",
        "See to it that {asks}.",
    ),
    "cell_missing": (
        "The expected cell {cell} is not there.",
        "State it, with its figures or as not_collected with a reason{rest}.",
    ),
    "measure_missing": (
        "No cell of {measure} has a value, so the rest cannot state its {count} cells as zero.",
        "State at least one value of {measure} (0 is one), or its cells as not_collected with a reason.",
    ),
    "stock_by_rest": ("{measure} is a census: its cell {cell} is not zero because it is not listed.", "State the cell, zero included."),
    "rest_reason_unexpected": ("Only rest not_collected carries a rest_reason.", "Leave it out."),
    "nil_with_cells": (
        "A nil return states nothing but its reason and a note, and this one states {what} too.",
        "Leave {what} out, or nil if there is something to report; zeros are stated by cells or by the rest.",
    ),
    "nil_reason_unexpected": ("Only a nil return carries a reason for the whole return.", "Leave it out, or give the cells their reasons."),
}


REST_STATES: Final = '; or state the rest ("rest"; on a form "All others are zero")'
REST_AFTER_A_VALUE: Final = "; the rest states zeros of {measure} only beside at least one value of it (0 is one), and there is none"
REST_OF_A_CENSUS: Final = "; of a census no cell is zero by the rest, so each is stated, zero included"
"""Whether the rest can help where a cell is missing."""


def in_order(found: Fault) -> tuple[object, ...]:
    """By what faults are ordered: sheet, row and column, or pointer, its positions as numbers; then what waits for these."""
    column, row = _CELL.fullmatch(found.cell or "").groups() if found.cell else ("", 0)  # type: ignore[union-attr]  # Grid writes every cell as letters and a number
    parts = [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in (found.pointer or "").split("/")]
    return found.code == "rule_not_judged", found.sheet or "", found.line or int(row), found.column or 0, len(column), column, parts


class Faults(list[Fault]):
    """Faults as they are found: the first thousand are kept, and those beyond only counted."""

    def __init__(self, found: Iterable[Fault] = ()) -> None:
        super().__init__()
        self.beyond = 0
        self.extend(found)

    def append(self, found: Fault) -> None:
        if len(self) < MOST_FAULTS:
            super().append(found)
        else:
            self.beyond += 1

    def extend(self, found: Iterable[Fault]) -> None:
        for each in found:
            self.append(each)

    def __iadd__(self, found: Iterable[Fault]) -> Self:  # type: ignore[override,misc]  # a list's += takes whatever can be gone through
        self.extend(found)
        return self


def fault(code: str, pointer: str, **names: object) -> Fault:
    """A fault of the register at a place; `names` are known words and codes, never what was sent."""
    detail, fix = FAULTS[code]
    return Fault(code, detail.format_map(names), fix.format_map(names), pointer=pointer)


def words(key: CellKey) -> str:
    """A cell by its codes, places that are `all` left out."""
    return "(" + ", ".join(f"{name} {code}" for name, code in zip(CellKey._fields, key, strict=True) if code != "all") + ")"
