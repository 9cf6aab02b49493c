"""Whoever doubts a stored figure has it computed again from raw cells: nothing differs, and what somebody planted is found and named."""

import json
import re
import subprocess
from collections.abc import Iterator
from decimal import Decimal

import pytest
from sqlalchemy import text

from app.db.session import open_session
from app.db.tenancy import Tenant
from app.kernel.actors import MACHINE
from app.kernel.canonical import sha256
from app.kernel.months import Month
from app.reports.audit_actions import audit_figures
from app.reports.figure_audit import FiguresAudit, differences
from tests.reports.conftest import PROGRAMME, Programme, acute, of_62, of_fds, running, send_october
from tests.support import commands
from tests.support.databases import Database
from tests.support.server import environment

SLICES_READ, PERIODS_READ = "all,site,category,commissioner%2Bsubcontract", "month,quarter,rolling_12"
OCTOBER, NOVEMBER = "2026-10", "2026-11"


def audit(programme: Programme, *arguments: str) -> subprocess.CompletedProcess[str]:
    urls = programme.database.urls
    settings = {"MAINSTEM_DATABASE_URL": urls.application, "MAINSTEM_OWNER_DATABASE_URL": urls.owner, "COLUMNS": "300"}
    return commands.run(["audit", "figures", *arguments], {**environment(programme.database.settings.data), **settings})


def plant(programme: Programme, statement: str, **values: object) -> None:
    """As whoever has the database's own rights."""
    with programme.database.superuser_engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def metric(programme: Programme, name: str) -> float:
    told = programme.web.get("/metrics", key=programme.key("auditor")).text
    return float(dict(re.findall(r'^mainstem_figures_(\w+)\{programme="small"\} (\S+)$', told, re.MULTILINE))[name])


@pytest.fixture(scope="module")
def read(module_database: Database) -> Iterator[Programme]:
    """Everything that can be read of two months was, at two moments, so that it is stored."""
    with running(module_database) as programme:
        send_october(programme).rows(OCTOBER, slice=SLICES_READ, period=PERIODS_READ)
        programme.at("2026-12-15T09:00").send("SC-RJE", NOVEMBER, acute(of_62("urgent", "10.5", 20), of_fds(1, 1)))
        programme.send("SC-RNA", OCTOBER, acute(of_62("urgent", 1, 2), of_fds(1, 2)), accepted=False)
        for asked in ({}, {"succession": "restated"}, {"include": "submitted"}):
            programme.rows(NOVEMBER, slice=SLICES_READ, period=PERIODS_READ, **asked)
        programme.ask(f"{NOVEMBER}/trend", slice="site", months="3", succession="restated")
        yield programme


def test_nothing_that_the_service_stored_differs(read: Programme) -> None:
    done = audit(read)
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done
    checked = int(re.findall(r"Programme small: (\d+) stored parts were computed again, 0 places differ", done.stdout)[0])
    with read.database.superuser_engine.connect() as connection:
        stored = connection.execute(text("SELECT (SELECT count(*) FROM month_results) + (SELECT count(*) FROM report_rows)")).scalar_one()
    assert checked == stored > 60
    assert metric(read, "mismatched") == metric(read, "untraceable") == 0
    assert metric(read, "audited_seconds") > 0
    told = read.web.get("/metrics", key=read.key("auditor", programme="another"))
    assert "small" not in told.text


def stored_result(programme: Programme) -> tuple[str, bytes]:
    query = "SELECT inputs_sha256, figures FROM month_results WHERE slice = 'all' AND month = :month ORDER BY as_of LIMIT 1"
    with programme.database.superuser_engine.connect() as connection:
        digest, figures = connection.execute(text(query), {"month": 2026 * 12 + 9}).one()
    return str(digest), bytes(figures)


def test_a_planted_result_is_found_and_named_and_counted(read: Programme) -> None:
    digest, figures = stored_result(read)
    told = json.loads(figures)
    (line,) = (each for each in told if each[0][0] == "CWT-62")
    line[4][0] = str(Decimal(line[4][0]) + 1)
    planted = json.dumps(told, separators=(",", ":")).encode()
    change = "UPDATE month_results SET figures = :figures, sha256 = :sha256 WHERE inputs_sha256 = :digest AND slice = 'all'"
    # Whoever plants may put the digest right too.
    plant(read, change, figures=planted, sha256=sha256(planted), digest=digest)
    try:
        done = audit(read, "--programme", PROGRAMME, "--month", OCTOBER)
        assert done.returncode == 1
        assert "1 places differ" in done.stdout
        assert "measure=CWT-62" in done.stdout
        assert all(figure in done.stdout for figure in ('"60"', '"61"')), done.stdout
        assert metric(read, "mismatched") == 1
        assert audit(read, "--month", NOVEMBER).returncode == 0
    finally:
        plant(read, change, figures=figures, sha256=sha256(figures), digest=digest)


MONTH = "slice = 'all' AND period = 'month' AND month = 24321"
ROW = f"{MONTH} AND inputs_sha256 = (SELECT inputs_sha256 FROM report_rows WHERE {MONTH} ORDER BY as_of LIMIT 1)"
PLANTED = [
    ("rows = convert_to(replace(convert_from(rows, 'UTF8'), '\"numerator\"\\:60', '\"numerator\"\\:61'), 'UTF8')", '"numerator":61'),
    ("rows = '[]'", "nothing"),
    ("rows = '{'", "unreadable"),
    ("sha256 = 'another'", "another"),
    ("as_of = as_of - interval '20 days'", "inputs"),
]


def audited(programme: Programme, month: str) -> FiguresAudit:
    """The same in this process."""
    with open_session(programme.database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session:
        return audit_figures(session, PROGRAMME, month=Month.parse(month), actor=MACHINE, now=programme.now, progress=lambda _: None)


@pytest.mark.parametrize(("planted", "named"), PLANTED)
def test_whatever_is_planted_in_stored_rows_is_found(read: Programme, planted: str, named: str) -> None:
    with read.database.superuser_engine.connect() as connection:
        before = connection.execute(text(f"SELECT rows, sha256, as_of FROM report_rows WHERE {ROW}")).mappings().one()
        digest = connection.execute(text(f"SELECT inputs_sha256 FROM report_rows WHERE {ROW}")).scalar_one()
    row = f"WHERE {MONTH} AND inputs_sha256 = :digest"
    plant(read, f"UPDATE report_rows SET {planted} {row}", digest=digest)
    try:
        mismatches = audited(read, OCTOBER).mismatches
        assert {(each.slice, each.period) for each in mismatches} == {("all", "month")}
        assert any(named in told for each in mismatches for told in (each.stored or "nothing", each.place))
        plant(read, f"UPDATE report_rows SET as_of = NULL {row}", digest=digest)
        assert audited(read, OCTOBER).untraceable == 1
    finally:
        plant(read, f"UPDATE report_rows SET rows = :rows, sha256 = :sha256, as_of = :as_of {row}", digest=digest, **before)
    assert audited(read, OCTOBER).is_clean


def test_what_another_method_stored_is_said_and_not_judged(read: Programme) -> None:
    digest, _ = stored_result(read)
    change = "UPDATE month_results SET method_version = :method WHERE inputs_sha256 = :digest AND slice = 'all' RETURNING 1"
    plant(read, change, method="1", digest=digest)
    try:
        found = audited(read, OCTOBER)
        assert (found.is_clean, found.of_other_methods) == (True, 1)
    finally:
        plant(read, change, method="4", digest=digest)


def test_a_difference_names_its_place_and_both_sides() -> None:
    row = {
        "period": "month",
        "measure": "M",
        "commissioner": "all",
        "site": "lung",
        "pathway": "all",
        "segment": "all",
        "subcontract": "all",
    }
    was, now = ({**row, "slice": "site", "category": "all", "value": value} for value in (1, 2))
    found = list(differences(json.dumps([was]).encode(), json.dumps([now]).encode()))
    assert found == [("measure=M site=lung", '{"value":1}', '{"value":2}')]


def test_a_month_is_written_as_one(read: Programme) -> None:
    done = audit(read, "--month", "October")
    assert done.returncode == 2
    assert "2026-10" in done.stderr
