"""The shapes of the calculators: what is asked of them, and what they answer."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal, rounded
from app.kernel.lines import Line, Many, no_patient
from app.kernel.months import Month
from app.returns.breach_allocation import Allocation, Calculation, Case, Held, Part, Share
from app.returns.breach_table import Scenario, Table
from app.returns.maturity import Item, maturity

MOST_CASES: Final = 5000
MOST_RECORDS: Final = 10**12
Party = Annotated[Code, AfterValidator(no_patient)]


class HeldBody(Line):
    """A party that had the patient, and for how many days: from referral, or from its receipt of the transfer, to the next or to treatment.

    Days that the national rules leave out of the count (a pause before the first appointment, or of an admission) are left out.
    """

    party: Party
    days: Annotated[int, Field(ge=0, le=3650)]


class CaseBody(Line):
    """One patient that was treated: the parties that had it, in order. The last one treated it."""

    parties: Annotated[Many[HeldBody], Field(min_length=1, max_length=20)]
    accountable: Annotated[
        Party | None, Field(description="Of several that had the patient before, the one that answers as the referrer.")
    ] = None

    def case(self) -> Case:
        return Case(tuple(Held(held.party, held.days) for held in self.parties), self.accountable)


class BreachAllocationBody(Line):
    """Patients whose treatment began in a month. Days are counted, no dates are sent, and nothing is kept."""

    month: Month
    cases: Annotated[Many[CaseBody], Field(min_length=1, max_length=MOST_CASES)]


class SplitView(BaseModel):
    """What a part gets of one patient."""

    numerator: ExactDecimal
    denominator: ExactDecimal


class ScenarioView(BaseModel):
    """A row of the table."""

    scenario: int
    handed_over_in_time: bool
    treated_in_time_after_transfer: bool
    treated_in_time: bool
    referring: SplitView
    treating: SplitView
    rule: str


class TableView(BaseModel):
    """The version of the table that was applied; `confirmed` says whether it was compared with the current national guidance."""

    version: int
    from_month: Month
    source: str
    confirmed: bool
    note: str
    most_days: int
    most_days_before_transfer: int
    most_days_after_transfer: int
    scenarios: list[ScenarioView]


class ShareView(BaseModel):
    """A party's share of one patient."""

    party: str
    part: Part
    numerator: ExactDecimal
    denominator: ExactDecimal


class AllocationView(BaseModel):
    """How one patient is shared. Where one party referred and treated there is no scenario, and no transfer to count days around."""

    scenario: int | None
    rule: str
    days: int
    days_before_transfer: int | None
    days_after_transfer: int | None
    treated_in_time: bool
    shares: list[ShareView]


class TotalView(BaseModel):
    """What a party gets of all the patients."""

    party: str
    numerator: ExactDecimal
    denominator: ExactDecimal


class BreachAllocationView(BaseModel):
    """The shares of each patient, in the order in which they were asked, and of each party; `denominator` is how many patients there were."""

    month: Month
    numerator: ExactDecimal
    denominator: ExactDecimal
    cases: list[AllocationView]
    totals: list[TotalView]
    table: TableView


class ItemBody(Line):
    """A data item: of all records, those valid and complete, and those with a default; `threshold` is the part of records that may be defaults.

    `covered` of `expected` are the parts of the submission that were to carry it.
    """

    records: Annotated[int, Field(ge=1, le=MOST_RECORDS)]
    valid: Annotated[int, Field(ge=0, le=MOST_RECORDS)]
    defaults: Annotated[int, Field(ge=0, le=MOST_RECORDS)] = 0
    threshold: Annotated[ExactDecimal, Field(ge=0, le=1)] = Decimal(0)
    expected: Annotated[int, Field(ge=1, le=MOST_RECORDS)] = 1
    covered: Annotated[int, Field(ge=0, le=MOST_RECORDS)] = 1

    @field_validator("valid", "defaults", "covered")
    @classmethod
    def _a_part(cls, value: int, about: ValidationInfo) -> int:
        # Judged by itself: what is wrong with one member hides nothing of another.
        whole = "expected" if about.field_name == "covered" else "records"
        if value > about.data.get(whole, value):
            raise PydanticCustomError("above_the_whole", "this counts a part of what {whole} counts", {"whole": whole})
        return value

    def item(self) -> Item:
        return Item(self.records, self.valid, self.defaults, self.threshold, self.covered, self.expected)


class MaturityBody(Line):
    """The items of a submission."""

    items: Annotated[Many[ItemBody], Field(min_length=1, max_length=1000)]


class ScoreView(BaseModel):
    """The score of an item, and how much of it was covered."""

    score: ExactDecimal
    coverage: ExactDecimal


class MaturityView(BaseModel):
    """The index, 0 to 100: a hundred times the mean score times the mean coverage; and the scores of the items, in the order asked."""

    index: ExactDecimal
    score: ExactDecimal
    coverage: ExactDecimal
    items: list[ScoreView]


def maturity_view(items: Sequence[Item]) -> dict[str, Any]:
    found = maturity(items)
    return {
        "index": rounded(found.index),
        "score": rounded(found.score),
        "coverage": rounded(found.coverage),
        "items": [{"score": rounded(item.score), "coverage": rounded(item.coverage)} for item in items],
    }


def allocation_view(month: Month, found: Calculation) -> dict[str, Any]:
    split = found.totals
    return {
        "month": month,
        "numerator": sum(each.numerator for each in split.values()),
        "denominator": sum(each.denominator for each in split.values()),
        "cases": [_case(each) for each in found.allocations],
        "totals": [{"party": party, **each._asdict()} for party, each in split.items()],
        "table": _table(found.table),
    }


def _case(found: Allocation) -> dict[str, Any]:
    return {
        "scenario": found.scenario,
        "rule": found.rule,
        "days": found.days,
        "days_before_transfer": found.days_before_transfer,
        "days_after_transfer": found.days_after_transfer,
        "treated_in_time": found.treated_in_time,
        "shares": [Share._asdict(share) for share in found.shares],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "version": table.version,
        "from_month": table.from_month,
        "source": table.source,
        "confirmed": table.confirmed,
        "note": table.note,
        "most_days": table.most_days,
        "most_days_before_transfer": table.most_days_before_transfer,
        "most_days_after_transfer": table.most_days_after_transfer,
        "scenarios": [_scenario(scenario) for scenario in table.scenarios],
    }


def _scenario(scenario: Scenario) -> dict[str, Any]:
    row = scenario._asdict()
    return {
        "scenario": row.pop("number"),
        **row,
        "referring": scenario.referring._asdict(),
        "treating": scenario.treating._asdict(),
        "rule": row["rule"],
    }
