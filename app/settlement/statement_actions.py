"""The statements of a settlement: written anew for every audience when what stands changes, and read by each its own."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.access.domain import Permission, require
from app.calendar.as_of import resolve
from app.calendar.contract import Contract
from app.db import facts
from app.db.ledger import Recording
from app.kernel.actors import EVERY, Actor
from app.kernel.canonical import canonical_bytes, digest, sha256
from app.kernel.codes import ALL
from app.kernel.moments import moment_text
from app.kernel.refusals import NotFound
from app.publications.domain import audiences_of
from app.settlement import store
from app.settlement.inputs import Inputs
from app.settlement.runs import IssuedStatement, Passed, Run, RunKey, Settled, StatementSummary
from app.settlement.statements import Audience, Disputed, State, amounts, statement_of
from app.settlement.true_up import Cause, causes


def read_statement(
    session: Session, programme: str, key: RunKey, *, party: str | None, actor: Actor, as_of: datetime | None, now: datetime
) -> IssuedStatement:
    """The latest statement of a run at a moment for the caller, or for the party that the integrator names. NotFound."""
    require(actor, Permission.STATEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    audiences: Sequence[tuple[str, str]] = audiences_of(actor)
    if party is not None:
        kind, _, code = party.partition(".")
        asked = ("public", EVERY) if party == "public" else ("programme", EVERY) if party == "integrator" else (kind, code)
        if asked != ("public", EVERY) and asked not in audiences and actor.subcontract != EVERY:
            raise NotFound("There is no such statement here, or it is not yours.")
        audiences = [asked]
    found = store.statement(session, programme, key, audiences, as_of=moment)
    if found is None:
        raise NotFound("There is no such statement here, or it is not yours.")
    return found


def list_statements(
    session: Session, programme: str, *, after: Any, limit: int, actor: Actor, as_of: datetime | None, now: datetime
) -> tuple[datetime, list[StatementSummary]]:
    """The moment, and the caller's own statements at it and those that it inherited: the latest version of each."""
    require(actor, Permission.STATEMENT_READ, programme=programme)
    moment = resolve(session, programme, asked=as_of, now=now)
    return moment, store.statements_of(session, programme, audiences_of(actor), as_of=moment, after=after, limit=limit)


def issue(session: Session, contract: Contract, found: Settled, recording: Recording) -> None:
    """Write the statement of every audience anew to which it says something else; the ones before stay."""
    run, programme = found.run, contract.programme.code
    head = {
        "programme": programme,
        "contract_year": run.contract_year,
        "run": run.run,
        "kind": run.kind,
        "rules_version": run.rules_version,
        "rules_sha256": digest(facts.stored(run.content["rules"])),
        "content_sha256": run.content_sha256,
        "publications": list(run.publications),
        "acts": [_passed(each) for each in run.acts],
        "issued_at": moment_text(recording.at),
    }
    states = list(map(_state, found.standing, (None, *found.standing)))
    issued, last = [], store.last_statements(session, programme, run.key)
    for kind, code, audience, party in _audiences(contract, run):
        said = statement_of(
            head,
            states,
            audience=audience,
            party=party,
            disputes=[
                Disputed(each.line, moment_text(each.opened[0]), each.reason, each.answer) for each in found.disputes if each.is_open
            ],
        )
        content, before = canonical_bytes(said), last.get((kind, code))
        # Whom nothing of it concerns is not told, not even by a new version, that something happened.
        if before is None or content != _dated(before.content, moment_text(recording.at)):
            version = 1 if before is None else before.summary.version + 1
            summary = StatementSummary(*run.key, kind, code, version, sha256(content), recording.at)
            issued.append(IssuedStatement(summary, content))
    store.issue_statements(session, programme, recording, issued)


def _dated(content: bytes, issued_at: str) -> bytes:
    """A statement as it would be if it had been issued at another moment."""
    said = json.loads(content, parse_float=Decimal)
    return canonical_bytes({**said, "statement": {**said["statement"], "issued_at": issued_at}})


def _state(each: Run, before: Run | None) -> State:
    """What a run or true-up came to, and why another than what stood before it."""
    because: tuple[Cause, ...] = ()
    if before is not None:
        was, now = (Inputs.model_validate(run.content["inputs"]) for run in (before, each))
        because = causes(was, now, methods=(before.method_version, each.method_version))
    return State(
        number=each.number,
        made_on=moment_text(each.acts[-1].recorded_at)[:10],
        publications=each.publications,
        causes=each.causes,
        told=tuple(cause.told for cause in because),
        amounts=each.amounts if each.number else amounts(each.content["result"]),
        result=each.content["result"],
        content_sha256=each.content_sha256,
    )


def _passed(each: Passed) -> dict[str, str]:
    return {"act": each.act, "at": moment_text(each.recorded_at)}


def _audiences(contract: Contract, run: Run) -> Iterator[tuple[str, str, Audience, str]]:
    """Who gets a statement: the kind and code that it is kept under, and whose lines it shows."""
    yield "programme", EVERY, "integrator", "integrator"
    yield "public", EVERY, "public", "public"
    for party in run.amounts:
        kind, _, code = party.partition(".")
        if kind == "subcontract":
            yield kind, code, "subcontract", party
        elif kind == "commissioner":
            for each in _commissioners(contract, code):
                yield kind, each, "commissioner", party


def _commissioners(contract: Contract, code: str) -> Iterable[str]:
    """The commissioners of a party: itself, or all of them where they are settled with together."""
    return sorted(contract.commissioner) if code == ALL else [code]
