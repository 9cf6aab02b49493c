"""The tables of a theme's sheet: the figures at its head with their verdicts, and beneath the charts those of every place."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from app.reports.export_looks import Looks, count_format, height, marks_of, number_format, write_figure, write_text
from app.reports.export_queries import key_of
from app.reports.row_words import Row, missing_words, months_words, place_words, span_words

WORDS: Final = {
    "met": "met",
    "not_met": "not met",
    "no_target": "no target",
    "not_judged": "not judged",
    "similar": "cannot be told apart",
    "better": "better",
    "worse": "worse",
    "common_cause": "common cause",
    "improvement": "improvement",
    "concern": "concern",
    "neither_high": "high, neither better nor worse",
    "neither_low": "low, neither better nor worse",
    "consistently_hitting": "hits the target consistently",
    "hit_and_miss": "hits and misses",
    "consistently_failing": "misses the target consistently",
    "too_few_points": "too few months to tell",
}
"""The verdicts as people read them; each keeps to itself."""


Asked = Mapping[tuple[str, ...], str]
"""The names of the queries about rows, by their keys."""


class Column(NamedTuple):
    """A column of a table: its heading and width, what stands in it, and how."""

    heading: str
    width: int
    said: Callable[[Row], str | Decimal | int | None]
    look: Callable[[Looks, Row], Format]


def _text(looks: Looks, _row: Row) -> Format:
    return looks.cell(text_wrap=True, indent=1)


def _figure(member: str, *beside: str) -> Callable[[Looks, Row], Format]:
    return lambda looks, row: looks.cell(num_format=number_format(row, row[member], *(row[name] for name in beside)))


def _count(member: str) -> Callable[[Looks, Row], Format]:
    return lambda looks, row: looks.cell(num_format=count_format(row[member]))


def _verdict(member: str) -> Column:
    headings = {
        "contract_test": ("Contract test", 12),
        "against_target": ("Against target by chance", 14),
        "spc_variation": ("Over time", 16),
        "spc_assurance": ("Will it hit the target", 18),
    }
    heading, width = headings[member]
    return Column(heading, width, lambda row: WORDS.get(row[member], row[member]), lambda looks, row: looks.verdict(row[member]))


def _measure(row: Row) -> str:
    unit = "" if row["unit"] in {"percent", "count", None} else f" ({row['unit']})"
    return f"{row['measure_name']}{unit}"


def _place(row: Row) -> str:
    parent = " (with its parts)" if row["site_scope"] == "parent" or row["commissioner_scope"] in {"whole", "part"} else ""
    return f"{place_words(row) or 'All'}{parent}"


_NAMED: Final = (
    Column("Measure", 38, _measure, _text),
    Column("Place", 30, _place, _text),
    Column("Period", 26, span_words, _text),
)
_VALUES: Final = (
    Column("Value", 11, lambda row: row["value"], lambda looks, row: looks.figure(row, number_format(row, row["value"], row["target"]))),
    Column("Marks", 7, marks_of, lambda looks, _: looks.cell(align="center")),
    Column("Count", 10, lambda row: row["numerator"], _count("numerator")),
    Column("Out of", 10, lambda row: row["denominator"], _count("denominator")),
    Column("95% from", 10, lambda row: row["lower"], _figure("lower")),
    Column("95% to", 10, lambda row: row["upper"], _figure("upper")),
    Column("Target", 10, lambda row: row["target"], _figure("target")),
    Column("Kind of target", 11, lambda row: row["target_kind"], _text),
)
_JUDGED: Final = (_verdict("contract_test"), _verdict("against_target"), _verdict("spc_variation"), _verdict("spc_assurance"))
_COLOUR: Final = Column("Colour", 9, lambda row: row["rag"], lambda looks, row: looks.colour(row["rag"]))
_INSIDE: Final = (
    Column("Months with figures", 10, months_words, lambda looks, _: looks.cell(align="center")),
    Column("Coverage", 10, lambda row: row["coverage"], lambda looks, row: looks.cell(num_format="0.0%")),
    Column("Status", 12, lambda row: row["status"], lambda looks, row: looks.status(row["status"])),
    Column("What is missing", 40, lambda row: missing_words(row) or row["excludes"], _text),
)


def write_head(sheet: Worksheet, line: int, rows: Sequence[Row], looks: Looks, asked: Asked) -> int:
    """The figures at the head of a theme, one a line, each with the queries about it; the first line under them."""
    write_text(sheet, line, 0, "At a glance", looks.section())
    return _write(sheet, line + 1, rows, _columns(rows, asked), looks)


def write_others(sheet: Worksheet, line: int, rows: Sequence[Row], looks: Looks, asked: Asked) -> int:
    """The figures of places, in a table that can be filtered, under the columns of the head; the first line under them."""
    write_text(sheet, line, 0, "By place", looks.section())
    columns = _columns(rows, asked)
    end = _write(sheet, line + 1, rows, columns, looks)
    sheet.autofilter(line + 1, 0, end - 1, len(columns) - 1)
    return end


def _columns(rows: Sequence[Row], asked: Asked) -> list[Column]:
    coloured = [_COLOUR] if any(row["rag"] is not None for row in rows) else []
    queried = [Column("Queries", 14, lambda row: asked.get(key_of(row)), _text)] if any(key_of(row) in asked for row in rows) else []
    return [*_NAMED, *_VALUES, *_JUDGED, *_INSIDE, *coloured, *queried]


def _write(sheet: Worksheet, line: int, rows: Sequence[Row], columns: Sequence[Column], looks: Looks) -> int:
    sheet.set_row(line, 32)
    for number, column in enumerate(columns):
        write_text(sheet, line, number, column.heading, looks.heading())
        sheet.set_column(number, number, column.width)
    for at, row in enumerate(rows, start=line + 1):
        texts = []
        for number, column in enumerate(columns):
            said, look = column.said(row), column.look(looks, row)
            if said is None or isinstance(said, str):
                write_text(sheet, at, number, said, look)
                texts.append((said, column.width))
            else:
                write_figure(sheet, at, number, said, look)
        sheet.set_row(at, height(*texts))
    return line + 1 + len(rows)
