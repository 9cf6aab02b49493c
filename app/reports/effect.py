"""What a revision does to a report: the rows that read otherwise with it, each before and after."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

IDENTITY: Final = ("slice", "measure", "commissioner", "site", "pathway", "segment", "subcontract", "category")
"""What names a row of a month."""

SHOWN: Final = ("numerator", "denominator", "value", "coverage", "contract_test", "missing_reason")
"""What is shown of a row on both sides, and what makes it another."""

Row = Mapping[str, Any]


def moved(before: Iterable[Row], after: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows that are not the same on both sides, in the order of their names; a row that one side has not got is empty there."""
    was, now = ({tuple(row[name] for name in IDENTITY): row for row in rows} for rows in (before, after))
    found = []
    for key in sorted(was.keys() | now.keys()):
        sides = {"before": _shown(was.get(key)), "after": _shown(now.get(key))}
        if sides["before"] != sides["after"]:
            changes = {f"{name}_{side}": shown[name] for name in SHOWN for side, shown in sides.items()}
            found.append({**dict(zip(IDENTITY, key, strict=True)), **changes})
    return found


def _shown(row: Row | None) -> dict[str, Any]:
    return {name: None if row is None else row[name] for name in SHOWN}
