"""Quality of the data itself: indices computed from the returns, the national index, and what a figure must be read beside.

An index is computed anew for every slice from what lies beneath it, so none is returned or pooled.
"""

from typing import Any, Final

from app.measures.catalogue_forms import as_published, proportion
from app.measures.domain import Measure

_DERIVED: Final = "Computed by the integrator from the returns"


def _index(code: str, name: str, numerator: str, denominator: str | None, **members: Any) -> Measure:
    return as_published(code, name, numerator, denominator, **{"kind": "data_quality", "split_by": (), "source": _DERIVED, **members})


QUALITY: Final[tuple[Measure, ...]] = (
    _index(
        "Q-COMPLETE",
        "Completeness of returns",
        "Expected cells that are stated; an explicit zero is stated",
        "Expected cells",
        example="40 cells expected, 38 stated, 5 of them as zero: 38 over 40.",
    ),
    _index(
        "Q-VALID",
        "Validity of returns",
        "Stated cells that passed every rule at the first submission",
        "Stated cells",
        example="38 cells stated, 36 of which passed every rule at the first submission: 36 over 38.",
    ),
    _index(
        "Q-TIMELY",
        "Timeliness of returns",
        "One for each return received by its due instant, a tenth less for each working day late, nothing for a missing one",
        "Expected returns",
        example="Three returns expected; one came in time, one two working days late, one not at all: 1 + 0.8 + 0 = 1.8 over 3.",
    ),
    _index(
        "Q-STABLE",
        "Stability of figures",
        "One less the size of the revision from the first to the final figure, relative to the final one and at most one, over the measures",
        "Measures reported",
        example="One measure, first reported as 80 and finally as 100: 1 - 20/100 = 0.8 over 1.",
    ),
    _index(
        "Q-COVER",
        "Coverage of assignments",
        "Assigned segments and measures that were reported",
        "Assigned segments and measures",
        example="12 segments and measures assigned, 11 of them reported: 11 over 12.",
    ),
    _index(
        "Q-INDEX",
        "Data quality index",
        "Q-COVER times the weighted mean of Q-COMPLETE, Q-VALID, Q-TIMELY and Q-STABLE",
        None,
        unit="points",
        source=f"{_DERIVED}; weights 0.35, 0.30, 0.20 and 0.15 unless the contract says otherwise",
        example="Coverage 0.9, completeness 1, validity 0.9, timeliness 1 and stability 0.8: 0.9 x (0.35 x 1 + 0.30 x 0.9 + 0.20 x 1 + 0.15 x 0.8) = 0.846, or 84.6 points.",
    ),
    _index(
        "Q-PATHWAY",
        "Completeness of pathways",
        "Expected volume of the subcontracts that reported",
        "Expected volume of all subcontracts",
        example="Three subcontracts with volumes of 80, 15 and 5, of which the one of 80 did not report: 20 over 100.",
    ),
    _index(
        "Q-DQMI",
        "Data Quality Maturity Index",
        "Mean score of the items, less defaults in excess, times the mean coverage of the items",
        None,
        unit="points",
        source="National Data Quality Maturity Index, methodology, appendix 1",
        example="Mean score 9.7 over 12 and mean coverage 7 over 12: 47.2 points.",
    ),
    proportion(
        "O-STAGED",
        "Cancers with a stage recorded",
        "Cancers diagnosed with a known stage",
        "All cancers diagnosed in the selected sites",
        kind="data_quality",
        basis="commissioner",
        split_by=("site", "commissioner"),
        source="National Cancer Registration and Analysis Service, cancer outcome metrics for CCGs; companion of O-STAGE",
        example="40 cancers diagnosed, 34 of them with a known stage: 34 over 40.",
    ),
)
