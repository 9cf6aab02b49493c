"""What one subcontract says it sent to another, against what that one says it received: pairs, figures, and what each is asked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.expected import CellKey, ReturnKey, expected_cells, expected_returns
from app.kernel.codes import ALL
from app.kernel.figures import plain
from app.kernel.months import Month
from app.pathways.domain import Handover, HandoverEnd

State = Literal["awaited", "not_stated", "within", "beyond"]
"""`awaited` until both returns are in; `not_stated` where one of them has no value for it; then within the tolerance, or beyond it."""


class Counted(NamedTuple):
    """Where a subcontract counts what it hands over to, or takes over from, one other: in which return, and in which cells of it."""

    key: ReturnKey
    cells: tuple[CellKey, ...]

    @property
    def place(self) -> "Place":
        """Where the figures of these cells are added up."""
        return Place(*self.cells[0][:3], self.cells[0].category)


class Place(NamedTuple):
    """Of a revision, the cells of a measure for one category, at every site and for every commissioner."""

    pathway: str
    segment: str
    measure: str
    category: str


class Pair(NamedTuple):
    """Two subcontracts that both count the same patients in a month: one as it sends them, the other as it receives them."""

    handover: Handover
    month: Month
    sent: Counted
    received: Counted

    @property
    def sender(self) -> str:
        return self.sent.key.subcontract

    @property
    def receiver(self) -> str:
        return self.received.key.subcontract


def pairs(contract: Contract, month: Month, *, about: str | None = None) -> Iterator[Pair]:
    """Every pair that is compared in a month, or those of one subcontract, by handover, sender and receiver."""
    for handover in contract.handovers:
        for sender in sorted(contract.subcontract):
            for receiver, sent in sorted(_counted(contract, sender, month, handover.sent).items()):
                if about in {None, sender, receiver} and receiver != sender:
                    received = _counted(contract, receiver, month, handover.received).get(sender)
                    if received is not None:
                        yield Pair(handover, month, sent, received)


def _counted(contract: Contract, subcontract: str, month: Month, end: HandoverEnd) -> Mapping[str, Counted]:
    """What a subcontract owes at one end of a handover, by the subcontract at the other end."""

    def work_out() -> dict[str, Counted]:
        found: dict[str, Counted] = {}
        for key in expected_returns(contract, month, subcontract=subcontract):
            of: dict[str, list[CellKey]] = {}
            for cell in expected_cells(contract, key):
                if cell.measure == end.measure and cell.pathway in {end.pathway, ALL} and cell.segment in {end.segment, ALL}:
                    of.setdefault(cell.category, []).append(cell)
            found |= {other: Counted(key, tuple(cells)) for other, cells in of.items() if other in contract.subcontract}
        return found

    return contract.worked_out.kept("handed_over", (subcontract, month, end), work_out)


class Stated(NamedTuple):
    """What a return states of it: the revision that is judged, and its figure; None where a cell has no value."""

    revision: int
    figure: Decimal | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A pair with what each of the two states; None of a return that is not in."""

    pair: Pair
    sent: Stated | None
    received: Stated | None

    @property
    def difference(self) -> Decimal | None:
        """What was received less what was sent; None where one of the two is not stated."""
        if self.sent is None or self.received is None or self.sent.figure is None or self.received.figure is None:
            return None
        return plain(self.received.figure - self.sent.figure)

    @property
    def state(self) -> State:
        if self.sent is None or self.received is None:
            return "awaited"
        if self.sent.figure is None or self.received.figure is None:
            return "not_stated"
        return "within" if self.pair.handover.tolerance.allows(self.sent.figure, self.received.figure) else "beyond"


class Asked(NamedTuple):
    """What one of the two is asked: about which return and revision, which cells of it, and in which words.

    The cells are those that the revision states there: the contract may expect others by now.
    """

    key: ReturnKey
    revision: int
    place: Place
    text: str


def questions(comparison: Comparison) -> tuple[Asked, Asked]:
    """What the sender and the receiver are asked of a difference beyond tolerance: each is shown its own figure, and the difference."""
    pair, difference = comparison.pair, comparison.difference
    assert difference is not None, "what has no difference is not asked about"
    return (
        _asked(pair.sent, comparison.sent, pair.handover.sent, other=f"sent to {pair.receiver}", above=-difference),
        _asked(pair.received, comparison.received, pair.handover.received, other=f"received from {pair.sender}", above=difference),
    )


def _asked(counted: Counted, stated: Stated | None, end: HandoverEnd, *, other: str, above: Decimal) -> Asked:
    assert stated is not None, "only what is stated differs"
    more = "more" if above > 0 else "fewer"
    text = (
        f"{end.measure} in {end.pathway}/{end.segment}, {other} in {counted.key.month}: you report {stated.figure},"
        f" {abs(above)} {more} than they do. Correct your figure, or say why it is right."
    )
    return Asked(counted.key, stated.revision, counted.place, text)
