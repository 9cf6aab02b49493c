"""The tables of settlement: rules and inputs as facts, runs with their acts, disputes, and the statement of each audience."""

import gzip
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Select,
    Table,
    Text,
    UniqueConstraint,
    false,
    insert,
    select,
    text,
    tuple_,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import FactTable, code_column, fact_table, metadata, moment_column
from app.kernel.canonical import canonical_bytes
from app.settlement.domain import SettlementRules
from app.settlement.runs import (
    ACTS,
    Act,
    DisputedLine,
    IssuedStatement,
    Passed,
    RulesVersion,
    Run,
    RunKey,
    RunSummary,
    StatedInput,
    StatementSummary,
)

_AGREED: Final = "state IN ('proposed', 'approved')"
_YEAR: Final = ("programme", "contract_year")


def _year() -> Column[int]:
    return Column("contract_year", Integer, nullable=False)


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


RULES: Final = fact_table(
    "settlement_rules",
    key=[_year(), _number("version")],
    content=[
        _text("state"),
        Column("rules", JSONB, nullable=False),
        _text("rules_sha256"),
        _text("reason"),
        moment_column("proposed_at"),
        code_column("proposed_by"),
    ],
)
"""A proposal is closed when it is approved; an approved version is never closed."""
RULES.table.append_constraint(CheckConstraint(_AGREED, name="settlement_rules_state"))
RULES.table.append_constraint(CheckConstraint("state = 'proposed' OR recorded_by <> proposed_by", name="settlement_rules_another"))

INPUTS: Final = fact_table(
    "settlement_inputs",
    key=[_year(), code_column("kind"), code_column("code"), _number("number")],
    content=[
        _text("state"),
        Column("value", Numeric, nullable=False),
        _text("source"),
        moment_column("stated_at"),
        code_column("stated_by"),
    ],
)
INPUTS.table.append_constraint(CheckConstraint(_AGREED, name="settlement_inputs_state"))
INPUTS.table.append_constraint(CheckConstraint("kind IN ('expected_cost', 'actual_cost', 'factor')", name="settlement_inputs_kind"))
INPUTS.table.append_constraint(CheckConstraint("state = 'proposed' OR recorded_by <> stated_by", name="settlement_inputs_another"))

DISPUTES: Final = fact_table(
    "settlement_disputes",
    key=[
        _year(),
        _number("run"),
        code_column("party"),
        code_column("element"),
        Column("number", Integer, nullable=False, server_default=text("1")),
    ],
    content=[
        _text("reason"),
        Column("by_party", Boolean, nullable=False, server_default=false()),
        Column("answer", Text),
        moment_column("answered_at", nullable=True),
        code_column("answered_by", nullable=True),
        Column("resolution", Text),
        moment_column("opened_at", nullable=True),
        code_column("opened_by", nullable=True),
    ],
)
"""A dispute is closed when it is answered or resolved, and stands again with that and who had opened it: somebody else. Of a line one is open at most."""
DISPUTES.table.append_constraint(
    CheckConstraint("(answer IS NULL AND resolution IS NULL) = (opened_at IS NULL)", name="settlement_disputes_resolved")
)
DISPUTES.table.append_constraint(CheckConstraint("(answer IS NULL) = (answered_at IS NULL)", name="settlement_disputes_answered"))
DISPUTES.table.append_constraint(CheckConstraint("(answered_at IS NULL) = (answered_by IS NULL)", name="settlement_disputes_answered_pair"))
DISPUTES.table.append_constraint(CheckConstraint("(opened_at IS NULL) = (opened_by IS NULL)", name="settlement_disputes_opened_pair"))
DISPUTES.table.append_constraint(CheckConstraint("opened_by <> recorded_by", name="settlement_disputes_another"))

SETTLEMENTS: Final = Table(
    "settlements",
    metadata,
    code_column("programme"),
    _year(),
    _number("run"),
    _number("number"),
    _text("kind"),
    _text("mode"),
    _number("rules_version"),
    code_column("method_version"),
    _text("reason"),
    Column("causes", JSONB, nullable=False),
    Column("publications", JSONB, nullable=False),
    Column("amounts", JSONB, nullable=False),
    _text("content_sha256"),
    # Rules, inputs and result with its explanation: JSON, as gzip.
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint(*_YEAR, "run", "number"),
    CheckConstraint("kind IN ('provisional', 'final')", name="settlements_kind"),
    CheckConstraint("mode IN ('off', 'shadow', 'live')", name="settlements_mode"),
)
"""Append-only. Number 0 is the run itself, those above it are its true-ups."""

SETTLEMENT_ACTS: Final = Table(
    "settlement_acts",
    metadata,
    code_column("programme"),
    _year(),
    _number("run"),
    _number("number"),
    code_column("act"),
    Column("reason", Text),
    # The contract year again where this act makes its final run stand: so no year is settled twice.
    Column("settles", Integer),
    moment_column("recorded_at"),
    code_column("recorded_by"),
    PrimaryKeyConstraint(*_YEAR, "run", "number", "act"),
    UniqueConstraint("programme", "settles", name="settlement_acts_settled_once"),
    CheckConstraint(f"act IN ({', '.join(map(repr, (*ACTS, 'withdrawn')))})", name="settlement_acts_act"),
    CheckConstraint("(act = 'withdrawn') = (reason IS NOT NULL)", name="settlement_acts_reason"),
    CheckConstraint("settles IS NULL OR (settles = contract_year AND act = 'finance_approved')", name="settlement_acts_settles"),
)
"""Append-only; no client does two of the three acts that pass a run."""
Index(
    "settlement_acts_three_people",
    *(SETTLEMENT_ACTS.c[name] for name in (*_YEAR, "run", "number", "recorded_by")),
    unique=True,
    postgresql_where=SETTLEMENT_ACTS.c.act != "withdrawn",
)

STATEMENTS: Final = Table(
    "settlement_statements",
    metadata,
    code_column("programme"),
    _year(),
    _number("run"),
    _number("version"),
    code_column("audience_kind"),
    code_column("audience"),
    _text("content_sha256"),
    Column("content", LargeBinary, nullable=False),
    moment_column("issued_at"),
    code_column("issued_by"),
    PrimaryKeyConstraint(*_YEAR, "run", "audience_kind", "audience", "version"),
    CheckConstraint("audience_kind IN ('programme', 'commissioner', 'subcontract', 'public')", name="settlement_statements_audience_kind"),
)
"""Append-only, and all that parties read: row-level security shows each its own."""


def rules_versions(
    session: Session,
    programme: str,
    contract_year: int | None = None,
    *,
    as_of: datetime | None = None,
    after: Any = None,
    limit: int | None = None,
) -> tuple[RulesVersion, ...]:
    """Every version of the rules of one contract year, or of all, that was ever proposed, as it stands or stood; in their order."""
    of = RULES.table.c
    columns = [of[name] for name in (*RULES.key, *RULES.content, "recorded_at", "recorded_by", "closed_at", "closed_by")]
    query = _within(select(*columns).where(of.programme == programme), [of.contract_year, of.version], contract_year, after, limit)
    if as_of is not None:
        query = query.where(of.recorded_at <= as_of)
    found = session.execute(query.order_by(of.recorded_at.desc()).ext(distinct_on(of.contract_year, of.version))).mappings()
    return tuple(_rules_version(dict(row), as_of) for row in found)


def _rules_version(row: dict[str, Any], as_of: datetime | None) -> RulesVersion:
    closed_at, closed_by = row.pop("closed_at"), row.pop("closed_by")
    if closed_at is not None and (as_of is None or closed_at <= as_of):
        row |= {"state": "superseded", "superseded_at": closed_at, "superseded_by": closed_by}
    return RulesVersion(**{**row, "rules": SettlementRules.model_validate(row["rules"])})


def stated_inputs(
    session: Session,
    programme: str,
    contract_year: int | None = None,
    *,
    as_of: datetime | None = None,
    after: Any = None,
    limit: int | None = None,
) -> tuple[StatedInput, ...]:
    """Every cost and factor that was stated, by year, kind, code and number."""
    query = _standing(INPUTS, programme, as_of)
    rows = session.execute(_within(query, [INPUTS.table.c[name] for name in INPUTS.key], contract_year, after, limit)).mappings()
    return tuple(StatedInput(**row) for row in rows)


def disputes(
    session: Session,
    programme: str,
    key: RunKey | None = None,
    *,
    contract_year: int | None = None,
    parties: Sequence[str] | None = None,
    as_of: datetime | None = None,
    after: Any = None,
    limit: int | None = None,
) -> tuple[DisputedLine, ...]:
    """Every dispute of a line, open or resolved, by line and number: of one run or of all, of these parties or of all."""
    of = DISPUTES.table.c
    query = _standing(DISPUTES, programme, as_of)
    if key is not None:
        query = query.where(of.contract_year == key.contract_year, of.run == key.run)
    if parties is not None:
        query = query.where(of.party.in_(parties))
    rows = session.execute(_within(query, [of[name] for name in DISPUTES.key], contract_year, after, limit)).mappings()
    return tuple(DisputedLine(**row) for row in rows)


def _standing(table: FactTable, programme: str, as_of: datetime | None) -> Select[Any]:
    columns = [table.table.c[name] for name in (*table.key, *table.content, "recorded_at", "recorded_by")]
    return select(*columns).where(table.table.c.programme == programme, facts.in_force(table, as_of))


def _within(query: Select[Any], key: Sequence[Column[Any]], contract_year: int | None, after: Any, limit: int | None) -> Select[Any]:
    """In the order of a key that begins with the contract year: those of one year, those after a key, so many."""
    if contract_year is not None:
        query = query.where(key[0] == contract_year)
    if after is not None:
        query = query.where(tuple_(*key) > tuple_(*after))
    return query.order_by(*key).limit(limit)


_RUN: Final = (SETTLEMENTS.c.contract_year, SETTLEMENTS.c.run, SETTLEMENTS.c.number)
_SUMMARY: Final = tuple(column for column in SETTLEMENTS.c if column.name not in ("programme", "content"))


def run_summaries(
    session: Session,
    programme: str,
    contract_year: int | None = None,
    *,
    as_of: datetime | None = None,
    after: Any = None,
    limit: int | None = None,
) -> tuple[RunSummary, ...]:
    """Runs and their true-ups as lists show them, by year, run and number: what they were computed on and how is not read."""
    query = _within(_declared(programme, as_of, *_SUMMARY), _RUN, contract_year, after, limit)
    return tuple(RunSummary(**each) for each in _with_acts(session, programme, query, as_of))


def runs(session: Session, programme: str, key: RunKey, *, as_of: datetime | None = None) -> tuple[Run, ...]:
    """A run and its true-ups whole, by number; nothing where there is none."""
    query = _within(_declared(programme, as_of, *_SUMMARY, SETTLEMENTS.c.content), _RUN, key.contract_year, None, None)
    found = _with_acts(session, programme, query.where(SETTLEMENTS.c.run == key.run), as_of)
    return tuple(Run(**{**each, "content": json.loads(gzip.decompress(each["content"]), parse_float=Decimal)}) for each in found)


def _declared(programme: str, as_of: datetime | None, *columns: Column[Any]) -> Select[Any]:
    query = select(*columns).where(SETTLEMENTS.c.programme == programme)
    if as_of is None:
        return query
    acts = SETTLEMENT_ACTS.c
    same = [acts[column.name] == column for column in (SETTLEMENTS.c.programme, *_RUN)]
    return query.where(select(acts.act).where(*same, acts.act == "declared", acts.recorded_at <= as_of).exists())


def _with_acts(session: Session, programme: str, query: Select[Any], as_of: datetime | None) -> list[dict[str, Any]]:
    found = [dict(row) for row in session.execute(query).mappings()]
    of, place = SETTLEMENT_ACTS.c, ("contract_year", "run", "number")
    done = select(SETTLEMENT_ACTS).where(of.programme == programme, of.contract_year.in_({row["contract_year"] for row in found}))
    if as_of is not None:
        done = done.where(of.recorded_at <= as_of)
    acts: dict[tuple[int, ...], list[Passed]] = {}
    for row in session.execute(done.order_by(of.recorded_at)).mappings():
        passed = Passed(row["act"], row["recorded_at"], row["recorded_by"], row["reason"])
        acts.setdefault(tuple(row[name] for name in place), []).append(passed)
    lists = ("causes", "publications")
    return [
        {**row, **{name: tuple(row[name]) for name in lists}, "acts": tuple(acts.get(tuple(row[name] for name in place), ()))}
        for row in found
    ]


def add_run(session: Session, programme: str, run: Run) -> None:
    row = {column.name: getattr(run, column.name) for column in _SUMMARY}
    packed = gzip.compress(canonical_bytes(run.content), mtime=0)
    lists = {"causes": list(run.causes), "publications": list(run.publications)}
    session.execute(insert(SETTLEMENTS).values(programme=programme, **{**row, **lists, "content": packed}))


def add_act(session: Session, programme: str, run: Run, act: Act, recording: Recording, *, reason: str | None = None) -> None:
    place = {"contract_year": run.contract_year, "run": run.run, "number": run.number}
    settles = run.contract_year if act == "finance_approved" and run.is_final else None
    by = {"recorded_at": recording.at, "recorded_by": recording.by}
    session.execute(insert(SETTLEMENT_ACTS).values(programme=programme, **place, act=act, reason=reason, settles=settles, **by))


_STATEMENT: Final = (STATEMENTS.c.contract_year, STATEMENTS.c.run, STATEMENTS.c.audience_kind, STATEMENTS.c.audience)
_AUDIENCE: Final = tuple_(STATEMENTS.c.audience_kind, STATEMENTS.c.audience)
_ISSUED: Final = tuple(STATEMENTS.c[name] for name in StatementSummary._fields)


def last_statements(session: Session, programme: str, key: RunKey) -> dict[tuple[str, str], IssuedStatement]:
    """The latest statement of every audience of a run, by its kind and code."""
    return {each.summary.of: each for each in _statements(session, _issued(programme, None), key)}


def issue_statements(session: Session, programme: str, recording: Recording, issued: Sequence[IssuedStatement]) -> None:
    """Keep statements; of an audience each is the next version."""
    rows = [
        {
            "programme": programme,
            **each.summary._asdict(),
            "content": gzip.compress(each.content, mtime=0),
            "issued_by": recording.by,
        }
        for each in issued
    ]
    if rows:
        session.execute(insert(STATEMENTS), rows)


def statement(
    session: Session, programme: str, key: RunKey, audiences: Sequence[tuple[str, str]], *, as_of: datetime | None = None
) -> IssuedStatement | None:
    """The latest statement of the first audience that has one."""
    found = {each.summary.of: each for each in _statements(session, _issued(programme, as_of).where(_AUDIENCE.in_(audiences)), key)}
    return next((found[kind, code] for kind, code in audiences if (kind, code) in found), None)


def statements_of(
    session: Session,
    programme: str,
    audiences: Sequence[tuple[str, str]],
    *,
    as_of: datetime | None = None,
    after: Any = None,
    limit: int | None = None,
) -> list[StatementSummary]:
    """The statements that some audiences have, the latest version of each, by year, run and audience."""
    query = _within(_issued(programme, as_of).where(_AUDIENCE.in_(audiences)), _STATEMENT, None, after, limit)
    return [StatementSummary(*row) for row in session.execute(query.order_by(STATEMENTS.c.version.desc()))]


def _issued(programme: str, as_of: datetime | None) -> Select[Any]:
    """The latest version of each statement at a moment."""
    query = select(*_ISSUED).where(STATEMENTS.c.programme == programme).ext(distinct_on(*_STATEMENT))
    return query if as_of is None else query.where(STATEMENTS.c.issued_at <= as_of)


def _statements(session: Session, query: Select[Any], key: RunKey) -> Iterator[IssuedStatement]:
    of = STATEMENTS.c
    query = query.add_columns(of.content).where(of.contract_year == key.contract_year, of.run == key.run)
    for *summary, content in session.execute(query.order_by(*_STATEMENT, of.version.desc())):
        yield IssuedStatement(StatementSummary(*summary), gzip.decompress(content))
