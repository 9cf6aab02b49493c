"""The largest programme to plan for: 100 subcontracts, 75 segments, 15 sites, 7 commissioners, 60 measures, 120 months, some 100,000 facts."""

from collections.abc import Iterator
from typing import Any, Final

from app.kernel.months import Month

PROGRAMME: Final = "largest"
FIRST: Final = Month.parse("2026-07")
LAST: Final = Month.parse("2036-06")

SUBCONTRACTS: Final = 100
PATHWAYS: Final = 5
SEGMENTS: Final = 15
"""Of each pathway."""
SITES: Final = 15
COMMISSIONERS: Final = 7
MEASURES: Final = 60
HOLDERS: Final = 13
"""Subcontracts that deliver one segment, for most of its places."""
RESHARED: Final = (14,)
"""Segments whose split is agreed anew every second year."""

_SECTORS: Final = ("acute", "community", "hospice", "primary_care", "voluntary")
_SETTINGS: Final = {"acute": "acute", "community": "community", "hospice": "hospice", "primary_care": "community", "voluntary": "hospice"}


def document(*, programme: str = PROGRAMME) -> dict[str, Any]:
    """A programme of this size as a document. The same each time: nothing in it is chance."""
    term = {"starts_on": FIRST.first_day.isoformat(), "ends_on": LAST.last_day.isoformat()}
    return {
        "programme": {"code": programme, "name": "The largest", "prime": "X9900", **term},
        "organisations": [
            {"ods_code": "X9900", "name": "A fictional prime provider", "kind": "other"},
            *({"ods_code": _organisation(n), "name": f"Fictional provider {n}", "kind": "acute_trust"} for n in range(SUBCONTRACTS)),
        ],
        "commissioners": [{"ods_code": code, "name": f"Population {code}"} for code in commissioners()],
        "sites": [{"code": code, "name": code, "from_month": _in_scope_from(n)} for n, code in enumerate(sites())],
        "measures": [{"code": code, "name": f"Measure {code}", "unit": "percent", "proportion": True} for code in measures()],
        "pathways": [
            {
                "code": pathway,
                "name": pathway,
                "segments": [
                    {"code": f"step-{step:02d}", "name": f"Step {step}", "measures": _measures_of(number * SEGMENTS + step)}
                    for step in range(SEGMENTS)
                ],
            }
            for number, pathway in enumerate(pathways())
        ],
        "collections": [{"code": "monthly", "name": "Monthly return", "measures": measures(), "due": {"working_day": 15}}],
        "requirements": [{"measure": code, "targets": [{"standard": "0.85"}]} for code in measures()],
        "subcontracts": [
            {"reference": reference(n), "organisation": _organisation(n), "sector": _SECTORS[n % len(_SECTORS)], **term}
            for n in range(SUBCONTRACTS)
        ],
        "assignments": list(_assignments()),
    }


def reference(number: int) -> str:
    return f"SC-{number:03d}"


def sites() -> list[str]:
    return [f"site-{number:02d}" for number in range(SITES)]


def commissioners() -> list[str]:
    return [f"C{number:02d}" for number in range(COMMISSIONERS)]


def measures() -> list[str]:
    return [f"M-{number:02d}" for number in range(MEASURES)]


def pathways() -> list[str]:
    return [f"pathway-{number}" for number in range(PATHWAYS)]


def _organisation(number: int) -> str:
    return f"X{number:03d}"


def _in_scope_from(number: int) -> str | None:
    """Two thirds of the sites at the start, one more every half year from the third year on."""
    return None if number < SITES * 2 // 3 else str(FIRST.plus(24 + 6 * (number - SITES * 2 // 3)))


def _measures_of(segment: int) -> list[str]:
    """Each measure is collected in two or three segments."""
    return [measures()[(segment * 2 + each) % MEASURES] for each in range(2)]


def _assignments() -> Iterator[dict[str, Any]]:
    for number, pathway in enumerate(pathways()):
        for step in range(SEGMENTS):
            segment = number * SEGMENTS + step
            for holder in range(HOLDERS):
                line = {
                    "subcontract": reference((segment * 7 + holder * 11) % SUBCONTRACTS),
                    "pathway": pathway,
                    "segment": f"step-{step:02d}",
                    "expected_volume": 20 + holder,
                }
                yield from _over_time(line, segment, holder)


def _over_time(line: dict[str, Any], segment: int, holder: int) -> Iterator[dict[str, Any]]:
    """Some lines are for a part of the places, some end early, some share, a tenth change once, and a split every second year, so that their months begin and end."""
    if holder % 4 == 3:
        line = {**line, "sites": sites()[: SITES * 2 // 3], "commissioners": commissioners()[segment % 2 :]}
    if segment % 7 == 0:
        line = {**line, "share": 5}
    if segment in RESHARED:
        for month in range(0, 120, 24):
            yield {**line, "from_month": str(FIRST.plus(month)), "to_month": str(FIRST.plus(month + 23))}
        return
    if segment % 5 == 0:
        yield {**line, "to_month": str(FIRST.plus(96 + holder))}
        return
    if (segment + holder) % 10:
        yield line
        return
    change = FIRST.plus(12 + segment)
    yield {**line, "to_month": str(change.plus(-1))}
    yield {**line, "from_month": str(change), "expected_volume": 30}
