"""Where a subcontract stands among its peers, who are not named: its own point as it is, theirs as the public would be shown them.

Of fewer than six places nothing is told of the others: with two, whoever knows its own figures knows the other's. Peers stand in the order of their
rounded figures, which says no more than the figures do; one with small counts is left out and counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from app.disclosure.rounding import by_itself, shown
from app.reports.funnel import Z_998, Funnel, FunnelPoint, funnel, funnel_limits
from app.reports.intervals import Z_95, Interval

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """Another place, without its name: figures to the nearest 5, and the limits of chance at its denominator."""

    denominator: Decimal
    value: Decimal
    limits_95: Interval
    limits_998: Interval


@dataclass(frozen=True, slots=True)
class Standing:
    """A subcontract in the funnel; `point` is None where it has no figure, and `withheld` counts the peers that are not shown."""

    funnel: Funnel
    point: FunnelPoint | None
    peers: tuple[Peer, ...]
    withheld: int


def standing_of(rows: Sequence[Row], subcontract: str) -> Standing:
    """The standing among all that have a row of a measure and period."""
    by_code = {row["subcontract"]: row for row in rows if row["value"] is not None}
    found = funnel({code: (row["numerator"], row["denominator"]) for code, row in by_code.items()})
    point = next((point for point in found.points if point.name == subcontract), None)
    others = [by_code[point.name] for point in found.points if point.name != subcontract] if found.judged else []
    peers = [peer for row in others if (peer := _peer(row, found.centre)) is not None]
    return Standing(found, point, tuple(sorted(peers, key=lambda peer: (peer.denominator, peer.value))), len(others) - len(peers))


def _peer(row: Row, centre: Fraction | None) -> Peer | None:
    told = shown(row, by_itself(row))
    denominator, value = told["denominator"], told["value"]
    if centre is None or denominator is None or value is None:
        return None
    return Peer(denominator, value, *(funnel_limits(centre, denominator, z=z) for z in (Z_95, Z_998)))
