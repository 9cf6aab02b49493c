"""What is wrong with the inputs of a settlement, and what they lack: everything at once, each with its place and its remedy."""

from collections import Counter
from collections.abc import Collection, Hashable, Iterator
from fractions import Fraction
from typing import Final

from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.settlement.domain import SettlementRules
from app.settlement.faults import Known, periods_of
from app.settlement.inputs import Inputs
from app.settlement.year import SEVERAL

_ROUNDED: Final = Fraction(1, 1_000_000)
"""How far a limit may lie on the wrong side of its figure: rows round limits to six places, and the figure is exact."""


def input_faults(rules: SettlementRules, inputs: Inputs, known: Known, months: Collection[Month]) -> list[Fault]:
    """Everything that is wrong with inputs that somebody sends: what is not there, periods that are not judged, figures that cannot be."""
    return [*_twice(inputs), *_not_there(rules, inputs, known), *_unread(rules, inputs, known, months), *_out_of_range(inputs, known)]


def input_notes(rules: SettlementRules, inputs: Inputs, known: Known) -> list[Fault]:
    """What of inputs that somebody sends counts for nothing."""
    read = {measure for measure, _, _ in periods_of(rules, known)}
    fix = "Score the measure, or leave its figure out."
    return [
        Fault("not_read", f"These rules read no figure of {each.measure}.", fix, pointer=f"/figures/{at}/measure")
        for at, each in enumerate(inputs.figures)
        if each.measure not in read
    ]


def _not_there(rules: SettlementRules, inputs: Inputs, known: Known) -> Iterator[Fault]:
    left_open = {each.code for each in rules.indexation if each.factor is None}
    named = [
        *(("measure", each.measure, f"/figures/{at}/measure", known.measures) for at, each in enumerate(inputs.figures)),
        *(
            ("subcontract", part.subcontract, f"/figures/{at}/by_subcontract/{number}/subcontract", known.subcontracts)
            for at, each in enumerate(inputs.figures)
            for number, part in enumerate(each.by_subcontract)
        ),
        *(("subcontract", each.subcontract, f"/covered/{at}/subcontract", known.subcontracts) for at, each in enumerate(inputs.covered)),
        *(("factor", each.code, f"/factors/{at}/code", left_open) for at, each in enumerate(inputs.factors)),
    ]
    for kind, code, pointer, there in named:
        if code not in there:
            whose = "rules leave no" if kind == "factor" else "programme has no"
            yield Fault(f"unknown_{kind}", f"The {whose} {kind} {code}.", "Correct the code, or leave it out.", pointer=pointer)


def _unread(rules: SettlementRules, inputs: Inputs, known: Known, months: Collection[Month]) -> Iterator[Fault]:
    """Figures of another year, of another period than is judged, or of a second one where a year has one."""
    wanted = {measure: period for measure, period, _ in periods_of(rules, known)}
    seen: Counter[str] = Counter()
    for at, each in enumerate(inputs.figures):
        pointer, period = f"/figures/{at}", wanted.get(each.measure, each.period)
        found = known.judged(rules.contract_year, period)
        seen[each.measure] += 1
        if each.month not in months:
            detail = f"{each.month} is no month of this contract year."
            yield Fault("unknown_month", detail, "Name one of its months.", pointer=f"{pointer}/month")
        elif each.period != period:
            detail = f"By these rules {each.measure} is judged on {period}."
            yield Fault("another_period", detail, "State its figure of that period.", pointer=f"{pointer}/period")
        elif each.exact is not None and found.outside and not found.ends:
            detail = f"{each.measure} is judged on {period}, and all of these lie partly outside contract year {rules.contract_year}."
            yield Fault("outside_year", detail, "Leave its figure out.", pointer=f"{pointer}/month")
        elif period in SEVERAL and found.ends and each.month not in found.ends:
            detail = f"No {period} that counts for this contract year ends with {each.month}."
            yield Fault("unknown_month", detail, f"Name one of {', '.join(map(str, found.ends))}.", pointer=f"{pointer}/month")
        elif period not in SEVERAL and seen[each.measure] > 1:
            detail = f"{each.measure} is judged on {period}, which a contract year has one of."
            yield Fault("repeated", detail, "State the last of them alone.", pointer=f"{pointer}/month")


def _out_of_range(inputs: Inputs, known: Known) -> Iterator[Fault]:
    for at, each in enumerate(inputs.figures):
        pointer, measure = f"/figures/{at}", known.measures.get(each.measure)
        for of in ("", "last_final_"):
            for code, count in (("negative", "numerator"), ("denominator", "denominator")):
                stated = getattr(each, f"{of}{count}")
                if stated is not None and stated < 0:
                    yield Fault(code, f"A {count} is not below 0.", "State how many there were.", pointer=f"{pointer}/{of}{count}")
        if each.value is None and (each.numerator is None) != (each.denominator is None):
            half, whole = ("numerator", "denominator") if each.numerator is None else ("denominator", "numerator")
            detail = f"There is no {half} that the {whole} could be of, and no value."
            yield Fault(half, detail, "State both, or the value.", pointer=f"{pointer}/{half}")
        if each.lower is not None and each.upper is not None and each.upper < each.lower:
            yield Fault("reversed", "The upper limit is below the lower.", "Put the limits in their order.", pointer=f"{pointer}/upper")
        for limit, sign in ((each.lower, 1), (each.upper, -1)):
            if limit is not None and each.exact is not None and sign * (Fraction(limit) - each.exact) > _ROUNDED:
                detail = "The figure lies outside its own limits."
                yield Fault(
                    "outside_limits", detail, "Correct the figure or its limits.", pointer=f"{pointer}/{'lower' if sign > 0 else 'upper'}"
                )
        if measure is not None and measure.is_share and each.exact is not None and not 0 <= each.exact <= 1:
            detail = "This measure is a share: from none of its denominator to all of it, 0 to 1."
            yield Fault("outside_unit", detail, "Correct the figure.", pointer=pointer)


def lacking(rules: SettlementRules, inputs: Inputs, *, live: bool = False) -> list[Fault]:
    """What must be there before a contract year can be settled; for `live`, that every figure is final and every cost approved."""
    return [*_twice(inputs), *_costs(rules, inputs, live=live), *_factors(rules, inputs), *(_figures(rules, inputs) if live else ())]


def _twice(inputs: Inputs) -> Iterator[Fault]:
    lists: dict[str, list[Hashable]] = {
        "figures": [(each.measure, each.month) for each in inputs.figures],
        "factors": [each.code for each in inputs.factors],
    }
    for member, keys in lists.items():
        seen: set[Hashable] = set()
        for at, key in enumerate(keys):
            if key in seen:
                yield Fault("repeated", "This stands earlier in the list already.", "Say it once.", pointer=f"/{member}/{at}")
            seen.add(key)


def _costs(rules: SettlementRules, inputs: Inputs, *, live: bool) -> Iterator[Fault]:
    if rules.gain_share is None:
        return
    for member in ("expected_cost", "actual_cost"):
        cost, words = getattr(inputs, member), member.replace("_", " ")
        if cost is None:
            yield Fault(
                "cost_missing",
                f"There is no {words} for this contract year.",
                "Import it, with its source and approver.",
                pointer=f"/{member}",
            )
        elif live and cost.approved_by is None:
            yield Fault("cost_not_approved", f"Nobody has approved the {words}.", "Have it approved.", pointer=f"/{member}/approved_by")
    if inputs.expected_cost is not None and inputs.expected_cost.pence == 0:
        yield Fault(
            "cost_zero",
            "An expected cost of nothing cannot be compared with.",
            "Import what was expected.",
            pointer="/expected_cost/pence",
        )


def _factors(rules: SettlementRules, inputs: Inputs) -> Iterator[Fault]:
    stated = {each.code for each in inputs.factors}
    for each in rules.indexation:
        if each.factor is None and each.code not in stated:
            yield Fault(
                "factor_missing", f"The rules leave the factor {each.code} to the inputs.", "State it, with its source.", pointer="/factors"
            )


def _figures(rules: SettlementRules, inputs: Inputs) -> Iterator[Fault]:
    counted = rules.consequences.lines if rules.consequences.applies else ()
    read = {each.measure for each in rules.measures} | {each.measure for each in rules.gate.mandatory} | {each.measure for each in counted}
    for at, figure in enumerate(inputs.figures):
        if figure.measure in read and figure.exact is not None and figure.status != "final":
            detail = f"The figure of {figure.measure} for {figure.month} is provisional."
            yield Fault("not_final", detail, "Publish its month when everything in it is final.", pointer=f"/figures/{at}/status")
