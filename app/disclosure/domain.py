"""What the public may have of a publication: which policy holds for a row, and every row as that policy shows it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from app.disclosure.relations import PLACES, Above, Row
from app.disclosure.releases import RELATIONS, Relation, Released, together
from app.disclosure.rounding import NEAREST, SMALLEST, shown
from app.measures.domain import Disclosure, Measure

Policy = Disclosure

READ: Final = (
    *("slice", "measure", "measure_version", "basis", "source", "statistic", "month", "period_start", "period_end", *PLACES),
    *("commissioner_scope", "site_scope", "numerator", "denominator", "suppression"),
)
"""The members of a row that are looked at where it is what the public had before."""

__all__ = ["READ", "Above", "Policy", "Released", "Row", "disclose", "notes_of", "policies_of", "policy_of"]

SMALL_COUNTS: Final[Policy] = "small_counts"
AS_PUBLISHED: Final[Policy] = "as_published"

NATIONAL_CUTS: Final[Mapping[str, frozenset[str]]] = {
    "provider": frozenset({"all", "site", "category", "subcontract", "site+subcontract", "category+site", "category+subcontract"}),
    "commissioner": frozenset({"all", "commissioner", "site", "category", "commissioner+site", "category+site"}),
}
"""By basis, the slices in which figures are published nationally. No other cut of the same figures is: there, small counts are hidden."""


def policies_of(measures: Iterable[Measure]) -> dict[str, Policy]:
    """The policy of each measure: of several versions, the strictest, so that none gives away what another hides."""
    found: dict[str, Policy] = {}
    for measure in measures:
        found[measure.code] = measure.disclosure if found.get(measure.code) != SMALL_COUNTS else SMALL_COUNTS
    return found


def policy_of(row: Row, policies: Mapping[str, Policy]) -> Policy:
    """The policy that holds for a row. What was imported stands as it was published, whatever its cut."""
    if policies.get(row["measure"], SMALL_COUNTS) == SMALL_COUNTS:
        return SMALL_COUNTS
    return AS_PUBLISHED if row["source"] == "import" or row["slice"] in NATIONAL_CUTS[row["basis"]] else SMALL_COUNTS


def disclose(
    rows: Sequence[Row],
    *,
    policies: Mapping[str, Policy],
    before: Sequence[Released] = (),
    above: Above | None = None,
    relations: Collection[Relation] = RELATIONS,
) -> list[dict[str, Any]]:
    """The rows as the public may have them, in the same order and with the same members.

    `before` is what the public ever had of this month and of those whose windows overlap this one's (a year on either side), in the order in which
    it was published. `above` names the sites and commissioners above each, nearest first: which rows are computed from which.
    All `relations` are looked at, but where it is shown what each is for.
    """
    is_small = [policy_of(row, policies) == SMALL_COUNTS for row in rows]
    public = together(rows, is_small, before=before, above=above or {}, relations=relations)
    return [
        {**row, "suppression": None} if told is None else shown(row, told.showing, parts=told.parts)
        for row, told in zip(rows, public, strict=True)
    ]


_PREVIEW: Final = (
    "These rows are shown as if the public had no others: a window of months is rounded as a whole here, or in the parts that the periods asked for"
    " make of it. What is published stands beside all that the public ever had, and its windows are sums of what is shown of their months: there"
    " more can be hidden, and figures can be rounded otherwise."
)


def notes_of(policies: Mapping[str, Policy], *, preview: bool = False) -> list[dict[str, Any]]:
    """What a public rendition notes: which policy holds for which measures. Of windows a preview knows less than what is published."""
    hidden = sorted(code for code, policy in policies.items() if policy == SMALL_COUNTS)
    published = sorted(code for code, policy in policies.items() if policy == AS_PUBLISHED)
    windows = "" if preview else "those of a window of months the sums of what is shown of its months, "
    notes = []
    if hidden:
        detail = (
            f"Counts above zero and below {SMALLEST} are hidden, and so is what they could be worked out from; other counts are to the nearest"
            f" {NEAREST}, {windows}and percentages are of these. Means and medians are to two digits; limits and process control are left out."
            f" Holds for {', '.join(hidden)}, and for cuts of other measures that are not published nationally."
        )
        notes.append({"code": "small_counts", "detail": detail, "members": "numerator denominator value suppression"})
    if published:
        detail = f"Shown as they are where the same cut and basis is published nationally: {', '.join(published)}."
        notes.append({"code": "as_published", "detail": detail, "members": "numerator denominator value"})
    if preview:
        notes.append({"code": "preview", "detail": _PREVIEW, "members": "numerator denominator value suppression"})
    return notes
