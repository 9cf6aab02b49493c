"""Why an answer has no rows, or less than was asked for, in the notes beside them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.reports.slices import SLICES


def notes_of_term(contract: Contract, months: Iterable[Month]) -> list[dict[str, Any]]:
    """That the programme does not run in some of these months; nothing where it does in all."""
    term = contract.programme
    if all(term.first_month <= month <= term.last_month for month in months):
        return []
    detail = f"The programme runs from {term.first_month} to {term.last_month}: nothing is expected of any other month."
    return [{"code": "beyond_term", "detail": detail, "members": "numerator denominator value"}]


def note_of_nothing(slices: Sequence[str], periods: Sequence[str], places: Mapping[str, Collection[str]]) -> dict[str, Any]:
    """That no row is what was asked for, and what to ask instead where slices and places can never meet."""
    asked = {"slice": slices, "period": periods, **{name: sorted(codes) for name, codes in places.items()}}
    said = "; ".join(f"{name} {', '.join(values)}" for name, values in asked.items() if values)
    detail = f"No row is what was asked for ({said})."
    for name, codes in places.items():
        fitting = [slice_ for slice_, named in SLICES.items() if name in named]
        if fitting and codes and ALL not in codes and slices and not set(slices) & set(fitting):
            detail += f" Rows of these slices are about every {name} together: ask for a slice that names it, of {', '.join(fitting)}."
    return {"code": "nothing_matches", "detail": detail, "members": " ".join(name for name, values in asked.items() if values)}
