"""Who has what: each element in whole pence, shared out between the parties so that nothing is lost and nothing made.

There is one rounding, here. An element's pence are shared out by largest remainder; what one side is paid the other pays. So the lines of an element
sum to its pence on each side, and all lines of a settlement together to nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from app.settlement.domain import COMMISSIONERS, ELEMENTS, INTEGRATOR, PAID_BY_PROVIDERS, Element, Party, SettlementRules
from app.settlement.explanation import Node, constant, worked_out
from app.settlement.scoring import ruled

_ONE = constant(1)


@dataclass(frozen=True, slots=True)
class Pool:
    """An element before it is shared out: exact, and in whole pence."""

    exact: Node
    pence: Node


@dataclass(frozen=True, slots=True)
class PartyLine:
    """What one party is paid, by element; what it pays is below zero. `node` explains the total."""

    party: Party
    pence: Mapping[Element, int]
    node: Node

    @property
    def total_pence(self) -> int:
        return int(self.node.value)


@dataclass(frozen=True, slots=True)
class Shared:
    """Every party's line, the integrator's first, then subcontracts' and commissioners' by code; and the sum of all, which is nothing."""

    lines: tuple[PartyLine, ...]
    node: Node
    providers: Node
    commissioners: Node


def share_out(rules: SettlementRules, pools: Mapping[Element, Pool]) -> Shared:
    """The lines of all parties of some pools; parties with no share of an element have no part in its pence."""
    parts: dict[Party, dict[Element, Node]] = {party: {} for party in parties_of(rules)}
    for element in ELEMENTS:
        if element in pools:
            pool, of_providers = pools[element], provider_shares(rules, element)
            for party, node in _shared(element, pool, of_providers, paid=element not in PAID_BY_PROVIDERS):
                parts[party][element] = node
            for party, node in _shared(element, pool, commissioner_shares(rules), paid=element in PAID_BY_PROVIDERS):
                parts[party][element] = node
    lines = tuple(
        PartyLine(party, {element: int(node.value) for element, node in of.items()}, worked_out(party.name, "pence", "sum", *of.values()))
        for party, of in parts.items()
    )
    sides = {False: [line.node for line in lines if line.party.kind != "commissioner"]}
    sides[True] = [line.node for line in lines if line.party.kind == "commissioner"]
    providers = worked_out("providers", "pence", "sum", *sides[False])
    commissioners = worked_out("commissioners", "pence", "sum", *sides[True])
    return Shared(lines, worked_out("settlement", "pence", "sum", providers, commissioners), providers, commissioners)


def parties_of(rules: SettlementRules) -> tuple[Party, ...]:
    subcontracts = sorted(each.subcontract for each in rules.allocation.subcontracts)
    commissioners = sorted(each.commissioner for each in rules.allocation.commissioners)
    named = [Party("commissioner", code) for code in commissioners] or [COMMISSIONERS]
    return (INTEGRATOR, *(Party("subcontract", code) for code in subcontracts), *named)


def provider_shares(rules: SettlementRules, element: Element) -> dict[Party, Node]:
    """The provider side's shares of an element: the subcontracts' as stated, the remainder the integrator's."""
    shares: dict[Party, Node] = {}
    if element in ("outcome", "gain", "loss"):
        stated = sorted(enumerate(rules.allocation.subcontracts), key=lambda each: each[1].subcontract)
        for at, each in stated:
            party, protected = Party("subcontract", each.subcontract), element == "loss" and each.protected
            value = Fraction(0) if protected else getattr(each, element)
            member = "protected" if protected else element
            shares[party] = ruled(f"share.{element}.{party.name}", "share", value, f"/allocation/subcontracts/{at}/{member}")
    if not shares:
        return {INTEGRATOR: _ONE}
    passed_on = worked_out(f"share.{element}.passed_on", "share", "sum", *shares.values())
    return {INTEGRATOR: worked_out(f"share.{element}.integrator", "share", "difference", _ONE, passed_on), **shares}


def commissioner_shares(rules: SettlementRules) -> dict[Party, Node]:
    stated = sorted(enumerate(rules.allocation.commissioners), key=lambda each: each[1].commissioner)
    parties = ((Party("commissioner", each.commissioner), at, each.share) for at, each in stated)
    shares = {party: ruled(f"share.{party.name}", "share", share, f"/allocation/commissioners/{at}/share") for party, at, share in parties}
    return shares or {COMMISSIONERS: _ONE}


def _shared(element: Element, pool: Pool, shares: Mapping[Party, Node], *, paid: bool) -> Iterator[tuple[Party, Node]]:
    """The parties' pence of a pool, below zero where they pay it."""
    owed = "" if paid else ":owed"
    if len(shares) == 1:
        (party,) = shares
        yield party, worked_out(f"{party.name}:{element}", "pence", "sum" if paid else "negative", pool.pence)
        return
    exact = [worked_out(f"{party.name}:{element}:exact", "pence", "product", share, pool.exact) for party, share in shares.items()]
    names = [f"{party.name}:{element}{owed}" for party in shares]
    for party, pence in zip(shares, in_pence(names, pool.pence, exact), strict=True):
        yield party, pence if paid else worked_out(f"{party.name}:{element}", "pence", "negative", pence)


def in_pence(names: Sequence[str], pool: Node, exact: Sequence[Node]) -> list[Node]:
    """Exact amounts as the whole pence of their pool, by largest remainder."""
    return [worked_out(name, "pence", "largest_remainder", pool, constant(position), *exact) for position, name in enumerate(names)]
