"""A party's statement of a settlement: its own lines, how they came about, what is in suspense and what was trued up.

Drawn from a stored result, never computed anew. The integrator sees all. A subcontract and a commissioner see their own lines and everything these are
worked out from, without what the others are paid; the public sees quality and no price. A statement of a shadow year says so in every form that it has.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Final, Literal

from app.programmes.domain import PaymentMode
from app.settlement.explanation import AS_ABOVE, GIVEN
from app.settlement.true_up import Amounts, Dispute, Due, dues

Tree = dict[str, Any]
Audience = Literal["integrator", "subcontract", "commissioner", "public"]

NOTICES: Final[Mapping[str, str]] = {
    "shadow": "SHADOW: for comparison only. Nothing is payable by this statement.",
    "off": "SWITCHED OFF: nothing is settled and nothing is payable by this statement.",
    "provisional": "PROVISIONAL: may still change. Nothing is payable by this statement.",
    "live": "LIVE: final and payable.",
}


@dataclass(frozen=True, slots=True)
class TrueUpLine:
    """A dated correction of a settled year: its amounts, and what caused it in sentences."""

    number: int
    made_on: str
    causes: tuple[str, ...]
    amounts: Amounts


def notice_of(*, mode: str, final: bool) -> str:
    """What stands above a statement, so that nobody takes it for another kind."""
    return NOTICES[mode if mode != "live" else "live" if final else "provisional"]


def file_stem(head: Mapping[str, Any], party: str) -> str:
    """What a statement's file is called; one that pays nothing says so first."""
    kind = "" if head["notice"] == NOTICES["live"] else f"{head['notice'].split(':')[0].replace(' ', '-')}-NOT-PAYABLE-"
    return f"{kind}settlement-{head['programme']}-year-{head['contract_year']}-run-{head['run']}-{party}"


def statement_of(
    head: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    audience: Audience,
    party: str,
    true_ups: Sequence[TrueUpLine] = (),
    disputes: Sequence[Dispute] = (),
) -> dict[str, Any]:
    """The statement of one audience; `party` is its name in the explanation (`subcontract.SC-A`), `integrator` for all, or `public`.

    `head` says which run it is (programme, contract_year, run, kind, rules_version, …) and is repeated as it is, with the notice.
    """
    final = head["kind"] == "final"
    notice = notice_of(mode=result["mode"], final=final)
    said = {**head, "notice": notice, "mode": result["mode"], "audience": audience, "party": party, "payable": result["payable"] and final}
    summary = {name: result[name] for name in ("method_version", "quality", "gate_passed")}
    if audience == "public":
        tree = subtree(result["explanation"], "quality")
        measures = [
            {name: each[name] for name in ("measure", "weight", "figure", "status", "score", "set_aside")} for each in result["measures"]
        ]
        return {
            "statement": said,
            "summary": summary,
            "lines": [],
            "totals": None,
            "measures": measures,
            "vat": [],
            "true_ups": [],
            "explanation": tree,
        }
    settled = amounts(result)
    standing = [settled, *(each.amounts for each in true_ups)]
    mode: PaymentMode = result["mode"] if final else "shadow"
    due = [each for each in dues(standing, disputes, mode=mode) if audience == "integrator" or each.party == party]
    own = {each.party for each in due}
    money = {name: result[name] for name in ("total_pence", "at_risk_pence", "withheld_pence")}
    return {
        "statement": said,
        "summary": summary | money,
        "lines": [line for each in due for line in _lines(each, settled, payable=mode == "live")],
        "totals": [
            {"party": each.party, "pence": each.total_pence, "suspended_pence": each.suspense_pence, "payable_pence": each.payable_pence}
            for each in due
        ],
        "measures": list(result["measures"]),
        "vat": [each for each in result["vat"] if _name(each) in own],
        "true_ups": [_true_up(each, own) for each in true_ups],
        "explanation": subtree(result["explanation"], "settlement" if audience == "integrator" else party, alone=audience != "integrator"),
    }


def amounts(result: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Every party's pence by element, from a stored result."""
    found: dict[str, dict[str, int]] = {}
    for line in result["lines"]:
        found.setdefault(_name(line), {})[line["element"]] = line["pence"]
    return found


def _name(line: Mapping[str, Any]) -> str:
    return "integrator" if line["party_kind"] == "integrator" else f"{line['party_kind']}.{line['party']}"


def _lines(due: Due, settled: Amounts, *, payable: bool) -> Iterator[dict[str, Any]]:
    for element, pence in due.pence.items():
        first, suspended = settled.get(due.party, {}).get(element, 0), due.suspended.get(element, 0)
        yield {
            "party": due.party,
            "element": element,
            "settled_pence": first,
            "true_up_pence": pence - first,
            "pence": pence,
            "suspended_pence": suspended,
            "payable_pence": pence - suspended if payable else 0,
        }


def _true_up(each: TrueUpLine, own: set[str]) -> dict[str, Any]:
    lines = [
        {"party": party, "element": element, "pence": pence}
        for party, of in each.amounts.items()
        if party in own
        for element, pence in of.items()
    ]
    return {"number": each.number, "made_on": each.made_on, "causes": list(each.causes), "lines": lines}


def subtree(tree: Tree, name: str, *, alone: bool = False) -> Tree:
    """The explanation from one node down, whole by itself. `alone` leaves out what other parties are paid of a pool."""
    whole = {node["name"]: node for node in walk(tree) if node["formula"] != AS_ABOVE}
    return _copied(whole[name], whole, set(), alone=alone)


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node, from the top down."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node["parts"])


def _copied(node: Tree, whole: Mapping[str, Tree], above: set[str], *, alone: bool) -> Tree:
    node = whole[node["name"]] if node["formula"] == AS_ABOVE else node
    if node["formula"] == GIVEN:
        return node
    if node["name"] in above:
        return {**node, "formula": AS_ABOVE, "parts": [], "source": None}
    above.add(node["name"])
    shown = _own_part(node, whole) if alone and node["formula"] == "largest_remainder" and _is_shared(node) else node
    return {**shown, "parts": [_copied(part, whole, above, alone=alone) for part in shown["parts"]]}


def _is_shared(node: Tree) -> bool:
    """Whether a pool is one of several parties, and not the annual value, whose parts are no party's."""
    return any(part["name"].startswith(("integrator:", "subcontract.", "commissioner.")) for part in node["parts"])


def _own_part(node: Tree, whole: Mapping[str, Tree]) -> Tree:
    """A party's pence of a pool without the others': the whole pence of its own exact amount, and the penny that it got or did not."""
    _, position, *exact = node["parts"]
    own = exact[int(position["value"])]
    own = whole.get(own["name"], own)
    rest = floor(Fraction(own["value"]))
    penny = int(node["value"]) - rest
    parts = [
        {"name": f"{node['name']}:whole", "value": str(rest), "unit": "pence", "formula": "whole", "parts": [own], "source": None},
        {
            "name": f"{node['name']}:penny",
            "value": str(penny),
            "unit": "pence",
            "formula": GIVEN,
            "parts": [],
            "source": {"kind": "largest_remainder", "of": node["parts"][0]["name"]},
        },
    ]
    return {**node, "formula": "sum", "parts": parts}
