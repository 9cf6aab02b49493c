"""The worked example of the method of settlement: one contract year that saved and one that overspent, with each figure on the way."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, Final

from app.reports.intervals import wilson
from app.reports.method_note import Section, Table
from app.settlement.bands import bands_of
from app.settlement.computation import Settlement, settle
from app.settlement.domain import SettlementRules
from app.settlement.explanation import Node, nodes_of
from app.settlement.inputs import Inputs

_MEASURES: Final = (
    ("CWT-62", "0.35", "0.70", "0.85"),
    ("CWT-FDS", "0.20", "0.70", "0.80"),
    ("EARLY-STAGE", "0.20", "0.52", "0.60"),
    ("CPES-OVERALL", "0.15", "8.5", "9.1"),
    ("DQ-COMPLETE", "0.10", "0.90", "0.98"),
)
_VALUES: Final = {"CWT-FDS": "0.784", "EARLY-STAGE": "0.56", "CPES-OVERALL": "8.9", "DQ-COMPLETE": "0.972"}
_SPLIT: Final = {"SC-A": "0.55", "SC-B": "0.25", "SC-C": "0.12", "SC-D": "0.08"}
_EXPECTED: Final = 6_870_000_000
_ACTUAL: Final = {"saved": 6_620_000_000, "overspent": 7_190_000_000}
_GAIN_SHARE: Final = {
    "share": "0.5",
    "deadband": "0.01",
    "least_loss_rate": "0.40",
    "most_loss_rate": "0.75",
    "gain_cap": "0.05",
    "loss_cap": "0.03",
}
_STEPS: Final = (
    ("at_risk_share", "the share at risk"),
    ("at_risk", "what is at risk"),
    ("fixed_fee.exact", "the fixed fee"),
    ("quality", "quality"),
    ("outcome.exact", "the outcome element"),
    ("withheld.exact", "what is withheld of it"),
    ("saved", "what was saved, or below 0 overspent"),
    ("difference", "that as a share of what was expected"),
    ("beyond_deadband", "what of it lies beyond the deadband"),
    ("gain_rate", "the rate of gains"),
    ("gain.shared", "the gain by its rate"),
    ("gain.cap", "the cap of gains"),
    ("gain", "the gain"),
    ("loss_rate", "the rate of losses"),
    ("loss.shared", "the loss by its rate"),
    ("loss.cap", "the collar of losses"),
    ("loss", "the loss"),
)


@cache
def example_rules() -> SettlementRules:
    return SettlementRules.model_validate(
        {
            "contract_year": 3,
            "title": "Worked example",
            "mode": "live",
            "annual_value_pence": _EXPECTED,
            "at_risk_share": "0.05",
            "measures": [
                {"measure": code, "weight": weight, "floor": floor, "target": target} for code, weight, floor, target in _MEASURES
            ],
            "gain_share": _GAIN_SHARE,
            "allocation": {"subcontracts": [{"subcontract": code, "gain": share, "loss": share} for code, share in _SPLIT.items()]},
        }
    )


@cache
def example_inputs(case: str) -> Inputs:
    lower, upper = wilson(Decimal(412), Decimal(531))
    usual = {"month": "2029-06", "period": "contract_year_to_date", "status": "final"}
    pooled = {"numerator": 412, "denominator": 531, "lower": lower, "upper": upper, "interval": "wilson_95"}
    figures: list[dict[str, Any]] = [{"measure": "CWT-62", **usual, **pooled}]
    figures += [{"measure": code, **usual, "value": value} for code, value in _VALUES.items()]
    costs = {name: {"pence": pence, "source": "Example"} for name, pence in (("expected_cost", _EXPECTED), ("actual_cost", _ACTUAL[case]))}
    return Inputs.model_validate({"figures": figures, **costs})


@cache
def _settled(case: str) -> Settlement:
    return settle(example_rules(), example_inputs(case))


def _nodes(case: str) -> dict[str, Node]:
    found = nodes_of(_settled(case).explanation)
    # What is withheld is no party's: it stands beside the outcome element, in the annual value's whole pence.
    for part in _settled(case).elements["outcome"].pence.parts:
        found.setdefault(part.name, part)
    return found


def example() -> Section:
    """Each figure on the way, of both cases."""
    return Section(
        "A worked example",
        "the worked example of this service's general formula; each figure is computed here by the code that settles, and a test holds it to the penny",
        "An annual value and an expected cost of £68.7 million, a twentieth at risk; of what is saved or overspent beyond 1 % a half is shared by"
        " quality, losses at 40 to 75 %, gains capped at 5 % and losses at 3 % of what was expected. In one case the year cost £66.2 million, in the"
        " other £71.9 million. Money is in pence.",
        (),
        [
            Table("Five measures", ("measure", "weight", "figure", "floor", "target", "score", "weight x score"), list(_scores())),
            Table(
                "Each figure on the way, where the year saved and where it overspent",
                ("node", "saved", "overspent", "what it is"),
                [[name, _nodes("saved")[name].value, _nodes("overspent")[name].value, words] for name, words in _STEPS],
                explains=True,
            ),
            Table("What every party is paid, in whole pence: together nothing", ("party", "element", "saved", "overspent"), list(_lines())),
            Table(
                "How sure: the first measure's payment at the ends of its interval",
                ("measure", "lower limit", "upper limit", "paid", "at the lower", "at the upper", "all at the lower", "all at the upper"),
                list(_bands()),
            ),
        ],
    )


def _scores() -> Iterator[list[Any]]:
    nodes = _nodes("saved")
    for code, weight, floor, target in _MEASURES:
        figure = nodes[f"figure.{code}"].value
        yield [code, weight, figure, floor, target, nodes[f"score.{code}"].value, nodes[f"weighted.{code}"].value]
    yield ["quality", "1", None, None, None, None, nodes["quality"].value]


def _lines() -> Iterator[list[Any]]:
    both = zip(_settled("saved").lines, _settled("overspent").lines, strict=True)
    for saved, overspent in both:
        yield from ([saved.party.name, element, pence, overspent.pence[element]] for element, pence in saved.pence.items())
    yield ["all", "sum", *(sum(line.total_pence for line in _settled(case).lines) for case in _ACTUAL)]


def _bands() -> Iterator[list[Any]]:
    rules, inputs = example_rules(), example_inputs("saved")
    for band, figure in zip(bands_of(rules, inputs, _settled("saved")), inputs.figures, strict=True):
        ends = [band.lower_pence, band.upper_pence, band.total_lower_pence, band.total_upper_pence]
        yield [band.measure, figure.lower, figure.upper, band.pence, *ends]
