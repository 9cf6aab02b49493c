"""The drill (`python -m tests.recovery`): base backup, destruction, the second before; every row, the record and the publications are there again."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from pydantic import SecretStr
from sqlalchemy import NullPool, create_engine, make_url

from app.calendar.store import load_contract
from app.db import backup
from app.db.embedded import ServerUrls, running
from app.db.embedded_programs import find_programs
from app.db.engine import driver_url, make_engine
from app.db.schema import migrate
from app.db.session import open_session
from app.kernel.actors import MACHINE
from app.publications import store
from app.publications.composition_actions import Numbered, compose, work_out, written
from app.publications.domain import OF_PROGRAMME
from app.publications.key_actions import SigningKey
from app.publications.keys import Keyring
from app.publications.public_actions import PublicHistory
from app.reports import audit_actions as figures
from app.settings import Settings
from tests.publications.conftest import unzipped
from tests.reports.conftest import PROGRAMME
from tests.safety.tampering import tell_story, tenant, verified
from tests.support.databases import Database, urls_of

_PATIENCE_SECONDS = 60


def main() -> int:
    os.environ["MAINSTEM_LOG_LEVEL"] = "error"
    with tempfile.TemporaryDirectory() as folder:
        there, restored = Path(folder) / "there", Path(folder) / "restored"
        with running(_settings(there)) as urls:
            _as_superuser(
                urls, "ALTER SYSTEM SET archive_mode = 'on'", "ALTER SYSTEM SET archive_command = 'mkdir -p archived && cp %p archived/%f'"
            )
        # Archiving begins with a start.
        with running(_settings(there)) as urls:
            migrate(urls.owner, application_url=urls.application)
            _base_backup(urls, there, restored)
            with _database(there, urls) as database:
                tell_story(database)
            counts = backup.count(str(urls.backup), now=datetime.now(UTC))
            second_before = _destroy(urls)
            print(f"destroyed after {second_before}: {'; '.join(backup.differences(str(urls.backup), counts, now=datetime.now(UTC)))}")
        _prepare(there, restored, second_before)
        with running(_settings(restored)) as urls:
            _until(urls, "SELECT NOT pg_is_in_recovery()")
            faults = list(_faults(restored, urls, counts))
    for fault in faults:
        print(f"R6 falls short: {fault}")
    if not faults:
        print(
            f"R6 holds: {sum(counts.rows.values())} rows of {len(counts.rows)} tables are back, the record verifies, and what was published is made again."
        )
    return 1 if faults else 0


def _settings(data: Path) -> Settings:
    return Settings(data=data, database_url=None, owner_database_url=None)


@contextmanager
def _database(data: Path, urls: ServerUrls) -> Iterator[Database]:
    settings = Settings(data=data, database_url=SecretStr(urls.application), owner_database_url=SecretStr(urls.owner))
    engines = [make_engine(urls.application, settings)]
    engines += [create_engine(driver_url(str(url)), poolclass=NullPool) for url in (urls.owner, _own(urls).superuser)]
    try:
        yield Database("mainstem", urls, settings, *engines)
    finally:
        for engine in engines:
            engine.dispose()


def _own(urls: ServerUrls) -> ServerUrls:
    """The superuser in the service's database too."""
    return urls_of(urls, str(make_url(urls.application).database))


def _as_superuser(urls: ServerUrls, *statements: str) -> tuple[object, ...]:
    """What the last of some statements gives; an empty row where it gives none."""
    with psycopg.connect(str(_own(urls).superuser), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return (cursor.fetchone() or ()) if cursor.description else ()


def _until(urls: ServerUrls, question: str) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while _as_superuser(urls, question) != (True,):
        assert time.monotonic() < give_up, f"not in {_PATIENCE_SECONDS} seconds: {question}"
        time.sleep(0.1)


def _base_backup(urls: ServerUrls, there: Path, restored: Path) -> None:
    restored.mkdir(mode=0o700)
    address = make_url(str(urls.backup))
    program = find_programs(there / "postgres-18").folder / "pg_basebackup"
    command = [
        str(program),
        "--pgdata",
        str(restored / "postgres-18"),
        "--checkpoint=fast",
        "--dbname",
        address._replace(password=None).render_as_string(),
    ]
    subprocess.run(command, env={**os.environ, "PGPASSWORD": str(address.password)}, check=True)


def _destroy(urls: ServerUrls) -> str:
    """Destroy records as nobody but a superuser can; the last moment at which they were there."""
    (moment,) = _as_superuser(urls, "SELECT clock_timestamp()::text")
    _as_superuser(
        urls,
        "SET session_replication_role = replica",
        "DELETE FROM cells",
        "DELETE FROM events WHERE sequence > 2",
        "DROP TABLE renditions",
        "SET session_replication_role = origin",
    )
    (file,) = _as_superuser(urls, "SELECT pg_walfile_name(pg_switch_wal())")
    _until(urls, f"SELECT last_archived_wal >= '{file}' FROM pg_stat_archiver")
    return str(moment)


def _prepare(there: Path, restored: Path, second_before: str) -> None:
    """Lay beside the base backup what it takes to go on from it: the write-ahead log, until when, and whose the files are."""
    cluster, source = restored / "postgres-18", there / "postgres-18"
    shutil.copytree(source / "archived", cluster / "archived", dirs_exist_ok=True)
    shutil.copy(there / "postgres-passwords.json", restored)
    shutil.copytree(there / "signing-keys", restored / "signing-keys")
    (cluster / "recovery.signal").touch()
    with (cluster / "postgresql.auto.conf").open("a") as options:
        options.write("archive_mode = 'off'\nrestore_command = 'cp archived/%f %p'\nrecovery_target_action = 'promote'\n")
        options.write(f"recovery_target_time = '{second_before}'\n")
    owner = source.stat()
    for path in (cluster, *cluster.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _faults(data: Path, urls: ServerUrls, counts: backup.Counts) -> Iterator[str]:
    yield from backup.differences(str(urls.backup), counts, now=datetime.now(UTC))
    with _database(data, urls) as database:
        yield from (f"{each.chain}: {each.row}: {each.wrong}" for each in verified(urls.application, database.settings))
        with open_session(database.engine, tenant(PROGRAMME)) as session:
            found = figures.audit_figures(session, PROGRAMME, month=None, actor=MACHINE, now=datetime.now(UTC), progress=lambda _: None)
            yield from (f"a figure of {each.month} is not what it is computed to be" for each in found.mismatches)
        yield from _made_otherwise(database)


def _made_otherwise(database: Database) -> Iterator[str]:
    """The renditions of the first publication that are not made again, byte by byte, from what they were made of."""
    with open_session(database.engine, tenant(PROGRAMME)) as session:
        first = store.publication(session, PROGRAMME, 1)
        assert first is not None, "something was published"
        private = Keyring(database.settings.signing_keys_folder).private(first.key_id)
        assert private is not None, "the keys were put back"
        composition = compose(session, load_contract(session, PROGRAMME, as_of=first.as_of), first.month, as_of=first.as_of, before=None)
        whole = store.compressed(session, PROGRAMME, OF_PROGRAMME, first.sequence)
        head = None if whole is None else json.loads(unzipped(whole))["report"]["event_sha256"]
        numbered = Numbered(first.sequence, first.published_at, first.commentary, head)
        prepared = work_out(composition, PublicHistory(session, PROGRAMME))
        signed = written(composition, prepared, numbered, previous={}, sign=SigningKey(first.key_id, private).sign)
        made = {each.rendition.audience: each.rendition for each in signed}
        for audience, rendition in made.items():
            kept = store.compressed(session, PROGRAMME, audience, first.sequence)
            # What the public may have depends on what it had since.
            if audience.kind != "public" and (kept is None or unzipped(kept) != unzipped(rendition.compressed)):
                yield f"the rendition for {audience.kind} {audience.code} is made otherwise"


if __name__ == "__main__":
    sys.exit(main())
