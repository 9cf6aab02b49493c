"""The application behind a real socket in this process, and a network in front of it that drops connections."""

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal

import uvicorn

from app.main import create_app
from app.web.connections import server_config
from tests.support.databases import Database

Fate = Literal["refused", "request_lost", "answer_lost", "passes"]
"""What becomes of a connection: reset at once; reset once something was sent; reset once the service answered; left alone."""

_RESET: Final = struct.pack("ii", 1, 0)


@contextlib.contextmanager
def listening(database: Database, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[str]:
    """The address at which the application answers on a database until the block ends."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        config = server_config(create_app(database.settings, clock=clock), database.settings)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            # It starts where it stands: its log goes to whatever is standard error at that moment.
            while not server.started and thread.is_alive():
                thread.join(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass
class BadNetwork:
    """Passes connections on to an address, each to the fate that is next; after the last one, all pass. `met` counts them.

    `drop` ends those that are open, whatever is under way on them.
    """

    address: str
    fates: deque[Fate] = field(default_factory=deque)
    met: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    def drop(self) -> None:
        while self._open:
            _reset(self._open.pop())

    @contextlib.contextmanager
    def between(self) -> Iterator[str]:
        """The address to call instead."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
            accepting.start()
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                listener.shutdown(socket.SHUT_RDWR)
                accepting.join()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            self.met += 1
            fate = self.fates.popleft() if self.fates else "passes"
            threading.Thread(target=self._meet, args=(near, fate), daemon=True).start()

    def _meet(self, near: socket.socket, fate: Fate) -> None:
        host, _, port = self.address.removeprefix("http://").partition(":")
        with near, contextlib.suppress(OSError):
            if fate == "refused":
                _reset(near)
                return
            if fate == "request_lost":
                near.recv(65_536)
                _reset(near)
                return
            self._open.add(near)
            with socket.create_connection((host, int(port))) as far:
                back = threading.Thread(target=_pump, args=(far, near, fate), daemon=True)
                back.start()
                _pump(near, far, "passes")
                back.join()
            self._open.discard(near)


def _pump(source: socket.socket, target: socket.socket, fate: Fate) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65_536):
            if fate == "answer_lost":
                _reset(target)
                source.shutdown(socket.SHUT_RDWR)
                return
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)


def _reset(connection: socket.socket) -> None:
    """End a connection as a broken network does, with no word of goodbye."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        connection.shutdown(socket.SHUT_RD)
    connection.close()
