"""A return written as a table: its columns, the same in every format, whoever writes the file and whatever program saved it.

A table becomes the very body that JSON would state, so that one validator judges both; what it finds is told by line and column, or
by sheet and cell.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Final, NamedTuple

from app.calendar.expected import ReturnKey
from app.kernel.refusals import Fault
from app.returns.columns import (
    ALL_OTHERS_ARE_ZERO,
    CELL_COLUMNS,
    FIGURES,
    IGNORED_COLUMNS,
    KEY_COLUMNS,
    LABELS,
    LAST_HEADER_ROW,
    RETURN_COLUMNS,
)
from app.returns.expectation import ExpectedReturn
from app.returns.faults import Faults, fault, words
from app.returns.file_faults import file_fault
from app.returns.intake import ReturnInvalid, invalid
from app.returns.members import RATIOS
from app.returns.places import PLACES, place_of
from app.returns.written_months import month_written

PATIENT_COLUMNS: Final = frozenset(
    {
        "nhs_no",
        "nhs_number",
        "nhsnumber",
        "chi_number",
        "mrn",
        "hospital_number",
        "dob",
        "date_of_birth",
        "patient",
        "patient_name",
        "patient_id",
    }
)
"""Names that only a list of patients has; `_ALSO_OF_PATIENTS` in a header row say the same."""
_ALSO_OF_PATIENTS: Final = frozenset({"name", "surname", "forename", "first_name", "last_name", "postcode", "address"})

_BLANK: Final = " \t\r\n\x0b\x0c\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u200b\u200c\u200d\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
_WHOLE: Final = frozenset({"measure", "numerator"})
_STATING: Final = frozenset({*_WHOLE, "nil", "rest"})
"""A row of names has one of these; one that has none is a label above it, such as `Note`."""
_KNOWN: Final = frozenset((*CELL_COLUMNS, *RETURN_COLUMNS, *KEY_COLUMNS, *IGNORED_COLUMNS))
_TEXTS: Final = frozenset((*PLACES, "explanation", "note"))
_THOUSANDS: Final = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?")
_SMALL_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,7}(\.[0-9]+)?([eE]-[0-9]+)?")
_EXPONENT: Final = re.compile(r"[+-]?[0-9.]+[eE][+-]?[0-9]+")
# What Excel makes of 2-3 and its like when it writes CSV.
_MONTH: Final = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE: Final = re.compile(
    rf"[0-9]{{1,2}}[-/ ]{_MONTH}([-/ ][0-9]{{2,4}})?|[0-9]{{1,2}}/[0-9]{{1,2}}/[0-9]{{2,4}}|{_MONTH}-[0-9]{{2}}", re.IGNORECASE
)
_YES: Final = frozenset({"yes", "y", "true", "x", "1"})
_NO: Final = frozenset({"no", "n", "false", "0"})
_SAID_BY_VALIDATOR: Final = frozenset({"wrong_type", "not_a_number"})
_OTHER_CELL: Final = re.compile(r"/cells/([0-9]+)")


class Odd(NamedTuple):
    """What stands in place of a text or number, by the code of the fault that it is where something is read from it.

    `day` is that of a date, as 2026-10-31: all that a month needs.
    """

    code: str
    day: str = ""


Value = str | Decimal | bool | Odd


class Row(NamedTuple):
    """A row that holds anything: its number, and its values by the number of their column, each from 1."""

    number: int
    values: Mapping[int, Value]


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a table as its file has them. `sheet` is a name that may be repeated, or None for lines of text."""

    rows: Sequence[Row]
    sheet: str | None = None
    faults: tuple[Fault, ...] = ()
    groups_by_commas: bool = True

    def place(self, row: int, column: int) -> dict[str, int | str]:
        """Where a value stands, as a fault says it."""
        if self.sheet is None:
            return {"line": row, "column": column}
        return {"sheet": self.sheet, "cell": f"{letters(column)}{row}"}


def letters(column: int) -> str:
    """A column's letters, as spreadsheets count: 1 is A, 27 is AA."""
    said = ""
    while column:
        column, rest = divmod(column - 1, 26)
        said = chr(ord("A") + rest) + said
    return said


def name_of(value: Value) -> str:
    """A column's name, label or word in one form, however people write it: `Not collected` is `not_collected`."""
    return "_".join(value.strip(_BLANK).casefold().replace("-", " ").split()) if isinstance(value, str) else ""


def trimmed(text: str) -> str:
    """A text without the blanks around it, those included that nobody sees."""
    return text.strip(_BLANK)


def is_figure(text: str) -> bool:
    """Whether a text is a number as small as a figure: it holds no NHS number, whatever its digits."""
    return _SMALL_NUMBER.fullmatch(text) is not None


def has_header(rows: Sequence[Row]) -> bool:
    """Whether a row says that figures of measures stand below it."""
    return any(_names(row) >= _WHOLE for row in rows if row.number <= LAST_HEADER_ROW)


def header_of(rows: Sequence[Row]) -> int | None:
    """The position of the header row: the first with `measure` and `numerator`, or else the one with most names, all known."""
    first = [_names(row) for row in rows if row.number <= LAST_HEADER_ROW]
    whole = (at for at, names in enumerate(first) if names >= _WHOLE)
    known = (at for at, names in enumerate(first) if names <= _KNOWN and names & _STATING)
    return next(whole, max(known, key=lambda at: len(first[at]), default=None))


def _names(row: Row) -> set[str]:
    return {name_of(value) for value in row.values.values()}


def patient_columns(grid: Grid, header: int | None) -> list[Fault]:
    """A fault for each name that says that the rows below are patients."""
    found = []
    for at, row in enumerate(grid.rows if header is None else grid.rows[: header + 1]):
        if row.number > LAST_HEADER_ROW:
            break
        names = {column: name_of(value) for column, value in row.values.items()}
        several = at == header or len(_ALSO_OF_PATIENTS.intersection(names.values())) > 1
        wrong = PATIENT_COLUMNS | _ALSO_OF_PATIENTS if several else PATIENT_COLUMNS
        found += [file_fault("patient_columns", grid.place(row.number, column)) for column, name in names.items() if name in wrong]
    return found


@dataclass(slots=True)
class Stated:
    """What was sent: the body that JSON states, or that a table does; what else is wrong with it; and where a table states it."""

    body: Any
    faults: Faults = field(default_factory=Faults)
    table: "Table | None" = None

    @contextmanager
    def located(self, expected: ExpectedReturn) -> Iterator[None]:
        """What is judged within is refused by the places of the file, together with what is wrong with the file itself."""
        own = Faults(self.faults)
        own += self.table.of_others(expected.key) if self.table else ()
        try:
            yield
        except ReturnInvalid as refused:
            judged = refused.named if self.table is None else self.table.located(refused.named, expected)
            raise invalid(dict.fromkeys([*own, *judged]), beyond=own.beyond + refused.beyond, whole=refused.whole) from None
        if own:
            raise invalid(own, whole=True)


@dataclass(slots=True)
class Table:
    """Where each part of a body stands in the grid that it was read from."""

    grid: Grid
    header: int
    columns: dict[str, int]
    rows: list[int] = field(default_factory=list)
    """The row of each cell, in the body's order."""
    whole: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where each member of the whole return is stated."""
    unfilled: list[tuple[dict[str, Any], int]] = field(default_factory=list)
    """Places that are printed and nothing is stated of, with their rows."""
    dates: set[str] = field(default_factory=set)
    """Pointers of codes that look like a date."""
    said: dict[str, Fault] = field(default_factory=dict)
    """What the file itself has wrong at a pointer: the validator would only call it no text or no number."""
    keys: list[tuple[str, Value, tuple[int, int]]] = field(default_factory=list)
    """What rows say of the return that they are of."""

    def of_others(self, key: ReturnKey) -> Iterator[Fault]:
        """A fault for each row that says that it is of another return."""
        for name, value, place in self.keys:
            written = value.day if isinstance(value, Odd) else _written(value)
            if isinstance(value, Odd) and not (written and name == "month"):
                yield file_fault(value.code, self.grid.place(*place))
            elif (month_written(written) if name == "month" else written) != getattr(key, name):
                yield file_fault("other_return", self.grid.place(*place), name=name)

    def located(self, faults: Iterable[Fault], expected: ExpectedReturn) -> list[Fault]:
        """What the validator found, at the places of the file."""
        rows = self._unfilled_by_detail(expected)
        return [self._located(found, rows) for found in faults if not (found.pointer in self.said and found.code in _SAID_BY_VALIDATOR)]

    def _located(self, found: Fault, unfilled: Mapping[str, int]) -> Fault:
        pointer = found.pointer or ""
        if pointer.startswith("/path"):
            return found
        row, column = self._place(pointer, said_beside_nil=found.code == "nil_with_cells")
        if found.detail in unfilled:
            # Where the count should stand, not at the code far to the right of what is printed.
            row, column = unfilled[found.detail], self.columns.get("numerator", column)
        place = self.grid.place(row, column)
        if pointer in self.dates and found.code.startswith("unknown_"):
            return file_fault("date_not_expected", place)
        if found.code == "missing" and pointer.startswith("/cells/"):
            return file_fault("missing", place)
        other = "line" if self.grid.sheet is None else "row"
        detail = _OTHER_CELL.sub(lambda match: f"{other} {self.rows[int(match[1])]}", found.detail)
        return replace(found, detail=detail, pointer=None, **place)  # type: ignore[arg-type]  # a place's members are named as Fault's are

    def _place(self, pointer: str, *, said_beside_nil: bool) -> tuple[int, int]:
        parts = pointer.split("/")
        first = self.columns.get("measure", 1)
        if len(parts) > 2 and parts[1] == "cells":
            return self.rows[int(parts[2])], self.columns.get(parts[3], first) if len(parts) > 3 else first
        beside = (self.rows[0], first) if said_beside_nil and self.rows else (self.header, first)
        return self.whole.get(parts[-1], beside)

    def _unfilled_by_detail(self, expected: ExpectedReturn) -> dict[str, int]:
        """Rows that were left blank, by what the validator says of a cell that is not there."""
        found: dict[str, int] = {}
        for raw, row in self.unfilled:
            key, measure = place_of(raw, expected, "", [])
            if key is not None and measure is not None:
                found.setdefault(fault("cell_missing", "", cell=words(key), rest="").detail, row)
                found.setdefault(fault("stock_by_rest", "", cell=words(key), measure=measure.code).detail, row)
        return found


def stated_by(grid: Grid) -> Stated:
    """What a table states; ReturnInvalid where it has no names by which it could be read."""
    at = header_of(grid.rows)
    patients = patient_columns(grid, at)
    if patients:
        raise invalid([*grid.faults, *patients])
    if at is None:
        raise invalid([*grid.faults, file_fault("header_missing", grid.place(1, 1), most=LAST_HEADER_ROW)])
    stated = Stated({"cells": []}, Faults(grid.faults))
    stated.table = table = Table(grid, grid.rows[at].number, {})
    _read_names(stated, table, grid.rows[at])
    for row in grid.rows[:at]:
        _read_label(stated, table, row)
    nameless: set[int] = set()
    names = {column: name for name, column in table.columns.items()}
    heads = grid.rows[at].values.keys()
    for row in grid.rows[at + 1 :]:
        _read_row(stated, table, row, names)
        for column in row.values.keys() - heads - nameless:
            nameless.add(column)
            stated.faults.append(file_fault("column_without_name", grid.place(row.number, column)))
    if stated.faults.beyond:
        raise invalid(stated.faults)
    if stated.body.get("nil") is True and not stated.body["cells"]:
        del stated.body["cells"]
    return stated


def _read_names(stated: Stated, table: Table, row: Row) -> None:
    """The columns by their names; ReturnInvalid where it cannot be told which is which."""
    wrong: list[Fault] = []
    for column, value in row.values.items():
        name, place = name_of(value), table.grid.place(row.number, column)
        if name in table.columns:
            wrong.append(file_fault("column_twice", place, name=name))
        elif name in _KNOWN:
            table.columns[name] = column
        elif name in RATIOS or "%" in str(value):
            stated.faults.append(file_fault("ratio_not_accepted", place))
        else:
            stated.faults.append(file_fault("unknown_column", place, names=", ".join((*CELL_COLUMNS, *RETURN_COLUMNS))))
    if "measure" not in table.columns and not {"nil", "rest"}.intersection(table.columns):
        wrong.append(file_fault("column_missing", table.grid.place(row.number, max(row.values) + 1), name="measure"))
    if wrong:
        raise invalid([*stated.faults, *wrong])


_LABELS: Final = {name_of(label): name for label, name in LABELS.items()}


def _read_label(stated: Stated, table: Table, row: Row) -> None:
    """What a label above the header row says of the whole return."""
    label, value = name_of(row.values.get(1, "")), row.values.get(2)
    if value is None or label not in _LABELS:
        return
    name, word = _LABELS[label], _word(value)
    if name in KEY_COLUMNS:
        table.keys.append((name, value, (row.number, 2)))
        return
    if label == name_of(ALL_OTHERS_ARE_ZERO):
        if word in _NO:
            return
        if word not in _YES:
            stated.faults.append(file_fault("not_one_of", table.grid.place(row.number, 2), words="yes, no"))
            return
        value = "zero"
    elif name == "nil_reason":
        if word in _NO:
            return
        _say(stated, table, "nil", True, (row.number, 2))
        if word in _YES:
            return
    _say(stated, table, name, value, (row.number, 2))


def _read_row(stated: Stated, table: Table, row: Row, names: Mapping[int, str]) -> None:
    raw: dict[str, Any] = {}
    at = f"/cells/{len(table.rows)}"
    said: dict[str, Fault] = {}
    for column, value in row.values.items():
        name = names.get(column)
        if name in RETURN_COLUMNS:
            _say(stated, table, name, value, (row.number, column))
        elif name in KEY_COLUMNS:
            table.keys.append((name, value, (row.number, column)))
        elif name in CELL_COLUMNS:
            raw[name] = member = _member(name, value, groups_by_commas=table.grid.groups_by_commas)
            if isinstance(member, Odd):
                raw[name] = []
                said[f"{at}/{name}"] = file_fault(member.code, table.grid.place(row.number, column))
    stated.faults += said.values()
    if stated.faults.beyond:
        # More than can be named: it is refused with these, and nothing else of it is kept.
        return
    if not raw.keys() <= set(PLACES):
        table.dates.update(f"{at}/{name}" for name in PLACES if isinstance(raw.get(name), str) and _DATE.fullmatch(raw[name]))
        table.rows.append(row.number)
        table.said |= said
        stated.body["cells"].append(raw)
    elif raw:
        table.unfilled.append((raw, row.number))


def _say(stated: Stated, table: Table, name: str, value: Value, place: tuple[int, int]) -> None:
    """State a member of the whole return, once."""
    member = _member(name, value, groups_by_commas=False)
    if name == "nil" and member in _NO:
        return
    if name == "nil" and member in _YES:
        member = True
    name = "reason" if name == "nil_reason" else name
    if isinstance(member, Odd):
        table.said[f"/{name}"] = file_fault(member.code, table.grid.place(*place))
        stated.faults.append(table.said[f"/{name}"])
        member = []
    if stated.body.setdefault(name, member) != member:
        stated.faults.append(file_fault("stated_twice", table.grid.place(*place), name=name))
    table.whole.setdefault(name, place)


def _member(name: str, value: Value, *, groups_by_commas: bool) -> Any:
    """What a value states as this member, in the form in which JSON would; an Odd where it is none."""
    if isinstance(value, Odd) or (isinstance(value, bool) and name != "nil"):
        return value
    if name in FIGURES:
        return value if isinstance(value, Decimal) else _figure(str(value), groups_by_commas=groups_by_commas)
    text = _written(value)
    return text if name in _TEXTS else _word(text)


def _figure(text: str, *, groups_by_commas: bool) -> str | Odd:
    if _EXPONENT.fullmatch(text):
        return Odd("digits_lost")
    return text.replace(",", "") if groups_by_commas and _THOUSANDS.fullmatch(text) else text


def _written(value: Value) -> str:
    """A text, or a number as a code that consists of digits would write it."""
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _word(value: Value) -> str:
    return name_of(_written(value)) if not isinstance(value, Odd) else ""
