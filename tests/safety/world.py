"""Two programmes side by side with everything in them that can be asked for, and in everything a word that says whose it is.

Words that begin with `zqxzqx` (names, notes, questions, contacts) and codes with `QV` are their owner's and nobody else's, and so are the odd figures and
prices. `foreign` names those that somebody should never meet.
"""

import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from app.kernel.canonical import sha256
from app.kernel.moments import moment_text
from app.telemetry import configure_logging
from tests.phases.test_api import AGREED, GATE
from tests.reports.conftest import acute, document, of_62, of_fds, waits
from tests.support.databases import Database
from tests.support.http import Web, serving
from tests.support.logs import told_in

WORD: Final = "zqxzqx"
HERE: Final = "qvalpha"
THERE: Final = "qvbravo"
NOWHERE: Final = "qvnever"
MONTH: Final = "2026-10"
NEXT: Final = "2026-11"
_BEGIN: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)
_LETTER: Final = {HERE: "A", THERE: "B"}
LEADS: Final = ("05W", "05G")


def reference(programme: str, number: int) -> str:
    """A subcontract's: 1 to 3 are acute trusts, 4 a community provider, 5 a hospice, 9 is nobody's."""
    return f"SC-QV{_LETTER[programme]}{number}"


def word(programme: str, owner: str = "prime") -> str:
    """The word of one owner in one programme."""
    return f"{WORD}{programme.removeprefix('qv')}{owner.replace('-', '').lower()}"


def odd(programme: str, number: int) -> int:
    """A figure that nobody else would state."""
    return 4_870_113 + 101_117 * number + (37_211 if programme == THERE else 0)


def price(programme: str, number: int) -> int:
    """Pence a year that nobody else is paid; 0 is what the whole programme is worth."""
    return odd(programme, number) * 1000


def stated(programme: str) -> dict[str, Any]:
    """The small programme of the reports' tests under this programme's own codes, with its words and prices in it."""
    own, shared = word(programme), word(programme, "all")
    names = {f"SC-{code}": reference(programme, number) for number, code in enumerate(("RJE", "RL4", "RNA", "RRE", "H9901"), start=1)}
    text = json.dumps(document())
    for name, code in names.items():
        text = text.replace(f'"{name}"', f'"{code}"')
    made: dict[str, Any] = json.loads(text)
    made["programme"] |= {"code": programme, "name": f"Programme {shared}", "value_pence": price(programme, 0)}
    # Its first contract year is as short as can be settled.
    made["programme"] |= {"starts_on": "2026-09-01", "contract_year_starts": "11-01"}
    made["organisations"] += [{"ods_code": code, "name": f"Organisation {code}", "kind": "other"} for code in ("QV1", "QV2")]
    made["sites"].append({"code": f"QV{_LETTER[programme]}", "name": f"Site {shared}"})
    made["requirements"][0]["schedule_ref"] = own
    made["collections"][0] |= {"auto_accept": False, "sign_off": "required"}
    made["phases"] = [
        {"number": 1, "name": "Foundation", "to_month": "2026-11", "gate": GATE},
        {"number": 2, "name": shared, "from_month": "2026-12"},
    ]
    with_whom = {"code": "counterparty", "categories": [{"code": reference(programme, 3)}]}
    about = {"aggregation": "count_sum", "split_by": [], "breakdown": with_whom}
    made["measures"] += [{"code": code, "name": code, **about} for code in ("H-OUT", "H-IN")]
    made["pathways"][0]["segments"] += [{"code": end, "name": end, "measures": [f"H-{end.upper()}"]} for end in ("out", "in")]
    made["handovers"] = [{"code": f"QV{_LETTER[programme]}", **{
        end: {"pathway": "cancer", "segment": segment, "measure": f"H-{segment.upper()}"} for end, segment in (("sent", "out"), ("received", "in"))
    }}]  # fmt: skip
    for number, line in enumerate(made["subcontracts"], start=1):
        mark = word(programme, line["reference"])
        line["annual_value_pence"] = price(programme, number)
        line["contacts"] = [{"role": "information_lead", "name": f"Name {mark}", "email": f"{mark}@example.org", "phone": "01782 000000"}]
    return made


@dataclass
class World:
    """The two programmes as they are served; `key` names a caller, `objects` what each programme holds under the names of path parameters."""

    web: Web
    database: Database
    moment: datetime = _BEGIN
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, tuple[str, str]] = field(default_factory=dict)
    dead_key: str = ""
    lines: io.StringIO = field(default_factory=io.StringIO)
    """All that it logs."""

    def __call__(self) -> datetime:
        return self.moment

    def person(self, role: str, **scope: str) -> tuple[str, str]:
        """The id and key of the one client of this role and scope."""
        name = " ".join((role, *scope.values()))
        if name not in self.people:
            self.people[name] = self.web.new_client(role, **scope)
        return self.people[name]

    def key(self, role: str, **scope: str) -> str:
        return self.person(role, **scope)[1]

    def told_in_logs(self) -> list[str]:
        """Lines that name anything of anybody's (a word, code, figure or price), or say what no log may."""
        everything = foreign(programme="")
        lines = self.lines.getvalue()
        found = [line for line in lines.splitlines() if any(word in _without_ids(line) for word in everything)]
        logs = [lines, (self.database.settings.data / "postgres.log").read_text()]
        return found + [told for log in logs for told in told_in(log)] + [word for word in everything if word in logs[1]]

    def call(self, method: str, path: str, body: Any = None, *, key: str, expected: int, **headers: str) -> httpx.Response:
        """One step of the story."""
        self.moment += timedelta(seconds=1)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self.web.request(method, path, key=key, headers=named, **content)
        assert answer.status_code == expected, f"{method} {path}: {answer.text}"
        return answer


_BY_CHANCE: Final = frozenset({"timestamp", "request_id", "trace_id", "client"})


def _without_ids(line: str) -> str:
    """A line of the log without what chance may have made look like a figure; what a command says for people is no event."""
    if not line.startswith("{"):
        return line
    return json.dumps({name: value for name, value in json.loads(line).items() if name not in _BY_CHANCE})


def _returns(world: World, programme: str) -> None:
    """October: revisions by file and by hand, signed, asked about, accepted; one return in a backfill of its own."""
    base = f"/v1/programmes/{programme}"
    manager = world.key("contract_manager", programme=programme)
    for number in (1, 2):
        own = reference(programme, number)
        mark, place = word(programme, own), f"{base}/returns/cwt/{own}/{MONTH}"
        preparer, approver = (world.key(role, programme=programme, subcontract=own) for role in ("preparer", "approver"))
        rows = ["measure,site,commissioner,category,numerator,denominator,rest,note"]
        rows += [f"CWT-62,lung,05W,urgent,1,2,zero,{mark}", "CWT-FDS,lung,05W,,1,2,,"]
        table = "\r\n".join([*rows, ""]).encode()
        world.call("POST", f"{place}/revisions", table, key=preparer, expected=201, Content_Type="text/csv")
        figure = odd(programme, number)
        body = acute(of_62("urgent", figure, figure + 1), of_fds(90, 100, site="urological"))
        world.call("POST", f"{place}/revisions", {**body, "note": f"Note {mark}"}, key=preparer, expected=201)
        asked = {"text": f"Is this {mark}?", "due_on": "2026-12-16"}
        world.call("POST", f"{place}/queries", asked, key=manager, expected=201)
        world.call("POST", f"{place}/queries/1/answer", {"text": f"It is {mark}."}, key=preparer, expected=200)
        world.call("POST", f"{place}/queries/1/closing", {"outcome": "settled", "text": "Thank you."}, key=manager, expected=200)
        world.call("POST", f"{place}/sign-off", {"revision": 2, "statement": f"So says {mark}."}, key=approver, expected=200)
        world.call("POST", f"{place}/acceptance", {"revision": 2}, key=manager, expected=200)
        # Over by the time that anybody asks what they may.
        lent = {"permission": "return_sign", "delegate": world.person("preparer", programme=programme, subcontract=own)[0]}
        lent["expires_at"] = moment_text(world.moment + timedelta(days=1))
        delegation = world.call("POST", f"{base}/delegations", lent, key=approver, expected=201).json()["delegation"]
        world.objects[programme] |= {f"delegation of {number}": delegation}
        backfilled = {"collection": "cwt", "subcontract": own, "month": "2026-09", **body}
        made = world.call("POST", f"{base}/returns:backfill", {"returns": [backfilled]}, key=preparer, expected=200).json()
        world.objects[programme] |= {f"backfill of {number}": made["backfill"]}
    hospice = reference(programme, 5)
    cells = [*waits(4, 5, 6), {"measure": "BEDS", "numerator": odd(programme, 5)}, {"measure": "DEATHS", "numerator": 9}]
    cells += [{"measure": "CONTACTS", "commissioner": code, "numerator": 5} for code in LEADS]
    preparer = world.key("preparer", programme=programme, subcontract=hospice)
    world.call("POST", f"{base}/returns/care/{hospice}/{MONTH}/revisions", {"cells": cells}, key=preparer, expected=201)
    world.call("POST", f"{base}/returns/care/{hospice}/{MONTH}/acceptance", {"revision": 1}, key=manager, expected=200)


def _decided(world: World, programme: str) -> None:
    """What the prime does by itself: an import, a decision on a phase, a baseline, comparisons."""
    base, own = f"/v1/programmes/{programme}", word(programme)
    manager = world.key("contract_manager", programme=programme)
    about = {"measure": "SURVIVAL", "source": f"Source {own}", "published_on": "2026-11-20", "month": "2026-06", "basis": "provider"}
    imported = world.call("POST", f"{base}/imports", {"imports": [{**about, "value": "0.742"}]}, key=manager, expected=201)
    evidence = world.call("GET", f"{base}/phases/1/gate", key=manager, expected=200)
    cited = {"evidence_as_of": evidence.json()["as_of"], "evidence_sha256": sha256(evidence.content)}
    decision = {"decision": "move_on", "from_month": "2026-12", "reason": f"Because {own}.", **cited}
    world.call("POST", f"{base}/phases/1/decision", decision, key=manager, expected=201)
    world.call("POST", f"{base}/phases/1/baselines", AGREED, key=manager, expected=201)
    version = f"{base}/measures/CWT-62/versions/1"
    line = world.call("GET", version, key=manager, expected=200).json() | {"example": f"Example {own}"}
    world.call("POST", f"{version}/proposal", {"line": line, "reason": f"Because {own}."}, key=manager, expected=201)
    world.call("POST", f"{base}/handover-comparisons", {"month": MONTH}, key=manager, expected=200)
    assignments = world.call("GET", f"{base}/assignments", key=manager, expected=200).json()["assignments"]
    world.objects[programme] |= {"import": imported.json()["imports"][0]["import"], "assignment": assignments[0]["assignment"]}


def _published(world: World, programme: str) -> None:
    """October is published, November drafted; each lead asks about a row of its own."""
    base, own = f"/v1/programmes/{programme}/publications", word(programme)
    manager = world.key("contract_manager", programme=programme)
    world.moment += timedelta(days=35)
    _publish(world, programme, MONTH)
    world.moment += timedelta(days=35)
    _draft(world, programme, NEXT, f"Not yet: {own}")
    for code in LEADS:
        lead = world.key("commissioner_lead", programme=programme, commissioner=code)
        row = {"slice": "commissioner", "measure": "CWT-62", "commissioner": code}
        world.call("POST", f"{base}/1/queries", {"row": row, "text": f"Why {word(programme, code)}?"}, key=lead, expected=201)
        world.call("POST", f"{base}/1/queries/{code}-1/answer", {"text": f"So {word(programme, code)}."}, key=manager, expected=200)
        closing = {"outcome": "settled", "text": "Thank you."}
        world.call("POST", f"{base}/1/queries/{code}-1/closing", closing, key=lead, expected=200)


def _draft(world: World, programme: str, month: str, commentary: str) -> dict[str, Any]:
    place, analyst = f"/v1/programmes/{programme}/publications/drafts/{month}", world.key("analyst", programme=programme)
    drafted: dict[str, Any] = world.call("PUT", place, {"commentary": commentary}, key=analyst, expected=201, If_None_Match="*").json()
    return drafted


def _publish(world: World, programme: str, month: str) -> None:
    base, manager = f"/v1/programmes/{programme}/publications", world.key("contract_manager", programme=programme)
    read = {"inputs_sha256": _draft(world, programme, month, "The month in a sentence.")["inputs_sha256"]}
    world.call("POST", f"{base}/drafts/{month}/check", read, key=manager, expected=200)
    world.call("POST", base, {"month": month, "reason": "The month is complete."}, key=manager, expected=201)


def _settled(world: World, programme: str) -> None:
    """The first contract year, provisionally and finally: rules and a cost by two people, each run by three, a statement for every party."""
    _publish(world, programme, "2026-09")
    base, own = f"/v1/programmes/{programme}", word(programme)
    manager, administrator, finance = (world.key(role, programme=programme) for role in ("contract_manager", "administrator", "finance"))
    shares = [{"subcontract": reference(programme, number), "outcome": 0.1 * number} for number in (1, 2)]
    rules: dict[str, Any] = {
        "contract_year": 1,
        "title": f"Rules {own}",
        "mode": "shadow",
        "annual_value_pence": 90_000_000,
        "at_risk_share": 0.1,
    }
    rules["measures"] = [{"measure": "CWT-FDS", "weight": 1, "floor": 0.5, "target": 0.95}]
    rules["allocation"] = {"subcontracts": shares, "commissioners": [{"commissioner": code, "share": 0.5} for code in LEADS]}
    world.call("POST", f"{base}/settlement-rules", {"rules": rules, "reason": f"As {own} says."}, key=manager, expected=201)
    world.call("POST", f"{base}/settlement-rules/1/1/approval", key=administrator, expected=200)
    cost = {"contract_year": 1, "kind": "actual_cost", "value": price(programme, 0), "source": f"Ledger {own}"}
    world.call("POST", f"{base}/settlement-inputs", cost, key=finance, expected=201)
    world.call("POST", f"{base}/settlement-inputs/1/actual_cost/1/approval", key=manager, expected=200)
    for run, kind in ((1, "provisional"), (2, "final")):
        declared = {"contract_year": 1, "kind": kind, "reason": f"To look at it, {own}."}
        world.call("POST", f"{base}/settlements", declared, key=manager, expected=201)
        world.call("POST", f"{base}/settlements/1/{run}/approval", key=administrator, expected=200)
        world.call("POST", f"{base}/settlements/1/{run}/finance-approval", key=finance, expected=200)


def _disputed(world: World, programme: str) -> None:
    """Every party disputes a line of its own, and is answered; of each kind of party one is told how that ended."""
    base, manager = f"/v1/programmes/{programme}/settlements/1/2", world.key("contract_manager", programme=programme)
    parties = [("approver", "subcontract", reference(programme, number)) for number in (1, 2)]
    parties += [("commissioner_lead", "commissioner", code) for code in LEADS]
    for role, kind, code in parties:
        mark, key = word(programme, code), world.key(role, programme=programme, **{kind: code})
        line = {"element": "outcome", "reason": f"It cannot be, says {mark}."}
        world.call("POST", f"{base}/statement/disputes", line, key=key, expected=201)
        named = {"party": f"{kind}.{code}", "element": "outcome"}
        world.call("POST", f"{base}/disputes/answer", {**named, "answer": f"It is, {mark}."}, key=manager, expected=200)
        if code in {reference(programme, 1), LEADS[0]}:
            world.call("POST", f"{base}/disputes/resolution", {**named, "reason": f"It stays, {mark}."}, key=manager, expected=200)


def _shared(world: World) -> None:
    """What belongs to nobody in particular: a day that is proclaimed, and who went on from whom."""
    spanning = world.key("administrator")
    day = {"worked": False, "name": "A day of mourning", "why": "Proclaimed."}
    world.call("PUT", "/v1/calendar/days/2028-03-15", day, key=spanning, expected=201, If_None_Match="*")
    merger = {"legal_on": "2027-01-01", "operational_on": "2027-01-01", "why": "Its services went there."}
    world.call("PUT", "/v1/organisations/QV1/successors/QV2", merger, key=spanning, expected=201, If_None_Match="*")


def foreign(*, programme: str | None, subcontract: str | None = None, commissioner: str | None = None) -> list[str]:
    """The words, codes, figures and prices that somebody of this reach should never meet; whoever spans programmes may meet all of them."""
    found = []
    for there in (HERE, THERE):
        if programme in {None, there} and subcontract is commissioner is None:
            continue
        mine = {subcontract, commissioner} if there == programme else set()
        parties = [reference(there, number) for number in range(1, 6)]
        # With whom patients are exchanged, the measure says that counts them.
        named = {parties[2]} if there == programme else set()
        found += [word(there, owner) for owner in (*parties, *LEADS) if owner not in mine] + [word(there), str(price(there, 0))]
        found += [str(price(there, number)) for number, party in enumerate(parties, start=1) if party not in mine]
        if there != programme:
            found += [word(there, "all"), *parties]
        if there != programme or commissioner is None:
            # Commissioners may read of subcontracts what was published for them.
            found += [str(odd(there, number)) for number, party in enumerate(parties, start=1) if party not in mine]
            found += [party for party in parties if party not in mine | named and there == programme]
    return found


@contextlib.contextmanager
def world_of(database: Database) -> Iterator[World]:
    """Both programmes, lived through a month, on a database of their own."""
    worlds: list[World] = []
    with serving(database, clock=lambda: worlds[0].moment) as web:
        world = World(web, database)
        worlds.append(world)
        configure_logging("info", world.lines)
        begin = world.moment
        for programme in (HERE, THERE):
            world.moment = max(begin, world.moment)
            world.objects[programme] = {}
            key = world.key("administrator")
            world.call("PUT", f"/v1/programmes/{programme}/configuration", stated(programme), key=key, expected=201, If_None_Match="*")
        for step, moment in (
            (_returns, datetime(2026, 11, 10, 9, tzinfo=UTC)),
            (_decided, datetime(2026, 12, 1, 9, tzinfo=UTC)),
            (_published, None),
            (_settled, None),
            (_disputed, None),
        ):
            for programme in (HERE, THERE):
                world.moment = max(world.moment, moment or world.moment)
                step(world, programme)
        _shared(world)
        for programme in (HERE, THERE):
            client, world.dead_key = world.person("preparer", programme=programme, subcontract=reference(programme, 3))
            world.call("POST", f"/v1/clients/{client}/revocation", key=world.key("administrator"), expected=200)
        yield world
