"""A form goes out, is filled in and saved by the programs that people use, and comes back as the return that JSON would state."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from app.calendar.expected import ReturnKey
from app.demo.document import document
from app.kernel.months import Month
from tests.make import exact
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, MIXED, MONTH, address, cwt_body, hospice_body, mixed_body
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.forms import Entries, entries, rows_of, typed_in
from tests.support.http import Web, serving
from tests.support.libreoffice import filled_in, needs_libreoffice

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROGRAMS: Final = [pytest.param(typed_in, id="typed in"), pytest.param(filled_in, id="LibreOffice", marks=needs_libreoffice)]


@pytest.fixture(scope="module")
def served(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        yield programme


def send(served: Programme, key: ReturnKey, content: bytes, media_type: str) -> httpx.Response:
    headers = {"Content-Type": media_type}
    return served.web.request("POST", f"{address(key)}/revisions", key=served.preparer(key.subcontract), content=content, headers=headers)


CWT_BODY: Final = cwt_body(note="2.5 patients, shared")
RETURNS: Final = [
    (MIXED, mixed_body()),
    (HOSPICE, hospice_body()),
    (CWT, {**CWT_BODY, "cells": [*CWT_BODY["cells"][:1], {**CWT_BODY["cells"][1], "numerator": "2.5"}]}),
]


@pytest.mark.parametrize(("key", "body"), RETURNS, ids=[key.collection for key, _ in RETURNS])
def test_a_filled_in_form_is_what_json_would_state(served: Programme, key: ReturnKey, body: dict[str, Any], tmp_path: Path) -> None:
    comes_back_as_json_would(served, key, body, typed_in, tmp_path)


@needs_libreoffice
def test_a_form_that_libreoffice_saved_is_what_json_would_state(served: Programme, tmp_path: Path) -> None:
    comes_back_as_json_would(served, MIXED._replace(month=MONTH.plus(-1)), mixed_body(), filled_in, tmp_path)


def comes_back_as_json_would(
    served: Programme, key: ReturnKey, body: dict[str, Any], fill: Callable[[bytes, Entries, Path], bytes], folder: Path
) -> None:
    form = served.read(key, by=served.preparer(key.subcontract), query="/template.xlsx").content
    answer = send(served, key, fill(form, entries(form, body), folder), XLSX)
    assert answer.status_code == 201, answer.text
    again = served.submit(key, body)
    assert (again.status_code, again.json()["duplicate_of"]) == (200, 1), "the same content has the same digest"


def test_a_filled_in_table_is_what_json_would_state(served: Programme) -> None:
    key = MIXED._replace(month=MONTH.plus(-2))
    form = served.read(key, by=served.preparer("SC-MIX"), query="/template.csv").content.decode()
    lines = list(csv.DictReader(io.StringIO(form.removeprefix("\ufeff"))))
    for cell in mixed_body()["cells"]:
        line = next(line for line in lines if all(line[place] == cell[place] for place in ("measure", "site") if place in cell))
        line |= {name: str(cell[name]) for name in ("numerator", "denominator") if name in cell}
    text = io.StringIO()
    table = csv.DictWriter(text, lines[0].keys())
    table.writeheader()
    table.writerows(lines)
    answer = send(served, key, f"\ufeff{text.getvalue()}".encode(), "text/csv")
    assert answer.status_code == 201, answer.text
    assert served.submit(key, mixed_body()).json()["duplicate_of"] == 1


def test_an_empty_form_names_every_line_that_is_missing(served: Programme) -> None:
    key = MIXED._replace(month=MONTH.plus(-3))
    form = served.read(key, by=served.preparer("SC-MIX"), query="/template.xlsx").content
    answer = send(served, key, form, XLSX)
    assert answer.status_code == 422
    faults = answer.json()["errors"]
    assert {fault["code"] for fault in faults} == {"cell_missing"}
    assert len({fault["cell"] for fault in faults}) == len(faults) == 8


def test_nothing_to_report_is_said_by_the_form_too(served: Programme, tmp_path: Path) -> None:
    key = HOSPICE._replace(month=MONTH.plus(-2))
    form = served.read(key, by=served.preparer("SC-H9901"), query="/template.xlsx").content
    rows = rows_of(form)
    row = next(number for number, line in enumerate(rows) if line[0] == "Nothing to report")
    answer = send(served, key, typed_in(form, {(row, 1): "no_service"}, tmp_path), XLSX)
    assert answer.status_code == 201, answer.text
    (revision,) = served.read(key, by=served.preparer("SC-H9901")).json()["revisions"]
    assert (revision["nil"], revision["nil_reason"]) == (True, "no_service")


DEMONSTRATION: Final = "/v1/programmes/staffs-cancer"


@contextlib.contextmanager
def demonstration(database: Database) -> Iterator[Web]:
    """The demonstration programme, of which nobody has returned anything yet."""
    with serving(database, clock=Clock(datetime(2026, 11, 2, 9, tzinfo=UTC))) as web:
        body = exact(document(Month.parse("2026-07")))
        made = web.put(f"{DEMONSTRATION}/configuration", body, key=web.key("administrator"), headers={"If-None-Match": "*"})
        assert made.status_code == 201, made.text
        yield web


SEPTEMBER: Final[dict[str, Any]] = {
    "cells": [
        *(
            {"measure": "HOSP-WAIT", "category": band, "numerator": figure}
            for band, figure in {"0-1": 9, "2-3": 8, "4-7": 5, "8-up": 2}.items()
        ),
        {"measure": "E-BEDOCC", "numerator": 240, "denominator": 300},
        *({"measure": "E-PPDR", "commissioner": code, "numerator": 7, "denominator": 9} for code in ("05G", "05W")),
        *({"measure": "E-PPDA", "commissioner": code, "numerator": 5, "denominator": 7} for code in ("05G", "05W")),
        *({"measure": "CASELOAD", "commissioner": code, "numerator": 38} for code in ("05G", "05W")),
    ]
}


def test_a_trust_writes_what_is_new_on_a_spare_line(database: Database, tmp_path: Path) -> None:
    """Of eighty cells only those of last month are printed; another takes a spare line, and all others are zero."""
    with demonstration(database) as web:
        key = web.key("preparer", programme="staffs-cancer", subcontract="SC-RJE")
        own = f"{DEMONSTRATION}/returns/cwt/SC-RJE"
        lung = {"site": "lung", "commissioner": "05W", "numerator": 2, "denominator": 3}
        stated = [
            {**lung, "measure": "CWT-FDS", "segment": "diagnosis"},
            {**lung, "measure": "CWT-31", "pathway": "lung", "segment": "treatment"},
            {**lung, "measure": "CWT-62", "pathway": "lung", "segment": "treatment", "category": "urgent", "numerator": "1.5"},
            {"measure": "LUNG-OUT", "category": "SC-RL4", "numerator": 0},
            {"measure": "LUNG-IN", "category": "SC-RL4", "numerator": 4},
        ]
        september = web.post(f"{own}/2026-09/revisions", {"rest": "zero", "cells": stated}, key=key)
        assert september.status_code == 201, september.text
        october = {"rest": "zero", "cells": [*stated, {**stated[2], "commissioner": "05G", "category": "upgrade"}]}
        form = web.get(f"{own}/2026-10/template.xlsx", key=key).content
        sent = typed_in(form, entries(form, october), tmp_path)
        answer = web.request("POST", f"{own}/2026-10/revisions", key=key, content=sent, headers={"Content-Type": XLSX})
        assert answer.status_code == 201, answer.text
        assert len(answer.json()["by_rest"]) > 40
        assert web.post(f"{own}/2026-10/revisions", october, key=key).json()["duplicate_of"] == 1


@pytest.mark.parametrize("fill", PROGRAMS)
def test_a_hospice_returns_its_month_with_a_spreadsheet(
    database: Database, fill: Callable[[bytes, Entries, Path], bytes], tmp_path: Path
) -> None:
    """What is due, the form with last month's figures in it, and the receipt: as the demonstration's first hospice does it."""
    with demonstration(database) as web:
        key = web.key("preparer", programme="staffs-cancer", subcontract="SC-H9901")
        own = f"{DEMONSTRATION}/returns/{{}}/SC-H9901/{{}}"
        due = web.get(f"{DEMONSTRATION}/subcontracts/SC-H9901/due", key=key).json()["due"]
        wanted = next(each for each in due if each["month"] == "2026-10")
        before = web.post(f"{own.format(wanted['collection'], '2026-09')}/revisions", SEPTEMBER, key=key)
        assert before.status_code == 201, before.text
        form = web.get(wanted["links"]["template_xlsx"], key=key).content
        october = {"cells": [{**cell, "numerator": cell["numerator"] + (cell["measure"] == "HOSP-WAIT")} for cell in SEPTEMBER["cells"]]}
        sent = web.request(
            "POST",
            wanted["links"]["revisions"],
            key=key,
            content=fill(form, entries(form, october), tmp_path),
            headers={"Content-Type": XLSX, "Content-Disposition": 'attachment; filename="October.xlsx"'},
        )
        assert (sent.status_code, sent.json().get("outcome")) == (201, "received"), sent.text
        stated = web.get(f"{wanted['links']['revisions']}/1", key=key).json()["cells"]
        figures = {(cell["measure"], cell["category"], cell["commissioner"]): (cell["numerator"], cell["denominator"]) for cell in stated}
        asked = {
            (cell["measure"], cell.get("category", "all"), cell.get("commissioner", "all")): (cell["numerator"], cell.get("denominator"))
            for cell in october["cells"]
        }
        assert figures == asked
        assert "2026-10" not in {each["month"] for each in web.get(f"{DEMONSTRATION}/subcontracts/SC-H9901/due", key=key).json()["due"]}


def test_a_form_of_another_month_is_noticed_and_can_be_made_this_ones(served: Programme) -> None:
    september, october = HOSPICE._replace(month=MONTH.plus(-1)), HOSPICE
    form = served.read(september, by=served.preparer(september.subcontract), query="/template.xlsx").content
    answer = send(served, october, typed_in(form, entries(form, hospice_body()), Path()), XLSX)
    month = next(number for number, row in enumerate(rows_of(form)) if row[0] == "Month")
    assert (answer.status_code, [(fault["code"], fault["cell"]) for fault in answer.json()["errors"]]) == (
        422,
        [("other_return", f"B{month + 1}")],
    )
    text = served.read(september, by=served.preparer(september.subcontract), query="/template.csv").content
    codes = [
        {fault["code"] for fault in send(served, october, each, "text/csv").json()["errors"]}
        for each in (text, text.replace(b"2026-09", b"2026-10"))
    ]
    assert ["other_return" in each for each in codes] == [True, False]
