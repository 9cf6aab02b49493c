"""What an organisation is."""

from typing import Literal

from app.kernel.lines import Line, Name, NewCode

OrganisationKind = Literal[
    "acute_trust",
    "community_trust",
    "mental_health_trust",
    "hospice",
    "independent_provider",
    "charity",
    "primary_care",
    "icb",
    "sub_icb_location",
    "ccg",
    "council",
    "other",
]


class Organisation(Line):
    """An NHS trust, community provider, hospice, independent provider or commissioner, by its ODS code.

    Shared by all programmes: a programme's document may add one or repeat it identically, never change it.
    """

    ods_code: NewCode
    name: Name
    kind: OrganisationKind
