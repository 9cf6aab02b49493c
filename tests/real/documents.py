"""The two programmes as configuration documents: what an integrator would write to collect the published figures."""

from typing import Any, Final

from tests.real.published import MONTHS, QUARTER, QUARTER_MEASURE, STANDARDS, England, Quarter

PROGRAMME: Final = "england-cancer"
PATHWAY: Final = "cancer"
COLLECTION: Final = "cwt"
# Nobody holds such a contract: the prime and the commissioner are fictional, and so are their codes.
PRIME: Final = "X9901"
COMMISSIONER: Final = "X9902"
SEGMENTS: Final = {"CWT-FDS": "diagnosis", "CWT-31": "treatment-31", "CWT-62": "treatment-62"}
BREAKDOWNS: Final = {"CWT-31": "stage", "CWT-62": "route"}
SPLIT_BY: Final = {"CWT-FDS": ["segment", "site", "commissioner"]}
EVERY_PLACE: Final = ["pathway", "segment", "site", "commissioner"]


def england_document(england: England) -> dict[str, Any]:
    """One pathway, a segment a standard, one commissioner and a subcontract a provider."""
    measures = sorted(STANDARDS.values())
    sites = sorted({site for measure in measures for site in england.sites[measure]})
    return _document(
        months=MONTHS,
        providers=england.providers,
        sites=[{"code": code, "name": england.names[code]} for code in sites],
        measures=[
            _measure(measure, split_by=SPLIT_BY.get(measure, EVERY_PLACE), halves=measure == "CWT-62")
            | _breakdown(BREAKDOWNS.get(measure), {code: england.names[code] for code in england.categories[measure]})
            for measure in measures
        ],
        segments={SEGMENTS[measure]: measure for measure in measures},
        sites_of={SEGMENTS[measure]: list(england.sites[measure]) for measure in measures},
    )


def quarter_document(quarter: Quarter) -> dict[str, Any]:
    """One measure that is split by nothing but its own breakdown."""
    return _document(
        months=QUARTER,
        providers=quarter.providers,
        sites=[],
        measures=[_measure(QUARTER_MEASURE, split_by=[], halves=True) | _breakdown("care_setting", quarter.names)],
        segments={"treatment": QUARTER_MEASURE},
        sites_of={},
    )


def reference(provider: str) -> str:
    """The subcontract of a provider."""
    return f"SC-{provider}"


def _document(
    *,
    months: tuple[str, ...],
    providers: Any,
    sites: list[dict[str, Any]],
    measures: list[dict[str, Any]],
    segments: dict[str, str],
    sites_of: dict[str, list[str]],
) -> dict[str, Any]:
    starts_on, ends_on = f"{months[0]}-01", f"{months[-1]}-{'31' if months == MONTHS else '30'}"
    term = {"starts_on": starts_on, "ends_on": ends_on}
    return {
        "programme": {"code": PROGRAMME, "name": "Cancer waiting times in England", "prime": PRIME, **term},
        "organisations": [
            {"ods_code": PRIME, "name": "A fictional prime provider", "kind": "other"},
            {"ods_code": COMMISSIONER, "name": "A fictional commissioner of all England", "kind": "icb"},
            *({"ods_code": code, "name": name, "kind": "other"} for code, name in providers.items()),
        ],
        "commissioners": [{"ods_code": COMMISSIONER, "name": "A fictional commissioner of all England"}],
        "sites": sites,
        "measures": measures,
        "pathways": [
            {
                "code": PATHWAY,
                "name": "Cancer",
                "segments": [{"code": code, "name": code, "setting": "acute", "measures": [measure]} for code, measure in segments.items()],
            }
        ],
        "collections": [
            {
                "code": COLLECTION,
                "name": "Cancer waiting times",
                "measures": list(segments.values()),
                "due": {"working_day": 27},
                "auto_accept": True,
            }
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


def _breakdown(code: str | None, categories: Any) -> dict[str, Any]:
    if code is None:
        return {}
    return {"breakdown": {"code": code, "categories": [{"code": part, "name": name} for part, name in sorted(categories.items())]}}
