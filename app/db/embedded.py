"""An embedded PostgreSQL: started by the first process that uses it, stopped by the last, whatever was killed in between."""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import pq

from app.db import roles
from app.db.embedded_programs import Programs, find_programs
from app.settings import CannotStart, Settings

Progress = Callable[[str], None]

_SUPERUSER: Final = "postgres"
_SOCKET: Final = ".s.PGSQL.5432"
# What the address of a Unix socket may hold on Linux; macOS allows a few less.
_SOCKET_PATH_BYTES: Final = 103
_LOG_BYTES: Final = 10_000_000
_POLL_SECONDS: Final = 0.02
_OBSTACLE_SECONDS: Final = 60
_WATCH_SECONDS: Final = 1
# What a fresh postmaster says while processes of a killed one are still finishing, or another has just been launched.
_OBSTACLES: Final = ("is still in use", "already exists")
_OPTIONS: Final = {
    "listen_addresses": "",
    "port": "5432",
    # Relative to the cluster's folder, so that its length does not matter and no other folder is touched.
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A log names events: no statements and no values of rows, which the message of an error may repeat. What failed, the service says in its own.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """How to reach the database in each part; `backup` where the server is ours or it is named, `superuser` only where it is ours."""

    application: str = field(repr=False)
    owner: str = field(repr=False)
    backup: str | None = field(default=None, repr=False)
    superuser: str | None = field(default=None, repr=False)


@contextlib.contextmanager
def running(settings: Settings, *, progress: Progress = lambda _: None) -> Iterator[ServerUrls]:
    """The database's addresses, with the embedded server running for as long as the block does.

    With MAINSTEM_DATABASE_URL nothing is started or asked.
    """
    if settings.database_url is not None:
        application = settings.database_url.get_secret_value()
        owner = settings.owner_database_url
        backup = settings.backup_database_url
        yield ServerUrls(
            application=application,
            owner=application if owner is None else owner.get_secret_value(),
            backup=None if backup is None else backup.get_secret_value(),
        )
        return
    cluster = Cluster(settings.data, progress)
    users = cluster.enter()
    try:
        with cluster.watched():
            yield cluster.urls()
    finally:
        cluster.leave(users)


def is_there(settings: Settings) -> bool:
    """Whether there is a database to start; one that is named in the settings is taken to be there."""
    return settings.database_url is not None or Cluster(settings.data, lambda _: None).folder.exists()


class Cluster:
    """One folder of data and the server on it. Every method may be called by several processes at once."""

    def __init__(self, data: Path, progress: Progress) -> None:
        self.data = data
        self.folder = data / "postgres-18"
        self.log = data / "postgres.log"
        self.progress = progress
        self._leaving = threading.Event()

    def enter(self) -> int:
        """Have the server running and be counted as its user; the result is what `leave` takes."""
        try:
            self.data.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._locked("postgres-start.lock"):
                self._passwords = self._load_passwords()
                users = self._open("postgres-users.lock")
                try:
                    self._start()
                    self._prepare()
                    # Shared by all users and held by the kernel: it ends with the process, however that ends.
                    fcntl.flock(users, fcntl.LOCK_SH)
                except BaseException:
                    self._stop_if_last(users)
                    raise
                return users
        except OSError as error:
            raise CannotStart(f"The folder {self.data} (MAINSTEM_DATA) cannot be used: {error.strerror or error}.") from None

    def leave(self, users: int) -> None:
        """No longer be a user; the last one stops the server."""
        with self._locked("postgres-start.lock"):
            self._stop_if_last(users)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Have a server that was killed brought back until the block ends; of several users' watches the first to lock does it."""
        watch = threading.Thread(target=self._watch, name="postgres-watch", daemon=True)
        watch.start()
        try:
            yield
        finally:
            self._leaving.set()
            watch.join()

    def _watch(self) -> None:
        said = ""
        while not self._leaving.wait(_WATCH_SECONDS):
            try:
                self.bring_back()
                said = ""
            except (CannotStart, OSError) as problem:
                # It may be able to later: a disk that was full has room again.
                if str(problem) != said:
                    said = str(problem)
                    self.progress(said)

    def bring_back(self) -> None:
        """Start the server again if it has ended. CannotStart also where its data are gone: nobody asked for a new, empty database."""
        # By the process: asking for a connection each second would stop every thread while a busy server hesitates to answer.
        if self._is_running():
            return
        with self._locked("postgres-start.lock"):
            if self._leaving.is_set() or self._is_running():
                return
            if not self.folder.exists():
                raise CannotStart(f"The folder {self.folder} of the embedded PostgreSQL is gone: put it back from a backup.")
            self.progress("PostgreSQL has ended; it is started again")
            self._start()

    def urls(self) -> ServerUrls:
        login = roles.LOGINS
        return ServerUrls(
            application=self._url(login[roles.APPLICATION], roles.DATABASE),
            owner=self._url(login[roles.OWNER], roles.DATABASE),
            backup=self._url(login[roles.BACKUP], roles.DATABASE),
            superuser=self._url(_SUPERUSER, "postgres"),
        )

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@/{database}?host={quote(str(self._socket_folder()), safe='')}&port=5432"

    def _socket_folder(self) -> Path:
        if len(os.fsencode(self.folder / _SOCKET)) <= _SOCKET_PATH_BYTES:
            return self.folder
        # A longer path does not fit into a socket's address: go there by a link of our own.
        name = f"mainstem-{os.geteuid()}-{sha256(os.fsencode(self.folder)).hexdigest()[:16]}"
        for parent in dict.fromkeys((tempfile.gettempdir(), "/tmp")):  # noqa: S108 - a link found there is used only if it is this user's own
            link = Path(parent) / name
            if len(os.fsencode(link / _SOCKET)) > _SOCKET_PATH_BYTES:
                continue
            with contextlib.suppress(FileExistsError):
                link.symlink_to(self.folder)
            if link.is_symlink() and link.lstat().st_uid == os.geteuid() and link.readlink() == self.folder:
                return link
        raise CannotStart(
            f"The path {self.folder} is too long for a socket and no short link to it could be made: choose a shorter MAINSTEM_DATA."
        )

    def _open(self, name: str) -> int:
        return os.open(self.data / name, os.O_RDWR | os.O_CREAT, 0o600)

    @contextlib.contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        lock = self._open(name)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _load_passwords(self) -> dict[str, str]:
        file = self.data / "postgres-passwords.json"
        names = (_SUPERUSER, *roles.LOGINS.values())
        if not file.exists():
            if self.folder.exists():
                raise CannotStart(
                    f"The passwords of the embedded PostgreSQL are gone: put {file} back, or move {self.folder} away to begin anew."
                )
            made = self._open(f"{file.name}.new")
            with os.fdopen(made, "w") as stream:
                json.dump({name: secrets.token_urlsafe(32) for name in names}, stream)
                stream.flush()
                os.fsync(stream.fileno())
            (self.data / f"{file.name}.new").replace(file)
        try:
            found = json.loads(file.read_text())
            return {name: str(found[name]) for name in names}
        except (ValueError, KeyError, TypeError):
            raise CannotStart(
                f"The file {file} does not hold the passwords of the embedded PostgreSQL: put it back from a backup."
            ) from None

    # Starting. Whether a server is there is decided by whether it answers, never by a process number in a file.

    def _answer(self) -> pq.Ping:
        return pq.Ping(pq.PGconn.ping(f"{self._url(_SUPERUSER, 'postgres')}&connect_timeout=10".encode()))

    def _start(self) -> None:
        programs: Programs | None = None
        give_up = time.monotonic() + _OBSTACLE_SECONDS
        while True:
            answer = self._wait_while_starting(None)
            if answer is pq.Ping.OK:
                return
            programs = programs or find_programs(self.folder)
            if not self.folder.exists():
                self._initialise(programs)
            self._forget_stale_process()
            said_from = self._roll_log()
            process = self._launch(programs)
            if self._wait_while_starting(process) is pq.Ping.OK:
                # A child that nobody waits for would look alive after its end.
                threading.Thread(target=process.wait, name="postgres-reaper", daemon=True).start()
                return
            with self.log.open("rb") as log:
                log.seek(said_from)
                said = log.read().decode(errors="replace")
            if not any(obstacle in said for obstacle in _OBSTACLES) or time.monotonic() > give_up or self._leaving.is_set():
                raise CannotStart(f"The embedded PostgreSQL does not start: {_reason(said)} (its log is {self.log}).")
            self.progress("waiting for processes of the last PostgreSQL to finish")
            time.sleep(10 * _POLL_SECONDS)

    def _wait_while_starting(self, process: subprocess.Popen[bytes] | None) -> pq.Ping:
        """Wait while a server says that it is starting or recovering, however long it takes, or our own process has yet to speak."""
        told = time.monotonic()
        while True:
            answer = self._answer()
            ours = process is not None and process.poll() is None
            if answer is pq.Ping.OK or not (ours or answer is pq.Ping.REJECT):
                return answer
            if time.monotonic() - told > 2:
                self.progress("PostgreSQL is recovering what it had in hand")
                told = time.monotonic()
            time.sleep(_POLL_SECONDS)

    def _launch(self, programs: Programs) -> subprocess.Popen[bytes]:
        options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return programs.start("postgres", self.folder, options, stdin=subprocess.DEVNULL, output=log)

    def _roll_log(self) -> int:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self.log.touch(mode=0o600)
        return self.log.stat().st_size

    def _initialise(self, programs: Programs) -> None:
        """Make the cluster beside its place and move it there when it is whole: a killed attempt leaves nothing half made."""
        self.progress("making a new PostgreSQL database")
        made = self.folder.with_suffix(".new")
        if made.exists():
            shutil.rmtree(made)
        made.mkdir(mode=0o700)
        if programs.user is not None and programs.group is not None:
            os.chown(made, programs.user, programs.group)
        password, sender = os.pipe()
        try:
            if programs.user is not None:
                os.fchown(password, programs.user, -1)
            os.write(sender, self._passwords[_SUPERUSER].encode() + b"\n")
        finally:
            os.close(sender)
        arguments = ["--locale=C", "--encoding=UTF8", "--data-checksums", "--username", _SUPERUSER, "--pwfile=/dev/stdin"]
        arguments += ["--auth-local=scram-sha-256", "--auth-host=reject"]
        with tempfile.TemporaryFile() as output:
            try:
                process = programs.start("initdb", made, arguments, stdin=password, output=output)
                failed = process.wait() != 0
            finally:
                os.close(password)
            output.seek(0)
            if failed:
                raise CannotStart(
                    f"The embedded PostgreSQL cannot be made in {self.data}: {_reason(output.read().decode(errors='replace'))}."
                )
        made.rename(self.folder)

    def _prepare(self) -> None:
        try:
            with psycopg.connect(self._url(_SUPERUSER, "postgres"), autocommit=True) as connection:
                roles.prepare_embedded(connection, self._passwords)
        except psycopg.Error as error:
            raise CannotStart(f"The embedded PostgreSQL in {self.data} cannot be used: {_reason(str(error))}.") from None

    # Stopping.

    def _process_number(self) -> int | None:
        try:
            return int((self.folder / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, ValueError, IndexError):
            return None

    def _is_running(self) -> bool:
        number = self._process_number()
        return number is not None and self._is_server(number)

    def _is_server(self, number: int) -> bool:
        """Whether that process works in this cluster's folder: numbers are given again, and the dead may keep theirs for a while."""
        if Path("/proc/self/cwd").exists():
            try:
                return Path(f"/proc/{number}/cwd").samefile(self.folder)
            except OSError:
                return False
        try:
            os.kill(number, 0)
        except OSError:
            return False
        return True

    def _forget_stale_process(self) -> None:
        number = self._process_number()
        if number is not None and not self._is_server(number):
            (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def _stop_if_last(self, users: int) -> None:
        try:
            fcntl.flock(users, fcntl.LOCK_UN)
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            self._stop()
        finally:
            os.close(users)

    def _stop(self) -> None:
        number = self._process_number()
        if number is None or not self._is_server(number):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGINT)  # "Fast": transactions are rolled back, everything is written.
        while self._process_number() == number and self._is_server(number):
            time.sleep(_POLL_SECONDS)


def _reason(text: str) -> str:
    """The line of a program's output that says why, without its prefix."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for word in ("FATAL:", "PANIC:", "error:", "could not", "ERROR:"):
        for line in reversed(lines):
            if word in line:
                return (line.split(word, 1)[1] if word.endswith(":") else line).strip().rstrip(".")
    return lines[-1].rstrip(".") if lines else "it said nothing"
