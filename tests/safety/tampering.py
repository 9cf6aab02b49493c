"""Tampering with the database as its superuser, trigger and grant aside: `mainstem audit verify` names each kind (promise A5)."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection, NullPool, create_engine, text

from app.audit.chains import Finding
from app.audit.checkpoint_actions import make_checkpoint
from app.audit.verify_actions import chains, verify_chain
from app.db.engine import driver_url, make_engine
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.events import event_digest
from app.publications.key_actions import key_in_use
from app.publications.keys import Keyring
from app.settings import Settings
from tests.publications.conftest import OCTOBER, press
from tests.reports.conftest import PROGRAMME, acute, of_62, of_fds
from tests.support.databases import Database, Server, server_of, urls_of

Act = Callable[[Connection], None]


@dataclass(frozen=True)
class Tampering:
    """What is done behind everybody's back, and the row and the words by which it must be named."""

    name: str
    act: Act
    row: str
    wrong: str


def tell_story(database: Database) -> None:
    """October published, a return corrected and October published again, with a checkpoint in between, and acts after both."""
    with press(database) as made:
        made.publish()
        sign_chains(database, made.programme.web.clock())
        made.programme.send("SC-RJE", OCTOBER, acute(of_62("urgent", 3, 4), of_fds(90, 100)))
        made.publish()
        made.edit(commentary="And after it.")
        assert made.programme.web.get("/v1/programmes/absent/returns", key=made.editor).status_code == 404


def sign_chains(database: Database, now: Any) -> None:
    with open_session(database.engine, INSTALLATION) as session:
        key = key_in_use(session, Keyring(database.settings.signing_keys_folder), actor=MACHINE, now=now)
        known = chains(session)
        session.commit()
    for chain in known:
        with open_session(database.engine, tenant(chain)) as session:
            make_checkpoint(session, chain, key=key, actor=MACHINE, now=now)
            session.commit()


def tenant(chain: str) -> Tenant:
    return Tenant(programme=chain, subcontract=EVERY, commissioner=EVERY, client=EVERY)


def verified(url: str, settings: Settings) -> list[Finding]:
    """What `mainstem audit verify` finds in a database, as the role that serves."""
    engine = make_engine(url, settings)
    try:
        with open_session(engine, INSTALLATION) as session:
            known = chains(session)
        found = list[Finding]()
        for chain in known:
            with open_session(engine, tenant(chain)) as session:
                found += verify_chain(session, chain, trusted=None, progress=lambda _: None)
        return found
    finally:
        engine.dispose()


@contextlib.contextmanager
def copied(server: Server, database: Database) -> Iterator[tuple[Connection, str]]:
    """A copy of a database, open to its superuser with triggers off, and the address at which the service would find it."""
    database.engine.dispose()
    name = f"test_{uuid4().hex}"
    server.run(f'CREATE DATABASE "{name}" TEMPLATE "{database.name}"')
    urls = urls_of(server.urls, name)
    engine = create_engine(driver_url(str(urls.superuser)), poolclass=NullPool)
    try:
        with engine.connect() as connection:
            connection.execute(text("SET session_replication_role = replica"))
            yield connection, str(urls.application)
    finally:
        server.run(f'DROP DATABASE "{name}" WITH (FORCE)')


def findings_after(server: Server, database: Database, act: Act) -> list[Finding]:
    """What is found in a copy of the database that somebody tampered with."""
    with copied(server, database) as (connection, url):
        act(connection)
        connection.commit()
        return verified(url, database.settings)


def is_named(tampering: Tampering, found: list[Finding]) -> bool:
    return any(re.search(tampering.row, each.row) and re.search(tampering.wrong, each.wrong) for each in found)


def _of(*statements: str) -> Act:
    def act(connection: Connection) -> None:
        for statement in statements:
            done = connection.execute(text(statement), {"programme": PROGRAMME})
            assert done.rowcount, f"nothing to tamper with: {statement}"

    return act


def _written_anew(connection: Connection) -> None:
    """One event altered, and every digest after it worked out again, up to the ledger's."""
    query = text("SELECT * FROM events WHERE programme = :programme ORDER BY sequence")
    previous = "0" * 64
    for row in connection.execute(query, {"programme": PROGRAMME}).mappings().all():
        event = {**row, "previous_sha256": previous}
        if event["sequence"] == 2:
            event["client_name"] = "Somebody else"
        previous = event_digest(event)
        values = {**{name: event[name] for name in ("programme", "sequence", "client_name", "previous_sha256")}, "sha256": previous}
        connection.execute(
            text(
                "UPDATE events SET client_name = :client_name, previous_sha256 = :previous_sha256, sha256 = :sha256"
                " WHERE programme = :programme AND sequence = :sequence"
            ),
            values,
        )
    connection.execute(text("UPDATE ledger SET last_event_sha256 = :sha256 WHERE programme = :programme"), values)


def _rehashed(connection: Connection) -> None:
    """One event altered, and its own digest worked out again."""
    row = connection.execute(text("SELECT * FROM events WHERE programme = :programme AND sequence = 2"), {"programme": PROGRAMME})
    event = {**row.mappings().one(), "client_name": "Somebody else"}
    connection.execute(
        text("UPDATE events SET client_name = 'Somebody else', sha256 = :sha256 WHERE programme = :programme AND sequence = 2"),
        {"programme": PROGRAMME, "sha256": event_digest(event)},
    )


_LAST: Final = "sequence = (SELECT max(sequence) FROM events WHERE programme = :programme)"
_CHAIN: Final = "programme = :programme"
_TAIL_FORGOTTEN: Final = f"""
    UPDATE ledger SET (last_event_sequence, last_event_sha256) =
        (SELECT sequence, sha256 FROM events WHERE {_CHAIN} ORDER BY sequence DESC LIMIT 1) WHERE {_CHAIN}
"""
_FIRST_RENDITION: Final = f"{_CHAIN} AND sequence = 1 AND audience_kind = 'programme'"

TAMPERINGS: Final = (
    Tampering(
        "an altered event", _of(f"UPDATE events SET subject = '{{}}' WHERE {_CHAIN} AND sequence = 3"), "^event 3$", "not what was recorded"
    ),
    Tampering(
        "an event of another client", _of(f"UPDATE events SET recorded_by = 'x' WHERE {_CHAIN} AND sequence = 4"), "^event 4$", "not what"
    ),
    Tampering("a deleted event", _of(f"DELETE FROM events WHERE {_CHAIN} AND sequence = 5"), "^event 5$", "is missing"),
    Tampering("a deleted tail", _of(f"DELETE FROM events WHERE {_CHAIN} AND {_LAST}"), "^event", "The ledger ends with it"),
    Tampering(
        "a deleted tail, and the ledger set back",
        _of(f"DELETE FROM events WHERE {_CHAIN} AND sequence > 3", _TAIL_FORGOTTEN),
        "^event",
        "is missing: .* was signed over it",
    ),
    Tampering(
        "two events in another order",
        _of(
            f"UPDATE events SET sequence = 1003 WHERE {_CHAIN} AND sequence = 3",
            f"UPDATE events SET sequence = 3 WHERE {_CHAIN} AND sequence = 4",
            f"UPDATE events SET sequence = 4 WHERE {_CHAIN} AND sequence = 1003",
        ),
        "^event 3$",
        "not what was recorded",
    ),
    Tampering("an event altered with its digest", _rehashed, "^event 3$", "does not follow"),
    Tampering(
        "a whole chain written anew", _written_anew, "^event", "publication 1 was signed over|checkpoint at event .* was signed over"
    ),
    Tampering(
        "an added event",
        _of(
            f"INSERT INTO events SELECT programme, sequence + 1, recorded_at, recorded_by, client_name, role, action, subject, details, request_id,"
            f" previous_sha256, sha256, client_programme, client_subcontract, client_commissioner FROM events WHERE {_CHAIN} AND {_LAST}"
        ),
        "^event",
        "not what was recorded",
    ),
    Tampering(
        "another end in the ledger",
        _of(f"UPDATE ledger SET last_event_sha256 = repeat('0', 64) WHERE {_CHAIN}"),
        "^event",
        "digest of the chain's end",
    ),
    Tampering("a ledger without the chain", _of(f"DELETE FROM ledger WHERE {_CHAIN}"), "^event", "no row for this chain"),
    Tampering(
        "a changed cell",
        _of("UPDATE cells SET numerator = numerator + 1 WHERE numerator = 40"),
        "^revision 1 of cwt",
        "Its cells are not those",
    ),
    Tampering("a deleted cell", _of("DELETE FROM cells WHERE numerator = 40"), "^revision 1 of cwt", "Its cells are not those"),
    Tampering(
        "a changed digest of a revision",
        _of(f"UPDATE revisions SET content_sha256 = repeat('0', 64) WHERE {_CHAIN} AND number = 2"),
        "^revision 2 of cwt",
        "do not say the same",
    ),
    Tampering("a deleted revision", _of(f"DELETE FROM revisions WHERE {_CHAIN} AND number = 2"), "^event", "or one of them is missing"),
    Tampering(
        "other bytes than were received",
        _of(f"UPDATE submitted_files SET deflated = '\\x00' WHERE {_CHAIN}"),
        "^revision",
        "not those that its receipt names",
    ),
    Tampering(
        "changed bytes of a rendition",
        _of(
            f"UPDATE renditions SET compressed = (SELECT compressed FROM renditions WHERE {_CHAIN} AND sequence = 2 AND audience_kind = 'programme') WHERE {_FIRST_RENDITION}"
        ),
        "^rendition of publication 1 for programme$",
        "not what was published",
    ),
    Tampering(
        "broken bytes of a rendition",
        _of(f"UPDATE renditions SET compressed = '\\x1f8b' WHERE {_FIRST_RENDITION}"),
        "^rendition",
        "not what was",
    ),
    Tampering(
        "a deleted rendition",
        _of(f"DELETE FROM renditions WHERE {_FIRST_RENDITION}"),
        "^rendition of publication 1 for programme",
        "missing",
    ),
    Tampering(
        "a swapped manifest",
        _of(
            f"UPDATE publications SET manifest = (SELECT manifest FROM publications WHERE {_CHAIN} AND sequence = 2) WHERE {_CHAIN} AND sequence = 1"
        ),
        "^publication 1$",
        "bytes have another digest",
    ),
    Tampering(
        "a manifest altered with its digest",
        _of(
            f"UPDATE publications SET manifest = convert_to(replace(convert_from(manifest, 'UTF8'), '\"first\"', '\"final\"'), 'UTF8') WHERE {_CHAIN} AND sequence = 1",
            f"UPDATE publications SET manifest_sha256 = encode(sha256(manifest), 'hex') WHERE {_CHAIN} AND sequence = 1",
        ),
        "^publication 1$",
        "signature is not",
    ),
    Tampering("a deleted publication", _of(f"DELETE FROM publications WHERE {_CHAIN} AND sequence = 2"), "^publication 2$", "is missing"),
    Tampering(
        "an altered checkpoint",
        _of(f"UPDATE checkpoints SET sha256 = repeat('0', 64) WHERE {_CHAIN}"),
        "^checkpoint",
        "something else than",
    ),
    Tampering(
        "a change of the contract that nobody made",
        _of(
            f"INSERT INTO contract_changes SELECT programme, recorded_at + interval '1 second', recorded_by FROM contract_changes WHERE {_CHAIN}"
        ),
        "^contract_changes",
        "knows of no such act",
    ),
    Tampering(
        "a fact that nobody added",
        _of(f"UPDATE sites SET recorded_at = recorded_at + interval '1 second' WHERE {_CHAIN} AND code = 'lung'"),
        "^sites",
        "knows of no such act",
    ),
    Tampering(
        "a changed line of the contract",
        _of(f"UPDATE subcontracts SET annual_value_pence = coalesce(annual_value_pence, 0) + 1 WHERE {_CHAIN}"),
        "^contract of event",
        "not those that were applied",
    ),
    Tampering(
        "a line of the contract that cannot be read",
        _of(f"UPDATE measures SET breakdown = '5' WHERE {_CHAIN}"),
        "^contract of event",
        "not those that were applied",
    ),
    Tampering(
        "an event of a publication that says nothing",
        _of(f"UPDATE events SET subject = '{{}}', details = '[]' WHERE {_CHAIN} AND action = 'publication.published'"),
        "^event",
        "not what was recorded",
    ),
    Tampering(
        "a manifest that is none",
        _of(f"UPDATE publications SET manifest = '{{}}' WHERE {_CHAIN} AND sequence = 1"),
        "^publication 1$",
        "bytes have another digest",
    ),
    Tampering(
        "an altered refusal", _of("UPDATE events SET role = 'auditor' WHERE programme = '*refused'"), "^event 1$", "not what was recorded"
    ),
    Tampering(
        "a signing key by another's name",
        _of("UPDATE signing_keys SET public_key = repeat('A', 43)"),
        "^signing key",
        "not that of its public half",
    ),
)


def main() -> int:
    """Tamper in every way, and say which was named; 1 where any was not."""
    os.environ["MAINSTEM_LOG_LEVEL"] = "error"
    with tempfile.TemporaryDirectory() as folder, server_of(Settings(data=Path(folder))) as server, server.database() as database:
        tell_story(database)
        clean = verified(str(database.urls.application), database.settings)
        for each in clean:
            print(f"FALSE ALARM {each}")
        missed = 0
        for tampering in TAMPERINGS:
            found = findings_after(server, database, tampering.act)
            missed += not is_named(tampering, found)
            print(f"{'named ' if is_named(tampering, found) else 'MISSED'} {tampering.name}: {found[0] if found else 'nothing found'}")
    print(f"{len(TAMPERINGS)} kinds of tampering, {missed} not named.")
    return 1 if missed or clean else 0


if __name__ == "__main__":
    sys.exit(main())
