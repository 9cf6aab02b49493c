"""What would be if: the same settlement with targets, weights, shares, costs or figures changed, a late return in, or a trust's returns missing.

Nothing is stored. The answer is a whole settlement with its explanation, beside the one it is compared with.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many
from app.kernel.refusals import Fault
from app.settlement.changed import Measures, changed_by
from app.settlement.changes import Changes
from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.explanation import Node, nodes_of, written
from app.settlement.inputs import Inputs

MOST_VALUES: Final = 200


class Sweep(Line):
    """One number at many values: a member of `Changes`, of one of its parts, or of the line of one measure or subcontract (`code`)."""

    of: Literal["settlement", "gain_share", "measures", "subcontracts", "figures"] = "settlement"
    code: Code | None = None
    member: Annotated[str, Field(pattern=r"^[a-z_]{1,40}$")]
    values: Annotated[Many[ExactDecimal], Field(min_length=1, max_length=MOST_VALUES)]


@dataclass(frozen=True, slots=True)
class Moved:
    """A node of the explanation that comes to something else; None where it is on one side only."""

    name: str
    unit: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A settlement as it is and as it would be, with what each was computed from."""

    before: Settlement
    after: Settlement
    rules: SettlementRules
    inputs: Inputs
    moved: tuple[Moved, ...]

    @property
    def difference_pence(self) -> dict[str, int]:
        """By party, how much more it would be paid; all together is nothing."""
        old = {line.party.name: line.total_pence for line in self.before.lines}
        new = {line.party.name: line.total_pence for line in self.after.lines}
        return {party: new.get(party, 0) - old.get(party, 0) for party in [*old, *(party for party in new if party not in old)]}


def what_if(rules: SettlementRules, inputs: Inputs, changes: Changes, *, measures: Measures = MappingProxyType({})) -> WhatIf | list[Fault]:
    """The settlement with its changes beside the one without; or everything that is wrong with the changes."""
    changed, faults = changed_by(rules, inputs, changes, measures=measures)
    if faults:
        return faults
    before, after = settle(rules, inputs), settle(*changed)
    return WhatIf(before, after, *changed, moved_between(before.explanation, after.explanation))


_SWEPT: Final[dict[str, tuple[str, ...]]] = {
    "settlement": (
        *("annual_value_pence", "at_risk_share", "quality_minimum", "completeness_minimum"),
        *("expected_cost_pence", "actual_cost_pence", "completeness"),
    ),
    "gain_share": ("share", "deadband", "least_loss_rate", "most_loss_rate", "gain_cap", "loss_cap"),
    "measures": ("weight", "floor", "target", "stretch", "score_at_target"),
    "subcontracts": ("outcome", "gain", "loss"),
    "figures": ("numerator", "denominator", "value"),
}
"""The members of changes that are numbers, by the part that they stand in."""
_LINES: Final = frozenset({"measures", "subcontracts", "figures"})


def sweep(
    rules: SettlementRules, inputs: Inputs, changes: Changes, asked: Sweep, *, measures: Measures = MappingProxyType({})
) -> list[Settlement] | list[Fault]:
    """The settlement at each value of one parameter, in the order of the values, over any other changes; or everything that is wrong."""
    if unknown := sweep_faults(asked):
        return unknown
    found: list[Settlement] = []
    faults: dict[tuple[str, str | None], Fault] = {}
    for at, value in enumerate(asked.values):
        place = f"/sweep/values/{at}"
        try:
            merged = Changes.model_validate(_with(changes.model_dump(exclude_none=True), asked, value))
        except ValidationError:
            detail = (
                "This parameter is whole pence, not below 0."
                if asked.member.endswith("_pence")
                else "This parameter is a share, from 0 to 1."
            )
            faults["sweep", place] = Fault("sweep", detail, "Sweep values that it may have.", pointer=place)
            continue
        changed, wrong = changed_by(rules, inputs, merged, measures=measures)
        for each in wrong:
            # A code that is not there is as wrong of every value.
            pointer = "/sweep/code" if each.code.startswith("unknown_") else place
            faults.setdefault((each.code, pointer), replace(each, pointer=pointer))
        if not wrong:
            found.append(settle(*changed))
    return list(faults.values()) or found


def sweep_faults(asked: Sweep) -> list[Fault]:
    """What is wrong with a sweep whatever it is of."""
    faults = []
    if asked.member not in _SWEPT[asked.of]:
        detail = f"A sweep of {asked.of} has no such number."
        faults.append(Fault("unknown_member", detail, f"Name one of {', '.join(_SWEPT[asked.of])}.", pointer="/sweep/member"))
    if asked.code is None and asked.of in _LINES:
        line = "subcontract" if asked.of == "subcontracts" else "measure"
        detail = f"Which {line} is swept is not said."
        faults.append(Fault("code_missing", detail, f"Name the {line} by its code.", pointer="/sweep/code"))
    if asked.code is not None and asked.of not in _LINES:
        detail = f"A sweep of {asked.of} is of no measure and no subcontract."
        faults.append(Fault("code_unused", detail, "Leave the code out, or say what it is a line of.", pointer="/sweep/code"))
    return faults


def _with(changes: dict[str, Any], asked: Sweep, value: Decimal) -> dict[str, Any]:
    stated: Any = int(value) if asked.member.endswith("_pence") and value == int(value) else value
    if asked.of == "settlement":
        return {**changes, asked.member: stated}
    if asked.of == "gain_share":
        return {**changes, "gain_share": {**changes.get("gain_share", {}), asked.member: stated}}
    key = "subcontract" if asked.of == "subcontracts" else "measure"
    lines = list(changes.get(asked.of, ()))
    own = next((line for line in lines if line[key] == asked.code), {key: asked.code})
    return {**changes, asked.of: [*(line for line in lines if line is not own), {**own, asked.member: stated}]}


def moved_between(before: Node, after: Node) -> tuple[Moved, ...]:
    """Every node that comes to something else, from the pounds down."""
    old, new = nodes_of(before), nodes_of(after)
    units = {name: (new.get(name) or node).unit for name, node in (new | old).items()}
    was, now = ({name: written(node.value) for name, node in nodes.items()} for nodes in (old, new))
    return tuple(Moved(name, unit, was.get(name), now.get(name)) for name, unit in units.items() if was.get(name) != now.get(name))
