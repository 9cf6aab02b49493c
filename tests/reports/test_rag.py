"""Colours as a table: each reason at its edge, and that they follow the rule that is asked for."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from app.programmes.reporting import RagRule
from app.reports.rag import rag

BLIND = RagRule(chance=False)
HOPEFUL = RagRule(improving=True)


@pytest.mark.parametrize(
    ("value", "others", "expected"),
    [
        ("0.85", {"against_target": "better"}, ("green", "target_met")),
        ("0.86", {"against_target": "similar"}, ("amber", "cannot_be_told")),
        ("0.60", {"against_target": "similar"}, ("amber", "cannot_be_told")),
        ("0.86", {"against_target": "similar", "rule": BLIND}, ("green", "target_met")),
        ("0.83", {"against_target": "worse"}, ("amber", "within_tolerance")),
        ("0.8299", {"against_target": "worse"}, ("red", "target_missed")),
        ("0.60", {"against_target": "worse", "variation": "improvement"}, ("red", "target_missed")),
        ("0.60", {"against_target": "worse", "variation": "improvement", "rule": HOPEFUL}, ("amber", "improving")),
        ("0.84", {"rule": RagRule(tolerance=Decimal(0))}, ("red", "target_missed")),
        ("0.86", {"direction": "lower"}, ("amber", "within_tolerance")),
        ("0.84", {"direction": "lower"}, ("green", "target_met")),
        ("0.84", {"direction": "neutral"}, (None, "no_target")),
        ("0.84", {"target": None}, (None, "no_target")),
        (None, {}, (None, "no_value")),
    ],
)
def test_each_colour(value: str | None, others: dict[str, Any], expected: tuple[str | None, str]) -> None:
    asked = {"direction": "higher", "target": Decimal("0.85"), **others}
    assert rag(None if value is None else Fraction(value), asked.pop("target"), **asked) == expected
