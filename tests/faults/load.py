"""Returns to submit: a small programme whose months lie in the past, and submissions that no two of are alike."""

import json
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from string import ascii_lowercase
from typing import Any, Final

from app.calendar.expected import ReturnKey
from app.kernel.months import Month

PROGRAMME: Final = "faults"
SUBCONTRACTS: Final = ("SC-1", "SC-2", "SC-3", "SC-4")
FIRST: Final = Month.parse("2006-01")
LAST: Final = Month.parse("2045-12")
ITSELF: Final = "waits"
"""The collection that accepts a clean return by itself."""
BY_HAND: Final = "routes"
CLOSING: Final = "stays"
"""By hand, and frozen at its instant where the programme says so."""

_SITES: Final = {reference: tuple(f"{reference}-{letter}" for letter in "abc") for reference in SUBCONTRACTS}
_COMMISSIONERS: Final = ("05W", "05G", "05Q")
_ROUTES: Final = ("urgent", "screening", "upgrade")
_CATEGORIES: Final = {ITSELF: ("all",), BY_HAND: _ROUTES, CLOSING: ("all",)}
_MEASURES: Final = {ITSELF: "W-31", BY_HAND: "W-62", CLOSING: "W-STAY"}

Figure = tuple[str, str, str, str, str, str, Decimal, Decimal]
"""The six codes that name a cell, its numerator and its denominator."""


def assignments(**of: Any) -> list[dict[str, Any]]:
    """Every subcontract delivers to sites of its own; `of` changes what the last one says."""
    lines: list[dict[str, Any]] = [
        {"subcontract": reference, "pathway": "main", "segment": "treatment", "sites": list(sites)} for reference, sites in _SITES.items()
    ]
    return [*lines[:-1], {**lines[-1], **of}]


def document(*, freezes: bool = False, **changes: Any) -> dict[str, Any]:
    """Three collections of one measure each, owed by four subcontracts every month."""
    term = {"starts_on": FIRST.first_day.isoformat(), "ends_on": LAST.last_day.isoformat()}
    measure = {"proportion": True, "unit": "percent", "direction": "higher"}
    routes = {"code": "route", "categories": [{"code": code} for code in _ROUTES]}
    due = {"due": {"working_day": 20}}
    whole = {
        "programme": {"code": PROGRAMME, "name": "Faults", "prime": "X9901", **term},
        "organisations": [
            {"ods_code": "X9901", "name": "Prime", "kind": "other"},
            {"ods_code": "X9902", "name": "Provider", "kind": "acute_trust"},
        ],
        "commissioners": [{"ods_code": code, "name": code} for code in _COMMISSIONERS],
        "sites": [{"code": code, "name": code} for sites in _SITES.values() for code in sites],
        "measures": [
            {"code": _MEASURES[ITSELF], "name": "31 days", **measure},
            {"code": _MEASURES[BY_HAND], "name": "62 days", **measure, "numeric_kind": "half_unit", "breakdown": routes},
            {"code": _MEASURES[CLOSING], "name": "Short stays", **measure},
        ],
        "pathways": [
            {"code": "main", "name": "Main", "segments": [{"code": "treatment", "name": "Treatment", "measures": [*_MEASURES.values()]}]}
        ],
        "collections": [
            {"code": ITSELF, "name": "Waits", "measures": [_MEASURES[ITSELF]], **due, "auto_accept": True},
            {"code": BY_HAND, "name": "Routes", "measures": [_MEASURES[BY_HAND]], **due, "auto_accept": False},
            {
                "code": CLOSING,
                "name": "Stays",
                "measures": [_MEASURES[CLOSING]],
                **due,
                "auto_accept": False,
                **({"freeze": {"working_day": 18, "months_later": 2}} if freezes else {}),
            },
        ],
        "subcontracts": [{"reference": reference, "organisation": "X9902", "sector": "acute", **term} for reference in SUBCONTRACTS],
        "assignments": assignments(),
    }
    return {**whole, **changes}


def smallest(programme: str) -> dict[str, Any]:
    """The smallest that is accepted by hand and published: a measure at one site, owed by one subcontract in the last month, which is in no other race."""
    term = {"starts_on": LAST.first_day.isoformat(), "ends_on": LAST.last_day.isoformat()}
    whole = document(assignments=[{"subcontract": "SC-1", "pathway": "main", "segment": "treatment", "sites": ["SC-1-a"]}])
    whole["programme"] |= {"code": programme, **term}
    whole["pathways"][0]["segments"][0]["measures"] = [_MEASURES[CLOSING]]
    whole |= {name: [each for each in whole[name] if each["code"] in kept] for name, kept in _SMALLEST.items()}
    return whole | {"commissioners": whole["commissioners"][:1], "subcontracts": [{**whole["subcontracts"][0], **term}]}


_SMALLEST: Final = {"measures": (_MEASURES[CLOSING],), "collections": (CLOSING,), "sites": ("SC-1-a",)}


@dataclass(frozen=True, slots=True)
class Submission:
    """A complete return as it is sent. Its note makes it unlike any other."""

    key: ReturnKey
    idempotency_key: str
    figures: tuple[Figure, ...]
    body: bytes

    @property
    def path(self) -> str:
        return f"{address(self.key)}/revisions"


def address(key: ReturnKey, *, programme: str = PROGRAMME) -> str:
    return f"/v1/programmes/{programme}/returns/{key.collection}/{key.subcontract}/{key.month}"


def submission(random: Random, key: ReturnKey) -> Submission:
    """A return with figures of its own."""
    # Letters only: ten digits in a row may pass for a patient's number, and are refused.
    idempotency_key = "".join(random.choices(ascii_lowercase, k=24))
    figures = tuple(sorted(_figures(random, key)))
    cells = [
        {
            "pathway": pathway,
            "segment": segment,
            "measure": measure,
            "site": site,
            "commissioner": commissioner,
            "category": category,
            "numerator": str(numerator),
            "denominator": str(denominator),
        }
        for pathway, segment, measure, site, commissioner, category, numerator, denominator in figures
    ]
    body = json.dumps({"cells": cells, "note": f"sent once: {idempotency_key}"}).encode()
    return Submission(key, idempotency_key, figures, body)


def _figures(random: Random, key: ReturnKey) -> list[Figure]:
    figures: list[Figure] = []
    for site in _SITES[key.subcontract]:
        for commissioner in _COMMISSIONERS:
            for category in _CATEGORIES[key.collection]:
                denominator = random.randint(0, 60)
                numerator = random.randint(0, denominator)
                place = ("main", "treatment", _MEASURES[key.collection], site, commissioner, category)
                figures.append((*place, Decimal(numerator), Decimal(denominator)))
    return figures


def measure_of(key: ReturnKey) -> str:
    return _MEASURES[key.collection]


def any_key(random: Random, subcontract: str, *, months: int = 6) -> ReturnKey:
    """One of few returns, so that several submit to the same one."""
    return ReturnKey(random.choice((ITSELF, BY_HAND, CLOSING)), subcontract, FIRST.plus(random.randrange(months)))
