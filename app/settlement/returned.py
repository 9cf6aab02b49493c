"""From a published figure's counts down to the returns: the explanation taken on to what each accepted revision says, whose cells add up to it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from app.settlement.explanation import AS_ABOVE, GIVEN, written
from app.settlement.inputs import Inputs, MeasureFigure, ReturnPart

Tree = dict[str, Any]

RETURN: Final = "return"
"""The kind of source that is an accepted revision; `cells` is where to ask for it."""

_COUNTS: Final = {"numerator": "numerator", "consequence_met": "numerator", "denominator": "denominator", "consequence_of": "denominator"}
"""Nodes that are a count of a figure, by what their names begin with."""


def down_to_returns(tree: Tree, inputs: Inputs) -> Tree:
    """The tree in which each count is the sum of what the returns behind it say; one that their sum is not, as it was changed or imported, stays given."""
    figures: dict[tuple[str, str, str], MeasureFigure] = {
        (each.measure, str(each.month), each.period): each for each in inputs.figures if each.returns
    }
    return _down(tree, figures, set())


def _down(node: Tree, figures: Mapping[tuple[str, str, str], MeasureFigure], above: set[str]) -> Tree:
    if node["formula"] != GIVEN:
        return {**node, "parts": [_down(part, figures, above) for part in node["parts"]]}
    said = node["source"]
    figure = figures.get((said["measure"], said["month"], said["period"])) if said["kind"] == "publication" else None
    count = _COUNTS.get(node["name"].partition(".")[0])
    if figure is None or count is None:
        return node
    parts = list(_parts(node["name"], figure, count))
    if sum((Fraction(part["value"]) for part in parts), Fraction(0)) != Fraction(node["value"]):
        return node
    if node["name"] in above:
        return {**node, "formula": AS_ABOVE, "source": None}
    above.add(node["name"])
    return {**node, "formula": "sum", "parts": parts}


def _parts(name: str, figure: MeasureFigure, count: str) -> Iterator[Tree]:
    for each in figure.returns:
        value = getattr(each, count)
        if value is not None:
            yield {
                "name": f"{name}:{each.subcontract}:{each.collection}:{each.month}",
                "value": written(Fraction(value)),
                "unit": "figure",
                "formula": GIVEN,
                "parts": [],
                "source": {"kind": RETURN, "measure": figure.measure, **_cited(each)},
            }


def figures_of(nodes: Iterable[Tree], *, row: Callable[[str], str], reads: Callable[[str], bool]) -> list[dict[str, Any]]:
    """The published figures that nodes are worked out from: where each has its `row`, and what the returns behind it say whose subcontract one `reads`."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    returns: dict[tuple[Any, ...], dict[tuple[Any, ...], dict[str, Any]]] = {}
    for node in nodes:
        said = node["source"] or {}
        if "publication" in said:
            key = (said["measure"], said["month"], said["publication"])
            told = {name: said[name] for name in ("measure", "month", "period", "status", "publication")}
            found.setdefault(key, {**told, "row": row(said["row"])})
            for part in node["parts"]:
                behind = {name: value for name, value in part["source"].items() if name not in ("kind", "measure")}
                if reads(behind["subcontract"]):
                    place = (behind["subcontract"], behind["collection"], behind["month"])
                    each = returns.setdefault(key, {}).setdefault(place, {**behind, "numerator": None, "denominator": None})
                    each[_COUNTS[node["name"].partition(".")[0]]] = part["value"]
    return [{**found[key], "returns": list(returns.get(key, {}).values())} for key in sorted(found)]


def _cited(each: ReturnPart) -> dict[str, Any]:
    return {**each.model_dump(exclude={"numerator", "denominator"}), "month": str(each.month)}
