"""Whoever judges what is on disk notices each way in which it can be wrong."""

from collections.abc import Iterator
from random import Random

import pytest

from tests.faults import kept, load
from tests.faults.kept import Acknowledged
from tests.faults.races import Parties, parties
from tests.support.databases import Database

LAST = "revision_id = (SELECT max(revision_id) FROM revisions)"


@pytest.fixture(scope="module")
def who(module_database: Database) -> Iterator[Parties]:
    with parties(module_database) as made:
        yield made


@pytest.fixture(scope="module")
def acknowledged(who: Parties) -> list[Acknowledged]:
    chance = Random(1)
    sent = [load.submission(chance, load.any_key(chance, subcontract, months=1)) for subcontract in load.SUBCONTRACTS for _ in range(3)]
    answers = [(each, who.submit(each)) for each in sent]
    return [Acknowledged(each, answer.json()["revision"], answer.content) for each, answer in answers]


def test_what_was_done_properly_is_well(who: Parties, acknowledged: list[Acknowledged]) -> None:
    found = kept.verdict(who.administrator, acknowledged)
    assert not found, found


@pytest.mark.parametrize(
    ("tampering", "noticed"),
    [
        (f"DELETE FROM revisions WHERE {LAST}", "lost"),
        (f"UPDATE revisions SET submitted_sha256 = '0' WHERE {LAST}", "lost"),
        (f"UPDATE revisions SET number = number + 1 WHERE {LAST}", "lost"),
        (f"UPDATE revisions SET content_sha256 = '0' WHERE {LAST}", "half_written"),
        (f"UPDATE cells SET numerator = numerator + 1 WHERE {LAST}", "half_written"),
        (f"DELETE FROM cells WHERE {LAST}", "half_written"),
        ("UPDATE cells SET revision_id = revision_id + 1000", "half_written"),
        ("UPDATE idempotency_keys SET body = '{}'", "half_written"),
        ("DELETE FROM idempotency_keys", "half_written"),
        (
            "UPDATE returns SET closed_at = recorded_at + interval '1 second', closed_by = recorded_by WHERE closed_at IS NULL",
            "half_written",
        ),
        ("UPDATE returns SET latest_revision = latest_revision + 1", "half_written"),
        ("UPDATE returns SET status = 'submitted', act = 'submitted', accepted_revision = NULL WHERE closed_at IS NULL", "half_written"),
        ("DELETE FROM events WHERE action = 'return.submitted'", "half_written"),
        ("DELETE FROM events WHERE action = 'return.accepted'", "half_written"),
        ("UPDATE events SET details = '{}' WHERE action = 'return.accepted'", "half_written"),
        ("UPDATE ledger SET last_event_sha256 = '0'", "half_written"),
        ("UPDATE ledger SET last_event_sequence = last_event_sequence + 1", "half_written"),
    ],
)
def test_what_is_wrong_is_noticed(who: Parties, acknowledged: list[Acknowledged], tampering: str, noticed: str) -> None:
    with who.administrator.transaction(force_rollback=True):
        # Without triggers and foreign keys: what the tables themselves refuse cannot be looked for.
        who.administrator.execute("SET LOCAL session_replication_role = replica")
        assert who.administrator.execute(tampering.encode()).rowcount
        assert getattr(kept.verdict(who.administrator, acknowledged), noticed)


def test_one_submission_kept_twice_is_noticed(who: Parties, acknowledged: list[Acknowledged]) -> None:
    with who.administrator.transaction(force_rollback=True):
        who.administrator.execute("SET LOCAL session_replication_role = replica")
        columns = [
            row[0] for row in who.administrator.execute("SELECT column_name FROM information_schema.columns WHERE table_name = 'revisions'")
        ]
        names = ", ".join(f'"{name}"' for name in columns)
        values = ", ".join({"revision_id": "revision_id + 1000", "number": "number + 1"}.get(name, f'"{name}"') for name in columns)
        who.administrator.execute(
            f"INSERT INTO revisions ({names}) OVERRIDING SYSTEM VALUE SELECT {values} FROM revisions WHERE {LAST}".encode()
        )
        assert len(kept.verdict(who.administrator, acknowledged).duplicated) == 2
