"""A trust's winter: its warehouse returns two years at once and then each month, by the client, over a network that drops connections."""

import csv
import io
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from app.client import Mainstem, Problem, ReturnKey
from app.client.connection import Pause
from app.demo.document import PROGRAMME, document
from app.kernel.months import Month
from tests.journeys.stage import Party, Stage, staged
from tests.support.databases import Database
from tests.support.sockets import BadNetwork, Fate

BEGINS: Final = Month.parse("2024-11")
MONTHS: Final = [BEGINS.plus(number) for number in range(24)]
HANDED_OVER: Final = ("LUNG-IN", "LUNG-OUT")
TRUST, NEIGHBOUR = "SC-RJE", "SC-RL4"
NOVEMBER, DECEMBER, JANUARY, FEBRUARY = "2026-11", "2026-12", "2027-01", "2027-02"


def key_of(month: object, subcontract: str = TRUST) -> ReturnKey:
    return ReturnKey(PROGRAMME, "cwt", subcontract, str(month))


def contract() -> dict[str, Any]:
    """The demonstration's, but that cancer waiting times neither close nor freeze: two years of them are still to come."""
    whole = document(BEGINS)
    whole["collections"] = [
        {name: value for name, value in line.items() if name not in {"close", "freeze"}} if line["code"] == "cwt" else line
        for line in whole["collections"]
    ]
    return whole


@dataclass
class Trust:
    """The warehouse with its key, the integrator, and the network between them."""

    stage: Stage
    key: str
    integrator: Party
    places: list[dict[str, str]]
    """The cells that its return states, as `expected-cells.csv` names them."""

    def at(self, when: str) -> None:
        self.stage.now = datetime.fromisoformat(when)

    @contextmanager
    def client(self, *fates: Fate, key: str | None = None) -> Iterator[Mainstem]:
        """The client, behind a network on which its next connections meet these fates."""
        network = BadNetwork(self.stage.address, deque(fates))
        with network.between() as address, Mainstem(address, key or self.key, pause=Pause(sleep=lambda _: None)) as service:
            yield service
        assert not network.fates, "each of them was met"

    def month(self, number: int, **more: Any) -> dict[str, Any]:
        """What the warehouse counted in a month: every cell, the same for the same number."""
        cells = []
        for position, place in enumerate(self.places):
            treated = 5 + (number + position) % 4
            everyone = {} if place["measure"] in HANDED_OVER else {"denominator": treated}
            cells.append({**place, "numerator": treated - (number * position) % 3, **everyone})
        return {"cells": cells, **more}


@pytest.fixture(scope="module")
def trust(module_database: Database) -> Iterator[Trust]:
    with staged(module_database, contract(), at=datetime(2024, 10, 15, 9, tzinfo=UTC)) as stage:
        warehouse = stage.party("preparer", subcontract=TRUST)
        yield Trust(stage, warehouse.key, stage.party("contract_manager"), [])


def test_a_winter_of_a_trust_with_a_client_and_a_bad_network(trust: Trust) -> None:
    it_finds_out_what_it_owes(trust)
    two_years_go_in_at_once_though_the_network_goes_away(trust)
    the_integrator_accepts_them_in_one_request(trust)
    a_month_is_received_once_whatever_is_dropped(trust)
    a_refusal_is_mended_by_a_program(trust)
    a_correction_is_tried_before_it_is_sent(trust)
    a_question_is_answered_and_only_what_is_clean_is_accepted(trust)
    it_waits_until_its_return_is_accepted(trust)
    its_key_is_changed_while_it_works(trust)
    others_cannot_tell_its_returns_from_nothing(trust)


def it_finds_out_what_it_owes(trust: Trust) -> None:
    trust.at("2026-11-10T09:00:00Z")
    with trust.client() as service:
        own = service.who_am_i()
        assert (own["programme"], own["subcontract"], own["role"]) == (PROGRAMME, TRUST, "preparer")
        owed = [row["month"] for row in service.returns(PROGRAMME, status="expected")]
    assert owed == [*map(str, MONTHS), NOVEMBER]
    desk = Party(trust.key, trust.stage.http)
    table = desk.call("GET", f"returns/cwt/{TRUST}/{MONTHS[-1]}/expected-cells.csv").content.decode("utf-8-sig")
    places = ("pathway", "segment", "measure", "site", "commissioner", "category")
    owed = [{place: line[place] for place in places} for line in csv.DictReader(io.StringIO(table))]
    trust.places = sorted(owed, key=lambda place: place["measure"] in HANDED_OVER)
    assert len(trust.places) == 92 + 2 * 3


def two_years_go_in_at_once_though_the_network_goes_away(trust: Trust) -> None:
    entries = [{"collection": "cwt", "subcontract": TRUST, "month": str(month), **trust.month(n)} for n, month in enumerate(MONTHS)]
    lines = "\n".join(map(json.dumps, entries)).encode()
    network = BadNetwork(trust.stage.address)
    made: list[dict[str, Any]] = []
    with network.between() as address, Mainstem(address, trust.key) as service, Mainstem(trust.stage.address, trust.key) as watching:
        sending = threading.Thread(target=lambda: made.append(service.backfill(PROGRAMME, lines)))
        sending.start()
        while not (begun := watching.backfills(PROGRAMME)) or begun[0]["done"] == 0:
            assert sending.is_alive()
        network.drop()
        sending.join()
        assert (network.met, begun[0]["entries"], begun[0]["done"] < 24) == (2, 24, True)
        results = list(service.backfill_results(PROGRAMME, made[0]["backfill"]))
    assert (made[0]["backfill"], made[0]["received"], made[0]["done"]) == (begun[0]["backfill"], 24, 24)
    assert [(result["month"], result["outcome"], result["revision"]) for result in results] == [
        (month, "received", 1) for month in map(str, MONTHS)
    ]


def the_integrator_accepts_them_in_one_request(trust: Trust) -> None:
    with trust.client("answer_lost", key=trust.integrator.key) as service:
        verdicts = service.accept_many(PROGRAMME, returns=[*map(key_of, MONTHS), key_of(NOVEMBER), key_of(MONTHS[0], "SC-NONE")])
    told = {(verdict["subcontract"], verdict["month"]): (verdict["accepted"], verdict["code"]) for verdict in verdicts}
    assert [told.pop((TRUST, str(month))) for month in MONTHS] == [(True, None)] * 24
    assert told == {(TRUST, NOVEMBER): (False, "wrong_status"), ("SC-NONE", str(MONTHS[0])): (False, "not_found")}
    row = trust.integrator.get(f"reports/{MONTHS[-1]}?slice=subcontract&measure=CWT-FDS")["observations"]
    stated = [cell for cell in trust.month(23)["cells"] if cell["measure"] == "CWT-FDS"]
    assert next(each["denominator"] for each in row if each["subcontract"] == TRUST) == sum(cell["denominator"] for cell in stated)


def a_month_is_received_once_whatever_is_dropped(trust: Trust) -> None:
    stages: dict[Fate, str] = {"refused": NOVEMBER, "request_lost": DECEMBER, "answer_lost": JANUARY}
    for number, (dropped, month) in enumerate(stages.items(), start=24):
        trust.at(f"{Month.parse(month).plus(1)}-03T06:00:00Z")
        with trust.client(dropped, dropped) as service:
            receipt = service.submit(key_of(month), trust.month(number))
            assert (receipt["revision"], receipt["outcome"], receipt["timeliness"]) == (1, "received", "on_time")
            assert [revision["revision"] for revision in service.read(key_of(month))["revisions"]] == [1]
            assert json.loads(service.sent(key_of(month), 1)) == trust.month(number)


def a_refusal_is_mended_by_a_program(trust: Trust) -> None:
    """Each error has a code and a pointer into the body: the warehouse finds its two mistakes and its lost line by them."""
    trust.at("2027-03-03T06:00:00Z")
    right = trust.month(27)
    wrong = json.loads(json.dumps(right))
    wrong["cells"][3]["numerator"] = -1
    wrong["cells"][7]["site"] = "brest"
    with trust.client() as service, pytest.raises(Problem) as refused:
        service.submit(key_of(FEBRUARY), wrong)
    assert (refused.value.status, refused.value.code) == (422, "return_invalid")
    found = {(error["code"], error["pointer"]) for error in refused.value.errors}
    assert found == {("negative", "/cells/3/numerator"), ("unknown_site", "/cells/7/site"), ("cell_missing", "/cells")}
    assert all(error["fix"] for error in refused.value.errors)
    for error in refused.value.errors:
        _, _, *place = error["pointer"].split("/")
        if place:
            wrong["cells"][int(place[0])] = right["cells"][int(place[0])]
    with trust.client() as service:
        assert service.read(key_of(FEBRUARY))["status"] == "expected"
        assert service.submit(key_of(FEBRUARY), wrong)["revision"] == 1


def a_correction_is_tried_before_it_is_sent(trust: Trust) -> None:
    corrected = trust.month(23)
    corrected["cells"][0]["numerator"] -= 1
    with trust.client("answer_lost") as service:
        tried = service.submit(key_of(MONTHS[-1]), corrected, dry_run=True)
        assert (tried["revision"], service.read(key_of(MONTHS[-1]))["latest_revision"]) == (None, 1)
    assert tried["effect"]
    assert {row["subcontract"] for row in tried["effect"]} == {TRUST}
    (whole,) = [row for row in tried["effect"] if row["slice"] == "subcontract"]
    assert (whole["measure"], whole["numerator_after"] - whole["numerator_before"]) == ("CWT-FDS", -1)


def a_question_is_answered_and_only_what_is_clean_is_accepted(trust: Trust) -> None:
    question = {"text": "Is the second theatre in this?", "cells": [{"measure": "CWT-31"}]}
    trust.integrator.post(f"{key_of(JANUARY).path}/queries", question, status=201)
    trust.at("2027-03-05T06:00:00Z")
    with trust.client("answer_lost") as service:
        (asked,) = service.queries(PROGRAMME, is_open=True)
    assert (asked["month"], asked["text"], asked["due_on"]) == (JANUARY, question["text"], "2027-03-10")
    with trust.client("refused", "request_lost", "answer_lost") as service:
        answered = service.answer(key_of(JANUARY), asked["query"], "It is, since the 5th.")
        assert ([said["act"] for said in answered["thread"]], answered["state"]) == (["asked", "answered"], "answered")
        assert list(service.queries(PROGRAMME, is_open=True)) == []
    with trust.client(key=trust.integrator.key) as service:
        verdicts = [service.accept_many(PROGRAMME, waiting={"month": month}) for month in (NOVEMBER, JANUARY)]
    assert [[(each["subcontract"], each["accepted"], each["code"]) for each in every] for every in verdicts] == [
        [(TRUST, True, None)],
        [(TRUST, False, "not_clean")],
    ]


def it_waits_until_its_return_is_accepted(trust: Trust) -> None:
    """Asked now and then, its return says where it stands; whoever looked at the answer accepts it by itself."""
    seen: list[str] = []
    with trust.client() as service, trust.client(key=trust.integrator.key) as integrator:
        while not seen or seen[-1] != "accepted":
            (stands,) = service.returns(PROGRAMME, collection="cwt", month=JANUARY)
            seen.append(stands["status"])
            if len(seen) == 2:
                integrator.accept(key_of(JANUARY), revision=1)
    assert seen == ["queried", "queried", "accepted"]


def its_key_is_changed_while_it_works(trust: Trust) -> None:
    with trust.client() as old:
        second = trust.stage.second_key(old.who_am_i()["client"])
        with trust.client(key=second) as new:
            assert old.who_am_i() == new.who_am_i()
            for service, note in ((old, "by the first key"), (new, "by the second")):
                assert service.submit(key_of(FEBRUARY), trust.month(27, note=note))["revision"] in {2, 3}
            trust.stage.end_key(trust.key)
            assert new.submit(key_of(FEBRUARY), trust.month(27, note="by the second"))["duplicate_of"] == 3
            refused = refusal_of(old)
            assert (refused.status, refused.code, new.who_am_i()["subcontract"]) == (401, "unauthenticated", TRUST)
    trust.key = second


def refusal_of(service: Mainstem) -> Problem:
    """What is said to a key once it is dead: that is within a second."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        try:
            service.who_am_i()
        except Problem as problem:
            return problem
    raise AssertionError("the key is still alive")


def others_cannot_tell_its_returns_from_nothing(trust: Trust) -> None:
    """Another trust is told the same of a return, a question and a backfill that are there and of some that are not."""
    neighbour = trust.stage.party("preparer", subcontract=NEIGHBOUR)
    body = {"rest": "zero", "cells": []}

    def told(key: ReturnKey) -> list[dict[str, Any]]:
        calls: list[tuple[str, str, Any]] = [
            ("GET", end, None) for end in ("", "/guide", "/template.xlsx", "/revisions/1", "/revisions/1/file", "/queries/1")
        ]
        calls += [("POST", "/revisions", body), ("POST", "/queries/1/answer", {"text": "Yes."}), ("POST", "/acceptance", None)]
        answers = [neighbour.call(method, f"{key.path}{end}", said, status=404) for method, end, said in calls]
        return [{**answer.json(), "instance": None} for answer in answers]

    assert told(key_of(JANUARY)) == told(key_of(JANUARY, "SC-NONE"))
    assert neighbour.get(f"returns?subcontract={TRUST}")["returns"] == neighbour.get("queries")["queries"] == []
    # A commissioner reads what is published: lists are refused by role, and of one trust's return it knows nothing.
    commissioner = trust.stage.party("commissioner", commissioner="05W")
    for path in ("returns", "queries", "quality", f"reports/{JANUARY}"):
        commissioner.get(path, status=403)
    commissioner.get(key_of(JANUARY).path, status=404)
    commissioner.post(f"{key_of(JANUARY).path}/revisions", body, status=404)
