"""What is wrong with settlement rules beyond any one member: everything at once, each with its place and its remedy."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any, Literal, NamedTuple

from app.kernel.months import Month
from app.kernel.refusals import Fault
from app.programmes.domain import JudgedOn, PaymentMode
from app.settlement.computation import at_risk_share
from app.settlement.domain import ScoredMeasure, SettlementRules
from app.settlement.year import Judged


class KnownMeasure(NamedTuple):
    """What is said of a measure: whether it is none of its denominator to all of it, which way is better, and what its requirement judges it on.

    `made_of` is what its figure comes to be of: a numerator over a denominator, a count, or neither (a median); None where that is not known.
    """

    is_share: bool = False
    direction: str | None = None
    judged_on: JudgedOn = "month"
    made_of: Literal["ratio", "count", "neither"] | None = None


def _all_judged(_contract_year: int, _period: JudgedOn) -> Judged:
    return Judged()


def _no_payments(_contract_year: int) -> Sequence[tuple[Month, PaymentMode | None]]:
    return ()


class Known(NamedTuple):
    """What the programme has, so that rules name nothing that is not there; on what a period judges a contract year, and how its months' phases pay."""

    measures: Mapping[str, KnownMeasure]
    subcontracts: Collection[str]
    commissioners: Collection[str]
    contract_years: int
    judged: Callable[[int, JudgedOn], Judged] = _all_judged
    payments: Callable[[int], Sequence[tuple[Month, PaymentMode | None]]] = _no_payments

    def period_of(self, measure: str, stated: JudgedOn | None) -> JudgedOn:
        """What a measure is judged on: what the rules say, else what its requirement does."""
        return stated or self.measures.get(measure, KnownMeasure()).judged_on


def faults_of(rules: SettlementRules, known: Known | None = None) -> list[Fault]:
    """Everything that is wrong with rules that have their shape; with what the programme has, also what they name that it has not."""
    found = [*_repeated(rules), *_sums(rules), *_ramps(rules), *_bounds(rules), *_astray(rules)]
    return [*found, *_unknown(rules, known), *outside_year(rules, known)] if known is not None else found


def notes_of(rules: SettlementRules, known: Known) -> list[Fault]:
    """What is allowed and looks like a mistake: marks that no figure reaches, months that are not judged or not paid for, parts that decide nothing."""
    tried = () if rules.mode == "live" else _outside(rules, known)
    return [*_doubtful(rules, known), *tried, *_unjudged(rules, known), *_idle(rules), *_paid_otherwise(rules, known)]


def outside_year(rules: SettlementRules, known: Known) -> list[Fault]:
    """What live rules would judge on months of another contract year: money hangs on a year's own months, and on all of them."""
    return list(_outside(rules, known)) if rules.mode == "live" else []


def periods_of(rules: SettlementRules, known: Known) -> Iterator[tuple[str, JudgedOn, str]]:
    """Each measure that these rules read, what it is judged on, and the place that says so."""
    for at, each in enumerate(rules.measures):
        yield each.measure, known.period_of(each.measure, each.period), f"/measures/{at}/period"
    scored = {each.measure for each in rules.measures}
    for at, line in enumerate(rules.consequences.lines if rules.consequences.applies else ()):
        if line.measure not in scored:
            yield line.measure, known.period_of(line.measure, None), f"/consequences/lines/{at}/measure"


def _outside(rules: SettlementRules, known: Known) -> Iterator[Fault]:
    year = rules.contract_year
    for code, period, pointer in periods_of(rules, known):
        if spans := known.judged(year, period).outside:
            named = ", ".join(f"{first} to {last}" for first, last in spans)
            detail = f"{code} is judged on {period}, and this lies partly outside contract year {year}, so that it counts in none: {named}."
            yield Fault("outside_year", detail, "Judge it on month or on contract_year_to_date.", pointer=pointer)


def _unjudged(rules: SettlementRules, known: Known) -> Iterator[Fault]:
    year, fix = rules.contract_year, "Judge it on contract_year_to_date, unless the contract wants it so."
    for code, period, pointer in periods_of(rules, known):
        found = known.judged(year, period)
        if found.unjudged:
            detail = f"{code} is judged on {period}: of contract year {year} that leaves out {', '.join(map(str, found.unjudged))}."
            yield Fault("part_of_year", detail, fix, pointer=pointer)
        if found.begun_before:
            first, last = found.begun_before
            detail = f"{code} is judged on {period}, and {first} to {last} begins before the programme: what is left of it counts as a whole one."
            yield Fault("part_of_quarter", detail, fix, pointer=pointer)


def _idle(rules: SettlementRules) -> Iterator[Fault]:
    """What decides nothing, or not what it seems to."""
    share = at_risk_share(rules)
    if not rules.measures and share is not None and share[0]:
        detail = "No measure is scored, so that quality is 1 and all that is at risk is paid whatever is reached."
        yield Fault("nothing_scored", detail, "Add the measures that it depends on, or put nothing at risk.", pointer="/measures")
    if rules.consequences.applies and not rules.consequences.lines:
        detail = "Consequences apply and there are none: nothing is ever paid for a breach."
        yield Fault("no_consequences", detail, "Add their lines, or say that they do not apply.", pointer="/consequences/lines")
    yield from _idle_bounds(rules)
    for at, each in enumerate(rules.gate.mandatory if rules.missing == "last_final" else ()):
        detail = f"Where {each.measure} is missing its score is that of its last final figure, and the gate is not passed: that asks for the year's own."
        yield Fault(
            "gate_asks_own", detail, "Leave it out of the gate, unless the contract wants it so.", pointer=f"/gate/mandatory/{at}/measure"
        )


def _idle_bounds(rules: SettlementRules) -> Iterator[Fault]:
    """A factor that the rules state, and would not let count."""
    for at, each in enumerate(rules.indexation):
        if each.factor is None:
            continue
        below = each.least is not None and each.factor < each.least
        if below or (each.most is not None and each.factor > each.most):
            detail = f"The factor {each.code} lies beyond its own bounds: it counts as its {'least' if below else 'most'}."
            yield Fault("beyond_bounds", detail, "Correct the factor or its bounds.", pointer=f"/indexation/{at}/factor")


def _paid_otherwise(rules: SettlementRules, known: Known) -> Iterator[Fault]:
    """Months whose phase pays otherwise than these rules. A phase that is planned may still be decided on, so rules may go ahead of it."""
    if rules.mode == "off":
        return
    for payment, months in groupby(known.payments(rules.contract_year), key=lambda each: each[1]):
        if payment == rules.mode:
            continue
        span = [month for month, _ in months]
        phase = "in no phase" if payment is None else f"in a phase whose payment is {payment}"
        effect = "a final settlement is refused until another is decided on" if rules.mode == "live" else "nothing is payable by them"
        detail = f"These rules are {rules.mode}, and {span[0]} to {span[-1]} are {phase}: {effect}."
        yield Fault("phase_payment", detail, "Decide on the phase, or let the rules be what it is.", pointer="/mode")


def _doubtful(rules: SettlementRules, known: Known) -> Iterator[Fault]:
    mandatory = [(each.measure, each.threshold, f"/gate/mandatory/{at}/threshold") for at, each in enumerate(rules.gate.mandatory)]
    marks = [
        (each.measure, getattr(each, mark), f"/measures/{at}/{mark}")
        for at, each in enumerate(rules.measures)
        for mark in ("floor", "target", "stretch")
    ]
    for code, stated, pointer in [*marks, *mandatory]:
        measure = known.measures.get(code)
        if measure is not None and measure.is_share and stated is not None and not 0 <= stated <= 1:
            detail = f"{code} is a share, from 0 to 1, and never reaches this."
            yield Fault("outside_unit", detail, "Write 85 % as 0.85.", pointer=pointer)
    for at, each in enumerate(rules.measures):
        measure = known.measures.get(each.measure)
        if measure is not None and measure.direction in ("higher", "lower") and measure.direction != each.direction:
            detail = f"The catalogue says that {measure.direction} is better of {each.measure}."
            yield Fault(
                "direction", detail, "Turn the direction round, unless the contract wants it so.", pointer=f"/measures/{at}/direction"
            )


def _repeated(rules: SettlementRules) -> Iterator[Fault]:
    lists: list[tuple[str, Iterable[Any], Callable[[Any], Hashable]]] = [
        ("/measures", rules.measures, lambda each: each.measure),
        ("/gate/mandatory", rules.gate.mandatory, lambda each: each.measure),
        ("/indexation", rules.indexation, lambda each: each.code),
        ("/allocation/subcontracts", rules.allocation.subcontracts, lambda each: each.subcontract),
        ("/allocation/commissioners", rules.allocation.commissioners, lambda each: each.commissioner),
        ("/vat/subcontracts", rules.vat.subcontracts if rules.vat else (), lambda each: each.subcontract),
        ("/consequences/lines", rules.consequences.lines, lambda each: each.measure),
    ]
    for pointer, lines, key in lists:
        seen: Counter[Hashable] = Counter()
        for at, each in enumerate(lines):
            seen[key(each)] += 1
            if seen[key(each)] > 1:
                yield Fault("repeated", "This stands earlier in the list already.", "Say it once.", pointer=f"{pointer}/{at}")


def _sums(rules: SettlementRules) -> Iterator[Fault]:
    if rules.measures and sum((each.weight for each in rules.measures), Decimal(0)) != 1:
        yield Fault("weights", "The measures' weights do not sum to 1.", "Correct them: together they are the whole.", pointer="/measures")
    for element in ("outcome", "gain", "loss"):
        parts = [getattr(each, element) for each in rules.allocation.subcontracts if not (element == "loss" and each.protected)]
        if sum(parts, Decimal(0)) > 1:
            detail = f"More than the whole is passed on to subcontracts of {element}."
            yield Fault(
                "shares", detail, "Let their shares be at most 1 together; the integrator has the rest.", pointer="/allocation/subcontracts"
            )
    if rules.allocation.commissioners and sum((each.share for each in rules.allocation.commissioners), Decimal(0)) != 1:
        detail = "The commissioners' shares do not sum to 1."
        yield Fault("shares", detail, "Correct them, or leave all out to settle with them together.", pointer="/allocation/commissioners")
    if at_risk_share(rules) is None:
        detail = "There is no share at risk for the contract year of these rules."
        yield Fault("no_share", detail, "Add the year to the list.", pointer="/at_risk_share")


def _ramps(rules: SettlementRules) -> Iterator[Fault]:
    for at, measure in enumerate(rules.measures):
        yield from _ramp(measure, f"/measures/{at}")


def _ramp(measure: ScoredMeasure, pointer: str) -> Iterator[Fault]:
    """A ramp goes from the floor over the target to the stretch, and never back."""
    sign = 1 if measure.direction == "higher" else -1
    better = "above" if sign == 1 else "below"
    if measure.floor is not None and (measure.target - measure.floor) * sign <= 0:
        yield Fault("ramp", f"The target is not {better} the floor.", "Put floor and target in their order.", pointer=f"{pointer}/target")
    if measure.stretch is not None and (measure.stretch - measure.target) * sign <= 0:
        yield Fault(
            "ramp", f"The stretch is not {better} the target.", "Put target and stretch in their order.", pointer=f"{pointer}/stretch"
        )
    if measure.stretch is None and measure.score_at_target is not None:
        detail = "Without a stretch the target is worth the whole."
        yield Fault("no_stretch", detail, "Add a stretch, or leave this out.", pointer=f"{pointer}/score_at_target")
    if measure.stretch is not None and measure.floor is None and measure.score_at_target is None:
        detail = "From where the score rises to the stretch is not said."
        yield Fault("no_floor", detail, "Add a floor, or what the target is worth.", pointer=f"{pointer}/floor")


def _bounds(rules: SettlementRules) -> Iterator[Fault]:
    share = rules.gain_share
    if share is not None and share.most_loss_rate < share.least_loss_rate:
        detail = "The highest loss rate is below the lowest."
        yield Fault("reversed", detail, "Put the bounds in their order.", pointer="/gain_share/most_loss_rate")
    for at, factor in enumerate(rules.indexation):
        if factor.least is not None and factor.most is not None and factor.most < factor.least:
            detail = "The highest factor is below the lowest."
            yield Fault("reversed", detail, "Put the bounds in their order.", pointer=f"/indexation/{at}/most")
        if len(set(factor.applies_to)) < len(factor.applies_to):
            yield Fault("repeated", "A factor applies once.", "Say it once.", pointer=f"/indexation/{at}/applies_to")


def _astray(rules: SettlementRules) -> Iterator[Fault]:
    """What the rules say of something that they do not have."""
    scored = {each.measure for each in rules.measures}
    for at, mandatory in enumerate(rules.gate.mandatory):
        if mandatory.measure not in scored:
            detail = f"{mandatory.measure} is no measure of these rules."
            yield Fault(
                "unknown_measure",
                detail,
                "Add it to the measures, with weight 0 if it earns nothing.",
                pointer=f"/gate/mandatory/{at}/measure",
            )
    if rules.gain_share is None and rules.gate != type(rules.gate)():
        yield Fault(
            "no_gain_share",
            "There is a gate and no gain that it could keep back.",
            "Add a gain share, or leave the gate out.",
            pointer="/gate",
        )


def _unknown(rules: SettlementRules, known: Known) -> Iterator[Fault]:
    if rules.contract_year > known.contract_years:
        detail = "The programme ends before this contract year."
        yield Fault("unknown_year", detail, f"Name a contract year up to {known.contract_years}.", pointer="/contract_year")
    named = [
        *(("measure", each.measure, f"/measures/{at}/measure") for at, each in enumerate(rules.measures)),
        *(("measure", each.measure, f"/consequences/lines/{at}/measure") for at, each in enumerate(rules.consequences.lines)),
        *(
            ("subcontract", each.subcontract, f"/allocation/subcontracts/{at}/subcontract")
            for at, each in enumerate(rules.allocation.subcontracts)
        ),
        *(
            ("commissioner", each.commissioner, f"/allocation/commissioners/{at}/commissioner")
            for at, each in enumerate(rules.allocation.commissioners)
        ),
        *(
            ("subcontract", each.subcontract, f"/vat/subcontracts/{at}/subcontract")
            for at, each in enumerate(rules.vat.subcontracts if rules.vat else ())
        ),
    ]
    there = {"measure": known.measures, "subcontract": known.subcontracts, "commissioner": known.commissioners}
    for kind, code, pointer in named:
        if code not in there[kind]:
            yield Fault(
                f"unknown_{kind}", f"The programme has no {kind} {code}.", "Add it to the programme, or correct the code.", pointer=pointer
            )
