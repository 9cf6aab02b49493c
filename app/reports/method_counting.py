"""The part of the method note that is about counting: how figures are pooled, over which months, what is missing, and what is asked of them."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.calendar.contract import Contract
from app.kernel.codes import ALL
from app.kernel.figures import RATIO_PLACES, carried, rounded
from app.kernel.months import Month
from app.measures.domain import Breakdown, Category, Measure
from app.programmes.domain import Programme, Requirement
from app.reports.aggregation import Figures, add, evaluate, statistic
from app.reports.coverage import PRECEDENCE, Coverage, ExpectedCells, Owed, Reason, cover, together
from app.reports.method_note import Cell, Section, Table
from app.reports.periods import PERIODS, is_whole, months_of, pool
from app.reports.results import RowResult
from app.reports.series import value_of
from app.reports.slices import RowKey
from app.reports.targets import against_target, contract_test, in_force

_BANDS: Final = Breakdown(
    code="wait_days",
    categories=(Category(code="0-1", upper=Decimal(1)), Category(code="2-3", upper=Decimal(3)), Category(code="4-up")),
)
_FIGURES: Final[Sequence[tuple[str, dict[str, Any], str]]] = (
    ("ratio_sum", {"proportion": True}, "180/200 + 30/60 + 5/5"),
    ("ratio_sum", {"proportion": True, "numeric_kind": "half_unit"}, "2.5/3 + 1/1.5"),
    ("ratio_sum", {"proportion": True}, "0/0"),
    ("ratio_sum", {}, "1/2 + 4"),
    ("count_sum", {}, "3 + 4"),
    ("stock_last", {}, "120 + 30"),
    ("mean_weighted", {}, "41/10 + 9/3"),
    ("distinct_risk", {}, "7 + 4"),
    ("distinct_risk", {}, "7"),
    ("distinct_risk", {}, "1/2 + 4"),
)
_WAITS: Final[Sequence[tuple[str, Sequence[tuple[int, int, int]]]]] = (
    ("median", ((4, 5, 6), (2, 3, 0))),
    ("median", ((10, 0, 0),)),
    ("p90", ((5, 5, 0),)),
    ("p90", ((5, 0, 5),)),
    ("median", ((5, 0, 5),)),
    ("median", ((0, 0, 0),)),
)
WHOLE: Final = RowKey("M", ALL, ALL, ALL, ALL, ALL, ALL)
"""The row of the whole programme, of a measure that is an example."""
_THRESHOLD: Final = Decimal("0.95")
_MONTHS: Final = ("2026-10", "2026-12", "2027-01", "2027-07")
_TARGETS: Final = (
    {"from_month": "2026-07", "standard": Decimal("0.85"), "interim": Decimal("0.75")},
    {"for": {"site": "prostate"}, "from_month": "2026-07", "to_month": None, "interim": Decimal("0.70")},
    {"for": {"subcontract": "SC-B"}, "from_month": "2026-10", "to_month": "2027-03", "trajectory": Decimal("0.68")},
)


def counting_sections() -> tuple[Section, ...]:
    return (_pooling(), _bands(), _periods(), _coverage(), _reasons(), _targets(), _verdicts(), _rounding())


def _measure(aggregation: str, **members: Any) -> Measure:
    return Measure.model_validate({"code": "M", "name": "M", "aggregation": aggregation, **members})


def _figures(numerator: str, denominator: str | None = None) -> Figures:
    return Figures(Decimal(numerator), None if denominator is None else Decimal(denominator))


def _pooling() -> Section:
    def row(aggregation: str, members: dict[str, Any], parts: str) -> list[Cell]:
        measure = _measure(aggregation, **members)
        figures = [_figures(*part.split("/")) for part in parts.split(" + ")]
        total = add(figures)
        found = evaluate(measure, total, of_category=False, subcontracts=len(figures))
        told = statistic(measure, of_category=False, denominator=found.denominator)
        return [aggregation, parts, told, found.numerator, found.denominator, found.value, found.reason]

    return Section(
        "How figures are pooled",
        "The measure's own rule, which its catalogue entry names; NHS England publishes its totals in the same way",
        "Counts are added exactly and ratios are computed last, from the summed counts. A percentage is never stored, averaged or added: of"
        " 180/200, 30/60 and 5/5 the pooled share is 0.811321, and the mean of the three percentages, 0.8, is no figure of this service."
        " Halves are added as halves.\n\n"
        "`ratio_sum` and `mean_weighted`: the sum of numerators over the sum of denominators. `count_sum`: the sum. `stock_last`: the sum of"
        " one census over subcontracts, never over months. `banded`: bands are added, then a median or percentile is found. `distinct_risk`:"
        " never across subcontracts, because several may count the same person. `import_only`: as published, never added.\n\n"
        "A total (`all`) stands beside its parts and is never added to them. A row of a wider site or of a parent commissioner is computed"
        " from its children, or is as reported where the wider place itself is returned: never both. Provider basis and commissioner basis"
        " are never summed. Patients whose commissioner or site is not known have a row of their own, `UNKNOWN`, and totals tie only with it.",
        [],
        [
            Table(
                "Two or three subcontracts together",
                ("rule", "figures", "statistic", "numerator", "denominator", "value", "missing_reason"),
                [row(*each) for each in _FIGURES],
            )
        ],
    )


def _bands() -> Section:
    def row(wanted: str, parts: Iterable[tuple[int, int, int]]) -> list[Cell]:
        measure = _measure("banded", statistic=wanted, breakdown=_BANDS)
        codes = measure.category_codes
        banded = [{code: Decimal(count) for code, count in zip(codes, part, strict=True)} for part in parts]
        total = add(Figures(sum(each.values(), Decimal(0)), None, each) for each in banded)
        found = evaluate(measure, total, of_category=False, subcontracts=len(banded))
        return [wanted, " + ".join("/".join(map(str, part)) for part in parts), found.numerator, found.value, found.reason]

    return Section(
        "Medians and percentiles from bands",
        "Linear interpolation within the band that holds the point, as NHS England estimates waiting times from bands",
        "The median is the point below which half of all that were counted lies, the 90th percentile nine tenths. A band reaches from the bound"
        " below it, exclusive, to its own, inclusive; the first begins at 0. In an open band there is nothing to interpolate to: the value is"
        " null (`open_band`). One band by itself is a count.",
        ["value = bound below + width of the band x (wanted - counted below the band) / counted in the band"],
        [
            Table(
                "Bands 0 to 1, 2 to 3, and 4 days or more",
                ("statistic", "counted", "numerator", "value", "missing_reason"),
                [row(*each) for each in _WAITS],
            )
        ],
    )


def _over_a_quarter() -> Table:
    """What three months come to in a quarter: figures as text, none where the month has none."""
    versions = ({"from_month": None}, {"version": 2, "from_month": Month.parse("2026-12")})
    cases: Sequence[tuple[str, str, Sequence[dict[str, Any]], Sequence[str | None]]] = (
        ("all three returned", "ratio_sum", versions[:1], ("8/10", "7/10", "9/10")),
        ("one without figures", "ratio_sum", versions[:1], ("8/10", None, "9/10")),
        ("a reported zero", "ratio_sum", versions[:1], ("8/10", "0/0", "9/10")),
        ("a census", "stock_last", versions[:1], ("100", "110", "120")),
        ("a census whose last is missing", "stock_last", versions[:1], ("100", "110", None)),
        ("another version from December", "ratio_sum", versions, ("8/10", "7/10", "9/10")),
    )
    return Table(
        "October, November and December in the quarter",
        ("case", "rule", "months", "numerator", "denominator", "value", "missing_reason", "months_held"),
        [_quarter(*each) for each in cases],
    )


def _quarter(words: str, aggregation: str, versions: Sequence[dict[str, Any]], months: Sequence[str | None]) -> list[Cell]:
    contract = _contract(*(_measure(aggregation, **version) for version in versions))
    last = Month.parse("2026-12")
    by_month: dict[Month, tuple[RowResult, ...]] = {}
    for number, text in enumerate(months):
        month = last.plus(number - 2)
        in_force = contract.measure("M", month)
        assert in_force is not None
        figures = Figures() if text is None else _figures(*text.split("/"))
        by_month[month] = (RowResult(WHOLE, in_force.version, 1, int(text is not None), False, figures, Coverage()),)
    (pooled,) = pool(contract, last, by_month)
    measure = contract.measure("M", last)
    assert measure is not None
    found = value_of(measure, pooled)
    shown = " + ".join(text or "none" for text in months)
    return [words, aggregation, shown, found.numerator, found.denominator, found.value, found.reason, pooled.held]


def _contract(*measures: Measure) -> Contract:
    programme = Programme(code="p", name="P", prime="X9901", starts_on=date(2026, 7, 1), ends_on=date(2036, 6, 30))
    return Contract(programme, datetime(2026, 7, 1, tzinfo=UTC), (), (), (), (), measures, (), (), (), (), ())


def _periods() -> Section:
    contract = _contract()
    rows: list[list[Cell]] = []
    for text in _MONTHS:
        month = Month.parse(text)
        spans = [months_of(period, month, contract) for period in PERIODS]
        rows.append(
            [
                text,
                *(f"{span[0]} to {span[-1]}" if len(span) > 1 else text for span in spans),
                "yes" if is_whole("quarter", month) else "no",
            ]
        )
    return Section(
        "Over which months",
        "Calendar quarters; financial years from April; contract years from the month in which the programme's begin",
        "A period ends with the report's month. Its figures are its months' figures added; a stock is its last month's. Where a measure had"
        " another version in one of the months, nothing is pooled (`not_poolable`). A row says how many of its months hold figures"
        " (`months_held`).\n\n"
        "A month without a figure adds nothing; it is never taken for zero. A reported zero is one.",
        [],
        [Table("A contract year that begins in July", ("report", *PERIODS, "quarter whole"), rows), _over_a_quarter()],
    )


def _cover(volumes: Sequence[int | None], absent: Iterable[int] = (), applicable: int | None = None) -> Coverage:
    names = [f"SC-{number}" for number in range(len(volumes))]
    volume_of = dict(zip(names, volumes, strict=True))
    owed = Owed({name: ExpectedCells("cwt", 10, None if volume is None else Decimal(volume)) for name, volume in volume_of.items()})
    gaps: dict[str, dict[Reason, int]] = {} if applicable is None else {names[applicable]: {"not_applicable": 10}}
    return cover(owed, month="2026-10", gaps=gaps, absent={("cwt", names[number]): "late" for number in absent})


def _coverage() -> Section:
    def row(words: str, found: Coverage) -> list[Cell]:
        share = found.share
        return [
            words,
            found.expected,
            found.included,
            None if share is None else rounded(share),
            found.reaches(_THRESHOLD),
            ", ".join(each.text(with_month=False) for each in found.missing),
        ]

    whole, late = _cover((80, 15, 5)), _cover((80, 15, 5), absent=[0])
    return Section(
        "What is missing",
        "The contract's assignments and their expected volumes",
        "Expected are the subcontracts that owe a cell of the measure in the slice; included are those with a value in every cell that they"
        " owe there, in an accepted revision. One with some of them is summed, not counted as included, and named in `excludes`. A stated"
        " `not_applicable` is not owed.\n\n"
        "Coverage is the included share of the expected volume: the share of patients, not of returns. It is null, never 1, unless the volume"
        " of every expected subcontract is known in that slice.\n\n"
        "A programme may set a publish threshold for coverage. It hides nothing: under it, or where nobody can say whether it is reached, a figure"
        " stands with its limits and is not judged (`contract_test` is `not_judged`, `against_target` null). At the threshold is enough, unrounded;"
        " where everybody who owes the row is included it is reached whatever the volumes are. Process control is told as ever.",
        [],
        [
            Table(
                f"Three subcontracts, with 80, 15 and 5 patients expected, and a threshold of {_THRESHOLD}",
                ("case", "returns_expected", "returns_included", "coverage", "coverage_test", "excludes"),
                [
                    row("all returned", whole),
                    row("the smallest late", _cover((80, 15, 5), absent=[2])),
                    row("the largest late", late),
                    row("the largest has nothing to report", _cover((80, 15, 5), applicable=0)),
                    row("one volume not known", _cover((80, None, 5))),
                    row("nobody returned", _cover((80, 15, 5), absent=[0, 1, 2])),
                    row("two months, the largest late in one", together([whole, late])),
                ],
            )
        ],
    )


def _reasons() -> Section:
    said = {
        "late": "nothing was received by the deadline",
        "not_accepted": "received, and not accepted",
        "not_collected": "stated as not collected, with a reason",
        "not_due": "the deadline has not passed",
        "not_applicable": "stated as not applicable: nothing is owed",
    }
    return Section(
        "Why a row has no value",
        "This service's own words",
        "A reported zero, not collected, not applicable, and missing are four things and are never turned into each other. Where figures were"
        " stated and make no value, the row says so: `denominator_zero`, `not_poolable` or `open_band`. An imported measure without a"
        " publication says `not_published_yet`.",
        [],
        [
            Table(
                "Where nothing was stated: the first of these that holds for a cell that is owed",
                ("order", "missing_reason", "meaning"),
                [[number, reason, said[reason]] for number, reason in enumerate(PRECEDENCE, start=1)],
                explains=True,
            )
        ],
    )


def _requirement(**members: Any) -> Requirement:
    return Requirement.model_validate({"measure": "M", **members})


def _targets() -> Section:
    requirement = _requirement(targets=list(_TARGETS))
    rows: list[list[Cell]] = []
    for text, subcontract, site in (
        ("2026-09", "all", "all"),
        ("2026-09", "all", "prostate"),
        ("2026-09", "SC-B", "all"),
        ("2026-10", "SC-B", "all"),
        ("2026-10", "SC-B", "prostate"),
        ("2027-04", "SC-B", "all"),
        ("2026-06", "all", "all"),
    ):
        found = in_force(requirement, month=Month.parse(text), commissioner="all", subcontract=subcontract, site=site)
        rows.append([text, subcontract, site, found.target, found.target_kind, found.standard])
    return Section(
        "Which target counts",
        "The contract's requirements",
        "Of the lines in force in the month, the most specific `for` wins: most keys, then subcontract before site before commissioner. Of"
        " lines that are equally specific a trajectory comes before an interim target before the standard, then the one that began last."
        " The standard, floor and stretch are each found in the same way, so that a trajectory leaves the national standard standing beside it.",
        [],
        [
            Table(
                "A standard of 0.85 and 0.75 in the interim for all, 0.70 for prostate, and a trajectory of 0.68 for SC-B from October to March",
                ("month", "subcontract", "site", "target", "target_kind", "standard"),
                rows,
            )
        ],
    )


def _judged(numerator: str, denominator: str, direction: str, *, where: str = "all, month", standing: str = "whole") -> list[Cell]:
    """The two verdicts on a row: `where` is its slice and period, `standing` whether the period is over and the figure reaches the threshold."""
    requirement = _requirement(applies_to=["all"], targets=[{"from_month": "2026-07", "standard": Decimal("0.85")}])
    asked = in_force(requirement, month=Month.parse("2026-10"), commissioner=ALL, subcontract=ALL, site=ALL)
    figures = Decimal(numerator), Decimal(denominator)
    value = Fraction(figures[0]) / Fraction(figures[1]) if figures[1] else None
    slice_, _, period = where.partition(", ")
    whole, judged = standing != "in progress", standing != "under the threshold"
    met = contract_test(requirement, asked, value, direction=direction, slice_=slice_, period=period, whole=whole, judged=judged)
    told = None if value is None or not judged else against_target(asked, *figures, direction=direction)
    return [f"{numerator}/{denominator}", direction, where, standing, value, met, told]


def _verdicts() -> Section:
    return Section(
        "Three verdicts, kept apart",
        "The contract; the Office for Health Improvement and Disparities' comparison with a benchmark; NHS England's \"Making Data Count\"",
        "`contract_test` is what the contract says: the unrounded value at or above the target (at or below it where lower is better), in the"
        " period and slices that the requirement names, over a whole period. 84.96% is a miss where 85% is asked, however it is shown.\n\n"
        "`against_target` is whether chance could explain the distance: `similar` where the 95% interval holds the target, else `better` or"
        " `worse`. Only what has an interval has it. `spc_assurance` is whether the process, as it is, will hit the target; see below. None"
        " of the three is computed from another, and none changes a figure.",
        [],
        [
            Table(
                "A standard of 0.85, judged each month on the whole programme",
                ("figures", "better is", "slice and period", "standing", "value", "contract_test", "against_target"),
                [
                    _judged("850", "1000", "higher"),
                    _judged("8496", "10000", "higher"),
                    _judged("8600", "10000", "higher"),
                    _judged("412", "531", "higher"),
                    _judged("9", "10", "higher"),
                    _judged("850", "1000", "lower"),
                    _judged("412", "531", "lower"),
                    _judged("412", "531", "neutral"),
                    _judged("412", "531", "higher", where="site, month"),
                    _judged("412", "531", "higher", where="all, quarter"),
                    _judged("412", "531", "higher", standing="in progress"),
                    _judged("412", "531", "higher", standing="under the threshold"),
                    _judged("0", "0", "higher"),
                ],
            )
        ],
    )


def _rounding() -> Section:
    ratios = (Fraction(2, 3), Fraction(1, 3), Fraction(412, 531), Fraction(1, 2_000_000), Fraction(3, 2_000_000), Fraction(5, 2))
    return Section(
        "Rounding",
        "Round half to even (ISO 80000-1, rule A)",
        f"Everything up to here is exact: whole numbers, halves and fractions. A value and a limit are rounded once, at the edge, to"
        f" {RATIO_PLACES} decimal places, half to even; verdicts are judged on what was not rounded. Figures are given as they were returned."
        " A share is shown as a share (0.775895) and multiplied by 100 once by whoever shows it as a percentage.",
        [],
        [
            Table(
                "Exact ratios and what a row shows",
                ("ratio", "shown"),
                [[f"{each.numerator}/{each.denominator}", carried(rounded(each))] for each in ratios],
            )
        ],
    )
