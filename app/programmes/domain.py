"""What a head contract says of itself: parties, phases, scope, and what it asks of each measure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Day, Line, Many, Name, NewCode, Pence, Selection
from app.kernel.months import Month, covers


class Programme(Line):
    """One head contract held by one prime organisation."""

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


class Commissioner(Line):
    """A population that the contract serves, with its months and its parent.

    `whole` says of a parent that the programme holds all its children; otherwise its row says `part`.
    """

    ods_code: NewCode
    name: Name
    parent: Code | None = None
    from_month: Month | None = None
    to_month: Month | None = None
    whole: bool = False


class Phase(Line):
    """A stage of a programme with its own payment mode; its months are a plan."""

    number: Annotated[int, Field(ge=1, le=100)]
    name: Name
    from_month: Month | None = None
    to_month: Month | None = None
    payment: Literal["off", "shadow", "live"] = "off"


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

    for_: TargetFor | None = Field(default=None, alias="for")
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


@dataclass(frozen=True, slots=True)
class CarriedWeight:
    """The weight that counts for a subcontract in a month; where the grade takes a stated weight away, `reason` says so."""

    weight: Decimal | None
    grade: Grade
    reason: str | None = None


class Requirement(Line):
    """What the contract asks of a measure. `applies_to` None (`all`) judges every slice."""

    measure: Code
    schedule_ref: Name | None = None
    weight: Weight | None = None
    judged_on: Literal["month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12"] = "month"
    applies_to: Selection = None
    targets: Many[Target] = ()
    collectability: Many[Collectability] = ()

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
