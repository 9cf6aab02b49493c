"""Many returns in one body: which entry is of which return, read one at a time, so that a million cells need no more memory than one return."""

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import Any, Final, Literal, NamedTuple

from app.calendar.expected import ReturnKey
from app.kernel.codes import is_code
from app.kernel.identifiers import identifiers_in
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.returns.columns import CSV, JSON, KEY_COLUMNS
from app.returns.csv_file import MOST_ROWS, read_csv
from app.returns.faults import Faults, fault
from app.returns.file_faults import file_fault
from app.returns.intake import ReturnInvalid, invalid
from app.returns.members import hidden_in, patients_in, unknown_members
from app.returns.tables import name_of, trimmed
from app.returns.written_months import month_written

NDJSON: Final = "application/x-ndjson"
MOST_ENTRIES: Final = 100_000
"""A hundred subcontracts' ten collections of eight years."""

LARGEST_ENTRY_BYTES: Final = 16_777_216
"""No return is larger: what is held in memory at a time is bounded by this."""

Outcome = Literal["received", "received_with_warnings", "duplicate", "refused"]
OUTCOMES: Final[tuple[Outcome, ...]] = ("received", "received_with_warnings", "duplicate", "refused")

Parse = Callable[[bytes], Any]
"""Strict JSON; a Refusal where it is none."""


class Named(NamedTuple):
    """Which return an entry is of: what does not say it is None, and `faults` say why."""

    collection: str | None = None
    subcontract: str | None = None
    month: Month | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def key(self) -> ReturnKey:
        """The return; ReturnInvalid where it is not named."""
        if self.faults or self.collection is None or self.subcontract is None or self.month is None:
            raise invalid(self.faults)
        return ReturnKey(self.collection, self.subcontract, self.month)


@dataclass(frozen=True, slots=True)
class Entry:
    """One return of a backfill: the bytes that were sent for it, and how to read which return that is and its body as JSON has it (a table has none).

    `lines_before` is how many lines of the whole text stand before those bytes, beyond the line of names that they repeat.
    """

    position: int
    content: bytes
    media_type: str
    read: Callable[[], tuple[Named, Any]]
    lines_before: int = 0

    def placed(self, faults: Iterable[Fault]) -> tuple[Fault, ...]:
        """Faults by the lines of the whole text."""
        return tuple(
            replace(each, line=each.line + self.lines_before)
            if each.line is not None and (each.line > 1 or self.media_type == JSON)
            else each
            for each in faults
        )


class Result(NamedTuple):
    """What became of an entry. One that was refused has a code, a sentence and its faults; any other, the return's status and revision."""

    position: int
    collection: str | None
    subcontract: str | None
    month: Month | None
    outcome: Outcome
    status: str | None
    revision: int | None
    code: str | None
    detail: str | None
    errors: tuple[Fault, ...]


def entries_of_lines(lines: Iterable[bytes], parse: Parse) -> Iterator[Entry]:
    """An entry for each line that is not blank: the body of a return beside the members that name it."""
    said = ((before, line) for before, line in enumerate(lines) if line.strip())
    for position, (before, line) in enumerate(said):
        yield Entry(position, line, JSON, partial(_read_line, line, parse), lines_before=before)


def _read_line(line: bytes, parse: Parse) -> tuple[Named, Any]:
    return read_entry(parse(line))


def read_entry(raw: Any) -> tuple[Named, Any]:
    """The return that an object names, and its body."""
    if not isinstance(raw, dict):
        return Named(faults=(*patients_in(raw, ""), fault("wrong_type", "", kind="an object"))), None
    named = _named({name: raw.get(name) for name in KEY_COLUMNS}, {name: {"pointer": f"/{name}"} for name in KEY_COLUMNS})
    body = {name: value for name, value in raw.items() if name not in KEY_COLUMNS}
    if named.faults:
        # Of what return it is nobody knows, so it is not judged; what must not be sent at all is named even so.
        hidden = Faults(found for found in unknown_members(body, frozenset(), "") if found.code == "patient_identifier")
        named = named._replace(faults=(*named.faults, *hidden))
    return named, body


def _named(said: dict[str, Any], places: dict[str, dict[str, Any]]) -> Named:
    """The return that three members name."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for name, value in said.items():
        hidden = hidden_in(value)
        read = _month(value) if name == "month" else value if isinstance(value, str) and is_code(value) else None
        if hidden:
            faults += [file_fault("patient_identifier", places[name], found=each) for each in hidden]
        elif read is None:
            faults.append(file_fault("return_not_named", places[name], name=name))
        else:
            found[name] = read
    return Named(**found, faults=tuple(faults))


def _month(value: Any) -> Month | None:
    try:
        return Month.parse(value)
    except (TypeError, ValueError):
        return None


def entries_of_csv(lines: Iterable[bytes]) -> Iterator[Entry]:
    """An entry for each run of rows of one return. The first line has the columns' names: those that name the return, and those of a return.

    Text in UTF-8; the rows of one return stand together: two halves of it would each be taken for the whole. ReturnInvalid, at the end at the
    latest, where that is not so or the text stops being CSV: whoever keeps anything goes through all entries first.
    """
    records = _records(lines)
    _, head, names = next(records, (1, b"", []))
    if not names:
        raise invalid([file_fault("file_empty")])
    if head.startswith(b"PK\x03\x04"):
        raise invalid([file_fault("file_not_text")])
    columns = {name_of(name): column for column, name in enumerate(names, 1)}
    lacking = [name for name in KEY_COLUMNS if name not in columns]
    if lacking:
        place = {"line": 1, "column": len(names) + 1}
        hidden = [
            file_fault("patient_identifier", {"line": 1, "column": column}, found=found)
            for column, name in enumerate(names, 1)
            for found in identifiers_in(name)
        ]
        raise invalid([*hidden, *(file_fault("column_missing", place, name=name) for name in lacking)])
    keys = {name: columns[name] for name in KEY_COLUMNS}

    def named(record: tuple[int, bytes, list[str]]) -> tuple[str, ...]:
        fields = record[2]
        collection, subcontract, month = (trimmed(fields[column - 1]) if column <= len(fields) else "" for column in keys.values())
        # Rows of one return belong together, whichever way each writes its month.
        return collection, subcontract, str(month_written(month) or month)

    ended: set[tuple[str, ...]] = set()
    split: list[Fault] = []
    for position, (said, run) in enumerate(groupby(records, key=named)):
        line, content = _together(head, run)
        if said in ended:
            split.append(file_fault("return_split", {"line": line, "column": 1}))
        ended.add(said)
        places = {name: {"line": 2, "column": column} for name, column in keys.items()}
        read = partial(_read_run, dict(zip(KEY_COLUMNS, said, strict=True)), places, content)
        yield Entry(position, content, CSV, read, lines_before=line - 2)
    if split:
        raise invalid(split)


def _together(head: bytes, run: Iterable[tuple[int, bytes, list[str]]]) -> tuple[int, bytes]:
    """The line on which a return's rows begin, and their bytes below the line of names; ReturnInvalid where they are too many."""
    held, first, size = [head], 0, 0
    for line, raw, _ in run:
        first, size = first or line, size + len(raw)
        held.append(raw)
        if line - first > MOST_ROWS:
            raise invalid([file_fault("file_too_large", {"line": line, "column": 1}, most=MOST_ROWS, what="rows of one return")])
        if size > LARGEST_ENTRY_BYTES:
            raise invalid([file_fault("file_too_large", {"line": line, "column": 1}, most=LARGEST_ENTRY_BYTES, what="bytes of one return")])
    return first, b"".join(held)


def _read_run(said: dict[str, str], places: dict[str, dict[str, Any]], content: bytes) -> tuple[Named, Any]:
    named = _named(said, places)
    if named.faults:
        with suppress(ReturnInvalid):
            named = named._replace(faults=tuple(dict.fromkeys([*named.faults, *read_csv(content).faults])))
    return named, None


def _records(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes, list[str]]]:
    """Each record that says anything, with its bytes (and those of blank ones before it) and the line on which these begin.

    Of more blank lines together than a return may have bytes, the first are passed over.
    """
    taken: list[bytes] = []
    pieces = iter(lines)
    first = next(pieces, b"")

    def texts() -> Iterator[str]:
        taken.append(first)
        yield first.decode("utf-8-sig")
        for piece in pieces:
            taken.append(piece)
            yield piece.decode()

    reader = csv.reader(texts(), delimiter=max((",", ";", "\t"), key=lambda mark: first.count(mark.encode())), strict=True)
    line, size = 1, 0
    while True:
        try:
            record = next(reader, None)
        except csv.Error:
            raise invalid([file_fault("csv_syntax", {"line": line, "column": 1})]) from None
        except UnicodeDecodeError:
            raise invalid([file_fault("file_not_text", {"line": line, "column": 1})]) from None
        if record is None:
            return
        said = any(map(trimmed, record))
        if said:
            yield line, b"".join(taken), record
        else:
            size += len(taken[-1])
        if said or size > LARGEST_ENTRY_BYTES:
            taken.clear()
            line, size = reader.line_num + 1, 0
