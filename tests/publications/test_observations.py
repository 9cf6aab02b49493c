"""The flat table of published months: the latest of each, whose rows, page by page while others publish, as JSON and as CSV."""

import contextlib
import csv
import io
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.db.session import open_session
from app.db.tenancy import Tenant, tenant_of
from app.kernel.actors import Actor
from app.publications.actions import list_publications, read_publication
from app.publications.domain import OF_PUBLIC
from app.publications.observation_actions import find_table, rows_from
from app.publications.observations import ObservationQuery
from app.publications.renditions import Readership
from tests.make import document
from tests.publications.published import Parts, of_commissioner, of_subcontract, parts, publish
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "test-cancer"
PATH = f"/v1/programmes/{PROGRAMME}"
HOSTILE = 'x},{"against_target":null,"commissioner":"05G"'
READERS = (
    of_commissioner("QNC", "05W", "05G"),
    of_commissioner("05W"),
    of_commissioner("05G"),
    of_subcontract("SC-RJE"),
    of_subcontract("SC-RL4"),
    Readership(OF_PUBLIC),
)


def of_month(month: str, value: str) -> Parts:
    """A total, each commissioner's row and each subcontract's, and the totals of a quarter."""
    return {
        **parts(month, {"value": value, "pathway_name": HOSTILE}, {"value": value, "measure": "CWT-31"}),
        **parts(month, {"value": value}, period="quarter"),
        **parts(month, *({"commissioner": code, "value": value} for code in ("05G", "05W", "QNC")), slice_="commissioner"),
        **parts(month, *({"subcontract": code, "value": value} for code in ("SC-RJE", "SC-RL4")), slice_="subcontract"),
        **parts(month, *({"commissioner": code, "subcontract": "SC-RJE"} for code in ("05G", "05W")), slice_="commissioner+subcontract"),
    }


@dataclass
class Published:
    """A programme with publications in it, and what its readers ask."""

    database: Database
    web: Web

    def publish(self, sequence: int, month: str, value: str, supersedes: int | None = None) -> None:
        with open_session(self.database.engine, Tenant(PROGRAMME, "*", "*", "c")) as session:
            publish(session, sequence, month, of_month(month, value), READERS, programme=PROGRAMME, supersedes=supersedes)
            session.commit()

    def key(self, role: str = "analyst", **scope: str) -> str:
        return self.web.key(role, programme=PROGRAMME, **scope)

    def get(self, query: str = "", *, key: str | None = None, path: str = "/observations", **headers: str) -> Any:
        return self.web.get(f"{PATH}{path}?{query}", key=key or self.key(), headers=headers)

    def rows(self, query: str = "", *, key: str | None = None, path: str = "/observations") -> list[dict[str, Any]]:
        answer = self.get(query, key=key, path=path)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["observations"]
        return found


@contextlib.contextmanager
def running(database: Database) -> Iterator[Published]:
    with serving(database) as web:
        configured = web.put(f"{PATH}/configuration", document(), key=web.key("administrator"), headers={"If-None-Match": "*"})
        assert configured.status_code == 201, configured.text
        made = Published(database, web)
        made.publish(1, "2026-09", "=0.7")
        made.publish(2, "2026-10", "=0.8")
        made.publish(3, "2026-09", "=0.75", supersedes=1)
        yield made


@pytest.fixture(scope="module")
def published(module_database: Database) -> Iterator[Published]:
    with running(module_database) as made:
        yield made


@pytest.fixture
def own(database: Database) -> Iterator[Published]:
    """The same for a test that publishes more."""
    with running(database) as made:
        yield made


def places(rows: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["commissioner"], row["subcontract"]) for row in rows}


def test_the_latest_publication_of_each_month_is_one_flat_table(published: Published) -> None:
    rows = published.rows()
    assert len(rows) == 20
    assert len({tuple(row) for row in rows}) == 1
    assert [(row["report_month"], row["sequence"]) for row in rows] == [("2026-09", 3)] * 10 + [("2026-10", 2)] * 10
    assert {row["value"] for row in rows if row["report_month"] == "2026-09" and row["slice"] == "all"} == {0.75}
    answer = published.get().json()
    assert (answer["audience"], answer["audience_code"], answer["sequence"], answer["next"]) == ("programme", None, 3, None)
    assert [(each["month"], each["sequence"], each["audience_code"]) for each in answer["publications"]] == [
        ("2026-09", 3, None),
        ("2026-10", 2, None),
    ]


def test_each_filter_takes_its_own_rows_and_no_text_is_taken_for_a_member(published: Published) -> None:
    assert {row["report_month"] for row in published.rows("from=2026-10&to=2026-12")} == {"2026-10"}
    assert published.rows("from=2027-01") == []
    hint = "ask for a slice that names it, of site, commissioner+site, site+subcontract, category+site."
    for query, said in (
        ("from=2027-01", "Nothing is published for this reader of any month that was asked for."),
        ("slice=commissioner&site=lung", f"(slice commissioner; site lung). Rows of these slices are about every site together: {hint}"),
        ("slice=all&limit=1", ""),
    ):
        assert said in "".join(note["detail"] for note in published.get(query).json()["notes"])
    assert {row["measure"] for row in published.rows("measure=CWT-31")} == {"CWT-31"}
    assert len(published.rows("slice=all&period=month&from=2026-10")) == 2
    assert len(published.rows("slice=commissioner%2Bsubcontract,subcontract&period=month&from=2026-10")) == 4
    assert {row["commissioner"] for row in published.rows("commissioner=05G")} == {"05G"}
    assert len(published.rows("commissioner=05G&from=2026-10")) == 2
    assert places(published.rows("subcontract=SC-RL4,SC-RJE&commissioner=all")) == {("all", "SC-RJE"), ("all", "SC-RL4")}
    assert published.rows("site=lung") == published.rows("category=urgent") == published.rows('measure=x"') == []
    assert HOSTILE in {row["pathway_name"] for row in published.rows("slice=all")}


def test_what_cannot_be_asked_is_named_at_once(published: Published) -> None:
    refused = published.get("slice=moon&period=decade&rendition=secret")
    assert refused.status_code == 422
    assert {fault["pointer"] for fault in refused.json()["errors"]} == {"/query/slice", "/query/period", "/query/rendition"}
    assert {fault["pointer"] for fault in published.get("from=2026-10&to=2026-09").json()["errors"]} == {"/query/to"}
    for cursor in ("nonsense", published.get("limit=1", path="/observations").json()["next"][:-2]):
        assert published.get(f"cursor={cursor}").json()["code"] == "bad_cursor"


def test_a_page_goes_on_for_the_same_question_and_reader_only(published: Published) -> None:
    """With another filter or another's rendition it would lose rows."""
    stoke = published.key("commissioner", commissioner="05W")
    cursor = published.get("commissioner=05W&from=2026-09&limit=1").json()["next"]
    for query, key in (
        ("commissioner=05G&from=2026-09", None), ("from=2026-09", None), ("commissioner=05W&from=2026-10", None),
        ("commissioner=05W&from=2026-09&rendition=public", None), ("commissioner=05W&from=2026-09", stoke),
    ):  # fmt: skip
        assert published.get(f"{query}&cursor={cursor}", key=key).json()["code"] == "bad_cursor", query
    assert published.get(f"from=2026-09&commissioner=05W&limit=5&cursor={cursor}").status_code == 200


def test_pages_neither_lose_nor_repeat_rows_while_others_publish(own: Published) -> None:
    sequence, last_october = 3, 2
    for limit in (1, 3, 7):
        whole, rows = own.rows(), list[dict[str, Any]]()
        answer = own.get(f"limit={limit}")
        while True:
            rows += answer.json()["observations"]
            if answer.json()["next"] is None:
                break
            assert answer.headers["Link"].endswith('; rel="next"')
            if sequence < 6 or len(rows) == limit:
                sequence += 1
                own.publish(sequence, "2026-08" if sequence == 4 else "2026-10", "=0.9", None if sequence == 4 else last_october)
                last_october = last_october if sequence == 4 else sequence
            answer = own.web.get(answer.headers["Link"].split(">")[0][1:], key=own.key())
        assert rows == whole, limit
    assert len(own.rows()) == 30
    # Who has a page already is told so, until a month of it is published again.
    tag = own.get("slice=all").headers["ETag"]
    assert own.get("slice=all", **{"If-None-Match": tag}).status_code == 304
    own.publish(sequence + 1, "2026-11", "=0.9")
    assert own.get("slice=all", **{"If-None-Match": tag}).status_code == 200


def test_a_filter_holds_over_pages(published: Published) -> None:
    answer = published.get("commissioner=05G&limit=1")
    rows = answer.json()["observations"]
    while answer.json()["next"] is not None:
        answer = published.web.get(answer.headers["Link"].split(">")[0][1:], key=published.key())
        rows += answer.json()["observations"]
    assert rows == published.rows("commissioner=05G")
    assert len(rows) == 4


def test_each_reads_its_own(published: Published) -> None:
    stoke = published.key("commissioner", commissioner="05W")
    assert places(published.rows(key=stoke)) == {("all", "all"), ("05W", "all"), ("05W", "SC-RJE"), ("all", "SC-RJE"), ("all", "SC-RL4")}
    assert {row["sequence"] for row in published.rows(key=stoke)} == {3, 2}
    assert places(published.rows(key=published.key("commissioner_lead", commissioner="QNC"))) >= {("05G", "all"), ("QNC", "all")}
    own = published.key("preparer", subcontract="SC-RJE")
    assert {row["subcontract"] for row in published.rows(key=own)} == {"SC-RJE"}
    assert published.rows("rendition=public", key=own) == published.rows("rendition=public", key=stoke) == published.rows()
    # Another's is as what is nowhere.
    for query in ("commissioner=05G", "commissioner=NOWHERE"):
        answer = published.get(f"{query}&slice=commissioner", key=stoke).json()
        assert (answer["observations"], answer["next"]) == ([], None)
        assert [note["code"] for note in answer["notes"]] == ["nothing_matches"]
    assert published.get("commissioner=05W", key=published.web.key("analyst", programme="other")).status_code == 404


def test_one_subcontracts_rows_are_read_by_itself_the_integrator_and_those_who_may_read_down_to_it(published: Published) -> None:
    path = "/subcontracts/SC-RJE/observations"
    own = published.key("approver", subcontract="SC-RJE")
    rows = published.rows(path=path)
    assert {row["subcontract"] for row in rows} == {"SC-RJE"}
    assert len(rows) == 6
    assert published.rows(path=path, key=own) == rows
    stoke = published.rows(path=path, key=published.key("commissioner", commissioner="05W"))
    assert places(stoke) == {("all", "SC-RJE"), ("05W", "SC-RJE")}
    assert published.rows("measure=CWT-62&slice=subcontract", path=path, key=own) == [row for row in rows if row["slice"] == "subcontract"]
    another = [published.get(path=f"/subcontracts/{code}/observations", key=own) for code in ("SC-RL4", "SC-NONE")]
    assert {answer.status_code for answer in another} == {404}
    assert len({json.dumps({**answer.json(), "instance": ""}) for answer in another}) == 1
    assert published.get(path="/subcontracts/SC-NONE/observations").status_code == 404


def test_every_question_has_an_etag_of_its_own(published: Published) -> None:
    answer = published.get("slice=all")
    assert answer.headers["Vary"] == "Accept, Authorization"
    others = ("slice=site", "slice=all&limit=5", "slice=all&from=2026-10", "slice=all&format=csv", "slice=all&rendition=public")
    assert len({answer.headers["ETag"], *(published.get(query).headers["ETag"] for query in others)}) == 6


def test_as_a_table_it_is_the_same_and_comes_whole(published: Published) -> None:
    answer = published.get("format=csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
    found = list(csv.DictReader(io.StringIO(answer.text)))
    rows = published.rows()
    assert set(found[0]) == set(rows[0])
    assert [(each["report_month"], each["sequence"], each["slice"], each["commissioner"], each["value"]) for each in found] == [
        (row["report_month"], str(row["sequence"]), row["slice"], row["commissioner"], "" if row["value"] is None else str(row["value"]))
        for row in rows
    ]
    assert published.get(Accept="text/csv").content == answer.content
    assert published.get(Accept="text/csv", **{"If-None-Match": answer.headers["ETag"]}).status_code == 304
    page = published.get("format=csv&limit=3")
    assert len(page.text.splitlines()) == 4
    assert 'rel="next"' in page.headers["Link"]
    assert published.get("format=pdf").status_code == 422


def held(session: Session) -> Callable[[], AbstractContextManager[Session]]:
    """One session for all that is read."""
    return lambda: nullcontext(session)


def test_an_heir_reads_what_its_predecessor_left_once(published: Published) -> None:
    heir = Actor("c", "C", "commissioner", PROGRAMME, None, "05W", inherited_commissioners=("05G",))
    new = replace(heir, commissioner="NEW")
    found = {}
    for actor in (heir, new):
        with open_session(published.database.engine, tenant_of(actor, programme=PROGRAMME)) as session:
            table = find_table(session, PROGRAMME, ObservationQuery(), actor=actor, after=None)
            rows = [json.loads(row) for _, row in rows_from(held(session), table, (), None)]
            listed = [each.standing.sequence for each in list_publications(session, PROGRAMME, month=None, after=0, limit=9, actor=actor)]
            assert listed == [1, 2, 3]
            assert read_publication(session, PROGRAMME, 2, actor=actor).audience.code == ("05W" if actor is heir else "05G")
        found[actor.commissioner] = rows
    # Its own rows and the predecessor's, and the programme's totals once.
    own = published.rows(key=published.key("commissioner", commissioner="05W"))
    left = [row for row in published.rows(key=published.key("commissioner", commissioner="05G")) if row["commissioner"] == "05G"]
    assert sorted(map(str, found["05W"])) == sorted(map(str, [*own, *left]))
    assert found["NEW"] == published.rows(key=published.key("commissioner", commissioner="05G"))
