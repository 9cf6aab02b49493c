"""Rules and inputs that the tests of settlement share: the worked example of the reference, and what is drawn at random."""

import itertools
from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from app.settlement.domain import SettlementRules
from app.settlement.inputs import Inputs

MEASURES: Final = (
    ("CWT-62", "0.35", "0.70", "0.85"),
    ("CWT-FDS", "0.20", "0.70", "0.80"),
    ("EARLY-STAGE", "0.20", "0.52", "0.60"),
    ("CPES-OVERALL", "0.15", "8.5", "9.1"),
    ("DQ-COMPLETE", "0.10", "0.90", "0.98"),
)
SPLIT: Final = {"SC-A": "0.55", "SC-B": "0.25", "SC-C": "0.12", "SC-D": "0.08"}
GAIN_SHARE: Final = {
    "share": "0.5",
    "deadband": "0.01",
    "least_loss_rate": "0.40",
    "most_loss_rate": "0.75",
    "gain_cap": "0.05",
    "loss_cap": "0.03",
}
EXPECTED: Final = 6_870_000_000
SAVED: Final = 6_620_000_000
OVERSPENT: Final = 7_190_000_000


def rules(**said: Any) -> SettlementRules:
    """The worked example's rules, with what is said otherwise."""
    usual = {
        "contract_year": 3,
        "title": "Worked example",
        "mode": "live",
        "annual_value_pence": EXPECTED,
        "at_risk_share": "0.05",
        "measures": [{"measure": code, "weight": weight, "floor": floor, "target": target} for code, weight, floor, target in MEASURES],
        "gain_share": GAIN_SHARE,
        "allocation": {"subcontracts": [{"subcontract": code, "gain": share, "loss": share} for code, share in SPLIT.items()]},
    }
    return SettlementRules.model_validate(usual | said)


def figure(measure: str, **said: Any) -> dict[str, Any]:
    usual = {"measure": measure, "month": "2029-06", "period": "contract_year_to_date", "status": "final"}
    return usual | said


def figures(**instead: dict[str, Any]) -> list[dict[str, Any]]:
    """The worked example's figures; what is named stands in the place of a measure's own, by its code in small letters."""
    own: dict[str, dict[str, Any]] = {
        "CWT-62": {"numerator": 412, "denominator": 531, "lower": "0.738518", "upper": "0.809308", "interval": "wilson_95"},
        "CWT-FDS": {"value": "0.784"},
        "EARLY-STAGE": {"value": "0.56"},
        "CPES-OVERALL": {"value": "8.9"},
        "DQ-COMPLETE": {"value": "0.972"},
    }
    return [figure(code, **instead.get(code.lower().replace("-", "_"), usual)) for code, usual in own.items()]


def cost(pence: int, **said: Any) -> dict[str, Any]:
    return {"pence": pence, "source": "Finance ledger", "approved_by": "Head of finance", **said}


def inputs(actual: int = SAVED, **said: Any) -> Inputs:
    usual = {"figures": figures(), "expected_cost": cost(EXPECTED), "actual_cost": cost(actual)}
    return Inputs.model_validate(usual | said)


def parts_of_one(draw: DrawFn, most: int, *, whole: bool) -> list[Decimal]:
    """Shares in thousandths that sum to 1, or to at most 1."""
    cuts = sorted(draw(st.lists(st.integers(0, 1000), min_size=0, max_size=most - 1)))
    ends = [0, *cuts, 1000] if whole else [0, *cuts]
    return [Decimal(last - first) / 1000 for first, last in itertools.pairwise(ends)]


def _share(draw: DrawFn, least: int = 0, most: int = 1000) -> Decimal:
    return Decimal(draw(st.integers(least, most))) / 1000


@st.composite
def _factors(draw: DrawFn) -> dict[str, Any]:
    least, most = draw(st.integers(900, 1000)), draw(st.integers(1000, 1100))
    return {
        "code": draw(st.sampled_from(("pay", "volume"))),
        "applies_to": draw(st.sampled_from((["annual_value"], ["expected_cost"], ["annual_value", "expected_cost"]))),
        "factor": draw(st.sampled_from((None, Decimal(draw(st.integers(1, 2000))) / 1000))),
        "least": Decimal(least) / 1000,
        "most": Decimal(most) / 1000,
    }


@st.composite
def settled(draw: DrawFn) -> tuple[SettlementRules, Inputs]:
    """Any rules and any inputs that are without faults."""
    weights = parts_of_one(draw, 5, whole=True)
    measures, found = [], []
    for number, weight in enumerate(weights):
        code, lower = f"M{number}", draw(st.booleans())
        floor, target, stretch = sorted(draw(st.lists(st.integers(1, 999), min_size=3, max_size=3, unique=True)), reverse=lower)
        ramp = draw(st.sampled_from(("step", "ramp", "stretch", "two")))
        line: dict[str, Any] = {"measure": code, "weight": weight, "direction": "lower" if lower else "higher"}
        line |= {"target": Decimal(target) / 1000, "floor": None if ramp == "step" else Decimal(floor) / 1000}
        line |= {"stretch": Decimal(stretch) / 1000} if ramp in ("stretch", "two") else {}
        measures.append(line | ({"score_at_target": _share(draw)} if ramp == "two" else {}))
        grade = draw(st.sampled_from("AAAAAB"))
        for month in ("2029-05", "2029-06")[: draw(st.sampled_from((0, 1, 1, 1, 1, 2)))]:
            denominator = draw(st.integers(1, 2000))
            numerator = draw(st.integers(0, denominator))
            found.append(figure(code, month=month, numerator=numerator, denominator=denominator, grade=grade))
    low, high = sorted((_share(draw), _share(draw)))
    share = {"share": _share(draw), "deadband": _share(draw, 0, 100), "first_pound": draw(st.sampled_from(("threshold", "from_zero")))}
    share |= {"least_loss_rate": low, "most_loss_rate": high, "gain_cap": _share(draw, 0, 200), "loss_cap": _share(draw, 0, 200)}
    share |= {"by_quality": draw(st.booleans())}
    columns = [parts_of_one(draw, 5, whole=False) for _ in range(3)]
    subcontracts = [
        {"subcontract": f"SC-{at}", "protected": draw(st.booleans())}
        | {element: column[at] if at < len(column) else 0 for element, column in zip(("outcome", "gain", "loss"), columns, strict=True)}
        for at in range(max(map(len, columns)))
    ]
    commissioners = [{"commissioner": f"C{at}", "share": part} for at, part in enumerate(parts_of_one(draw, 3, whole=True))]
    shared, factors = draw(st.sampled_from((None, share))), draw(st.lists(_factors(), max_size=2, unique_by=lambda each: str(each["code"])))
    gate = draw(st.sampled_from(({}, {"quality": _share(draw)}, {"completeness": _share(draw)}, {"mandatory": [{"measure": "M0"}]})))
    made = rules(
        annual_value_pence=draw(st.integers(0, 10**10)),
        at_risk_share=_share(draw),
        measures=measures,
        missing=draw(st.sampled_from(("zero", "reweight", "last_final"))),
        gain_share=shared,
        gate={} if shared is None else gate,
        indexation=factors,
        allocation={"subcontracts": subcontracts, "commissioners": draw(st.sampled_from(([], commissioners)))},
        consequences={
            "applies": draw(st.booleans()),
            "cap": draw(st.sampled_from((None, _share(draw)))),
            "lines": [{"measure": "M0", "threshold": "0.85", "pence_each": 100_000}],
        },
    )
    expected, actual = draw(st.integers(1, 10**10)), draw(st.integers(0, 10**10))
    completeness = draw(st.sampled_from((None, _share(draw))))
    stated = [{"code": each["code"], "factor": "1.01", "source": "Index"} for each in factors if each["factor"] is None]
    read = inputs(figures=found, expected_cost=cost(expected), actual_cost=cost(actual), completeness=completeness, factors=stated)
    return made, read
