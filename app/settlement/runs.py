"""Who did what to a settlement: rules and inputs that two people agree on, runs that three people pass, true-ups and disputes; and what is refused."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, NamedTuple

from app.kernel.refusals import Fault, Kind, Refusal
from app.settlement.domain import SettlementRules
from app.settlement.true_up import Amounts, Dispute

Agreement = Literal["proposed", "approved"]
RulesState = Literal["proposed", "approved", "superseded"]
"""A proposal that another took the place of is superseded: it can be read, and nothing is settled by it."""
RunKind = Literal["provisional", "final"]
InputKind = Literal["expected_cost", "actual_cost", "factor"]
Act = Literal["declared", "approved", "finance_approved", "withdrawn"]
ACTS: Final[tuple[Act, ...]] = ("declared", "approved", "finance_approved")
"""In this order, each by another person; until the last of them a run can be `withdrawn`, and then counts for nothing."""


class RunKey(NamedTuple):
    """Names a run: its contract year, and its number in it."""

    contract_year: int
    run: int


class InputKey(NamedTuple):
    """Names what was stated of a contract year: a kind of cost (its code is `all`), or a factor by its code."""

    contract_year: int
    kind: InputKind
    code: str


@dataclass(frozen=True, slots=True)
class RulesVersion:
    """One version of a contract year's rules: proposed by one client, approved (`recorded`) by another, and frozen from then on."""

    contract_year: int
    version: int
    state: RulesState
    rules: SettlementRules
    rules_sha256: str
    reason: str
    proposed_at: datetime
    proposed_by: str
    recorded_at: datetime
    recorded_by: str
    superseded_at: datetime | None = None
    superseded_by: str | None = None
    notes: tuple[Fault, ...] = ()
    in_force: bool = False
    """Whether the year is settled by it: it is the last that was approved."""


@dataclass(frozen=True, slots=True)
class StatedInput:
    """A cost in pence, or the value of a factor by its code, as it was stated by one client and approved (`recorded`) by another."""

    contract_year: int
    kind: InputKind
    code: str
    number: int
    state: Agreement
    value: Decimal
    source: str
    stated_at: datetime
    stated_by: str
    recorded_at: datetime
    recorded_by: str
    in_force: bool = False
    """Whether a final settlement reads it: of its kind and code it is the last stated of those that are approved, whichever was approved last."""

    @property
    def key(self) -> InputKey:
        return InputKey(self.contract_year, self.kind, self.code)


@dataclass(frozen=True, slots=True)
class Passed:
    """An act on a run or true-up, by whom and when; of a withdrawal also why."""

    act: Act
    recorded_at: datetime
    recorded_by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A computed contract year, or (`number` above 0) a true-up of one, as lists show it. Never changed; its acts are beside it.

    `amounts` are what it adds: all of a run, the difference of a true-up.
    """

    contract_year: int
    run: int
    number: int
    kind: RunKind
    mode: str
    rules_version: int
    method_version: str
    reason: str
    causes: tuple[str, ...]
    publications: tuple[int, ...]
    amounts: Amounts
    content_sha256: str
    acts: tuple[Passed, ...] = ()

    @property
    def key(self) -> RunKey:
        return RunKey(self.contract_year, self.run)

    @property
    def state(self) -> Act:
        done = {each.act for each in self.acts}
        return "withdrawn" if "withdrawn" in done else max((act for act in ACTS if act in done), key=ACTS.index, default="declared")

    @property
    def stands(self) -> bool:
        """Whether it counts: all three have passed it."""
        return self.state == "finance_approved"

    @property
    def waits(self) -> bool:
        """Whether it may still be passed."""
        return self.state not in ("finance_approved", "withdrawn")

    @property
    def is_final(self) -> bool:
        """Whether it is a final run itself, and no true-up of one."""
        return self.kind == "final" and self.number == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(RunSummary):
    """A run or true-up whole: `content` holds the rules and inputs that it was computed by and on, and the result with its explanation."""

    content: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedLine:
    """A dispute of a line, as it stands since `recorded_at`: by whom it was opened and why, what was answered, and how it was resolved.

    `opened_at` is None in the version that opened it, which says so of itself. `by_party`: the party opened it itself, and not the integrator for it.
    """

    contract_year: int
    run: int
    party: str
    element: str
    number: int = 1
    reason: str
    by_party: bool
    answer: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    resolution: str | None = None
    opened_at: datetime | None = None
    opened_by: str | None = None
    recorded_at: datetime
    recorded_by: str

    @property
    def is_open(self) -> bool:
        return self.resolution is None

    @property
    def opened(self) -> tuple[datetime, str]:
        """When, and by whom."""
        return self.opened_at or self.recorded_at, self.opened_by or self.recorded_by

    @property
    def key(self) -> RunKey:
        return RunKey(self.contract_year, self.run)

    @property
    def line(self) -> Dispute:
        return Dispute(self.party, self.element)


@dataclass(frozen=True, slots=True)
class Settled:
    """A run as it stands: itself, its true-ups, and the lines in dispute."""

    run: Run
    true_ups: tuple[Run, ...]
    disputes: tuple[DisputedLine, ...]

    @property
    def each(self) -> tuple[Run, ...]:
        """The run and all its true-ups, by number."""
        return (self.run, *self.true_ups)

    @property
    def standing(self) -> tuple[Run, ...]:
        """The run and the true-ups that count."""
        return (self.run, *(each for each in self.true_ups if each.stands))


class StatementSummary(NamedTuple):
    """One version of an audience's statement of a run, as lists show it."""

    contract_year: int
    run: int
    audience_kind: str
    audience: str
    version: int
    content_sha256: str
    issued_at: datetime

    @property
    def of(self) -> tuple[str, str]:
        """Whose it is."""
        return self.audience_kind, self.audience

    @property
    def party(self) -> str:
        """Whose it is, as a statement is asked for."""
        alone = {"programme": "integrator", "public": "public"}
        return alone.get(self.audience_kind) or f"{self.audience_kind}.{self.audience}"


class IssuedStatement(NamedTuple):
    """A statement as it was issued: which it is, and its bytes."""

    summary: StatementSummary
    content: bytes


def next_act(run: RunSummary, act: Act, *, did: Callable[[Passed], bool]) -> None:
    """Pass where an act is the next of a run, and whoever does it did none of those before; or the refusal that says why not."""
    if not run.waits:
        raise WrongStep(f"This settlement is {run.state}. Nothing is left to do.")
    if act == "withdrawn":
        return
    done = [each.act for each in run.acts]
    if act in done or ACTS.index(act) != len(done):
        raise WrongStep(f"This settlement is {done[-1]}. What comes next is that it is {ACTS[len(done)]}.")
    if any(map(did, run.acts)):
        raise SameHand("This client did another act of this settlement: declaring, approving and finance approval are three people's.")


def latest_approved(versions: Iterable[RulesVersion]) -> RulesVersion | None:
    return max((each for each in versions if each.state == "approved"), key=lambda each: each.version, default=None)


def latest_stated(stated: Iterable[StatedInput], *, final: bool) -> dict[InputKey, StatedInput]:
    """Of each cost and factor the one stated last; where a settlement is final, of those that are approved."""
    return {each.key: each for each in sorted(stated, key=lambda each: each.number) if each.state == "approved" or not final}


class WrongStep(Refusal):
    """The act is not the next: a settlement is declared, then approved, then approved by finance."""

    code: ClassVar[str] = "wrong_step"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "This is not the next step of the settlement"


class SameHand(Refusal):
    """Declaring, approving and approving by finance are acts of three people."""

    code: ClassVar[str] = "same_hand"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "A third person must do this"


class NotWaiting(Refusal):
    """Nothing of this number waits for approval: there is none, or it was approved."""

    code: ClassVar[str] = "not_waiting"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Nothing of this number waits for approval"


class NotSettled(Refusal):
    """A true-up, a dispute or a statement needs a final run that all three have passed."""

    code: ClassVar[str] = "not_settled"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The contract year is not settled"


class NothingToTrueUp(Refusal):
    """What is published and approved now comes to what stands already."""

    code: ClassVar[str] = "nothing_to_true_up"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "Nothing has moved since the settlement"


class SettledAlready(Refusal):
    """A contract year is settled once: what is corrected later is trued up."""

    code: ClassVar[str] = "settled_already"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The contract year is settled already"


class NoRules(Refusal):
    """No rules are approved for the contract year."""

    code: ClassVar[str] = "no_rules"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The contract year has no approved rules"


class NotLive(Refusal):
    """Rules pay nothing live in a month whose phase does not."""

    code: ClassVar[str] = "not_live"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The programme's phase does not pay"


class Overtaken(Refusal):
    """What a run was computed by or on is not what stands now: it is withdrawn, and declared again."""

    code: ClassVar[str] = "overtaken"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The settlement was overtaken before it was passed"


class CannotSettle(Refusal):
    """Something is lacking that a settlement needs, or is not as its rules say: `errors` names everything."""

    code: ClassVar[str] = "cannot_settle"
    kind: ClassVar[Kind] = Kind.CONFLICT
    title: ClassVar[str] = "The contract year cannot be settled as things stand"
