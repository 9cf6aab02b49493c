"""The sheet of an exported workbook that says what each measure counts, how it is put together and what is asked of it, and what each column means."""

from collections.abc import Iterable, Sequence
from typing import Final

from xlsxwriter.worksheet import Worksheet

from app.measures.domain import Measure
from app.reports.export_looks import Looks, height, write_text
from app.reports.members import MEMBERS
from app.reports.row_words import Row, asked_words

_AGGREGATIONS: Final = {
    "ratio_sum": "All counts over all that they are out of; never a mean of percentages.",
    "count_sum": "Counts are added.",
    "stock_last": "A count at the last midnight, added over places and never over months.",
    "mean_weighted": "All values over how many gave one.",
    "banded": "Bands are added; a median or percentile is estimated within them.",
    "distinct_risk": "The same person may be counted by several: never added over subcontracts.",
    "import_only": "As it was published nationally.",
}
_INTERVALS: Final = {
    "wilson_95": "Wilson's 95% limits.",
    "byar_95": "Byar's 95% limits of a count.",
    "exact_95": "Exact 95% limits of a count.",
    "as_published": "Limits as published.",
}
_COLUMNS: Final = (
    ("Measure", 34),
    ("Code", 14),
    ("Version", 8),
    ("Counted", 42),
    ("Out of", 42),
    ("Better", 9),
    ("Basis", 13),
    ("Put together", 36),
    ("Targets", 34),
    ("Limits", 22),
    ("Source", 28),
)


def write_definitions(sheet: Worksheet, line: int, measures: Iterable[Measure], rows: Sequence[Row], looks: Looks) -> None:
    """The measures of the report's rows, by the versions that they are of; then the columns."""
    by_version = {(measure.code, measure.version): measure for measure in measures}
    of_version: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        of_version.setdefault((row["measure"], row["measure_version"]), []).append(row)
    for number, (heading, width) in enumerate(_COLUMNS):
        write_text(sheet, line, number, heading, looks.heading())
        sheet.set_column(number, number, width)
    for version, of_measure in sorted(of_version.items()):
        line += 1
        said = _said(by_version.get(version), of_measure)
        for number, text in enumerate(said):
            write_text(sheet, line, number, text, looks.cell(text_wrap=True))
        sheet.set_row(line, height(*((text, width) for text, (_, width) in zip(said, _COLUMNS, strict=True))))
    write_text(sheet, line + 2, 0, "The columns of the sheet Rows, of CSV and of JSON", looks.section())
    for at, (name, meaning) in enumerate(MEMBERS.items(), start=line + 3):
        write_text(sheet, at, 0, name, looks.label())
        write_text(sheet, at, 1, meaning.replace("`", ""), looks.plain())


def _said(measure: Measure | None, rows: Sequence[Row]) -> tuple[str, ...]:
    row = rows[0]
    limits = sorted({_INTERVALS[each["interval"]] for each in rows if each["interval"] is not None})
    return (
        row["measure_name"],
        row["measure"],
        str(row["measure_version"]),
        (measure.numerator if measure else None) or "",
        (measure.denominator if measure else None) or "",
        row["direction"] or "not stated",
        row["basis"],
        _AGGREGATIONS[measure.aggregation] if measure else "",
        _targets(rows),
        " ".join(limits) or "None.",
        (measure.source if measure else None) or "",
    )


def _targets(rows: Sequence[Row]) -> str:
    """What is asked at the head; other places may be asked for something else, which their rows say."""
    row = next((each for each in rows if each["target"] is not None), None)
    if row is None:
        return "None."
    named = [(row["target_kind"] if name == "target" else name, row[name]) for name in ("target", "standard", "floor", "stretch")]
    said = dict.fromkeys(f"{name} {asked_words(row, asked)}" for name, asked in named if asked is not None)
    return ", ".join(said) + "."
