"""What a settlement is computed from: figures of measures, costs, factors, and how complete the year's returns are; each says where it is from."""

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many, Name, Pence
from app.kernel.months import Month
from app.programmes.domain import Grade, JudgedOn
from app.settlement.domain import Factor, Share

Status = Literal["provisional", "final"]


class FigureSource(Line):
    """The row of a publication that a figure was read from, and where the returns' cells behind it are to be had."""

    publication: int
    slice: Name = "all"
    row: Name
    cells: Name


class Contribution(Line):
    """What one subcontract's returns are of a pooled figure."""

    subcontract: Code
    numerator: ExactDecimal
    denominator: ExactDecimal | None = None


class ReturnPart(Line):
    """What one accepted revision of a return says of a pooled figure, and where its cells are to be had."""

    subcontract: Code
    collection: Code
    month: Month
    revision: int
    content_sha256: Name
    numerator: ExactDecimal
    denominator: ExactDecimal | None = None
    cells: Name


class MeasureFigure(Line):
    """A measure's figure of one period of the contract year; several where it is judged on months or quarters.

    Where there is a denominator the exact ratio counts and not `value`, which rows round. None of the three is a figure that is missing, and
    `missing_reason` says why. `last_final` is the last figure that was final, where there is one, and its counts count as the figure's own do. `grade` is how well the measure can be collected.
    `returns` are what the counts add up from, as they stood when the figure was published.
    """

    measure: Code
    month: Month
    period: JudgedOn
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    value: ExactDecimal | None = None
    lower: ExactDecimal | None = None
    upper: ExactDecimal | None = None
    interval: Name | None = None
    status: Status = "provisional"
    missing_reason: Name | None = None
    last_final: ExactDecimal | None = None
    last_final_numerator: ExactDecimal | None = None
    last_final_denominator: ExactDecimal | None = None
    last_final_month: Month | None = None
    last_final_source: FigureSource | None = None
    grade: Grade = "A"
    by_subcontract: Many[Contribution] = ()
    returns: Many[ReturnPart] = ()
    source: FigureSource | None = None

    @property
    def exact(self) -> Fraction | None:
        """The unrounded figure; None where it is missing."""
        if self.numerator is not None and self.denominator:
            return Fraction(self.numerator) / Fraction(self.denominator)
        return None if self.value is None else Fraction(self.value)


class Cost(Line):
    """An expected or actual cost, by whom it was stated and who approved it; `number` is which of those stated it is."""

    pence: Pence
    source: Name
    number: int | None = None
    approved_by: Name | None = None


class StatedFactor(Line):
    """The value of a factor that the rules leave to the inputs; `number` is which of those stated it is."""

    code: Code
    factor: Factor
    source: Name
    number: int | None = None


class CoveredShare(Line):
    """What part of the expected volume a subcontract is, and whether its returns are in."""

    subcontract: Code
    share: Share
    included: bool = True


class Inputs(Line):
    """Everything that is read to settle one contract year; `completeness` is of the pathway, by expected volume."""

    figures: Annotated[Many[MeasureFigure], Field(max_length=5000)] = ()
    expected_cost: Cost | None = None
    actual_cost: Cost | None = None
    completeness: Share | None = None
    covered: Many[CoveredShare] = ()
    factors: Many[StatedFactor] = ()


def cited(figure: MeasureFigure) -> dict[str, Any]:
    """What an explanation says of where a figure is from."""
    said: dict[str, Any] = {"measure": figure.measure, "month": str(figure.month), "period": figure.period, "status": figure.status}
    return {**said, **(figure.source.model_dump() if figure.source else {})}


def cited_last_final(figure: MeasureFigure) -> dict[str, Any]:
    """The same of the last figure that was final: its own month and publication, where these are known."""
    source = figure.last_final_source.model_dump() if figure.last_final_source else {}
    month = figure.last_final_month or figure.month
    return {"measure": figure.measure, "month": str(month), "period": figure.period, "status": "final", **source}
