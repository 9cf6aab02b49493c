"""Somebody with an exported explanation and nothing else: works every node out again, by what the formulas are said to do, in its own words."""

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import floor
from typing import Any


class Disagreement(Exception):
    """A node that does not follow from its parts."""


def recompute(tree: dict[str, Any]) -> int:
    """How many nodes were worked out again; Disagreement where one differs, or where a name means two things."""
    return _visit(tree, {})


def from_rows(rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
    """The tree that rows of a table hold: how far below the top each stands, its name, exact value, unit, formula, and source in words."""
    above: list[dict[str, Any]] = []
    for level, name, value, unit, formula, source in rows:
        told = dict(part.split(": ", 1) for part in str(source).split("; ")) if source else None
        node: dict[str, Any] = {"name": name, "value": value, "unit": unit, "formula": formula, "parts": [], "source": told}
        del above[int(level) :]
        if above:
            above[-1]["parts"].append(node)
        above.append(node)
    return above[0]


def _visit(node: dict[str, Any], seen: dict[str, str]) -> int:
    if sorted(node) != ["formula", "name", "parts", "source", "unit", "value"]:
        raise Disagreement(f"{node.get('name')} has other members")
    name, formula = node["name"], node["formula"]
    if formula == "as_above":
        if node["parts"] or seen.get(name) != node["value"]:
            raise Disagreement(f"{name} is not as above")
        return 0
    count = sum(_visit(part, seen) for part in node["parts"])
    if seen.setdefault(name, node["value"]) != node["value"]:
        raise Disagreement(f"{name} means two things")
    if formula == "given":
        if not node["source"] or not node["source"].get("kind") or node["parts"]:
            raise Disagreement(f"{name} does not say where it is from")
        return count
    found = _work_out(formula, [Fraction(part["value"]) for part in node["parts"]])
    if found != Fraction(node["value"]):
        raise Disagreement(f"{name} is {node['value']} and should be {found}")
    return count + 1


def _work_out(formula: str, of: list[Fraction]) -> Fraction:
    if formula == "product":
        result = of[0]
        for other in of[1:]:
            result = result * other
        return result
    if formula == "largest_remainder":
        return _largest_remainder(int(of[0]), int(of[1]), of[2:])
    simple: dict[str, Callable[[], Fraction | int]] = {
        "sum": lambda: sum(of),
        "difference": lambda: of[0] - of[1],
        "quotient": lambda: of[0] / of[1],
        "negative": lambda: -of[0],
        "magnitude": lambda: max(of[0], -of[0]),
        "least_of": lambda: min(of),
        "most_of": lambda: max(of),
        "within": lambda: of[1] if of[0] < of[1] else min(of[0], of[2]),
        "at_least": lambda: 1 if not of[0] < of[1] else 0,
        "at_most": lambda: 1 if not of[0] > of[1] else 0,
        "above": lambda: 1 if of[0] > of[1] else 0,
        "every": lambda: 1 if 0 not in of else 0,
        "choice": lambda: of[1] if of[0] == 1 else of[2],
        "whole": lambda: floor(of[0]),
        "rounded": lambda: _half_to_even(of[0]),
    }
    return Fraction(simple[formula]())


def _half_to_even(value: Fraction) -> int:
    below = floor(value)
    rest = value - below
    if rest == Fraction(1, 2):
        return below + below % 2
    return below + (1 if rest > Fraction(1, 2) else 0)


def _largest_remainder(pool: int, position: int, exact: list[Fraction]) -> Fraction:
    """Give pennies out one by one: each to whoever is then furthest behind."""
    got = [floor(amount) for amount in exact]
    waiting = list(range(len(exact)))
    while sum(got) < pool:
        first = max(waiting, key=lambda at: (exact[at] - floor(exact[at]), exact[at], -at))
        got[first] += 1
        waiting.remove(first)
    if sum(got) != pool:
        raise Disagreement("the pennies do not sum to their pool")
    return Fraction(got[position])
