"""The JSON Schema (2020-12) of reports and their rows, made from the shapes that are served and the meanings of their members."""

from typing import Any, Final

from pydantic import TypeAdapter

from app.reports.envelope import SCHEMA_VERSION
from app.reports.members import MEMBERS
from app.reports.rendition_schemas import RenditionView
from app.reports.schemas import ReportView

ADDRESS: Final = "/v1/schemas/"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_MONTH: Final = {"pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$"}
_DAY: Final = {"format": "date"}
_MOMENT: Final = {"format": "date-time"}
_DIGEST: Final = {"pattern": "^[0-9a-f]{64}$"}
_FORMS: Final[dict[str, dict[str, Any]]] = {
    "month": _MONTH,
    "spc_from": _MONTH,
    "period_start": _DAY,
    "period_end": _DAY,
    "source_published_on": _DAY,
    "as_of": _MOMENT,
    "published_at": _MOMENT,
    "inputs_sha256": _DIGEST,
    "previous_sha256": _DIGEST,
    "coverage": {"minimum": 0, "maximum": 1},
    "schema_version": {"const": SCHEMA_VERSION},
}
"""How a member is written, wherever it stands, besides its type."""


def report_schema() -> dict[str, Any]:
    """What every report of this version, live or published, validates against. Members that it does not name may come later."""
    definitions = TypeAdapter(RenditionView | ReportView).json_schema(mode="serialization")["$defs"]
    for name, shape in definitions.items():
        for member, said in shape["properties"].items():
            _refine(said, _FORMS.get(member, {}))
            if name == "ObservationView":
                said["description"] = MEMBERS[member]
    return {
        "$schema": DIALECT,
        "$id": f"urn:mainstem:schema:report-{SCHEMA_VERSION}",
        "title": "A month's consolidated report",
        "description": "One object, one array of flat rows with the same keys in every row and scalars only.",
        "if": {"required": ["signature"]},
        "then": {"$ref": "#/$defs/RenditionView"},
        "else": {"$ref": "#/$defs/ReportView"},
        "$defs": definitions,
    }


def _refine(said: dict[str, Any], form: dict[str, Any]) -> None:
    """Say of a member, or of what it is where it is not null, how it is written."""
    for part in said.get("anyOf", [said]):
        if part.get("type") != "null":
            part.update(form)


SCHEMAS: Final = {f"report-{SCHEMA_VERSION}.json": report_schema}
"""Every published schema by its file's name."""
