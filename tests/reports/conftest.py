"""A small programme of its own with one measure of every aggregation, and the acts of a month in it."""

import contextlib
import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest

from app.access.actions import create_client
from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import MACHINE
from app.kernel.canonical import json_bytes
from app.kernel.months import Month
from app.returns.actions import submit
from app.returns.review_actions import accept
from tests.make import exact, subcontract
from tests.support.databases import Database
from tests.support.http import Web, serving

PROGRAMME = "small"
BEGINS = datetime(2026, 6, 1, 9, tzinfo=UTC)

BANDS = {"code": "wait_days", "categories": [{"code": "0-1", "upper": 1}, {"code": "2-3", "upper": 3}, {"code": "4-up"}]}
PLACES = {"sites": ["lung", "prostate", "bladder"], "commissioners": ["05W", "05G"]}
ACUTES = ("SC-RJE", "SC-RL4", "SC-RNA")


_DOCUMENT: Final[dict[str, Any]] = {
    "programme": {"code": PROGRAMME, "name": "Small", "prime": "X9901", "starts_on": "2026-07-01", "ends_on": "2036-06-30"},
    "organisations": [
        {"ods_code": code, "name": f"Organisation {code}", "kind": "other"} for code in ("X9901", "RJE", "RL4", "RNA", "RRE", "H9901")
    ],
    "commissioners": [
        {"ods_code": "QNC", "name": "Staffordshire"},
        {"ods_code": "05W", "name": "Stoke", "parent": "QNC"},
        {"ods_code": "05G", "name": "North Staffordshire", "parent": "QNC"},
    ],
    "phases": [{"number": 1, "name": "Foundation", "from_month": "2026-07", "to_month": "2028-06", "payment": "shadow"}],
    "sites": [
        {"code": "lung", "name": "Lung"},
        {"code": "urological", "name": "Urological"},
        {"code": "prostate", "name": "Prostate", "parent": "urological"},
        {"code": "bladder", "name": "Bladder", "parent": "urological"},
    ],
    "measures": [
        "CWT-FDS",
        "CWT-62",
        {"code": "WAIT", "name": "Days waited", "aggregation": "banded", "split_by": [], "breakdown": BANDS, "unit": "days"},
        {"code": "BEDS", "name": "Patients on the list", "aggregation": "stock_last", "split_by": []},
        {"code": "CONTACTS", "name": "Contacts", "aggregation": "count_sum", "split_by": ["commissioner"]},
        {"code": "DEATHS", "name": "Deaths known", "aggregation": "distinct_risk", "split_by": []},
        {"code": "SURVIVAL", "name": "Survival at one year", "aggregation": "import_only"},
    ],
    "pathways": [
        {
            "code": "cancer",
            "name": "Cancer",
            "segments": [
                {"code": "diagnosis", "name": "Diagnosis", "measures": ["CWT-FDS"]},
                {"code": "treatment", "name": "Treatment", "measures": ["CWT-62"]},
                {"code": "palliative", "name": "Palliative care", "measures": ["WAIT", "BEDS", "CONTACTS", "DEATHS"]},
            ],
        }
    ],
    "collections": [
        {
            "code": "cwt",
            "name": "Waiting times",
            "measures": ["CWT-62", "CWT-FDS"],
            "due": {"working_day": 20},
            "freeze": {"working_day": 18, "months_later": 2},
            "auto_accept": True,
        },
        {
            "code": "care",
            "name": "Care",
            "measures": ["WAIT", "BEDS", "CONTACTS", "DEATHS"],
            "due": {"working_day": 10},
            "freeze": {"working_day": 20, "months_later": 1},
        },
    ],
    "requirements": [
        {
            "measure": "CWT-62",
            "applies_to": ["all", "commissioner", "subcontract"],
            "targets": [
                {"from_month": "2026-07", "standard": 0.85, "interim": 0.75, "floor": 0.7, "stretch": 0.9},
                {"for": {"subcontract": "SC-RL4"}, "from_month": "2026-10", "trajectory": 0.68},
            ],
        }
    ],
    "subcontracts": [
        *(subcontract(f"SC-{code}", code, "acute") for code in ("RJE", "RL4", "RNA")),
        subcontract("SC-RRE", "RRE", "community"),
        subcontract("SC-H9901", "H9901", "hospice"),
    ],
    "assignments": [
        *(
            {"subcontract": reference, "pathway": "cancer", "segment": segment, **PLACES, "expected_volume": volume}
            for reference, volume in zip(ACUTES, (60, 30, 10), strict=True)
            for segment in ("diagnosis", "treatment")
        ),
        {"subcontract": "SC-RRE", "pathway": "cancer", "segment": "palliative", "commissioners": ["05W"], "expected_volume": 8},
        {"subcontract": "SC-H9901", "pathway": "cancer", "segment": "palliative"},
    ],
}


def document(**changes: Any) -> dict[str, Any]:
    """Three acute trusts, a community provider and a hospice; sites and commissioners with parents."""
    return {**deepcopy(_DOCUMENT), **changes}


def ratio(measure: str, numerator: Any, denominator: Any, **places: str) -> dict[str, Any]:
    return {"measure": measure, "numerator": numerator, "denominator": denominator, **places}


def waits(*counts: int) -> list[dict[str, Any]]:
    return [{"measure": "WAIT", "category": code, "numerator": count} for code, count in zip(("0-1", "2-3", "4-up"), counts, strict=True)]


def of_62(route: str, numerator: Any, denominator: Any, *, site: str = "lung", commissioner: str = "05W") -> dict[str, Any]:
    return ratio("CWT-62", numerator, denominator, category=route, site=site, commissioner=commissioner)


def of_fds(numerator: Any, denominator: Any, *, site: str = "lung", commissioner: str = "05W") -> dict[str, Any]:
    return ratio("CWT-FDS", numerator, denominator, site=site, commissioner=commissioner)


def acute(*cells: dict[str, Any]) -> dict[str, Any]:
    """A return of an acute trust; what is not listed is stated zero."""
    return {"rest": "zero", "cells": list(cells)}


@dataclass
class Programme:
    """The small programme as it runs: a clock that the test moves, and acts at that moment."""

    database: Database
    web: Web
    now: datetime = BEGINS
    keys: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> datetime:
        return self.now

    def at(self, text: str) -> "Programme":
        self.now = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return self

    def key(self, role: str, **scope: str) -> str:
        """The key of a client, made when the programme begins: the machine's own clock has no say in these tests."""
        name = " ".join((role, *scope.values()))
        if name not in self.keys:
            with open_session(self.database.engine, INSTALLATION) as session:
                _, self.keys[name] = create_client(
                    session, name=name, role=role, **scope, actor=MACHINE, now=BEGINS, lifetime=timedelta(days=4000)
                )
                session.commit()
        return self.keys[name]

    def configure(self, **changes: Any) -> None:
        path = f"/v1/programmes/{PROGRAMME}/configuration"
        key = self.key("administrator")
        tag = self.web.get(path, key=key).headers.get("ETag")
        answer = self.web.put(path, document(**changes), key=key, headers={"If-Match": tag} if tag else {"If-None-Match": "*"})
        assert answer.status_code in {200, 201}, answer.text

    def send(self, subcontract: str, month: str, body: dict[str, Any], *, collection: str = "cwt", accepted: bool = True) -> None:
        """A return sent now; accepted by hand where the collection does not do it."""
        key = ReturnKey(collection, subcontract, Month.parse(month))
        self.now += timedelta(seconds=1)
        with open_session(self.database.engine, Tenant(PROGRAMME, "*", "*", "*")) as session:
            sent = json_bytes(body)
            receipt = submit(session, PROGRAMME, key, exact(body), sent=sent, media_type="application/json", actor=MACHINE, now=self.now)
            if accepted and receipt.state.accepted_revision != receipt.revision:
                accept(session, PROGRAMME, key, actor=MACHINE, now=self.now)
            session.commit()

    def ask(self, path: str, *, role: str = "analyst", **query: str) -> Any:
        """What the service answers, exactly."""
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        answer = self.web.get(f"/v1/programmes/{PROGRAMME}/reports/{path}?{asked}", key=self.key(role, programme=PROGRAMME))
        assert answer.status_code == 200, answer.text
        return json.loads(answer.content, parse_float=Decimal)

    def rows(self, month: str, **query: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(month, **query)["observations"]
        return found

    def row(self, month: str, measure: str, *, slice_: str = "all", period: str = "month", as_of: str = "", **keys: str) -> dict[str, Any]:
        """The one row of these keys."""
        query = {"measure": measure, "slice": slice_, "period": period, **({"as_of": as_of} if as_of else {})}
        (found,) = (row for row in self.rows(month, **query) if all(row[name] == code for name, code in keys.items()))
        return found


@contextlib.contextmanager
def running(database: Database) -> Iterator[Programme]:
    """The small programme, configured; its clock stands at its beginning."""
    programmes: list[Programme] = []
    with serving(database, clock=lambda: programmes[0].now) as web:
        programmes.append(Programme(database, web))
        programmes[0].configure()
        yield programmes[0]


def send_october(programme: Programme) -> Programme:
    """October 2026 as it stands after the last deadline: one of three acute trusts missing, one with a gap, hospice and community in."""
    programme.at("2026-11-10T09:00")
    programme.send(
        "SC-RJE",
        "2026-10",
        acute(
            of_62("urgent", "2.5", 3),
            of_62("upgrade", "0.5", "1.5", site="prostate"),
            of_62("urgent", 40, 50, site="bladder", commissioner="05G"),
            of_fds(90, 100, site="urological"),
            of_fds(40, 41, commissioner="05G"),
        ),
    )
    gap = {
        "measure": "CWT-62",
        "category": "urgent",
        "site": "prostate",
        "commissioner": "05G",
        "state": "not_collected",
        "reason": "staff_absence",
    }
    programme.send("SC-RL4", "2026-10", acute(of_62("urgent", 17, 25), of_fds(10, 20), gap))
    hospice = [
        {"measure": "BEDS", "numerator": 14},
        *({"measure": "CONTACTS", "commissioner": commissioner, "numerator": 5} for commissioner in ("05W", "05G")),
        {"measure": "DEATHS", "numerator": 9},
    ]
    programme.send("SC-H9901", "2026-10", {"cells": [*waits(4, 5, 6), *hospice]}, collection="care")
    community = [{"measure": "BEDS", "numerator": 6}, {"measure": "CONTACTS", "numerator": 7}, {"measure": "DEATHS", "numerator": 4}]
    programme.send("SC-RRE", "2026-10", {"cells": [*waits(2, 3, 0), *community]}, collection="care")
    return programme.at("2026-12-01T09:00")


@pytest.fixture
def programme(database: Database) -> Iterator[Programme]:
    """A programme of the test's own, without any return."""
    with running(database) as programme:
        yield programme


@pytest.fixture
def own(programme: Programme) -> Programme:
    """The same October for a test that goes on with it."""
    return send_october(programme)


@pytest.fixture(scope="module")
def october(module_database: Database) -> Iterator[Programme]:
    """October for all the tests of a module that only read it."""
    with running(module_database) as programme:
        yield send_october(programme)
