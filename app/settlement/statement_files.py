"""A statement as files: CSV for programs, a workbook for people. What it is, and whether it pays anything, stands in every row and on every sheet."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.kernel.figures import rounded
from app.reports.export_csv import csv_parts
from app.reports.export_looks import Looks, dated, height, write_figure, write_text
from app.returns.template import tame
from app.settlement.statements import NOTICES, Tree

Row = Mapping[str, Any]

LINE: Final = ("party", "element", "settled_pence", "true_up_pence", "pence", "suspended_pence", "payable_pence")
NODE: Final = ("level", "name", "value", "unit", "formula", "source")
MEASURE: Final = (
    "measure",
    "weight",
    "figure",
    "status",
    "score",
    "set_aside",
    "lower_pence",
    "upper_pence",
    "total_lower_pence",
    "total_upper_pence",
)
COLUMNS: Final = (
    *("notice", "programme", "contract_year", "run", "kind", "mode", "row"),
    *LINE,
    *NODE,
    *MEASURE,
    *("recoverable", "irrecoverable_pence", "true_up", "opened_at", "reason", "answer", "made_on"),
    *("audience", "payable", "rules_version", "rules_sha256", "issued_at"),
    *("quality", "gate_passed", "total_pence", "at_risk_pence", "withheld_pence"),
    *("publications", "method_version", "content_sha256", "explained_at"),
    *("month", "period", "publication", "where", "subcontract", "collection", "return_month", "revision", "numerator", "denominator"),
)
_KINDS: Final = {"state": "states", "line": "lines", "total": "totals", "measure": "measures", "vat": "vat", "dispute": "disputes"}
_EXACT: Final = frozenset({"weight", "figure", "score", "recoverable", "quality", "numerator", "denominator"})
"""Exact values, which are texts in a statement and numbers in a table: a text that begins with a minus would be marked as one."""

_SHEETS: Final = ("Statement", "Measures", "Figures", "How it came about")
_MEASURES: Final = ("true_up", *MEASURE[:6], "pence", *MEASURE[6:])
_STATE: Final = ("true_up", "made_on", "publications", "method_version", "content_sha256", "causes")
_FIGURE: Final = (
    *("true_up", "measure", "month", "period", "status", "publication", "where"),
    *("subcontract", "collection", "return_month", "revision", "numerator", "denominator", "content_sha256"),
)
_HEADINGS: Final = {
    "settled_pence": "settled",
    "true_up_pence": "trued up",
    "pence": "in all",
    "suspended_pence": "in suspense",
    "payable_pence": "payable",
    "true_up": "true-up (0: the settlement itself)",
}
_OF_MEASURE: Final = {"pence": "paid for it", "lower_pence": "paid at its lower limit", "upper_pence": "paid at its upper limit"}
_OF_MEASURE_IN_ALL: Final = {"total_lower_pence": "all that is paid at the lower", "total_upper_pence": "all that is paid at the upper"}
_POUNDS: Final = "£#,##0.00;[Red]-£#,##0.00"
_LONGEST_HEADER: Final = 240
_PLACES: Final = 6


def csv_of(statement: Row) -> bytes:
    """One flat table, each row of the kind that `row` says: the statement itself, its lines, totals, measures with their bands, and so on to the nodes."""
    head = {name: statement["statement"][name] for name in ("notice", "programme", "contract_year", "run", "kind", "mode")}
    return b"".join(csv_parts(({**head, **row} for row in _rows(statement)), columns=COLUMNS))


def _rows(statement: Row) -> Iterator[Row]:
    yield {"row": "statement", **_columns(statement["statement"])}
    yield {"row": "summary", **_columns(statement["summary"])}
    for kind, member in _KINDS.items():
        yield from ({"row": kind, **_columns(row)} for row in statement.get(member) or ())
    yield from ({"row": "return" if "revision" in row else "figure", **_columns(row)} for row in _figures(statement))
    for node in _nodes(statement["explanation"]):
        yield {"row": "node", "true_up": 0, **node}
    for each in statement["true_ups"]:
        when_made = {"true_up": each["number"], "made_on": each["made_on"]}
        yield from ({"row": "true_up", **when_made, **line} for line in each["lines"])
        yield from ({"row": "true_up_cause", **when_made, "reason": cause} for cause in each["causes"])
        yield from ({"row": "true_up_node", **when_made, **node} for node in _nodes(each["explanation"]))


def _columns(row: Row) -> Row:
    """What of a row has a column, as a cell holds it."""
    return {name: _cell(name, value) for name, value in row.items() if name in COLUMNS}


def _cell(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return _in_words(value)
    if isinstance(value, bool):
        return str(value).lower()
    return _number(value) if name in _EXACT and value is not None else value


def _figures(statement: Row) -> Iterator[Row]:
    """Every published figure that is behind a statement, each followed by what the returns that its reader may see say of it; where to ask for either."""
    for each in statement.get("figures", ()):
        figure = {name: each[name] for name in ("true_up", "measure", "month", "period", "status", "publication")}
        yield {**figure, "where": each["row"]}
        for said in each["returns"]:
            yield {**figure, **said, "month": each["month"], "return_month": said["month"], "where": said["cells"]}


def _nodes(tree: Tree) -> Iterator[Row]:
    for level, node in levels(tree):
        said = {name: node[name] for name in NODE[1:-1]}
        yield {"level": level, **said, "value": _number(node["value"]), "source": source_words(node)}


def _number(exact: str) -> Decimal | Fraction:
    return Fraction(exact) if "/" in exact else Decimal(exact)


def levels(tree: Tree, level: int = 0) -> Iterator[tuple[int, Tree]]:
    """Every node with how far below the top it stands."""
    yield level, tree
    for part in tree["parts"]:
        yield from levels(part, level + 1)


def source_words(node: Tree) -> str:
    return "; ".join(f"{name}: {value}" for name, value in (node["source"] or {}).items() if value is not None)


def workbook_of(statement: Row, *, made_at: str) -> bytes:
    """The statement as a workbook's bytes: its lines, its measures with the band of each, and how it came about. The same statement, the same bytes."""
    held = io.BytesIO()
    book = xlsxwriter.Workbook(held, {"constant_memory": True})
    looks, head = Looks(book), statement["statement"]
    title = f"Settlement of {head['programme']}, contract year {head['contract_year']}, run {head['run']}: {head['party']}"
    book.set_properties(
        {"title": tame(f"{head['notice']} {title}"), "author": "Mainstem", "status": head["notice"], "created": dated(made_at)}
    )
    trees = {_SHEETS[-1]: statement["explanation"], **{f"True-up {each['number']}": each["explanation"] for each in statement["true_ups"]}}
    names = [*_SHEETS[:-1], *trees]
    sheets = [book.add_worksheet(name if head["payable"] else f"{_marked(head['notice'])} {name}") for name in names]
    for sheet in sheets:
        _open(sheet, title, head["notice"], looks)
    _write_lines(sheets[0], statement, looks)
    measures = statement["measures"]
    told = [name for name in _MEASURES if measures and name in measures[0]]
    _write_table(sheets[1], 3, told, measures, looks, headings=_OF_MEASURE | _OF_MEASURE_IN_ALL)
    _write_table(sheets[2], 3, _FIGURE, _figures(statement), looks)
    for number, (sheet, tree) in enumerate(zip(sheets[3:], trees.values(), strict=True)):
        write_text(sheet, 2, 0, _state_in_words(statement, number), looks.label())
        _write_nodes(sheet, tree, looks)
    book.close()
    return held.getvalue()


def _marked(notice: str) -> str:
    """The first word of a notice, for the names of sheets."""
    return notice.split(":", maxsplit=1)[0].split(" ", maxsplit=1)[0]


def _state_in_words(statement: Row, number: int) -> str:
    """Which state of the year a sheet explains; a statement from before they were told has none."""
    said = next((each for each in statement.get("states", ()) if each["true_up"] == number), None)
    if said is None:
        return ""
    what = f"True-up {number}" if number else "The settlement itself"
    return f"{what} of {said['made_on']}, on publications {', '.join(map(str, said['publications']))}"


def _open(sheet: Worksheet, title: str, notice: str, looks: Looks) -> None:
    """What stands above every sheet and on every printed page."""
    pays = notice == NOTICES["live"]
    sheet.set_row(0, 26)
    write_text(sheet, 0, 0, title, looks.title())
    sheet.set_row(1, 36)
    sheet.merge_range(1, 0, 1, 7, "", looks.banner(final=pays))
    write_text(sheet, 1, 0, notice, looks.banner(final=pays))
    sheet.set_tab_color("#70AD47" if pays else "#FFC000")
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_header(f"&L&9{f'{notice} {title}'.replace('&', 'and')[:_LONGEST_HEADER]}")
    sheet.set_footer(f"&L{notice}&RPage &P of &N")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 12, 18)


def _write_lines(sheet: Worksheet, statement: Row, looks: Looks) -> None:
    line = _write_table(sheet, 3, LINE, statement["lines"], looks)
    line = _write_table(sheet, line + 1, ("party", "pence", "suspended_pence", "payable_pence"), statement["totals"] or (), looks)
    line = _write_table(sheet, line + 1, ("party", "element", "opened_at", "reason", "answer"), statement["disputes"], looks)
    line = _write_table(sheet, line + 1, ("true_up", "party_kind", "party", "recoverable", "irrecoverable_pence"), statement["vat"], looks)
    line = _write_table(sheet, line + 1, _STATE, statement.get("states", ()), looks)
    for true_up in statement["true_ups"]:
        write_text(sheet, line + 1, 0, f"True-up {true_up['number']} of {true_up['made_on']}", looks.section())
        for cause in true_up["causes"]:
            line += 1
            write_text(sheet, line + 1, 0, cause, looks.plain())
        line = _write_table(sheet, line + 2, ("party", "element", "pence"), true_up["lines"], looks)
    facts = {**statement["statement"], **statement["summary"]}
    for name, value in facts.items():
        line += 1
        label = name.removesuffix("_pence").replace("_", " ")
        write_text(sheet, line + 1, 0, f"{label}, £" if name.endswith("_pence") else _HEADINGS.get(name, label), looks.label())
        if name.endswith("_pence"):
            write_figure(sheet, line + 1, 1, Decimal(value).scaleb(-2), looks.cell(num_format=_POUNDS))
        else:
            write_text(sheet, line + 1, 1, _in_words(value), looks.plain())


def _in_words(value: Any) -> str:
    """A fact of the statement for people: lists and their members in one line."""
    if isinstance(value, list):
        return "; ".join(map(_in_words, value))
    if isinstance(value, dict):
        return ", ".join(map(_in_words, value.values()))
    return "" if value is None else {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _write_table(
    sheet: Worksheet, line: int, columns: Sequence[str], rows: Iterable[Row], looks: Looks, *, headings: Mapping[str, str] = _HEADINGS
) -> int:
    """A table with its headings; money in pounds, which these say. The line under it."""
    rows = list(rows)
    if not rows:
        return line
    sheet.set_row(line, 32)
    for number, name in enumerate(columns):
        heading = headings.get(name) or _HEADINGS.get(name) or name.removesuffix("_pence").replace("_", " ")
        write_text(sheet, line, number, f"{heading}, £" if name.endswith("pence") else heading, looks.heading())
    for row in rows:
        line += 1
        for number, name in enumerate(columns):
            # Statements from before a column was there stay as they were issued.
            value = row.get(name)
            if name.endswith("pence"):
                write_figure(sheet, line, number, None if value is None else Decimal(value).scaleb(-2), looks.cell(num_format=_POUNDS))
            else:
                write_text(sheet, line, number, None if value is None else _in_words(value), looks.cell(text_wrap=True, indent=1))
    return line + 1


def _write_nodes(sheet: Worksheet, tree: Tree, looks: Looks) -> None:
    """The explanation in the columns of the table, and for people its values rounded, money in pounds."""
    headings = (("level", 8), ("name", 60), ("value", 34), ("unit", 10), ("formula", 20), ("source", 70), ("rounded; money in £", 18))
    for number, (name, width) in enumerate(headings):
        write_text(sheet, 3, number, name, looks.heading())
        sheet.set_column(number, number, width)
    for at, (level, node) in enumerate(levels(tree), start=4):
        source = source_words(node)
        sheet.set_row(at, height((source, 70)), None, {"level": min(level, 7)})
        write_figure(sheet, at, 0, Decimal(level), looks.cell())
        write_text(sheet, at, 1, node["name"], looks.cell(indent=min(level, 15)))
        # Digits, a point, a stroke and a minus: as they are, so that they can be worked with.
        sheet.write_string(at, 2, node["value"], looks.cell(text_wrap=True))
        for number, text in enumerate((node["unit"], node["formula"], source), start=3):
            write_text(sheet, at, number, text, looks.cell(text_wrap=True))
        value, money = Fraction(node["value"]), node["unit"] == "pence"
        shown = rounded(value / 100 if money else value, _PLACES)
        write_figure(sheet, at, 6, shown, looks.cell(num_format=_POUNDS if money else "0.######"))
    sheet.freeze_panes(4, 2)
