"""What is held of somebody, erasing it, and letting go of what has been kept long enough. The caller owns the transactions, one a programme.

Operators do this at the machine, as the owner of the tables: no key of the service may erase anything.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import audit
from app.db.installation import programmes_known
from app.db.ledger import begin_recording, open_ledger
from app.db.session import open_session
from app.db.tenancy import INSTALLATION, Tenant
from app.kernel.actors import EVERY, MACHINE
from app.kernel.moments import LONDON
from app.kernel.refusals import Fault, Invalid, NotFound
from app.personal import store
from app.personal.domain import HOLDS, Holds, Keeping, Kind, names_a_person

_ERASABLE: Final = (Holds.PEOPLE, Holds.WORDS)
_KEPT: Final = (Holds.PUBLISHED, Holds.RECORD)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was struck out or taken away, and what names the person still and is kept: rows by table and column."""

    erased: Mapping[str, int]
    kept: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LetGo:
    """One kind of a programme's records, and what was let go of it: None while it is kept."""

    keeping: Keeping
    rows: Mapping[str, int] | None


def sessions(engine: Engine) -> Generator[tuple[str, Session], None, None]:
    """The installation (`*`) and every programme, each with a session that sees all of it and is rolled back unless it is committed."""
    with open_session(engine, INSTALLATION) as session:
        programmes = programmes_known(session)
    for programme in (EVERY, *programmes):
        with open_session(engine, Tenant(programme=programme, subcontract=EVERY, commissioner=EVERY, client=EVERY)) as session:
            store.take_time(session)
            yield programme, session


def export_person(session: Session, programme: str, person: str) -> list[dict[str, Any]]:
    """Every place of a programme (`*`: of the installation) that names somebody: table, column, the row's key and, where it is text, what it says."""
    person, found = _searchable(person), []
    for table, column in store.columns_of(*Holds, shared=programme == EVERY):
        place = {"programme": programme, "table": table.name, "column": column, "holds": HOLDS[f"{table.name}.{column}"].value}
        found += [{**place, **each} for each in store.find(session, table, column, person)]
    return found


def erase_person(session: Session, programme: str, person: str, *, now: datetime) -> Erased:
    """Strike somebody out wherever that may be. Reads as of a moment before say `[erased]` too."""
    person, shared = _searchable(person), programme == EVERY
    places = store.columns_of(*_ERASABLE, shared=shared)
    erased = {f"{table.name}.{column}": store.strike_out(session, table, column, person) for table, column in places}
    files = "idempotency_keys" if shared else "submitted_files"
    erased = {name: count for name, count in {**erased, files: store.take_away_files(session, files, person)}.items() if count}
    kept = {
        f"{table.name}.{column}": count
        for table, column in store.columns_of(*_KEPT, shared=shared)
        if (count := len(store.find(session, table, column, person)))
    }
    if erased:
        _note(session, programme, "personal_data.erased", {"rows": erased}, now=now)
    return Erased(erased, kept)


def export_client(session: Session, client: str) -> dict[str, Any]:
    """What is known of a client: itself and its keys, never their secrets."""
    return {"client": _client(session, client), "keys": store.keys_of(session, client)}


def acts_of(session: Session, client: str) -> list[dict[str, Any]]:
    """What a client did, as far as the session sees."""
    return store.acts_of(session, client)


def erase_client(session: Session, client: str, *, now: datetime) -> Erased:
    """Strike out the name of a client that has been revoked. Its id stays, as whoever did what it did."""
    if _client(session, client)["revoked_at"] is None:
        fault = Fault("client_is_live", "The client can still call.", f"Run `mainstem client revoke {client}` first.")
        raise Invalid("A client that can still call keeps its name: revoke it first.", faults=[fault])
    count = store.erase_clients(session, client=client)
    if count:
        _note(session, EVERY, "personal_data.erased", {"rows": {"clients.name": count}, "client": client}, now=now)
    return Erased({"clients.name": count}, {})


def let_go(session: Session, programme: str, years: Mapping[Kind, int | None], *, holds: frozenset[str], now: datetime) -> list[LetGo]:
    """Let go of whatever the programme's contract has ended long enough ago for; of nothing where it is held."""
    ends_on, done = store.contract_ends_on(session, programme), []
    if ends_on is None:
        return []
    for kind in Kind:
        keeping = Keeping(programme, kind, ends_on, years[kind], held=programme in holds)
        is_over = keeping.is_over(now.astimezone(LONDON).date())
        done.append(LetGo(keeping, _let_go(session, keeping, now=now) if is_over else None))
    return done


def _let_go(session: Session, keeping: Keeping, *, now: datetime) -> dict[str, int]:
    rows = {name: count for name, count in store.let_go(session, keeping.kind).items() if count}
    if keeping.kind is Kind.PEOPLE and (count := store.erase_clients(session, programme=keeping.programme)):
        rows["clients"] = count
    if rows:
        details = {"kind": keeping.kind.value, "years": keeping.years, "ended_on": keeping.ends_on.isoformat(), "rows": rows}
        _note(session, keeping.programme, "retention.let_go", details, now=now)
    return rows


def _note(session: Session, programme: str, action: str, details: dict[str, Any], *, now: datetime) -> None:
    """Write what was done into the chain, never whom it was about; the contract is read anew from here on."""
    if programme == EVERY:
        open_ledger(session, EVERY, now=now)
    recording = begin_recording(session, programme, actor=MACHINE, now=now, contract=programme != EVERY)
    audit.record(session, recording, action, subject={"programme": programme}, details=details)


def _searchable(person: str) -> str:
    if not names_a_person(person):
        fault = Fault("name", "That would be found in codes and ordinary words too.", "Give a full name or an e-mail address.")
        raise Invalid("A person is looked for by a full name or an address of e-mail.", faults=[fault])
    return person.strip()


def _client(session: Session, client: str) -> dict[str, Any]:
    row = store.client_row(session, client)
    if row is None:
        raise NotFound("There is no client of that id.")
    return row
