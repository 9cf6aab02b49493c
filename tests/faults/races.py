"""R2: two at once, started together at a barrier; whoever comes first, no invariant is broken."""

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import httpx
import psycopg

from app.access.actions import create_client, revoke_client
from app.calendar.expected import ReturnKey
from app.db.session import open_session
from app.db.tenancy import INSTALLATION
from app.kernel.actors import MACHINE
from app.kernel.moments import TICK
from tests.faults import kept, load
from tests.support.clock import Clock
from tests.support.databases import Database
from tests.support.http import Web, serving

Call = Callable[[], httpx.Response]
_DEAD_SECONDS: Final = 1
_OFTEN: Final = 40
_NEVER: Final = timedelta(days=36_500)
_CONFIGURATION: Final = f"/v1/programmes/{load.PROGRAMME}/configuration"


@dataclass
class Parties:
    """Whoever races: the programme's people on a served application, and an administrator who looks behind the walls."""

    web: Web
    clock: Clock
    administrator: psycopg.Connection[Any]
    etag: str = ""
    manager: str = ""
    waits_seconds: float = 0.1
    """How long an acceptance waits so that a publication comes before it about as often as after it."""
    approvers: dict[str, str] = field(default_factory=dict)
    preparers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manager = self.client("contract_manager")[1]
        self.preparers = {reference: self.client("preparer", reference)[1] for reference in load.SUBCONTRACTS}
        self.approvers = {reference: self.client("approver", reference)[1] for reference in load.SUBCONTRACTS}
        first = self.put(load.document(freezes=True))
        assert first.status_code == httpx.codes.CREATED, first.text

    def client(self, role: str, subcontract: str | None = None, *, programme: str = load.PROGRAMME) -> tuple[str, str]:
        """The id and the key of a new client."""
        with open_session(self.web.database.engine, INSTALLATION) as session:
            who: dict[str, Any] = {"name": "faults", "role": role, "programme": programme, "subcontract": subcontract}
            made = create_client(session, **who, actor=MACHINE, now=self.clock(), lifetime=_NEVER)
            session.commit()
        return made

    def submit(self, sent: load.Submission, *, body: bytes | None = None, by: str | None = None) -> httpx.Response:
        return self.web.request(
            "POST",
            sent.path,
            key=by or self.preparers[sent.key.subcontract],
            content=body or sent.body,
            headers={"Idempotency-Key": sent.idempotency_key},
        )

    def accept(self, key: ReturnKey, *, revision: int | None = None) -> httpx.Response:
        said = None if revision is None else {"revision": revision}
        return self.web.post(f"{load.address(key)}/acceptance", said, key=self.manager)

    def put(self, document: dict[str, Any]) -> httpx.Response:
        """Bring another document into force, if it is still the one before that is in force."""
        condition = {"If-Match": self.etag} if self.etag else {"If-None-Match": "*"}
        answer = self.web.put(_CONFIGURATION, document, key=self.manager, headers=condition)
        self.etag = answer.headers.get("ETag", self.etag)
        return answer

    def count(self, key: ReturnKey) -> int:
        """How many revisions a return has on disk."""
        query = "SELECT count(*) FROM revisions WHERE collection = %s AND subcontract = %s AND month = %s"
        row = self.administrator.execute(query, (key.collection, key.subcontract, key.month.ordinal)).fetchone()
        assert row is not None
        return int(row[0])

    def stands(self, key: ReturnKey) -> tuple[str, int, int | None]:
        """A return's status, its latest revision and its accepted one, on disk."""
        query = (
            "SELECT status, latest_revision, accepted_revision FROM returns"
            " WHERE closed_at IS NULL AND collection = %s AND subcontract = %s AND month = %s"
        )
        row = self.administrator.execute(query, (key.collection, key.subcontract, key.month.ordinal)).fetchone()
        return ("expected", 0, None) if row is None else (row[0], row[1], row[2])


@contextmanager
def parties(database: Database) -> Iterator[Parties]:
    clock = Clock(datetime(2006, 1, 2, 9, tzinfo=UTC))
    quiet = replace(database, settings=database.settings.model_copy(update={"log_level": "error"}))
    superuser = str(database.urls.superuser)
    with serving(quiet, clock=clock) as web, psycopg.connect(superuser, autocommit=True) as administrator:
        yield Parties(web, clock, administrator)


def together(*calls: Call, last_waits_seconds: float = 0) -> list[httpx.Response]:
    """The answers to calls that all start at once, but for the last where it would always come first."""
    barrier, last = threading.Barrier(len(calls)), calls[-1]

    def start(call: Call) -> httpx.Response:
        barrier.wait(timeout=30)
        if last_waits_seconds and call is last:
            threading.Event().wait(last_waits_seconds)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(start, calls))


def _statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def _code(answer: httpx.Response) -> str:
    """Of a refusal."""
    return "" if answer.is_success else str(answer.json()["code"])


def _of(collection: str, subcontract: str, number: int) -> ReturnKey:
    return ReturnKey(collection, subcontract, load.FIRST.plus(number))


def _way(*, first: bool) -> str:
    return "first" if first else "second"


def same_key_and_body(who: Parties, number: int, chance: Random) -> str:
    """One effect, one answer."""
    sent = load.submission(chance, _of(load.ITSELF, "SC-1", number))
    answers = together(*[lambda: who.submit(sent)] * 2)
    replayed = ["Idempotent-Replayed" in answer.headers for answer in answers]
    assert _statuses(answers) == [201, 201]
    assert answers[0].content == answers[1].content
    assert sorted(replayed) == [False, True]
    assert who.count(sent.key) == 1
    return _way(first=replayed[1])


def same_key_other_body(who: Parties, number: int, chance: Random) -> str:
    """One wins, the other is told that its key names another request."""
    sent = load.submission(chance, _of(load.ITSELF, "SC-2", number))
    other = load.submission(chance, sent.key)
    answers = together(lambda: who.submit(sent), lambda: who.submit(sent, body=other.body))
    assert _statuses(answers) == [201, 422]
    assert {_code(answer) for answer in answers} == {"", "idempotency_key_reused"}
    assert who.count(sent.key) == 1
    return _way(first=answers[0].is_success)


def two_revisions(who: Parties, number: int, chance: Random) -> str:
    """Both are kept, as 1 and 2."""
    key = _of(load.ITSELF, "SC-3", number)
    first, second = load.submission(chance, key), load.submission(chance, key)
    answers = together(lambda: who.submit(first), lambda: who.submit(second))
    assert _statuses(answers) == [201, 201]
    given = [answer.json()["revision"] for answer in answers]
    assert sorted(given) == [1, 2]
    assert who.stands(key) == ("accepted", 2, 2)
    return _way(first=given == [1, 2])


def two_acceptances(who: Parties, number: int, chance: Random) -> str:
    """One accepts, the other is told that it is accepted."""
    key = _of(load.BY_HAND, "SC-1", number)
    assert who.submit(load.submission(chance, key)).status_code == httpx.codes.CREATED
    answers = together(*[lambda: who.accept(key)] * 2)
    assert _statuses(answers) == [200, 409]
    assert {_code(answer) for answer in answers} == {"", "wrong_status"}
    assert who.stands(key) == ("accepted", 1, 1)
    return _way(first=answers[0].is_success)


def submit_against_acceptance(who: Parties, number: int, chance: Random) -> str:
    """The acceptance is of the revision that was looked at, or of none."""
    key = _of(load.BY_HAND, "SC-2", number)
    assert who.submit(load.submission(chance, key)).status_code == httpx.codes.CREATED
    sent = load.submission(chance, key)
    submitted, accepted = together(lambda: who.submit(sent), lambda: who.accept(key, revision=1))
    assert submitted.status_code == httpx.codes.CREATED
    assert _code(accepted) in {"", "not_latest"}
    assert who.stands(key) == ("submitted", 2, 1 if accepted.is_success else None)
    return _way(first=not accepted.is_success)


def query_against_acceptance(who: Parties, number: int, chance: Random) -> str:
    """Both are done, and the return stands where the later one left it."""
    key = _of(load.CLOSING, "SC-2", number)
    assert who.submit(load.submission(chance, key)).status_code == httpx.codes.CREATED
    question = {"text": "Is this the whole month?", "revision": 1}
    asked, accepted = together(
        lambda: who.web.post(f"{load.address(key)}/queries", question, key=who.manager), lambda: who.accept(key, revision=1)
    )
    assert asked.status_code == httpx.codes.CREATED
    assert accepted.status_code == httpx.codes.OK
    status, latest, current = who.stands(key)
    assert status in {"queried", "accepted"}
    assert (latest, current) == (1, 1)
    return _way(first=status == "accepted")


def sign_off_against_submit(who: Parties, number: int, chance: Random) -> str:
    """Only the latest revision is signed: the further one has no signature."""
    key = _of(load.CLOSING, "SC-3", number)
    assert who.submit(load.submission(chance, key)).status_code == httpx.codes.CREATED
    sent = load.submission(chance, key)
    sign = {"revision": 1, "statement": "Checked against the theatre list."}
    signed, submitted = together(
        lambda: who.web.post(f"{load.address(key)}/sign-off", sign, key=who.approvers[key.subcontract]), lambda: who.submit(sent)
    )
    assert submitted.status_code == httpx.codes.CREATED
    assert _code(signed) in {"", "not_latest"}
    query = """
        SELECT revision, signed_at < recorded_at FROM sign_offs JOIN revisions USING (programme, collection, subcontract, month)
        WHERE (collection, subcontract, month, number) = (%s, %s, %s, 2)"""
    rows = who.administrator.execute(query, (key.collection, key.subcontract, key.month.ordinal)).fetchall()
    assert rows == ([(1, True)] if signed.is_success else [])
    assert who.stands(key) == ("submitted", 2, None)
    return _way(first=signed.is_success)


def submit_against_freeze(who: Parties, number: int, chance: Random) -> str:
    """What is recorded is recorded at the freeze or before; after it nothing moves."""
    key = _of(load.CLOSING, "SC-1", number)
    freeze = datetime.fromisoformat(who.web.get(load.address(key), key=who.manager).json()["freeze"]["instant"])
    who.clock.now = freeze - timedelta(hours=1)
    assert who.submit(load.submission(chance, key)).status_code == httpx.codes.CREATED
    who.clock.now = freeze - TICK * chance.randint(0, 2)
    sent = load.submission(chance, key)

    def freezes() -> httpx.Response:
        who.clock.now = freeze + TICK
        return httpx.Response(204)

    submitted, accepted, _ = together(lambda: who.submit(sent), lambda: who.accept(key), freezes, last_waits_seconds=chance.random() / 25)
    late = [who.submit(load.submission(chance, key)), who.accept(key)]
    assert {_code(answer) for answer in late} == {"return_frozen"}
    # A second acceptance of nothing new is refused for that, before the freeze.
    assert {_code(submitted), _code(accepted)} <= {"", "return_frozen"}
    assert who.count(key) == 1 + submitted.is_success
    query = "SELECT max(recorded_at) FROM returns WHERE collection = %s AND subcontract = %s AND month = %s"
    row = who.administrator.execute(query, (key.collection, key.subcontract, key.month.ordinal)).fetchone()
    assert row is not None
    assert row[0] <= freeze
    return _way(first=submitted.is_success)


def submit_against_unassignment(who: Parties, number: int, chance: Random) -> str:
    """The cells are in use, or no longer owed: never both, never neither."""
    key = _of(load.ITSELF, "SC-4", number + 1)
    longer, shorter = (
        load.document(freezes=True, assignments=load.assignments(to_month=str(month))) for month in (key.month, key.month.plus(-1))
    )
    extended = who.put(longer)
    assert extended.status_code == httpx.codes.OK
    sent = load.submission(chance, key)
    submitted, applied = together(lambda: who.submit(sent), lambda: who.put(shorter), last_waits_seconds=chance.random() / 12)
    assert submitted.is_success != applied.is_success
    if submitted.is_success:
        assert "in_use" in {fault["code"] for fault in applied.json()["errors"]} | {_code(applied)}
    else:
        assert submitted.status_code in {404, 422}
    assert who.count(key) == submitted.is_success
    return _way(first=submitted.is_success)


def submit_against_revocation(who: Parties, number: int, chance: Random) -> str:
    """Whoever asks a second after the revocation is nobody; until then what was answered for is kept."""
    key = _of(load.BY_HAND, "SC-3", number)
    client, secret = who.client("preparer", key.subcontract)
    submissions = [load.submission(chance, key) for _ in range(12)]
    # Half of them are known already when they are revoked.
    answers = [who.submit(submissions.pop(), by=secret) for _ in range(number % 2)]

    def revoke() -> httpx.Response:
        with open_session(who.web.database.engine, INSTALLATION) as session:
            revoke_client(session, client, actor=MACHINE, now=who.clock())
            session.commit()
        return httpx.Response(204)

    raced = together(revoke, lambda: who.submit(submissions.pop(), by=secret), last_waits_seconds=chance.random() / 15)[-1]
    answers.append(raced)
    dead = time.monotonic() + _DEAD_SECONDS
    while time.monotonic() < dead:
        if len(submissions) > 1:
            answers.append(who.submit(submissions.pop(), by=secret))
        time.sleep(0.1)
    assert who.submit(submissions.pop(), by=secret).status_code == httpx.codes.UNAUTHORIZED
    assert answers[0].is_success or number % 2 == 0
    assert set(_statuses(answers)) <= {201, 401}
    assert who.count(key) == sum(answer.is_success for answer in answers)
    return _way(first=raced.is_success)


@dataclass(frozen=True, slots=True)
class Press:
    """A programme of a race's own, the smallest there is: what others published takes none of its time. A draft of its month is checked."""

    who: Parties
    programme: str
    manager: str

    @property
    def publications(self) -> str:
        return f"/v1/programmes/{self.programme}/publications"

    def publish(self) -> httpx.Response:
        return self.who.web.post(self.publications, {"month": str(_PUBLISHED.month), "reason": "A race."}, key=self.manager)

    def accept(self) -> httpx.Response:
        return self.who.web.post(f"{load.address(_PUBLISHED, programme=self.programme)}/acceptance", None, key=self.manager)


_PUBLISHED: Final = ReturnKey(load.CLOSING, "SC-1", load.LAST)


def _press(who: Parties, programme: str, *, prepared: bool) -> Press:
    manager, editor, preparer = (
        who.client(role, subcontract, programme=programme)[1]
        for role, subcontract in (("contract_manager", None), ("analyst", None), ("preparer", "SC-1"))
    )
    press, address = Press(who, programme, manager), load.address(_PUBLISHED, programme=programme)
    path = f"{press.publications}/drafts/{_PUBLISHED.month}"
    cell = {"measure": load.measure_of(_PUBLISHED), "numerator": 1, "denominator": 2}
    steps: list[Call] = [
        lambda: who.web.put(
            f"/v1/programmes/{programme}/configuration", load.smallest(programme), key=manager, headers={"If-None-Match": "*"}
        ),
        lambda: who.web.post(f"{address}/revisions", {"cells": [cell]}, key=preparer),
        *([lambda: who.web.post(f"{path}/preparations", None, key=editor)] if prepared else []),
        lambda: who.web.put(path, {"commentary": ""}, key=editor, headers={"If-None-Match": "*"}),
    ]
    answers = [step() for step in steps]
    answers.append(who.web.post(f"{path}/check", {"inputs_sha256": answers[-1].json()["inputs_sha256"]}, key=manager))
    refused = [answer.text for answer in answers if not answer.is_success]
    assert refused == []
    return press


def publish_against_acceptance(who: Parties, number: int, chance: Random) -> str:
    """What was accepted first is in the draft no longer looked at, so nothing is published; else it is published without, and waits."""
    press = _press(who, f"late-{number}", prepared=chance.random() < 0.5)
    waits_seconds = who.waits_seconds * (0.5 + chance.random())
    published, accepted = together(press.publish, press.accept, last_waits_seconds=waits_seconds)
    # Shorter after each time that it came last, else longer: so either comes first about as often, however busy the machine is.
    who.waits_seconds *= 0.8 if published.is_success else 1.25
    assert accepted.status_code == httpx.codes.OK
    assert _code(published) in {"", "draft_outdated"}
    query = """
        SELECT (SELECT recorded_at FROM returns WHERE accepted_revision = 1 AND programme = %(programme)s)
            < (SELECT max(recorded_at) FROM events WHERE action = 'publication.published' AND programme = %(programme)s)"""
    row = who.administrator.execute(query, {"programme": press.programme}).fetchone()
    assert row == ((False,) if published.is_success else (None,))
    if published.is_success:
        read = who.web.get(f"{press.publications}/1/manifest", key=press.manager).json()["returns"]
        assert [each["revision"] for each in read] == [None]
    return _way(first=published.is_success)


def publish_against_publish(who: Parties, number: int, chance: Random) -> str:
    """One publishes, the other is told that there is nothing left to publish."""
    press = _press(who, f"twice-{number}", prepared=chance.random() < 0.5)
    answers = together(press.publish, press.publish)
    assert _statuses(answers) == [201, 409]
    assert {_code(answer) for answer in answers} == {"", "not_drafted"}
    query = "SELECT count(*), max(sequence) FROM publications WHERE programme = %s"
    assert who.administrator.execute(query, (press.programme,)).fetchone() == (1, 1)
    return _way(first=answers[0].is_success)


@dataclass(frozen=True, slots=True)
class Race:
    """A kind of race. Several may run beside each other where each takes long by the clock on the wall."""

    says: str
    run: Callable[[Parties, int, Random], str]
    """Races once; which of the two came first, or an AssertionError."""
    beside: int = 1
    either: bool = False
    """Each of the two comes first sometimes, wherever it is raced often."""


RACES: Final = (
    Race("the same key and body twice", same_key_and_body),
    Race("the same key with another body", same_key_other_body),
    Race("two revisions of one return", two_revisions),
    Race("two acceptances", two_acceptances),
    Race("submit against acceptance", submit_against_acceptance),
    Race("query against acceptance", query_against_acceptance),
    Race("sign-off against submit", sign_off_against_submit),
    Race("submit against unassignment", submit_against_unassignment),
    Race("publish against a late acceptance", publish_against_acceptance, either=True),
    Race("publish against publish", publish_against_publish, either=True),
    Race("submit against the revocation of its key", submit_against_revocation, beside=10),
    # Last, for it moves the clock.
    Race("submit and accept against the freeze", submit_against_freeze),
)


@dataclass(slots=True)
class Raced:
    """How often a race was run, how often the first of the two came first, and what it broke."""

    kind: Race
    ways: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)

    @property
    def says(self) -> str:
        raced = self.ways.total()
        return f"{self.kind.says}: {raced} races (the first came first in {self.ways['first']}), {len(self.broken)} broken"


def race(who: Parties, kind: Race, *, count: int, seed: int) -> Raced:
    """Run a race so many times, and look at the tables after each."""
    raced = Raced(kind)

    def once(number: int) -> str | None:
        try:
            return kind.run(who, number, Random(f"{seed}/{kind.says}/{number}"))
        except AssertionError as error:
            raced.broken.append(f"{kind.says}, number {number}: {traceback.extract_tb(error.__traceback__)[-1].line}")
            return None

    with ThreadPoolExecutor(kind.beside) as threads:
        for first in range(0, count, kind.beside):
            raced.ways.update(way for way in threads.map(once, range(first, min(first + kind.beside, count))) if way)
            raced.broken += [f"{kind.says}, by number {first}: {sentence}" for sentence in kept.broken(who.administrator)]
    raced.broken += kept.broken_chain(who.administrator)
    if kind.either and raced.ways.total() >= _OFTEN and len(raced.ways) == 1:
        raced.broken.append(f"{kind.says}: one of the two never came first")
    return raced
