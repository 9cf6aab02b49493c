"""The built-in catalogue: measures that a programme may name by code alone, and then has a copy of.

`CATALOGUE.md` shows all of it and is generated from here. What a source could not confirm says "to be confirmed".
"""

from typing import Final

from app.measures.catalogue_cancer import CANCER, HISTORICAL
from app.measures.catalogue_end_of_life import END_OF_LIFE
from app.measures.catalogue_outcomes import OUTCOMES
from app.measures.catalogue_processes import PROCESSES
from app.measures.catalogue_quality import QUALITY
from app.measures.domain import Measure

SECTIONS: Final[dict[str, tuple[Measure, ...]]] = {
    "Cancer waiting times since October 2023": CANCER,
    "Cancer waiting times until September 2023": HISTORICAL,
    "Outcomes and experience": OUTCOMES,
    "Processes of cancer care": PROCESSES,
    "End of life": END_OF_LIFE,
    "Data quality": QUALITY,
}

CATALOGUE: Final = {measure.code: measure for section in SECTIONS.values() for measure in section}
