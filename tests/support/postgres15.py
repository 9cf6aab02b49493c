"""A PostgreSQL 15 of the machine's own, for what must also hold on the oldest version that is supported."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from psycopg import pq

from app.db.embedded_programs import Programs

FOLDER = Path("/usr/lib/postgresql/15/bin")
IS_THERE = (FOLDER / "postgres").exists()


@contextlib.contextmanager
def postgres15(folder: Path, *, passwords: bool = False) -> Iterator[str]:
    """A fresh server with a superuser `admin`, on a socket in the folder; the text is its address. All but him may be asked for passwords."""
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    programs = Programs(FOLDER, account.pw_uid if account else None, account.pw_gid if account else None)
    cluster = folder / "postgres-15"
    cluster.mkdir(mode=0o700)
    if account is not None:
        shutil.chown(cluster, account.pw_uid, account.pw_gid)
    with (folder / "postgres.log").open("wb") as log:
        arguments = ["--locale=C", "--encoding=UTF8", "--username=admin", "--auth=trust", "--no-sync"]
        assert programs.start("initdb", cluster, arguments, stdin=subprocess.DEVNULL, output=log).wait() == 0
        if passwords:
            (cluster / "pg_hba.conf").write_text("local all admin trust\nlocal all all scram-sha-256\n")
        options = ["-c", "listen_addresses=", "-c", "unix_socket_directories=."]
        server = programs.start("postgres", cluster, options, stdin=subprocess.DEVNULL, output=log)
    address = f"postgresql://admin@/postgres?host={cluster}"
    give_up = time.monotonic() + 30
    while pq.PGconn.ping(address.encode()) != pq.Ping.OK and time.monotonic() < give_up:
        time.sleep(0.02)
    try:
        yield address
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(timeout=30)
