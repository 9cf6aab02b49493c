"""JSON Schemas (2020-12) made from the shapes that are served and the meanings of their members; among them that of reports and their rows."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

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
    "contract_recorded_at": _MOMENT,
    "sha256": _DIGEST,
    "sent_sha256": _DIGEST,
    "inputs_sha256": _DIGEST,
    "imports_sha256": _DIGEST,
    "content_sha256": _DIGEST,
    "previous_sha256": _DIGEST,
    "event_sha256": _DIGEST,
    "coverage": {"minimum": 0, "maximum": 1},
    "schema_version": {"const": SCHEMA_VERSION},
}
"""How a member is written, wherever it stands, besides its type."""

_LATER: Final = frozenset({"event_sha256"})
"""Members that were added since: what was published before goes on without them."""


def described_by(name: str) -> str:
    """What an answer names in `Link`: the schema that it keeps to."""
    return f'<{ADDRESS}{name}-{SCHEMA_VERSION}.json>; rel="describedby"'


def report_schema() -> dict[str, Any]:
    """What every report of this version, live or published, validates against. Members that it does not name may come later."""
    schema = schema_of(
        "report",
        RenditionView,
        ReportView,
        title="A month's consolidated report",
        description="One object, one array of flat rows with the same keys in every row and scalars only.",
    )
    for member, said in schema["$defs"]["ObservationView"]["properties"].items():
        said["description"] = MEMBERS[member]
    for shape in schema["$defs"].values():
        if "required" in shape:
            shape["required"] = [member for member in shape["required"] if member not in _LATER]
    return schema


def schema_of(
    name: str, shape: type[BaseModel], unsigned: type[BaseModel] | None = None, *, title: str, description: str
) -> dict[str, Any]:
    """What every document of a shape validates against, or of another where it is `unsigned`."""
    shapes = [shape] if unsigned is None else [shape, unsigned]
    definitions: dict[str, Any] = models_json_schema([(each, "serialization") for each in shapes])[1]["$defs"]
    for defined in definitions.values():
        for member, said in defined.get("properties", {}).items():
            _refine(said, _FORMS.get(member, {}))
    which = _named(shape)
    if unsigned is not None:
        which = {"if": {"required": ["signature"]}, "then": which, "else": _named(unsigned)}
    return {
        "$schema": DIALECT,
        "$id": f"urn:mainstem:schema:{name}-{SCHEMA_VERSION}",
        "title": title,
        "description": description,
        **which,
        "$defs": definitions,
    }


def _named(shape: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{shape.__name__}"}


def _refine(said: dict[str, Any], form: dict[str, Any]) -> None:
    """Say of a member, or of what it is where it is not null, how it is written."""
    for part in said.get("anyOf", [said]):
        if part.get("type") != "null":
            part.update(form)
