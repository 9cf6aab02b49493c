"""The parts of the method of settlement: scores, quality, the elements, the gate, sharing out, how sure it is, what is trued up and held in suspense."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from app.calendar.contract import Contract
from app.kernel.months import MONTH_NAMES, Month
from app.programmes.domain import Programme
from app.reports.method_note import Cell, Section, Table
from app.settlement.computation import Settlement, settle
from app.settlement.domain import ScoredMeasure, SettlementRules
from app.settlement.explanation import nodes_of, shared_out
from app.settlement.inputs import Inputs
from app.settlement.method_example import example_inputs, example_rules
from app.settlement.scoring import ruled, score_of
from app.settlement.true_up import Dispute, dues, true_up
from app.settlement.year import judged

_FORMULA: Final = "this service's general formula of risk and gain share, which the schemes used so far are parameters of"
_MSSP: Final = "as the Medicare Shared Savings Program has it, 42 CFR 425.610"
_GAIN: Final = {
    "share": "0.5",
    "deadband": "0.02",
    "least_loss_rate": "0.4",
    "most_loss_rate": "0.75",
    "gain_cap": "0.05",
    "loss_cap": "0.03",
}
_RAMPS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("floor to target", {"floor": "0.70", "target": "0.85"}),
    ("target alone", {"target": "0.85"}),
    ("stretch, one line", {"floor": "0.70", "target": "0.85", "stretch": "0.90"}),
    ("stretch, target worth 0.8", {"floor": "0.70", "target": "0.85", "stretch": "0.90", "score_at_target": "0.8"}),
    ("lower is better", {"direction": "lower", "floor": "0.85", "target": "0.70"}),
)
_FIGURES: Final = ("0.65", "0.70", "0.775", "0.85", "0.875", "0.95")


def parts() -> tuple[Section, ...]:
    """Every part of the formula, in the order in which a payment comes to be."""
    return (
        _scores(),
        _periods(),
        _quality(),
        _indexation(),
        _outcome(),
        _gain_and_loss(),
        _gate(),
        _sharing_out(),
        _consequences(),
        _vat(),
        _bands(),
        _later(),
    )


def _scores() -> Section:
    def row(name: str, said: Mapping[str, Any]) -> list[Cell]:
        rule = ScoredMeasure.model_validate({"measure": "M", "weight": 1, **said})
        return [name, *(score_of(rule, ruled("figure", "figure", Decimal(each), ""), name="M", pointer="").value for each in _FIGURES)]

    return Section(
        "How a figure becomes a score",
        _FORMULA,
        "A score is 0 at the floor and 1 at the target, in a straight line between them, and never outside 0 and 1. Where lower is better both"
        " differences are turned round. Without a floor it is all or nothing, from the target on. With a stretch 1 is reached only there: in one line"
        " from the floor, or in two where the rules say what the target is worth.\n\nThe figure is numerator over denominator, exact, of the period"
        " that the rule names, else of the one that the requirement names. Of a measure judged on months or quarters the score is the mean of its"
        " scores over those that count. A better figure never scores less. Nothing is rounded.",
        (
            "score = min(1, max(0, (x - floor) / (target - floor)))          lower is better: (floor - x) / (floor - target)",
            "with a stretch: s(target) · score_to_target + (1 - s(target)) · score_beyond_target",
        ),
        [Table("The score of some figures", ("rule", *_FIGURES), [row(name, said) for name, said in _RAMPS])],
    )


def _periods() -> Section:
    def row(first: int, ends: date, year: int) -> list[Cell]:
        term = Programme(code="p", name="P", prime="X9901", starts_on=date(2026, first, 1), ends_on=ends)
        found = judged(Contract(term, datetime(2026, 1, 1, tzinfo=UTC), *((),) * 10), year, "quarter")
        spans = ("; ".join(f"{begins} to {last}" for begins, last in said) for said in (found.counted, found.outside))
        return [f"{MONTH_NAMES[first - 1]} 2026", str(Month.of(ends)), year, *spans, ", ".join(map(str, found.unjudged))]

    return Section(
        "Which periods of a contract year count",
        "Calendar quarters, financial years from April and rolling years as reports have them: a settlement reads what is published",
        "Measures are judged on periods that are published, and quarters are those of the calendar whichever month contract years begin in. A period"
        " counts for a contract year where all its months that lie in the programme's term lie in that year; one that reaches into another year"
        " counts in neither, whatever the rules are, and a measure that has no other is missing (`outside_year`). Live rules that judge on such a"
        " period are refused when they are proposed, approved or settled by (`outside_year`); of others it is noted, and so are months that lie in no period that"
        " counts (`part_of_year`) and the quarter in which the programme begins, which counts as a whole one (`part_of_quarter`). Every contract year is judged in"
        " full on months, and on the contract year to date.\n\nWhere a measure counts as it last was when it was final, that may be a period of the"
        " year before.",
        (),
        [
            Table(
                "Contract years by quarters",
                ("programme begins", "ends", "contract year", "count", "reach into another", "in none"),
                [
                    row(4, date(2036, 3, 31), 2),
                    row(10, date(2036, 9, 30), 2),
                    row(11, date(2036, 10, 31), 2),
                    row(11, date(2028, 10, 31), 2),
                ],
            )
        ],
    )


def _changed(**said: Any) -> SettlementRules:
    """A small year: £1 million, a tenth at risk, two measures of which the second is missing."""
    measures = [{"measure": code, "weight": weight, "floor": 0, "target": 1} for code, weight in (("A", "0.6"), ("B", "0.4"))]
    usual = {
        "contract_year": 1,
        "title": "Example",
        "mode": "live",
        "annual_value_pence": 100_000_000,
        "at_risk_share": "0.1",
        "measures": measures,
    }
    return SettlementRules.model_validate(usual | said)


def _inputs(*, actual: int = 100_000_000, **figures: Mapping[str, Any] | None) -> Inputs:
    usual = {"month": "2029-06", "period": "contract_year_to_date", "status": "final"}
    costs = {name: {"pence": pence, "source": "Example"} for name, pence in (("expected_cost", 100_000_000), ("actual_cost", actual))}
    return Inputs.model_validate({"figures": [{"measure": code, **usual, **(said or {})} for code, said in figures.items()], **costs})


def _value(settlement: Settlement, name: str) -> Fraction:
    return nodes_of(settlement.explanation)[name].value


def _quality() -> Section:
    half = {"value": "0.5"}
    cases: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
        ("both are there", "zero", {"A": half, "B": {"value": "1"}}),
        ("B is missing", "zero", {"A": half, "B": {}}),
        ("B is missing", "reweight", {"A": half, "B": {}}),
        ("B is missing, 0.9 before", "last_final", {"A": half, "B": {"last_final": "0.9"}}),
        ("B cannot be collected as routine", "zero", {"A": half, "B": {"value": "1", "grade": "B"}}),
        ("neither can", "zero", {"A": half | {"grade": "C"}, "B": {"value": "1", "grade": "B"}}),
    )
    rows: list[list[Cell]] = []
    for name, missing, figures in cases:
        found = settle(_changed(missing=missing), _inputs(**figures))
        rows.append([name, missing, found.quality.value.value, int(found.elements["outcome"].pence.value), found.withheld_pence])
    return Section(
        "Quality",
        _FORMULA,
        "Quality is the sum of the scores by their weights, which are 1 together. A measure that is missing scores 0 (`zero`), or carries no weight"
        " and leaves the others theirs in proportion (`reweight`), or counts as it last was when it was final (`last_final`, 0 where it never was)."
        " What cannot be collected as routine (collectability grade B or C, of the worst of those who report it) carries no weight whatever it is."
        "\n\nRules without measures let nothing depend on quality, and it is 1. Where none of theirs carries weight it is 0.",
        ("Q = sum of weight · score / sum of the weights that are carried",),
        [
            Table(
                "£1 million with a tenth at risk, weights 0.6 and 0.4, A at 0.5: what is paid and withheld, in pence",
                ("case", "missing", "quality", "paid", "withheld"),
                rows,
            )
        ],
    )


def _indexation() -> Section:
    rows: list[list[Cell]] = []
    for factor, least, most in (("1.03", None, None), ("1.06", None, "1.05"), ("0.98", "1", None)):
        line = {"code": "uplift", "applies_to": ["annual_value"], "factor": factor, "least": least, "most": most}
        rows.append([factor, least, most, _value(settle(_changed(indexation=[line]), _inputs(A={}, B={})), "annual_value")])
    return Section(
        "Indexation",
        _FORMULA,
        "Factors apply to the annual value, the expected cost, or both, one after the other. A factor is the rules' own or is stated with the year's"
        " costs, by one person and approved by another; it counts within the bounds that the rules give it. Volume and risk adjustment of what was"
        " expected is such a factor.",
        ("value = stated · factor · factor …", "factor = min(most, max(least, stated))"),
        [Table("£1 million with a factor, in pence", ("factor", "least", "most", "value"), rows)],
    )


def _outcome() -> Section:
    rows: list[list[Cell]] = []
    for value, share, score in (("100000000", "0.1", "0.5"), ("100000001", "0.333", "0.5"), ("100", "0.05", "0.5")):
        found = settle(_changed(annual_value_pence=int(value), at_risk_share=share), _inputs(A={"value": score}, B={"value": score}))
        fee, paid = (int(found.elements[name].pence.value) for name in ("fixed_fee", "outcome"))
        rows.append([value, share, score, fee, paid, found.withheld_pence, fee + paid + found.withheld_pence])
    return Section(
        "Fixed fee and outcome element",
        _FORMULA,
        "The share at risk is a number, or one for each contract year. What is at risk is paid by quality, and the rest of it is withheld; what is not"
        " at risk is the fixed fee. The annual value is rounded to the penny (half to even) and shared out between the three by largest remainder, so"
        " that they are never a penny apart from it.",
        ("at risk = share · annual value", "outcome = at risk · Q", "withheld = at risk · (1 - Q)", "fixed fee = annual value - at risk"),
        [Table("In pence", ("annual value", "share at risk", "quality", "fixed fee", "outcome", "withheld", "together"), rows)],
    )


def _gain_and_loss() -> Section:
    rows: list[list[Cell]] = []
    for actual, first, by_quality in (
        (97_000_000, "threshold", True),
        (97_000_000, "from_zero", True),
        (98_000_000, "from_zero", True),
        (60_000_000, "threshold", True),
        (97_000_000, "threshold", False),
        (103_000_000, "threshold", True),
        (103_000_000, "threshold", False),
        (120_000_000, "threshold", True),
    ):
        made = _changed(gain_share=_GAIN | {"first_pound": first, "by_quality": by_quality})
        found = settle(made, _inputs(actual=actual, A={"value": "0.5"}, B={"value": "0.5"}))
        names = ("difference", "beyond_deadband", "gain_rate", "gain", "loss_rate", "loss")
        rows.append([actual, first, "yes" if by_quality else "no", *(_value(found, name) for name in names)])
    return Section(
        "Gains and losses",
        f"{_FORMULA}; a pool of expected less actual cost that all parties share, as in Monitor's multilateral gain/loss sharing (2015); loss rates {_MSSP}",
        "What was expected less what was spent, beyond a deadband: from the deadband on (`threshold`), or from the first pound once it is passed"
        " (`from_zero`). The provider's side has `share` times quality of a gain, up to a cap, and bears one less that much of a loss, within the"
        " bounds of the loss rate and up to a collar; caps are shares of the expected cost. Where the rules say that it is not `by_quality`, quality"
        " counts as 1 here. Costs are stated with their source by one person and approved by another.",
        (
            "d = (B - C) / B          B expected, C actual, each indexed",
            "E = max(0, |d| - deadband) · B          from zero: |d| · B where |d| > deadband, else 0",
            "gain = min(share · Q · E, gain cap · B)          where C < B and the gate is passed",
            "loss = min(min(most, max(least, 1 - share · Q)) · E, loss cap · B)          where C > B",
        ),
        [
            Table(
                "£1 million expected, deadband 2 %, share 0.5, loss rates 0.4 to 0.75, caps 5 % and 3 %, quality 0.5; in pence",
                ("actual", "first pound", "by quality", "difference", "beyond", "gain rate", "gain", "loss rate", "loss"),
                rows,
            )
        ],
    )


def _gate() -> Section:
    rows: list[list[Cell]] = []
    measures = [*_changed().model_dump()["measures"], {"measure": "C", "weight": 0, "target": 1}]
    for name, gate, completeness in (
        ("quality 0.5 asked", {"quality": "0.5"}, None),
        ("quality 0.6 asked", {"quality": "0.6"}, None),
        ("completeness 0.95 asked, 0.96", {"completeness": "0.95"}, "0.96"),
        ("completeness 0.95 asked, not known", {"completeness": "0.95"}, None),
        ("measure A at 0.5 asked", {"mandatory": [{"measure": "A", "threshold": "0.5"}]}, None),
        ("measure A at its target asked", {"mandatory": [{"measure": "A"}]}, None),
        ("the same of C, of grade B at 0.1", {"mandatory": [{"measure": "C"}]}, None),
    ):
        read = _inputs(actual=97_000_000, A={"value": "0.5"}, B={"value": "0.5"}, C={"value": "0.1", "grade": "B"})
        read = read.model_copy(update={"completeness": None if completeness is None else Decimal(completeness)})
        found = settle(_changed(gain_share=_GAIN, gate=gate, measures=measures), read)
        rows.append([name, "yes" if found.gate is not None and found.gate.value else "no", int(found.elements["gain"].pence.value)])
    return Section(
        "The gate",
        _FORMULA,
        "A gain is paid only where quality, the completeness of the year's returns (by expected volume, six places, cut off) and every mandatory"
        " measure are reached, all of them. What is not known is not reached, also where its score is what was final last; of a measure that cannot be"
        " collected as routine nobody asks. A loss is owed whether the gate is passed or not.",
        ("gate = Q ≥ least quality, and completeness ≥ least completeness, and every mandatory measure at its threshold or better",),
        [Table("The year above that saved £30,000, in pence", ("gate", "passed", "gain"), rows)],
    )


def _sharing_out() -> Section:
    cases = (
        ("100", ("0.55", "0.25", "0.12", "0.08")),
        ("101", ("0.5", "0.5")),
        ("100", ("1/3", "1/3", "1/3")),
        ("7", ("0.45", "0.45", "0.1")),
    )
    rows: list[list[Cell]] = []
    for pool, shares in cases:
        exact = [Fraction(share) * int(pool) for share in shares]
        rows.append([pool, " ".join(shares), " ".join(map(str, shared_out(Fraction(int(pool)), exact)))])
    return Section(
        "Sharing out, and the one rounding",
        "largest remainder (Hamilton's method)",
        "Everything before is exact. An element's amount is rounded to the penny, half to even, once; its pence are then shared out: each party has the"
        " whole pence of its exact amount, and what is left goes by a penny each to the largest remainders. Of equal remainders the larger amount"
        " comes first, then the integrator, then subcontracts, then commissioners, by code.\n\nOf outcome, gain and loss the rules say what is passed"
        " on to each subcontract; the remainder is the integrator's, and so are fixed fee and consequences. A protected subcontract's part of a loss"
        " stays with the integrator. Commissioners share everything by one key, or are one party. What one side is paid the other pays: the lines of"
        " an element are nothing together, and so are all lines.",
        ("exact = share · amount", "pence = whole(exact) + 1 for the largest remainders"),
        [Table("Pools in pence", ("pool", "shares", "pence"), rows)],
    )


def _consequences() -> Section:
    rows: list[list[Cell]] = []
    for met, everyone, cap, grade in (
        ("90", "100", None, "A"),
        ("80", "100", None, "A"),
        ("80", "100", None, "B"),
        ("0", "100", "0.01", "A"),
    ):
        said = {"applies": True, "cap": cap, "lines": [{"measure": "A", "threshold": "0.85", "pence_each": 30_000}]}
        found = settle(_changed(consequences=said), _inputs(A={"numerator": met, "denominator": everyone, "grade": grade}, B={"value": 1}))
        rows.append([met, everyone, grade, cap, int(found.elements["consequences"].pence.value)])
    return Section(
        "Service-level consequences",
        "the NHS Standard Contract's national and local sanctions, as a calculator that is off unless the rules say that it applies",
        "So many pence for each event beyond what a threshold allows, over all periods of the year, up to a cap that is a share of the annual value."
        " The integrator bears them. They count breaches whichever way the measure is better, and none of what cannot be collected as routine.",
        ("consequences = min(cap · annual value, sum of max(0, breaches - (1 - threshold) · denominator) · pence each)",),
        [Table("Threshold 0.85, £300 each, an annual value of £1 million; in pence", ("met", "of", "grade", "cap", "consequences"), rows)],
    )


def _vat() -> Section:
    rows: list[list[Cell]] = []
    for basis in ("net", "gross"):
        for share in ("1", "0", None):
            made = _changed(vat={"basis": basis, "rate": "0.2", "integrator": share})
            (line,) = settle(made, _inputs(A={"value": 1}, B={"value": 1})).vat
            rows.append([basis, share, line.irrecoverable_pence])
    return Section(
        "Value added tax",
        "a statement beside the amounts, not an element: UnitingCare's partnership could not recover what its subcontractors had recovered before",
        "Rules say whether amounts are net or gross, the rate, and what share of the tax each provider's party can recover. What it cannot recover of"
        " what it is paid stands in its statement, rounded half to even; nothing where that is not known.",
        ("irrecoverable = amount · rate · (1 - recoverable)          gross: amount · rate / (1 + rate) · (1 - recoverable)",),
        [Table("£1 million at 20 %, in pence", ("basis", "recoverable", "irrecoverable"), rows)],
    )


def _bands() -> Section:
    return Section(
        "How sure a payment is",
        "the 95 % interval of the published figure (see the method of reports)",
        "Of every measure that carries weight, its own part of the outcome element, and what it and all that the provider's side is paid would be with"
        " its figures at either end of their intervals, all else as it is; a consequence counts as many breaches as the end would mean. Nothing is paid"
        " by it. A figure without an interval has no band. The integrator's statement and every simulation have them; no other party's has, for a band"
        " tells how many patients there were. The worked example has one.",
        ("payment = at risk · weight · score / sum of the weights that are carried",),
    )


def _later() -> Section:
    lines = {
        "integrator": {"gain": 3_000},
        "subcontract.A": {"gain": 2_000},
        "subcontract.B": {"gain": 1_100},
        "commissioner.all": {"gain": -6_100},
    }
    anew = settle(example_rules(), example_inputs("saved"))
    settled = {line.party.name: {str(element): pence for element, pence in line.pence.items()} for line in anew.lines}
    moved = true_up(
        [lines],
        {
            "integrator": {"gain": 3_100},
            "subcontract.A": {"gain": 2_050},
            "subcontract.B": {"gain": 1_100},
            "commissioner.all": {"gain": -6_250},
        },
    )
    held: list[list[Cell]] = [
        [due.party, due.total_pence, due.suspense_pence, due.payable_pence]
        for due in dues([lines], [Dispute("subcontract.A", "gain")], mode="live")
    ]
    nothing = true_up([settled], settled)
    return Section(
        "What comes later: true-ups and suspense",
        "this service",
        "What was settled is never edited. Where a figure, cost or factor is corrected later, the year is computed again by the rules that it was settled"
        " by: each party's line less everything that stands already is a dated true-up, which says why. Where nothing moved there is none."
        "\n\nA disputed line is held in suspense whole; as much of its element is held on the other side, which would else pay or be paid for nothing,"
        " shared out by what its undisputed lines come to. With lines of both sides in dispute the larger sum counts. Only `live` rules and a final run"
        " pay at all: under `shadow` and `off`, and provisionally, nothing is payable whatever it comes to.",
        ("true-up = computed anew - (settled + every true-up before)", "payable = settled + true-ups - in suspense"),
        [
            Table(
                "A year computed again, in pence",
                ("party", "element", "true-up"),
                [[party, name, pence] for party, of in moved.items() for name, pence in of.items()],
            ),
            Table("A's gain is in dispute, in pence", ("party", "in all", "in suspense", "payable"), held),
            Table("The worked example computed again on the same", ("lines of the true-up",), [[len(nothing)]]),
        ],
    )
