"""Clients and keys: shown once, stored as digests, two at a time, dead within a second; each change with its event."""

import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.access import actions
from app.access.domain import KEY_LIFETIME, ClientRevoked, TooManyKeys
from app.access.keys import new_key, parse_key
from app.db.ledger import open_ledger
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import MACHINE, Actor
from app.kernel.refusals import Forbidden, Invalid, NotFound, Unauthenticated
from tests.support.databases import Database
from tests.support.http import serving

NOW = datetime(2026, 11, 13, 17, 0, tzinfo=UTC)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with open_session(database.engine, INSTALLATION) as session:
        yield session


def create(session: Session, role: str = "administrator", **scope: str) -> tuple[str, str]:
    return actions.create_client(session, name="A client", role=role, **scope, actor=MACHINE, now=NOW)  # type: ignore[arg-type]  # the scope's members are named by the caller


def events(session: Session) -> list[tuple[str, str]]:
    return [
        (row.programme, row.action) for row in session.execute(text("SELECT programme, action FROM events ORDER BY programme, sequence"))
    ]


def test_a_key_has_its_shape_and_a_checksum() -> None:
    key = new_key()
    assert parse_key(key.text) == key
    assert key.text not in repr(key)
    for position in range(len(key.text)):
        assert parse_key(key.text[:position] + "~" + key.text[position + 1 :]) is None
    swapped = key.text[:30] + key.text[31] + key.text[30] + key.text[32:]
    assert parse_key(swapped) is None or swapped == key.text
    assert [parse_key(text_) for text_ in ("", "ms_live_", key.text + "0", key.text + "\n", " " + key.text, key.text.upper())] == [None] * 6


def test_a_new_client_is_known_by_its_key_alone(session: Session) -> None:
    client, key = create(session, "preparer", programme="p", subcontract="s")
    session.commit()
    found = actions.authenticate(session, key, now=NOW)
    assert (found.client, found.role, found.programme, found.subcontract, found.commissioner) == (client, "preparer", "p", "s", None)
    stored = str(session.execute(text("SELECT * FROM client_keys")).mappings().all()) + str(
        session.execute(text("SELECT * FROM events")).all()
    )
    assert key not in stored
    assert key[25:] not in stored


def test_who_is_not_known(session: Session) -> None:
    client, key = create(session)
    create(session)
    session.commit()
    stranger = new_key().text
    for text_ in (None, "", "x", stranger, key[:24] + stranger[24:], key.upper()):
        with pytest.raises(Unauthenticated):
            actions.authenticate(session, text_, now=NOW)
    with pytest.raises(Unauthenticated):
        actions.authenticate(session, key, now=NOW + KEY_LIFETIME)
    actions.revoke_client(session, client, actor=MACHINE, now=NOW)
    with pytest.raises(Unauthenticated):
        actions.authenticate(session, key, now=NOW)


def test_a_secret_of_another_key_with_a_right_checksum_is_not_enough(session: Session) -> None:
    _, one = create(session)
    session.commit()
    opening = one[:25] + new_key().text[25:65]
    forged = opening + f"{zlib.crc32(opening.encode()):08x}"
    assert parse_key(forged) is not None
    with pytest.raises(Unauthenticated):
        actions.authenticate(session, forged, now=NOW)


def test_two_keys_at_a_time(session: Session) -> None:
    client, first = create(session)
    second = actions.add_key(session, client, actor=MACHINE, now=NOW)
    assert {actions.authenticate(session, key, now=NOW).client for key in (first, second)} == {client}
    with pytest.raises(TooManyKeys):
        actions.add_key(session, client, actor=MACHINE, now=NOW)
    old = parse_key(first)
    assert old is not None
    actions.revoke_key(session, old.id, actor=MACHINE, now=NOW)
    actions.revoke_key(session, old.id, actor=MACHINE, now=NOW)
    with pytest.raises(Unauthenticated):
        actions.authenticate(session, first, now=NOW)
    third = actions.add_key(session, client, actor=MACHINE, now=NOW)
    assert {actions.authenticate(session, key, now=NOW).client for key in (second, third)} == {client}
    actions.revoke_client(session, client, actor=MACHINE, now=NOW)
    actions.revoke_client(session, client, actor=MACHINE, now=NOW)
    with pytest.raises(ClientRevoked):
        actions.add_key(session, client, actor=MACHINE, now=NOW)
    kinds = ["created", "key_added", "key_revoked", "key_added", "revoked"]
    assert events(session) == [("*", f"client.{kind}") for kind in kinds]


def test_events_stand_in_the_programmes_chain_once_there_is_one(session: Session) -> None:
    create(session, "analyst", programme="p")
    open_ledger(session, "p", now=NOW)
    create(session, "analyst", programme="p")
    create(session, "auditor")
    assert events(session) == [("*", "client.created"), ("*", "client.created"), ("p", "client.created")]


def test_only_who_manages_clients_may(session: Session) -> None:
    manager = Actor("c", "C", "contract_manager", "p", "*", "*")
    with pytest.raises(Forbidden):
        actions.create_client(session, name="x", role="analyst", programme="p", actor=manager, now=NOW)
    for name in ("", " ", "two\nlines", "x" * 201):
        with pytest.raises(Invalid):
            actions.create_client(session, name=name, role="auditor", actor=MACHINE, now=NOW)
    with pytest.raises(NotFound):
        actions.revoke_client(session, "nobody", actor=MACHINE, now=NOW)
    with pytest.raises(NotFound):
        actions.revoke_key(session, "nothing", actor=MACHINE, now=NOW)


def test_last_use_is_kept_to_the_minute(session: Session) -> None:
    _, key = create(session)

    def noted() -> datetime:
        return session.execute(text("SELECT last_used_at FROM client_keys")).scalar_one()  # type: ignore[no-any-return]  # what is read is a moment or None, as the column is

    for later, expected in ((0, 0), (59, 0), (60, 60), (90, 60)):
        actions.authenticate(session, key, now=NOW + timedelta(seconds=later))
        assert noted() == NOW + timedelta(seconds=expected)


def test_clients_keys_and_answers_are_behind_a_wall(database: Database, session: Session) -> None:
    client, _ = create(session)
    create(session)
    session.commit()
    for tenant, seen in ((Tenant(client=client), 1), (Tenant(), 0), (Tenant(programme="*", subcontract="*", commissioner="*"), 0)):
        with open_session(database.engine, tenant) as other:
            for table in ("clients", "client_keys"):
                assert other.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == seen


def test_a_revoked_key_is_dead_within_a_second(database: Database) -> None:
    with serving(database) as web:
        client, key = web.new_client("auditor")
        assert web.get("/metrics", key=key).status_code == 200
        with open_session(database.engine, INSTALLATION) as session:
            actions.revoke_client(session, client, actor=MACHINE, now=datetime.now(UTC))
            session.commit()
        revoked_at = time.monotonic()
        while web.get("/metrics", key=key).status_code == 200:
            assert time.monotonic() - revoked_at < 1
            time.sleep(0.02)
        assert web.get("/metrics", key=key).status_code == 401
