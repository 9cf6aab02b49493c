"""Every operation, asked by every kind of caller about its own, another's, an absent and a malformed object (A1).

What each is to be answered stands in one table, `expected.txt`, a line an operation; one that is missing from it fails. A new operation joins like
this: `python -m tests.safety.matrix its_name` prints the line that the service gives it at present, to be doubted and then copied; a new path
parameter gets what stands for it in `objects_of`, and what is nowhere in `_NEVER`; a body that would change something for whoever asks next gets
one in `_ODDLY` that is refused after it is known who may; and what it shows of anybody gets that party's word in `tests/safety/world.py`.
"""

import io
import json
import re
import sys
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
from sqlalchemy import event

from app.settings import Settings
from tests.contract import served
from tests.safety.world import HERE, LEADS, MONTH, NEXT, NOWHERE, THERE, World, foreign, reference, world_of
from tests.support.databases import server_of

ROLES: Final = (
    "spanning", "administrator", "contract_manager", "analyst", "finance", "auditor", "preparer", "approver", "commissioner_lead", "commissioner",
)  # fmt: skip
"""The columns of the table, each a caller of the programme itself but `spanning`, an administrator of every programme."""


@dataclass(frozen=True)
class Caller:
    """A client: its role, and whose it is: a programme's (None spans them), and there the first or second subcontract's or commissioner's."""

    role: str
    programme: str | None = HERE
    number: int = 1

    @property
    def scope(self) -> dict[str, str]:
        scope = {} if self.programme is None else {"programme": self.programme}
        if self.of_subcontract:
            scope["subcontract"] = reference(self.programme or HERE, self.number)
        return scope | ({"commissioner": LEADS[self.number - 1]} if self.of_commissioner else {})

    @property
    def of_subcontract(self) -> bool:
        return self.role in {"preparer", "approver"}

    @property
    def of_commissioner(self) -> bool:
        return self.role.startswith("commissioner")


CALLERS: Final[Mapping[str, Caller]] = {
    "spanning": Caller("administrator", None),
    **{role: Caller(role) for role in ROLES[1:]},
    "another subcontract's preparer": Caller("preparer", number=2),
    "another commissioner's lead": Caller("commissioner_lead", number=2),
    "administrator of another programme": Caller("administrator", THERE),
    "contract manager of another programme": Caller("contract_manager", THERE),
    "preparer of another programme": Caller("preparer", THERE),
    "lead of another programme": Caller("commissioner_lead", THERE),
    "nobody": Caller(""),
    "holder of a dead key": Caller("finance"),
}
NO_KEY: Final = "nobody"
DEAD_KEY: Final = "holder of a dead key"

_EXPECTED: Final = Path(__file__).with_name("expected.txt")


@dataclass(frozen=True)
class Expectation:
    """What an operation answers: to each role about its own object, and to who may about one that is absent or malformed (None: no such case)."""

    own: Mapping[str, int]
    absent: int | None
    malformed: int | None


_FAULTS_TOGETHER: Final = {"get_report", "get_trend"}
"""A malformed month is told with whatever else is wrong with the parameters, to who may; elsewhere its shape is looked at before who asks."""


def expectations() -> dict[str, Expectation]:
    """The table, by operation."""
    found = {}
    for line in _EXPECTED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            operation, *statuses = line.split()
            numbers = [None if status == "-" else int(status) for status in statuses]
            own = {role: number for role, number in zip(ROLES, numbers, strict=False) if number is not None}
            found[operation] = Expectation(own, *numbers[len(ROLES) :])
    return found


@dataclass(frozen=True)
class Operation:
    """One operation of the contract."""

    name: str
    method: str
    path: str
    example: Any
    is_open: bool

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def subject(self) -> str | None:
        """The path parameter whose object the operation is about: the one that may be another's, or the last."""
        names = self.parameters
        mine = [name for name in ("client_key", "client", "backfill", "subcontract", "import", "assignment") if name in names]
        if "query" in names and "sequence" in names:
            return "query"
        return mine[0] if mine else names[-1] if names else None


def operations() -> list[Operation]:
    """Every operation of the contract as it is served."""
    found = []
    for path, item in served()["paths"].items():
        for method, said in item.items():
            content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
            example = content.get("example") or next((each["value"] for each in content.get("examples", {}).values()), None)
            found.append(Operation(said["operationId"], method.upper(), path, example, not said["security"]))
    return found


OWN: Final = "own"
OTHER: Final = "another's"
ELSEWHERE: Final = "another programme's"
ABSENT: Final = "absent"
MALFORMED: Final = "malformed"

_MALFORMED: Final = {
    "month": "2026-13", "day": "2026-02-30", "audience": "nobody", "phase": "0", "version": "0", "sequence": "0",
    "run": "0", "stated": "0", "true_up": "0",
}  # fmt: skip
_NEVER: Final = {
    "month": "2026-02", "day": "2030-01-02", "phase": "99", "version": "99", "sequence": "9", "commissioner": "99Q", "site": "QVZ",
    "measure": "QVZZZZ", "pathway": "qvqvqv", "collection": "qvc", "requirement": "QVZZZZ", "handover": "QVZ", "organisation": "QVQ", "successor": "QVQ",
    "programme": NOWHERE, "subcontract": reference(HERE, 9), "audience": "subcontract", "run": "99", "stated": "99", "true_up": "99",
}  # fmt: skip
"""What is nowhere, as long as what is somewhere; of what is not named here, the same with every letter and digit another."""
_KEYED: Final = {
    "put_programme": {"code": "programme"}, "put_commissioner": {"ods_code": "commissioner"}, "put_phase": {"number": "phase"},
    "put_site": {"code": "site"}, "put_pathway": {"code": "pathway"},
    "put_collection": {"code": "collection"}, "put_requirement": {"measure": "requirement"}, "put_subcontract": {"reference": "subcontract"},
    "put_handover": {"code": "handover"},
}  # fmt: skip
"""The members of a body that say again what the address says."""
_ODDLY: Final[Mapping[str, Any]] = {
    "put_measure": lambda objects: {"code": objects["measure"], "version": int(objects["version"]), "name": "One"},
    "put_organisation": lambda objects: {
        "organisation": {"ods_code": objects["organisation"], "name": "One", "kind": "other"},
        "why": "So.",
    },
    "end_assignment": {"to_month": "1999-01"},
    "approve_phase_decision": {"number": 99},
    "propose_measure": {"line": {"code": "QVZ", "name": "Another", "unit": "count", "direction": "higher"}, "reason": "It is another."},
    "approve_measure": {"number": 99},
    "state_settlement_input": {"contract_year": 99, "kind": "actual_cost", "value": 1, "source": "Ledger"},
    "withdraw_baselines": {"measures": ["CWT-FDS"], "reason": "It was never agreed."},
}
"""Bodies other than the documented examples: what would change something for whoever asks next is refused, but not before who may."""
_QUERIES: Final = {
    "delete_succession": "?why=So.", "delete_calendar_day": "?why=So.", "list_measure_differences": "?from=1&to=1",
    "list_handover_comparisons": f"?month={MONTH}", "get_sources": "?measure=CWT-62", "get_funnel": "?measure=CWT-62",
    "get_standing": f"?measure=CWT-62&month={MONTH}", "list_agreement": f"?month={MONTH}",
}  # fmt: skip


def _never(name: str, value: str) -> str:
    return _NEVER.get(name) or re.sub(r"[0-9a-z]", lambda found: "0" if found[0] != "0" else "1", value)


@dataclass(frozen=True)
class Request:
    """What is asked: an operation about the objects of one kind, as one caller."""

    operation: Operation
    caller: str
    kind: str
    objects: Mapping[str, str]

    @property
    def path(self) -> str:
        return self.operation.path.format(**self.objects) + _QUERIES.get(self.operation.name, "")

    @property
    def body(self) -> Any:
        """The documented example, about the objects of the address."""
        name = self.operation.name
        body = _ODDLY.get(name, self.operation.example)
        if callable(body):
            return body(self.objects)
        again = {member: self.objects[parameter] for member, parameter in _KEYED.get(name, {}).items()}
        return {**body, **{member: int(code) if code.isdigit() else code for member, code in again.items()}} if again else body

    def __str__(self) -> str:
        return f"{self.operation.name} of {self.kind} by {self.caller}"


@dataclass
class Asked:
    """An answer, and the statements that the database was sent for it."""

    answer: httpx.Response
    statements: list[str]

    @property
    def told(self) -> tuple[Any, ...]:
        """All that the caller can tell of it but the request's own ids."""
        headers = {name: value for name, value in self.answer.headers.items() if name not in {"x-request-id", "traceparent", "date"}}
        content = re.sub(rb"urn:mainstem:request:[0-9a-zA-Z-]+", b"", self.answer.content)
        return self.answer.status_code, sorted(headers.items()), content, self.statements


@dataclass
class Matrix:
    """Asks the world, and keeps the statements that its database is sent meanwhile."""

    world: World
    statements: list[str] = field(default_factory=list)
    named: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """What each caller has sent so far."""

    def request(self, operation: Operation, caller: str, kind: str) -> Request | None:
        """What is asked, or None where there is no such case."""
        who, subject = CALLERS[caller], operation.subject
        number = who.number
        programme = who.programme or HERE
        if kind == OTHER:
            number = 3 - number
        if kind == ELSEWHERE:
            programme = THERE if programme == HERE else HERE
        objects = objects_of(self.world, operation, programme, number)
        if kind in {ABSENT, MALFORMED} and subject is not None:
            objects[subject] = _never(subject, objects[subject]) if kind == ABSENT else _MALFORMED.get(subject, "no code!")
        found = Request(operation, caller, kind, objects)
        return found if kind == OWN or self._is_a_case(found, subject) else None

    @staticmethod
    def _is_a_case(request: Request, subject: str | None) -> bool:
        who = CALLERS[request.caller]
        if subject is None or request.caller in {NO_KEY, DEAD_KEY}:
            return False
        if request.kind == OTHER:
            return (who.of_subcontract and subject in {"subcontract", "backfill", "delegation"}) or (
                who.of_commissioner and subject == "query"
            )
        if request.kind == ELSEWHERE:
            return who.programme is not None and not {"programme", "client"}.isdisjoint(request.operation.parameters)
        return True

    def ask(self, request: Request) -> Asked:
        operation, key = request.operation, self.key(request.caller)
        headers = {"If-Match": '"stale"'} if operation.method in {"PUT", "DELETE"} else {}
        content = json.dumps(request.body).encode() if request.body is not None else None
        if key is not None and request.caller != DEAD_KEY:
            # Who it is, is known for half a second: finding out is no part of what is compared.
            self.world.web.get("/v1/me", key=key)
        self.named[request.caller] |= {request.path, json.dumps(request.body)}
        self.statements.clear()
        answer = self.world.web.request(operation.method, request.path, key=key, content=content, headers=headers)
        return Asked(answer, list(self.statements))

    def key(self, caller: str) -> str | None:
        if caller in {NO_KEY, DEAD_KEY}:
            return None if caller == NO_KEY else self.world.dead_key
        return self.world.key(CALLERS[caller].role, **CALLERS[caller].scope)


def objects_of(world: World, operation: Operation, programme: str, number: int) -> dict[str, str]:
    """What stands for each path parameter: the objects of one subcontract and one commissioner in one programme."""
    held, lead, mine = world.objects[programme], LEADS[number - 1], reference(programme, number)
    site = f"QV{mine[5]}"
    client, key = world.person("preparer", programme=programme, subcontract=reference(programme, 3))
    return {
        "programme": programme, "subcontract": mine, "collection": "cwt", "month": NEXT if "/drafts/" in operation.path else MONTH, "revision": "1", "commissioner": lead, "phase": "1",
        "site": site, "measure": "CWT-62", "version": "1", "pathway": "cancer", "requirement": "CWT-62", "handover": site,
        "assignment": held["assignment"], "organisation": "QV1", "successor": "QV2", "day": "2028-03-15", "import": held["import"],
        "backfill": held[f"backfill of {number}"], "sequence": "1", "query": f"{lead}-1" if "sequence" in operation.parameters else "1",
        "delegation": held[f"delegation of {number}"],
        "audience": "programme", "client": client, "client_key": key.removeprefix("ms_live_").partition("_")[0], "schema": "report-1.0.json",
        "contract_year": "1", "run": "1", "stated": "1", "true_up": "1", "kind": "actual_cost",
    }  # fmt: skip


@contextmanager
def matrix_of(world: World) -> Iterator[Matrix]:
    """The matrix over a world, listening to what its database is sent."""
    matrix = Matrix(world)

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        matrix.statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", listen)
    try:
        yield matrix
    finally:
        event.remove(world.database.engine, "before_cursor_execute", listen)


_STRAYS: Final[Mapping[tuple[str, str], int]] = {
    # What was published for a commissioner is narrowed to a subcontract: there or not, it is told that it was published nothing of it.
    ("list_subcontract_observations", ABSENT): 200,
    ("list_subcontract_observations", MALFORMED): 200,
}


def expected(expectation: Expectation, request: Request) -> int | None:
    """The status that the table gives a request."""
    who, operation = CALLERS[request.caller], request.operation
    if request.caller in {NO_KEY, DEAD_KEY}:
        return expectation.own["finance"] if operation.is_open else 401
    own, outside = expectation.own["spanning" if who.programme is None else who.role], expectation.own["commissioner"] == 404
    denied = own in {403, 404}
    if request.kind == OWN:
        return own
    if request.kind == ELSEWHERE or (operation.subject == "programme" and who.programme is not None):
        return 404 if "programme" in operation.parameters else 403 if denied else expectation.absent
    if who.of_commissioner and (operation.name, request.kind) in _STRAYS:
        return _STRAYS[operation.name, request.kind]
    if outside and (who.of_subcontract or who.of_commissioner):
        # Whose subcontract it is, is asked before what the role may do.
        return 404
    if request.kind == MALFORMED:
        at_once = expectation.malformed == 422 and operation.name not in _FAULTS_TOGETHER
        return expectation.malformed if not denied or at_once else own
    return own if denied else expectation.absent


def differing(matrix: Matrix, request: Request) -> Iterator[str]:
    """Ask, and say what is not as the table has it."""
    asked = matrix.ask(request)
    yield from (f"{request} tells of {word}, which is another's" for word in strangers(matrix, request, asked.answer))
    should = expected(EXPECTED[request.operation.name], request)
    if asked.answer.status_code != should:
        yield f"{request} answered {asked.answer.status_code}, expected {should}: {asked.answer.text[:200]}"
    if request.kind not in {OTHER, ELSEWHERE}:
        return
    never = _nowhere(matrix, request)
    for _ in range(3):
        one, other = matrix.ask(request), matrix.ask(never)
        if one.told == other.told:
            return
    yield f"{request} is told from what is nowhere: {_told_apart(one, other)}"


def strangers(matrix: Matrix, request: Request, answer: httpx.Response) -> list[str]:
    """The words, codes and figures in an answer that its reader should never meet."""
    if request.caller in {NO_KEY, DEAD_KEY}:
        scope: dict[str, str | None] = {"programme": ""}
    else:
        scope = {"programme": None, **CALLERS[request.caller].scope}
    said = "\n".join([text_of(answer.content), str(answer.headers)])
    # What the caller's own party has named is no news to it, and what that was refused stands in the record that all of it read.
    party = [name for name, who in CALLERS.items() if who.scope == CALLERS[request.caller].scope]
    found = [word for word in foreign(**scope) if word in said]
    return [word for word in found if not any(word in sent for name in party for sent in matrix.named[name])]


def text_of(content: bytes) -> str:
    """What a file says, one that holds others taken apart."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return content.decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(content)) as files:
        return "\n".join([*files.namelist(), *(text_of(files.read(name)) for name in files.namelist())])


def _nowhere(matrix: Matrix, request: Request) -> Request:
    """The same about what is nowhere."""
    if request.kind == OTHER or "programme" not in request.operation.parameters:
        subject = request.operation.subject
        assert subject is not None
        return replace(request, kind=ABSENT, objects={**request.objects, subject: _never(subject, request.objects[subject])})
    return replace(request, kind=ABSENT, objects={**request.objects, "programme": NOWHERE})


def _told_apart(one: Asked, other: Asked) -> str:
    return next(f"{left!r:.300} and {right!r:.300}" for left, right in zip(one.told, other.told, strict=True) if left != right)


def requests(matrix: Matrix, among: Iterable[Operation] | None = None) -> Iterator[Request]:
    """Every request of the matrix, or of some operations."""
    for operation in among or operations():
        for caller in CALLERS:
            for kind in (OWN, OTHER, ELSEWHERE, ABSENT, MALFORMED):
                request = matrix.request(operation, caller, kind)
                if request is not None:
                    yield request


def some(matrix: Matrix, *, each: int) -> Iterator[Request]:
    """A few requests of every operation, of each another caller and kind."""
    for number, operation in enumerate(operations()):
        own = list(requests(matrix, [operation]))
        yield from (own[(7 * number + place * len(own) // each) % len(own)] for place in range(each))


EXPECTED: Final = expectations()


def line_of(matrix: Matrix, operation: Operation) -> str:
    """The operation's line of the table as the service answers at present."""
    asked = [matrix.request(operation, role, OWN) for role in ROLES] + [
        matrix.request(operation, "spanning", kind) for kind in (ABSENT, MALFORMED)
    ]
    statuses = ["-" if request is None else str(matrix.ask(request).answer.status_code) for request in asked]
    return f"{operation.name:32}{' '.join(f'{status:6}' for status in statuses)}".rstrip()


def main() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory())
        server = stack.enter_context(server_of(Settings(data=Path(folder) / "data")))
        world = stack.enter_context(world_of(stack.enter_context(server.database())))
        matrix = stack.enter_context(matrix_of(world))
        for operation in operations():
            if operation.name in sys.argv[1:]:
                print(line_of(matrix, operation))


if __name__ == "__main__":
    main()
