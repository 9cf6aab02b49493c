"""What is on disk, against what was answered for: read as an administrator, behind the walls."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from app.calendar.expected import CellKey, ReturnKey
from app.kernel.events import event_digest
from app.kernel.months import Month
from app.returns import submission as content
from app.returns.submission import Cell, CellWarning
from tests.faults.load import ITSELF, Submission

Connection = psycopg.Connection[Any]
_CELL: Final = ", ".join(Cell._fields)


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A submission that was answered with 2xx: the number that it was given, and the answer's bytes."""

    sent: Submission
    revision: int
    answer: bytes

    @property
    def name(self) -> tuple[ReturnKey, int]:
        return self.sent.key, self.revision


@dataclass(slots=True)
class Verdict:
    """Whatever is not as it was answered, a sentence each."""

    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    half_written: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost or self.duplicated or self.half_written)


def lost(connection: Connection, acknowledged: Sequence[Acknowledged]) -> list[str]:
    """The acknowledged submissions of which there is no revision."""
    rows = connection.execute("SELECT collection, subcontract, month, number, submitted_sha256 FROM revisions").fetchall()
    there = {_name(*row[:4]): row[4] for row in rows}
    return [f"{_said(*each.name)} is not there" for each in acknowledged if there.get(each.name) != _sha256(each.sent.body)]


def verdict(connection: Connection, acknowledged: Sequence[Acknowledged]) -> Verdict:
    """Everything, once every submission has been acknowledged: nobody is sending any more."""
    found = Verdict(lost=lost(connection, acknowledged))
    revisions = {
        _name(row["collection"], row["subcontract"], row["month"], row["number"]): row
        for row in connection.cursor(row_factory=dict_row).execute("SELECT * FROM revisions")
    }
    times = Counter(row["submitted_sha256"] for row in revisions.values())
    found.duplicated += [f"one submission is there {count} times" for count in times.values() if count > 1]
    found.duplicated += [f"{_said(*name)} was never answered for" for name in revisions.keys() - {each.name for each in acknowledged}]
    cells = _cells(connection)
    answers = _answers(connection)
    for each in acknowledged:
        row = revisions.get(each.name)
        if row is not None:
            found.half_written += _half(each, row, cells.get(row["revision_id"], []))
        if answers.get(_sha256(each.sent.idempotency_key.encode())) != (201, each.answer):
            found.half_written.append(f"{_said(*each.name)} has not the answer that was given under its key")
    if len(answers) != len(acknowledged) or None in {status for status, _ in answers.values()}:
        found.half_written.append(f"{len(answers)} keys are kept for {len(acknowledged)} answers")
    found.half_written += [*broken(connection), *broken_chain(connection)]
    return found


def _half(each: Acknowledged, row: dict[str, Any], cells: list[Cell]) -> Iterator[str]:
    stated = tuple(sorted((*cell[:6], cell.numerator, cell.denominator) for cell in cells))
    if stated != each.sent.figures:
        yield f"{_said(*each.name)} holds other figures than were sent"
    warnings = tuple(CellWarning(said["code"], CellKey(*said["cell"]), said["explained"]) for said in row["warnings"])
    whole = content.Submission(nil_reason=row["nil_reason"], note=row["note"], cells=tuple(sorted(cells)), warnings=warnings)
    if cells and content.digest(whole) != row["content_sha256"]:
        yield f"{_said(*each.name)} has another digest than its content"


def _cells(connection: Connection) -> dict[int, list[Cell]]:
    found: dict[int, list[Cell]] = {}
    for revision_id, *cell in connection.execute(f"SELECT revision_id, {_CELL} FROM cells"):
        found.setdefault(revision_id, []).append(Cell(*cell))
    return found


def _answers(connection: Connection) -> dict[str, tuple[int | None, bytes | None]]:
    return {key: (status, body) for key, status, body in connection.execute("SELECT key_sha256, status, body FROM idempotency_keys")}


BROKEN: Final = {
    "a return's revisions are not numbered from 1 without holes": """
        SELECT 1 FROM revisions GROUP BY programme, collection, subcontract, month
        HAVING min(number) <> 1 OR max(number) <> count(*)""",
    "a revision has not as many cells as it says": """
        SELECT 1 FROM revisions LEFT JOIN (SELECT programme, revision_id, count(*) AS held FROM cells GROUP BY 1, 2) AS cell
        USING (programme, revision_id) WHERE coalesce(held, 0) <> cell_count""",
    "a cell has no revision": """
        SELECT 1 FROM cells WHERE NOT EXISTS
        (SELECT 1 FROM revisions WHERE revisions.programme = cells.programme AND revisions.revision_id = cells.revision_id)""",
    "a return does not stand in exactly one place": """
        SELECT 1 FROM returns GROUP BY programme, collection, subcontract, month HAVING count(*) FILTER (WHERE closed_at IS NULL) <> 1""",
    "a return does not stand at its latest revision": """
        SELECT 1 FROM (SELECT programme, collection, subcontract, month, max(number) AS last FROM revisions GROUP BY 1, 2, 3, 4) AS sent
        FULL JOIN (SELECT * FROM returns WHERE closed_at IS NULL) AS stands USING (programme, collection, subcontract, month)
        WHERE last IS DISTINCT FROM latest_revision OR coalesce(accepted_revision, 0) > last""",
    "a return that accepts itself was not accepted": f"""
        SELECT 1 FROM returns WHERE closed_at IS NULL AND collection = '{ITSELF}' AND accepted_revision IS DISTINCT FROM latest_revision""",
    "a revision has not exactly its own event": """
        SELECT 1 FROM revisions FULL JOIN (
            SELECT programme, subject->>'collection' AS collection, subject->>'subcontract' AS subcontract, subject->>'month' AS told_month,
                (subject->>'revision')::int AS number, count(*) AS told, min(details->>'content_sha256') AS content,
                min(recorded_at) AS told_at
            FROM events WHERE action = 'return.submitted' GROUP BY 1, 2, 3, 4, 5) AS event
        ON (revisions.programme, revisions.collection, revisions.subcontract, to_char(month / 12, 'FM0000') || '-' || to_char(month % 12 + 1, 'FM00'), revisions.number)
            = (event.programme, event.collection, event.subcontract, told_month, event.number)
        WHERE told IS DISTINCT FROM 1 OR content IS DISTINCT FROM content_sha256 OR told_at IS DISTINCT FROM recorded_at""",
    "an acceptance or a query has not its own event": """
        SELECT 1 FROM (SELECT programme, act, count(*) AS acts FROM returns WHERE act IN ('accepted', 'queried') GROUP BY 1, 2) AS stands
        FULL JOIN (
            SELECT programme, split_part(action, '.', 2) AS act, count(*) AS told FROM events
            WHERE action IN ('return.accepted', 'return.queried') GROUP BY 1, 2) AS event
        USING (programme, act) WHERE acts IS DISTINCT FROM told""",
    "two revisions were recorded at one moment": "SELECT 1 FROM revisions GROUP BY programme, recorded_at HAVING count(*) > 1",
    "the events of a chain are not as many as its ledger says": """
        SELECT 1 FROM ledger LEFT JOIN (SELECT programme, count(*) AS told, max(sequence) AS last FROM events GROUP BY 1) AS event
        USING (programme) WHERE coalesce(told, 0) <> last_event_sequence OR coalesce(last, 0) <> last_event_sequence""",
    "a key is kept without its answer": "SELECT 1 FROM idempotency_keys WHERE status IS NULL",
}
"""What must never be there, whatever happened: each by the query that finds it."""


def broken(connection: Connection) -> list[str]:
    """The invariants of returns that do not hold."""
    return [sentence for sentence, query in BROKEN.items() if connection.execute(query.encode()).fetchone() is not None]


def broken_chain(connection: Connection) -> list[str]:
    """The chains in which an event is not what it was, or does not follow the one before."""
    ends: dict[str, str] = {}
    found = []
    for event in connection.cursor(row_factory=dict_row).execute("SELECT * FROM events ORDER BY programme, sequence"):
        chain = event["programme"]
        if event["previous_sha256"] != ends.get(chain, "0" * 64) or event["sha256"] != event_digest(event):
            found.append(f"event {event['sequence']} of {chain} does not follow the one before")
        ends[chain] = event["sha256"]
    for chain, last in connection.execute("SELECT programme, last_event_sha256 FROM ledger"):
        if ends.get(chain, "0" * 64) != last:
            found.append(f"the ledger of {chain} does not end at its last event")
    return found


def _name(collection: str, subcontract: str, month: int, number: int) -> tuple[ReturnKey, int]:
    return ReturnKey(collection, subcontract, Month(month)), number


def _said(key: ReturnKey, number: int) -> str:
    return f"revision {number} of {key.collection} of {key.subcontract} for {key.month}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
