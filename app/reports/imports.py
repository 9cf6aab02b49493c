"""Imports: figures as a national publication or finance system gives them, what is wrong with one that is sent, and which one stands.

An import is never pooled. What is published again about the same thing supersedes what was published before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Final, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from app.calendar.contract import Contract
from app.kernel.canonical import digest
from app.kernel.codes import ALL, UNKNOWN, Code
from app.kernel.figures import LARGEST_FIGURE, ExactDecimal, NumericKind, fits
from app.kernel.lines import FROM_OUTSIDE, Day, Line, Name, no_patient
from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.measures.domain import Measure
from app.reports.slices import SLICES

LONGEST_PERIOD: Final = 120
"""Months of a period; national figures are of some years together."""

PERCENT: Final = "percent"
RATIO: Final = "ratio"

Outcome = Literal["added", "superseding", "unchanged"]


def _address(value: str, about: ValidationInfo) -> str:
    """Looked at as text and never fetched."""
    try:
        parts = urlsplit(value)
        named = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0 and parts.username is None
    except ValueError:
        named = False
    if not named or not value.isascii() or any(character <= " " or character in '"<>\\^`{|}\x7f' for character in value):
        raise PydanticCustomError("address", "an address begins with https:// or http:// and a host, without spaces and without a user")
    return no_patient(value) if about.context == FROM_OUTSIDE else value


Address = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_address)]


class Import(Line):
    """One figure of one source about one place and period: `month` is the period's last, `from_month` its first (the same if left out).

    About one organisation, or one commissioner, or (where neither is named) the programme as a whole. It carries figures, or a published value with
    its unit and, where the source gives them, its limits. `status` is what the source calls it.
    """

    measure: Code
    source: Name
    address: Address | None = None
    published_on: Day
    from_month: Month | None = None
    month: Month
    organisation: Code | None = None
    commissioner: Code | None = None
    site: Code = ALL
    category: Code = ALL
    basis: Literal["provider", "commissioner"]
    numerator: ExactDecimal | None = None
    denominator: ExactDecimal | None = None
    value: ExactDecimal | None = None
    unit: Name | None = None
    lower: ExactDecimal | None = None
    upper: ExactDecimal | None = None
    status: Literal["provisional", "final"] = "final"

    @property
    def first_month(self) -> Month:
        return self.from_month or self.month

    @property
    def months(self) -> int:
        return self.month.ordinal - self.first_month.ordinal + 1

    @property
    def name(self) -> str:
        """What it is called: the same for whatever is published again about the same thing by the same source."""
        period = (str(self.first_month), str(self.month))
        about = (self.organisation, self.commissioner, self.site, self.category, self.basis)
        return f"i_{digest([self.measure, self.source, *period, *about])[:20]}"

    @property
    def place(self) -> "ImportPlace":
        return ImportPlace(self.measure, self.organisation, self.commissioner, self.site, self.category)

    @property
    def order(self) -> tuple[Any, ...]:
        """The latest period last; of one that ends in the same month the one published last, then the shorter one, then by source."""
        return self.month, self.published_on, self.first_month, self.source


class ImportPlace(NamedTuple):
    """What an import is about, its period apart."""

    measure: str
    organisation: str | None
    commissioner: str | None
    site: str
    category: str


@dataclass(frozen=True, slots=True)
class RecordedImport:
    """An import as it was recorded; `closed_at` and `closed_by` of one that was superseded or withdrawn."""

    line: Import
    recorded_at: datetime
    recorded_by: str
    closed_at: datetime | None
    closed_by: str | None


def normal(line: Import) -> Import:
    """The same in one form: a period of one month does not name its first."""
    return line.model_copy(update={"from_month": None}) if line.from_month == line.month else line


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in a month of each place that was ever published about: its latest period by then, None where the first came later."""

    lines: Mapping[ImportPlace, Import | None]
    sha256: str


def standing(imports: Iterable[Import], month: Month) -> Standing:
    """What stands in a month of imports, and the digest of exactly that."""
    found: dict[ImportPlace, Import | None] = {}
    for line in imports:
        held = found.setdefault(line.place, None)
        if line.month <= month and (held is None or held.order < line.order):
            found[line.place] = line
    in_order = sorted(found.items(), key=lambda held: tuple(map(str, held[0])))
    return Standing(found, digest([[*place, None if line is None else line.model_dump(mode="json")] for place, line in in_order]))


NOTHING_IMPORTED: Final = standing((), Month(0))


def slice_of(place: ImportPlace) -> str | None:
    """The slice whose rows are about places as this one is; None where there is none."""
    named = {"site": place.site != ALL, "category": place.category != ALL}
    named |= {"commissioner": place.commissioner is not None, "subcontract": place.organisation is not None}
    wanted = {name for name, is_named in named.items() if is_named}
    return next((slice_ for slice_, names in SLICES.items() if set(names) == wanted), None)


def measure_of(contract: Contract, line: Import) -> Measure | None:
    """The version that an import is read by: the one in force in its month, or the first there was, for what was published before it."""
    versions = [measure for measure in contract.measures if measure.code == line.measure]
    first = min(versions, key=lambda measure: (measure.from_month.ordinal if measure.from_month else -1, measure.version), default=None)
    return contract.measure(line.measure, line.month) or first


def in_unit(figure: Decimal, line: Import, measure: Measure) -> Fraction:
    """A published value or limit as a row says it: a percentage as the ratio that it stands for."""
    return Fraction(figure) / (100 if measure.unit == PERCENT and line.unit == PERCENT else 1)


def value_of(line: Import, measure: Measure) -> Fraction | None:
    """The exact value: the published one, or that of the figures; None of figures over nothing."""
    if line.value is not None:
        return in_unit(line.value, line, measure)
    if line.numerator is None or line.denominator == 0:
        return None
    return Fraction(line.numerator) / Fraction(line.denominator if line.denominator is not None else 1)


FAULTS: Final[Mapping[str, tuple[str, str]]] = {
    "unknown_measure": ("There is no measure of this code in the programme.", "Use the code of one of its measures."),
    "unknown_organisation": ("No organisation of the programme has this code.", "Use the ODS code of one that holds a subcontract."),
    "unknown_commissioner": ("No commissioner of the programme has this code.", "Use the ODS code of one of its commissioners."),
    "unknown_site": ("The programme has no site of this code.", "Use the code of one of its sites, or leave it out."),
    "unknown_category": ("The measure has no category of this code.", "Use one of the categories of its breakdown, or leave it out."),
    "unknown_not_allowed": ("The measure does not take UNKNOWN here.", "Name the place, or leave it out."),
    "not_split": ("The measure is not split by this.", "Leave it out."),
    "two_places": ("A figure is about an organisation or about a commissioner, not about both.", "Leave one of the two out."),
    "basis_differs": ("This measure is on another basis, and bases are never mixed.", "Import figures of the measure's own basis."),
    "period_reversed": ("The period ends before it begins.", "Name the first month, and the last one in `month`."),
    "period_too_long": (f"The period is longer than {LONGEST_PERIOD} months.", "Correct the months."),
    "published_in_future": ("This day has not come.", "Give the day on which it was published."),
    "published_before_period_ended": ("A figure is published once its period has ended.", "Correct the day or the months."),
    "figures_missing": ("There is no figure.", "Give `numerator` (and `denominator`), or a published `value` with its `unit`."),
    "figures_and_value": ("It carries figures or a published value, not both.", "Leave `numerator` and `denominator` out, or `value`."),
    "numerator_missing": ("A denominator alone says nothing.", "Give the numerator."),
    "denominator_missing": ("This measure's figures have a denominator.", "Give it."),
    "denominator_refused": ("This measure is a count: it has no denominator.", "Leave it out."),
    "numerator_above_denominator": ("The numerator of a proportion is at most its denominator.", "Correct one of the two."),
    "out_of_range": (f"Figures are from 0 to {LARGEST_FIGURE}; a published value may be below 0.", "Correct it."),
    "too_fine": ("The figure is finer than the measure counts; a published value has at most 6 decimals.", "Correct it."),
    "unit_differs": ("This is not how the measure's values are written.", "Use the measure's own unit; for `percent` also `ratio`."),
    "unit_refused": ("Only a published value has a unit.", "Leave it out."),
    "limits_refused": ("Only a published value has published limits.", "Leave them out."),
    "limit_missing": ("A published value has both limits or none.", "Give both."),
    "limits_do_not_hold_value": ("The published value does not lie between its limits.", "Correct them."),
    "published_earlier": (
        "What is recorded was published later than this.",
        "Leave it out; withdraw what is recorded where that is wrong.",
    ),
    "repeated": ("The same figure stands in this request twice.", "Keep one of the two."),
}


def fault(code: str, pointer: str = "") -> Fault:
    return Fault(code, *FAULTS[code], pointer=pointer)


_HANGS_ON: Final[Mapping[str, frozenset[str]]] = {
    "/month": frozenset({"/from_month", "/published_on"}),
    "/value": frozenset({"", "/numerator", "/denominator", "/unit", "/lower", "/upper"}),
    "/numerator": frozenset({""}),
}
"""What cannot be judged where a member cannot be read: what is said of others because of it."""


def faults_of_rest(line: Import, contract: Contract, *, unread: Iterable[str], today: date) -> Iterator[Fault]:
    """What is wrong with an import of which some members could not be read, apart from those."""
    unread = set(unread)
    unjudged = unread.union(*(_HANGS_ON.get(pointer, ()) for pointer in unread))
    yield from (fault for fault in faults_of(line, contract, today=today) if fault.pointer not in unjudged)


def faults_of(line: Import, contract: Contract, *, today: date) -> Iterator[Fault]:
    """Everything that the contract and the calendar have against an import, by pointers within it."""
    yield from _period_faults(line, today)
    if line.organisation is not None and line.commissioner is not None:
        yield fault("two_places", "/commissioner")
    if line.organisation is not None and line.organisation not in contract.organisation:
        yield fault("unknown_organisation", "/organisation")
    measure = measure_of(contract, line)
    if measure is None:
        yield fault("unknown_measure", "/measure")
        return
    if measure.aggregation == "import_only" and line.basis != measure.basis:
        yield fault("basis_differs", "/basis")
    yield from _place_faults("site", line.site, contract.site, measure)
    if line.commissioner is not None:
        yield from _place_faults("commissioner", line.commissioner, contract.commissioner, measure)
    if line.category != ALL and line.category not in (measure.category_codes if measure.breakdown else ()):
        yield fault("unknown_category", "/category")
    yield from _figure_faults(line, measure) if line.value is None else _value_faults(line, measure)


def _period_faults(line: Import, today: date) -> Iterator[Fault]:
    if line.months < 1:
        yield fault("period_reversed", "/from_month")
    if line.months > LONGEST_PERIOD:
        yield fault("period_too_long", "/from_month")
    if line.published_on > today:
        yield fault("published_in_future", "/published_on")
    elif line.published_on < line.month.last_day:
        yield fault("published_before_period_ended", "/published_on")


def _place_faults(name: Literal["site", "commissioner"], code: str, known: Mapping[str, object], measure: Measure) -> Iterator[Fault]:
    if code == ALL and name == "site":
        return
    if code == UNKNOWN and name not in measure.unknown:
        yield fault("unknown_not_allowed", f"/{name}")
    elif code not in known and code != UNKNOWN:
        yield fault(f"unknown_{name}", f"/{name}")
    elif name not in measure.split_by:
        yield fault("not_split", f"/{name}")


def _figure_faults(line: Import, measure: Measure) -> Iterator[Fault]:
    numerator, denominator = line.numerator, line.denominator
    if numerator is None:
        yield fault("figures_missing") if denominator is None else fault("numerator_missing", "/numerator")
    elif denominator is None and measure.has_denominator:
        yield fault("denominator_missing", "/denominator")
    if denominator is not None and measure.aggregation in {"count_sum", "stock_last", "banded"}:
        yield fault("denominator_refused", "/denominator")
    if measure.proportion and numerator is not None and denominator is not None and numerator > denominator:
        yield fault("numerator_above_denominator", "/numerator")
    for name, figure in (("numerator", numerator), ("denominator", denominator)):
        if figure is not None and not 0 <= figure <= LARGEST_FIGURE:
            yield fault("out_of_range", f"/{name}")
        elif figure is not None and not fits(figure, measure.figures_kind):
            yield fault("too_fine", f"/{name}")
    if line.unit is not None:
        yield fault("unit_refused", "/unit")
    for name in ("lower", "upper"):
        if getattr(line, name) is not None:
            yield fault("limits_refused", f"/{name}")


def _value_faults(line: Import, measure: Measure) -> Iterator[Fault]:
    for name in ("numerator", "denominator"):
        if getattr(line, name) is not None:
            yield fault("figures_and_value", f"/{name}")
    for name in ("value", "lower", "upper"):
        figure: Decimal | None = getattr(line, name)
        if figure is not None and abs(figure) > LARGEST_FIGURE:
            yield fault("out_of_range", f"/{name}")
        elif figure is not None and not fits(figure, NumericKind.DECIMAL):
            yield fault("too_fine", f"/{name}")
    if line.unit not in ({PERCENT, RATIO} if measure.unit == PERCENT else {measure.unit}):
        yield fault("unit_differs", "/unit")
    if line.lower is None or line.upper is None:
        if line.lower is not line.upper:
            yield fault("limit_missing", "/lower" if line.lower is None else "/upper")
    elif line.value is not None and not line.lower <= line.value <= line.upper:
        yield fault("limits_do_not_hold_value", "/value")


def outcomes(
    lines: Sequence[tuple[int, Import]], held: Mapping[str, Import], refuse: Callable[[int, Fault], None]
) -> list[tuple[Import, Outcome]]:
    """What recording imports would do, by their positions in a request; `refuse` takes those that stand in it twice or that come too late."""
    found: dict[str, tuple[Import, Outcome]] = {}
    for position, line in lines:
        before = held.get(line.name)
        if line.name in found:
            refuse(position, fault("repeated"))
        elif before is not None and line.published_on < before.published_on:
            refuse(position, fault("published_earlier", "/published_on"))
        found[line.name] = line, "added" if before is None else "unchanged" if before == line else "superseding"
    return list(found.values())
