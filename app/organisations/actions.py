"""Bringing organisations into the shared register."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.kernel.refusals import Fault
from app.organisations.domain import Organisation
from app.organisations.store import ORGANISATIONS, organisations


def conflicts(session: Session, lines: Sequence[Organisation]) -> list[Fault]:
    """Where lines say something else than the register: a programme's document may add an organisation, never change one."""
    registered = {organisation.ods_code: organisation for organisation in organisations(session, as_of=None)}
    return [
        Fault(
            "register_conflict",
            f"The shared register says something else of {line.ods_code}, which other programmes rely on.",
            "Repeat the register's entry exactly, or leave the line out.",
            pointer=f"/organisations/{number}",
        )
        for number, line in enumerate(lines)
        if line.ods_code in registered and registered[line.ods_code] != line
    ]


def add_new(session: Session, recording: Recording, lines: Sequence[Organisation]) -> facts.Changes:
    """Add the organisations that the register does not have yet, at the moment of the programme that brings them.

    The transaction holds the installation's ledger row. What only adds can be dated by the programme: nobody could name the
    organisation before, so no earlier answer of another programme changes.
    """
    registered = {organisation.ods_code for organisation in organisations(session, as_of=None)}
    new = [line for line in lines if line.ods_code not in registered]
    facts.add(session, ORGANISATIONS, recording, facts.rows_of(ORGANISATIONS, new), programme=None)
    return facts.Changes(added=tuple((line.ods_code,) for line in new))
