"""Change notices: which rows read otherwise than in the publication before, how, and because of what, as far as each audience may know."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Literal

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey
from app.kernel.codes import ALL
from app.kernel.months import Month
from app.publications.domain import OF_PUBLIC, Audience
from app.publications.renditions import Readership
from app.reports.periods import months_of
from app.reports.reading import Reading
from app.reports.sentences import Cause, CauseKind, causes_words, moved_sentence
from app.reports.slices import SLICES

Row = Mapping[str, Any]
Change = Literal["first_reported", "revised", "redefined", "withdrawn"]

IDENTITY: Final = ("slice", "period", "measure", "commissioner", "site", "pathway", "segment", "subcontract", "category")
"""What names a row of a publication."""

FIGURES: Final = (
    "numerator", "denominator", "value", "lower", "upper",
    "standard", "target", "target_kind", "floor", "stretch", "contract_test", "against_target",
    "spc_mean", "spc_lower", "spc_upper", "spc_from", "spc_points", "spc_variation", "spc_signal", "spc_assurance",
    "coverage", "returns_expected", "returns_included", "excludes", "missing_reason", "suppression",
)  # fmt: skip
"""What makes a row another where it differs: figures, what is asked of them, and what is missing. Names and `status` do not."""

_ASKED: Final = ("standard", "target", "target_kind", "floor", "stretch")
SHOWN: Final = ("measure_version", *FIGURES, "status")
"""What is told of a row on either side."""
_NONE_MOVED: Final = "None of its figures reads otherwise."
_PLACES: Final = ("pathway", "segment", "site", "commissioner", "subcontract", "category")


def told_to(cause: Cause, readership: Readership) -> Cause | None:
    """The cause as an audience may know it; None where it may not."""
    audience = readership.audience
    if audience.kind == "programme" or cause.subcontract is None or (audience.kind == "commissioner" and readership.subcontracts_shown):
        return cause
    if audience.kind == "subcontract":
        return cause if cause.subcontract == audience.code else None
    return cause._replace(subcontract=None, organisation_name=None, revision_before=None, revision=None)


@dataclass(frozen=True, slots=True)
class ChangedReturn:
    """A return that stood otherwise at the publication before, and the cells that differ."""

    key: ReturnKey
    kind: Literal["first_reported", "revised", "withdrawn", "deadline"]
    revision_before: int | None
    revision: int | None
    cells: Collection[CellKey]


@dataclass(frozen=True, slots=True)
class Moved:
    """A row on both sides (None where a side has none), what became of it, and why."""

    before: Row | None
    after: Row | None
    change: Change
    causes: tuple[Cause, ...]


def change_of(before: Row | None, after: Row | None) -> Change | None:
    """What became of a row; None where it reads as it did."""
    if before is not None and after is not None and before["measure_version"] != after["measure_version"]:
        return "redefined"
    if before is not None and after is not None and all(before.get(name) == after[name] for name in FIGURES):
        return None
    if _says_something(after) and not _says_something(before):
        return "first_reported"
    if _says_something(before) and not _says_something(after):
        return "withdrawn"
    # A row that comes or goes and never had a figure is about nothing.
    return "revised" if before is not None and after is not None else None


def _says_something(row: Row | None) -> bool:
    return row is not None and (row["value"] is not None or row["numerator"] is not None)


CausesOf = Callable[[Row | None, Row | None], tuple[Cause, ...]]


class Causes:
    """Finds why a row reads otherwise, out of everything that changed since the publication before."""

    def __init__(
        self, contract: Contract, month: Month, returns: Iterable[ChangedReturn], others: Sequence[CauseKind], history: Iterable[Month]
    ) -> None:
        self._contract, self._month = contract, month
        self._others = [Cause(kind) for kind in others]
        self._history = [Cause("earlier_months", month=each) for each in history]
        self._of_row: dict[tuple[str, ...], list[Cause]] = defaultdict(list)
        reading = Reading(contract, month)
        for changed in returns:
            cause = _cause_of(contract, changed)
            for key in {key for cell in changed.cells for key in _rows_of(contract, reading, cell, changed.key.subcontract)}:
                self._of_row[key].append(cause)

    def of(self, before: Row | None, after: Row | None) -> tuple[Cause, ...]:
        """Those of the row's own months; where there are none, those of its series; where there are none either, what else changed."""
        row = after if after is not None else before
        assert row is not None, "a row that moved is on one side"
        months = set(months_of(row["period"], self._month, self._contract))
        key = (row["slice"], row["measure"], *(row[name] for name in _PLACES))
        found = [cause for cause in self._of_row.get(key, ()) if cause.month in months]
        found += [cause for cause in self._others if _explains(cause, before, after, found)]
        return tuple(found or self._of_row.get(key) or self._history)


def _explains(cause: Cause, before: Row | None, after: Row | None, found: Sequence[Cause]) -> bool:
    """Whether what is not a return's doing explains a row: an import only rows that are imported, a contract what returns do not."""
    row = after if after is not None else before
    if cause.kind == "imported":
        return row is not None and row["source"] == "import"
    if not found:
        return True
    asked_otherwise = before is not None and after is not None and any(before.get(name) != after[name] for name in _ASKED)
    return cause.kind == "contract" and asked_otherwise


def _cause_of(contract: Contract, changed: ChangedReturn) -> Cause:
    agreement = contract.subcontract.get(changed.key.subcontract)
    organisation = contract.organisation.get(agreement.organisation) if agreement else None
    return Cause(
        kind=changed.kind,
        collection=changed.key.collection,
        subcontract=changed.key.subcontract,
        organisation_name=organisation.name if organisation else None,
        month=changed.key.month,
        revision_before=changed.revision_before,
        revision=changed.revision,
    )


def _rows_of(contract: Contract, reading: Reading, cell: CellKey, subcontract: str) -> Iterator[tuple[str, ...]]:
    """The keys of the rows that a cell may be part of: in each slice its own places and those above them."""
    parent, sites = contract.site_parents.get(cell.site), [cell.site]
    while parent is not None and parent not in sites:
        sites.append(parent)
        parent = contract.site_parents.get(parent)
    places: dict[str, Sequence[str]] = {
        # A measure that is not split by pathway has its segments in no pathway of its own.
        "pathway": (cell.pathway, ALL) if cell.pathway != ALL else (ALL,),
        "segment": (cell.segment,),
        "site": sites,
        "commissioner": (reading.commissioner(cell.commissioner), *reading.above(cell.commissioner)),
        "subcontract": (subcontract,),
        "category": (cell.category,),
    }
    for slice_, named in SLICES.items():
        for codes in product(*(places[name] if name in named else (ALL,) for name in _PLACES)):
            yield slice_, cell.measure, *codes


def no_causes(_before: Row | None, _after: Row | None) -> tuple[Cause, ...]:
    """What is said of why where nothing may be."""
    return ()


def moved_between(before: Iterable[Row], after: Iterable[Row], causes_of: CausesOf) -> Iterator[Moved]:
    """The rows of a part that read otherwise, in the order of what names them."""
    was, now = ({tuple(row[name] for name in IDENTITY): row for row in rows} for rows in (before, after))
    for name in sorted(was.keys() | now.keys()):
        change = change_of(was.get(name), now.get(name))
        if change is not None:
            yield Moved(was.get(name), now.get(name), change, causes_of(was.get(name), now.get(name)))


def entries(moved: Iterable[Moved], readership: Readership) -> list[dict[str, Any]]:
    """What an audience is told of the rows that it reads, where they read otherwise as it is shown them."""
    return [_entry(each, readership) for each in moved if _is_told(each, readership)]


def _is_told(moved: Moved, readership: Readership) -> bool:
    before, after = (None if side is None else readership.shown(side) for side in _sides(moved))
    return any(side is not None and readership.reads(side) for side in _sides(moved)) and change_of(before, after) is not None


def because(told: Iterable[Mapping[str, Any]], audience: Audience) -> str:
    """Why rows read otherwise, out of what an audience is told of each."""
    causes, moved = dict[Cause, None](), 0
    for entry in told:
        moved += 1
        causes |= dict.fromkeys(Cause(**why) for why in entry["why"])
    if audience == OF_PUBLIC:
        return public_reason(moved)
    return causes_words(list(causes)) if moved else _NONE_MOVED


def public_reason(moved: int) -> str:
    """As much of why as the public may know, of whose rows so many read otherwise."""
    return f"Of the rows that the public reads, {moved} read{'s' if moved == 1 else ''} otherwise." if moved else _NONE_MOVED


def without_causes(entry: Row) -> dict[str, Any]:
    """What an entry says of the row itself, which comes first in its sentence."""
    subject, _, said = entry["sentence"].partition(": ")
    return {**entry, "why": [], "sentence": f"{subject}: {said.partition('. ')[0].removesuffix('.')}."}


def _sides(moved: Moved) -> tuple[Row | None, Row | None]:
    return moved.before, moved.after


def _entry(moved: Moved, readership: Readership) -> dict[str, Any]:
    row = moved.after if moved.after is not None else moved.before
    assert row is not None, "a row that moved is on one side"
    told = dict.fromkeys(told for cause in moved.causes if (told := told_to(cause, readership)) is not None)
    before, after = (None if side is None else readership.shown(side) for side in _sides(moved))
    return {
        **{name: row[name] for name in IDENTITY},
        "change": moved.change,
        "before": _shown(before),
        "after": _shown(after),
        "why": [cause._asdict() for cause in told],
        "sentence": moved_sentence(before, after, causes=list(told)),
    }


def _shown(row: Row | None) -> dict[str, Any] | None:
    return None if row is None else {name: row.get(name) for name in SHOWN}
