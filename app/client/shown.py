"""What the service answered, as tables for people."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from rich.table import Table

from app.client.connection import Problem
from app.kernel.moments import LONDON


def local(instant: str) -> str:
    """An instant as clocks in England show it."""
    return f"{datetime.fromisoformat(instant).astimezone(LONDON):%a %d %b %Y %H:%M}"


def returns_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("month", "collection", "subcontract", "status", "due (London)", "revision", "accepted")
    for row in rows:
        status = "overdue" if row["overdue"] else "frozen" if row["frozen"] else row["status"]
        revision, accepted = (str(row[member] or "") for member in ("latest_revision", "accepted_revision"))
        table.add_row(row["month"], row["collection"], row["subcontract"], status, local(row["due"]["instant"]), revision, accepted)
    return table


def due_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("month", "collection", "subcontract", "to do", "in words")
    for row in rows:
        table.add_row(row["month"], row["collection"], row["subcontract"], row["to_do"], row["words"])
    return table


def queries_table(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table("month", "collection", "subcontract", "query", "state", "answer due", "about", "what is asked")
    for row in rows:
        cells = row["cells"]
        about = "the whole return" if not cells else _place(cells[0]) + (f" and {len(cells) - 1} more" if len(cells) > 1 else "")
        state = "overdue" if row["overdue"] else row["state"]
        table.add_row(row["month"], row["collection"], row["subcontract"], str(row["query"]), state, row["due_on"], about, row["text"])
    return table


def faults_table(problem: Problem) -> Table:
    table = Table("where", "what is wrong", "how to put it right")
    table.columns[0].no_wrap = True
    for fault in problem.errors:
        table.add_row(where(fault), str(fault.get("detail", "")), str(fault.get("fix", "")))
    return table


_LOOK: Final = {
    "refused": "",
    "received_with_warnings": "Read in the revision what is odd; without an explanation it waits for acceptance by hand.",
}


def results_table(results: Iterable[Mapping[str, Any]]) -> Table:
    """The entries of a backfill that were refused, a line for each fault, or received with warnings."""
    table = Table("return", "where", "what is wrong", "how to put it right")
    for result in results:
        key = " ".join(str(result[member] or "?") for member in ("collection", "subcontract", "month"))
        for fault in result["errors"] or [result]:
            detail = fault["detail"] or f"Revision {result['revision']} was received with warnings."
            table.add_row(key, where(fault), str(detail), str(fault.get("fix") or _LOOK[result["outcome"]]))
    return table


def warnings_table(receipt: Mapping[str, Any]) -> Table:
    table = Table("cell", "what is odd", "what to do", "explained")
    for warning in receipt["warnings"]:
        table.add_row(_place(warning), warning["detail"], warning["fix"], "yes" if warning["explained"] else "no")
    return table


def _place(cell: Mapping[str, Any]) -> str:
    places = ("pathway", "segment", "measure", "site", "commissioner", "category")
    return " ".join(str(cell[place]) for place in places if cell[place] != "all")


def where(fault: Mapping[str, Any]) -> str:
    """The place of a fault in the file or body."""
    if fault.get("cell"):
        return f"{fault.get('sheet', '')} {fault['cell']}".strip()
    if fault.get("line"):
        return f"line {fault['line']}, column {fault.get('column', 1)}"
    return str(fault.get("sheet") or fault.get("pointer") or "")
