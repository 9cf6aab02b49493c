"""The story told into a real database through the rooms' own actions."""

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from app.access.actions import authenticate, create_client, revoke_client
from app.access.domain import Client
from app.access.store import list_clients
from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant, tenant_of
from app.demo import actions
from app.demo.cli import calls, fill
from app.demo.document import MONTHS, PROGRAMME, first_month
from app.demo.store import programmes
from app.kernel.actors import EVERY, MACHINE, Actor
from app.kernel.months import Month
from app.kernel.refusals import Unauthenticated
from app.publications.actions import changes, read_notice, read_publication
from app.publications.domain import OF_PUBLIC
from app.publications.keys import Keyring
from app.publications.store import parts, publication, rows_of
from app.reports.actions import find_funnel, find_report
from app.reports.domain import FunnelQuery, ReportQuery, SourceQuery
from app.reports.import_actions import find_agreement
from app.reports.periods import PERIODS
from app.reports.slices import SLICES
from app.reports.source_actions import find_sources
from app.returns import store
from app.returns.domain import Status
from app.returns.handover_actions import read_comparisons
from app.returns.queries import QueryState, WantedQueries
from app.returns.query_actions import list_queries
from app.returns.read_actions import Wanted, list_returns, read_return, read_revision
from app.settlement.run_actions import read_run
from app.settlement.runs import RunKey
from app.settlement.statement_actions import read_statement
from app.settlement.statements import NOTICES
from tests.reports.every_row import as_sent, differing
from tests.reports.recomputation import row_of
from tests.support.databases import Database

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
FIRST = first_month(Month.parse("2026-11"))
LAST = FIRST.plus(MONTHS - 1)
MISSING = ReturnKey("hospice", "SC-H9903", LAST)
ASKED = [ReturnKey("cwt", "SC-RJE", LAST), ReturnKey("cwt", "SC-RL4", LAST)]
COMMISSIONER = Actor("c", "C", "commissioner", PROGRAMME, None, "05W")
WHOLE = Tenant(programme=PROGRAMME, subcontract=EVERY, commissioner=EVERY, client=EVERY)


@pytest.fixture(scope="module")
def told(module_database: Database) -> Database:
    fill(module_database.engine, now=NOW, keyring=Keyring(module_database.settings.signing_keys_folder))
    return module_database


def test_every_return_counts_but_the_missing_one(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        standings, _ = list_returns(session, PROGRAMME, Wanted(), after=None, limit=1000, actor=MACHINE, as_of=None, now=NOW)
    told_of = [standing for standing in standings if standing.key.month <= LAST]
    assert len(told_of) == 10 * MONTHS
    other = {standing.key: standing.state for standing in told_of if standing.state.status is not Status.ACCEPTED}
    assert {key: state.status for key, state in other.items()} == {MISSING: Status.EXPECTED, ASKED[0]: Status.QUERIED}
    # A figure that is asked about goes on counting.
    assert other[ASKED[0]].accepted_revision == 1
    # What has been sent since has been sent on its day: nothing but the missing one is overdue.
    assert [standing.key for standing in standings if standing.is_overdue] == [MISSING]


def test_a_correction_became_the_second_revision_and_counts(told: Database) -> None:
    key = ReturnKey("cwt", "SC-RJE", FIRST)
    with open_session(told.engine, WHOLE) as session:
        read = read_return(session, PROGRAMME, key, actor=MACHINE, as_of=None, now=NOW)
        _, first = read_revision(session, PROGRAMME, key, 1, actor=MACHINE)
    assert read.standing.state.accepted_revision == 2
    assert read.current is not None
    differing = [(before, after) for before, after in zip(first, read.current, strict=True) if before != after]
    assert [(after.numerator or 0) - (before.numerator or 0) for before, after in differing] == [1]


def test_acts_are_recorded_at_their_own_moments_by_those_who_act(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        revisions = store.revisions(session, PROGRAMME, ReturnKey("hospice", "SC-H9902", FIRST.plus(4)))
        names = {client.id: client.name for client in _clients(told)}
    # Working day 13 after February 2026, in London's winter.
    assert [revision.recorded_at for revision in revisions] == [datetime(2026, 3, 18, 10, 6, tzinfo=UTC)]
    assert [names[revision.recorded_by] for revision in revisions] == ["demo-SC-H9902"]
    assert [revision.submitted_as for revision in revisions] == ["subcontract"]


def _clients(database: Database) -> list[Client]:
    with open_session(database.engine, INSTALLATION) as session:
        return list_clients(session)


def test_rows_of_its_last_report_follow_from_their_sources_alone(told: Database) -> None:
    """Of every slice and period one of twenty; `make rows` does it with every row of every month."""
    seen = list(differing(told.engine, LAST, every=20))
    assert [differs for _, differs in seen if differs] == []
    assert len({(row["slice"], row["period"]) for row, _ in seen}) == len(SLICES) * len(PERIODS)


def test_a_source_that_says_something_else_gives_another_row(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        found = as_sent(find_sources(session, PROGRAMME, SourceQuery(LAST, "CWT-62"), actor=MACHINE, now=NOW)[0])
    row = found.pop("row")
    assert row_of(row, found) == row
    cell = next(cell for cell in found["cells"] if cell["denominator"])
    for changed in ({"denominator": cell["denominator"] + 1}, {"state": "not_collected"}):
        cells = [{**each, **changed} if each is cell else each for each in found["cells"]]
        assert row_of(row, {**found, "cells": cells}) != row
    assert row_of(row, {**found, "returns": found["returns"][1:]})["returns_expected"] == row["returns_expected"] - 1
    assert row_of(row, {**found, "requirement": None})["target"] is None
    assert row_of(row, {**found, "series": found["series"][1:]})["spc_points"] == row["spc_points"] - 1


def test_the_first_year_was_published_by_two_people_and_corrected_with_a_notice(told: Database) -> None:
    with open_session(told.engine, tenant_of(COMMISSIONER, programme=PROGRAMME)) as session:
        first, again, other = changes(session, PROGRAMME, since=0, limit=9, actor=COMMISSIONER)
        notice = json.loads(
            gzip.decompress(read_notice(session, PROGRAMME, read_publication(session, PROGRAMME, again.sequence, actor=COMMISSIONER)))
        )
    assert [each.month for each in (first, again, other)] == [FIRST, FIRST, FIRST.plus(1)]
    assert [(each.kind, each.status) for each in (first, again, other)] == [
        ("first", "provisional"),
        ("final", "final"),
        ("first", "final"),
    ]
    assert (again.supersedes, again.reason) == (1, "A treatment that was counted late had been in time; the month is final.")
    assert again.rows_changed == len(notice["differences"]) > 0
    with open_session(told.engine, WHOLE) as session:
        made = publication(session, PROGRAMME, again.sequence)
    assert made is not None
    assert made.edited_by not in {made.checked_by, made.published_by}


def test_the_first_year_is_settled_in_the_shadow_and_each_party_has_its_statement(told: Database) -> None:
    hospice = Actor("h", "H", "preparer", PROGRAMME, "SC-H9903", None)
    manager = Actor("m", "M", "contract_manager", PROGRAMME, EVERY, EVERY)
    found = {}
    for reader in (COMMISSIONER, hospice, manager):
        with open_session(told.engine, tenant_of(reader, programme=PROGRAMME)) as session:
            issued = read_statement(session, PROGRAMME, RunKey(1, 1), party=None, actor=reader, as_of=None, now=NOW)
            found[reader.name] = json.loads(issued.content)
    assert {said["statement"]["notice"] for said in found.values()} == {NOTICES["shadow"]}
    assert {total["payable_pence"] for said in found.values() for total in said["totals"]} == {0}
    assert [{line["party"] for line in found[name]["lines"]} for name in "CH"] == [{"commissioner.05W"}, {"subcontract.SC-H9903"}]
    lines = {(line["party"], line["element"]): line["pence"] for line in found["M"]["lines"]}
    assert sum(lines.values()) == 0
    # The year was saved on and scored on: both parts of it say something.
    assert lines["subcontract.SC-H9903", "outcome"] > 0
    assert lines["subcontract.SC-H9903", "gain"] > 0
    with open_session(told.engine, WHOLE) as session:
        settled = read_run(session, PROGRAMME, RunKey(1, 1), actor=manager, as_of=None, now=NOW)
    for run in settled.standing:
        assert len({act.recorded_by for act in run.acts}) == 3
        assert run.publications == (2, 3)
    # A cost was corrected after it, for every party in one statement.
    assert [each.number for each in settled.standing] == [0, 1]
    assert settled.true_ups[0].causes == ("The actual cost was 1082500000 pence and is 1085000000 pence.",)
    assert [[state["true_up"] for state in said["states"]] for said in found.values()] == [[0, 1]] * 3
    assert sum(line["true_up_pence"] for line in found["M"]["lines"]) == 0 > found["H"]["lines"][1]["true_up_pence"]


def test_a_handover_differs_once_and_both_trusts_were_asked(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        states = {}
        for month in FIRST.through(LAST):
            compared, _ = read_comparisons(session, PROGRAMME, month, actor=MACHINE, as_of=None, now=NOW)
            states[month] = [(each.comparison.pair.sender, each.comparison.difference) for each in compared if each.comparison.difference]
        queries = list_queries(session, PROGRAMME, WantedQueries(), after=None, limit=9, actor=MACHINE, as_of=None, now=NOW).queries
    assert {month: found for month, found in states.items() if found} == {LAST: [("SC-RL4", Decimal(-3))]}
    assert {query.key: query.state for query in queries} == dict(zip(ASKED, (QueryState.OPEN, QueryState.ANSWERED), strict=True))


def test_coverage_is_known_everywhere_and_seven_stand_in_a_funnel(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        query = ReportQuery(LAST, None, ("all", "commissioner", "commissioner+site", "subcontract"))
        rows = json.loads(find_report(session, PROGRAMME, query, actor=MACHINE, now=NOW)[0])["observations"]
        funnel = find_funnel(session, PROGRAMME, FunnelQuery(LAST, "E-PPDR", period="rolling_12"), actor=MACHINE, now=NOW)[0].funnel
    assert {row["measure"] for row in rows if row["coverage"] is None} == {"O-SURV1"}
    assert {row["coverage"] for row in rows if row["commissioner"] == "05V" and row["measure"] == "CASELOAD"} == {0.678571}
    assert len(funnel.points) == 7
    assert funnel.judged


def test_the_public_is_given_counts_rounded_and_small_ones_hidden(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        part = next(each for each in parts(session, PROGRAMME, OF_PUBLIC, 3) if (each.slice, each.period) == ("commissioner", "month"))
        rows = json.loads(rows_of(session, PROGRAMME, OF_PUBLIC, 3, part))
    assert {row["suppression"] for row in rows} > {"rounded_5", "complement"}
    assert all(row["numerator"] is None for row in rows if row["suppression"] == "complement")


def test_a_newcomer_finds_imports_a_threshold_colours_a_freeze_and_signatures(told: Database) -> None:
    with open_session(told.engine, WHOLE) as session:
        beside = {}
        for number in (0, 5):
            found, _, _ = find_agreement(session, PROGRAMME, FIRST.plus(number), tolerance=Decimal(0), actor=MACHINE, as_of=None, now=NOW)
            beside[number] = [each.state for each in found]
        report = json.loads(find_report(session, PROGRAMME, ReportQuery(LAST), actor=MACHINE, now=NOW)[0])
        frozen, open_ = (
            read_return(session, PROGRAMME, ReturnKey("hospice", "SC-H9901", month), actor=MACHINE, as_of=None, now=NOW)
            for month in (FIRST, LAST)
        )
        signed = read_return(session, PROGRAMME, ReturnKey("hospice", "SC-H9903", LAST.plus(-1)), actor=MACHINE, as_of=None, now=NOW)
    # What was corrected agrees with what is published nationally; somewhere else a query is due.
    assert beside == {0: ["agrees"], 5: ["differs"]}
    rows = {(row["slice"], row["measure"], row["commissioner"]): row for row in report["observations"]}
    assert rows["all", "E-BEDOCC", "all"]["coverage_test"] == "incomplete"
    assert {row["coverage_test"] for row in rows.values()} > {"complete", "incomplete"}
    assert {row["rag"] for row in rows.values()} > {"amber", "red"}
    survival = rows["commissioner", "O-SURV1", "05W"]
    assert (survival["source"], survival["value"]) == ("import", 0.71)
    assert [read.standing.deadlines.is_frozen(NOW) for read in (frozen, open_)] == [True, False]
    assert list(signed.sign_offs) == [1]


def test_a_database_in_which_something_was_recorded_is_refused(told: Database) -> None:
    with pytest.raises(actions.NotEmpty, match="is there already"):
        fill(told.engine, now=NOW)


def test_a_database_with_a_client_of_its_own_is_refused_and_left_as_it_was(database: Database) -> None:
    with open_session(database.engine, INSTALLATION) as session:
        create_client(session, name="somebody", role="administrator", actor=MACHINE, now=NOW)
        session.commit()
    with pytest.raises(actions.NotEmpty, match="empty database only"):
        fill(database.engine, now=NOW)
    with open_session(database.engine, INSTALLATION) as session:
        assert programmes(session) == ()


def test_each_run_has_new_keys_and_those_of_the_last_are_dead(told: Database) -> None:
    runs = [calls(told.engine, "http://127.0.0.1:8000", now=NOW + timedelta(minutes=minute)) for minute in range(3)]
    keys = [[word.rstrip("'") for word in run.split() if word.startswith("ms_live_")] for run in runs]
    assert len({key for run in keys for key in run}) == 9
    later = NOW + timedelta(minutes=5)
    with open_session(told.engine, INSTALLATION) as session:
        actors = [authenticate(session, key, now=later) for key in keys[-1]]
        assert [(actor.role, actor.subcontract) for actor in actors] == [
            ("contract_manager", EVERY),
            ("preparer", "SC-H9903"),
            ("commissioner_lead", None),
        ]
        people = dict(re.findall(r"([A-Z]+)=(ms_live_\w+)", runs[-1]))
        roles = {person: authenticate(session, key, now=later).role for person, key in people.items()}
        assert roles == {person: who.role.value for person, who in actions.PEOPLE.items()}
        for key in keys[0] + keys[1]:
            with pytest.raises(Unauthenticated):
                authenticate(session, key, now=later)
    assert f"/v1/programmes/{PROGRAMME}/reports/{LAST}'" in runs[0]


def test_a_client_that_somebody_revoked_is_made_anew(told: Database) -> None:
    with open_session(told.engine, INSTALLATION) as session:
        for client in list_clients(session):
            if client.name in {actions.PEOPLE[person].name for person in ("INTEGRATOR", "HOSPICE")}:
                revoke_client(session, client.id, actor=MACHINE, now=NOW + timedelta(minutes=6))
        session.commit()
    run = calls(told.engine, "http://127.0.0.1:8000", now=NOW + timedelta(minutes=7))
    keys = sorted({word for word in run.replace("'", " ").split() if word.startswith("ms_live_")})
    with open_session(told.engine, INSTALLATION) as session:
        actors = {(actor.role, actor.subcontract) for key in keys for actor in [authenticate(session, key, now=NOW + timedelta(minutes=8))]}
    assert actors == {("contract_manager", EVERY), ("preparer", "SC-H9903"), ("commissioner_lead", None)}
