"""A programme of ten years, from July 2014 to June 2024: its contract at the start, its figures, and its parties on a clock that moves."""

import contextlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zlib import crc32

import httpx

from app.access.actions import create_client
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.kernel.months import Month
from tests.support.databases import Database
from tests.support.http import Web, serving

CODE: Final = "decade"
PROGRAMME: Final = f"/v1/programmes/{CODE}"
FIRST: Final = Month.parse("2014-07")
YEARS: Final = range(2015, 2025)
"""The years in which a contract year ends, in June."""

TERM: Final = {"starts_on": "2014-07-01", "ends_on": "2024-06-30"}
CCGS: Final = {
    "04Y": "NHS Cannock Chase CCG",
    "05G": "NHS North Staffordshire CCG",
    "05V": "NHS Stafford and Surrounds CCG",
    "05W": "NHS Stoke on Trent CCG",
}
R1E: Final = {"ods_code": "R1E", "name": "Staffordshire and Stoke on Trent Partnership NHS Trust", "kind": "community_trust"}
RRE: Final = {"ods_code": "RRE", "name": "Midlands Partnership NHS Foundation Trust", "kind": "mental_health_trust"}

Change = Callable[[dict[str, Any]], None]
Key = tuple[str, str, str]
"""Collection, subcontract and month of a return."""


def subcontract(organisation: str, sector: str, **changes: Any) -> dict[str, Any]:
    return {"reference": f"SC-{organisation}", "organisation": organisation, "sector": sector, **TERM, **changes}


def assignment(organisation: str, segment: str, **changes: Any) -> dict[str, Any]:
    return {"subcontract": f"SC-{organisation}", "pathway": "cancer", "segment": segment, **changes}


def segment(code: str, name: str, *measures: str) -> dict[str, Any]:
    return {"code": code, "name": name, "measures": list(measures)}


def collection(code: str, name: str, *measures: str, **changes: Any) -> dict[str, Any]:
    return {"code": code, "name": name, "measures": list(measures), "due": {"working_day": 10}, "auto_accept": True, **changes}


TREATED: Final[dict[str, Any]] = {
    "code": "TREAT",
    "from_month": "2014-07",
    "name": "First treatments within 62 days",
    "split_by": ["site", "commissioner"],
    "proportion": True,
    "unit": "percent",
    "site_map": {"bladder": "urological", "prostate": "urological"},
}
"""As it was at first: what is bladder is returned within urological."""

CONTACTS: Final[dict[str, Any]] = {
    "code": "CONTACTS",
    "from_month": "2014-07",
    "name": "Contacts",
    "aggregation": "count_sum",
    "split_by": ["commissioner"],
}

GATE: Final = {
    "criteria": [
        {"criterion": "completeness", "threshold": "0.95", "months": 1},
        {"criterion": "timeliness", "threshold": "0.95", "months": 1},
        {"criterion": "baselines_agreed", "threshold": 1, "measures": ["TREAT"]},
    ]
}
"""What is asked of the programme's data before it leaves its first phase."""

_DOCUMENT: Final[dict[str, Any]] = {
    "programme": {"code": CODE, "name": "Ten years of cancer services", "prime": "X9901", "value_pence": 68_700_000_000, **TERM},
    "organisations": [
        {"ods_code": "X9901", "name": "A fictional prime provider", "kind": "other"},
        {"ods_code": "RJE", "name": "University Hospitals of North Midlands NHS Trust", "kind": "acute_trust"},
        {"ods_code": "RL4", "name": "The Royal Wolverhampton NHS Trust", "kind": "acute_trust"},
        {"ods_code": "H9901", "name": "A fictional hospice", "kind": "hospice"},
        R1E,
        *({"ods_code": code, "name": name, "kind": "ccg"} for code, name in CCGS.items()),
    ],
    "commissioners": [{"ods_code": code, "name": name} for code, name in CCGS.items()],
    "phases": [
        {"number": 1, "name": "Foundation", "from_month": "2014-07", "to_month": "2016-06", "payment": "shadow", "gate": GATE},
        {"number": 2, "name": "Accountable", "from_month": "2016-07", "payment": "live"},
    ],
    "sites": [
        {"code": "lung", "name": "Lung"},
        {"code": "urological", "name": "Urological"},
        {"code": "bladder", "name": "Bladder", "parent": "urological"},
        {"code": "prostate", "name": "Prostate", "parent": "urological"},
    ],
    "measures": [
        TREATED,
        CONTACTS,
        {"code": "BEDS", "name": "Bed occupancy", "split_by": [], "proportion": True, "unit": "percent"},
        {"code": "VOICES", "name": "Bereaved relatives who answer well", "split_by": [], "proportion": True, "unit": "percent"},
    ],
    "pathways": [
        {
            "code": "cancer",
            "name": "Cancer",
            "segments": [
                segment("treatment", "First treatment", "TREAT"),
                segment("community", "Community nursing", "CONTACTS"),
                segment("palliative", "Palliative care", "BEDS", "VOICES"),
            ],
        }
    ],
    "collections": [
        collection(
            "treated",
            "Treatments",
            "TREAT",
            due={"working_day": 27},
            close={"working_day": 10, "months_later": 1},
            freeze={"working_day": 18, "months_later": 2},
            auto_accept=False,
        ),
        collection("community", "Community", "CONTACTS"),
        collection("hospice", "Hospices", "BEDS"),
        collection("voices", "Voices", "VOICES", every="quarter"),
    ],
    "requirements": [{"measure": "TREAT", "targets": [{"from_month": "2014-07", "standard": "0.85", "interim": "0.75"}]}],
    "subcontracts": [
        subcontract("RJE", "acute"),
        subcontract("RL4", "acute"),
        subcontract("R1E", "community"),
        subcontract("H9901", "hospice"),
    ],
    "assignments": [
        assignment("RJE", "treatment", sites=["lung", "bladder", "prostate"], expected_volume=120),
        assignment("RL4", "treatment", sites=["lung", "bladder"], commissioners=["04Y", "05V"], expected_volume=15),
        assignment("R1E", "community"),
        assignment("H9901", "palliative"),
    ],
}


def first_document() -> dict[str, Any]:
    """The contract as it is signed in 2014."""
    return deepcopy(_DOCUMENT)


def figures(key: Key, cell: dict[str, Any], *, attempt: int) -> dict[str, Any]:
    """What a return says of a cell that it is asked for: the same figures whenever it is asked, others in each attempt."""
    drawn = crc32("|".join((*key, cell["measure"], cell["site"], cell["commissioner"], cell["category"])).encode()) + attempt
    denominator = 20 + drawn % 31
    places = {name: cell[name] for name in ("pathway", "segment", "measure", "site", "commissioner", "category")}
    if cell["aggregation"] == "count_sum":
        return {**places, "numerator": denominator}
    return {**places, "numerator": denominator - drawn % 7, "denominator": denominator}


@dataclass
class Decade:
    """The integrator and its subcontractors; `said` are the figures of each return as they were last accepted."""

    database: Database
    now: datetime = datetime(2014, 5, 1, 9, tzinfo=UTC)
    said: dict[Key, list[dict[str, Any]]] = field(default_factory=dict)
    revisions: dict[str, bytes] = field(default_factory=dict)
    """Each revision as it was read when it was new, by its address."""
    keys: dict[tuple[str, str], str] = field(default_factory=dict)
    _web: Web | None = None

    @contextlib.contextmanager
    def served(self) -> "Iterator[Decade]":
        """The same parties before a service that has just started."""
        with serving(self.database, clock=lambda: self.now) as web:
            self._web = web
            yield self

    @property
    def web(self) -> Web:
        assert self._web is not None
        return self._web

    def key(self, role: str, subcontract: str = "") -> str:
        """The key of a client that is made when it is first needed, for ten years and more."""
        if (role, subcontract) not in self.keys:
            scope = {} if role == "administrator" else {"programme": CODE, "subcontract": subcontract or None}
            with open_session(self.database.engine, INSTALLATION) as session:
                lifetime = timedelta(days=4_200)
                _, key = create_client(session, name="Test", role=role, **scope, actor=MACHINE, now=self.now, lifetime=lifetime)
                session.commit()
            self.keys[role, subcontract] = key
        return self.keys[role, subcontract]

    def on(self, year: int, month: int, day: int, hour: int = 10) -> None:
        """Time passes."""
        moment = datetime(year, month, day, hour, tzinfo=UTC)
        assert moment > self.now, moment
        self.now = moment

    def get(self, path: str) -> httpx.Response:
        answer = self.web.get(path, key=self.key("administrator"))
        assert answer.status_code == 200, (path, answer.text)
        return answer

    def put(self, path: str, body: Any, *, new: bool = False) -> None:
        headers = {"If-None-Match": "*"} if new else {"If-Match": self.get(path).headers["ETag"]}
        answer = self.web.put(path, body, key=self.key("administrator"), headers=headers)
        assert answer.status_code == (201 if new else 200), answer.text

    def amend(self, change: Change) -> dict[str, Any]:
        """Bring the programme to the document in force with a change; what a dry run of it said would follow."""
        path = f"{PROGRAMME}/configuration"
        document = self.get(path).json()
        change(document)
        dry = self.web.put(f"{path}?dry_run=true", document, key=self.key("administrator"))
        assert dry.status_code == 200, dry.text
        self.put(path, document)
        found: dict[str, Any] = dry.json()["effects"]
        return found

    def amend_line(self, noun: str, code: str, **changes: Any) -> None:
        """Change some members of one line, by its own endpoint."""
        path = f"{PROGRAMME}/{noun}/{code}"
        self.put(path, {**self.get(path).json(), **changes})

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> httpx.Response:
        return self.web.post(f"{PROGRAMME}/{path}", body, key=key or self.key("administrator"))

    def submit(self, key: Key, *, attempt: int = 0) -> httpx.Response:
        """Send a return with every cell that it asks for, and have it accepted where it is not by itself."""
        path = "/".join(("returns", *key))
        asked = self.get(f"{PROGRAMME}/{path}").json()["expected_cells"]
        cells = [figures(key, cell, attempt=attempt) for cell in asked]
        answer = self.post(f"{path}/revisions", {"cells": cells}, key=self.key("preparer", key[1]))
        if answer.status_code == 201:
            self.keep(answer.headers["Location"])
            self.said[key] = cells
            if answer.json()["status"] != "accepted":
                accepted = self.post(f"{path}/acceptance", key=self.key("contract_manager"))
                assert accepted.status_code == 200, accepted.text
        return answer

    def keep(self, address: str) -> None:
        self.revisions[address] = self.get(address).content

    def owed(self, **query: str) -> list[dict[str, Any]]:
        """Every return that is owed, page after page."""
        return [line for page in self.pages("returns", **query) for line in page.json()["returns"]]

    def pages(self, path: str, **query: str) -> list[httpx.Response]:
        asked = "&".join(f"{name}={value}" for name, value in {**query, "limit": "200"}.items())
        found = [self.get(f"{PROGRAMME}/{path}?{asked}")]
        while (following := found[-1].json()["next"]) is not None:
            found.append(self.get(f"{PROGRAMME}/{path}?{asked}&cursor={following}"))
        return found

    def report(self, month: str, **query: str) -> list[dict[str, Any]]:
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        rows: list[dict[str, Any]] = self.get(f"{PROGRAMME}/reports/{month}?{asked}").json()["observations"]
        return rows

    def send_all(self, month: str, *, but: tuple[Key, ...] = ()) -> None:
        """On the twelfth of the next month, all who owe a return of a month send it."""
        following = Month.parse(month).plus(1)
        self.on(following.year, following.number, 12)
        for line in self.owed(month=month):
            key = (line["collection"], line["subcontract"], line["month"])
            if key not in but:
                answer = self.submit(key)
                assert answer.status_code == 201, answer.text
