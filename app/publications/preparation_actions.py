"""Preparing publications: what takes long of each month is worked out before it is published, and kept with the digest of all that it was worked out from."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from sqlalchemy.orm import Session

from app.db.ledger import lock_key
from app.kernel.canonical import digest
from app.kernel.months import Month
from app.publications import preparation_store, store
from app.publications.composition_actions import Composition, moved_rows, reads_as_published, work_out
from app.publications.domain import OF_PROGRAMME
from app.publications.manifests import said
from app.publications.public_actions import PublicHistory
from app.publications.renditions import Body, Prepared

_MADE_AS: Final = 1
"""To be counted on where what is prepared of the same inputs comes out otherwise: a release publishes nothing that the one before it prepared in another way."""


class Turn(NamedTuple):
    """A month in an act of publishing: the digest of all that its renditions are worked out from, how many of its rows moved, and whether that was known."""

    composition: Composition
    inputs_sha256: str
    rows_moved: int
    was_known: bool


def hold_publications(session: Session, programme: str) -> None:
    """Be the only one who prepares or publishes in a programme until this transaction ends, for as long as it takes: it holds up nobody else."""
    lock_key(session, programme, "publications")
    store.take_time(session)


def in_turn(compositions: Sequence[Composition], month: Month, *, prepare: bool) -> Iterator[Turn]:
    """The months that are looked at where one is published, in the order in which they would be: itself last.

    What is not prepared is prepared here; without `prepare` only its moved rows are counted. What the public is given of a month depends on what it
    is given of those before, so that is among its inputs.
    """
    history = PublicHistory(compositions[0].session, compositions[0].programme)
    for each, is_own in _in_order(compositions, month):
        inputs = _inputs(each, history, is_own=is_own)
        known = _known(each, inputs, is_own=is_own)
        if known is not None:
            moved = known
        elif prepare:
            moved = _prepare(each, inputs, history, is_own=is_own)
        else:
            moved = sum(1 for _ in moved_rows(each))
        if moved:
            history.add(each.month, inputs)
        yield Turn(each, inputs, moved, known is not None)


def as_prepared(compositions: Sequence[Composition], month: Month) -> list[Prepared]:
    """The renditions of a month that are prepared of exactly what it is made of here, and after exactly what would be published before it; none where none are."""
    history = PublicHistory(compositions[0].session, compositions[0].programme)
    for each, is_own in _in_order(compositions, month):
        inputs = _inputs(each, history, is_own=is_own)
        if is_own:
            return preparation_store.prepared(each.session, each.programme, inputs)
        moved = _known(each, inputs, is_own=False)
        if moved is None:
            break
        if moved:
            history.add(each.month, inputs)
    return []


def _in_order(compositions: Sequence[Composition], month: Month) -> list[tuple[Composition, bool]]:
    """In the order in which they would be published where a month is, which comes last; each with whether it is that one."""
    return [(each, each.month == month) for each in sorted(compositions, key=lambda each: (each.month == month, each.month))]


def _known(composition: Composition, inputs_sha256: str, *, is_own: bool) -> int | None:
    """How many rows of a month moved, where nothing need be worked out to tell."""
    if not is_own and reads_as_published(composition):
        return 0
    return preparation_store.rows_moved(composition.session, composition.programme, inputs_sha256)


def _inputs(composition: Composition, history: PublicHistory, *, is_own: bool) -> str:
    before = composition.before and composition.before.sequence
    released = [of for _, of in history.near(composition.month)]
    return digest([_MADE_AS, str(composition.month), is_own, composition.inputs_sha256, said(composition.made), before, released])


def _prepare(composition: Composition, inputs_sha256: str, history: PublicHistory, *, is_own: bool) -> int:
    """Of a month that is published only where any of its rows moved, that none has is all there is to keep."""
    is_published = is_own or next(moved_rows(composition), None) is not None
    made = work_out(composition, history) if is_published else [Prepared(Body(OF_PROGRAMME, b"", ()), None, 0, b"")]
    preparation_store.keep(composition.session, composition.programme, composition.month, inputs_sha256, made)
    return made[0].rows_changed
