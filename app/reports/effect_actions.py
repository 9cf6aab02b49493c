"""Submitting and comparing returns with what a revision does to the report of its month: to the integrator in every row, to a subcontract in its own."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey, expected_returns
from app.calendar.store import load_contract
from app.db.ledger import last_recorded
from app.kernel.actors import EVERY, Actor
from app.reports import store
from app.reports.effect import moved
from app.reports.month_actions import month_inputs, months_figures, slices_of
from app.reports.results import MonthInputs, Recorded, RowResult, status_of
from app.reports.rows import Rows
from app.reports.slices import DEFAULT_SLICES
from app.returns import actions as returns
from app.returns.actions import Receipt
from app.returns.read_actions import Differences, judged_at, read_differences

_WHOLE: Final = (*DEFAULT_SLICES, "subcontract")
_OWN: Final = ("subcontract", "commissioner+subcontract", "site+subcontract", "category+subcontract")
"""Slices whose rows are of one subcontract: what others returned is not in them, and cannot be read from them."""


def submit(
    session: Session,
    programme: str,
    key: ReturnKey,
    body: Any,
    *,
    sent: bytes,
    media_type: str,
    file_name: str | None,
    actor: Actor,
    now: datetime,
    dry_run: bool,
) -> tuple[Receipt, list[dict[str, Any]] | None]:
    """Submit a return (see `app.returns.actions.submit`); of a dry run also the effect that it would have once it is accepted."""
    receipt = returns.submit(
        session, programme, key, body, sent=sent, media_type=media_type, file_name=file_name, actor=actor, now=now, dry_run=dry_run
    )
    if not dry_run:
        return receipt, None
    contract, as_of = load_contract(session, programme), max(now, last_recorded(session, programme))
    rehearsed = receipt.rehearsed
    if rehearsed is None:
        after = store.recorded(session, programme, [key.month], as_of=as_of, submitted=True)[key]
    else:
        after = Recorded(True, rehearsed.revision_id, rehearsed.number, rehearsed.content_sha256, rehearsed.expected_sha256)
    return receipt, effect(session, contract, key, after, actor=actor, as_of=as_of)


def compare(
    session: Session, programme: str, key: ReturnKey, number: int, *, against: int | None, actor: Actor, now: datetime
) -> tuple[Differences, list[dict[str, Any]]]:
    """A revision against another of the same return, and the effect of accepting it in place of that one. NotFound where one is not there."""
    found = read_differences(session, programme, key, number, against=against, actor=actor)
    as_of = judged_at(session, programme, asked=None, now=now)
    contract = load_contract(session, programme, as_of=as_of)
    sides = {each: store.recorded_revision(session, programme, key, each) for each in (number, found.against) if each is not None}
    nothing = Recorded(False, None, None, None, None)
    before = nothing if found.against is None else sides[found.against]
    return found, effect(session, contract, key, sides[number], before=before, actor=actor, as_of=as_of)


def effect(
    session: Session, contract: Contract, key: ReturnKey, after: Recorded, *, before: Recorded | None = None, actor: Actor, as_of: datetime
) -> list[dict[str, Any]]:
    """The rows of the month's report that read otherwise with one revision accepted.

    Compared with the report as it stands or, where `before` is given, with that revision accepted. `as_of` is the moment that both are judged at.
    """
    (stands,) = month_inputs(session, contract, [key.month], as_of=as_of)
    whole = actor.subcontract == EVERY
    slices = _WHOLE if whole else _OWN
    if before is not None:
        was = _rows(session, _with(stands, key, before, as_of), slices)
    elif whole:
        figures = months_figures(session, contract, [key.month], slices, as_of=as_of)[key.month]
        was = [row for slice_ in slices for row in _written(figures.inputs, slice_, figures.of(slice_))]
    else:
        was = _rows(session, stands, slices)
    now = _rows(session, _with(stands, key, after, as_of), slices)
    return moved(*([row for row in rows if whole or row["subcontract"] == key.subcontract] for rows in (was, now)))


def _with(stands: MonthInputs, key: ReturnKey, recorded: Recorded, as_of: datetime) -> MonthInputs:
    """A month's inputs as they would be with another revision of a return accepted."""
    expected = key in expected_returns(stands.contract, key.month, subcontract=key.subcontract)
    reopened = any(each.reopened for each in stands.statuses if each.key == key)
    status = status_of(stands.contract, key, recorded, expected=expected, as_of=as_of, reopened=reopened)
    others = [each for each in stands.statuses if each.key != key]
    return replace(stands, statuses=sorted([*others, status], key=lambda each: each.key))


def _rows(session: Session, inputs: MonthInputs, slices: Sequence[str]) -> Iterable[dict[str, Any]]:
    """The rows of a month that may never be: computed and not kept."""
    return [row for slice_, results in slices_of(session, inputs, slices).items() for row in _written(inputs, slice_, results)]


def _written(inputs: MonthInputs, slice_: str, results: Sequence[RowResult]) -> list[dict[str, Any]]:
    return Rows(inputs.reading, inputs.month, slice_, "month", [inputs.month]).write(results)
