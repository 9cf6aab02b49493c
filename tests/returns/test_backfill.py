"""Many months in one request: each return by itself, as JSON, lines or CSV, and begun again where it was broken off."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.db.ledger import lock_key
from app.kernel.actors import Actor
from app.returns.backfill import LARGEST_ENTRY_BYTES, entries_of_csv, entries_of_lines
from app.returns.csv_file import MOST_ROWS
from app.returns.intake import ReturnInvalid
from app.web.intake import MOST_VALUES, Malformed, parse
from app.web.pages import asked_for, encode_cursor
from tests.make import exact
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import HOSPICE, PROGRAMME, cwt_body, hospice_body, mixed_body
from tests.support.databases import Database

ADDRESS = f"/v1/programmes/{PROGRAMME}"
MONTHS = ("2026-08", "2026-09", "2026-10")
HEADER = "collection,subcontract,month,measure,category,numerator,denominator,rest"


@pytest.fixture(scope="module")
def sent(module_database: Database) -> Iterator[Programme]:
    with set_up(module_database) as programme:
        yield programme


def hospice(month: str, numerator: Any = 15, **more: Any) -> dict[str, Any]:
    body = hospice_body()
    body["cells"][0]["numerator"] = numerator
    return {"collection": "hospice", "subcontract": "SC-H9901", "month": month, **body, **more}


def mixed(month: str) -> dict[str, Any]:
    return {"collection": "mixed", "subcontract": "SC-MIX", "month": month, **mixed_body()}


def lines(*entries: Any) -> bytes:
    return b"\n".join(json.dumps(exact(entry)).encode() for entry in entries)


def table(*rows: str) -> bytes:
    return "\r\n".join([HEADER, *rows, ""]).encode()


def of_hospice(month: str, numerator: Any = 15) -> list[str]:
    own = f"hospice,SC-H9901,{month}"
    return [f"{own},HOSP-WAIT,0-1,{numerator},,zero", f"{own},E-BEDOCC,,214,300,"]


def backfill(
    programme: Programme, content: bytes, *, kind: str = "application/x-ndjson", by: str | None = None, name: str | None = None
) -> httpx.Response:
    headers = {"Content-Type": kind} | ({"Idempotency-Key": name} if name else {})
    key = by or programme.manager()
    return programme.web.request("POST", f"{ADDRESS}/returns:backfill", key=key, content=content, headers=headers)


def results(programme: Programme, answer: httpx.Response, query: str = "", *, by: str | None = None) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = programme.web.get(f"{answer.json()['links']['results']}{query}", key=by or programme.manager()).json()[
        "results"
    ]
    return found


def test_each_return_is_received_or_refused_by_itself(sent: Programme) -> None:
    wrong = hospice("2026-09", -1)
    wrong["cells"].append({"measure": "NONE"})
    answer = backfill(sent, lines(hospice("2026-08"), wrong, mixed("2026-08"), hospice("2026-08")) + b"\n\n{\n" + lines(hospice("2040-01")))
    counts = {name: answer.json()[name] for name in ("entries", "done", "received", "duplicate", "refused")}
    assert counts == {"entries": 6, "done": 6, "received": 2, "duplicate": 1, "refused": 3}
    found = results(sent, answer)
    assert [(row["month"], row["outcome"], row["code"]) for row in found] == [
        ("2026-08", "received", None),
        ("2026-09", "refused", "return_invalid"),
        ("2026-08", "received", None),
        ("2026-08", "duplicate", None),
        (None, "refused", "malformed_json"),
        ("2040-01", "refused", found[5]["code"]),
    ]
    assert {(fault["code"], fault["pointer"]) for fault in found[1]["errors"]} >= {
        ("negative", "/cells/0/numerator"),
        ("unknown_measure", "/cells/2/measure"),
    }
    assert [row["position"] for row in results(sent, answer, "?outcome=refused")] == [1, 4, 5]
    assert sent.listed("?month=2026-09&collection=hospice")[0]["latest_revision"] is None


def test_rows_of_csv_are_told_by_the_lines_of_the_whole_text(sent: Programme) -> None:
    october = [*of_hospice("2026-10", 16), "hospice,SC-H9901,2026-10,HOSP-WAIT,2-3,x,,"]
    answer = backfill(sent, table(*of_hospice("2026-09", 16), "", *october, *of_hospice("wrong")), kind="text/csv")
    first, second, third = results(sent, answer)
    assert (first["outcome"], first["month"]) == ("received", "2026-09")
    assert [(fault["code"], fault["line"], fault["column"]) for fault in second["errors"]] == [("not_a_number", 7, 6)]
    assert [(fault["code"], fault["line"], fault["column"]) for fault in third["errors"]] == [("return_not_named", 8, 3)]
    own = sent.web.get(f"{ADDRESS}/returns/hospice/SC-H9901/2026-09/revisions/1/file", key=sent.manager())
    assert own.content == table(*of_hospice("2026-09", 16))


def test_a_table_of_one_return_may_name_it_and_no_other(sent: Programme) -> None:
    sheet = table(*of_hospice("2026-10", 17), *of_hospice("2026-11", 17))
    answer = sent.web.request(
        "POST",
        f"{ADDRESS}/returns/hospice/SC-H9901/2026-10/revisions",
        key=sent.manager(),
        content=sheet,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 422
    assert {(fault["code"], fault.get("line")) for fault in answer.json()["errors"]} >= {("other_return", 4), ("other_return", 5)}


def test_rows_of_one_return_that_stand_apart_are_refused_before_anything_is_kept(sent: Programme) -> None:
    """Each part would be taken for the whole, and the rest of it for zero."""
    before = sent.rows()
    whole, other = of_hospice("2026-09", 16), of_hospice("2026-10", 16)
    answer = backfill(sent, table(whole[0], other[0], whole[1], other[1]), kind="text/csv")
    assert (answer.status_code, [(fault["code"], fault["line"]) for fault in answer.json()["errors"]]) == (
        422,
        [("return_split", 4), ("return_split", 5)],
    )
    assert sent.rows() == before


def test_blank_lines_and_one_return_are_held_in_memory_as_far_as_a_bound() -> None:
    blank = [b" " * 1000 + b"\n"] * 40_000
    lines = [f"{HEADER}\n".encode(), *blank, *(f"{row}\n".encode() for row in of_hospice("2026-09"))]
    (entry,) = entries_of_csv(lines)
    assert len(entry.content) < LARGEST_ENTRY_BYTES * 2
    assert entry.lines_before + entry.content.count(b"\n") - 1 == len(lines) - 1
    row = of_hospice("2026-09")[0].encode() + b"\n"
    with pytest.raises(ReturnInvalid) as refused:
        list(entries_of_csv([f"{HEADER}\n".encode(), *[row] * (MOST_ROWS + 2)]))
    assert [fault.code for fault in refused.value.faults] == ["file_too_large"]


def test_no_patients_number_is_kept_as_the_name_of_a_return(sent: Programme) -> None:
    answer = backfill(
        sent, lines({**hospice("2026-10"), "collection": "9434765919"}, {**hospice("2026-10"), "subcontract": "943-476-5919"})
    )
    found = results(sent, answer)
    assert [(row["collection"], row["subcontract"], row["errors"][0]["code"]) for row in found] == [
        (None, "SC-H9901", "patient_identifier"),
        ("hospice", None, "patient_identifier"),
    ]
    assert "9434765919" not in str(sent.all("SELECT * FROM backfill_results"))


def test_a_patients_number_is_named_also_where_something_else_is_wrong_with_the_whole_entry(sent: Programme) -> None:
    number = "943 476 5919"
    strange = {**hospice("2026-10"), "patients": [{"number": number}]}
    found = results(sent, backfill(sent, lines(strange, {**strange, "month": None}, [number])))
    assert [[(fault["code"], fault["pointer"]) for fault in row["errors"]] for row in found] == [
        [("patient_identifier", "/patients"), ("unknown_member", "/patients")],
        [("return_not_named", "/month"), ("patient_identifier", "/patients")],
        [("patient_identifier", ""), ("wrong_type", "")],
    ]
    rows = [f"{HEADER},patient", f"hospice,SC-H9901,,HOSP-WAIT,0-1,15,,zero,{number}"]
    (row,) = results(sent, backfill(sent, "\n".join(rows).encode(), kind="text/csv"))
    assert [(fault["code"], fault["line"], fault["column"]) for fault in row["errors"]] == [
        ("return_not_named", 2, 3),
        ("patient_identifier", 2, 9),
    ]
    answer = backfill(sent, f"collection,month,{number}\nhospice,2026-10,1".encode(), kind="text/csv")
    assert [fault["code"] for fault in answer.json()["errors"]] == ["patient_identifier", "column_missing"]


def test_an_entry_that_lacks_one_name_keeps_the_others_in_its_result(sent: Programme) -> None:
    whole = hospice("2026-10")
    without_month = {name: value for name, value in whole.items() if name != "month"}
    answer = backfill(sent, lines(without_month, {**whole, "subcontract": "", "month": "2026-13"}, []))
    assert [
        (row["collection"], row["subcontract"], row["month"], [fault["pointer"] for fault in row["errors"]])
        for row in results(sent, answer)
    ] == [
        ("hospice", "SC-H9901", None, ["/month"]),
        ("hospice", None, None, ["/month", "/subcontract"]),
        (None, None, None, [""]),
    ]
    rows = [row.replace("2026-10", "october") for row in of_hospice("2026-10")]
    (row,) = results(sent, backfill(sent, table(*rows), kind="text/csv"))
    assert (row["collection"], row["subcontract"], row["month"]) == ("hospice", "SC-H9901", None)


def test_what_was_all_done_before_is_said_to_be_replayed_and_a_frozen_month_how_to_go_on(sent: Programme) -> None:
    content = lines(hospice("2026-10", 19))
    first, again = (backfill(sent, content, name="twice") for _ in range(2))
    assert (first.content, [answer.headers.get("Idempotent-Replayed") for answer in (first, again)]) == (again.content, [None, "true"])
    frozen = results(sent, backfill(sent, lines({"collection": "cwt", "subcontract": "SC-RJE", "month": "2026-07", **cwt_body()})))
    assert [(row["code"], "A backfill needs that too" in row["errors"][0]["fix"]) for row in frozen] == [("return_frozen", True)]


def test_what_another_act_was_in_the_way_of_goes_on_with_the_same_key(sent: Programme) -> None:
    content = lines(hospice("2026-08", 31), hospice("2026-09", 31))
    with sent.database.superuser_engine.begin() as other:
        other.execute(text("SET LOCAL statement_timeout = '60s'"))
        lock_key(other, PROGRAMME, "hospice", "SC-H9901", "2026-09")  # type: ignore[arg-type]  # all that is asked of a session is to execute, which a connection does
        answer = backfill(sent, content, name="in-the-way")
    assert (answer.status_code, answer.json()["code"], "in-the-way" in answer.text) == (503, "interrupted", False)
    assert "What was done before is kept" in answer.json()["detail"]
    again = backfill(sent, content, name="in-the-way").json()
    assert (again["done"], again["received"]) == (2, 2)


def test_the_same_returns_in_any_form_are_the_same_revisions(sent: Programme) -> None:
    of = [hospice(month, 18) for month in MONTHS]
    rows = [row for month in MONTHS for row in of_hospice(month, 18)]
    whole = json.dumps(exact({"returns": of})).encode()
    first, second, third = (
        backfill(sent, whole, kind="application/json"),
        backfill(sent, table(*rows), kind="text/csv"),
        backfill(sent, lines(*of)),
    )
    assert (first.json()["received"], second.json()["duplicate"], third.json()["duplicate"]) == (3, 3, 3)


def test_what_was_broken_off_goes_on_and_does_nothing_twice(sent: Programme) -> None:
    content, by = lines(*(hospice(month, 19) for month in MONTHS)), sent.manager()
    whole = backfill(sent, content, name="broken-off").json()
    with sent.database.superuser_engine.begin() as connection:
        # As it stood when the network, or the service, went away after the first return.
        connection.exec_driver_sql("DELETE FROM backfill_results WHERE backfill = %s AND position > 0", (whole["backfill"],))
    under_way = sent.web.get(whole["links"]["self"], key=by).json()
    assert (under_way["entries"], under_way["done"]) == (3, 1)
    again = backfill(sent, content, name="broken-off").json()
    assert (again["backfill"], again["received"], again["duplicate"]) == (whole["backfill"], 1, 2)
    assert backfill(sent, content, name="broken-off").json() == again
    assert sent.web.get(f"{ADDRESS}/backfills", key=by).json()["backfills"][0] == again
    reused = backfill(sent, lines(hospice("2026-10", 20)), name="broken-off")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_subcontract_backfills_its_own_and_nobody_sees_anothers(sent: Programme) -> None:
    own, other = sent.preparer("SC-H9901"), sent.preparer("SC-MIX")
    answer = backfill(sent, lines(hospice("2026-10", 21), mixed("2026-09"), {**mixed("2026-09"), "subcontract": "SC-NONE"}), by=own)
    received, another, none = results(sent, answer, by=own)
    assert (received["outcome"], another["code"], another["detail"]) == ("received", none["code"], none["detail"])
    links = answer.json()["links"]
    stranger = [sent.web.get(links[name], key=other).json() | {"instance": "", "request_id": ""} for name in ("self", "results")]
    nothing = [
        sent.web.get(f"{ADDRESS}/backfills/b_none{end}", key=other).json() | {"instance": "", "request_id": ""} for end in ("", "/results")
    ]
    assert stranger == nothing
    assert sent.web.get(f"{ADDRESS}/backfills", key=other).json() == {"backfills": []}
    assert results(sent, answer) == results(sent, answer, by=own)
    made_up = encode_cursor(asked_for(links["results"], [], Actor("c", "C", "preparer", PROGRAMME, "SC-H9901", None)), (10**30,))
    assert sent.web.get(f"{links['results']}?cursor={made_up}", key=own).json()["code"] == "bad_cursor"


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{}", "application/json", 422, "invalid"),
        (b"[1", "application/json", 400, "malformed_json"),
        (b"", "application/xml", 415, "unsupported_media_type"),
        (b"measure,numerator\n", "text/csv", 422, "return_invalid"),
        (table('hospice,SC-H9901,2026-10,"HOSP'), "text/csv", 422, "return_invalid"),
        (f"{HEADER}\nhospice,\xff".encode("latin-1"), "text/csv", 422, "return_invalid"),
    ],
)
def test_what_is_no_backfill_is_refused_whole(sent: Programme, content: bytes, kind: str, status: int, code: str) -> None:
    before = sent.rows()["backfills"]
    answer = backfill(sent, content, kind=kind)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert sent.rows()["backfills"] == before


def test_a_return_of_very_many_cells_is_read_and_other_bodies_of_as_many_values_are_not(sent: Programme) -> None:
    many = hospice("2026-10")
    many["cells"] *= 20_000
    assert len(many["cells"]) * 3 > MOST_VALUES
    for content, kind in ((lines(many), "application/x-ndjson"), (lines({"returns": [many]}), "application/json")):
        (row,) = results(sent, backfill(sent, content, kind=kind))
        assert (row["code"], row["errors"][0]["code"]) == ("return_invalid", "duplicate_cell")
    alone = {name: many[name] for name in ("rest", "cells")}
    answer = sent.submit(HOSPICE, exact(alone))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "duplicate_cell")
    answer = sent.apply(exact(alone))
    assert (answer.status_code, [fault["code"] for fault in answer.json()["errors"]]) == (400, ["too_many_values"])


def test_a_line_that_is_no_json_is_named_by_the_line_of_the_whole_text() -> None:
    *_, entry = entries_of_lines([b"\n", b"{}\n", b"\n", b'{"collection": ]\n'], parse)
    with pytest.raises(Malformed) as refused:
        entry.read()
    assert (entry.position, [fault.line for fault in entry.placed(refused.value.faults)]) == (1, [4])


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        *[(content, kind, "file_empty") for content in (b"", b"\n \n") for kind in ("application/x-ndjson", "text/csv")],
        (b"PK\x03\x04", "text/csv", "file_not_text"),
    ],
)
def test_a_body_without_any_return_is_refused(sent: Programme, content: bytes, kind: str, code: str) -> None:
    answer = backfill(sent, content, kind=kind)
    assert (answer.status_code, [fault["code"] for fault in answer.json()["errors"]]) == (422, [code])
