"""What is submitted: programmes in which each subcontract owes a thousand cells a month, and returns of it."""

import json
from random import Random
from typing import Any, Final

from app.kernel.months import Month

PROGRAMME: Final = "bench"
MANY: Final = "bench-many"
"""A second programme, with as many subcontracts as submit at once."""
COLLECTION: Final = "waits"
SUBCONTRACT: Final = "SC-001"
SUBCONTRACTS: Final = tuple(f"SC-{number:03d}" for number in range(1, 9))
FIRST: Final = Month.parse("2006-01")
LAST: Final = Month.parse("2025-12")

_SITES: Final = {reference: tuple(f"{reference}-{number:02d}" for number in range(20)) for reference in SUBCONTRACTS}
_COMMISSIONERS: Final = tuple(f"C{number:02d}" for number in range(10))
_ROUTES: Final = ("urgent", "breast_symptomatic", "screening", "upgrade")
CELLS: Final = len(_SITES[SUBCONTRACT]) * len(_COMMISSIONERS) * (1 + len(_ROUTES))


def document(programme: str) -> dict[str, Any]:
    """A pathway for each site, where two measures are collected, one of them by route."""
    references = SUBCONTRACTS if programme == MANY else (SUBCONTRACT,)
    sites = [site for reference in references for site in _SITES[reference]]
    term = {"starts_on": FIRST.first_day.isoformat(), "ends_on": LAST.last_day.isoformat()}
    measure = {"proportion": True, "unit": "percent", "direction": "higher"}
    return {
        "programme": {"code": programme, "name": "Bench", "prime": "X9901", **term},
        "organisations": [
            {"ods_code": "X9901", "name": "Prime", "kind": "other"},
            {"ods_code": "X9902", "name": "Provider", "kind": "acute_trust"},
        ],
        "commissioners": [{"ods_code": code, "name": code} for code in _COMMISSIONERS],
        "sites": [{"code": code, "name": code} for code in sites],
        "measures": [
            {"code": "W-31", "name": "31 days", **measure},
            {
                "code": "W-62",
                "name": "62 days",
                **measure,
                "numeric_kind": "half_unit",
                "breakdown": {"code": "route", "categories": [{"code": code} for code in _ROUTES]},
            },
        ],
        "pathways": [
            {"code": site, "name": site, "segments": [{"code": "treatment", "name": "Treatment", "measures": ["W-31", "W-62"]}]}
            for site in sites
        ],
        "collections": [{"code": COLLECTION, "name": "Waits", "measures": ["W-31", "W-62"], "due": {"working_day": 20}}],
        "subcontracts": [{"reference": reference, "organisation": "X9902", "sector": "acute", **term} for reference in references],
        "assignments": [
            {"subcontract": reference, "pathway": site, "segment": "treatment", "sites": [site]}
            for reference in references
            for site in _SITES[reference]
        ],
    }


def codes() -> list[tuple[str, str]]:
    """Every code that a cell names, with its kind."""
    return [
        *(("pathway", code) for code in _SITES[SUBCONTRACT]),
        ("segment", "treatment"),
        *(("measure", code) for code in ("W-31", "W-62")),
        *(("site", code) for code in _SITES[SUBCONTRACT]),
        *(("commissioner", code) for code in _COMMISSIONERS),
    ]


def body(random: Random, subcontract: str = SUBCONTRACT) -> bytes:
    """A return that lists all its thousand cells, some of them in halves."""
    return json.dumps({"cells": [_cell(random, *place) for place in _places(subcontract)]}, separators=(",", ":")).encode()


def _places(subcontract: str) -> list[tuple[str, str, str, str | None]]:
    return [
        (site, commissioner, measure, category)
        for site in _SITES[subcontract]
        for commissioner in _COMMISSIONERS
        for measure, category in (("W-31", None), *(("W-62", route) for route in _ROUTES))
    ]


def _cell(random: Random, site: str, commissioner: str, measure: str, category: str | None) -> dict[str, Any]:
    denominator = random.randint(1, 60)
    numerator = random.randint(0, denominator)
    halves = (
        {"numerator": numerator, "denominator": denominator}
        if category is None
        else {"numerator": numerator / 2, "denominator": denominator / 2}
    )
    place = {"pathway": site, "segment": "treatment", "measure": measure, "site": site, "commissioner": commissioner}
    return {**place, **({} if category is None else {"category": category}), **halves}
