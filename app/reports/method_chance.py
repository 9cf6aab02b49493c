"""The part of the method note that is about chance: intervals, the funnel, process control, and the colour beside the verdicts."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.kernel.months import Month
from app.programmes.domain import Programme, Requirement
from app.programmes.reporting import USUAL_RAG, RagRule
from app.reports.aggregation import Figures
from app.reports.byar import byar
from app.reports.coverage import Coverage
from app.reports.exact_counts import FEWEST_FOR_BYAR, exact_count
from app.reports.funnel import FEWEST_PLACES, Z_998, funnel, funnel_limits
from app.reports.intervals import Z_95, wilson
from app.reports.method_counting import WHOLE
from app.reports.method_note import Cell, Section, Table, exact_text
from app.reports.process_control import (
    FEWEST_POINTS,
    FEWEST_RANGES,
    FIXED_AFTER,
    RUN,
    SCREEN,
    SPREAD,
    Limits,
    Values,
    assurance,
    baseline,
    limits_of,
    signals,
    variation,
)
from app.reports.rag import colour
from app.reports.results import RowResult
from app.reports.series import FEWEST_COUNTED, Point, places_of, series_of, told
from app.reports.targets import ContractTest

_PROPORTIONS: Final = (
    ("39", "52"),
    ("412", "531"),
    ("850", "1000"),
    ("0", "10"),
    ("10", "10"),
    ("1", "1"),
    ("0.5", "1"),
    ("2.5", "3"),
    ("1045", "5000"),
)
_COUNTS: Final = (0, 1, 2, 5, 9, 10, 65, 1045)
_SERIES: Final = (78, 81, 80, 77, 82, 79, 81, 76, 80, 83, 79, 80, 78, 81, 66)
_AROUND_TEN: Final = Limits(Fraction(10), Fraction(3) / SPREAD)
"""Limits 7 and 13, near limits 8 and 12."""
_RUNS: Final[Sequence[tuple[str, Sequence[str | None]]]] = (
    ("on a limit is inside it", ("13", "7")),
    ("outside a limit", ("13.01", "6.99")),
    ("seven on one side of the mean", ("11", "10.5", "11", "10.5", "11", "10.5", "11")),
    ("six on one side are no run", ("11", "10.5", "11", "10.5", "11", "10.5")),
    ("a point on the mean breaks the run", ("11", "10.5", "11", "10", "11", "10.5", "11")),
    ("a month without a value breaks the run", ("11", "10.5", "11", None, "10.5", "11", "10.5", "11")),
    ("seven that rise", ("9.1", "9.2", "9.3", "9.4", "10.1", "10.2", "10.3")),
    ("six that rise are no trend", ("9.1", "9.2", "9.3", "10.1", "10.2", "10.3")),
    ("a trend speaks before two of three", ("9", "9.5", "10.1", "10.5", "11", "12.5", "12.8")),
    ("an equal step breaks the trend", ("9.1", "9.2", "9.3", "9.3", "10.1", "10.2", "10.3")),
    ("two of three near a limit", ("12.5", "11", "12.5")),
    ("on a near limit is not near", ("12", "11", "12.5")),
    ("all three are on one side", ("12.5", "9", "12.5")),
)


def chance_sections() -> tuple[Section, ...]:
    return (_proportions(), _counts(), _funnel(), _limits(), _signals(), _assurance(), _colours())


def _proportions() -> Section:
    def row(numerator: str, denominator: str) -> list[Cell]:
        figures = Decimal(numerator), Decimal(denominator)
        return [numerator, denominator, Fraction(figures[0]) / Fraction(figures[1]), *wilson(*figures), *wilson(*figures, z=Z_998)]

    return Section(
        "How sure a proportion is",
        "Wilson (1927), as the Office for Health Improvement and Disparities computes proportions (PHEindicatormethods, phe_proportion)",
        "Every proportion has its 95% Wilson interval (`wilson_95`). It is computed in whole numbers and rounded once, to six places, half"
        " to even. A proportion of nobody (0 of 0) has no value and so no interval.\n\n"
        "Patients who are shared between two providers count a half for each, and halves are taken as they are. Half a patient is not a"
        " trial, so these limits are an approximation: the note `approximate_intervals` names the measures that are counted in halves.",
        [
            f"z = {exact_text(Z_95)} (95%), {exact_text(Z_998)} (99.8%);  q = 1 - O/n",
            "lower, upper = (2·O + z² ∓ z·√(z² + 4·O·q)) / (2·(n + z²))",
        ],
        [
            Table(
                "Proportions and their limits",
                ("O", "n", "value", "lower", "upper", "lower 99.8%", "upper 99.8%"),
                [row(*each) for each in _PROPORTIONS],
            )
        ],
    )


def _counts() -> Section:
    def row(count: int) -> list[Cell]:
        name, method = ("exact_95", exact_count) if count < FEWEST_FOR_BYAR else ("byar_95", byar)
        return [count, name, *method(Decimal(count)), *byar(Decimal(count)), *exact_count(Decimal(count))]

    return Section(
        "How sure a count is",
        "Garwood (1936) and Breslow and Day (1987), as the Office for Health Improvement and Disparities computes them (PHEindicatormethods, phe_rate)",
        f"A count of events has exact Poisson limits under {FEWEST_FOR_BYAR} (`exact_95`), and Byar's approximation of them from"
        f" {FEWEST_FOR_BYAR} on (`byar_95`). Stocks, means, medians, and counts that are not whole have none: a half is no Poisson event.",
        [
            "exact:  lower = χ²(0.025; 2x)/2;  upper = χ²(0.975; 2x + 2)/2;  of none the lower limit is 0",
            "Byar:   lower = x·(1 - 1/(9x) - z/(3·√x))³;  upper = (x + 1)·(1 - 1/(9(x + 1)) + z/(3·√(x + 1)))³",
        ],
        [
            Table(
                "Counts and their limits: the one in use, and both",
                ("count", "interval", "lower", "upper", "Byar lower", "Byar upper", "exact lower", "exact upper"),
                [row(count) for count in _COUNTS],
            )
        ],
    )


def _funnel() -> Section:
    centre = Fraction(4, 5)
    figures = {
        name: (Decimal(numerator), Decimal(denominator))
        for name, numerator, denominator in (("A", 4, 5), ("B", 30, 50), ("C", 60, 90), ("D", 110, 120), ("E", 160, 200), ("F", 430, 500))
    }
    places = funnel(figures)
    few = funnel({name: each for name, each in figures.items() if name != "F"})
    return Section(
        "Whether subcontracts differ by more than chance",
        "The funnel plot of the Office for Health Improvement and Disparities for proportions (PHEindicatormethods, phe_funnels)",
        "The centre is what all subcontracts reach together: all numerators over all denominators, never a mean of percentages. Limits are"
        " cut off at 0 and 1. A subcontract outside the 99.8% limits is worth a review; on a limit is inside it.\n\n"
        f"Of fewer than {FEWEST_PLACES} subcontracts nothing is judged. One without patients has no point. Nothing is said of"
        " over-dispersion: the limits are those of chance alone.",
        ["limits = p ∓ z·√(p·(1 - p)/n), which inverts Wilson's interval"],
        [
            Table(
                "Limits around a centre of 80%",
                ("n", "lower 95%", "upper 95%", "lower 99.8%", "upper 99.8%"),
                [[n, *funnel_limits(centre, Decimal(n), z=Z_95), *funnel_limits(centre, Decimal(n), z=Z_998)] for n in (1, 20, 100, 500)],
            ),
            Table(
                f"Six subcontracts that reach {places.centre} together",
                ("subcontract", "numerator", "denominator", "value", "position", "among five only"),
                [
                    [
                        place.name,
                        place.numerator,
                        place.denominator,
                        place.value,
                        place.position,
                        "" if place.name == "F" else "not judged" if not few.judged else place.position,
                    ]
                    for place in places.points
                ],
            ),
        ],
    )


def _limits() -> Section:
    values = [Fraction(value) for value in _SERIES]
    gappy: Values = [each for value in values for each in (value, None)]
    pairs = [each for first in range(0, FEWEST_POINTS, 2) for each in (None, *values[first : first + 2])]
    long = [Fraction(value) for value in (*_SERIES, *_SERIES)]
    rows = [
        ["as published, with screening", *_of(limits_of(values))],
        ["without screening", *_of(limits_of(values, screened=False))],
        ["with a month without a value after the sixth", *_of(limits_of([*values[:6], None, *values[6:]]))],
        [f"the first {FEWEST_POINTS - 1} points only", *_of(limits_of(values[: FEWEST_POINTS - 1]))],
        ["every other month without a value", *_of(limits_of(gappy))],
        [f"{FEWEST_POINTS} points and {FEWEST_RANGES} moving ranges", *_of(limits_of(pairs))],
        [f"{FEWEST_POINTS} points and {FEWEST_RANGES - 1} moving ranges", *_of(limits_of([*pairs[:-1], None, *pairs[-1:]]))],
        [f"twice over: fixed after {FIXED_AFTER}", *_of(limits_of(baseline(long)))],
        ["0 and 10733 in turn, then a step of 3.267 times the mean", *_of(limits_of(_steps(10733, 42471)))],
        ["0 and 43 in turn, then a step of 3.25 times the mean", *_of(limits_of(_steps(43, 169)))],
        ["twelve that never move", *_of(limits_of([Fraction(5)] * FEWEST_POINTS))],
    ]
    return Section(
        "Limits of process control",
        'XmR charts of NHS England\'s "Making Data Count" as NHSRplotthedots computes them (ptd_spc_standard), after Wheeler',
        "Months, and whole calendar quarters, have a series each; a period that overlaps its neighbours (to date, rolling) has none. A series"
        " is of one place; it begins with its first value, or anew where a requirement names a rebase, and ends with the row's own"
        " period: what comes later never changes what a row says. A phase, a merger or a new version of a measure begins one only where"
        " it is named.\n\n"
        f"Limits rest on the first {FIXED_AFTER} points (or as many as the requirement says) and stay as they are then. A month without a"
        " value is a gap: it has no moving range and no run goes across it. Under"
        f" {FEWEST_POINTS} points, under {FEWEST_RANGES} moving ranges, or where the denominators are under {FEWEST_COUNTED} on average, there"
        " are no limits (`too_few_points`). Screening (unless the requirement turns it off) leaves out moving ranges of"
        f" {exact_text(SCREEN)} times their mean or more, once; the points stay. Limits of a proportion may pass 0 and 1.",
        [
            "moving range of a point = |y - y before|",
            f"limits = mean ∓ {exact_text(SPREAD)}·mean moving range;  near limits = mean ∓ (2/3)·{exact_text(SPREAD)}·mean moving range",
        ],
        [
            Table(
                f"The series {' '.join(map(str, _SERIES))}, and others where it is said",
                ("how", "mean", "mean moving range", "lower", "near lower", "near upper", "upper"),
                rows,
            ),
            _told(),
        ],
    )


def _steps(usual: int, last: int) -> list[Fraction]:
    """Fifteen points whose moving ranges are one and the same but for the last."""
    return [*(Fraction(usual * (number % 2)) for number in range(14)), Fraction(usual + last)]


def _told() -> Table:
    """What the last row of a series says of it."""
    steady = [Decimal(value) / 100 for value in _SERIES[:-1]]
    rising = [Decimal(value) / 100 for value in (*(70, 90) * 6, *range(71, 78))]
    cases: Sequence[tuple[str, Sequence[Decimal | None], dict[str, Any]]] = (
        ("the series above, as percentages of 100", [*steady, Decimal("0.66")], {}),
        ("of 4 patients a month", [*steady, Decimal("0.66")], {"denominator": 4}),
        ("of 5 patients a month", [*steady, Decimal("0.66")], {"denominator": 5}),
        ("the tenth month has no value", [*steady[:9], None, *steady[10:], Decimal("0.66")], {}),
        ("begun anew in the third month", [*steady, Decimal("0.66")], {"rebased": ["2026-03"]}),
        ("begun anew in the second and in the third month", [*steady, Decimal("0.66")], {"rebased": ["2026-02", "2026-03"]}),
        ("begun anew in the fifth month", [*steady, Decimal("0.66")], {"rebased": ["2026-05"]}),
        ("fixed after 12, lower is better", [*steady, Decimal("0.66")], {"fixed_after": 12, "direction": "lower"}),
        ("without screening", [*steady, Decimal("0.66")], {"screened": False}),
        ("0.70 and 0.90 in turn, then 0.71 to 0.77", rising, {"fixed_after": 12}),
    )
    names = ("spc_from", "spc_points", "spc_mean", "spc_lower", "spc_upper", "spc_signal", "spc_variation", "spc_assurance")
    rows = [[words, *(_control(values, **members)[name] for name in names)] for words, values, members in cases]
    return Table("What a row says of its series, which began in January 2026, with a target of 0.72", ("series", *names), rows)


def _control(
    values: Sequence[Decimal | None], *, denominator: int = 100, direction: str = "higher", rebased: Sequence[str] = (), **members: Any
) -> dict[str, Any]:
    january = Month.parse("2026-01")
    rebases = [{"from_month": month, "reason": "a new way of counting"} for month in rebased]
    requirement = Requirement.model_validate({"measure": "M", "process_control": {**members, "rebases": rebases}})
    history = {
        january.plus(number): {places_of(WHOLE): Point(*value.as_integer_ratio(), Decimal(denominator), 1)} if value is not None else {}
        for number, value in enumerate(values)
    }
    result = RowResult(WHOLE, 1, 1, 1, False, Figures(), Coverage())
    series = series_of(history, result, january.plus(len(values) - 1), step=1, requirement=requirement)
    return told(series, requirement=requirement, direction=direction, target=Decimal("0.72"))


def _of(limits: Limits | None) -> list[Cell]:
    if limits is None:
        return ["too_few_points", *[None] * 5]
    return [limits.mean, limits.moving_range, limits.lower, limits.near_lower, limits.near_upper, limits.upper]


def _signals() -> Section:
    def row(words: str, values: Sequence[str | None]) -> list[Cell]:
        series = [None if value is None else Fraction(value) for value in values]
        return [words, " ".join(value or "-" for value in values), " ".join(signals(series, _AROUND_TEN))]

    directions = ("higher", "lower", "neutral")
    return Section(
        "When a point is not chance",
        "NHSRplotthedots (ptd_calculate_point_type)",
        f"Four rules, the first that holds being the row's `spc_signal`: a point outside the limits; one of {RUN} in a row that rise or fall"
        " throughout; one of at least two in three that are near a limit inside it, all three on one side of the mean; one of"
        f" {RUN} in a row on one side of the mean. All points of a run are special, not its last only.\n\n"
        "`spc_variation` says what a special point means: for the better or not by the measure's direction; where neither direction is"
        " better, whether it is high or low. A trend goes by where it leads, every other rule by the side of the mean.",
        [],
        [
            Table(
                "Around a mean of 10, limits 7 and 13, near limits 8 and 12", ("rule", "points", "signals"), [row(*each) for each in _RUNS]
            ),
            Table(
                "What a special point means",
                ("signal", *(f"{direction} is better" if direction != "neutral" else direction for direction in directions)),
                [
                    [
                        f"{'high or rising' if upwards else 'low or falling'}",
                        *(variation("shift", upwards=upwards, direction=direction) for direction in directions),
                    ]
                    for upwards in (True, False)
                ]
                + [["none", *(variation("none", upwards=True, direction=direction) for direction in directions)]],
            ),
        ],
    )


def _assurance() -> Section:
    targets = ("6.99", "7", "10", "13", "13.01", None)
    rows = [
        [
            target or "none",
            *(
                assurance(_AROUND_TEN, None if target is None else Fraction(target), direction=each)
                for each in ("higher", "lower", "neutral")
            ),
        ]
        for target in targets
    ]
    return Section(
        "Whether a process will hit its target",
        "NHSRplotthedots (ptd_calculate_assurance_type)",
        "`spc_assurance` is where the row's target lies between the limits of its series: a process whose limits hold the target hits and"
        " misses it by chance. On a limit is inside it. Without limits it is `too_few_points`, without a target or direction `no_target`.",
        [],
        [Table("Limits 7 and 13", ("target", "higher is better", "lower is better", "neutral"), rows)],
    )


_Case = tuple[str, str | None, str, ContractTest, str | None, str | None]
_COLOURS: Final[Sequence[_Case]] = (
    ("usual", "0.86", "higher", "met", "better", None),
    ("usual", "0.86", "higher", "met", "similar", None),
    ("usual", "0.60", "higher", "not_met", "similar", None),
    ("usual", "0.83", "higher", "not_met", "worse", None),
    ("usual", "0.8299", "higher", "not_met", "worse", None),
    ("usual", "0.60", "higher", "not_met", "worse", "improvement"),
    ("improving", "0.60", "higher", "not_met", "worse", "improvement"),
    ("without chance", "0.86", "higher", "met", "similar", None),
    ("without chance", "0.85", "higher", "met", "similar", None),
    ("usual", "0.86", "lower", "not_met", "worse", None),
    ("usual", "0.84", "lower", "met", "better", None),
    ("usual", "0.84", "higher", "not_judged", "similar", None),
    ("usual", None, "higher", "not_judged", None, None),
    ("none", "0.86", "higher", "met", "better", None),
)


def _colours() -> Section:
    target = Decimal("0.85")
    rules = {"usual": USUAL_RAG, "improving": RagRule(improving=True), "without chance": RagRule(chance=False), "none": None}

    def row(case: _Case) -> list[Cell]:
        rule, value, direction, met, against, varies = case
        programme = Programme(code="p", name="P", prime="X9901", starts_on=date(2026, 7, 1), ends_on=date(2036, 6, 30), rag=rules[rule])
        exact = None if value is None else Fraction(value)
        told = colour(programme, None, exact, target, contract_test=met, direction=direction, against_target=against, variation=varies)
        return [rule, value, direction, met, against, varies, told["rag"], told["rag_reason"]]

    return Section(
        "A colour beside the verdicts",
        'A convention of contract reports; "Making Data Count" exists because such tables mislead',
        "A colour never replaces the three verdicts: it is a function of them and of a rule, which the programme or a requirement sets; without one"
        " no row has a colour. As it usually is: what cannot be told from its target by the 95% interval is amber, on whichever side of it it is;"
        f" what meets it is green; what misses it by no more than {USUAL_RAG.tolerance}, in the unit of the value, is amber; anything else is red."
        " A rule may leave chance out, set another tolerance, or make a miss amber while the process improves beyond chance. `rag_reason` says"
        " which of these it was. Where the contract test judges nothing there is no colour.",
        [],
        [
            Table(
                f"A target of {target}",
                ("rule", "value", "better is", "contract_test", "against_target", "spc_variation", "rag", "rag_reason"),
                [row(case) for case in _COLOURS],
            )
        ],
    )
