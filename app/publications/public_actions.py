"""What the public is given of a month: the rows that disclosure lets through beside all that the public ever had of the months around it."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.disclosure.domain import READ, Released, disclose, notes_of
from app.kernel.canonical import canonical_text
from app.kernel.months import Month
from app.publications import preparation_store, store
from app.publications.domain import OF_PROGRAMME, OF_PUBLIC, Audience, Part, Standing
from app.publications.notices import Moved, moved_between, no_causes
from app.publications.renditions import Readership, Writer
from app.reports.public import named_to_public, places_above, policies, unnamed
from app.reports.reading import Reading

AROUND: Final = 12
"""Windows of months overlap with those of publications of so many months before and after."""

PUBLIC: Final = Readership(OF_PUBLIC)
"""Its rows are shown as they are: they were made for it."""

Row = Mapping[str, Any]
PartName = tuple[str, str]


class PublicHistory:
    """All that the public ever had of a programme, with what it was made from, by publication and measure; each is read once."""

    def __init__(self, session: Session, programme: str) -> None:
        self._session, self._programme = session, programme
        self._prepared: list[tuple[Month, str]] = []
        self._read: dict[tuple[int | str, bool], dict[str, Released]] = {}
        self._shared: dict[Any, Any] = {}

    def add(self, month: Month, inputs_sha256: str) -> None:
        """A month that is published in the act at hand, before what is asked for next: what was prepared of it is as though it were published."""
        self._prepared.append((month, inputs_sha256))

    def near(self, month: Month) -> list[tuple[Month, int | str]]:
        """The publications of the months around one in their order, by their sequences, and then what is prepared of those months, by its inputs."""
        published = store.standings(self._session, self._programme, OF_PUBLIC)
        every: list[tuple[Month, int | str]] = [(each.month, each.sequence) for each in published]
        every += self._prepared
        return [(of_month, of) for of_month, of in every if abs(of_month.ordinal - month.ordinal) <= AROUND]

    def around(self, month: Month) -> list[dict[str, Released]]:
        """By measure what was released in each publication of the months around one, in the order of publication.

        Windows are sums of months: they are looked at only where they may be figures of their own, in the month itself and in the first.
        """
        near = self.near(month)
        whole = {month, *(of_month for of_month, _ in near[:1])}
        return [self._of(of, only_months=of_month not in whole) for of_month, of in near]

    def _of(self, of: int | str, *, only_months: bool) -> dict[str, Released]:
        if (of, only_months) not in self._read:
            held: dict[str, tuple[list[Row], list[Row]]] = defaultdict(lambda: ([], []))
            told = set()
            for part in self._parts(OF_PUBLIC, of):
                if part.period == "month" or not only_months:
                    for row in self._rows(OF_PUBLIC, of, part):
                        told.add((part.slice, part.period, row["measure"]))
                        held[row["measure"]][1].append({name: row[name] for name in READ})
            # Of the whole programme what the public's rows were made from, and no other row.
            named = {each[:2] for each in told}
            for part in self._parts(OF_PROGRAMME, of):
                if (part.slice, part.period) in named:
                    for row in self._rows(OF_PROGRAMME, of, part):
                        if (part.slice, part.period, row["measure"]) in told:
                            held[row["measure"]][0].append({name: row[name] for name in READ})
            self._read[of, only_months] = {measure: Released(*sides, shared=self._shared) for measure, sides in held.items()}
        return self._read[of, only_months]

    def parts_before(self, before: Standing | None) -> dict[PartName, Callable[[], list[Row]]]:
        """What the public had of a month in the publication that another takes the place of; each part is read when it is asked for."""
        if before is None:
            return {}
        parts = store.parts(self._session, self._programme, OF_PUBLIC, before.sequence)
        return {(part.slice, part.period): partial(self._rows, OF_PUBLIC, before.sequence, part) for part in parts}

    def _parts(self, audience: Audience, of: int | str) -> tuple[Part, ...]:
        where = (self._session, self._programme, audience)
        return store.parts(*where, of) if isinstance(of, int) else preparation_store.parts(*where, of)

    def _rows(self, audience: Audience, of: int | str, part: Part) -> list[Row]:
        where = (self._session, self._programme, audience)
        content = store.rows_of(*where, of, part) if isinstance(of, int) else preparation_store.rows_of(*where, of, part)
        rows: list[Row] = json.loads(content, parse_float=Decimal, parse_int=Decimal)
        return rows


def write_public(
    contract: Contract,
    month: Month,
    parts: Mapping[PartName, list[tuple[str, str]]],
    *,
    history: PublicHistory,
    before: Standing | None,
    notes: Iterable[Row],
) -> tuple[Writer, list[Moved]]:
    """The body of the public's rendition of a month; and which of its rows read otherwise than in the one before: what anyone who has the two
    can see, and nothing of why, for that would tell of what is hidden.

    `parts` has the rows of the whole programme as canonical text, each with its measure. They are disclosed measure by measure, for one says
    nothing of another, and each in its own place: all of them twice would be too many.
    """
    told = named_to_public(contract)
    parts = {(slice_, period): [row for row in rows if told(slice_, row[0])] for (slice_, period), rows in parts.items()}
    measures, above = policies(contract), places_above(Reading(contract, month))
    released = history.around(month)
    places: dict[str, list[tuple[PartName, int]]] = defaultdict(list)
    for name, rows in parts.items():
        for at, (measure, _) in enumerate(rows):
            places[measure].append((name, at))
    for measure, where in places.items():
        of_measure = [_row(parts[name][at][1]) for name, at in where]
        earlier = [each[measure] for each in released if measure in each]
        shown = disclose(of_measure, policies=measures, before=earlier, above=above)
        for (name, at), row in zip(where, shown, strict=True):
            parts[name][at] = measure, canonical_text(unnamed(row))
    writer = Writer(PUBLIC, [*notes_of(measures), *notes])
    was = history.parts_before(before)
    moved: list[Moved] = []
    for name, rows in parts.items():
        disclosed = [(_row(text), text) for _, text in rows]
        writer.add(*name, disclosed)
        if name in was:
            moved += moved_between(was[name](), [row for row, _ in disclosed], no_causes)
    return writer, moved


def _row(text: str) -> Row:
    row: Row = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return row
