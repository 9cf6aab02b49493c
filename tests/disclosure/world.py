"""A small programme, month by month: what subcontracts say, what was published of it when, and what the public got."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from app.disclosure.domain import Policy, Released, disclose
from app.disclosure.releases import RELATIONS, Relation
from app.kernel.months import Month
from app.reports.slices import SLICES
from tests.disclosure.made import row

ABOVE = {"site": {"prostate": ("urological",), "bladder": ("urological",)}, "commissioner": {"05W": ("QNC",), "05G": ("QNC",)}}
CONTRACT_YEAR, FINANCIAL_YEAR = 7, 4
PERIODS = ("month", "quarter", "year_to_date", "contract_year_to_date", "rolling_12")


class Cell(NamedTuple):
    subcontract: str
    site: str
    commissioner: str
    category: str


class Said(NamedTuple):
    """What a subcontract says of a month: by cell, how many are counted and how many of the others are not; `number` tells revisions apart."""

    number: int
    counts: Mapping[Cell, tuple[Decimal, Decimal]]


State = Mapping[tuple[str, int], Said]
"""What stands of each subcontract and month."""


class Part(NamedTuple):
    """One cell of one revision of one month: what rows are sums of."""

    cell: Cell
    month: int
    number: int


@dataclass(frozen=True)
class Publication:
    """Rows, what of them the public got, and of which parts each is the sum."""

    month: int
    rows: list[dict[str, Any]]
    shown: list[dict[str, Any]]
    parts: list[tuple[Part, ...]]


@dataclass
class World:
    """What was said and published so far. A world without `proportion` has counts without a denominator; `relations` is what disclosure looks at."""

    proportion: bool = True
    splits: tuple[str, ...] = ("commissioner", "site")
    published: list[Publication] = field(default_factory=list)
    before: list[Released] = field(default_factory=list)
    state: dict[tuple[str, int], Said] = field(default_factory=dict)
    policies: Mapping[str, Policy] = field(default_factory=lambda: {"M": "small_counts"})
    above: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=lambda: ABOVE)
    relations: Collection[Relation] = RELATIONS
    remembers: bool = True

    def say(self, subcontract: str, month: int, counts: Mapping[Cell, tuple[Decimal, Decimal]]) -> None:
        held = self.state.get((subcontract, month))
        self.state[subcontract, month] = Said(held.number + 1 if held else 1, counts)

    def publish(self, month: int) -> None:
        """A month, and before it every earlier one whose rows moved, the earliest first."""
        earlier = sorted({publication.month for publication in self.published if publication.month < month})
        for each in [*earlier, month]:
            told = list(self._rows(each))
            rows = [made for made, _ in told]
            last = next((publication for publication in reversed(self.published) if publication.month == each), None)
            if last is not None and last.rows == rows:
                continue
            before = self.before if self.remembers else []
            shown = disclose(rows, policies=self.policies, before=before, above=self.above, relations=self.relations)
            self.published.append(Publication(each, rows, shown, [parts for _, parts in told]))
            self.before.append(Released(rows, shown))

    def _rows(self, month: int) -> Iterator[tuple[dict[str, Any], tuple[Part, ...]]]:
        for period in PERIODS:
            first = first_of(period, month)
            parts = [
                (Part(cell, at, said.number), counts)
                for (_, at), said in sorted(self.state.items())
                if first <= at <= month
                for cell, counts in said.counts.items()
            ]
            for slice_, named in SLICES.items():
                if not {"pathway", "segment"} & set(named) and set(named) <= {*self.splits, "subcontract"}:
                    yield from self._of_slice(slice_, named, period, (first, month), parts)

    def _of_slice(
        self,
        slice_: str,
        named: Sequence[str],
        period: str,
        window: tuple[int, int],
        parts: Sequence[tuple[Part, tuple[Decimal, Decimal]]],
    ) -> Iterator[tuple[dict[str, Any], tuple[Part, ...]]]:
        held: dict[tuple[str, ...], list[tuple[Part, tuple[Decimal, Decimal]]]] = {}
        for part, counts in parts:
            for places in _places(part.cell, named):
                held.setdefault(places, []).append((part, counts))
        for places, of_row in sorted(held.items()):
            inside = sum((counts[0] for _, counts in of_row), Decimal(0))
            outside = sum((counts[1] for _, counts in of_row), Decimal(0))
            keys = dict(zip(named, places, strict=True))
            made = row(
                slice_=slice_,
                month=str(Month(window[1])),
                first=str(Month(window[0])),
                period=period,
                numerator=str(inside),
                denominator=str(inside + outside) if self.proportion else None,
                **keys,
                site_scope="parent" if keys.get("site") == "urological" else "exact",
                commissioner_scope="whole" if keys.get("commissioner") == "QNC" else "exact",
            )
            yield made, tuple(part for part, _ in of_row)


def _places(cell: Cell, named: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The rows of a slice that a cell is part of: its own, and those of the places above."""
    found: list[tuple[str, ...]] = [()]
    for name in named:
        own = getattr(cell, name)
        found = [(*places, code) for places in found for code in (own, *ABOVE.get(name, {}).get(own, ()))]
    yield from found


def first_of(period: str, month: int) -> int:
    """The first month of a period that ends with a month."""
    number = Month(month).number
    return {
        "month": month,
        "quarter": month - (number - 1) % 3,
        "year_to_date": month - (number - FINANCIAL_YEAR) % 12,
        "contract_year_to_date": month - (number - CONTRACT_YEAR) % 12,
        "rolling_12": month - 11,
    }[period]


_FEW_SITES: Final = (["lung"], ["lung", "prostate", "bladder"], ["prostate", "bladder"])


def random_world(chance: Random, *, months: int, kind: str, wide: bool = False, **told: Any) -> World:
    """Months of a random programme, published as they come in; now and then a return is late, or corrected for an earlier month.

    `kind`: `proportion`, `halves` or `count`. Some are split by category too, some begin to publish after some months, and some months are published
    after later ones. A wide one has many places, of which each subcontract serves some.
    """
    categories = chance.choice([["all"], ["all"], ["0-30", "31-62"]])
    world = World(proportion=kind != "count", splits=("commissioner", "site", *(["category"] if len(categories) > 1 else [])), **told)
    subcontracts = "ABCDEFGH"[: chance.randint(3, 8) if wide else chance.randint(2, 3)]
    sites = ["lung", "prostate", "bladder", "breast", "skin"][: chance.randint(2, 5)] if wide else chance.choice(_FEW_SITES)
    commissioners = ["05W", "05G", "04Y", "05V"][: chance.randint(1, 4 if wide else 2)]
    most = {code: chance.choice([2, 6, 40]) for code in subcontracts}
    dense = chance.choice([0.3, 0.6, 1]) if wide else 1
    served = {code: [site for site in sites if chance.random() <= dense] for code in subcontracts}

    def said(code: str) -> dict[Cell, tuple[Decimal, Decimal]]:
        return {
            Cell(code, site, commissioner, category): _counts(chance, most[code], halves=kind == "halves")
            for site in served[code]
            for commissioner in commissioners
            for category in categories
        }

    first = Month.parse("2026-08").ordinal + chance.randint(0, 8)
    silent = chance.choice([0, 0, 1, 4])
    put_off: list[int] = []
    for month in range(first, first + months):
        for code in subcontracts:
            if chance.random() > 0.15:
                world.say(code, month, said(code))
        if month > first and chance.random() < 0.3:
            late = chance.choice(subcontracts)
            world.say(late, month - chance.randint(1, min(month - first, 3)), said(late))
        if month >= first + min(silent, months - 1):
            put_off.append(month)
            while put_off and chance.random() < 0.9:
                world.publish(put_off.pop())
    return world


def _counts(chance: Random, most: int, *, halves: bool) -> tuple[Decimal, Decimal]:
    """How many are counted and how many of the others are not: often none, often all."""
    every = chance.choice([0, chance.randint(0, most), chance.randint(0, most)])
    inside = chance.choice([0, every, chance.randint(0, every), chance.randint(0, every)])
    half = Decimal("0.5") if halves and inside < every and chance.random() < 0.5 else Decimal(0)
    return inside + half, every - inside - half
