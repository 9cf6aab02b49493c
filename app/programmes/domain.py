"""What a head contract says of itself: parties, phases, scope, and what it asks of each measure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Day, Line, Many, Name, NewCode, Pence, Selection
from app.kernel.months import Month, covers
from app.programmes.reporting import USUAL_PUBLICATION, USUAL_WEIGHTS, Publication, QualityWeights, RagRule

PaymentMode = Literal["off", "shadow", "live"]
JudgedOn = Literal["month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12"]


def _share_of_one(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise PydanticCustomError("threshold", "a threshold from 0 to 1")
    return value


Threshold = Annotated[ExactDecimal, AfterValidator(_share_of_one)]


class Programme(Line):
    """One head contract held by one prime organisation; `quality` and `publication` None leave what they say as it usually is.

    A figure whose coverage is under `publish_threshold` is shown as incomplete and not judged. Without `rag` no row has a colour.
    Where `measures_need_approval`, what a measure that is there says is changed by two people; once that is so it stays so.
    """

    code: NewCode
    name: Name
    prime: Code
    starts_on: Day
    ends_on: Day
    value_pence: Pence | None = None
    contract_year_starts: Annotated[str, StringConstraints(strict=True, pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")] | None = (
        None
    )
    """Month and day, `07-01`; the day of `starts_on` where it is not given."""
    quality: QualityWeights | None = None
    publish_threshold: Threshold | None = None
    rag: RagRule | None = None
    publication: Publication | None = None
    measures_need_approval: bool = False

    @property
    def publishing(self) -> Publication:
        return self.publication or USUAL_PUBLICATION

    @property
    def quality_weights(self) -> QualityWeights:
        return self.quality or USUAL_WEIGHTS

    @property
    def first_month(self) -> Month:
        return Month.of(self.starts_on)

    @property
    def last_month(self) -> Month:
        return Month.of(self.ends_on)

    @property
    def contract_year_month(self) -> int:
        """The number of the month in which contract years begin, 1 to 12."""
        return int(self.contract_year_starts[:2]) if self.contract_year_starts else self.starts_on.month

    def contract_year_of(self, month: Month) -> int:
        """The number of the contract year that a month lies in, 1 for the one that the programme starts in."""
        begins = self.contract_year_month - 1
        return (month.ordinal - begins) // 12 - (self.first_month.ordinal - begins) // 12 + 1


def _percentage(value: Decimal) -> Decimal:
    if not 0 <= value <= 100:
        raise PydanticCustomError("percentage", "a percentage from 0 to 100")
    return value


class Commissioner(Line):
    """A population that the contract serves, with its months and its parent.

    `whole` says of a parent that the programme holds all its children; otherwise its row says `part`. `share` is its percentage
    of the contract; those of one month never pass 100.
    """

    ods_code: NewCode
    name: Name
    parent: Code | None = None
    from_month: Month | None = None
    to_month: Month | None = None
    whole: bool = False
    share: Annotated[ExactDecimal, AfterValidator(_percentage)] | None = None


Criterion = Literal["completeness", "timeliness", "validity", "baselines_agreed", "coverage"]
USUAL_MONTHS: Final = 3


class GateCriterion(Line):
    """What must be reached to leave a phase: a share of at least `threshold`, over the last `months` months, of these measures or all.

    Baselines are agreed once, so they have no months.
    """

    criterion: Criterion
    threshold: Threshold
    months: Annotated[int, Field(ge=1, le=36)] | None = None
    measures: Annotated[Selection, AfterValidator(lambda codes: None if codes is None else tuple(sorted(codes)))] = None

    @model_validator(mode="before")
    @classmethod
    def _usual_months(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("months") is None and value.get("criterion") != "baselines_agreed":
            return {**value, "months": USUAL_MONTHS}
        return value

    @model_validator(mode="after")
    def _no_months(self) -> "GateCriterion":
        if self.criterion == "baselines_agreed" and self.months is not None:
            raise PydanticCustomError("no_months", "baselines are agreed once: leave months out")
        return self

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        return self.criterion, self.measures or ()


def _in_order(criteria: tuple[GateCriterion, ...]) -> tuple[GateCriterion, ...]:
    if len({each.key for each in criteria}) < len(criteria):
        raise PydanticCustomError("repeated", "a criterion stands twice in this list for the same measures")
    return tuple(sorted(criteria, key=lambda each: each.key))


class Gate(Line):
    """Everything that must be reached to leave a phase."""

    criteria: Annotated[Many[GateCriterion], Field(min_length=1, max_length=50), AfterValidator(_in_order)]


class Phase(Line):
    """A stage of a programme with its own payment mode; its months are a plan, and its gate is what must be reached to leave it."""

    number: Annotated[int, Field(ge=1, le=100)]
    name: Name
    from_month: Month | None = None
    to_month: Month | None = None
    payment: PaymentMode = "off"
    gate: Gate | None = None


DecisionKind = Literal["move_on", "stay", "move_on_with_conditions"]


@dataclass(frozen=True, slots=True)
class PhaseDecision:
    """Whether a programme leaves a phase, from which month on: proposed by one client, approved (`recorded`) by another.

    `to_phase` is the phase of the months from then on; the evidence is what the gate answered at a moment, by its digest.
    """

    phase: int
    number: int
    state: Literal["proposed", "approved"]
    decision: DecisionKind
    to_phase: int
    from_month: Month
    reason: str
    conditions: tuple[str, ...]
    evidence_as_of: datetime
    evidence_sha256: str
    proposed_at: datetime
    proposed_by: str
    recorded_at: datetime
    recorded_by: str


def phase_in(phases: Iterable[Phase], decisions: Iterable[PhaseDecision], month: Month) -> int | None:
    """The phase that a month is in: the last one decided for it, else the first; None where the programme has none.

    `decisions` are the approved ones, in the order of their approval.
    """
    decided = [decision.to_phase for decision in decisions if decision.from_month <= month]
    return decided[-1] if decided else min((phase.number for phase in phases), default=None)


def next_phase(phases: Iterable[Phase], number: int) -> Phase | None:
    """The phase after one, by number; None after the last."""
    return min((phase for phase in phases if phase.number > number), key=lambda phase: phase.number, default=None)


def undecided_month(phases: Iterable[Phase], decisions: Iterable[PhaseDecision], number: int, *, today: Month) -> Month | None:
    """The month in which a phase was planned to be left, where it has come and nobody decided whether it is.

    A move decided at any time is a decision; to stay is one for months up to the one from which on it was decided. A decision that
    one approved after it undid, for it counts from the same month or an earlier one, is none.
    """
    phases, decisions = tuple(phases), tuple(decisions)
    following = next_phase(phases, number)
    planned = None if following is None else following.from_month
    if planned is None or today < planned:
        return None
    stands = (each for at, each in enumerate(decisions) if all(each.from_month < later.from_month for later in decisions[at + 1 :]))
    decided = any(decision.phase == number and (decision.to_phase != number or planned <= decision.from_month) for decision in stands)
    return None if decided else planned


class Site(Line):
    """A tumour site or condition, with the months it is in scope and its parent."""

    code: NewCode
    name: Name
    parent: Code | None = None
    from_month: Month | None = None
    to_month: Month | None = None


class TargetFor(Line):
    """Whom a target is for; what is left out is everyone."""

    commissioner: Code | None = None
    subcontract: Code | None = None
    site: Code | None = None


class Target(Line):
    """What is asked of a measure in some months, for all or for some."""

    # Nobody named is everybody: the two ways to write it are one.
    for_: Annotated[TargetFor | None, AfterValidator(lambda whom: None if whom == TargetFor() else whom)] = Field(default=None, alias="for")
    from_month: Month | None = None
    to_month: Month | None = None
    standard: ExactDecimal | None = None
    interim: ExactDecimal | None = None
    trajectory: ExactDecimal | None = None
    floor: ExactDecimal | None = None
    stretch: ExactDecimal | None = None


Grade = Literal["A", "B", "C"]
GRADES: Final[dict[Grade, str]] = {"A": "routine", "B": "manual", "C": "not collectable"}
"""How well a measure can be collected from a subcontract; only what is routine carries weight."""


class Collectability(Line):
    """How well a measure can be collected in some months: from one subcontract, or from each that has no grade of its own."""

    subcontract: Code | None = None
    grade: Grade
    from_month: Month | None = None
    to_month: Month | None = None


class YearWeight(Line):
    """The weight of a requirement in one contract year; 1 is the year that the programme starts in."""

    contract_year: Annotated[int, Field(ge=1, le=100)]
    weight: ExactDecimal


def _by_year(weights: tuple[YearWeight, ...]) -> tuple[YearWeight, ...]:
    if not weights:
        raise PydanticCustomError("empty", "a number, or a list with a weight for at least one contract year")
    if len({each.contract_year for each in weights}) != len(weights):
        raise PydanticCustomError("repeated", "a contract year stands twice in this list")
    return tuple(sorted(weights, key=lambda each: each.contract_year))


Weight = Annotated[
    Annotated[ExactDecimal, Tag("every year")]
    | Annotated[Many[YearWeight], Field(max_length=100), AfterValidator(_by_year), Tag("by year")],
    Discriminator(lambda value: "by year" if isinstance(value, list | tuple) else "every year"),
]
"""One weight for every contract year, or one for each that has one, in their order."""


class Rebase(Line):
    """A named step change: from this month on, process control begins a new series, for all or for some."""

    for_: TargetFor | None = Field(default=None, alias="for")
    from_month: Month
    reason: Name


def _by_month(rebases: tuple[Rebase, ...]) -> tuple[Rebase, ...]:
    if len({(each.from_month, each.for_) for each in rebases}) < len(rebases):
        raise PydanticCustomError("repeated", "a month stands twice in this list for the same places")
    return tuple(sorted(rebases, key=lambda each: (each.from_month, each.model_dump_json())))


class ProcessControl(Line):
    """How a measure's series are judged by chance: limits stay as they are after so many points, and where a series begins anew."""

    fixed_after: Annotated[int, Field(ge=12, le=120)] = 24
    screened: bool = True
    rebases: Annotated[Many[Rebase], Field(max_length=50), AfterValidator(_by_month)] = ()


USUAL_CONTROL: Final = ProcessControl()


@dataclass(frozen=True, slots=True)
class CarriedWeight:
    """The weight that counts for a subcontract in a month; where the grade takes a stated weight away, `reason` says so."""

    weight: Decimal | None
    grade: Grade
    reason: str | None = None


class Requirement(Line):
    """What the contract asks of a measure. `applies_to` None (`all`) judges every slice; `process_control` None is as usual.

    `rag` takes the place of the programme's own, for a measure whose value is in another unit.
    """

    measure: Code
    schedule_ref: Name | None = None
    weight: Weight | None = None
    judged_on: JudgedOn = "month"
    applies_to: Selection = None
    targets: Many[Target] = ()
    collectability: Many[Collectability] = ()
    process_control: ProcessControl | None = None
    rag: RagRule | None = None

    def weight_in(self, contract_year: int) -> Decimal | None:
        """The weight that the contract states for a contract year."""
        if not isinstance(self.weight, tuple):
            return self.weight
        return next((each.weight for each in self.weight if each.contract_year == contract_year), None)

    def grade_of(self, subcontract: str, month: Month) -> Grade:
        """How well the measure can be collected from a subcontract: by its own grade, or by the one for all; else it is routine."""
        graded = {line.subcontract: line.grade for line in self.collectability if covers(line.from_month, line.to_month, month)}
        return graded.get(subcontract) or graded.get(None) or "A"

    def carried_weight(self, subcontract: str, month: Month, *, contract_year: int) -> CarriedWeight:
        """The weight that counts for a subcontract in a month: the stated one where the measure is collected as routine, else none."""
        weight, grade = self.weight_in(contract_year), self.grade_of(subcontract, month)
        if weight is None or grade == "A":
            return CarriedWeight(weight, grade)
        reason = f"{self.measure} is graded {grade} ({GRADES[grade]}) for {subcontract} in {month}: it carries no weight."
        return CarriedWeight(None, grade, reason)


def descends(child: str, ancestor: str, parents: dict[str, str | None]) -> bool:
    """Whether a place lies below another in a hierarchy."""
    seen: set[str] = set()
    place = parents.get(child)
    while place is not None and place not in seen:
        if place == ancestor:
            return True
        seen.add(place)
        place = parents.get(place)
    return False


def ancestors(code: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    """The places above one, nearest first."""
    found: list[str] = []
    place = parents.get(code)
    while place is not None and place not in found:
        found.append(place)
        place = parents.get(place)
    return tuple(found)


def leaves(codes: tuple[str, ...], parents: dict[str, str | None]) -> tuple[str, ...]:
    """The places that are nobody's parent."""
    above = {parent for parent in parents.values() if parent is not None}
    return tuple(code for code in codes if code not in above)
