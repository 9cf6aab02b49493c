"""The programme of these tests with rules, and what was stated in the months before."""

from collections.abc import Mapping
from typing import Any, Final

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.returns.intake import read_submission
from app.returns.looking_back import Earlier
from app.returns.rules import words_of
from app.returns.submission import CellWarning, Submission
from tests.make import contract
from tests.returns.programme import owed, whole_document

MONTH: Final = Month.parse("2027-10")
BEDS: Final = "E-BEDOCC"
WAIT: Final = "HOSP-WAIT"
EXPLAINED: Final = {"explanation_code": "large_change", "explanation": "second clinic opened"}
CHANGE: Final[dict[str, Any]] = {"code": "usual", "kind": "change", "minimum_count": 10}


def with_rules(
    rules: Mapping[str, list[dict[str, Any]]], *, collections: Mapping[str, list[dict[str, Any]]] | None = None, **sections: Any
) -> Contract:
    """The programme of these tests, in which measures (and collections) name rules; `sections` of the document are replaced."""
    base = whole_document()
    measures = [
        {**measure, "rules": rules.get(measure["code"], [])} if isinstance(measure, dict) else measure for measure in base["measures"]
    ]
    schedule = [{**line, "rules": (collections or {}).get(line["code"], [])} for line in base["collections"]]
    return contract(**{**base, "measures": measures, "collections": schedule, **sections})


def key_of(collection: str, month: Month = MONTH) -> ReturnKey:
    return ReturnKey(collection, {"hospice": "SC-H9901", "mixed": "SC-MIX"}[collection], month)


def read(within: Contract, body: dict[str, Any], *, collection: str = "hospice", earlier: Earlier | None = None) -> Submission:
    return read_submission(body, owed(key_of(collection), within), earlier=earlier or {})


def hospice(waits: tuple[int, ...] = (15, 0, 0), beds: tuple[int, int] = (214, 300), *, explain: int | None = None) -> dict[str, Any]:
    """A hospice's month, every cell listed: its waits by band, then its beds; `explain` is the position of the cell with an explanation."""
    cells: list[dict[str, Any]] = [
        {"measure": WAIT, "category": band, "numerator": count} for band, count in zip(("0-1", "2-3", "4-up"), waits, strict=True)
    ]
    cells.append({"measure": BEDS, "numerator": beds[0], "denominator": beds[1]})
    return {"cells": [{**cell, **(EXPLAINED if position == explain else {})} for position, cell in enumerate(cells)]}


def before(within: Contract, *bodies: dict[str, Any] | None, collection: str = "hospice") -> Earlier:
    """What was stated in the months before, the last body for the last month; None: nothing was received."""
    found = {}
    for back, body in enumerate(reversed(bodies), start=1):
        if body is not None:
            key = key_of(collection, MONTH.plus(-back))
            found[key.month] = {cell.key: cell for cell in read_submission(body, owed(key, within)).cells}
    return {collection: found}


def said(warning: CellWarning) -> str:
    return words_of(warning)[0]
