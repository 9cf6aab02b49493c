"""What was submitted is kept as it came: its owner and the integrator download the very bytes, nobody else does."""

import hashlib
import json

import httpx
import pytest

from app.returns.columns import CSV, JSON, XLSX
from app.web.bodies import file_name
from tests.returns.conftest import Programme
from tests.returns.files import ROWS, csv_of, xlsx_of
from tests.returns.programme import HOSPICE, address, hospice_body


def file_of(programme: Programme, revision: int = 1) -> str:
    return f"{address(HOSPICE)}/revisions/{revision}/file"


def test_the_bytes_are_those_of_the_receipt(programme: Programme) -> None:
    sent = json.dumps(hospice_body(), indent=3).encode()
    answer = programme.web.request("POST", f"{address(HOSPICE)}/revisions", key=programme.preparer("SC-H9901"), content=sent)
    assert answer.status_code == 201
    for key in (programme.preparer("SC-H9901"), programme.manager(), programme.key("auditor")):
        found = programme.web.get(file_of(programme), key=key)
        assert (found.status_code, found.content) == (200, sent)
        assert hashlib.sha256(found.content).hexdigest() == answer.json()["sha256"]
        assert found.headers["Content-Type"] == "application/json"
        assert found.headers["Content-Disposition"] == 'attachment; filename="hospice-SC-H9901-2026-10-1.json"'
        assert found.headers["X-Content-Type-Options"] == "nosniff"


def test_nobody_else_is_told_that_it_is_there(programme: Programme) -> None:
    programme.submit(HOSPICE, hospice_body())
    assert programme.web.get(file_of(programme)).status_code == 401
    other = programme.preparer("SC-RJE")
    theirs, absent = (programme.web.get(file_of(programme, revision), key=other) for revision in (1, 2))
    assert (theirs.status_code, absent.status_code) == (404, 404)
    named = [{name: part for name, part in answer.json().items() if name != "instance"} for answer in (theirs, absent)]
    assert named[0] == named[1]
    assert programme.web.get(file_of(programme, 2), key=programme.manager()).status_code == 404


def send(programme: Programme, content: bytes, media_type: str, **headers: str) -> httpx.Response:
    said = {"Content-Type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return programme.web.request("POST", f"{address(HOSPICE)}/revisions", key=programme.preparer("SC-H9901"), content=content, headers=said)


def test_a_month_in_each_format(programme: Programme) -> None:
    whole = {
        **hospice_body(),
        "cells": [*hospice_body()["cells"], *({"measure": "HOSP-WAIT", "category": code, "numerator": 0} for code in ("2-3", "4-up"))],
    }
    del whole["rest"]
    forms = {
        JSON: json.dumps(whole).encode(),
        CSV: csv_of(ROWS),
        f"{CSV}; charset=utf-16": csv_of(ROWS).decode().encode("utf-16"),
        XLSX: xlsx_of(),
    }
    answers = [send(programme, content, media_type) for media_type, content in forms.items()]
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200]
    assert [answer.json()["duplicate_of"] for answer in answers] == [None, 1, 1, 1]
    # What repeats is not kept; what differs is, in whichever format it came.
    for number, (media_type, content) in enumerate(forms.items(), 2):
        programme.submit(HOSPICE, {**whole, "note": str(number)})
        answer = send(programme, content, media_type, content_disposition=f"attachment; filename*=UTF-8''Octobre%20%C3%A9{number}.x")
        assert (answer.status_code, answer.json()["revision"]) == (201, 2 * number - 1)
        found = programme.web.get(file_of(programme, 2 * number - 1), key=programme.manager())
        assert (found.content, found.headers["Content-Type"]) == (content, media_type)
        assert answer.json()["sha256"] == hashlib.sha256(found.content).hexdigest()
        assert found.headers["Content-Disposition"].endswith(f"; filename*=UTF-8''Octobre%20%C3%A9{number}.x")
    last = programme.web.get(f"{address(HOSPICE)}/revisions/{2 * number - 1}", key=programme.manager()).json()
    assert last["media_type"] == XLSX


def test_a_file_is_tried_before_it_is_sent_and_sent_once(programme: Programme) -> None:
    path, key = f"{address(HOSPICE)}/revisions", programme.preparer("SC-H9901")
    headers = {"Content-Type": CSV, "Idempotency-Key": "october"}
    tried = programme.web.request("POST", f"{path}?dry_run=true", key=key, content=csv_of(ROWS), headers={"Content-Type": CSV})
    assert (tried.status_code, tried.json()["revision"]) == (200, None)
    first, second = (programme.web.request("POST", path, key=key, content=csv_of(ROWS), headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert first.content == second.content
    assert programme.all("SELECT count(*) FROM submitted_files") == [(1,)]


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, None),
        ("attachment", None),
        ('attachment; filename="october.xlsx"', "october.xlsx"),
        ("attachment; filename=october.xlsx", "october.xlsx"),
        ('attachment; filename="folder\\\\october.xlsx"', "october.xlsx"),
        ('attachment; filename="../../october.xlsx"', "october.xlsx"),
        ("attachment; filename*=UTF-8''%C3%A9t%C3%A9.csv", "été.csv"),
        ('attachment; filename="été.csv"'.encode().decode("latin-1"), "été.csv"),
        ('attachment; filename="été.csv"', "été.csv"),
        ("attachment; filename*=UTF-8''a%00b%0D%0A%E2%80%AEc.csv", "abc.csv"),
        ("attachment; filename*=nowhere''%C3%A9.csv", "é.csv".encode().decode("latin-1")),
        ("attachment; filename=\"ete.csv\"; filename*=UTF-8''%C3%A9t%C3%A9.csv", "été.csv"),
        (f'attachment; filename="{"x" * 300}"', "x" * 200),
        ("\xff=;;;", None),
    ],
)
def test_the_name_of_a_file_is_what_can_be_seen_of_its_last_part(header: str | None, name: str | None) -> None:
    assert file_name(header) == name
