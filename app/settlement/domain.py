"""The rules of one contract year's settlement: what is at risk, how figures become scores, who shares gains and losses, in what shares.

A document on the wire and a value in the rules, as every line of the contract is. Shares, weights and factors are exact decimals; money is integer pence.
What a single member cannot say of itself (weights that do not sum to 1, a ramp that goes backwards) is in `faults`.
"""

from decimal import Decimal
from typing import Annotated, Any, Final, Literal, NamedTuple

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import PydanticCustomError

from app.kernel.codes import ALL, Code
from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line, Many, Name, NewCode, Pence, Words
from app.programmes.domain import JudgedOn, PaymentMode

METHOD_VERSION: Final = "4"
"""Moves when the same rules and inputs would come to something else, or be explained otherwise."""


def _of_one(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise PydanticCustomError("threshold", "a share from 0 to 1")
    return value


Share = Annotated[ExactDecimal, AfterValidator(_of_one)]
"""A share of one: from 0 to 1."""

NOTHING: Final = Decimal(0)

Missing = Literal["zero", "reweight", "last_final"]
FirstPound = Literal["threshold", "from_zero"]
Indexed = Literal["annual_value", "expected_cost"]
PartyKind = Literal["commissioner", "integrator", "subcontract"]
Element = Literal["fixed_fee", "outcome", "gain", "loss", "consequences"]
ELEMENTS: Final[tuple[Element, ...]] = ("fixed_fee", "outcome", "gain", "loss", "consequences")
"""What a settlement is made of. A gain is paid to the provider's side; losses and consequences are paid by it."""

PAID_BY_PROVIDERS: Final[frozenset[Element]] = frozenset({"loss", "consequences"})


def _above_zero(value: ExactDecimal) -> ExactDecimal:
    if value <= 0:
        raise PydanticCustomError("factor", "a factor above 0")
    return value


Factor = Annotated[ExactDecimal, AfterValidator(_above_zero)]


class Party(NamedTuple):
    """Who is paid or pays: a commissioner by its code (`all` where they are settled with together), the integrator, or a subcontract."""

    kind: PartyKind
    code: str

    @property
    def name(self) -> str:
        return self.kind if self.kind == "integrator" else f"{self.kind}.{self.code}"


INTEGRATOR: Final = Party("integrator", "integrator")
COMMISSIONERS: Final = Party("commissioner", ALL)


class YearShare(Line):
    """The share at risk in one contract year; 1 is the year that the programme starts in."""

    contract_year: Annotated[int, Field(ge=1, le=100)]
    share: Share


class ScoredMeasure(Line):
    """How a measure's figure becomes a score from 0 to 1: 0 at the floor, 1 at the target, in a straight line between them.

    Without a floor it is all or nothing: 1 at the target. With a stretch 1 is reached only there: in one straight line from the floor, or, where
    `score_at_target` says what the target is worth, in two. `period` None is the one that the requirement names.
    """

    measure: Code
    weight: Share
    direction: Literal["higher", "lower"] = "higher"
    floor: ExactDecimal | None = None
    target: ExactDecimal
    stretch: ExactDecimal | None = None
    score_at_target: Share | None = None
    period: JudgedOn | None = None


class GainShare(Line):
    """How the difference between expected and actual cost is shared; shares are of the difference, caps of the expected cost.

    Beyond the deadband the provider's side has `share` times quality of a gain, and bears one less that much of a loss, but no less than
    `least_loss_rate` and no more than `most_loss_rate`. `threshold` counts from the deadband on, `from_zero` the whole once it is passed. Where it is
    not `by_quality`, quality counts as 1.
    """

    share: Share
    deadband: Share
    first_pound: FirstPound = "threshold"
    least_loss_rate: Share
    most_loss_rate: Share
    gain_cap: Share
    loss_cap: Share
    by_quality: bool = True


class Mandatory(Line):
    """A measure without which no gain is paid: at `threshold` or better; at its target where that is not said."""

    measure: Code
    threshold: ExactDecimal | None = None


class SettlementGate(Line):
    """What must be reached for a gain to be paid; a loss is owed whether it is reached or not."""

    quality: Share | None = None
    completeness: Share | None = None
    mandatory: Many[Mandatory] = ()


class Indexation(Line):
    """A factor on the annual value or the expected cost. Without one here it comes with the inputs, and counts within `least` and `most`."""

    code: NewCode
    applies_to: Annotated[Many[Indexed], Field(min_length=1, max_length=2)]
    factor: Factor | None = None
    least: Factor | None = None
    most: Factor | None = None


class SubcontractShares(Line):
    """What of each element is passed on to a subcontract. One that is `protected` is never exposed to a loss: its part stays with the integrator."""

    subcontract: Code
    outcome: Share = NOTHING
    gain: Share = NOTHING
    loss: Share = NOTHING
    protected: bool = False


class CommissionerShare(Line):
    """What part of everything is a commissioner's."""

    commissioner: Code
    share: Share


class Allocation(Line):
    """Who has what part: of subcontracts at most the whole, the remainder is the integrator's; commissioners have the whole, or are one party."""

    subcontracts: Annotated[Many[SubcontractShares], Field(max_length=500)] = ()
    commissioners: Annotated[Many[CommissionerShare], Field(max_length=100)] = ()


class Recoverable(Line):
    """What share of value added tax a subcontract can recover."""

    subcontract: Code
    share: Share


class VatStatement(Line):
    """Whether amounts are net or gross of value added tax, at which rate, and who can recover it; None for the integrator is not known."""

    basis: Literal["net", "gross"]
    rate: Share
    integrator: Share | None = None
    subcontracts: Many[Recoverable] = ()


class Consequence(Line):
    """So many pence for each event beyond what the threshold of a measure allows: breaches above (1 - threshold) of the denominator."""

    measure: Code
    threshold: Share
    pence_each: Pence


class Consequences(Line):
    """Service-level consequences, which the integrator bears; off unless they are said to apply. The cap is a share of the annual value."""

    applies: bool = False
    cap: Share | None = None
    lines: Annotated[Many[Consequence], Field(max_length=100)] = ()


_SHARE_OR_SHARES: Final = "a share from 0 to 1, or a list with one for each contract year"


def _share_or_list(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError as error:
        if error.errors()[0]["type"] == "number":
            raise PydanticCustomError("number", _SHARE_OR_SHARES) from None
        raise


def _by_year(shares: tuple[YearShare, ...]) -> tuple[YearShare, ...]:
    if not shares:
        raise PydanticCustomError("empty", _SHARE_OR_SHARES)
    if len({each.contract_year for each in shares}) != len(shares):
        raise PydanticCustomError("repeated", "a contract year stands twice in this list")
    return tuple(sorted(shares, key=lambda each: each.contract_year))


AtRisk = Annotated[
    Annotated[Share, WrapValidator(_share_or_list), Tag("every year")]
    | Annotated[Many[YearShare], Field(max_length=100), AfterValidator(_by_year), Tag("by year")],
    Discriminator(lambda value: "by year" if isinstance(value, list | tuple) else "every year"),
]


class SettlementRules(Line):
    """The rules of one contract year, whole. Nothing is settled under `off`; under `shadow` it is computed and nothing is payable by it."""

    contract_year: Annotated[int, Field(ge=1, le=100)]
    title: Name
    mode: PaymentMode
    annual_value_pence: Pence
    at_risk_share: AtRisk
    measures: Annotated[Many[ScoredMeasure], Field(max_length=200)] = ()
    missing: Missing = "zero"
    gain_share: GainShare | None = None
    gate: SettlementGate = SettlementGate()
    indexation: Annotated[Many[Indexation], Field(max_length=20)] = ()
    allocation: Allocation = Allocation()
    vat: VatStatement | None = None
    consequences: Consequences = Consequences()
    note: Words = ""
