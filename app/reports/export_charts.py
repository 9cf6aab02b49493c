"""The charts of an exported workbook, native to the spreadsheet: a measure over time, places beside each other, subcontracts in a funnel.

Each draws from figures that stand on a sheet of their own, where anybody can look them up.
"""

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

import xlsxwriter
from xlsxwriter.chart import Chart
from xlsxwriter.worksheet import Worksheet

from app.kernel.figures import rounded
from app.kernel.months import Month, month_words
from app.reports.export_looks import AMBER, BAD, DARK, GOOD, GREY, TARGET, Looks, count_format, write_figure, write_text
from app.reports.funnel import Z_998, funnel, funnel_limits
from app.reports.intervals import Z_95
from app.reports.row_words import Row, is_percent, place_words
from app.returns.template import tame

CHART_SHEET: Final = "Chart figures"
WIDTH: Final = 560
HEIGHT: Final = 320
_STEPS: Final = 24
_FEWEST_COMPARED: Final = 2
_LONGEST_NAME: Final = 32
_FEW_STEPS: Final = 6
_LOWER: Final = "Lower process limit"
_HALO: Final[dict[str, Any]] = {"type": "circle", "size": 12, "fill": {"color": AMBER}, "border": {"color": "#BF9000"}}
"""Under the marker of a month that may still change."""
_ONE: Final = Decimal(1)
_FUNNEL_LINES: Final[dict[str, dict[str, str]]] = {"Tog": {}, "95%": {"dash_type": "round_dot"}, "99.": {"dash_type": "dash"}}
_AXIS_STEPS: Final = (Decimal("0.05"), Decimal("0.1"), Decimal("0.2"))
Value = Decimal | int | str | None
Reference = list[Any]
"""The sheet, first and last cell of a column of figures."""


class Column(NamedTuple):
    """A column of figures under a heading, in the unit of the measure unless they are `counted`."""

    heading: str
    values: Sequence[Value]
    counted: bool = False


class Figures:
    """The sheet that charts draw from: one block under another."""

    def __init__(self, sheet: Worksheet, looks: Looks, *, first: int) -> None:
        self._sheet, self._looks, self._next = sheet, looks, first
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 12, 16)

    def block(self, title: str, row: Row, columns: Sequence[Column]) -> list[Reference]:
        """Write a block; where each of its columns stands."""
        sheet, looks = self._sheet, self._looks
        write_text(sheet, self._next, 0, title, looks.section())
        first = self._next + 2
        last = first + len(columns[0].values) - 1
        number = "0.00%" if is_percent(row) else "#,##0.0##"
        for position, column in enumerate(columns):
            write_text(sheet, first - 1, position, column.heading, looks.heading())
        for line, values in enumerate(zip(*(column.values for column in columns), strict=True), start=first):
            for position, (column, value) in enumerate(zip(columns, values, strict=True)):
                if isinstance(value, str):
                    write_text(sheet, line, position, value, looks.plain())
                else:
                    write_figure(sheet, line, position, value, looks.made(num_format=count_format(value) if column.counted else number))
        self._next = last + 3
        return [[CHART_SHEET, first, position, last, position] for position in range(len(columns))]


def trend(book: xlsxwriter.Workbook, figures: Figures, row: Row, series: Sequence[tuple[str, Row | None]]) -> Chart:
    """A measure over its months, with its target and, where it has them, the limits of its process.

    What a month's marker says is a series of its own: not every program draws a single point otherwise than its series.
    """
    rows = [each for _, each in series]
    limits = {name: [row[f"spc_{name}"] if _since(row, month) else None for month, _ in series] for name in ("mean", "lower", "upper")}
    lines: list[tuple[Column, dict[str, Any]]] = [
        (Column("Provisional", _where(rows, lambda each: each["status"] == "provisional")), _only(_HALO)),
        (Column("Value", _where(rows, lambda _: True)), {"line": {"color": GREY, "width": 2}, "marker": _circle(GREY)}),
        (Column("Target", [None if each is None else each["target"] for each in rows]), _line(TARGET, "dash")),
        (Column("Mean", limits["mean"]), _line(DARK)),
        (Column("Process limits", limits["upper"]), _line(DARK, "round_dot")),
        (Column(_LOWER, limits["lower"]), _line(DARK, "round_dot")),
        (Column("Better than chance", _where(rows, lambda each: each["spc_variation"] == "improvement")), _only(_circle(GOOD))),
        (Column("Worse than chance", _where(rows, lambda each: each["spc_variation"] == "concern")), _only(_circle(BAD))),
        (Column("Beyond chance", _where(rows, lambda each: str(each["spc_variation"]).startswith("neither"))), _only(_circle(DARK))),
    ]
    drawn = [(column, look) for column, look in lines if any(value is not None for value in column.values)]
    months = Column("Month", [_short(month) for month, _ in series])
    across, *places = figures.block(f"{row['measure']} over time", row, [months, *(column for column, _ in drawn)])
    chart = book.add_chart({"type": "line"})
    for (column, look), reference in zip(drawn, places, strict=True):
        chart.add_series({"name": column.heading, "categories": across, "values": reference, **look})
    known = [value for column, _ in drawn for value in column.values]
    unnamed = [number for number, (column, _) in enumerate(drawn) if column.heading == _LOWER]
    _lay_out(chart, row, f"{row['measure_name']}: over time", known, unnamed=unnamed)
    return chart


def _where(rows: Sequence[Row | None], stands: Callable[[Row], bool]) -> list[Value]:
    return [each["value"] if each is not None and stands(each) else None for each in rows]


def _circle(colour: str) -> dict[str, Any]:
    return {"type": "circle", "size": 7, "fill": {"color": colour}, "border": {"color": colour}}


def _line(colour: str, dash: str | None = None) -> dict[str, Any]:
    return {"line": {"color": colour, "width": 1, **({"dash_type": dash} if dash else {})}, "marker": {"type": "none"}}


def _only(marker: dict[str, Any]) -> dict[str, Any]:
    return {"line": {"none": True}, "marker": marker}


def _short(month: str) -> str:
    """`Oct 26`."""
    return f"{month_words(Month.parse(month))[:3]} {month[2:4]}"


def _since(row: Row, month: str) -> bool:
    return row["spc_mean"] is not None and (row["spc_from"] is None or month >= row["spc_from"])


def bars(book: xlsxwriter.Workbook, figures: Figures, row: Row, others: Sequence[Row]) -> Chart:
    """Places beside each other, with the limits of chance and their targets; a share also beside that of all, a count not beside its own sum."""
    rows = list(others) if row["value"] is None or row["statistic"] in {"count", "stock"} else [row, *others]
    # As the funnel names them.
    named = [_cut(tame(each["subcontract"] if each["slice"] == "subcontract" else place_words(each) or "All")) for each in rows]
    columns = [
        Column("Place", named),
        Column("Value", [each["value"] for each in rows]),
        Column("Target", [each["target"] for each in rows]),
        Column("Limit below", [None if each["lower"] is None else each["value"] - each["lower"] for each in rows]),
        Column("Limit above", [None if each["upper"] is None else each["upper"] - each["value"] for each in rows]),
    ]
    names, values, targets, below, above = figures.block(f"{row['measure']} by {others[0]['slice']}", row, columns)
    chart = book.add_chart({"type": "column"})
    fills = [{"fill": {"color": DARK if each is row else "#9DB7DD"}} for each in rows]
    spread = {"type": "custom", "plus_values": _formula(above), "minus_values": _formula(below), "line": {"color": GREY}}
    sure = {"y_error_bars": spread} if any(each["lower"] is not None for each in rows) else {}
    chart.add_series({"name": "Value", "categories": names, "values": values, "points": fills, "gap": 60, **sure})
    if any(each["target"] is not None for each in rows):
        line = book.add_chart({"type": "line"})
        marker = {"type": "long_dash", "size": 14, "fill": {"color": TARGET}, "border": {"color": TARGET}}
        line.add_series({"name": "Target", "categories": names, "values": targets, "line": {"none": True}, "marker": marker})
        chart.combine(line)
    known = [each[member] for each in rows for member in ("value", "target", "lower", "upper")]
    _lay_out(chart, row, f"{row['measure_name']}: by {others[0]['slice']}", [*known, 0])
    return chart


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _formula(reference: Reference) -> str:
    sheet, first, column, last, _ = reference
    letter = chr(ord("A") + column)
    return f"='{sheet}'!${letter}${first + 1}:${letter}${last + 1}"


def funnel_chart(book: xlsxwriter.Workbook, figures: Figures, row: Row, rows: Sequence[Row]) -> Chart | None:
    """Subcontracts by how many they counted, within the limits of chance around what they reach together; None where there are not two."""
    values: dict[str, Decimal] = {each["subcontract"]: each["value"] for each in rows}
    counted = {
        each["subcontract"]: (Decimal(each["numerator"]), Decimal(each["denominator"])) for each in rows if each["numerator"] is not None
    }
    of_all = funnel(counted)
    if of_all.centre is None or len(of_all.points) < _FEWEST_COMPARED:
        return None
    points = [
        Column("Subcontract", [point.name for point in of_all.points]),
        Column("Out of", [point.denominator for point in of_all.points], counted=True),
        Column("Value", [values[point.name] for point in of_all.points]),
    ]
    lines = _funnel_lines(of_all.centre, of_all.points[-1].denominator)
    _, across, up = figures.block(f"{row['measure']}: subcontracts", row, points)
    steps, *limits = figures.block(f"{row['measure']}: limits of the funnel", row, lines)
    chart = book.add_chart({"type": "scatter", "subtype": "straight"})
    marker = {"type": "circle", "size": 8, "fill": {"color": GOOD}, "border": {"color": "#FFFFFF"}}
    names = [{"value": tame(point.name)} for point in of_all.points]
    labels = {"value": True, "custom": names, "position": "above", "font": {"size": 8}}
    chart.add_series(
        {"name": "Subcontracts", "categories": across, "values": up, "line": {"none": True}, "marker": marker, "data_labels": labels}
    )
    for column, reference in zip(lines[1:], limits, strict=True):
        look = {"line": {"color": DARK, "width": 1, **_FUNNEL_LINES[column.heading[:3]]}, "marker": {"type": "none"}}
        chart.add_series({"name": column.heading, "categories": steps, "values": reference, **look})
    unnamed = [number for number, column in enumerate(lines[1:], start=1) if column.heading.endswith("upper")]
    _lay_out(
        chart, row, f"{row['measure_name']}: subcontracts", [*points[2].values, *lines[2].values[2:], *lines[3].values[2:]], unnamed=unnamed
    )
    judged = "Out of" if of_all.judged else "Out of (too few subcontracts to judge)"
    chart.set_x_axis({"name": judged, "min": 0, "name_font": {"size": 9, "bold": False}, "num_font": {"size": 9}})
    return chart


def _funnel_lines(centre: Fraction, most: Decimal) -> list[Column]:
    """The limits of a funnel at so many denominators up to a little above the largest."""
    steps = [(most * Decimal("1.1") * step / _STEPS).quantize(_ONE).max(_ONE) for step in range(1, _STEPS + 1)]
    of_95, of_998 = ([funnel_limits(centre, step, z=z) for step in steps] for z in (Z_95, Z_998))
    return [
        Column("Out of", steps, counted=True),
        Column("Together", [rounded(centre)] * len(steps)),
        Column("95% limits", [each.lower for each in of_95]),
        Column("95% upper", [each.upper for each in of_95]),
        Column("99.8% limits", [each.lower for each in of_998]),
        Column("99.8% upper", [each.upper for each in of_998]),
    ]


def _lay_out(chart: Chart, row: Row, title: str, known: Sequence[Any], *, unnamed: Sequence[int] = ()) -> None:
    """Title, axes and legend; of two limits one is named, and the series `unnamed` are not."""
    chart.set_title({"name": tame(title), "name_font": {"size": 11, "color": DARK}, "overlay": False})
    chart.set_size({"width": WIDTH, "height": HEIGHT})
    chart.set_legend({"position": "bottom", "font": {"size": 9}, "delete_series": list(unnamed)})
    chart.show_blanks_as("gap")
    number = "0%" if is_percent(row) else "#,##0"
    lines = {"visible": True, "line": {"color": "#E5E5E5", "width": 1}}
    unit = {} if row["unit"] in {"percent", "count", None} else {"name": tame(str(row["unit"])), "name_font": {"size": 9, "bold": False}}
    chart.set_y_axis({"num_format": number, "num_font": {"size": 9}, "major_gridlines": lines, **unit, **_span(row, known)})
    chart.set_x_axis({"num_font": {"size": 9}, "text_axis": True})


def _span(row: Row, known: Sequence[Any]) -> dict[str, Decimal]:
    """Of a percentage the axis spans what is drawn, in few steps, and never more than none to all."""
    values = [Decimal(value) for value in known if value is not None]
    if not is_percent(row) or not values:
        return {}
    for step in _AXIS_STEPS:
        lowest, highest = (min(values) / step).to_integral_value(ROUND_FLOOR), (max(values) / step).to_integral_value(ROUND_CEILING)
        if highest - lowest <= _FEW_STEPS:
            break
    if lowest == highest:
        lowest, highest = lowest - 1, highest + 1
    return {"min": max(Decimal(0), lowest * step), "max": min(_ONE, highest * step), "major_unit": step}
