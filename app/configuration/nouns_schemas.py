"""The shapes in which one noun's lines are answered, with an example of each."""

from typing import Any, Final

from pydantic import BaseModel, RootModel, create_model

from app.configuration.history import Version
from app.configuration.nouns import NOUNS, PROGRAMME, Noun
from app.configuration.schemas import Difference
from app.kernel.moments import moment_text
from app.measures.catalogue import CATALOGUE

_STATED: Final[dict[str, dict[str, Any]]] = {
    "programme": {
        "code": "staffs-cancer",
        "name": "Cancer services in Staffordshire",
        "prime": "X9901",
        "starts_on": "2026-07-01",
        "ends_on": "2036-06-30",
        "value_pence": 68700000000,
    },
    "commissioners": {"ods_code": "05W", "name": "Stoke on Trent", "parent": "QNC", "from_month": "2026-07"},
    "phases": {"number": 1, "name": "Foundation", "from_month": "2026-07", "to_month": "2028-06", "payment": "shadow"},
    "sites": {"code": "prostate", "name": "Prostate", "parent": "urological", "from_month": "2026-07"},
    "measures": CATALOGUE["CWT-62"].model_dump(mode="json"),
    "pathways": {
        "code": "lung",
        "name": "Lung",
        "sites": ["lung"],
        "segments": [{"code": "treatment", "name": "First treatment", "setting": "acute", "measures": ["CWT-62"]}],
    },
    "collections": {"code": "cwt", "name": "Cancer waiting times", "measures": ["CWT-62"], "due": {"working_day": 27}},
    "requirements": {"measure": "CWT-62", "schedule_ref": "4A-3", "targets": [{"from_month": "2026-07", "standard": "0.85"}]},
    "subcontracts": {
        "reference": "SC-RJE",
        "organisation": "RJE",
        "sector": "acute",
        "starts_on": "2026-07-01",
        "ends_on": "2031-06-30",
        "status": "live",
    },
    "handovers": {
        "code": "lung-to-treatment",
        "sent": {"pathway": "lung", "segment": "diagnosis", "measure": "R-OUT"},
        "received": {"pathway": "lung", "segment": "treatment", "measure": "R-IN"},
        "tolerance": {"absolute": "2", "relative": "0.05"},
    },
}

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    noun.section: noun.line.model_validate(_STATED[noun.section]).model_dump(mode="json", by_alias=True) for noun in (PROGRAMME, *NOUNS)
}
"""A line of each noun in its normal form."""

_SITE: Final = EXAMPLES["sites"]
_OBLIGATION: Final = {"collection": "cwt", "subcontract": "SC-RJE", "from_month": "2028-04", "to_month": "2031-06"}
DIFFERENCE: Final[dict[str, Any]] = {
    "programme": "staffs-cancer",
    "would_create": False,
    "differences": [
        {
            "noun": "sites",
            "added": [],
            "changed": [["prostate"]],
            "withdrawn": [],
            "lines": [{"key": ["prostate"], "before": _SITE, "after": {**_SITE, "to_month": "2028-03"}}],
        }
    ],
    "effects": {
        "obligations_appearing": [],
        "obligations_disappearing": [],
        "obligations_changing": [_OBLIGATION],
        "gaps_opened": [],
        "gaps_closed": [],
        "overlaps_appearing": [],
        "overlaps_disappearing": [],
        "weights": [{"contract_year": 1, "before": 1, "after": 1}],
        "months_touched": [],
        "publications_touched": [],
    },
    "need_approval": [],
}


class VersionView(BaseModel):
    """When a version was recorded and closed, and by which client; the last two are null while it is in force."""

    recorded_at: str
    recorded_by: str
    closed_at: str | None
    closed_by: str | None


def history_view(version: Version) -> dict[str, Any]:
    return {
        "line": version.line.model_dump(mode="json", by_alias=True),
        "recorded_at": moment_text(version.recorded_at),
        "recorded_by": version.recorded_by,
        "closed_at": None if version.closed_at is None else moment_text(version.closed_at),
        "closed_by": version.closed_by,
    }


def page_models(noun: Noun) -> tuple[type[BaseModel], type[BaseModel]]:
    """The shapes of a page of lines, and of a page of one line's versions."""
    name = noun.line.__name__
    members: dict[str, Any] = {noun.plural: (list[noun.line], ...), "next": (str | None, ...)}  # type: ignore[name-defined]  # the type is the noun's own model, a value that mypy cannot read
    version = create_model(f"{name}VersionView", __base__=VersionView, line=(noun.line, ...))
    history: dict[str, Any] = {"versions": (list[version], ...), "next": (str | None, ...)}
    return create_model(f"{name}Page", **members), create_model(f"{name}HistoryPage", **history)


def page_examples(noun: Noun) -> tuple[dict[str, Any], dict[str, Any]]:
    """An example of each."""
    line = EXAMPLES[noun.section]
    version = {"line": line, "recorded_at": "2026-07-01T09:00:00.000000Z", "recorded_by": "k3v9", "closed_at": None, "closed_by": None}
    return {noun.plural: [line], "next": None}, {"versions": [version], "next": None}


def either_model(noun: Noun) -> type[BaseModel]:
    """The line itself, or what a dry run answers."""
    return RootModel[noun.line | Difference]  # type: ignore[name-defined]  # the type is the noun's own model, a value that mypy cannot read
