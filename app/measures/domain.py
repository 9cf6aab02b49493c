"""What a measure is: what is counted, how finely, and how it may be added up."""

from typing import Annotated, Literal

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal, NumericKind
from app.kernel.lines import Line, Many, Name, NewCode, Words
from app.kernel.months import Month, covers

Place = Literal["pathway", "segment", "site", "commissioner"]
PLACES: tuple[Place, ...] = ("pathway", "segment", "site", "commissioner")

Aggregation = Literal["ratio_sum", "count_sum", "stock_last", "mean_weighted", "banded", "distinct_risk", "import_only"]
MeasureKind = Literal["data_quality", "service_standard", "outcome", "experience", "activity"]

WITH_DENOMINATOR: frozenset[Aggregation] = frozenset({"ratio_sum", "mean_weighted"})
"""Aggregations whose value cells carry a denominator; `distinct_risk` may carry one."""


class Category(Line):
    """One part of a breakdown; `upper` is the inclusive upper bound of a band, null where it is open."""

    code: NewCode
    name: Name | None = None
    upper: ExactDecimal | None = None


class Breakdown(Line):
    """Categories that partition what a measure counts."""

    code: NewCode
    categories: Annotated[Many[Category], Field(min_length=1, max_length=200)]


class Measure(Line):
    """What is counted: one version of a measure, in force from a month on until the next version's."""

    code: NewCode
    version: Annotated[int, Field(ge=1, le=10_000)] = 1
    from_month: Month | None = None
    name: Name
    numerator: Words | None = None
    denominator: Words | None = None
    kind: MeasureKind | None = None
    direction: Literal["higher", "lower", "neutral"] | None = None
    numeric_kind: Literal["integer", "half_unit", "decimal"] = "integer"
    aggregation: Aggregation = "ratio_sum"
    proportion: bool = False
    basis: Literal["provider", "commissioner"] = "provider"
    unit: Name | None = None
    split_by: Many[Place] = PLACES
    breakdown: Breakdown | None = None
    site_map: dict[Code, Code] = Field(default_factory=dict)
    unknown: Many[Literal["site", "commissioner"]] = ()
    statistic: Literal["median", "p90"] | None = None

    @property
    def figures_kind(self) -> NumericKind:
        return NumericKind(self.numeric_kind)

    @property
    def has_denominator(self) -> bool:
        return self.aggregation in WITH_DENOMINATOR

    @property
    def category_codes(self) -> tuple[str, ...]:
        """The codes of the breakdown's categories; `all` alone where there is none."""
        return tuple(category.code for category in self.breakdown.categories) if self.breakdown else ("all",)

    def site_of(self, site: str) -> str:
        """The place that a site is reported under: itself, a wider one, or `all` where the measure is not split by site."""
        return self.site_map.get(site, site) if "site" in self.split_by else "all"


def in_force(versions: tuple[Measure, ...], month: Month) -> Measure | None:
    """The version of a measure that is in force in a month: the last that has begun."""
    begun = [version for version in versions if covers(version.from_month, None, month)]
    return max(begun, key=lambda version: (version.from_month.ordinal if version.from_month else -1, version.version), default=None)
