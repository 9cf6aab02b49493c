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
from app.settlement.returned import figures_of
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
_OF_THE_PRICE: Final = "at_risk"
"""What a subcontract is told as it is: it is worked out from the integrator's annual value, off which its fee could be taken."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a year came to at a time: the settlement itself (number 0), or a true-up of it with its causes, in full and as parties are told them.

    `amounts` are what it added, and `result` is all that the year comes to since.
    """

    number: int = 0
    made_on: str
    publications: tuple[int, ...]
    causes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
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
    head: Mapping[str, Any], states: Sequence[State], *, audience: Audience, party: str, disputes: Sequence[Disputed] = ()
) -> dict[str, Any]:
    """The statement of one audience; `party` is its name in the explanation (`subcontract.SC-A`), `integrator` for all, or `public`.

    `head` says which run it is (programme, contract_year, run, kind, rules_version, …) and is repeated as it is, with the notice. What is of one state
    alone says of which by its number.
    """
    final, (first, *true_ups), last = head["kind"] == "final", states, states[-1]
    notice = notice_of(mode=first.result["mode"], final=final)
    said = {**head, "notice": notice, "mode": first.result["mode"], "audience": audience, "party": party}
    said["payable"] = first.result["payable"] and final
    if audience == "public":
        return _of_the_public(said, first.result)
    everyone = audience == "integrator"
    mode: PaymentMode = first.result["mode"] if final else "shadow"
    standing = [each.amounts for each in states]
    due = [each for each in dues(standing, [each.line for each in disputes], mode=mode) if everyone or each.party == party]
    own = {each.party for each in due}
    since = {"true_up": last.number}
    measures = ({name: each[name] for name in each if everyone or name in _MEASURE[audience]} for each in last.result["measures"])
    return {
        "statement": said,
        "states": [_state(each, everyone=everyone) for each in states],
        "summary": {**since, **{name: last.result[name] for name in _SUMMARY[audience]}},
        "lines": [line for each in due for line in _lines(each, first.amounts, payable=mode == "live")],
        "totals": [
            {"party": each.party, "pence": each.total_pence, "suspended_pence": each.suspense_pence, "payable_pence": each.payable_pence}
            for each in due
        ],
        "disputes": list(_disputes(disputes, due, everyone=everyone)),
        "measures": [{**since, **each} for each in measures],
        "vat": [{**since, **each} for each in last.result["vat"] if _name(each) in own],
        "figures": [{"true_up": state.number, **each} for state in states for each in _figures(state.result["explanation"], party)],
        "true_ups": [_true_up(each, own, party) for each in true_ups],
        "explanation": subtree(first.result["explanation"], party),
    }


def _of_the_public(said: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    """That a year was settled, and how: what quality or a score came to would tell figures that disclosure control holds back."""
    lists: dict[str, list[Any]] = {name: [] for name in ("states", "lines", "disputes", "measures", "vat", "figures", "true_ups")}
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
    """Every party's pence by element, in the order of a stored result."""
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


def _state(each: State, *, everyone: bool) -> dict[str, Any]:
    """Which state of the year it is, what it was computed on, and, by a pointer into the statement, where it is explained."""
    return {
        "true_up": each.number,
        "made_on": each.made_on,
        "causes": list(each.causes if everyone else each.told),
        "publications": list(each.publications),
        "method_version": each.result["method_version"],
        "content_sha256": each.content_sha256,
        "explained_at": f"/true_ups/{each.number - 1}/explanation" if each.number else "/explanation",
    }


def _figures(tree: Tree, party: str) -> list[dict[str, Any]]:
    """The figures behind an explanation, each where this party has it, with what the returns that are its own say of it; the integrator's are all."""
    return figures_of(
        walk(tree), row=lambda row: _row(row, party), reads=lambda subcontract: party in ("integrator", f"subcontract.{subcontract}")
    )


def _row(row: str, party: str) -> str:
    """Where a party reads a figure's row: of a publication a subcontract has its own alone."""
    return row.replace("slice=all", "slice=subcontract") if party.startswith("subcontract.") else row


def _true_up(each: State, own: set[str], party: str) -> dict[str, Any]:
    """A true-up's own lines, and how the year comes to what it does since: its explanation's pence less all that stood before are these lines."""
    lines = [
        {"party": whose, "element": element, "pence": pence}
        for whose, of in each.amounts.items()
        if whose in own
        for element, pence in of.items()
    ]
    return {
        "number": each.number,
        "made_on": each.made_on,
        "causes": list(each.causes if party == "integrator" else each.told),
        "publications": list(each.publications),
        "content_sha256": each.content_sha256,
        "lines": lines,
        "explanation": subtree(each.result["explanation"], party),
    }


def subtree(tree: Tree, party: str) -> Tree:
    """The explanation of what a party is paid, whole by itself, without what others are paid of a pool, and of measures with the score alone; the
    integrator's is all.
    """
    whole = {node["name"]: node for node in walk(tree) if node["formula"] != AS_ABOVE}
    return tree if party == "integrator" else _copied(whole[party], whole, set(), party=party)


def walk(tree: Tree) -> Iterator[Tree]:
    """Every node, from the top down."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node["parts"])


def _copied(node: Tree, whole: Mapping[str, Tree], above: set[str], *, party: str) -> Tree:
    node = whole[node["name"]] if node["formula"] == AS_ABOVE else node
    if node["formula"] != GIVEN and node["name"].startswith(_POOLED):
        return _pooled(node, whole, party)
    if node["formula"] == GIVEN:
        return _unnamed(node)
    if node["name"] == _OF_THE_PRICE and party.startswith("subcontract."):
        return {**node, "formula": GIVEN, "parts": [], "source": {"kind": "pool", "reason": "price_of_others"}}
    if node["name"] in above:
        return {**node, "formula": AS_ABOVE, "parts": [], "source": None}
    above.add(node["name"])
    shown = _own(node, whole)
    return {**shown, "parts": [_copied(part, whole, above, party=party) for part in shown["parts"]]}


def _own(node: Tree, whole: Mapping[str, Tree]) -> Tree:
    """A node without what is not this party's: the others' parts of a pool, and a pool that it has no share of."""
    if node["formula"] == "largest_remainder" and _is_shared(node):
        return _own_part(node, whole)
    if node["name"].endswith(":exact") and node["parts"][0]["value"] == "0":
        return {**node, "parts": node["parts"][:1]}
    return node


def _pooled(node: Tree, whole: Mapping[str, Tree], party: str) -> Tree:
    """What comes of pooled figures, given: the statement's figures say where each was published, and a single one's is said here too."""
    rows = {(said["measure"], said["publication"], said["row"]) for said in _cited(node, whole)}
    told = {"measure": min(rows)[0]} if rows else {}
    if len(rows) == 1:
        ((_, publication, row),) = rows
        told |= {"publication": publication, "row": _row(row, party)}
    return {**node, "formula": GIVEN, "parts": [], "source": {"kind": "pooled", **told, "reason": "figures_of_others"}}


def _cited(node: Tree, whole: Mapping[str, Tree]) -> Iterator[Mapping[str, Any]]:
    """The published figures that a node is worked out from, as its parts cite them."""
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if each["source"] and "publication" in each["source"]:
            yield each["source"]
        waiting += whole[each["name"]]["parts"]


def _unnamed(node: Tree) -> Tree:
    """What is given, without who approved it, and without the place of a share among the others': that would say how many there are."""
    if node["source"] is None:
        return node
    source = {name: value for name, value in node["source"].items() if name != "approved_by"}
    if source.get("pointer", "").startswith("/allocation/"):
        source["pointer"] = "/".join(source["pointer"].split("/")[:3])
    return {**node, "source": source}


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
