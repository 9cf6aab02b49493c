"""The tables of settlement: rules and inputs as facts, runs with their acts, disputes, and the statement of each audience."""

import gzip
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    func,
    insert,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.db.rows import FactTable, code_column, fact_table, metadata, moment_column
from app.kernel.canonical import canonical_bytes
from app.settlement.domain import SettlementRules
from app.settlement.runs import ACTS, Act, OpenDispute, Passed, RulesVersion, Run, RunKey, StatedInput

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
    key=[_year(), _number("run"), code_column("party"), code_column("element")],
    content=[
        _text("reason"),
        Column("resolution", Text),
        moment_column("opened_at", nullable=True),
        code_column("opened_by", nullable=True),
    ],
)
"""A dispute is closed when it is resolved, and stands again with its resolution and who had opened it: somebody else."""
DISPUTES.table.append_constraint(CheckConstraint("(resolution IS NULL) = (opened_at IS NULL)", name="settlement_disputes_resolved"))
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


def rules_versions(session: Session, programme: str, contract_year: int | None = None) -> tuple[RulesVersion, ...]:
    """Every version of the rules of one contract year, or of all, in their order."""
    rows = [row for row in _open(session, RULES, programme) if contract_year in (None, row["contract_year"])]
    return tuple(RulesVersion(**{**row, "rules": SettlementRules.model_validate(row["rules"])}) for row in rows)


def last_version(session: Session, programme: str, contract_year: int) -> int:
    """The number of the last rules ever proposed for a contract year; 0 where there were none."""
    of = RULES.table.c
    query = select(func.coalesce(func.max(of.version), 0)).where(of.programme == programme, of.contract_year == contract_year)
    number: int = session.execute(query).scalar_one()
    return number


def stated_inputs(session: Session, programme: str, contract_year: int | None = None) -> tuple[StatedInput, ...]:
    """Every cost and factor that was stated, by year, kind, code and number."""
    rows = [row for row in _open(session, INPUTS, programme) if contract_year in (None, row["contract_year"])]
    return tuple(StatedInput(**row) for row in rows)


def disputes(session: Session, programme: str, key: RunKey) -> tuple[OpenDispute, ...]:
    rows = _open(session, DISPUTES, programme)
    wanted = (row for row in rows if (row["contract_year"], row["run"]) == key)
    return tuple(OpenDispute(**{name: row[name] for name in OpenDispute.__slots__}) for row in wanted)


def _open(session: Session, table: FactTable, programme: str) -> list[dict[str, Any]]:
    columns = [table.table.c[name] for name in (*table.key, *table.content, "recorded_at", "recorded_by")]
    query = select(*columns).where(table.table.c.programme == programme, facts.in_force(table, None))
    return [dict(row) for row in session.execute(query.order_by(*(table.table.c[name] for name in table.key))).mappings()]


def runs(session: Session, programme: str, contract_year: int | None = None, run: int | None = None) -> tuple[Run, ...]:
    """Runs and their true-ups with their acts, by year, run and number."""
    of = SETTLEMENTS.c
    query = select(*(column for column in of if column.name != "programme")).where(of.programme == programme)
    for column, wanted in ((of.contract_year, contract_year), (of.run, run)):
        if wanted is not None:
            query = query.where(column == wanted)
    acts: dict[tuple[int, int, int], list[Passed]] = {}
    done = select(SETTLEMENT_ACTS).where(SETTLEMENT_ACTS.c.programme == programme).order_by(SETTLEMENT_ACTS.c.recorded_at)
    for row in session.execute(done).mappings():
        passed = Passed(row["act"], row["recorded_at"], row["recorded_by"], row["reason"])
        acts.setdefault((row["contract_year"], row["run"], row["number"]), []).append(passed)
    found = session.execute(query.order_by(of.contract_year, of.run, of.number)).mappings()
    return tuple(_run(dict(row), acts.get((row["contract_year"], row["run"], row["number"]), [])) for row in found)


def _run(row: dict[str, Any], acts: Sequence[Passed]) -> Run:
    content = json.loads(gzip.decompress(row["content"]), parse_float=Decimal)
    lists = {name: tuple(row[name]) for name in ("causes", "publications")}
    return Run(**{**row, **lists, "content": content}, acts=tuple(acts))


def add_run(session: Session, programme: str, run: Run) -> None:
    row = {column.name: getattr(run, column.name) for column in SETTLEMENTS.c if column.name != "programme"}
    packed = gzip.compress(canonical_bytes(run.content), mtime=0)
    lists = {"causes": list(run.causes), "publications": list(run.publications)}
    session.execute(insert(SETTLEMENTS).values(programme=programme, **{**row, **lists, "content": packed}))


def add_act(session: Session, programme: str, run: Run, act: Act, recording: Recording, *, reason: str | None = None) -> None:
    place = {"contract_year": run.contract_year, "run": run.run, "number": run.number}
    settles = run.contract_year if act == "finance_approved" and run.is_final else None
    by = {"recorded_at": recording.at, "recorded_by": recording.by}
    session.execute(insert(SETTLEMENT_ACTS).values(programme=programme, **place, act=act, reason=reason, settles=settles, **by))


def issue_statements(
    session: Session, programme: str, key: RunKey, recording: Recording, issued: Iterable[tuple[str, str, bytes, str]]
) -> None:
    """Keep the statement of each audience (its kind, code, bytes and digest), the next version of it."""
    of = STATEMENTS.c
    last = select(func.coalesce(func.max(of.version), 0)).where(
        of.programme == programme, of.contract_year == key.contract_year, of.run == key.run
    )
    version: int = session.execute(last).scalar_one() + 1
    rows = [
        {
            "programme": programme,
            **key._asdict(),
            "version": version,
            "audience_kind": kind,
            "audience": code,
            "content_sha256": digest,
            "content": gzip.compress(content, mtime=0),
            "issued_at": recording.at,
            "issued_by": recording.by,
        }
        for kind, code, content, digest in issued
    ]
    session.execute(insert(STATEMENTS), rows)


def statement(session: Session, programme: str, key: RunKey, audiences: Sequence[tuple[str, str]]) -> tuple[bytes, str, datetime] | None:
    """The latest statement of the first audience that has one: its bytes, their digest, and when it was issued."""
    of = STATEMENTS.c
    for kind, code in audiences:
        query = select(of.content, of.content_sha256, of.issued_at).where(
            of.programme == programme,
            of.contract_year == key.contract_year,
            of.run == key.run,
            of.audience_kind == kind,
            of.audience == code,
        )
        row = session.execute(query.order_by(of.version.desc()).limit(1)).one_or_none()
        if row is not None:
            return gzip.decompress(row[0]), row[1], row[2]
    return None


def statements_of(session: Session, programme: str, audiences: Sequence[tuple[str, str]]) -> list[tuple[int, int, int, str, datetime]]:
    """The statements that an audience has: year, run, version, digest and when it was issued, the latest version of each."""
    of = STATEMENTS.c
    found: dict[tuple[int, int], tuple[int, int, int, str, datetime]] = {}
    for kind, code in audiences:
        query = select(of.contract_year, of.run, of.version, of.content_sha256, of.issued_at)
        query = query.where(of.programme == programme, of.audience_kind == kind, of.audience == code).order_by(of.version)
        for row in session.execute(query):
            found[row[0], row[1]] = (row[0], row[1], row[2], row[3], row[4])
    return [found[key] for key in sorted(found)]
