"""What the service answers, read with exact figures."""

import json
from decimal import Decimal
from typing import Any

from tests.real.documents import PROGRAMME
from tests.real.published import Figures
from tests.support.server import Caller


def exactly(content: bytes) -> Any:
    """JSON whose numbers are decimals: no figure meets a float."""
    return json.loads(content, parse_float=Decimal, parse_int=Decimal)


def report_bytes(caller: Caller, month: str, *, programme: str = PROGRAMME, **query: str) -> bytes:
    return caller.get(f"/v1/programmes/{programme}/reports/{month}", **query).content


def read_report(caller: Caller, month: str, *, programme: str = PROGRAMME, **query: str) -> dict[str, Any]:
    report: dict[str, Any] = exactly(report_bytes(caller, month, programme=programme, **query))
    return report


def read_return(caller: Caller, collection: str, subcontract: str, month: str, *, programme: str = PROGRAMME) -> dict[str, Any]:
    answer: dict[str, Any] = exactly(caller.get(f"/v1/programmes/{programme}/returns/{collection}/{subcontract}/{month}").content)
    return answer


def read_returns(caller: Caller, month: str) -> list[dict[str, Any]]:
    """Every page of the list of a month's returns."""
    found: list[dict[str, Any]] = []
    query = {"month": month, "limit": "200"}
    while True:
        page = exactly(caller.get(f"/v1/programmes/{PROGRAMME}/returns", **query).content)
        found += page["returns"]
        if not page["next"]:
            return found
        query["cursor"] = page["next"]


def figures_of(row: dict[str, Any]) -> Figures | None:
    """A row's or a cell's figures; None where it has none."""
    if row["numerator"] is None or row["denominator"] is None:
        return None
    return Figures(row["numerator"], row["denominator"])
