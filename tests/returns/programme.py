"""A programme with a measure of every aggregation, and the returns that its subcontracts owe."""

from typing import Any, Final

from app.calendar.contract import Contract
from app.calendar.expected import ReturnKey
from app.kernel.months import Month
from app.returns.expectation import ExpectedReturn, expected_return
from tests.make import contract, document, subcontract

PROGRAMME: Final = "test-cancer"
MONTH: Final = Month.parse("2026-10")
CWT: Final = ReturnKey("cwt", "SC-RJE", MONTH)
HOSPICE: Final = ReturnKey("hospice", "SC-H9901", MONTH)
MIXED: Final = ReturnKey("mixed", "SC-MIX", MONTH)
RETURNS: Final = f"/v1/programmes/{PROGRAMME}/returns"

_EVERY: Final[list[dict[str, Any]]] = [
    {"code": "M-RATIO", "name": "Ratio", "split_by": ["site", "commissioner"], "unknown": ["commissioner"], "proportion": True},
    {"code": "M-COUNT", "name": "Count", "split_by": ["site"], "aggregation": "count_sum"},
    {"code": "M-STOCK", "name": "Stock", "split_by": [], "aggregation": "stock_last"},
    {"code": "M-MEAN", "name": "Mean", "split_by": [], "aggregation": "mean_weighted", "numeric_kind": "decimal"},
    {"code": "M-RISK", "name": "Risk", "split_by": ["site"], "aggregation": "distinct_risk", "numeric_kind": "half_unit"},
    {"code": "M-IMPORT", "name": "Import", "split_by": [], "aggregation": "import_only"},
    {"code": "M-OTHER", "name": "Other", "split_by": []},
]


def changes() -> dict[str, Any]:
    """What is added to the small programme of `tests/make.py`: one more subcontract and its mixed collection."""
    base = document()
    pathway = base["pathways"][0]
    segment = {"code": "mixed", "name": "Mixed", "measures": [measure["code"] for measure in _EVERY if measure["code"] != "M-OTHER"]}
    codes = [measure["code"] for measure in _EVERY if measure["code"] not in {"M-OTHER", "M-IMPORT"}]
    return {
        "sites": [*base["sites"], {"code": "skin", "name": "Skin", "to_month": "2026-08"}],
        "measures": [*base["measures"], *_EVERY],
        "pathways": [
            {**pathway, "segments": [*pathway["segments"], segment]},
            {"code": "other", "name": "Other", "segments": [{"code": "only", "name": "Only"}]},
        ],
        "collections": [
            *base["collections"],
            {"code": "mixed", "name": "Of every kind", "measures": codes, "due": {"working_day": 5}, "auto_accept": True},
        ],
        "subcontracts": [*base["subcontracts"], subcontract("SC-MIX", "RL4", "community")],
        "assignments": [
            *base["assignments"],
            {"subcontract": "SC-MIX", "pathway": "cancer", "segment": "mixed", "sites": ["lung", "prostate"], "commissioners": ["05W"]},
        ],
    }


def whole_document() -> dict[str, Any]:
    return document(**changes())


def whole_contract() -> Contract:
    return contract(**changes())


def owed(key: ReturnKey, within: Contract | None = None) -> ExpectedReturn:
    found = expected_return(within or whole_contract(), key)
    assert found is not None
    return found


def mixed_body() -> dict[str, Any]:
    """A return with a measure of every aggregation, whole and without a rest."""
    return {
        "cells": [
            {"measure": "M-RATIO", "site": "lung", "numerator": 3, "denominator": 4},
            {"measure": "M-RATIO", "site": "prostate", "numerator": 0, "denominator": 0},
            {"measure": "M-COUNT", "site": "lung", "numerator": 7},
            {"measure": "M-COUNT", "site": "prostate", "numerator": "8.0"},
            {"measure": "M-STOCK", "numerator": 12},
            {"measure": "M-MEAN", "numerator": "12.125", "denominator": 3},
            {"measure": "M-RISK", "site": "lung", "numerator": 1, "denominator": "2.5"},
            {"measure": "M-RISK", "site": "prostate", "numerator": 4, "denominator": 4},
        ]
    }


def hospice_body() -> dict[str, Any]:
    return {
        "rest": "zero",
        "cells": [
            {"measure": "HOSP-WAIT", "category": "0-1", "numerator": 15},
            {"measure": "E-BEDOCC", "numerator": 214, "denominator": 300},
        ],
    }


def cwt_body(numerator: Any = 2, **more: Any) -> dict[str, Any]:
    """A trust's month: one line of each measure, the rest zero."""
    place = {"site": "lung", "commissioner": "05W"}
    return {
        "rest": "zero",
        "cells": [
            {"measure": "CWT-FDS", "segment": "diagnosis", **place, "numerator": 40, "denominator": 50},
            {"measure": "CWT-62", "pathway": "cancer", **place, "category": "urgent", "numerator": numerator, "denominator": 3},
        ],
        **more,
    }


def address(key: ReturnKey) -> str:
    return f"{RETURNS}/{key.collection}/{key.subcontract}/{key.month}"
