"""The client against the real service behind a real socket, with a network that drops connections in between."""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

import pytest

from app.client import Mainstem, Problem, ReturnKey, Unreachable
from app.client.connection import Pause
from app.client.mainstem import write_json
from tests.returns.conftest import Programme, set_up
from tests.returns.programme import CWT, HOSPICE, PROGRAMME, cwt_body, hospice_body
from tests.support.databases import Database
from tests.support.sockets import BadNetwork, Fate, listening

CWT_KEY = ReturnKey(PROGRAMME, CWT.collection, CWT.subcontract, str(CWT.month))
HOSPICE_KEY = ReturnKey(PROGRAMME, HOSPICE.collection, HOSPICE.subcontract, str(HOSPICE.month))


@dataclass
class Served:
    programme: Programme
    address: str


@pytest.fixture(scope="module")
def served(module_database: Database) -> Iterator[Served]:
    with set_up(module_database) as programme, listening(module_database, clock=programme.clock) as address:
        yield Served(programme, address)


@dataclass
class Waits:
    """A pause that is only written down."""

    seconds: list[float]
    said: list[str] = field(default_factory=list)

    def pause(self) -> Pause:
        return Pause(sleep=self.seconds.append, chance=lambda: 0.0, say=self.said.append)


def revisions(served: Served, key: ReturnKey) -> int:
    return len(served.programme.all(f"SELECT 1 FROM revisions WHERE collection = '{key.collection}' AND subcontract = '{key.subcontract}'"))


@pytest.mark.parametrize(
    "fates",
    [
        ["refused"],
        ["request_lost"],
        ["answer_lost"],
        ["answer_lost", "refused", "request_lost", "answer_lost"],
    ],
    ids=" ".join,
)
def test_a_return_is_received_once_whatever_the_network_drops(served: Served, fates: list[Fate]) -> None:
    before = revisions(served, CWT_KEY)
    network = BadNetwork(served.address, deque(fates))
    waits = Waits([])
    body = cwt_body(note=f"{len(fates)} {fates[0]}")
    with network.between() as address, Mainstem(address, served.programme.preparer("SC-RJE"), pause=waits.pause()) as service:
        receipt = service.submit(CWT_KEY, body)
    assert network.met == len(fates) + 1
    assert waits.seconds == [0.125 * 2**attempt for attempt in range(len(fates))]
    assert [re.sub(r"\(\w+\)", "(…)", said) for said in waits.said] == [
        f"No answer from 127.0.0.1 (…); trying again in {seconds:.1f} s." for seconds in waits.seconds
    ]
    assert receipt["revision"] == revisions(served, CWT_KEY) == before + 1


def test_silence_says_how_to_find_out(served: Served) -> None:
    network = BadNetwork(served.address, deque(["answer_lost"] * 3))
    key = served.programme.preparer("SC-RJE")
    with network.between() as address, Mainstem(address, key, tries=3, pause=Waits([]).pause()) as service:
        with pytest.raises(Unreachable) as silence:
            service.submit(CWT_KEY, cwt_body(note="silence"))
        kept = revisions(served, CWT_KEY)
        found = service.submit(CWT_KEY, cwt_body(note="silence"), idempotency_key=silence.value.idempotency_key)
    assert found["revision"] == revisions(served, CWT_KEY) == kept


def test_a_refusal_is_not_tried_again_and_names_everything(served: Served) -> None:
    network, waits = BadNetwork(served.address), Waits([])
    key, wrong = served.programme.preparer("SC-RJE"), {"cells": [{"measure": "NONE"}, {"measure": "NEITHER"}]}
    with network.between() as address, Mainstem(address, key, pause=waits.pause()) as service, pytest.raises(Problem) as refused:
        service.submit(CWT_KEY, wrong, dry_run=True)
    assert (refused.value.status, refused.value.code, waits.seconds) == (422, "return_invalid", [])
    assert [fault["pointer"] for fault in refused.value.errors if fault["code"] == "unknown_measure"] == [
        "/cells/0/measure",
        "/cells/1/measure",
    ]


def test_lists_are_read_to_their_end_and_figures_keep_every_digit(served: Served) -> None:
    with Mainstem(served.address, served.programme.preparer("SC-H9901")) as service:
        assert service.who_am_i() | {"client": ""} == {
            "client": "",
            "name": "Test preparer",
            "role": "preparer",
            "programme": PROGRAMME,
            "subcontract": "SC-H9901",
            "commissioner": None,
        }
        months = [row["month"] for row in service.returns(PROGRAMME)]
        assert months == sorted(months)
        assert len(months) == len(set(months)) > 3
        service.submit(HOSPICE_KEY, hospice_body())
        cells = service.revision(HOSPICE_KEY, 1)["cells"]
        assert {type(cell["numerator"]) for cell in cells} <= {int, Decimal, type(None)}
        with pytest.raises(Problem) as refused:
            service.read(CWT_KEY)
        assert refused.value.status == 404


def test_a_pause_is_as_long_as_the_service_asks_and_never_for_ever() -> None:
    waits = Waits([])
    for attempt, asked in ((0, None), (0, 7.0), (3, 1.0), (20, None), (0, 3600.0)):
        waits.pause().before(attempt, asked, why="no answer")
    assert waits.seconds == [0.125, 7.0, 1.0, 30.0, 30.0]


def test_a_decimal_is_written_with_every_digit() -> None:
    assert write_json({"numerator": Decimal("0.1000000000000000055")}) == b'{"numerator": "0.1000000000000000055"}'
    with pytest.raises(TypeError, match="holds no set"):
        write_json({"cells": {1}})
