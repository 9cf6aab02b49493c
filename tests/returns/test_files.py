"""What was submitted is kept as it came: its owner and the integrator download the very bytes, nobody else does."""

import hashlib
import json

from tests.returns.conftest import Programme
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
