"""What a program can ask of Mainstem: what is owed, templates, submitting, and where a return stands."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx

from app.client.connection import TRIES, Connection, Pause, read_json

JSON: Final = "application/json"
CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


_BACKFILL_SECONDS: Final = 3600.0
"""A million cells take the service a minute or two before it answers."""


class ReturnKey(NamedTuple):
    """Names a return: what one subcontract owes for one collection and month (`"2026-10"`)."""

    programme: str
    collection: str
    subcontract: str
    month: str

    @property
    def path(self) -> str:
        return f"/v1/programmes/{self.programme}/returns/{self.collection}/{self.subcontract}/{self.month}"


class Mainstem:
    """The service at an address, as one client. Close it, or use it as a context.

    Answers are the objects of the reference pages at `/docs`, figures as exact decimals. Each method raises `Problem` where the service refuses
    (with everything that is wrong) and `Unreachable` where no answer is had. Whatever writes is done once, however often the network drops it:
    every try carries the same `Idempotency-Key`, a new one for each call unless it is given.
    """

    def __init__(
        self, address: str, key: str, *, tries: int = TRIES, transport: httpx.BaseTransport | None = None, pause: Pause | None = None
    ) -> None:
        self._connection = Connection(address, key, tries=tries, transport=transport, pause=pause)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def who_am_i(self) -> dict[str, Any]:
        """The client that the key stands for: its role, and the programme, subcontract or commissioner that it is for (null: every one)."""
        return read_json(self._connection.get("/v1/me"))

    def returns(
        self,
        programme: str,
        *,
        month: str | None = None,
        collection: str | None = None,
        subcontract: str | None = None,
        status: str | None = None,
        overdue: bool | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The returns that are owed, received or not, with their deadlines; page after page."""
        return self._connection.pages(
            f"/v1/programmes/{programme}/returns",
            "returns",
            month=month,
            collection=collection,
            subcontract=subcontract,
            status=status,
            overdue=overdue,
        )

    def due(self, programme: str, subcontract: str) -> Iterator[dict[str, Any]]:
        """What a subcontract is to do, in plain words, by when it is due: `to_do` says what kind of thing it is."""
        return self._connection.pages(f"/v1/programmes/{programme}/subcontracts/{subcontract}/due", "due")

    def read(self, key: ReturnKey) -> dict[str, Any]:
        """A return: what it expects, its current figures and its revisions."""
        return read_json(self._connection.get(key.path))

    def revision(self, key: ReturnKey, number: int) -> dict[str, Any]:
        """One revision with its cells: the same for ever."""
        return read_json(self._connection.get(f"{key.path}/revisions/{number}"))

    def sent(self, key: ReturnKey, number: int) -> bytes:
        """The very bytes that a revision was submitted as."""
        return self._connection.get(f"{key.path}/revisions/{number}/file").content

    def template(self, key: ReturnKey, *, form: str = "xlsx") -> bytes:
        """The return to fill in: `xlsx` or `csv`."""
        return self._connection.get(f"{key.path}/template.{form}").content

    def submit(
        self,
        key: ReturnKey,
        content: Mapping[str, Any] | bytes,
        *,
        media_type: str = JSON,
        file_name: str | None = None,
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Submit a return (an object, or a file's bytes with its media type); the receipt. `dry_run` validates and keeps nothing."""
        answer = self._connection.post(
            f"{key.path}/revisions",
            content if isinstance(content, bytes) else write_json(content),
            media_type=media_type,
            idempotency_key=idempotency_key,
            headers=_named(file_name),
            dry_run=dry_run or None,
        )
        return read_json(answer)

    def accept(self, key: ReturnKey, *, revision: int | None = None) -> dict[str, Any]:
        """Accept the latest revision (with `revision`, only if it is that one); the return as it stands."""
        said = {} if revision is None else {"revision": revision}
        return self._said(f"{key.path}/acceptance", said)

    def accept_many(
        self, programme: str, *, returns: Sequence[ReturnKey] = (), waiting: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Accept those of these returns that are clean, or all that wait (`{"month": "2026-10"}`); what became of each, and why not."""
        named = [{"collection": key.collection, "subcontract": key.subcontract, "month": key.month} for key in returns]
        said = {"returns": named} if waiting is None else {"waiting": dict(waiting)}
        found: list[dict[str, Any]] = self._said(f"/v1/programmes/{programme}/returns:accept", said)["returns"]
        return found

    def queries(self, programme: str, *, is_open: bool | None = None, month: str | None = None) -> Iterator[dict[str, Any]]:
        """What is asked about returns, the first due first; with `is_open`, what waits for an answer (or the others)."""
        return self._connection.pages(f"/v1/programmes/{programme}/queries", "queries", open=is_open, month=month)

    def answer(self, key: ReturnKey, query: int, text: str) -> dict[str, Any]:
        """Answer a query about a return; the query with its thread."""
        return self._said(f"{key.path}/queries/{query}/answer", {"text": text})

    def sign_off(self, key: ReturnKey, *, revision: int, statement: str | None = None) -> dict[str, Any]:
        """Sign a revision that another client submitted; the return as it stands."""
        said = {"revision": revision} | ({} if statement is None else {"statement": statement})
        return self._said(f"{key.path}/sign-off", said)

    def compare_handovers(self, programme: str, month: str) -> dict[str, Any]:
        """Compare what subcontracts say of each other in a month, and ask both about each difference not asked about yet; what it came to."""
        return self._said(f"/v1/programmes/{programme}/handover-comparisons", {"month": month})

    def backfill(
        self, programme: str, content: bytes | Path, *, media_type: str = NDJSON, idempotency_key: str | None = None
    ) -> dict[str, Any]:
        """Submit many returns: lines of JSON, or CSV, each return beside its `collection`, `subcontract` and `month`; how many became what.

        Each is received or refused by itself. Where it was broken off, the same content and `idempotency_key` go on with it.
        """
        return read_json(
            self._connection.post(
                f"/v1/programmes/{programme}/returns:backfill",
                content,
                media_type=media_type,
                idempotency_key=idempotency_key,
                answer_within_seconds=_BACKFILL_SECONDS,
            )
        )

    def backfills(self, programme: str) -> list[dict[str, Any]]:
        """The client's own last backfills, the last one first, with how far each has come."""
        found: list[dict[str, Any]] = read_json(self._connection.get(f"/v1/programmes/{programme}/backfills"))["backfills"]
        return found

    def backfill_results(self, programme: str, backfill: str, *, outcome: str | None = None) -> Iterator[dict[str, Any]]:
        """What became of each entry (with `outcome="refused"`, of those alone, each with its faults)."""
        return self._connection.pages(f"/v1/programmes/{programme}/backfills/{backfill}/results", "results", outcome=outcome)

    def _said(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return read_json(self._connection.post(path, write_json(body), media_type=JSON))


def _named(file_name: str | None) -> dict[str, str]:
    if file_name is None:
        return {}
    plain = "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._- ") else "_" for letter in file_name)
    return {"Content-Disposition": f'attachment; filename="{plain}"'}


def write_json(value: Any) -> bytes:
    """JSON that keeps every digit of a decimal: as text, for a double would not."""
    return json.dumps(value, default=_exact, allow_nan=False, ensure_ascii=False).encode()


def _exact(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"a submission holds no {type(value).__name__}")
