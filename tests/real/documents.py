"""The two programmes as configuration documents: what an integrator would write to collect the published figures."""

from collections.abc import Mapping
from typing import Any, Final

from tests.real.published import MONTHS, QUARTER, QUARTER_MEASURE, UNKNOWN, England, Quarter

PROGRAMME: Final = "england-cancer"
COMMISSIONED: Final = "england-commissioned"
"""The programme of the same patients by commissioner."""
PATHWAY: Final = "cancer"
COLLECTION: Final = "cwt"
# Nobody holds such a contract: the prime and the commissioner are fictional, and so are their codes.
PRIME: Final = "X9901"
COMMISSIONER: Final = "X9902"
# A segment of its own for each standard's cells by site, and one for its treatments by modality.
_SEGMENTS: Final = {"CWT-FDS": "diagnosis", "CWT-31": "treatment-31", "CWT-62": "treatment-62"}
_BREAKDOWNS: Final = {"CWT-FDS": "route", "CWT-31": "stage", "CWT-62": "route"}
_NATIONAL: Final = "X9903"
NATIONAL: Final = f"SC-{_NATIONAL}"
"""One fictional national subcontract, which reports every commissioner's patients."""


def is_modality(measure: str) -> bool:
    return "-MODALITY" in measure


def segment_of(measure: str) -> str:
    return "modality" if is_modality(measure) else _SEGMENTS[measure]


def split_of(measure: str) -> list[str]:
    """Faster diagnosis is about no pathway in particular, and modality about no site."""
    if is_modality(measure):
        return ["segment", "commissioner"]
    return ["segment", "site", "commissioner"] if measure == "CWT-FDS" else ["pathway", "segment", "site", "commissioner"]


def england_document(england: England) -> dict[str, Any]:
    """One pathway, a segment a standard and one for modality, one commissioner and a subcontract a provider."""
    return _document(
        months=MONTHS,
        providers=england.organisations,
        commissioners={COMMISSIONER: "A fictional commissioner of all England"},
        measures=_measures(england, basis="provider"),
        **_places(england),
        collections={COLLECTION: list(england.sites)},
    )


def commissioners_document(england: England) -> dict[str, Any]:
    """The same of the patients of each commissioner, all reported by one subcontract; of some nobody knows the commissioner."""
    return _document(
        code=COMMISSIONED,
        months=MONTHS,
        providers={_NATIONAL: "A fictional national reporter"},
        commissioners={code: name for code, name in england.organisations.items() if code != UNKNOWN},
        measures=[each | {"unknown": ["commissioner"]} for each in _measures(england, basis="commissioner")],
        **_places(england),
        collections=by_segment(england),
    )


def by_segment(england: England) -> dict[str, list[str]]:
    """The measures of each segment; the national subcontract returns those of one at a time."""
    found: dict[str, list[str]] = {}
    for measure in england.sites:
        found.setdefault(segment_of(measure), []).append(measure)
    return found


def _places(england: England) -> dict[str, Any]:
    """The sites, the segments with their measures, and the sites that each segment is about."""
    return {
        "sites": [
            {"code": code, "name": england.names[code]} for code in sorted({site for sites in england.sites.values() for site in sites})
        ],
        "segments": by_segment(england),
        "sites_of": {segment_of(measure): list(sites) for measure, sites in england.sites.items() if sites},
    }


def _measures(england: England, *, basis: str) -> list[dict[str, Any]]:
    return [
        _measure(measure, split_by=split_of(measure), halves=measure.startswith("CWT-62"))
        | {"basis": basis}
        | _breakdown("modality" if is_modality(measure) else _BREAKDOWNS[measure], {code: england.names[code] for code in categories})
        for measure, categories in england.categories.items()
    ]


def quarter_document(quarter: Quarter) -> dict[str, Any]:
    """One measure that is split by nothing but its own breakdown."""
    return _document(
        months=QUARTER,
        providers=quarter.providers,
        commissioners={COMMISSIONER: "A fictional commissioner of all England"},
        sites=[],
        measures=[_measure(QUARTER_MEASURE, split_by=[], halves=True) | _breakdown("care_setting", quarter.names)],
        segments={"treatment": [QUARTER_MEASURE]},
        sites_of={},
        collections={COLLECTION: [QUARTER_MEASURE]},
    )


def reference(provider: str) -> str:
    """The subcontract of a provider."""
    return f"SC-{provider}"


def _document(
    *,
    code: str = PROGRAMME,
    months: tuple[str, ...],
    providers: Mapping[str, str],
    commissioners: Mapping[str, str],
    sites: list[dict[str, Any]],
    measures: list[dict[str, Any]],
    segments: Mapping[str, list[str]],
    sites_of: Mapping[str, list[str]],
    collections: Mapping[str, list[str]],
) -> dict[str, Any]:
    starts_on, ends_on = f"{months[0]}-01", f"{months[-1]}-{'31' if months == MONTHS else '30'}"
    term = {"starts_on": starts_on, "ends_on": ends_on}
    return {
        "programme": {"code": code, "name": "Cancer waiting times in England", "prime": PRIME, **term},
        "organisations": [
            {"ods_code": PRIME, "name": "A fictional prime provider", "kind": "other"},
            *({"ods_code": code, "name": name, "kind": "icb"} for code, name in commissioners.items()),
            *({"ods_code": code, "name": name, "kind": "other"} for code, name in providers.items()),
        ],
        "commissioners": [{"ods_code": code, "name": name} for code, name in commissioners.items()],
        "sites": sites,
        "measures": measures,
        "pathways": [
            {
                "code": PATHWAY,
                "name": "Cancer",
                "segments": [{"code": code, "name": code, "setting": "acute", "measures": counted} for code, counted in segments.items()],
            }
        ],
        "collections": [
            {"code": code, "name": "Cancer waiting times", "measures": counted, "due": {"working_day": 27}, "auto_accept": True}
            for code, counted in collections.items()
        ],
        "subcontracts": [{"reference": reference(code), "organisation": code, "sector": "acute", **term} for code in providers],
        "assignments": [
            {"subcontract": reference(code), "pathway": PATHWAY, "segment": segment, "sites": sites_of.get(segment, "all")}
            for code in providers
            for segment in segments
        ],
    }


def _measure(code: str, *, split_by: list[str], halves: bool) -> dict[str, Any]:
    return {
        "code": code,
        "name": code,
        "kind": "service_standard",
        "direction": "higher",
        "numeric_kind": "half_unit" if halves else "integer",
        "aggregation": "ratio_sum",
        "proportion": True,
        "unit": "percent",
        "split_by": split_by,
    }


def _breakdown(code: str, categories: Mapping[str, str]) -> dict[str, Any]:
    return {"breakdown": {"code": code, "categories": [{"code": part, "name": name} for part, name in sorted(categories.items())]}}
