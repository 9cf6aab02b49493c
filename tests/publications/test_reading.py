"""What is published is read by whom it was made for, whole or in part, as JSON, table or workbook; and given again at once without changing."""

import csv
import io
import json
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

from app.access.actions import create_client, revoke_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.kernel.canonical import sha256
from tests.publications.conftest import ADDRESS, OCTOBER, Press, press
from tests.reports.conftest import PROGRAMME, acute, of_62, of_fds
from tests.support.databases import Database

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture(scope="module")
def story(module_database: Database) -> Iterator[Press]:
    """October published, a return of it corrected, October published again."""
    with press(module_database) as made:
        made.publish(commentary="As it stands.")
        made.programme.send("SC-RL4", OCTOBER, acute(of_62("urgent", 18, 25), of_fds(10, 20)))
        made.publish()
        yield made


def test_some_rows_a_table_and_a_workbook_are_drawn_from_a_rendition_and_name_it(story: Press) -> None:
    whole = story.get("/2")
    rows = whole.json()["observations"]
    some = story.get("/2?slice=commissioner,all&period=month&measure=CWT-62&commissioner=05W,all")
    assert some.json()["observations"] == [
        row
        for row in rows
        if row["slice"] in {"commissioner", "all"}
        and (row["period"], row["measure"]) == ("month", "CWT-62")
        and row["commissioner"] in {"05W", "all"}
    ]
    assert len(some.json()["observations"]) == 2
    assert "signature" not in some.json()
    nothing = story.get("/2?slice=all&site=lung").json()
    assert (nothing["observations"], nothing["notes"][:-1], nothing["notes"][-1]["code"]) == ([], whole.json()["notes"], "nothing_matches")
    # Where what is asked about its rows stands, and the answers: for those who may read them.
    lead, own = story.key("commissioner_lead", commissioner="05W"), story.key("preparer", subcontract="SC-RL4")
    for by in (story.manager, lead):
        assert story.get("/2", by=by).json()["links"] == {"queries": f"{ADDRESS}/2/queries"}
        assert story.get("/2/queries", by=by).json()["queries"] == []
    assert story.get("/2", by=own).json()["links"] == story.get("/2?rendition=public", by=own).json()["links"] == {}
    assert some.json()["report"] == whole.json()["report"]
    table = story.get("/2?format=csv")
    found = list(csv.DictReader(io.StringIO(table.text)))
    assert [(each["slice"], each["period"], each["measure"], each["site"]) for each in found] == [
        (row["slice"], row["period"], row["measure"], row["site"]) for row in rows
    ]
    book = story.get("/2?format=xlsx&slice=all&period=month")
    assert CalamineWorkbook.from_object(io.BytesIO(book.content)).sheet_names
    for answer in (whole, some, table, book):
        assert answer.headers["X-Publication-SHA256"] == sha256(whole.content)
        assert {each.strip() for each in answer.headers["Vary"].split(",")} >= {"Accept", "Authorization"}
        path = str(answer.request.url.raw_path, "ascii").removeprefix(ADDRESS)
        again = story.get(path, If_None_Match=answer.headers["ETag"])
        assert (again.status_code, again.content) == (304, b"")
    assert len({answer.headers["ETag"] for answer in (whole, some, table, book)}) == 4
    for path, schema in (("/2", "report"), ("/2?slice=all", "report"), ("/2/differences", "change-notice"), ("/2/manifest", "manifest")):
        assert story.get(path).headers["Link"] == f'</v1/schemas/{schema}-1.0.json>; rel="describedby"'
    assert story.get("/2", Accept=CSV).content == table.content
    assert story.get("/2?slice=all&period=month", Accept=XLSX).headers["Content-Type"] == XLSX
    assert story.get("/2", Accept="image/png").status_code == 406
    assert {fault["pointer"] for fault in story.get("/2?slice=moon&period=decade").json()["errors"]} == {"/query/slice", "/query/period"}
    latest = story.get("/latest?month=2026-10&format=csv")
    assert (latest.content, latest.headers["Content-Location"]) == (table.content, f"{ADDRESS}/2?format=csv")


def test_commissioners_read_what_was_published_for_them_and_nothing_else(story: Press) -> None:
    lead, reader = (story.key(role, commissioner="05W") for role in ("commissioner_lead", "commissioner"))
    for path in ("", "/1", "/2", "/latest", "/changes", "/2/differences", "/2/manifest"):
        assert [story.get(path, by=key).status_code for key in (lead, reader)] == [200, 200], path
    rows = story.get("/2", by=lead).json()["observations"]
    assert {row["commissioner"] for row in rows} == {"all", "05W"}
    assert {row["subcontract"] for row in rows} > {"all"}
    assert story.get("/2", by=reader).content == story.get("/2", by=lead).content != story.get("/2").content
    web = story.programme.web
    for path in ("reports/2026-10", "configuration", "returns?month=2026-10", "publications/drafts/2026-10"):
        assert web.get(f"/v1/programmes/{PROGRAMME}/{path}", key=lead).status_code == 403, path
    assert web.post(ADDRESS, {"month": OCTOBER, "reason": "Mine."}, key=lead).status_code == 403
    # A population that nothing is published for, and a publication that is not there, are one.
    stranger = story.key("commissioner", commissioner="NOWHERE")
    answers = [story.get("/2", by=stranger), story.get("/99", by=lead), story.get("/99", by=stranger)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({json.dumps({**answer.json(), "instance": ""}) for answer in answers}) == 1
    assert story.get("", by=stranger).json()["publications"] == []


def test_a_subcontract_reads_its_own_rows(story: Press) -> None:
    own = story.key("preparer", subcontract="SC-RL4")
    assert {row["subcontract"] for row in story.get("/2", by=own).json()["observations"]} == {"SC-RL4"}
    assert story.get("/2/manifest", by=own).status_code == 404


def answered(story: Press, key: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    answer = story.get("/2", by=key, **headers)
    passing = {"x-request-id", "traceparent"}
    return answer.status_code, answer.content, {name: value for name, value in answer.headers.items() if name not in passing}


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_what_is_given_again_is_what_was_given_first(story: Press, coding: str) -> None:
    key = story.key("auditor")
    slowly = {"Accept": "application/json;q=0.9", "Accept_Encoding": coding}
    first = answered(story, key, **slowly)
    assert story.programme.web.app.state.service.kept.has(f"{ADDRESS}/2")
    assert answered(story, key, Accept_Encoding=coding) == first
    assert first[2].get("content-encoding", "identity") == coding
    again = answered(story, key, **slowly, If_None_Match=first[2]["etag"])
    assert again[:2] == (304, b"")
    assert answered(story, key, Accept_Encoding=coding, If_None_Match=f'"other", W/{first[2]["etag"]}') == again
    # Only exactly this is given again: another format, another reader and no reader are answered as ever.
    assert story.get("/2", by=key, Accept=CSV).headers["Content-Type"].startswith(CSV)
    assert story.get("/2", by=story.key("commissioner", commissioner="05G")).content != first[1]
    assert story.get("/2", by="ms_live_none").status_code == 401
    assert story.programme.web.get(f"{ADDRESS}/2").status_code == 401
    assert story.get("/2?moon=1", by=key).status_code == 422


def test_a_revoked_key_is_given_nothing_again(story: Press) -> None:
    web, now = story.programme.web, story.programme.now
    with open_session(web.database.engine, INSTALLATION) as session:
        client, key = create_client(
            session, name="Leaving", role="auditor", programme=PROGRAMME, actor=MACHINE, now=now - timedelta(minutes=1)
        )
        session.commit()
    assert story.get("/2", by=key).status_code == story.get("/2", by=key).status_code == 200
    with open_session(web.database.engine, INSTALLATION) as session:
        revoke_client(session, client, actor=MACHINE, now=now)
        session.commit()
    until = time.monotonic() + 1
    while story.get("/2", by=key).status_code == 200:
        assert time.monotonic() < until
    assert story.get("/2", by=key).status_code == 401


def test_everybody_in_the_programme_may_look_at_what_the_public_reads(story: Press) -> None:
    readers = (story.manager, story.key("commissioner", commissioner="05W"), story.key("preparer", subcontract="SC-RL4"))
    answers = [story.get("/2?rendition=public", by=key) for key in readers]
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["report"]["audience"] == "public"
    assert answers[0].headers["ETag"] != story.get("/2").headers["ETag"]
    table = [story.programme.web.get(f"/v1/programmes/{PROGRAMME}/observations?rendition=public", key=key).json() for key in readers]
    assert {each["audience"] for each in table} == {"public"}
    assert table[0]["observations"] == table[1]["observations"] == table[2]["observations"]
    assert len(table[0]["observations"]) == len(answers[0].json()["observations"])


def test_a_workbook_says_at_the_row_what_is_asked_about_it_and_tells_nobody_else(story: Press) -> None:
    web, lead, own = story.programme.web, story.key("commissioner_lead", commissioner="05W"), story.key("preparer", subcontract="SC-RL4")
    path = "/2?slice=all,commissioner&period=month&format=xlsx"
    before = story.get(path, by=lead)
    row = {"slice": "commissioner", "measure": "CWT-62", "commissioner": "05W"}
    asked = web.post(f"{ADDRESS}/2/queries", {"row": row, "text": "=Fewer?"}, key=lead)
    assert asked.status_code == 201, asked.text
    assert web.post(f"{ADDRESS}/2/queries/05W-1/answer", {"text": "A list was cancelled."}, key=story.manager).status_code == 200
    for by in (lead, story.manager):
        book = CalamineWorkbook.from_object(io.BytesIO(story.get(path, by=by).content))
        told = [line for line in book.get_sheet_by_name("Queries").to_python() if line[0] == "05W-1"]
        assert [(line[5], line[-1]) for line in told] == [("commissioner", "'=Fewer?"), ("integrator", "A list was cancelled.")]
        assert "CWT-62" in str(told[0][1])
        marked = [line for line in book.get_sheet_by_name("Service standards").to_python() if line[-1] == "05W-1"]
        assert len(marked) == 1
    # It is another workbook by then; the JSON is the same bytes, and whoever reads no queries has no such sheet.
    assert story.get(path, by=lead).headers["ETag"] != before.headers["ETag"]
    for by, asked_by in ((own, "/2?format=xlsx"), (lead, f"{path}&rendition=public")):
        assert "Queries" not in CalamineWorkbook.from_object(io.BytesIO(story.get(asked_by, by=by).content)).sheet_names
    other = story.get(path, by=story.key("commissioner_lead", commissioner="05G"))
    sheet = CalamineWorkbook.from_object(io.BytesIO(other.content)).get_sheet_by_name("Queries").to_python()
    assert sheet[-1][0] == "Nothing has been asked about the rows of this month."


def test_a_workbook_says_what_moved_since_the_publication_before(story: Press) -> None:
    def sheet(path: str, **how: str) -> list[list[str]] | None:
        book = CalamineWorkbook.from_object(io.BytesIO(story.get(path, **how).content))
        if "Changes" not in book.sheet_names:
            return None
        return [[str(cell) for cell in line] for line in book.get_sheet_by_name("Changes").to_python()][4:]

    narrow = "/2?slice=all&period=month&format=xlsx"
    expected = [each for each in story.differences(2) if (each["slice"], each["period"]) == ("all", "month")]
    assert expected
    assert [(line[0], line[2]) for line in sheet(narrow) or []] == [(each["measure"], each["sentence"]) for each in expected]
    public = sheet(f"{narrow}&rendition=public")
    assert public is not None
    assert not any("SC-RL4" in cell for line in public for cell in line)
    assert sheet("/1?slice=all&period=month&format=xlsx") is None
