"""Sessions that set their tenant at the start of every transaction, and roll back unless committed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, SessionTransaction

from app.db.ahead import AHEAD
from app.db.tenancy import Tenant
from app.kernel.actors import EVERY

_SET_TENANT = text(
    "SELECT set_config('mainstem.programme', :programme, true), set_config('mainstem.subcontract', :subcontract, true),"
    " set_config('mainstem.commissioner', :commissioner, true), set_config('mainstem.client', :client, true),"
    " set_config('mainstem.inherited_subcontracts', :inherited_subcontracts, true),"
    " set_config('mainstem.inherited_commissioners', :inherited_commissioners, true)"
).execution_options(**AHEAD)


class TenantSession(Session):
    """A session whose transactions each carry a tenant; the setting ends with the transaction."""


@event.listens_for(TenantSession, "after_begin")
def _set_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    tenant: Tenant = session.info["tenant"]
    values: dict[str, Any] = {
        "programme": tenant.programme,
        "subcontract": tenant.subcontract,
        "commissioner": tenant.commissioner,
        "client": tenant.client,
        # No code holds a comma.
        "inherited_subcontracts": ",".join(tenant.inherited_subcontracts),
        "inherited_commissioners": ",".join(tenant.inherited_commissioners),
    }
    connection.execute(_SET_TENANT, values)


def open_session(engine: Engine, tenant: Tenant, *, clock: Callable[[], datetime] | None = None) -> TenantSession:
    """A session on behalf of a tenant. Use it in a `with` block: what is not committed is rolled back.

    With a `clock`, what it records is dated under the ledger's lock rather than when its work began.
    """
    return TenantSession(engine, info={"tenant": tenant, "clock": clock}, expire_on_commit=False, autoflush=False)


_SUBCONTRACT = text("SELECT set_config('mainstem.subcontract', :subcontract, true)").execution_options(**AHEAD)


@contextmanager
def seeing_everything(session: Session) -> Iterator[None]:
    """Let statements look at what is the whole programme's on behalf of somebody who sees a part, for what tells that somebody nothing of the rest.

    Whatever is kept by tenant (a contract) is loaded before.
    """
    session.execute(_SUBCONTRACT, {"subcontract": EVERY})
    try:
        yield
    finally:
        session.execute(_SUBCONTRACT, {"subcontract": session.info["tenant"].subcontract})


def act_as(session: Session, tenant: Tenant) -> None:
    """Change on whose behalf the next transaction runs; there must be none open."""
    if session.in_transaction():
        raise RuntimeError("the tenant changes between transactions only")
    session.info["tenant"] = tenant


_MARK = text("SAVEPOINT mark").execution_options(**AHEAD)
_BACK = text("ROLLBACK TO SAVEPOINT mark").execution_options(**AHEAD)


def mark(session: Session) -> None:
    """What a transaction does from here on can be undone by itself."""
    session.execute(_MARK)


def back_to_mark(session: Session) -> None:
    """Undo what the transaction did since the mark, and give back every lock that it took since."""
    session.execute(_BACK)
