"""The same POST sent twice is one act: the first answer is kept, in the transaction of the act itself, and given again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from sqlalchemy import (
    CTE,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, Insert, insert
from sqlalchemy.orm import Session

from app.db.ahead import AHEAD
from app.db.rows import code_column, metadata, moment_column
from app.kernel.canonical import digest, sha256
from app.kernel.refusals import Fault, Kind, Refusal

KEPT: Final = timedelta(days=30)
_DROPPED_AT_ONCE: Final = 20
_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    code_column("client"),
    code_column("key_sha256"),
    Column("fingerprint", Text, nullable=False),
    moment_column("first_used_at"),
    Column("status", Integer),
    Column("headers", JSONB(none_as_null=True)),
    Column("body", LargeBinary),
    PrimaryKeyConstraint("client", "key_sha256"),
    CheckConstraint("num_nulls(status, headers, body) IN (0, 3)", name="idempotency_keys_answered"),
)
Index("idempotency_keys_by_age", idempotency_keys.c.client, idempotency_keys.c.first_used_at)


class IdempotencyKeyReused(Refusal):
    """An idempotency key names one request; this is another."""

    code: ClassVar[str] = "idempotency_key_reused"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "The idempotency key belongs to another request"


class BadIdempotencyKey(Refusal):
    """An idempotency key is 1 to 255 visible ASCII characters."""

    code: ClassVar[str] = "bad_idempotency_key"
    kind: ClassVar[Kind] = Kind.INVALID
    title: ClassVar[str] = "That is no idempotency key"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request that carries a key: whose, which, and what it asks, each as a digest."""

    client: str
    key_sha256: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it was first given."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def require_key(key: str) -> None:
    """Pass for a text that can be an idempotency key."""
    if _KEY.match(key) is None:
        fault = Fault("idempotency_key", "This key has another shape.", "Use a UUID.", pointer="/header/Idempotency-Key")
        raise BadIdempotencyKey("An idempotency key is 1 to 255 visible ASCII characters.", faults=[fault])


def attempt_of(client: str, key: str, *, method: str, path: str, query: str, body: bytes) -> Attempt:
    """What a request with this key asks: the same method, path, query and body are the same request."""
    require_key(key)
    return Attempt(client, sha256(key.encode("ascii")), digest([method, path, query, sha256(body)]))


def _drop_expired() -> CTE:
    """Housekeeping in passing: a few other expired keys of the same client, leaving out what another transaction is at."""
    columns = idempotency_keys.c
    old = (
        select(columns.client, columns.key_sha256)
        .where(columns.client == bindparam("by"), columns.key_sha256 != bindparam("key"), columns.first_used_at < bindparam("expired"))
        .limit(_DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return delete(idempotency_keys).where(tuple_(columns.client, columns.key_sha256).in_(old)).cte("dropped")


def _claim() -> Insert:
    columns = idempotency_keys.c
    used: dict[str, Any] = {"fingerprint": bindparam("asks"), "first_used_at": bindparam("now")}
    statement = insert(idempotency_keys).values(client=bindparam("by"), key_sha256=bindparam("key"), **used)
    # An expired key is free again.
    return statement.on_conflict_do_update(
        index_elements=[columns.client, columns.key_sha256],
        set_={**used, "status": None, "headers": None, "body": None},
        where=columns.first_used_at < bindparam("expired"),
    )


_OWN: Final = and_(idempotency_keys.c.client == bindparam("by"), idempotency_keys.c.key_sha256 == bindparam("key"))
_CLAIM: Final = _claim().returning(idempotency_keys.c.client).add_cte(_drop_expired())
_FIND: Final = select(idempotency_keys).where(_OWN)
_KEEP: Final = (
    update(idempotency_keys)
    .where(_OWN)
    .values(status=bindparam("said"), headers=bindparam("with_headers"), body=bindparam("with_body"))
    .execution_options(**AHEAD)
)


def claim(session: Session, attempt: Attempt, *, now: datetime) -> Answer | None:
    """Take the key for this transaction, waiting for whoever is using it; the first answer where there is one.

    The row is written before the work, so that of two requests at once the second waits until the first has ended.
    """
    own = {"by": attempt.client, "key": attempt.key_sha256}
    values = {**own, "asks": attempt.fingerprint, "now": now, "expired": now - KEPT}
    if session.execute(_CLAIM, values).one_or_none() is not None:
        return None
    row = session.execute(_FIND, own).one()
    if row.fingerprint != attempt.fingerprint:
        raise IdempotencyKeyReused("This key was used for a request with another method, path, query or body: use a new key for each act.")
    return Answer(row.status, row.headers, row.body)


def keep(session: Session, attempt: Attempt, answer: Answer) -> None:
    """Keep the answer beside the work it is about."""
    said = {"said": answer.status, "with_headers": dict(answer.headers), "with_body": answer.body}
    session.execute(_KEEP, {"by": attempt.client, "key": attempt.key_sha256, **said})
