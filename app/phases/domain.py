"""What a gate's criteria come to: exact shares of what was owed over some months, and who is failing them since when."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from app.calendar.contract import Contract
from app.calendar.deadlines import deadline, return_months
from app.calendar.domain import Collection as CollectionLine
from app.calendar.expected import CellKey, ReturnKey, expected_cells
from app.kernel.lines import Day, Line
from app.kernel.moments import LONDON
from app.kernel.months import Month
from app.programmes.domain import Criterion, GateCriterion, PhaseDecision
from app.returns.quality import OwedReturn, Share, completeness, covered_volume, is_on_time, validity

Why = Literal["too_few_months", "nothing_expected", "volume_unknown"]


class Baseline(Line):
    """The baseline of a measure that the programme and a commissioner agreed on a day, by the digest of the document they signed."""

    phase: int
    measure: str
    commissioner: str
    agreed_on: Day
    document_sha256: str


def share_of(numerator: Decimal | None, denominator: Decimal | None) -> Fraction | None:
    """The exact ratio; None where one is not known or nothing was asked."""
    return None if numerator is None or not denominator else Fraction(numerator) / Fraction(denominator)


class Part(NamedTuple):
    """What one subcontract's return of one month adds to a share. A denominator that is not known is None."""

    subcontract: str
    month: Month
    numerator: Decimal
    denominator: Decimal | None


class Failing(NamedTuple):
    """A subcontract below the threshold, and since which month without a break; or a measure whose baseline is not agreed."""

    subcontract: str | None
    measure: str | None
    numerator: Decimal | None
    denominator: Decimal | None
    since: Month | None

    @property
    def value(self) -> Fraction | None:
        return share_of(self.numerator, self.denominator)


@dataclass(frozen=True, slots=True)
class Result:
    """A criterion's exact share; `why` says what keeps it from being judged. Met is at the threshold or above."""

    criterion: GateCriterion
    months: tuple[Month, ...]
    numerator: Decimal | None
    denominator: Decimal | None
    why: Why | None
    failing: tuple[Failing, ...]

    @property
    def value(self) -> Fraction | None:
        return share_of(self.numerator, self.denominator)

    @property
    def is_met(self) -> bool:
        value = self.value
        return self.why is None and value is not None and value >= Fraction(self.criterion.threshold)


def due_of(contract: Contract, key: ReturnKey) -> datetime:
    """The instant at which a return is due."""
    return deadline(contract.collection[key.collection].deadlines_in(key.month).due, key.month, contract.days)


def window(contract: Contract, criterion: GateCriterion, *, as_of: datetime) -> tuple[Month, ...]:
    """The last months of which everything that a criterion is about had fallen due at a moment; fewer where the programme is young."""
    if criterion.months is None:
        return ()
    term, today = contract.programme, Month.of(as_of.astimezone(LONDON).date())
    about = [line for line in contract.collections if _is_about(criterion, line)]
    asked = [(line, month) for line in about for month in return_months(line, term, until=today)]
    waits = {month for line, month in asked if as_of <= deadline(line.deadlines_in(month).due, month, contract.days)}
    for last in sorted({month for _, month in asked}, reverse=True):
        months = tuple(max(last.plus(1 - criterion.months), term.first_month).through(last))
        if waits.isdisjoint(months):
            return months
    return ()


def _is_about(criterion: GateCriterion, line: CollectionLine) -> bool:
    return criterion.measures is None or any(use.code in criterion.measures for use in line.measures)


def result_of(
    contract: Contract,
    criterion: GateCriterion,
    owed: Iterable[OwedReturn],
    *,
    months: tuple[Month, ...],
    agreed: Collection[str],
) -> Result:
    """What one criterion comes to; `owed` are the returns of its months that had fallen due, `agreed` the measures with a baseline."""
    if criterion.criterion == "baselines_agreed":
        return _baselines(contract, criterion, agreed)
    parts = list(_parts(contract, criterion, owed))
    numerator, denominator = _sum(part.numerator for part in parts), _total(parts)
    why: Why | None = None
    if criterion.months is not None and len(months) < criterion.months:
        why = "too_few_months"
    elif denominator is None:
        why = "volume_unknown"
    elif denominator == 0:
        why = "nothing_expected"
    failing = tuple(_failing(parts, Fraction(criterion.threshold)))
    return Result(criterion, months, numerator if denominator is not None else None, denominator, why, failing)


def _baselines(contract: Contract, criterion: GateCriterion, agreed: Collection[str]) -> Result:
    wanted = criterion.measures or tuple(sorted({use.code for line in contract.collections for use in line.measures}))
    lacking = [code for code in wanted if code not in agreed]
    failing = tuple(Failing(None, code, None, None, None) for code in lacking)
    count = len(wanted)
    return Result(criterion, (), Decimal(count - len(lacking)), Decimal(count), None if count else "nothing_expected", failing)


def _parts(contract: Contract, criterion: GateCriterion, owed: Iterable[OwedReturn]) -> Iterator[Part]:
    """What each return adds. A return of which nothing is asked, or everything was stated not to be owed, adds nothing."""
    for each in owed:
        cells = [cell for cell in expected_cells(contract, each.key) if criterion.measures is None or cell.measure in criterion.measures]
        if not cells:
            continue
        _, subcontract, month = each.key
        added = _ADDED[criterion.criterion](contract, criterion, each, cells)
        if added is not None:
            yield Part(subcontract, month, *added)


_Added = tuple[Decimal, Decimal | None] | None


def _completeness(contract: Contract, criterion: GateCriterion, owed: OwedReturn, cells: Sequence[CellKey]) -> _Added:
    """Of a return that is not accepted nothing counts yet."""
    numerator, denominator = _added(completeness(owed, cells)) or (None, None)
    return None if numerator is None else (numerator if owed.accepted else Decimal(0), denominator)


def _timeliness(contract: Contract, criterion: GateCriterion, owed: OwedReturn, cells: Sequence[CellKey]) -> _Added:
    """Returns whose first good revision came by the due instant, of those owed."""
    return Decimal(is_on_time(owed)), Decimal(1)


def _validity(contract: Contract, criterion: GateCriterion, owed: OwedReturn, cells: Sequence[CellKey]) -> _Added:
    return _added(validity(owed, criterion.measures))


def _coverage(contract: Contract, criterion: GateCriterion, owed: OwedReturn, cells: Sequence[CellKey]) -> _Added:
    if not owed.asked(cells):
        return None
    found = covered_volume(contract, owed, cells, criterion.measures)
    return _added(found) or (Decimal(0), _decimal(found.denominator))


def _added(found: Share) -> _Added:
    """A share as it is added to others; None where nothing was asked."""
    numerator, denominator = _decimal(found.numerator), _decimal(found.denominator)
    return (numerator, denominator) if numerator is not None and denominator else None


def _decimal(count: Fraction | None) -> Decimal | None:
    """Counts of cells and volumes, which are decimals and stay so."""
    return None if count is None else Decimal(count.numerator) / Decimal(count.denominator)


_Adds = Callable[[Contract, GateCriterion, OwedReturn, Sequence[CellKey]], _Added]
_ADDED: Final[Mapping[Criterion, _Adds]] = {
    "completeness": _completeness,
    "timeliness": _timeliness,
    "validity": _validity,
    "coverage": _coverage,
}


def _sum(figures: Iterable[Decimal]) -> Decimal:
    return sum(figures, Decimal(0))


def _total(parts: Iterable[Part]) -> Decimal | None:
    total = Decimal(0)
    for part in parts:
        if part.denominator is None:
            return None
        total += part.denominator
    return total


def _failing(parts: Iterable[Part], threshold: Fraction) -> Iterator[Failing]:
    of: dict[str, list[Part]] = defaultdict(list)
    for part in parts:
        of[part.subcontract].append(part)
    for subcontract, own in sorted(of.items()):
        numerator, denominator = _sum(part.numerator for part in own), _total(own)
        if denominator is None or (denominator > 0 and _below(numerator, denominator, threshold)):
            yield Failing(subcontract, None, None if denominator is None else numerator, denominator, _since(own, threshold))


def _below(numerator: Decimal, denominator: Decimal, threshold: Fraction) -> bool:
    return Fraction(numerator) < threshold * Fraction(denominator)


def _since(parts: Sequence[Part], threshold: Fraction) -> Month | None:
    """The first month of the last unbroken run of months below the threshold; months of which nothing was asked break nothing."""
    of: dict[Month, list[Part]] = defaultdict(list)
    for part in parts:
        of[part.month].append(part)
    since: Month | None = None
    for month in sorted(of, reverse=True):
        numerator, denominator = _sum(part.numerator for part in of[month]), _total(of[month])
        fails = denominator is None or _below(numerator, denominator, threshold)
        if fails:
            since = month
        elif since is not None and denominator:
            break
    return since


def overtaken_by(made: PhaseDecision, among: Iterable[PhaseDecision]) -> int | None:
    """The number of the last decision that was approved in the place of an approved one: on the same phase, from no later a month."""
    later = [
        each.number
        for each in among
        if each.state == made.state == "approved"
        and each.phase == made.phase
        and each.recorded_at > made.recorded_at
        and each.from_month <= made.from_month
    ]
    return max(later, default=None)
