"""Bringing a programme's subcontracts to what its contract says; what successors inherit of predecessors."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy.orm import Session

from app.db import facts
from app.db.ledger import Recording
from app.kernel.actors import Actor
from app.organisations.domain import codes_readable_by
from app.organisations.store import successions
from app.subcontracts import store
from app.subcontracts.domain import Subcontract
from app.subcontracts.store import SUBCONTRACTS


def bring_subcontracts(session: Session, recording: Recording, lines: Sequence[Subcontract]) -> facts.Changes:
    return facts.bring_to(session, SUBCONTRACTS, recording, facts.rows_of(SUBCONTRACTS, lines), programme=recording.chain)


def inheriting(session: Session, actor: Actor, *, on: date) -> Actor:
    """An actor with what it may read on a day beyond its own: what belonged to the organisations that its own has succeeded in law.

    The session sees the whole of the actor's programme.
    """
    links = successions(session, as_of=None)
    if not links or actor.programme is None:
        return actor
    organisations = store.organisations_by_reference(session, actor.programme)
    own = organisations.get(actor.subcontract or "")
    before = frozenset[str]() if own is None else codes_readable_by(own, links, on=on) - {own}
    commissioner = actor.commissioner
    populations = frozenset[str]() if commissioner is None else codes_readable_by(commissioner, links, on=on) - {commissioner}
    return replace(
        actor,
        inherited_subcontracts=tuple(sorted(reference for reference, organisation in organisations.items() if organisation in before)),
        inherited_commissioners=tuple(sorted(populations)),
    )
