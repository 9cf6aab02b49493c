"""How a programme says its figures are weighed, shown and given out: the index of quality, colours beside the verdicts, who reads what is published."""

from decimal import Decimal
from typing import Annotated, Final

from pydantic import AfterValidator, model_validator
from pydantic_core import PydanticCustomError

from app.kernel.figures import ExactDecimal
from app.kernel.lines import Line


def _part_of_one(value: Decimal) -> Decimal:
    if not 0 <= value <= 1:
        raise PydanticCustomError("weight", "a weight from 0 to 1")
    return value


PartOfOne = Annotated[ExactDecimal, AfterValidator(_part_of_one)]


class QualityWeights(Line):
    """How much each share weighs in the index of data quality; together they are 1."""

    completeness: PartOfOne
    validity: PartOfOne
    timeliness: PartOfOne
    stability: PartOfOne

    @model_validator(mode="after")
    def _whole(self) -> "QualityWeights":
        if self.completeness + self.validity + self.timeliness + self.stability != 1:
            raise PydanticCustomError("weights", "the four weights sum to 1")
        return self


USUAL_WEIGHTS: Final = QualityWeights(
    completeness=Decimal("0.35"), validity=Decimal("0.30"), timeliness=Decimal("0.20"), stability=Decimal("0.15")
)


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise PydanticCustomError("tolerance", "a tolerance of zero or more, in the unit of the value")
    return value


class RagRule(Line):
    """How colours are given: `tolerance` is how far short of the target is amber still, in the unit of the value.

    `chance` makes what cannot be told from the target amber; `improving` does so with a miss while the process improves beyond chance.
    """

    tolerance: Annotated[ExactDecimal, AfterValidator(_not_negative)] = Decimal("0.02")
    chance: bool = True
    improving: bool = False


USUAL_RAG: Final = RagRule()


class Publication(Line):
    """Who reads what of a publication besides its own rows.

    `subcontracts_to_commissioners`: a commissioner reads down to subcontracts. `funnel_to_subcontracts`: a subcontract reads where it stands
    among its unnamed peers. `subcontracts_to_public`: the public, and so every reader of its rendition, is shown which subcontracts there are.
    """

    subcontracts_to_commissioners: bool = True
    funnel_to_subcontracts: bool = True
    subcontracts_to_public: bool = False


USUAL_PUBLICATION: Final = Publication()
