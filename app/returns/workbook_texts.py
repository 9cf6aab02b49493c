"""Where a patient's identifier may hide in a workbook beside its cells: comments, headers, names, lists, properties, drawings."""

from collections.abc import Callable, Mapping
from typing import Final

from app.kernel.identifiers import Identifier, identifiers_in
from app.kernel.refusals import Fault
from app.returns.file_faults import file_fault
from app.returns.tables import is_figure
from app.returns.workbook_safety import Package

_BY_PART: Final = (
    ("docprops/", "the document's properties"),
    ("comment", "a comment"),
    ("persons/", "a comment"),
    ("charts/", "a chart"),
    ("drawings/", "a drawing or text box"),
    ("tables/", "the names of a table"),
    ("pivot", "the data of a pivot table"),
    ("worksheets/", "the settings of a sheet"),
)
_BY_ELEMENT: Final = {
    "sheet": "the name of a sheet",
    "definedName": "a defined name",
    **dict.fromkeys(("oddHeader", "evenHeader", "firstHeader", "oddFooter", "evenFooter", "firstFooter"), "a header or footer"),
    **dict.fromkeys(("dataValidation", "formula1", "formula2"), "a drop-down list or its message"),
    **dict.fromkeys(("filter", "customFilter"), "a filter"),
    **dict.fromkeys(("scenario", "inputCells"), "a scenario"),
    "hyperlink": "a link",
    "Relationship": "a link",
}
# Attributes that people write; the others are measures and numbers of programs.
_WRITTEN: Final = frozenset(
    {
        *("name", "displayName", "caption", "title", "descr", "description", "comment", "help", "author", "alt", "string", "text"),
        *("url", "user", "userName", "codeName", "statusBar", "totalsRowLabel", "minValue", "maxValue"),
        *("prompt", "promptTitle", "error", "errorTitle", "display", "tooltip", "location", "Target", "v", "uniqueName", "formatCode"),
    }
)

# Elsewhere `val` is a measure or number of a program: a chart numbers its axes with ten digits.
_WITH_VALUES: Final = frozenset({"filter", "customFilter", "inputCells", "cfvo"})

Report = Callable[[tuple[Identifier, ...], str, str | None], None]
"""Told what was found, what holds it, and the cell that it belongs to where there is one."""


def suspected(text: str) -> tuple[Identifier, ...]:
    """What in a text looks like a patient's identifier, each kind once; a number as small as a figure holds none."""
    return () if is_figure(text.strip()) else identifiers_in(text)


class Texts:
    """Collects the texts of a part, runs of one paragraph joined, and reports those that are suspect."""

    def __init__(self, name: str, report: Report) -> None:
        self._what = next((what for part, what in _BY_PART if part in name), "a part of the workbook beside its sheets")
        self._report = report
        self._pieces: list[str] = []
        self._runs = 0
        self._cell: str | None = None

    def start(self, element: str, said: Mapping[str, str]) -> None:
        if element == "r":
            self._runs += 1
        elif element in {"comment", "threadedComment"}:
            self._cell = said.get("ref")
        for name, value in said.items():
            if name in _WRITTEN or (name == "val" and element in _WITH_VALUES):
                self._look_at(value, element)

    def text(self, piece: str) -> None:
        self._pieces.append(piece)

    def end(self, element: str) -> None:
        if element == "r":
            self._runs -= 1
        elif not self._runs and element != "t":
            text = "".join(self._pieces)
            self._pieces.clear()
            self._look_at(text, element)

    def _look_at(self, text: str, element: str) -> None:
        found = suspected(text)
        if found:
            self._report(found, _BY_ELEMENT.get(element, self._what), self._cell)


def suspect_texts(package: Package, name: str, report: Report) -> None:
    """Report what is suspect in a part that holds no cells."""
    if name.endswith(".bin"):
        # Settings of a printer or an add-in: whatever texts are in them, in one byte a letter or in two.
        found = identifiers_in(package.content(name).replace(b"\0", b"").decode("latin-1"))
        report(found, "the settings of a printer or another program", None)
        return
    texts = Texts(name, report)
    package.parse(name, start=texts.start, end=texts.end, text=texts.text)


def suspect_names(package: Package) -> list[Fault]:
    """Names of parts, and what the archive says beside them."""
    said = [package.archive.comment, *(part for entry in package.parts.values() for part in (entry.comment, entry.filename.encode()))]
    found = dict.fromkeys(kind for text in said for kind in identifiers_in(text.decode("latin-1")))
    return [file_fault("patient_identifier_in", found=kind, what="the names of the file's parts") for kind in found]
