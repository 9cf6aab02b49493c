"""What a head contract says of itself: parties, phases, scope, and what it asks of each measure."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Day, Line, Many, Name, NewCode, Pence, Selection
from app.kernel.months import Month


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


class Requirement(Line):
    """What the contract asks of a measure. `applies_to` None (`all`) judges every slice."""

    measure: Code
    schedule_ref: Name | None = None
    weight: ExactDecimal | None = None
    judged_on: Literal["month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12"] = "month"
    applies_to: Selection = None
    targets: Many[Target] = ()


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


def months_of_term(starts_on: date, ends_on: date) -> tuple[Month, Month]:
    """The first and last month that a term touches."""
    return Month.of(starts_on), Month.of(ends_on)
