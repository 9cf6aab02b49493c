"""A party's statement of a settlement: its own lines, how they came about, what is in suspense and what was trued up.

Drawn from stored results, never computed anew. The integrator sees all. A subcontract and a commissioner see their own lines and everything these are
worked out from, without what the others are paid; of a measure they are given the score, for the figure behind it is made of others' patients too. The
public is told that the year was settled, and no figure or price. A statement of a shadow year says so in every form that it has.
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

_TERMS: Final = ("method_version", "quality", "gate_passed")
_MONEY: Final = ("total_pence", "at_risk_pence", "withheld_pence")
_SUMMARY: Final[Mapping[Audience, tuple[str, ...]]] = {
    "integrator": (*_TERMS, *_MONEY),
    "commissioner": (*_TERMS, *_MONEY),
    "subcontract": _TERMS,
}
_SCORED: Final = frozenset({"measure", "weight", "status", "score", "set_aside"})
_MEASURE: Final[Mapping[Audience, frozenset[str]]] = {"subcontract": _SCORED, "commissioner": _SCORED | {"pence"}}
"""What parties are told of a measure. A band has the interval in it, and so how many patients there were."""
_POOLED: Final = ("score.", "gate.mandatory.", "consequence.")
"""Nodes that are worked out from pooled figures, by what their names begin with."""

_TO_THE_PUBLIC: Final[Tree] = {
    "name": "settled",
    "value": "1",
    "unit": "yes_no",
    "formula": GIVEN,
    "parts": [],
    "source": {"kind": "public", "reason": "no_figures"},
}

NOTICES: Final[Mapping[str, str]] = {
    "shadow": "SHADOW: for comparison only. Nothing is payable by this statement.",
    "off": "SWITCHED OFF: nothing is settled and nothing is payable by this statement.",
    "provisional": "PROVISIONAL: may still change. Nothing is payable by this statement.",
    "live": "LIVE: final and payable.",
}


@dataclass(frozen=True, slots=True)
class TrueUpLine:
    """A dated correction of a settled year: its amounts, what the year comes to since, and its causes, in full and as parties are told them."""

    number: int
    made_on: str
    causes: tuple[str, ...]
    told: tuple[str, ...]
    amounts: Amounts
    result: Mapping[str, Any]
    content_sha256: str


@dataclass(frozen=True, slots=True)
class Disputed:
    """A line in dispute: since when, why, and what the integrator has answered."""

    line: Dispute
    opened_at: str
    reason: str
    answer: str | None = None


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
    disputes: Sequence[Disputed] = (),
) -> dict[str, Any]:
    """The statement of one audience; `party` is its name in the explanation (`subcontract.SC-A`), `integrator` for all, or `public`.

    `head` says which run it is (programme, contract_year, run, kind, rules_version, …) and is repeated as it is, with the notice.
    """
    final, last = head["kind"] == "final", true_ups[-1].result if true_ups else result
    notice = notice_of(mode=result["mode"], final=final)
    said = {**head, "notice": notice, "mode": result["mode"], "audience": audience, "party": party, "payable": result["payable"] and final}
    if audience == "public":
        return _of_the_public(said, result)
    everyone = audience == "integrator"
    settled = amounts(result)
    standing = [settled, *(each.amounts for each in true_ups)]
    mode: PaymentMode = result["mode"] if final else "shadow"
    due = [each for each in dues(standing, [each.line for each in disputes], mode=mode) if everyone or each.party == party]
    own = {each.party for each in due}
    top = "settlement" if everyone else party
    return {
        "statement": said,
        "summary": {name: last[name] for name in _SUMMARY[audience]},
        "lines": [line for each in due for line in _lines(each, settled, payable=mode == "live")],
        "totals": [
            {"party": each.party, "pence": each.total_pence, "suspended_pence": each.suspense_pence, "payable_pence": each.payable_pence}
            for each in due
        ],
        "disputes": list(_disputes(disputes, due, everyone=everyone)),
        "measures": [{name: each[name] for name in each if everyone or name in _MEASURE[audience]} for each in last["measures"]],
        "vat": [each for each in last["vat"] if _name(each) in own],
        "true_ups": [_true_up(each, own, top, everyone=everyone) for each in true_ups],
        "explanation": subtree(result["explanation"], top, alone=not everyone),
    }


def _of_the_public(said: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """That a year was settled, and how: what quality or a score came to would tell figures that disclosure control holds back."""
    lists: dict[str, list[Any]] = {name: [] for name in ("lines", "disputes", "measures", "vat", "true_ups")}
    return {
        "statement": said,
        "summary": {"method_version": result["method_version"]},
        **lists,
        "totals": None,
        "explanation": dict(_TO_THE_PUBLIC),
    }


def _disputes(disputes: Sequence[Disputed], due: Sequence[Due], *, everyone: bool) -> Iterator[dict[str, Any]]:
    """The disputes that hold a statement's own lines back; another party's by its element and date alone."""
    held = {(each.party, element) for each in due for element in each.suspended}
    for each in disputes:
        line = {"element": each.line.element, "opened_at": each.opened_at}
        if everyone or each.line.party in {of.party for of in due}:
            yield {"party": each.line.party, **line, "reason": each.reason, "answer": each.answer}
        elif each.line.element in {element for _, element in held}:
            yield {"party": None, **line, "reason": None, "answer": None}


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


def _true_up(each: TrueUpLine, own: set[str], top: str, *, everyone: bool) -> dict[str, Any]:
    """A true-up's own lines, and how the year comes to what it does since: its explanation's pence less all that stood before are these lines."""
    lines = [
        {"party": party, "element": element, "pence": pence}
        for party, of in each.amounts.items()
        if party in own
        for element, pence in of.items()
    ]
    return {
        "number": each.number,
        "made_on": each.made_on,
        "causes": list(each.causes if everyone else each.told),
        "content_sha256": each.content_sha256,
        "lines": lines,
        "explanation": subtree(each.result["explanation"], top, alone=not everyone),
    }


def subtree(tree: Tree, name: str, *, alone: bool = False) -> Tree:
    """The explanation from one node down, whole by itself. `alone` leaves out what other parties are paid of a pool, and of measures all but the score."""
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
    if alone and node["formula"] != GIVEN and node["name"].startswith(_POOLED):
        return _pooled(node)
    if node["formula"] == GIVEN:
        return _unnamed(node) if alone else node
    if node["name"] in above:
        return {**node, "formula": AS_ABOVE, "parts": [], "source": None}
    above.add(node["name"])
    shown = _own(node, whole) if alone else node
    return {**shown, "parts": [_copied(part, whole, above, alone=alone) for part in shown["parts"]]}


def _own(node: Tree, whole: Mapping[str, Tree]) -> Tree:
    """A node without what is not this party's: the others' parts of a pool, and a pool that it has no share of."""
    if node["formula"] == "largest_remainder" and _is_shared(node):
        return _own_part(node, whole)
    if node["name"].endswith(":exact") and node["parts"][0]["value"] == "0":
        return {**node, "parts": node["parts"][:1]}
    return node


def _pooled(node: Tree) -> Tree:
    """What comes of a pooled figure, given: where it was published, each reader sees as much of it as it may."""
    cited: Mapping[str, Any] = next((each["source"] for each in walk(node) if each["source"] and "publication" in each["source"]), {})
    told = {name: cited[name] for name in ("measure", "publication", "row") if name in cited}
    return {**node, "formula": GIVEN, "parts": [], "source": {"kind": "pooled", **told, "reason": "figures_of_others"}}


def _unnamed(node: Tree) -> Tree:
    """What is given, without who approved it."""
    source = node["source"]
    return {**node, "source": {name: value for name, value in source.items() if name != "approved_by"}} if source else node


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
