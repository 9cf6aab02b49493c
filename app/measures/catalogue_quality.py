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
    _index("Q-COMPLETE", "Completeness of returns", "Expected cells that are stated; an explicit zero is stated", "Expected cells"),
    _index("Q-VALID", "Validity of returns", "Stated cells that passed every rule at the first submission", "Stated cells"),
    _index(
        "Q-TIMELY",
        "Timeliness of returns",
        "One for each return received by its due instant, a tenth less for each working day late, nothing for a missing one",
        "Expected returns",
    ),
    _index(
        "Q-STABLE",
        "Stability of figures",
        "One less the size of the revision from the first to the final figure, relative to the final one and at most one, over the measures",
        "Measures reported",
    ),
    _index("Q-COVER", "Coverage of assignments", "Assigned segments and measures that were reported", "Assigned segments and measures"),
    _index(
        "Q-INDEX",
        "Data quality index",
        "Q-COVER times the weighted mean of Q-COMPLETE, Q-VALID, Q-TIMELY and Q-STABLE",
        None,
        unit="points",
        source=f"{_DERIVED}; weights 0.35, 0.30, 0.20 and 0.15 unless the contract says otherwise",
    ),
    _index(
        "Q-PATHWAY", "Completeness of pathways", "Expected volume of the subcontracts that reported", "Expected volume of all subcontracts"
    ),
    _index(
        "Q-DQMI",
        "Data Quality Maturity Index",
        "Mean score of the items, less defaults in excess, times the mean coverage of the items",
        None,
        unit="points",
        source="National Data Quality Maturity Index, methodology, appendix 1",
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
    ),
)
