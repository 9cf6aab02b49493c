"""Every commit of the service that changes something leaves an event: watched in every test, whatever it is about."""

from typing import Any, Final

import psycopg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db.session import TenantSession

NO_ACT: Final = {
    "idempotency_keys": "the answer to a request that was made before, kept beside what it did",
    "ledger": "a row that a chain may be begun with; its moments and ends are the events' own",
    "month_results": "worked out from what was recorded, and worked out again where it is not there",
    "report_rows": "as month_results",
    "publication_preparations": "as month_results; taken away by the publication that they were made for",
    "figure_audits": "says when figures were looked at",
    "backfill_results": "what became of an entry; one that was refused changed nothing else, and the backfill has its event",
    "client_keys": "when a key was last used, to the minute; every other change of one is seen by its event",
    "client_assertions": "those that have expired are taken away",
    "client_tokens": "as client_assertions",
    "boats": "a room of the tests' own, which keeps no record",
}
"""Tables that may change without an event, each with the reason."""

_WRITTEN: Final = "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
_WRITES: Final = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL"


class Untold(AssertionError):
    """Something was about to be changed with no event that says so."""


def watch_commits() -> None:
    """From now on a session of the service that would keep a change without an event fails."""
    event.listen(TenantSession, "before_commit", _refuse_untold)


def _refuse_untold(session: Session) -> None:
    # What operators' commands and tests themselves lay down has no clock.
    if session.info.get("clock") is None or not session.in_transaction():
        return
    connection: Any = session.connection().connection.driver_connection
    try:
        connection.wait_for_sent()
    except psycopg.Error as error:
        # As the commit would have told it.
        raise DBAPIError.instance("", None, error, psycopg.Error, dialect=session.get_bind().dialect) from error
    # Behind SQLAlchemy's back: tests that count statements count the service's.
    if not connection.execute(_WRITES).fetchone()[0]:
        return
    written = {name for (name,) in connection.execute(_WRITTEN)}
    if written - NO_ACT.keys() and "events" not in written:
        raise Untold(f"changed without an event: {', '.join(sorted(written - NO_ACT.keys()))}")
