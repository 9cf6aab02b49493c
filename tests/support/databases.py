"""Real databases for tests: one embedded server a run, one migrated template, a copy of it for whoever asks, made beforehand."""

import contextlib
import fcntl
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import psycopg
from pydantic import SecretStr
from sqlalchemy import Engine, NullPool, create_engine, make_url
from sqlalchemy.engine import URL

from app.db import roles
from app.db.embedded import ServerUrls, running
from app.db.engine import driver_url, make_engine
from app.db.schema import migrate
from app.settings import Settings
from tests.support.postgres15 import postgres15

TEMPLATE = "mainstem_template"


@dataclass(frozen=True)
class Database:
    """A database of a test's own, at head unless it asked for an empty one."""

    name: str
    urls: ServerUrls = field(repr=False)
    settings: Settings
    engine: Engine = field(repr=False)
    """As the application: row-level security holds."""
    owner_engine: Engine = field(repr=False)
    """As the owner's login: may change tables, and row-level security holds for it as well."""
    superuser_engine: Engine = field(repr=False)
    """Sees and changes everything: for looking behind the walls, and for tampering."""


@dataclass(frozen=True)
class Server:
    """The embedded server of the run."""

    urls: ServerUrls = field(repr=False)
    data: Path
    behind: Executor = field(repr=False)
    """Makes the next database while a test is at the last one, and clears away those that are done with."""
    _next: list[Future[str]] = field(default_factory=list, init=False, repr=False)

    @contextlib.contextmanager
    def database(self, *, empty: bool = False) -> Iterator[Database]:
        """A fresh database, gone afterwards."""
        name = self._made(template="template0") if empty else self._migrated()
        urls = urls_of(self.urls, name)
        settings = Settings(data=self.data, database_url=SecretStr(urls.application), owner_database_url=SecretStr(urls.owner))
        engine = make_engine(urls.application, settings)
        others = [create_engine(driver_url(str(url)), poolclass=NullPool) for url in (urls.owner, urls.superuser)]
        try:
            yield Database(name=name, urls=urls, settings=settings, engine=engine, owner_engine=others[0], superuser_engine=others[1])
        finally:
            engine.dispose()
            self.behind.submit(self.run, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def run(self, statement: str) -> None:
        """Run one statement as the superuser, outside a transaction."""
        with psycopg.connect(str(self.urls.superuser), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _migrated(self) -> str:
        """The name of a database at head, and the next one is on its way."""
        if not self._next:
            self._make_template()
            self._next.append(self.behind.submit(self._made, template=TEMPLATE))
        name = self._next.pop().result()
        self._next.append(self.behind.submit(self._made, template=TEMPLATE))
        return name

    def _made(self, *, template: str) -> str:
        name = f"test_{uuid4().hex}"
        self._create(name, template=template)
        return name

    def _create(self, name: str, *, template: str) -> None:
        with psycopg.connect(str(self.urls.superuser), autocommit=True) as connection:
            roles.create_database(connection, name, template=template)

    def _make_template(self) -> None:
        # Workers of one run share the server: the first makes the template, and the others wait for it.
        with (self.data / "template.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with psycopg.connect(str(self.urls.superuser), autocommit=True) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
                    return
            name = f"building_{uuid4().hex}"
            self._create(name, template="template0")
            migrate(urls_of(self.urls, name).owner)
            self.run(f'ALTER DATABASE "{name}" RENAME TO {TEMPLATE}')


@contextlib.contextmanager
def server_of(settings: Settings) -> Iterator[Server]:
    """The embedded server of an installation."""
    with running(settings) as urls, ThreadPoolExecutor(1) as behind:
        yield Server(urls, settings.data, behind)


@contextlib.contextmanager
def server_on_version_15(folder: Path) -> Iterator[Server]:
    """The machine's own PostgreSQL 15, with the roles of an embedded server."""
    with postgres15(folder) as admin, ThreadPoolExecutor(1) as behind:
        with psycopg.connect(admin, autocommit=True) as connection:
            roles.prepare_embedded(connection, dict.fromkeys(roles.LOGINS.values(), "a-word"))
            connection.execute("ALTER SYSTEM SET log_min_messages = 'log'")
            connection.execute("SELECT pg_reload_conf()")
        application, owner, backup = (
            make_url(admin).set(username=roles.LOGINS[group]).render_as_string() for group in (roles.APPLICATION, roles.OWNER, roles.BACKUP)
        )
        yield Server(ServerUrls(application, owner, backup, superuser=admin), folder, behind)


def urls_of(server: ServerUrls, database: str) -> ServerUrls:
    """The same roles' addresses of another database on the server."""
    return ServerUrls(
        *(_renamed(make_url(str(url)), database) for url in (server.application, server.owner, server.backup, server.superuser))
    )


def _renamed(url: URL, database: str) -> str:
    return url.set(database=database).render_as_string(hide_password=False)
