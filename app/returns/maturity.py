"""The national Data Quality Maturity Index of a submission: the mean score of its items times the mean of how much of each was covered."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple


class Item(NamedTuple):
    """A data item over all records: how many are valid and complete, and how many say a default; of those up to `threshold` pass.

    `covered` of `expected` are the parts of the submission that were to carry it.
    """

    records: int
    valid: int
    defaults: int
    threshold: Decimal
    covered: int
    expected: int

    @property
    def score(self) -> Fraction:
        """Valid and complete records less defaults in excess, of all records."""
        excess = max(Fraction(0), self.defaults - Fraction(self.threshold) * self.records)
        return max(Fraction(0), self.valid - excess) / self.records

    @property
    def coverage(self) -> Fraction:
        return Fraction(self.covered, self.expected)


@dataclass(frozen=True, slots=True)
class Maturity:
    """The index, 0 to 100, and the two means that it is the product of."""

    score: Fraction
    coverage: Fraction

    @property
    def index(self) -> Fraction:
        return 100 * self.score * self.coverage


def maturity(items: Sequence[Item]) -> Maturity:
    """What some items come to; there is at least one."""
    scores, coverages = sum((item.score for item in items), Fraction(0)), sum((item.coverage for item in items), Fraction(0))
    return Maturity(scores / len(items), coverages / len(items))
