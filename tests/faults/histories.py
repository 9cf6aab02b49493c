"""R3: random histories of returns, as a reference model of plain dictionaries and fractions tells them and as the service does."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from random import Random
from typing import Any, ClassVar, Final

import httpx
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from app.calendar.expected import ReturnKey
from app.kernel.moments import TICK, moment_text
from app.kernel.months import Month
from app.web.idempotency import KEPT
from tests.faults import load
from tests.faults.races import Parties

STEPS: Final = 8
_COLLECTIONS: Final = st.sampled_from((load.ITSELF, load.BY_HAND, load.CLOSING))
_FIGURES: Final = st.integers(0, 2**32)
_ORDINAL: Final = st.sampled_from(("unsaid", "latest", "before"))
"""Which revision an act names."""


@dataclass
class Return:
    """What the model knows of a return."""

    key: ReturnKey
    status: str = "expected"
    accepted: int | None = None
    sent: list[load.Submission] = field(default_factory=list)
    signed: set[int] = field(default_factory=set)

    @property
    def stands(self) -> tuple[str, int, int | None]:
        return self.status, len(self.sent), self.accepted


def told(answer: httpx.Response, status: int, code: str = "") -> None:
    """The model says that the service answers so: a status, and of a refusal its code."""
    said = (answer.status_code, "" if answer.is_success else answer.json()["code"])
    assert said == (status, code), f"the service says {said}, the model {(status, code)}"


class Histories(RuleBasedStateMachine):
    """One subcontract's returns of one month, from nothing."""

    who: ClassVar[Parties]
    numbers: ClassVar[Iterator[int]]
    places: ClassVar["Places"]

    def __init__(self) -> None:
        super().__init__()
        self.number = next(self.numbers)
        self.subcontract, self.month = self.places.fresh()
        self.returns = {code: Return(ReturnKey(code, self.subcontract, self.month)) for code in (load.ITSELF, load.BY_HAND, load.CLOSING)}
        self.past: list[tuple[datetime, str, tuple[str, int, int | None]]] = []
        self.keys: dict[str, tuple[datetime, int]] = {}
        self.frozen = False
        self.touched = load.ITSELF

    def _is_frozen(self, code: str) -> bool:
        return self.frozen and code == load.CLOSING

    def _did(self, code: str) -> None:
        """Remember where the return stands from this moment on."""
        query = "SELECT max(recorded_at) FROM returns WHERE collection = %s AND subcontract = %s AND month = %s"
        row = self.who.administrator.execute(query, (code, self.subcontract, self.month.ordinal)).fetchone()
        assert row is not None
        self.past.append((row[0], code, self.returns[code].stands))

    @rule(code=_COLLECTIONS, figures=_FIGURES)
    def submit(self, code: str, figures: int) -> None:
        return_ = self.returns[code]
        sent = load.submission(Random(f"{self.number}/{len(self.past)}/{len(return_.sent)}/{figures}"), return_.key)
        answer = self.who.submit(sent)
        if self._is_frozen(code):
            told(answer, 409, "return_frozen")
            return
        return_.sent.append(sent)
        self.keys[sent.idempotency_key] = (self.who.clock.now, 201)
        return_.status = "accepted" if code == load.ITSELF else "submitted"
        return_.accepted = len(return_.sent) if code == load.ITSELF else return_.accepted
        told(answer, 201)
        said = answer.json()
        assert (said["status"], said["revision"], said["accepted_revision"]) == return_.stands
        self._did(code)
        self.touched = code

    @rule(code=_COLLECTIONS, same_key=st.booleans())
    def submit_again(self, code: str, *, same_key: bool) -> None:
        """What is the latest revision already: also of a frozen return that is no news."""
        return_ = self.returns[code]
        if not return_.sent:
            return
        last, now = return_.sent[-1], self.who.clock.now
        answer = self.who.submit(last) if same_key else self.who.web.request("POST", last.path, key=self.who.manager, content=last.body)
        used_at, first = self.keys[last.idempotency_key]
        replayed = same_key and now - used_at <= KEPT
        if same_key and not replayed:
            self.keys[last.idempotency_key] = (now, 200)
        told(answer, first if replayed else 200)
        assert answer.json()["revision"] == len(return_.sent)
        assert ("Idempotent-Replayed" in answer.headers) == replayed

    @rule(code=_COLLECTIONS, figures=_FIGURES)
    def submit_part(self, code: str, figures: int) -> None:
        """A cell is missing: nothing of it is kept."""
        whole = load.submission(Random(figures), self.returns[code].key)
        body = json.loads(whole.body)
        part = {**body, "cells": body["cells"][1:]}
        told(self.who.web.post(whole.path, part, key=self.who.manager), 422, "return_invalid")

    def _named(self, return_: Return, which: str) -> int | None:
        """The revision that an act names; None where there is none to name."""
        number = {"unsaid": 0, "latest": len(return_.sent), "before": len(return_.sent) - 1}[which]
        return number if number > 0 else None

    @rule(code=_COLLECTIONS, which=_ORDINAL)
    def accept(self, code: str, which: str) -> None:
        return_ = self.returns[code]
        named = self._named(return_, which)
        answer = self.who.accept(return_.key, revision=named)
        if self._is_frozen(code):
            told(answer, 409, "return_frozen")
        elif named is not None and named != len(return_.sent):
            told(answer, 409, "not_latest")
        elif return_.status in {"expected", "accepted"}:
            told(answer, 409, "wrong_status")
        else:
            return_.status, return_.accepted = "accepted", len(return_.sent)
            told(answer, 200)
            self._did(code)
        self.touched = code

    @rule(code=_COLLECTIONS)
    def query(self, code: str) -> None:
        return_ = self.returns[code]
        answer = self.who.web.post(f"{load.address(return_.key)}/queries", {"text": "Is this so?"}, key=self.who.manager)
        if self._is_frozen(code):
            told(answer, 409, "return_frozen")
        elif return_.status == "expected":
            told(answer, 409, "wrong_status")
        else:
            return_.status = "queried"
            told(answer, 201)
            self._did(code)
        self.touched = code

    @rule(code=_COLLECTIONS, which=_ORDINAL)
    def sign(self, code: str, which: str) -> None:
        return_ = self.returns[code]
        named = self._named(return_, which) or 1
        answer = self.who.web.post(f"{load.address(return_.key)}/sign-off", {"revision": named}, key=self.who.approvers[self.subcontract])
        if self._is_frozen(code):
            told(answer, 409, "return_frozen")
        elif return_.status == "expected":
            told(answer, 409, "wrong_status")
        elif named != len(return_.sent):
            told(answer, 409, "not_latest")
        elif named in return_.signed:
            told(answer, 409, "already_signed")
        else:
            return_.signed.add(named)
            told(answer, 200)
        self.touched = code

    @precondition(lambda self: self.touched == load.CLOSING)
    @rule()
    def freeze(self) -> None:
        """The freeze of this month passes, for every history."""
        said = self.who.web.get(load.address(self.returns[load.CLOSING].key), key=self.who.manager).json()
        freeze = datetime.fromisoformat(said["freeze"]["instant"])
        # Reports are judged just after the freeze. A clock that stands at that very moment would let an act be recorded at it that they had been read without.
        self.who.clock.now = max(self.who.clock.now, freeze + 2 * TICK)
        self.frozen = True
        self.places.freeze(self.month)

    @invariant()
    def stands_where_the_model_says(self) -> None:
        return_ = self.returns[self.touched]
        said = self._read(return_.key)
        assert _stands(said) == return_.stands
        assert {each["revision"] for each in said["revisions"]} == set(range(1, len(return_.sent) + 1))
        assert {each["revision"] for each in said["revisions"] if each["sign_off"] is not None} == return_.signed

    def teardown(self) -> None:
        for moment, code, stood in self.past:
            assert _stands(self._read(self.returns[code].key, as_of=moment)) == stood
        query = f"/v1/programmes/{load.PROGRAMME}/reports/{self.month}?slice=subcontract"
        report = json.loads(self.who.web.get(query, key=self.who.manager).content, parse_float=Decimal)
        rows = {row["measure"]: row for row in report["observations"] if row["subcontract"] == self.subcontract}
        for return_ in self.returns.values():
            numerator, denominator, value = _pooled(return_)
            row = rows[load.measure_of(return_.key)]
            assert (row["numerator"], row["denominator"], row["value"]) == (numerator, denominator, value)

    def _read(self, key: ReturnKey, *, as_of: datetime | None = None) -> dict[str, Any]:
        query = "" if as_of is None else f"?as_of={moment_text(as_of)}"
        answer = self.who.web.get(f"{load.address(key)}{query}", key=self.who.manager)
        assert answer.status_code == httpx.codes.OK
        said: dict[str, Any] = answer.json()
        return said


def _stands(said: dict[str, Any]) -> tuple[str, int, int | None]:
    return said["status"], said["latest_revision"] or 0, said["accepted_revision"]


def _pooled(return_: Return) -> tuple[int | None, int | None, Decimal | None]:
    """The figures of the accepted revision, summed, and their ratio to six places: halves go to even."""
    if return_.accepted is None:
        return None, None, None
    figures = return_.sent[return_.accepted - 1].figures
    numerator, denominator = (sum(Fraction(figure[place]) for figure in figures) for place in (-2, -1))
    if not denominator:
        return int(numerator), int(denominator), None
    ratio = Fraction(numerator, denominator)
    with localcontext(prec=60):
        value = (Decimal(ratio.numerator) / ratio.denominator).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
    return int(numerator), int(denominator), value


class Places:
    """Subcontracts and months that no history has used; a month that is frozen is left behind."""

    def __init__(self) -> None:
        self._month = load.FIRST
        self._subcontracts = iter(load.SUBCONTRACTS)

    def fresh(self) -> tuple[str, Month]:
        subcontract = next(self._subcontracts, None)
        if subcontract is None:
            self._month, self._subcontracts = self._month.plus(1), iter(load.SUBCONTRACTS)
            return self.fresh()
        return subcontract, self._month

    def freeze(self, month: Month) -> None:
        if month == self._month:
            # Two on: the clock is then always more than the life of a key before the next freeze.
            self._month = month.plus(2)
            self._subcontracts = iter(load.SUBCONTRACTS)


def agree(who: Parties, *, count: int, from_seed: int) -> int:
    """Tell so many histories both ways; how many were told. An AssertionError where the two do not agree, with the shortest that shows it."""
    numbers = itertools.count()
    places = Places()

    class Here(Histories):
        pass

    Here.who, Here.numbers, Here.places = who, numbers, places
    run_state_machine_as_test(
        seed(from_seed)(Here),
        settings=settings(
            max_examples=count,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        ),
    )
    return next(numbers)
