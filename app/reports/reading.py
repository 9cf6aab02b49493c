"""Under which codes a report's figures stand: those they were reported under, or those that carry the work on in the report's month.

Nothing is moved: only rows are named otherwise, so every figure stands in one row of a slice and sums stay exact.
"""

from collections.abc import Iterator
from typing import Final

from app.calendar.contract import Contract
from app.kernel.months import Month
from app.organisations.domain import current_of
from app.programmes.hierarchy import is_in_force, those_above
from app.subcontracts.domain import Subcontract

SUCCESSIONS: Final = ("as_reported", "restated")


class Reading:
    """How codes are read in the rows of a month: `month` is the one whose commissioners, parents and (restated) successors are in force."""

    def __init__(self, contract: Contract, month: Month, *, restated: bool = False) -> None:
        self.contract: Final = contract
        self._month = month
        self._restated = restated
        self.key: Final = (month, restated)

    def organisation(self, code: str) -> str:
        """The organisation that a figure of this one stands under."""
        return current_of(code, self.contract.successions, self._month) if self._restated else code

    def subcontract(self, reference: str) -> str:
        """The subcontract that a figure of this one stands under: the one by which its organisation's successor goes on.

        That is the successor's only one of the sector in the month's term, or its only one of all; where nothing says which, its own.
        """
        agreement = self.contract.subcontract.get(reference)
        if not self._restated or agreement is None:
            return reference
        successor = self.organisation(agreement.organisation)
        if successor == agreement.organisation:
            return reference
        held = [each for each in self.contract.subcontracts if each.organisation == successor and _in_term(each, self._month)]
        for possible in ([each for each in held if each.sector == agreement.sector], held):
            if len(possible) == 1:
                return possible[0].reference
        return reference

    def commissioner(self, code: str) -> str:
        """The commissioner that a figure of this one stands under; one that goes on as a part of its successor keeps its own row."""
        if not self._restated:
            return code
        successor = current_of(code, self.contract.successions, self._month)
        return code if self._in_force(code) and successor in self._parents(code) else successor

    def above(self, code: str) -> tuple[str, ...]:
        """The commissioners in force above the one that a figure of this one stands under, nearest first."""
        own = self.commissioner(code)
        found = (*self._parents(own), *(() if own == code else self._parents(code)))
        return tuple(parent for parent in dict.fromkeys(found) if parent != own)

    def _parents(self, code: str) -> Iterator[str]:
        return those_above(code, self._month, self.contract.commissioner, self.contract.successions, restated=self._restated)

    def _in_force(self, code: str) -> bool:
        return is_in_force(self.contract.commissioner.get(code), self._month)


def _in_term(agreement: Subcontract, month: Month) -> bool:
    return agreement.first_month <= month <= agreement.last_month
