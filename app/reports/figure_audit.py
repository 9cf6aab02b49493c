"""Whether what was stored is what its inputs give: sums by other means than the store's, and what differs, place by place."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

from app.kernel.canonical import json_bytes
from app.kernel.codes import ALL
from app.kernel.figures import plain
from app.kernel.months import Month
from app.reports.effect import IDENTITY
from app.reports.results import SummedCells
from app.reports.slices import SLICES, Place, RowKey
from app.reports.sources import SourceCell

_MEMBERS: Final = ("version", "months", "final", "figures", "coverage")
"""What a stored result says of its place."""


class Mismatch(NamedTuple):
    """Something stored that its inputs do not give: where it stands, and what is stored and recomputed there (None where there is nothing)."""

    month: Month
    slice: str
    period: str
    place: str
    stored: str | None
    recomputed: str | None


@dataclass(frozen=True, slots=True)
class FiguresAudit:
    """What an audit of a programme's stored figures found.

    `checked` are stored parts (a slice of a month's results, or of a report's rows). `untraceable` are those of this method whose inputs cannot be found
    again; `of_other_methods` those that are never served any more.
    """

    checked: int
    untraceable: int
    of_other_methods: int
    mismatches: tuple[Mismatch, ...]

    @property
    def is_clean(self) -> bool:
        return not self.mismatches and not self.untraceable


def summed(cells: Iterable[SourceCell], slice_: str, *, banded: Collection[str]) -> list[SummedCells]:
    """The `value` cells added up one by one as fractions; the store lets PostgreSQL do it."""
    named = SLICES[slice_]
    groups: dict[tuple[Place, str], list[SourceCell]] = defaultdict(list)
    for cell in cells:
        if cell.state == "value":
            place = Place(*(code if name in named or name == "measure" else ALL for name, code in cell.place._asdict().items()))
            category = cell.cell.category if "category" in named or cell.cell.measure in banded else ALL
            groups[place, category].append(cell)
    return [
        SummedCells(
            place,
            category,
            min(cell.subcontract for cell in group),
            max(cell.subcontract for cell in group),
            _sum(cell.numerator for cell in group) or Decimal(0),
            _sum(cell.denominator for cell in group),
        )
        for (place, category), group in groups.items()
    ]


def _sum(figures: Iterable[Decimal | None]) -> Decimal | None:
    stated = [Fraction(figure) for figure in figures if figure is not None]
    if not stated:
        return None
    total = sum(stated, Fraction(0))
    # Counts are decimals, and so is their sum: nothing is rounded.
    return plain(Decimal(total.numerator) / Decimal(total.denominator))


def differences(stored: bytes, recomputed: bytes) -> Iterator[tuple[str, str | None, str | None]]:
    """By place, what differs between two lists of results or rows; of what cannot be read, that it cannot."""
    try:
        was = _by_place(json.loads(stored, parse_float=Decimal))
    except (ValueError, TypeError, KeyError, AttributeError):
        yield "all", "unreadable", None
        return
    now = _by_place(json.loads(recomputed, parse_float=Decimal))
    for place in sorted({*was, *now}):
        before, after = was.get(place), now.get(place)
        if before != after:
            names = [name for name in {**(before or {}), **(after or {})} if (before or {}).get(name) != (after or {}).get(name)]
            yield place, _shown(before, names), _shown(after, names)


def _by_place(told: list[Any]) -> dict[str, dict[str, Any]]:
    if told and not isinstance(told[0], list | dict):
        return {"returns": {"head": told}}
    return {_place(each): each if isinstance(each, dict) else dict(zip(_MEMBERS, each[1:], strict=True)) for each in told}


def _place(told: list[Any] | dict[str, Any]) -> str:
    key = {name: told[name] for name in IDENTITY if name != "slice"} if isinstance(told, dict) else RowKey(*told[0])._asdict()
    scopes = {"exact", ALL}
    return " ".join(f"{name}={code}" for name, code in key.items() if code not in scopes)


def _shown(told: Mapping[str, Any] | None, names: Collection[str]) -> str | None:
    return None if told is None else json_bytes({name: told.get(name) for name in names}).decode()
