"""Explained figures: each node of an explanation is worked out from its parts by one named formula, so whoever has the tree can do it again.

The formulas are few and closed (`FORMULAS`). Values are exact fractions; a yes is 1 and a no is 0. On the wire a value is text: a decimal where it
has an end (`0.35`), else a fraction (`412/531`). A node that stands in several places is written out once, where it is first met from the top;
elsewhere it is `as_above`, by its name.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Final, Literal

Unit = Literal["pence", "share", "figure", "yes_no"]
Source = Mapping[str, Any]
"""Where a given value comes from: scalars under names, the kind first (`rules`, `publication`, `cost`, …)."""

GIVEN: Final = "given"
AS_ABOVE: Final = "as_above"


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """One explained value. Names are unique in a tree: what has the same name is the same node."""

    name: str
    value: Fraction
    unit: Unit
    formula: str
    parts: tuple["Node", ...] = ()
    source: Source | None = None


def shared_out(pool: Fraction, exact: Sequence[Fraction]) -> tuple[int, ...]:
    """Whole pence that sum to the pool, by largest remainder: each has its whole part, and those with the largest rest one more.

    Of equal rests the larger amount comes first, of equal amounts the one that stands first. The pool is within a penny of the sum of the amounts, each.
    """
    whole = [amount.numerator // amount.denominator for amount in exact]
    left = int(pool) - sum(whole)
    if pool.denominator != 1 or not 0 <= left <= len(exact):
        raise ValueError("a pool in whole pence that the amounts sum to, rounded")
    ranked = sorted(range(len(exact)), key=lambda at: (whole[at] - exact[at], -exact[at], at))
    for at in ranked[:left]:
        whole[at] += 1
    return tuple(whole)


def _largest_remainder(pool: Fraction, position: Fraction, *exact: Fraction) -> Fraction:
    return Fraction(shared_out(pool, exact)[int(position)])


def _product(*parts: Fraction) -> Fraction:
    value = Fraction(1)
    for part in parts:
        value *= part
    return value


FORMULAS: Final[Mapping[str, Callable[..., Fraction]]] = {
    "sum": lambda *parts: sum(parts, Fraction(0)),
    "difference": lambda first, second: first - second,
    "product": _product,
    "quotient": lambda first, second: first / second,
    "negative": lambda part: -part,
    "magnitude": abs,
    "least_of": min,
    "most_of": max,
    "within": lambda part, least, most: min(max(part, least), most),
    "at_least": lambda part, threshold: Fraction(part >= threshold),
    "at_most": lambda part, threshold: Fraction(part <= threshold),
    "above": lambda part, threshold: Fraction(part > threshold),
    "every": lambda *parts: Fraction(all(parts)),
    "choice": lambda condition, if_yes, if_no: if_yes if condition else if_no,
    "rounded": lambda part: Fraction(round(part)),
    "whole": lambda part: Fraction(floor(part)),
    "largest_remainder": _largest_remainder,
}
"""What each formula makes of its parts' values, in their order. `rounded` is half to even, `whole` is downwards; `within` is (value, least, most); `choice` is (condition, if
yes, if no); `largest_remainder` is (pool, position from 0, every exact amount of the pool), see `shared_out`."""


def worked_out(name: str, unit: Unit, formula: str, *parts: Node, source: Source | None = None) -> Node:
    """A node by one of the formulas; its value is what the formula makes of its parts."""
    return Node(name, FORMULAS[formula](*(part.value for part in parts)), unit, formula, parts, source)


def given(name: str, unit: Unit, value: Any, **source: Any) -> Node:
    """A node that is not worked out: it says where it is from."""
    return Node(name, Fraction(value), unit, GIVEN, (), source)


def constant(value: int) -> Node:
    return given(f"constant.{value}", "figure", value, kind="constant")


def nodes_of(node: Node) -> dict[str, Node]:
    """Every node of a tree by its name, from the top down."""
    found: dict[str, Node] = {}
    waiting = deque([node])
    while waiting:
        each = waiting.popleft()
        if each.name not in found:
            found[each.name] = each
            waiting += each.parts
    return found


def written(value: Fraction) -> str:
    """An exact value as text: a decimal where it has an end, else a fraction in lowest terms. Both read back exactly."""
    under, places = value.denominator, 0
    for prime in (2, 5):
        times = 0
        while under % prime == 0:
            under //= prime
            times += 1
        places = max(places, times)
    if under != 1:
        return str(value)
    digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
    sign = "-" if value < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def tree_of(node: Node) -> dict[str, Any]:
    """An explanation as it is stored and read: `name`, `value`, `unit`, `formula`, `parts` and `source` in every node."""
    return _tree(node, {})


def _tree(node: Node, above: dict[str, Node]) -> dict[str, Any]:
    head = {"name": node.name, "value": written(node.value), "unit": node.unit}
    # What is given is short: it says where it is from wherever it stands.
    if node.formula != GIVEN:
        if above.get(node.name) is node:
            return {**head, "formula": AS_ABOVE, "parts": [], "source": None}
        if node.name in above:
            raise ValueError(f"two nodes are named {node.name}")
        above[node.name] = node
    parts = [_tree(part, above) for part in node.parts]
    return {**head, "formula": node.formula, "parts": parts, "source": None if node.source is None else dict(node.source)}
