"""The rules by which returns are judged beyond their format: versioned data of a measure or a collection. Where none is named, none applies.

A rule refuses (`reject`), warns until it is explained (`warn`) or only says something (`info`). What compares a return with the past only
ever warns: a true figure may be unusual, and whoever cannot send it invents another.
"""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many, NewCode, Words

Part = Literal["numerator", "denominator"]
Level = Literal["pathway", "segment", "site", "commissioner", "category"]
"""What figures may be kept apart by when they are compared."""

Severity = Literal["reject", "warn", "info"]

NotNegative = Annotated[ExactDecimal, Field(ge=0)]


class Rule(Line):
    """What every rule says: its code, by which warnings name it, and for people why it is there."""

    code: NewCode
    why: Words | None = None


class Figure(Line):
    """A figure of a measure of the same subcontract and month; summed over its categories, or over those that are named."""

    measure: Code
    part: Part = "numerator"
    categories: Many[Code] = ()


class ChangeRule(Rule):
    """A figure outside the process-control limits of the subcontract's own earlier months: mean ± 2.66 mean moving range.

    `of`: one of the two counts, or `value`, the rate. Judged once there are `minimum_points` earlier months (of a rate: with at least
    `minimum_count` below the line), and only where the count (of a rate: its denominator) is at least `minimum_count` now or was on
    average. `by`: each of these for itself; empty: the measure's total.
    """

    kind: Literal["change"]
    severity: Literal["warn"] = "warn"
    of: Literal["numerator", "denominator", "value"] = "numerator"
    by: Many[Level] = ()
    months: Annotated[int, Field(ge=3, le=24)] = 12
    minimum_points: Annotated[int, Field(ge=3, le=24)] = 6
    minimum_count: NotNegative


class ZeroAfterActivityRule(Rule):
    """Nothing this month, stated or by the rest, where each of the last `months` months had more than `above`.

    `part` left out is the denominator where the measure has one. `by` left out is each place and category.
    """

    kind: Literal["zero_after_activity"]
    severity: Literal["warn"] = "warn"
    part: Part | None = None
    by: Many[Level] | None = None
    months: Annotated[int, Field(ge=1, le=12)] = 1
    above: NotNegative


class AtMostRule(Rule):
    """A part of this measure is at most the sum of other figures. `by` left out is what all of them are split by."""

    kind: Literal["at_most"]
    severity: Literal["reject", "warn"] = "reject"
    part: Part = "numerator"
    categories: Many[Code] = ()
    sum_of: Annotated[Many[Figure], Field(min_length=1, max_length=20)]
    by: Many[Level] | None = None


class EqualsRule(Rule):
    """A part of this measure is the sum of other figures, or off it by no more than `tolerance`."""

    kind: Literal["equals"]
    severity: Literal["reject", "warn"] = "reject"
    part: Part = "numerator"
    categories: Many[Code] = ()
    sum_of: Annotated[Many[Figure], Field(min_length=1, max_length=20)]
    by: Many[Level] | None = None
    tolerance: NotNegative = Decimal(0)


class RollForwardRule(Rule):
    """What there was at the end of last month, with what was added and removed since, is what there is now.

    `opening` left out is this measure itself, in the return of the month before.
    """

    kind: Literal["roll_forward"]
    severity: Literal["reject", "warn"] = "warn"
    part: Part = "numerator"
    opening: Figure | None = None
    added: Annotated[Many[Figure], Field(max_length=20)] = ()
    removed: Annotated[Many[Figure], Field(max_length=20)] = ()
    by: Many[Level] | None = None
    tolerance: NotNegative = Decimal(0)


class PlanRule(Rule):
    """A count further from the patients that the subcontract's assignments expect than `tolerance`, a share of these (0.25).

    Judged on the measure's total, where the volume of every line behind it is known and at least `minimum_count`.
    """

    kind: Literal["plan"]
    severity: Literal["warn", "info"] = "info"
    part: Part | None = None
    tolerance: NotNegative
    minimum_count: NotNegative = Decimal(0)


class StaleRule(Rule):
    """Every figure is what it was in one of the last `months` months: perhaps the wrong month was sent again.

    A return with fewer than `minimum_figures` figures other than zero may well repeat itself, a nil one too.
    """

    kind: Literal["stale"]
    severity: Literal["warn"] = "warn"
    months: Annotated[int, Field(ge=1, le=12)] = 1
    minimum_figures: Annotated[int, Field(ge=1, le=1000)] = 2


Relation = AtMostRule | EqualsRule | RollForwardRule
MeasureRule = Annotated[
    ChangeRule | ZeroAfterActivityRule | AtMostRule | EqualsRule | RollForwardRule | PlanRule,
    Field(discriminator="kind"),
]
CollectionRule = StaleRule
AnyRule = Annotated[
    ChangeRule | ZeroAfterActivityRule | AtMostRule | EqualsRule | RollForwardRule | PlanRule | StaleRule,
    Field(discriminator="kind"),
]


def figures_of(rule: MeasureRule | CollectionRule) -> dict[str, Figure]:
    """The figures of measures that a rule names beside its own, by where they stand in it."""
    if isinstance(rule, AtMostRule | EqualsRule):
        return {f"sum_of/{number}": figure for number, figure in enumerate(rule.sum_of)}
    if isinstance(rule, RollForwardRule):
        opening = {} if rule.opening is None else {"opening": rule.opening}
        added = {f"added/{number}": figure for number, figure in enumerate(rule.added)}
        return opening | added | {f"removed/{number}": figure for number, figure in enumerate(rule.removed)}
    return {}
