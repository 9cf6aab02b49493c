"""What revisions of returns say of measures in all: their value cells added up."""

from collections.abc import Collection
from decimal import Decimal
from typing import Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session


class Said(NamedTuple):
    """The counts of one measure in one revision; no denominator where none of its cells has one."""

    numerator: Decimal
    denominator: Decimal | None


_SAID: Final = text(
    """
    SELECT revision_id, measure, sum(numerator), sum(denominator) FROM cells
    WHERE programme = :programme AND revision_id = ANY(:revisions) AND measure = ANY(:measures) AND state = 'value'
    GROUP BY revision_id, measure
    """
)


def said_by(session: Session, programme: str, revisions: Collection[int], *, measures: Collection[str]) -> dict[tuple[int, str], Said]:
    """By revision and measure; nothing of a measure that a revision has no value of."""
    values = {"programme": programme, "revisions": sorted(revisions), "measures": sorted(measures)}
    return {(revision, measure): Said(*counts) for revision, measure, *counts in session.execute(_SAID, values)}
