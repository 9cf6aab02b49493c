"""What a measure is: what is counted, how finely, and how it may be added up; and what one version says that another does not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from app.kernel.codes import Code
from app.kernel.figures import ExactDecimal, NumericKind
from app.kernel.lines import Line, Many, Name, NewCode, Words
from app.kernel.months import Month, covers
from app.measures.rules import MeasureRule

Place = Literal["pathway", "segment", "site", "commissioner"]
PLACES: tuple[Place, ...] = ("pathway", "segment", "site", "commissioner")

Aggregation = Literal["ratio_sum", "count_sum", "stock_last", "mean_weighted", "banded", "distinct_risk", "import_only"]
MeasureKind = Literal["data_quality", "service_standard", "outcome", "experience", "activity"]

Ambition = Literal["individual", "fair_access", "comfort_and_wellbeing", "coordinated_care", "prepared_staff", "prepared_communities"]
"""The national ambitions for palliative and end-of-life care, under which reports may group its measures."""

Comparability = Literal["yes", "totals_only", "no"]

Disclosure = Literal["small_counts", "as_published"]
"""How a measure's figures are shown to the public: small counts hidden, others rounded; or, where the same cut and basis is published
nationally, as they are."""

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


class MeasureVersion(Line):
    """Names one version of a measure."""

    code: Code
    version: Annotated[int, Field(ge=1, le=10_000)] = 1


class Measure(Line):
    """What is counted: one version of a measure, in force from a month on until the next version's, or until it is withdrawn.

    `to_month` is the last month of a measure that ends without a next version. `supersedes` names what this version was made in
    place of; it says nothing about whether the two can be compared. `example` is a worked one, for whoever counts.
    """

    code: NewCode
    version: Annotated[int, Field(ge=1, le=10_000)] = 1
    from_month: Month | None = None
    to_month: Month | None = None
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
    source: Words | None = None
    ambition: Ambition | None = None
    supersedes: Many[MeasureVersion] = ()
    example: Words | None = None
    rules: Annotated[Many[MeasureRule], Field(max_length=50)] = ()
    disclosure: Disclosure = "small_counts"

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


@dataclass(frozen=True, slots=True)
class MeasureProposal:
    """What one client proposes that a version of a measure says (None: that it is withdrawn), approved (`recorded`) by another.

    `replaces_sha256` is the digest of what it said when that was proposed, None where it was not there.
    """

    measure: str
    version: int
    number: int
    state: Literal["proposed", "approved"]
    line: Measure | None
    replaces_sha256: str | None
    reason: str
    proposed_at: datetime
    proposed_by: str
    recorded_at: datetime
    recorded_by: str


def in_force(versions: tuple[Measure, ...], month: Month) -> Measure | None:
    """The version of a measure that is in force in a month: the last that has begun, unless it was withdrawn before."""
    begun = [version for version in versions if covers(version.from_month, None, month)]
    last = max(begun, key=_beginning, default=None)
    return last if last is not None and covers(None, last.to_month, month) else None


def _beginning(version: Measure) -> tuple[int, int]:
    return (version.from_month.ordinal if version.from_month else -1, version.version)


@dataclass(frozen=True, slots=True)
class MemberChange:
    """One member of a measure before and after, as the document writes it."""

    member: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class MeasureDifference:
    """What one version says that another does not; categories are named by their codes.

    `comparable` says of the two series: `yes`; `totals_only`, where the figures are cut into other parts; `no`, where
    something else is counted. `because` names the members that decided it.
    """

    changes: tuple[MemberChange, ...]
    categories_added: tuple[str, ...]
    categories_removed: tuple[str, ...]
    categories_changed: tuple[str, ...]
    comparable: Comparability
    because: tuple[str, ...]


_COUNTED: Final = frozenset(
    {"code", "numerator", "denominator", "numeric_kind", "aggregation", "proportion", "basis", "unit", "unknown", "statistic"}
)
"""Members that say what is counted: with another one, the figures before and after are of different things."""

_CUT: Final = frozenset({"split_by", "site_map", "breakdown"})
"""Members that say into which parts it is cut: the totals go on."""


_RELIED_ON: Final = tuple(sorted((_COUNTED - {"code", "unknown"}) | {"split_by"}))


def counts(measure: Measure) -> tuple[Any, ...]:
    """What figures of a version are figures of: those who say another thing here read them as something that nobody stated.

    Names may change, and places may be added (`site_map`, `unknown`): which cells are owed is looked at cell by cell.
    """
    return (*(getattr(measure, member) for member in _RELIED_ON), *_parts(measure))


def difference(old: Measure, new: Measure) -> MeasureDifference:
    """What a version of a measure says that another does not, and whether their series can be compared.

    Reworded numerators and denominators count as something else: whether only the words changed is for people to say.
    """
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    changes = tuple(MemberChange(member, before[member], after[member]) for member in before if before[member] != after[member])
    one, other = _categories(old), _categories(new)
    comparable, because = _comparability(old, new, frozenset(change.member for change in changes))
    return MeasureDifference(
        changes=changes,
        categories_added=tuple(code for code in other if code not in one),
        categories_removed=tuple(code for code in one if code not in other),
        categories_changed=tuple(code for code in one if code in other and one[code] != other[code]),
        comparable=comparable,
        because=because,
    )


def _categories(measure: Measure) -> dict[str, Category]:
    return {category.code: category for category in measure.breakdown.categories} if measure.breakdown else {}


def _comparability(old: Measure, new: Measure, changed: frozenset[str]) -> tuple[Comparability, tuple[str, ...]]:
    counted, cut = changed & _COUNTED, changed & _CUT
    if _parts(old) == _parts(new):
        # Categories were given other names at most.
        cut -= {"breakdown"}
    elif "banded" in (old.aggregation, new.aggregation):
        # A median is read off the bands: with others, it is another estimate.
        counted |= {"breakdown"}
    if counted:
        return "no", tuple(sorted(counted))
    return ("totals_only", tuple(sorted(cut))) if cut else ("yes", ())


def _parts(measure: Measure) -> list[tuple[str, Any]]:
    return [(category.code, category.upper) for category in measure.breakdown.categories] if measure.breakdown else []
